"""How fast a ledger of N records is integrated, verified, exported, reported, searched and pruned.

    python -m tests.benchmarks.bench_ledger_reading [--records N] [--postgres] [--out FILE]
    python -m tests.benchmarks.bench_ledger_reading --folder DIR   # searched, verified and reported in a kept ledger

Ledgers are made by `ledger_maker`, spread over 420 days. What changes a ledger (the tree and the index anew, pruning)
or fills the disk (export) runs on one that is thrown away, never in `--folder`. Each search asks for a page of fifty
again and again: the first one, with other values each time, and one after a place in the middle. `--plans` prints how
PostgreSQL finds them.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import event

from gateway.adapters.ledger_export import FAR, LedgerExport, Wanted
from gateway.adapters.sql_audit import auditing
from gateway.adapters.sql_ledger import SqlLedger
from gateway.adapters.sql_records import of_decision, of_period
from gateway.adapters.sql_retention import Retention
from gateway.adapters.sql_search import END, search
from gateway.adapters.sql_search_index import rebuild
from gateway.domain.ledger_report import PeriodReport
from gateway.domain.ledger_search import Query
from gateway.verifier import together
from gateway.verifier.checks import Verification
from gateway.verifier.export import ExportSource
from tests.adapters.ledger_house import House
from tests.benchmarks import ledger_page
from tests.benchmarks.ledger_maker import APPS, TENANTS, days_before, fill, house_in, opened
from tests.evidence import CLOCK

_SEARCHES = 50
_KEPT_DAYS = 395
Figures = dict[str, float]


def timed(figures: Figures, name: str, work: Callable[[], object]) -> None:
    """Seconds of wall clock, and of the processor, for this process and those that it started and that ended."""
    wall, processor = time.perf_counter(), sum(os.times()[:4])
    work()
    figures[f"{name}_s"] = round(time.perf_counter() - wall, 3)
    figures[f"{name}_cpu_s"] = round(sum(os.times()[:4]) - processor, 3)
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


def verify_all(house: House) -> None:
    """The same, with a process a core."""
    with auditing(house.engine) as source:
        report = together.verify(source, house.public, processes=together.usable())
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
    middle = int(str(house.rows("SELECT max(position) FROM tree_entries")[0][0])) // 2
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


def read(house: House, figures: Figures, *, explain: bool, alone: Sequence[str]) -> None:
    """What leaves the ledger as it is: searches and, of the rest, those that are named."""
    chance = random.Random(7)
    figures["records"] = int(str(house.rows("SELECT count(*) FROM records")[0][0]))
    for name, took in searches(house, chance):
        figures[f"search_{name}_p50_ms"] = round(took[len(took) // 2], 2)
        figures[f"search_{name}_p95_ms"] = round(took[int(len(took) * 0.95)], 2)
        print("search", name, figures[f"search_{name}_p50_ms"], figures[f"search_{name}_p95_ms"], flush=True)
    if explain:
        plans(house, chance)
    for work in (verify, verify_all, report):
        if work.__name__ in alone:
            timed(figures, work.__name__, lambda work=work: work(house))


def change(house: House, figures: Figures) -> None:
    """What changes the ledger, or writes about as much."""
    figures["changed_records"] = int(str(house.rows("SELECT count(*) FROM records")[0][0]))
    for work in (integrate, index, export, verify_export, prune):
        timed(figures, work.__name__, lambda work=work: work(house))
    figures["pruned"] = figures["changed_records"] - int(str(house.rows("SELECT count(*) FROM records")[0][0])) + 1
    timed(figures, "verify_pruned", lambda: verify(house))


def measure(
    kept: Path | None, records: int, *, postgres: bool, explain: bool, alone: Sequence[str]
) -> tuple[str, Figures]:
    """The database's name and all figures: reading in the folder that was filled before, if there is one, and the rest
    on a ledger that is thrown away."""
    figures: Figures = {}
    if kept is not None:
        with opened(kept) as house:
            postgres = house.engine.dialect.name == "postgresql"
            read(house, figures, explain=explain, alone=alone)
    with (
        tempfile.TemporaryDirectory(prefix="gateway-bench-") as scratch,
        house_in(Path(scratch), postgres=postgres) as house,
    ):
        timed(figures, "fill", lambda: fill(house, records))
        if kept is None:
            read(house, figures, explain=explain, alone=alone)
        change(house, figures)
        return house.engine.dialect.name, figures


def main() -> None:
    """Measure, print, and write the file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=60_000, help="of the ledger that is made here")
    parser.add_argument("--folder", type=Path, default=None, help="a ledger that `ledger_maker` made, read beside it")
    parser.add_argument("--postgres", action="store_true", help="on PostgreSQL, not on SQLite")
    parser.add_argument("--plans", action="store_true", help="print the plan of each search (PostgreSQL)")
    parser.add_argument("--reads", default="verify,verify_all,report", help="what is done beside searching")
    parser.add_argument("--out", type=Path, default=None)
    asked = parser.parse_args()
    load = os.getloadavg()[0]
    alone = asked.reads.split(",")
    name, figures = measure(asked.folder, asked.records, postgres=asked.postgres, explain=asked.plans, alone=alone)
    if asked.out is not None:
        known = json.loads(asked.out.read_text()) if asked.out.exists() else {}
        known[name] = {"cores": os.cpu_count(), "load_before": round(load, 1), **figures}
        asked.out.write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")
        ledger_page.refresh()


if __name__ == "__main__":
    main()
