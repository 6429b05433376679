"""What stands in the records that are no decisions: how one ended, what happened to the gateway, who looked."""

from __future__ import annotations

from typing import assert_never

from gateway.domain.costs import Cost
from gateway.domain.evidence import Erased, Event, EventKind, Outcome, Pruned, Reviewed, Viewed
from gateway.domain.strict_json import Json


def content_of_other(evidence: Outcome | Event | Pruned | Erased | Viewed | Reviewed) -> dict[str, Json]:
    """The members of a record, without those that link it into its chain."""
    match evidence:
        case Outcome():
            return _outcome(evidence)
        case Event():
            return {"k": evidence.kind.value, "action": evidence.action, **_about(evidence)}
        case Pruned():
            return {"k": "prune", "before": evidence.before, "upto": evidence.upto, "dropped": evidence.dropped}
        case Erased():
            return _erased(evidence)
        case Viewed():
            return _viewed(evidence)
        case Reviewed():
            return _reviewed(evidence)
        case _:
            assert_never(evidence)


def _about(evidence: Event) -> dict[str, Json]:
    if evidence.kind is EventKind.ADMIN:
        return {"subject": evidence.subject, "who": evidence.who}
    return {"id" if evidence.kind is EventKind.RECOVERED else "subject": evidence.subject}


def _outcome(evidence: Outcome) -> dict[str, Json]:
    return {
        "k": "outcome",
        "id": evidence.decision_id,
        "tenant": evidence.tenant,
        "result": evidence.result.value,
        "status": evidence.status,
        "bytes": evidence.answer_bytes,
        "restored": evidence.restored,
        "us": evidence.duration,
        "in": evidence.prompt_tokens,
        "out": evidence.completion_tokens,
        "ans": list(evidence.answer_rules),
        "cost": _cost(evidence.cost),
        "other": {
            "d": evidence.other.destination,
            **_cost(evidence.other.cost),
            "us": evidence.other.microseconds,
            "seen": evidence.other.seen,
        },
    }


def _cost(cost: Cost) -> dict[str, Json]:
    return {"nusd": cost.nano_dollars, "known": int(cost.known)}


def _erased(evidence: Erased) -> dict[str, Json]:
    counts: dict[str, Json] = {"salts": evidence.salts, "keys": evidence.keys}
    return {"k": "erasure", "scope": evidence.scope.value, "subject": evidence.subject, **counts}


def _viewed(evidence: Viewed) -> dict[str, Json]:
    asked: dict[str, Json] = {"asked": list(evidence.asked), "since": evidence.since, "until": evidence.until}
    return {"k": "view", "action": evidence.action.value, "who": evidence.who, "subject": evidence.subject, **asked}


def _reviewed(evidence: Reviewed) -> dict[str, Json]:
    said = {"action": evidence.action.value, "who": evidence.who, "id": evidence.decision_id, "d": evidence.entity}
    return {"k": "review", **said, "why": evidence.reason.value, "c": evidence.comment}
