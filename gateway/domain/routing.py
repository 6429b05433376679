"""Routing: from recorded facts and the model's alias to where a request goes. Pure, and without a word of the request.

`domain.decision` builds the bytes and mints on what is said here; policy tests and replays ask here alone, so what they
show is what the gateway does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import assert_never

from gateway.domain.alias import Alias
from gateway.domain.capability import Recourse
from gateway.domain.evaluate import Inside, MayLeave, Verdict, evaluate
from gateway.domain.evidence import Route
from gateway.domain.exceptions import PolicyException, counted_as
from gateway.domain.facts import Facts
from gateway.domain.labels import Classification, Entity
from gateway.domain.policy import Block, Bundle, Policy, Transform
from gateway.domain.sensitivity import AS_IT_IS, sensitivity_of, within_ceiling
from gateway.domain.transforms import no_stronger
from gateway.domain.waiving import candidates, evaluate_waiving

NO_LOCAL_STATUS = 403
NO_LOCAL_DESTINATION = "NO_LOCAL_DESTINATION"


@dataclass(frozen=True, slots=True)
class ToExternal:
    """It may leave to `destination`, once `transforms` have been applied: those of which a value was found."""

    destination: str
    transforms: tuple[Transform, ...]


@dataclass(frozen=True, slots=True)
class ToLocal:
    """It is answered inside, by `destination`."""

    destination: str


@dataclass(frozen=True, slots=True)
class Refused:
    """It is refused with this HTTP status."""

    status: int


Way = ToExternal | ToLocal | Refused


def route_of(way: Way) -> Route:
    """How headers and records name a way."""
    match way:
        case ToExternal(transforms=transforms):
            return Route.EXTERNAL_TRANSFORMED if transforms else Route.EXTERNAL
        case ToLocal():
            return Route.LOCAL
        case Refused():
            return Route.BLOCKED
        case _:
            assert_never(way)


def destination_of(way: Way) -> str:
    """Where it goes; empty where it is refused."""
    return "" if isinstance(way, Refused) else way.destination


def status_of(way: Way) -> int:
    """The status of a refusal, else 0."""
    return way.status if isinstance(way, Refused) else 0


@dataclass(frozen=True, slots=True)
class Routing:
    """Where a request goes. `reason` is the code to record and tell, `verdict` what the policy itself said.

    `exceptions` are the ids of those without which it would have gone elsewhere, sorted. Each takes a use of its own.
    """

    way: Way
    reason: str
    verdict: Verdict
    exceptions: tuple[str, ...] = ()
    recourse: Recourse = Recourse.NONE


def routed(bundle: Bundle, facts: Facts, alias: Alias, usable: frozenset[str] = frozenset()) -> Routing:
    """Where a request of these facts goes under this bundle. `usable` are the ids of exceptions that have uses left.

    Exceptions apply only where they open a way that is closed without them: together, else the first by id that does
    alone. Those that it would go without are left out.
    """
    plain = _routed(bundle, facts, alias, evaluate(bundle, facts), AS_IT_IS)
    chosen = candidates(bundle, facts, plain.verdict, usable) if usable and bundle.exceptions else ()
    for some in [chosen, *((each,) for each in chosen)] if chosen else []:
        excepted = _excepted(bundle, facts, alias, some)
        if more_open(excepted.way, plain.way):
            return _needed(bundle, facts, alias, excepted, some)
    return plain


def _excepted(bundle: Bundle, facts: Facts, alias: Alias, exceptions: tuple[PolicyException, ...]) -> Routing:
    verdict = evaluate_waiving(bundle, facts, exceptions)
    routing = _routed(bundle, facts, alias, verdict, counted_as(exceptions, bundle.scale))
    return replace(routing, exceptions=tuple(each.id for each in exceptions))


def _needed(
    bundle: Bundle, facts: Facts, alias: Alias, routing: Routing, exceptions: tuple[PolicyException, ...]
) -> Routing:
    """The same way, with as few of these exceptions as it takes when they are left out one by one."""
    for each in exceptions:
        fewer = tuple(other for other in exceptions if other.id in routing.exceptions and other is not each)
        without = _excepted(bundle, facts, alias, fewer) if fewer else routing
        if fewer and without.way == routing.way:
            routing = without
    return routing


def more_open(new: Way, old: Way) -> bool:
    """Whether a way lets more out than another: more than a refusal, than staying inside, or more in clear."""
    if isinstance(new, ToExternal) and isinstance(old, ToExternal):
        weaker = no_stronger(new.transforms, old.transforms) and new.transforms != old.transforms
        return weaker and new.destination == old.destination
    ranks = (ToExternal, ToLocal, Refused)
    return ranks.index(type(new)) < ranks.index(type(old))


def _routed(
    bundle: Bundle, facts: Facts, alias: Alias, verdict: Verdict, counted: Mapping[Entity, Classification]
) -> Routing:
    policies = bundle.in_scope(facts.context.app, facts.context.tenant)
    outcome = verdict.outcome
    match outcome:
        case Block(status=status):
            return Routing(Refused(status), verdict.reason, verdict)
        case Inside(destination=destination):
            return _inside(policies, alias, verdict, verdict.reason, destination)
        case MayLeave():
            return _leave(policies, facts, alias, verdict, outcome, counted)
        case _:
            assert_never(outcome)


def _leave(
    policies: tuple[Policy, ...],
    facts: Facts,
    alias: Alias,
    verdict: Verdict,
    may: MayLeave,
    counted: Mapping[Entity, Classification],
) -> Routing:
    if not alias.external:
        return _inside(policies, alias, verdict, "LOCAL_ALIAS", "")
    if not may.allows(alias.external):
        return _inside(policies, alias, verdict, "DESTINATION_NOT_ALLOWED", "")
    found = {fact.entity for fact in facts.findings}
    transforms = tuple(transform for transform in may.transforms if transform.entity in found)
    transformed = frozenset(transform.entity for transform in transforms)
    if not within_ceiling(policies, alias.external, sensitivity_of(policies, facts, transformed, counted)):
        return _inside(policies, alias, verdict, "ABOVE_CLEARANCE", "")
    if transforms and not facts.operation.maskable:
        return _inside(policies, alias, verdict, "NOT_MASKABLE", "")
    return Routing(ToExternal(alias.external, transforms), verdict.reason, verdict)


def _inside(policies: tuple[Policy, ...], alias: Alias, verdict: Verdict, reason: str, destination: str) -> Routing:
    chosen = destination or alias.local
    known = any(chosen in policy.ceilings for policy in policies)
    if not chosen or (known and not within_ceiling(policies, chosen, verdict.sensitivity)):
        return Routing(Refused(NO_LOCAL_STATUS), NO_LOCAL_DESTINATION, verdict)
    return Routing(ToLocal(chosen), reason, verdict)
