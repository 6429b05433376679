"""The sections of the settings that say what the gateway is: where it listens, records, looks and counts."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr

from gateway.domain.accounts import Role


class Section(BaseModel):
    """A part of the settings: frozen, without unknown keys, and silent about what was written in it."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Server(Section):
    """Where the gateway listens, and what it accepts at most."""

    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=0, le=65535)
    max_body_bytes: int = Field(default=10 * 1024 * 1024, ge=1024)
    body_timeout_s: float = Field(default=30.0, gt=0)
    max_in_flight: int = Field(default=512, ge=1)
    max_in_flight_bytes: int = Field(default=64 * 1024 * 1024, ge=1024)
    drain_s: float = Field(default=0.0, ge=0)
    shutdown_s: float = Field(default=30.0, ge=0)


class Database(Section):
    """Where records and keys are kept: `sqlite:///path` or `postgresql+psycopg://...`."""

    url: SecretStr = SecretStr("sqlite:///var/gateway.db")


class Ledger(Section):
    """The ledger's signing key, how long an append may take, how long records are kept.

    `origin` names the log in its checkpoints (empty: a name made from the key), `signed_file` remembers the newest one
    (empty: beside the key), `heartbeat_s` is how long it may be silent. It is verified every `verify_interval_s` (0:
    never by itself); then `witnesses`, each a line as a witness prints it, have to have cosigned it."""

    key_file: Path = Path("var/ledger.key")
    append_deadline_ms: int = Field(default=250, ge=1, le=60_000)
    origin: str = Field(default="", pattern=r"^(?:[A-Za-z0-9][A-Za-z0-9._/-]{0,127})?$")
    signed_file: str = ""
    heartbeat_s: float = Field(default=60.0, gt=0)
    retention: Literal["6 months", "13 months", "6 years"] = "13 months"
    verify_interval_s: float = Field(default=86_400.0, ge=0)
    witnesses: tuple[str, ...] = ()


class Policies(Section):
    """The folder of the policy files. Empty: the policies that ship with the package."""

    dir: str = ""


class Detector(Section):
    """What finds sensitive content. An empty pipeline means the one that ships with the package. `index_key_file` holds
    the key of the policies' indexes; `judge_tasks` has task and topic of each conversation judged."""

    pipeline: str = ""
    spanish_pipeline: str = ""
    index_key_file: Path = Path("var/index.key")
    deadline_ms: int = Field(default=2000, ge=10, le=120_000)
    processes: int = Field(default=1, ge=1, le=64)
    judge_tasks: bool = False


class Canary(Section):
    """The requests that the gateway makes itself, to see that nothing gets out: whether, and how often."""

    enabled: bool = True
    interval_s: float = Field(default=900.0, ge=1)


def _shared_store(store: str) -> str:
    if store != "memory" and not re.fullmatch(r"rediss?://[^@/]+(/\d+)?", store):
        raise ValueError(
            "write memory, or redis://host:port/number; a password belongs in password_env or password_file"
        )
    return store


class _Store(Section):
    """Where something is counted: `memory` of one process, or a Redis URL that several processes share."""

    store: Annotated[str, AfterValidator(_shared_store)] = "memory"
    password_env: str = ""
    password_file: str = ""
    timeout_ms: int = Field(default=500, ge=1, le=60_000)


class Egress(_Store):
    """The process that alone holds providers' keys and may send. With a `url` (`http(s)://host:port` inside the
    network, `unix:/path`) the gateway hands over to it; the rest is read by `gateway egress`.

    `gateway_keys` are public keys as `gateway ledger public-key` prints them, `gateway_keys_file` holds more of them,
    one a line; `store` remembers what was sent."""

    url: str = Field(default="", pattern=r"^(?:https?://[^/]+/?|unix:/.+)?$")
    ca_file: str = ""
    allowed_ranges: tuple[str, ...] = ()
    clearance_s: float = Field(default=30.0, gt=0, le=300)
    host: str = "127.0.0.1"
    port: int = Field(default=8090, ge=0, le=65535)
    socket: str = ""
    certificate_file: str = ""
    private_key_file: str = ""
    gateway_keys: tuple[str, ...] = ()
    gateway_keys_file: str = ""
    refusals_file: Path = Path("var/egress-refusals.jsonl")
    clock_skew_s: float = Field(default=2.0, ge=0, le=60)
    max_body_bytes: int = Field(default=32 * 1024 * 1024, ge=1024)
    max_in_flight: int = Field(default=1024, ge=1)


class Auth(Section):
    """Whether callers need an API key. Without one every caller is the same `anonymous` app: for local trials only."""

    required: bool = True


class Oidc(Section):
    """Signing in to the console with an OpenID Connect provider. An empty `issuer` means without. `roles` says which
    value of the claim `role_claim` makes somebody what; whoever has none of them is not let in."""

    issuer: str = Field(default="", pattern=r"^(?:(?:https://|http://(?:127\.0\.0\.1|localhost)[:/])[^\s?#]+)?$")
    client_id: str = ""
    client_secret_env: str = ""
    client_secret_file: str = ""
    role_claim: str = "roles"
    roles: dict[str, Role] = Field(default_factory=dict)


class Console(Section):
    """The console on /console: whether this gateway serves it, and how long an idle session lasts. `proposals` are
    folders of policy files, by names, that its pages compare with those in force. With `weekly_sample`, some decisions
    that left are put under review each Monday. `base_url` is how browsers reach this host, for the way back from an
    identity provider (empty: `server.host` and `server.port`)."""

    enabled: bool = True
    session_minutes: int = Field(default=30, ge=1, le=720)
    proposals: dict[str, str] = Field(default_factory=dict)
    weekly_sample: bool = True
    base_url: str = Field(default="", pattern=r"^(?:https?://[^\s?#/]+)?$")
    oidc: Oidc = Oidc()


class ModelFiles(Section):
    """Where `gateway models pull` keeps what it pulls, and where from: a mirror of the hub (empty: the hub itself),
    nothing at all where `offline`. `manifest` lists models of your own beside those that the gateway knows."""

    dir: Path = Path("var/models")
    manifest: str = ""
    hub: str = Field(default="", pattern=r"^(?:https?://[^@\s]+)?$")
    offline: bool = False


ServedOperation = Literal["chat", "responses", "input_tokens", "completions", "embeddings", "moderations"]


class QuotaSection(Section):
    """How much one key, app, tenant or the whole gateway may use. What is not set is not limited."""

    requests_per_minute: int = Field(default=0, ge=1)
    tokens_per_minute: int = Field(default=0, ge=1)
    tokens_per_day: int = Field(default=0, ge=1)
    concurrent: int = Field(default=0, ge=1)


class Limits(_Store):
    """Quotas, and the store that counts them."""

    gateway: QuotaSection = QuotaSection()
    every_tenant: QuotaSection = QuotaSection()
    every_app: QuotaSection = QuotaSection()
    every_key: QuotaSection = QuotaSection()
    tenants: dict[str, QuotaSection] = Field(default_factory=dict)
    apps: dict[str, QuotaSection] = Field(default_factory=dict)
    keys: dict[str, QuotaSection] = Field(default_factory=dict)
