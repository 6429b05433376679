"""Who watches a running gateway: what its metrics read of the parts, its traces, and its canary."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from gateway.adapters.ledger_verification import LedgerVerification
from gateway.adapters.llamacpp_local import LlamaCppLocal
from gateway.adapters.presidio_detector import PresidioDetector
from gateway.adapters.prometheus_metrics import PrometheusMetrics
from gateway.adapters.sql_ledger import SqlLedger
from gateway.domain.alias import Alias
from gateway.pipeline.canary import Canary, CanaryObserver, Inside, Sink, models_of
from gateway.pipeline.observing import CountingLedger
from gateway.pipeline.ports import Clock, ExternalModel, LocalModel, Observer, PolicySource
from gateway.pipeline.story import Story
from gateway.settings import Canary as CanarySettings
from gateway.wire.endpoint import Endpoint

_COLLECTOR = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")


class Traces(Observer, Protocol):
    """An observer that has something to send at the end."""

    def stop(self) -> None:
        """Send what is left. Blocks."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """The parts whose state is read at each scrape."""

    endpoint: Endpoint
    detector: PresidioDetector
    ledger: SqlLedger
    verification: LedgerVerification
    appends: CountingLedger
    policies: PolicySource
    locals_: Mapping[str, LocalModel]


def watch(metrics: PrometheusMetrics, parts: Watched) -> None:
    """Have the metrics read what these parts know of themselves."""
    tally = parts.detector.tally
    single: dict[str, Callable[[], float]] = {
        "gateway_in_flight": lambda: parts.endpoint.open_requests,
        "gateway_detector_open_jobs": lambda: parts.detector.open_jobs,
        "gateway_detector_cache_hits_total": lambda: tally.hits,
        "gateway_detector_cache_misses_total": lambda: tally.misses,
        "gateway_ledger_append_failures_total": lambda: parts.appends.failures,
        "gateway_ledger_open_intents": lambda: parts.appends.open_intents,
        "gateway_ledger_lost": lambda: parts.ledger.lost,
        "gateway_ledger_verified_seconds": lambda: parts.verification.last.at / 1e6,
        "gateway_ledger_unsound": lambda: parts.verification.unsound,
        "gateway_ledger_verification_overdue": lambda: parts.verification.overdue,
    }
    for name, value in single.items():
        metrics.pull(name, functools.partial(_one, value))
    metrics.pull("gateway_detector_failures_total", lambda: [((c.value,), n) for c, n in tally.failed.items()])
    metrics.pull("gateway_policy_info", lambda: [((parts.policies.current().digest,), 1.0)])
    metrics.pull("gateway_exception_expires_seconds", lambda: _expiries(parts.policies))
    metrics.pull("gateway_local_model_open_requests", lambda: _waiting(parts.locals_))


def _one(value: Callable[[], float]) -> list[tuple[tuple[str, ...], float]]:
    return [((), float(value()))]


def _expiries(policies: PolicySource) -> Iterator[tuple[tuple[str, ...], float]]:
    for each in policies.current().exceptions:
        yield (each.id,), each.expires / 1e6


def _waiting(models: Mapping[str, LocalModel]) -> Iterator[tuple[tuple[str, ...], float]]:
    for name, model in models.items():
        if isinstance(model, LlamaCppLocal):
            yield (name,), float(model.open_requests)


def traces_of(environment: Mapping[str, str]) -> tuple[Traces, ...]:
    """What sends traces, where the standard variables name a collector and do not switch the SDK off; else nothing."""
    off = environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"
    if off or not any(environment.get(name) for name in _COLLECTOR):
        return ()
    from gateway.adapters.otel_traces import OtelTraces  # noqa: PLC0415 - the SDK is loaded by those who want it

    return (OtelTraces(environment),)


class StoryMaker(Protocol):
    """Builds a story like the one that answers callers, over other destinations and without observers."""

    def __call__(self, externals: Mapping[str, ExternalModel], locals_: Mapping[str, LocalModel]) -> Story:
        """The story."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class CanaryStage:
    """What the canary stands on: the gateway's own aliases and destinations, and a story made like its own."""

    aliases: Mapping[str, Alias]
    externals: Mapping[str, ExternalModel]
    locals_: Mapping[str, LocalModel]
    policies: PolicySource
    story: StoryMaker


def canary_of(chosen: CanarySettings, stage: CanaryStage, clock: Clock, observer: CanaryObserver) -> Canary:
    """The canary, not started. One that is switched off, or has no destination outside to watch, asks nothing."""
    sinks = {name: Sink(model.speaks) for name, model in stage.externals.items()}
    return Canary(
        story=stage.story(sinks, {name: Inside() for name in stage.locals_}),
        sinks=sinks,
        models=models_of(stage.aliases) if chosen.enabled else {},
        policies=stage.policies,
        clock=clock,
        observer=observer,
        interval_s=chosen.interval_s,
    )
