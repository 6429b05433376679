"""Decisions as the gateway records them, made from facts alone: for tests and measurements of replays."""

from __future__ import annotations

from dataclasses import replace

from gateway.clock import SystemClock
from gateway.domain.alias import Alias
from gateway.domain.evidence import Content, Decided, PolicyEvidence
from gateway.domain.facts import Facts
from gateway.domain.policy import Bundle
from gateway.domain.routing import ToExternal, destination_of, route_of, routed, status_of
from gateway.domain.sensitivity import MEANINGS

CLOCK = SystemClock()


def evidence_for(bundle: Bundle, facts: Facts, alias: Alias, spent: frozenset[str] = frozenset()) -> Decided:
    """What is recorded of the decision on these facts, but for the bytes of the request."""
    routing = routed(bundle, facts, alias, bundle.exception_ids - spent)
    verdict, context, way = routing.verdict, facts.context, routing.way
    return Decided(
        decision_id=CLOCK.new_id(),
        at=context.at,
        tenant=context.tenant,
        app=context.app,
        who=context.key_id,
        operation=facts.operation.value,
        model=facts.model,
        purpose=context.purpose,
        claimed_label=context.claimed_label,
        received=Content(b"asked"),
        leaves=facts.leaves,
        failed=facts.failed,
        opaque=facts.opaque,
        detector="1.0",
        label=verdict.sensitivity.label,
        classes=verdict.sensitivity.classes,
        findings=facts.findings,
        policy=PolicyEvidence(
            bundle.revision,
            bundle.digest,
            MEANINGS,
            verdict.rules,
            routing.reason,
            verdict.shadow,
            routing.exceptions,
            tuple(sorted(spent)),
        ),
        route=route_of(way),
        destination=destination_of(way),
        transforms=tuple(t.entity for t in way.transforms) if isinstance(way, ToExternal) else (),
        sent=Content(b"sent" if isinstance(way, ToExternal) else b""),
        alias=alias,
        task=facts.task,
        lacking=facts.lacking,
        status=status_of(way),
        recourse=routing.recourse,
    )


def at(facts: Facts, moment: int) -> Facts:
    """The same facts at another time, in microseconds since the epoch."""
    return replace(facts, context=replace(facts.context, at=moment))
