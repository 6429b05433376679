"""The ledger: one committer thread for all appends of this process.

    append          a job in the queue, and a future
    committer       takes all that is queued (at most `MAX_BATCH`), one transaction, then wakes all waiters
    receipt         signed after the commit, by the waiter

An append that is not durable within the deadline, or whose commit has no known result, is refused. Should its record
get in all the same, an outcome `not_sent` follows it: the caller was refused, so nothing was sent.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import queue
import secrets
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import assert_never

from sqlalchemy import Engine

from gateway import __version__
from gateway.adapters.checkpoint_signer import CheckpointSigner, MemoryUnreadable, NotAContinuation
from gateway.adapters.database import DatabaseUnfit, sqlite_file
from gateway.adapters.ledger_key import LedgerKey
from gateway.adapters.ledger_tree import LOST, LedgerObserver, TreeKeeper, Unobserved
from gateway.adapters.sql_chain import Chain, Written, may_send, not_sent
from gateway.adapters.sql_integrator import Integrator
from gateway.adapters.writer_lock import WriterLock
from gateway.domain._receipt import issue
from gateway.domain.clearance import Receipt
from gateway.domain.errors import ErrorCode, GatewayFault
from gateway.domain.evidence import Content, Decided, Event, EventKind, Evidence, Outcome
from gateway.domain.record import statement
from gateway.domain.record_schema import RecordError
from gateway.pipeline.ports import Clock, Health

MAX_BATCH = 256
MAX_QUEUED = 8192
_START_SECONDS = 5.0
_RECOVERY_SECONDS = 120.0
_LINGER_S = 0.005
"""How long outcomes wait for a decision to be written with, so that a request costs one transaction, not two."""

_UNWRITABLE = "records cannot be written"

_NOTHING = Content(b"")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Refused:
    """The record was not written, or nobody knows."""


@dataclass(slots=True, eq=False)
class _Append:
    """One piece of evidence on its way. Only the event loop touches `future` and writes the other two, in this order:
    first `abandoned`, then an `evidence` without content. The committer reads them in the other order."""

    evidence: Evidence
    future: asyncio.Future[Written | _Refused]
    abandoned: bool = False


@dataclass(slots=True, eq=False)
class _Call:
    """Something else for the committer to do with its chain."""

    work: Callable[[Chain], Sequence[str]]
    future: asyncio.Future[Sequence[str] | DatabaseUnfit]


class _Stop:
    """The committer's last job."""


@dataclass(slots=True)
class _Taken:
    """What the committer took from the queue at once."""

    appends: list[_Append] = field(default_factory=list)
    evidence: list[Evidence] = field(default_factory=list)
    calls: list[_Call] = field(default_factory=list)
    stop: bool = False
    can_wait: bool = True
    """Whether no caller waits for any of it: outcomes may share the transaction of the next decision."""

    def add(self, job: _Append | _Call | _Stop) -> None:
        """Sort one job in. Nobody waits any more for an abandoned one."""
        match job:
            case _Stop():
                self.stop = True
            case _Call():
                self.calls.append(job)
                self.can_wait = False
            case _Append(evidence=evidence):
                if not job.abandoned:
                    self.appends.append(job)
                    self.evidence.append(evidence)
                    self.can_wait = self.can_wait and isinstance(evidence, Outcome)
            case _:
                assert_never(job)


class SqlLedger:
    """Implements `ports.Ledger`. `start` it in the event loop that will append to it, `close` it in the same.

    Without a `signer` nobody integrates here; with `heartbeat_s` 0 there are no heartbeats.
    """

    def __init__(
        self,
        *,
        engine: Engine,
        key: LedgerKey,
        clock: Clock,
        deadline_ms: int,
        signer: CheckpointSigner | None = None,
        heartbeat_s: float = 0,
        observer: LedgerObserver | None = None,
    ) -> None:
        self.writer = f"gw-{secrets.token_hex(4)}"
        self._engine = engine
        self._key = key
        self._clock = clock
        self._deadline = deadline_ms / 1000
        self._queue: queue.SimpleQueue[_Append | _Call | _Stop] = queue.SimpleQueue()
        self._chain = Chain(engine, self.writer, clock.now)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=self._commit_all, name="ledger", daemon=True)
        self._lock: WriterLock | None = None
        self._announced = False
        self._observer: LedgerObserver = observer or Unobserved()
        self._signer = signer
        # SQLite has one writer at a time: committer and integrator take turns instead of running into its lock.
        self._writing = threading.Lock() if engine.dialect.name == "sqlite" else contextlib.nullcontext()
        self._tree = (
            TreeKeeper(Integrator(engine, signer, clock.now, self._writing), self._observer) if signer else None
        )
        self._heartbeat_s = heartbeat_s
        self._written_at = time.monotonic()
        self._beating: asyncio.Task[None] | None = None

    async def start(self, *, announce: bool = True) -> None:
        """Connect and check the durability; `announce` a new writer, and close what dead ones left open.

        Raises `DatabaseUnfit` when records would not be safe or cannot be written.
        """
        self._loop = asyncio.get_running_loop()
        self._thread.start()
        try:
            await self._ask(self._opened, _START_SECONDS)
            if announce:
                await self._announce()
        except (DatabaseUnfit, GatewayFault) as error:
            await self.close()
            raise error if isinstance(error, DatabaseUnfit) else DatabaseUnfit(_UNWRITABLE) from None

    async def append(self, evidence: Evidence) -> Receipt:
        """The receipt, once the record is durable. Raises `GatewayFault(LEDGER_UNAVAILABLE)` when it is not in time."""
        if self.lost:
            raise GatewayFault(ErrorCode.LEDGER_UNAVAILABLE)
        return await self._append(evidence, self._deadline)

    @property
    def lost(self) -> bool:
        """Whether the database does not continue what was signed before."""
        return self._tree is not None and self._tree.lost

    @property
    def leads(self) -> bool:
        """Whether this process does what one of all has to do: it was elected to integrate."""
        return self._tree is not None and self._tree.leads

    async def health(self) -> Health:
        """Whether a record could be written now: one is, and taken back."""
        if self.lost:
            return Health(ok=False, detail=LOST)
        try:
            await self._ask(_probed, self._deadline)
        except DatabaseUnfit:
            return Health(ok=False, detail=_UNWRITABLE)
        return Health(ok=True, detail="")

    async def close(self) -> None:
        """Write what is queued and, if this ledger announced itself, its `shutdown`; then stop."""
        if self._beating is not None:
            self._beating.cancel()
            self._beating = None
        if self._thread.is_alive():
            with contextlib.suppress(DatabaseUnfit):
                await self._ask(_settled, _START_SECONDS)
        if self._announced:
            self._announced = False
            with contextlib.suppress(GatewayFault):
                await self._append(self._event(EventKind.SHUTDOWN, "stopped", __version__), _START_SECONDS)
        if self._tree is not None:
            await asyncio.to_thread(self._tree.stop)
        if self._lock is not None:
            self._lock.release()
            self._lock = None
        if self._thread.is_alive():
            self._queue.put(_Stop())
            await asyncio.to_thread(self._thread.join, _START_SECONDS)

    async def _announce(self) -> None:
        file = sqlite_file(self._engine)
        self._lock = WriterLock(file.with_name(f"{file.name}.writers")) if file else None
        # On SQLite, whoever has the file alone knows that all other writers are dead. On PostgreSQL each one shows
        # whether it lives.
        if self._lock is None or self._lock.take_alone():
            await self._recover()
        if self._lock is not None:
            await asyncio.to_thread(self._lock.share)
        await self._append(self._event(EventKind.BOOT, "started", __version__), _START_SECONDS)
        self._announced = True
        if self._tree is not None:
            self._tree.start()
        if self._heartbeat_s:
            self._observer.expect(self._heartbeat_s)
            self._beating = asyncio.create_task(self._beat(), name="ledger-heartbeat")

    async def _beat(self) -> None:
        """Write a record whenever there was none for a while: then silence means that something is wrong."""
        while True:
            idle = time.monotonic() - self._written_at
            if idle >= self._heartbeat_s:
                with contextlib.suppress(GatewayFault):
                    await self._append(self._event(EventKind.HEARTBEAT, "idle", ""), self._deadline)
                idle = 0.0
            await asyncio.sleep(self._heartbeat_s - idle)

    async def _recover(self) -> None:
        """Say of each intent that dead writers left open that nobody knows what became of it."""
        ids = await self._ask(Chain.open_intents, _RECOVERY_SECONDS)
        for at in range(0, len(ids), MAX_BATCH):
            batch = [self._event(EventKind.RECOVERED, "open_intent", each) for each in ids[at : at + MAX_BATCH]]
            await asyncio.gather(*(self._append(each, _START_SECONDS) for each in batch))
        await self._ask(_settle, _START_SECONDS)

    def _event(self, kind: EventKind, action: str, subject: str) -> Event:
        return Event(kind=kind, at=self._clock.now(), action=action, subject=subject)

    async def _append(self, evidence: Evidence, seconds: float) -> Receipt:
        if self._queue.qsize() >= MAX_QUEUED or not self._thread.is_alive():
            raise GatewayFault(ErrorCode.LEDGER_UNAVAILABLE)
        loop = asyncio.get_running_loop()
        job = _Append(evidence, loop.create_future())
        deadline = loop.call_later(seconds, self._refuse, job)
        self._queue.put(job)
        try:
            written = await job.future
        except asyncio.CancelledError:
            self._abandon(job)
            raise
        finally:
            deadline.cancel()
        if isinstance(written, _Refused):
            raise GatewayFault(ErrorCode.LEDGER_UNAVAILABLE)
        return self._receipt(evidence, written)

    def _receipt(self, evidence: Evidence, written: Written) -> Receipt:
        """Only decisions are told to callers, so only their receipts carry a token."""
        token = self._key.token(statement(written.record)) if isinstance(evidence, Decided) else ""
        return issue(decision_id=written.record.search.decision_id, digest=written.digest, token=token)

    def _refuse(self, job: _Append) -> None:
        """The deadline is over."""
        if not job.future.done():
            self._abandon(job)
            job.future.set_result(_Refused())

    def _abandon(self, job: _Append) -> None:
        """Nobody waits for this record any more. `_wake` learns of one that is written later, here of one that is."""
        job.abandoned = True
        if job.future.done() and not job.future.cancelled() and isinstance(job.future.result(), Written):
            self._owe(job.evidence)
        if isinstance(job.evidence, Decided):
            job.evidence = replace(job.evidence, received=_NOTHING, sent=_NOTHING)

    def _owe(self, evidence: Evidence) -> None:
        """Record that nothing was sent, for a decision whose record came too late."""
        if isinstance(evidence, Decided) and may_send(evidence) and self._thread.is_alive():
            future: asyncio.Future[Written | _Refused] = asyncio.get_running_loop().create_future()
            self._queue.put(_Append(not_sent(evidence, self._clock.now()), future))

    async def _ask(self, work: Callable[[Chain], Sequence[str]], seconds: float) -> Sequence[str]:
        call = _Call(work, asyncio.get_running_loop().create_future())
        self._queue.put(call)
        try:
            async with asyncio.timeout(seconds):
                answer = await call.future
        except TimeoutError:
            raise DatabaseUnfit("the database does not answer in time") from None
        if isinstance(answer, DatabaseUnfit):
            raise answer
        return answer

    def _wake(self, jobs: Sequence[_Append], results: Sequence[Written | _Refused]) -> None:
        """In the event loop: hand each waiter its result."""
        for job, result in zip(jobs, results, strict=True):
            if not job.future.done():
                job.future.set_result(result)
            elif isinstance(result, Written):
                self._owe(job.evidence)

    # The committer's thread, from here on.

    def _commit_all(self) -> None:
        stop = False
        while not stop:
            taken = self._take()
            if taken.appends:
                self._tell(self._wake, taken.appends, self._write(taken.evidence))
            for call in taken.calls:
                self._tell(_answer, call, self._work(call))
            stop = taken.stop
        self._chain.close()

    def _take(self) -> _Taken:
        """Wait for a job, and take with it all that is queued: under load, batches grow by themselves."""
        taken = _Taken()
        taken.add(self._queue.get())
        until = time.monotonic() + _LINGER_S
        with contextlib.suppress(queue.Empty):
            while len(taken.appends) < MAX_BATCH and not taken.stop:
                wait = until - time.monotonic() if taken.can_wait else 0.0
                taken.add(self._queue.get(timeout=wait) if wait > 0 else self._queue.get_nowait())
        return taken

    def _write(self, batch: Sequence[Evidence]) -> list[Written | _Refused]:
        try:
            with self._writing:
                results = self._chain.write(batch)
        except Exception as error:  # noqa: BLE001 - whatever the database does, the answer is a refusal
            _log.error("%d records could not be written: %s", len(batch), type(error).__name__)
            return [_Refused()] * len(batch)
        self._written_at = time.monotonic()
        self._observer.recorded(len(results), self._clock.now())
        return [_checked(result) for result in results]

    def _opened(self, chain: Chain) -> Sequence[str]:
        """Open the chain, unless the database has lost what was signed before."""
        chain.open()
        if self._signer is not None:
            try:
                chain.check_tree(self._signer)
            except NotAContinuation:
                raise DatabaseUnfit(LOST) from None
            except MemoryUnreadable as error:
                raise DatabaseUnfit(str(error)) from None
        return ()

    def _work(self, call: _Call) -> Sequence[str] | DatabaseUnfit:
        try:
            return call.work(self._chain)
        except DatabaseUnfit as error:
            return error
        except Exception as error:  # noqa: BLE001 - whatever the database does, the answer is a refusal
            _log.error("the database failed: %s", type(error).__name__)
            return DatabaseUnfit("the database cannot be reached or written")

    def _tell(self, function: Callable[..., None], *arguments: object) -> None:
        """Call a function in the event loop. One that is closed has no waiters left."""
        assert self._loop is not None
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(function, *arguments)


def _checked(result: Written | RecordError) -> Written | _Refused:
    if isinstance(result, Written):
        return result
    _log.error("a record was refused: %s", result)
    return _Refused()


def _answer(call: _Call, answer: Sequence[str] | DatabaseUnfit) -> None:
    if not call.future.done():
        call.future.set_result(answer)


def _probed(chain: Chain) -> Sequence[str]:
    chain.probe()
    return ()


def _settled(_: Chain) -> Sequence[str]:
    """Nothing. When it is done, what was queued before is written, and what follows from that is queued."""
    return ()


def _settle(chain: Chain) -> Sequence[str]:
    chain.settle()
    return ()
