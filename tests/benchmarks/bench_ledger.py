"""The ledger's speed: python -m tests.benchmarks.bench_ledger [--records N] [--out docs/benchmarks/ledger.json]

One process, one committer, each append durable before the next of its task: one task alone (what is added to an idle
request), then 64 at once, on SQLite and on PostgreSQL. Beside them in the same run: what the disk takes for one
`fdatasync`, and one global chain under a row lock on PostgreSQL, the design that this ledger does not have.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine, text

from gateway.adapters.database import open_database, upgrade
from gateway.adapters.ledger_key import LedgerKey
from gateway.adapters.sql_ledger import SqlLedger
from tests.evidence import CLOCK, decided
from tests.postgres import server_url, start_server


@dataclass(frozen=True)
class Row:
    """One line of the results. Times in milliseconds."""

    name: str
    tasks: int
    records: int
    per_second: float
    p50: float
    p99: float


def row(name: str, tasks: int, seconds: list[float], whole: float) -> Row:
    """The figures of one measurement."""
    ordered = sorted(seconds)
    p50, p99 = (ordered[int(len(ordered) * part)] * 1000 for part in (0.50, 0.99))
    made = Row(name, tasks, len(ordered), round(len(ordered) / whole, 1), round(p50, 3), round(p99, 3))
    print(f"{made.name:34} {made.tasks:5} {made.records:8} {made.per_second:12.1f} {made.p50:9.3f} {made.p99:9.3f}")
    return made


async def appends(name: str, engine: Engine, folder: Path, tasks: int, records: int) -> Row:
    """Appends by some tasks at once."""
    key = LedgerKey.load(folder / "ledger.key")
    ledger = SqlLedger(engine=engine, key=key, clock=CLOCK, deadline_ms=60_000)
    await ledger.start(announce=False)
    await ledger.append(decided())
    seconds: list[float] = []

    async def work() -> None:
        for _ in range(records // tasks):
            evidence = decided()
            start = time.perf_counter()
            await ledger.append(evidence)
            seconds.append(time.perf_counter() - start)

    start = time.perf_counter()
    await asyncio.gather(*(work() for _ in range(tasks)))
    whole = time.perf_counter() - start
    await ledger.close()
    return row(name, tasks, seconds, whole)


def threads(name: str, work: Callable[[], None], count: int, records: int) -> Row:
    """Some work, by some threads at once."""
    seconds: list[float] = []

    def repeat() -> None:
        for _ in range(records // count):
            start = time.perf_counter()
            work()
            seconds.append(time.perf_counter() - start)

    running = [threading.Thread(target=repeat) for _ in range(count)]
    start = time.perf_counter()
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    return row(name, count, seconds, time.perf_counter() - start)


def disk(folder: Path, records: int) -> Row:
    """Appends of 4 KiB to a file, each forced to the disk."""
    descriptor = os.open(folder / "disk", os.O_WRONLY | os.O_CREAT)

    def work() -> None:
        os.write(descriptor, bytes(4096))
        os.fdatasync(descriptor)

    made = threads("the disk alone: 4 KiB, fdatasync", work, 1, records)
    os.close(descriptor)
    return made


def global_chain(engine: Engine, count: int, records: int) -> Row:
    """One chain for all writers: each record locks the one row that holds the last leaf."""
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE IF EXISTS tip, chain"))
        connection.execute(text("CREATE TABLE tip (leaf bytea, sequence bigint)"))
        connection.execute(text("INSERT INTO tip VALUES ('', 0)"))
        connection.execute(text("CREATE TABLE chain (sequence bigint PRIMARY KEY, body bytea)"))
    body = bytes(1200)

    def work() -> None:
        with engine.begin() as connection:
            leaf, sequence = connection.execute(text("SELECT leaf, sequence FROM tip FOR UPDATE")).one()
            fresh = hashlib.sha256(bytes(leaf) + body).digest()
            connection.execute(text("INSERT INTO chain VALUES (:s, :b)"), {"s": sequence, "b": body})
            connection.execute(text("UPDATE tip SET leaf = :l, sequence = :s"), {"l": fresh, "s": sequence + 1})

    return threads("postgresql, one global chain", work, count, records)


def measure(folder: Path, records: int) -> list[Row]:
    """All measurements."""
    print(f"{'':34} {'tasks':>5} {'records':>8} {'records/s':>12} {'p50 ms':>9} {'p99 ms':>9}")
    rows = [disk(folder, min(records, 500))]
    server = start_server(folder / "postgres")
    try:
        for name, url in (("sqlite", f"sqlite:///{folder}/gateway.db"), ("postgresql", server_url(server, "postgres"))):
            engine = open_database(url)
            upgrade(engine)
            rows.append(asyncio.run(appends(f"{name}, idle", engine, folder, 1, min(records, 1000))))
            rows.append(asyncio.run(appends(f"{name}, one writer", engine, folder, 64, records)))
            if name == "postgresql":
                rows.append(global_chain(engine, 1, min(records, 1000)))
                rows.append(global_chain(engine, 8, min(records, 2000)))
            engine.dispose()
    finally:
        server.stop()
    return rows


def main() -> None:
    """Measure, print, and write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=20_000)
    parser.add_argument("--folder", default=None, help="where the databases lie while measuring (default: $TMPDIR)")
    parser.add_argument("--out", type=Path, default=None)
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="gateway-bench-", dir=arguments.folder))
    (folder / "postgres").mkdir()
    try:
        rows = measure(folder, arguments.records)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if arguments.out is not None:
        cores = os.cpu_count()
        arguments.out.parent.mkdir(parents=True, exist_ok=True)
        document = {"cores": cores, "load_before": os.getloadavg()[0], "rows": [vars(each) for each in rows]}
        arguments.out.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
