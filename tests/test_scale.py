"""docs/scale.md says what the simulation said, and the simulation keeps the laws of queues."""

from __future__ import annotations

import json
import random

import pytest

from tests.benchmarks.simulate_scale import Costs, batches, capacity, queue, replica
from tests.conftest import REPOSITORY

COSTS = Costs(loop=4.0, detect=50.0, commit=1.0, commit_record=0.5, postgres=2000.0, tree=40_000.0, index=8_000.0)


def test_the_page_has_the_figures_of_the_run() -> None:
    """Replicas, latency and space of each load, as they were written."""
    page = (REPOSITORY / "docs" / "scale.md").read_text()
    run = json.loads((REPOSITORY / "docs" / "benchmarks" / "scale.json").read_text())

    for row in run["rows"]:
        cores = row["replicas"] * (run["assumed"]["detectors_per_replica"] + 1)
        told = f"| {row['requests_per_second']:,} | {row['replicas']} ({cores}) | {row['added_p50_ms']:.0f} ms, "
        assert told + f"{row['added_p99_ms']:.0f} ms | {row['records_per_second']:,} |" in page
    assert f"{run['capacity_per_replica']:.0f} requests/s" in page
    assert f"{sum(run['bytes_per_record'].values()) / 1000:.1f} KB a record" in page


def test_a_stage_keeps_order_and_serves_no_more_than_it_has_servers() -> None:
    """With one server nobody overlaps; with as many as arrive nobody waits."""
    arrivals = [0.0, 0.0, 0.0, 100.0]
    one, many = queue(arrivals, 10.0, 1, random.Random(1)), queue(arrivals, 10.0, 4, random.Random(1))

    assert one == sorted(one)
    assert all(after <= alone for after, alone in zip(many, one, strict=True))
    assert all(left > at for left, at in zip(one, arrivals, strict=True))


def test_a_committer_takes_what_waits_at_once() -> None:
    """The first alone, those that came meanwhile together, each after it arrived."""
    left = list(batches([0.0, 0.1, 0.2, 0.3, 50.0], 1.0, 0.5))
    assert [2.0, 6.0, 6.0, 6.0, 52.0] == left


@pytest.mark.parametrize(("share", "least"), [(0.5, 1.0), (0.95, 2.0)])
def test_waiting_grows_with_use(share: float, least: float) -> None:
    """An idle replica adds what its stages take; a full one much more at the end of the distribution."""
    idle = replica(COSTS, 1.0, 300.0, random.Random(3))
    busy = replica(COSTS, capacity(COSTS) * share, 300.0, random.Random(3))

    assert busy[len(busy) * 99 // 100] > least * idle[len(idle) * 99 // 100]
    assert idle[0] > 2.0
