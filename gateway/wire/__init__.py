"""The OpenAI dialect over HTTP: who is calling, what shape is it, how is the answer told."""
