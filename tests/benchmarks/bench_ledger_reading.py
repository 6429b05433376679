"""How fast a ledger of N records is integrated, verified, exported, reported and searched.

python -m tests.benchmarks.bench_ledger_reading [--records N] [--postgres] [--out docs/benchmarks/ledger-reading.json]

Half of the records are decisions, half their outcomes, of four writers, forty apps and eight tenants; one decision in a
thousand is of a rare class. Each search is the first page of fifty, asked again and again with other values.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from gateway.adapters.ledger_export import FAR, LedgerExport, Wanted
from gateway.adapters.sql_audit import auditing
from gateway.adapters.sql_chain import Chain
from gateway.adapters.sql_records import of_period
from gateway.adapters.sql_search import search
from gateway.domain.evidence import Evidence
from gateway.domain.labels import DataClass
from gateway.domain.ledger_report import PeriodReport
from gateway.domain.ledger_search import Query
from gateway.verifier.checks import Verification
from tests.adapters.ledger_house import House, house_at
from tests.evidence import CLOCK, activated, decided, outcome
from tests.postgres import server_url, start_server

_BATCH = 256
_SEARCHES = 50
Figures = dict[str, float]


def fill(house: House, records: int, chance: random.Random) -> None:
    """Write so many records, a few milliseconds apart by their own clock."""
    chains = [Chain(house.engine, f"gw-0000000{number}", CLOCK.now) for number in range(4)]
    chains[0].write([activated()])
    at, written = 1_790_000_000_000_000, 0
    while written < records:
        batch: list[Evidence] = []
        for _ in range(_BATCH // 2):
            at += chance.randrange(5_000)
            rare = frozenset({DataClass.PHI}) if chance.random() < 0.001 else frozenset({DataClass.PII})
            tenant, app = f"tenant-{chance.randrange(8)}", f"app-{chance.randrange(40)}"
            evidence = decided(at=at, tenant=tenant, app=app, classes=rare)
            batch += [evidence, outcome(evidence.decision_id, at=at + 900, tenant=tenant)]
        chance.choice(chains).write(batch)
        written += len(batch)
    for chain in chains:
        chain.close()


def timed(figures: Figures, name: str, work: Callable[[], object]) -> None:
    """Seconds of wall clock and of this process's processor."""
    wall, processor = time.perf_counter(), time.process_time()
    work()
    figures[f"{name}_s"] = round(time.perf_counter() - wall, 3)
    figures[f"{name}_cpu_s"] = round(time.process_time() - processor, 3)
    print(name, figures[f"{name}_s"], figures[f"{name}_cpu_s"], flush=True)


def integrate(house: House) -> None:
    """The tree and its signatures alone."""
    candidate = house.integrator()
    while candidate.step() is not None:
        pass
    candidate.close()


def index(house: House) -> None:
    """What searching needs."""
    candidate = house.integrator()
    candidate.step()
    while candidate.index():
        pass
    candidate.close()


def verify(house: House) -> None:
    """All of it, with the key alone."""
    with auditing(house.engine) as source:
        report = Verification(source, house.public).run()
    assert not report.found, report.found


def export(house: House) -> None:
    """JSON lines with proofs."""
    with auditing(house.engine) as source:
        exporting = LedgerExport(source.connection, house.folder / "export", Wanted(("jsonl",), 0, FAR))
        exporting.write(exporting.begin(), iter(()))


def report(house: House) -> None:
    """Everything in one period."""
    told = PeriodReport(0, FAR)
    with auditing(house.engine) as source:
        for record in of_period(source.connection, 0, FAR):
            told.add(record.document)


def searches(house: House, chance: random.Random) -> Iterator[tuple[str, list[float]]]:
    """Milliseconds of each, by what is asked."""
    asked: dict[str, Callable[[], Query]] = {
        "time": lambda: Query(since=1_790_000_000_000_000 + chance.randrange(10**8)),
        "app": lambda: Query(app=f"app-{chance.randrange(40)}"),
        "rare_class": lambda: Query(data_class="phi"),
        "tenant_app_entity": lambda: Query(
            tenant=f"tenant-{chance.randrange(8)}", app=f"app-{chance.randrange(40)}", entity="EMAIL_ADDRESS"
        ),
        "rare_class_app": lambda: Query(data_class="phi", app=f"app-{chance.randrange(40)}"),
        "open": lambda: Query(outcome="open"),
    }
    for name, query in asked.items():
        took = []
        for _ in range(_SEARCHES):
            wanted = query()
            start = time.perf_counter()
            with house.engine.connect() as connection:
                search(connection, wanted)
            took.append((time.perf_counter() - start) * 1000)
        yield name, sorted(took)


def measure(house: House, records: int) -> Figures:
    """All of it on one database."""
    figures: Figures = {"records": records}
    chance = random.Random(7)
    timed(figures, "fill", lambda: fill(house, records, chance))
    timed(figures, "integrate", lambda: integrate(house))
    timed(figures, "index", lambda: index(house))
    with contextlib.suppress(Exception), house.engine.connect() as connection:
        connection.exec_driver_sql("ANALYZE")
        connection.commit()
    timed(figures, "verify", lambda: verify(house))
    timed(figures, "export", lambda: export(house))
    timed(figures, "report", lambda: report(house))
    for name, took in searches(house, chance):
        figures[f"search_{name}_p50_ms"] = round(took[len(took) // 2], 2)
        figures[f"search_{name}_p95_ms"] = round(took[int(len(took) * 0.95)], 2)
        print("search", name, figures[f"search_{name}_p50_ms"], figures[f"search_{name}_p95_ms"], flush=True)
    return figures


def main() -> None:
    """Measure, print, and write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=200_000)
    parser.add_argument("--postgres", action="store_true", help="on PostgreSQL, not on SQLite")
    parser.add_argument("--out", type=Path, default=None)
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="gateway-bench-"))
    (folder / "postgres").mkdir()
    server = start_server(folder / "postgres") if arguments.postgres else None
    url = server_url(server, "postgres") if server else f"sqlite:///{folder}/gateway.db"
    load = os.getloadavg()[0]
    try:
        with house_at(url, folder) as house:
            figures = measure(house, arguments.records)
    finally:
        if server is not None:
            server.stop()
        shutil.rmtree(folder, ignore_errors=True)
    if arguments.out is not None:
        name = "postgresql" if arguments.postgres else "sqlite"
        known = json.loads(arguments.out.read_text()) if arguments.out.exists() else {}
        known[name] = {"cores": os.cpu_count(), "load_before": round(load, 1), **figures}
        arguments.out.write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
