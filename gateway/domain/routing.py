"""Routing: from recorded facts and the model's alias to where a request goes. Pure, and without a word of the request.

`domain.decision` builds the bytes and mints on what is said here; policy tests and replays ask here alone, so what they
show is what the gateway does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

from gateway.domain.alias import Alias
from gateway.domain.evaluate import Inside, MayLeave, Verdict, evaluate, sensitivity_of, within_ceiling
from gateway.domain.facts import Facts
from gateway.domain.policy import Block, Bundle, Policy, Transform

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


@dataclass(frozen=True, slots=True)
class Routing:
    """Where a request goes. `reason` is the code to record and tell, `verdict` what the policy itself said."""

    way: ToExternal | ToLocal | Refused
    reason: str
    verdict: Verdict


def routed(bundle: Bundle, facts: Facts, alias: Alias) -> Routing:
    """Where a request of these facts goes under this bundle."""
    verdict = evaluate(bundle, facts)
    policies = bundle.in_scope(facts.context.app, facts.context.tenant)
    outcome = verdict.outcome
    match outcome:
        case Block(status=status):
            return Routing(Refused(status), verdict.reason, verdict)
        case Inside(destination=destination):
            return _inside(policies, alias, verdict, verdict.reason, destination)
        case MayLeave():
            return _leave(policies, facts, alias, verdict, outcome)
        case _:
            assert_never(outcome)


def _leave(policies: tuple[Policy, ...], facts: Facts, alias: Alias, verdict: Verdict, may: MayLeave) -> Routing:
    if not alias.external:
        return _inside(policies, alias, verdict, "LOCAL_ALIAS", "")
    if not may.allows(alias.external):
        return _inside(policies, alias, verdict, "DESTINATION_NOT_ALLOWED", "")
    found = {fact.entity for fact in facts.findings}
    transforms = tuple(transform for transform in may.transforms if transform.entity in found)
    transformed = frozenset(transform.entity for transform in transforms)
    if not within_ceiling(policies, alias.external, sensitivity_of(policies, facts, transformed)):
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
