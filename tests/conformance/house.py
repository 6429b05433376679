"""The two sides of the comparison: the stand-in provider itself, and a whole gateway in front of it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gateway.cli.running import RunningGateway
from gateway.domain.policy import Zone
from gateway.settings import LitellmExternal, ModelAlias, OpenAiExternal, Policies, Settings
from gateway.testing.stand_in import Manner, StandIn
from tests.egress.harness import settings_for

REPOSITORY = Path(__file__).resolve().parent.parent.parent
PROVIDER_KEY = "provider-key-canary"
OPENAI_MODELS = ("gpt-4o-mini", "gpt-4o", "gpt-5-mini", "text-embedding-3-small", "omni-moderation-latest")
ANTHROPIC_MODELS = ("claude-x",)


@dataclass(frozen=True)
class Side:
    """Where a client is pointed: `base_url` ends in `/v1`, `root` does not. `provider` is what answers in the end."""

    name: str
    base_url: str
    key: str
    provider: StandIn

    @property
    def root(self) -> str:
        """The base URL for clients that add the version themselves."""
        return self.base_url.removesuffix("/v1")


@contextlib.contextmanager
def stand_in() -> Iterator[StandIn]:
    """A provider that knows its models and takes one key."""
    models = (*OPENAI_MODELS, *ANTHROPIC_MODELS)
    with StandIn(manner=Manner(models=models, only_listed=True, keys=(PROVIDER_KEY,))) as provider:
        yield provider


@contextlib.contextmanager
def gateway_for(folder: Path, provider: StandIn) -> Iterator[Side]:
    """A gateway whose every model is the provider's. Its policy is the default one, except that images and files count
    as internal, so that requests with them leave as well."""
    settings = _settings(folder, provider)
    with RunningGateway(settings, {"STAND_IN_KEY": PROVIDER_KEY}) as running:
        yield Side("gateway", running.base_url, running.first_key, provider)


def _settings(folder: Path, provider: StandIn) -> Settings:
    policies = folder / "policies"
    policies.mkdir()
    default = (REPOSITORY / "policies" / "default.policy.yaml").read_text()
    assert "opaque_part: {treat_as: restricted}" in default
    text = default.replace("opaque_part: {treat_as: restricted}", "opaque_part: {treat_as: internal}")
    (policies / "default.policy.yaml").write_text(text)
    base = settings_for(folder, provider.base_url)
    destinations = {
        **base.destinations,
        "openai": OpenAiExternal(
            zone=Zone.EXTERNAL, adapter="openai", base_url=provider.base_url, api_key_env="STAND_IN_KEY"
        ),
        "anthropic": LitellmExternal(
            zone=Zone.EXTERNAL,
            adapter="litellm",
            provider="anthropic",
            base_url=provider.base_url.removesuffix("/v1"),
            api_key_env="STAND_IN_KEY",
        ),
    }
    models = {
        **{name: ModelAlias(external="openai", local="local-slm") for name in OPENAI_MODELS},
        **{name: ModelAlias(external="anthropic", local="local-slm") for name in ANTHROPIC_MODELS},
    }
    return settings_for(
        folder, provider.base_url, destinations=destinations, models=models, policies=Policies(dir=str(policies))
    )
