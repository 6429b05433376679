"""The settings: a file and the environment, in which every mistake is refused and no secret shows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import BaseModel, ValidationError

from gateway.domain.policy import Zone
from gateway.settings import (
    Auth,
    Canary,
    ConfigError,
    Console,
    Database,
    Detector,
    Egress,
    Ledger,
    Limits,
    LitellmExternal,
    LlamaCpp,
    ModelAlias,
    ModelFiles,
    OpenAiExternal,
    OpenAiLocal,
    Policies,
    QuotaSection,
    SentenceEncoder,
    Server,
    Settings,
    find_config,
    load,
    secret_of,
    store_password,
)

SECRET = "sk-canary-7731"
ALL_KINDS = """
destinations:
  a: {zone: external, adapter: openai, base_url: "https://a.example/v1", api_key_env: A_KEY}
  b: {zone: external, adapter: litellm, provider: anthropic}
  c: {zone: in_network, adapter: openai, base_url: "http://127.0.0.1:1/v1", allowed_ranges: [100.64.0.0/10]}
  d: {zone: in_network, adapter: llama_cpp, context: 4096}
models:
  "x-*": {external: a, local: c}
  "y": {local: d}
"""


def written(tmp_path: Path, text: str) -> Path:
    """A configuration file."""
    path = tmp_path / "gateway.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def refused(config: Path | None, **environment: str) -> str:
    """What is said of a wrong configuration."""
    with pytest.raises(ConfigError) as error:
        load(config, environment)
    assert error.value.__cause__ is None
    return str(error.value)


def test_without_a_file_the_gateway_keeps_to_itself() -> None:
    """Loopback, keys required, and a model inside for every name."""
    settings = load(None, {})

    assert Settings() == settings
    assert ("127.0.0.1", 8080) == (settings.server.host, settings.server.port)
    assert settings.auth.required
    assert 250 == settings.ledger.append_deadline_ms
    assert all(alias.local == "local-slm" for name, alias in settings.models.items() if name[:3] in {"gpt", "cla"})
    assert {Zone.IN_NETWORK} == {settings.destinations[name].zone for name in ("local-slm", "local-embeddings")}


def test_the_example_is_the_defaults(repository: Path) -> None:
    """Where the gateway's own parts are concerned; it shows more destinations than there are by default."""
    example, plain = load(repository / "gateway.example.yaml", {}), Settings()
    shared = set(Settings.model_fields) - {"destinations", "models"}

    assert {name: getattr(plain, name) for name in shared} == {name: getattr(example, name) for name in shared}
    assert plain.destinations.items() <= example.destinations.items()
    assert plain.models.items() <= example.models.items()


SECTIONS: dict[str, tuple[type[BaseModel], ...]] = {
    "server": (Server,),
    "database": (Database,),
    "ledger": (Ledger,),
    "policies": (Policies,),
    "detector": (Detector,),
    "canary": (Canary,),
    "auth": (Auth,),
    "console": (Console,),
    "limits": (Limits, QuotaSection),
    "egress": (Egress,),
    "model_files": (ModelFiles,),
    "destinations": (OpenAiExternal, LitellmExternal, OpenAiLocal, LlamaCpp, SentenceEncoder),
    "models": (ModelAlias,),
}


@pytest.mark.parametrize("section", list(Settings.model_fields))
def test_the_example_names_every_key(repository: Path, section: str) -> None:
    """In use or as a comment: nobody has to read the code to learn what can be set."""
    example = (repository / "gateway.example.yaml").read_text(encoding="utf-8")
    [text] = re.findall(rf"^{section}:.*\n((?:[ #\n].*\n?)*)", example, re.MULTILINE)
    keys = {key for kind in SECTIONS[section] for key in kind.model_fields}

    assert set() == keys - set(re.findall(r"[{\s#]([a-z_]+):", text))


def test_a_file_is_read_with_every_kind_of_destination(tmp_path: Path) -> None:
    """Each zone and adapter becomes its own type; what is not said keeps its default."""
    settings = load(written(tmp_path, f"server: {{port: 9000}}\n{ALL_KINDS}"), {})
    kinds = [type(settings.destinations[name]) for name in "abcd"]

    assert [OpenAiExternal, LitellmExternal, OpenAiLocal, LlamaCpp] == kinds
    assert (9000, "127.0.0.1") == (settings.server.port, settings.server.host)
    assert ModelAlias(external="a", local="c") == settings.models["x-*"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("server: {prot: 1}", "server.prot: unknown key (did you mean port?)"),
        ("servr: {port: 1}", "servr: unknown key (did you mean server?)"),
        ("detector: {deadline: 5}", "detector.deadline: unknown key (did you mean deadline_ms?)"),
        ("auth: {zzzzzz: true}", "auth.zzzzzz: unknown key"),
        ("server: {port: 70000}", "server.port: "),
        ("server: {port: [1]}", "server.port: "),
        ("server: 8080", "server: "),
        ("ledger: {append_deadline_ms: 0}", "ledger.append_deadline_ms: "),
        ("auth: {required: 'perhaps'}", "auth.required: "),
        ("models: {x: {external: nowhere}}", "models.x: there is no destination nowhere"),
        ("models: {x: {local: openai}}", "models.x: the destination openai is not in_network"),
        ("models: {x: {external: local-slm}}", "models.x: the destination local-slm is not external"),
        ("models: {x: {}}", "models.x: names no destination"),
        ("limits: {every_kye: {}}", "limits.every_kye: unknown key (did you mean every_key?)"),
        ("limits: {keys: {a: {concurent: 1}}}", "limits.keys.a.concurent: unknown key (did you mean concurrent?)"),
        ("limits: {gateway: {tokens_per_day: 0}}", "limits.gateway.tokens_per_day: "),
        ("limits: {store: memcached://a}", "limits.store: Value error, write memory, or redis://"),
        ("models: {x: {extrenal: openai}}", "models.x.extrenal: unknown key (did you mean external?)"),
    ],
)
def test_a_wrong_file_is_refused_with_the_place(tmp_path: Path, text: str, said: str) -> None:
    """And with what was probably meant."""
    message = refused(written(tmp_path, text))

    assert any(line.startswith(said) for line in message.splitlines())
    assert ("did you mean" in said) == ("did you mean" in message)


@pytest.mark.parametrize(
    "destination",
    [
        'adapter: openai, base_url: "https://a.example"',
        'zone: inside, adapter: openai, base_url: "https://a.example"',
        'zone: external, adapter: llama_cpp, base_url: "https://a.example"',
        "zone: external, adapter: openai",
        "zone: in_network, adapter: litellm, provider: anthropic",
        "zone: external, adapter: litellm, provider: 'Not A Name'",
        'zone: in_network, adapter: openai, base_url: "http://a", allow_http: true',
        'zone: external, adapter: openai, base_url: "https://a", allowed_ranges: [0.0.0.0/0]',
        'zone: external, adapter: openai, base_url: "https://a", timeout_s: 0',
    ],
)
def test_trust_is_never_guessed(tmp_path: Path, destination: str) -> None:
    """A destination without a zone, of a wrong one, or with a key of another kind is refused."""
    message = refused(written(tmp_path, f"destinations: {{a: {{{destination}}}}}\nmodels: {{x: {{external: a}}}}"))

    assert message.startswith("destinations.a")


@pytest.mark.parametrize("name", ["-a", "a b", "a/b", ".a", "a" * 64, "\u00e4"])
def test_a_destination_has_a_plain_name(tmp_path: Path, name: str) -> None:
    """It stands in headers, metrics and records."""
    text = f'destinations: {{"{name}": {{zone: in_network, adapter: llama_cpp}}}}\nmodels: {{x: {{local: "{name}"}}}}'

    assert f"destinations.{name}: a name is letters" in refused(written(tmp_path, text))


@pytest.mark.parametrize("text", ["server: {port: 1, port: 2}", "server: &a {port: 1}\nauth: *a", "[1]", "server: {"])
def test_yaml_with_traps_is_refused(tmp_path: Path, text: str) -> None:
    """With file, line and column."""
    path = written(tmp_path, text)

    assert re.match(rf"{re.escape(str(path))}:\d+:\d+ P\d+ ", refused(path))


@pytest.mark.parametrize(
    ("name", "value", "path", "becomes"),
    [
        ("GATEWAY_SERVER__PORT", "9000", ("server", "port"), 9000),
        ("GATEWAY_SERVER__HOST", "0.0.0.0", ("server", "host"), "0.0.0.0"),
        ("GATEWAY_SERVER__SHUTDOWN_S", "2.5", ("server", "shutdown_s"), 2.5),
        ("GATEWAY_AUTH__REQUIRED", "false", ("auth", "required"), False),
        ("GATEWAY_AUTH__REQUIRED", "true", ("auth", "required"), True),
        ("GATEWAY_LEDGER__KEY_FILE", "/k", ("ledger", "key_file"), Path("/k")),
        ("GATEWAY_POLICIES__DIR", "", ("policies", "dir"), ""),
        ("gateway_server__port", "9000", ("server", "port"), 8080),
    ],
)
def test_the_environment_overrides_a_key(name: str, value: str, path: tuple[str, str], becomes: object) -> None:
    """By its name in capitals; other variables are none of the gateway's business."""
    settings = load(None, {name: value, "GATEWAY_CONFIG": "x", "HOME": "/x", "OTHER__PORT": "1"})

    assert becomes == getattr(getattr(settings, path[0]), path[1])


def test_the_environment_reaches_into_destinations(tmp_path: Path) -> None:
    """One key of one destination, beside what the file says of it; a list is written as in the file."""
    settings = load(
        written(tmp_path, ALL_KINDS),
        {
            "GATEWAY_DESTINATIONS__A__BASE_URL": "https://b.example/v1",
            "GATEWAY_DESTINATIONS__C__ALLOWED_RANGES": "[10.0.0.0/8]",
            "GATEWAY_DESTINATIONS__D": "{zone: in_network, adapter: llama_cpp, context: 512}",
        },
    )
    a, c, d = (settings.destinations[name] for name in "acd")

    assert isinstance(a, OpenAiExternal)
    assert ("https://b.example/v1", "A_KEY") == (a.base_url, a.api_key_env)
    assert isinstance(c, OpenAiLocal)
    assert ("10.0.0.0/8",) == c.allowed_ranges
    assert isinstance(d, LlamaCpp)
    assert 512 == d.context


def test_the_environment_reaches_into_the_default_destinations() -> None:
    """Where the file is silent the defaults are in force, and one key of one of them can be overridden."""
    settings = load(
        None,
        {
            "GATEWAY_DESTINATIONS__OPENAI__BASE_URL": "https://eu.example/v1",
            "GATEWAY_DESTINATIONS__VLLM": "{zone: in_network, adapter: llama_cpp}",
            "GATEWAY_MODELS__VLLM": "{local: vllm}",
        },
    )
    openai, plain = settings.destinations["openai"], Settings().destinations["openai"]

    assert isinstance(openai, OpenAiExternal)
    assert isinstance(plain, OpenAiExternal)
    assert plain.model_copy(update={"base_url": "https://eu.example/v1"}) == openai
    assert {*Settings().destinations, "vllm"} == set(settings.destinations)
    assert {*Settings().models, "vllm"} == set(settings.models)


def test_variables_of_others_are_left_alone() -> None:
    """Kubernetes sets such for a service that is called gateway."""
    others = {"GATEWAY_PORT": "tcp://10.0.0.1:80", "GATEWAY_SERVICE_HOST": "10.0.0.1", "GATEWAY_CONFIG": "x"}

    assert Settings() == load(None, others)


def test_a_password_of_the_limits_store_is_named_not_written(tmp_path: Path) -> None:
    """In its variable or its file, as an API key; never in the URL."""
    path = tmp_path / "password"
    path.write_text(f"{SECRET}\n", encoding="utf-8")
    message = refused(written(tmp_path, f'limits: {{store: "redis://user:{SECRET}@redis.internal:6379"}}'))

    assert SECRET == store_password(Limits(password_env="P"), {"P": SECRET}).get_secret_value()
    assert SECRET == store_password(Limits(password_file=str(path), password_env="P"), {}).get_secret_value()
    assert "" == store_password(Limits(), {"": SECRET}).get_secret_value()
    assert SECRET not in message
    assert "password_env" in message


@pytest.mark.parametrize("url", ["memory", "redis://r", "redis://r.internal:6379", "rediss://10.0.0.1:6380/3"])
def test_a_store_of_limits_is_memory_or_redis(tmp_path: Path, url: str) -> None:
    """With or without TLS, a port and a database number."""
    assert url == load(written(tmp_path, f'limits: {{store: "{url}"}}'), {}).limits.store


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("GATEWAY_SERVER", "x", "GATEWAY_SERVER: name one key of the section, as in GATEWAY_SERVER__<KEY>"),
        ("GATEWAY_MODELS", "{}", "GATEWAY_MODELS: name one key of the section"),
        ("GATEWAY_SERVER__PRT", "1", "server.prt: unknown key (did you mean port?)"),
        ("GATEWAY_SERVR__PORT", "1", "servr: unknown key (did you mean server?)"),
        ("GATEWAY_SERVER__", "1", "server.: unknown key"),
        ("GATEWAY___PORT", "1", ": unknown key"),
        ("GATEWAY_SERVER__PORT", SECRET, "server.port: "),
        ("GATEWAY_SERVER__PORT", "", "server.port: "),
        ("GATEWAY_SERVER__PORT__DEEPER", "1", "server.port: "),
        ("GATEWAY_AUTH__REQUIRED", "flase", "auth.required: "),
        ("GATEWAY_AUTH__REQUIRED", f"{{{SECRET}", "GATEWAY_AUTH__REQUIRED: the value is not readable as YAML"),
        ("GATEWAY_DATABASE__URL", f"[{SECRET}", "GATEWAY_DATABASE__URL: the value is not readable as YAML"),
        ("GATEWAY_DATABASE__URL", f"[{SECRET}]", "database.url: "),
        ("GATEWAY_POLICIES__DIR", f"[{SECRET}\udcff]", "GATEWAY_POLICIES__DIR: the value is not readable as YAML"),
    ],
)
def test_a_broken_override_is_refused(name: str, value: str, said: str) -> None:
    """As a configuration, without its value."""
    message = refused(None, **{name: value})

    assert message.startswith(said)
    assert SECRET not in message


@pytest.mark.parametrize("name", ["GATEWAY_SERVER__PORT", "GATEWAY_SERVER__PORT__DEEPER"])
def test_an_override_needs_a_mapping_to_go_into(tmp_path: Path, name: str) -> None:
    """The file says a plain value where the variable names a part of it."""
    text = "server: 5" if name.endswith("PORT") else "server: {port: 5}"

    assert refused(written(tmp_path, text), **{name: "1"}).startswith(f"{name}: ")


def test_a_secret_is_never_shown(tmp_path: Path) -> None:
    """Not in a repr, and not in the refusal of a key written where only its variable's name belongs."""
    url = f"postgresql+psycopg://gateway:{SECRET}@db.internal/gateway"
    settings = load(None, {"GATEWAY_DATABASE__URL": url})
    key = secret_of(OpenAiLocal(zone=Zone.IN_NETWORK, adapter="openai", base_url="", api_key_env="K"), {"K": SECRET})
    text = f'destinations: {{a: {{zone: external, adapter: openai, base_url: "https://a", api_key: {SECRET}}}}}'
    message = refused(written(tmp_path, text))

    assert url == settings.database.url.get_secret_value()
    assert SECRET == key.get_secret_value()
    assert SECRET not in f"{settings!r}{settings}{settings.database!r}{key!r}{key}{message}"
    assert "unknown key (did you mean api_key_env?)" in message


def destination(**more: str) -> OpenAiExternal:
    """A destination outside."""
    return OpenAiExternal(zone=Zone.EXTERNAL, adapter="openai", base_url="https://a.example", **more)  # type: ignore[arg-type]


def test_a_key_comes_from_its_variable_or_its_file(tmp_path: Path) -> None:
    """The file wins, and white space around it is none of the key."""
    path = tmp_path / "key"
    path.write_text(f"  {SECRET}\n", encoding="utf-8")
    environment = {"A_KEY": "of-the-variable", "": "of-nobody"}

    assert "of-the-variable" == secret_of(destination(api_key_env="A_KEY"), environment).get_secret_value()
    assert SECRET == secret_of(destination(api_key_file=str(path)), environment).get_secret_value()
    assert SECRET == secret_of(destination(api_key_file=str(path), api_key_env="A_KEY"), {}).get_secret_value()
    assert "" == secret_of(destination(api_key_env="UNSET"), environment).get_secret_value()
    assert "" == secret_of(destination(), environment).get_secret_value()


@pytest.mark.parametrize("content", [None, f"{SECRET}\n".encode("utf-16")])
def test_a_key_file_that_cannot_be_read_is_refused(tmp_path: Path, content: bytes | None) -> None:
    """Never taken for no key; what it holds is not shown."""
    path = tmp_path / "key"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(ConfigError, match=r"api_key_file .* cannot be read") as error:
        secret_of(destination(api_key_file=str(path), api_key_env="A_KEY"), {"A_KEY": "x"})
    assert SECRET not in str(error.value)


def test_the_file_is_searched_in_order(tmp_path: Path) -> None:
    """What is named on the command line, then in the environment, then the folder's own; none is none."""
    assert find_config("", {}, tmp_path) is None
    own = written(tmp_path, "")
    other, third = tmp_path / "other.yaml", tmp_path / "third.yaml"
    other.touch()
    third.touch()

    assert own == find_config("", {}, tmp_path)
    assert other == find_config("", {"GATEWAY_CONFIG": str(other)}, tmp_path)
    assert third == find_config(str(third), {"GATEWAY_CONFIG": str(other)}, tmp_path)


@pytest.mark.parametrize("given", ["missing.yaml", ""])
def test_a_named_file_that_is_not_there_is_refused(tmp_path: Path, given: str) -> None:
    """Nobody falls back to other settings than those that were asked for; a folder is no file."""
    written(tmp_path, "")

    with pytest.raises(ConfigError):
        find_config(given, {"GATEWAY_CONFIG": str(tmp_path)}, tmp_path)
    assert "cannot be read" in refused(tmp_path / "missing.yaml")


def test_settings_do_not_change() -> None:
    """Frozen, every section of them."""
    settings = Settings()

    with pytest.raises(ValidationError):
        settings.auth.required = False  # type: ignore[misc]
    with pytest.raises(ValidationError):
        settings.auth = Auth(required=False)  # type: ignore[misc]
