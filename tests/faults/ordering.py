"""Runs above the shim: sends requests outside, one after the other, with a note before each.

A PostgreSQL that it starts has the shim as well, and the same log: what the server does to its write-ahead log stands
there in one order with what the gateway sends. The server is kept from writing anything but what it is asked to.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from gateway.adapters import sql_chain
from gateway.adapters.database import open_database, upgrade
from gateway.adapters.sql_ledger import _settled
from gateway.testing.stand_in import StandIn
from tests.faults.door import OUTSIDE, ask, door, ledger_on
from tests.faults.shim import Shim
from tests.postgres import server_url, start_server

_QUIET = (
    "wal_level = minimal",
    "max_wal_senders = 0",
    "wal_writer_delay = 10s",
    "checkpoint_timeout = 1d",
    "autovacuum = off",
)
_WEAK = "synchronous_commit = off"
"""Such a server acknowledges too early. The gateway would not start on it, so its check is taken out."""


async def main(folder: Path, count: int, manner: str) -> None:
    """So many requests; each begins when the outcome of the one before is written."""
    (folder / "events").touch()
    (folder / "events").chmod(0o666)
    with database(folder, manner) as url:
        engine = open_database(url)
        upgrade(engine)
        ledger = ledger_on(engine, folder, eager=manner == "eager")
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
        engine.dispose()


@contextlib.contextmanager
def database(folder: Path, manner: str) -> Iterator[str]:
    """The URL of an empty one: SQLite's for the gateway as it is shipped and the eager one, else PostgreSQL's."""
    if manner in {"shipped", "eager"}:
        yield f"sqlite:///{folder}/gateway.db"
        return
    settings = list(_QUIET)
    if manner == "asynchronous":
        settings.append(_WEAK)
        sql_chain.check_durability = lambda _: None
    (folder / "postgres").mkdir()
    os.environ["FAULT_LOG"] = str(folder / "events")
    server = start_server(folder / "postgres", *settings)
    try:
        yield server_url(server, "postgres")
    finally:
        server.stop()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]))
