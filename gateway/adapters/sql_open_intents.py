"""Intents without an outcome: what a living writer still owes, and what dead ones left open.

A writer marks now and then up to where nothing of it is open. Whoever starts after its death looks from there on only,
so that a start costs the same however long the ledger is. The mark is derived: without one, all is looked at.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, and_, exists, select, text

from gateway.adapters.sql_rows import last_of_each
from gateway.adapters.tables import records, writer_marks
from gateway.domain.evidence import Decided, Evidence
from gateway.domain.record import Record

MARK_EVERY = 1024
"""How many records more must be settled before it is marked."""

_WRITERS = 0x67617465
_ENDINGS = ("outcome", "recovered")
_MARK = text(
    "INSERT INTO writer_marks (writer, settled) VALUES (:writer, :settled)"
    " ON CONFLICT (writer) DO UPDATE SET settled = excluded.settled"
)


class OpenIntents:
    """What one living writer has sent, or may have, without an outcome: decision ids by the number of their record, or
    of one before it, in rising order."""

    def __init__(self, writer: str) -> None:
        self._writer = writer
        self._open: dict[str, int] = {}
        self._marked = 0

    def written(self, fresh: Iterable[Record]) -> None:
        """These are durable now."""
        for record in fresh:
            if record.search.kind == "intent":
                self._open[record.search.decision_id] = record.sequence
            elif record.search.kind in _ENDINGS:
                self._open.pop(record.search.decision_id, None)

    def doubtful(self, batch: Iterable[Evidence], tip: int) -> None:
        """Nobody knows whether these are durable. If so they stand at `tip` or after it."""
        for each in batch:
            if isinstance(each, Decided):
                self._open.setdefault(each.decision_id, tip)

    def cleared(self, batch: Iterable[Decided]) -> None:
        """The doubt about these is over: those that are durable have an outcome."""
        for each in batch:
            self._open.pop(each.decision_id, None)

    def mark(self, connection: Connection, tip: int) -> None:
        """Write down, in the transaction of the connection, up to where all is settled, if that is worth it. `tip` is
        the number of the next record."""
        settled = next(iter(self._open.values()), tip)
        if settled >= self._marked + MARK_EVERY:
            connection.execute(_MARK, {"writer": self._writer, "settled": settled})
            self._marked = settled


def left_open(connection: Connection, own: str) -> tuple[list[str], dict[str, int]]:
    """The decisions of dead writers that may have been sent and have no outcome; and, to be marked once they are told
    of, where the records of each of these writers end.

    On SQLite all other writers must be dead (see `WriterLock`). On PostgreSQL a living one holds a lock of its own.
    """
    marks = {writer: int(settled) for writer, settled in connection.execute(select(*writer_marks.c))}
    found: list[str] = []
    ends: dict[str, int] = {}
    for writer, last in last_of_each(connection, records.name):
        settled = marks.get(writer, 0)
        if settled <= last and writer != own and _is_dead(connection, writer):
            found += _open_from(connection, writer, settled)
            ends[writer] = last + 1
    return sorted(found), ends


def mark_dead(connection: Connection, ends: dict[str, int]) -> None:
    """Nothing of these writers has to be looked at again."""
    for writer, end in ends.items():
        connection.execute(_MARK, {"writer": writer, "settled": end})


def claim(connection: Connection, writer: str) -> None:
    """Show on PostgreSQL that this writer lives, for as long as the connection does."""
    if connection.dialect.name == "postgresql":
        lock = {"space": _WRITERS, "writer": _number_of(writer)}
        connection.execute(text("SELECT pg_try_advisory_lock(:space, :writer)"), lock)


def _open_from(connection: Connection, writer: str, settled: int) -> list[str]:
    ending = records.alias()
    ended = exists().where(and_(ending.c.decision_id == records.c.decision_id, ending.c.kind.in_(_ENDINGS)))
    further = and_(records.c.writer == writer, records.c.sequence >= settled, records.c.kind == "intent")
    return list(connection.execute(select(records.c.decision_id).where(further, ~ended)).scalars())


def _is_dead(connection: Connection, writer: str) -> bool:
    if connection.dialect.name == "sqlite":
        return True
    lock = {"space": _WRITERS, "writer": _number_of(writer)}
    free = connection.execute(text("SELECT pg_try_advisory_lock(:space, :writer)"), lock).scalar_one()
    if free:
        connection.execute(text("SELECT pg_advisory_unlock(:space, :writer)"), lock)
    return bool(free)


def _number_of(writer: str) -> int:
    """A writer's lock: its eight hex digits as a signed number of 32 bits."""
    return int.from_bytes(bytes.fromhex(writer.removeprefix("gw-")), "big", signed=True)
