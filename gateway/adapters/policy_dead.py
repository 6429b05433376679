"""Rules that cannot do anything: their condition is never true, or a stricter rule has the very same condition.

Conditions on findings, classes and callers are taken as free, so what is called dead is dead for every request; some
rules that are dead for a deeper reason are not found.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import assert_never

from gateway.domain.conditions import (
    AllOf,
    AnyOf,
    ClassIs,
    Condition,
    ContextField,
    ContextIs,
    FindingIs,
    LabelIs,
    Not,
    TaskIs,
)
from gateway.domain.labels import Label, Scale
from gateway.domain.policy import Block, RouteExternal, RouteLocal, Rule, Scope

_WEAKEST_FIRST = (RouteExternal, RouteLocal, Block)


@dataclass(frozen=True, slots=True)
class _Possible:
    """The labels at which a condition can be true, and those at which it can be false."""

    true: frozenset[Label]
    false: frozenset[Label]


def never_true(condition: Condition, scale: Scale, scope: Scope) -> bool:
    """Whether no request of a caller in scope can make the condition true."""
    return not _possible(condition, scale, scope).true


def overruled(rule: Rule, others: Iterable[Rule]) -> str:
    """The id of a rule with the same condition and a stricter or equal consequence; empty where there is none."""
    if rule.shadow or not isinstance(rule.then, _WEAKEST_FIRST):
        return ""
    for other in others:
        same = other is not rule and not other.shadow and other.when == rule.when
        if same and isinstance(other.then, _WEAKEST_FIRST) and _strength(other) > _strength(rule):
            return other.id
    return ""


def _strength(rule: Rule) -> int:
    return next(i for i, kind in enumerate(_WEAKEST_FIRST) if isinstance(rule.then, kind))


def _possible(condition: Condition, scale: Scale, scope: Scope) -> _Possible:
    every, none = frozenset(scale.labels), frozenset[Label]()
    match condition:
        case AnyOf(conditions=inner):
            parts = [_possible(each, scale, scope) for each in inner]
            return _Possible(none.union(*(p.true for p in parts)), every.intersection(*(p.false for p in parts)))
        case AllOf(conditions=inner):
            parts = [_possible(each, scale, scope) for each in inner]
            true = none if _contradicts(inner) else every.intersection(*(p.true for p in parts))
            return _Possible(true, none.union(*(p.false for p in parts)))
        case Not(condition=inner_one):
            turned = _possible(inner_one, scale, scope)
            return _Possible(turned.false, turned.true)
        case LabelIs(at_least=low, at_most=high):
            within = frozenset(x for x in scale.labels if scale.rank(low) <= scale.rank(x) <= scale.rank(high))
            return _Possible(within, every - within)
        case ContextIs():
            return _Possible(every if _meets(condition, scope) else none, every)
        case FindingIs() | ClassIs() | TaskIs():
            return _Possible(every, every)
        case _:
            assert_never(condition)


def _contradicts(conditions: tuple[Condition, ...]) -> bool:
    flat = list(_flat(conditions))
    return any(isinstance(each, Not) and each.condition in flat for each in flat)


def _flat(conditions: Iterable[Condition]) -> Iterable[Condition]:
    for each in conditions:
        if isinstance(each, AllOf):
            yield from _flat(each.conditions)
        else:
            yield each


def _meets(condition: ContextIs, scope: Scope) -> bool:
    """Whether some caller in scope has one of the names."""
    if condition.field is ContextField.APP:
        return any(_overlap(value, name) for value in condition.values for name in scope.apps)
    if condition.field is ContextField.TENANT:
        return any(_overlap(value, name) for value in condition.values for name in scope.tenants)
    return True


def _overlap(one: str, other: str) -> bool:
    """Whether some name fits both patterns."""
    if one.endswith("*") and other.endswith("*"):
        return one[:-1].startswith(other[:-1]) or other[:-1].startswith(one[:-1])
    if one.endswith("*"):
        return other.startswith(one[:-1])
    return one.startswith(other[:-1]) if other.endswith("*") else one == other
