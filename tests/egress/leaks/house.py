"""A gateway with real parts, the provider outside that keeps every byte, and a model inside that answers at once.

Three ways lead out: OpenAI's own dialect, Anthropic's own dialect, and a provider that speaks chat completions alone,
to which the other dialects are translated.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import get_args

import httpx

from gateway.cli.running import RunningGateway
from gateway.domain.labels import DEFAULT_TABLE
from gateway.domain.policy import Zone
from gateway.settings import (
    LitellmExternal,
    ModelAlias,
    OpenAiExternal,
    OpenAiLocal,
    Policies,
    ServedOperation,
    Settings,
)
from gateway.testing.stand_in import Seen, StandIn
from tests.conftest import REPOSITORY
from tests.egress.harness import ENVIRONMENT, settings_for
from tests.egress.leaks.canaries import term

_CEILING = "{zone: external, max_label: internal, never: [phi, secret, financial, proprietary]}"
_DETECTOR = """
detectors:
  code-name: {{type: terms, label: restricted, classes: [proprietary], terms: [{terms}]}}
"""
_RULES = """
  - id: everything-is-masked
    reason: MASKED
    severity: low
    when:
      any: [{{finding: {{entity: code-name}}}}, {found}]
    then:
      transform: [{{entity: code-name, with: placeholder}}, {transforms}]
      route: external
"""
_CLEARED = """
  - id: cleared
    reason: CLEARED
    severity: info
    when: {label: {at_most: internal}}
    then: {route: external}
"""
_ANSWERS = """
answers:
  - {id: strangers, entities: [US_SSN, CREDIT_CARD, SECRET, EMAIL_ADDRESS], new: true, then: mask}
  - {id: addresses, links: [images, links], allow: [docs.example.com], then: mask}
"""


@dataclass(frozen=True)
class House:
    """A running gateway and those around it."""

    running: RunningGateway
    provider: StandIn
    inside: StandIn
    client: httpx.Client
    folder: Path

    def post(self, path: str, body: bytes) -> httpx.Response:
        """One request through the front door, as raw bytes."""
        return self.client.post(path.removeprefix("/v1"), content=body)


@dataclass
class Listening:
    """What reached the provider since this was made. A provider that is done with is emptied, so nothing piles up."""

    provider: StandIn
    start: int = field(init=False)

    def __post_init__(self) -> None:
        self.start = len(self.provider.requests)

    @property
    def requests(self) -> list[Seen]:
        """The requests since then."""
        return self.provider.requests[self.start :]


def masking_policy(numbers: Iterable[int] = range(1)) -> str:
    """A policy under which whatever is found leaves as a placeholder: one request can then show of many fields whether
    each is inspected. Under the shipped policy the first finding of a request keeps all of it inside."""
    entities = sorted(DEFAULT_TABLE)
    policy = _shipped()
    rules = policy.index("\nrules:")
    end = policy.index("\n# What no rule speaks of")
    masked = _RULES.format(
        found=", ".join(f"{{finding: {{entity: {each}}}}}" for each in entities),
        transforms=", ".join(f"{{entity: {each}, with: placeholder}}" for each in entities),
    )
    return f"{policy[:rules]}{_terms(numbers)}\nrules:{masked}{_CLEARED}{policy[end:]}"


def shipped_policy(numbers: Iterable[int] = range(1)) -> str:
    """The policy that ships, which keeps a code name inside as it does whatever else is of the highest label."""
    policy = _shipped()
    rules = policy.index("\nrules:")
    return f"{policy[:rules]}{_terms(numbers)}{policy[rules:]}"


def guarded_policy() -> str:
    """The policy that ships, for the app `guarded` alone, which also has its answers inspected."""
    name, scope = "name: default", 'scope: {apps: ["*"]'
    policy = shipped_policy()
    assert name in policy
    assert scope in policy
    return policy.replace(name, "name: guarded").replace(scope, "scope: {apps: [guarded]") + _ANSWERS


def _shipped() -> str:
    policy = (REPOSITORY / "policies" / "default.policy.yaml").read_text()
    lines = f"destinations:\n  openai: {_CEILING}\n"
    assert lines in policy
    return policy.replace(lines, f"{lines}  chat-only: {_CEILING}\n")


def _terms(numbers: Iterable[int]) -> str:
    """A detector that knows the code names with these numbers. At most 5,000: a policy takes 10,000 terms."""
    texts = [f'"{term(number, joint)}"' for number in (0, *numbers) for joint in (" ", "-")]
    return _DETECTOR.format(terms=", ".join(texts))


def settings_of(folder: Path, provider: StandIn, inside: StandIn, texts: Sequence[str]) -> Settings:
    """The settings of a house."""
    policies = folder / "policies"
    policies.mkdir()
    for number, text in enumerate(texts):
        (policies / f"suite{number}.policy.yaml").write_text(text)
    outside = {"zone": Zone.EXTERNAL, "base_url": provider.base_url, "api_key_env": "STAND_IN_KEY"}
    root = provider.base_url.removesuffix("/v1")
    local = "local-slm"
    return settings_for(
        folder,
        provider.base_url,
        destinations={
            "openai": OpenAiExternal(adapter="openai", **outside),  # type: ignore[arg-type]
            "chat-only": OpenAiExternal(adapter="openai", operations=("chat",), **outside),  # type: ignore[arg-type]
            "anthropic": LitellmExternal(adapter="litellm", provider="anthropic", **{**outside, "base_url": root}),  # type: ignore[arg-type]
            local: OpenAiLocal(
                zone=Zone.IN_NETWORK, adapter="openai", base_url=inside.base_url, operations=get_args(ServedOperation)
            ),
        },
        models={
            "gpt-*": ModelAlias(external="openai", local=local),
            "chat-*": ModelAlias(external="chat-only", local=local),
            "claude-*": ModelAlias(external="anthropic", local=local),
            "out-*": ModelAlias(external="openai"),
            "omni-moderation-latest": ModelAlias(external="openai", local=local),
        },
        policies=Policies(dir=str(policies)),
    )


@contextlib.contextmanager
def house_of(folder: Path, *policies: str) -> Iterator[House]:
    """A house, for as long as the context lasts."""
    with contextlib.ExitStack() as stack:
        provider, inside = stack.enter_context(StandIn()), stack.enter_context(StandIn())
        settings = settings_of(folder, provider, inside, policies)
        running = stack.enter_context(RunningGateway(settings, ENVIRONMENT))
        headers = {"authorization": f"Bearer {running.first_key}", "content-type": "application/json"}
        client = httpx.Client(base_url=running.base_url, headers=headers, timeout=60, trust_env=False)
        stack.enter_context(client)
        yield House(running, provider, inside, client, folder)
