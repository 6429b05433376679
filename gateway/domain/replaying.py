"""Past decisions made again from their records, under the bundle of the day or another one.

What evaluation cannot tell apart is decided once: requests with equal facts are many. The memory is bounded.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

from gateway.domain.conditions import TASK, ContextField
from gateway.domain.facts import Facts
from gateway.domain.labels import DataClass
from gateway.domain.policy import Bundle
from gateway.domain.record_fit import band_of, names_within
from gateway.domain.recorded import Decision, Past, Unread, Unreplayable
from gateway.domain.routing import Routing, ToExternal, Way, destination_of, route_of, routed, status_of

_MOST_KNOWN = 50_000


@dataclass(frozen=True, slots=True)
class Again:
    """A decision made again: in the words of records, and the way itself, with what its transforms do."""

    decision: Decision
    way: Way


class Replayer:
    """Decides past decisions again under one bundle."""

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle
        self._asked = _asked(bundle)
        self._known: dict[Hashable, Again] = {}

    def again(self, past: Past) -> Again | Unread:
        """The decision under this bundle, or why it cannot be told."""
        asked_and_unknown = past.unknown & self._asked
        if asked_and_unknown:
            key = ContextField.KEY in asked_and_unknown
            return Unread(past.decision_id, Unreplayable.KEY_UNKNOWN if key else Unreplayable.WORD_COMMITTED)
        essence = self._essence(past)
        known = self._known.get(essence)
        return known if known is not None else self._decide(past, essence)

    def _decide(self, past: Past, essence: Hashable) -> Again:
        routing = routed(self.bundle, past.facts, past.alias, self.bundle.exception_ids - past.spent)
        again = Again(decision_of(routing), routing.way)
        if len(self._known) >= _MOST_KNOWN:
            self._known.clear()
        self._known[essence] = again
        return again

    def _essence(self, past: Past) -> Hashable:
        """All that a decision under this bundle can depend on."""
        facts, context = past.facts, past.facts.context
        asked = self._asked
        return (
            past.alias,
            context.tenant,
            context.app,
            context.claimed_label,
            context.key_id if ContextField.KEY in asked else "",
            context.purpose if ContextField.PURPOSE in asked else "",
            facts.model if ContextField.MODEL in asked else "",
            facts.task if TASK in asked else "",
            facts.operation,
            facts.failed > 0,
            facts.opaque > 0,
            facts.lacking,
            _found(facts),
            self._in_force(past) if self.bundle.exceptions else (),
        )

    def _in_force(self, past: Past) -> Hashable:
        at = past.facts.context.at
        return past.spent, tuple(each.in_time(at) for each in self.bundle.exceptions)


def decision_of(routing: Routing) -> Decision:
    """A routing in the words of records."""
    verdict, way = routing.verdict, routing.way
    replaced = [str(transform.entity) for transform in way.transforms] if isinstance(way, ToExternal) else []
    return Decision(
        label=str(verdict.sensitivity.label),
        classes=tuple(each.value for each in DataClass if each in verdict.sensitivity.classes),
        route=route_of(way).value,
        destination=destination_of(way),
        status=status_of(way),
        able=routing.recourse.value,
        reason=routing.reason,
        rules=names_within("rules", verdict.rules),
        shadow=names_within("shadow", verdict.shadow),
        transforms=names_within("transforms", replaced),
        exceptions=routing.exceptions,
    )


def _found(facts: Facts) -> Hashable:
    """The findings without what no rule can ask for: their places, and how sure within a band."""
    return tuple((f.entity, f.source.value, band_of(f.confidence), f.values, f.new) for f in facts.findings)


def _asked(bundle: Bundle) -> frozenset[str]:
    """What the rules and exceptions of a bundle ask for beside findings and classes."""
    rules = frozenset[str]().union(*(policy.reads for policy in bundle.policies))
    by_key = any(each.callers.keys for each in bundle.exceptions)
    return rules | ({ContextField.KEY.value} if by_key else set())
