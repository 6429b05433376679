"""Uses of exceptions, counted in the database: one row an exception, raised only while it stays within `max_uses`.

The row is locked before it is read, and written on the condition that it still holds what was read, so processes and
machines that share the database share the count. What waits at the same moment in one process goes into one
transaction: a commit, and its wait for the disk, for all of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, Engine, select, update
from sqlalchemy.dialects import postgresql, sqlite

from gateway.adapters.tables import exception_uses
from gateway.domain.errors import ErrorCode, GatewayFault
from gateway.domain.exceptions import PolicyException

DEADLINE_S = 2.0
"""How long a request waits for its uses. Past it, it is decided without them; they may yet be counted."""


@dataclass(frozen=True, slots=True)
class _Asked:
    wanted: tuple[PolicyException, ...]
    told: asyncio.Future[frozenset[str]] = field(repr=False)


class SqlExceptions:
    """Implements `ports.ExceptionUses`. For one event loop."""

    def __init__(self, engine: Engine, *, deadline_s: float = DEADLINE_S) -> None:
        self._engine = engine
        self._deadline = deadline_s
        self._waiting: list[_Asked] = []
        self._counting: asyncio.Task[None] | None = None

    async def reserve(self, exceptions: Sequence[PolicyException]) -> frozenset[str]:
        """Count one use of each, or of none. Raises `GatewayFault(INTERNAL_ERROR)` when that is not known in time."""
        loop = asyncio.get_running_loop()
        asked = _Asked(tuple(sorted(exceptions, key=lambda each: each.id)), loop.create_future())
        self._waiting.append(asked)
        if self._counting is None:
            self._counting = loop.create_task(self._count_all())
        try:
            async with asyncio.timeout(self._deadline):
                return await asked.told
        except TimeoutError:
            raise GatewayFault(ErrorCode.INTERNAL_ERROR) from None

    async def used(self, exceptions: Sequence[PolicyException]) -> dict[str, int]:
        """How often each was used, by id; 0 for one that never was. Raises `GatewayFault(INTERNAL_ERROR)`."""
        try:
            counted = await asyncio.to_thread(self._read, [each.id for each in exceptions])
        except Exception:  # noqa: BLE001 - the exception map: a count that cannot be read is not told
            raise GatewayFault(ErrorCode.INTERNAL_ERROR) from None
        return {each.id: counted.get(each.id, 0) for each in exceptions}

    async def _count_all(self) -> None:
        """Count for all who wait, then for those who came meanwhile."""
        try:
            while self._waiting:
                batch = [asked for asked in self._waiting if not asked.told.done()]
                self._waiting = []
                await self._count(batch)
        finally:
            self._counting = None

    async def _count(self, batch: list[_Asked]) -> None:
        try:
            counted = await asyncio.to_thread(self._write, [asked.wanted for asked in batch])
        except Exception:  # noqa: BLE001 - the exception map: whatever the database does, nobody uses an exception
            counted = []
        for at, asked in enumerate(batch):
            if asked.told.done():
                continue
            if at < len(counted):
                asked.told.set_result(counted[at])
            else:
                asked.told.set_exception(GatewayFault(ErrorCode.INTERNAL_ERROR))

    def _write(self, batch: list[tuple[PolicyException, ...]]) -> list[frozenset[str]]:
        """What is used up for each of the batch. Rows are locked in the order of ids, so no two processes block."""
        names = sorted({each.id for wanted in batch for each in wanted})
        with self._engine.begin() as connection:
            before = {name: _locked(connection, name) for name in names}
            after = dict(before)
            used_up = [_take(after, wanted) for wanted in batch]
            for name in names:
                _raise(connection, name, before[name], after[name])
        return used_up

    def _read(self, names: list[str]) -> dict[str, int]:
        columns = (exception_uses.c.id, exception_uses.c.used)
        with self._engine.connect() as connection:
            rows = connection.execute(select(*columns).where(exception_uses.c.id.in_(names)))
            return {row.id: row.used for row in rows}


def _take(used: dict[str, int], wanted: tuple[PolicyException, ...]) -> frozenset[str]:
    """One use of each, or of none: then those that are used up."""
    used_up = frozenset(each.id for each in wanted if used[each.id] >= each.max_uses)
    if not used_up:
        for each in wanted:
            used[each.id] += 1
    return used_up


def _locked(connection: Connection, name: str) -> int:
    """The count of one exception, held until the transaction ends; the row is made where there is none."""
    into = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    connection.execute(into(exception_uses).values(id=name, used=0).on_conflict_do_nothing())
    here = exception_uses.c.id == name
    connection.execute(update(exception_uses).where(here).values(used=exception_uses.c.used))
    return int(connection.execute(select(exception_uses.c.used).where(here)).scalar_one())


def _raise(connection: Connection, name: str, before: int, after: int) -> None:
    """Write a count, if it still is what was read."""
    unchanged = (exception_uses.c.id == name) & (exception_uses.c.used == before)
    if connection.execute(update(exception_uses).where(unchanged).values(used=after)).rowcount != 1:
        raise RuntimeError("a count changed while its row was locked")
