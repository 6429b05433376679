"""The ledger in the database as the verifier reads it: everything, once, as of one moment. Nothing is written."""

from __future__ import annotations

import contextlib
import functools
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, Engine, Row, Select, Table, and_, func, select, text
from sqlalchemy.exc import SQLAlchemyError

from gateway.adapters.database import DatabaseUnfit, open_database
from gateway.adapters.sql_cosigned import cosigned_notes
from gateway.adapters.sql_tree import newest_note
from gateway.adapters.tables import checkpoints, commitment_keys, record_salts, records, tree_entries, tree_nodes
from gateway.domain.checkpoint import read_note
from gateway.verifier.findings import Report
from gateway.verifier.learned import COLUMNS, Entry

_AT_ONCE = 2000
_A_SLICE = 12_500
_NEWEST = 50
_BETWEEN_LOOKS_S = 0.05
_SIGNING_S = 2.0
_T = TypeVar("_T")
_SEARCHED = tuple(records.c[name] for name in COLUMNS)


@dataclass(frozen=True, slots=True)
class SqlSlice:
    """Entries of the tree from `first` until before `end`, for another process to read: as of when it does. Whatever
    was written in the tree before stays as it is, but for what retention and erasure take away."""

    url: str = field(repr=False)
    first: int
    end: int

    def entries(self) -> Iterator[Entry]:
        """Its records."""
        with auditing(_opened(self.url)) as audit:
            yield from audit.entries(self.first, self.end)


class SqlAudit:
    """Implements the verifier's `Source`. Use `auditing`, which sees to the one moment."""

    whole = True
    unfinished = False
    stores_nodes = True

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def count(self) -> int:
        """About how many records there are to read."""
        last = self.connection.execute(select(func.max(tree_entries.c.position))).scalar_one()
        return 0 if last is None else int(last) + 1

    def notes(self) -> Iterator[str]:
        """All checkpoints, the oldest first; then those that witnesses cosigned."""
        yield from self._rows_of(select(checkpoints.c.note).order_by(checkpoints.c.size))
        yield from cosigned_notes(self.connection)

    def slices(self) -> Sequence[SqlSlice]:
        """All entries, for several processes; in one slice where starting them takes longer than reading."""
        url, end = self.connection.engine.url.render_as_string(hide_password=False), self.count()
        size = _A_SLICE if end >= 4 * _A_SLICE else max(end, 1)
        return [SqlSlice(url, first, min(first + size, end)) for first in range(0, end, size)]

    def entries(self, first: int = 0, end: int = 2**62) -> Iterator[Entry]:
        """The records of the tree, in its order, from `first` until before `end`."""
        record = and_(records.c.writer == tree_entries.c.writer, records.c.sequence == tree_entries.c.sequence)
        joined = tree_entries.outerjoin(records, record).outerjoin(record_salts, _salt_of(tree_entries))
        wanted = select(*tree_entries.c, records.c.body, record_salts.c.writer.isnot(None), *_SEARCHED)
        wanted = wanted.select_from(joined).where(tree_entries.c.position < end)
        page = wanted.order_by(tree_entries.c.position).limit(_AT_ONCE)
        rows = self._page(page.where(tree_entries.c.position >= first))
        while rows:
            for row in rows:
                position, writer, sequence, leaf, body, salted = row[:6]
                yield Entry(position, writer, sequence, leaf, body, None if body is None else row[6:], bool(salted))
            rows = self._page(page.where(tree_entries.c.position > rows[-1][0]))

    def pending(self) -> Iterator[Entry]:
        """Records that the tree does not hold."""
        held = and_(records.c.writer == tree_entries.c.writer, records.c.sequence == tree_entries.c.sequence)
        joined = records.outerjoin(tree_entries, held).outerjoin(record_salts, _salt_of(records))
        columns = (records.c.writer, records.c.sequence, records.c.leaf, records.c.body)
        found = select(*columns, record_salts.c.writer.isnot(None), *_SEARCHED).select_from(joined)
        missing = found.where(tree_entries.c.position.is_(None)).order_by(records.c.writer, records.c.sequence)
        for row in self._rows(missing):
            writer, sequence, leaf, body, salted = row[:5]
            yield Entry(-1, writer, sequence, leaf, body, row[5:], bool(salted))

    def nodes(self) -> Iterator[tuple[int, int, bytes]]:
        """Stored roots of full tiles."""
        for level, number, value in self._rows(select(*tree_nodes.c).order_by(*tree_nodes.primary_key)):
            yield int(level), int(number), bytes(value)

    def knows(self, decision_id: str) -> bool:
        """Whether there is a decision of this id."""
        same = and_(records.c.decision_id == decision_id, records.c.kind.in_(("intent", "local", "block")))
        return self.connection.execute(select(records.c.writer).where(same).limit(1)).first() is not None

    def lacking(self, keys: Collection[tuple[str, str]]) -> Collection[tuple[str, str]]:
        """Which keys of commitments are not there. Their tenants and days are read, never the keys."""
        there = self.connection.execute(select(commitment_keys.c.tenant, commitment_keys.c.day))
        return set(keys) - {(str(tenant), str(day)) for tenant, day in there}

    def _page(self, query: Select) -> Sequence[Any]:  # type: ignore[type-arg]  # rows of several shapes
        """Rows as the driver gives them: making more of each would take longer than reading it."""
        rows: Sequence[Any] = self.connection.execute(query).cursor.fetchall()
        return rows

    def _rows(self, query: Select) -> Iterator[Row]:  # type: ignore[type-arg]  # as above
        yield from self.connection.execute(query.execution_options(yield_per=_AT_ONCE))

    def _rows_of(self, query: Select[str]) -> Iterator[str]:
        for row in self._rows(query):
            yield str(row[0])


@contextlib.contextmanager
def auditing(engine: Engine) -> Iterator[SqlAudit]:
    """A look at the ledger as of one moment, whatever is written meanwhile."""
    with engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
        else:
            connection.exec_driver_sql("BEGIN")
        yield SqlAudit(connection)
        connection.rollback()


def looked_up(engine: Engine, work: Callable[[SqlAudit], _T]) -> _T:
    """What `work` finds in the ledger as of one moment. Raises `DatabaseUnfit` where it cannot be read."""
    try:
        with auditing(engine) as audit:
            return work(audit)
    except SQLAlchemyError as error:
        raise DatabaseUnfit(f"the ledger cannot be read from the database ({type(error).__name__})") from None


def until_signed(engine: Engine, seconds: float) -> bool:
    """Wait until what was written last is under a signed checkpoint, as it is within a second where a gateway runs.
    Whether it is."""
    end = time.monotonic() + seconds
    while not (signed := looked_up(engine, _is_signed)) and time.monotonic() < end:
        time.sleep(_BETWEEN_LOOKS_S)
    return signed


def but_unsigned(engine: Engine, report: Report, records_read: int) -> Report:
    """The report without `unsigned`, where nothing else was found and a checkpoint covers by now all that was read: of
    a living ledger, the newest records of any moment are not signed yet. Raises `DatabaseUnfit`."""
    if set(report.found) != {"unsigned"}:
        return report
    end = time.monotonic() + _SIGNING_S
    while not (signed := looked_up(engine, _signed_size) >= records_read) and time.monotonic() < end:
        time.sleep(_BETWEEN_LOOKS_S)
    if signed:
        report.found.clear()
        report.findings.clear()
    return report


def _signed_size(audit: SqlAudit) -> int:
    note = newest_note(audit.connection)
    return read_note(note).size if note else 0


def _is_signed(audit: SqlAudit) -> bool:
    size = _signed_size(audit)
    newest = select(records.c.writer, records.c.sequence).order_by(records.c.at.desc()).limit(_NEWEST).subquery()
    same = and_(newest.c.writer == tree_entries.c.writer, newest.c.sequence == tree_entries.c.sequence)
    places = select(tree_entries.c.position).select_from(newest.outerjoin(tree_entries, same))
    return all(place is not None and place < size for place in audit.connection.execute(places).scalars())


@functools.cache
def _opened(url: str) -> Engine:
    """The database, opened once in a process that reads slices."""
    return open_database(url)


def _salt_of(table: Table) -> ColumnElement[bool]:
    return and_(record_salts.c.writer == table.c.writer, record_salts.c.sequence == table.c.sequence)
