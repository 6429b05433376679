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


_ASKED = st.lists(conditions(), max_size=6)
_CLASSES = st.frozensets(st.sampled_from(DataClass))


@settings(max_examples=_MANY)
@given(_ASKED, facts(), st.sampled_from(STANDARD_LABELS), _CLASSES)
def test_the_index_finds_what_testing_each_finds(
    asked: Sequence[Condition], told: Facts, label: Label, classes: frozenset[DataClass]
) -> None:
    """Whatever conditions are joined of, and whatever was found: one that is missed would be a rule that is not
    applied."""
    now = circumstances(told, label, classes, SCALE)

    assert [number for number, each in enumerate(asked) if holds(each, now)] == _found(asked, now, now)


@settings(max_examples=_MANY)
@given(_ASKED, facts(), st.permutations(STANDARD_LABELS), _CLASSES)
def test_what_is_near_does_not_depend_on_the_label(
    asked: Sequence[Condition], told: Facts, labels: Sequence[Label], classes: frozenset[DataClass]
) -> None:
    """One look serves every degree of a claim."""
    looked, now = (circumstances(told, label, classes, SCALE) for label in labels[:2])

    assert [number for number, each in enumerate(asked) if holds(each, now)] == _found(asked, looked, now)


def _found(asked: Sequence[Condition], looked: Circumstances, now: Circumstances) -> list[int]:
    """The numbers of the conditions that the index finds now, by one look."""
    sure, perhaps = ConditionIndex([(each, number) for number, each in enumerate(asked)], SCALE).near(looked)
    return sorted([*sure, *(number for test, number in perhaps if test(now))])
