"""The official openai SDK, synchronous and asynchronous: completions, embeddings, moderations, models, and errors."""

from __future__ import annotations

import base64
import struct
from typing import Any

import openai
import pytest

from gateway.testing.stand_in import Raw, Status
from tests.conformance.calling import EMAIL, TEXT, done, listed
from tests.conformance.house import ANTHROPIC_MODELS, OPENAI_MODELS, Side

ASKED: list[Any] = [{"role": "user", "content": TEXT}]


async def test_completion(sdk: Any) -> None:
    """One prompt and several, several choices, and the prompt repeated."""
    one = await done(sdk.completions.create(model="gpt-4o", prompt=TEXT))
    many = await done(sdk.completions.create(model="gpt-4o", prompt=["a", EMAIL], n=2, echo=True))

    assert (f"You said: {TEXT}", "stop") == (one.choices[0].text, one.choices[0].finish_reason)
    assert ["aYou said: a"] * 2 + [f"{EMAIL}You said: {EMAIL}"] * 2 == [choice.text for choice in many.choices]
    assert [0, 1, 2, 3] == [choice.index for choice in many.choices]
    assert one.usage.total_tokens > 0


async def test_completion_stream(sdk: Any) -> None:
    """With usage in the last chunk."""
    chunks = await listed(
        sdk.completions.create(model="gpt-4o", prompt=TEXT, stream=True, stream_options={"include_usage": True})
    )

    assert f"You said: {TEXT}" == "".join(choice.text for chunk in chunks for choice in chunk.choices)
    assert ([], True) == (chunks[-1].choices, chunks[-1].usage.total_tokens > 0)


async def test_completion_logprobs_and_ends(sdk: Any) -> None:
    """Tokens that spell the text, a stop sequence, a limit."""
    told = await done(sdk.completions.create(model="gpt-4o", prompt="plain", logprobs=1))
    stopped = await done(sdk.completions.create(model="gpt-4o", prompt="one two three", stop=" two"))
    cut = await done(sdk.completions.create(model="gpt-4o", prompt="one two three", max_tokens=3))

    assert "You said: plain" == "".join(told.choices[0].logprobs.tokens)
    assert ("You said: one", "stop") == (stopped.choices[0].text, stopped.choices[0].finish_reason)
    assert ("You said: one", "length") == (cut.choices[0].text, cut.choices[0].finish_reason)


async def test_embeddings(sdk: Any) -> None:
    """Equal texts have equal vectors, in either encoding, of the wanted length."""
    texts = ["the weather", "the news", "the weather"]
    default = await done(sdk.embeddings.create(model="text-embedding-3-small", input=texts))
    floats = await done(
        sdk.embeddings.create(model="text-embedding-3-small", input=texts, encoding_format="float", dimensions=64)
    )
    packed = await done(
        sdk.embeddings.create(model="text-embedding-3-small", input=texts, encoding_format="base64", dimensions=64)
    )
    first, second, third = (one.embedding for one in floats.data)

    assert [1536] * 3 == [len(one.embedding) for one in default.data]
    assert (64, first, True) == (len(first), third, first != second)
    assert [0, 1, 2] == [one.index for one in default.data]
    assert first == list(struct.unpack("<64f", base64.b64decode(packed.data[0].embedding)))
    assert default.usage.total_tokens > 0


async def test_embeddings_of_token_ids(sdk: Any) -> None:
    """As some clients send them: "hello world" in the tokenizer of the model."""
    answer = await done(sdk.embeddings.create(model="text-embedding-3-small", input=[[15339, 1917], [15339]]))

    assert [1536, 1536] == [len(one.embedding) for one in answer.data]


async def test_moderations(sdk: Any) -> None:
    """One result for each text; the model need not be named."""
    answer = await done(sdk.moderations.create(model="omni-moderation-latest", input=["I will kill it", "flowers"]))
    unnamed = await done(sdk.moderations.create(input="flowers"))

    assert [True, False] == [result.flagged for result in answer.results]
    assert answer.results[0].categories.violence
    assert [False] == [result.flagged for result in unnamed.results]


async def test_models(sdk: Any) -> None:
    """All of them, and one."""
    names = {model.id for model in await listed(sdk.models.list())}
    one = await done(sdk.models.retrieve("gpt-4o-mini"))

    assert {*OPENAI_MODELS, *ANTHROPIC_MODELS} == names
    assert ("gpt-4o-mini", "model") == (one.id, one.object)
    with pytest.raises(openai.NotFoundError) as caught:
        await done(sdk.models.retrieve("no-such-model"))
    assert "model_not_found" == caught.value.code


async def test_a_wrong_key(sdk: Any) -> None:
    """401, typed."""
    other = sdk.with_options(api_key="wrong")
    with pytest.raises(openai.AuthenticationError) as caught:
        await done(other.chat.completions.create(model="gpt-4o", messages=ASKED))

    assert "invalid_api_key" == caught.value.code


async def test_an_unknown_model(sdk: Any) -> None:
    """404, typed, for every operation that names one."""
    for call in (
        lambda: sdk.chat.completions.create(model="no-such-model", messages=ASKED),
        lambda: sdk.responses.create(model="no-such-model", input="x"),
        lambda: sdk.completions.create(model="no-such-model", prompt="x"),
        lambda: sdk.embeddings.create(model="no-such-model", input="x"),
    ):
        with pytest.raises(openai.NotFoundError) as caught:
            await done(call())
        assert "model_not_found" == caught.value.code


async def test_requests_that_are_wrong(sdk: Any) -> None:
    """400, typed, for a request without what it is about."""
    for path in ("/chat/completions", "/responses", "/completions", "/embeddings"):
        with pytest.raises(openai.BadRequestError) as caught:
            await done(sdk.post(path, cast_to=object, body={"model": "gpt-4o"}))
        assert "invalid_request_error" == caught.value.type


async def test_an_unknown_endpoint(sdk: Any) -> None:
    """404, typed."""
    with pytest.raises(openai.NotFoundError):
        await done(sdk.post("/no/such/thing", cast_to=object, body={"model": "gpt-4o"}))


async def test_too_many_requests(sdk: Any, side: Side) -> None:
    """429, typed, with the provider's code and when to come back."""
    side.provider.script(Status(429, code="rate_limit_exceeded", headers=(("retry-after", "7"),)))
    with pytest.raises(openai.RateLimitError) as caught:
        await done(sdk.chat.completions.create(model="gpt-4o", messages=ASKED))

    assert "rate_limit_exceeded" == caught.value.code
    assert "7" == caught.value.response.headers["retry-after"]


@pytest.mark.parametrize("status", [500, 502, 503])
async def test_the_provider_is_down(sdk: Any, side: Side, status: int) -> None:
    """5xx, typed, for an answer and for a stream."""
    side.provider.script(Status(status), Status(status))
    with pytest.raises(openai.InternalServerError):
        await done(sdk.chat.completions.create(model="gpt-4o", messages=ASKED))
    with pytest.raises(openai.InternalServerError):
        await listed(sdk.responses.create(model="gpt-4o", input=TEXT, stream=True))


async def test_a_request_that_the_provider_rejects(sdk: Any, side: Side) -> None:
    """Its own words reach the caller, what was masked in them restored."""
    side.provider.script(Status(400, code="content_too_odd", echo=True))
    with pytest.raises(openai.BadRequestError) as caught:
        await done(sdk.chat.completions.create(model="gpt-4o", messages=ASKED))

    assert "content_too_odd" == caught.value.code
    assert EMAIL in str(caught.value)


async def test_the_sdk_tries_again(sdk: Any, side: Side) -> None:
    """It is told by the status that it may, and then succeeds."""
    retry = (("retry-after-ms", "1"), ("retry-after", "1"))
    side.provider.script(Status(429, headers=retry))
    patient = sdk.with_options(max_retries=2)
    answer = await done(patient.chat.completions.create(model="gpt-4o", messages=ASKED))

    assert f"You said: {TEXT}" == answer.choices[0].message.content


async def test_an_answer_in_raw_form(sdk: Any, side: Side) -> None:
    """Fields that nobody declared come through."""
    side.provider.script(
        Raw(
            b'{"id":"x","object":"chat.completion","created":1,"model":"gpt-4o","choices":[{"index":0,"finish_reason":'
            b'"stop","message":{"role":"assistant","content":"hi","annotations":[],"vendor":{"a":[1]}}}],"vendor_time":5}'
        )
    )
    raw = await done(sdk.chat.completions.with_raw_response.create(model="gpt-4o", messages=ASKED))
    answer = raw.parse()

    assert (5, {"a": [1]}) == (answer.vendor_time, answer.choices[0].message.vendor)
    assert raw.headers["content-type"].startswith("application/json")
