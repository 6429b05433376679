"""The main job through the other door: a provider that speaks another dialect."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gateway.cli.running import RunningGateway
from gateway.domain.conversation import Operation
from gateway.domain.policy import Zone
from gateway.pipeline.ports import Streamed, Whole
from gateway.settings import LitellmExternal, LlamaCpp, ModelAlias
from gateway.testing.stand_in import StandIn
from tests.adapters.clearing import body_of, content_of, read_all
from tests.adapters.egress_house import KEY, running_egress
from tests.egress.harness import ENVIRONMENT, client_for, holds, left, settings_for

EMAIL = "dana.whitfield@example.com"
SSN = "536-22-8145"

pytestmark = pytest.mark.filterwarnings("ignore:Item .* on TypedDict class:UserWarning")


def test_another_dialect_is_masked_and_restored_too(tmp_path: Path) -> None:
    """Anthropic's messages: a placeholder leaves, streamed and not; what is sensitive stays inside."""
    with StandIn() as provider:
        root = provider.base_url.removesuffix("/v1")
        settings = settings_for(
            tmp_path,
            provider.base_url,
            destinations={
                "anthropic": LitellmExternal(
                    zone=Zone.EXTERNAL,
                    adapter="litellm",
                    provider="anthropic",
                    base_url=root,
                    api_key_env="STAND_IN_KEY",
                ),
                "local-slm": LlamaCpp(zone=Zone.IN_NETWORK, adapter="llama_cpp"),
            },
            models={"claude-*": ModelAlias(external="anthropic", local="local-slm")},
        )
        with RunningGateway(settings, ENVIRONMENT) as running:
            client = client_for(running.base_url, running.first_key)
            answers, routes = [], []
            for text, stream in ((f"mail {EMAIL}", False), (f"mail {EMAIL}", True), (f"my ssn is {SSN}", False)):
                raw = client.chat.completions.with_raw_response.create(
                    model="claude-sonnet-4-5",
                    messages=[{"role": "user", "content": text}],
                    stream=stream,
                    max_tokens=64,
                )
                routes.append(raw.headers["x-gateway-route"])
                parsed = raw.parse()
                answers.append(
                    "".join(c.choices[0].delta.content or "" for c in parsed if c.choices)  # type: ignore[union-attr]
                    if stream
                    else parsed.choices[0].message.content
                )
            client.close()

    assert ["external-transformed", "external-transformed", "local"] == routes
    assert EMAIL in (answers[0] or "")
    assert EMAIL in (answers[1] or "")
    assert 2 == len(provider.requests)
    assert {"/v1/messages"} == {request.path for request in provider.requests}
    assert not holds(left(provider), EMAIL)
    assert not holds(left(provider), SSN)


async def test_an_egress_translates_too(tmp_path: Path) -> None:
    """A provider's own dialect as it is, and chat through what translates; the provider's key stands in both."""
    message = {"model": "claude-x", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}
    names = ("anthropic",)
    with StandIn() as provider:
        async with running_egress(tmp_path, provider.base_url, names) as house:
            link = house.link()
            door = house.external(link, "anthropic")
            native = house.clearance(json.dumps(message).encode(), "anthropic", Operation.MESSAGES)
            answers = [await door.complete(native), await door.complete(house.clearance(destination="anthropic"))]
            streamed = await door.complete(house.clearance(body_of("piece by piece", stream=True), "anthropic"))
            assert isinstance(streamed, Streamed)
            told = content_of(await read_all(streamed.events))
            await link.aclose()

    assert [Whole, Whole] == [type(answer) for answer in answers]
    assert "piece by piece" in told
    assert [KEY] * 3 == [seen.header("x-api-key") for seen in provider.requests]
