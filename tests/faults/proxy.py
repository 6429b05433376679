"""A way to PostgreSQL that can be cut, stalled, or cut around a COMMIT."""

from __future__ import annotations

import contextlib
import socket
import threading
from enum import StrEnum
from pathlib import Path
from typing import Self

_PIECE = 65_536


class Manner(StrEnum):
    """What the way does."""

    OPEN = "open"
    CUT = "cut"  # every connection ends, and no new one is made
    STALLED = "stalled"  # what is sent goes nowhere, and nothing comes back
    CUT_BEFORE_COMMIT = "cut before the commit"  # the commit never arrives
    CUT_AFTER_COMMIT = "cut after the commit"  # it is carried out, and nobody hears of it


class _Way:
    """One connection: the caller's end and the server's. A `deaf` caller gets no answer any more."""

    def __init__(self, client: socket.socket, server: socket.socket) -> None:
        self.client, self.server, self.deaf = client, server, False

    def end(self) -> None:
        """Cut it."""
        for each in (self.client, self.server):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()


class Proxy:
    """Listens on the loopback interface and passes bytes on to a server's socket. Use as a context manager."""

    def __init__(self, server: Path) -> None:
        self.manner = Manner.OPEN
        self._server = server
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._ways: list[_Way] = []
        self._open = threading.Event()
        self._open.set()

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._listening.getsockname()[1])

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.become(Manner.CUT)
        self._listening.close()

    def become(self, manner: Manner) -> None:
        """From now on."""
        self.manner = manner
        if manner is Manner.STALLED:
            self._open.clear()
        else:
            self._open.set()
        if manner is Manner.CUT:
            for way in self._ways:
                way.end()
            self._ways.clear()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                server = socket.socket(socket.AF_UNIX)
                way = _Way(client, server)
                try:
                    if self.manner is Manner.CUT:
                        raise ConnectionRefusedError
                    server.connect(str(self._server))
                except OSError:
                    way.end()
                    continue
                self._ways.append(way)
                for passing in (self._ask, self._answer):
                    threading.Thread(target=passing, args=(way,), daemon=True).start()

    def _ask(self, way: _Way) -> None:
        with contextlib.suppress(OSError):
            while data := way.client.recv(_PIECE):
                self._open.wait()
                if b"COMMIT" in data and self.manner is Manner.CUT_BEFORE_COMMIT:
                    break
                way.deaf = b"COMMIT" in data and self.manner is Manner.CUT_AFTER_COMMIT
                way.server.sendall(data)
        way.end()

    def _answer(self, way: _Way) -> None:
        with contextlib.suppress(OSError):
            while data := way.server.recv(_PIECE):
                self._open.wait()
                if way.deaf:
                    break
                way.client.sendall(data)
        way.end()
