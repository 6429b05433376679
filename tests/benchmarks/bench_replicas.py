"""One, two and three gateways on one PostgreSQL behind haproxy: what they carry, and what faults cost.

    python -m tests.benchmarks.bench_replicas [--seconds 15] [--callers 16]

Needs haproxy (`apt-get install haproxy`). Writes docs/benchmarks/production.json and production.md.
"""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from gateway.testing.stand_in import StandIn
from tests.benchmarks.bench_gateway import stand_in, text_of
from tests.benchmarks.production_page import keep
from tests.replicas import Cluster, Load, balancer, faults


def figures(count: int, seconds: float, callers: int) -> dict[str, Any]:
    """What so many replicas carry: texts that are new, and one that is known."""
    with (
        tempfile.TemporaryDirectory() as folder,
        stand_in() as provider,
        Cluster.of(Path(folder), provider, count) as cluster,
    ):
        new = Load(cluster.url, cluster.key, callers, text_of)
        same = Load(cluster.url, cluster.key, callers, lambda _: text_of(-1))
        told = {name: asyncio.run(_carried(load, seconds)) for name, load in (("new", new), ("same", same))}
    return {"replicas": count, **told}


async def _carried(load: Load, seconds: float) -> dict[str, float]:
    began = time.monotonic()
    async with load.running():
        await asyncio.sleep(seconds)
    took = time.monotonic() - began
    if load.failed:
        raise SystemExit(f"not comparable: {load.failed}")
    cuts = statistics.quantiles(load.latencies, n=100)
    return {
        "per_s": round(len(load.latencies) / took, 1),
        "p50_ms": round(statistics.median(load.latencies) * 1000, 1),
        "p99_ms": round(cuts[98] * 1000, 1),
    }


def main() -> None:
    """Measure, print, and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=15.0)
    parser.add_argument("--callers", type=int, default=16)
    parser.add_argument("--most", type=int, default=3, help="how many replicas at most")
    chosen = parser.parse_args()
    if not balancer():
        raise SystemExit("haproxy is not installed: apt-get install haproxy")
    measured = [figures(count, chosen.seconds, chosen.callers) for count in range(1, chosen.most + 1)]
    with (
        tempfile.TemporaryDirectory() as folder,
        StandIn() as provider,
        Cluster.of(Path(folder), provider.base_url, chosen.most) as cluster,
    ):
        seen = asyncio.run(faults(cluster, provider, 8, roll=chosen.most))
    told = {"seconds": chosen.seconds, "callers": chosen.callers, "figures": measured}
    keep("replicas", {**told, "faults": dataclasses.asdict(seen)})


if __name__ == "__main__":
    main()
