"""`POST /v1/completions`, `POST /v1/embeddings` and `POST /v1/moderations`."""

from __future__ import annotations

from gateway.domain.declaration import (
    ByType,
    Each,
    Field,
    Flag,
    Identifier,
    Number,
    Opaque,
    Record,
    Source,
    Text,
    TokenId,
    Variants,
)
from gateway.wire.schema.shared import COUNT, LOGIT_BIAS, SEED, STOP, TEMPERATURE, TOP_P, choice

_USER_TEXT = Text(source=Source.USER)
_TEXTS_OR_TOKENS = ByType(
    string=_USER_TEXT, array=Each(ByType(string=_USER_TEXT, number=TokenId(), array=Each(TokenId())))
)
"""A text, texts, the token ids of a text, or the token ids of several."""

COMPLETIONS: Field = Record(
    {
        "model": Identifier(),
        "prompt": _TEXTS_OR_TOKENS,
        "suffix": _USER_TEXT,
        "stream": Flag(),
        "stream_options": Record({"include_usage": Flag(), "include_obfuscation": Flag()}),
        # control
        "temperature": TEMPERATURE,
        "top_p": TOP_P,
        "frequency_penalty": Number(-2, 2),
        "presence_penalty": Number(-2, 2),
        "n": Number(1, 128, integer=True),
        "best_of": Number(0, 128, integer=True),
        "max_tokens": Number(0, COUNT, integer=True),
        "logprobs": Number(0, 20, integer=True),
        "echo": Flag(),
        "logit_bias": LOGIT_BIAS,
        # text
        "seed": SEED,
        "stop": STOP,
        "user": Text(),
    },
    frozenset({"model", "prompt"}),
)
"""POST /v1/completions."""

EMBEDDINGS: Field = Record(
    {
        "model": Identifier(),
        "input": _TEXTS_OR_TOKENS,
        "dimensions": Number(1, COUNT, integer=True),
        "encoding_format": choice("float", "base64"),
        "user": Text(),
    },
    frozenset({"model", "input"}),
)
"""POST /v1/embeddings."""

_IMAGE_URL = Record({"url": Opaque("image")}, frozenset({"url"}))
_MODERATED_PART = Variants(
    "type",
    {
        "text": Record({"type": choice("text"), "text": _USER_TEXT}, frozenset({"text"})),
        "image_url": Record({"type": choice("image_url"), "image_url": _IMAGE_URL}, frozenset({"image_url"})),
    },
)

MODERATIONS: Field = Record(
    {
        "model": Identifier(),
        "input": ByType(string=_USER_TEXT, array=Each(ByType(string=_USER_TEXT, object=_MODERATED_PART))),
    },
    frozenset({"input"}),
)
"""POST /v1/moderations."""
