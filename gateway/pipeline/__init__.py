"""The stories of a request, step by step, over ports."""
