"""Requests that belong inside and ask for what the model there cannot do, through the front door of a whole gateway."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pytest
from openai import APIStatusError, OpenAI

from gateway.cli.running import RunningGateway
from gateway.paths import data_path
from gateway.settings import Policies
from gateway.testing.stand_in import StandIn
from tests.egress.harness import ENVIRONMENT, client_for, holds, left, settings_for

SAYS = "\nincapable: {tools: send, json_schema: degrade, vision: {block: 422}}\n"
SSN, EMAIL = "536-22-8145", "dana.whitfield@example.com"
SECRET = "sk-proj-Zk3vT9qLm2Xw8RbN4yHc7JdP1sGf6AuE"
LOOK_UP = {"type": "function", "function": {"name": "look_up", "parameters": {"type": "object"}}}
SCHEMA = {"type": "json_schema", "json_schema": {"name": "answer", "schema": {"type": "object"}}}


@dataclass(frozen=True)
class Desk:
    """A gateway whose policy says what happens where the model inside cannot do what is asked."""

    provider: StandIn
    client: OpenAI

    def ask(self, content: object, **more: object) -> tuple[int, Mapping[str, str], bytes]:
        """Status and headers of the answer, and what reached the provider meanwhile."""
        before = len(self.provider.requests)
        try:
            raw = self.client.chat.completions.with_raw_response.create(
                model="gpt-4o-mini",
                messages=[{"role": "user", "content": content}],  # type: ignore[list-item]
                max_tokens=8,
                **more,  # type: ignore[call-overload]
            )
            status, headers = raw.status_code, raw.headers
        except APIStatusError as error:
            status, headers = error.status_code, error.response.headers
        return status, headers, left(self.provider, before)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """The policy that ships, with a word about what models inside cannot do."""
    folder = tmp_path_factory.mktemp("desk")
    policies = folder / "policies"
    policies.mkdir()
    (policies / "default.policy.yaml").write_text((data_path("policies") / "default.policy.yaml").read_text() + SAYS)
    with StandIn() as provider:
        settings = settings_for(folder, provider.base_url, policies=Policies(dir=str(policies)))
        with RunningGateway(settings, ENVIRONMENT) as running:
            client = client_for(running.base_url, running.first_key)
            yield Desk(provider, client)
            client.close()


def told(headers: Mapping[str, str]) -> tuple[str | None, ...]:
    """What the caller is told of it."""
    return tuple(headers.get(f"x-gateway-{name}") for name in ("route", "reason", "lacking", "recourse"))


def test_it_is_sent_with_a_stand_in_for_all_that_was_found(desk: Desk) -> None:
    """Neither the number nor the address reaches the provider in any writing; the tool does."""
    text = f"Look up the file of {SSN} and mail it to {EMAIL}."
    status, headers, sent = desk.ask(text, tools=[LOOK_UP])

    assert (200, ("external-transformed", "LOCAL_MODEL_CANNOT", "tools", "sent")) == (status, told(headers))
    assert b"look_up" in sent
    assert b"US_SSN_" in sent
    assert not [value for value in (SSN, EMAIL) if holds(sent, value)]


@pytest.mark.parametrize(
    "text", ["Patient John Smith was diagnosed with type 2 diabetes.", f"Book the bed of John Smith, diabetic, {SSN}."]
)
def test_what_must_not_leave_is_refused(desk: Desk, text: str) -> None:
    """A rule that nobody may be excepted from keeps health data inside; no model there can answer, so nobody does."""
    status, headers, sent = desk.ask(text, tools=[LOOK_UP])

    assert (422, ("blocked", "LOCAL_MODEL_CANNOT", "tools", "refused"), b"") == (status, told(headers), sent)


def test_a_secret_is_refused_as_ever(desk: Desk) -> None:
    """By its own rule, whatever a model inside can do."""
    status, headers, sent = desk.ask(f"Log in with {SECRET}.", tools=[LOOK_UP])

    assert (403, ("blocked", "SECRET_IN_REQUEST", None, None), b"") == (status, told(headers), sent)


def test_an_image_beside_a_number_is_refused(desk: Desk) -> None:
    """Nobody reads what is in it, and the policy refuses rather than answers without it."""
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
    status, headers, sent = desk.ask([{"type": "text", "text": f"Is this {SSN}?"}, image])

    assert (422, ("blocked", "LOCAL_MODEL_CANNOT", "vision", "refused"), b"") == (status, told(headers), sent)


def test_what_can_be_done_inside_stays_there(desk: Desk) -> None:
    """Without tools it is an ordinary request of its kind."""
    status, headers, sent = desk.ask(f"Is {SSN} on file?")

    assert (200, ("local", "GOVERNMENT_ID", None, None), b"") == (status, told(headers), sent)
