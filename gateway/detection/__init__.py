"""What the detector is made of. It runs in its own process, the only one that loads spaCy and Presidio.

Of this package the gateway itself imports only `frames`, which is what the two processes tell each other, `joints` and
`gist`, which are what it asks about beside single texts, `consistency`, which holds all texts of a conversation to what
one gives away, and `index_file`, which reads the headers of indexes.
"""
