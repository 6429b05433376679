"""Brings the records of all writers into one tree, and has each new size signed.

    elect      of all processes that share the database, one integrates: a lock that its death lets go of
    find       each writer's next contiguous records; never by time or serial id: commits become visible out of order
    commit     their leaves, and the tiles that they complete, in one transaction
    sign       only then: size and root, remembered by the signer before anybody sees them

A leader that was stopped and does not know yet that there is another one commits nothing: the positions that it wants
are taken. So there is one tree, and one root for each size, whoever signs. No request ever waits for any of this.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, delete, select, text
from sqlalchemy.exc import IntegrityError

from gateway.adapters.checkpoint_signer import CheckpointSigner
from gateway.adapters.database import sqlite_file
from gateway.adapters.sql_rows import Row, insert_rows, last_of_each
from gateway.adapters.sql_search_index import index_next
from gateway.adapters.sql_tree import StoredTree
from gateway.adapters.tables import checkpoints, records, tree_entries, tree_nodes
from gateway.adapters.writer_lock import WriterLock
from gateway.domain.merkle import TILE_HEIGHT, Frontier, frontier_of

MOST_AT_ONCE = 4096
_ELECTION = 0x6761746577617932
_HOUR = 3_600_000_000


@dataclass(frozen=True, slots=True)
class Signed:
    """What a step came to: the size that is signed now, since when, and whether that is all there was."""

    size: int
    at: int
    all: bool


@dataclass(frozen=True, slots=True)
class _Pending:
    """A record that is not in the tree yet. `order` is its time, made to rise along its writer's chain."""

    order: int
    writer: str
    sequence: int
    leaf: bytes


@dataclass(slots=True)
class _Term:
    """What one leader knows of the tree: its edge, and the next sequence number of each writer."""

    frontier: Frontier
    following: dict[str, int]
    signed: int


class Integrator:
    """One process's candidate. Synchronous, for one thread. `writing` is held while a transaction writes."""

    def __init__(
        self,
        engine: Engine,
        signer: CheckpointSigner,
        now: Callable[[], int],
        writing: contextlib.AbstractContextManager[object],
    ) -> None:
        self._engine = engine
        self._signer = signer
        self._now = now
        self._writing = writing
        self._connection: Connection | None = None
        self._lock: WriterLock | None = None
        self._term: _Term | None = None

    @property
    def leads(self) -> bool:
        """Whether this one was elected. Any thread may ask."""
        return self._term is not None

    def step(self) -> Signed | None:
        """Integrate and sign what there is, at most `MOST_AT_ONCE` records; `None` when there is nothing to do, or it
        is another one's to do. Raises what the database raises, `NotAContinuation` and `MemoryUnreadable`."""
        try:
            connection = self._elected()
            return None if connection is None else self._integrate(connection)
        except BaseException:
            self.close()
            raise

    def index(self) -> bool:
        """Index for search what is in the tree, some at a time; whether there is more. Raises as `step` does."""
        term, connection = self._term, self._connection
        if term is None or connection is None:
            return False
        try:
            return index_next(connection, term.frontier.size, self._writing)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Give up the lead and the connection."""
        self._term = None
        if self._lock is not None:
            self._lock.release()
            self._lock = None
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.invalidate()
            connection.close()

    def _elected(self) -> Connection | None:
        """The connection of the leader. On PostgreSQL the lock is the connection's own, and ends with it."""
        if self._term is not None:
            return self._connection
        if self._connection is None:
            self._connection = self._engine.connect()
        if not self._take_lead(self._connection):
            self._connection.rollback()
            return None
        self._term = _begin(self._connection, self._signer)
        self._connection.rollback()
        return self._connection

    def _take_lead(self, connection: Connection) -> bool:
        file = sqlite_file(self._engine)
        if file is None:
            return bool(connection.execute(text("SELECT pg_try_advisory_lock(:key)"), {"key": _ELECTION}).scalar_one())
        if self._lock is None:
            self._lock = WriterLock(file.with_name(f"{file.name}.integrator"))
        return self._lock.take_alone()

    def _integrate(self, connection: Connection) -> Signed | None:
        term = self._term
        assert term is not None
        pending = _pending(connection, term.following)
        connection.rollback()
        if pending and not self._commit(connection, term, pending):
            return None
        if term.frontier.size == term.signed:
            return None
        return self._sign(connection, term, everything=len(pending) < MOST_AT_ONCE)

    def _commit(self, connection: Connection, term: _Term, pending: list[_Pending]) -> bool:
        """Whether the records are in the tree now. Not when another leader was there first: then begin anew."""
        frontier = term.frontier.copy()
        entries: list[Row] = []
        nodes: list[Row] = []
        for each in pending:
            entries.append((frontier.size, each.writer, each.sequence, each.leaf))
            full = (node for node in frontier.append(each.leaf) if node.level and node.level % TILE_HEIGHT == 0)
            nodes += [(node.level // TILE_HEIGHT, node.index, node.hash) for node in full]
        try:
            with self._writing:
                insert_rows(connection, tree_entries, entries)
                insert_rows(connection, tree_nodes, nodes)
                connection.commit()
        except IntegrityError:
            self.close()
            return False
        term.frontier = frontier
        term.following.update({each.writer: each.sequence + 1 for each in pending})
        return True

    def _sign(self, connection: Connection, term: _Term, *, everything: bool) -> Signed | None:
        size, at = term.frontier.size, self._now()
        note = self._signer.sign(size, term.frontier.root())
        if not note:
            self.close()
            return None
        term.signed = size
        known = select(checkpoints.c.size).where(checkpoints.c.size == size)
        with self._writing:
            if connection.execute(known).first() is None:
                insert_rows(connection, checkpoints, [(size, note, at)])
            this_hour = checkpoints.c.at >= at - at % _HOUR
            connection.execute(delete(checkpoints).where(checkpoints.c.size < size, this_hour))
            connection.commit()
        return Signed(size, at, everything)


def _begin(connection: Connection, signer: CheckpointSigner) -> _Term:
    tree = StoredTree(connection)
    signer.check(tree.size, tree.root)
    frontier = frontier_of(tree.size(), tree.node)
    newest = select(checkpoints.c.size).order_by(checkpoints.c.size.desc()).limit(1)
    signed = connection.execute(newest).scalar_one_or_none() or 0
    return _Term(frontier, {writer: last + 1 for writer, last in last_of_each(connection, tree_entries.name)}, signed)


def _pending(connection: Connection, following: dict[str, int]) -> list[_Pending]:
    found: list[_Pending] = []
    for writer, last in last_of_each(connection, records.name):
        first = following.get(writer, 0)
        if last >= first and len(found) < MOST_AT_ONCE:
            found += _contiguous(connection, writer, first, MOST_AT_ONCE - len(found))
    return sorted(found, key=lambda each: (each.order, each.writer, each.sequence))


def _contiguous(connection: Connection, writer: str, first: int, most: int) -> list[_Pending]:
    """A writer's next records, up to the first that is missing."""
    columns = (records.c.sequence, records.c.leaf, records.c.at)
    mine = select(*columns).where(records.c.writer == writer, records.c.sequence >= first)
    found: list[_Pending] = []
    order = 0
    for sequence, leaf, at in connection.execute(mine.order_by(records.c.sequence).limit(most)):
        if sequence != first + len(found):
            break
        order = max(order, at)
        found.append(_Pending(order, writer, sequence, bytes(leaf)))
    return found
