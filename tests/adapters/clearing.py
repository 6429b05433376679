"""Genuine clearances for adapter tests."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator

from gateway.domain import _mint, _receipt
from gateway.domain.clearance import Clearance
from gateway.domain.conversation import Operation

CANARY = "canary-7731"
"""Stands in every request: nothing that an adapter says about a failure may contain it."""


def body_of(text: str = CANARY, **more: object) -> bytes:
    """A chat body of one user message."""
    return json.dumps(
        {"model": "gpt-x", "messages": [{"role": "user", "content": text}], **more}, separators=(",", ":")
    ).encode()


def cleared(
    body: bytes,
    destination: str = "openai",
    operation: Operation = Operation.CHAT,
    *,
    decision_id: str = "d1",
    token: str = "t",
) -> Clearance:
    """A clearance for these bytes. `token` is the ledger's word for the decision."""
    permit = _mint.permit(decision_id=decision_id, destination=destination, operation=operation, body=body)
    receipt = _receipt.issue(decision_id=decision_id, digest=hashlib.sha256(body).digest(), token=token)
    return permit.clear(receipt)


async def read_all(events: AsyncIterator[bytes]) -> list[bytes]:
    """Every event of a stream."""
    return [event async for event in events]


def content_of(events: list[bytes]) -> str:
    """The running text of a stream's first choice."""
    chunks = [json.loads(event) for event in events]
    deltas = [choice["delta"] for chunk in chunks for choice in chunk["choices"] if choice["index"] == 0]
    return "".join(delta.get("content") or "" for delta in deltas)


def everything_about(error: BaseException) -> str:
    """All that a logger could print of an exception, its causes included."""
    told: list[str] = []
    seen: BaseException | None = error
    while seen is not None:
        told += [repr(seen), str(seen), repr(vars(seen))]
        seen = seen.__cause__ or seen.__context__
    return "\n".join(told)
