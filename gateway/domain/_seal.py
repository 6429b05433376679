"""The seal that makes permits, receipts and clearances hard to make by mistake.

A key of this process that nobody reads, over what the value stands for. It stops mistakes, not hostile code in the
same process: docs/threat-model.md says what does.
"""

from __future__ import annotations

import hmac
import secrets
from hashlib import blake2b

_KEY = secrets.token_bytes(32)


def seal(*parts: str | bytes) -> bytes:
    """The seal over `parts`, each with its length so that no two lists of parts share one."""
    mac = blake2b(key=_KEY, digest_size=32)
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        mac.update(len(data).to_bytes(8, "big"))
        mac.update(data)
    return mac.digest()


def holds(given: bytes, *parts: str | bytes) -> bool:
    """Whether `given` is the seal over `parts`, in constant time."""
    return hmac.compare_digest(given, seal(*parts))
