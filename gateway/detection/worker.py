"""The detector's process: `python -m gateway.detection.worker PIPELINE INDEX_KEY_FILE`. Frames in, frames out,
nothing else.

No text that it reads is ever printed, logged or put into an exception that leaves it. A text whose examination raises
is reported as failed. The budget of a job counts from its arrival, so waiting in line uses it up.
"""

from __future__ import annotations

import gc
import hashlib
import logging
import os
import queue
import sys
import threading
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import cast

from gateway.adapters.worker_child import Channel
from gateway.detection.analyzer import Analyzer, build_analyzer
from gateway.detection.custom import CompiledDetectors, CompiledSets
from gateway.detection.frames import detectors_from_json, judged_to_json, neighbours_from_json, report_to_json
from gateway.detection.heads import Judge, judge_of
from gateway.domain.finding import Examined, Failed, FailureCause, LeafReport
from gateway.domain.labels import UNSUPPORTED_LANGUAGE
from gateway.domain.strict_json import Json

_PLAIN_LEAF = 2
"""So many parts has a leaf that is no joint: its text and the keys above it."""


class _OutOfTime(Exception):
    """The budget is used up, or nobody waits for the answer any more."""


@dataclass(frozen=True, slots=True)
class _Job:
    number: int
    do: dict[str, Json]
    until: float


class Worker:
    """Answers jobs one after the other. A second thread listens, so that cancellations arrive in time."""

    def __init__(self, analyzer: Analyzer, channel: Channel, sets: CompiledSets, judge: Judge | None) -> None:
        self._analyzer = analyzer
        self._judge = judge
        self._channel = channel
        self._sets = sets
        self._jobs: queue.Queue[_Job | None] = queue.Queue()
        self._cancelled: set[int] = set()

    def run(self) -> None:
        """Serve until the parent goes away."""
        threading.Thread(target=self._listen, daemon=True).start()
        while (job := self._jobs.get()) is not None:
            if job.number not in self._cancelled:
                self._channel.end(job.number, self._answer(job))
            if self._jobs.empty():
                self._cancelled.clear()

    def _listen(self) -> None:
        try:
            for message in self._channel.messages():
                if "cancel" in message:
                    self._cancelled.add(cast("int", message["cancel"]))
                    continue
                do = cast("dict[str, Json]", message["do"])
                budget = cast("int", do.get("budget_ms", 0)) / 1000
                self._jobs.put(_Job(cast("int", message["job"]), do, time.monotonic() + budget))
        finally:
            self._jobs.put(None)

    def _answer(self, job: _Job) -> Json:
        if "ping" in job.do:
            return {"pong": True}
        if "judge" in job.do:
            return self._judged(str(job.do["judge"]))
        digest, detectors = str(job.do["set"]), job.do["detectors"]
        if detectors is None and not self._sets.known(digest):
            return {"unknown_set": True}
        leaves = cast("list[list[Json]]", job.do["leaves"])
        try:
            custom = self._sets.get(digest, detectors_from_json(detectors or []))
        except Exception:  # noqa: BLE001 - a set that cannot be compiled examines nothing
            return {"leaves": ["error"] * len(leaves)}
        return {"leaves": [report_to_json(self._examine(leaf, custom, job)) for leaf in leaves]}

    def _examine(self, leaf: list[Json], custom: CompiledDetectors, job: _Job) -> LeafReport:
        text, context = cast("str", leaf[0]), cast("list[str]", leaf[1])
        try:
            self._go_on(job)
            if len(leaf) > _PLAIN_LEAF:
                joint = neighbours_from_json(leaf)
                return Examined(self._analyzer.examine_joint(joint, context, custom, lambda: self._go_on(job)))
            return Examined(self._analyzer.examine(text, context, custom, lambda: self._go_on(job)))
        except _OutOfTime:
            return Failed(FailureCause.DEADLINE)
        except Exception:  # noqa: BLE001 - whatever a recogniser raises, its text was not examined
            return Failed(FailureCause.ERROR)

    def _judged(self, gist: str) -> Json:
        """What a gist asks for and is about; nothing where there are no heads, or they fail: a guess less."""
        if self._judge is None:
            return None
        try:
            return judged_to_json(*self._judge.judge(gist))
        except Exception:  # noqa: BLE001 - no leaf counts as examined by a guess
            return None

    def _go_on(self, job: _Job) -> None:
        if time.monotonic() > job.until or job.number in self._cancelled:
            raise _OutOfTime


def detector_version(*pipelines: str) -> str:
    """Names what examines: Presidio's version and a digest of the pipelines and of these recognisers."""
    digest = hashlib.sha256()
    here = Path(__file__).parent
    for path in (*sorted(here.rglob("*.py")), *(file for each in pipelines for file in _files(each))):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return f"presidio-{version('presidio-analyzer')}+{digest.hexdigest()[:16]}"


def _files(pipeline: str) -> list[Path]:
    return sorted(path for path in Path(pipeline).rglob("*") if path.is_file()) if pipeline else []


def _be_quiet() -> None:
    """Nothing of a text may reach stderr: no log, no warning, no traceback."""
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    sys.excepthook = lambda kind, *_: _say(f"the detector's process ended: {kind.__name__}")
    threading.excepthook = lambda args: _say(f"the detector's process stopped listening: {args.exc_type.__name__}")


def _say(line: str) -> None:
    os.write(2, line.encode() + b"\n")


def main(make: Callable[[str, str], Analyzer] = build_analyzer) -> None:
    """Load the pipelines named on the command line and serve."""
    channel = Channel.of_this_process()
    _be_quiet()
    pipeline, spanish_pipeline, index_key = sys.argv[1:4]
    analyzer = make(pipeline, spanish_pipeline)
    analyzer.examine("Ready, Jane Doe of 12 Elm Street?", (), CompiledDetectors(()))
    gc.collect()
    gc.freeze()
    entities = cast("list[Json]", sorted([*analyzer.engine.get_supported_entities("en"), UNSUPPORTED_LANGUAGE]))
    judge = judge_of(Path(pipeline), analyzer.pipeline.encoder)
    version = detector_version(pipeline, spanish_pipeline)
    channel.ready({"detector": version, "entities": entities, "judges": judge is not None})
    Worker(analyzer, channel, CompiledSets(Path(index_key)), judge).run()


if __name__ == "__main__":
    main()
