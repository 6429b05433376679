"""The ledger with its tree: signed while it serves, silent when it is broken, refused when it is an old copy."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.adapters.database import DatabaseUnfit
from gateway.adapters.ledger_tree import LedgerObserver
from gateway.adapters.prometheus_metrics import PrometheusMetrics
from gateway.adapters.sql_ledger import SqlLedger
from gateway.domain.errors import GatewayFault
from tests.adapters.ledger_house import House, house_at
from tests.evidence import CLOCK, decided


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """An empty ledger on SQLite."""
    with house_at(f"sqlite:///{tmp_path}/gateway.db", tmp_path) as made:
        yield made


class Watch:
    """Implements `LedgerObserver`: lets a test wait for what it is told, in the event loop that made it."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._news = asyncio.Event()
        self.records = 0
        self.size = 0

    def expect(self, every_s: float) -> None:
        """Nothing."""

    def recorded(self, count: int, at: int) -> None:
        """So many more."""
        self.records += count
        self._loop.call_soon_threadsafe(self._news.set)

    def signed(self, size: int, at: int) -> None:
        """So many are signed."""
        self.size = size
        self._loop.call_soon_threadsafe(self._news.set)

    async def until(self, *, records: int = 0, size: int = 0) -> None:
        """Wait, within the test's own limit, until so much is there."""
        async with asyncio.timeout(60):
            while self.records < records or self.size < size:
                await self._news.wait()
                self._news.clear()


def ledger_of(house: House, heartbeat_s: float = 0, observer: LedgerObserver | None = None) -> SqlLedger:
    """A ledger that integrates, not started."""
    return SqlLedger(
        engine=house.engine,
        key=house.key,
        clock=CLOCK,
        deadline_ms=5000,
        signer=house.signer(),
        heartbeat_s=heartbeat_s,
        observer=observer,
    )


async def test_records_come_under_a_checkpoint_while_it_serves(house: House) -> None:
    """Without any request having to wait for it; at the end the good-bye is in the tree as well."""
    watch = Watch()
    ledger = ledger_of(house, observer=watch)
    await ledger.start()
    await asyncio.gather(*(ledger.append(decided()) for _ in range(20)))
    await watch.until(size=21)
    await ledger.close()

    assert [(22,)] == house.rows("SELECT max(size) FROM checkpoints")


async def test_an_idle_ledger_beats(house: House) -> None:
    """Silence is not nothing: it is written down."""
    watch = Watch()
    ledger = ledger_of(house, heartbeat_s=0.05, observer=watch)
    await ledger.start()
    await watch.until(records=3)
    await ledger.close()

    assert [("boot",), ("heartbeat",), ("heartbeat",)] == house.rows("SELECT kind FROM records ORDER BY sequence")[:3]


async def test_silence_is_an_alarm(house: House) -> None:
    """Overdue records raise the metric, a new one lowers it."""
    metrics = PrometheusMetrics()
    ledger = ledger_of(house, observer=metrics.ledger)
    await ledger.start()
    metrics.ledger.expect(10)
    assert b"gateway_ledger_silent 0.0" in metrics.render()

    metrics.ledger.recorded(1, CLOCK.now() - 31_000_000)
    assert b"gateway_ledger_silent 1.0" in metrics.render()
    await ledger.append(decided())
    assert b"gateway_ledger_silent 0.0" in metrics.render()
    await ledger.close()


async def test_an_old_copy_of_the_database_keeps_the_gateway_from_starting(house: House) -> None:
    """Brought back from a backup: refused with what to do; the copy that is newer starts; so does an accepted loss."""
    backup, database = house.folder / "backup.db", house.folder / "gateway.db"
    for count in range(2):
        ledger = ledger_of(house)
        await ledger.start()
        await ledger.append(decided())
        await ledger.close()
        house.engine.dispose()
        house.change("PRAGMA wal_checkpoint(TRUNCATE)")
        if count == 0:
            shutil.copy(database, backup)
    house.engine.dispose()
    shutil.move(database, house.folder / "newer.db")
    shutil.copy(backup, database)
    with pytest.raises(DatabaseUnfit, match="gateway ledger acknowledge"):
        await ledger_of(house).start()

    shutil.move(house.folder / "newer.db", database)
    ledger = ledger_of(house)
    await ledger.start()
    await ledger.close()
    house.engine.dispose()
    shutil.copy(backup, database)
    house.signer().acknowledge()
    ledger = ledger_of(house)
    await ledger.start()
    await ledger.append(decided())
    await ledger.close()


async def test_an_old_copy_under_a_running_gateway_stops_it(house: House) -> None:
    """Records that were signed vanish while it serves: nothing is acknowledged any more; the health check says why."""
    watch = Watch()
    ledger = ledger_of(house, observer=watch)
    await ledger.start()
    await ledger.append(decided())
    await watch.until(size=2)
    for table in ("tree_entries", "checkpoints"):
        house.change(f"DELETE FROM {table} WHERE {'position' if 'tree' in table else 'size'} > 0")
    assert ledger._tree is not None
    ledger._tree._integrator._term = None
    await asyncio.to_thread(ledger._tree._thread.join, 60)

    with pytest.raises(GatewayFault, match="ledger_unavailable"):
        await ledger.append(decided())
    assert "gateway ledger acknowledge" in (await ledger.health()).detail
    await ledger.close()


async def test_a_chain_that_lost_its_end_writes_nothing_more(house: House) -> None:
    """After a reconnect the database ends before what was acknowledged: every append is refused."""
    ledger = ledger_of(house)
    await ledger.start(announce=False)
    for _ in range(3):
        await ledger.append(decided())
    house.change("DELETE FROM records WHERE sequence = 2")
    ledger._chain.close()

    for _ in range(2):
        with pytest.raises(GatewayFault, match="ledger_unavailable"):
            await ledger.append(decided())
    assert [(2,)] == house.rows("SELECT count(*) FROM records")
    await ledger.close()
