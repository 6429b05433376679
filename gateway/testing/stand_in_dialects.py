"""The endpoints that the stand-in provider serves, and the form in which each tells an error."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from gateway.domain.conversation import Operation
from gateway.domain.strict_json import dump_json
from gateway.testing.stand_in_chat import completion, completion_chunks
from gateway.testing.stand_in_legacy import embeddings, moderation, text_completion, text_completion_chunks
from gateway.testing.stand_in_messages import count_of, message, message_events
from gateway.testing.stand_in_mind import CREATED, Body, Voice
from gateway.testing.stand_in_response_events import response_events
from gateway.testing.stand_in_responses import input_tokens, response

_ANTHROPIC = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    529: "overloaded_error",
}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One endpoint: its whole answer, its events, and which fields it cannot do without. `named` events have their type
    as an `event:` line; `done` is the data that ends a stream."""

    whole: Callable[[Body, Voice], Body]
    events: Callable[[Body, Voice], Iterator[Body]] | None = None
    needs: tuple[str, ...] = ("model",)
    named: bool = False
    done: bytes = b""
    anthropic: bool = False

    def framed(self, event: Body) -> bytes:
        """One event of the stream as bytes."""
        name = f"event: {event['type']}\n".encode() if self.named and "type" in event else b""
        return name + b"data: " + dump_json(event) + b"\n\n"

    @property
    def end(self) -> bytes:
        """The end mark of the stream as bytes."""
        return b"data: " + self.done + b"\n\n" if self.done else b""

    def error(self, status: int, text: str, code: str, param: str = "") -> Body:
        """An error body."""
        if self.anthropic:
            return anthropic_error(text, _ANTHROPIC.get(status, "api_error"))
        return openai_error(text, "invalid_request_error" if status < 500 else "server_error", code, param)

    def error_event(self, text: str, code: str) -> Body:
        """An error inside a stream."""
        if self.anthropic:
            return anthropic_error(text, "api_error")
        if self.named:
            return {"type": "error", "code": code, "message": text, "param": None, "sequence_number": 0}
        return openai_error(text, "server_error", code)


ENDPOINTS = {
    "/chat/completions": Endpoint(completion, completion_chunks, ("model", "messages"), done=b"[DONE]"),
    "/responses/input_tokens": Endpoint(input_tokens),
    "/responses": Endpoint(response, response_events, ("model", "input"), named=True),
    "/completions": Endpoint(text_completion, text_completion_chunks, ("model", "prompt"), done=b"[DONE]"),
    "/embeddings": Endpoint(embeddings, needs=("model", "input")),
    "/moderations": Endpoint(moderation, needs=("input",)),
    "/messages/count_tokens": Endpoint(count_of, needs=("model", "messages"), anthropic=True),
    "/messages": Endpoint(message, message_events, ("model", "messages", "max_tokens"), named=True, anthropic=True),
}
"""By the end of the path; the first that fits."""

BY_OPERATION = {
    Operation.CHAT: ENDPOINTS["/chat/completions"],
    Operation.RESPONSES: ENDPOINTS["/responses"],
    Operation.INPUT_TOKENS: ENDPOINTS["/responses/input_tokens"],
    Operation.COMPLETIONS: ENDPOINTS["/completions"],
    Operation.EMBEDDINGS: ENDPOINTS["/embeddings"],
    Operation.MODERATIONS: ENDPOINTS["/moderations"],
    Operation.MESSAGES: ENDPOINTS["/messages"],
}
"""The same, by what the gateway calls them."""


def model(name: str) -> Body:
    """OpenAI's description of a model."""
    return {"id": name, "object": "model", "created": CREATED, "owned_by": "stand-in"}


def model_list(*names: str) -> Body:
    """OpenAI's list of models."""
    return {"object": "list", "data": [model(name) for name in names]}


def openai_error(message: str, kind: str, code: str, param: str = "") -> Body:
    """OpenAI's error body."""
    return {"error": {"message": message, "type": kind, "param": param or None, "code": code}}


def anthropic_error(message: str, kind: str) -> Body:
    """Anthropic's error body."""
    return {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_standin"}
