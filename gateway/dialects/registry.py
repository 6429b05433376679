"""Which dialect speaks which operation: how its answers are restored, and how it is translated to chat and back.

An operation without a translation is served only where its own dialect is spoken.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from gateway.dialects import completions, messages_request, responses_request
from gateway.dialects.answers import Restoring, Translating, Usage
from gateway.dialects.chat import ChatRestorer
from gateway.dialects.completions import CompletionsFromChat, CompletionsRestorer
from gateway.dialects.messages_answer import MessagesFromChat
from gateway.dialects.messages_restorer import MessagesRestorer
from gateway.dialects.plain import PLAIN, PlainAnswer
from gateway.dialects.responses_answer import ResponsesFromChat
from gateway.dialects.responses_restorer import ResponsesRestorer
from gateway.domain.conversation import Operation
from gateway.domain.errors import ErrorCode, UpstreamError
from gateway.domain.mask import Vault
from gateway.domain.strict_json import Json

Restorer = Callable[[Vault, bool], Restoring]
"""Makes what restores one answer; the flag says that its text itself is JSON."""


@dataclass(frozen=True, slots=True)
class Translation:
    """How a request is asked as a chat request (raises `CallerError` for what chat cannot say), and how the chat answer
    is told to who sent the request."""

    chat_request: Callable[[Mapping[str, Json]], dict[str, Json]]
    telling: Callable[[Mapping[str, Json]], Translating]


class AsItIs:
    """Tells an answer in the dialect in which it was given."""

    def whole(self, body: bytes) -> bytes:
        """The body itself."""
        return body

    def event(self, data: bytes) -> Iterator[bytes]:
        """The event itself."""
        yield data

    def finish(self) -> Iterator[bytes]:
        """Nothing more."""
        return iter(())


@dataclass(frozen=True, slots=True)
class Telling:
    """One answer on its way to the caller: its placeholders turned back, then told in the caller's dialect."""

    restoring: Restoring
    translating: Translating

    @property
    def usage(self) -> Usage:
        """Tokens as the answer reports them."""
        return self.restoring.usage

    @property
    def restored(self) -> int:
        """How many placeholders were turned back."""
        return self.restoring.restored

    def whole(self, body: bytes) -> bytes:
        """An answer in one piece."""
        with readable():
            return self.translating.whole(self.restoring.whole(body))

    def error(self, body: bytes) -> bytes:
        """A provider's error body."""
        with readable():
            return self.restoring.error(body)

    def event(self, data: bytes) -> Iterator[bytes]:
        """The events to give on for one event."""
        self.usage.events += 1
        try:  # not `readable`, which costs more than the rest of an event that stays as it is
            for piece in self.restoring.event(data):
                yield from self.translating.event(piece)
        except RecursionError:
            raise UpstreamError(ErrorCode.UPSTREAM_ERROR) from None

    def finish(self) -> Iterator[bytes]:
        """What was held back, and what ends the answer."""
        with readable():
            for piece in self.restoring.finish():
                yield from self.translating.event(piece)
            yield from self.translating.finish()


@contextlib.contextmanager
def readable() -> Iterator[None]:
    """An answer that is nested beyond what can be walked is a broken one."""
    try:
        yield
    except RecursionError:
        raise UpstreamError(ErrorCode.UPSTREAM_ERROR) from None


RESTORERS: Mapping[Operation, Restorer] = {
    Operation.CHAT: lambda vault, json_content: ChatRestorer(vault, json_content=json_content),
    Operation.RESPONSES: lambda vault, json_content: ResponsesRestorer(vault, json_content=json_content),
    Operation.MESSAGES: lambda vault, json_content: MessagesRestorer(vault, json_content=json_content),
    Operation.COMPLETIONS: lambda vault, json_content: CompletionsRestorer(vault, json_content=json_content),
    **dict.fromkeys(PLAIN, lambda vault, _: PlainAnswer(vault)),
}

TRANSLATIONS: Mapping[Operation, Translation] = {
    Operation.RESPONSES: Translation(responses_request.chat_request, ResponsesFromChat),
    Operation.MESSAGES: Translation(messages_request.chat_request, MessagesFromChat),
    Operation.COMPLETIONS: Translation(completions.chat_request, CompletionsFromChat),
}


def asks_for_json(operation: Operation, body: bytes) -> bool:
    """Whether the text of the answer is to be JSON. A key with bare quotes cannot stand inside a JSON string, so these
    bytes are the field itself."""
    field = _FORMAT_FIELDS.get(operation, b"")
    return bool(field) and field in body and (b':"json_object"' in body or b':"json_schema"' in body)


_FORMAT_FIELDS: Mapping[Operation, bytes] = {
    Operation.CHAT: b'"response_format":',
    Operation.RESPONSES: b'"format":',
    Operation.MESSAGES: b'"format":',
}
