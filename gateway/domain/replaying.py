"""Past decisions made again from their records, under the bundle of the day or another one.

What evaluation cannot tell apart is decided once: requests with equal facts are many. The memory is bounded.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

from gateway.domain.conditions import ContextField
from gateway.domain.distinctions import Distinctions
from gateway.domain.facts import Facts
from gateway.domain.labels import DataClass
from gateway.domain.policy import Bundle
from gateway.domain.record_fit import names_within
from gateway.domain.recorded import Decision, OtherForm, Past, Unread, Unreplayable
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
        self._distinctions = Distinctions(bundle)
        self._by_app = ContextField.APP in self._asked
        self._by_tenant = ContextField.TENANT in self._asked
        self._known: dict[Hashable, Again] = {}
        self._scopes: dict[tuple[str, str], tuple[int, ...]] = {}

    def again(self, past: Past) -> Again | Unread:
        """The decision under this bundle, or why it cannot be told."""
        missing = past.unknown & self._asked
        if missing:
            key = ContextField.KEY in missing
            return Unread(past.decision_id, Unreplayable.KEY_UNKNOWN if key else Unreplayable.WORD_COMMITTED)
        try:
            essence = self._essence(past)
            known = self._known.get(essence)
            return known if known is not None else self._decide(past, past.facts(), essence)
        except OtherForm:
            return Unread(past.decision_id, Unreplayable.OTHER_FORM)

    def _decide(self, past: Past, facts: Facts, essence: Hashable) -> Again:
        routing = routed(self.bundle, facts, past.alias, self.bundle.exception_ids - past.spent)
        again = Again(decision_of(routing), routing.way)
        if len(self._known) >= _MOST_KNOWN:
            self._known.clear()
        self._known[essence] = again
        return again

    def _essence(self, past: Past) -> Hashable:
        """All that a decision under this bundle can depend on."""
        return (
            self._scope(past.app, past.tenant),
            past.app if self._by_app else "",
            past.tenant if self._by_tenant else "",
            past.essence(self._asked),
            self._distinctions.of(past),
            self._in_force(past) if self.bundle.exceptions else (),
        )

    def _scope(self, app: str, tenant: str) -> tuple[int, ...]:
        """Which policies speak of a caller."""
        known = self._scopes.get((app, tenant))
        if known is None:
            if len(self._scopes) >= _MOST_KNOWN:
                self._scopes.clear()
            known = tuple(id(policy) for policy in self.bundle.in_scope(app, tenant))
            self._scopes[app, tenant] = known
        return known

    def _in_force(self, past: Past) -> Hashable:
        return past.spent, tuple(each.in_time(past.at) for each in self.bundle.exceptions)


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


def _asked(bundle: Bundle) -> frozenset[str]:
    """What the rules and exceptions of a bundle ask for beside findings and classes."""
    callers = [each.callers for each in bundle.exceptions]
    named = (
        (ContextField.APP, any(each.apps for each in callers)),
        (ContextField.TENANT, any(each.tenants for each in callers)),
        (ContextField.KEY, any(each.keys for each in callers)),
    )
    rules = frozenset[str]().union(*(policy.reads for policy in bundle.policies))
    return rules | {field.value for field, asked in named if asked}
