"""The stand-in provider is a provider to the real SDK, keeps every byte, and fails when told to."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
from collections.abc import Iterator

import httpx
import openai
import pytest

from gateway.testing.stand_in import CutOff, Gate, Held, Manner, Raw, Say, StandIn, Status

TOOL = {
    "type": "function",
    "function": {"name": "look_up", "parameters": {"type": "object", "properties": {"text": {"type": "string"}}}},
}
ASKED = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello “you”"}]


@pytest.fixture
def provider() -> Iterator[StandIn]:
    """A running stand-in."""
    with StandIn() as running:
        yield running


@pytest.fixture
def sdk(provider: StandIn) -> Iterator[openai.OpenAI]:
    """The real SDK."""
    with openai.OpenAI(base_url=provider.base_url, api_key="sk-x", max_retries=0) as client:
        yield client


def test_it_repeats_the_user_to_the_sdk(sdk: openai.OpenAI) -> None:
    """Every choice, with usage that adds up."""
    answer = sdk.chat.completions.create(model="gpt-x", messages=ASKED, n=2)  # type: ignore[call-overload]

    assert ["You said: Hello “you”"] * 2 == [choice.message.content for choice in answer.choices]
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_it_streams_to_the_sdk(provider: StandIn, sdk: openai.OpenAI, size: int) -> None:
    """Pieces of the wanted length, usage in the last chunk when asked for."""
    provider.manner = Manner(chunk_characters=size)
    chunks = list(
        sdk.chat.completions.create(  # type: ignore[call-overload]
            model="gpt-x", messages=ASKED, stream=True, stream_options={"include_usage": True}
        )
    )
    pieces = [choice.delta.content or "" for chunk in chunks for choice in chunk.choices]

    assert "You said: Hello “you”" == "".join(pieces)
    assert size >= max(map(len, pieces))
    assert ([], True) == (chunks[-1].choices, chunks[-1].usage is not None)


@pytest.mark.parametrize("stream", [False, True])
def test_it_calls_the_first_tool(sdk: openai.OpenAI, stream: bool) -> None:
    """With the user's words as argument; a tool's result is repeated as text."""
    answer = sdk.chat.completions.create(model="gpt-x", messages=ASKED, tools=[TOOL], stream=stream)  # type: ignore[call-overload]
    if stream:
        calls = [call for chunk in answer for choice in chunk.choices for call in choice.delta.tool_calls or []]
        name, arguments = calls[0].function.name, "".join(call.function.arguments for call in calls)
    else:
        function = answer.choices[0].message.tool_calls[0].function
        name, arguments = function.name, function.arguments
    assert ("look_up", {"text": "Hello “you”"}) == (name, json.loads(arguments))

    call = {"id": "call_1", "type": "function", "function": {"name": name, "arguments": arguments}}
    followed = [*ASKED, {"role": "assistant", "tool_calls": [call]}]
    result = {"role": "tool", "tool_call_id": "call_1", "content": "42"}
    answer = sdk.chat.completions.create(model="gpt-x", messages=[*followed, result], tools=[TOOL])  # type: ignore[list-item]
    assert "You said: 42" == answer.choices[0].message.content


def test_it_answers_in_json_when_asked_to(sdk: openai.OpenAI) -> None:
    """The text is escaped, as a real model's would be."""
    answer = sdk.chat.completions.create(  # type: ignore[call-overload]
        model="gpt-x", messages=[{"role": "user", "content": 'a "b"'}], response_format={"type": "json_object"}
    )

    assert {"answer": 'You said: a "b"'} == json.loads(answer.choices[0].message.content)


def test_it_lists_its_models(sdk: openai.OpenAI) -> None:
    """As configured."""
    assert ["gpt-x"] == [model.id for model in sdk.models.list()]


@pytest.mark.parametrize("stream", [False, True])
def test_it_speaks_the_other_dialect(provider: StandIn, stream: bool) -> None:
    """Messages, whole and streamed, with named events."""
    body = {"model": "claude-x", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}], "stream": stream}
    answer = httpx.post(f"{provider.base_url}/messages", json=body)
    if not stream:
        assert [{"type": "text", "text": "You said: Hi"}] == answer.json()["content"]
        return
    events = [line.removeprefix("event: ") for line in answer.text.splitlines() if line.startswith("event: ")]
    assert ("message_start", "message_stop") == (events[0], events[-1])


def test_it_keeps_the_exact_bytes(provider: StandIn) -> None:
    """Path, header order and body, also when the network cuts them and the body comes in chunks."""
    with socket.create_connection(("127.0.0.1", provider.port)) as wire:
        for piece in (b"POST /v1/chat/comp", b"letions?x=1 HTTP/1.1\r\nHost: a\r\nX-B: 1", b"\r\nX-A: \xe9\r\n"):
            wire.sendall(piece)
        wire.sendall(b"transfer-encoding: chunked\r\n\r\n3\r\n{\xff \r\n2\r\n\r\n\r\n0\r\n\r\n")
        assert b"400" in wire.recv(100)
    (seen,) = provider.requests

    assert ("POST", "/v1/chat/completions?x=1", b"{\xff \r\n") == (seen.method, seen.path, seen.body)
    assert ["host", "x-b", "x-a", "transfer-encoding"] == [name for name, _ in seen.headers]
    assert "é" == seen.header("x-a")


def test_scenes_are_played_once_each(provider: StandIn) -> None:
    """In their order; then plainly again."""
    provider.script(Status(503), Raw(b"garbage", status=200), Say("told"))
    url, body = f"{provider.base_url}/chat/completions", {"model": "m", "messages": [{"role": "user", "content": "x"}]}
    answers = [httpx.post(url, json=body) for _ in range(4)]

    assert [503, 200, 200, 200] == [answer.status_code for answer in answers]
    assert b"garbage" == answers[1].content
    assert "told" in answers[2].text
    assert "You said: x" in answers[3].text


def test_a_typed_error_reaches_the_sdk(provider: StandIn, sdk: openai.OpenAI) -> None:
    """With its code, its header, and the request quoted in its message."""
    provider.script(Status(429, code="slow_down", headers=(("retry-after", "7"),), echo=True))

    with pytest.raises(openai.RateLimitError) as caught:
        sdk.chat.completions.create(model="gpt-x", messages=ASKED)  # type: ignore[arg-type]
    assert "slow_down" == caught.value.code
    assert "7" == caught.value.response.headers["retry-after"]
    assert "Be brief." in str(caught.value)


@pytest.mark.parametrize("stream", [False, True])
def test_a_cut_connection_is_one(provider: StandIn, stream: bool) -> None:
    """Mid-body, or after some events of a stream."""
    provider.script(CutOff(after_events=1))
    body = {"model": "m", "messages": [{"role": "user", "content": "x"}], "stream": stream}

    with pytest.raises(httpx.RemoteProtocolError):
        httpx.post(f"{provider.base_url}/chat/completions", json=body)


def test_a_clean_cut_lacks_only_the_end_mark(provider: StandIn) -> None:
    """HTTP is content, the dialect is not."""
    provider.script(CutOff(after_events=1, clean=True))
    body = {"model": "m", "messages": [{"role": "user", "content": "x"}], "stream": True}
    text = httpx.post(f"{provider.base_url}/chat/completions", json=body).text

    assert 1 == text.count("data: ")
    assert "[DONE]" not in text


async def test_a_held_answer_waits_and_sees_the_client_leave(provider: StandIn) -> None:
    """Nothing comes before the gate opens; who leaves meanwhile is noticed."""
    gate, other = Gate(), Gate()
    provider.script(Held(gate), Held(other))
    body = {"model": "m", "messages": [{"role": "user", "content": "x"}]}
    async with httpx.AsyncClient() as client:
        first = asyncio.ensure_future(client.post(f"{provider.base_url}/chat/completions", json=body))
        await asyncio.to_thread(provider.wait_for_requests, 1)
        second = asyncio.ensure_future(client.post(f"{provider.base_url}/chat/completions", json=body))
        seen = await asyncio.to_thread(provider.wait_for_requests, 2)
        second.cancel()
        assert await asyncio.to_thread(seen[1].gone.wait, 5)
        assert not first.done()
        gate.release()
        assert 200 == (await first).status_code

    assert not seen[0].gone.is_set()


def test_waiting_for_what_does_not_come_fails(provider: StandIn) -> None:
    """A test does not hang."""
    with pytest.raises(TimeoutError):
        provider.wait_for_requests(1, timeout=0.01)


def test_stopping_frees_the_port_and_the_clients(provider: StandIn) -> None:
    """Also with an answer held back, and right after the start."""
    with StandIn() as brief:
        port = brief.port
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", port), timeout=5)
    provider.script(Held(Gate()))
    with socket.create_connection(("127.0.0.1", provider.port), timeout=5) as wire:
        wire.sendall(b"GET /v1/models HTTP/1.1\r\n\r\n")
        provider.wait_for_requests(1)
        provider.stop()
        assert b"" == wire.recv(1)
    provider.start()


def test_it_runs_as_a_process() -> None:
    """The first line says where; it ends when told to."""
    command = [sys.executable, "-m", "gateway.testing.stand_in", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        base_url = process.stdout.readline().strip()
        listed = httpx.get(f"{base_url}/models")
        process.terminate()

    assert "gpt-x" == listed.json()["data"][0]["id"]
