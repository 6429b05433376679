"""One decision: why, what was found, which rules spoke, what became of it, and whether its record was altered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gateway.adapters.policy_pages import consequence_in_words
from gateway.adapters.sql_audit import SqlAudit
from gateway.adapters.sql_decisions import keys_by_pseudonym
from gateway.adapters.sql_records import StoredRecord, of_decision
from gateway.console.asked import Answer, Asked, Page, Refused
from gateway.console.decisions import row_of, whole_at
from gateway.console.proof import Proof, proof_of
from gateway.console.reviewed import review_of
from gateway.domain.accounts import Account
from gateway.domain.evidence import Result, Route
from gateway.domain.explain import Explained, explained, summary
from gateway.domain.plain import found, place, sentence, surely
from gateway.domain.policy import Bundle, Rule
from gateway.domain.recorded import Past, past_of
from gateway.domain.replaying import Again, Replayer
from gateway.domain.reviewing import REASONS
from gateway.domain.routing import routed
from gateway.domain.sensitivity import MEANINGS
from gateway.domain.strict_json import Json, object_at, text_at, words_at

DECISIONS = ("intent", "local", "block")
NOTHING = "There is no decision of this id that you may see."
_ENDED = {
    Result.COMPLETED.value: "answered",
    Result.REJECTED.value: "refused by the provider",
    Result.FAILED.value: "failed: no answer, a broken one, or one cut short",
    Result.CLIENT_GONE.value: "the caller left before the end",
    Result.NOT_SENT.value: "not sent",
    Result.WITHHELD.value: "answered, and the policy withheld the answer",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found, as the page tells it."""

    entity: str
    count: int
    confidence: str
    where: str
    source: str


@dataclass(frozen=True, slots=True)
class RuleTold:
    """A rule that a record names. `says` is empty where the policy of the day is not in force any more."""

    name: str
    says: str
    won: bool


@dataclass(frozen=True, slots=True)
class Told:
    """What the ledger says of one decision. `records` are all of its records."""

    record: StoredRecord
    records: Sequence[StoredRecord]
    proof: Proof
    past: Past | None


async def decision(asked: Asked) -> Answer:
    """The page."""
    told = await asked.read(lambda audit: look(audit, asked.path["id"], asked.parts.public_key))
    document = told.record.document
    see(asked.holder, document)
    bundle = asked.parts.policies.current()
    return Page("decision.html", {
        "title": "Decision",
        **_view(told, bundle),
        "steps": _steps(told),
        "reviewing": await review_of(asked, asked.path["id"], _reviews(told)),
        "reasons": REASONS,
    })  # fmt: skip


def look(audit: SqlAudit, decision_id: str, public_key: str) -> Told:
    """What is recorded of a decision. Raises `Refused` where there is none."""
    records = of_decision(audit.connection, decision_id)
    record = next((each for each in records if each.document.get("k") in DECISIONS), None)
    if record is None:
        raise Refused(404, NOTHING)
    past = past_of(record.body, keys_by_pseudonym(audit.connection))
    return Told(record, records, proof_of(audit, record, public_key), past if isinstance(past, Past) else None)


def see(account: Account, document: Mapping[str, Json]) -> None:
    """Raise `Refused` unless the account may see this decision; it does not learn whether there is one."""
    if not account.sight.covers(text_at(document, "tenant"), whole_at(document, "t")):
        raise Refused(404, NOTHING)


def findings_of(document: Mapping[str, Json]) -> list[Finding]:
    """What was found, the surest first."""
    return [
        Finding(
            entity=text_at(each, "d"),
            count=whole_at(each, "n"),
            confidence=f"{surely(whole_at(each, 'conf'))} ({whole_at(each, 'conf') / 1000:.2f})",
            where=place(text_at(each, "at")),
            source=text_at(each, "src").replace("_", " "),
        )
        for each in found(document)
    ]


def _view(told: Told, bundle: Bundle) -> dict[str, object]:
    document = told.record.document
    policy, does = object_at(document, "pol"), object_at(document, "do")
    same = bundle.digest == text_at(policy, "dig")
    why, rules = _considered(bundle, told.past) if same and told.past is not None else ("", ())
    return {
        "row": row_of(told.record),
        "sentence": sentence(document),
        "why": why,
        "differs": same and told.past is not None and _differs(bundle, told.past),
        "proof": told.proof,
        "findings": findings_of(document),
        "unlisted": whole_at(object_at(document, "more"), "find"),
        "matched": _rules(bundle, words_at(policy, "rules"), text_at(policy, "reason"), same=same),
        "shadow": _rules(bundle, words_at(policy, "shadow"), "", same=same),
        "considered": [each for each in rules if not each.holds],
        "exceptions": words_at(policy, "exc"),
        "intent": _intent(told.record, does),
        "outcomes": [_outcome(each) for each in told.records if each.document.get("k") in {"outcome", "recovered"}],
        "digest": text_at(policy, "dig"),
        "same": same,
    }


def _considered(bundle: Bundle, past: Past) -> tuple[str, tuple[Explained, ...]]:
    """The sentence of the policy that decided, and every rule with why it holds or does not."""
    facts = past.facts()
    routing = routed(bundle, facts, past.alias, bundle.exception_ids - past.spent)
    return summary(bundle, routing), explained(bundle, facts, routing.verdict)


def _differs(bundle: Bundle, past: Past) -> bool:
    """Whether the policy that decided, asked again about what is recorded, decides otherwise."""
    again = Replayer(bundle).again(past)
    return isinstance(again, Again) and past.meanings == MEANINGS and not past.came_out_as(again.decision)


def rules_by_name(bundle: Bundle) -> dict[str, Rule]:
    """The rules of a bundle, each by its id and by that of its policy before it, as records name them."""
    known: dict[str, Rule] = {}
    for policy in bundle.policies:
        for rule in policy.rules:
            known |= {rule.id: rule, f"{policy.name}/{rule.id}": rule}
    return known


def _rules(bundle: Bundle, names: Sequence[str], reason: str, *, same: bool) -> list[RuleTold]:
    known, told = rules_by_name(bundle), []
    for name in names:
        spoke = known.get(name) if same else None
        says = f"{spoke.severity.value}: {consequence_in_words(spoke)}".replace("`", "") if spoke is not None else ""
        told.append(RuleTold(name, says, won=spoke is not None and bool(reason) and spoke.reason == reason))
    return told


def _intent(record: StoredRecord, does: Mapping[str, Json]) -> dict[str, object]:
    document = record.document
    body, sent = object_at(document, "body"), object_at(does, "sent")
    leaves = text_at(does, "route") in {Route.EXTERNAL.value, Route.EXTERNAL_TRANSFORMED.value}
    return {
        "operation": text_at(document, "op"),
        "received": whole_at(body, "bytes"),
        "leaves": whole_at(body, "leaves"),
        "failed": whole_at(body, "failed"),
        "opaque": whole_at(body, "opaque"),
        "sent": whole_at(sent, "bytes") if leaves else 0,
        "status": whole_at(does, "status"),
        "transforms": words_at(does, "transforms"),
        "writer": f"{record.writer}/{record.sequence}",
        "position": record.position,
    }


def _outcome(record: StoredRecord) -> dict[str, object]:
    document = record.document
    result = text_at(document, "result")
    said = _ENDED.get(result, "nobody knows: the gateway died, and it may have been sent")
    return {
        "at": whole_at(document, "t"),
        "said": said,
        "status": whole_at(document, "status"),
        "bytes": whole_at(document, "bytes"),
        "restored": whole_at(document, "restored"),
        "milliseconds": whole_at(document, "us") // 1000,
        "tokens": (whole_at(document, "in"), whole_at(document, "out")),
        "answers": words_at(document, "ans"),
    }


def _steps(told: Told) -> list[dict[str, object]]:
    """What was recorded of the decision's review."""
    return [
        {
            "at": whole_at(each, "t"),
            "action": text_at(each, "action").replace("_", " "),
            "who": text_at(each, "who"),
            "entity": text_at(each, "d"),
            "reason": text_at(each, "why").replace("_", " "),
        }
        for each in _reviews(told)
    ]


def _reviews(told: Told) -> list[Mapping[str, Json]]:
    return [each.document for each in told.records if each.document.get("k") == "review"]
