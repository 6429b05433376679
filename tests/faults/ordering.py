"""Runs above the shim: sends requests outside, one after the other, with a note before each."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from gateway.adapters.database import open_database, upgrade
from gateway.adapters.sql_ledger import _settled
from gateway.testing.stand_in import StandIn
from tests.faults.door import OUTSIDE, ask, door, ledger_on
from tests.faults.shim import Shim


async def main(folder: Path, count: int, *, eager: bool) -> None:
    """So many requests; each begins when the outcome of the one before is written."""
    engine = open_database(f"sqlite:///{folder}/gateway.db")
    upgrade(engine)
    ledger = ledger_on(engine, folder, eager=eager)
    await ledger.start(announce=False)
    shim = Shim()
    with StandIn() as provider:
        async with door(ledger, provider) as client:
            shim.watch(folder / "events", provider.port)
            for number in range(count):
                await ledger._ask(_settled, 20)
                shim.note(str(number))
                assert (await ask(client, OUTSIDE)).status_code == 200
            shim.note("end")
        print(len(provider.requests))
    await ledger.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), eager=sys.argv[3] == "eager"))
