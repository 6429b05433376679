"""Limits from the front door, with the official SDKs, counted in a real shared store."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass

import anthropic
import httpx
import openai
import pytest

from gateway.cli.running import RunningGateway
from gateway.settings import Limits, QuotaSection
from gateway.testing.stand_in import StandIn
from tests.egress.harness import ENVIRONMENT, client_for, settings_for
from tests.valkey import PASSWORD, Valkey, valkey_server

__all__ = ["valkey_server"]

QUOTAS = {"first": QuotaSection(requests_per_minute=3, tokens_per_day=60)}
PLAIN = "What is the capital of France?"
PRIVATE = "My SSN is 536-22-8714. Answer in one word."


@dataclass(frozen=True)
class Limited:
    """A gateway whose first key is limited, the provider behind it, and the store of its counts."""

    running: RunningGateway
    provider: StandIn
    client: openai.OpenAI
    store: Valkey

    def ask(self, text: str) -> httpx.Headers:
        """One request; the headers of its answer."""
        raw = self.client.chat.completions.with_raw_response.create(
            model="gpt-4o", messages=[{"role": "user", "content": text}], max_tokens=4
        )
        return raw.headers

    def settle(self) -> None:
        """Wait until what was answered is counted: nobody waits for that before the answer."""
        running = self.running
        asyncio.run_coroutine_threadsafe(running.gateway._story.drain(), running._loop).result()

    def get(self, path: str) -> httpx.Response:
        """A page for the platform."""
        return httpx.get(self.running.base_url.removesuffix("/v1") + path)


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory, valkey_server: Valkey) -> Iterator[Limited]:
    """Started once for this module."""
    folder = tmp_path_factory.mktemp("limited")
    limits = Limits(store=valkey_server.url, password_env="STORE_PASSWORD", keys=QUOTAS)
    environment = {**ENVIRONMENT, "STORE_PASSWORD": PASSWORD}
    with (
        StandIn() as provider,
        RunningGateway(settings_for(folder, provider.base_url, limits=limits), environment) as running,
    ):
        client = client_for(running.base_url, running.first_key)
        yield Limited(running, provider, client, valkey_server)
        client.close()


@pytest.fixture
def limited(gateway: Limited) -> Limited:
    """The gateway, with nothing counted yet."""
    gateway.store.stop()
    gateway.store.start()
    return gateway


def test_the_sdk_raises_its_own_error(limited: Limited) -> None:
    """After as many requests as may be; nothing of the refused one is sent, and the metrics tell no name."""
    before = len(limited.provider.requests)
    for left in ("2", "1", "0"):
        assert left == limited.ask(PRIVATE)["x-ratelimit-remaining-requests"]
    with pytest.raises(openai.RateLimitError) as refused:
        limited.ask(PLAIN)
    metrics = limited.get("/metrics").text

    assert "rate_limit_exceeded" == refused.value.code
    assert 0 < int(refused.value.response.headers["retry-after"]) <= 60
    assert before == len(limited.provider.requests)
    assert 'gateway_limited_total{limit="requests_per_minute",scope="key"} 1.0' in metrics


def test_anthropics_sdk_raises_its_own_error(limited: Limited) -> None:
    """In its own dialect, from the same count."""
    for _ in range(3):
        limited.ask(PRIVATE)
    base = limited.running.base_url.removesuffix("/v1")
    with (
        anthropic.Anthropic(base_url=base, auth_token=limited.running.first_key, max_retries=0) as client,
        pytest.raises(anthropic.RateLimitError) as refused,
    ):
        client.messages.create(model="gpt-4o", max_tokens=4, messages=[{"role": "user", "content": PLAIN}])

    assert isinstance(refused.value.body, dict)
    assert "rate_limit_error" == refused.value.body["error"]["type"]


def test_a_spent_budget_is_final_for_the_sdk(limited: Limited) -> None:
    """It is not tried again, nothing more leaves, and what stays inside is still answered."""
    before = len(limited.provider.requests)
    limited.ask(PLAIN * 40)
    limited.settle()
    eager = limited.client.with_options(max_retries=5)
    with pytest.raises(openai.RateLimitError) as refused:
        eager.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": PLAIN}])
    inside = limited.ask(PRIVATE)

    assert "insufficient_quota" == refused.value.code
    assert 1 == len(limited.provider.requests) - before
    assert ("local", "0") == (inside["x-gateway-route"], inside["x-ratelimit-remaining-requests"])


def test_without_the_store_nothing_is_let_in(limited: Limited) -> None:
    """A limit that cannot be counted is not a limit that is kept. Ready again as soon as the store is."""
    before = len(limited.provider.requests)
    limited.store.stop()
    with pytest.raises(openai.InternalServerError) as refused:
        limited.ask(PLAIN)
    unready = limited.get("/readyz")
    limited.store.start()
    limited.ask(PLAIN)

    assert "limits_unavailable" == refused.value.code
    assert 1 == int(refused.value.response.headers["retry-after"])
    assert (503, False) == (unready.status_code, unready.json()["parts"]["limits"]["ok"])
    assert 200 == limited.get("/readyz").status_code
    assert 1 == len(limited.provider.requests) - before
