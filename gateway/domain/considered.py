"""Why each exception from rules was, or was not, applied to a request, in plain sentences."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.domain.exceptions import PolicyException
from gateway.domain.facts import Facts
from gateway.domain.policy import Bundle
from gateway.domain.routing import Routing


@dataclass(frozen=True, slots=True)
class Considered:
    """One exception: whether the request goes where it goes because of it, and a sentence that says why, or why not."""

    exception: PolicyException
    applied: bool
    why: str


def considered(bundle: Bundle, facts: Facts, routing: Routing, usable: frozenset[str]) -> tuple[Considered, ...]:
    """Every exception of the bundle, sorted by id. `usable` are the ids of those that had uses left."""
    every = sorted(bundle.exceptions, key=lambda each: each.id)
    return tuple(Considered(each, each.id in routing.exceptions, _why(each, facts, routing, usable)) for each in every)


def _why(exception: PolicyException, facts: Facts, routing: Routing, usable: frozenset[str]) -> str:
    matched = sorted(exception.rules & frozenset(routing.verdict.rules))
    if exception.id in routing.exceptions:
        return f"It waives {', '.join(matched)}; {exception.approver} approved it ({exception.ticket})."
    if not exception.callers.cover(facts.context):
        return "It is for other callers."
    if facts.context.at < exception.not_before:
        return "It has not begun."
    if facts.context.at >= exception.expires:
        return "It has ended."
    if not matched:
        return "None of the rules that it waives matches."
    if exception.id not in usable:
        return "It is used up."
    return "Another rule, what else was found, a failure or the destination's clearance still keeps the request there."
