"""Server-sent events, read as they arrive, in time and memory linear in what arrives.

SseReader       bytes in, data payloads out; knows nothing of connections
EventIterator   the events of one answer, which ends only where its dialect says that it does
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

from gateway.adapters.openai_answers import MAX_ANSWER_BYTES, json_object
from gateway.domain.conversation import Operation
from gateway.domain.errors import GatewayError

MAX_EVENT_BYTES = 8 * 1024 * 1024
DONE = b"[DONE]"
_LINE_END = re.compile(rb"\r\n|\r|\n")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_DRAIN_SECONDS = 0.25
_DRAIN_BYTES = 64 * 1024


_LAST_TYPES: Mapping[Operation, frozenset[str]] = {
    Operation.RESPONSES: frozenset({"response.completed", "response.incomplete", "response.failed", "error"}),
    Operation.MESSAGES: frozenset({"message_stop", "error"}),
}
"""How a stream ends that has no end mark of its own."""


class SseError(Exception):
    """The stream broke its protocol. Carries no text of it."""


class SseReader:
    """Splits a byte stream into the data payloads of its events (WHATWG HTML, 9.2).

    Lines end in CR LF, LF or CR, wherever the network cut them; comments and other fields are skipped. An event that
    no blank line ends is not an event.
    """

    def __init__(self, max_event_bytes: int = MAX_EVENT_BYTES) -> None:
        self._limit = max_event_bytes
        self._pieces: list[bytes] = []
        self._data: list[bytes] = []
        self._line_size = 0
        self._data_size = 0
        self._after_cr = False
        self._at_start = True

    def feed(self, chunk: bytes) -> list[bytes]:
        """The payloads of the events that `chunk` completes. Raises `SseError` for an event over the limit."""
        if self._after_cr and chunk:
            self._after_cr = False
            chunk = chunk.removeprefix(b"\n")
        if b"\n" not in chunk and b"\r" not in chunk:
            self._pieces.append(chunk)
            self._line_size += len(chunk)
            self._check_size()
            return []
        *lines, rest = _LINE_END.split(b"".join([*self._pieces, chunk]))
        self._pieces, self._line_size = [rest], len(rest)
        self._after_cr = chunk.endswith(b"\r")
        events = self._events(lines)
        self._check_size()
        return events

    def _events(self, lines: list[bytes]) -> list[bytes]:
        if self._at_start:
            self._at_start = False
            lines[0] = lines[0].removeprefix(_BYTE_ORDER_MARK)
        events = []
        for line in lines:
            if line:
                self._field(line)
            elif self._data:
                events.append(b"\n".join(self._data))
                self._data, self._data_size = [], 0
        return events

    def _field(self, line: bytes) -> None:
        name, _, value = line.partition(b":")
        if name == b"data":
            self._data.append(value.removeprefix(b" "))
            self._data_size += len(value) + 1

    def _check_size(self) -> None:
        if self._line_size + self._data_size > self._limit:
            raise SseError("an event is larger than the limit")


class EventIterator:
    """The JSON payloads of a streamed answer.

    Ends only where `[DONE]` stood, or behind the event that is the last one of its dialect. Whatever else stops it
    raises what `fault` makes of the cause: `SseError` for a stream that ended early or grew beyond `limit` bytes,
    `AnswerError` for a payload that is no JSON object. A class and not a generator: `aclose` must release the
    connection also when nobody asked for the first event.
    """

    def __init__(
        self,
        chunks: AsyncIterator[bytes],
        close: Callable[[], Awaitable[None]],
        fault: Callable[[Exception], GatewayError],
        operation: Operation = Operation.CHAT,
        *,
        limit: int = MAX_ANSWER_BYTES,
    ) -> None:
        self._chunks = chunks
        self._close = close
        self._fault = fault
        self._left = limit
        self._reader = SseReader()
        self._waiting: deque[bytes] = deque()
        self._last_types = _LAST_TYPES.get(operation, frozenset())
        self._over = False
        self._closed = False

    def __aiter__(self) -> EventIterator:
        return self

    async def __anext__(self) -> bytes:
        """The next payload."""
        if self._closed:
            raise StopAsyncIteration
        try:
            payload = DONE if self._over else await self._payload()
            if payload != DONE:
                return payload
            await self._drain()
        except Exception as error:  # noqa: BLE001 - the exception map refuses whatever went wrong
            failure = self._fault(error)
        except BaseException:
            await self.aclose()
            raise
        else:
            await self.aclose()
            raise StopAsyncIteration
        await self.aclose()
        raise failure

    async def aclose(self) -> None:
        """Close the connection behind the stream. Never raises, may be called again."""
        if not self._closed:
            self._closed = True
            with contextlib.suppress(Exception):
                await self._close()

    async def _payload(self) -> bytes:
        while True:
            while not self._waiting:
                chunk = await anext(self._chunks, None)
                if chunk is None:
                    raise SseError("the stream ended without its end mark")
                self._left -= len(chunk)
                if self._left < 0:
                    raise SseError("the stream is larger than the limit")
                self._waiting.extend(self._reader.feed(chunk))
            payload = self._waiting.popleft()
            if payload == DONE and not self._last_types:
                return payload
            if payload:
                self._over = json_object(payload).get("type") in self._last_types
                return payload

    async def _drain(self) -> None:
        """Read the few bytes behind the end mark: only a connection that was read to its end is used again."""
        size = 0
        with contextlib.suppress(Exception):
            async with asyncio.timeout(_DRAIN_SECONDS):
                async for chunk in self._chunks:
                    size += len(chunk)
                    if size > _DRAIN_BYTES:
                        return
