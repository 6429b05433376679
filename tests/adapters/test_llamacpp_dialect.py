"""The chat dialect of the llama.cpp adapter, without a model."""

from __future__ import annotations

import json

import pytest

from gateway.adapters.llamacpp_dialect import Dialect, Usage, read_job
from gateway.domain.conversation import Conversation, Operation, read
from gateway.domain.errors import CallerError, ErrorCode
from gateway.domain.strict_json import Json
from gateway.wire.schema import CHAT

TOOL: Json = {"type": "function", "function": {"name": "f", "parameters": {}}}
CALL: Json = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}


def conversation(**fields: Json) -> Conversation:
    """A chat request with one short message, and `fields` over it."""
    body = {"model": "local/embedded", "messages": [{"role": "user", "content": "hi"}], **fields}
    return read(Operation.CHAT, CHAT, json.dumps(body).encode())


def schema_format(schema: Json) -> Json:
    """A `response_format` that asks for `schema`."""
    return {"type": "json_schema", "json_schema": {"name": "s", "schema": schema}}


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"tools": [TOOL]}, "/tools"),
        ({"functions": [{"name": "f"}]}, "/functions"),
        ({"tool_choice": "required"}, "/tool_choice"),
        ({"tools": [TOOL], "tool_choice": "none"}, "/tools"),
        ({"function_call": {"name": "f"}}, "/function_call"),
        ({"n": 9}, "/n"),
        ({"top_logprobs": 3}, "/top_logprobs"),
        ({"logit_bias": {"17": 5}}, "/logit_bias"),
        ({"messages": [{"role": "tool", "content": "x", "tool_call_id": "c1"}]}, "/messages/0/role"),
        ({"messages": [{"role": "assistant", "tool_calls": [CALL]}]}, "/messages/0/tool_calls"),
        ({"stop": [str(n) for n in range(17)]}, "/stop"),
        (
            {"response_format": schema_format({"type": "string", "pattern": "a+"})},
            "/response_format/json_schema/schema",
        ),
        ({"response_format": schema_format({"$ref": "https://example.com/s"})}, "/response_format/json_schema/schema"),
        (
            {"response_format": schema_format({"type": "string", "minLength": 10**6})},
            "/response_format/json_schema/schema",
        ),
    ],
)
def test_what_the_model_cannot_do_is_refused_by_its_address(fields: dict[str, Json], param: str) -> None:
    """Nothing that would change the answer is ignored."""
    with pytest.raises(CallerError) as caught:
        read_job(conversation(**fields))
    assert (caught.value.code, caught.value.param) == (ErrorCode.UNSUPPORTED_BY_LOCAL_MODEL, param)


def test_an_image_is_refused_by_its_address() -> None:
    """Opaque parts are never dropped in silence."""
    part: Json = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    with pytest.raises(CallerError) as caught:
        read_job(conversation(messages=[{"role": "user", "content": [part]}]))
    assert caught.value.code is ErrorCode.UNSUPPORTED_BY_LOCAL_MODEL
    assert caught.value.param == "/messages/0/content/0/image_url/url"


def test_harmless_fields_are_left_aside() -> None:
    """Fields that change nothing in the answer do not stop it."""
    harmless: dict[str, Json] = {"user": "u", "store": False, "metadata": {"a": "b"}, "service_tier": "auto", "n": 1}
    assert read_job(conversation(**harmless)).messages == (("user", "hi"),)


def test_messages_become_roles_and_texts() -> None:
    """Parts are joined by lines, a developer is a system, no content is no text."""
    parts: Json = [{"type": "text", "text": "one"}, {"type": "text", "text": "two"}]
    messages: Json = [
        {"role": "developer", "content": "be brief"},
        {"role": "user", "content": parts},
        {"role": "assistant", "content": None},
    ]
    job = read_job(conversation(messages=messages))
    assert job.messages == (("system", "be brief"), ("user", "one\ntwo"), ("assistant", ""))
    assert job.characters == len("be brief") + len("one\ntwo")


def test_sampling_fields_reach_the_job() -> None:
    """Limits, temperature, seed and stops are what the caller asked for."""
    job = read_job(conversation(max_tokens=5, max_completion_tokens=7, temperature=0.5, seed=-1, stop="END", top_p=0.9))
    assert (job.limit, job.temperature, job.top_p, job.seed, job.stops) == (7, 0.5, 0.9, 0xFFFFFFFF, ("END",))


def test_the_grammar_follows_the_response_format() -> None:
    """A schema is passed on, an empty one asks for any object."""
    kinds = [
        read_job(conversation(response_format=form)).grammar.kind
        for form in ({"type": "text"}, {"type": "json_object"}, schema_format({"type": "object"}), schema_format({}))
    ]
    assert kinds == ["free", "json", "schema", "json"]


def test_a_job_shows_no_text() -> None:
    """The repr of a job holds neither messages nor stops nor a schema."""
    asked = conversation(
        messages=[{"role": "user", "content": "secret-a"}],
        stop="secret-b",
        response_format=schema_format({"title": "secret-c"}),
    )
    assert "secret" not in repr(read_job(asked))


def test_chunks_are_in_the_openai_dialect() -> None:
    """Usage stands in the last chunk alone, which has no choices, when it was asked for."""
    dialect = Dialect.of(conversation(stream=True, stream_options={"include_usage": True}), 1_700_000_000)
    chunks = [
        json.loads(chunk)
        for chunk in (
            dialect.opening(0),
            dialect.text(0, "a", ()),
            dialect.closing(0, "stop"),
            *dialect.usage(Usage(3, 4, 2)),
        )
    ]
    assert [chunk["object"] for chunk in chunks] == ["chat.completion.chunk"] * 4
    assert len({chunk["id"] for chunk in chunks}) == 1
    assert [chunk["usage"] for chunk in chunks[:3]] == [None] * 3
    assert chunks[3]["choices"] == []
    details = {"cached_tokens": 2}
    counts = {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7, "prompt_tokens_details": details}
    assert chunks[3]["usage"] == counts
    assert [chunk["choices"][0]["finish_reason"] for chunk in chunks[:3]] == [None, None, "stop"]


def test_usage_is_not_told_to_who_did_not_ask() -> None:
    """Without `include_usage` a stream ends with its finish reason."""
    dialect = Dialect.of(conversation(stream=True), 1_700_000_000)
    assert dialect.usage(Usage(3, 4)) == []
    assert "usage" not in json.loads(dialect.closing(0, "length"))


def test_choices_and_probabilities_reach_the_job() -> None:
    """Several choices, and how many likeliest tokens are told beside each."""
    plain, asked = read_job(conversation()), read_job(conversation(n=3, logprobs=True, top_logprobs=2))
    assert (plain.choices, plain.logprobs, asked.choices, asked.logprobs) == (1, -1, 3, 2)
    assert read_job(conversation(logprobs=True)).logprobs == 0
