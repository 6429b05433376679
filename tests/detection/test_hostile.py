"""Hostile strings and floods: nothing breaks, nothing hides a value beside it, offsets lead back, work stays linear."""

from __future__ import annotations

import base64
from collections.abc import Callable

import pytest

from gateway.detection.analyzer import Analyzer
from gateway.detection.custom import CompiledDetectors
from gateway.detection.layers import DEPTH, TooDeep
from tests.growth import assert_linear
from tests.hostile import HOSTILE, SURROGATES

NONE = CompiledDetectors(())
CANARY = "536-22-8714"
KINDS = {**HOSTILE, "lone surrogates": SURROGATES}


@pytest.mark.parametrize("kind", KINDS)
def test_hostile_strings_hide_nothing(analyzer: Analyzer, kind: str) -> None:
    """Each before a canary and behind another, in lines of their own: both are found where they stand."""
    missed = []
    for string in KINDS[kind]:
        text = f"SSN: {CANARY}\n{string}\nSSN: {CANARY}"
        found = {(f.start, f.end) for f in analyzer.examine(text, (), NONE) if f.entity == "US_SSN"}
        if not {(5, 5 + len(CANARY)), (len(text) - len(CANARY), len(text))} <= found:
            missed.append(string)

    assert missed == []


@pytest.mark.parametrize("kind", KINDS)
def test_hostile_strings_alone_break_nothing(shipped: Analyzer, analyzer: Analyzer, kind: str) -> None:
    """As a text and as the key above one; what is found lies inside the text."""
    for string in KINDS[kind]:
        assert all(0 <= f.start < f.end <= len(string) for f in shipped.examine(string, (), NONE))
        assert all(0 <= f.start < f.end <= 12 for f in analyzer.examine("Jane Doe 536", (string, string), NONE))


FLOODS = {"digits": "7", "dots": ".", "characters without width": "\u200b"}


@pytest.mark.parametrize("flood", FLOODS)
def test_a_megabyte_of_one_sign_takes_linear_time(analyzer: Analyzer, flood: str) -> None:
    """And holds nothing."""

    def look(length: int) -> None:
        assert analyzer.examine(FLOODS[flood] * length, (), NONE) == ()

    assert_linear(look, 125_000)


def _in_base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _in_entities(text: str) -> str:
    return text.replace("&", "&amp;").replace("5", "&#53;")


@pytest.mark.parametrize("wrap", [_in_base64, _in_entities])
def test_what_is_wrapped_too_often_is_not_called_examined(analyzer: Analyzer, wrap: Callable[[str], str]) -> None:
    """To the depth that is read it is found, and whatever is deeper raises."""
    text = f"SSN: {CANARY}. " * 3
    for depth in range(1, 10):
        text = wrap(text)
        if depth <= DEPTH:
            assert "US_SSN" in {f.entity for f in analyzer.examine(text, (), NONE)}
        else:
            with pytest.raises(TooDeep):
                analyzer.examine(text, (), NONE)
