"""A gateway under more than it takes, and under callers that mean it harm: what it answers, and what memory it needs.

    python -m tests.benchmarks.bench_overload [--connections 500] [--flood 1500]

Writes docs/benchmarks/production.json and production.md.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gzip
import statistics
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

from gateway.process import allow_many_connections
from gateway.testing.stand_in import Gate, Held, StandIn
from tests.benchmarks.bench_gateway import gateway, memory_mb, text_of
from tests.benchmarks.production_page import keep
from tests.replicas import told

MIB = 1024 * 1024


class Peak:
    """The most memory that the gateway's own process had, in MiB."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._ended = threading.Event()
        self.most = 0.0

    @contextlib.contextmanager
    def watching(self) -> Iterator[Peak]:
        """Looks ten times a second."""
        thread = threading.Thread(target=self._watch)
        thread.start()
        try:
            yield self
        finally:
            self._ended.set()
            thread.join()

    def now(self) -> float:
        """What it has now."""
        return round(memory_mb(self._pid).get("gateway serve", 0.0), 1)

    def _watch(self) -> None:
        while not self._ended.wait(0.1):
            self.most = max(self.most, self.now())


async def asked(client: httpx.AsyncClient, url: str, **more: Any) -> str:
    """What became of one request."""
    try:
        return told(await client.post(f"{url}/chat/completions", **more))
    except httpx.HTTPError as error:
        return type(error).__name__


async def at_once(url: str, key: str, provider: StandIn, count: int) -> dict[str, int]:
    """So many requests at the same time, each over its own connection, while the provider answers none."""
    gate, before = Gate(), len(provider.requests)
    provider.script(*(Held(gate) for _ in range(count)))
    limits = httpx.Limits(max_connections=count)
    headers = {"authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(headers=headers, limits=limits, timeout=300, trust_env=False) as client:
        body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": text_of(-1)}]}
        asking = [asyncio.create_task(asked(client, url, json=body)) for _ in range(count)]
        waited = time.monotonic()
        while len(provider.requests) - before + sum(task.done() for task in asking) < count:
            await asyncio.sleep(0.05)
            if time.monotonic() - waited > 240:
                break
        gate.release()
        ends = Counter(await asyncio.gather(*asking))
    provider.unscript()
    return dict(ends)


async def large(url: str, key: str, count: int, size: int) -> dict[str, int]:
    """So many bodies of `size` bytes at once, just below what one may be."""
    body = b'{"model":"gpt-4o-mini","messages":[{"role":"user","content":"' + b"word " * (size // 5) + b'"}]}'
    headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
    limits = httpx.Limits(max_connections=count)
    async with httpx.AsyncClient(headers=headers, limits=limits, timeout=300, trust_env=False) as client:
        return dict(Counter(await asyncio.gather(*(asked(client, url, content=body) for _ in range(count)))))


async def compressed(url: str, key: str, count: int) -> dict[str, int]:
    """Bodies of some kilobytes that would unfold to a hundred megabytes."""
    bomb = gzip.compress(b" " * (100 * MIB))
    headers = {"authorization": f"Bearer {key}", "content-type": "application/json", "content-encoding": "gzip"}
    async with httpx.AsyncClient(headers=headers, timeout=60, trust_env=False) as client:
        return dict(Counter(await asyncio.gather(*(asked(client, url, content=bomb) for _ in range(count)))))


async def slow(url: str, key: str, count: int) -> dict[str, Any]:
    """So many connections that send a head a byte a second; how others fare, and when the slow ones are let go."""
    port = int(url.rpartition(":")[2].partition("/")[0])
    began, gone, took = time.monotonic(), [], []

    async def dripping() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        with contextlib.suppress(ConnectionError, asyncio.TimeoutError):
            for byte in b"POST /v1/chat/completions HTTP/1.1\r\nhost: " + b"x" * 300:
                writer.write(bytes([byte]))
                await writer.drain()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(reader.read(), 1.0)
                    break
        gone.append(time.monotonic() - began)
        writer.close()

    drops = [asyncio.create_task(dripping()) for _ in range(count)]
    headers = {"authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(headers=headers, timeout=60, trust_env=False) as client:
        for _ in range(20):
            at = time.monotonic()
            body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": text_of(-1)}]}
            await asked(client, url, json=body)
            took.append((time.monotonic() - at) * 1000)
    await asyncio.gather(*drops)
    return {"others_p50_ms": round(statistics.median(took), 1), "let_go_after_s": round(max(gone), 1)}


def measure(connections: int, flood: int) -> dict[str, Any]:
    """Everything, as one value."""
    with (
        tempfile.TemporaryDirectory() as folder,
        StandIn() as provider,
        gateway(Path(folder), provider.base_url) as (url, key, process, _),
        Peak(process.pid).watching() as peak,
    ):
        asyncio.run(at_once(url, key, provider, 5))
        seen: dict[str, Any] = {"memory before, MiB": peak.now()}
        seen[f"{connections} connections at once"] = asyncio.run(at_once(url, key, provider, connections))
        seen["memory then, at most, MiB"] = peak.most
        seen[f"{flood} requests at once, 512 taken"] = asyncio.run(at_once(url, key, provider, flood))
        seen["memory then, at most, MiB "] = peak.most
        seen["60 bodies of 9 MiB at once, 64 MiB taken"] = asyncio.run(large(url, key, 60, 9 * MIB))
        seen["memory then, at most, MiB  "] = peak.most
        seen["50 bodies that unfold to 100 MiB"] = asyncio.run(compressed(url, key, 50))
        slow_ones = asyncio.run(slow(url, key, 300))
        seen["300 connections that drip: others' p50, ms"] = slow_ones["others_p50_ms"]
        seen["300 connections that drip: let go after, s"] = slow_ones["let_go_after_s"]
        seen["a request afterwards"] = asyncio.run(at_once(url, key, provider, 1))
        seen["memory afterwards, MiB"] = peak.now()
    return {"seen": seen}


def main() -> None:
    """Measure, print, and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--connections", type=int, default=500)
    parser.add_argument("--flood", type=int, default=1500)
    chosen = parser.parse_args()
    allow_many_connections()
    figures = measure(chosen.connections, chosen.flood)
    print(figures)
    keep("overload", figures)


if __name__ == "__main__":
    main()
