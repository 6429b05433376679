"""Many rules against one request: each is found by what it asks for, so that those that speak of nothing in the request
cost nothing.

A condition is a list of alternatives, any of which makes it hold. Those on one entity or one class are decided where
that is found. The others are looked at where something is found without which they cannot hold, and, where there is no
such thing, always.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar, assert_never

from gateway.domain.conditions import (
    AllOf,
    AnyOf,
    Circumstances,
    ClassIs,
    Condition,
    ContextIs,
    Enough,
    FindingIs,
    LabelIs,
    Not,
    TaskIs,
    Test,
    compiled,
    enough_found,
)
from gateway.domain.labels import Entity, Scale

_T = TypeVar("_T")


class ConditionIndex(Generic[_T]):
    """Things that hold under conditions."""

    def __init__(self, things: Iterable[tuple[Condition, _T]], scale: Scale) -> None:
        self._things: list[_T] = []
        self._on_entity: defaultdict[Entity, list[tuple[int, Enough]]] = defaultdict(list)
        self._on_class: defaultdict[str, set[int]] = defaultdict(set)
        self._tested: dict[int, tuple[Test, _T]] = {}
        self._needing: defaultdict[str, set[int]] = defaultdict(set)
        self._always: set[int] = set()
        for number, (condition, thing) in enumerate(things):
            self._things.append(thing)
            self._add(number, condition, scale)

    def _add(self, number: int, condition: Condition, scale: Scale) -> None:
        others: list[Condition] = []
        for each in alternatives(condition):
            if isinstance(each, FindingIs):
                self._on_entity[each.entity].append((number, enough_found(each)))
            elif isinstance(each, ClassIs):
                self._on_class[each.data_class].add(number)
            else:
                others.append(each)
        if others:
            rest = AnyOf(tuple(others))
            self._tested[number] = (compiled(rest, scale), self._things[number])
            for need in _needs(rest):
                self._needing[need].add(number)
            if not _needs(rest):
                self._always.add(number)

    def near(self, now: Circumstances) -> tuple[list[_T], list[tuple[Test, _T]]]:
        """What holds for what was found and for its classes, and what else may hold, each with its test: the only thing
        in which label, context and task count."""
        found, classes, things, tested = now.found, now.classes, self._things, self._tested
        sure = set[int]().union(*[self._on_class[each] for each in self._on_class.keys() & classes])
        for entity in self._on_entity.keys() & found:
            here = found[entity]
            for number, enough in self._on_entity[entity]:
                if number not in sure and enough(here):
                    sure.add(number)
        needing = self._needing.keys()
        perhaps = self._always.union(*[self._needing[each] for each in (needing & found) | (needing & classes)]) - sure
        return [things[one] for one in sure], [tested[one] for one in perhaps]


def alternatives(condition: Condition) -> Iterator[Condition]:
    """The conditions any of which makes a condition hold. None of them is an `any`."""
    if isinstance(condition, AnyOf):
        for each in condition.conditions:
            yield from alternatives(each)
    else:
        yield condition


def _needs(condition: Condition) -> frozenset[str]:
    """Entities and classes without all of which a condition cannot hold; none where it may hold without any."""
    match condition:
        case FindingIs(entity=entity):
            return frozenset({entity})
        case ClassIs(data_class=data_class):
            return frozenset({data_class})
        case AnyOf(conditions=inner):
            parts = [_needs(each) for each in inner]
            return frozenset[str]().union(*parts) if all(parts) else frozenset()
        case AllOf(conditions=inner):
            return min(filter(None, map(_needs, inner)), key=len, default=frozenset())
        case Not() | LabelIs() | ContextIs() | TaskIs():
            return frozenset()
        case _:
            assert_never(condition)
