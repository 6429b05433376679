"""The settings: one frozen value, read once from a file and the environment.

Searched in this order: `--config`, `$GATEWAY_CONFIG`, `./gateway.yaml`; without any, the defaults below, which answer
everything from inside. Every key can be overridden by `GATEWAY_<SECTION>__<KEY>`. Trust has no default: a destination
says its own zone, and secrets come only from an environment variable or a file, named here and never written here.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, assert_never

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator

from gateway.adapters.strict_yaml import YamlFlag, YamlList, YamlMap, YamlNode, YamlNumber, YamlText, parse
from gateway.domain.capability import Capability
from gateway.domain.policy import Zone
from gateway.domain.strict_json import Json

ENVIRONMENT_PREFIX = "GATEWAY_"
_DESTINATION = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")
_NAME = r"^[a-z0-9][a-z0-9_.-]{0,62}$"


class ConfigError(Exception):
    """The configuration is wrong. The message says where and how to mend it; it never shows a secret's value."""


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Server(_Section):
    """Where the gateway listens, and what it accepts at most."""

    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=0, le=65535)
    max_body_bytes: int = Field(default=10 * 1024 * 1024, ge=1024)
    body_timeout_s: float = Field(default=30.0, gt=0)
    max_in_flight: int = Field(default=512, ge=1)
    shutdown_s: float = Field(default=30.0, ge=0)


class Database(_Section):
    """Where records and keys are kept: `sqlite:///path` or `postgresql+psycopg://...`."""

    url: SecretStr = SecretStr("sqlite:///var/gateway.db")


class Ledger(_Section):
    """The ledger's signing key, how long an append may take, how long records are kept.

    `origin` names the log in its checkpoints (empty: a name made from the key), `signed_file` remembers the newest one
    (empty: beside the key), `heartbeat_s` is how long it may be silent."""

    key_file: Path = Path("var/ledger.key")
    append_deadline_ms: int = Field(default=250, ge=1, le=60_000)
    origin: str = Field(default="", pattern=r"^(?:[A-Za-z0-9][A-Za-z0-9._/-]{0,127})?$")
    signed_file: str = ""
    heartbeat_s: float = Field(default=60.0, gt=0)
    retention: Literal["6 months", "13 months", "6 years"] = "13 months"


class Policies(_Section):
    """The folder of the policy files. Empty: the policies that ship with the package."""

    dir: str = ""


class Detector(_Section):
    """What finds sensitive content. An empty pipeline means the one that ships with the package. `index_key_file` holds
    the key of the policies' indexes; `judge_tasks` has task and topic of each conversation judged."""

    pipeline: str = ""
    spanish_pipeline: str = ""
    index_key_file: Path = Path("var/index.key")
    deadline_ms: int = Field(default=2000, ge=10, le=120_000)
    processes: int = Field(default=1, ge=1, le=64)
    judge_tasks: bool = False


class Auth(_Section):
    """Whether callers need an API key. Without one every caller is the same `anonymous` app: for local trials only."""

    required: bool = True


ServedOperation = Literal["chat", "responses", "input_tokens", "completions", "embeddings", "moderations"]


class QuotaSection(_Section):
    """How much one key, app, tenant or the whole gateway may use. What is not set is not limited."""

    requests_per_minute: int = Field(default=0, ge=1)
    tokens_per_minute: int = Field(default=0, ge=1)
    tokens_per_day: int = Field(default=0, ge=1)
    concurrent: int = Field(default=0, ge=1)


class Limits(_Section):
    """Quotas, and the store that counts them: `memory`, or a Redis URL that several gateways share."""

    store: str = "memory"
    password_env: str = ""
    password_file: str = ""
    timeout_ms: int = Field(default=500, ge=1, le=60_000)
    gateway: QuotaSection = QuotaSection()
    every_tenant: QuotaSection = QuotaSection()
    every_app: QuotaSection = QuotaSection()
    every_key: QuotaSection = QuotaSection()
    tenants: dict[str, QuotaSection] = Field(default_factory=dict)
    apps: dict[str, QuotaSection] = Field(default_factory=dict)
    keys: dict[str, QuotaSection] = Field(default_factory=dict)

    @field_validator("store")
    @classmethod
    def _known_store(cls, store: str) -> str:
        if store != "memory" and not re.fullmatch(r"rediss?://[^@/]+(/\d+)?", store):
            raise ValueError(
                "write memory, or redis://host:port/number; a password belongs in password_env or password_file"
            )
        return store


class _Destination(_Section):
    api_key_env: str = ""
    api_key_file: str = ""
    timeout_s: float = Field(default=600.0, gt=0)
    connect_timeout_s: float = Field(default=10.0, gt=0)


class _External(_Destination):
    """`extra_fields` are names of fields outside the dialect that requests to this destination may carry: they are
    inspected and forwarded. `"*"` stands for any name; fields that the gateway refuses by name stay refused."""

    zone: Literal[Zone.EXTERNAL]
    extra_fields: tuple[str, ...] = ()


class OpenAiExternal(_External):
    """An OpenAI-compatible provider outside. `operations` are those that it serves; empty: all of OpenAI's."""

    adapter: Literal["openai"]
    base_url: str
    allow_http: bool = False
    operations: tuple[ServedOperation, ...] = ()


class LitellmExternal(_External):
    """Any other provider outside, translated by litellm. `provider` is litellm's own name for it; `anthropic` is also
    spoken to in its own dialect."""

    adapter: Literal["litellm"]
    provider: str = Field(pattern=_NAME)
    base_url: str = ""
    allow_http: bool = False


class OpenAiLocal(_Destination):
    """An OpenAI-compatible server inside the network. `model` replaces the caller's model name when it is set. `lacks`
    is what its model cannot do, `context` how many tokens it reads (0: not known); policies say what happens then."""

    zone: Literal[Zone.IN_NETWORK]
    adapter: Literal["openai"]
    base_url: str
    model: str = ""
    allowed_ranges: tuple[str, ...] = ()
    operations: tuple[ServedOperation, ...] = ("chat", "completions", "embeddings")
    lacks: tuple[Capability, ...] = ()
    context: int = Field(default=0, ge=0)


class LlamaCpp(_Section):
    """A model file that the gateway runs itself, in a process of its own."""

    zone: Literal[Zone.IN_NETWORK]
    adapter: Literal["llama_cpp"]
    model: str = "embedded"
    context: int = Field(default=8192, ge=256)
    threads: int = Field(default=2, ge=1)
    queue: int = Field(default=16, ge=1)
    deadline_s: float = Field(default=120.0, gt=0)


External = OpenAiExternal | LitellmExternal
Destination = Annotated[OpenAiExternal | LitellmExternal | OpenAiLocal | LlamaCpp, Field(union_mode="left_to_right")]


class ModelAlias(_Section):
    """Where a name that callers use may go."""

    external: str = ""
    local: str = ""


_LOCAL_SLM = LlamaCpp(zone=Zone.IN_NETWORK, adapter="llama_cpp")


class Settings(_Section):
    """All settings."""

    server: Server = Server()
    database: Database = Database()
    ledger: Ledger = Ledger()
    policies: Policies = Policies()
    detector: Detector = Detector()
    auth: Auth = Auth()
    limits: Limits = Limits()
    destinations: dict[str, Destination] = Field(
        default={
            "openai": OpenAiExternal(
                zone=Zone.EXTERNAL, adapter="openai", base_url="https://api.openai.com/v1", api_key_env="OPENAI_API_KEY"
            ),
            "anthropic": LitellmExternal(
                zone=Zone.EXTERNAL, adapter="litellm", provider="anthropic", api_key_env="ANTHROPIC_API_KEY"
            ),
            "local-slm": _LOCAL_SLM,
        }
    )
    models: dict[str, ModelAlias] = Field(
        default={
            "gpt-*": ModelAlias(external="openai", local="local-slm"),
            "claude-*": ModelAlias(external="anthropic", local="local-slm"),
            "text-embedding-*": ModelAlias(external="openai"),
            "omni-moderation-*": ModelAlias(external="openai"),
            "local/*": ModelAlias(local="local-slm"),
        }
    )


def load(config: Path | None, environment: Mapping[str, str]) -> Settings:
    """The settings of a file (`None`: none) under the environment's overrides. Raises `ConfigError`."""
    document = _document(config) if config is not None else {}
    for name, text in sorted(environment.items()):
        if name.startswith(ENVIRONMENT_PREFIX):
            _override(document, name, text)
    try:
        settings = Settings.model_validate(document)
    except ValidationError as error:
        raise ConfigError(_explain(error)) from None
    _check_references(settings)
    return settings


def find_config(given: str, environment: Mapping[str, str], folder: Path) -> Path | None:
    """The configuration file to read, `None` for none. A file that was named and is not there is a `ConfigError`."""
    named = given or environment.get("GATEWAY_CONFIG", "")
    if named:
        path = Path(named)
        if not path.is_file():
            raise ConfigError(f"there is no configuration file {named}")
        return path
    default = folder / "gateway.yaml"
    return default if default.is_file() else None


def secret_of(destination: OpenAiExternal | LitellmExternal | OpenAiLocal, environment: Mapping[str, str]) -> SecretStr:
    """A destination's API key, from its variable or its file; empty when it has none. Raises `ConfigError`."""
    return _secret("api_key_file", destination.api_key_file, destination.api_key_env, environment)


def limits_password(limits: Limits, environment: Mapping[str, str]) -> SecretStr:
    """The password of the limits' store, as `secret_of`."""
    return _secret("password_file", limits.password_file, limits.password_env, environment)


def _secret(what: str, file: str, variable: str, environment: Mapping[str, str]) -> SecretStr:
    if file:
        try:
            return SecretStr(Path(file).read_text(encoding="utf-8").strip())
        except (OSError, UnicodeDecodeError):
            raise ConfigError(f"{what} {file} cannot be read") from None
    return SecretStr(environment.get(variable, "") if variable else "")


def _document(path: Path) -> dict[str, Json]:
    try:
        parsed = parse(str(path), path.read_bytes())
    except OSError:
        raise ConfigError(f"{path} cannot be read") from None
    if parsed.problems:
        raise ConfigError("\n".join(str(problem) for problem in parsed.problems))
    return {entry.key: _plain(entry.value) for entry in parsed.root.entries}


def _plain(node: YamlNode) -> Json:
    match node:
        case YamlText(value=text):
            return text
        case YamlNumber(value=number, whole=whole):
            return int(number) if whole else number
        case YamlFlag(value=flag):
            return flag
        case YamlList(items=items):
            return [_plain(item) for item in items]
        case YamlMap(entries=entries):
            return {entry.key: _plain(entry.value) for entry in entries}
        case _:
            assert_never(node)


def _override(document: dict[str, Json], name: str, text: str) -> None:
    section, separator, key = name.removeprefix(ENVIRONMENT_PREFIX).partition("__")
    if not separator:
        if section.lower() in Settings.model_fields:
            raise ConfigError(f"{name}: name one key of the section, as in {name}__<KEY>")
        return  # GATEWAY_CONFIG, and what others name so: Kubernetes does for a service that is called gateway
    inner = document.setdefault(section.lower(), _defaults_of(section.lower()))
    if not isinstance(inner, dict):
        raise ConfigError(f"{name}: the section {section.lower()} is not a mapping")
    path = key.lower().split("__")
    for step in path[:-1]:
        deeper = inner.setdefault(step, {})
        if not isinstance(deeper, dict):
            raise ConfigError(f"{name}: {step} is not a mapping")
        inner = deeper
    inner[path[-1]] = _overriding(name, text)


def _defaults_of(section: str) -> dict[str, Json]:
    """What an override finds where the file is silent: the default destinations and models, else single keys."""
    if section not in {"destinations", "models"}:
        return {}
    defaults: dict[str, Json] = Settings().model_dump(mode="json", include={section}, exclude_defaults=False)[section]
    return defaults


def _overriding(name: str, text: str) -> Json:
    """A list, mapping or flag is written as in the file; anything else is taken as it stands."""
    if text[:1] not in {"[", "{"} and text not in {"true", "false"}:
        return text
    parsed = parse(name, f"value: {text}".encode(errors="surrogatepass"))
    if parsed.problems:
        raise ConfigError(f"{name}: the value is not readable as YAML")
    return _plain(parsed.root.entries[0].value)


def _explain(error: ValidationError) -> str:
    """One line for each problem, without any value."""
    lines = []
    for problem in error.errors(include_input=False, include_url=False):
        where = ".".join(str(step) for step in problem["loc"])
        if problem["type"] == "extra_forbidden":
            lines.append(f"{where}: unknown key{_did_you_mean(problem['loc'])}")
        else:
            lines.append(f"{where}: {problem['msg']}")
    return "\n".join(sorted(set(lines))) or "the configuration is not valid"


_SECTIONS: Mapping[str, tuple[type[_Section], ...]] = {
    "server": (Server,),
    "database": (Database,),
    "ledger": (Ledger,),
    "policies": (Policies,),
    "detector": (Detector,),
    "auth": (Auth,),
    "limits": (Limits, QuotaSection),
    "destinations": (OpenAiExternal, LitellmExternal, OpenAiLocal, LlamaCpp),
    "models": (ModelAlias,),
}


def _did_you_mean(location: tuple[int | str, ...]) -> str:
    sections = _SECTIONS.get(str(location[0]), ()) if len(location) > 1 else (Settings,)
    known = {field for section in sections for field in section.model_fields}
    close = difflib.get_close_matches(str(location[-1]), sorted(known), n=1)
    return f" (did you mean {close[0]}?)" if close else ""


def _check_references(settings: Settings) -> None:
    for name in settings.destinations:
        if not _DESTINATION.fullmatch(name):
            raise ConfigError(f"destinations.{name}: a name is letters, digits, `_`, `.` and `-`, at most 63")
    for name, alias in settings.models.items():
        for kind, zone in ((alias.external, Zone.EXTERNAL), (alias.local, Zone.IN_NETWORK)):
            if not kind:
                continue
            if kind not in settings.destinations:
                raise ConfigError(f"models.{name}: there is no destination {kind}")
            if settings.destinations[kind].zone is not zone:
                raise ConfigError(f"models.{name}: the destination {kind} is not {zone.value}")
        if not alias.external and not alias.local:
            raise ConfigError(f"models.{name}: names no destination")
