"""What the egress as a process of its own adds to a request: beside a gateway that sends by itself, in one run.

    python -m tests.benchmarks.bench_egress [--requests 300]

Latencies are taken in turns (direct, one process, two processes), so a slow moment of the machine meets all three; the
text is a known one, so detection is not in the figures. Writes docs/benchmarks/production.json and production.md.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

from tests.benchmarks.bench_gateway import gateway, quantiles, stand_in, text_of, timed
from tests.benchmarks.production_page import keep
from tests.replicas import GATEWAY

_WARM = 20


@contextlib.contextmanager
def egress(folder: Path, provider: str) -> Iterator[str]:
    """`gateway egress` as a process, for the gateway whose files are in the folder; yields its address."""
    config, environment = folder / "egress.yaml", {**os.environ, "BENCH_KEY": "stand-in"}
    config.write_text(
        f"ledger: {{key_file: {folder}/ledger.key}}\n"
        "destinations:\n"
        f"  openai: {{zone: external, adapter: openai, base_url: '{provider}', api_key_env: BENCH_KEY}}\n"
        "models: {'gpt-*': {external: openai}}\n"
        f"egress: {{port: 0, gateway_keys_file: {folder}/gateway.pub, refusals_file: {folder}/refusals.jsonl}}\n"
    )
    told = subprocess.run([GATEWAY, "ledger", "public-key", "--config", str(config)], capture_output=True, check=True)
    (folder / "gateway.pub").write_bytes(told.stdout)
    command = [GATEWAY, "egress", "--config", str(config)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    try:
        yield (process.stdout.readline() if process.stdout else "").partition("listening on ")[2].partition(",")[0]
    finally:
        process.terminate()
        process.wait()


async def in_turns(doors: dict[str, tuple[str, str]], count: int) -> dict[str, list[float]]:
    """Milliseconds of each request at each door: name -> (base URL, key)."""
    told: dict[str, list[float]] = {name: [] for name in doors}
    async with httpx.AsyncClient(timeout=60, trust_env=False) as client:
        for number in range(count + _WARM):
            for name, (url, key) in doors.items():
                client.headers["authorization"] = f"Bearer {key}"
                took, route = await timed(client, url, text_of(-1))
                if route not in {"direct", "external"}:
                    raise SystemExit(f"not comparable: {route}")
                if number >= _WARM:
                    told[name].append(took)
    return told


def measure(count: int) -> dict[str, Any]:
    """Everything, as one value."""
    with (
        tempfile.TemporaryDirectory() as one,
        tempfile.TemporaryDirectory() as two,
        stand_in() as provider,
        gateway(Path(one), provider) as (alone, alone_key, _, _),
        egress(Path(two), provider) as wall,
        gateway(Path(two), provider, egress=wall) as (split, split_key, _, _),
    ):
        doors = {"direct": (provider, "x"), "one": (alone, alone_key), "two": (split, split_key)}
        taken = asyncio.run(in_turns(doors, count))
    told = {name: quantiles(values) for name, values in taken.items()}
    return {"requests": count, "latency_ms": told, "hop_ms_p50": round(told["two"]["p50"] - told["one"]["p50"], 2)}


def main() -> None:
    """Measure, print, and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=300)
    figures = measure(parser.parse_args().requests)
    print(figures)
    keep("egress", figures)


if __name__ == "__main__":
    main()
