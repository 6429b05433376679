"""Counters and timings for Prometheus. Labels are codes and configured names only; `metric_list` has them all."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from gateway.adapters.metric_list import METRICS, Kind
from gateway.domain.evidence import Decided, Outcome

_BUCKETS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
_MISSED_BEATS = 3
_TOTAL = "_total"

Reading = Callable[[], Iterable[tuple[tuple[str, ...], float]]]
"""What is known at a scrape: a value for each combination of labels."""


def _counter(registry: CollectorRegistry, name: str) -> Counter:
    metric = METRICS[name]
    return Counter(name.removesuffix(_TOTAL), metric.means, metric.labels, registry=registry)


def _gauge(registry: CollectorRegistry, name: str) -> Gauge:
    metric = METRICS[name]
    return Gauge(name, metric.means, metric.labels, registry=registry)


class _Pulled(Collector):
    """A metric that is read when somebody asks."""

    def __init__(self, name: str, reading: Reading) -> None:
        self._metric = METRICS[name]
        self._reading = reading

    def collect(self) -> Iterator[CounterMetricFamily | GaugeMetricFamily]:
        """Its values now."""
        metric = self._metric
        family = CounterMetricFamily if metric.kind is Kind.COUNTER else GaugeMetricFamily
        told = family(metric.name.removesuffix(_TOTAL), metric.means, labels=metric.labels)
        for labels, value in self._reading():
            told.add_metric(labels, value)
        yield told


class LedgerMetrics:
    """Implements `LedgerObserver`. A ledger that should have written and has not is silent, and that is an alarm."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._every_s = 0.0
        self._last_s = time.time()
        self._records = _counter(registry, "gateway_ledger_records_total")
        self._last = _gauge(registry, "gateway_ledger_last_record_seconds")
        self._size = _gauge(registry, "gateway_ledger_checkpoint_size")
        self._signed = _gauge(registry, "gateway_ledger_checkpoint_seconds")
        _gauge(registry, "gateway_ledger_silent").set_function(self._silent)

    def expect(self, every_s: float) -> None:
        """A living ledger writes a record at least this often."""
        self._every_s = every_s

    def recorded(self, count: int, at: int) -> None:
        """So many records are durable; the time now, in microseconds."""
        self._last_s = at / 1e6
        self._records.inc(count)
        self._last.set(self._last_s)

    def signed(self, size: int, at: int) -> None:
        """A tree of this size is signed; the time now, in microseconds."""
        self._size.set(size)
        self._signed.set(at / 1e6)

    def _silent(self) -> float:
        return float(0 < self._every_s * _MISSED_BEATS < time.time() - self._last_s)


class CanaryMetrics:
    """Implements `CanaryObserver`."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._rounds = _counter(registry, "gateway_canary_rounds_total")
        self._last = _gauge(registry, "gateway_canary_last_round_seconds")
        self._passed = _gauge(registry, "gateway_canary_passed")

    def round_ended(self, result: str, passed: Iterable[tuple[str, str]], at: int) -> None:
        """A round ended so; the operations and fields where a value passed; the time now, in microseconds."""
        self._rounds.labels(result).inc()
        self._last.set(at / 1e6)
        self._passed.clear()
        for operation, field in passed:
            self._passed.labels(operation, field).set(1)


class PrometheusMetrics:
    """Implements `ports.Observer`, `LimitObserver` and `PolicyObserver` on a registry of its own; `ledger` implements
    `LedgerObserver`, `canary` `CanaryObserver`. What others know is read from them at a scrape: `pull`."""

    def __init__(self) -> None:
        registry = self._registry = CollectorRegistry()
        stages = METRICS["gateway_stage_seconds"]
        self._stages = Histogram(stages.name, stages.means, stages.labels, buckets=_BUCKETS, registry=registry)
        self._decisions = _counter(registry, "gateway_decisions_total")
        self._ends = _counter(registry, "gateway_outcomes_total")
        self._limited = _counter(registry, "gateway_limited_total")
        self._parts = _gauge(registry, "gateway_part_ok")
        self._policies = _counter(registry, "gateway_policy_changes_total")
        self._revision = _gauge(registry, "gateway_policy_revision")
        self._stale = _gauge(registry, "gateway_policy_stale")
        self.ledger = LedgerMetrics(registry)
        self.canary = CanaryMetrics(registry)

    def pull(self, name: str, reading: Reading) -> None:
        """Read this metric of `METRICS` here at each scrape."""
        self._registry.register(_Pulled(name, reading))

    def decided(self, evidence: Decided, stages: Mapping[str, int]) -> None:
        """A decision was recorded."""
        for stage, microseconds in {**stages, "added": sum(stages.values())}.items():
            self._stages.labels(stage).observe(microseconds / 1e6)
        classes = ",".join(sorted(each.value for each in evidence.classes))
        self._decisions.labels(evidence.route.value, evidence.destination, evidence.policy.reason, classes).inc()

    def ended(self, evidence: Decided, outcome: Outcome) -> None:
        """The way of a request ended."""
        self._ends.labels(evidence.destination, outcome.result.value).inc()

    def limited(self, scope: str, limit: str) -> None:
        """A limit refused a request."""
        self._limited.labels(scope, limit).inc()

    def part_is(self, name: str, *, ok: bool) -> None:
        """How a part is now."""
        self._parts.labels(name).set(ok)

    def policies_read(self, result: str) -> None:
        """A policy bundle was activated, or files were rejected."""
        self._policies.labels(result).inc()

    def policies_are(self, revision: int, *, stale: bool) -> None:
        """Which bundle is in force, and whether the newest files are not."""
        self._revision.set(revision)
        self._stale.set(stale)

    def render(self) -> bytes:
        """All of it, in Prometheus's text format."""
        return generate_latest(self._registry)
