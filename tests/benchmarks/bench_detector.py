# ruff: noqa: E501 - a script
"""The detector beside plain presidio_analyzer, in one run: python tests/benchmarks/bench_detector.py [--pipeline DIR]

Both use the same spaCy pipeline. Texts are the development prompts of GATEWAY_BENCH_DATA (default ../shared/data), cut and
joined to a length, each of them new; without that folder, sentences of this file. Times are of one process, in ms.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median, quantiles

from gateway.adapters.presidio_detector import PresidioDetector
from gateway.domain.conversation import Leaf
from gateway.domain.declaration import LeafKind, Source
from gateway.domain.finding import Address

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("GATEWAY_BENCH_DATA", ROOT.parent / "shared" / "data"))
OWN = [
    "Please summarise the ticket of Jane Miller, who lives at 12 Elm Street and wrote from jane@example.com on 3 March.",
    "What is the difference between a list and a tuple in Python, and when should I use which of them?",
    "The invoice 4711-22 over $1,299.00 was paid with the card 4111 1111 1111 1111; the customer asks for a refund.",
    "Patient was admitted with chest pain, started on metformin 500 mg, MRN 4432211, follow up in two weeks.",
]


def sentences() -> list[str]:
    """Real prompts where they are at hand, else our own."""
    names = ("presidio_synth_v2", "benign_prompts", "benign_prompts_code_real")
    paths = [DATA / f"{name}.jsonl" for name in names]
    if not all(path.exists() for path in paths):
        print(f"no development data in {DATA}: measuring with the sentences of this file")
        return OWN
    return [json.loads(line)["text"] for path in paths for line in path.read_text(encoding="utf-8").splitlines()]


def texts(size: int, count: int) -> list[str]:
    """`count` different texts of `size` characters."""
    rng, pool = random.Random(size), sentences()
    out = []
    for _ in range(count):
        text = ""
        while len(text) < size:
            text += rng.choice(pool) + "\n"
        out.append(text[:size])
    return out


def report(name: str, size: int, seconds: list[float]) -> None:
    """One line of the table."""
    milliseconds = sorted(1000 * each for each in seconds)
    print(
        f"{name:34} {size:>7} characters  p50 {median(milliseconds):8.2f}  p99 {quantiles(milliseconds, n=100)[98]:8.2f}"
    )


def timed(run: Callable[[str], object], given: list[str]) -> Iterator[float]:
    """Seconds a text."""
    for text in given:
        begin = time.perf_counter()
        run(text)
        yield time.perf_counter() - begin


def plain_presidio(pipeline: str) -> Callable[[str], object]:
    """presidio_analyzer with its default registry and settings, over the same pipeline."""
    from presidio_analyzer import AnalyzerEngine
    from presidio_analyzer.nlp_engine import NlpEngineProvider

    from gateway.detection.analyzer import keep_suffix_list_offline

    keep_suffix_list_offline()  # or it would first try to download one
    configuration = {"nlp_engine_name": "spacy", "models": [{"lang_code": "en", "model_name": pipeline}]}
    engine = AnalyzerEngine(nlp_engine=NlpEngineProvider(nlp_configuration=configuration).create_engine())
    return lambda text: engine.analyze(text, language="en")


def leaf(text: str) -> Leaf:
    """A user's message."""
    return Leaf(Address("/messages/0/content"), "/messages/*/content", text, Source.USER, LeafKind.VALUE, ())


def resident(pid: int) -> str:
    """The most memory that a process has held, in MB."""
    status = Path(f"/proc/{pid}/status")
    line = (
        next((each for each in status.read_text().splitlines() if each.startswith("VmHWM")), "")
        if status.exists()
        else ""
    )
    return f"{int(line.split()[1]) // 1024} MB" if line else "unknown"


async def through_the_port(pipeline: str, sizes: list[tuple[int, int]]) -> None:
    """The whole way of a leaf: frame, child, frame; new text, and the same text again."""
    begin = time.perf_counter()
    detector = PresidioDetector(pipeline=pipeline, processes=1, deadline_ms=60_000)
    await detector.start()
    print(f"detector process ready in {time.perf_counter() - begin:.2f} s")
    for size, count in sizes:
        given, new, again = texts(size, count), [], []
        for seconds in (new, again):
            for text in given:
                begin = time.perf_counter()
                await detector.examine([leaf(text)], ())
                seconds.append(time.perf_counter() - begin)
        report("gateway detector, new text", size, new)
        report("gateway detector, same text again", size, again)
    print(f"detector process held at most {resident(detector._workers[0].pid)}")
    await detector.stop()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pipeline", default=str(ROOT / "models" / "pii-en"))
    parser.add_argument("--count", type=int, default=300)
    args = parser.parse_args()
    sizes = [
        (128, args.count),
        (500, args.count),
        (1_000, args.count),
        (8_000, max(20, args.count // 10)),
        (64_000, 10),
    ]
    plain = plain_presidio(args.pipeline)
    plain("warm up")
    for size, count in sizes:
        report("plain presidio_analyzer", size, list(timed(plain, texts(size, count))))
    asyncio.run(through_the_port(args.pipeline, sizes))


if __name__ == "__main__":
    main()
