"""How answers are told in HTTP: OpenAI's voice and Anthropic's differ in error bodies and in how a stream is framed."""

from __future__ import annotations

import re
from enum import Enum
from typing import assert_never

from gateway.dialects.messages_error import error_body as anthropic_error
from gateway.dialects.messages_error import error_from_openai, error_kind
from gateway.domain.conversation import Operation
from gateway.domain.errors import GatewayError, PolicyRefusal
from gateway.domain.strict_json import Json, dump_json, parse_json

_DONE = b"data: [DONE]\n\n"
_MESSAGES = "/v1/messages"
_FIRST = re.compile(rb'\{"type":"([A-Za-z0-9_.]{1,80})"[,}]')


class Voice(Enum):
    """The API whose clients are spoken to."""

    OPENAI = "openai"
    ANTHROPIC = "anthropic"

    def error(self, error: GatewayError, message: str = "") -> bytes:
        """An error body in constant words: those of its code, unless `message` says it better."""
        told = error.text
        own = error.tell_user if isinstance(error, PolicyRefusal) else ""
        message = message or own or told.message
        match self:
            case Voice.OPENAI:
                param: Json = error.param or None
                inner: Json = {"message": message, "type": told.type, "param": param, "code": error.code.value}
                return dump_json({"error": inner})
            case Voice.ANTHROPIC:
                kind = error_kind(error.status)
                return anthropic_error(kind, message, code=error.code.value, param=error.param)
            case _:
                assert_never(self)

    def broken_stream(self, error: GatewayError, framing: Framing) -> bytes:
        """The event that says that a stream broke. In a Responses stream an error is an event like others."""
        if self is Voice.OPENAI and framing is Framing.NAMED:
            code, message = error.code.value, error.text.message
            return dump_json({"type": "error", "code": code, "message": message, "param": None, "sequence_number": 0})
        return self.error(error)

    def rejection(self, body: bytes, status: int) -> bytes:
        """A provider's own error body, in this voice."""
        return error_from_openai(body, status) if self is Voice.ANTHROPIC else body


class Framing(Enum):
    """How the events of a stream are framed."""

    BARE = "bare"  # data lines, and `[DONE]` at the end
    NAMED = "named"  # an event line with the type of each, and no sentinel

    def event(self, data: bytes) -> bytes:
        """One event."""
        lines = b"data: " + data.replace(b"\n", b"\ndata: ") + b"\n\n"
        return b"event: " + _type_of(data) + b"\n" + lines if self is Framing.NAMED else lines

    @property
    def end(self) -> bytes:
        """What follows the last event of an answer that is whole."""
        return _DONE if self is Framing.BARE else b""


def framing_of(operation: Operation) -> Framing:
    """How an operation's streams are framed."""
    return Framing.NAMED if operation in {Operation.RESPONSES, Operation.MESSAGES} else Framing.BARE


def voice_of(operation: Operation) -> Voice:
    """Whose clients send this operation."""
    return Voice.ANTHROPIC if operation is Operation.MESSAGES else Voice.OPENAI


def voice_at(path: str) -> Voice:
    """Whose clients ask at this path, served or not."""
    return Voice.ANTHROPIC if path == _MESSAGES or path.startswith(f"{_MESSAGES}/") else Voice.OPENAI


def _type_of(data: bytes) -> bytes:
    """The event's type, a plain word. It stands first wherever the gateway or OpenAI wrote the event."""
    known = _FIRST.match(data)
    if known:
        return known.group(1)
    document = parse_json(data)
    kind = document.get("type") if isinstance(document, dict) else None
    return kind.encode() if isinstance(kind, str) and kind.replace(".", "").replace("_", "").isalnum() else b"message"
