"""From a decision to its record, and to what the caller is told of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import assert_never

from gateway.domain.capability import Capability, Recourse
from gateway.domain.clearance import Receipt
from gateway.domain.conversation import Operation
from gateway.domain.decision import Case, Decision, Judgement, KeepLocal, Leave, Refuse
from gateway.domain.evidence import Content, Decided, PolicyEvidence, Route
from gateway.domain.facts import Context
from gateway.domain.labels import Label
from gateway.domain.sensitivity import MEANINGS
from gateway.pipeline.limiting import UNLIMITED, Allowance
from gateway.pipeline.ports import Principal


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as it arrived: operation, body and who sent it. `claimed_label` and `purpose` may be empty."""

    operation: Operation
    body: bytes = field(repr=False)
    principal: Principal
    claimed_label: Label
    purpose: str
    allowance: Allowance = UNLIMITED


@dataclass(frozen=True, slots=True)
class Summary:
    """What the caller is told of the decision, in headers."""

    decision_id: str
    route: Route
    destination: str
    label: Label
    classes: tuple[str, ...]
    reason: str
    policy_revision: int
    receipt: str
    recourse: Recourse = Recourse.NONE
    lacking: tuple[Capability, ...] = ()


def context_of(asked: Asked, at: int) -> Context:
    """Who asks, at `at` (microseconds since the epoch)."""
    who = asked.principal
    return Context(
        tenant=who.tenant,
        app=who.app,
        key_id=who.key_id,
        purpose=asked.purpose,
        claimed_label=asked.claimed_label,
        at=at,
    )


def summary_of(evidence: Decided, receipt: Receipt, judgement: Judgement) -> Summary:
    """What the caller is told."""
    return Summary(
        decision_id=evidence.decision_id,
        route=evidence.route,
        destination=evidence.destination,
        label=evidence.label,
        classes=tuple(sorted(each.value for each in evidence.classes)),
        reason=evidence.policy.reason,
        policy_revision=evidence.policy.revision,
        receipt=receipt.token,
        recourse=judgement.recourse,
        lacking=tuple(sorted(judgement.lacking)),
    )


def evidence_of(case: Case, decision: Decision, received: bytes) -> Decided:
    """The record of a decision on a request whose body arrived as `received`."""
    judgement = decision.judgement
    leave = decision if isinstance(decision, Leave) else None
    facts = judgement.facts
    return Decided(
        decision_id=case.decision_id,
        at=facts.context.at,
        tenant=facts.context.tenant,
        app=facts.context.app,
        who=facts.context.key_id,
        operation=case.conversation.operation.value,
        model=facts.model,
        purpose=facts.context.purpose,
        claimed_label=facts.context.claimed_label,
        received=Content(received),
        leaves=facts.leaves,
        failed=facts.failed,
        opaque=facts.opaque,
        detector=case.report.detector,
        label=judgement.sensitivity.label,
        classes=judgement.sensitivity.classes,
        findings=facts.findings,
        policy=_policy_evidence(judgement),
        route=_route(decision),
        destination=_destination(decision),
        transforms=leave.transforms if leave else (),
        sent=Content(leave.permit.body if leave else b""),
        alias=case.alias,
        task=facts.task,
        lacking=facts.lacking,
        status=decision.status if isinstance(decision, Refuse) else 0,
        recourse=judgement.recourse,
    )


def _policy_evidence(judgement: Judgement) -> PolicyEvidence:
    return PolicyEvidence(
        revision=judgement.policy_revision,
        digest=judgement.policy_digest,
        meanings=MEANINGS,
        rules=judgement.rules,
        reason=judgement.reason,
        shadow=judgement.shadow,
        exceptions=judgement.exceptions,
        spent=judgement.spent,
    )


def _route(decision: Decision) -> Route:
    match decision:
        case Leave(route=route):
            return route
        case KeepLocal():
            return Route.LOCAL
        case Refuse():
            return Route.BLOCKED
        case _:
            assert_never(decision)


def _destination(decision: Decision) -> str:
    match decision:
        case Leave(permit=permit):
            return permit.destination
        case KeepLocal(destination=destination):
            return destination
        case Refuse():
            return ""
        case _:
            assert_never(decision)
