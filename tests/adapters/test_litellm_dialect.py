"""OpenAI's dialect on both sides of litellm is built field by field."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.adapters.litellm_dialect import (
    PASSED_ON,
    Call,
    Unsupported,
    call_of,
    chunk_of,
    completion_of,
    ends,
    error_body,
    unsupported_body,
)
from gateway.domain.strict_json import Json

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.sampled_from(
    ["id", "choices", "index", "message", "delta", "content", "tool_calls", "finish_reason", "usage"]
)
ANSWERS = st.dictionaries(
    NAMES, st.recursive(JSON, lambda inner: st.lists(st.dictionaries(NAMES, inner, max_size=4), max_size=3))
)
ASKED: dict[str, Json] = {"model": "m", "messages": [{"role": "user", "content": "x"}]}


def test_the_call_holds_the_listed_fields_only() -> None:
    """The model apart; usage is asked for whether the caller wants it or not."""
    call = call_of({**ASKED, "stream": True, "top_p": 0.5, "store": False})

    assert isinstance(call, Call)
    assert ("m", True, False) == (call.model, call.stream, call.include_usage)
    assert {"messages", "stream", "top_p", "stream_options"} == set(call.fields)


@given(st.text())
def test_an_unlisted_field_is_unsupported(name: str) -> None:
    """Any name at all, litellm's own among them."""
    if name not in {*PASSED_ON, "model", "store", "stream_options"}:
        assert Unsupported(name) == call_of({**ASKED, name: None})


@pytest.mark.parametrize("name", ["api_base", "base_url", "api_key", "client", "timeout", "custom_llm_provider"])
def test_litellms_own_parameters_are_not_listed(name: str) -> None:
    """The operator's values cannot be overruled."""
    assert name not in PASSED_ON


def test_an_image_in_the_request_is_passed_on() -> None:
    """Only a link is not."""
    image: Json = {"type": "image_url", "image_url": {"url": "data:image/png;base64,eA=="}}

    assert isinstance(call_of({**ASKED, "messages": [{"role": "user", "content": [image]}]}), Call)


def test_what_is_said_of_an_unsupported_field() -> None:
    """Constant words and the field's name; none when litellm found it."""
    assert "seed" == json.loads(unsupported_body(Unsupported("seed")))["error"]["param"]
    assert json.loads(unsupported_body(Unsupported("")))["error"]["param"] is None


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ({"type": "error", "error": {"type": "overloaded_error", "message": "m"}}, "overloaded_error"),
        ({"error": {"code": 400, "message": "m", "status": "INVALID_ARGUMENT"}}, "INVALID_ARGUMENT"),
        ({"error": {"message": "m"}}, None),
    ],
)
def test_errors_of_the_dialects(answer: dict[str, Json], code: str | None) -> None:
    """The provider's words and its name for the error, in OpenAI's body."""
    body = error_body(answer)
    assert body is not None

    assert {"message": "m", "type": "invalid_request_error", "param": None, "code": code} == json.loads(body)["error"]


@pytest.mark.parametrize("answer", [{}, {"error": "m"}, {"error": {}}, {"error": {"message": 3}}])
def test_what_is_no_error_body(answer: dict[str, Json]) -> None:
    """It is not passed on."""
    assert error_body(answer) is None


@given(ANSWERS)
def test_any_answer_gives_the_dialects_fields_only(answer: dict[str, Json]) -> None:
    """Whatever litellm hands over, nothing of its own comes through, and nothing raises."""
    completion = json.loads(completion_of(answer, "m"))
    chunk = chunk_of(answer, "m", include_usage=True)

    assert {"id", "object", "created", "model", "choices", "usage"} == set(completion)
    for choice in completion["choices"]:
        assert {"index", "message", "logprobs", "finish_reason"} == set(choice)
    if chunk is not None:
        assert set(json.loads(chunk)) == set(completion)


def test_an_ending_is_told_from_a_piece() -> None:
    """A reason to finish, usage, or no choice at all."""
    piece: Json = {"index": 0, "delta": {"content": "x"}, "finish_reason": None}
    last: Json = {"index": 0, "delta": {}, "finish_reason": "stop"}

    assert [False, True, True, True] == [
        ends(chunk) for chunk in ({"choices": [piece]}, {"choices": [last]}, {"choices": []}, {"usage": {}})
    ]


def test_a_chunk_with_nothing_to_say_is_none() -> None:
    """And usage is given only to who asked for it."""
    usage: dict[str, Json] = {"choices": [{"index": 0, "delta": {}}], "usage": {"total_tokens": 3}}

    assert chunk_of({"choices": [{"index": 0, "delta": {"content": None}}]}, "m", include_usage=True) is None
    assert chunk_of(usage, "m", include_usage=False) is None
    assert 3 == json.loads(chunk_of(usage, "m", include_usage=True) or b"")["usage"]["total_tokens"]
