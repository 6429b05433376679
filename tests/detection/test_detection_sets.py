"""The generated sets that detection is measured with: the same every time, and each value where it is said to be."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.benchmarks.detection_sets import Case, disguised, hard_negatives, no_secrets, plain, secrets

POSITIVE = [plain, disguised, secrets]
NEGATIVE = [hard_negatives, no_secrets]


@pytest.mark.parametrize("make", POSITIVE + NEGATIVE)
def test_a_seed_gives_the_same_texts(make: Callable[..., Iterator[Case]]) -> None:
    """And another one gives others."""
    assert list(make(7, 3)) == list(make(7, 3))
    assert list(make(7, 3)) != list(make(8, 3))


@pytest.mark.parametrize("make", POSITIVE)
def test_a_value_is_where_it_is_said_to_be(make: Callable[..., Iterator[Case]]) -> None:
    """Not empty, without the sentence around it."""
    for case in make(7, 6):
        assert case.value
        assert case.entities
        assert case.value == case.value.strip()


@pytest.mark.parametrize("make", NEGATIVE)
def test_a_negative_case_holds_no_value(make: Callable[..., Iterator[Case]]) -> None:
    """There is nothing to find."""
    assert {(case.start, case.end, case.entities) for case in make(7, 6)} == {(0, 0, frozenset())}


def test_every_disguise_changes_some_value() -> None:
    """A kind without cases would count as found."""
    kinds = {case.kind.split(":")[0] for case in disguised(7, 6)}

    assert len(kinds) == 17
