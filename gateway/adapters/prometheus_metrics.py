"""Counters and timings for Prometheus. Labels are codes and configured names only."""

from __future__ import annotations

import time

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_BUCKETS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


_MISSED_BEATS = 3


class LedgerMetrics:
    """Implements `LedgerObserver`. A ledger that should have written and has not is silent, and that is an alarm."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._every_s = 0.0
        self._last_s = time.time()
        self._records = Counter("gateway_ledger_records", "Records that are durable.", registry=registry)
        self._last = Gauge("gateway_ledger_last_record_seconds", "When the last one became so.", registry=registry)
        self._size = Gauge("gateway_ledger_checkpoint_size", "Records under the newest checkpoint.", registry=registry)
        self._signed = Gauge("gateway_ledger_checkpoint_seconds", "When it was signed here.", registry=registry)
        silent = Gauge("gateway_ledger_silent", "1 when records are overdue, heartbeats with them.", registry=registry)
        silent.set_function(self._silent)

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


class PrometheusMetrics:
    """Implements `ports.Observer`, `LimitObserver` and `PolicyObserver` on a registry of its own; `ledger` implements
    `LedgerObserver`."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._stages = Histogram(
            "gateway_stage_seconds",
            "Time of one stage of a request.",
            ["stage"],
            buckets=_BUCKETS,
            registry=self._registry,
        )
        self._decisions = Counter(
            "gateway_decisions", "Recorded decisions.", ["route", "destination", "reason"], registry=self._registry
        )
        self._ends = Counter(
            "gateway_outcomes", "How requests ended.", ["destination", "result"], registry=self._registry
        )

        self._limited = Counter(
            "gateway_limited", "Requests refused by a limit.", ["scope", "limit"], registry=self._registry
        )
        self._policies = Counter(
            "gateway_policy_changes", "Changes of the policy files, by result.", ["result"], registry=self._registry
        )
        self._revision = Gauge(
            "gateway_policy_revision", "The revision of the policy bundle in force.", registry=self._registry
        )
        self._stale = Gauge(
            "gateway_policy_stale", "1 while the newest policy files are not in force.", registry=self._registry
        )

        self.ledger = LedgerMetrics(self._registry)

    def stage(self, name: str, microseconds: int) -> None:
        """One stage took this long."""
        self._stages.labels(name).observe(microseconds / 1e6)

    def decided(self, route: str, destination: str, reason: str) -> None:
        """A decision was recorded."""
        self._decisions.labels(route, destination, reason).inc()

    def ended(self, destination: str, result: str) -> None:
        """The way of a request ended."""
        self._ends.labels(destination, result).inc()

    def limited(self, scope: str, limit: str) -> None:
        """A limit refused a request."""
        self._limited.labels(scope, limit).inc()

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
