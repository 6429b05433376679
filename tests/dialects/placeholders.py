"""A vault, and texts that hold its placeholders, cut anywhere."""

from __future__ import annotations

import json
from collections.abc import Sequence

from hypothesis import strategies as st

from gateway.domain.labels import Entity
from gateway.domain.mask import Vault
from gateway.domain.restore import Restorer

VALUES = {"K7QX2M3ABC": 'a"b@c.example', "ZZ23456789": "Zoë\\Strauß\n2", "K7QX2M3ABD": "x@y.example"}
VAULT = Vault(VALUES, frozenset({Entity("EMAIL_ADDRESS"), Entity("PERSON")}))
NO_VAULT = Vault({}, frozenset())
PLACEHOLDER = "[EMAIL_ADDRESS_K7QX2M3ABC]"
VALUE = VALUES["K7QX2M3ABC"]

_PIECES = st.one_of(
    st.sampled_from(
        [
            PLACEHOLDER,
            "[PERSON_ZZ23456789]",
            "EMAIL_ADDRESS_K7QX2M3ABD",
            "[EMAIL_ADDRESS_AAAAAAAAAA]",
            "[EMAIL_ADD",
            "person_",
            "[",
            " ",
        ]
    ),
    st.text(st.characters(exclude_categories=("Cs",)), max_size=8),
)
TEXTS = st.lists(_PIECES, max_size=8).map("".join)
"""Texts with whole, bare, foreign and unfinished placeholders."""

CUTS = st.lists(st.integers(0, 200), max_size=12)


def cut(text: str, places: Sequence[int]) -> list[str]:
    """`text` in pieces, cut at `places` where it is long enough."""
    ends = sorted({place for place in places if place < len(text)} | {len(text)})
    return [text[start:end] for start, end in zip([0, *ends], ends, strict=False)]


def restored(text: str) -> str:
    """`text` with the placeholders turned back, all at once."""
    return Restorer(VAULT).whole(text)


def restored_json(value: object) -> object:
    """The JSON document with the placeholders in its strings turned back."""
    return json.loads(Restorer(VAULT, json_escaped=True).whole(json.dumps(value, ensure_ascii=False)))
