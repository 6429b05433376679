"""A Messages request asked as a chat request: nothing is lost in silence."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.dialects.messages_request import chat_request
from gateway.domain.conversation import Operation, read
from gateway.domain.declaration import Record, Refused
from gateway.domain.errors import CallerError, ErrorCode
from gateway.domain.strict_json import Json, dump_json
from gateway.wire.schema import CHAT, MESSAGES

PNG = {"type": "base64", "media_type": "image/png", "data": "aGk="}
PDF = {"type": "base64", "media_type": "application/pdf", "data": "aGk="}


def asked(*messages: Json, **more: Json) -> dict[str, Json]:
    """The chat request for these messages; a string is a user's. It is one that the chat declaration accepts."""
    turned: list[Json] = [{"role": "user", "content": m} if isinstance(m, str) else m for m in messages]
    request = chat_request({"model": "m", "max_tokens": 9, "messages": turned, **more})
    assert "m" == read(Operation.CHAT, CHAT, dump_json(request)).model
    return request


def told(*messages: Json, **more: Json) -> list[Json]:
    """The chat messages for these messages."""
    result = asked(*messages, **more)["messages"]
    assert isinstance(result, list)
    return result


def test_the_plainest_request() -> None:
    """A text stays a text, and the limit keeps its meaning."""
    assert {
        "model": "m",
        "max_completion_tokens": 9,
        "messages": [{"role": "user", "content": "hi"}],
    } == asked("hi")


def test_the_parameters_have_their_names_in_chat() -> None:
    """What chat knows by another name is renamed."""
    request = asked(
        "hi",
        temperature=0,
        top_p=0.5,
        stop_sequences=["END"],
        metadata={"user_id": "u1"},
        stream=True,
        tool_choice={"type": "any", "disable_parallel_tool_use": True},
        tools=[{"name": "f", "description": "d", "input_schema": {"type": "object"}, "cache_control": {"type": "x"}}],
        output_config={"effort": "low", "format": {"type": "json_schema", "schema": {"type": "object"}}},
    )
    del request["messages"]

    assert {
        "model": "m",
        "max_completion_tokens": 9,
        "temperature": 0,
        "top_p": 0.5,
        "stop": ["END"],
        "user": "u1",
        "stream": True,
        "stream_options": {"include_usage": True},
        "tool_choice": "required",
        "parallel_tool_calls": False,
        "tools": [
            {"type": "function", "function": {"name": "f", "description": "d", "parameters": {"type": "object"}}}
        ],
        "reasoning_effort": "low",
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "answer", "schema": {"type": "object"}, "strict": True},
        },
    } == request


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ({"type": "auto"}, "auto"),
        ({"type": "any"}, "required"),
        ({"type": "none"}, "none"),
        ({"type": "tool", "name": "f"}, {"type": "function", "function": {"name": "f"}}),
    ],
)
def test_every_choice_of_tools_has_its_word(choice: Json, expected: Json) -> None:
    """And none asks for one call at a time by itself."""
    request = asked("hi", tool_choice=choice)

    assert expected == request["tool_choice"]
    assert "parallel_tool_calls" not in request


def test_the_system_prompt_comes_first() -> None:
    """As one text, or as the parts that it has."""
    assert {"role": "system", "content": "be brief"} == told("hi", system="be brief")[0]
    assert {"role": "system", "content": "one"} == told("hi", system=[{"type": "text", "text": "one"}])[0]
    blocks: Json = [
        {"type": "text", "text": "one", "cache_control": {"type": "ephemeral"}},
        {"type": "text", "text": "2"},
    ]
    assert [{"type": "text", "text": "one"}, {"type": "text", "text": "2"}] == told("hi", system=blocks)[0]["content"]  # type: ignore[index, call-overload]


def test_pictures_and_documents_become_parts() -> None:
    """A document that is text is read as text, with its title."""
    content: Json = [
        {"type": "image", "source": PNG},
        {"type": "image", "source": {"type": "url", "url": "https://x.example/a.png"}},
        {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "D"}, "title": "T"},
        {"type": "document", "source": {"type": "content", "content": "C"}, "context": "K"},
        {"type": "document", "source": PDF, "title": "t.pdf"},
        {"type": "search_result", "source": "s", "title": "t", "content": [{"type": "text", "text": "found"}]},
        {"type": "text", "text": "what is it?"},
    ]

    assert [
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}},
        {"type": "image_url", "image_url": {"url": "https://x.example/a.png"}},
        {"type": "text", "text": "T\nD"},
        {"type": "text", "text": "K"},
        {"type": "text", "text": "C"},
        {"type": "file", "file": {"filename": "t.pdf", "file_data": "data:application/pdf;base64,aGk="}},
        {"type": "text", "text": "t\ns\nfound"},
        {"type": "text", "text": "what is it?"},
    ] == told({"role": "user", "content": content})[0]["content"]  # type: ignore[index, call-overload]


def test_a_round_of_tools() -> None:
    """Calls stand with the assistant's text, results next to them, and what the user says behind."""
    assistant: Json = [
        {"type": "thinking", "thinking": "hm", "signature": "s"},
        {"type": "redacted_thinking", "data": "x"},
        {"type": "text", "text": "I "},
        {"type": "text", "text": "look."},
        {"type": "tool_use", "id": "t1", "name": "f", "input": {"q": 'a"b'}},
        {"type": "tool_use", "id": "t2", "name": "g", "input": {}},
    ]
    user: Json = [
        {"type": "tool_result", "tool_use_id": "t1", "content": "one"},
        {
            "type": "tool_result",
            "tool_use_id": "t2",
            "is_error": True,
            "content": [{"type": "text", "text": "a"}, {"type": "image", "source": PNG}, {"type": "text", "text": "b"}],
        },
        {"type": "text", "text": "go on"},
    ]
    _, called, first, second, said = told(
        "hi", {"role": "assistant", "content": assistant}, {"role": "user", "content": user}
    )
    calls = [
        {
            "id": "t1",
            "type": "function",
            "function": {"name": "f", "arguments": json.dumps({"q": 'a"b'}, separators=(",", ":"))},
        },
        {"id": "t2", "type": "function", "function": {"name": "g", "arguments": "{}"}},
    ]

    assert {"role": "assistant", "content": "I look.", "tool_calls": calls} == called
    assert {"role": "tool", "tool_call_id": "t1", "content": "one"} == first
    assert {"role": "tool", "tool_call_id": "t2", "content": "Error: a\nb"} == second
    assert [
        {"type": "text", "text": "Returned by the tool call t2:"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}},
        {"type": "text", "text": "go on"},
    ] == said["content"]  # type: ignore[index, call-overload]


def test_a_message_of_results_alone_is_no_message_of_the_user() -> None:
    """And an assistant that only called said nothing."""
    turns: list[Json] = [
        {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "f", "input": {}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t"}]},
    ]
    _, called, result = told("hi", *turns)

    assert called["content"] is None  # type: ignore[index, call-overload]
    assert {"role": "tool", "tool_call_id": "t", "content": ""} == result


@pytest.mark.parametrize(
    ("address", "more"),
    [
        ("/top_k", {"top_k": 1}),
        ("/max_tokens", {"max_tokens": 0}),
        ("/container", {"container": "c"}),
        ("/*", {"Alice@example.com": 1}),
        ("/tools/0/type", {"tools": [{"type": "web_search_20250305", "name": "web_search"}]}),
        ("/tools/0/input_examples", {"tools": [{"name": "f", "input_schema": {}, "input_examples": [{}]}]}),
        ("/output_config/task_budget", {"output_config": {"task_budget": 1}}),
        ("/output_config/format/type", {"output_config": {"format": {"type": "grammar"}}}),
        ("/tool_choice/type", {"tool_choice": {"type": "other"}}),
        ("/messages/0/role", {"messages": [{"role": "critic", "content": "x"}]}),
        ("/messages/1/role", {"messages": [{"role": "user", "content": "x"}, {"role": "assistant", "content": "{"}]}),
    ],
)
def test_what_chat_cannot_say_is_refused_by_its_address(address: str, more: dict[str, Json]) -> None:
    """Nothing that changes the answer is dropped; keys of the caller's choice are not repeated."""
    with pytest.raises(CallerError) as raised:
        chat_request({"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}], **more})

    assert (ErrorCode.UNSUPPORTED_BY_LOCAL_MODEL, address) == (raised.value.code, raised.value.param)


@pytest.mark.parametrize(
    ("address", "block"),
    [
        ("type", {"type": "container_upload", "file_id": "f"}),
        ("type", {"type": "tool_use", "id": "t", "name": "f", "input": {}}),
        ("source/type", {"type": "image", "source": {"type": "file", "file_id": "f"}}),
        ("source/type", {"type": "document", "source": {"type": "url", "url": "https://x.example"}}),
        ("citations/enabled", {"type": "document", "source": PDF, "citations": {"enabled": True}}),
        ("transformations", {"type": "image", "source": PNG, "transformations": {"oversized": "downscale"}}),
        ("content/0/type", {"type": "tool_result", "tool_use_id": "t", "content": [{"type": "tool_reference"}]}),
    ],
)
def test_a_block_that_chat_cannot_show_is_refused(address: str, block: Json) -> None:
    """By the address of the block."""
    with pytest.raises(CallerError) as raised:
        chat_request({"model": "m", "messages": [{"role": "user", "content": [block]}]})

    assert f"/messages/0/content/0/{address}" == raised.value.param


def test_what_says_nothing_is_no_reason_to_refuse() -> None:
    """Nulls, hints and marks are left aside."""
    hints: dict[str, Json] = {
        "top_k": None,
        "service_tier": "auto",
        "thinking": {"type": "adaptive"},
        "container": None,
    }

    assert asked("hi") == asked("hi", **hints)


def test_every_field_that_is_served_is_told_left_aside_or_refused_on_purpose() -> None:
    """A field that is declared tomorrow fails here until somebody says what it means in chat."""
    assert isinstance(MESSAGES, Record)
    served = {name for name, field in MESSAGES.fields.items() if not isinstance(field, Refused)}
    refused = set()
    for name in served - {"messages"}:
        try:
            chat_request({"messages": [], name: True})
        except CallerError as error:
            refused.add(error.param)

    assert {"/top_k", "/inference_geo"} == refused


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(st.characters(exclude_categories=("Cs",)), max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", max_size=2), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text("abc", max_size=3), JSON, max_size=3), st.text(max_size=20))
def test_inputs_of_tools_are_the_same_document(value: dict[str, Json], said: str) -> None:
    """Arguments are the input, written; texts are not changed."""
    call: Json = {"type": "tool_use", "id": "t", "name": "f", "input": value}
    body: dict[str, Json] = {
        "messages": [
            {"role": "assistant", "content": [{"type": "text", "text": said}, call]},
            {"role": "user", "content": said},
        ]
    }
    messages = chat_request(body)["messages"]

    assert isinstance(messages, list)
    assert value == json.loads(messages[0]["tool_calls"][0]["function"]["arguments"])  # type: ignore[index, call-overload, arg-type]
    assert said == (messages[0]["content"] or "") == messages[1]["content"]  # type: ignore[index, call-overload]
