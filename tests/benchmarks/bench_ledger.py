"""The ledger's speed: python -m tests.benchmarks.bench_ledger [--records N] [--out docs/benchmarks/ledger.json]

A request is two records, its decision and its outcome, each durable before the next of its task is begun. A caller
waits for the decision alone: that is the time told first. The outcome is recorded beside the answer (it waits a little
for another decision to be written with), and its time is told apart. One task alone says what is added to an idle
request. Then 64 tasks at once, spread over 1 to 8 writers: each writer is a process of its own with one committer, as
gateway workers are, and one of them keeps the tree, signs and indexes meanwhile.

Beside them in the same run: what the disk takes for one `fdatasync`, and the design that this ledger does not have, one
global chain under a row lock, with the same number of processes. Last, the time from a record to the signed checkpoint
that holds it, at a steady rate.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import dataclasses
import hashlib
import json
import multiprocessing
import os
import shutil
import tempfile
import time
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection as Pipe
from pathlib import Path

from sqlalchemy import select, text

from gateway.adapters.checkpoint_signer import CheckpointSigner
from gateway.adapters.database import DatabaseUnfit, open_database, upgrade
from gateway.adapters.ledger_key import LedgerKey
from gateway.adapters.ledger_tree import Unobserved
from gateway.adapters.sql_ledger import SqlLedger
from gateway.adapters.tables import records, tree_entries
from gateway.domain.errors import GatewayFault
from gateway.domain.evidence import Decided, Evidence, Outcome
from gateway.process import hand_over_sooner
from tests.benchmarks import ledger_page
from tests.evidence import CLOCK, decided, outcome
from tests.postgres import server_url, start_server

_TASKS = 64
_WRITERS = (1, 2, 4, 8)
_ORIGIN = "bench/ledger"
_BODY_BYTES = 1300


@dataclass(frozen=True)
class Row:
    """One line of the results. Times in milliseconds: `p50` and `p99` of what a caller waits for, `beside` of outcomes;
    `cpu_us` is processor time of the writers, a record. `refused` appends are tried again, and count with the time that
    both took."""

    name: str
    writers: int
    tasks: int
    records: int
    per_second: float
    p50: float
    p99: float
    beside_p50: float
    beside_p99: float
    cpu_us: float
    refused: int


@dataclass(frozen=True)
class Job:
    """What one process does: `records` in all, by `tasks` at once, at most `rate` a second (0: as fast as it goes)."""

    url: str
    folder: Path
    tasks: int
    records: int
    rate: float = 0


@dataclass
class Took:
    """What one process measured: the seconds of each record that a caller waits for, and of each outcome beside; when
    it began and ended, its processor time, and what it signed: (size, microseconds)."""

    seconds: list[float] = field(default_factory=list)
    beside: list[float] = field(default_factory=list)
    begin: float = 0
    end: float = 0
    cpu: float = 0
    signed: list[tuple[int, int]] = field(default_factory=list)
    refused: int = 0


class Signatures(Unobserved):
    """Remembers when which size was signed."""

    def __init__(self) -> None:
        self.seen: list[tuple[int, int]] = []

    def signed(self, size: int, at: int) -> None:
        """One more."""
        self.seen.append((size, at))


def write(job: Job, ready: Pipe) -> Took:
    """A gateway worker's ledger, with the tree, in a process that is set up as a gateway."""
    hand_over_sooner()
    return asyncio.run(_write(job, ready))


async def _write(job: Job, ready: Pipe) -> Took:
    key, seen = LedgerKey.load(job.folder / "ledger.key"), Signatures()
    signer = CheckpointSigner(key, _ORIGIN, job.folder / "signed")
    engine = open_database(job.url)
    ledger = await _started(
        lambda: SqlLedger(engine=engine, key=key, clock=CLOCK, deadline_ms=60_000, signer=signer, observer=seen)
    )
    decisions = [decided() for _ in range(job.records // 2)]
    requests = iter([(each, outcome(each.decision_id)) for each in decisions])
    took = Took()
    _wait(ready)
    took.begin, cpu = time.monotonic(), time.process_time()
    await asyncio.gather(*(_task(ledger, requests, took, job) for _ in range(job.tasks)))
    took.end, took.cpu = time.monotonic(), time.process_time() - cpu
    await ledger.close()
    took.signed = seen.seen
    engine.dispose()
    return took


async def _started(make: Callable[[], SqlLedger]) -> SqlLedger:
    """On SQLite others may hold the file for longer than a start waits: then begun anew, as whoever runs it would."""
    for _ in range(10):
        ledger = make()
        with contextlib.suppress(DatabaseUnfit):
            await ledger.start()
            return ledger
    raise DatabaseUnfit("no ledger starts")


async def _task(ledger: SqlLedger, requests: Iterator[tuple[Decided, Outcome]], took: Took, job: Job) -> None:
    for decision, end in requests:
        if job.rate:
            due = took.begin + 2 * len(took.seconds) / job.rate
            await asyncio.sleep(max(0.0, due - time.monotonic()))
        now = dataclasses.replace(decision, at=CLOCK.now())
        for evidence, seconds in ((now, took.seconds), (end, took.beside)):
            start = time.perf_counter()
            while not await _durable(ledger, evidence):
                took.refused += 1
            seconds.append(time.perf_counter() - start)


async def _durable(ledger: SqlLedger, evidence: Evidence) -> bool:
    try:
        await ledger.append(evidence)
    except GatewayFault:
        return False
    return True


def chain(job: Job, ready: Pipe) -> Took:
    """One chain for all writers: each record locks the one row that holds the last leaf."""
    engine, took, body = open_database(job.url), Took(), bytes(_BODY_BYTES)
    with engine.connect() as connection:
        _wait(ready)
        took.begin, cpu = time.monotonic(), time.process_time()
        for _ in range(job.records):
            start = time.perf_counter()
            leaf, sequence = connection.execute(text("SELECT leaf, sequence FROM tip FOR UPDATE")).one()
            fresh = hashlib.sha256(bytes(leaf) + body).digest()
            connection.execute(text("INSERT INTO chain VALUES (:s, :b)"), {"s": sequence, "b": body})
            connection.execute(text("UPDATE tip SET leaf = :l, sequence = :s"), {"l": fresh, "s": sequence + 1})
            connection.commit()
            took.seconds.append(time.perf_counter() - start)
        took.end, took.cpu = time.monotonic(), time.process_time() - cpu
    engine.dispose()
    return took


def sync(job: Job, ready: Pipe) -> Took:
    """Appends of 4 KiB to a file, each forced to the disk."""
    took, descriptor = Took(), os.open(job.folder / "disk", os.O_WRONLY | os.O_CREAT)
    _wait(ready)
    took.begin, cpu = time.monotonic(), time.process_time()
    for _ in range(job.records):
        start = time.perf_counter()
        os.write(descriptor, bytes(4096))
        os.fdatasync(descriptor)
        took.seconds.append(time.perf_counter() - start)
    took.end, took.cpu = time.monotonic(), time.process_time() - cpu
    os.close(descriptor)
    return took


def _wait(ready: Pipe) -> None:
    ready.send(None)
    ready.recv()


def _child(work: Callable[[Job, Pipe], Took], job: Job, pipe: Pipe) -> None:
    pipe.send(work(job, pipe))


def together(work: Callable[[Job, Pipe], Took], job: Job, writers: int) -> list[Took]:
    """The same work in so many processes, begun when all are ready, each with its part."""
    context = multiprocessing.get_context("spawn")
    part = dataclasses.replace(job, tasks=max(1, job.tasks // writers), records=job.records // writers,
                               rate=job.rate / writers)  # fmt: skip
    pipes = [context.Pipe() for _ in range(writers)]
    running = [context.Process(target=_child, args=(work, part, theirs)) for _, theirs in pipes]
    for each in running:
        each.start()
    for mine, _ in pipes:
        mine.recv()
    for mine, _ in pipes:
        mine.send(None)
    took: list[Took] = [mine.recv() for mine, _ in pipes]
    for each in running:
        each.join()
    return took


def measured(name: str, work: Callable[[Job, Pipe], Took], job: Job, writers: int = 1) -> tuple[Row, list[Took]]:
    """The figures of one measurement, printed."""
    took = together(work, job, writers)
    waited = [second for each in took for second in each.seconds]
    beside = [second for each in took for second in each.beside]
    count = len(waited) + len(beside)
    whole = max(each.end for each in took) - min(each.begin for each in took)
    cpu = round(sum(each.cpu for each in took) / count * 1e6, 1)
    refused = sum(each.refused for each in took)
    times = (*_times(waited), *_times(beside))
    row = Row(name, writers, job.tasks, count, round(count / whole, 1), *times, cpu, refused)
    told = " ".join(f"{each:9.3f}" for each in times)
    print(f"{name:34} {writers:7} {job.tasks:5} {count:8} {row.per_second:12.1f} {told} {cpu:9.1f} {refused or ''}")
    return row, took


def _times(seconds: Sequence[float]) -> tuple[float, float]:
    """p50 and p99 in milliseconds; 0 of nothing."""
    ordered = sorted(seconds) or [0.0]
    p50, p99 = (round(ordered[int(len(ordered) * part)] * 1000, 3) for part in (0.50, 0.99))
    return p50, p99


def lag(job: Job, took: Sequence[Took]) -> dict[str, float]:
    """Milliseconds from the time of a record to the signature of the first checkpoint that holds it."""
    signed = sorted(pair for each in took for pair in each.signed)
    sizes = [size for size, _ in signed]
    same = (records.c.writer == tree_entries.c.writer) & (records.c.sequence == tree_entries.c.sequence)
    engine = open_database(job.url)
    with engine.connect() as connection:
        joined = select(tree_entries.c.position, records.c.at).select_from(tree_entries.join(records, same))
        rows = connection.execute(joined.where(records.c.kind == "intent", records.c.at >= signed[0][1])).all()
    engine.dispose()
    found = [(bisect_right(sizes, position), at) for position, at in rows]
    waited = sorted((signed[index][1] - at) / 1000 for index, at in found if index < len(signed))
    if not waited:  # too few records for a checkpoint to come while they are written
        return {}
    told = {f"p{part}_ms": round(waited[int(len(waited) * part / 100)], 1) for part in (50, 99)}
    print("lag to a signed checkpoint", told)
    return told


def measure(folder: Path, count: int) -> dict[str, object]:
    """All measurements."""
    heads = ("writers", "tasks", "records", "records/s", "p50 ms", "p99 ms", "beside", "p99 ms", "cpu us")
    print(f"{'':34} {heads[0]:>7} {heads[1]:>5} {heads[2]:>8} {heads[3]:>12} " + " ".join(f"{h:>9}" for h in heads[4:]))
    rows = [measured("the disk alone: 4 KiB, fdatasync", sync, Job("", folder, 1, min(count, 500)))[0]]
    server = start_server(folder / "postgres")
    lags: dict[str, object] = {}
    try:
        for name, url in (("sqlite", f"sqlite:///{folder}/gateway.db"), ("postgresql", server_url(server, "postgres"))):
            engine = open_database(url)
            upgrade(engine)
            LedgerKey.load(folder / "ledger.key")
            (folder / "signed").unlink(missing_ok=True)
            rows.append(measured(f"{name}, idle", write, Job(url, folder, 1, min(count, 1000)))[0])
            rows += [measured(name, write, Job(url, folder, _TASKS, count), writers)[0] for writers in _WRITERS]
            job = Job(url, folder, _TASKS, count, rate=5000)
            row, took = measured(f"{name}, at most 5,000 a second", write, job, 4 if name == "postgresql" else 1)
            rows.append(row)
            lags[name] = {"per_second": row.per_second, **lag(job, took)}
            if name == "postgresql":
                with engine.begin() as connection:
                    connection.execute(text("CREATE TABLE tip (leaf bytea, sequence bigint)"))
                    connection.execute(text("INSERT INTO tip VALUES ('', 0)"))
                    connection.execute(text("CREATE TABLE chain (sequence bigint PRIMARY KEY, body bytea)"))
                few = Job(url, folder, 1, min(count, 2000))
                rows += [measured("postgresql, one global chain", chain, few, writers)[0] for writers in _WRITERS]
            engine.dispose()
    finally:
        server.stop()
    return {"rows": [vars(each) for each in rows], "lag": lags}


def main() -> None:
    """Measure, print, and write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=20_000)
    parser.add_argument("--folder", default=None, help="where the databases lie while measuring (default: $TMPDIR)")
    parser.add_argument("--out", type=Path, default=None)
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="gateway-bench-", dir=arguments.folder))
    (folder / "postgres").mkdir()
    load = round(os.getloadavg()[0], 1)
    try:
        told = measure(folder, arguments.records)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if arguments.out is not None:
        document = {"cores": os.cpu_count(), "load_before": load, **told}
        arguments.out.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
        ledger_page.refresh()


if __name__ == "__main__":
    main()
