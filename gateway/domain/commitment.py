"""Keyed commitments: what a record says instead of content, and of whose key it was.

A plain digest of a short text is reversed by guessing; these need a key and a salt that are kept apart from the record.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Secrets:
    """What one record's commitments are made with: its tenant's keys (of the day, for pseudonyms), its own salt."""

    day_key: bytes = field(repr=False)
    tenant_key: bytes = field(repr=False)
    salt: bytes = field(repr=False)


def commitment(key: bytes, salt: bytes, data: bytes) -> str:
    """The commitment to `data`: `h1:` and the hex of HMAC-SHA256 over salt and data. Only key and salt open it."""
    mac = hmac.new(key, salt, hashlib.sha256)
    mac.update(data)
    return f"h1:{mac.hexdigest()}"


def pseudonym(tenant_key: bytes, key_id: str) -> str:
    """What a record says instead of the id of a key."""
    return commitment(tenant_key, b"who\x00", key_id.encode())
