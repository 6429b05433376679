"""Two gateways behind a real balancer on one real PostgreSQL: what a deployment, a crash and an outage cost, and what
they share.

Figures, and three of them, are in docs/benchmarks/production.md; this is what has to hold.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from gateway.testing.stand_in import StandIn
from tests.replicas import Cluster, balancer, faults, told

CALLERS = 2
MOST_USES = 37
SSN = "why was the claim of 536-90-4399 refused?"
EXCEPTION = """\
apiVersion: gateway/v1
kind: Exception
metadata: {{name: ssn-pilot, owner: ann@acme.example, approver: ben@acme.example, ticket: SEC-1, reason: A pilot.}}
scope: {{apps: [{app}]}}
not_before: {since:%Y-%m-%dT%H:%M:%SZ}
expires: {until:%Y-%m-%dT%H:%M:%SZ}
max_uses: {most}
waives: {{rules: [government-id-stays-inside, restricted-stays-inside], entity: US_SSN}}
counts_as: {{label: internal, classes: [pii]}}
"""

pytestmark = [
    pytest.mark.timeout(600),
    pytest.mark.skipif(not balancer(), reason="haproxy is not installed (apt-get install haproxy)"),
]


async def at_once(cluster: Cluster, text: str, count: int) -> Counter[str]:
    """What comes of so many requests that are under way at the same time."""
    limits = httpx.Limits(max_connections=count)
    headers = {"authorization": f"Bearer {cluster.key}"}
    asked = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": text}]}
    async with httpx.AsyncClient(headers=headers, timeout=120, limits=limits, trust_env=False) as client:
        url = f"{cluster.url}/v1/chat/completions"
        answers = await asyncio.gather(*(client.post(url, json=asked) for _ in range(count)))
    return Counter(map(told, answers))


def test_an_exception_leaves_no_oftener_than_it_may_over_all_gateways(tmp_path: Path) -> None:
    """A hundred requests at once, until it is used up: what the provider saw is what the records say, and no more.

    A machine that is slower than the wait for a count decides without it: a use that was counted, and not made."""
    now, day = datetime.now(UTC), timedelta(days=1)
    pilot = EXCEPTION.format(app="default", since=now - day, until=now + day, most=MOST_USES)
    ends = Counter[str]()
    with StandIn() as provider, Cluster.of(tmp_path, provider.base_url, 2) as cluster:
        cluster.add_policy("ssn.exception.yaml", pilot)
        while cluster.uses() < MOST_USES:
            ends += asyncio.run(at_once(cluster, SSN, 100))
        after, uses = asyncio.run(at_once(cluster, SSN, 1)), cluster.uses()
        intents, writers = cluster.kinds()["intent"], cluster.writers()
        left = sum(b"536-90-4399" in seen.body for seen in provider.requests)

    assert {"200", "403 policy_refused"} == ends.keys()
    assert 0 < left <= MOST_USES
    assert (left, left) == (ends["200"], intents)
    assert ({"403 policy_refused": 1}, MOST_USES) == (after, uses)
    assert 2 == len(writers)


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
