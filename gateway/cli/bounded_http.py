"""uvicorn's HTTP with bounds where it has none: how many bytes and seconds the head of a request may take.

Without them, connections that send a head a byte at a time, or one that never ends, cost memory for as long as they
like. Bodies are bounded where they are read (`wire.body`), idle connections by uvicorn's own keep-alive time.
"""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_BYTES = 64 * 1024
HEAD_S = 10.0
_REFUSAL = "HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"


class BoundedHttp(HttpToolsProtocol):
    """One connection."""

    _asked = False
    _bytes = 0
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """The first head is awaited from now on."""
        super().connection_made(transport)
        self._await_head()

    def data_received(self, data: bytes) -> None:
        """Some bytes, of a head or of what follows it."""
        super().data_received(data)
        if self._timer is not None:
            self._bytes += len(data)
            if self._bytes > HEAD_BYTES:
                self._refuse("431 Request Header Fields Too Large")

    def on_message_begin(self) -> None:
        """Another head begins."""
        super().on_message_begin()
        self._await_head()

    def on_headers_complete(self) -> None:
        """The head is here."""
        self._head_is_over()
        self._asked = True
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nobody is there any more."""
        self._head_is_over()
        super().connection_lost(exc)

    def _await_head(self) -> None:
        self._head_is_over()
        self._timer = self.loop.call_later(HEAD_S, self._late)

    def _head_is_over(self) -> None:
        self._bytes = 0
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _late(self) -> None:
        self._refuse("408 Request Timeout")

    def _refuse(self, status: str) -> None:
        """Say so, unless another answer of this connection is under way, and close it."""
        self._head_is_over()
        if not self.transport.is_closing():
            if not self._asked or self.cycle.response_complete:
                self.transport.write(_REFUSAL.format(status=status).encode())
            self.transport.close()
