"""Fields outside the dialect: refused by name, or inspected and forwarded, as the destination says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from openai import BadRequestError, OpenAI

from gateway.cli.running import RunningGateway
from gateway.domain.policy import Zone
from gateway.settings import LlamaCpp, ModelAlias, OpenAiExternal
from gateway.testing.stand_in import StandIn
from tests.egress.harness import ENVIRONMENT, client_for, holds, settings_for

SSN = "536-22-8714"
MAIL = "dana.field@example.com"


@dataclass(frozen=True)
class Widened:
    """A gateway with three destinations at one provider: strict, some names, any name."""

    provider: StandIn
    client: OpenAI
    base_url: str
    key: str


@pytest.fixture(scope="module")
def widened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Widened]:
    """Started once."""
    folder: Path = tmp_path_factory.mktemp("widened")
    with StandIn() as provider:

        def openai(*extra: str) -> OpenAiExternal:
            return OpenAiExternal(
                zone=Zone.EXTERNAL,
                adapter="openai",
                base_url=provider.base_url,
                api_key_env="STAND_IN_KEY",
                extra_fields=extra,
            )

        policy = (Path(__file__).parents[2] / "policies" / "default.policy.yaml").read_text()
        ceiling = "{zone: external, max_label: internal, never: [phi, secret, financial]}"
        ceilings = "".join(f"  {name}: {ceiling}\n" for name in ("some", "any"))
        (folder / "policies").mkdir()
        (folder / "policies" / "default.policy.yaml").write_text(
            policy.replace("destinations:\n", f"destinations:\n{ceilings}", 1)
        )
        settings = settings_for(
            folder,
            provider.base_url,
            policies={"dir": str(folder / "policies")},
            destinations={
                "openai": openai(),
                "some": openai("guided_json", "chat_template_kwargs", "reasoning_details"),
                "any": openai("*"),
                "local-slm": LlamaCpp(zone=Zone.IN_NETWORK, adapter="llama_cpp"),
            },
            models={
                "strict": ModelAlias(external="openai", local="local-slm"),
                "some": ModelAlias(external="some", local="local-slm"),
                "any": ModelAlias(external="any", local="local-slm"),
            },
        )
        with RunningGateway(settings, ENVIRONMENT) as running:
            client = client_for(running.base_url, running.first_key)
            yield Widened(provider, client, running.base_url, running.first_key)
            client.close()


def sent_by(widened: Widened, model: str, text: str = "hello there", **extra: object) -> list[bytes]:
    """What reached the provider because of one request with these extra fields."""
    before = len(widened.provider.requests)
    widened.client.chat.completions.create(
        model=model, messages=[{"role": "user", "content": text}], extra_body=dict(extra)
    )
    return [request.body for request in widened.provider.requests[before:]]


@pytest.mark.parametrize(
    ("model", "name"), [("strict", "guided_json"), ("some", "novel_field"), ("some", "guided_regex")]
)
def test_a_field_that_nobody_allowed_is_refused_by_name(widened: Widened, model: str, name: str) -> None:
    """And nothing reaches the provider."""
    before = len(widened.provider.requests)
    with pytest.raises(BadRequestError) as refused:
        sent_by(widened, model, **{name: {"a": "b"}})

    assert ("unsupported_field", f"/{name}") == (refused.value.code, refused.value.param)
    assert before == len(widened.provider.requests)


@pytest.mark.parametrize(
    ("model", "extra"),
    [
        ("some", {"guided_json": {"type": "object", "properties": {"name": {"type": "string"}}}}),
        ("some", {"chat_template_kwargs": {"enable_thinking": False}}),
        ("any", {"novel_field": [1, 2.5, None, True, {"deep": ["text"]}]}),
    ],
)
def test_a_field_that_is_allowed_is_forwarded_as_it_is(widened: Widened, model: str, extra: dict[str, object]) -> None:
    """Value for value."""
    [body] = sent_by(widened, model, **extra)

    assert extra.items() <= json.loads(body).items()


@pytest.mark.parametrize(
    ("model", "extra"),
    [
        ("some", {"guided_json": {"const": f"SSN {SSN}"}}),
        ("some", {"chat_template_kwargs": {f"SSN {SSN}": 1}}),
        ("any", {"novel_field": {"deep": [{"ssn": f"SSN {SSN}"}]}}),
        ("any", {f"my SSN is {SSN}": 1}),
    ],
)
def test_what_may_not_leave_stays_inside(widened: Widened, model: str, extra: dict[str, object]) -> None:
    """In a value, in a key, or as the name of the field itself."""
    assert [] == sent_by(widened, model, **extra)


@pytest.mark.parametrize(
    ("model", "extra"),
    [
        ("some", {"guided_json": {"const": MAIL}}),
        ("any", {"novel_field": [{"to": f"mail {MAIL}"}]}),
        ("any", {MAIL: "x"}),
    ],
)
def test_contact_data_is_masked(widened: Widened, model: str, extra: dict[str, object]) -> None:
    """Like everywhere else."""
    [body] = sent_by(widened, model, **extra)

    assert not holds(body, MAIL)
    assert b"EMAIL_ADDRESS" in body


@pytest.mark.parametrize("name", ["web_search_options", "moderation"])
def test_what_is_refused_by_name_stays_refused(widened: Widened, name: str) -> None:
    """Any name means any other name."""
    with pytest.raises(BadRequestError) as refused:
        sent_by(widened, "any", **{name: {}})
    assert "unsupported_field" == refused.value.code


def test_a_field_of_a_message_may_be_extra_too(widened: Widened) -> None:
    """Real clients resend what a provider gave them."""
    message = {"role": "assistant", "content": "hi", "reasoning_details": [{"text": f"write to {MAIL}"}]}
    body = {"model": "some", "messages": [{"role": "user", "content": "hello"}, message]}
    before = len(widened.provider.requests)
    answer = httpx.post(
        f"{widened.base_url}/chat/completions",
        json=body,
        headers={"authorization": f"Bearer {widened.key}"},
        timeout=60,
    )
    [sent] = [request.body for request in widened.provider.requests[before:]]

    assert 200 == answer.status_code
    assert "reasoning_details" in json.loads(sent)["messages"][1]
    assert not holds(sent, MAIL)


def test_an_extra_field_does_not_reach_the_model_inside_as_a_surprise(widened: Widened) -> None:
    """A request that stays inside is answered there, whatever extra it carried for the provider."""
    assert [] == sent_by(widened, "any", f"my SSN is {SSN}", novel_field="x")
