"""Hostile strings through the front door of the whole gateway: answered, sent as they are, no cover for a canary."""

from __future__ import annotations

import json

import httpx
import pytest

from tests.egress.conftest import House
from tests.egress.harness import holds, left
from tests.hostile import HOSTILE

CANARY = "536-22-8714"


def ask(house: House, strings: list[str]) -> httpx.Response:
    """One request with a message for each string."""
    messages = [{"role": "user", "content": string} for string in strings]
    body = {"model": "gpt-4o-mini", "max_tokens": 1, "messages": messages}
    headers = {"authorization": f"Bearer {house.running.first_key}", "content-type": "application/json"}
    url = f"{house.running.base_url}/chat/completions"
    return httpx.post(url, content=json.dumps(body).encode(), headers=headers, timeout=60, trust_env=False)


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_messages_are_answered(house: House, kind: str) -> None:
    """Outside, with every string as it was written or with stand-ins in it; inside, or refused, with nothing sent."""
    before = len(house.provider.requests)
    reply = ask(house, list(HOSTILE[kind]))
    sent = [[each["content"] for each in json.loads(one.body)["messages"]] for one in house.provider.requests[before:]]
    route = reply.headers["x-gateway-route"]

    assert reply.status_code == (403 if route == "blocked" else 200)
    assert len(sent) == (route in {"external", "external-transformed"})
    assert route != "external" or sent == [list(HOSTILE[kind])]


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_text_covers_no_canary(house: House, kind: str) -> None:
    """A number behind all of them stays inside."""
    before = len(house.provider.requests)
    reply = ask(house, ["\n".join((*HOSTILE[kind], f"SSN: {CANARY}"))])

    assert reply.headers["x-gateway-route"] in {"local", "blocked"}
    assert not holds(left(house.provider, before), CANARY)
