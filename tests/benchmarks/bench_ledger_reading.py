"""How fast a ledger of N records is integrated, verified, exported, reported, searched and pruned.

python -m tests.benchmarks.bench_ledger_reading [--records N] [--postgres] [--out docs/benchmarks/ledger-reading.json]

The ledger is made by `ledger_maker`, spread over 420 days. Each search asks for a page of fifty again and again: the
first one, with other values each time, and one after a place in the middle. `--plans` prints how PostgreSQL finds them.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import event

from gateway.adapters.ledger_export import FAR, LedgerExport, Wanted
from gateway.adapters.sql_audit import auditing
from gateway.adapters.sql_ledger import SqlLedger
from gateway.adapters.sql_records import of_decision, of_period
from gateway.adapters.sql_retention import Retention
from gateway.adapters.sql_search import END, Place, rebuild, search
from gateway.domain.ledger_report import PeriodReport
from gateway.domain.ledger_search import Query
from gateway.verifier.checks import Verification
from gateway.verifier.export import ExportSource
from tests.adapters.ledger_house import House, house_at
from tests.benchmarks.ledger_maker import APPS, TENANTS, Maker, days_before
from tests.evidence import CLOCK
from tests.postgres import server_url, start_server

_SEARCHES = 50
_DAYS, _KEPT_DAYS = 420, 395
_NOT_MORE_FOR_THE_TREE = 200_000
Figures = dict[str, float]


def timed(figures: Figures, name: str, work: Callable[[], object]) -> None:
    """Seconds of wall clock and of this process's processor."""
    wall, processor = time.perf_counter(), time.process_time()
    work()
    figures[f"{name}_s"] = round(time.perf_counter() - wall, 3)
    figures[f"{name}_cpu_s"] = round(time.process_time() - processor, 3)
    print(name, figures[f"{name}_s"], figures[f"{name}_cpu_s"], flush=True)


def integrate(house: House) -> None:
    """The tree and its signatures alone, from the beginning."""
    for table in ("tree_entries", "tree_nodes", "checkpoints"):
        house.change(f"DELETE FROM {table}")
    (house.folder / "signed").unlink(missing_ok=True)
    candidate = house.integrator()
    while candidate.step() is not None:
        pass
    candidate.close()


def index(house: House) -> None:
    """What searching needs, from the beginning."""
    with house.engine.begin() as connection:
        rebuild(connection)
    house.integrate()


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


def verify_export(house: House) -> None:
    """What was exported, with the key alone."""
    found = Verification(ExportSource(house.folder / "export"), house.public).run()
    assert not found.found, found.found


def report(house: House) -> None:
    """Everything in one period."""
    told = PeriodReport(0, FAR)
    with auditing(house.engine) as source:
        for record in of_period(source.connection, 0, FAR):
            told.add(record.document)


def prune(house: House) -> None:
    """What retention of 13 months drops of 14."""
    asyncio.run(_prune(house))
    house.integrate()


async def _prune(house: House) -> None:
    ledger = SqlLedger(engine=house.engine, key=house.key, clock=CLOCK, deadline_ms=60_000)
    await ledger.start(announce=False)
    retention = Retention(house.engine, ledger)
    now = CLOCK.now()
    plan = retention.plan_prune(days_before(now, _KEPT_DAYS), now)
    assert plan.count
    await retention.prune(plan, CLOCK.now())
    await ledger.close()


def queries(chance: random.Random) -> dict[str, Callable[[], Query]]:
    """What is asked, one for each field and some together."""
    now = CLOCK.now()

    def some_time() -> Query:
        until = now - chance.randrange(_KEPT_DAYS) * 86_400_000_000
        return Query(since=until - 86_400_000_000, until=until)

    return {
        "day": some_time,
        "tenant": lambda: Query(tenant=f"tenant-{chance.randrange(TENANTS)}"),
        "app": lambda: Query(app=f"app-{chance.randrange(APPS)}"),
        "label": lambda: Query(label=chance.choice(["public", "restricted"])),
        "rare_class": lambda: Query(data_class="phi"),
        "entity": lambda: Query(entity=chance.choice(["US_SSN", "IBAN_CODE"])),
        "rule": lambda: Query(rule="phi-stays-inside"),
        "reason": lambda: Query(reason="SECRET_FOUND"),
        "route": lambda: Query(route=chance.choice(["local", "external"])),
        "destination": lambda: Query(destination="azure-eu"),
        "completed": lambda: Query(outcome="completed"),
        "open": lambda: Query(outcome="open"),
        "tenant_app_entity": lambda: Query(
            tenant=f"tenant-{chance.randrange(TENANTS)}", app=f"app-{chance.randrange(APPS)}", entity="EMAIL_ADDRESS"
        ),
        "rare_class_app": lambda: Query(data_class="phi", app=f"app-{chance.randrange(APPS)}"),
        "nothing": lambda: Query(route="local", destination="openai-eu"),
    }


def searches(house: House, chance: random.Random) -> Iterator[tuple[str, list[float]]]:
    """Milliseconds of each, by what is asked: first pages and pages from a place in the middle in turn."""
    middle = Place(days_before(CLOCK.now(), _DAYS // 2), 0)
    for name, query in queries(chance).items():
        took = []
        for number in range(_SEARCHES):
            wanted = query()
            start = time.perf_counter()
            with house.engine.connect() as connection:
                search(connection, wanted, middle if number % 2 else END)
            took.append((time.perf_counter() - start) * 1000)
        yield name, sorted(took)
    ids = [str(row[0]) for row in house.rows("SELECT decision_id FROM records WHERE kind = 'intent' LIMIT 1000")]
    took = []
    for _ in range(_SEARCHES):
        start = time.perf_counter()
        with house.engine.connect() as connection:
            of_decision(connection, chance.choice(ids))
        took.append((time.perf_counter() - start) * 1000)
    yield "decision_id", sorted(took)


def plans(house: House, chance: random.Random) -> None:
    """How PostgreSQL finds what each search asks for."""
    for name, query in queries(chance).items():
        for statement, values in _statements(house, query()):
            with house.engine.connect() as connection:
                rows = connection.exec_driver_sql(f"EXPLAIN (ANALYZE, BUFFERS) {statement}", values)
                print("--", name, statement, *(row[0] for row in rows), sep="\n")


def _statements(house: House, query: Query) -> list[tuple[str, Any]]:
    """What a search sends to the database."""
    asked: list[tuple[str, Any]] = []
    with house.engine.connect() as connection:
        event.listen(connection, "before_cursor_execute", lambda *seen: asked.append((seen[2], seen[3])))
        search(connection, query)
    return asked


def measure(house: House, records: int, *, explain: bool) -> Figures:
    """All of it on one database."""
    chance = random.Random(7)
    figures: Figures = {}
    now = CLOCK.now()
    timed(figures, "fill", lambda: Maker(house, records, days_before(now, _DAYS), now).fill())
    figures["records"] = int(str(house.rows("SELECT count(*) FROM records")[0][0]))
    if records <= _NOT_MORE_FOR_THE_TREE:
        timed(figures, "integrate", lambda: integrate(house))
        timed(figures, "index", lambda: index(house))
    with house.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("ANALYZE")
    for name, took in searches(house, chance):
        figures[f"search_{name}_p50_ms"] = round(took[len(took) // 2], 2)
        figures[f"search_{name}_p95_ms"] = round(took[int(len(took) * 0.95)], 2)
        print("search", name, figures[f"search_{name}_p50_ms"], figures[f"search_{name}_p95_ms"], flush=True)
    if explain:
        plans(house, chance)
    for work in (verify, export, verify_export, report, prune):
        timed(figures, work.__name__, lambda work=work: work(house))
    timed(figures, "verify_pruned", lambda: verify(house))
    return figures


def main() -> None:
    """Measure, print, and write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=200_000)
    parser.add_argument("--postgres", action="store_true", help="on PostgreSQL, not on SQLite")
    parser.add_argument("--plans", action="store_true", help="print the plan of each search (PostgreSQL)")
    parser.add_argument("--out", type=Path, default=None)
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="gateway-bench-"))
    (folder / "postgres").mkdir()
    server = start_server(folder / "postgres") if arguments.postgres else None
    url = server_url(server, "postgres") if server else f"sqlite:///{folder}/gateway.db"
    load = os.getloadavg()[0]
    try:
        with house_at(url, folder) as house:
            figures = measure(house, arguments.records, explain=arguments.plans)
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
