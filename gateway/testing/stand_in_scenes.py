"""How the stand-in provider can be told to answer: scenes, and the pieces of which an answer on the wire is made."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass
from enum import Enum


class Gate:
    """Holds an answer back until it is released, from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open = False
        self._waiting: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    def release(self) -> None:
        """Let everybody through, now and later."""
        with self._lock:
            self._open = True
            waiting, self._waiting = self._waiting, []
        for loop, event in waiting:
            loop.call_soon_threadsafe(event.set)

    async def passed(self) -> None:
        """Return when the gate is open."""
        event = asyncio.Event()
        with self._lock:
            if self._open:
                return
            self._waiting.append((asyncio.get_running_loop(), event))
        await event.wait()


class Cut(Enum):
    """Not bytes to send, but the end of the connection."""

    HERE = "here"


@dataclass(frozen=True, slots=True)
class Pause:
    """Not bytes to send, but so many seconds in which none are."""

    seconds: float


Piece = bytes | Gate | Cut | Pause


@dataclass(frozen=True, slots=True)
class Say:
    """Answer with this text instead of repeating the user's (`Say("x" * n)` is a huge answer)."""

    text: str


@dataclass(frozen=True, slots=True)
class Decline:
    """Answer with a refusal that quotes the user."""


@dataclass(frozen=True, slots=True)
class Status:
    """Answer with this status and the dialect's error body; `echo` quotes the whole request in its message."""

    status: int
    code: str = "stand_in"
    headers: tuple[tuple[str, str], ...] = ()
    echo: bool = False


@dataclass(frozen=True, slots=True)
class Raw:
    """Answer with exactly this body, whatever was asked for."""

    body: bytes
    content_type: str = "application/json"
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class CutOff:
    """Cut the connection after so many events of a stream, or in the middle of a whole answer. With `clean` the
    stream's transfer ends as HTTP wants it, but its end mark is missing."""

    after_events: int = 2
    clean: bool = False


@dataclass(frozen=True, slots=True)
class Held:
    """Hold the answer back until the gate is released: before its first byte, or after so many events of a stream."""

    gate: Gate
    after_events: int = 0


@dataclass(frozen=True, slots=True)
class Framed:
    """Write the stream as the standard allows and few do: lines ending in `line_end`, each object over several `data:`
    lines, comments between events, and `bytes_at_once` bytes in each chunk of the transfer (0: an event in each)."""

    line_end: bytes = b"\r\n"
    multi_line: bool = True
    comments: bool = True
    bytes_at_once: int = 0


@dataclass(frozen=True, slots=True)
class Trickle:
    """Send the answer byte by byte, `pause_s` seconds between two; wait at `gate` after so many bytes of it."""

    pause_s: float = 0.0
    gate: Gate | None = None
    after_bytes: int = 0


@dataclass(frozen=True, slots=True)
class FailIn:
    """Tell an error as an event of the stream, after so many events; `echo` quotes the whole request in its message.
    The transfer ends cleanly. Where nothing is streamed: an error body with status 500."""

    after_events: int = 2
    code: str = "server_error"
    echo: bool = False


@dataclass(frozen=True, slots=True)
class Garbage:
    """Send an event that is no JSON, after so many events of the stream, and go on. Where nothing is streamed: a body
    that is no JSON."""

    after_events: int = 2
    data: bytes = b'{"not":json'


@dataclass(frozen=True, slots=True)
class Endless:
    """Send one event (or a whole body) of so many bytes that never comes to its end before them."""

    bytes: int


Scene = Say | Decline | Status | Raw | CutOff | Held | Framed | Trickle | FailIn | Garbage | Endless


@dataclass(frozen=True, slots=True)
class Sent:
    """What of a request the answer depends on. `key` is what came as bearer token or as `x-api-key`."""

    method: str
    path: str
    body: bytes
    key: str = ""


@dataclass(frozen=True, slots=True)
class Manner:
    """How the stand-in speaks: what opens each answer, how long a streamed piece is, which models it lists, whether it
    knows no others, and which keys it takes (none named: every one)."""

    prefix: str = "You said: "
    chunk_characters: int = 8
    models: tuple[str, ...] = ("gpt-x",)
    only_listed: bool = False
    keys: tuple[str, ...] = ()
