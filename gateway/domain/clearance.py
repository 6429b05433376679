"""The clearance: the only thing an external adapter accepts, and the only thing that holds bytes it may send.

    decide(...) -> Permit | KeepLocal | Refuse        domain.decision
    Ledger.append(evidence) -> Receipt                durable when it returns
    Permit.clear(receipt) -> Clearance                only a Permit has it
    redeem(clearance) -> Cleared(destination, operation, bytes)         once

A clearance carries the judged bytes and names one destination, so nothing lies between check and use. It needs the
ledger's receipt for this very decision and these very bytes: no evidence, no egress. None of the three can be built by
hand, changed, copied, pickled or subclassed, and none shows content in its repr.
"""

from __future__ import annotations

import hashlib
from typing import NamedTuple, Never, NoReturn, final

from gateway.domain import _seal
from gateway.domain.conversation import Operation


class ClearanceError(Exception):
    """A permit, receipt or clearance is not genuine, does not fit, or was used before: a bug, never a request."""


class _Sealed:
    """A value that only this package's own functions can make."""

    __slots__ = ()

    def __init__(self, by_hand: Never, /) -> None:
        raise ClearanceError(f"a {type(self).__name__} is not made by hand")

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise ClearanceError(f"a {type(self).__name__} does not change")

    def __delattr__(self, name: str) -> NoReturn:
        raise ClearanceError(f"a {type(self).__name__} does not change")

    def __copy__(self) -> NoReturn:
        raise ClearanceError(f"a {type(self).__name__} is not copied")

    def __deepcopy__(self, memo: object) -> NoReturn:
        raise ClearanceError(f"a {type(self).__name__} is not copied")

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise ClearanceError(f"a {type(self).__name__} is not copied")


def _no_subclass(cls: type) -> NoReturn:
    raise ClearanceError(f"{cls.__name__}: sealed types are not subclassed")


@final
class Receipt(_Sealed):
    """The ledger's word that a decision is durable. `token` is what the caller gets in `x-gateway-receipt`."""

    __slots__ = ("_mark", "decision_id", "digest", "token")
    decision_id: str
    digest: bytes
    token: str
    _mark: bytes

    def __init_subclass__(cls) -> None:
        _no_subclass(cls)

    def __repr__(self) -> str:
        return f"Receipt(decision={self.decision_id!r})"


@final
class Clearance(_Sealed):
    """Leave to send these bytes to this destination, once. `receipt` is the ledger's token for the decision."""

    __slots__ = ("_body", "_mark", "_unspent", "decision_id", "destination", "operation", "receipt")
    decision_id: str
    destination: str
    operation: Operation
    receipt: str
    _body: bytes
    _mark: bytes
    _unspent: list[None]

    def __init_subclass__(cls) -> None:
        _no_subclass(cls)

    def __repr__(self) -> str:
        return f"Clearance(decision={self.decision_id!r}, destination={self.destination!r}, bytes={len(self._body)})"


@final
class Permit(_Sealed):
    """A decision that this body may go to this destination, as soon as it is recorded. Made by `domain.decision`."""

    __slots__ = ("_body", "_mark", "decision_id", "destination", "operation")
    decision_id: str
    destination: str
    operation: Operation
    _body: bytes
    _mark: bytes

    def __init_subclass__(cls) -> None:
        _no_subclass(cls)

    def __repr__(self) -> str:
        return f"Permit(decision={self.decision_id!r}, destination={self.destination!r}, bytes={len(self._body)})"

    @property
    def digest(self) -> bytes:
        """SHA-256 of the exact bytes. Kept in memory only: a plain digest of short texts can be guessed."""
        return hashlib.sha256(self._body).digest()

    @property
    def body(self) -> bytes:
        """The exact bytes that would be sent, for the ledger to commit to."""
        return self._body

    def clear(self, receipt: Receipt) -> Clearance:
        """The clearance, given the ledger's receipt for this decision and these bytes. Raises `ClearanceError`."""
        if type(receipt) is not Receipt:
            raise ClearanceError("a clearance needs a receipt")
        if not _seal.holds(self._mark, "permit", self.decision_id, self.destination, self.operation, self._body):
            raise ClearanceError("the permit is not genuine")
        if not _seal.holds(receipt._mark, "receipt", receipt.decision_id, receipt.digest, receipt.token):
            raise ClearanceError("the receipt is not genuine")
        if receipt.decision_id != self.decision_id or receipt.digest != self.digest:
            raise ClearanceError("the receipt belongs to another decision")
        cleared = object.__new__(Clearance)
        mark = _seal.seal("clearance", self.decision_id, receipt.token, self.destination, self.operation, self._body)
        _fill(cleared, decision_id=self.decision_id, destination=self.destination, operation=self.operation)
        _fill(cleared, receipt=receipt.token, _body=self._body, _mark=mark, _unspent=[None])
        return cleared


class Cleared(NamedTuple):
    """What a clearance was good for: these bytes, as this operation, to this destination."""

    destination: str
    operation: Operation
    body: bytes

    def __repr__(self) -> str:
        return f"Cleared(destination={self.destination!r}, operation={self.operation.value!r}, bytes={len(self.body)})"


def redeem(clearance: Clearance) -> Cleared:
    """What a genuine clearance is good for, once. Raises `ClearanceError` for anything else."""
    if type(clearance) is not Clearance:
        raise ClearanceError("only a clearance can be redeemed")
    cleared = Cleared(clearance.destination, clearance.operation, clearance._body)
    if not _seal.holds(clearance._mark, "clearance", clearance.decision_id, clearance.receipt, *cleared):
        raise ClearanceError("the clearance is not genuine")
    try:
        clearance._unspent.pop()
    except IndexError:
        raise ClearanceError("the clearance was redeemed before") from None
    return cleared


def _fill(value: _Sealed, **fields: object) -> None:
    for name, content in fields.items():
        object.__setattr__(value, name, content)
