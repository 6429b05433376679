"""What ships answers inside, by the front door with the official SDK and without any download: the four narrow jobs,
and embeddings. Nothing of it leaves, and no two models' vectors mix."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from openai import OpenAI

from gateway.cli.running import RunningGateway
from gateway.domain.policy import Zone
from gateway.settings import LlamaCpp, ModelAlias, OpenAiExternal, OpenAiLocal, SentenceEncoder
from gateway.testing.stand_in import StandIn
from tests.adapters.tool_template import TOOL_TEMPLATE
from tests.egress.harness import ENVIRONMENT, client_for, holds, left, settings_for

CANARY = "The card of Marta Ruehmkorf is 4111 1111 1111 1111."


@pytest.fixture(scope="module")
def provider() -> Iterator[StandIn]:
    """The ear outside."""
    with StandIn() as running:
        yield running


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory, provider: StandIn) -> Iterator[OpenAI]:
    """A gateway with an encoder and two models inside, a provider outside, and a server inside that is not there."""
    folder = tmp_path_factory.mktemp("embeddings")
    destinations = {
        "openai": OpenAiExternal(
            zone=Zone.EXTERNAL, adapter="openai", base_url=provider.base_url, api_key_env="STAND_IN_KEY"
        ),
        "local-embeddings": SentenceEncoder(zone=Zone.IN_NETWORK, adapter="sentence_encoder"),
        "local-slm": LlamaCpp(zone=Zone.IN_NETWORK, adapter="llama_cpp"),
        "tool-slm": LlamaCpp(zone=Zone.IN_NETWORK, adapter="llama_cpp", chat_template=str(folder / "tools.jinja")),
        "vllm": OpenAiLocal(zone=Zone.IN_NETWORK, adapter="openai", base_url="http://127.0.0.1:9/v1"),
    }
    (folder / "tools.jinja").write_text(TOOL_TEMPLATE, encoding="utf-8")
    models = {
        "local/minilm": ModelAlias(local="local-embeddings"),
        "text-embedding-3-small": ModelAlias(external="openai"),
        "two-minds": ModelAlias(external="openai", local="local-embeddings"),
        "server-gone": ModelAlias(external="openai", local="vllm"),
        "with-tools": ModelAlias(external="openai", local="tool-slm"),
        "gpt-4o": ModelAlias(external="openai", local="local-slm"),
    }
    settings = settings_for(folder, provider.base_url, destinations=destinations, models=models)
    with RunningGateway(settings, ENVIRONMENT) as running, client_for(running.base_url, running.first_key) as sdk:
        yield sdk


def test_vectors_of_sensitive_text_are_made_inside(client: OpenAI, provider: StandIn) -> None:
    """The SDK's own way (base64 on the wire), floats, and fewer dimensions; the ear outside hears nothing."""
    raw = client.embeddings.with_raw_response.create(model="local/minilm", input=[CANARY, "the weather"])
    answer = raw.parse()
    short = client.embeddings.create(model="local/minilm", input=CANARY, dimensions=128, encoding_format="float")

    assert raw.headers["x-gateway-route"] == "local"
    assert raw.headers["x-gateway-destination"] == "local-embeddings"
    assert [len(each.embedding) for each in answer.data] == [384, 384]
    assert answer.usage.total_tokens > 10
    assert len(short.data[0].embedding) == 128
    assert not holds(left(provider), "4111 1111 1111 1111")
    assert provider.requests == []


def test_token_ids_are_read_as_their_text(client: OpenAI) -> None:
    """Ids of the vocabulary of OpenAI's embeddings (`hello world`) give the vector of that text."""
    ids = client.embeddings.create(model="local/minilm", input=[[15339, 1917]])
    words = client.embeddings.create(model="local/minilm", input=["hello world"])

    assert ids.data[0].embedding == words.data[0].embedding


def test_a_name_that_leads_to_two_models_is_refused(client: OpenAI, provider: StandIn) -> None:
    """Vectors of two models in one store cannot be compared."""
    before = len(provider.requests)
    with pytest.raises(openai.BadRequestError) as refused:
        client.embeddings.create(model="two-minds", input="the weather")

    assert refused.value.code == "ambiguous_embeddings"
    assert len(provider.requests) == before


def test_a_name_of_a_model_outside_is_answered_by_no_other(client: OpenAI, provider: StandIn) -> None:
    """Sensitive text for it is refused and does not leave; the same name answers harmless text from outside."""
    with pytest.raises(openai.PermissionDeniedError):
        client.embeddings.create(model="text-embedding-3-small", input=CANARY)
    harmless = client.embeddings.create(model="text-embedding-3-small", input="the weather")

    assert len(harmless.data[0].embedding) == 1536
    assert not holds(left(provider), "4111 1111 1111 1111")


def test_chat_with_an_encoder_is_refused(client: OpenAI) -> None:
    """It answers embeddings and nothing else."""
    with pytest.raises(openai.BadRequestError) as refused:
        client.chat.completions.create(model="local/minilm", messages=[{"role": "user", "content": "hello"}])

    assert refused.value.code == "unsupported_by_destination"


def asked(text: str) -> list[Any]:
    """One message that holds a sensitive value, so that it stays inside."""
    return [{"role": "user", "content": f"{text} {CANARY}"}]


def held_to(properties: dict[str, Any]) -> Any:
    """A response format for an object of these properties."""
    schema = {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}
    return {"type": "json_schema", "json_schema": {"name": "answer", "strict": True, "schema": schema}}


def test_labels_and_fields_have_the_form_that_was_asked_for(client: OpenAI, provider: StandIn) -> None:
    """Narrow jobs on a first start, through the SDK: several choices, and no probabilities where none were computed."""
    before = len(provider.requests)
    labels = held_to({"label": {"enum": ["billing", "shipping"]}})
    fields = held_to({"name": {"type": "string", "maxLength": 40}, "card": {"type": "string", "maxLength": 40}})
    ticket = asked("The parcel never came.")
    label = client.chat.completions.create(model="gpt-4o", messages=ticket, response_format=labels, n=2)
    with pytest.raises(openai.BadRequestError) as refused:
        client.chat.completions.create(model="gpt-4o", messages=ticket, response_format=labels, logprobs=True)
    found = client.chat.completions.create(
        model="gpt-4o", messages=asked("Extract name and card as JSON."), response_format=fields, max_tokens=200
    )

    assert [json.loads(each.message.content or "") for each in label.choices] == [{"label": "shipping"}] * 2
    assert [each.index for each in label.choices] == [0, 1]
    assert (refused.value.code, refused.value.param) == ("unsupported_by_local_model", "/logprobs")
    assert json.loads(found.choices[0].message.content or "") == {
        "name": "Marta Ruehmkorf",
        "card": "4111 1111 1111 1111",
    }
    assert len(provider.requests) == before


def test_a_summary_streams_and_open_ended_work_is_declined(client: OpenAI, provider: StandIn) -> None:
    """In many pieces, with usage at the end; the refusal says where a larger model comes from."""
    before = len(provider.requests)
    summary = client.chat.completions.create(
        model="gpt-4o",
        messages=asked("Summarise this note in one sentence."),
        max_tokens=40,
        stream=True,
        stream_options={"include_usage": True},
    )
    chunks = list(summary)
    poem = client.chat.completions.create(model="gpt-4o", messages=asked("Write a poem about"), max_tokens=120)

    assert sum(bool(chunk.choices and chunk.choices[0].delta.content) for chunk in chunks) > 3
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.prompt_tokens > 10
    assert "operator can configure" in (poem.choices[0].message.content or "")
    assert len(provider.requests) == before


@pytest.mark.parametrize("stream", [False, True])
def test_a_server_inside_that_is_not_there_is_an_error_and_nothing_leaves(
    client: OpenAI, provider: StandIn, *, stream: bool
) -> None:
    """Sensitive text has nowhere else to go."""
    before = len(provider.requests)
    with pytest.raises(openai.InternalServerError) as refused:
        client.chat.completions.create(model="server-gone", messages=asked("Write about"), stream=stream)

    assert (refused.value.status_code, refused.value.code) == (503, "local_model_unavailable")
    assert refused.value.response.headers["retry-after"] == "1"
    assert len(provider.requests) == before


CITIES = ["Lyon", "Oslo"]
WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather of a city.",
        "parameters": {"type": "object", "properties": {"city": {"enum": CITIES}}, "required": ["city"]},
    },
}


def test_a_model_inside_calls_tools_where_its_template_takes_them(client: OpenAI, provider: StandIn) -> None:
    """Forced, streamed and whole, and goes on with the result; the one that ships has none and refuses by name."""
    before = len(provider.requests)
    question = asked("Is it warm where she lives?")
    forced: Any = {"tools": [WEATHER], "tool_choice": "required", "parallel_tool_calls": False}
    raw = client.chat.completions.with_raw_response.create(model="with-tools", messages=question, **forced)
    choice = raw.parse().choices[0]
    (call,) = choice.message.tool_calls or []
    with client.chat.completions.stream(model="with-tools", messages=question, **forced) as streamed:
        final = streamed.get_final_completion().choices[0]
    turns = [*question, choice.message, {"role": "tool", "tool_call_id": call.id, "content": "31 degrees"}]
    second = client.chat.completions.create(model="with-tools", messages=turns, tools=[WEATHER], max_tokens=8)
    with pytest.raises(openai.BadRequestError) as refused:
        client.chat.completions.create(model="gpt-4o", messages=question, tools=[WEATHER])

    assert raw.headers["x-gateway-destination"] == "tool-slm"
    assert (choice.finish_reason, choice.message.content, call.function.name) == ("tool_calls", None, "weather")
    assert json.loads(call.function.arguments)["city"] in CITIES
    assert [each.function.arguments for each in final.message.tool_calls or []] == [call.function.arguments]
    assert final.finish_reason == "tool_calls"
    assert second.choices[0].message.content is not None
    assert refused.value.code == "unsupported_by_local_model"
    assert len(provider.requests) == before
