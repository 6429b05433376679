"""instructor: classes out of chat completions, responses and Anthropic's messages."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from typing import Any

import anthropic
import instructor
import openai
import pytest
from instructor import Mode
from instructor.core import InstructorRetryException
from pydantic import BaseModel, Field

from tests.conformance.calling import TEXT, done, listed, opened
from tests.conformance.house import Side

SAID = f"You said: {TEXT}"
ASKED: list[Any] = [{"role": "user", "content": TEXT}]


class Person(BaseModel):
    """Somebody who is written to."""

    name: str
    age: int = Field(ge=18, le=120)
    addresses: list[str]


def _filled(said: str) -> dict[str, Any]:
    """A person as the stand-in fills one."""
    return {"name": said, "age": 18, "addresses": [said]}


@pytest.fixture
async def claude(side: Side) -> AsyncIterator[anthropic.AsyncAnthropic]:
    """The anthropic SDK, pointed at this side."""
    async with anthropic.AsyncAnthropic(base_url=side.root, api_key=side.key, max_retries=0) as client:
        yield client


@pytest.mark.parametrize("mode", [Mode.TOOLS, Mode.JSON_SCHEMA])
async def test_a_class_out_of_chat(sdk: Any, mode: Mode) -> None:
    """As a call of a tool, or as structured output."""
    client = instructor.from_openai(sdk, mode=mode)
    person = await done(client.create(model="gpt-4o", messages=ASKED, response_model=Person, max_retries=0))
    said = TEXT if mode is not Mode.JSON_SCHEMA else SAID

    assert _filled(said) == person.model_dump()


async def test_several_classes_at_once(sdk: Any) -> None:
    """Parallel calls of tools."""

    class LookUp(BaseModel):
        """Looks somebody up."""

        name: str

    class Mail(BaseModel):
        """Sends a letter."""

        to: str

    client = instructor.from_openai(sdk, mode=Mode.PARALLEL_TOOLS)
    words = f"Mail, then LookUp. {TEXT}"
    found = await done(
        client.create(
            model="gpt-4o",
            messages=[{"role": "user", "content": words}],
            response_model=Iterable[LookUp | Mail],  # type: ignore[type-abstract]
            max_retries=0,
        )
    )

    assert [("Mail", words), ("LookUp", words)] == [
        (type(one).__name__, next(iter(one.model_dump().values()))) for one in found
    ]


async def test_a_class_that_grows(sdk: Any) -> None:
    """Partial objects of a stream: each is a beginning of the last."""
    client = instructor.from_openai(sdk)
    seen = await listed(client.create_partial(model="gpt-4o", messages=ASKED, response_model=Person))

    assert (TEXT, 18) == (seen[-1].name, seen[-1].age)
    assert 2 < len(seen)
    assert all(TEXT.startswith(one.name or "") for one in seen)


async def test_a_class_out_of_responses(sdk: Any) -> None:
    """The same with the other API."""
    client = instructor.from_openai(sdk, mode=Mode.RESPONSES_TOOLS)
    person = await done(client.create(model="gpt-4o", messages=ASKED, response_model=Person, max_retries=0))

    assert _filled(TEXT) == person.model_dump()


async def test_a_class_out_of_messages(claude: anthropic.AsyncAnthropic) -> None:
    """The same in Anthropic's dialect."""
    client = instructor.from_anthropic(claude)
    person = await client.create(
        model="claude-x", max_tokens=1000, messages=ASKED, response_model=Person, max_retries=0
    )

    assert _filled(TEXT) == person.model_dump()


async def test_a_validation_that_fails_is_asked_again(side: Side) -> None:
    """The second request holds the first answer and what was wrong with it."""

    class Never(BaseModel):
        """Nothing fits it."""

        number: int = Field(ge=5, le=4)

    before = len(side.provider.requests)
    async with opened(openai.AsyncOpenAI(base_url=side.base_url, api_key=side.key, max_retries=0)) as sdk:
        client = instructor.from_openai(sdk)
        with pytest.raises(InstructorRetryException):
            await client.create(model="gpt-4o", messages=ASKED, response_model=Never, max_retries=2)
    asked = [request.body for request in side.provider.requests[before:]]

    assert 2 <= len(asked)
    assert len(asked[0]) < len(asked[1])
