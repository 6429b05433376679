"""What is recorded of a decision and of what became of it. Values only; `domain.record` writes them as text-free bytes.

`Content` is what a record commits to with a keyed hash. It is never written.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from gateway.domain.alias import Alias
from gateway.domain.capability import Lack, Recourse
from gateway.domain.costs import NO_OTHER_WAY, UNPRICED, Cost, OtherWay
from gateway.domain.facts import FindingFact
from gateway.domain.finding import JudgedTask
from gateway.domain.labels import DataClass, Entity, Label

SYNTHETIC = "gateway-canary"
"""The app and tenant of what the gateway asked itself. No key of anybody can have them."""


@dataclass(frozen=True, slots=True)
class Content:
    """Bytes to commit to, never to write. An empty value means that nothing was sent."""

    data: bytes = field(repr=False)


class Route(StrEnum):
    """Where a request went, as headers and records name it."""

    EXTERNAL = "external"
    EXTERNAL_TRANSFORMED = "external-transformed"
    LOCAL = "local"
    BLOCKED = "blocked"


@dataclass(frozen=True, slots=True)
class PolicyEvidence:
    """Which policy decided, by which rules, and by which exceptions from them. `digest` is `sha256:<hex>`;
    `meanings` names the shipped table of entities; `spent` are the exceptions that would have applied and had no use
    left."""

    revision: int
    digest: str
    meanings: str
    rules: tuple[str, ...]
    reason: str
    shadow: tuple[str, ...]
    exceptions: tuple[str, ...] = ()
    spent: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """A decision: the record is an `intent` for an external route, else `local` or `block`.

    `at` is in microseconds since the epoch, UTC. `failed` and `opaque` count what could not be read. `who` is the id of
    the key that asked; records hold a pseudonym of it. `model`, `purpose` and `claimed_label` are the caller's own
    words (the last two may be empty): records hold them only where they can be nothing but a name. `alias` is where the
    model could go, so that routing can be told again; `status` is 0 unless the request was refused.
    """

    decision_id: str
    at: int
    tenant: str
    app: str
    who: str
    operation: str
    model: str = field(repr=False)
    purpose: str = field(repr=False)
    claimed_label: str = field(repr=False)
    received: Content
    leaves: int
    failed: int
    opaque: int
    detector: str
    label: Label
    classes: frozenset[DataClass]
    findings: tuple[FindingFact, ...]
    policy: PolicyEvidence
    route: Route
    destination: str
    transforms: tuple[Entity, ...]
    sent: Content
    alias: Alias
    task: JudgedTask
    lacking: tuple[Lack, ...]
    status: int
    recourse: Recourse


class Result(StrEnum):
    """How the way of a request ended."""

    COMPLETED = "completed"
    REJECTED = "rejected"  # the provider refused it with its own 4xx
    FAILED = "failed"  # no answer, a broken one, or one cut short
    CLIENT_GONE = "client_gone"
    NOT_SENT = "not_sent"
    WITHHELD = "withheld"  # answered, and the policy does not let the answer be shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of an `intent` or a `local` decision. Microseconds; `answer_bytes` as the caller got it.

    `answer_rules` are the ids of the policy's rules for answers that matched. `other` is an estimate of what the
    request would have cost and taken where it did not go."""

    decision_id: str
    at: int
    tenant: str
    result: Result
    status: int
    answer_bytes: int
    restored: int
    duration: int
    prompt_tokens: int
    completion_tokens: int
    answer_rules: tuple[str, ...] = ()
    cost: Cost = UNPRICED
    other: OtherWay = NO_OTHER_WAY


class EventKind(StrEnum):
    """What else a ledger holds."""

    BOOT = "boot"
    SHUTDOWN = "shutdown"
    POLICY = "policy"
    ADMIN = "admin"
    RECOVERED = "recovered"
    HEARTBEAT = "heartbeat"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened to the gateway itself. `subject` is an id or a digest, `action` an enum-like word
    (`started`, `activated`, `rejected`, `key_created`, `key_revoked`, `open_intent`, `hold_placed`, `idle`, ...). `who`
    is the id of the account that did it, of `ADMIN` alone; empty for the gateway itself, and for a command."""

    kind: EventKind
    at: int
    action: str
    subject: str
    who: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruned:
    """Retention: the tree's first `upto` records are from before `before` (a time), and `dropped` of them lose all but
    their leaf hashes by this order."""

    at: int
    before: int
    upto: int
    dropped: int


class ErasureScope(StrEnum):
    """Whose commitments can be opened no more."""

    TENANT = "tenant"
    KEY = "key"
    DECISION = "decision"


@dataclass(frozen=True, slots=True, kw_only=True)
class Erased:
    """Erasure: salts and keys that are deleted with this record. `subject` is a tenant's name, the pseudonym of a key,
    or a decision id."""

    at: int
    scope: ErasureScope
    subject: str
    salts: int
    keys: int


class ViewAction(StrEnum):
    """What somebody did at the console that shows something, or let somebody in."""

    SIGNED_IN = "signed_in"
    SIGN_IN_FAILED = "sign_in_failed"
    SIGNED_OUT = "signed_out"
    REFUSED = "refused"
    OVERVIEW = "overview"
    SEARCHED = "searched"
    DECISION = "decision"
    EXPORTED = "exported"
    QUEUE = "queue"
    REPORT = "report"
    POLICIES = "policies"
    COMPARED = "compared"
    ACCESS_LOG = "access_log"
    ADMINISTRATION = "administration"
    ASKED_WHY = "asked_why"


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewed:
    """Somebody looks at records, and is shown them once this is durable. `who` is the id of an account, or of an API
    key; empty for nobody that is known. `subject` is what was looked at, as in `Event`; `asked` are the terms of a
    search, with `?` for a value that no record holds; `since` and `until` its period in microseconds, 0 for none."""

    at: int
    action: ViewAction
    who: str
    subject: str = ""
    asked: tuple[str, ...] = ()
    since: int = 0
    until: int = 0


class ReviewAction(StrEnum):
    """What a reviewer did with a decision."""

    SAMPLED = "sampled"
    QUEUED = "queued"
    ASSIGNED = "assigned"
    COMMENTED = "commented"
    TRUE_POSITIVE = "true_positive"
    FALSE_POSITIVE = "false_positive"
    ESCALATED = "escalated"
    SIGNED_OFF = "signed_off"
    EXCEPTION_REQUESTED = "exception_requested"


class ReviewReason(StrEnum):
    """Why a reviewer judges a finding as they do."""

    NONE = ""
    AS_FOUND = "as_found"
    NOT_PERSONAL = "not_personal"
    TEST_DATA = "test_data"
    PUBLIC_KNOWLEDGE = "public_knowledge"
    OTHER_KIND = "other_kind"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reviewed:
    """A step of the review of a decision, by the account `who`. A judgement speaks of one `entity`; empty for steps
    that judge nothing. `comment` is the commitment to what was written with it; empty where nothing was."""

    at: int
    action: ReviewAction
    who: str
    decision_id: str
    entity: str = ""
    reason: ReviewReason = ReviewReason.NONE
    comment: str = ""


Evidence = Decided | Outcome | Event | Pruned | Erased | Viewed | Reviewed
