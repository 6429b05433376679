"""docs/benchmarks/ledger.md, from what the two benchmarks of the ledger wrote into the files beside it.

python -m tests.benchmarks.ledger_page   # both benchmarks do it themselves when they write those files
"""

from __future__ import annotations

import itertools
import json
from typing import Any

from tests.conftest import REPOSITORY

FOLDER = REPOSITORY / "docs" / "benchmarks"
APPENDING, READING, PAGE = FOLDER / "ledger.json", FOLDER / "ledger-reading.json", FOLDER / "ledger.md"
Figures = dict[str, Any]

_WORK = {
    "verify": ("`verify` by one process: bodies, chains, columns, tree, signatures", "records"),
    "verify_all": ("`verify` with a process a core, all of them", "records"),
    "report": ("`report` over all of it", "records"),
    "export": ("`export`: JSON lines with proofs", "changed_records"),
    "verify_export": ("`verify` of that export, each proof too", "changed_records"),
    "integrate": ("into the tree and signed, 4,096 at a time", "changed_records"),
    "index": ("indexed for search, beside the tree", "changed_records"),
}
_ASKED = {
    "day": "a day",
    "rare_class": "a class that one decision in a thousand has",
    "tenant_app_entity": "tenant, app and entity together",
    "rare_class_app": "that rare class and an app",
    "nothing": "two common terms that never stand together",
    "decision_id": "a decision's id",
    "completed": "an outcome: completed",
    "open": "an outcome: open",
}


def refresh() -> None:
    """Write the page."""
    PAGE.write_text(page(json.loads(APPENDING.read_text()), json.loads(READING.read_text())), encoding="utf-8")


def page(appending: Figures, reading: Figures) -> str:
    """The page."""
    measured = (_targets(appending, reading), _appending(appending), _reading(reading), _searches(reading))
    return "\n".join((_HEAD, *measured, _TAIL))


def _targets(appending: Figures, reading: Figures) -> str:
    rows = appending["rows"]
    totals = {
        name: [round(row["per_second"]) for row in rows if row["name"] == name] for name in ("sqlite", "postgresql")
    }
    chain = [round(row["per_second"]) for row in rows if row["name"].endswith("global chain")]
    idle = {name: _row(rows, f"{name}, idle", 1) for name in totals}
    lines = [
        f"## Against the targets (load before: {appending['load_before']:.1f} on {appending['cores']} cores)\n",
        "| target | measured |",
        "|---|---|",
        f"| SQLite, 64 at once: 5,000 records/s, p99 25 ms | {_speed(_row(rows, 'sqlite', 1), 5000, 25)} |",
        f"| PostgreSQL, 4 writers: 5,000 records/s, p99 20 ms | {_speed(_row(rows, 'postgresql', 4), 5000, 20)} |",
        f"| 1, 2, 4, 8 writers: the total never falls | {_series(totals)}; one global chain: {_list(chain)} |",
        f"| added to one idle request: p50 2 ms, p99 10 ms | {_each(idle)} |",
        f"| lag to a signed checkpoint at 5,000 records/s: p99 1 s | {_lags(appending.get('lag', {}))} |",
        f"| `verify`: 50,000 records/s a core | {_verified(reading)} |",
        f"| search on 5 million records on PostgreSQL: p95 1 s | {_slowest(reading.get('postgresql', {}))} |",
        "",
    ]
    return "\n".join(lines)


def _row(rows: list[Figures], name: str, writers: int) -> Figures:
    return next((row for row in rows if row["name"] == name and row["writers"] == writers), {})


def _speed(row: Figures, least: int, most: float) -> str:
    if not row:
        return "not measured"
    met = row["per_second"] >= least and row["p99"] <= most
    return f"{row['per_second']:,.0f} records/s, p50 {row['p50']:.0f} ms, p99 {row['p99']:.0f} ms: {_word(met)}"


def _word(met: bool) -> str:
    return "met" if met else "**missed**"


def _list(totals: list[int]) -> str:
    return ", ".join(f"{each:,}" for each in totals) or "not measured"


def _series(totals: dict[str, list[int]]) -> str:
    """A twentieth less counts as the same: so much two runs differ."""
    told = []
    for name, each in totals.items():
        held = len(each) > 1 and all(later > 0.95 * before for before, later in itertools.pairwise(each))
        told.append(f"{name} {_list(each)}{': ' + _word(held) if len(each) > 1 else ''}")
    return "; ".join(told)


def _each(idle: dict[str, Figures]) -> str:
    return "; ".join(
        f"{name} {row['p50']:.1f} and {row['p99']:.1f} ms: {_word(row['p50'] <= 2 and row['p99'] <= 10)}"
        for name, row in idle.items()
        if row
    )


def _lags(lags: Figures) -> str:
    told = [
        f"{name} {each['p99_ms']:,.0f} ms (p50 {each['p50_ms']:,.0f}) at {each['per_second']:,.0f}/s: "
        f"{_word(each['p99_ms'] <= 1000 and each['per_second'] > 4500)}"
        for name, each in lags.items()
        if "p99_ms" in each
    ]
    return "; ".join(told) or "not measured"


def _verified(reading: Figures) -> str:
    told = []
    for name, seen in reading.items():
        if "verify_cpu_s" in seen:
            each = seen["records"] / seen["verify_cpu_s"]
            all_cores = f"{seen['records'] / seen['verify_all_s']:,.0f}/s" if "verify_all_s" in seen else "not measured"
            told.append(f"{name} {each:,.0f}/s: {_word(each >= 50_000)}; by all cores, on the clock, {all_cores}")
    return "; ".join(told)


def _slowest(seen: Figures) -> str:
    p95 = {name: each for name, each in seen.items() if name.startswith("search_") and name.endswith("_p95_ms")}
    if not p95:
        return "not measured"
    name = max(p95, key=lambda each: p95[each])
    asked = name.removeprefix("search_").removesuffix("_p95_ms")
    enough = seen["records"] >= 5_000_000
    verdict = _word(p95[name] <= 1000) if enough else "5 million not run"
    return f"{seen['records']:,} records: at most {p95[name]:,.0f} ms ({_ASKED.get(asked, asked)}): {verdict}"


def _appending(appending: Figures) -> str:
    lines = [
        "## Appending\n",
        "A caller waits for the decision; its outcome is recorded beside the answer.\n",
        "| | writers | at once | records | records/s | decision p50, p99 ms | outcome p50, p99 ms | cpu us each |",
        "|---|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {row['name']} | {row['writers']} | {row['tasks']} | {row['records']:,} | {row['per_second']:,.0f} "
        f"| {row['p50']:.2f}, {row['p99']:.2f} | {_beside(row)} | {row.get('cpu_us', '-')} |"
        for row in appending["rows"]
    ]
    return "\n".join([*lines, ""])


def _beside(row: Figures) -> str:
    return f"{row['beside_p50']:.2f}, {row['beside_p99']:.2f}" if row.get("beside_p50") else "-"


def _reading(reading: Figures) -> str:
    names = list(reading)
    heads = [f"{name} (load {reading[name]['load_before']:.1f})" for name in names]
    lines = [
        "## Reading\n",
        f"| microseconds of processor a record | {' | '.join(heads)} |",
        f"|---|{'---|' * len(names)}",
    ]
    for work, (told, over) in _WORK.items():
        cells = [_per_record(reading[name], work, over) for name in names]
        lines.append(f"| {told} | {' | '.join(cells)} |")
    cells = [_pruned(reading[name]) for name in names]
    return "\n".join([*lines, f"| `prune`: 25 of 420 days, on the clock | {' | '.join(cells)} |", ""])


def _per_record(seen: Figures, work: str, over: str) -> str:
    count = seen.get(over, 0)
    if f"{work}_cpu_s" not in seen or not count:
        return "-"
    each = seen[f"{work}_cpu_s"] / count * 1e6
    return f"{each:.0f} ({count / seen[f'{work}_s']:,.0f}/s on the clock, {count:,} records)"


def _pruned(seen: Figures) -> str:
    if "prune_s" not in seen:
        return "-"
    return f"{seen['prune_s']:.1f} s for {seen.get('pruned', 0):,.0f} records, the next step of the tree included"


def _searches(reading: Figures) -> str:
    lines = []
    for name, seen in reading.items():
        asked = [each.removeprefix("search_").removesuffix("_p50_ms") for each in seen if each.endswith("_p50_ms")]
        if asked:
            lines += [f"## Searching {seen['records']:,} records, {name}\n"]
            lines += [
                "Pages of 50, the first and one in the middle in turn.\n",
                "| | p50 ms | p95 ms |",
                "|---|---|---|",
            ]
            lines += [
                f"| {_ASKED.get(each, each.replace('_', ' '))} | {seen[f'search_{each}_p50_ms']:.1f} "
                f"| {seen[f'search_{each}_p95_ms']:.1f} |"
                for each in asked
            ]
            lines.append("")
    return "\n".join(lines)


_HEAD = """# The ledger, measured

```
python -m tests.benchmarks.bench_ledger --out docs/benchmarks/ledger.json
python -m tests.benchmarks.bench_ledger_reading --records 60000 --out docs/benchmarks/ledger-reading.json
python -m tests.benchmarks.ledger_maker --records 5000000 --postgres --folder DIR
python -m tests.benchmarks.bench_ledger_reading --folder DIR --out docs/benchmarks/ledger-reading.json
```

The first appends with 1 to 8 processes, the tree, its signatures and the search index kept meanwhile, and has one
global chain under a row lock beside it in the same run. The others make sound ledgers (records of the gateway's own
encoder, copied, chained, in the tree and signed) and read all of them. Each writes its figures, and this page.
"""

_TAIL = """## What it is made of

Measured by processor time, old and new code in one run, on a machine with other load.

| microseconds of processor | before | now |
|---|---|---|
| `verify` of one record: database 12, what it says 4, meaning 4, chain 3, hash 2, tree 2, columns 1 | 48 | 33 |
| encoding a decision: commitments, canonical, checked against the closed schema | 160 | 110 |
| the same, values of other types told by reading the bytes back (another day) | 145 | 126 |
| encoding an outcome | 47 | 27 |
| the same, as above | 45 | 33 |
| signing a receipt; Ed25519 alone 57 of it, with Python's lock held: a thread brings nothing | 79 | 67 |
| waiting for an append, with its deadline, in the event loop | 21 | 15 |
| PostgreSQL: putting a record of a batch of 64 into the INSERT, by the driver | 66 | 11 |

PostgreSQL itself takes 0.3 to 1 ms to find a page of one field (`--plans`): an index-only scan of four pages from the
end backwards, then fifty look-ups, however long the ledger is. Fields together are a merge of two such scans, of at
most 100,000 entries of the rarest for a page.

Processes of one machine share its cores with the database: with two cores, more than two writers measure that nothing
is lost, not what more cores would bring. A ledger filled for reading was vacuumed and analysed once, as autovacuum
does in time.
"""


if __name__ == "__main__":
    refresh()
