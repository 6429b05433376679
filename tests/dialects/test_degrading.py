"""A request without what a model cannot do: what is left is still a chat request, and still says what was said."""

from __future__ import annotations

import json

import pytest

from gateway.dialects.degrading import without
from gateway.domain.capability import Capability, asked_for
from gateway.domain.conversation import Operation, read
from gateway.domain.errors import CallerError
from gateway.wire.schema import CHAT
from tests.domain.build import chat

CALL = {"id": "c", "type": "function", "function": {"name": "f", "arguments": '{"x":1}'}}
TOOL = {"type": "function", "function": {"name": "f", "parameters": {}}}
IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
BODY = chat(
    {"role": "user", "content": [{"type": "text", "text": "look"}, IMAGE]},
    {"role": "assistant", "content": None, "tool_calls": [CALL]},
    {"role": "tool", "tool_call_id": "c", "content": "forty-two"},
    tools=[TOOL],
    tool_choice="auto",
    response_format={"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object"}}},
)


@pytest.mark.parametrize("capability", [Capability.TOOLS, Capability.VISION, Capability.JSON_SCHEMA])
def test_one_capability_goes_and_the_others_stay(capability: Capability) -> None:
    """And what is left can be read as a chat request."""
    left = read(Operation.CHAT, CHAT, json.dumps(without(BODY, frozenset({capability}))).encode())  # type: ignore[arg-type]
    before = asked_for(read(Operation.CHAT, CHAT, json.dumps(BODY).encode()))

    assert {capability} == before - asked_for(left)


def test_what_tools_said_stays_readable() -> None:
    """A call and its result, as text, by who said them."""
    every = frozenset({Capability.TOOLS, Capability.VISION, Capability.JSON_SCHEMA})
    left = without(BODY, every)  # type: ignore[arg-type]
    said = [(each["role"], json.dumps(each["content"])) for each in left["messages"]]  # type: ignore[union-attr, index, call-overload]

    assert ["user", "assistant", "user"] == [role for role, _ in said]
    assert "not text was left out" in said[0][1]
    assert '\\"name\\":\\"f\\"' in said[1][1]
    assert "forty-two" in said[2][1]
    assert not {"tools", "tool_choice", "response_format"} & left.keys()


def test_a_request_is_not_made_shorter() -> None:
    """Nobody cuts what was said."""
    with pytest.raises(CallerError):
        without(BODY, frozenset({Capability.CONTEXT}))  # type: ignore[arg-type]
