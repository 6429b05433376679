"""Where receipts come from. Only ledgers may import this module; import-linter holds them to that."""

from __future__ import annotations

from gateway.domain import _seal
from gateway.domain.clearance import Receipt, _fill


def issue(*, decision_id: str, digest: bytes, token: str) -> Receipt:
    """The receipt for a record that is durable now.

    `digest` is the SHA-256 of the exact bytes that the record commits to (empty for a record of nothing sent),
    `token` the ledger's signed statement for the caller.
    """
    made = object.__new__(Receipt)
    mark = _seal.seal("receipt", decision_id, digest, token)
    _fill(made, decision_id=decision_id, digest=digest, token=token, _mark=mark)
    return made
