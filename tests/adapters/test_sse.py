"""Server-sent events are read the same however the network cut them, and a stream ends only at its end mark."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.adapters.sse import EventIterator, SseError, SseReader
from gateway.domain.errors import ErrorCode, GatewayError, UpstreamError

LINES = st.sampled_from(
    [
        b"data: {}",
        b"data:{}",
        b"data",
        b"data: a\xc3\xa9",
        b"data:  x",
        b": comment",
        b"event: m",
        b"id: 1",
        b"",
        b"dat",
    ]
)
ENDS = st.sampled_from([b"\n", b"\r\n", b"\r"])
STREAMS = st.lists(st.tuples(LINES, ENDS)).map(lambda parts: b"".join(line + end for line, end in parts))


def reference(stream: bytes) -> list[bytes]:
    """The payloads of a whole stream, by the letter of the specification."""
    payloads, data = [], list[bytes]()
    for line in re.split(rb"\r\n|\n|\r", stream.removeprefix(b"\xef\xbb\xbf"))[:-1]:
        if line.startswith(b":"):
            continue
        if not line:
            if data:
                payloads.append(b"\n".join(data))
            data = []
            continue
        name, _, value = line.partition(b":")
        if name == b"data":
            data.append(value[1:] if value[:1] == b" " else value)
    return payloads


def read_in_pieces(stream: bytes, cuts: Iterable[int]) -> list[bytes]:
    """The payloads of a stream that the network cut at these places."""
    reader, at, payloads = SseReader(), 0, list[bytes]()
    for cut in [*sorted(c % (len(stream) + 1) for c in cuts), len(stream)]:
        payloads += reader.feed(stream[at:cut])
        at = cut
    return payloads


@given(STREAMS, st.lists(st.integers(min_value=0)))
@example(b"data: {}\r\n\r\ndata: 1\r\n\r\n", [9, 11])
@example(b"\xef\xbb\xbfdata: 1\n\n", [1])
def test_cuts_do_not_matter(stream: bytes, cuts: list[int]) -> None:
    """Any stream, cut anywhere, gives the payloads of the whole."""
    assert reference(stream) == read_in_pieces(stream, cuts)


@given(st.binary(), st.lists(st.integers(min_value=0)))
def test_any_bytes_are_read(stream: bytes, cuts: list[int]) -> None:
    """Bytes that no provider would send give the same payloads, cut or not, and no error."""
    assert read_in_pieces(stream, []) == read_in_pieces(stream, cuts)


def test_byte_by_byte() -> None:
    """One byte at a time is a cut everywhere."""
    stream = "data: {“é”}\r\n\r\ndata: 2\n\n".encode()

    assert ["{“é”}".encode(), b"2"] == read_in_pieces(stream, range(len(stream)))


def test_an_event_without_its_blank_line_is_none() -> None:
    """What the end cut off is not delivered by halves."""
    assert [b"1"] == SseReader().feed(b"data: 1\n\ndata: 2\n")


@pytest.mark.parametrize("piece", [b"x" * 600, b"data: yyyyyyy\n" * 80, b"data\n" * 800])
def test_an_endless_event_is_refused(piece: bytes) -> None:
    """Neither one line nor many lines of one event may grow beyond the limit."""
    reader = SseReader(max_event_bytes=1000)
    reader.feed(piece)

    with pytest.raises(SseError):
        reader.feed(piece)


def test_many_small_events_are_no_endless_event() -> None:
    """The limit is for each event."""
    reader = SseReader(max_event_bytes=1000)

    assert 500 == sum(len(reader.feed(b"data: 12345678\n\n")) for _ in range(500))


class Wire:
    """A connection that delivers these chunks and remembers being closed."""

    def __init__(self, *chunks: bytes | Exception) -> None:
        self.chunks = chunks
        self.closed = 0
        self.delivered = 0

    async def read(self) -> AsyncIterator[bytes]:
        """The chunks."""
        for chunk in self.chunks:
            if isinstance(chunk, Exception):
                raise chunk
            self.delivered += 1
            yield chunk

    async def close(self) -> None:
        """Note it."""
        self.closed += 1

    def events(self) -> EventIterator:
        """The events on this connection."""
        return EventIterator(self.read(), self.close, fault)


def fault(_: Exception) -> GatewayError:
    """What a broken stream becomes here."""
    return UpstreamError(ErrorCode.UPSTREAM_ERROR)


async def test_a_whole_stream_ends_and_is_drained_and_closed() -> None:
    """The end mark ends it; the bytes behind are read so that the connection can be used again."""
    wire = Wire(b'data: {"a":1}\n\ndata: [DONE]\n\n', b"data: {}\n\n")

    assert [b'{"a":1}'] == [event async for event in wire.events()]
    assert (1, 2) == (wire.closed, wire.delivered)


@pytest.mark.parametrize(
    "broken",
    [
        [],
        [b"data: {"],
        [ConnectionResetError()],
        [b"data: garbage\n\n"],
        [b"data: [1]\n\n"],
        [b'data: "text"\n\n'],
        [b"data: \xff\n\n"],
        [b"data: " + b"[" * 100_000 + b"\n\n"],
    ],
)
async def test_a_broken_stream_raises_after_its_good_events(broken: list[bytes | Exception]) -> None:
    """The good events come first, then the fault, and the connection is closed."""
    wire = Wire(b'data: {"a":1}\n\n', *broken)
    events = wire.events()

    assert b'{"a":1}' == await anext(events)
    with pytest.raises(UpstreamError) as caught:
        await anext(events)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    assert 1 == wire.closed
    with pytest.raises(StopAsyncIteration):
        await anext(events)


async def test_keep_alives_are_skipped() -> None:
    """Comments and empty payloads say nothing."""
    wire = Wire(b": ping\n\ndata:\n\ndata: {}\n\ndata: [DONE]\n\n")

    assert [b"{}"] == [event async for event in wire.events()]


async def test_closing_before_the_first_event_closes_the_connection() -> None:
    """A caller that left before reading does not leave the connection open."""
    wire = Wire(b"data: {}\n\n")
    events = wire.events()
    await events.aclose()
    await events.aclose()

    assert 1 == wire.closed
    with pytest.raises(StopAsyncIteration):
        await anext(events)
