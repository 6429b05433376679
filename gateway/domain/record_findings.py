"""What of a decision fits into its record: many findings are folded, and what is left out is counted."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from gateway.domain.facts import FindingFact
from gateway.domain.finding import CONFIDENCE
from gateway.domain.strict_json import Json

_T = TypeVar("_T")
_FIND_BYTES = 8000


def findings_within(facts: tuple[FindingFact, ...]) -> tuple[list[Json], int]:
    """The findings as records tell them, and how many did not fit."""
    kept, lost = within(facts, _FIND_BYTES, _size)
    if lost:
        kept, lost = within(_folded(facts), _FIND_BYTES, _size)
    return [_finding(fact) for fact in kept], lost


def within(items: Iterable[_T], budget: int, size: Callable[[_T], int]) -> tuple[tuple[_T, ...], int]:
    """The first items that fit into a budget of bytes, and how many did not."""
    kept: list[_T] = []
    lost = 0
    for item in items:
        budget -= size(item) + 3
        if budget >= 0:
            kept.append(item)
        else:
            lost += 1
    return tuple(kept), lost


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
        band = sum(fact.confidence >= threshold for threshold in CONFIDENCE.values())
        key = (fact.entity, fact.source.value, band)
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
