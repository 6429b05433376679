"""Which parts of a body are token ids, and what becomes of those that cannot be read."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.strict_json import Json
from gateway.wire.tokens import decoded


class Alphabet:
    """Ids 0 to 25 are letters; everything else cannot be read, nor anything of another model."""

    def text(self, model: str, ids: Sequence[int]) -> str | None:
        """The letters."""
        if model != "letters" or not all(0 <= each < 26 for each in ids):
            return None
        return "".join(chr(97 + each) for each in ids)


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ([7, 8], "hi"),
        ([[7, 8], [0]], ["hi", "a"]),
        ([[7, 8], [99]], ["hi", [99]]),
        ([99, 1], [99, 1]),
        ("text", "text"),
        (["text", "more"], ["text", "more"]),
        (["text", 1], ["text", 1]),
        ([[1], "text"], [[1], "text"]),
        ([True, 1], [True, 1]),
        ([1.0], [1.0]),
        ([], []),
        ([[]], [[]]),
        ([[[1]]], [[[1]]]),
        (None, None),
        ({"a": [1]}, {"a": [1]}),
    ],
)
@pytest.mark.parametrize("name", ["input", "prompt"])
def test_token_ids_become_text(name: str, value: Json, read: Json) -> None:
    """One array of ids is one text, arrays are texts, and what is neither or cannot be read stays as it is."""
    assert {"model": "m", name: read} == decoded({"model": "m", name: value}, "letters", Alphabet())


def test_the_destinations_model_decides() -> None:
    """The same ids are another text, or none, for another model."""
    body: dict[str, Json] = {"input": [7, 8]}

    assert body == decoded(body, "numbers", Alphabet())


@given(st.dictionaries(st.sampled_from(["seed", "stop", "dimensions", "tokens"]), st.lists(st.integers(0, 25))))
def test_other_fields_are_left_alone(body: dict[str, list[int]]) -> None:
    """Numbers elsewhere are numbers."""
    document: dict[str, Json] = {name: list(ids) for name, ids in body.items()}

    assert document == decoded(document, "letters", Alphabet())
