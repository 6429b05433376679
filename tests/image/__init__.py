"""The image and the compose file, as far as they can be checked without a container engine."""
