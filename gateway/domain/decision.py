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
| 5 | a leaf is unexamined                                                | KeepLocal (`UNREADABLE`)          |
| 6 | what remains after the transforms, or opaque content, is above the ceiling | KeepLocal (`ABOVE_CLEARANCE`)     |
| 7 | a transform is needed, and the operation bears none                 | KeepLocal (`NOT_MASKABLE`)         |
| 8 | else                                                                | Permit for the transformed bytes  |

KeepLocal without an in-network destination that may hold the label is Refuse (`NO_LOCAL_DESTINATION`). What may be sent
is built here, from the declared fields, with the values that transforms replaced: the permit holds those bytes, so
nothing lies between what was judged and what is sent. Rows 1 to 7 are `domain.routing`, which replays and policy tests
ask too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import assert_never

from gateway.domain import _mint
from gateway.domain.alias import Alias
from gateway.domain.capability import Capability, Lack, Recourse
from gateway.domain.clearance import Permit
from gateway.domain.conversation import Conversation
from gateway.domain.evidence import Route
from gateway.domain.facts import Context, Facts, facts_of
from gateway.domain.finding import Report
from gateway.domain.labels import Entity
from gateway.domain.mask import Anonymizer, Masked, PlaceholderKey, Vault, fold, mask
from gateway.domain.policy import Bundle
from gateway.domain.routing import NO_LOCAL_DESTINATION, Refused, Routing, ToExternal, ToLocal, routed
from gateway.domain.sensitivity import Sensitivity
from gateway.domain.strict_json import Json

NOWHERE_INSIDE = (
    "This request holds data that may not leave the network, and no model inside is configured that can answer it."
)
"""What the caller is told where a rule would have kept a request inside, and there is nowhere to keep it."""


@dataclass(frozen=True, slots=True)
class Masking:
    """What transforms need: the gateway's placeholder secret and the operators."""

    secret: bytes = field(repr=False)
    anonymizer: Anonymizer


@dataclass(frozen=True, slots=True)
class Judgement:
    """Why a decision fell as it did. `exceptions` are the ids of those without which it would have fallen otherwise,
    `spent` of those that had no use left. `lacking` is what the model inside cannot do of what is asked."""

    facts: Facts
    sensitivity: Sensitivity
    reason: str
    rules: tuple[str, ...]
    shadow: tuple[str, ...]
    policy_revision: int
    policy_digest: str
    exceptions: tuple[str, ...] = ()
    spent: tuple[str, ...] = ()
    recourse: Recourse = Recourse.NONE
    lacking: frozenset[Capability] = frozenset()


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
    """The request is answered inside, by `destination`, without what it asks of the `degraded` capabilities."""

    decision_id: str
    destination: str
    judgement: Judgement
    degraded: frozenset[Capability] = frozenset()


@dataclass(frozen=True, slots=True)
class Refuse:
    """The request is refused with `status`. `tell_user` is the rule's own text and may be empty."""

    decision_id: str
    status: int
    tell_user: str
    judgement: Judgement


Decision = Leave | KeepLocal | Refuse


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
    usable: frozenset[str] = frozenset()
    """The ids of exceptions that may have uses left."""
    lacking: tuple[Lack, ...] = ()
    """What the models inside cannot do of what the conversation asks for."""


def decide(case: Case, masking: Masking) -> Decision:
    """The decision on one request. Pure: equal arguments give equal decisions."""
    facts = facts_of(case.conversation, case.report, case.context, fold, case.lacking)
    routing = routed(case.bundle, facts, case.alias, case.usable)
    judgement = _judgement(case, facts, routing)
    way = routing.way
    match way:
        case Refused(status=status):
            tell_user = NOWHERE_INSIDE if routing.reason == NO_LOCAL_DESTINATION else routing.verdict.tell_user
            return Refuse(case.decision_id, status, tell_user, judgement)
        case ToLocal(destination=destination):
            return KeepLocal(case.decision_id, destination, judgement, routing.degraded)
        case ToExternal():
            return _leave(case, way, judgement, masking)
        case _:
            assert_never(way)


def _leave(case: Case, way: ToExternal, judgement: Judgement, masking: Masking) -> Leave:
    key = PlaceholderKey(masking.secret, case.context.tenant, case.conversation)
    masked = mask(case.conversation, case.report, way.transforms, key, masking.anonymizer)
    return _permit(case, judgement, masked, way.destination)


def _permit(case: Case, judgement: Judgement, masked: Masked, destination: str) -> Leave:
    body = case.conversation.rewritten(masked.texts, case.outgoing)
    operation = case.conversation.operation
    permit = _mint.permit(decision_id=case.decision_id, destination=destination, operation=operation, body=body)
    route = Route.EXTERNAL_TRANSFORMED if masked.texts else Route.EXTERNAL
    return Leave(permit, judgement, route, tuple(sorted(masked.entities)), masked.vault)


def _judgement(case: Case, facts: Facts, routing: Routing) -> Judgement:
    verdict = routing.verdict
    return Judgement(
        facts=facts,
        sensitivity=verdict.sensitivity,
        reason=routing.reason,
        rules=verdict.rules,
        shadow=verdict.shadow,
        policy_revision=case.bundle.revision,
        policy_digest=case.bundle.digest,
        exceptions=routing.exceptions,
        spent=tuple(sorted(case.bundle.exception_ids - case.usable)),
        recourse=routing.recourse,
        lacking=routing.lacking,
    )
