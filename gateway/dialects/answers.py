"""What the dialects share: how an answer is restored, how it is told in another dialect, and how its JSON is read.

An answer is whole (the JSON of its body) or streamed (the JSON of one event at a time). Everything here is pure.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from gateway.domain.errors import CallerError, ErrorCode, UpstreamError
from gateway.domain.strict_json import Json, parse_json

_MOST_TOKENS = 2**31 - 1
_FAILURES = ("error", "response.failed")


@dataclass(slots=True)
class Usage:
    """Tokens as the answer reports them, 0 for what it does not say; and in how many events it came."""

    prompt: int = 0
    completion: int = 0
    events: int = 0

    def note(
        self, body: dict[str, Json], *, prompt: str = "prompt_tokens", completion: str = "completion_tokens"
    ) -> None:
        """Take over the `usage` object of an answer or event, whose counts have these names."""
        usage = body.get("usage")
        if isinstance(usage, dict):
            self.prompt = count(usage.get(prompt), self.prompt)
            self.completion = count(usage.get(completion), self.completion)


class Restoring(Protocol):
    """Turns the placeholders of one answer, whole or streamed, back into the caller's values. Each method raises
    `UpstreamError` for what is no JSON object."""

    usage: Usage

    @property
    def restored(self) -> int:
        """How many placeholders were turned back."""
        ...

    def whole(self, body: bytes) -> bytes:
        """An answer in one piece."""
        ...

    def error(self, body: bytes) -> bytes:
        """A provider's error body: it may quote the request."""
        ...

    def event(self, data: bytes) -> Iterator[bytes]:
        """The events to give on for one event of the provider."""
        ...

    def finish(self) -> Iterator[bytes]:
        """What is still held back when the stream ends."""
        ...


class Translating(Protocol):
    """Tells a chat answer, already restored, in the dialect in which the caller asked."""

    def whole(self, body: bytes) -> bytes:
        """A chat completion, told."""
        ...

    def event(self, data: bytes) -> Iterator[bytes]:
        """The events that one chunk of a chat completion becomes."""
        ...

    def finish(self) -> Iterator[bytes]:
        """The events that end the answer, once the chat stream ended well."""
        ...


def answer_object(body: bytes) -> dict[str, Json]:
    """The JSON object in an answer. Raises `UpstreamError`."""
    try:
        value = parse_json(body)
    except CallerError:
        raise UpstreamError(ErrorCode.UPSTREAM_ERROR) from None
    if not isinstance(value, dict):
        raise UpstreamError(ErrorCode.UPSTREAM_ERROR)
    return value


def tells_failure(event: bytes) -> bool:
    """Whether an answer or an event of one says that it failed: by a member `error`, or by its type."""
    if b"error" not in event and b"failed" not in event:
        return False
    with suppress(UpstreamError):
        told = answer_object(event)
        return told.get("error") is not None or told.get("type") in _FAILURES
    return False


def objects(value: Json) -> Iterator[dict[str, Json]]:
    """The objects in a list; nothing for what is no list."""
    for item in value if isinstance(value, list) else ():
        if isinstance(item, dict):
            yield item


def count(value: Json, otherwise: int) -> int:
    """A count of tokens; `otherwise` where `value` cannot be one."""
    return value if isinstance(value, int) and 0 <= value <= _MOST_TOKENS else otherwise
