"""Keyed commitments: what a record says instead of content, and of whose key it was.

A plain digest of a short text is reversed by guessing; these need a key and a salt that are kept apart from the record.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta


@dataclass(frozen=True, slots=True)
class Secrets:
    """What one record's commitments are made with: its tenant's keys (of the day, for pseudonyms), its own salt."""

    day_key: bytes = field(repr=False)
    tenant_key: bytes = field(repr=False)
    salt: bytes = field(repr=False)


NO_SECRETS = Secrets(b"", b"", b"")
"""For evidence that commits to nothing."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def day_of(at: int) -> str:
    """The day (UTC) of a time in microseconds since the epoch, as `2026-11-24`. Raises `OverflowError` past 9999."""
    return (_EPOCH + timedelta(microseconds=at)).date().isoformat()


def commitment(key: bytes, salt: bytes, data: bytes) -> str:
    """The commitment to `data`: `h1:` and the hex of HMAC-SHA256 over salt and data. Only key and salt open it."""
    return f"h1:{hmac.digest(key, salt + data, 'sha256').hex()}"


def pseudonym(tenant_key: bytes, key_id: str) -> str:
    """What a record says instead of the id of a key."""
    return commitment(tenant_key, b"who\x00", key_id.encode())
