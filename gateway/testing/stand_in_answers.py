"""How the stand-in provider answers one request on the wire: plainly, or as a scene of the script says."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import assert_never
from urllib.parse import unquote

from gateway.domain.strict_json import Json, dump_json
from gateway.testing.stand_in_dialects import ENDPOINTS, Endpoint, model, model_list, openai_error
from gateway.testing.stand_in_mind import Body, Voice
from gateway.testing.stand_in_scenes import (
    Cut,
    CutOff,
    Decline,
    Endless,
    FailIn,
    Framed,
    Garbage,
    Held,
    Manner,
    Pause,
    Piece,
    Raw,
    Say,
    Scene,
    Sent,
    Status,
    Trickle,
)

_TOLD = "The stand-in was told to fail."
_BLOCK = 65_536


class _Failure(Exception):
    """The request is answered with an error."""

    def __init__(self, status: int, body: Body) -> None:
        super().__init__(status)
        self.status = status
        self.body = body


@dataclass(frozen=True, slots=True)
class _Answer:
    """A plain answer before it is written: one body, or the events of a stream."""

    body: bytes = b""
    events: Iterable[bytes] | None = None


def answer_of(sent: Sent, scene: Scene | None, manner: Manner) -> Iterable[Piece]:
    """The pieces of the answer to one request, in their order."""
    match scene:
        case Raw():
            return [_response(scene.status, scene.body, scene.content_type, scene.headers)]
        case Status():
            return [_status(sent, scene)]
        case _:
            pass
    try:
        answer = _plain(sent, manner, _voice(manner, scene))
    except _Failure as failure:
        return [_response(failure.status, dump_json(failure.body))]
    return _played(sent, answer, scene)


def _voice(manner: Manner, scene: Scene | None) -> Voice:
    match scene:
        case Say(text=text):
            return Voice(prefix="", instead=text, size=manner.chunk_characters)
        case Decline():
            return Voice(prefix=manner.prefix, refuses=True, size=manner.chunk_characters)
        case _:
            return Voice(prefix=manner.prefix, size=manner.chunk_characters)


def _plain(sent: Sent, manner: Manner, voice: Voice) -> _Answer:
    """The answer without what a scene does to it. Raises `_Failure`."""
    path = sent.path.partition("?")[0]
    if manner.keys and sent.key not in manner.keys:
        raise _failure(_endpoint(path), 401, "Incorrect API key provided.", "invalid_api_key")
    if sent.method == "GET":
        return _Answer(dump_json(_models(path, manner)))
    endpoint = _endpoint(path)
    if sent.method != "POST" or endpoint is None:
        raise _unknown()
    body = _checked(endpoint, sent.body, manner)
    if body.get("stream") is not True or endpoint.events is None:
        return _Answer(dump_json(endpoint.whole(body, voice)))
    return _Answer(events=_stream(endpoint, body, voice))


def _stream(endpoint: Endpoint, body: Body, voice: Voice) -> Iterator[bytes]:
    assert endpoint.events is not None, "only what streams is streamed"
    for event in endpoint.events(body, voice):
        yield endpoint.framed(event)
    if endpoint.end:
        yield endpoint.end


def _played(sent: Sent, answer: _Answer, scene: Scene | None) -> Iterable[Piece]:
    """The answer as the scene wants it on the wire."""
    match scene:
        case None | Say() | Decline():
            return _written(answer)
        case CutOff():
            return _cut(_written(answer), scene)
        case Held():
            return _held(_written(answer), scene)
        case Trickle():
            return _trickling(_written(answer), scene)
        case Framed():
            return _written(_framed(answer, scene))
        case FailIn():
            return _failing(sent, answer, scene)
        case Garbage():
            garbage = b"data: " + scene.data + b"\n\n"
            return _written(_with_event(answer, scene.after_events, garbage, instead=scene.data))
        case Endless(bytes=size):
            return _endless(size, streamed=answer.events is not None)
        case Status() | Raw():
            return ()
        case _:
            assert_never(scene)


def _written(answer: _Answer) -> Iterator[Piece]:
    """The head with the body, or the head and each event as a chunk of the transfer."""
    if answer.events is None:
        yield _response(200, answer.body)
        return
    yield _STREAM_HEAD
    waiting = b""
    for event in answer.events:
        if waiting:
            yield waiting
        waiting = _transfer(event)
    # The last event and the end of the transfer are one piece, as a server that flushes at its end would send them.
    yield waiting + _TRANSFER_END


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


def _trickling(pieces: Iterable[Piece], scene: Trickle) -> Iterator[Piece]:
    """One byte of the connection at a time, head and framing included."""
    sent = 0
    for piece in pieces:
        for byte in piece if isinstance(piece, bytes) else b"":
            if sent == scene.after_bytes and scene.gate is not None:
                yield scene.gate
            yield bytes((byte,))
            yield Pause(scene.pause_s)
            sent += 1


def _framed(answer: _Answer, scene: Framed) -> _Answer:
    if answer.events is None:
        return answer
    events = (_reframed(event, scene) for event in answer.events)
    if scene.bytes_at_once:
        stream = b"".join(events)
        events = (stream[at : at + scene.bytes_at_once] for at in range(0, len(stream), scene.bytes_at_once))
    return _Answer(events=events)


def _reframed(event: bytes, scene: Framed) -> bytes:
    """One event written otherwise. A line break inside an object stands where JSON allows white space."""
    if scene.multi_line:
        event = event.replace(b"data: {", b"data: {\ndata:").replace(b"}\n\n", b"\ndata: }\n\n")
    if scene.comments:
        event = b": keep-alive\nid: 1\nretry: 1000\n" + event
    return event.replace(b"\n", scene.line_end)


def _failing(sent: Sent, answer: _Answer, scene: FailIn) -> Iterable[Piece]:
    endpoint = _endpoint(sent.path.partition("?")[0]) or ENDPOINTS["/chat/completions"]
    text = _quoting(sent) if scene.echo else _TOLD
    if answer.events is None:
        return [_response(500, dump_json(endpoint.error(500, text, scene.code)))]
    events = list(answer.events)[: scene.after_events]
    return _written(_Answer(events=[*events, endpoint.framed(endpoint.error_event(text, scene.code))]))


def _with_event(answer: _Answer, after: int, event: bytes, *, instead: bytes) -> _Answer:
    if answer.events is None:
        return _Answer(instead)
    events = list(answer.events)
    return _Answer(events=[*events[:after], event, *events[after:]])


def _endless(size: int, *, streamed: bool) -> Iterator[Piece]:
    if streamed:
        yield _STREAM_HEAD + _transfer(b'data: {"id":"')
    else:
        head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {size + 4}\r\n\r\n"
        yield head.encode() + b'{"'
    for at in range(0, size, _BLOCK):
        block = b"x" * min(_BLOCK, size - at)
        yield _transfer(block) if streamed else block
    yield _transfer(b'"}\n\n') + _TRANSFER_END if streamed else b'"}'


def _status(sent: Sent, scene: Status) -> bytes:
    endpoint = _endpoint(sent.path.partition("?")[0]) or ENDPOINTS["/chat/completions"]
    body = endpoint.error(scene.status, _quoting(sent) if scene.echo else _TOLD, scene.code)
    return _response(scene.status, dump_json(body), headers=scene.headers)


def _quoting(sent: Sent) -> str:
    return f"Cannot answer this: {sent.body.decode('utf-8', 'replace')}"


def _checked(endpoint: Endpoint, raw: bytes, manner: Manner) -> Body:
    """The request's object with what the endpoint needs. Raises `_Failure`."""
    body = _object(raw)
    if body is None:
        raise _failure(endpoint, 400, "Not JSON.", "invalid_json")
    for name in endpoint.needs:
        if body.get(name) in (None, "", []):
            raise _failure(endpoint, 400, f"Missing required parameter: '{name}'.", "missing_required_parameter", name)
    if manner.only_listed and str(body.get("model") or manner.models[0]) not in manner.models:
        raise _failure(endpoint, 404, "The model does not exist.", "model_not_found", "model")
    return body


def _models(path: str, manner: Manner) -> Body:
    """The list of models, or one of them. Raises `_Failure`."""
    if path.endswith("/models"):
        return model_list(*manner.models)
    before, _, name = path.partition("/models/")
    if not name or "/" in before.removeprefix("/v1"):
        raise _unknown()
    if unquote(name) not in manner.models:
        raise _failure(None, 404, "The model does not exist.", "model_not_found", "model")
    return model(unquote(name))


def _endpoint(path: str) -> Endpoint | None:
    return next((endpoint for end, endpoint in ENDPOINTS.items() if path.endswith(end)), None)


def _failure(endpoint: Endpoint | None, status: int, text: str, code: str, param: str = "") -> _Failure:
    return _Failure(status, (endpoint or ENDPOINTS["/chat/completions"]).error(status, text, code, param))


def _unknown() -> _Failure:
    return _Failure(404, openai_error("Unknown endpoint.", "invalid_request_error", "unknown_url"))


_STREAM_HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\nx-request-id: req_standin\r\n"
    b"request-id: req_standin\r\ncache-control: no-cache\r\ntransfer-encoding: chunked\r\n\r\n"
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
    told = (("x-request-id", "req_standin"), ("request-id", "req_standin"), *headers)
    more = "".join(f"{name}: {value}\r\n" for name, value in told)
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
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
