"""Records as commands and pages read them: one decision with all that is known of it, and a period in its order."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from jiter import from_json
from sqlalchemy import ColumnElement, Connection, Row, Select, and_, select

from gateway.adapters.tables import commitment_keys, record_salts, records, tree_entries
from gateway.domain.commitment import commitment, day_of
from gateway.domain.strict_json import Json

_AT_ONCE = 1000
NOT_IN_TREE = -1


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """A record. `body` is its exact bytes; `position` is its place in the tree, `NOT_IN_TREE` before it has one."""

    writer: str
    sequence: int
    position: int
    body: bytes

    @property
    def document(self) -> dict[str, Json]:
        """What it says."""
        return document_of(self.body)


@dataclass(frozen=True, slots=True)
class Opening:
    """What opens a record's commitments; empty where it was erased or has run out."""

    key: bytes = field(repr=False)
    salt: bytes = field(repr=False)

    def opens(self, said: str, data: bytes) -> bool:
        """Whether `said` commits to `data`."""
        return bool(self.key and self.salt) and commitment(self.key, self.salt, data) == said


def document_of(body: bytes) -> dict[str, Json]:
    """What a record says; nothing where its bytes are no JSON object, or parsers would disagree on it.

    Millions are read one after the other, so the quick parser reads them."""
    try:
        read: Json = from_json(body, catch_duplicate_keys=True, allow_inf_nan=False)
    except ValueError:
        return {}
    return read if isinstance(read, dict) else {}


def of_decision(connection: Connection, decision_id: str) -> list[StoredRecord]:
    """The records of one decision, in the order of their times; none for an unknown id."""
    return of_decisions(connection, [decision_id])


def of_decisions(connection: Connection, decision_ids: Collection[str]) -> list[StoredRecord]:
    """The records of a few decisions together, in the order of their times."""
    query = _stored().where(records.c.decision_id.in_(decision_ids)).order_by(records.c.at, records.c.sequence)
    return [_record(row) for row in connection.execute(query)]


def of_period(connection: Connection, since: int, until: int) -> Iterator[StoredRecord]:
    """The records from `since` until before `until` (microseconds), by time and then by writer and sequence."""
    key = (records.c.at, records.c.writer, records.c.sequence)
    last: tuple[int, str, int] = (since, "", -1)
    while True:
        page = _stored().where(_after(last), records.c.at < until).order_by(*key).limit(_AT_ONCE)
        rows = connection.execute(page).all()
        for row in rows:
            yield _record(row)
        if len(rows) < _AT_ONCE:
            return
        last = (int(rows[-1].at), str(rows[-1].writer), int(rows[-1].sequence))


def with_outcome(connection: Connection, decision_ids: Collection[str]) -> set[str]:
    """Those of some decisions that have an outcome, whenever it was."""
    ids, found = sorted(decision_ids), set[str]()
    for at in range(0, len(ids), _AT_ONCE):
        here = and_(records.c.decision_id.in_(ids[at : at + _AT_ONCE]), records.c.kind == "outcome")
        found.update(map(str, connection.execute(select(records.c.decision_id).where(here)).scalars()))
    return found


def opening_of(connection: Connection, record: StoredRecord) -> Opening:
    """Key and salt of a record's commitments, as far as they are still there."""
    document = record.document
    at, tenant = document.get("t"), document.get("tenant")
    mine = and_(record_salts.c.writer == record.writer, record_salts.c.sequence == record.sequence)
    salt = connection.execute(select(record_salts.c.salt).where(mine)).scalar_one_or_none()
    day = day_of(at) if isinstance(at, int) else ""
    theirs = and_(commitment_keys.c.tenant == tenant, commitment_keys.c.day == day)
    key = connection.execute(select(commitment_keys.c.key).where(theirs)).scalar_one_or_none()
    return Opening(bytes(key or b""), bytes(salt or b""))


def _stored() -> Select[str, int, int, bytes, int]:
    same = and_(records.c.writer == tree_entries.c.writer, records.c.sequence == tree_entries.c.sequence)
    joined = records.outerjoin(tree_entries, same)
    columns = (records.c.writer, records.c.sequence, tree_entries.c.position, records.c.body, records.c.at)
    return select(*columns).select_from(joined)


def _after(last: tuple[int, str, int]) -> ColumnElement[bool]:
    at, writer, sequence = last
    later = (records.c.writer > writer) | and_(records.c.writer == writer, records.c.sequence > sequence)
    return and_(records.c.at >= at, (records.c.at > at) | later)


def _record(row: Row[str, int, int, bytes, int]) -> StoredRecord:
    position = NOT_IN_TREE if row.position is None else row.position
    return StoredRecord(row.writer, row.sequence, position, bytes(row.body))
