"""Asking at the front door, for the holes: one request, and what of it left."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

import httpx

from gateway.testing.stand_in import Seen
from tests.egress.leaks.canaries import term
from tests.egress.leaks.hearing import Heard
from tests.egress.leaks.house import House, Listening

SSN = "536-22-8145"
TOLD_SSN = f"My social security number is {SSN}, is it on file?"
CARD = "4111 1111 1111 1111"
EMAIL = "dana.whitfield@example.com"
SECRET = "sk-proj-Zk3vT9qLm2Xw8RbN4yHc7JdP1sGf6AuE"
TERM = term(0)
CHAT, RESPONSES, MESSAGES = "/v1/chat/completions", "/v1/responses", "/v1/messages"
COMPLETIONS, EMBEDDINGS, MODERATIONS = "/v1/completions", "/v1/embeddings", "/v1/moderations"
MODEL, CLAUDE = "gpt-4o-mini", "claude-sonnet-4-5"

_TRIES = 2_000


@dataclass(frozen=True)
class Reply:
    """How a request was answered, and the requests that the provider got because of it."""

    status: int
    headers: httpx.Headers
    text: str
    sent: list[Seen] = field(repr=False)

    @property
    def route(self) -> str:
        """`local`, `external`, `external-transformed`, `blocked`, or empty where nothing was decided."""
        return str(self.headers.get("x-gateway-route", ""))

    @property
    def code(self) -> str:
        """The code of an error."""
        return str(json.loads(self.text)["error"].get("code"))

    def left(self, value: str) -> bool:
        """Whether a value reached the provider, in whatever writing."""
        return Heard(self.sent).holds_thoroughly(value)

    def kept(self) -> bool:
        """Whether nothing at all reached the provider, and the caller got a proper answer."""
        return not self.sent and self.status in {200, 400, 403, 404, 405, 413, 415, 426, 503}


@dataclass(frozen=True)
class Front:
    """The front door of a house, as one caller. `key` is that of the first key where it is empty."""

    house: House
    key: str = ""

    def send(
        self,
        path: str,
        body: object = None,
        *,
        headers: Mapping[str, str] = {},
        method: str = "POST",
    ) -> Reply:
        """One request. A body that is no bytes is written as JSON."""
        listening = Listening(self.house.provider)
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        own = {"authorization": f"Bearer {self.key}"} if self.key else {}
        url = f"{self.house.running.base_url.removesuffix('/v1')}{path}"
        answer = self.house.client.request(method, url, content=raw, headers={**own, **headers})
        return Reply(answer.status_code, answer.headers, answer.text, listening.requests)

    def chat(self, said: object, headers: Mapping[str, str] = {}, **more: object) -> Reply:
        """A chat completion: one user's text, or whole messages."""
        messages = [{"role": "user", "content": said}] if isinstance(said, str) else said
        return self.send(CHAT, {"model": MODEL, "messages": messages, **more}, headers=headers)

    def responses(self, said: object, **more: object) -> Reply:
        """A response: one text, or whole items."""
        return self.send(RESPONSES, {"model": MODEL, "input": said, **more})

    def messages(self, said: object, **more: object) -> Reply:
        """A message, in Anthropic's dialect."""
        messages = [{"role": "user", "content": said}] if isinstance(said, str) else said
        return self.send(MESSAGES, {"model": CLAUDE, "max_tokens": 64, "messages": messages, **more})

    def ready(self) -> None:
        """Come back once plain traffic leaves: whatever a case did to the gateway, it has recovered from."""
        self.house.provider.unscript()
        self.house.inside.unscript()
        for _ in range(_TRIES):
            if self.chat("hello").sent:
                return
        raise AssertionError("plain traffic does not leave any more")

    def caller(self, *, tenant: str = "default", app: str = "other") -> Front:
        """The same door as another caller, with a new key."""
        gateway, loop = self.house.running.gateway, self.house.running._loop
        creating = gateway._keys.create(gateway._ledger, name=f"{app}-{tenant}", tenant=tenant, app=app)
        key = asyncio.run_coroutine_threadsafe(creating, loop).result()
        return Front(self.house, key.key)
