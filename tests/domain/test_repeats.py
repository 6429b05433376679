"""Known values are found wherever they stand, in time that is linear in the text."""

from __future__ import annotations

import sys

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gateway.domain.repeats import Repeats


def wide(text: str) -> str:
    """`text` in full-width letters."""
    return "".join(chr(ord(letter) + 0xFEE0) for letter in text)


def found(text: str, *values: str) -> list[tuple[str, str]]:
    """What was found, as it stands in the text, and the value it repeats."""
    repeats = Repeats((value, value) for value in values)
    return [(text[each.start : each.end], each.known) for each in repeats.within(text)]


@pytest.mark.parametrize(
    ("value", "again"),
    [
        ("alice@example.com", wide("alice@example.com")),
        (wide("alice@example.com"), "alice@example.com"),
        ("Jos\u00e9 P\u00e9rez", "JOSE\u0301 PE\u0301REZ"),
        ("Hauptstraße 12", "HAUPTSTRASSE 12"),
        ("Ann Smith", "An\u200bn\n  Smi\u00adth"),
        ("+1 555 010 9999", wide("1") + " 555 010 9999"),
        ("Firma №5 GmbH", "firma No5 gmbh"),
    ],
)
def test_a_repeat_is_found_at_its_place(value: str, again: str) -> None:
    """Whatever the width, the case, the composition; the span is the text's own."""
    assert [(again, value)] == found(f"x: ﬁﬁ ({again})!", value)


def test_the_longest_value_counts() -> None:
    """Of two that begin alike, also where they are longer than the tree is deep."""
    long = " ".join(f"w{at}" for at in range(80))

    assert ("Ann Smith Miller", "Ann Smith Miller") == found("Ann Smith Miller", "Ann Smith", "Ann Smith Miller")[0]
    assert (f"{long} b", f"{long} b") == found(f"{long} b", long, f"{long} b", f"{long}")[0]


def test_short_and_wordless_values_are_not_searched() -> None:
    """`Ann` stands in too many words to be taken for a person everywhere."""
    assert [] == found("Ann --- and annex", "Ann", "---")


@given(st.text(st.sampled_from("ab é\u0301ﬁ1.\uff20"), min_size=4, max_size=12), st.text(max_size=10))
def test_a_value_is_found_in_any_surroundings(value: str, around: str) -> None:
    """Every value that is searched for is found where spaces set it apart."""
    repeats = Repeats([(value, 1)])
    assume(len(list(repeats.within(value))) == 1)

    assert list(repeats.within(f"{around} ; {value} ; {around}"))


def test_endless_repetition_costs_linear_time() -> None:
    """A value of thousands of equal words, and a text that nearly holds it at each place."""

    def steps(count: int) -> int:
        calls = 0

        def counted(*_: object) -> None:
            nonlocal calls
            calls += 1

        repeats = Repeats([("a " * count + "b", 1)])
        sys.setprofile(counted)
        try:
            assert [] == list(repeats.within("a " * count))
        finally:
            sys.setprofile(None)
        return calls

    assert steps(4000) < 6 * steps(1000)
