"""A provider that writes into each token when it sent it, so that whoever reads the token knows how long it took.

    python -m tests.benchmarks.stamping_provider          # prints its base URL

It speaks the dialects of the stand-in, with all their events. The most tokens that a request allows say what to
stream: 50_400 is 400 tokens, one every 50 tenths of a millisecond; with 400 each is sent as soon as the one before was.
A token is ` 00017@123456789 word`: its number, the monotonic clock in nanoseconds, and a word. Every tenth word is one
of the addresses (or placeholders) of the request, if it holds any.
"""

from __future__ import annotations

import asyncio
import gc
import itertools
import json
import re
import time
from collections.abc import Iterator
from typing import cast

import httptools
import uvloop

from gateway.testing.stand_in_dialects import ENDPOINTS, Endpoint
from gateway.testing.stand_in_mind import Body, Voice

PROSE = "the report shows that delivery times improved after we changed the routing service and moved a cache"
WORDS = PROSE.split()
ADDRESS = re.compile(r"\[EMAIL_ADDRESS_[A-Z2-7]{10}\]|[\w.]+@[\w.-]+\w")
MOST_TOKENS = 1_000
UNIT_US = 100
_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
_FIRST = 0xE000
_SLOT = re.compile(rb"\xee[\x80-\xbf]{2}|\xef[\x80-\xa3][\x80-\xbf]")
"""A character of the private use area stands for the token that is written in its place."""


def words_of(asked: str, count: int) -> list[str]:
    """The words of an answer to this text."""
    words = list(itertools.islice(itertools.cycle(WORDS), count))
    addresses = itertools.cycle(ADDRESS.findall(asked) or [""])
    return [next(addresses) or word if at % 10 == 9 else word for at, word in enumerate(words)]


def text_asked(body: Body) -> str:
    """The text of the last message, in each dialect."""
    messages = body.get("messages") or body.get("input")
    if isinstance(messages, str):
        return messages
    content = messages[-1]["content"]  # type: ignore[index,call-overload]
    return content if isinstance(content, str) else " ".join(part["text"] for part in content)  # type: ignore[index,union-attr,call-overload,misc]


def allowed(body: Body) -> int:
    """The most tokens of the answer, in each dialect."""
    names = ("max_completion_tokens", "max_output_tokens", "max_tokens")
    return next(value for name in names if isinstance(value := body.get(name), int))


def endpoint_of(path: str) -> Endpoint:
    """What is asked for."""
    return next(endpoint for end, endpoint in ENDPOINTS.items() if path.endswith(end))


class _Stream:
    """One answer, written event by event into a transport that may ask to wait."""

    def __init__(self, transport: asyncio.Transport, endpoint: Endpoint, body: Body) -> None:
        pace, count = divmod(allowed(body), MOST_TOKENS)
        self._transport = transport
        self._words = words_of(text_asked(body), count)
        self._seconds = pace * UNIT_US / 1_000_000
        self._events = list(_templates(endpoint, body, count))
        self._at = 0
        self._due = 0.0
        self.paused = False

    def begin(self) -> None:
        self._transport.write(_HEAD)
        self._due = asyncio.get_running_loop().time()
        self.go_on()

    def go_on(self) -> None:
        """Write what is due: the events around the tokens at once, each token at its time."""
        loop = asyncio.get_running_loop()
        while not self.paused and self._at < len(self._events):
            event = self._events[self._at]
            self._at += 1
            if isinstance(event, bytes):
                self._transport.write(_transfer(event))
                continue
            before, number, after = event
            token = f" {number:05d}@{time.monotonic_ns()} {self._words[number]}".encode()
            self._transport.write(_transfer(before + token + after))
            self._due += self._seconds
            if self._seconds:
                loop.call_at(self._due, self.go_on)
            else:
                loop.call_soon(self.go_on)
            return
        if not self.paused and self._at == len(self._events):
            self._at += 1
            self._transport.write(b"0\r\n\r\n")


def _templates(endpoint: Endpoint, body: Body, count: int) -> Iterator[bytes | tuple[bytes, int, bytes]]:
    """The framed events, those with one token in two halves."""
    assert endpoint.events is not None, "only what streams is asked for"
    text = "".join(chr(_FIRST + number) for number in range(count))
    for event in endpoint.events(body, Voice(prefix="", instead=text, size=1)):
        framed = endpoint.framed(event)
        found = _SLOT.findall(framed)
        if len(found) == 1:
            before, after = framed.split(found[0])
            yield before, ord(found[0].decode()) - _FIRST, after
        else:
            yield framed
    yield endpoint.end


def _transfer(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data) if data else b""


class _Connection(asyncio.Protocol):
    """Reads requests, one after the other."""

    def __init__(self) -> None:
        self._parser = httptools.HttpRequestParser(self)
        self._path = b""
        self._body: list[bytes] = []
        self._stream: _Stream | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self.pause_writing()

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def pause_writing(self) -> None:
        if self._stream is not None:
            self._stream.paused = True

    def resume_writing(self) -> None:
        if self._stream is not None:
            self._stream.paused = False
            self._stream.go_on()

    def on_url(self, url: bytes) -> None:
        self._path += url

    def on_body(self, body: bytes) -> None:
        self._body.append(body)

    def on_message_complete(self) -> None:
        path, body = self._path.decode(), json.loads(b"".join(self._body))
        self._path, self._body = b"", []
        self._stream = _Stream(self._transport, endpoint_of(path), body)
        self._stream.begin()


async def _serve() -> None:
    server = await asyncio.get_running_loop().create_server(_Connection, "127.0.0.1", 0, backlog=1024)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1", flush=True)
    gc.freeze()
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve())
