"""Two voices and two framings: error bodies, events with and without a name, and how a broken stream is told."""

from __future__ import annotations

import json

import anthropic
import pytest
from anthropic.types import RawMessageStreamEvent
from openai.types.responses import ResponseErrorEvent
from pydantic import TypeAdapter

from gateway.domain.conversation import Operation
from gateway.domain.errors import CallerError, ErrorCode, PolicyRefusal, UpstreamError
from gateway.wire.unserved import UNSERVED, unserved_response
from gateway.wire.voice import Framing, Voice, framing_of, voice_of


@pytest.mark.parametrize("code", list(ErrorCode))
def test_anthropics_errors_are_complete(code: ErrorCode) -> None:
    """Type and message as its clients read them; our code beside them."""
    error = CallerError(code, param="/messages/0")
    told = json.loads(Voice.ANTHROPIC.error(error))

    assert ("error", error.text.message) == (told["type"], told["error"]["message"])
    assert (code.value, "/messages/0") == (told["error"]["code"], told["error"]["param"])
    assert told["error"]["type"].endswith("_error") or told["error"]["type"] == "request_too_large"


@pytest.mark.parametrize(("status", "kind"), [(403, "permission_error"), (451, "invalid_request_error")])
def test_a_refusal_in_anthropics_voice(status: int, kind: str) -> None:
    """The type follows the status that the policy chose, and the words are the rule's own."""
    told = json.loads(Voice.ANTHROPIC.error(PolicyRefusal(status=status, tell_user="No SSNs.")))

    assert (kind, "No SSNs.") == (told["error"]["type"], told["error"]["message"])


def test_a_providers_own_error_is_told_in_the_voice_of_the_caller() -> None:
    """An error of a chat provider reaches an Anthropic client as one of Anthropic's."""
    body = json.dumps({"error": {"message": "too long", "type": "x", "code": "context_length_exceeded"}}).encode()
    told = json.loads(Voice.ANTHROPIC.rejection(body, 400))

    assert ("error", "invalid_request_error", "too long") == (
        told["type"],
        told["error"]["type"],
        told["error"]["message"],
    )
    assert body == Voice.OPENAI.rejection(body, 400)


@pytest.mark.parametrize(
    ("data", "framed"),
    [
        (b'{"type":"response.created","x":1}', b'event: response.created\ndata: {"type":"response.created","x":1}\n\n'),
        (b'{"x":1,"type":"ping"}', b'event: ping\ndata: {"x":1,"type":"ping"}\n\n'),
        (b'{"x":1}', b'event: message\ndata: {"x":1}\n\n'),
        (b'{"type":"a\\nb"}', b'event: message\ndata: {"type":"a\\nb"}\n\n'),
        (b'{\n"type":"ping"}', b'event: ping\ndata: {\ndata: "type":"ping"}\n\n'),
    ],
)
def test_a_named_event_has_the_type_of_its_data(data: bytes, framed: bytes) -> None:
    """And a type that could break the line is no name."""
    assert framed == Framing.NAMED.event(data)
    assert b"".join(framed.partition(b"\n")[2:]) == Framing.BARE.event(data)


@pytest.mark.parametrize("operation", list(Operation))
def test_only_bare_streams_end_with_a_sentinel(operation: Operation) -> None:
    """Responses and messages end with an event of their own."""
    named = operation in {Operation.RESPONSES, Operation.MESSAGES}

    assert (Framing.NAMED if named else Framing.BARE) is framing_of(operation)
    assert (b"" if named else b"data: [DONE]\n\n") == framing_of(operation).end
    assert (Voice.ANTHROPIC if operation is Operation.MESSAGES else Voice.OPENAI) is voice_of(operation)


def test_a_broken_stream_is_told_as_the_clients_read_it() -> None:
    """An error event of each dialect: neither is an end."""
    error = UpstreamError(ErrorCode.UPSTREAM_ERROR)

    responses = json.loads(Voice.OPENAI.broken_stream(error, Framing.NAMED))
    assert "upstream_error" == TypeAdapter(ResponseErrorEvent).validate_python(responses).code
    chat = json.loads(Voice.OPENAI.broken_stream(error, Framing.BARE))
    assert "upstream_error" == chat["error"]["code"]
    messages = json.loads(Voice.ANTHROPIC.broken_stream(error, Framing.NAMED))
    assert ("error", "api_error") == (messages["type"], messages["error"]["type"])
    with pytest.raises(ValueError, match="validation error"):
        TypeAdapter(RawMessageStreamEvent).validate_python(messages)
    assert anthropic.APIStatusError  # its clients raise this for an event of type error


@pytest.mark.parametrize("path", [*UNSERVED, *(f"{path}/x_1/content" for path in UNSERVED)])
def test_an_endpoint_that_clients_know_is_refused_with_its_reason(path: str) -> None:
    """The most telling reason, and never a word of the path."""
    response = unserved_response(path)
    told = json.loads(bytes(response.body))["error"]

    assert (404, "unknown_endpoint") == (response.status_code, told["code"])
    assert UNSERVED[path.removesuffix("/x_1/content")] == told["message"]
    assert "x_1" not in told["message"]


@pytest.mark.parametrize("path", ["/", "/v1", "/v1/filesystem", "/v2/files", "/v1/canary-7731"])
def test_any_other_path_is_simply_not_served(path: str) -> None:
    """In the constant words of its code."""
    told = json.loads(bytes(unserved_response(path).body))["error"]

    assert "This gateway does not serve this endpoint." == told["message"]
