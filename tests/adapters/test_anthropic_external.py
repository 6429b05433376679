"""Anthropic as a destination: messages as they are over the bare transport, chat through litellm."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator

import pytest

from gateway.adapters.anthropic_external import AnthropicExternal
from gateway.adapters.litellm_external import LitellmExternal
from gateway.adapters.openai_external import ANTHROPIC, OpenAiExternal
from gateway.domain.clearance import ClearanceError
from gateway.domain.conversation import Operation
from gateway.domain.errors import UpstreamError
from gateway.pipeline.ports import Rejected, Streamed, Whole
from gateway.testing.stand_in import CutOff, StandIn, Status
from tests.adapters.clearing import body_of, cleared, read_all

MESSAGE = {"model": "claude-x", "max_tokens": 50, "messages": [{"role": "user", "content": "hello there"}]}


@pytest.fixture(scope="module")
def provider() -> Iterator[StandIn]:
    """A provider on loopback."""
    with StandIn() as running:
        yield running


@pytest.fixture
async def destination(provider: StandIn) -> AsyncIterator[AnthropicExternal]:
    """Anthropic, at the stand-in."""
    base = f"http://127.0.0.1:{provider.port}"
    messages = OpenAiExternal("anthropic", f"{base}/v1", "key-7731", provider=ANTHROPIC)
    made = AnthropicExternal(messages, LitellmExternal("anthropic", "anthropic", "key-7731", base_url=base))
    yield made
    await made.aclose()


def asked(**more: object) -> bytes:
    """A Messages request."""
    return json.dumps({**MESSAGE, **more}, separators=(",", ":")).encode()


async def test_messages_leave_byte_by_byte(provider: StandIn, destination: AnthropicExternal) -> None:
    """To Anthropic's path with Anthropic's headers, and nothing else of ours."""
    body = asked()
    answer = await destination.complete(cleared(body, "anthropic", Operation.MESSAGES))
    seen = provider.requests[-1]

    assert isinstance(answer, Whole)
    assert "message" == json.loads(answer.body)["type"]
    assert ("POST", "/v1/messages", body) == (seen.method, seen.path, seen.body)
    assert ("key-7731", "2023-06-01", "") == (
        seen.header("x-api-key"),
        seen.header("anthropic-version"),
        seen.header("authorization"),
    )
    assert {"host", "content-type", "content-length", "accept", "accept-encoding", "user-agent"} == {
        name for name, _ in seen.headers
    } - {"x-api-key", "anthropic-version"}


async def test_a_stream_ends_with_its_last_event(destination: AnthropicExternal) -> None:
    """There is no sentinel in this dialect."""
    answer = await destination.complete(cleared(asked(stream=True), "anthropic", Operation.MESSAGES))

    assert isinstance(answer, Streamed)
    types = [json.loads(event)["type"] for event in await read_all(answer.events)]
    assert ("message_start", "message_stop") == (types[0], types[-1])


async def test_a_stream_that_was_cut_does_not_end(provider: StandIn, destination: AnthropicExternal) -> None:
    """Before its last event it is broken."""
    provider.script(CutOff(3))
    answer = await destination.complete(cleared(asked(stream=True), "anthropic", Operation.MESSAGES))

    assert isinstance(answer, Streamed)
    with pytest.raises(UpstreamError):
        await read_all(answer.events)


async def test_a_rejection_is_told(provider: StandIn, destination: AnthropicExternal) -> None:
    """Anthropic's own error body."""
    provider.script(Status(429, headers=(("retry-after", "7"),)))
    answer = await destination.complete(cleared(asked(), "anthropic", Operation.MESSAGES))

    assert isinstance(answer, Rejected)
    assert (429, 7) == (answer.status, answer.retry_after)


async def test_chat_goes_through_litellm(provider: StandIn, destination: AnthropicExternal) -> None:
    """And comes out as messages."""
    answer = await destination.complete(cleared(body_of("hello there"), "anthropic"))

    assert isinstance(answer, Whole)
    assert "choices" in json.loads(answer.body)
    assert "/v1/messages" == provider.requests[-1].path


async def test_an_operation_that_it_does_not_speak_is_no_clearance(destination: AnthropicExternal) -> None:
    """What was cleared as embeddings is not sent as messages or chat."""
    assert frozenset({Operation.CHAT, Operation.MESSAGES}) == destination.speaks
    with pytest.raises(ClearanceError):
        await destination.complete(cleared(asked(), "anthropic", Operation.EMBEDDINGS))


async def test_models_are_listed(destination: AnthropicExternal) -> None:
    """For the patterns of the configuration."""
    assert await destination.models()
