"""Where a statement that the gateway signed becomes a clearance of this process. Only `pipeline.egress` may import this
module; import-linter holds everything to that.

The gateway's decision was recorded before it signed; what is checked here is that this is the statement, these are the
bytes, and now is the time. That it is used once, and that the signature is good, is checked where there is a memory and
a key.
"""

from __future__ import annotations

import hashlib

from gateway.domain import _seal
from gateway.domain.clearance import Clearance, _fill
from gateway.domain.sealed import RefusalReason, Sealed, SealRefused

LONGEST = 300_000_000
"""No statement is good for longer than this, in microseconds, whatever it says."""


def check_time(sealed: Sealed, *, now: int, since: int, skew: int) -> None:
    """Raise `SealRefused` unless a statement is good `now` and was made after `since`. The clocks of two machines may
    differ by `skew`. All are microseconds."""
    if sealed.issued_at > now + skew:
        raise SealRefused(RefusalReason.NOT_YET)
    if now >= sealed.expires_at or sealed.expires_at - sealed.issued_at > LONGEST:
        raise SealRefused(RefusalReason.EXPIRED)
    if sealed.issued_at < since:
        raise SealRefused(RefusalReason.BEFORE_START)


def admit(sealed: Sealed, body: bytes) -> Clearance:
    """The clearance for exactly these bytes. Raises `SealRefused(ALTERED)` for any others."""
    if len(body) != sealed.size or hashlib.sha256(body).digest() != sealed.digest:
        raise SealRefused(RefusalReason.ALTERED)
    admitted = object.__new__(Clearance)
    mark = _seal.seal("clearance", sealed.decision_id, sealed.receipt, sealed.destination, sealed.operation, body)
    _fill(admitted, decision_id=sealed.decision_id, destination=sealed.destination, operation=sealed.operation)
    _fill(admitted, receipt=sealed.receipt, _body=body, _mark=mark, _unspent=[None])
    return admitted
