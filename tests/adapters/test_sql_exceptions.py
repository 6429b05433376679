"""Uses of exceptions in the database: over processes, in time, and after a failure."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, event, text

from gateway.adapters.database import open_database, upgrade
from gateway.adapters.sql_exceptions import SqlExceptions
from gateway.domain.errors import ErrorCode, GatewayFault
from tests.conftest import REPOSITORY
from tests.domain.exceptions_build import exception

_WORKER = """
import asyncio, sys
from gateway.adapters.database import open_database
from gateway.adapters.sql_exceptions import SqlExceptions
from tests.domain.exceptions_build import exception

async def main():
    uses = SqlExceptions(open_database(sys.argv[1]), deadline_s=60)
    told = await asyncio.gather(*(uses.reserve([exception(max_uses=60)]) for _ in range(25)))
    print(told.count(frozenset()), told.count(frozenset({"pilot"})))

asyncio.run(main())
"""


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of each kind, up to date."""
    chosen = (
        f"sqlite:///{tmp_path}/gateway.db" if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    )
    engine = open_database(chosen)
    upgrade(engine)
    engine.dispose()
    return str(chosen)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """A SQLite database."""
    made = open_database(f"sqlite:///{tmp_path}/gateway.db")
    upgrade(made)
    yield made
    made.dispose()


def test_processes_together_take_no_more_than_there_are(url: str) -> None:
    """A hundred requests on four processes: exactly sixty get a use."""
    workers = [
        subprocess.Popen([sys.executable, "-c", _WORKER, url], stdout=subprocess.PIPE, text=True, cwd=REPOSITORY)
        for _ in range(4)
    ]
    told = [[int(word) for word in worker.communicate(timeout=100)[0].split()] for worker in workers]

    assert (60, 40) == (sum(each[0] for each in told), sum(each[1] for each in told))


async def test_requests_at_once_share_a_transaction(engine: Engine) -> None:
    """A commit waits for the disk: one for many, not one each."""
    uses, commits = SqlExceptions(engine), list[object]()
    event.listen(engine, "commit", commits.append)
    await asyncio.gather(*(uses.reserve([exception(max_uses=200)]) for _ in range(100)))

    assert len(commits) <= 3
    assert {"pilot": 100} == await uses.used([exception()])
    assert {"other": 0} == await uses.used([exception("other")])


async def test_a_slow_database_is_not_waited_for(engine: Engine) -> None:
    """Past the deadline the request goes on without its exception; the next is answered when the database is back."""
    uses = SqlExceptions(engine, deadline_s=0.05)
    with engine.connect() as connection:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        with pytest.raises(GatewayFault) as fault:
            await uses.reserve([exception()])
        connection.exec_driver_sql("ROLLBACK")

    assert ErrorCode.INTERNAL_ERROR is fault.value.code
    assert frozenset() == await SqlExceptions(engine).reserve([exception()])


async def test_a_failure_is_not_for_good(engine: Engine) -> None:
    """After the table is back, uses are counted again."""
    uses = SqlExceptions(engine)
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE exception_uses RENAME TO away"))
    for ask in (uses.reserve, uses.used):
        with pytest.raises(GatewayFault):
            await ask([exception()])
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE away RENAME TO exception_uses"))

    assert frozenset() == await uses.reserve([exception()])


async def test_a_caller_that_leaves_takes_nobody_with_it(engine: Engine) -> None:
    """A cancelled request leaves the others their count."""
    uses = SqlExceptions(engine)
    first, second = (asyncio.create_task(uses.reserve([exception()])) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()

    assert frozenset() == await second
    assert first.cancelled()
