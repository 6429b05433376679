"""Alarms, dashboard, metrics and runbooks speak of the same things."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest
import yaml

from gateway.adapters.metric_list import METRICS, SERIES
from tests.conftest import REPOSITORY

CHART = REPOSITORY / "helm"
_SERIES = re.compile(r"\b(gateway_[a-z_]+)\b")


def rules() -> list[dict[str, object]]:
    """The alarms."""
    groups = yaml.safe_load((CHART / "alerts.yaml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def queries() -> Iterator[str]:
    """Every query of the dashboard, variables included."""
    board = json.loads((CHART / "dashboards" / "privacy-gateway.json").read_text())
    yield from (target["expr"] for panel in board["panels"] for target in panel["targets"])
    yield from (variable["query"] for variable in board["templating"]["list"] if variable["type"] == "query")


def asked_for(query: str) -> set[str]:
    """The metrics in a query: every word that looks like one, outside of label values."""
    return set(_SERIES.findall(re.sub(r'"[^"]*"', '""', query)))


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_every_alarm_asks_for_a_metric_that_exists(rule: dict[str, object]) -> None:
    """With labels that it has, and has a page that names it."""
    asked = asked_for(str(rule["expr"]))
    page = REPOSITORY / str(rule["annotations"]["runbook"])  # type: ignore[index]

    assert asked
    assert set() == asked - SERIES
    assert page.is_file()
    assert f"`{rule['alert']}`" in (REPOSITORY / "docs" / "runbooks" / "README.md").read_text()


def test_every_runbook_is_of_an_alarm() -> None:
    """And the index names them all."""
    folder = REPOSITORY / "docs" / "runbooks"
    index = (folder / "README.md").read_text()
    pages = {path.name for path in folder.glob("*.md")} - {"README.md"}

    assert {str(rule["annotations"]["runbook"]).rpartition("/")[2] for rule in rules()} == pages  # type: ignore[index]
    assert pages == set(re.findall(r"\]\(([a-z-]+\.md)\)", index))
    assert set(re.findall(r"`(Gateway\w+)`", index)) == {rule["alert"] for rule in rules()}


def test_every_panel_asks_for_metrics_that_exist() -> None:
    """And every metric but those of the chain of checkpoints stands in an alarm or on the board."""
    asked = set().union(*(asked_for(query) for query in queries()))
    alarmed = set().union(*(asked_for(str(rule["expr"])) for rule in rules()))

    assert set() == asked - SERIES
    unseen = {name for name, metric in METRICS.items() if not {*metric.series} & (asked | alarmed)}
    assert unseen <= {"gateway_policy_revision", "gateway_policy_changes_total", "gateway_canary_rounds_total"}


@pytest.mark.parametrize("label", [each for metric in METRICS.values() for each in metric.labels])
def test_labels_are_plain_words(label: str) -> None:
    """As Prometheus wants them."""
    assert re.fullmatch(r"[a-z]+", label)


def test_labels_in_queries_are_labels_of_the_metric() -> None:
    """A `by` or matcher of a label that nobody sets would never fire."""
    of_targets = {"namespace", "le", "job_name"}
    known = of_targets | {label for metric in METRICS.values() for label in metric.labels}
    every = [*queries(), *(str(rule["expr"]) for rule in rules())]
    grouped = {
        label.strip() for query in every for group in re.findall(r"by \(([^)]*)\)", query) for label in group.split(",")
    }
    matched = {label for query in every for label in re.findall(r"(\w+)[!=]=?~?\"", query)}

    assert set() == (grouped | matched) - known
