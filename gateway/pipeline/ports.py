"""What the stories need from the world. Adapters implement these; `gateway.testing` ships fakes of them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from gateway.domain.capability import Capability
from gateway.domain.clearance import Clearance, Receipt
from gateway.domain.conversation import Conversation, Leaf, Operation
from gateway.domain.detectors import CustomDetector
from gateway.domain.evidence import Decided, Evidence, Outcome
from gateway.domain.exceptions import PolicyException
from gateway.domain.finding import Report
from gateway.domain.policy import Bundle


@dataclass(frozen=True, slots=True)
class Whole:
    """An answer in one piece: the JSON body in the dialect of the request."""

    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Streamed:
    """An answer in pieces: each item is the JSON of one event.

    The iterator ends only where the answer ended; one that was cut raises `UpstreamError` (or `GatewayFault` for a
    model inside). Closing it (`aclose`) stops the work behind it."""

    events: AsyncIterator[bytes] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Rejected:
    """The provider's own refusal (a 4xx that is the caller's business). `body` is its JSON error body; it may quote the
    request. `retry_after` is the provider's header, in whole seconds, 0 when it said none."""

    status: int
    body: bytes = field(repr=False)
    retry_after: int


LocalAnswer = Whole | Streamed
ExternalAnswer = Whole | Streamed | Rejected


@dataclass(frozen=True, slots=True)
class Health:
    """How one part is. `detail` is constant text with no secret in it; empty when all is well."""

    ok: bool
    detail: str


class Detector(Protocol):
    """Looks for sensitive content."""

    async def examine(self, leaves: Sequence[Leaf], custom: Sequence[CustomDetector]) -> Report:
        """A report that speaks of every leaf. Never raises for a failure of its own: it reports `Failed` leaves."""
        ...

    async def health(self) -> Health:
        """Whether leaves can be examined now."""
        ...


class Ledger(Protocol):
    """Keeps the records."""

    async def append(self, evidence: Evidence) -> Receipt:
        """The receipt, once the record is durable. Raises `GatewayFault(LEDGER_UNAVAILABLE)` when it is not in time."""
        ...

    async def health(self) -> Health:
        """Whether a record could be written now."""
        ...


class ExternalModel(Protocol):
    """A destination outside. Accepts a clearance and nothing else."""

    @property
    def speaks(self) -> frozenset[Operation]:
        """The operations that it serves in their own dialect."""
        ...

    async def complete(self, clearance: Clearance) -> ExternalAnswer:
        """The provider's answer to exactly the cleared bytes. Raises `UpstreamError`."""
        ...

    async def models(self) -> Sequence[str]:
        """The models that the destination lists, asked without a word of any caller. Raises `UpstreamError`."""
        ...

    async def health(self) -> Health:
        """Whether the destination is configured. Sends nothing."""
        ...


class LocalModel(Protocol):
    """A model inside the network."""

    def lacks(self, conversation: Conversation) -> frozenset[Capability]:
        """What it is known not to be able to do of what a conversation asks for."""
        ...

    @property
    def speaks(self) -> frozenset[Operation]:
        """The operations that it serves in their own dialect."""
        ...

    async def complete(self, conversation: Conversation) -> LocalAnswer:
        """The model's answer to a conversation of an operation that it speaks.

        Raises `GatewayFault(LOCAL_MODEL_UNAVAILABLE)`; `CallerError` for what it cannot do."""
        ...

    async def models(self) -> Sequence[str]:
        """The names that it lists. Raises `GatewayFault`."""
        ...

    async def health(self) -> Health:
        """Whether the model could answer now."""
        ...


class PolicySource(Protocol):
    """Knows the policy bundle in force."""

    def current(self) -> Bundle:
        """The last good bundle. Never raises once the gateway has started."""
        ...

    def health(self) -> Health:
        """Not ok when the newest files could not be loaded and an older bundle is in force."""
        ...


@dataclass(frozen=True, slots=True)
class Principal:
    """Who a key belongs to."""

    key_id: str
    name: str
    tenant: str
    app: str


@dataclass(frozen=True, slots=True)
class UnknownKey:
    """No such key, or a revoked one."""


class KeyStore(Protocol):
    """Knows the API keys, by their hashes."""

    async def find(self, presented: str) -> Principal | UnknownKey:
        """Whose key this is. Raises `GatewayFault(INTERNAL_ERROR)` when the store cannot be read."""
        ...


class ExceptionUses(Protocol):
    """Counts how often exceptions were used, for all processes together."""

    async def reserve(self, exceptions: Sequence[PolicyException]) -> frozenset[str]:
        """Count one use of each of them, if each has one left: an empty set. Else count none: the ids of the used up.

        A use that was counted stays counted, whatever becomes of the request. Raises `GatewayFault(INTERNAL_ERROR)`
        when it is not known in time whether they were counted.
        """
        ...


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> int:
        """Microseconds since the epoch, UTC."""
        ...

    def new_id(self) -> str:
        """A new decision id: 26 characters of Crockford base32, sortable by time (ULID)."""
        ...


class Observer(Protocol):
    """Counts and times what happens. It may tell codes, numbers and configured names, never text of a request."""

    def decided(self, evidence: Decided, stages: Mapping[str, int]) -> None:
        """A decision was recorded. `stages` are the times of detect, decide and record, in this order, in
        microseconds."""
        ...

    def ended(self, evidence: Decided, outcome: Outcome) -> None:
        """The way of a request ended; the outcome is about to be recorded."""
        ...
