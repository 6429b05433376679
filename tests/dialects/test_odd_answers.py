"""Whatever JSON a provider sends, it is told or restored, or it is the provider's fault: nothing else is raised."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.dialects.answers import Restoring, Translating
from gateway.dialects.completions import CompletionsFromChat, CompletionsRestorer
from gateway.dialects.messages_answer import MessagesFromChat
from gateway.dialects.messages_error import error_from_openai
from gateway.dialects.messages_restorer import MessagesRestorer
from gateway.dialects.plain import PlainAnswer
from gateway.domain.errors import UpstreamError
from gateway.domain.strict_json import Json, dump_json
from tests.dialects.placeholders import PLACEHOLDER, VAULT

NAMES = [
    "type", "index", "delta", "message", "content", "choices", "finish_reason", "usage", "tool_calls", "function",
    "arguments", "name", "id", "text", "thinking", "input", "partial_json", "content_block", "citations", "refusal",
    "reasoning_content", "error", "model", "logprobs", "prompt_tokens", "prompt_tokens_details", "cached_tokens",
    "input_tokens", "stop_reason", "signature", "code", "param",
]  # fmt: skip
WORDS = [
    PLACEHOLDER, "text", "tool_use", "thinking", "text_delta", "input_json_delta", "content_block_delta",
    "content_block_start", "content_block_stop", "message_start", "message_delta", "stop", "error", "{}", "",
]  # fmt: skip
ODD = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 2) | st.sampled_from(WORDS) | st.just(10**40) | st.just(0.5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4),
    max_leaves=12,
)
CHOICE = st.fixed_dictionaries(
    {}, optional={"index": ODD, "delta": ODD, "message": ODD, "text": ODD, "finish_reason": ODD}
)
CALL = st.fixed_dictionaries(
    {"function": st.fixed_dictionaries({}, optional={"name": ODD, "arguments": ODD})},
    optional={"id": ODD, "index": ODD},
)
SAID = st.fixed_dictionaries({}, optional={"content": ODD, "refusal": ODD, "tool_calls": st.lists(CALL, max_size=3)})
CHUNK = st.fixed_dictionaries(
    {
        "choices": st.lists(
            CHOICE | st.fixed_dictionaries({"delta": SAID, "message": SAID}, optional={"finish_reason": ODD}),
            max_size=2,
        )
    },
    optional={"id": ODD, "usage": ODD, "error": ODD},
)
EVENT = st.fixed_dictionaries(
    {"type": st.sampled_from(WORDS)},
    optional={
        "index": ODD,
        "delta": ODD,
        "content_block": ODD,
        "message": ODD,
        "content": ODD,
        "usage": ODD,
        "citations": ODD,
    },
)
REQUEST: dict[str, Json] = {
    "thinking": {"type": "enabled"},
    "stop_sequences": ["stop"],
    "stream_options": {"include_usage": True},
}
MAKERS: list[Callable[[], Restoring | Translating]] = [
    lambda: MessagesFromChat(REQUEST),
    lambda: CompletionsFromChat(REQUEST),
    lambda: MessagesRestorer(VAULT),
    lambda: CompletionsRestorer(VAULT, json_content=True),
    lambda: PlainAnswer(VAULT),
]


@pytest.mark.parametrize("make", MAKERS)
@given(st.lists(CHUNK | EVENT | st.dictionaries(st.sampled_from(NAMES), ODD, max_size=5) | ODD, max_size=4))
def test_odd_json_is_told_or_the_providers_fault(make: Callable[[], Restoring | Translating], sent: list[Json]) -> None:
    """And what comes out is JSON, one object a piece."""
    streaming, told = make(), []
    with contextlib.suppress(UpstreamError):
        for each in sent:
            told += streaming.event(dump_json(each))
        told += streaming.finish()
    for each in sent:
        with contextlib.suppress(UpstreamError):
            told.append(make().whole(dump_json(each)))

    assert all(isinstance(json.loads(piece), dict) for piece in told)


@given(st.fixed_dictionaries({"error": ODD}, optional={"type": ODD}) | ODD, st.sampled_from([400, 429, 500, 599]))
def test_every_error_body_is_told(body: Json, status: int) -> None:
    """With a type and words."""
    whole = json.loads(error_from_openai(dump_json(body), status))

    assert "error" == whole["type"]
    assert isinstance(whole["error"], dict)
