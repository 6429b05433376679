"""How the stand-in provider answers one request: plainly, or as a scene of the script says."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from http import HTTPStatus
from typing import assert_never

from gateway.domain.strict_json import Json, dump_json
from gateway.testing.stand_in_dialects import (
    Body,
    Saying,
    completion,
    completion_chunks,
    message,
    message_events,
    model_list,
    openai_error,
    saying,
)


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


Piece = bytes | Gate | Cut


@dataclass(frozen=True, slots=True)
class Say:
    """Answer with this text instead of repeating the user's (`Say("x" * n)` is a huge answer)."""

    text: str


@dataclass(frozen=True, slots=True)
class Status:
    """Answer with this status and OpenAI's error body; `echo` quotes the whole request in its message."""

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


Scene = Say | Status | Raw | CutOff | Held


@dataclass(frozen=True, slots=True)
class Sent:
    """What of a request the answer depends on."""

    method: str
    path: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Manner:
    """How the stand-in speaks: what opens each answer, how long a streamed piece is, which models it lists."""

    prefix: str = "You said: "
    chunk_characters: int = 8
    models: tuple[str, ...] = ("gpt-x",)


def answer_of(sent: Sent, scene: Scene | None, manner: Manner) -> Iterable[Piece]:
    """The pieces of the answer to one request, in their order."""
    match scene:
        case None:
            return _plain(sent, manner)
        case Say(text=text):
            return _plain(sent, Manner("", manner.chunk_characters, manner.models), say=text)
        case Status():
            return [_status(sent, scene)]
        case Raw():
            return [_response(scene.status, scene.body, scene.content_type, scene.headers)]
        case CutOff():
            return _cut(_plain(sent, manner), scene)
        case Held():
            return _held(_plain(sent, manner), scene)
        case _:
            assert_never(scene)


def _plain(sent: Sent, manner: Manner, say: str = "") -> Iterator[Piece]:
    path = sent.path.partition("?")[0]
    if sent.method == "GET" and path.endswith("/models"):
        yield _response(200, dump_json(model_list(*manner.models)))
        return
    if sent.method != "POST" or not path.endswith(("/chat/completions", "/messages")):
        yield _response(404, dump_json(openai_error("Unknown endpoint.", "invalid_request_error", "unknown_url")))
        return
    body = _object(sent.body)
    if body is None:
        yield _response(400, dump_json(openai_error("Not JSON.", "invalid_request_error", "invalid_json")))
        return
    said = saying(body, manner.prefix, say)
    if path.endswith("/messages"):
        yield from _messages(body, said, manner)
    else:
        yield from _chat(body, said, manner)


def _chat(body: Body, said: Saying, manner: Manner) -> Iterator[Piece]:
    if body.get("stream") is not True:
        yield _response(200, dump_json(completion(said)))
        return
    options = body.get("stream_options")
    include_usage = isinstance(options, dict) and options.get("include_usage") is True
    yield _STREAM_HEAD
    for chunk in completion_chunks(said, manner.chunk_characters, include_usage=include_usage):
        yield _transfer(b"data: " + dump_json(chunk) + b"\n\n")
    yield _transfer(b"data: [DONE]\n\n") + _TRANSFER_END


def _messages(body: Body, said: Saying, manner: Manner) -> Iterator[Piece]:
    if body.get("stream") is not True:
        yield _response(200, dump_json(message(said)))
        return
    yield _STREAM_HEAD
    for event in message_events(said, manner.chunk_characters):
        yield _transfer(f"event: {event['type']}\ndata: ".encode() + dump_json(event) + b"\n\n")
    yield _TRANSFER_END


def _status(sent: Sent, scene: Status) -> bytes:
    text = "The stand-in was told to fail."
    if scene.echo:
        text = f"Cannot answer this: {sent.body.decode('utf-8', 'replace')}"
    kind = "invalid_request_error" if scene.status < 500 else "server_error"
    body = dump_json(openai_error(text, kind, scene.code))
    return _response(scene.status, body, headers=scene.headers)


def _cut(pieces: Iterable[Piece], scene: CutOff) -> Iterator[Piece]:
    listed = list(pieces)
    if len(listed) == 1:
        whole = listed[0]
        yield whole[:-10] if isinstance(whole, bytes) else whole
        yield Cut.HERE
        return
    yield from listed[: scene.after_events + 1]
    yield _TRANSFER_END if scene.clean else Cut.HERE


def _held(pieces: Iterable[Piece], scene: Held) -> Iterator[Piece]:
    before = scene.after_events + 1 if scene.after_events else 0
    for number, piece in enumerate(pieces):
        if number == before:
            yield scene.gate
        yield piece


_STREAM_HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\n"
    b"cache-control: no-cache\r\ntransfer-encoding: chunked\r\n\r\n"
)
_TRANSFER_END = b"0\r\n\r\n"


def _transfer(data: bytes) -> bytes:
    """One chunk of a chunked transfer."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def _response(
    status: int,
    body: bytes,
    content_type: str = "application/json",
    headers: tuple[tuple[str, str], ...] = (),
) -> bytes:
    more = "".join(f"{name}: {value}\r\n" for name, value in headers)
    first = f"HTTP/1.1 {status} {_phrase(status)}\r\n"
    return f"{first}content-type: {content_type}\r\ncontent-length: {len(body)}\r\n{more}\r\n".encode("latin-1") + body


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"


def _object(body: bytes) -> Body | None:
    try:
        value: Json = json.loads(body)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None
