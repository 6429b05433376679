"""The ledger verifies itself: one process of all that share it has a child read all of it, and records the verdict.

The one that is elected to integrate does it, when the last verification is older than the interval, whoever made it, or
when somebody asked for one since. Every process knows from the records what the last one came to.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, replace

from sqlalchemy import Connection, Engine

from gateway.adapters.sql_audit import looked_up
from gateway.adapters.sql_ledger import SqlLedger
from gateway.adapters.sql_records import StoredRecord
from gateway.adapters.sql_search import END, search
from gateway.adapters.worker_process import WorkerDied, WorkerProcess
from gateway.domain.evidence import Event, EventKind
from gateway.domain.ledger_search import Query
from gateway.domain.strict_json import Json, text_at
from gateway.pipeline.ports import Clock
from gateway.verifier.findings import Verdict

ASKED = "verification_asked"
"""The action of an `admin` record: an account wants the ledger verified now."""
SOUND = Verdict.SOUND.name.lower()
_CANNOT_JUDGE = Verdict.CANNOT_JUDGE.name.lower()
_DONE = "verified_"
_WORKER = "gateway.adapters.verification_worker"
_START_S = 60.0
_AGAIN_US = 600_000_000
"""After a try that came to nothing, the next one waits so long."""
_LATE = 2
"""So many intervals without a verification are too many."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LastVerified:
    """What the last verification came to, and when: an empty verdict and 0 where none is recorded. `record` is what
    says so; `asked` is when somebody last asked for another one since, 0 for nobody. Times in microseconds."""

    verdict: str = ""
    at: int = 0
    asked: int = 0
    record: StoredRecord | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """What the child is to verify: the database, with the public key, and cosigned by witnesses, a line each."""

    engine: Engine
    public_key: str
    witnesses: tuple[str, ...] = ()

    @property
    def job(self) -> Json:
        """As the child reads it."""
        url = self.engine.url.render_as_string(hide_password=False)
        return {"url": url, "key": self.public_key, "witnesses": list(self.witnesses)}


class LedgerVerification:
    """Looks whether it is due, and does it; `last` is what the last one came to. For one event loop."""

    def __init__(self, question: Question, ledger: SqlLedger, clock: Clock, interval_s: float) -> None:
        self._question = question
        self._ledger = ledger
        self._clock = clock
        self._interval = int(interval_s * 1_000_000)
        self._since = clock.now()
        self._tried = 0
        self.last = LastVerified()

    @property
    def unsound(self) -> bool:
        """Whether the last verification found anything but a sound ledger."""
        return self.last.verdict not in {"", SOUND}

    @property
    def overdue(self) -> bool:
        """Whether the last verification, or the start of this process without any, is too long ago."""
        return is_overdue(max(self.last.at, self._since), self._clock.now(), self._interval)

    async def look(self) -> None:
        """Learn what the last verification came to; verify, if that is due and this process's to do. Raises
        `DatabaseUnfit`, and `GatewayFault` for a verdict that cannot be recorded."""
        found = await asyncio.to_thread(looked_up, self._question.engine, lambda audit: last_verified(audit.connection))
        self.last = found if found.at >= self.last.at else replace(self.last, asked=found.asked)  # the index is behind
        if self._ledger.leads and self._is_due():
            self._tried = self._clock.now()
            await self._record(await self._verdict())

    def _is_due(self) -> bool:
        last, now = self.last, self._clock.now()
        if last.asked > max(last.at, self._tried):
            return True
        if not self._interval or now < self._tried + min(self._interval, _AGAIN_US):
            return False
        return now >= (last.at if last.verdict != _CANNOT_JUDGE else 0) + self._interval

    async def _verdict(self) -> str:
        """The verdict of a child of its own. Whatever happens to it, nothing can be said of the ledger."""
        worker = WorkerProcess(_WORKER, ())
        worker.start()
        try:
            await worker.wait_ready(_START_S)
            answer = await worker.ask_once(self._question.job)
        except WorkerDied:
            answer = None
        finally:
            await worker.stop()
        match answer:
            case {"verdict": str(verdict), "found": {**found}}:
                if verdict != SOUND:
                    _log.critical("the ledger was verified: %s %s", verdict, " ".join(sorted(map(str, found))))
                return verdict
            case _:
                _log.error("the ledger could not be verified")
                return _CANNOT_JUDGE

    async def _record(self, verdict: str) -> None:
        now = self._clock.now()
        await self._ledger.append(verified_event(verdict, now))
        self.last = LastVerified(verdict, now)


def verified_event(verdict: str, now: int, by: str = "") -> Event:
    """What is recorded of a verification, by an account."""
    return Event(kind=EventKind.ADMIN, at=now, action=f"{_DONE}{verdict}", subject="", who=by)


def last_verified(connection: Connection) -> LastVerified:
    """What the index has of verifications, whoever made them."""
    after, asked, more = END, 0, True
    while more:
        page = search(connection, Query(kind=EventKind.ADMIN.value), after)
        for record in page.records:
            action, at = text_at(record.document, "action"), record.document.get("t")
            if action.startswith(_DONE) and isinstance(at, int):
                return LastVerified(action.removeprefix(_DONE), at, asked, record)
            if action == ASKED and isinstance(at, int):
                asked = max(asked, at)
        after, more = page.last, page.more
    return LastVerified(asked=asked)


def is_overdue(last: int, now: int, interval: int) -> bool:
    """Whether a verification at `last` is too long ago; never without an interval. All in microseconds."""
    return bool(interval) and now > last + _LATE * interval
