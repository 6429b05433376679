"""Embeddings from inside, by the front door with the official SDK: nothing of them leaves, and no two models mix."""

from __future__ import annotations

from collections.abc import Iterator

import openai
import pytest
from openai import OpenAI

from gateway.cli.running import RunningGateway
from gateway.domain.policy import Zone
from gateway.settings import ModelAlias, OpenAiExternal, OpenAiLocal, SentenceEncoder
from gateway.testing.stand_in import StandIn
from tests.egress.harness import ENVIRONMENT, client_for, holds, left, settings_for

CANARY = "The card of Marta Ruehmkorf is 4111 1111 1111 1111."


@pytest.fixture(scope="module")
def provider() -> Iterator[StandIn]:
    """The ear outside."""
    with StandIn() as running:
        yield running


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory, provider: StandIn) -> Iterator[OpenAI]:
    """A gateway with an encoder inside, a provider outside, and a server inside that also answers embeddings."""
    folder = tmp_path_factory.mktemp("embeddings")
    destinations = {
        "openai": OpenAiExternal(
            zone=Zone.EXTERNAL, adapter="openai", base_url=provider.base_url, api_key_env="STAND_IN_KEY"
        ),
        "local-embeddings": SentenceEncoder(zone=Zone.IN_NETWORK, adapter="sentence_encoder"),
        "vllm": OpenAiLocal(zone=Zone.IN_NETWORK, adapter="openai", base_url="http://127.0.0.1:9/v1"),
    }
    models = {
        "local/minilm": ModelAlias(local="local-embeddings"),
        "text-embedding-3-small": ModelAlias(external="openai"),
        "two-minds": ModelAlias(external="openai", local="local-embeddings"),
        "chat-only": ModelAlias(local="vllm"),
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
