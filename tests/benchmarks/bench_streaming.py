"""What the gateway adds to a stream: before its first token, to each token, and to two hundred streams at once.

    python -m tests.benchmarks.bench_streaming [--requests 200] [--tokens 400] [--rounds 5] [--streams 200]

Processes: a provider, a gateway as `gateway serve` starts it (real detector, default policy, SQLite, API key), and this
client. Every figure is taken directly and through the gateway in turns, in one run. First tokens come from the stand-in
provider; tokens that carry the time at which they were sent come from `stamping_provider`. Every token of every stream
is looked for: its number, its place, its word, and its address turned back. Writes docs/benchmarks/streaming.json.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvloop

from tests.benchmarks.bench_gateway import gateway, memory_mb, stand_in, text_of
from tests.benchmarks.stamping_provider import MOST_TOKENS, UNIT_US, words_of
from tests.benchmarks.stream_client import Answer, Connection
from tests.conftest import REPOSITORY

RESULTS = REPOSITORY / "docs" / "benchmarks" / "streaming.json"
STAMP = re.compile(r" (\d{5})@(\d+) (\S+)")
WARM = 10
SAME = -1


@dataclass(frozen=True)
class Dialect:
    """How a text is asked for, with at most so many tokens, and how its answer is read."""

    name: str
    path: str
    model: str
    body: Callable[[str, int], dict[str, Any]]
    delta: Callable[[dict[str, Any]], str]


def _chat_delta(event: dict[str, Any]) -> str:
    return "".join(choice["delta"].get("content") or "" for choice in event["choices"])


def _response_delta(event: dict[str, Any]) -> str:
    return str(event["delta"]) if event["type"] == "response.output_text.delta" else ""


def _message_delta(event: dict[str, Any]) -> str:
    return str(event["delta"]["text"]) if event["type"] == "content_block_delta" else ""


def _chat(text: str, most: int) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": text}], "max_completion_tokens": most}


def _response(text: str, most: int) -> dict[str, Any]:
    return {"input": text, "max_output_tokens": most}


def _message(text: str, most: int) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": text}], "max_tokens": most}


CHAT = Dialect("chat", "/v1/chat/completions", "gpt-stream", _chat, _chat_delta)
RESPONSES = Dialect("responses", "/v1/responses", "gpt-stream", _response, _response_delta)
MESSAGES = Dialect("messages", "/v1/messages", "claude-stream", _message, _message_delta)
TOLD = Dialect("messages told from chat", "/v1/messages", "gpt-stream", _message, _message_delta)
DIALECTS = (CHAT, RESPONSES, MESSAGES, TOLD)


@dataclass(frozen=True)
class Side:
    """Who is asked."""

    name: str
    url: str
    key: str


@dataclass
class Taken:
    """What was measured of one kind of stream on one side, in milliseconds. `tokens`: from a token's sending to its
    arrival; `words`: the same for its whole text, of which an end may be held back; `spans`: from the first token's
    arrival to the last one's; `wrong`: tokens that were lost, or not in their place or words; `cut`:
    streams without their end."""

    tokens: list[float] = field(default_factory=list)
    words: list[float] = field(default_factory=list)
    spans: list[float] = field(default_factory=list)
    cpu: float = 0.0
    count: int = 0
    wrong: int = 0
    cut: int = 0


def email_of(number: int) -> str:
    """An address, new for every number."""
    return f"anna.kowalski{number}@northwind-mail.com"


def asked(seed: int, emails: int = 0, length: int = 500) -> str:
    """A text of `length` characters with so many addresses in it; more where they need more room."""
    told = "".join(f" Write to {email_of(seed * 1000 + number)}." for number in range(emails))
    return text_of(seed, max(40, length - len(told))) + told


def request(dialect: Dialect, text: str, count: int = 500, pace: int = 0) -> dict[str, Any]:
    """The body: for so many tokens of the stamping provider, one every `pace` microseconds."""
    return {"model": dialect.model, "stream": True, **dialect.body(text, pace // UNIT_US * MOST_TOKENS + count)}


def checked(answer: Answer, side: Side, emails: int) -> Answer:
    """The answer, if it came, and on the way that it should take."""
    route = "" if side.name == "direct" else "external-transformed" if emails else "external"
    if answer.status != 200 or answer.route != route:
        told = b"".join(piece for _, piece in answer.pieces)[:200] if answer.status != 200 else b""
        raise SystemExit(f"not comparable: {side.name} {answer.status} {answer.route} {answer.reason} {told!r}")
    return answer


def first_token(answer: Answer, dialect: Dialect) -> float:
    """Milliseconds from the request to the first event that holds text."""
    for arrival, event in answer.events():
        if dialect.delta(event):
            return (arrival - answer.sent) / 1e6
    raise SystemExit("an answer without text")


async def first_tokens(sides: Sequence[Side], count: int) -> dict[str, dict[str, dict[str, list[float]]]]:
    """Milliseconds to the first token, by dialect, kind of text and side."""
    kinds = {"new text": (0, False), "same text": (0, True), "new text with an address": (1, False)}
    told: dict[str, dict[str, dict[str, list[float]]]] = {
        dialect.name: {kind: {side.name: [] for side in sides} for kind in kinds} for dialect in DIALECTS
    }
    connections = [await Connection.to(side.url) for side in sides]
    seed = 0
    for index in range(count + WARM):
        for dialect in DIALECTS:
            for kind, (emails, same) in kinds.items():
                seed += 1
                text = asked(SAME if same else seed, emails)
                for side, connection in zip(sides, connections, strict=True):
                    answer = await connection.ask(dialect.path, side.key, request(dialect, text))
                    took = first_token(checked(answer, side, emails), dialect)
                    if index >= WARM:
                        told[dialect.name][kind][side.name].append(took)
    return told


def read(answer: Answer, dialect: Dialect, words: Sequence[str], taken: Taken, since: int = 0) -> None:
    """Look for every token, and note how long each took that was sent after `since`."""
    parts, ends, arrivals, size = [], [], [], 0
    for arrival, event in answer.events():
        delta = dialect.delta(event)
        if delta:
            size += len(delta)
            parts.append(delta)
            ends.append(size)
            arrivals.append(arrival)
    text = "".join(parts)
    found = list(STAMP.finditer(text))
    taken.cut += not answer.ended
    taken.count += len(found)
    came = [(int(match[1]), match[3]) for match in found]
    taken.wrong += abs(len(words) - len(came)) + sum(a != b for a, b in zip(came, enumerate(words), strict=False))
    taken.wrong += "".join(match[0] for match in found) != text
    stamps = [arrivals[bisect_left(ends, match.end(2))] for match in found]
    for at, match in zip(stamps, found, strict=True):
        if int(match[2]) >= since:
            taken.tokens.append((at - int(match[2])) / 1e6)
            taken.words.append((arrivals[bisect_left(ends, match.end())] - int(match[2])) / 1e6)
    taken.spans.append((stamps[-1] - stamps[0]) / 1e6)


def processor_ms(pid: int) -> float:
    """Processor time of a process until now, its children not counted."""
    total = 0
    for task in Path(f"/proc/{pid}/task").glob("*/schedstat"):
        with contextlib.suppress(OSError):
            total += int(task.read_text().split()[0])
    return total / 1e6


async def token_times(
    sides: Sequence[Side], pid: int, *, tokens: int, rounds: int, paces: Sequence[int]
) -> dict[str, dict[str, dict[str, dict[str, Taken]]]]:
    """What tokens take, by dialect, pace, number of addresses and side."""
    connections = [await Connection.to(side.url) for side in sides]
    told: dict[str, dict[str, dict[str, dict[str, Taken]]]] = {}
    for index in range(rounds + 1):
        for dialect in DIALECTS:
            for pace in paces:
                for emails in (0, 1, 100):
                    text = asked(emails, emails)
                    words = words_of(text, tokens)
                    kind = told.setdefault(dialect.name, {}).setdefault(str(pace), {}).setdefault(str(emails), {})
                    for side, connection in zip(sides, connections, strict=True):
                        before = processor_ms(pid)
                        body = request(dialect, text, tokens, pace)
                        answer = await connection.ask(dialect.path, side.key, body)
                        spent = processor_ms(pid) - before
                        taken = kind.setdefault(side.name, Taken()) if index else Taken()
                        taken.cpu += spent
                        read(checked(answer, side, emails), dialect, words, taken)
    return told


async def at_once(side: Side, pid: int, *, streams: int, tokens: int, pace: int) -> tuple[Taken, dict[str, float]]:
    """`streams` streams held at once, an address in every second one. Every text was asked before, one by one: what is
    measured is the holding, not the detector's queue."""
    texts = [asked(5_000 + number, number % 2) for number in range(streams)]
    connections = [await Connection.to(side.url) for _ in texts]
    for number, (connection, text) in enumerate(zip(connections, texts, strict=True)):
        checked(await connection.ask(CHAT.path, side.key, request(CHAT, text, 1, 0)), side, number % 2)
    asking = [
        connection.ask(CHAT.path, side.key, request(CHAT, text, tokens, pace))
        for connection, text in zip(connections, texts, strict=True)
    ]
    before = processor_ms(pid)
    answers = await asyncio.gather(*asking)
    spent = processor_ms(pid) - before
    first_sent = min(answer.sent for answer in answers)
    last_begin = max(answer.pieces[0][0] for answer in answers)
    last_end = max(answer.pieces[-1][0] for answer in answers)
    held = sum(answer.pieces[-1][0] > last_begin for answer in answers)
    taken = Taken(cpu=spent)
    for number, (answer, text) in enumerate(zip(answers, texts, strict=True)):
        read(checked(answer, side, number % 2), CHAT, words_of(text, tokens), taken, last_begin if pace else 0)
    for connection in connections:
        connection.close()
    seconds = {"until_all_began_s": (last_begin - first_sent) / 1e9, "seconds": (last_end - first_sent) / 1e9}
    return taken, {**{name: round(value, 2) for name, value in seconds.items()}, "open_when_the_last_began": held}


@contextlib.contextmanager
def stamping() -> Iterator[str]:
    """The provider whose tokens carry their time; yields its base URL."""
    command = [sys.executable, "-m", "tests.benchmarks.stamping_provider"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY)
    try:
        yield (process.stdout.readline() if process.stdout else "").strip()
    finally:
        process.terminate()
        process.wait()


def quantiles(values: Sequence[float]) -> dict[str, float]:
    """Median, 95th and 99th percentile, rounded to microseconds."""
    cuts = statistics.quantiles(values, n=100)
    return {"p50": round(statistics.median(values), 3), "p95": round(cuts[94], 3), "p99": round(cuts[98], 3)}


def beside(direct: Sequence[float], through: Sequence[float]) -> dict[str, dict[str, float]]:
    """Two distributions in milliseconds, and how far apart their quantiles are."""
    one, other = quantiles(direct), quantiles(through)
    return {"direct": one, "through": other, "added": {name: round(other[name] - one[name], 3) for name in one}}


def told_tokens(kind: dict[str, Taken]) -> dict[str, Any]:
    """The figures of one kind of stream."""
    direct, through = kind["direct"], kind["through"]
    spans = {side: round(statistics.median(kind[side].spans), 2) for side in ("direct", "through")}
    late = sum(word > token for token, word in zip(through.tokens, through.words, strict=True))
    return {
        "token_ms": beside(direct.tokens, through.tokens),
        "word_ms": beside(direct.words, through.words),
        "first_to_last_ms_p50": spans,
        "added_us_per_token": round(1000 * (spans["through"] - spans["direct"]) / (through.count / len(through.spans))),
        "gateway_processor_us_per_token": round(1000 * through.cpu / through.count, 1),
        "words_whose_end_came_later": round(late / through.count, 4),
        "wrong_or_lost": direct.wrong + through.wrong,
        "cut": direct.cut + through.cut,
    }


def peak_mib(pid: int) -> float:
    """The most memory that a process had resident."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return round(int(found[1]) / 1024, 1) if found else 0.0


def told_at_once(sides: Sequence[Side], pid: int, *, streams: int, tokens: int, pace: int) -> dict[str, Any]:
    """Many streams at once, on each side."""
    told: dict[str, Any] = {}
    for side in sides:
        memory = memory_mb(pid).get("gateway serve", 0.0)
        taken, figures = uvloop.run(at_once(side, pid, streams=streams, tokens=tokens, pace=pace))
        told[side.name] = {
            **figures,
            "tokens_per_second": round(taken.count / figures["seconds"]),
            "tokens": taken.count,
            "token_ms_once_all_began" if pace else "token_ms": quantiles(taken.tokens),
            "wrong_or_lost": taken.wrong,
            "cut": taken.cut,
        }
        if side.name == "through":
            told[side.name] |= {
                "gateway_processor_us_per_token": round(1000 * taken.cpu / taken.count, 1),
                "gateway_mib_before": round(memory, 1),
                "gateway_mib_peak": peak_mib(pid),
            }
    return told


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Everything, as one value."""
    gc.disable()  # the client's own pauses are nobody's latency
    with tempfile.TemporaryDirectory() as name:
        with stand_in() as direct, gateway(Path(name), direct, anthropic=True) as (url, key, _, _):
            sides = [Side("direct", direct, "x"), Side("through", url, key)]
            first = uvloop.run(first_tokens(sides, options.requests))
        gc.collect()
        with stamping() as direct, gateway(Path(name), direct, anthropic=True) as (url, _, process, _):
            sides = [Side("direct", direct, "x"), Side("through", url, key)]
            sizes = {"tokens": options.tokens, "rounds": options.rounds, "paces": (options.pace, 0)}
            tokens = uvloop.run(token_times(sides, process.pid, **sizes))
            gc.collect()
            many = {}
            for pace in (options.many_pace, 0):
                sizes = {"streams": options.streams, "tokens": options.many_tokens, "pace": pace}
                many[_pace(pace)] = told_at_once(sides, process.pid, **sizes)
                gc.collect()
    return {
        "machine": {"cores": os.cpu_count(), "python": platform.python_version(), "machine": platform.machine()},
        "command": "python -m tests.benchmarks.bench_streaming " + _words(options),
        "load_average": [round(each, 2) for each in os.getloadavg()],
        "requests": options.requests,
        "first_token_ms": {d: {k: beside(v["direct"], v["through"]) for k, v in t.items()} for d, t in first.items()},
        "tokens": {
            dialect: {
                _pace(int(pace)): {n: told_tokens(kind) for n, kind in kinds.items()} for pace, kinds in t.items()
            }
            for dialect, t in tokens.items()
        },
        "at_once": {"streams": options.streams, "tokens_each": options.many_tokens, **many},
    }


def _words(options: argparse.Namespace) -> str:
    """The options as a command line; not where the results are written."""
    chosen = {name.replace("_", "-"): value for name, value in vars(options).items() if name != "output"}
    return " ".join(f"--{name} {value}" for name, value in chosen.items())


def _pace(microseconds: int) -> str:
    return f"one every {microseconds / 1000:g} ms" if microseconds else "as fast as it can"


def main() -> None:
    """Measure, print, and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=200, help="requests of each kind for the first token")
    parser.add_argument("--tokens", type=int, default=400, help="tokens of a stream")
    parser.add_argument("--rounds", type=int, default=5, help="streams of each kind")
    parser.add_argument("--pace", type=int, default=5_000, help="microseconds between two tokens")
    parser.add_argument("--streams", type=int, default=200, help="streams at once")
    parser.add_argument("--many-tokens", type=int, default=300, help="tokens of each of them")
    parser.add_argument("--many-pace", type=int, default=100_000, help="microseconds between two of their tokens")
    parser.add_argument("--output", type=Path, default=RESULTS)
    options = parser.parse_args()
    told = measure(options)
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(json.dumps(told, indent=2) + "\n")
    print(json.dumps(told, indent=2))


if __name__ == "__main__":
    main()
