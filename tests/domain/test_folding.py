"""Writings of one value fold together, and what is found in folded text is found at the right place."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.folding import fold, folded


def wide(text: str) -> str:
    """`text` in full-width letters."""
    return "".join(chr(ord(letter) + 0xFEE0) for letter in text)


ANY = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("alice@example.com", wide("alice@example.com")),
        ("Jos\u00e9", "Jose\u0301"),
        ("Ann Smith", "ANN\u00a0\n SMITH"),
        ("Ann Smith", "A\u200bnn Sm\u00adith"),
        ("ガス", "ｶﾞｽ"),
        ("한글", unicodedata.normalize("NFD", "한글")),
    ],
)
def test_writings_of_one_value_fold_together(one: str, other: str) -> None:
    """Width, composition, case, spaces and invisible characters do not count."""
    assert fold(one) == fold(other)


def test_two_people_do_not_fold_together() -> None:
    """The identity of a value keeps what the search for repeats lets go."""
    assert fold("Strauß") != fold("Strauss")
    assert folded("Strauß").text == folded("STRAUSS").text


@given(ANY, ANY, ANY)
def test_what_is_found_in_folded_text_stood_there(before: str, value: str, after: str) -> None:
    """The span of a folded part covers the characters that gave it, and no more than a cluster around."""
    text = f"{before} {value} {after}"
    shown = folded(text)
    part = folded(value).text
    at = shown.text.find(f" {part} ")
    if part and at >= 0:
        start, end = shown.span(at + 1, at + 1 + len(part))
        assert 0 <= start < end <= len(text)
        assert part in folded(text[start:end]).text


@given(ANY)
def test_every_part_of_folded_text_has_a_place(text: str) -> None:
    """Places never run backwards, and lie in the text."""
    shown = folded(text)
    places = [shown.span(at, at + 1) for at in range(len(shown.text))]

    assert places == sorted(places)
    assert all(0 <= start < end <= len(text) for start, end in places)
