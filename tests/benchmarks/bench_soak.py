"""A long run at half of what a gateway carries: does memory grow, does p99 stay, is the ledger sound.

    python -m tests.benchmarks.bench_soak [--minutes 30]

Writes docs/benchmarks/production.json and production.md.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import subprocess
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import httpx

from tests.benchmarks.bench_gateway import body_of, gateway, memory_mb, stand_in, text_of, throughput
from tests.benchmarks.production_page import keep
from tests.replicas import GATEWAY, told

CAPACITY_S = 15.0
SAMPLE_S = 2.0


async def steady(url: str, key: str, rate: float, seconds: float, pid: int) -> dict[str, Any]:
    """Requests at a fixed rate, whether or not the ones before were answered; memory of gateway and detector beside."""
    ends: Counter[str] = Counter()
    took: list[tuple[float, float]] = []
    memory: list[float] = []
    asking: set[asyncio.Task[None]] = set()
    began = time.monotonic()
    limits = httpx.Limits(max_connections=400)
    headers = {"authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(headers=headers, timeout=60, limits=limits, trust_env=False) as client:

        async def ask(number: int) -> None:
            at = time.monotonic()
            try:
                answer = await client.post(f"{url}/chat/completions", json=body_of(text_of(number)))
                ends[told(answer)] += 1
            except httpx.HTTPError as error:
                ends[type(error).__name__] += 1
            took.append((at - began, (time.monotonic() - at) * 1000))

        number, sampled = 0, 0.0
        while (now := time.monotonic() - began) < seconds:
            while number < now * rate:
                number += 1
                task = asyncio.create_task(ask(number))
                asking.add(task)
                task.add_done_callback(asking.discard)
            if now >= sampled:
                sampled = now + SAMPLE_S
                memory.append(sum(memory_mb(pid).values()))
            await asyncio.sleep(0.005)
        await asyncio.gather(*asking)
    return {"ends": ends, "took": took, "memory": memory}


def measure(minutes: float) -> dict[str, Any]:
    """Everything, as one value."""
    with tempfile.TemporaryDirectory() as name, stand_in() as provider:
        folder = Path(name)
        with gateway(folder, provider) as (url, key, process, _):
            capacity = asyncio.run(throughput(url, key, CAPACITY_S, 16, new=True))
            rate = round(capacity / 2, 1)
            seen = asyncio.run(steady(url, key, rate, minutes * 60, process.pid))
        command = [GATEWAY, "ledger", "verify", "--config", str(folder / "gateway.yaml")]
        verified = subprocess.run(command, capture_output=True, check=False)
    return {"minutes": minutes, "capacity": round(capacity, 1), "rate": rate, **_told(seen, minutes * 60)} | {
        "verify": verified.returncode
    }


def _told(seen: dict[str, Any], seconds: float) -> dict[str, Any]:
    """Memory is compared between the second tenth of the run, when caches are full, and the last one."""
    memory, tenth = seen["memory"], max(1, len(seen["memory"]) // 10)
    first, last = statistics.mean(memory[tenth : 2 * tenth]), statistics.mean(memory[-tenth:])
    halves = [[ms for at, ms in seen["took"] if (at < seconds / 2) is early] for early in (True, False)]
    p99 = [round(statistics.quantiles(half, n=100)[98], 1) for half in halves]
    return {
        "requests": sum(seen["ends"].values()),
        "failed": {end: count for end, count in seen["ends"].items() if end != "200"},
        "memory_first_mib": round(first, 1),
        "memory_last_mib": round(last, 1),
        "drift_percent": round((last - first) / first * 100, 2),
        "p99_first_ms": p99[0],
        "p99_second_ms": p99[1],
    }


def main() -> None:
    """Measure, print, and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0)
    figures = measure(parser.parse_args().minutes)
    print(figures)
    keep("soak", figures)


if __name__ == "__main__":
    main()
