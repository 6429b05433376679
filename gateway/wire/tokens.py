"""Token ids of a request, put back into the text that they stand for, so that it can be inspected.

Some clients send ids by default (langchain-openai's embeddings). What cannot be decoded stays as it is, and the
declaration refuses it with `token_ids_unreadable`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from gateway.domain.strict_json import Json

FIELDS = ("input", "prompt")
"""Top-level fields of embeddings and completions that may hold token ids."""


class Tokenizer(Protocol):
    """Knows the token ids of some models."""

    def text(self, model: str, ids: Sequence[int]) -> str | None:
        """The text that `ids` stand for in the provider's `model`; None where that cannot be said for sure."""
        ...


def decoded(document: Mapping[str, Json], model: str, tokenizer: Tokenizer) -> dict[str, Json]:
    """`document` with the arrays of token ids in `FIELDS` replaced by their texts, as far as they can be read.

    `model` is the name that the destination will see: it decides which text an id stands for.
    """
    return {
        key: _decoded(value, model, tokenizer) if key in FIELDS and isinstance(value, list) else value
        for key, value in document.items()
    }


def _decoded(value: list[Json], model: str, tokenizer: Tokenizer) -> Json:
    """One array of ids is one text; an array of such arrays is an array of texts."""
    if (ids := _ids(value)) is not None:
        return _text(ids, model, tokenizer)
    several = [_ids(member) for member in value]
    if any(member is None for member in several):
        return value
    return [_text(member, model, tokenizer) for member in several if member is not None]


def _ids(value: Json) -> list[int] | None:
    """`value` as token ids, where it is a non-empty array of integers."""
    if not isinstance(value, list) or not value:
        return None
    ids = [member for member in value if isinstance(member, int) and not isinstance(member, bool)]
    return ids if len(ids) == len(value) else None


def _text(ids: list[int], model: str, tokenizer: Tokenizer) -> Json:
    text = tokenizer.text(model, ids)
    return list(ids) if text is None else text
