"""What the detector is made of. It runs in its own process, the only one that loads spaCy and Presidio.

Of this package the gateway itself imports only `frames`, which is what the two processes tell each other, and `joints`,
which is what it asks about beside single texts.
"""
