"""The scenes of the stand-in, as they are on the wire, in each dialect that streams."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from gateway.testing.stand_in import (
    Decline,
    Endless,
    FailIn,
    Framed,
    Garbage,
    Gate,
    Manner,
    StandIn,
    Status,
    Trickle,
)

ASKED: dict[str, dict[str, Any]] = {
    "/chat/completions": {"model": "m", "messages": [{"role": "user", "content": "Grüße"}]},
    "/completions": {"model": "m", "prompt": "Grüße"},
    "/responses": {"model": "m", "input": "Grüße"},
    "/messages": {"model": "m", "max_tokens": 99, "messages": [{"role": "user", "content": "Grüße"}]},
}
SAID = "You said: Grüße"


@pytest.fixture
def provider() -> Iterator[StandIn]:
    """A running stand-in."""
    with StandIn() as running:
        yield running


@pytest.fixture(params=sorted(ASKED))
def path(request: pytest.FixtureRequest) -> str:
    """Each endpoint that streams."""
    return str(request.param)


def ask(provider: StandIn, path: str, *, stream: bool = True) -> httpx.Response:
    """The answer to the plain request."""
    return httpx.post(provider.base_url + path, json={**ASKED[path], "stream": stream}, timeout=10)


def events(text: str) -> list[str]:
    """The data of the events in a stream, read as the standard has it."""
    blocks = text.replace("\r\n", "\n").split("\n\n")
    datas = [[line[5:].removeprefix(" ") for line in block.split("\n") if line.startswith("data:")] for block in blocks]
    return ["\n".join(data) for data in datas if data]


def told(datas: list[str]) -> str:
    """The text in the deltas of any dialect."""
    found = ""
    for event in (json.loads(data) for data in datas if data != "[DONE]"):
        if event.get("type") in {"response.output_text.delta", "response.refusal.delta"}:
            found += event["delta"]
        elif event.get("type") == "content_block_delta":
            found += event["delta"]["text"]
        for choice in event.get("choices", []):
            delta = choice.get("delta", {})
            found += choice.get("text", "") or delta.get("content") or delta.get("refusal") or ""
    return found


@pytest.mark.parametrize("bytes_at_once", [0, 1, 5])
@pytest.mark.parametrize("line_end", [b"\n", b"\r\n", b"\r"])
def test_framed_otherwise_it_says_the_same(provider: StandIn, path: str, line_end: bytes, bytes_at_once: int) -> None:
    """Any line end, several data lines, comments, cuts at any byte."""
    plain = [json.loads(data) for data in events(ask(provider, path).text) if data != "[DONE]"]
    provider.script(Framed(line_end=line_end, bytes_at_once=bytes_at_once))
    text = ask(provider, path).text.replace("\r\n", "\n").replace("\r", "\n")

    assert plain == [json.loads(data) for data in events(text) if data != "[DONE]"]
    assert ": keep-alive\n" in text
    assert "data: {\ndata:" in text


def test_an_error_inside_a_stream(provider: StandIn, path: str) -> None:
    """In the form of the dialect, after what was told before it, and nothing follows; whole answers fail instead."""
    provider.script(FailIn(after_events=2, code="odd", echo=True), FailIn())
    datas = events(ask(provider, path).text)
    last = json.loads(datas[-1])
    failed = ask(provider, path, stream=False)

    assert 3 == len(datas)
    assert ("error" in last) or last["type"] == "error"
    assert "Gr" in json.dumps(last)
    assert 500 == failed.status_code


def test_garbage_inside_a_stream(provider: StandIn, path: str) -> None:
    """One event is no JSON, the rest goes on; a whole answer is no JSON."""
    provider.script(Garbage(after_events=1, data=b"{no"), Garbage(data=b"{no"))
    datas = events(ask(provider, path).text)

    assert "{no" == datas[1]
    assert SAID == told([*datas[:1], *datas[2:]])
    assert b"{no" == ask(provider, path, stream=False).content


def test_a_refusal_quotes_the_user(provider: StandIn, path: str) -> None:
    """Whole and streamed; completions know none and say nothing."""
    provider.script(Decline(), Decline())
    expected = "" if path == "/completions" else "I will not answer: Grüße"

    assert expected == told(events(ask(provider, path).text))
    assert expected in ask(provider, path, stream=False).text


@pytest.mark.parametrize("stream", [False, True])
def test_a_trickle_is_whole_in_the_end(provider: StandIn, path: str, stream: bool) -> None:
    """Byte by byte, and held at the gate until that is released."""
    gate = Gate()
    provider.script(Trickle(gate=gate, after_bytes=20))
    gate.release()
    answer = ask(provider, path, stream=stream)

    assert SAID == told(events(answer.text)) if stream else SAID in answer.text


@pytest.mark.parametrize("stream", [False, True])
def test_an_endless_answer_is_as_long_as_told(provider: StandIn, path: str, stream: bool) -> None:
    """In one event, or one body."""
    provider.script(Endless(200_000))
    answer = ask(provider, path, stream=stream)

    assert 200_000 <= len(answer.content) < 200_100
    assert 1 == answer.text.count("data: ") if stream else '{"' == answer.text[:2]


def test_errors_are_in_the_form_of_the_dialect(provider: StandIn, path: str) -> None:
    """OpenAI's, or Anthropic's."""
    provider.script(Status(429, code="slow_down", headers=(("retry-after", "7"),)))
    answer = ask(provider, path)
    body = answer.json()

    assert (429, "7") == (answer.status_code, answer.headers["retry-after"])
    if path == "/messages":
        assert ("error", "rate_limit_error") == (body["type"], body["error"]["type"])
    else:
        assert "slow_down" == body["error"]["code"]


def test_what_is_missing_or_unknown_is_refused(provider: StandIn, path: str) -> None:
    """No body, no field, no model, no key."""
    provider.manner = Manner(models=("gpt-x",), only_listed=True, keys=("right",))
    url, key = provider.base_url + path, {"authorization": "Bearer right"}
    known = {**ASKED[path], "model": "gpt-x"}
    answers = [
        httpx.post(url, json=known),
        httpx.post(url, headers=key, json=ASKED[path]),
        httpx.post(url, headers=key, json={"model": "gpt-x"}),
        httpx.post(url, headers=key, content=b"[" * 100_000),
        httpx.post(url, headers={"x-api-key": "right"}, json=known),
    ]

    assert [401, 404, 400, 400, 200] == [answer.status_code for answer in answers]


def test_scenes_can_be_forgotten(provider: StandIn, path: str) -> None:
    """What a test did not play does not reach the next."""
    provider.script(Status(500))
    provider.unscript()

    assert 200 == ask(provider, path).status_code
