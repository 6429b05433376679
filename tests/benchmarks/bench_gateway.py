"""What the gateway costs: side by side with a direct call to the same stand-in and with plain Presidio, in one run.

    python -m tests.benchmarks.bench_gateway [--requests 300] [--seconds 10]

Three processes: the stand-in provider, a gateway as `gateway serve` starts it, and this client. Latencies are taken in
turns (direct, new text, same text), so a slow moment of the machine meets all three. Writes
docs/benchmarks/gateway.json.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import platform
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx

import gateway.detection.nlp  # spaCy finds the parts of the pipeline by their names
from tests.conftest import REPOSITORY

RESULTS = REPOSITORY / "docs" / "benchmarks" / "gateway.json"
PROSE = """the report of this quarter shows that our delivery times improved after we changed the routing service and
moved the cache closer to the workers please explain which measurements would tell whether the change also helps small
batches or only large ones and suggest three experiments with a short reason for each of them so that the team can pick
one before the next planning round without reading the whole history of the project again"""
WORDS = PROSE.split()


def text_of(seed: int, length: int = 500) -> str:
    """A paragraph of plain business prose, new for every seed."""
    chance = random.Random(seed)
    words: list[str] = [f"Note {chance.randrange(100, 999)}:"]
    while sum(len(word) + 1 for word in words) < length:
        words.append(chance.choice(WORDS))
    return " ".join(words)[:length]


def body_of(text: str) -> dict[str, object]:
    """A chat request."""
    return {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": text}]}


@contextlib.contextmanager
def stand_in() -> Iterator[str]:
    """The provider, in a process of its own; yields its base URL."""
    command = [sys.executable, "-m", "gateway.testing.stand_in", "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        yield (process.stdout.readline() if process.stdout else "").strip()
    finally:
        process.terminate()
        process.wait()


@contextlib.contextmanager
def gateway(
    folder: Path, provider: str, *, anthropic: bool = False, egress: str = ""
) -> Iterator[tuple[str, str, subprocess.Popen[str], float]]:
    """`gateway serve` as a process: base URL, first key, the process, seconds until it was ready. With `anthropic`
    the provider is also a destination in that dialect, for models called `claude-*`; `egress` is the address of the
    process that sends, where it is not the gateway itself."""
    config = folder / "gateway.yaml"
    more, models = "", "'gpt-*': {external: openai, local: local-slm}"
    if anthropic:
        root = provider.removesuffix("/v1")
        more = (
            "  anthropic: {zone: external, adapter: litellm, provider: anthropic, "
            f"base_url: '{root}', api_key_env: BENCH_KEY}}\n"
        )
        models += ", 'claude-*': {external: anthropic, local: local-slm}"
    config.write_text(
        f"server: {{port: 0}}\ndatabase: {{url: 'sqlite:///{folder}/gateway.db'}}\n"
        f"ledger: {{key_file: {folder}/ledger.key, append_deadline_ms: 5000}}\n"
        "detector: {deadline_ms: 20000}\n"
        "destinations:\n"
        f"  openai: {{zone: external, adapter: openai, base_url: '{provider}', api_key_env: BENCH_KEY}}\n"
        "  local-slm: {zone: in_network, adapter: llama_cpp}\n"
        f"{more}models: {{{models}}}\n" + (f"egress: {{url: '{egress}'}}\n" if egress else "")
    )
    began = time.monotonic()
    command = [str(Path(sys.executable).parent / "gateway"), "serve", "--config", str(config)]
    environment = {**os.environ, "BENCH_KEY": "stand-in"}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment)
    url = key = ""
    for line in process.stdout or ():
        url = (re.findall(r"listening on (\S+)", line) or [url])[0]
        key = (re.findall(r"shown this once: (\S+)", line) or [key])[0]
        if line.startswith("Try it"):
            break
    try:
        yield url, key, process, time.monotonic() - began
    finally:
        process.terminate()
        process.wait()


def memory_mb(pid: int) -> dict[str, float]:
    """Resident memory of a process and its children, in MiB, by command."""
    told = {}
    for status in Path("/proc").glob("[0-9]*/status"):
        with contextlib.suppress(OSError):
            fields = dict(line.split(":", 1) for line in status.read_text().splitlines() if ":" in line)
            if pid in {int(fields["Pid"]), int(fields["PPid"])} and "VmRSS" in fields:
                words = (status.parent / "cmdline").read_bytes().decode().split("\0")
                name = next((word for word in words if word.startswith("gateway.")), "gateway serve")
                told[name] = int(fields["VmRSS"].split()[0]) / 1024
    return told


async def timed(client: httpx.AsyncClient, url: str, text: str) -> tuple[float, str]:
    """Milliseconds of one request, and the route it took."""
    began = time.perf_counter()
    response = await client.post(f"{url}/chat/completions", json=body_of(text))
    took = (time.perf_counter() - began) * 1000
    response.raise_for_status()
    return took, response.headers.get("x-gateway-route", "direct")


async def latencies(direct: str, url: str, key: str, count: int) -> dict[str, list[float]]:
    """Milliseconds of direct calls, calls with new text and calls with the same text, taken in turns."""
    told: dict[str, list[float]] = {"direct": [], "new text": [], "same text": []}
    async with (
        httpx.AsyncClient(headers={"authorization": "Bearer x"}, timeout=60) as plain,
        httpx.AsyncClient(headers={"authorization": f"Bearer {key}"}, timeout=60) as through,
    ):
        for index in range(count + 20):
            new, same = text_of(index), text_of(-1)
            once = {
                "direct": await timed(plain, direct, new),
                "new text": await timed(through, url, new),
                "same text": await timed(through, url, same),
            }
            routes = {name: route for name, (_, route) in once.items()}
            if routes != {"direct": "direct", "new text": "external", "same text": "external"}:
                raise SystemExit(f"not comparable: {routes}")
            if index >= 20:
                for name, (took, _) in once.items():
                    told[name].append(took)
    return told


async def throughput(url: str, key: str, seconds: float, clients: int, *, new: bool) -> float:
    """Requests a second that `clients` callers get through."""
    end = time.monotonic() + seconds
    done = 0

    async def caller(number: int, client: httpx.AsyncClient) -> None:
        nonlocal done
        index = 0
        while time.monotonic() < end:
            index += 1
            await timed(client, url, text_of(1_000_000 * (number + 1) + index if new else -1))
            done += 1

    limits = httpx.Limits(max_connections=clients)
    async with httpx.AsyncClient(headers={"authorization": f"Bearer {key}"}, timeout=60, limits=limits) as client:
        began = time.monotonic()
        await asyncio.gather(*(caller(number, client) for number in range(clients)))
        return done / (time.monotonic() - began)


def plain_presidio(count: int) -> list[float]:
    """Milliseconds of plain presidio_analyzer on the same texts, with the same spaCy pipeline."""
    from presidio_analyzer import AnalyzerEngine
    from presidio_analyzer.nlp_engine import NerModelConfiguration, SpacyNlpEngine

    engine = SpacyNlpEngine(
        models=[{"lang_code": "en", "model_name": str(REPOSITORY / "models" / "pii-en")}],
        ner_model_configuration=NerModelConfiguration(),
    )
    analyzer = AnalyzerEngine(nlp_engine=engine, supported_languages=["en"])
    told = []
    for index in range(count + 10):
        began = time.perf_counter()
        analyzer.analyze(text_of(index), language="en")
        told.append((time.perf_counter() - began) * 1000)
    return told[10:]


def quantiles(values: Sequence[float]) -> dict[str, float]:
    """Median, 90th and 99th percentile, rounded to microseconds."""
    cuts = statistics.quantiles(values, n=100)
    return {"p50": round(statistics.median(values), 3), "p90": round(cuts[89], 3), "p99": round(cuts[98], 3)}


def measure(count: int, seconds: float) -> dict[str, Any]:
    """Everything, as one value."""
    with tempfile.TemporaryDirectory() as name, stand_in() as direct:
        folder = Path(name)
        with gateway(folder, direct) as (_, key, _, first_start):
            pass
        with gateway(folder, direct) as (url, _, process, second_start):
            taken = asyncio.run(latencies(direct, url, key, count))
            new = asyncio.run(throughput(url, key, seconds, 16, new=True))
            same = asyncio.run(throughput(url, key, seconds, 16, new=False))
            memory = memory_mb(process.pid)
    told = {name: quantiles(values) for name, values in taken.items()}
    return {
        "machine": {"cores": os.cpu_count(), "python": platform.python_version(), "machine": platform.machine()},
        "requests": count,
        "latency_ms": told,
        "added_ms_p50": {n: round(told[n]["p50"] - told["direct"]["p50"], 3) for n in ("new text", "same text")},
        "requests_per_second": {"new text": round(new, 1), "same text": round(same, 1)},
        "plain_presidio_ms": quantiles(plain_presidio(min(count, 200))),
        "memory_mib": {name: round(value, 1) for name, value in memory.items()},
        "ready_s": {"first start": round(first_start, 2), "second start": round(second_start, 2)},
    }


def main() -> None:
    """Measure, print, and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=300)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--output", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    told = measure(arguments.requests, arguments.seconds)
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(json.dumps(told, indent=2) + "\n")
    print(json.dumps(told, indent=2))


if __name__ == "__main__":
    main()
