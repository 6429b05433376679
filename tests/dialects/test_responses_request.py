"""A Responses request asked as chat: what it says is said, and what chat cannot say is refused by its address."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.dialects import responses_request
from gateway.dialects.responses_request import chat_request
from gateway.domain.conversation import Operation, read
from gateway.domain.declaration import Record, Refused
from gateway.domain.errors import CallerError, ErrorCode
from gateway.domain.strict_json import Json, dump_json
from gateway.wire.schema import CHAT, RESPONSES

TOOL: Json = {"type": "function", "name": "f"}
NESTED: Json = {"type": "function", "function": {"name": "f"}}


def asked(**more: Json) -> dict[str, Json]:
    """The chat request for a Responses request with these fields, read by chat's own declaration."""
    chat = chat_request({"model": "m", "input": "hi", **more})
    assert "m" == read(Operation.CHAT, CHAT, dump_json(chat)).model
    return chat


def messages(*items: Json, **more: Json) -> list[Json]:
    """The chat messages for these items."""
    told = asked(input=list(items), **more)["messages"]
    assert isinstance(told, list)
    return told


def call(index: int, name: str = "f") -> Json:
    """A function call item."""
    return {"type": "function_call", "id": "fc", "call_id": f"c{index}", "name": name, "arguments": "{}"}


def called(index: int, name: str = "f") -> Json:
    """The same in a chat message."""
    return {"id": f"c{index}", "type": "function", "function": {"name": name, "arguments": "{}"}}


def said(role: str, *parts: Json, **more: Json) -> Json:
    """A message item in its full form."""
    return {"type": "message", "role": role, "content": list(parts), **more}


def test_a_string() -> None:
    """Instructions come first; a string is what the user says."""
    assert [{"role": "user", "content": "hi"}] == asked()["messages"]
    system = {"role": "system", "content": "be brief"}
    assert [system, {"role": "user", "content": "hi"}] == asked(instructions="be brief")["messages"]


def test_messages_in_easy_and_full_form() -> None:
    """One text is a string, since every model understands that."""
    told = messages(
        {"role": "developer", "content": "a"},
        said("user", {"type": "input_text", "text": "b"}, status="completed"),
        said("assistant", {"type": "output_text", "text": "c", "annotations": [], "logprobs": []}, id="msg_1"),
        said("user", {"type": "input_text", "text": "d"}, {"type": "input_text", "text": "e"}),
        said("assistant", {"type": "refusal", "refusal": "no"}, phase="final_answer"),
        said("system"),
    )

    assert [
        {"role": "system", "content": "a"},
        {"role": "user", "content": "b"},
        {"role": "assistant", "content": "c"},
        {"role": "user", "content": [{"type": "text", "text": "d"}, {"type": "text", "text": "e"}]},
        {"role": "assistant", "content": [{"type": "refusal", "refusal": "no"}]},
        {"role": "system", "content": ""},
    ] == told


def test_parts_that_are_no_text() -> None:
    """Images, files and sound, in chat's nesting."""
    audio: Json = {"data": "AAAA", "format": "wav"}
    told = messages(
        said(
            "user",
            {"type": "input_image", "image_url": "data:image/png;base64,AAAA", "detail": "low"},
            {"type": "input_file", "file_data": "data:a/b;base64,AAAA", "filename": "a.pdf", "detail": "auto"},
            {"type": "input_audio", "input_audio": audio},
        )
    )

    assert [
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA", "detail": "low"}},
        {"type": "file", "file": {"file_data": "data:a/b;base64,AAAA", "filename": "a.pdf"}},
        {"type": "input_audio", "input_audio": audio},
    ] == told[0]["content"]  # type: ignore[call-overload, index]


def test_calls_and_their_results() -> None:
    """What was called in one turn is one assistant message, with what was said in it; thinking is left aside."""
    custom: Json = {"type": "custom_tool_call", "call_id": "c2", "name": "g", "input": "x"}
    told = messages(
        {"role": "user", "content": "a"},
        {"type": "reasoning", "id": "rs", "summary": [{"type": "summary_text", "text": "t"}]},
        {"role": "assistant", "content": "b"},
        call(0),
        call(1, "g"),
        custom,
        {"type": "function_call_output", "call_id": "c0", "output": "zero", "status": "completed"},
        {"type": "function_call_output", "call_id": "c1", "output": [{"type": "input_text", "text": "one"}]},
        {"type": "custom_tool_call_output", "call_id": "c2", "output": "two"},
        call(3),
    )

    sent: Json = {"id": "c2", "type": "custom", "custom": {"name": "g", "input": "x"}}
    assert [
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": "b", "tool_calls": [called(0), called(1, "g"), sent]},
        {"role": "tool", "tool_call_id": "c0", "content": "zero"},
        {"role": "tool", "tool_call_id": "c1", "content": "one"},
        {"role": "tool", "tool_call_id": "c2", "content": "two"},
        {"role": "assistant", "content": None, "tool_calls": [called(3)]},
    ] == told


def test_a_text_between_calls_stays_in_their_message() -> None:
    """A chat provider takes nothing between calls and their results."""
    told = messages(call(0), {"role": "assistant", "content": "a"}, call(1), {"role": "assistant", "content": "b"})

    texts: Json = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    assert [{"role": "assistant", "content": texts, "tool_calls": [called(0), called(1)]}] == told


def test_two_texts_of_the_assistant_stay_two() -> None:
    """Without calls nothing is put together."""
    one: Json = {"role": "assistant", "content": "a"}

    assert [one, one] == messages(one, one)


def test_tools() -> None:
    """Function and custom tools, nested as chat has them."""
    function: dict[str, Json] = {"name": "f", "description": "d", "parameters": {"type": "object"}, "strict": True}
    grammar: dict[str, Json] = {"syntax": "regex", "definition": "a+"}
    chat = asked(
        tools=[
            {"type": "function", **function, "defer_loading": False},
            {"type": "custom", "name": "g", "format": {"type": "grammar", **grammar}},
            {"type": "custom", "name": "h", "description": "d", "format": {"type": "text"}},
        ],
        parallel_tool_calls=False,
    )

    assert chat["parallel_tool_calls"] is False
    assert [
        {"type": "function", "function": function},
        {"type": "custom", "custom": {"name": "g", "format": {"type": "grammar", "grammar": grammar}}},
        {"type": "custom", "custom": {"name": "h", "description": "d"}},
    ] == chat["tools"]


@pytest.mark.parametrize(
    ("choice", "told"),
    [
        ("required", "required"),
        (TOOL, NESTED),
        ({"type": "custom", "name": "g"}, {"type": "custom", "custom": {"name": "g"}}),
        (
            {"type": "allowed_tools", "mode": "auto", "tools": [TOOL]},
            {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [NESTED]}},
        ),
    ],
)
def test_how_tools_are_chosen(choice: Json, told: Json) -> None:
    """Each form of the choice."""
    assert told == asked(tools=[TOOL], tool_choice=choice)["tool_choice"]


@pytest.mark.parametrize("choice", ["auto", "none", None])
def test_without_tools_there_is_no_choice(choice: Json) -> None:
    """Chat providers refuse a choice among no tools."""
    assert {"model", "messages"} == asked(tools=[], tool_choice=choice, parallel_tool_calls=True).keys()


def test_the_form_of_the_answer() -> None:
    """Structured output, verbosity and effort."""
    schema: dict[str, Json] = {"name": "s", "schema": {"type": "object"}, "strict": True}
    chat = asked(
        text={"format": {"type": "json_schema", **schema}, "verbosity": "low"},
        reasoning={"effort": "high", "summary": "auto", "mode": "standard"},
    )

    assert {"type": "json_schema", "json_schema": schema} == chat["response_format"]
    assert ("low", "high") == (chat["verbosity"], chat["reasoning_effort"])
    assert {"type": "json_object"} == asked(text={"format": {"type": "json_object"}})["response_format"]
    assert "response_format" not in asked(text={"format": {"type": "text"}})


def test_limits_and_names() -> None:
    """Each under chat's name."""
    same: dict[str, Json] = {
        "temperature": 0.5,
        "top_p": 0.5,
        "metadata": {"a": "b"},
        "user": "u",
        "safety_identifier": "s",
        "prompt_cache_key": "k",
        "prompt_cache_retention": "24h",
    }
    chat = asked(**same, max_output_tokens=9, service_tier="fast", top_logprobs=2, store=True, truncation="auto")

    assert same == {name: chat[name] for name in same}
    assert (9, "priority") == (chat["max_completion_tokens"], chat["service_tier"])
    assert (True, 2) == (chat["logprobs"], chat["top_logprobs"])
    assert not {"store", "truncation", "max_output_tokens"} & chat.keys()


def test_what_is_included() -> None:
    """Log probabilities; what belongs to other tools, or to sealed thinking, is not there to be included."""
    assert asked(include=["message.output_text.logprobs"])["logprobs"] is True
    assert "logprobs" not in asked(include=["reasoning.encrypted_content"], top_logprobs=0)


def test_a_stream_tells_its_usage() -> None:
    """Chat does so when asked."""
    chat = asked(stream=True, stream_options={"include_obfuscation": False})

    assert chat["stream"] is True
    assert {"include_usage": True, "include_obfuscation": False} == chat["stream_options"]
    assert "stream_options" not in asked(stream=False, stream_options={"include_obfuscation": False})


def test_names_beyond_the_dialect_go_on() -> None:
    """Who reads the chat request judges them."""
    assert {"a": 1} == chat_request({"model": "m", "input": "x", "guided_json": {"a": 1}})["guided_json"]


@pytest.mark.parametrize(
    ("more", "param"),
    [
        *(
            ({name: "x"}, f"/{name}")
            for name in ("previous_response_id", "conversation", "messages", "n", "max_tokens")
        ),
        ({"background": True}, "/background"),
        ({"prompt": {"id": "p"}}, "/prompt"),
        ({"input": {}}, "/input"),
        ({"input": ["x"]}, "/input/0"),
        ({"input": [{"type": "item_reference", "id": "x"}]}, "/input/0"),
        ({"input": [{"type": "computer_call"}]}, "/input/0"),
        ({"input": [{"role": "other", "content": "x"}]}, "/input/0/role"),
        ({"input": [{"role": "user"}]}, "/input/0/content"),
        ({"input": [{"role": "user", "content": "x", "odd": 1}]}, "/input/0/*"),
        ({"input": [said("user", {"type": "input_image", "file_id": "x"})]}, "/input/0/content/0/file_id"),
        ({"input": [said("user", {"type": "input_image", "detail": "original"})]}, "/input/0/content/0/detail"),
        ({"input": [said("user", {"type": "input_file", "file_url": "x"})]}, "/input/0/content/0/file_url"),
        ({"input": [said("user", {"type": "input_file", "detail": "low"})]}, "/input/0/content/0/detail"),
        ({"input": [said("user", {"type": "computer_screenshot"})]}, "/input/0/content/0"),
        ({"input": [said("system", {"type": "input_image"})]}, "/input/0/content/0"),
        ({"input": [said("user", {"type": []})]}, "/input/0/content/0"),
        ({"input": [said("user", "x")]}, "/input/0/content/0"),
        (
            {"input": [{"type": "function_call_output", "output": [{"type": "input_image"}]}]},
            "/input/0/output/0",
        ),
        ({"input": [{"type": "function_call", "namespace": "n"}]}, "/input/0/namespace"),
        ({"tools": [{"type": "mcp"}]}, "/tools/0"),
        ({"tools": [{"type": "function", "name": "f", "output_schema": {"a": 1}}]}, "/tools/0/output_schema"),
        ({"tools": [TOOL], "tool_choice": {"type": "file_search"}}, "/tool_choice"),
        (
            {"tools": [TOOL], "tool_choice": {"type": "allowed_tools", "tools": [{"type": "mcp"}]}},
            "/tool_choice/tools/0",
        ),
        ({"tool_choice": "required"}, "/tool_choice"),
        ({"tool_choice": TOOL}, "/tool_choice"),
        ({"reasoning": {"mode": "pro"}}, "/reasoning/mode"),
        ({"reasoning": {"context": "all_turns"}}, "/reasoning/context"),
        ({"text": ["x"]}, "/text"),
        ({"text": "x"}, "/text"),
    ],
)
def test_what_chat_cannot_say(more: Mapping[str, Json], param: str) -> None:
    """It is refused by its address, in which no name of the caller's choice stands."""
    with pytest.raises(CallerError) as raised:
        chat_request({"model": "m", "input": "hi", **more})

    assert (ErrorCode.UNSUPPORTED_BY_LOCAL_MODEL, param) == (raised.value.code, raised.value.param)


@pytest.mark.parametrize("body", [{}, {"input": []}, {"input": None}])
def test_nothing_asked(body: dict[str, Json]) -> None:
    """Chat has no request without a message."""
    with pytest.raises(CallerError) as raised:
        chat_request({"model": "m", **body})

    assert (ErrorCode.MISSING_FIELD, "/input") == (raised.value.code, raised.value.param)


def test_what_says_nothing_is_no_reason_to_refuse() -> None:
    """Defaults that are written out."""
    direct: Json = {"type": "direct"}
    told = asked(
        input=[{"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}", "caller": direct}],
        tools=[{"type": "function", "name": "f", "allowed_callers": ["direct"], "strict": None}],
        background=False,
        conversation=None,
        context_management=[],
    )

    assert [NESTED] == told["tools"]
    assert {"model", "messages", "tools"} == told.keys()


def test_every_field_that_is_served_is_told_or_left_aside_on_purpose() -> None:
    """A field that is declared tomorrow fails here until somebody says what it means in chat."""
    assert isinstance(RESPONSES, Record)
    assert isinstance(CHAT, Record)
    served = {name for name, field in RESPONSES.fields.items() if not isinstance(field, Refused)}
    carried = {name for name, field in CHAT.fields.items() if not isinstance(field, Refused)}
    own = responses_request._LEFT_ASIDE | responses_request._TOLD_OTHERWISE

    assert set() == served - own - (carried - responses_request._NOT_IN_CHAT)


WORDS = st.sampled_from(
    ["message", "function_call", "reasoning", "user", "assistant", "input_text", "output_text", "function", "auto", ""]
)
NAMES = st.sampled_from(
    ["type", "role", "content", "text", "output", "tools", "tool_choice", "input", "reasoning", "name", "format"]
)
JSON: st.SearchStrategy[Json] = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(0, 3), WORDS),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(NAMES, inner, max_size=4)),
    max_leaves=12,
)


@given(st.dictionaries(NAMES, JSON, max_size=5))
def test_any_request_is_told_or_refused(body: dict[str, Json]) -> None:
    """Whatever stands where, nothing else is raised."""
    told: Json = None
    with contextlib.suppress(CallerError):
        told = chat_request(body)["messages"]

    assert told != []
