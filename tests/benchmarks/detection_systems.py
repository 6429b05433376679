"""What is measured: the gateway's detector through its port, and plain `presidio_analyzer` beside it."""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from gateway.adapters.presidio_detector import PresidioDetector
from gateway.domain.conversation import Leaf
from gateway.domain.declaration import LeafKind, Source
from gateway.domain.finding import Address, Examined
from gateway.paths import data_path
from tests.benchmarks.detection_data import Span

SPANISH = str(data_path("models/pii-es"))
PLAIN_THRESHOLD = 0.4
"""The score from which presidio-evaluator counts a result of Presidio."""

_AT_ONCE = 8
_DEADLINE_MS = 120_000


class System(Protocol):
    """Finds spans in texts."""

    name: str

    def find(self, texts: Sequence[str]) -> list[list[Span]]:
        """The spans of each text, sorted by start. A text that could not be examined raises."""
        ...


class NotExamined(Exception):
    """The detector failed on a text: such a run measures nothing."""


def leaf(text: str, number: int = 0) -> Leaf:
    """A user's message."""
    address = Address(f"/messages/{number}/content")
    return Leaf(address, "/messages/*/content", text, Source.USER, LeafKind.VALUE, ())


class Gateway:
    """The detector as the gateway runs it: processes, frames, the cache, what leaves tell of each other."""

    name = "gateway"

    def __init__(self, pipeline: str, processes: int = 1) -> None:
        self._loop = asyncio.new_event_loop()
        self.detector = PresidioDetector(pipeline, SPANISH, processes=processes, deadline_ms=_DEADLINE_MS)
        self._loop.run_until_complete(self.detector.start())

    def close(self) -> None:
        """End the processes."""
        self._loop.run_until_complete(self.detector.stop())
        self._loop.close()

    def find(self, texts: Sequence[str]) -> list[list[Span]]:
        """Each text as a request of its own, a few at a time."""
        return self._loop.run_until_complete(self._find(texts))

    def seconds(self, conversation: Sequence[str]) -> float:
        """How long one request with these messages takes."""
        leaves = [leaf(text, number) for number, text in enumerate(conversation)]
        begin = time.perf_counter()
        self._loop.run_until_complete(self.detector.examine(leaves, ()))
        return time.perf_counter() - begin

    @property
    def processes(self) -> list[int]:
        """The ids of the detector's processes."""
        return [worker.pid for worker in self.detector._workers]

    async def _find(self, texts: Sequence[str]) -> list[list[Span]]:
        turn = asyncio.Semaphore(_AT_ONCE)

        async def one(text: str) -> list[Span]:
            async with turn:
                asked = leaf(text)
                report = (await self.detector.examine([asked], ())).of(asked.address)
            if not isinstance(report, Examined):
                raise NotExamined(report.cause)
            return [Span(f.start, f.end, f.entity, f.confidence / 1000) for f in report.findings]

        return await asyncio.gather(*map(one, texts))


class PlainPresidio:
    """`AnalyzerEngine` with Presidio's default recognisers and settings, over a spaCy pipeline."""

    name = "plain Presidio"

    def __init__(self, pipeline: str) -> None:
        from presidio_analyzer import AnalyzerEngine
        from presidio_analyzer.nlp_engine import NlpEngineProvider

        from gateway.detection.analyzer import keep_suffix_list_offline

        keep_suffix_list_offline()  # or it would first try to download one
        logging.getLogger("presidio-analyzer").setLevel(logging.CRITICAL)
        configuration = {"nlp_engine_name": "spacy", "models": [{"lang_code": "en", "model_name": pipeline}]}
        self._engine = AnalyzerEngine(nlp_engine=NlpEngineProvider(nlp_configuration=configuration).create_engine())

    def find(self, texts: Sequence[str]) -> list[list[Span]]:
        """What Presidio reports from the threshold on, overlaps included. Of many texts by a process a core."""
        if len(texts) < _WORTH_PROCESSES:
            return [self.one(text) for text in texts]
        with multiprocessing.get_context("fork").Pool(os.cpu_count(), _remember, (self,)) as pool:
            return pool.map(_in_process, texts, chunksize=_CHUNK)

    def one(self, text: str) -> list[Span]:
        """The same of one text."""
        results = self._engine.analyze(text=text, language="en", score_threshold=PLAIN_THRESHOLD)
        return sorted((Span(r.start, r.end, r.entity_type, r.score) for r in results), key=lambda s: (s.start, s.end))


_WORTH_PROCESSES, _CHUNK = 100, 10
_system: list[PlainPresidio] = []
"""In a process of `PlainPresidio.find`, the one that it was forked with."""


def _remember(system: PlainPresidio) -> None:
    _system.append(system)


def _in_process(text: str) -> list[Span]:
    return _system[-1].one(text)


def most_memory(pid: int) -> int:
    """The most memory that a process has held, in MiB; 0 where the system does not tell."""
    status = Path(f"/proc/{pid}/status")
    lines = status.read_text().splitlines() if status.exists() else []
    return next((int(line.split()[1]) // 1024 for line in lines if line.startswith("VmHWM")), 0)


def processor() -> str:
    """The machine's processor by name."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    return next((line.split(": ", 1)[1] for line in lines if line.startswith("model name")), "unknown processor")
