"""The decision: from a judged conversation to `Permit | KeepLocal | Refuse`.

Theory of operation
-------------------
`decide` is the only way to a `Permit`, and it looks at nothing but its arguments. In this order:

| # | what is so                                                          | decision                          |
|---|---------------------------------------------------------------------|-----------------------------------|
| 1 | the policy blocks                                                   | Refuse                            |
| 2 | the policy keeps it inside, or no rule lets it leave                | KeepLocal                         |
| 3 | the model's alias has no external destination                       | KeepLocal                         |
| 4 | no rule that matched allows this destination                        | KeepLocal (`DESTINATION_NOT_ALLOWED`) |
| 5 | a leaf is unexamined, or content opaque, and still above the ceiling | KeepLocal (`ABOVE_CLEARANCE`)     |
| 6 | what remains after the transforms exceeds the destination's ceiling | KeepLocal (`ABOVE_CLEARANCE`)     |
| 7 | else                                                                | Permit for the transformed bytes  |

KeepLocal without an in-network destination that may hold the label is Refuse (`NO_LOCAL_DESTINATION`). What may be sent
is built here, from the declared fields, with the values that transforms replaced: the permit holds those bytes, so
nothing lies between what was judged and what is sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import assert_never

from gateway.domain import _mint
from gateway.domain.alias import Alias
from gateway.domain.clearance import Permit
from gateway.domain.conversation import Conversation
from gateway.domain.evaluate import Inside, MayLeave, Sensitivity, Verdict, evaluate, sensitivity_of, within_ceiling
from gateway.domain.evidence import Route
from gateway.domain.facts import Context, Facts, facts_of
from gateway.domain.finding import Report
from gateway.domain.labels import Entity
from gateway.domain.mask import Anonymizer, Masked, PlaceholderKey, Vault, fold, mask
from gateway.domain.policy import Block, Bundle, Policy
from gateway.domain.strict_json import Json


@dataclass(frozen=True, slots=True)
class Masking:
    """What transforms need: the gateway's placeholder secret and the operators."""

    secret: bytes = field(repr=False)
    anonymizer: Anonymizer


@dataclass(frozen=True, slots=True)
class Judgement:
    """Why a decision fell as it did."""

    facts: Facts
    sensitivity: Sensitivity
    reason: str
    rules: tuple[str, ...]
    shadow: tuple[str, ...]
    policy_revision: int
    policy_digest: str


@dataclass(frozen=True, slots=True)
class Leave:
    """The request may leave: the permit, what was replaced, and the way back."""

    permit: Permit
    judgement: Judgement
    route: Route
    transforms: tuple[Entity, ...]
    vault: Vault


@dataclass(frozen=True, slots=True)
class KeepLocal:
    """The request is answered inside, by `destination`."""

    decision_id: str
    destination: str
    judgement: Judgement


@dataclass(frozen=True, slots=True)
class Refuse:
    """The request is refused with `status`. `tell_user` is the rule's own text and may be empty."""

    decision_id: str
    status: int
    tell_user: str
    judgement: Judgement


Decision = Leave | KeepLocal | Refuse

_NO_LOCAL_STATUS = 403


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """All that a decision rests on."""

    decision_id: str
    conversation: Conversation
    report: Report
    context: Context
    bundle: Bundle
    alias: Alias
    outgoing: Mapping[str, Json]
    """Control fields that the gateway sets on whatever leaves, such as `store: false`."""


def decide(case: Case, masking: Masking) -> Decision:
    """The decision on one request. Pure: equal arguments give equal decisions."""
    facts = facts_of(case.conversation, case.report, case.context, fold)
    verdict = evaluate(case.bundle, facts)
    policies = case.bundle.in_scope(facts.context.app, facts.context.tenant)
    outcome = verdict.outcome
    match outcome:
        case Block(status=status):
            return Refuse(case.decision_id, status, verdict.tell_user, _judgement(case, facts, verdict, verdict.reason))
        case Inside(destination=destination):
            return _inside(case, facts, verdict, policies, verdict.reason, destination)
        case MayLeave():
            return _leave(case, facts, verdict, policies, outcome, masking)
        case _:
            assert_never(outcome)


def _leave(
    case: Case, facts: Facts, verdict: Verdict, policies: tuple[Policy, ...], may: MayLeave, masking: Masking
) -> Decision:
    destination = case.alias.external
    if not destination:
        return _inside(case, facts, verdict, policies, "LOCAL_ALIAS", "")
    if not may.allows(destination):
        return _inside(case, facts, verdict, policies, "DESTINATION_NOT_ALLOWED", "")
    transformed = frozenset(transform.entity for transform in may.transforms)
    if not within_ceiling(policies, destination, sensitivity_of(policies, facts, transformed)):
        return _inside(case, facts, verdict, policies, "ABOVE_CLEARANCE", "")
    key = PlaceholderKey(masking.secret, case.context.tenant, case.conversation)
    masked = mask(case.conversation, case.report, may.transforms, key, masking.anonymizer)
    return _permit(case, _judgement(case, facts, verdict, verdict.reason), masked, destination)


def _permit(case: Case, judgement: Judgement, masked: Masked, destination: str) -> Leave:
    body = case.conversation.rewritten(masked.texts, case.outgoing)
    permit = _mint.permit(decision_id=case.decision_id, destination=destination, body=body)
    route = Route.EXTERNAL_TRANSFORMED if masked.texts else Route.EXTERNAL
    return Leave(permit, judgement, route, tuple(sorted(masked.entities)), masked.vault)


def _inside(
    case: Case, facts: Facts, verdict: Verdict, policies: tuple[Policy, ...], reason: str, destination: str
) -> Decision:
    chosen = destination or case.alias.local
    known = any(chosen in policy.ceilings for policy in policies)
    if not chosen or (known and not within_ceiling(policies, chosen, verdict.sensitivity)):
        judgement = _judgement(case, facts, verdict, "NO_LOCAL_DESTINATION")
        return Refuse(case.decision_id, _NO_LOCAL_STATUS, verdict.tell_user, judgement)
    return KeepLocal(case.decision_id, chosen, _judgement(case, facts, verdict, reason))


def _judgement(case: Case, facts: Facts, verdict: Verdict, reason: str) -> Judgement:
    return Judgement(
        facts=facts,
        sensitivity=verdict.sensitivity,
        reason=reason,
        rules=verdict.rules,
        shadow=verdict.shadow,
        policy_revision=case.bundle.revision,
        policy_digest=case.bundle.digest,
    )
