"""What of a decision fits into its record: lists are cut at a budget of bytes each, and what is cut is counted.

Findings that do not fit are folded first, by entity, source and confidence band, which evaluation cannot tell apart: a
record of folded findings still evaluates to the same decision.
"""

from __future__ import annotations

import bisect
from collections.abc import Callable, Iterable, Sequence
from types import MappingProxyType
from typing import TypeVar

from gateway.domain.capability import Lack
from gateway.domain.facts import FindingFact
from gateway.domain.finding import CONFIDENCE
from gateway.domain.strict_json import Json

_T = TypeVar("_T")

_BUDGETS = MappingProxyType({"rules": 2500, "shadow": 1500, "transforms": 1500, "spent": 500})
_FIND_BYTES, _LACK_BYTES = 7500, 500
_THRESHOLDS: list[int] = sorted(CONFIDENCE.values())


def names_within(kind: str, names: Iterable[str]) -> tuple[tuple[str, ...], int]:
    """The first of these names, sorted, that fit into the budget of their kind, and how many did not."""
    return _within(sorted(names), _BUDGETS[kind], len)


def lacks_within(lacking: Sequence[Lack]) -> tuple[tuple[Lack, ...], int]:
    """What models inside lack, as far as it fits, and how much of it does not."""
    every = sorted(lacking, key=lambda lack: (lack.destination, lack.capability))
    return _within(every, _LACK_BYTES, lambda lack: len(lack.destination) + len(lack.capability) + 20)


def findings_within(facts: Sequence[FindingFact]) -> tuple[list[Json], int]:
    """The findings as records tell them: as they are where all fit, else folded; and how many do not fit even so."""
    kept, lost = _within(facts, _FIND_BYTES, _size)
    if lost:
        kept, lost = _within(_folded(facts), _FIND_BYTES, _size)
    return [_finding(fact) for fact in kept], lost


def band_of(confidence: int) -> int:
    """The band of a confidence in permille: how many of the words `low`, `medium` and `high` it reaches."""
    return bisect.bisect_right(_THRESHOLDS, confidence)


def _finding(fact: FindingFact) -> dict[str, Json]:
    return {
        "d": fact.entity,
        "conf": fact.confidence,
        "n": fact.values,
        "new": fact.new,
        "at": fact.schema,
        "src": fact.source.value,
    }


def _folded(facts: Iterable[FindingFact]) -> list[FindingFact]:
    """One finding for all of an entity, source and confidence band, wherever they stand; the surest first."""
    groups: dict[tuple[str, str, int], FindingFact] = {}
    for fact in facts:
        key = (fact.entity, fact.source.value, band_of(fact.confidence))
        before = groups.get(key, FindingFact(fact.entity, "*", fact.source, 0, 0, fact.confidence))
        groups[key] = FindingFact(
            fact.entity,
            "*",
            fact.source,
            before.values + fact.values,
            before.new + fact.new,
            max(before.confidence, fact.confidence),
        )
    return sorted(groups.values(), key=lambda fact: -fact.confidence)


def _size(fact: FindingFact) -> int:
    """At least as many bytes as the finding takes beside the list's own."""
    return len(fact.entity) + len(fact.schema) + len(fact.source) + 64


def _within(items: Sequence[_T], budget: int, size: Callable[[_T], int]) -> tuple[tuple[_T, ...], int]:
    """The first items that fit into a budget of bytes, and how many did not."""
    if sum(map(size, items)) + 3 * len(items) <= budget:
        return tuple(items), 0
    kept: list[_T] = []
    lost = 0
    for item in items:
        budget -= size(item) + 3
        if budget >= 0:
            kept.append(item)
        else:
            lost += 1
    return tuple(kept), lost
