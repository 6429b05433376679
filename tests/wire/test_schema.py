"""Requests as official clients send them, by the declaration of each operation: what is read, and what is refused."""

from __future__ import annotations

import json
import re

import pytest

from gateway.domain.conversation import Conversation, Operation, read
from gateway.domain.declaration import Field, Source
from gateway.domain.errors import CallerError, ErrorCode
from gateway.wire.schema import CHAT, COMPLETIONS, EMBEDDINGS, INPUT_TOKENS, MESSAGES, MODERATIONS, RESPONSES

SERVED: dict[Operation, Field] = {
    Operation.CHAT: CHAT,
    Operation.RESPONSES: RESPONSES,
    Operation.INPUT_TOKENS: INPUT_TOKENS,
    Operation.COMPLETIONS: COMPLETIONS,
    Operation.EMBEDDINGS: EMBEDDINGS,
    Operation.MODERATIONS: MODERATIONS,
    Operation.MESSAGES: MESSAGES,
}
_NUMBERED = re.compile(r"\bt[0-9]+\b")
SIGNATURE = "EqQBCgIYAhIM1gbcDa9GJwZA2b3hGgxBdjrkzLoky3dl1pkiMOYds=="


def conversation(operation: Operation, body: dict[str, object]) -> Conversation:
    """The conversation in a body."""
    return read(operation, SERVED[operation], json.dumps(body).encode())


def responses(*items: object, **more: object) -> dict[str, object]:
    """A Responses body."""
    return {"model": "gpt-x", "input": list(items), **more}


def messages(*blocks: object, **more: object) -> dict[str, object]:
    """A Messages body with one user message of these blocks."""
    return {"model": "c", "max_tokens": 9, "messages": [{"role": "user", "content": list(blocks)}], **more}


BODIES: list[tuple[Operation, dict[str, object]]] = [
    (Operation.RESPONSES, {"model": "gpt-x", "input": "t1", "instructions": "t2", "store": False}),
    (
        Operation.RESPONSES,
        responses(
            {"role": "user", "content": "t1"},
            {"type": "message", "role": "developer", "content": [{"type": "input_text", "text": "t2"}]},
            {"id": "rs_1", "type": "reasoning", "summary": [{"type": "summary_text", "text": "t3"}], "content": []},
            {
                "id": "msg_1",
                "type": "message",
                "role": "assistant",
                "status": "completed",
                "phase": "final_answer",
                "content": [{"type": "output_text", "text": "t4", "annotations": [{"title": "t5"}], "logprobs": []}],
            },
            {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "t6", "arguments": '{"a": "t7"}'},
            {"type": "function_call_output", "call_id": "c1", "output": "t8"},
            {"type": "custom_tool_call", "call_id": "c2", "name": "t6", "input": "t9"},
            {
                "type": "custom_tool_call_output",
                "call_id": "c2",
                "output": [{"type": "input_text", "text": "t10", "prompt_cache_breakpoint": {"mode": "explicit"}}],
            },
            tools=[
                {"type": "function", "name": "t6", "parameters": {"t11": "t12"}, "strict": None, "description": "t13"},
                {
                    "type": "custom",
                    "name": "t14",
                    "format": {"type": "grammar", "syntax": "lark", "definition": "t15"},
                },
            ],
            tool_choice={"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "t6"}]},
            text={"format": {"type": "json_schema", "name": "t16", "schema": {"t17": "t18"}}, "verbosity": "low"},
            reasoning={"effort": "low", "summary": "auto"},
            include=["reasoning.encrypted_content"],
            metadata={"t19": "t20"},
            user="t21",
            stream=True,
            stream_options={"include_obfuscation": False},
        ),
    ),
    (Operation.INPUT_TOKENS, {"model": "gpt-x", "input": "t1", "instructions": "t2", "personality": "friendly"}),
    (Operation.COMPLETIONS, {"model": "m", "prompt": "t1", "suffix": "t2", "stop": ["t3"], "echo": True, "best_of": 2}),
    (Operation.COMPLETIONS, {"model": "m", "prompt": ["t1", "t2"], "user": "t3", "logit_bias": {"50256": -100}}),
    (Operation.EMBEDDINGS, {"model": "m", "input": "t1", "encoding_format": "base64", "dimensions": 256}),
    (Operation.EMBEDDINGS, {"model": "m", "input": ["t1", "t2"], "user": "t3"}),
    (Operation.MODERATIONS, {"input": "t1"}),
    (Operation.MODERATIONS, {"model": "m", "input": [{"type": "text", "text": "t1"}]}),
    (
        Operation.MESSAGES,
        {
            "model": "claude",
            "max_tokens": 1024,
            "system": [{"type": "text", "text": "t1", "cache_control": {"type": "ephemeral", "ttl": "1h"}}],
            "messages": [
                {"role": "user", "content": "t2"},
                {
                    "role": "assistant",
                    "content": [
                        {"type": "thinking", "thinking": "t3", "signature": SIGNATURE},
                        {"type": "redacted_thinking", "data": SIGNATURE},
                        {"type": "text", "text": "t4", "citations": None},
                        {"type": "tool_use", "id": "toolu_1", "name": "t5", "input": {"t6": ["t7"]}},
                    ],
                },
                {
                    "role": "user",
                    "content": [
                        {
                            "type": "tool_result",
                            "tool_use_id": "toolu_1",
                            "content": [{"type": "text", "text": "t8"}],
                            "is_error": False,
                            "cache_control": {"type": "ephemeral"},
                        },
                        {
                            "type": "document",
                            "title": "t9",
                            "source": {"type": "text", "media_type": "text/plain", "data": "t10"},
                        },
                        {
                            "type": "search_result",
                            "source": "t11",
                            "title": "t12",
                            "content": [{"type": "text", "text": "t13"}],
                        },
                    ],
                },
            ],
            "tools": [{"name": "t5", "description": "t14", "input_schema": {"type": "object", "t15": "t16"}}],
            "tool_choice": {"type": "tool", "name": "t5", "disable_parallel_tool_use": True},
            "thinking": {"type": "enabled", "budget_tokens": 1024},
            "metadata": {"user_id": "t17"},
            "stop_sequences": ["t18"],
            "output_config": {"format": {"type": "json_schema", "schema": {"t19": 1}}},
            "top_k": 5,
        },
    ),
]


@pytest.mark.parametrize(("operation", "body"), BODIES)
def test_every_text_of_a_request_is_read(operation: Operation, body: dict[str, object]) -> None:
    """Whatever looks like t1, t2 ... in the body is a leaf; and the body is read as it was sent."""
    talk = conversation(operation, body)
    written = set(_NUMBERED.findall(json.dumps(body)))

    assert written == {leaf.text for leaf in talk.leaves if _NUMBERED.fullmatch(leaf.text)}
    assert len(written) >= 1
    assert body == json.loads(talk.body)
    assert not talk.opaque


@pytest.mark.parametrize(
    ("item", "source"),
    [
        ({"role": "user", "content": "WORD"}, Source.USER),
        ({"role": "system", "content": "WORD"}, Source.SYSTEM),
        ({"role": "assistant", "content": "WORD"}, Source.ASSISTANT),
        ({"type": "function_call_output", "call_id": "c", "output": "WORD"}, Source.TOOL_RESULT),
        ({"type": "function_call", "call_id": "c", "name": "f", "arguments": '{"a":"WORD"}'}, Source.TOOL_ARGUMENTS),
        ({"type": "custom_tool_call", "call_id": "c", "name": "f", "input": "WORD"}, Source.TOOL_ARGUMENTS),
        ({"type": "reasoning", "summary": [{"type": "summary_text", "text": "WORD"}]}, Source.ASSISTANT),
    ],
)
def test_it_is_known_who_wrote_an_item(item: object, source: Source) -> None:
    """A policy rule may speak of it."""
    leaves = conversation(Operation.RESPONSES, responses(item)).leaves

    assert [source] == [leaf.source for leaf in leaves if leaf.text == "WORD"]


@pytest.mark.parametrize(
    ("part", "source"),
    [
        ({"type": "text", "text": "WORD"}, Source.USER),
        ({"type": "tool_result", "tool_use_id": "t", "content": "WORD"}, Source.TOOL_RESULT),
        ({"type": "tool_use", "id": "t", "name": "f", "input": {"a": "WORD"}}, Source.TOOL_ARGUMENTS),
    ],
)
def test_it_is_known_who_wrote_a_block(part: object, source: Source) -> None:
    """Also where the block stands in a user's message, as results do."""
    leaves = conversation(Operation.MESSAGES, messages(part)).leaves

    assert [source] == [leaf.source for leaf in leaves if leaf.text == "WORD"]


@pytest.mark.parametrize(
    ("operation", "body", "media"),
    [
        (
            Operation.RESPONSES,
            responses({"role": "user", "content": [{"type": "input_image", "image_url": "https://x.test/a.png"}]}),
            "image",
        ),
        (
            Operation.RESPONSES,
            responses(
                {
                    "type": "function_call_output",
                    "call_id": "c",
                    "output": [{"type": "input_file", "file_data": "QQ=="}],
                }
            ),
            "file",
        ),
        (
            Operation.MESSAGES,
            messages({"type": "image", "source": {"type": "url", "url": "https://x.test/a.png"}}),
            "image",
        ),
        (
            Operation.MESSAGES,
            messages(
                {
                    "type": "tool_result",
                    "tool_use_id": "t",
                    "content": [
                        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "QQ=="}}
                    ],
                }
            ),
            "image",
        ),
        (
            Operation.MESSAGES,
            messages(
                {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "QQ=="}}
            ),
            "file",
        ),
        (
            Operation.MODERATIONS,
            {"input": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,QQ=="}}]},
            "image",
        ),
    ],
)
def test_what_no_detector_reads_is_opaque(operation: Operation, body: dict[str, object], media: str) -> None:
    """The policy decides what becomes of it."""
    assert [media] == [part.media for part in conversation(operation, body).opaque]


@pytest.mark.parametrize(
    ("operation", "body", "at"),
    [
        (Operation.RESPONSES, responses(previous_response_id="resp_1"), "/previous_response_id"),
        (Operation.RESPONSES, responses(conversation={"id": "conv_1"}), "/conversation"),
        (Operation.RESPONSES, responses(prompt={"id": "pmpt_1"}), "/prompt"),
        (Operation.RESPONSES, responses(background=True), "/background"),
        (Operation.RESPONSES, responses({"type": "item_reference", "id": "msg_1"}), "/input/0/type"),
        (Operation.RESPONSES, responses({"id": "msg_1"}), "/input/0/role"),
        (Operation.RESPONSES, responses({"type": "mcp_call", "id": "m"}), "/input/0/type"),
        (Operation.RESPONSES, responses({"type": "compaction", "encrypted_content": "x"}), "/input/0/type"),
        (Operation.RESPONSES, responses(tools=[{"type": "mcp", "server_url": "https://x.test"}]), "/tools/0/type"),
        (Operation.RESPONSES, responses(tools=[{"type": "web_search"}]), "/tools/0/type"),
        (Operation.RESPONSES, responses(tool_choice={"type": "file_search"}), "/tool_choice/type"),
        (Operation.RESPONSES, responses(include=["file_search_call.results"]), "/include/0"),
        (
            Operation.RESPONSES,
            responses({"role": "user", "content": [{"type": "input_file", "file_url": "https://x.test"}]}),
            "/input/0/content/0/file_url",
        ),
        (
            Operation.RESPONSES,
            responses({"role": "user", "content": [{"type": "input_image", "file_id": "file-1"}]}),
            "/input/0/content/0/file_id",
        ),
        (
            Operation.RESPONSES,
            responses(
                {"role": "assistant", "content": [{"type": "output_text", "text": "x", "logprobs": [{"token": "x"}]}]}
            ),
            "/input/0/content/0/logprobs/0",
        ),
        (Operation.INPUT_TOKENS, responses(previous_response_id="resp_1"), "/previous_response_id"),
        (Operation.MESSAGES, messages(container="c_1"), "/container"),
        (Operation.MESSAGES, messages(mcp_servers=[{"url": "https://x.test"}]), "/mcp_servers"),
        (Operation.MESSAGES, messages(betas=["x"]), "/betas"),
        (Operation.MESSAGES, messages(tools=[{"type": "web_search_20250305", "name": "web_search"}]), "/tools/0/type"),
        (Operation.MESSAGES, messages({"type": "server_tool_use"}), "/messages/0/content/0/type"),
        (
            Operation.MESSAGES,
            messages({"type": "document", "source": {"type": "url", "url": "https://x.test"}}),
            "/messages/0/content/0/source/type",
        ),
        (
            Operation.MESSAGES,
            messages({"type": "image", "source": {"type": "file", "file_id": "file_1"}}),
            "/messages/0/content/0/source/type",
        ),
    ],
)
def test_state_and_egress_at_the_provider_are_refused_by_name(
    operation: Operation, body: dict[str, object], at: str
) -> None:
    """With the address, so that a caller knows which option it was."""
    with pytest.raises(CallerError) as refused:
        conversation(operation, body)

    assert (ErrorCode.UNSUPPORTED_FIELD, at) == (refused.value.code, refused.value.param)


@pytest.mark.parametrize("value", [[1, 2], [[1, 2], [3]]])
@pytest.mark.parametrize(("operation", "name"), [(Operation.COMPLETIONS, "prompt"), (Operation.EMBEDDINGS, "input")])
def test_token_ids_are_never_sent_unread(operation: Operation, name: str, value: object) -> None:
    """Whatever was not decoded before is refused."""
    with pytest.raises(CallerError) as refused:
        conversation(operation, {"model": "m", name: value})

    assert ErrorCode.TOKEN_IDS_UNREADABLE is refused.value.code
