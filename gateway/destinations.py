"""The destinations as the settings describe them: doors out and models inside. None of them is started here."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import assert_never

from gateway.adapters.anthropic_external import AnthropicExternal
from gateway.adapters.egress_external import EgressExternal, EgressLink, EgressOptions
from gateway.adapters.ledger_key import LedgerKey
from gateway.adapters.litellm_external import LitellmExternal
from gateway.adapters.llamacpp_local import LlamaCppLocal, LlamaCppOptions
from gateway.adapters.model_manifest import (
    Entry,
    Kind,
    ModelFile,
    ModelFileRefused,
    find_model,
    load_manifest,
    narrow_models,
)
from gateway.adapters.openai_external import ANTHROPIC, OPENAI, OpenAiExternal
from gateway.adapters.openai_local import OpenAiLocal
from gateway.adapters.replicated_local import ReplicatedLocal
from gateway.adapters.sentence_local import SentenceLocal, SentenceOptions
from gateway.domain.alias import Alias
from gateway.domain.conversation import Operation
from gateway.paths import data_path
from gateway.pipeline.ports import Clock, ExternalModel
from gateway.settings import LitellmExternal as LitellmSettings
from gateway.settings import LlamaCpp, SentenceEncoder, Settings, secret_of
from gateway.settings import OpenAiExternal as OpenAiSettings
from gateway.settings import OpenAiLocal as OpenAiLocalSettings

_KEY_HERE = "{variable} is set here, and only the egress needs the key of {name}: take it out of this environment"
_NO_KEY = "no API key is set for the destination {name}: what would go there is answered from inside"

StartedDoor = LitellmExternal | AnthropicExternal | EgressExternal
"""The doors out that have something to bring up."""
External = OpenAiExternal | LitellmExternal | AnthropicExternal
Inside = LlamaCppLocal | OpenAiLocal | ReplicatedLocal | SentenceLocal
Door = OpenAiExternal | StartedDoor


def doors_of(
    settings: Settings, environment: Mapping[str, str], key: LedgerKey, clock: Clock
) -> tuple[Mapping[str, Door], tuple[str, ...]]:
    """What this process reaches the destinations outside by: doors of its own, or the one to the egress; with notices
    for the operator."""
    if not settings.egress.url:
        return external_models(settings, environment)
    return _through(EgressLink(egress_options(settings), key, clock), settings, environment)


def egress_options(settings: Settings) -> EgressOptions:
    """Where the egress is."""
    chosen = settings.egress
    return EgressOptions(
        url=chosen.url,
        ca_file=chosen.ca_file,
        allowed_ranges=chosen.allowed_ranges,
        clearance_s=chosen.clearance_s,
    )


def external_models(settings: Settings, environment: Mapping[str, str]) -> tuple[dict[str, External], tuple[str, ...]]:
    """The destinations outside that have what they need, and a notice for each that has not."""
    models: dict[str, External] = {}
    notices = []
    for name, chosen in settings.destinations.items():
        if not isinstance(chosen, OpenAiSettings | LitellmSettings):
            continue
        key = secret_of(chosen, environment).get_secret_value()
        if not key:
            notices.append(_NO_KEY.format(name=name))
            continue
        models[name] = _external_model(name, chosen, key)
    return models, tuple(notices)


def _external_model(name: str, chosen: OpenAiSettings | LitellmSettings, key: str) -> External:
    match chosen:
        case OpenAiSettings():
            return OpenAiExternal(
                name,
                chosen.base_url,
                key,
                operations=frozenset(Operation(each) for each in chosen.operations),
                timeout_s=chosen.timeout_s,
                connect_timeout_s=chosen.connect_timeout_s,
                allow_http=chosen.allow_http,
            )
        case LitellmSettings():
            translated = LitellmExternal(
                name,
                chosen.provider,
                key,
                base_url=chosen.base_url,
                timeout_s=chosen.timeout_s,
                connect_timeout_s=chosen.connect_timeout_s,
                allow_http=chosen.allow_http,
            )
            return translated if chosen.provider != "anthropic" else _with_messages(name, chosen, key, translated)
        case _:
            assert_never(chosen)


def _with_messages(name: str, chosen: LitellmSettings, key: str, chat: LitellmExternal) -> AnthropicExternal:
    base_url = (chosen.base_url or "https://api.anthropic.com").removesuffix("/").removesuffix("/v1")
    messages = OpenAiExternal(
        name,
        f"{base_url}/v1",
        key,
        provider=ANTHROPIC,
        timeout_s=chosen.timeout_s,
        connect_timeout_s=chosen.connect_timeout_s,
        allow_http=chosen.allow_http,
    )
    return AnthropicExternal(messages, chat)


def _through(
    link: EgressLink, settings: Settings, environment: Mapping[str, str]
) -> tuple[dict[str, EgressExternal], tuple[str, ...]]:
    """The destinations outside, reached through the egress, and a notice for each key that this process could read and
    should not."""
    models, notices = {}, []
    for name, chosen in settings.destinations.items():
        if isinstance(chosen, OpenAiSettings | LitellmSettings):
            models[name] = EgressExternal(name, _speaks(chosen), link, chosen.timeout_s)
            if environment.get(chosen.api_key_env):
                notices.append(_KEY_HERE.format(name=name, variable=chosen.api_key_env))
    return models, tuple(notices)


def _speaks(chosen: OpenAiSettings | LitellmSettings) -> frozenset[Operation]:
    """What the door to such a destination says that it speaks; the door itself is in another process."""
    match chosen:
        case OpenAiSettings(operations=operations):
            return frozenset(Operation(each) for each in operations) or frozenset(OPENAI.paths)
        case LitellmSettings(provider="anthropic"):
            return frozenset({Operation.CHAT, Operation.MESSAGES})
        case LitellmSettings():
            return frozenset({Operation.CHAT})
        case _:
            assert_never(chosen)


def local_models(settings: Settings, environment: Mapping[str, str]) -> dict[str, Inside]:
    """The models inside, not started. Raises `ModelFileRefused`, and `ConfigError` for a key that cannot be read."""
    models: dict[str, Inside] = {}
    for name, chosen in settings.destinations.items():
        if isinstance(chosen, LlamaCpp):
            models[name] = _llama(chosen, settings)
        elif isinstance(chosen, SentenceEncoder):
            models[name] = _sentences(chosen, settings)
        elif isinstance(chosen, OpenAiLocalSettings):
            key = secret_of(chosen, environment).get_secret_value()
            servers = [_server(base_url, chosen, key) for base_url in (chosen.base_url, *chosen.replicas)]
            models[name] = ReplicatedLocal(servers) if chosen.replicas else servers[0]
    return models


def _server(base_url: str, chosen: OpenAiLocalSettings, key: str) -> OpenAiLocal:
    return OpenAiLocal(
        base_url,
        key,
        model=chosen.model,
        operations=frozenset(Operation(each) for each in chosen.operations),
        allowed_ranges=chosen.allowed_ranges,
        lacks=frozenset(chosen.lacks),
        context=chosen.context,
        timeout_s=chosen.timeout_s,
        connect_timeout_s=chosen.connect_timeout_s,
    )


def _llama(chosen: LlamaCpp, settings: Settings) -> LlamaCppLocal:
    entries = model_entries(settings)
    options = LlamaCppOptions(
        model=_model_file(chosen.model, Kind.CHAT, settings),
        narrow=narrow_models(entries, find_model(entries, chosen.model)),
        lora=_model_file(chosen.lora, Kind.ADAPTER, settings) if chosen.lora else None,
        lora_scale=chosen.lora_scale,
        template=chosen.chat_template,
        gpu_layers=chosen.gpu_layers,
        reuse_prefix=chosen.reuse_prefix,
        answer_limit=chosen.answer_limit,
        context=chosen.context,
        threads=chosen.threads,
        queue=chosen.queue,
        deadline_s=chosen.deadline_s,
    )
    return LlamaCppLocal(options)


def _sentences(chosen: SentenceEncoder, settings: Settings) -> SentenceLocal:
    model = _model_file(chosen.model, Kind.EMBEDDINGS, settings)
    return SentenceLocal(SentenceOptions(model=model, queue=chosen.queue, deadline_s=chosen.deadline_s))


def model_entries(settings: Settings) -> tuple[Entry, ...]:
    """The models of the manifest that ships, and of the operator's own. Raises `ModelFileRefused`."""
    of = settings.model_files
    shipped = load_manifest(data_path("models/manifest.toml"), of.dir)
    own = load_manifest(Path(of.manifest), of.dir) if of.manifest else ()
    if {entry.name for entry in shipped} & {entry.name for entry in own}:
        raise ModelFileRefused("your own model manifest takes a name that a model of the shipped one has")
    return (*shipped, *own)


def _model_file(name: str, kind: Kind, settings: Settings) -> ModelFile:
    entry = find_model(model_entries(settings), name)
    if entry.kind is not kind:
        raise ModelFileRefused("a destination names a model that is of another kind than its adapter runs")
    return entry.model()


def aliases_of(settings: Settings, externals: Mapping[str, ExternalModel]) -> dict[str, Alias]:
    """What callers may name. A destination outside that is not set up is nowhere to go."""
    return {
        name: Alias(alias.external if alias.external in externals else "", alias.local)
        for name, alias in settings.models.items()
    }
