"""What happens when the caller leaves before the answer is whole: the work behind it ends."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine
from typing import TypeVar

from starlette.types import Receive

from gateway.domain.errors import CallerError, ErrorCode

_T = TypeVar("_T")


async def gone(receive: Receive) -> None:
    """Return when the caller has left."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def unless_gone(receive: Receive, work: Coroutine[None, None, _T]) -> _T:
    """What the work returns, or its end when the caller leaves before. Raises `CallerError(REQUEST_TIMEOUT)` then."""
    working = asyncio.ensure_future(work)
    leaving = asyncio.ensure_future(gone(receive))
    try:
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise CallerError(ErrorCode.REQUEST_TIMEOUT)
        return working.result()
    finally:
        leaving.cancel()
        working.cancel()


async def send_unless_gone(receive: Receive, sending: Coroutine[None, None, None]) -> None:
    """Send, and stop when the caller leaves."""
    working = asyncio.ensure_future(sending)
    leaving = asyncio.ensure_future(gone(receive))
    try:
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (working, leaving):
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await working
