"""One writer's chain of records in the database. Synchronous, over one connection, for one thread.

A batch is one transaction: records and their salts, each in one multi-row INSERT. When its result is unknown the
connection is dropped, and the next batch first reads where the chain really ends: a record that did get in although
nobody was told so is followed by an outcome `not_sent`, for whoever asked was refused.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, Engine, select, text

from gateway.adapters.checkpoint_signer import CheckpointSigner
from gateway.adapters.database import DatabaseUnfit, check_durability
from gateway.adapters.sql_open_intents import OpenIntents, claim, left_open, mark_dead
from gateway.adapters.sql_rows import Row, insert_rows
from gateway.adapters.sql_tree import StoredTree
from gateway.adapters.tables import commitment_keys, record_salts, records
from gateway.domain.commitment import NO_SECRETS, Secrets, day_of
from gateway.domain.evidence import Decided, Evidence, Outcome, Result, Route
from gateway.domain.record import NO_LEAF, Link, Record, encode, sent_digest
from gateway.domain.record_schema import RecordError

_MAX_CACHED_KEYS = 4096
_MAX_IN_DOUBT = 4096
_NONCE = 16
_PSEUDONYMS = ""


@dataclass(frozen=True, slots=True)
class Written:
    """A record that is durable. `digest` is the SHA-256 of the bytes that its decision would send."""

    record: Record
    digest: bytes


@dataclass(frozen=True, slots=True)
class _Tip:
    """Where a chain ends: the sequence number to come and the leaf before it."""

    sequence: int
    leaf: bytes


@dataclass(slots=True)
class _Batch:
    """What one transaction writes. `results` has one entry for each piece of evidence."""

    tip: _Tip
    results: list[Written | RecordError] = field(default_factory=list)
    salts: list[Row] = field(default_factory=list)

    @property
    def records(self) -> list[Record]:
        """The records, in the order of the chain."""
        return [each.record for each in self.results if isinstance(each, Written)]


class Chain:
    """Writes the records of one writer. Any exception of the database leaves it ready to try again."""

    def __init__(self, engine: Engine, writer: str, now: Callable[[], int]) -> None:
        self._engine = engine
        self._writer = writer
        self._now = now
        self._connection: Connection | None = None
        self._tip = _Tip(0, NO_LEAF)
        self._keys: dict[tuple[str, str], bytes] = {}
        self._in_doubt: list[Decided] = []
        self._open = OpenIntents(writer)
        self._ends: dict[str, int] = {}

    def open(self) -> None:
        """Connect, check the durability, find the end of the chain. Raises `DatabaseUnfit` or the driver's error."""
        self._ready()

    def close(self) -> None:
        """Let go of the connection."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.invalidate()
            connection.close()

    def write(self, batch: Sequence[Evidence]) -> list[Written | RecordError]:
        """Write a batch durably; one result for each. Raises whatever the database raises: then nothing counts."""
        whole: list[Evidence] = list(batch)
        try:
            connection = self._ready()
            whole = [*self._owed(connection), *batch]
            prepared = self._prepare(connection, whole)
            insert_rows(connection, records, [_row(record) for record in prepared.records])
            insert_rows(connection, record_salts, prepared.salts)
            self._open.mark(connection, self._tip.sequence)
            connection.commit()
        except BaseException:
            self._in_doubt += [each for each in whole if isinstance(each, Decided)]
            del self._in_doubt[:-_MAX_IN_DOUBT]
            self._open.doubtful(whole, self._tip.sequence)
            self.close()
            raise
        self._tip = prepared.tip
        self._open.cleared(self._in_doubt)
        self._open.written(prepared.records)
        self._in_doubt.clear()
        return prepared.results[len(whole) - len(batch) :]

    def probe(self) -> None:
        """Insert a record and take it back. Raises when that is not possible."""
        with self._reading() as connection:
            row: dict[str, str | int | bytes] = dict.fromkeys((column.name for column in records.columns), "")
            row |= {"writer": self._writer, "sequence": self._tip.sequence, "body": b"", "leaf": b"", "at": 0}
            insert_rows(connection, records, [tuple(row.values())])

    def open_intents(self) -> list[str]:
        """The decisions of dead writers that may have been sent and whose outcome nobody recorded (see `left_open`)."""
        with self._reading() as connection:
            found, self._ends = left_open(connection, self._writer)
            return found

    def settle(self) -> None:
        """What `open_intents` found last is recorded: no start has to look for it again."""
        with self._reading() as connection:
            mark_dead(connection, self._ends)
            connection.commit()

    def check_tree(self, signer: CheckpointSigner) -> None:
        """Raise `NotAContinuation` unless the tree holds what was signed last."""
        with self._reading() as connection:
            tree = StoredTree(connection)
            signer.check(tree.size, tree.root)

    @contextlib.contextmanager
    def _reading(self) -> Iterator[Connection]:
        """A connection of which nothing is kept."""
        try:
            connection = self._ready()
            yield connection
            connection.rollback()
        except BaseException:
            self.close()
            raise

    def _ready(self) -> Connection:
        if self._connection is None:
            connection = self._engine.connect()
            try:
                check_durability(connection)
                self._tip = self._goes_on(self._find_tip(connection))
                claim(connection, self._writer)
                connection.rollback()
            except BaseException:
                connection.invalidate()
                connection.close()
                raise
            self._connection = connection
        return self._connection

    def _find_tip(self, connection: Connection) -> _Tip:
        mine = select(records.c.sequence, records.c.leaf).where(records.c.writer == self._writer)
        last = connection.execute(mine.order_by(records.c.sequence.desc()).limit(1)).first()
        return _Tip(0, NO_LEAF) if last is None else _Tip(int(last[0]) + 1, bytes(last[1]))

    def _goes_on(self, found: _Tip) -> _Tip:
        """Where the chain ends in the database, unless that is before what was acknowledged."""
        if found.sequence < self._tip.sequence:
            raise DatabaseUnfit("the database has lost records that were acknowledged: was an old copy brought back?")
        return found

    def _owed(self, connection: Connection) -> list[Outcome]:
        """Outcomes for decisions whose commit had no known result and that are in the chain after all."""
        if not self._in_doubt:
            return []
        ids = [each.decision_id for each in self._in_doubt]
        mine = records.c.writer == self._writer
        written = connection.execute(select(records.c.decision_id).where(mine, records.c.decision_id.in_(ids)))
        known = set(written.scalars())
        return [not_sent(each, self._now()) for each in self._in_doubt if each.decision_id in known and may_send(each)]

    def _prepare(self, connection: Connection, batch: Sequence[Evidence]) -> _Batch:
        prepared = _Batch(self._tip)
        chance = secrets.token_bytes(_NONCE * len(batch))
        for at, evidence in enumerate(batch):
            tip = prepared.tip
            link = Link(self._writer, tip.sequence, tip.leaf, chance[at * _NONCE : (at + 1) * _NONCE])
            try:
                opening = self._secrets(connection, evidence, link)
                record = encode(evidence, link, opening)
            except RecordError as error:
                prepared.results.append(error)
                continue
            prepared.tip = _Tip(tip.sequence + 1, record.leaf)
            prepared.results.append(Written(record, sent_digest(evidence)))
            if opening is not NO_SECRETS:
                prepared.salts.append((record.writer, record.sequence, opening.salt))
        return prepared

    def _secrets(self, connection: Connection, evidence: Evidence, link: Link) -> Secrets:
        if not isinstance(evidence, Decided):
            return NO_SECRETS
        try:
            day = day_of(evidence.at)
        except (OverflowError, TypeError):
            raise RecordError("record.t") from None
        if not {(evidence.tenant, day), (evidence.tenant, _PSEUDONYMS)} <= self._keys.keys():
            encode(evidence, link, NO_SECRETS)  # a tenant's name is checked before it is written anywhere
        day_key = self._key(connection, evidence.tenant, day)
        return Secrets(day_key, self._key(connection, evidence.tenant, _PSEUDONYMS), secrets.token_bytes(16))

    def _key(self, connection: Connection, tenant: str, day: str) -> bytes:
        """A tenant's key, made when it is needed first. Of two processes that make one at once, one wins."""
        known = self._keys.get((tenant, day))
        if known is not None:
            return known
        fresh = {"tenant": tenant, "day": day, "key": secrets.token_bytes(32)}
        connection.execute(
            text("INSERT INTO commitment_keys (tenant, day, key) VALUES (:tenant, :day, :key) ON CONFLICT DO NOTHING"),
            fresh,
        )
        connection.commit()
        mine = select(commitment_keys.c.key).where(commitment_keys.c.tenant == tenant, commitment_keys.c.day == day)
        key = bytes(connection.execute(mine).scalar_one())
        connection.rollback()
        if len(self._keys) >= _MAX_CACHED_KEYS:
            self._keys.clear()
        self._keys[tenant, day] = key
        return key


def may_send(evidence: Evidence) -> bool:
    """Whether something is done because of this record, so that an outcome is owed."""
    return isinstance(evidence, Decided) and evidence.route is not Route.BLOCKED


def not_sent(evidence: Decided, now: int) -> Outcome:
    """The outcome of a decision whose record nobody waited for: nothing was sent."""
    return Outcome(
        decision_id=evidence.decision_id,
        at=now,
        tenant=evidence.tenant,
        result=Result.NOT_SENT,
        status=0,
        answer_bytes=0,
        restored=0,
        duration=max(0, now - evidence.at),
        prompt_tokens=0,
        completion_tokens=0,
    )


def _row(record: Record) -> Row:
    found = record.search
    return (
        record.writer,
        record.sequence,
        record.body,
        record.leaf,
        found.kind,
        found.decision_id,
        found.at,
        found.tenant,
        found.app,
        found.label,
        found.route,
        found.destination,
        found.reason,
    )
