"""Two gateways behind a real balancer on one real PostgreSQL: what a deployment, a crash and an outage cost.

Figures, and three of them, are in docs/benchmarks/production.md; this is what has to hold.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from gateway.testing.stand_in import StandIn
from tests.replicas import Cluster, balancer, faults

CALLERS = 2


@pytest.mark.timeout(600)
@pytest.mark.skipif(not balancer(), reason="haproxy is not installed (apt-get install haproxy)")
def test_nothing_is_lost_when_replicas_and_the_database_come_and_go(tmp_path: Path) -> None:
    """A rolling restart costs no request, a crash at most what was under way; nothing leaves without a record."""
    with StandIn() as provider, Cluster.of(tmp_path, provider.base_url, 2) as cluster:
        seen = asyncio.run(faults(cluster, provider, CALLERS, roll=1, pause_s=0.05))

    assert {} == seen.rolled_failed
    assert seen.rolled_requests > 0
    assert sum(seen.killed_failed.values()) <= CALLERS
    assert seen.recovered >= 1
    assert 0 == seen.open_intents
    assert (0, 0) == (seen.outage_left, seen.outage_good)
    assert all(end.startswith(("503", "500")) for end in seen.outage_refused)
    assert seen.verified.startswith("exit 0")
