"""Routing: from recorded facts and the model's alias to where a request goes. Pure, and without a word of the request.

`domain.decision` builds the bytes and mints on what is said here; policy tests and replays ask here alone, so what they
show is what the gateway does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import assert_never

from gateway.domain.alias import Alias
from gateway.domain.capability import Capability, Instead, Recourse
from gateway.domain.evaluate import Inside, MayLeave, Verdict, evaluate
from gateway.domain.evidence import Route
from gateway.domain.exceptions import PolicyException, counted_as
from gateway.domain.facts import Facts
from gateway.domain.labels import Classification, Entity
from gateway.domain.policy import Block, Bundle, Operator, Policy, RouteLocal, Transform
from gateway.domain.sensitivity import AS_IT_IS, sensitivity_of, within_ceiling
from gateway.domain.transforms import no_stronger, united
from gateway.domain.waiving import candidates, evaluate_waiving

NO_LOCAL_STATUS = 403
NO_LOCAL_DESTINATION = "NO_LOCAL_DESTINATION"
UNABLE_STATUS = 422
LOCAL_MODEL_CANNOT = "LOCAL_MODEL_CANNOT"


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
    `lacking` is what the model inside cannot do of what is asked, `degraded` what of it the answer goes without.
    """

    way: Way
    reason: str
    verdict: Verdict
    exceptions: tuple[str, ...] = ()
    recourse: Recourse = Recourse.NONE
    lacking: frozenset[Capability] = frozenset()
    degraded: frozenset[Capability] = frozenset()


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
    place = _Place(bundle, bundle.in_scope(facts.context.app, facts.context.tenant), facts, alias)
    outcome = verdict.outcome
    match outcome:
        case Block(status=status):
            return Routing(Refused(status), verdict.reason, verdict)
        case Inside(destination=destination):
            return _inside(place, verdict, verdict.reason, destination)
        case MayLeave():
            way = _leaving(place, outcome, counted)
            return _inside(place, verdict, way, "") if isinstance(way, str) else Routing(way, verdict.reason, verdict)
        case _:
            assert_never(outcome)


@dataclass(frozen=True, slots=True)
class _Place:
    """What a routing rests on beside the verdict."""

    bundle: Bundle
    policies: tuple[Policy, ...]
    facts: Facts
    alias: Alias


def _leaving(place: _Place, may: MayLeave, counted: Mapping[Entity, Classification]) -> ToExternal | str:
    """The way out, or the reason why there is none although a rule lets it leave."""
    facts, external = place.facts, place.alias.external
    if not external:
        return "LOCAL_ALIAS"
    if not may.allows(external):
        return "DESTINATION_NOT_ALLOWED"
    found = {fact.entity for fact in facts.findings}
    transforms = tuple(transform for transform in may.transforms if transform.entity in found)
    transformed = frozenset(transform.entity for transform in transforms)
    if not within_ceiling(place.policies, external, sensitivity_of(place.policies, facts, transformed, counted)):
        return "ABOVE_CLEARANCE"
    if transforms and not facts.operation.maskable:
        return "NOT_MASKABLE"
    return ToExternal(external, transforms)


def _inside(place: _Place, verdict: Verdict, reason: str, destination: str) -> Routing:
    chosen = destination or place.alias.local
    if place.facts.operation.bound and chosen != (place.alias.external or place.alias.local):
        chosen = ""  # a name whose vectors come from elsewhere is answered by nobody else
    known = any(chosen in policy.ceilings for policy in place.policies)
    if not chosen or (known and not within_ceiling(place.policies, chosen, verdict.sensitivity)):
        return Routing(Refused(NO_LOCAL_STATUS), NO_LOCAL_DESTINATION, verdict)
    lacking = frozenset(each.capability for each in place.facts.lacking if each.destination == chosen)
    inside = Routing(ToLocal(chosen), reason, verdict, lacking=lacking)
    return _unable(place, inside) if lacking else inside


def _unable(place: _Place, inside: Routing) -> Routing:
    """What the policies say of a request that the model inside cannot answer as asked. Of several, the strictest:
    refused, answered without, left to the model, sent. It is sent only where all of them say so of all that lacks."""
    said = {each: [policy.incapable.get(each) for policy in place.policies] for each in inside.lacking}
    blocks = [each.status for some in said.values() for each in some if isinstance(each, Block)]
    degraded = frozenset(each for each, some in said.items() if Instead.DEGRADE in some)
    if blocks:
        return _refused(inside, max(blocks))
    if degraded:
        return replace(inside, recourse=Recourse.DEGRADED, degraded=degraded)
    if any(each is not Instead.SEND for some in said.values() for each in some):
        return inside
    way = _with_stand_ins(place, inside.verdict)
    if way is None:
        return _refused(inside, UNABLE_STATUS)
    return replace(inside, way=way, reason=LOCAL_MODEL_CANNOT, recourse=Recourse.SENT)


def _refused(inside: Routing, status: int) -> Routing:
    return replace(inside, way=Refused(status), reason=LOCAL_MODEL_CANNOT, recourse=Recourse.REFUSED)


def _with_stand_ins(place: _Place, verdict: Verdict) -> ToExternal | None:
    """The way out with a placeholder for every value that was found, if the rules let leave what is left then.

    A rule that nobody may be excepted from is no less strict for it: where one blocks or keeps inside, it holds.
    """
    facts = place.facts
    rules = (rule for policy in place.policies for rule in policy.rules if rule.id in verdict.rules)
    if any(rule.non_waivable and isinstance(rule.then, Block | RouteLocal) for rule in rules):
        return None
    rest = evaluate(place.bundle, replace(facts, findings=())).outcome
    if not isinstance(rest, MayLeave) or facts.failed:
        return None
    every = (Transform(fact.entity, Operator.PLACEHOLDER) for fact in facts.findings)
    way = _leaving(place, replace(rest, transforms=united((*rest.transforms, *every))), AS_IT_IS)
    return way if isinstance(way, ToExternal) else None
