"""What detection costs: processor time on one core, growth with the text, a resent conversation, memory, processes."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterator, Sequence
from statistics import median, quantiles

from gateway.detection.analyzer import build_analyzer
from gateway.detection.custom import CompiledDetectors
from tests.benchmarks.detection_data import Absent, load
from tests.benchmarks.detection_rows import Bench, Line
from tests.benchmarks.detection_systems import Gateway, most_memory

OWN = (
    "Summarise the ticket of Jane Miller, who lives at 12 Elm Street and wrote from jane@example.com on 3 March.",
    "What is the difference between a list and a tuple in Python, and when should I use which of them?",
    "The invoice 4711-22 over $1,299.00 was paid with the card 4111 1111 1111 1111; the customer asks for a refund.",
    "Patient was admitted with chest pain, started on metformin 500 mg, MRN 4432211, follow up in two weeks.",
)
_TURNS = 20
_TURN = 500
_CONVERSATIONS = 10
_SETS = ("presidio_synth_v2", "benign_prompts", "benign_prompts_code_real")


def texts(size: int, count: int, seed: int = 0) -> list[str]:
    """`count` different texts of `size` characters, of real prompts where they are at hand."""
    rng, pool = random.Random(f"{size} {seed}"), _sentences()
    out = []
    for _ in range(count):
        text = ""
        while len(text) < size:
            text += rng.choice(pool) + "\n"
        out.append(text[:size])
    return out


def _sentences() -> Sequence[str]:
    try:
        return [case.text for name in _SETS for case in load(name, {})]
    except Absent:
        return OWN


def _milliseconds(run: Callable[[str], object], given: Sequence[str]) -> list[float]:
    """Milliseconds of processor time a text, of all threads of this process."""
    spent = []
    for text in given:
        begin = time.process_time()
        run(text)
        spent.append(1000 * (time.process_time() - begin))
    return spent


def latency(bench: Bench) -> Iterator[Line]:
    """Row 10: processor time, so that what else the machine does counts little."""
    analyzer, nothing = build_analyzer(bench.pipeline), CompiledDetectors(())

    def ours(text: str) -> object:
        return analyzer.examine(text, (), nothing)

    def plain(text: str) -> object:
        return bench.plain.find([text])

    count = min(bench.sample or 150, 150)
    ours(OWN[0])
    for size, few in ((128, count), (1_000, count)):
        a, b = _milliseconds(ours, texts(size, few)), _milliseconds(plain, texts(size, few))
        for name, at, goal in (("p50", 49, 12), ("p99", 98, 30)):
            mine = quantiles(a, n=100)[at]
            goal_here = f"<= {goal} ms" if size == 1_000 else "-"
            reached = mine <= goal if size == 1_000 else None
            yield Line(
                10,
                f"{size} characters, {name}",
                goal_here,
                f"{mine:.1f} ms",
                f"{quantiles(b, n=100)[at]:.1f} ms",
                reached,
            )
    yield from _growth(ours, plain)


def _growth(ours: Callable[[str], object], plain: Callable[[str], object]) -> Iterator[Line]:
    """Milliseconds of processor time for each thousand characters of ever longer texts."""
    per_thousand: dict[int, float] = {}
    for size, beside in ((10_000, True), (100_000, True), (1_000_000, False)):
        given = texts(size, 1)
        per_thousand[size] = _milliseconds(ours, given)[0] * 1000 / size
        shown = f"{_milliseconds(plain, given)[0] * 1000 / size:.1f} ms" if beside else "not tried"
        linear = per_thousand[size] <= 2 * per_thousand[10_000] if size > 10_000 else None
        goal = "linear" if size > 10_000 else "-"
        yield Line(10, f"{size:,} characters, each 1,000", goal, f"{per_thousand[size]:.1f} ms", shown, linear)


def resent(bench: Bench) -> Iterator[Line]:
    """Row 11."""
    whole, again, alone = [], [], []
    system = Gateway(bench.pipeline, processes=1)
    try:
        for number in range(_CONVERSATIONS):
            turns = texts(_TURN, _TURNS + 2, seed=number + 1)
            whole.append(system.seconds(turns[:_TURNS]))
            again.append(system.seconds(turns[: _TURNS + 1]))
            alone.append(system.seconds(turns[_TURNS + 1 :]))
    finally:
        system.close()
    first, second, new = (1000 * median(each) for each in (whole, again, alone))
    yield Line(11, f"{_TURNS} turns of {_TURN} characters, new", "-", f"{first:.1f} ms")
    yield Line(
        11,
        "the same and one new turn",
        ">= 10 x cheaper",
        f"{second:.1f} ms ({first / second:.0f} x)",
        "-",
        first >= 10 * second,
    )
    yield Line(11, "the new turn alone", "-", f"{new:.1f} ms")


def size_and_scale(bench: Bench) -> Iterator[Line]:
    """Row 12, and what a second process brings."""
    count = min(bench.sample or 200, 200)
    most = max(map(most_memory, bench.gateway.processes))
    yield Line(12, "memory of one detector process, at most", "<= 500 MB", f"{most} MiB", "-", most <= 500)
    one_core, one, two = (_rate(bench, count, processes, cores) for processes, cores in ((1, 1), (1, 2), (2, 2)))
    yield Line(12, f"texts of {_TURN} characters a second, one process on one core", "-", f"{one_core:.0f}")
    yield Line(12, "the same, one process on two cores", "-", f"{one:.0f} ({one / one_core:.2f} x)")
    told = f"{two:.0f} ({two / one_core:.2f} x)"
    yield Line(12, "the same, two processes on two cores", "nearly twice", told, "-", two >= 1.7 * one_core)


def _rate(bench: Bench, count: int, processes: int, cores: int) -> float:
    """How many new texts so many processes read a second, with this process and them on so many cores."""
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(allowed)[:cores])
    system = Gateway(bench.pipeline, processes)
    try:
        seed = 10 * processes + cores
        system.find(texts(_TURN, 20, seed=1000 + seed))
        given = texts(_TURN, count, seed=2000 + seed)
        begin = time.perf_counter()
        system.find(given)
        return count / (time.perf_counter() - begin)
    finally:
        system.close()
        os.sched_setaffinity(0, allowed)
