"""The recipe of the task and topic heads: generated texts, vectors of the encoder, two linear classifiers."""
