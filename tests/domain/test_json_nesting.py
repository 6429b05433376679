"""How deep in strings a place of a JSON text lies."""

from __future__ import annotations

import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.json_nesting import Nesting

MARK = "§"


def depth(text: str) -> int:
    """The depth at the mark."""
    nesting = Nesting()
    nesting.feed(text.partition(MARK)[0])
    return nesting.depth


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f'{{"a": {MARK}}}', 0),
        (f'{{"a": "{MARK}"}}', 1),
        (f'{{"{MARK}": 1}}', 1),
        (f'{{"a": "He said \\"{MARK}\\""}}', 1),
        (f'{{"a": "[NAME {MARK}"}}', 1),
        (json.dumps({"a": json.dumps({"b": MARK}, ensure_ascii=False)}, ensure_ascii=False), 2),
        (json.dumps([json.dumps([MARK], ensure_ascii=False)], ensure_ascii=False), 2),
        (json.dumps([" " + json.dumps([json.dumps([MARK])])]).replace("\\\\u00a7", MARK), 3),
        (json.dumps({"a": json.dumps({"b": 1}), "c": MARK}, ensure_ascii=False), 1),
        (f'{{"a": "\\u007b\\u0022{MARK}"}}', 2),
    ],
)
def test_the_depth_of_a_place(text: str, expected: int) -> None:
    """A string counts as a document where it begins like one."""
    assert expected == depth(text)


@given(
    st.recursive(
        st.text(max_size=4), lambda inner: st.one_of(st.lists(inner, max_size=2), inner.map(json.dumps)), max_leaves=5
    ),
    st.lists(st.integers(0, 200), max_size=4),
)
def test_pieces_read_like_the_whole(value: object, cuts: list[int]) -> None:
    """Wherever the text is cut; and a document that ends leaves no string open."""
    text = json.dumps(value)
    edges = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    nesting = Nesting()
    for start, end in itertools.pairwise(edges):
        nesting.feed(text[start:end])
        assert nesting.depth == depth(text[:end] + MARK)

    assert 0 == nesting.depth
