"""A clearance on its way to the process that sends: what the gateway signs, and in which pieces the answer comes back.

    gateway    redeems a clearance, signs a `Sealed` statement of it, hands over statement and bytes
    egress     checks the signature, admits the statement (domain._admit), sends exactly those bytes
    egress     tells the answer in frames, each as it arrives

A statement is canonical JSON: two statements that say the same are the same bytes.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from enum import StrEnum

from gateway.domain.conversation import Operation
from gateway.domain.errors import CallerError
from gateway.domain.strict_json import Json, parse_json

VERSION = 1
HEADER = "x-gateway-clearance"
PATH = "/v1/clearances"

_ID = re.compile(r"[0-9A-Za-z]{1,64}")
_DIGEST = re.compile(r"[0-9a-f]{64}")


class RefusalReason(StrEnum):
    """Why the egress sent nothing. Names are part of the record."""

    NOT_GENUINE = "not_genuine"
    NO_RECEIPT = "no_receipt"
    UNKNOWN_DESTINATION = "unknown_destination"
    TOO_LARGE = "too_large"
    EXPIRED = "expired"
    NOT_YET = "not_yet"
    BEFORE_START = "before_start"
    INCOMPLETE = "incomplete"
    ALTERED = "altered"
    REPLAYED = "replayed"


class SealRefused(Exception):
    """Nothing was sent, for this reason."""

    def __init__(self, reason: RefusalReason) -> None:
        super().__init__(reason.value)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Sealed:
    """What the gateway's signature stands for.

    `digest` is the SHA-256 of the exact bytes (32 bytes), `size` their number, `receipt` the ledger's signed token for
    the decision. Times are microseconds since the epoch: good from `issued_at` until before `expires_at`."""

    decision_id: str
    destination: str
    operation: Operation
    digest: bytes
    size: int
    receipt: str
    issued_at: int
    expires_at: int

    def encode(self) -> bytes:
        """The canonical bytes that are signed."""
        said: dict[str, Json] = {
            "v": VERSION,
            "id": self.decision_id,
            "to": self.destination,
            "op": self.operation.value,
            "sha256": self.digest.hex(),
            "size": self.size,
            "receipt": self.receipt,
            "from": self.issued_at,
            "until": self.expires_at,
        }
        return json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode("ascii")


def read_sealed(data: bytes) -> Sealed:
    """The statement in `data`. Raises `SealRefused(NOT_GENUINE)` for anything that is not the canonical form of one."""
    try:
        said = parse_json(data)
        sealed = _statement(said) if isinstance(said, dict) else None
    except (CallerError, ValueError):
        sealed = None
    if sealed is None or sealed.encode() != data:
        raise SealRefused(RefusalReason.NOT_GENUINE)
    return sealed


def _statement(said: dict[str, Json]) -> Sealed | None:
    match said:
        case {
            "id": str(decision_id),
            "to": str(destination),
            "op": str(operation),
            "sha256": str(digest),
            "size": int(size),
            "receipt": str(receipt),
            "from": int(issued_at),
            "until": int(expires_at),
        } if _ID.fullmatch(decision_id) and _DIGEST.fullmatch(digest) and size >= 0:
            op, bytes_ = Operation(operation), bytes.fromhex(digest)
            return Sealed(decision_id, destination, op, bytes_, size, receipt, issued_at, expires_at)
        case _:
            return None


class Frame(StrEnum):
    """What one piece of an answer is. The first one says how the answer comes."""

    WHOLE = "W"
    """The whole answer's body; nothing follows."""
    REJECTED = "R"
    """The provider's refusal: status (2 bytes), seconds to wait (4), body; nothing follows."""
    FAILED = "F"
    """The code of an error; nothing follows. May also end a stream."""
    STREAM = "S"
    """A stream begins: empty."""
    EVENT = "E"
    """One event of a stream."""
    END = "D"
    """The stream ended where the provider's did: empty."""


class FrameError(Exception):
    """The bytes are not frames, or more than was agreed. Carries nothing of them."""


_HEAD = 5


def framed(kind: Frame, payload: bytes = b"") -> bytes:
    """A frame: its kind, the length of the payload in four bytes, the payload."""
    return kind.value.encode("ascii") + len(payload).to_bytes(4, "big") + payload


class FrameReader:
    """Bytes in, frames out; in time and memory linear in what arrives. `limit` bounds one payload."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._waiting = bytearray()

    def feed(self, chunk: bytes) -> list[tuple[Frame, bytes]]:
        """The frames that `chunk` completes. Raises `FrameError`."""
        self._waiting += chunk
        frames, at = [], 0
        while len(self._waiting) - at >= _HEAD:
            kind, size = _kind(self._waiting[at]), int.from_bytes(self._waiting[at + 1 : at + _HEAD], "big")
            if size > self._limit:
                raise FrameError("a frame is larger than the limit")
            if len(self._waiting) - at - _HEAD < size:
                break
            frames.append((kind, bytes(self._waiting[at + _HEAD : at + _HEAD + size])))
            at += _HEAD + size
        del self._waiting[:at]
        return frames


def _kind(byte: int) -> Frame:
    try:
        return Frame(chr(byte))
    except ValueError:
        raise FrameError("no frame begins so") from None
