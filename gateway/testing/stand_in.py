"""A provider that is not one: a real HTTP server on the loopback interface that keeps what reached it.

    with StandIn() as provider:
        ...                                  # point a destination at provider.base_url
        provider.requests[0].body            # exactly the bytes that arrived

It answers chat completions, responses, completions, embeddings, moderations and models (OpenAI) and messages
(Anthropic); `script` makes the next requests fail in the ways of real providers. In a process of its own, for
benchmarks: `python -m gateway.testing.stand_in --port 0` prints its address as the first line.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import socket
import sys
import threading
from collections import deque
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self, cast

import httptools
import uvloop

from gateway.testing.stand_in_answers import answer_of
from gateway.testing.stand_in_scenes import (
    Cut,
    CutOff,
    Decline,
    Endless,
    FailIn,
    Framed,
    Garbage,
    Gate,
    Held,
    Manner,
    Pause,
    Raw,
    Say,
    Scene,
    Sent,
    Status,
    Trickle,
)

__all__ = [
    "CutOff",
    "Decline",
    "Endless",
    "FailIn",
    "Framed",
    "Garbage",
    "Gate",
    "Held",
    "Manner",
    "Raw",
    "Say",
    "Scene",
    "Seen",
    "StandIn",
    "Status",
    "Trickle",
]

_WAIT_S = 10.0


@dataclass(frozen=True, slots=True)
class Seen:
    """One request as it arrived. Header names are in lower case, in their order; `gone` is set when the client left
    before its answer was whole."""

    method: str
    path: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    gone: threading.Event = field(default_factory=threading.Event, compare=False)

    def header(self, name: str) -> str:
        """The value of a header, empty when it did not come."""
        return next((value for key, value in self.headers if key == name), "")


class StandIn:
    """The server, in a thread of its own. A context manager. Port 0 takes a free one; `host` is another address than
    the loopback's only where a test made a network of its own."""

    def __init__(self, *, host: str = "127.0.0.1", port: int = 0, manner: Manner | None = None) -> None:
        self.manner = manner or Manner()
        self._host = host
        self._port = port
        self._seen: list[Seen] = []
        self._arrived = threading.Condition()
        self._scenes: deque[Scene] = deque()
        self._connections: set[_Connection] = set()
        self._loop: asyncio.AbstractEventLoop
        self._stopped: asyncio.Event
        self._thread: threading.Thread

    @property
    def requests(self) -> list[Seen]:
        """Everything that arrived, oldest first."""
        with self._arrived:
            return list(self._seen)

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._port

    @property
    def base_url(self) -> str:
        """The base URL in OpenAI's dialect."""
        return f"http://{self._host}:{self._port}/v1"

    @property
    def connections(self) -> int:
        """How many connections are open."""
        return len(self._connections)

    def script(self, *scenes: Scene) -> None:
        """Play these for the next requests, one each; afterwards requests are answered plainly again."""
        self._scenes.extend(scenes)

    def unscript(self) -> None:
        """Forget the scenes that were not played."""
        self._scenes.clear()

    def wait_for_requests(self, count: int, timeout: float = _WAIT_S) -> list[Seen]:
        """The requests, once `count` arrived. Blocks; raises `TimeoutError` after `timeout` seconds."""
        with self._arrived:
            if not self._arrived.wait_for(lambda: len(self._seen) >= count, timeout):
                raise TimeoutError(f"{len(self._seen)} of {count} requests arrived")
            return list(self._seen)

    def start(self) -> None:
        """Listen. The socket listens before the thread runs, so nobody has to wait for it."""
        listening = self._bind()
        self._loop = asyncio.new_event_loop()
        self._stopped = asyncio.Event()
        running = self._run(listening)
        target = self._loop.run_until_complete
        self._thread = threading.Thread(target=target, args=(running,), name="stand-in", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Close every connection and end."""
        self._loop.call_soon_threadsafe(self._stopped.set)
        self._thread.join()
        self._loop.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    async def serve(self) -> None:
        """Serve in the running loop until cancelled, instead of in a thread."""
        self._stopped = asyncio.Event()
        listening = self._bind()
        print(self.base_url, flush=True)  # noqa: T201 - the first line is the interface
        await self._run(listening)

    def keep(self, seen: Seen) -> None:
        """A request arrived whole."""
        with self._arrived:
            self._seen.append(seen)
            self._arrived.notify_all()

    def next_scene(self) -> Scene | None:
        """What to play for the request that arrived."""
        with contextlib.suppress(IndexError):
            return self._scenes.popleft()
        return None

    def joined(self, connection: _Connection) -> None:
        """A connection was opened."""
        self._connections.add(connection)

    def left(self, connection: _Connection) -> None:
        """A connection was closed."""
        self._connections.discard(connection)

    def _bind(self) -> socket.socket:
        listening = socket.socket(proto=socket.IPPROTO_TCP)  # else asyncio leaves Nagle on
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((self._host, self._port))
        listening.listen(1024)
        listening.setblocking(False)  # noqa: FBT003 - as the standard library has it
        self._port = int(listening.getsockname()[1])
        return listening

    async def _run(self, listening: socket.socket) -> None:
        """Accept until stopped. asyncio's own server loses a connection that is accepted in the turn in which it is
        closed; here every accepted socket is brought to life before anything is dropped."""
        loop = asyncio.get_running_loop()
        accepting: set[asyncio.Task[object]] = set()
        loop.add_reader(listening, self._accept, listening, accepting)
        try:
            await self._stopped.wait()
        finally:
            loop.remove_reader(listening)
            listening.close()
            await asyncio.gather(*accepting, return_exceptions=True)
            await self._abort()

    def _accept(self, listening: socket.socket, accepting: set[asyncio.Task[object]]) -> None:
        """Take every connection that waits."""
        loop = asyncio.get_running_loop()
        with contextlib.suppress(BlockingIOError):
            while True:
                accepted, _ = listening.accept()
                accepted.setblocking(False)  # noqa: FBT003 - as above
                accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                task: asyncio.Task[object] = loop.create_task(
                    loop.connect_accepted_socket(lambda: _Connection(self), accepted)
                )
                accepting.add(task)
                task.add_done_callback(accepting.discard)

    async def _abort(self) -> None:
        connections = list(self._connections)
        playing = [connection.playing for connection in connections if connection.playing is not None]
        for connection in connections:
            connection.abort()
        await asyncio.gather(*(connection.closed.wait() for connection in connections))
        await asyncio.gather(*playing, return_exceptions=True)


class _Connection(asyncio.Protocol):
    """One connection: parses requests, plays answers."""

    def __init__(self, provider: StandIn) -> None:
        self._provider = provider
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport
        self.playing: asyncio.Task[None] | None = None
        self._seen: Seen | None = None
        self.closed = asyncio.Event()
        self._writable = asyncio.Event()
        self._writable.set()
        self._start()

    def _start(self) -> None:
        self._path = b""
        self._headers: list[tuple[str, str]] = []
        self._body: list[bytes] = []

    def abort(self) -> None:
        """Drop the connection."""
        self._transport.abort()

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by inheritance
        self._provider.joined(self)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._provider.left(self)
        self.closed.set()
        if self.playing is not None and self._seen is not None:
            self._seen.gone.set()
            self.playing.cancel()

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._transport.abort()

    # httptools

    def on_url(self, url: bytes) -> None:
        self._path += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers.append((name.decode("latin-1").lower(), value.decode("latin-1")))

    def on_body(self, body: bytes) -> None:
        self._body.append(body)

    def on_message_complete(self) -> None:
        method = self._parser.get_method().decode("latin-1")
        seen = Seen(method, self._path.decode("latin-1"), tuple(self._headers), b"".join(self._body))
        self._start()
        self._provider.keep(seen)
        self._seen = seen
        self.playing = asyncio.get_running_loop().create_task(self._play(seen))

    async def _play(self, seen: Seen) -> None:
        try:
            await self._answer(seen)
            self.playing = None
        finally:
            if self.playing is not None:  # an answer that failed half way; or nobody is there any more
                self._transport.abort()

    async def _answer(self, seen: Seen) -> None:
        key = seen.header("x-api-key") or seen.header("authorization").removeprefix("Bearer ")
        sent = Sent(seen.method, seen.path, seen.body, key)
        for piece in answer_of(sent, self._provider.next_scene(), self._provider.manner):
            if isinstance(piece, Gate):
                await piece.passed()
            elif isinstance(piece, Pause):
                await asyncio.sleep(piece.seconds)
            elif piece is Cut.HERE:
                self._transport.close()
                break
            else:
                self._transport.write(piece)
                await self._writable.wait()


def main(arguments: list[str]) -> int:
    """Serve in this process until it is told to end."""
    parser = argparse.ArgumentParser(prog="python -m gateway.testing.stand_in", description=main.__doc__)
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; 0 takes a free one")
    parser.add_argument("--chunk-characters", type=int, default=8, help="length of a streamed piece")
    chosen = parser.parse_args(arguments)
    with contextlib.suppress(KeyboardInterrupt):
        uvloop.run(StandIn(port=chosen.port, manner=Manner(chunk_characters=chosen.chunk_characters)).serve())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
