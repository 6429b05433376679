"""Streams that end rightly, whoever ends them."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Callable, Sequence

from gateway.dialects.answers import tells_failure
from gateway.dialects.registry import Telling
from gateway.domain.errors import ErrorCode, GatewayError, UpstreamError
from gateway.pipeline.ports import Streamed


class Watched:
    """A stream that also ends rightly when it is closed before anybody read: a generator that never began runs none of
    its endings."""

    def __init__(self, events: AsyncGenerator[bytes, None], answer: Streamed, never_read: Callable[[], None]) -> None:
        self._events = events
        self._answer = answer
        self._never_read = never_read
        self._begun = False

    def __aiter__(self) -> Watched:
        return self

    async def __anext__(self) -> bytes:
        """The next event."""
        self._begun = True
        return await anext(self._events)

    async def aclose(self) -> None:
        """Stop the work behind the stream, and record how it ended."""
        if not self._begun:
            self._begun = True
            self._never_read()
            await close(self._answer)
        await self._events.aclose()


class ToldFailure(UpstreamError):
    """The last event of a stream said that the answer failed: nothing is left to say, and it did not end well."""


async def told(answer: Streamed, telling: Telling) -> AsyncGenerator[bytes, None]:
    """The events of a streamed answer as the caller is told them. Raises `ToldFailure` behind one that is an error."""
    async for event in answer.events:
        for piece in telling.event(event):
            yield piece
        if tells_failure(event):
            raise ToldFailure(ErrorCode.UPSTREAM_ERROR)
    for piece in telling.finish():
        yield piece


async def replayed(events: Sequence[bytes], *, failed: bool) -> AsyncGenerator[bytes, None]:
    """The events of a stream that was read before. Raises `ToldFailure` behind those of one that `failed`."""
    for event in events:
        yield event
    if failed:
        raise ToldFailure(ErrorCode.UPSTREAM_ERROR)


async def close(answer: Streamed) -> None:
    """Stop the work behind a stream, where it can be stopped."""
    closing = getattr(answer.events, "aclose", None)
    if closing is not None:
        with contextlib.suppress(GatewayError):
            await closing()
