"""The parts as the settings describe them, for `serve` and for the commands that use one of them: policies, detector,
limits, prices. None of them is started here."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import assert_never

from gateway.adapters.file_policies import FilePolicies
from gateway.adapters.limits_store import LimitsStore, StoreOptions
from gateway.adapters.policy_indexes import key_id_of
from gateway.adapters.presidio_detector import PresidioDetector
from gateway.adapters.price_list import PriceList
from gateway.paths import data_path
from gateway.pipeline.limiting import Quota, Quotas
from gateway.settings import (
    Egress,
    Limits,
    LitellmExternal,
    LlamaCpp,
    OpenAiExternal,
    OpenAiLocal,
    QuotaSection,
    SentenceEncoder,
    Settings,
    store_password,
)


def policies_of(settings: Settings) -> FilePolicies:
    """The policies of the configured folder, or those that ship. Raises `PolicyErrors`."""
    zones = {name: destination.zone for name, destination in settings.destinations.items()}
    key = key_id_of(settings.detector.index_key_file)
    return FilePolicies(policies_folder(settings), zones=zones, index_key=key)


def policies_folder(settings: Settings) -> Path:
    """The configured folder of policies, or that of those that ship."""
    return Path(settings.policies.dir) if settings.policies.dir else data_path("policies")


def detector_of(settings: Settings) -> PresidioDetector:
    """The configured detector, not started."""
    of, key = settings.detector, str(settings.detector.index_key_file)
    en, es = of.pipeline or str(data_path("models/pii-en")), of.spanish_pipeline or str(data_path("models/pii-es"))
    return PresidioDetector(en, es, key, processes=of.processes, deadline_ms=of.deadline_ms, judges=of.judge_tasks)


def prices_of(settings: Settings) -> PriceList:
    """What the destinations cost."""
    outside: dict[str, str] = {}
    inside: dict[str, float] = {}
    for name, destination in settings.destinations.items():
        match destination:
            case LitellmExternal(provider=provider):
                outside[name] = provider
            case OpenAiExternal():
                outside[name] = ""
            case OpenAiLocal(hourly_cost=hourly) | LlamaCpp(hourly_cost=hourly) | SentenceEncoder(hourly_cost=hourly):
                inside[name] = hourly
            case _:
                assert_never(destination)
    return PriceList(outside, inside)


def counters_of(settings: Settings, environment: Mapping[str, str]) -> LimitsStore:
    """The store of the limits, not connected. Raises `ConfigError` for a password that cannot be read."""
    return store_of(settings.limits, environment)


def store_of(section: Limits | Egress, environment: Mapping[str, str]) -> LimitsStore:
    """A section's store, as `counters_of`."""
    password = store_password(section, environment).get_secret_value()
    return LimitsStore(StoreOptions(url=section.store, password=password, timeout_s=section.timeout_ms / 1000))


def quotas_of(settings: Settings) -> Quotas:
    """The configured quotas."""
    chosen = settings.limits
    return Quotas(
        gateway=_quota(chosen.gateway),
        every_tenant=_quota(chosen.every_tenant),
        every_app=_quota(chosen.every_app),
        every_key=_quota(chosen.every_key),
        tenants={name: _quota(section) for name, section in chosen.tenants.items()},
        apps={name: _quota(section) for name, section in chosen.apps.items()},
        keys={name: _quota(section) for name, section in chosen.keys.items()},
    )


def _quota(section: QuotaSection) -> Quota:
    return Quota(**section.model_dump())
