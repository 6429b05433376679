"""The detector: Presidio with spaCy and our recognisers, in processes of its own.

What is looked for is in `gateway.detection`; here is how a request's leaves get there and how failure is told. What
neighbouring leaves hold only together is looked for as well (`gateway.detection.joints`), and what one leaf says of a
name or number holds for all of them (`gateway.detection.consistency`). Every leaf is answered: examined, or failed for
a reason (deadline, crash, overload, error). A child that is slow is given up at the deadline, and killed when it does
not come back soon after; one that dies is started anew and its requests fail closed.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import signal
import struct
from collections import Counter, OrderedDict, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b

from gateway.adapters.gist_judge import GistJudge
from gateway.adapters.worker_process import WorkerDied, WorkerProcess
from gateway.detection.candidates import NAME_RECOGNIZER
from gateway.detection.consistency import agreed
from gateway.detection.frames import detectors_to_json, digest_of, neighbours_to_json, report_from_json
from gateway.detection.gist import with_topic
from gateway.detection.joints import Joint, joints, told
from gateway.domain.conversation import Leaf
from gateway.domain.detectors import CustomDetector
from gateway.domain.errors import ErrorCode, GatewayFault
from gateway.domain.finding import Examined, Failed, FailureCause, Finding, LeafReport, Report
from gateway.domain.strict_json import Json
from gateway.pipeline.ports import Health

_MODULE = "gateway.detection.worker"
_MODEL = "/model"
_START_SECONDS = 120.0
_GRACE_SECONDS = 2.0
_MAX_WAITING = 16
_MOST_THREADS = 2
"""A second thread nearly halves the time of one text; more were not measured (docs/adr/0009)."""
_CHARACTERS_PER_SECOND = 500_000
"""Ten times what a process reads. More than this within the deadline is hopeless, and is not even sent to it."""
_CACHED_LEAVES = 50_000
_CACHED_FINDINGS = 200_000
_KEPT_SETS = 16
_UNKNOWN_VERSION = "presidio"


@dataclass(frozen=True, slots=True)
class _Set:
    """A policy's own detectors, ready to be sent."""

    digest: str
    detectors: Json


@dataclass(slots=True)
class Tally:
    """What was asked so far: texts answered from the cache, texts that were not, and failures by cause."""

    hits: int = 0
    misses: int = 0
    failed: Counter[FailureCause] = field(default_factory=Counter)

    def add(self, asked: int, answers: Iterable[LeafReport]) -> None:
        """So many were asked about; these are the answers that the cache did not hold."""
        fresh = tuple(answers)
        self.misses += len(fresh)
        self.hits += asked - len(fresh)
        self.failed.update(each.cause for each in fresh if isinstance(each, Failed))


class PresidioDetector:
    """Implements `Detector`. `deadline_ms` is for all leaves of one request together, waiting included. `index_key` is
    the file of the key for the indexes of policies; `judges` asks for task and topic of each conversation. Without a
    pipeline for it, Spanish is not supported."""

    def __init__(
        self,
        pipeline: str,
        spanish: str = "",
        index_key: str = "",
        *,
        processes: int,
        deadline_ms: int,
        judges: bool = False,
        module: str = _MODULE,
    ) -> None:
        environment = {
            "PYTHONWARNINGS": "ignore",
            "OMP_NUM_THREADS": str(_threads(processes)),
            "OPENBLAS_NUM_THREADS": "1",
            "MKL_NUM_THREADS": "1",
        }
        arguments = [pipeline, spanish, index_key]
        self._workers = [WorkerProcess(module, arguments, environment) for _ in range(max(1, processes))]
        self._deadline = deadline_ms / 1000
        self._known: dict[tuple[WorkerProcess, int], set[str]] = {}
        self._cache = _Cache()
        self.tally = Tally()
        self._judge = GistJudge(self._workers if judges else [], self._deadline)
        self._sets: deque[tuple[tuple[CustomDetector, ...], _Set]] = deque(maxlen=_KEPT_SETS)
        self._probes: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Start the processes and wait until all are ready. Raises `GatewayFault(DETECTOR_UNAVAILABLE)`."""
        for worker in self._workers:
            worker.start()
        try:
            await asyncio.gather(*(worker.wait_ready(_START_SECONDS) for worker in self._workers))
        except WorkerDied:
            await self.stop()
            raise GatewayFault(ErrorCode.DETECTOR_UNAVAILABLE) from None

    async def stop(self) -> None:
        """End the processes. Open requests fail."""
        for probe in self._probes:
            probe.cancel()
        await asyncio.gather(*(worker.stop() for worker in self._workers))

    @property
    def version(self) -> str:
        """The detector's version as its process tells it."""
        return next((_version(worker) for worker in self._workers if worker.ready), _UNKNOWN_VERSION)

    @property
    def entities(self) -> frozenset[str]:
        """The entities that the detector can report of itself; empty until it is ready."""
        greetings = (worker.greeting for worker in self._workers if isinstance(worker.greeting, dict))
        told = next((greeting.get("entities") for greeting in greetings), None)
        return (
            frozenset(entity for entity in told if isinstance(entity, str)) if isinstance(told, list) else frozenset()
        )

    @property
    def open_jobs(self) -> int:
        """How many examinations run or wait."""
        return sum(worker.open_jobs for worker in self._workers)

    async def health(self) -> Health:
        """Ok when at least one process answers jobs."""
        ready = any(worker.ready for worker in self._workers)
        return Health(ok=ready, detail="" if ready else "no detector process is ready")

    async def examine(self, leaves: Sequence[Leaf], custom: Sequence[CustomDetector]) -> Report:
        """A report that speaks of every leaf. Never raises for a failure of its own."""
        report, judged = await asyncio.gather(self._examined(leaves, custom), self._judge.judge(leaves))
        return with_topic(replace(report, task=judged[0], topic=judged[1]), leaves, custom)

    async def _examined(self, leaves: Sequence[Leaf], custom: Sequence[CustomDetector]) -> Report:
        version, detectors = self.version, self._detectors(tuple(custom))
        across = joints(leaves, every=bool(custom))
        asked: list[Leaf | Joint] = [*leaves, *across]
        keys = [self._cache.key(each, version, detectors.digest) for each in asked]
        said: dict[bytes, LeafReport] = {}
        missing: dict[bytes, Leaf | Joint] = {}
        for key, each in zip(keys, asked, strict=True):
            cached = self._cache.get(key)
            if cached is None:
                missing.setdefault(key, each)
            else:
                said[key] = Examined(cached)
        if missing:
            said |= zip(missing, await self._ask([*missing.values()], detectors), strict=True)
            self._cache.put((key, said[key]) for key in missing)
        self.tally.add(len(asked), (said[key] for key in missing))
        reports = [said[key] for key in keys]
        own = {leaf.address: _of(leaf, report) for leaf, report in zip(leaves, reports, strict=False)}
        found = told(own, list(zip(across, reports[len(leaves) :], strict=True)))
        return Report(agreed(leaves, found), version)

    def _detectors(self, custom: tuple[CustomDetector, ...]) -> _Set:
        for known, prepared in self._sets:
            if known == custom:
                return prepared
        detectors = detectors_to_json(custom)
        self._sets.appendleft((custom, _Set(digest_of(detectors), detectors)))
        return self._sets[0][1]

    async def _ask(self, leaves: list[Leaf | Joint], detectors: _Set) -> list[LeafReport]:
        """One report a leaf, from the least busy process, within the deadline."""
        if sum(len(leaf.text) for leaf in leaves) > self._deadline * _CHARACTERS_PER_SECOND:
            return _all_failed(leaves, FailureCause.DEADLINE)
        ready = [worker for worker in self._workers if worker.ready]
        if not ready:
            return _all_failed(leaves, FailureCause.CRASH)
        worker = min(ready, key=lambda each: each.open_jobs)
        if worker.open_jobs >= _MAX_WAITING:
            return _all_failed(leaves, FailureCause.OVERLOAD)
        try:
            async with asyncio.timeout(self._deadline):
                answer = await self._ask_worker(worker, leaves, detectors)
        except TimeoutError:
            self._probe(worker)
            return _all_failed(leaves, FailureCause.DEADLINE)
        except WorkerDied:
            return _all_failed(leaves, FailureCause.CRASH)
        return _reports(answer, leaves)

    async def _ask_worker(self, worker: WorkerProcess, leaves: list[Leaf | Joint], detectors: _Set) -> Json:
        """The answer to one frame; the policy's own detectors travel only to a process that has not seen them."""
        known = self._known_to(worker)
        texts: list[Json] = [_frame(leaf) for leaf in leaves]
        job: dict[str, Json] = {"set": detectors.digest, "budget_ms": int(self._deadline * 1000), "leaves": texts}
        sent = None if detectors.digest in known else detectors.detectors
        answer = await worker.ask_once({**job, "detectors": sent})
        if isinstance(answer, dict) and "unknown_set" in answer:
            answer = await worker.ask_once({**job, "detectors": detectors.detectors})
        known.add(detectors.digest)
        return answer

    def _known_to(self, worker: WorkerProcess) -> set[str]:
        life = (worker, worker.pid)
        if life not in self._known:
            self._known = {key: value for key, value in self._known.items() if key[0] is not worker}
            self._known[life] = set()
        return self._known[life]

    def _probe(self, worker: WorkerProcess) -> None:
        """See to it that a process which missed a deadline answers again soon, or is killed."""
        probe = asyncio.get_running_loop().create_task(_answer_or_die(worker, worker.pid))
        self._probes.add(probe)
        probe.add_done_callback(self._probes.discard)


def _threads(processes: int) -> int:
    """With how many threads each of so many processes reads a text: no more than there are cores for all of them."""
    return max(1, min(_MOST_THREADS, (os.cpu_count() or 1) // max(1, processes)))


async def _answer_or_die(worker: WorkerProcess, pid: int) -> None:
    try:
        async with asyncio.timeout(_GRACE_SECONDS):
            await worker.ask_once({"ping": True, "budget_ms": 0})
    except TimeoutError:
        if worker.pid == pid and pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    except WorkerDied:
        pass  # it is being started anew


def _of(leaf: Leaf, report: LeafReport) -> LeafReport:
    """A leaf's report. `claude` is no person in a model's name, which the operator's aliases cover. Numbers, secrets
    and names that the conversation gives away elsewhere are found there all the same."""
    if leaf.address != _MODEL or not isinstance(report, Examined):
        return report
    return Examined(tuple(each for each in report.findings if each.recognizer != NAME_RECOGNIZER))


def _version(worker: WorkerProcess) -> str:
    told = worker.greeting.get("detector") if isinstance(worker.greeting, dict) else None
    return told if isinstance(told, str) and 0 < len(told) <= 64 else _UNKNOWN_VERSION


def _frame(asked: Leaf | Joint) -> list[Json]:
    if isinstance(asked, Joint):
        return neighbours_to_json(asked.neighbours, asked.context)
    return [asked.text, list(asked.context)]


def _all_failed(leaves: list[Leaf | Joint], cause: FailureCause) -> list[LeafReport]:
    return [Failed(cause) for _ in leaves]


def _reports(answer: Json, leaves: list[Leaf | Joint]) -> list[LeafReport]:
    """The reports in an answer; an answer that does not speak of exactly these leaves examined none of them."""
    told = answer.get("leaves") if isinstance(answer, dict) else None
    if not isinstance(told, list) or len(told) != len(leaves):
        return _all_failed(leaves, FailureCause.ERROR)
    return [report_from_json(each, len(leaf.text)) for each, leaf in zip(told, leaves, strict=True)]


class _Cache:
    """Findings (never text) of examined leaves, by a hash with a key of this process. The least used go first."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._entries: OrderedDict[bytes, tuple[Finding, ...]] = OrderedDict()
        self._findings = 0

    def key(self, leaf: Leaf | Joint, version: str, digest: str) -> bytes:
        """The name of one examination: text, keys above it, detector's version, the policy's own detectors."""
        hashed = blake2b(key=self._key, digest_size=24)
        shape = repr(leaf.neighbours) if isinstance(leaf, Joint) else ""
        for part in (version, digest, shape, leaf.text, *leaf.context):
            data = part.encode("utf-8", "surrogatepass")
            hashed.update(struct.pack(">Q", len(data)))
            hashed.update(data)
        return hashed.digest()

    def get(self, key: bytes) -> tuple[Finding, ...] | None:
        """What was found, or None for a leaf that has to be examined."""
        found = self._entries.get(key)
        if found is not None:
            self._entries.move_to_end(key)
        return found

    def put(self, reports: Iterable[tuple[bytes, LeafReport]]) -> None:
        """Remember the examined ones. A failure is not remembered."""
        for key, report in reports:
            if isinstance(report, Examined) and key not in self._entries:
                self._entries[key] = report.findings
                self._findings += len(report.findings)
        while len(self._entries) > _CACHED_LEAVES or self._findings > _CACHED_FINDINGS:
            self._findings -= len(self._entries.popitem(last=False)[1])
