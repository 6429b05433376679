"""How long the console's list and search pages take over many decisions in SQLite. Prints the p50 and p95 of each.

    python -m tests.benchmarks.bench_console --decisions 1000000 --folder /somewhere/with/4-GB

A folder that was filled before is used again. Pages are asked for in this process, through the whole application:
session, role, the record of the look, search, template. Target: p95 of list and search at most 300 ms.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from gateway.domain.accounts import Role
from gateway.domain.evidence import Evidence
from tests.console.browsing import BUNDLE, traffic
from tests.console.site import Site, site_at
from tests.evidence import activated

PAGES = {
    "list": "/console/decisions",
    "one app": "/console/decisions?app=triage",
    "class and route": "/console/decisions?data_class=phi&route=local",
    "app, class, route": "/console/decisions?app=support&data_class=pii&route=external-transformed",
    "rare reason": "/console/decisions?reason=SECRET_IN_REQUEST&tenant=clinic",
    "nothing": "/console/decisions?app=nobody",
    "overview": "/console/",
}
_BATCH = 500


def batches(count: int) -> Iterator[list[Evidence]]:
    """The traffic, in pieces that fit into memory."""
    for number in range(0, count, _BATCH):
        yield list(traffic(min(_BATCH, count - number), number))


async def fill(site: Site, count: int) -> None:
    """Bring a ledger to this many decisions."""
    [(there,)] = site.house.rows("SELECT count(*) FROM records WHERE kind IN ('intent', 'local', 'block')")
    if int(str(there)) >= count:
        return
    site.add(activated(BUNDLE.digest))
    for batch in batches(count - int(str(there))):
        await asyncio.to_thread(site.add, *batch)
    while not await asyncio.to_thread(_settled, site):
        pass


def _settled(site: Site) -> bool:
    [(indexed,)], [(last,)] = (
        site.house.rows(f"SELECT {each}")
        for each in ("position FROM search_progress", "max(position) FROM tree_entries")
    )
    time.sleep(0.2)
    return int(str(indexed)) > int(str(last))


async def measure(folder: Path, decisions: int, times: int) -> None:
    """Fill, ask and print."""
    async with site_at(folder) as site:
        await fill(site, decisions)
        client = await site.person("vera", Role.VIEWER)
        print(f"{'page':<20}{'p50 ms':>10}{'p95 ms':>10}")
        for name, path in PAGES.items():
            took = []
            for _ in range(times):
                began = time.perf_counter()
                await client.page(path)
                took.append(1000 * (time.perf_counter() - began))
            took.sort()
            print(f"{name:<20}{statistics.median(took):>10.1f}{took[int(0.95 * (len(took) - 1))]:>10.1f}")


def main() -> None:
    """Read the arguments."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--decisions", type=int, default=20_000)
    parser.add_argument("--times", type=int, default=40)
    parser.add_argument("--folder", type=Path)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = asked.folder or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        asyncio.run(measure(folder, asked.decisions, asked.times))


if __name__ == "__main__":
    main()
