"""Evidence as the bytes that the ledger keeps: canonical, chained, and without any text of a request.

Theory of operation
-------------------
1. A record is a JSON object with sorted keys, no spaces, no floats, at most `MAX_BYTES`. The stored bytes are what is
   hashed: nobody serialises a record a second time.
2. `SCHEMAS` is closed. Every string is a word of an enum, an id of a bounded pattern, or a digest; every number a whole
   one. Whatever else stands in a document raises `RecordError`, which names the place and never the value.
3. Content appears only as a commitment, `h1:` and HMAC-SHA256 under a key of the tenant and day over salt and bytes:
   keys and salts are kept apart from the records, and once they are deleted a commitment says nothing.
4. Names that callers choose (model, purpose, claimed label) stand in clear only where they look like a name, hold fewer
   digits (but for one release date) than a number of a person or account has, and nothing was found in them; else as a
   commitment.
5. A record is the leaf of a chain of its writer: it holds the leaf hash (RFC 6962) of the one before.

Facts that evaluation reads are all recorded, so a decision can be evaluated again (`domain.recorded`): with them where
the model could go, what the models inside lacked, and which exceptions were used up. `domain.record_fit` says what
fits; `more` counts what did not.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import assert_never

from msgspec import MsgspecError
from msgspec.json import Decoder, Encoder

from gateway.domain.commitment import Secrets, commitment, pseudonym
from gateway.domain.evidence import (
    Content,
    Decided,
    Erased,
    Event,
    Evidence,
    Outcome,
    PolicyEvidence,
    Pruned,
    Reviewed,
    Route,
    Viewed,
)
from gateway.domain.labels import DataClass
from gateway.domain.merkle import leaf_hash
from gateway.domain.record_fit import findings_within, lacks_within, names_within
from gateway.domain.record_others import content_of_other
from gateway.domain.record_schema import SCHEMAS, RecordError
from gateway.domain.shown_names import is_shown, model_is_clean
from gateway.domain.strict_json import Json, text_at

VERSION = 1
MAX_BYTES = 16 * 1024
NO_LEAF = bytes(32)
"""Stands for the previous leaf in the first record of a writer."""

_CANONICAL = Encoder(order="sorted")
"""Sorted keys, no spaces. Of what is no ASCII, or no number, it makes JSON that the closed schema does not take."""
_READER = Decoder()

_KINDS = {
    Route.EXTERNAL: "intent",
    Route.EXTERNAL_TRANSFORMED: "intent",
    Route.LOCAL: "local",
    Route.BLOCKED: "block",
}


@dataclass(frozen=True, slots=True)
class Link:
    """A record's place in its writer's chain. `previous` is a leaf hash, `nonce` 16 random bytes."""

    writer: str
    sequence: int
    previous: bytes
    nonce: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """The columns that records are searched by; each can be read out of the record again. Empty where it has none."""

    kind: str
    decision_id: str
    at: int
    tenant: str
    app: str
    label: str
    route: str
    destination: str
    reason: str


@dataclass(frozen=True, slots=True)
class Record:
    """A record as it is stored. `leaf` is its RFC 6962 leaf hash."""

    writer: str
    sequence: int
    body: bytes
    leaf: bytes
    search: Search


def encode(evidence: Evidence, link: Link, secrets: Secrets) -> Record:
    """The record of `evidence`. Raises `RecordError` for anything that the closed schema does not know."""
    document: dict[str, Json] = {
        "v": VERSION,
        "w": link.writer,
        "s": link.sequence,
        "p": link.previous.hex(),
        "n": link.nonce.hex(),
        "t": evidence.at,
        **_content(evidence, secrets),
    }
    body = _canonical(document)
    SCHEMAS.check(document, body)
    if not 0 < len(body) <= MAX_BYTES:
        raise RecordError("record")
    return Record(link.writer, link.sequence, body, leaf_hash(body), search_of(document))


def _canonical(document: Mapping[str, Json]) -> bytes:
    """The bytes that are stored; none for what is not JSON: the encoder would write bytes, times and others down as
    strings, too, and those read back as something else."""
    try:
        body = _CANONICAL.encode(document)
        return body if _READER.decode(body) == document else b""
    except (MsgspecError, TypeError, ValueError, OverflowError, RecursionError):
        return b""


def sent_digest(evidence: Evidence) -> bytes:
    """SHA-256 of the exact bytes that a receipt for `evidence` speaks of: those to be sent, else none."""
    return hashlib.sha256(evidence.sent.data if isinstance(evidence, Decided) else b"").digest()


def statement(record: Record) -> bytes:
    """What a receipt states, and the ledger signs: this decision stands at this place of this writer's chain."""
    said = {
        "v": VERSION,
        "id": record.search.decision_id,
        "w": record.writer,
        "s": record.sequence,
        "leaf": record.leaf.hex(),
        "t": record.search.at,
    }
    return _CANONICAL.encode(said)


def search_of(document: Mapping[str, Json]) -> Search:
    """The search columns of a record's document."""
    does, policy = document.get("do"), document.get("pol")
    done: Mapping[str, Json] = does if isinstance(does, dict) else {}
    judged: Mapping[str, Json] = policy if isinstance(policy, dict) else {}
    at = document["t"]
    return Search(
        kind=text_at(document, "k"),
        decision_id=text_at(document, "id"),
        at=at if isinstance(at, int) else 0,
        tenant=text_at(document, "tenant"),
        app=text_at(document, "app"),
        label=text_at(document, "label"),
        route=text_at(done, "route"),
        destination=text_at(done, "destination"),
        reason=text_at(judged, "reason"),
    )


def _content(evidence: Evidence, secrets: Secrets) -> dict[str, Json]:
    match evidence:
        case Decided():
            return _decided(evidence, secrets)
        case Outcome() | Event() | Pruned() | Erased() | Viewed() | Reviewed():
            return content_of_other(evidence)
        case _:
            assert_never(evidence)


def _decided(evidence: Decided, secrets: Secrets) -> dict[str, Json]:
    found, lost = findings_within(evidence.findings)
    lacking, lost_lacking = lacks_within(evidence.lacking)
    policy, lost_policy = _policy(evidence.policy)
    transforms, lost_transforms = names_within("transforms", evidence.transforms)
    return {
        "k": _KINDS[evidence.route],
        "id": evidence.decision_id,
        "tenant": evidence.tenant,
        "app": evidence.app,
        "who": pseudonym(secrets.tenant_key, evidence.who),
        "op": evidence.operation,
        "ctx": _context(evidence, secrets),
        "to": {"ext": evidence.alias.external, "loc": evidence.alias.local},
        "body": {
            **_committed(evidence.received, secrets),
            "leaves": evidence.leaves,
            "failed": evidence.failed,
            "opaque": evidence.opaque,
        },
        "det": evidence.detector,
        "task": {"is": evidence.task.task.value, "conf": evidence.task.confidence},
        "lack": [{"d": each.destination, "cap": each.capability.value} for each in lacking],
        "label": evidence.label,
        "classes": [each for each in DataClass if each in evidence.classes],
        "find": found,
        "pol": policy,
        "do": {
            "route": evidence.route.value,
            "destination": evidence.destination,
            "status": evidence.status,
            "able": evidence.recourse.value,
            "transforms": list(transforms),
            "sent": _committed(evidence.sent, secrets),
        },
        "more": {"find": lost, "lack": lost_lacking, "transforms": lost_transforms, **lost_policy},
    }


def _policy(evidence: PolicyEvidence) -> tuple[Json, dict[str, Json]]:
    """Which policy decided and how, and how many names of each list did not fit."""
    rules, lost_rules = names_within("rules", evidence.rules)
    shadow, lost_shadow = names_within("shadow", evidence.shadow)
    spent, lost_spent = names_within("spent", evidence.spent)
    said: dict[str, Json] = {
        "rev": evidence.revision,
        "dig": evidence.digest,
        "ent": evidence.meanings,
        "rules": list(rules),
        "reason": evidence.reason,
        "shadow": list(shadow),
        "exc": list(evidence.exceptions),
        "spent": list(spent),
    }
    return said, {"rules": lost_rules, "shadow": lost_shadow, "spent": lost_spent}


def _context(evidence: Decided, secrets: Secrets) -> dict[str, Json]:
    return {
        "model": _name(evidence.model, secrets, clean=model_is_clean(evidence)),
        "purpose": _name(evidence.purpose, secrets, clean=True),
        "claimed": _name(evidence.claimed_label, secrets, clean=True),
    }


def _name(value: str, secrets: Secrets, *, clean: bool) -> str:
    """A name of the caller's choice: in clear where it can only be a name, else a commitment."""
    shown = not value or is_shown(value, clean=clean)
    return value if shown else commitment(secrets.day_key, secrets.salt, value.encode())


def _committed(content: Content, secrets: Secrets) -> dict[str, Json]:
    return {"c": commitment(secrets.day_key, secrets.salt, content.data), "bytes": len(content.data)}
