"""The official openai SDK, synchronous and asynchronous: chat completions in full."""

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

ASKED: list[Any] = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": TEXT}]
SAID = f"You said: {TEXT}"
PIXEL = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGNgAAIAAAUAAXpeqz8AAAAASUVORK5CYII="
)


class Letter(BaseModel):
    """What the structured answers are."""

    to: str
    lines: list[str]
    urgent: bool
    copies: int


def tool(name: str, *properties: str) -> Any:
    """A function tool with text arguments."""
    schema = {"type": "object", "properties": {one: {"type": "string"} for one in properties}}
    return {"type": "function", "function": {"name": name, "parameters": schema}}


async def test_create(sdk: Any) -> None:
    """Text, usage that adds up, and the identifier of the request."""
    answer = await done(sdk.chat.completions.create(model="gpt-4o", messages=ASKED))

    assert (SAID, "stop") == (answer.choices[0].message.content, answer.choices[0].finish_reason)
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens > 0
    assert answer._request_id
    assert ("gpt-4o", "chat.completion") == (answer.model, answer.object)


async def test_every_choice_of_several(sdk: Any) -> None:
    """Whole and streamed."""
    answer = await done(sdk.chat.completions.create(model="gpt-4o", messages=ASKED, n=3))
    chunks = await listed(sdk.chat.completions.create(model="gpt-4o", messages=ASKED, n=3, stream=True))
    streamed = ["", "", ""]
    for chunk in chunks:
        for choice in chunk.choices:
            streamed[choice.index] += choice.delta.content or ""

    assert [SAID] * 3 == [choice.message.content for choice in answer.choices] == streamed


async def test_stream_with_usage(sdk: Any) -> None:
    """Usage comes once, in the last chunk, which has no choices."""
    chunks = await listed(
        sdk.chat.completions.create(model="gpt-4o", messages=ASKED, stream=True, stream_options={"include_usage": True})
    )

    assert SAID == "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices)
    assert ["stop"] == [c.finish_reason for chunk in chunks for c in chunk.choices if c.finish_reason]
    assert [] == chunks[-1].choices
    assert chunks[-1].usage.total_tokens > 0
    assert all(chunk.usage is None for chunk in chunks[:-1])


async def test_logprobs(sdk: Any) -> None:
    """Where nothing was masked they spell the answer."""
    options = {"model": "gpt-4o", "messages": [{"role": "user", "content": "plain"}], "logprobs": True}
    answer = await done(sdk.chat.completions.create(**options, top_logprobs=2))
    chunks = await listed(sdk.chat.completions.create(**options, stream=True))
    tokens = answer.choices[0].logprobs.content
    streamed = [c.logprobs.content for chunk in chunks for c in chunk.choices if c.logprobs and c.logprobs.content]

    assert "You said: plain" == "".join(token.token for token in tokens)
    assert "You said: plain" == bytes(byte for token in tokens for byte in token.bytes).decode()
    assert all(2 == len(token.top_logprobs) for token in tokens)
    assert "You said: plain" == "".join(token.token for entries in streamed for token in entries)


async def test_tools_there_and_back(sdk: Any) -> None:
    """Two calls at once, their results sent back, and the answer to them."""
    tools = [tool("look_up", "name"), tool("send_mail", "to", "body")]
    asked = [{"role": "user", "content": f"send_mail and look_up for {EMAIL}"}]
    answer = await done(sdk.chat.completions.create(model="gpt-4o", messages=asked, tools=tools))
    message = answer.choices[0].message
    first, second = message.tool_calls

    assert ("tool_calls", "send_mail", "look_up") == (
        answer.choices[0].finish_reason,
        first.function.name,
        second.function.name,
    )
    assert {"name": f"send_mail and look_up for {EMAIL}"} == json.loads(second.function.arguments)
    assert first.id != second.id

    results = [{"role": "tool", "tool_call_id": call.id, "content": f"done for {EMAIL}"} for call in (first, second)]
    followed = [*asked, message.to_dict(), *results]
    answer = await done(sdk.chat.completions.create(model="gpt-4o", messages=followed, tools=tools))
    assert f"You said: done for {EMAIL}" == answer.choices[0].message.content


@pytest.mark.parametrize(
    ("choice", "called"),
    [
        ("none", None),
        ("required", "first"),
        ({"type": "function", "function": {"name": "second"}}, "second"),
        (
            {
                "type": "allowed_tools",
                "allowed_tools": {
                    "mode": "required",
                    "tools": [{"type": "function", "function": {"name": "second"}}],
                },
            },
            "second",
        ),
    ],
)
async def test_tool_choice(sdk: Any, choice: Any, called: str | None) -> None:
    """Whichever way it is told."""
    answer = await done(
        sdk.chat.completions.create(
            model="gpt-4o",
            messages=[{"role": "user", "content": "do it"}],
            tools=[tool("first", "a"), tool("second", "b")],
            tool_choice=choice,
        )
    )
    calls = answer.choices[0].message.tool_calls or []

    assert ([called] if called else []) == [call.function.name for call in calls]


async def test_parallel_calls_switched_off(sdk: Any) -> None:
    """One call though two tools are named."""
    answer = await done(
        sdk.chat.completions.create(
            model="gpt-4o",
            messages=[{"role": "user", "content": "second then first"}],
            tools=[tool("first", "a"), tool("second", "b")],
            parallel_tool_calls=False,
        )
    )

    assert ["second"] == [call.function.name for call in answer.choices[0].message.tool_calls]


async def test_custom_tool(sdk: Any) -> None:
    """A tool that takes text instead of JSON."""
    custom = {"type": "custom", "custom": {"name": "run", "description": "Runs a line."}}
    answer = await done(sdk.chat.completions.create(model="gpt-4o", messages=ASKED, tools=[custom]))
    (call,) = answer.choices[0].message.tool_calls

    assert ("custom", "run", TEXT) == (call.type, call.custom.name, call.custom.input)


async def test_legacy_functions(sdk: Any) -> None:
    """Whole, streamed, and with the result sent back."""
    functions = [{"name": "f", "parameters": {"type": "object", "properties": {"q": {"type": "string"}}}}]
    options: dict[str, Any] = {"model": "gpt-4o", "functions": functions}
    answer = await done(sdk.chat.completions.create(messages=ASKED, **options))
    call = answer.choices[0].message.function_call
    chunks = await listed(sdk.chat.completions.create(messages=ASKED, stream=True, **options))
    deltas = [c.delta.function_call for chunk in chunks for c in chunk.choices if c.delta.function_call]

    assert ("function_call", "f", {"q": TEXT}) == (
        answer.choices[0].finish_reason,
        call.name,
        json.loads(call.arguments),
    )
    assert {"q": TEXT} == json.loads("".join(delta.arguments or "" for delta in deltas))

    asked = [*ASKED, answer.choices[0].message.to_dict(), {"role": "function", "name": "f", "content": EMAIL}]
    followed = await done(sdk.chat.completions.create(messages=asked, **options))
    assert f"You said: {EMAIL}" == followed.choices[0].message.content


async def test_parse(sdk: Any) -> None:
    """An answer in the shape of a class."""
    answer = await done(sdk.chat.completions.parse(model="gpt-4o", messages=ASKED, response_format=Letter))

    assert Letter(to=SAID, lines=[SAID], urgent=True, copies=0) == answer.choices[0].message.parsed


async def test_parse_a_tool(sdk: Any) -> None:
    """Arguments in the shape of a class."""
    answer = await done(
        sdk.chat.completions.parse(model="gpt-4o", messages=ASKED, tools=[openai.pydantic_function_tool(Letter)])
    )
    (call,) = answer.choices[0].message.tool_calls

    assert Letter(to=TEXT, lines=[TEXT], urgent=True, copies=0) == call.function.parsed_arguments


async def test_json_object(sdk: Any) -> None:
    """An answer that is some JSON."""
    answer = await done(
        sdk.chat.completions.create(model="gpt-4o", messages=ASKED, response_format={"type": "json_object"})
    )

    assert {"answer": SAID} == json.loads(answer.choices[0].message.content)


async def test_stream_helper(sdk: Any) -> None:
    """The SDK's own assembly of a stream: text, tools and a class."""
    async with opened(sdk.chat.completions.stream(model="gpt-4o", messages=ASKED, response_format=Letter)) as stream:
        kinds = {event.type for event in await listed(stream)}
        letter = (await done(stream.get_final_completion())).choices[0].message.parsed
    tools = [openai.pydantic_function_tool(Letter)]
    async with opened(sdk.chat.completions.stream(model="gpt-4o", messages=ASKED, tools=tools)) as stream:
        more = {event.type for event in await listed(stream)}
        (call,) = (await done(stream.get_final_completion())).choices[0].message.tool_calls

    assert {"chunk", "content.delta", "content.done"} <= kinds
    assert {"tool_calls.function.arguments.delta", "tool_calls.function.arguments.done"} <= more
    assert (SAID, TEXT) == (letter.to, call.function.parsed_arguments.to)


async def test_reasoning_beside_the_answer(sdk: Any) -> None:
    """`reasoning_content`, as other providers of this dialect have it, whole and streamed."""
    options: dict[str, Any] = {"model": "gpt-5-mini", "messages": ASKED, "reasoning_effort": "low"}
    answer = await done(sdk.chat.completions.create(**options))
    chunks = await listed(sdk.chat.completions.create(**options, stream=True))
    deltas = [choice.delta for chunk in chunks for choice in chunk.choices]

    assert f"They said: {TEXT}" == answer.choices[0].message.reasoning_content
    assert f"They said: {TEXT}" == "".join(getattr(delta, "reasoning_content", None) or "" for delta in deltas)
    assert answer.usage.completion_tokens_details.reasoning_tokens > 0


async def test_parts_that_are_no_text(sdk: Any) -> None:
    """A picture, a sound and a document beside the text."""
    parts = [
        {"type": "text", "text": TEXT},
        {"type": "image_url", "image_url": {"url": PIXEL, "detail": "low"}},
        {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}},
        {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERi0="}},
    ]
    answer = await done(sdk.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": parts}]))

    assert SAID == answer.choices[0].message.content.strip()


async def test_the_end_of_an_answer(sdk: Any) -> None:
    """A stop sequence and a limit of tokens; a class that was cut is an error of its own."""
    plain: list[Any] = [{"role": "user", "content": "one two three"}]
    stopped = await done(sdk.chat.completions.create(model="gpt-4o", messages=plain, stop=["two"]))
    cut = await done(sdk.chat.completions.create(model="gpt-4o", messages=plain, max_completion_tokens=3))

    assert ("You said: one ", "stop") == (stopped.choices[0].message.content, stopped.choices[0].finish_reason)
    assert ("You said: one", "length") == (cut.choices[0].message.content, cut.choices[0].finish_reason)
    with pytest.raises(openai.LengthFinishReasonError):
        await done(
            sdk.chat.completions.parse(model="gpt-4o", messages=plain, response_format=Letter, max_completion_tokens=2)
        )


async def test_a_refusal(sdk: Any, side: Side) -> None:
    """Whole and streamed."""
    side.provider.script(Decline(), Decline())
    answer = await done(sdk.chat.completions.create(model="gpt-4o", messages=ASKED))
    chunks = await listed(sdk.chat.completions.create(model="gpt-4o", messages=ASKED, stream=True))

    assert (None, f"I will not answer: {TEXT}") == (
        answer.choices[0].message.content,
        answer.choices[0].message.refusal,
    )
    assert f"I will not answer: {TEXT}" == "".join(
        choice.delta.refusal or "" for chunk in chunks for choice in chunk.choices
    )


@pytest.mark.parametrize("bytes_at_once", [0, 1, 7, 1000])
async def test_a_stream_that_is_framed_otherwise(sdk: Any, side: Side, bytes_at_once: int) -> None:
    """CRLF, objects over several lines, comments, cuts at any byte, inside a character too."""
    side.provider.script(Framed(bytes_at_once=bytes_at_once))
    asked: list[Any] = [{"role": "user", "content": f"Grüße 👩‍👩‍👧 {EMAIL}"}]
    chunks = await listed(sdk.chat.completions.create(model="gpt-4o", messages=asked, stream=True))

    assert f"You said: Grüße 👩‍👩‍👧 {EMAIL}" == "".join(
        choice.delta.content or "" for chunk in chunks for choice in chunk.choices
    )


async def test_an_error_inside_a_stream(sdk: Any, side: Side) -> None:
    """What came before it is given, then it is raised."""
    side.provider.script(FailIn(after_events=3))
    seen: list[Any] = []
    with pytest.raises(openai.APIError):
        await listed(sdk.chat.completions.create(model="gpt-4o", messages=ASKED, stream=True), seen)

    assert seen


async def test_a_stream_that_is_cut(sdk: Any, side: Side) -> None:
    """It never looks complete."""
    side.provider.script(CutOff(after_events=3))
    seen: list[Any] = []
    with pytest.raises((openai.APIError, httpx.TransportError)):
        await listed(sdk.chat.completions.create(model="gpt-4o", messages=ASKED, stream=True), seen)

    assert seen
    assert not any(choice.finish_reason for chunk in seen for choice in chunk.choices)
