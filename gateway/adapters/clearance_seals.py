"""Opens the seals of the gateways that this egress obeys, with their public keys."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.adapters.ledger_key import ReceiptError, verify, verify_seal
from gateway.domain.errors import CallerError
from gateway.domain.sealed import RefusalReason, Sealed, SealRefused, read_sealed
from gateway.domain.strict_json import parse_json

_MOST_CHARACTERS = 8192
"""A seal is about a thousand characters. What is longer is not looked at."""


class ClearanceSeals:
    """Implements `pipeline.egress.Seals`."""

    def __init__(self, public_keys: Sequence[bytes]) -> None:
        """Keys of 32 bytes, more than one while the gateways change theirs."""
        self._keys = tuple(public_keys)

    def open(self, token: str) -> Sealed:
        """What a genuine seal stands for. Raises `SealRefused`.

        The receipt is checked with the key that made the seal: the gateway got it when the decision was durable."""
        if len(token) <= _MOST_CHARACTERS:
            for key in self._keys:
                try:
                    sealed = read_sealed(verify_seal(token, key))
                except ReceiptError:
                    continue
                if not _receipt_is_for(sealed, key):
                    raise SealRefused(RefusalReason.NO_RECEIPT)
                return sealed
        raise SealRefused(RefusalReason.NOT_GENUINE)


def _receipt_is_for(sealed: Sealed, key: bytes) -> bool:
    try:
        said = parse_json(verify(sealed.receipt, key))
    except (ReceiptError, CallerError):
        return False
    return isinstance(said, dict) and said.get("id") == sealed.decision_id
