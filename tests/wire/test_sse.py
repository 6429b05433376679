"""Event streams to the caller: framing, cuts, and callers that leave."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import pytest
from starlette.types import Message

from gateway.domain.errors import ErrorCode, UpstreamError
from gateway.pipeline.ports import Streamed
from gateway.wire.sse import EventStream


class Source:
    """Events, then perhaps a fault; remembers that it was closed."""

    def __init__(self, *events: bytes, fault: Exception | None = None, endless: bool = False) -> None:
        self._events = self._run(events, fault, endless=endless)
        self.closed = False

    async def _run(self, events: tuple[bytes, ...], fault: Exception | None, *, endless: bool) -> AsyncGenerator[bytes]:
        for event in events:
            yield event
        if endless:
            await asyncio.Event().wait()
        if fault is not None:
            raise fault

    def __aiter__(self) -> Source:
        return self

    async def __anext__(self) -> bytes:
        """The next event."""
        return await anext(self._events)

    async def aclose(self) -> None:
        """Note it."""
        self.closed = True
        await self._events.aclose()


async def served(source: Source, *, gone: bool = False) -> bytes:
    """The body that a caller reads; `gone` for one who leaves at the first piece."""
    sent: list[bytes] = []
    leaving = asyncio.Event()

    async def receive() -> Message:
        await leaving.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message.get("body", b""))
        if gone and message["type"] == "http.response.body":
            leaving.set()

    await EventStream(Streamed(source), {})({}, receive, send)
    return b"".join(sent)


async def test_a_whole_stream_ends_with_done() -> None:
    """One event a piece, and the end mark."""
    source = Source(b'{"a":1}', b'{"b":2}')

    assert b'data: {"a":1}\n\ndata: {"b":2}\n\ndata: [DONE]\n\n' == await served(source)
    assert source.closed


async def test_a_payload_of_several_lines_stays_one_event() -> None:
    """A provider may write its JSON over several data lines."""
    body = await served(Source(b'{\n"a":1}'))

    assert body.startswith(b'data: {\ndata: "a":1}\n\n')


async def test_a_cut_stream_says_so_and_never_done() -> None:
    """Nobody takes it for whole."""
    body = await served(Source(b"{}", fault=UpstreamError(ErrorCode.UPSTREAM_ERROR)))

    assert b"upstream_error" in body
    assert b"[DONE]" not in body


async def test_a_caller_that_leaves_stops_the_work() -> None:
    """The stream behind is closed."""
    source = Source(b"{}", endless=True)

    assert b"[DONE]" not in await served(source, gone=True)
    assert source.closed


@pytest.mark.parametrize("error", [OSError, asyncio.CancelledError])
async def test_a_response_that_cannot_begin_closes_the_stream(error: type[BaseException]) -> None:
    """The caller was gone before the first byte: nothing is left running."""
    source = Source(b"{}", endless=True)

    async def send(message: Message) -> None:
        raise error

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    with pytest.raises(error):
        await EventStream(Streamed(source), {})({}, receive, send)
    assert source.closed


async def test_an_unexpected_fault_still_closes_the_stream() -> None:
    """The fault goes on to the edge; the work does not go on."""
    source = Source(b"{}", fault=RuntimeError())

    with pytest.raises(RuntimeError):
        await served(source)
    assert source.closed
