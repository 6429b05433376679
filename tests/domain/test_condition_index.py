"""The index finds exactly the rules that testing each of them finds."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.domain.condition_index import ConditionIndex
from gateway.domain.conditions import Circumstances, Condition, circumstances, holds
from gateway.domain.facts import Facts
from gateway.domain.labels import STANDARD_LABELS, DataClass, Label, Scale
from tests.domain.policy_strategies import conditions, facts

SCALE = Scale(STANDARD_LABELS)
_MANY = 300  # conditions joined of several are rare among them


@settings(max_examples=_MANY)
@given(
    st.lists(conditions(), max_size=6),
    facts(),
    st.sampled_from(STANDARD_LABELS),
    st.frozensets(st.sampled_from(DataClass)),
)
def test_the_index_finds_what_testing_each_finds(
    asked: Sequence[Condition], told: Facts, label: Label, classes: frozenset[DataClass]
) -> None:
    """Whatever conditions are joined of, and whatever was found: one that is missed would be a rule that is not
    applied."""
    now = circumstances(told, label, classes, SCALE)

    assert [number for number, each in enumerate(asked) if holds(each, now)] == _found(asked, now)


@given(
    st.lists(conditions(), max_size=6),
    facts(),
    st.permutations(STANDARD_LABELS),
    st.frozensets(st.sampled_from(DataClass)),
)
def test_what_is_near_does_not_depend_on_the_label(
    asked: Sequence[Condition], told: Facts, labels: Sequence[Label], classes: frozenset[DataClass]
) -> None:
    """One look serves every degree of a claim."""
    index = ConditionIndex([(each, number) for number, each in enumerate(asked)], SCALE)
    sure, perhaps = index.near(circumstances(told, labels[0], classes, SCALE))
    now = circumstances(told, labels[1], classes, SCALE)

    found = sorted([*sure, *(number for test, number in perhaps if test(now))])
    assert [number for number, each in enumerate(asked) if holds(each, now)] == found


def _found(asked: Sequence[Condition], now: Circumstances) -> list[int]:
    sure, perhaps = ConditionIndex([(each, number) for number, each in enumerate(asked)], now.scale).near(now)
    return sorted([*sure, *(number for test, number in perhaps if test(now))])
