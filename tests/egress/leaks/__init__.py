"""The leak suite: every field of every operation, in every form, and the known holes of gateways of this kind."""
