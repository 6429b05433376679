"""Every metric by its name: what is exported, what docs/metrics.md lists, what alarms and panels may ask for.

Names are as a scrape shows them: a counter ends in `_total`; a histogram `x` has `x_bucket`, `x_sum` and `x_count`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """Prometheus's kinds."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric. `labels` hold codes and configured names only."""

    name: str
    kind: Kind
    means: str
    labels: tuple[str, ...] = ()

    @property
    def series(self) -> tuple[str, ...]:
        """The names of its series in a scrape."""
        parts = ("_bucket", "_sum", "_count") if self.kind is Kind.HISTOGRAM else ("",)
        return tuple(f"{self.name}{part}" for part in parts)


GROUPS: Mapping[str, tuple[Metric, ...]] = {
    "Requests": (
        Metric(
            "gateway_decisions_total",
            Kind.COUNTER,
            "Recorded decisions. `classes` as in the header `x-gateway-classes`, empty for none.",
            ("route", "destination", "reason", "classes"),
        ),
        Metric("gateway_outcomes_total", Kind.COUNTER, "How requests ended.", ("destination", "result")),
        Metric("gateway_limited_total", Kind.COUNTER, "Requests refused by a limit.", ("scope", "limit")),
        Metric("gateway_in_flight", Kind.GAUGE, "Requests that are open, streams until they end."),
        Metric(
            "gateway_stage_seconds",
            Kind.HISTOGRAM,
            "Time that the gateway adds to a request: `detect`, `decide`, `record`, and `added` for all three.",
            ("stage",),
        ),
        Metric("gateway_part_ok", Kind.GAUGE, "1 when a part that /readyz names is well, at this scrape.", ("part",)),
    ),
    "Detector": (
        Metric("gateway_detector_open_jobs", Kind.GAUGE, "Examinations that run or wait, in all its processes."),
        Metric("gateway_detector_cache_hits_total", Kind.COUNTER, "Texts answered from the cache."),
        Metric("gateway_detector_cache_misses_total", Kind.COUNTER, "Texts that had to be examined."),
        Metric(
            "gateway_detector_failures_total",
            Kind.COUNTER,
            "Texts that could not be examined, and count as the policy's label for failure.",
            ("cause",),
        ),
    ),
    "Ledger": (
        Metric("gateway_ledger_records_total", Kind.COUNTER, "Records that are durable."),
        Metric("gateway_ledger_append_failures_total", Kind.COUNTER, "Records refused or not durable in time."),
        Metric("gateway_ledger_open_intents", Kind.GAUGE, "Decisions of this process whose outcome is not recorded."),
        Metric("gateway_ledger_last_record_seconds", Kind.GAUGE, "When the last record became durable."),
        Metric("gateway_ledger_checkpoint_size", Kind.GAUGE, "Records under the newest checkpoint signed here."),
        Metric(
            "gateway_ledger_checkpoint_seconds", Kind.GAUGE, "When it was signed. Compare the newest of all replicas."
        ),
        Metric("gateway_ledger_silent", Kind.GAUGE, "1 when records are overdue, heartbeats with them."),
        Metric("gateway_ledger_lost", Kind.GAUGE, "1 when the database does not continue what was signed before."),
        Metric("gateway_ledger_verified_seconds", Kind.GAUGE, "When all of it was verified last, 0 for never."),
        Metric("gateway_ledger_unsound", Kind.GAUGE, "1 when the last verification did not find it sound."),
        Metric("gateway_ledger_verification_overdue", Kind.GAUGE, "1 after two intervals without a verification."),
    ),
    "Policies": (
        Metric("gateway_policy_info", Kind.GAUGE, "Always 1: the bundle in force, by its digest.", ("digest",)),
        Metric("gateway_policy_revision", Kind.GAUGE, "The revision of the bundle in force."),
        Metric("gateway_policy_stale", Kind.GAUGE, "1 while the newest policy files are not in force."),
        Metric("gateway_policy_changes_total", Kind.COUNTER, "Changes of the policy files, by result.", ("result",)),
        Metric(
            "gateway_exception_expires_seconds",
            Kind.GAUGE,
            "When each exception of the bundle in force ends.",
            ("exception",),
        ),
    ),
    "Models inside": (
        Metric(
            "gateway_local_model_open_requests",
            Kind.GAUGE,
            "Requests that an embedded model answers or that wait for it. A server of yours has metrics of its own.",
            ("destination",),
        ),
    ),
    "Egress": (
        Metric(
            "gateway_egress_sent_total",
            Kind.COUNTER,
            "Clearances that `gateway egress` sent, by what came back.",
            ("destination", "result"),
        ),
        Metric("gateway_egress_refused_total", Kind.COUNTER, "What it refused to send.", ("reason",)),
        Metric("gateway_egress_open", Kind.GAUGE, "Requests that it has open."),
    ),
    "Canary": (
        Metric("gateway_canary_rounds_total", Kind.COUNTER, "Finished rounds, by result.", ("result",)),
        Metric("gateway_canary_last_round_seconds", Kind.GAUGE, "When the last round ended."),
        Metric(
            "gateway_canary_passed",
            Kind.GAUGE,
            "1 for each place where a synthetic value got out in the last round.",
            ("operation", "field"),
        ),
    ),
}

METRICS: Mapping[str, Metric] = {each.name: each for group in GROUPS.values() for each in group}
"""All of them, by name."""
SERIES: frozenset[str] = frozenset(name for each in METRICS.values() for name in each.series)
"""All names that a scrape can hold."""
