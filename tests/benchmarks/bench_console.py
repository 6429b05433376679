"""How long the console's pages take over a ledger of many decisions: list, search, overview.

    python -m tests.benchmarks.ledger_maker --records 2000000 --folder DIR
    python -m tests.benchmarks.bench_console --folder DIR      # writes docs/benchmarks/console.json and console.md

Half of the records that `ledger_maker` makes are decisions; with `--postgres` it makes a PostgreSQL. Pages are asked
for in this process, through the whole application: session, role, the record of the look, search, template. So the
ledger grows by what is recorded of these looks, and stays sound. Target: p95 of list and search at most 300 ms.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import random
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gateway.domain.accounts import Role
from tests.adapters.ledger_house import House
from tests.benchmarks.ledger_maker import APPS, DAYS, TENANTS, fill, house_in, opened
from tests.conftest import REPOSITORY
from tests.console.site import Form, site_at

FIGURES = REPOSITORY / "docs" / "benchmarks" / "console.json"
PAGE = FIGURES.with_suffix(".md")
_TARGET_MS = 300
_DECISIONS = "/console/decisions"


def links(chance: random.Random, size: int) -> dict[str, Callable[[], str]]:
    """What is asked of a tree of some size: a link, with other values each time. Those of list and search come first,
    then the overview."""

    def app() -> str:
        return f"app=app-{chance.randrange(APPS)}"

    def tenant() -> str:
        return f"tenant=tenant-{chance.randrange(TENANTS)}"

    def deep() -> str:
        return f"after={chance.randrange(size)}"

    return {
        "list, newest": lambda: _DECISIONS,
        "list, deep": lambda: f"{_DECISIONS}?{deep()}",
        "an app": lambda: f"{_DECISIONS}?{app()}",
        "an app, deep": lambda: f"{_DECISIONS}?{app()}&{deep()}",
        "a label": lambda: f"{_DECISIONS}?label={chance.choice(['public', 'restricted'])}",
        "class that one in a thousand has": lambda: f"{_DECISIONS}?data_class=phi",
        "app and route": lambda: f"{_DECISIONS}?{app()}&route={chance.choice(['local', 'external', 'blocked'])}",
        "tenant, app, entity": lambda: f"{_DECISIONS}?{tenant()}&{app()}&entity=US_SSN",
        "rare class and app": lambda: f"{_DECISIONS}?data_class=phi&{app()}",
        "open": lambda: f"{_DECISIONS}?outcome=open",
        "two common terms that never meet": lambda: f"{_DECISIONS}?route=local&destination=openai-eu",
        "a name that nothing has": lambda: f"{_DECISIONS}?app=nobody",
        "overview, 1 day": lambda: "/console/?days=1",
        "overview, 7 days": lambda: "/console/?days=7",
        "overview, 90 days": lambda: "/console/?days=90",
    }


async def ask(client: Form, times: int, size: int) -> dict[str, dict[str, float]]:
    """Milliseconds of each, on the clock: p50 and p95 of so many times, after two that do not count."""
    figures = {}
    for name, link in links(random.Random(7), size).items():
        took = []
        for number in range(times + 2):
            path, began = link(), time.perf_counter()
            await client.page(path)
            if number >= 2:
                took.append(1000 * (time.perf_counter() - began))
        took.sort()
        p50, p95 = took[len(took) // 2], took[max(0, -(-95 * len(took) // 100) - 1)]
        figures[name] = {"p50_ms": round(p50, 1), "p95_ms": round(p95, 1)}
        print(f"{name:<36}{p50:>10.1f}{p95:>10.1f}", flush=True)
    return figures


async def measure(house: House, times: int) -> dict[str, Any]:
    """The figures of the console over one ledger."""
    [(size,)] = house.rows("SELECT max(position) + 1 FROM tree_entries")
    [(decisions,)] = house.rows("SELECT count(*) FROM records WHERE kind IN ('intent', 'local', 'block')")
    async with site_at(house.folder, url=house.engine.url.render_as_string(hide_password=False)) as site:
        pages = await ask(await site.person("vera", Role.VIEWER), times, int(str(size)))
    return {"decisions": decisions, "times": times, "pages": pages}


def keep(database: str, load: float, figures: dict[str, Any]) -> None:
    """Put one database's figures beside the other's, and write the page anew."""
    known = json.loads(FIGURES.read_text()) if FIGURES.exists() else {}
    machine = {"cores": os.cpu_count(), "python": platform.python_version(), "load_before": round(load, 1)}
    known[database] = {**machine, **figures}
    FIGURES.write_text(json.dumps(known, indent=1) + "\n")
    PAGE.write_text(page(known))


def page(known: dict[str, Any]) -> str:
    """docs/benchmarks/console.md."""
    names = [name for name in ("sqlite", "postgresql") if name in known]
    lines = ["# The console, measured\n", _HEAD]
    for name in names:
        seen = known[name]
        lines.append(
            f"- {name}: {seen['decisions']:,} decisions, each page asked {seen['times']} times, {seen['cores']} cores, "
            f"load average {seen.get('load_before', 'not taken')} before."
        )
    lines += ["", "| milliseconds on the clock | " + " | ".join(f"{name} p50 | p95" for name in names) + " |"]
    lines.append("|---" * (1 + 2 * len(names)) + "|")
    for asked in known[names[0]]["pages"]:
        told = [known[name]["pages"].get(asked, {"p50_ms": "-", "p95_ms": "-"}) for name in names]
        lines.append(f"| {asked} | " + " | ".join(f"{each['p50_ms']} | {_p95(asked, each)}" for each in told) + " |")
    return "\n".join([*lines, ""])


def _p95(asked: str, told: dict[str, Any]) -> str:
    late = not asked.startswith("overview") and told["p95_ms"] != "-" and told["p95_ms"] > _TARGET_MS
    return f"**{told['p95_ms']}: missed**" if late else str(told["p95_ms"])


_HEAD = f"""```
python -m tests.benchmarks.ledger_maker --records 2000000 --folder DIR               # a million decisions, SQLite
python -m tests.benchmarks.ledger_maker --records 10000000 --postgres --folder OTHER # five million, PostgreSQL
python -m tests.benchmarks.bench_console --folder DIR                                # and OTHER
```

A page through the whole application, in one process: session, role, the durable record of the look, search, template.
The decisions spread over {DAYS} days. Target: p95 of list and search at most {_TARGET_MS} ms.
"""


def main() -> None:
    """Measure a kept ledger and keep the figures, or a small one and print them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, help="a ledger that `ledger_maker` made; else one is made, and not kept")
    parser.add_argument("--records", type=int, default=20_000, help="of the ledger that is made here")
    parser.add_argument("--postgres", action="store_true", help="made here on PostgreSQL, not on SQLite")
    parser.add_argument("--times", type=int, default=40)
    asked = parser.parse_args()
    load = os.getloadavg()[0]
    if asked.folder is not None:
        with opened(asked.folder) as house:
            keep(house.engine.dialect.name, load, asyncio.run(measure(house, asked.times)))
        return
    with tempfile.TemporaryDirectory() as scratch, house_in(Path(scratch), postgres=asked.postgres) as house:
        fill(house, asked.records)
        asyncio.run(measure(house, asked.times))


if __name__ == "__main__":
    main()
