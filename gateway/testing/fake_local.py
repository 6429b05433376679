"""A model inside that answers at once with a constant sentence, or fails as told."""

from __future__ import annotations

from collections.abc import AsyncIterator

from gateway.domain.capability import Capability, asked_for
from gateway.domain.conversation import Conversation, Operation
from gateway.domain.errors import ErrorCode, GatewayFault
from gateway.domain.strict_json import Json, dump_json
from gateway.pipeline.ports import Health, LocalAnswer, Streamed, Whole


class FakeLocal:
    """Implements `ports.LocalModel`. Keeps the conversations it was given."""

    def __init__(self, answer: str = "answered inside", *, down: bool = False) -> None:
        self.answer = answer
        self.down = down
        self.cannot: frozenset[Capability] = frozenset()
        self.seen: list[Conversation] = []
        self.speaks = frozenset({Operation.CHAT})

    def lacks(self, conversation: Conversation) -> frozenset[Capability]:
        """As told."""
        return asked_for(conversation) & self.cannot

    async def complete(self, conversation: Conversation) -> LocalAnswer:
        """The constant answer in the chat dialect."""
        self.seen.append(conversation)
        if self.down:
            raise GatewayFault(ErrorCode.LOCAL_MODEL_UNAVAILABLE)
        if conversation.stream:
            return Streamed(self._stream(conversation.model))
        message: Json = {"role": "assistant", "content": self.answer}
        choice: Json = {"index": 0, "message": message, "finish_reason": "stop"}
        usage: Json = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
        return Whole(dump_json({**_head("chat.completion", conversation.model), "choices": [choice], "usage": usage}))

    async def models(self) -> tuple[str, ...]:
        """One name."""
        return ("local/fake",)

    async def health(self) -> Health:
        """As told."""
        return Health(not self.down, "told to be down" if self.down else "")

    async def _stream(self, model: str) -> AsyncIterator[bytes]:
        for word in self.answer.split(" "):
            choice: Json = {"index": 0, "delta": {"content": f"{word} "}, "finish_reason": None}
            yield dump_json({**_head("chat.completion.chunk", model), "choices": [choice]})
        last: Json = {"index": 0, "delta": {}, "finish_reason": "stop"}
        yield dump_json({**_head("chat.completion.chunk", model), "choices": [last]})


def _head(kind: str, model: str) -> dict[str, Json]:
    return {"id": "chatcmpl-local", "object": kind, "created": 0, "model": model}
