"""pydantic-ai: agents over chat completions, responses and Anthropic's messages."""

from __future__ import annotations

from collections.abc import AsyncIterator

import anthropic
import openai
import pytest
from pydantic import BaseModel
from pydantic_ai import Agent, ModelHTTPError, NativeOutput
from pydantic_ai.messages import ModelResponse, ToolCallPart
from pydantic_ai.models import Model
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.providers.anthropic import AnthropicProvider
from pydantic_ai.providers.openai import OpenAIProvider

from tests.conformance.calling import EMAIL, TEXT
from tests.conformance.house import Side

SAID = f"You said: {TEXT}"
OUTDATED = pytest.mark.xfail(
    raises=TypeError,
    reason="pydantic-ai calls a type and names a parameter that the anthropic SDK dropped in version 2",
)
KINDS = ["chat", "responses", pytest.param("messages", marks=OUTDATED)]


class Letter(BaseModel):
    """What the structured answers are."""

    to: str
    lines: list[str]
    urgent: bool


async def _model(kind: str, side: Side, name: str = "") -> AsyncIterator[Model]:
    if kind == "messages":
        async with anthropic.AsyncAnthropic(base_url=side.root, api_key=side.key, max_retries=0) as claude:
            yield AnthropicModel(name or "claude-x", provider=AnthropicProvider(anthropic_client=claude))
        return
    async with openai.AsyncOpenAI(base_url=side.base_url, api_key=side.key, max_retries=0) as client:
        maker = OpenAIChatModel if kind == "chat" else OpenAIResponsesModel
        yield maker(name or "gpt-4o", provider=OpenAIProvider(openai_client=client))


@pytest.fixture(params=KINDS)
async def model(request: pytest.FixtureRequest, side: Side) -> AsyncIterator[Model]:
    """A model of each API."""
    async for made in _model(request.param, side):
        yield made


@pytest.fixture(params=KINDS)
async def unknown_model(request: pytest.FixtureRequest, side: Side) -> AsyncIterator[Model]:
    """A model that nobody has."""
    async for made in _model(request.param, side, "no-such-model"):
        yield made


async def test_text(model: Model) -> None:
    """A run, and a second one that resends the first."""
    agent = Agent(model, instructions=f"Sign as {EMAIL}")
    first = await agent.run(TEXT)
    second = await agent.run("more", message_history=first.all_messages())

    assert (SAID, "You said: more") == (first.output, second.output)
    assert first.usage.output_tokens > 0


async def test_stream(model: Model) -> None:
    """Text as it grows."""
    async with Agent(model).run_stream(TEXT) as result:
        seen = [text async for text in result.stream_text(debounce_by=None)]

    assert SAID == seen[-1]
    assert 2 < len(seen)
    assert all(SAID.startswith(text) for text in seen)


async def test_a_class(model: Model) -> None:
    """As the call of a tool that ends the run."""
    result = await Agent(model, output_type=Letter).run(TEXT)

    assert Letter(to=TEXT, lines=[TEXT], urgent=True) == result.output


async def test_a_class_streamed(model: Model) -> None:
    """The same from a stream."""
    async with Agent(model, output_type=Letter).run_stream(TEXT) as result:
        letter = await result.get_output()

    assert Letter(to=TEXT, lines=[TEXT], urgent=True) == letter


async def test_structured_output(side: Side) -> None:
    """As the format of the answer, where the API has one."""
    for kind in ("chat", "responses"):
        async for model in _model(kind, side):
            result = await Agent(model, output_type=NativeOutput(Letter)).run(TEXT)
            assert Letter(to=SAID, lines=[SAID], urgent=True) == result.output


async def test_tools_in_a_loop(model: Model) -> None:
    """Tools are run with the caller's own values, and their results answered."""
    agent = Agent(model)
    calls: list[tuple[str, str]] = []

    @agent.tool_plain
    def look_up(name: str) -> str:
        """Looks somebody up."""
        calls.append(("look_up", name))
        return f"{EMAIL} it is"

    @agent.tool_plain
    def send_mail(to: str) -> str:
        """Sends a letter."""
        calls.append(("send_mail", to))
        return "sent"

    words = f"send_mail and look_up {EMAIL}"
    result = await agent.run(words)
    made = [
        part.tool_name
        for message in result.all_messages()
        if isinstance(message, ModelResponse)
        for part in message.parts
        if isinstance(part, ToolCallPart)
    ]

    assert [("look_up", words), ("send_mail", words)] == sorted(calls)
    assert ["send_mail", "look_up"] == made
    assert "it is" in result.output


async def test_a_tool_and_then_a_class(model: Model) -> None:
    """Two turns: the tool, then the call that ends the run."""
    agent = Agent(model, output_type=Letter)

    @agent.tool_plain
    def look_up(name: str) -> str:
        """Looks somebody up."""
        assert EMAIL in name
        return f"{EMAIL} it is"

    result = await agent.run(f"look_up {EMAIL}")

    assert EMAIL in result.output.to


async def test_an_unknown_model(unknown_model: Model) -> None:
    """404, typed."""
    with pytest.raises(ModelHTTPError) as caught:
        await Agent(unknown_model).run("hello")

    assert 404 == caught.value.status_code
