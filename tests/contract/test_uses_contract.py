"""What every count of exceptions promises: the one in memory, on SQLite and on PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from gateway.adapters.database import open_database, upgrade
from gateway.adapters.sql_exceptions import SqlExceptions
from gateway.domain.errors import ErrorCode, GatewayFault
from gateway.pipeline.ports import ExceptionUses
from gateway.testing.memory_uses import MemoryUses
from tests.domain.exceptions_build import exception


@dataclass(frozen=True)
class Bench:
    """Counts of two processes that share a store, and a way to break it."""

    one: ExceptionUses
    other: ExceptionUses
    break_it: Callable[[], None]


@pytest.fixture(params=["memory", "sqlite", "postgres"])
async def bench(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Bench]:
    """Each kind in turn, with nothing counted."""
    if request.param == "memory":
        memory = MemoryUses()
        yield Bench(memory, memory, memory.fail)
        return
    url = f"sqlite:///{tmp_path}/gateway.db" if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    engines = [open_database(url) for _ in range(2)]
    upgrade(engines[0])
    one, other = (SqlExceptions(engine, deadline_s=30) for engine in engines)
    yield Bench(one, other, lambda: _drop(engines[0]))
    for engine in engines:
        engine.dispose()


def _drop(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE exception_uses"))


async def test_each_use_counts_until_there_is_none(bench: Bench) -> None:
    """Whichever process asks; after the last, the exception is named as used up, again and again."""
    pilot = exception(max_uses=3)
    told = [await uses.reserve([pilot]) for uses in (bench.one, bench.other, bench.one, bench.other, bench.one)]

    assert [frozenset()] * 3 + [frozenset({"pilot"})] * 2 == told


async def test_a_hundred_at_once_take_no_more_than_there_are(bench: Bench) -> None:
    """Exactly `max_uses` of them, over both."""
    pilot = exception(max_uses=37)
    told = await asyncio.gather(*((bench.one, bench.other)[at % 2].reserve([pilot]) for at in range(100)))

    assert 37 == told.count(frozenset())
    assert 63 == told.count(frozenset({"pilot"}))


async def test_several_are_counted_together_or_not_at_all(bench: Bench) -> None:
    """One that is used up keeps the others unused."""
    few, many = exception("few", max_uses=1), exception("many", max_uses=2)

    assert frozenset() == await bench.one.reserve([many, few])
    assert frozenset({"few"}) == await bench.one.reserve([many, few])
    assert frozenset() == await bench.other.reserve([many])
    assert frozenset({"few", "many"}) == await bench.other.reserve([few, many])


async def test_exceptions_are_counted_each_for_itself(bench: Bench) -> None:
    """By id; a higher `max_uses` of the same id goes on from where the count stands."""
    assert frozenset() == await bench.one.reserve([exception("a", max_uses=1)])
    assert frozenset() == await bench.one.reserve([exception("b", max_uses=1)])
    assert frozenset({"a"}) == await bench.one.reserve([exception("a", max_uses=1)])
    assert frozenset() == await bench.one.reserve([exception("a", max_uses=2)])
    assert frozenset({"a"}) == await bench.one.reserve([exception("a", max_uses=2)])


async def test_a_count_that_cannot_be_read_is_a_fault(bench: Bench) -> None:
    """Never a use that nobody counted; for everybody who waits."""
    bench.break_it()
    told = await asyncio.gather(*(bench.one.reserve([exception()]) for _ in range(3)), return_exceptions=True)

    assert [ErrorCode.INTERNAL_ERROR] * 3 == [each.code for each in told if isinstance(each, GatewayFault)]
