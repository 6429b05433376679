"""The generated sets that detection is measured with: the same every time, and each value where it is said to be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from gateway.detection.analyzer import Analyzer
from gateway.detection.custom import CompiledDetectors
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


NONE = CompiledDetectors(())


def found(analyzer: Analyzer, case: Case) -> bool:
    """Whether a finding of the right kind covers the value."""
    findings = analyzer.examine(case.text, (), NONE)
    return any(f.entity in case.entities and f.start <= case.start and case.end <= f.end for f in findings)


@pytest.mark.parametrize(("make", "least"), [(plain, 1.0), (disguised, 0.97), (secrets, 0.98)])
def test_values_are_found_in_every_writing(
    analyzer: Analyzer, make: Callable[..., Iterator[Case]], least: float
) -> None:
    """Plain, in disguise, secrets of every kind: by another seed than the one that is measured with."""
    cases = list(make(11, 3))

    assert sum(found(analyzer, case) for case in cases) >= least * len(cases)


@pytest.mark.parametrize("make", NEGATIVE)
def test_what_only_looks_like_a_value_is_left_alone(analyzer: Analyzer, make: Callable[..., Iterator[Case]]) -> None:
    """At most one false alarm in fifty of each kind; a link is a link, and a date a date."""
    count = 50
    alarms = Counter(
        case.kind
        for case in make(11, count)
        if {f.entity for f in analyzer.examine(case.text, (), NONE)} - {"DATE_TIME", "URL"}
    )

    assert all(alarm <= count // 50 for alarm in alarms.values()), alarms
