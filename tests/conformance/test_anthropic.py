"""The official anthropic SDK, synchronous and asynchronous, with its base URL pointed at this side."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import anthropic
import httpx2
import pytest
from pydantic import BaseModel

from gateway.testing.stand_in import CutOff, FailIn, Framed, Status
from tests.conformance.calling import EMAIL, TEXT, done, listed, opened
from tests.conformance.house import Side

SAID = f"You said: {TEXT}"
ASKED: list[Any] = [{"role": "user", "content": TEXT}]
OPTIONS: dict[str, Any] = {"model": "claude-x", "max_tokens": 1000}
THINKING = {"type": "enabled", "budget_tokens": 1024}


class Letter(BaseModel):
    """What the structured answers are."""

    to: str
    urgent: bool


def tool(name: str, *properties: str) -> Any:
    """A tool with text arguments."""
    schema = {"type": "object", "properties": {one: {"type": "string"} for one in properties}}
    return {"name": name, "description": f"Does {name}.", "input_schema": schema}


@pytest.fixture(params=["sync", "async"])
async def claude(request: pytest.FixtureRequest, side: Side) -> AsyncIterator[Any]:
    """The SDK, pointed at this side, without retries."""
    kind = anthropic.Anthropic if request.param == "sync" else anthropic.AsyncAnthropic
    async with opened(kind(base_url=side.root, api_key=side.key, max_retries=0, timeout=30)) as client:
        yield client


async def test_create(claude: Any) -> None:
    """Text, usage, the reason of the end and the identifier of the request."""
    answer = await done(claude.messages.create(messages=ASKED, system=f"Sign as {EMAIL}", **OPTIONS))

    assert ([SAID], "end_turn", "assistant") == (
        [block.text for block in answer.content],
        answer.stop_reason,
        answer.role,
    )
    assert answer.usage.input_tokens > 0
    assert answer.usage.output_tokens > 0
    assert answer._request_id


async def test_content_in_blocks(claude: Any) -> None:
    """System text and messages as lists, marked for the cache, a picture and a document among them."""
    pixel = {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}
    page = {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0="}
    blocks = [
        {"type": "text", "text": TEXT, "cache_control": {"type": "ephemeral"}},
        {"type": "image", "source": pixel},
        {"type": "document", "source": page},
    ]
    system = [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}]
    answer = await done(
        claude.messages.create(messages=[{"role": "user", "content": blocks}], system=system, **OPTIONS)
    )

    assert SAID == answer.content[0].text.strip()


async def test_stream(claude: Any) -> None:
    """The raw events, in their order."""
    events = await listed(claude.messages.create(messages=ASKED, stream=True, **OPTIONS))
    kinds = [event.type for event in events if event.type != "ping"]

    assert ["message_start", "content_block_start", "content_block_delta"] == kinds[:3]
    assert ["content_block_stop", "message_delta", "message_stop"] == kinds[-3:]
    assert SAID == "".join(event.delta.text for event in events if event.type == "content_block_delta")


async def test_stream_helper(claude: Any) -> None:
    """The SDK's own assembly of a stream."""
    async with opened(claude.messages.stream(messages=ASKED, **OPTIONS)) as stream:
        pieces = await listed(stream.text_stream)
        final = await done(stream.get_final_message())

    assert SAID == "".join(pieces) == final.content[0].text
    assert "end_turn" == final.stop_reason
    assert final.usage.output_tokens > 0


async def test_tools_there_and_back(claude: Any) -> None:
    """Two calls at once, their results sent back, and the answer to them."""
    tools = [tool("look_up", "name"), tool("send_mail", "to", "body")]
    words = f"send_mail and look_up for {EMAIL}"
    asked: list[Any] = [{"role": "user", "content": words}]
    answer = await done(claude.messages.create(messages=asked, tools=tools, **OPTIONS))
    first, second = answer.content

    assert ("tool_use", "send_mail", "look_up") == (answer.stop_reason, first.name, second.name)
    assert {"to": words, "body": words} == first.input

    results = [
        {"type": "tool_result", "tool_use_id": first.id, "content": f"done for {EMAIL}"},
        {"type": "tool_result", "tool_use_id": second.id, "content": [{"type": "text", "text": "found"}]},
    ]
    followed = [
        *asked,
        {"role": "assistant", "content": [block.to_dict() for block in answer.content]},
        {"role": "user", "content": results},
    ]
    answer = await done(claude.messages.create(messages=followed, tools=tools, **OPTIONS))
    assert f"You said: done for {EMAIL} found" == answer.content[0].text


async def test_streamed_tool(claude: Any) -> None:
    """Its input comes in pieces of JSON."""
    async with opened(claude.messages.stream(messages=ASKED, tools=[tool("look_up", "name")], **OPTIONS)) as stream:
        events = await listed(stream)
        final = await done(stream.get_final_message())

    assert "input_json" in {event.type for event in events}
    assert ("look_up", {"name": TEXT}) == (final.content[0].name, final.content[0].input)


@pytest.mark.parametrize(
    ("choice", "called"),
    [
        ({"type": "none"}, []),
        ({"type": "any"}, ["first"]),
        ({"type": "tool", "name": "second"}, ["second"]),
        ({"type": "auto", "disable_parallel_tool_use": True}, ["second"]),
    ],
)
async def test_tool_choice(claude: Any, choice: Any, called: list[str]) -> None:
    """Whichever way it is told."""
    words = "second, then first" if choice["type"] == "auto" else "do it"
    answer = await done(
        claude.messages.create(
            messages=[{"role": "user", "content": words}],
            tools=[tool("first", "a"), tool("second", "b")],
            tool_choice=choice,
            **OPTIONS,
        )
    )

    assert called == [block.name for block in answer.content if block.type == "tool_use"]


async def test_thinking(claude: Any) -> None:
    """Whole and streamed, and sent back with the conversation."""
    options = {**OPTIONS, "max_tokens": 2000, "thinking": THINKING}
    answer = await done(claude.messages.create(messages=ASKED, **options))
    async with opened(claude.messages.stream(messages=ASKED, **options)) as stream:
        final = await done(stream.get_final_message())

    for message in (answer, final):
        thought, text = message.content
        assert (f"They said: {TEXT}", SAID) == (thought.thinking, text.text)
        assert thought.signature
    followed = [
        *ASKED,
        {"role": "assistant", "content": [block.to_dict() for block in answer.content]},
        {"role": "user", "content": "more"},
    ]
    again = await done(claude.messages.create(messages=followed, **options))
    assert "You said: more" == again.content[-1].text


async def test_the_end_of_an_answer(claude: Any) -> None:
    """A stop sequence and a limit of tokens."""
    plain: list[Any] = [{"role": "user", "content": "one two three"}]
    stopped = await done(claude.messages.create(messages=plain, stop_sequences=["two"], **OPTIONS))
    cut = await done(claude.messages.create(messages=plain, **{**OPTIONS, "max_tokens": 3}))

    assert ("stop_sequence", "two", "You said: one ") == (
        stopped.stop_reason,
        stopped.stop_sequence,
        stopped.content[0].text,
    )
    assert ("max_tokens", "You said: one") == (cut.stop_reason, cut.content[0].text)


async def test_parse(claude: Any) -> None:
    """An answer in the shape of a class."""
    answer = await done(claude.messages.parse(messages=ASKED, output_format=Letter, **OPTIONS))

    assert Letter(to=SAID, urgent=True) == answer.parsed_output


@pytest.mark.parametrize("bytes_at_once", [0, 1, 1000])
async def test_a_stream_that_is_framed_otherwise(claude: Any, side: Side, bytes_at_once: int) -> None:
    """CRLF, objects over several lines, comments, cuts at any byte."""
    side.provider.script(Framed(bytes_at_once=bytes_at_once))
    asked: list[Any] = [{"role": "user", "content": f"Grüße 👩‍👩‍👧 {EMAIL}"}]
    events = await listed(claude.messages.create(messages=asked, stream=True, **OPTIONS))

    assert f"You said: Grüße 👩‍👩‍👧 {EMAIL}" == "".join(
        event.delta.text for event in events if event.type == "content_block_delta"
    )


async def test_errors_are_typed(claude: Any, side: Side) -> None:
    """401, 404, 400, 429 with when to come back, 5xx."""
    with pytest.raises(anthropic.AuthenticationError):
        await done(claude.with_options(api_key="wrong").messages.create(messages=ASKED, **OPTIONS))
    with pytest.raises(anthropic.NotFoundError) as missing:
        await done(claude.messages.create(messages=ASKED, **{**OPTIONS, "model": "no-such-model"}))
    with pytest.raises(anthropic.BadRequestError) as bad:
        await done(claude.messages.create(messages=[], **OPTIONS))
    side.provider.script(Status(429, headers=(("retry-after", "7"),)))
    with pytest.raises(anthropic.RateLimitError) as busy:
        await done(claude.messages.create(messages=ASKED, **OPTIONS))
    side.provider.script(Status(500), Status(503))
    for _ in range(2):
        with pytest.raises(anthropic.InternalServerError):
            await done(claude.messages.create(messages=ASKED, **OPTIONS))

    assert "not_found_error" == missing.value.body["error"]["type"]
    assert "invalid_request_error" == bad.value.body["error"]["type"]
    assert "7" == busy.value.response.headers["retry-after"]
    assert "rate_limit_error" == busy.value.body["error"]["type"]


async def test_an_error_inside_a_stream(claude: Any, side: Side) -> None:
    """What came before it is given, then it is raised."""
    side.provider.script(FailIn(after_events=5))
    seen: list[Any] = []
    with pytest.raises(anthropic.APIError):
        await listed(claude.messages.create(messages=ASKED, stream=True, **OPTIONS), seen)

    assert seen
    assert "message_stop" not in {event.type for event in seen}


async def test_a_stream_that_is_cut(claude: Any, side: Side) -> None:
    """It never looks complete."""
    side.provider.script(CutOff(after_events=5))
    seen: list[Any] = []
    with pytest.raises((anthropic.APIError, httpx2.TransportError)):
        await listed(claude.messages.create(messages=ASKED, stream=True, **OPTIONS), seen)

    assert seen
    assert "message_stop" not in {event.type for event in seen}
