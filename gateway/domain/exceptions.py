"""An exception from rules: for named callers, for a time, for a number of uses, and approved by somebody else.

Values only. Which exceptions apply to a request, and what they change, is `domain.waiving`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from gateway.domain.facts import Context
from gateway.domain.labels import Classification, Entity, Scale

LONGEST_DAYS = 90
"""No exception lasts longer. One that is needed for longer is a change of the policy, or is approved anew."""
MOST_AT_ONCE = 8
"""How many exceptions may meet in one request: more would be a policy of their own."""
DAY = 86_400 * 1_000_000
"""Microseconds."""


@dataclass(frozen=True, slots=True)
class Callers:
    """Who an exception is for, by exact names. An empty set leaves a dimension open; all three are never empty."""

    apps: frozenset[str]
    tenants: frozenset[str]
    keys: frozenset[str]

    def __post_init__(self) -> None:
        if not (self.apps or self.tenants or self.keys):
            raise ValueError("an exception for nobody in particular would hold for everybody")

    def cover(self, context: Context) -> bool:
        """Whether the exception is for this caller. Reads what the gateway knows of the key, no word of the request."""
        named = ((self.apps, context.app), (self.tenants, context.tenant), (self.keys, context.key_id))
        return all(name in names for names, name in named if names)


@dataclass(frozen=True, slots=True)
class WholeRule:
    """The rules are waived whatever they matched on."""


@dataclass(frozen=True, slots=True)
class OneEntity:
    """The rules are waived as far as findings of one entity made them match."""

    entity: Entity


@dataclass(frozen=True, slots=True)
class EntityCounts:
    """As `OneEntity`; and where it is allowed to leave, findings of the entity count as `counts`."""

    entity: Entity
    counts: Classification


Waives = WholeRule | OneEntity | EntityCounts


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyException:
    """One exception. `not_before <= at < expires`, in microseconds since the epoch, UTC.

    `rules` are ids of rules, of whichever policy; `max_uses` requests may be decided by it, counted by `id`.
    """

    id: str
    owner: str
    approver: str
    ticket: str
    reason: str
    callers: Callers
    not_before: int
    expires: int
    max_uses: int
    rules: frozenset[str]
    waives: Waives

    def __post_init__(self) -> None:
        if not 0 < self.expires - self.not_before <= LONGEST_DAYS * DAY:
            raise ValueError(f"an exception lasts at most {LONGEST_DAYS} days")
        if not self.rules or self.max_uses < 1:
            raise ValueError("an exception without a rule or a use would change nothing")

    def in_time(self, at: int) -> bool:
        """Whether it holds at `at`: from the first moment of `not_before`, no longer at the first of `expires`."""
        return self.not_before <= at < self.expires

    def concerns(self, context: Context) -> bool:
        """Whether it is for this caller, at this time."""
        return self.callers.cover(context) and self.in_time(context.at)


def counted_as(exceptions: Iterable[PolicyException], scale: Scale) -> Mapping[Entity, Classification]:
    """What entities count as under these exceptions together: the strictest where two speak of one."""
    counted: dict[Entity, Classification] = {}
    for exception in exceptions:
        match exception.waives:
            case EntityCounts(entity=entity, counts=counts):
                before = counted.get(entity, counts)
                label = scale.highest(before.label, counts.label)
                counted[entity] = Classification(label, before.classes | counts.classes)
            case WholeRule() | OneEntity():
                continue
    return counted
