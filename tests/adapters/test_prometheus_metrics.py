"""The metrics: what is listed is exported, what is exported is listed, and labels are codes."""

from __future__ import annotations

from dataclasses import replace

import pytest
from prometheus_client.parser import text_string_to_metric_families

from gateway.adapters.egress_metrics import EgressMetrics
from gateway.adapters.metric_list import METRICS, Kind
from gateway.adapters.prometheus_metrics import PrometheusMetrics
from tests.evidence import decided, outcome

EGRESS = "gateway_egress_"
"""Metrics of another process."""
PULLED = {
    "gateway_detector_cache_hits_total",
    "gateway_detector_cache_misses_total",
    "gateway_detector_failures_total",
    "gateway_detector_open_jobs",
    "gateway_exception_expires_seconds",
    "gateway_in_flight",
    "gateway_ledger_append_failures_total",
    "gateway_ledger_lost",
    "gateway_ledger_open_intents",
    "gateway_ledger_unsound",
    "gateway_ledger_verification_overdue",
    "gateway_ledger_verified_seconds",
    "gateway_local_model_open_requests",
    "gateway_policy_info",
}


def families(metrics: PrometheusMetrics) -> dict[str, str]:
    """The kind of each exported family, by the name that docs use."""
    told = {}
    for family in text_string_to_metric_families(metrics.render().decode()):
        told[f"{family.name}_total" if family.type == "counter" else family.name] = family.type
    return told


@pytest.fixture
def metrics() -> PrometheusMetrics:
    """With every pulled metric read from something constant."""
    made = PrometheusMetrics()
    for name in PULLED:
        made.pull(name, lambda name=name: [(tuple("x" for _ in METRICS[name].labels), 3.0)])  # type: ignore[misc]
    return made


def test_what_is_listed_is_what_is_exported(metrics: PrometheusMetrics) -> None:
    """By name and kind, whether anything has happened or not."""
    told = families(metrics)

    of_gateway = {name: metric.kind.value for name, metric in METRICS.items() if not name.startswith(EGRESS)}
    assert of_gateway == {name: kind for name, kind in told.items() if not name.endswith("_created")}


def test_the_egress_exports_what_is_listed_for_it() -> None:
    """Its metrics are those of another process."""
    told = {
        f"{family.name}_total" if family.type == "counter" else family.name: family.type
        for family in text_string_to_metric_families(EgressMetrics().render().decode())
    }

    assert {n: m.kind.value for n, m in METRICS.items() if n.startswith(EGRESS)} == {
        name: kind for name, kind in told.items() if not name.endswith("_created")
    }


def test_a_pulled_value_is_read_at_each_scrape(metrics: PrometheusMetrics) -> None:
    """Not when it was registered."""
    values = [1.0]
    fresh = PrometheusMetrics()
    fresh.pull("gateway_in_flight", lambda: [((), values[-1])])

    assert b"gateway_in_flight 1.0" in fresh.render()
    values.append(2.0)
    assert b"gateway_in_flight 2.0" in fresh.render()
    assert b'gateway_policy_info{digest="x"} 3.0' in metrics.render()


def test_a_request_is_counted_by_route_class_destination_and_reason() -> None:
    """And the stages add up to what the gateway added."""
    metrics = PrometheusMetrics()
    evidence = replace(decided(), model="canary-7731", purpose="canary-7731", claimed_label="canary-7731")
    metrics.decided(evidence, {"detect": 2000, "decide": 1000, "record": 3000})
    metrics.ended(evidence, outcome(evidence.decision_id))
    text = metrics.render().decode()

    classes = ",".join(sorted(evidence.classes))
    labels = f'classes="{classes}",destination="{evidence.destination}",reason="{evidence.policy.reason}"'
    assert f'gateway_decisions_total{{{labels},route="{evidence.route.value}"}} 1.0' in text
    assert 'gateway_stage_seconds_sum{stage="added"} 0.006' in text
    assert "gateway_outcomes_total{" in text
    assert "canary-7731" not in text


def test_a_place_that_leaks_is_told_until_a_round_is_clean() -> None:
    """The gauge is of the last round."""
    metrics = PrometheusMetrics()
    metrics.canary.round_ended("passed", [("chat", "/messages/0/content")], 5_000_000)
    leaking = metrics.render().decode()
    metrics.canary.round_ended("clean", [], 6_000_000)
    clean = metrics.render().decode()

    assert 'gateway_canary_passed{field="/messages/0/content",operation="chat"} 1.0' in leaking
    assert "gateway_canary_passed{" not in clean
    assert "gateway_canary_last_round_seconds 6.0" in clean


def test_histograms_list_their_series() -> None:
    """Alarms and panels ask for buckets, sums and counts."""
    assert {"_bucket", "_sum", "_count"} == {
        name.removeprefix("gateway_stage_seconds") for name in METRICS["gateway_stage_seconds"].series
    }
    assert Kind.HISTOGRAM is METRICS["gateway_stage_seconds"].kind
