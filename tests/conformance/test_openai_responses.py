"""The official openai SDK, synchronous and asynchronous: responses."""

from __future__ import annotations

import json
from typing import Any

import httpx
import openai
import pytest
from pydantic import BaseModel

from gateway.testing.stand_in import CutOff, Decline, FailIn, Framed
from tests.conformance.calling import EMAIL, TEXT, done, listed, opened
from tests.conformance.house import Side

SAID = f"You said: {TEXT}"


class Letter(BaseModel):
    """What the structured answers are."""

    to: str
    lines: list[str]
    urgent: bool
    copies: int


def tool(name: str, *properties: str) -> Any:
    """A function tool with text arguments."""
    schema = {"type": "object", "properties": {one: {"type": "string"} for one in properties}}
    return {"type": "function", "name": name, "parameters": schema, "strict": False}


async def test_create(sdk: Any) -> None:
    """Text, usage that adds up, and what the request had set."""
    answer = await done(
        sdk.responses.create(
            model="gpt-4o", input=TEXT, instructions=f"Sign as {EMAIL}", metadata={"case": "7"}, temperature=0.5
        )
    )

    assert (SAID, "completed", "response") == (answer.output_text, answer.status, answer.object)
    assert (f"Sign as {EMAIL}", {"case": "7"}, 0.5) == (answer.instructions, answer.metadata, answer.temperature)
    assert answer.usage.total_tokens == answer.usage.input_tokens + answer.usage.output_tokens > 0
    assert answer._request_id


async def test_a_conversation_that_is_resent(sdk: Any) -> None:
    """The items of one answer are part of the next request."""
    first = await done(sdk.responses.create(model="gpt-4o", input=[{"role": "user", "content": TEXT}]))
    history = [{"role": "user", "content": TEXT}, *(item.to_dict() for item in first.output)]
    second = await done(
        sdk.responses.create(
            model="gpt-4o",
            input=[*history, {"role": "user", "content": [{"type": "input_text", "text": f"And {EMAIL}?"}]}],
        )
    )

    assert f"You said: And {EMAIL}?" == second.output_text


async def test_the_events_of_a_stream(sdk: Any) -> None:
    """In their order, numbered, and all five tellings of the text agree."""
    events = await listed(sdk.responses.create(model="gpt-4o", input=TEXT, stream=True))
    kinds = [event.type for event in events]

    assert [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
        "response.output_text.delta",
    ] == kinds[:5]
    assert [
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ] == kinds[-4:]
    assert sorted({event.sequence_number for event in events}) == [event.sequence_number for event in events]
    assert {SAID} == {
        "".join(event.delta for event in events if event.type == "response.output_text.delta"),
        events[-4].text,
        events[-3].part.text,
        events[-2].item.content[0].text,
        events[-1].response.output_text,
    }


async def test_tools_there_and_back(sdk: Any) -> None:
    """Two calls at once, their results sent back, and the answer to them."""
    tools = [tool("look_up", "name"), tool("send_mail", "to", "body")]
    asked = [{"role": "user", "content": f"send_mail and look_up for {EMAIL}"}]
    answer = await done(sdk.responses.create(model="gpt-4o", input=asked, tools=tools))
    first, second = answer.output

    assert ("send_mail", "look_up") == (first.name, second.name)
    assert {"name": f"send_mail and look_up for {EMAIL}"} == json.loads(second.arguments)

    calls = [item.to_dict() for item in answer.output]
    results = [
        {"type": "function_call_output", "call_id": call.call_id, "output": f"done for {EMAIL}"}
        for call in (first, second)
    ]
    answer = await done(sdk.responses.create(model="gpt-4o", input=[*asked, *calls, *results], tools=tools))
    assert f"You said: done for {EMAIL}" == answer.output_text


async def test_streamed_calls(sdk: Any) -> None:
    """Of a function and of a custom tool; deltas, closing events and the final response agree."""
    tools = [tool("look_up", "name"), {"type": "custom", "name": "run", "description": "Runs a line."}]
    asked = f"run it, then look_up {EMAIL}"
    events = await listed(sdk.responses.create(model="gpt-4o", input=asked, tools=tools, stream=True))
    by_kind: dict[str, list[Any]] = {}
    for event in events:
        by_kind.setdefault(event.type, []).append(event)
    custom, function = events[-1].response.output

    assert {asked} == {
        "".join(event.delta for event in by_kind["response.custom_tool_call_input.delta"]),
        by_kind["response.custom_tool_call_input.done"][0].input,
        custom.input,
    }
    assert [{"name": asked}] * 3 == [
        json.loads("".join(event.delta for event in by_kind["response.function_call_arguments.delta"])),
        json.loads(by_kind["response.function_call_arguments.done"][0].arguments),
        json.loads(function.arguments),
    ]


@pytest.mark.parametrize(
    ("choice", "called"),
    [
        ("none", []),
        ("required", ["first"]),
        ({"type": "function", "name": "second"}, ["second"]),
        (
            {"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "second"}]},
            ["second"],
        ),
    ],
)
async def test_tool_choice(sdk: Any, choice: Any, called: list[str]) -> None:
    """Whichever way it is told."""
    answer = await done(
        sdk.responses.create(
            model="gpt-4o", input="do it", tools=[tool("first", "a"), tool("second", "b")], tool_choice=choice
        )
    )

    assert called == [item.name for item in answer.output if item.type == "function_call"]


async def test_parse(sdk: Any) -> None:
    """An answer, and a tool's arguments, in the shape of a class."""
    answer = await done(sdk.responses.parse(model="gpt-4o", input=TEXT, text_format=Letter))
    called = await done(
        sdk.responses.parse(
            model="gpt-4o", input=TEXT, tools=[openai.pydantic_function_tool(Letter)["function"] | {"type": "function"}]
        )
    )

    assert Letter(to=SAID, lines=[SAID], urgent=True, copies=0) == answer.output_parsed
    assert Letter(to=TEXT, lines=[TEXT], urgent=True, copies=0) == Letter(**json.loads(called.output[0].arguments))


async def test_stream_helper(sdk: Any) -> None:
    """The SDK's own assembly of a stream."""
    async with opened(sdk.responses.stream(model="gpt-4o", input=TEXT, text_format=Letter)) as stream:
        kinds = {event.type for event in await listed(stream)}
        letter = (await done(stream.get_final_response())).output_parsed

    assert {"response.output_text.delta", "response.output_text.done", "response.completed"} <= kinds
    assert SAID == letter.to


async def test_reasoning(sdk: Any) -> None:
    """A summary, whole and streamed; its encrypted form is sent back with the conversation."""
    options: dict[str, Any] = {
        "model": "gpt-5-mini",
        "reasoning": {"effort": "low", "summary": "auto"},
        "include": ["reasoning.encrypted_content"],
    }
    answer = await done(sdk.responses.create(input=TEXT, **options))
    events = await listed(sdk.responses.create(input=TEXT, stream=True, **options))
    thought, message = answer.output
    deltas = [event.delta for event in events if event.type == "response.reasoning_summary_text.delta"]

    assert ("reasoning", "message") == (thought.type, message.type)
    assert f"They said: {TEXT}" == thought.summary[0].text == "".join(deltas)
    assert f"They said: {TEXT}" == events[-1].response.output[0].summary[0].text
    assert thought.encrypted_content
    assert answer.usage.output_tokens_details.reasoning_tokens > 0

    history = [{"role": "user", "content": TEXT}, *(item.to_dict() for item in answer.output)]
    again = await done(sdk.responses.create(input=[*history, {"role": "user", "content": "more"}], **options))
    assert "You said: more" == again.output_text


async def test_logprobs(sdk: Any) -> None:
    """Where nothing was masked they spell the answer."""
    options: dict[str, Any] = {
        "model": "gpt-4o",
        "input": "plain",
        "include": ["message.output_text.logprobs"],
        "top_logprobs": 2,
    }
    answer = await done(sdk.responses.create(**options))
    events = await listed(sdk.responses.create(**options, stream=True))
    tokens = answer.output[0].content[0].logprobs

    assert "You said: plain" == "".join(token.token for token in tokens)
    assert all(2 == len(token.top_logprobs) for token in tokens)
    assert "You said: plain" == "".join(
        token.token for event in events if event.type == "response.output_text.delta" for token in event.logprobs
    )


async def test_parts_that_are_no_text(sdk: Any) -> None:
    """A picture and a document beside the text."""
    parts = [
        {"type": "input_text", "text": TEXT},
        {"type": "input_image", "image_url": "data:image/png;base64,iVBORw0KGgo=", "detail": "low"},
        {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERi0="},
    ]
    answer = await done(sdk.responses.create(model="gpt-4o", input=[{"role": "user", "content": parts}]))

    assert SAID == answer.output_text.strip()


async def test_an_answer_that_is_cut_short(sdk: Any) -> None:
    """It is incomplete and says why, whole and streamed."""
    options: dict[str, Any] = {"model": "gpt-4o", "input": "one two three", "max_output_tokens": 16}
    long = {**options, "input": " ".join(["word"] * 30)}
    answer = await done(sdk.responses.create(**long))
    events = await listed(sdk.responses.create(**long, stream=True))

    assert ("incomplete", "max_output_tokens") == (answer.status, answer.incomplete_details.reason)
    assert "response.incomplete" == events[-1].type
    assert 16 == len(answer.output_text.split()) == len(events[-1].response.output_text.split())


async def test_a_refusal(sdk: Any, side: Side) -> None:
    """Whole and streamed."""
    side.provider.script(Decline(), Decline())
    answer = await done(sdk.responses.create(model="gpt-4o", input=TEXT))
    events = await listed(sdk.responses.create(model="gpt-4o", input=TEXT, stream=True))
    expected = f"I will not answer: {TEXT}"

    assert expected == answer.output[0].content[0].refusal
    assert expected == "".join(event.delta for event in events if event.type == "response.refusal.delta")
    assert expected == events[-1].response.output[0].content[0].refusal


async def test_input_tokens(sdk: Any) -> None:
    """Counted, not answered."""
    counted = await done(sdk.responses.input_tokens.count(model="gpt-4o", input="one two three"))

    assert ("response.input_tokens", 3) == (counted.object, counted.input_tokens)


@pytest.mark.parametrize("bytes_at_once", [0, 1, 1000])
async def test_a_stream_that_is_framed_otherwise(sdk: Any, side: Side, bytes_at_once: int) -> None:
    """CRLF, objects over several lines, comments, cuts at any byte."""
    side.provider.script(Framed(bytes_at_once=bytes_at_once))
    events = await listed(sdk.responses.create(model="gpt-4o", input=f"Grüße 👩‍👩‍👧 {EMAIL}", stream=True))

    assert f"You said: Grüße 👩‍👩‍👧 {EMAIL}" == events[-1].response.output_text


@pytest.mark.parametrize("scene", [FailIn(after_events=6), CutOff(after_events=6)])
async def test_a_stream_that_breaks(sdk: Any, side: Side, scene: FailIn | CutOff) -> None:
    """It never looks complete: an error event, or an exception."""
    side.provider.script(scene)
    seen: list[Any] = []
    try:
        await listed(sdk.responses.create(model="gpt-4o", input=TEXT, stream=True), seen)
    except (openai.APIError, httpx.TransportError):
        failed = True
    else:
        failed = seen[-1].type in {"error", "response.failed"}

    assert failed
    assert seen
    assert "response.completed" not in {event.type for event in seen}
