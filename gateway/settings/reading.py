"""How the settings are read: one document from a file and the environment, each fault with its place.

Searched in this order: `--config`, `$GATEWAY_CONFIG`, `./gateway.yaml`; without any, the defaults, which answer
everything from inside. Every key can be overridden by `GATEWAY_<SECTION>__<KEY>`.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import assert_never, get_args

from pydantic import SecretStr, ValidationError

from gateway.adapters.strict_yaml import YamlFlag, YamlList, YamlMap, YamlNode, YamlNumber, YamlText, parse
from gateway.domain.policy import Zone
from gateway.domain.strict_json import Json
from gateway.settings.destinations import LitellmExternal, OpenAiExternal, OpenAiLocal
from gateway.settings.document import Settings
from gateway.settings.sections import Egress, Limits, Oidc, Section

ENVIRONMENT_PREFIX = "GATEWAY_"
_DESTINATION = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")


class ConfigError(Exception):
    """The configuration is wrong. The message says where and how to mend it; it never shows a secret's value."""


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


def store_password(section: Limits | Egress, environment: Mapping[str, str]) -> SecretStr:
    """The password of a section's store, as `secret_of`."""
    return _secret("password_file", section.password_file, section.password_env, environment)


def oidc_secret(oidc: Oidc, environment: Mapping[str, str]) -> SecretStr:
    """The client secret that an identity provider gave, as `secret_of`."""
    return _secret("client_secret_file", oidc.client_secret_file, oidc.client_secret_env, environment)


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


def _did_you_mean(location: tuple[int | str, ...]) -> str:
    known = set(Settings.model_fields)
    if len(location) > 1:
        section = Settings.model_fields.get(str(location[0]))
        known = {key for each in _sections_in(section and section.annotation) for key in each.model_fields}
    close = difflib.get_close_matches(str(location[-1]), sorted(known), n=1)
    return f" (did you mean {close[0]}?)" if close else ""


def _sections_in(kind: object) -> set[type[Section]]:
    """The sections that the type of a setting names, and those inside of them."""
    if isinstance(kind, type) and issubclass(kind, Section):
        return {kind}.union(*(_sections_in(field.annotation) for field in kind.model_fields.values()))
    found: set[type[Section]] = set()
    return found.union(*(_sections_in(each) for each in get_args(kind)))


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
