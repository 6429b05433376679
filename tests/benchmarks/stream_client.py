"""A client that does nothing but note when bytes of a stream came. What they say is read afterwards."""

from __future__ import annotations

import asyncio
import json
import time
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlsplit

import httptools

Event = tuple[int, dict[str, Any]]
"""Nanoseconds of the monotonic clock, and the object that came then."""


@dataclass(frozen=True)
class Answer:
    """One streamed answer: when its request was sent, its pieces with their arrival, its status, its route and the
    reason for it."""

    sent: int
    pieces: list[tuple[int, bytes]]
    status: int
    route: str
    reason: str
    whole: bool

    def events(self) -> Iterator[Event]:
        """The JSON events in their order, each with the arrival of its last byte."""
        data = b"".join(piece for _, piece in self.pieces)
        ends, total = [], 0
        for _, piece in self.pieces:
            total += len(piece)
            ends.append(total)
        at = 0
        while (end := data.find(b"\n\n", at)) >= 0:
            _, found, payload = data[at:end].rpartition(b"data: ")
            at = end + 2
            if found and payload != b"[DONE]":
                yield self.pieces[bisect_left(ends, at)][0], json.loads(payload)

    @property
    def ended(self) -> bool:
        """Whether the stream has the end that its dialect wants, and HTTP ended with it."""
        tail = b"".join(piece for _, piece in self.pieces[-8:])[-4096:]
        marks = (b"data: [DONE]\n\n", b"event: response.completed\n", b"event: message_stop\n")
        last = tail.rstrip().rpartition(b"\n\n")[2] + b"\n\n"
        return self.whole and last.startswith(marks)


class Connection(asyncio.Protocol):
    """One connection that is kept. One request at a time."""

    def __init__(self) -> None:
        self._pieces: list[tuple[int, bytes]] = []
        self._now = 0
        self._headers: dict[str, str] = {}

    @classmethod
    async def to(cls, url: str) -> Connection:
        """A new connection to the host and port of `url`."""
        parts = urlsplit(url)
        _, made = await asyncio.get_running_loop().create_connection(cls, parts.hostname or "", parts.port or 80)
        return made

    async def ask(self, path: str, key: str, body: dict[str, Any]) -> Answer:
        """The whole answer to a POST."""
        data = json.dumps(body).encode()
        head = (
            f"POST {path} HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {key}\r\ncontent-type: application/json\r\n"
            f"content-length: {len(data)}\r\n\r\n"
        )
        self._parser = httptools.HttpResponseParser(self)
        self._pieces, self._headers = [], {}
        self._over: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        sent = time.monotonic_ns()
        self._transport.write(head.encode() + data)
        whole = await self._over
        route, reason = (self._headers.get(f"x-gateway-{name}", "") for name in ("route", "reason"))
        return Answer(sent, self._pieces, self._parser.get_status_code(), route, reason, whole)

    def close(self) -> None:
        """Close the connection."""
        self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It is open."""
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """It is closed; an answer that was under way is cut."""
        if hasattr(self, "_over") and not self._over.done():
            self._over.set_result(False)

    def data_received(self, data: bytes) -> None:
        """Bytes came, now."""
        self._now = time.monotonic_ns()
        self._parser.feed_data(data)

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header of the answer."""
        self._headers[name.decode().lower()] = value.decode()

    def on_body(self, body: bytes) -> None:
        """A piece of the answer's body."""
        self._pieces.append((self._now, body))

    def on_message_complete(self) -> None:
        """The answer is whole."""
        if not self._over.done():
            self._over.set_result(True)
