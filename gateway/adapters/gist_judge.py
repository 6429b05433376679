"""Asks the detector's processes what a conversation is for and about. A guess that is not to be had is `unknown`.

One question a conversation, remembered by a keyed hash of what it is judged by: a turn that comes again costs nothing.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import OrderedDict
from collections.abc import Sequence
from hashlib import blake2b

from gateway.adapters.worker_process import WorkerDied, WorkerProcess
from gateway.detection.frames import judged_from_json
from gateway.detection.gist import gist_of
from gateway.domain.conversation import Leaf
from gateway.domain.finding import JudgedTask, JudgedTopic, Task

_KEPT = 10_000
_MAX_WAITING = 8

Judged = tuple[JudgedTask, JudgedTopic]
UNKNOWN: Judged = (JudgedTask(), JudgedTopic())


class GistJudge:
    """Judges conversations by their gist, where the processes have heads to do it with."""

    def __init__(self, workers: Sequence[WorkerProcess], deadline_s: float) -> None:
        self._workers = workers
        self._deadline = deadline_s
        self._key = secrets.token_bytes(32)
        self._kept: OrderedDict[bytes, Judged] = OrderedDict()

    async def judge(self, leaves: Sequence[Leaf]) -> Judged:
        """Task and topic; unknown where no process can say in time, or no user says anything. Never raises."""
        ready = [worker for worker in self._workers if _judges(worker)]
        gist = gist_of(leaves) if ready else ""
        if not gist:
            return UNKNOWN
        key = blake2b(gist.encode("utf-8", "surrogatepass"), key=self._key, digest_size=24).digest()
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        judged = await self._ask(min(ready, key=lambda each: each.open_jobs), gist)
        if judged[0].task is not Task.UNKNOWN:
            self._kept[key] = judged
            if len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return judged

    async def _ask(self, worker: WorkerProcess, gist: str) -> Judged:
        if worker.open_jobs >= _MAX_WAITING:
            return UNKNOWN
        try:
            async with asyncio.timeout(self._deadline):
                answer = await worker.ask_once({"judge": gist, "budget_ms": int(self._deadline * 1000)})
        except (TimeoutError, WorkerDied):
            return UNKNOWN
        return judged_from_json(answer)


def _judges(worker: WorkerProcess) -> bool:
    greeting = worker.greeting
    return worker.ready and isinstance(greeting, dict) and greeting.get("judges") is True
