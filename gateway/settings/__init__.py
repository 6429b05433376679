"""The settings: one frozen value, read once. Trust has no default: a destination says its own zone, and secrets come
only from an environment variable or a file, named here and never written here."""

from __future__ import annotations

from gateway.settings.destinations import (
    Destination,
    External,
    LitellmExternal,
    LlamaCpp,
    ModelAlias,
    OpenAiExternal,
    OpenAiLocal,
    SentenceEncoder,
)
from gateway.settings.document import Settings
from gateway.settings.reading import (
    ENVIRONMENT_PREFIX,
    ConfigError,
    find_config,
    load,
    oidc_secret,
    secret_of,
    store_password,
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
    Oidc,
    Policies,
    QuotaSection,
    ServedOperation,
    Server,
)

__all__ = [
    "ENVIRONMENT_PREFIX",
    "Auth",
    "Canary",
    "ConfigError",
    "Console",
    "Database",
    "Destination",
    "Detector",
    "Egress",
    "External",
    "Ledger",
    "Limits",
    "LitellmExternal",
    "LlamaCpp",
    "ModelAlias",
    "ModelFiles",
    "Oidc",
    "OpenAiExternal",
    "OpenAiLocal",
    "Policies",
    "QuotaSection",
    "SentenceEncoder",
    "ServedOperation",
    "Server",
    "Settings",
    "find_config",
    "load",
    "oidc_secret",
    "secret_of",
    "store_password",
]
