# ruff: noqa: RUF001 - disguised characters and long tables are what this file is about
"""The folded text and the way back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.detection.shadow import BORDER, LOOKALIKES, fold

ANY_TEXT = st.text(alphabet=st.characters(codec="utf-8"), max_size=200)
DISGUISED = st.text(
    alphabet="\u0430\u0435\u0416\u039f\u306f\uac00\u0e17\u0e35\u20e3"
    "aZ09 -.@\x00\x1f\u200b\u00a0\u2011\uff11\u0663\ufb01\ufdfa\u0301\u00e9\u202e\U0001d7d8\n",
    max_size=60,
)


def words(folded: str) -> str:
    """Without the borders and the alphabet, which depend on what is beside them."""
    return folded.replace(BORDER, "").translate(LOOKALIKES)


@given(st.one_of(ANY_TEXT, DISGUISED), st.data())
def test_every_span_leads_back_into_the_original(text: str, data: st.DataObject) -> None:
    """Whatever is found in the shadow has offsets that are valid in the original, and covers what it was made of."""
    shadow = fold(text)
    if not shadow.text:
        return
    start = data.draw(st.integers(0, len(shadow.text) - 1))
    end = data.draw(st.integers(start + 1, len(shadow.text)))
    original_start, original_end = shadow.original(start, end)

    assert 0 <= original_start < original_end <= len(text)
    assert words(shadow.text[start:end]) in words(fold(text[original_start:original_end]).text)


@given(st.one_of(ANY_TEXT, DISGUISED))
def test_offsets_never_run_backwards(text: str) -> None:
    """A later character of the shadow never stands for an earlier one of the original."""
    shadow = fold(text)
    spans = [shadow.original(at, at + 1) for at in range(len(shadow.text))]

    assert spans == sorted(spans)


@given(st.text(alphabet=st.sampled_from("".join(map(chr, range(32, 127))) + "\t\n\r"), max_size=200))
def test_plain_text_is_its_own_shadow(text: str) -> None:
    """Printable ASCII is not touched."""
    assert fold(text).text == text


@pytest.mark.parametrize(
    ("disguised", "plain"),
    [
        ("４１１１", "4111"),
        ("٤١١١", "4111"),
        ("४१११", "4111"),
        ("𝟒𝟏𝟏𝟏", "4111"),
        ("41\u200b1\u00ad1\ufeff", "4111"),
        ("4\x001\x081\x1b1\x7f", "4111"),
        ("123\u201145\u20136789", "123-45-6789"),
        ("4111\u00a0\u20071111", "4111  1111"),
        ("a＠b．com", "a@b.com"),
        ("Jose\u0301", "José"),
        ("ﬁle", "file"),
        ("4\u03321\u03051\ufe0f\u20e3", "411"),
        ("s\u0332k\u20e3-\u200b\u0332", "sk-"),
        ("私のSSNは536です", "私の\u200bSSN\u200bは\u200b536\u200bです"),
        ("카드4111입니다", "카드\u200b4111\u200b입니다"),
        ("ที่4111ของ", "ที่\u200b4111\u200bของ"),
        ("ב4111", "ב\u200b4111"),
        ("\u0435xam\u0440le.com", "example.com"),
        ("NL15\u0410BN\u0410", "NL15ABNA"),
        ("\u043f\u0440\u0438\u0432\u0435\u04422", "\u043f\u0440\u0438\u0432\u0435\u04422"),
        ("\u0440\u043e\u043a", "\u0440\u043e\u043a"),
    ],
)
def test_disguises_are_folded(disguised: str, plain: str) -> None:
    """Width, script, spacing, dashes, invisible characters and ligatures do not hide a value."""
    assert fold(disguised).text == plain


def test_an_empty_span_is_refused() -> None:
    """There is no original of nothing."""
    with pytest.raises(ValueError, match="at least one character"):
        fold("abc").original(1, 1)


def test_a_shadow_shows_no_text() -> None:
    """The text does not get into a log by way of a repr."""
    assert "Jane" not in repr(fold("Jane Doe é"))


def test_a_long_run_of_marks_stays_linear() -> None:
    """Thousands of combining marks on one letter are folded in pieces."""
    text = "e" + "\u0301" * 50_000

    assert fold(text).text == "\u00e9"
