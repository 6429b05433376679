"""The whole of the settings, with the defaults of a gateway that nobody configured."""

from __future__ import annotations

from pydantic import Field

from gateway.domain.policy import Zone
from gateway.settings.destinations import (
    Destination,
    LitellmExternal,
    LlamaCpp,
    ModelAlias,
    OpenAiExternal,
    SentenceEncoder,
)
from gateway.settings.sections import (
    Auth,
    Canary,
    Console,
    Database,
    Detector,
    Egress,
    Ledger,
    Limits,
    ModelFiles,
    Policies,
    Section,
    Server,
)

_LOCAL_SLM = LlamaCpp(zone=Zone.IN_NETWORK, adapter="llama_cpp")
_LOCAL_EMBEDDINGS = SentenceEncoder(zone=Zone.IN_NETWORK, adapter="sentence_encoder")


class Settings(Section):
    """All settings."""

    server: Server = Server()
    database: Database = Database()
    ledger: Ledger = Ledger()
    policies: Policies = Policies()
    detector: Detector = Detector()
    canary: Canary = Canary()
    auth: Auth = Auth()
    console: Console = Console()
    limits: Limits = Limits()
    egress: Egress = Egress()
    model_files: ModelFiles = ModelFiles()
    destinations: dict[str, Destination] = Field(
        default={
            "openai": OpenAiExternal(
                zone=Zone.EXTERNAL, adapter="openai", base_url="https://api.openai.com/v1", api_key_env="OPENAI_API_KEY"
            ),
            "anthropic": LitellmExternal(
                zone=Zone.EXTERNAL, adapter="litellm", provider="anthropic", api_key_env="ANTHROPIC_API_KEY"
            ),
            "local-slm": _LOCAL_SLM,
            "local-embeddings": _LOCAL_EMBEDDINGS,
        }
    )
    models: dict[str, ModelAlias] = Field(
        default={
            "gpt-*": ModelAlias(external="openai", local="local-slm"),
            "claude-*": ModelAlias(external="anthropic", local="local-slm"),
            "text-embedding-*": ModelAlias(external="openai"),
            "omni-moderation-*": ModelAlias(external="openai"),
            "local/*": ModelAlias(local="local-slm"),
            "local/minilm": ModelAlias(local="local-embeddings"),
        }
    )
