"""How the search index comes about: the integrator adds what is in the tree, retention takes out what it dropped.

Only the bitmaps of the newest block change, but for an outcome of an older decision. Whoever changes the index does so
under the lock of the one row of `search_progress`, in one transaction: it is as of one moment whatever breaks off.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import groupby

from sqlalchemy import Connection, and_, delete, select, update

from gateway.adapters.sql_records import document_of
from gateway.adapters.sql_rows import Row, insert_rows
from gateway.adapters.sql_search import numbers_of
from gateway.adapters.tables import (
    records,
    search_bitmaps,
    search_blocks,
    search_progress,
    search_terms,
    search_times,
    tree_entries,
)
from gateway.domain.bitmaps import A_TIME, BLOCK, decode, encode, of, packed
from gateway.domain.ledger_search import OPEN, outcome_of, terms_of

AT_ONCE = 1024
PART = 64
"""So many times lie in a row of `search_times`."""

_DECISIONS = ("intent", "local", "block")
Bitmaps = dict[tuple[int, int], int]
"""By term and block."""


@dataclass(frozen=True, slots=True)
class _Batch:
    """What some records add to the index: bitmaps by term and block; those of decisions of earlier batches that are
    open no more, by block; times by position, of the records that there are."""

    begin: int
    end: int
    added: Mapping[tuple[str, int], int]
    closed: Mapping[int, int]
    times: Mapping[int, int]


def index_next(connection: Connection, size: int, writing: AbstractContextManager[object]) -> bool:
    """Index the next `AT_ONCE` records of a tree of this size. Whether there is more to index.

    Records are read and understood before `writing` is held: whoever else waits for it waits for the rows alone. Where
    somebody else changed the index meanwhile, nothing of it counts, and the same records are there to be indexed."""
    begin, forgotten = connection.execute(select(search_progress.c.position, search_progress.c.forgotten)).one()
    batch = _read(connection, begin, min(begin + AT_ONCE, size)) if begin < size else None
    connection.rollback()
    if batch is None:
        return False
    as_it_was = and_(search_progress.c.position == begin, search_progress.c.forgotten == forgotten)
    with writing:
        if connection.execute(update(search_progress).where(as_it_was).values(position=batch.end)).rowcount:
            _write(connection, batch)
        connection.commit()
    return batch.end < size


def forget(connection: Connection, positions: Iterable[int]) -> None:
    """Take dropped records out of the index, uncommitted: in the transaction that drops them."""
    connection.execute(update(search_progress).values(forgotten=search_progress.c.forgotten + 1))
    gone = dict(_blocks(positions))
    terms = connection.execute(select(search_terms.c.id)).scalars().all()
    known = _bitmaps(connection, terms, gone)
    kept = {(term, block): bits & ~gone[block] for (term, block), bits in known.items()}
    _store(connection, kept)
    empty = gone.keys() - {block for (_, block), bits in kept.items() if bits}
    for table in (search_blocks, search_times):
        connection.execute(delete(table).where(table.c.block.in_(sorted(empty))))


def rebuild(connection: Connection) -> None:
    """Empty the index, uncommitted; the integrator fills it again."""
    for table in (search_bitmaps, search_blocks, search_times):
        connection.execute(delete(table))
    connection.execute(update(search_progress).values(position=0, forgotten=search_progress.c.forgotten + 1))


def _read(connection: Connection, begin: int, end: int) -> _Batch:
    """Which terms records have, and which decisions of earlier batches are open no more."""
    same = and_(records.c.writer == tree_entries.c.writer, records.c.sequence == tree_entries.c.sequence)
    columns = select(tree_entries.c.position, records.c.at, records.c.body).select_from(
        tree_entries.join(records, same)
    )
    rows = connection.execute(columns.where(tree_entries.c.position.between(begin, end - 1))).all()
    wanted = defaultdict[str, set[int]](set)
    here: dict[str, int] = {}
    outcomes: list[tuple[str, str]] = []
    for position, _, body in rows:
        document = document_of(bytes(body))
        for term in terms_of(document):
            wanted[term].add(position)
        decision, ended = str(document.get("id", "")), outcome_of(document)
        if ended:
            outcomes.append((decision, ended))
        elif "do" in document:
            here[decision] = position
    earlier = _decisions(connection, {decision for decision, _ in outcomes if decision not in here})
    places = earlier | here
    for decision, ended in outcomes:
        if decision in places:
            wanted[OPEN].discard(places[decision])
            wanted[ended].add(places[decision])
    added = {(term, block): bits for term, positions in wanted.items() for block, bits in _blocks(positions)}
    return _Batch(begin, end, added, dict(_blocks(earlier.values())), {position: at for position, at, _ in rows})


def _decisions(connection: Connection, ids: Iterable[str]) -> dict[str, int]:
    """Where decisions are, by their ids."""
    same = and_(records.c.writer == tree_entries.c.writer, records.c.sequence == tree_entries.c.sequence)
    columns = select(records.c.decision_id, tree_entries.c.position)
    asked = records.c.decision_id.in_(sorted(ids)), records.c.kind.in_(_DECISIONS)
    rows = connection.execute(columns.select_from(records.join(tree_entries, same)).where(*asked))
    return {str(decision): int(position) for decision, position in rows}


def _write(connection: Connection, batch: _Batch) -> None:
    ids = _ids(connection, {term for term, _ in batch.added} | {OPEN})
    added = {(ids[term], block): bits for (term, block), bits in batch.added.items()}
    taken = {(ids[OPEN], block): bits for block, bits in batch.closed.items()}
    changed = added | taken
    known = _bitmaps(connection, {term for term, _ in changed}, {block for _, block in changed})
    _store(connection, {
        key: (known.get(key, 0) | added.get(key, 0)) & ~taken.get(key, 0) for key in changed
    })  # fmt: skip
    if batch.times:
        _store_times(connection, batch)


def _blocks(positions: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Positions as a bitmap a block."""
    for block, places in groupby(sorted(positions), lambda position: position // BLOCK):
        yield block, of(place % BLOCK for place in places)


def _bitmaps(connection: Connection, terms: Iterable[int], blocks: Iterable[int]) -> Bitmaps:
    """Those that are stored of these terms and blocks."""
    wanted = search_bitmaps.c.term.in_(sorted(terms)), search_bitmaps.c.block.in_(sorted(blocks))
    rows = connection.execute(select(search_bitmaps).where(*wanted))
    return {(term, block): decode(stored) for term, block, stored in rows}


def _store(connection: Connection, bitmaps: Bitmaps) -> None:
    """Put them in the place of what is there; of an empty one nothing is kept."""
    rows: list[Row] = [(term, block, encode(bits)) for (term, block), bits in sorted(bitmaps.items()) if bits]
    insert_rows(connection, search_bitmaps, rows, replace=True)
    empty = defaultdict[int, list[int]](list)
    for (term, block), bits in bitmaps.items():
        if not bits:
            empty[block].append(term)
    for block, terms in empty.items():
        connection.execute(
            delete(search_bitmaps).where(search_bitmaps.c.block == block, search_bitmaps.c.term.in_(terms))
        )


def _store_times(connection: Connection, batch: _Batch) -> None:
    """When each record was made, and the first and the last of a block. Nobody asks for those that are gone."""
    first = batch.begin - batch.begin % PART
    here = search_times.c.block == first // BLOCK, search_times.c.first == first % BLOCK
    known = connection.execute(select(search_times.c.times).where(*here)).scalar_one_or_none() or b""
    before = known.ljust((batch.begin - first) * A_TIME, b"\0")
    stored = before + packed([batch.times.get(position, 0) for position in range(batch.begin, batch.end)])
    parts: list[Row] = [
        (at // BLOCK, at % BLOCK, stored[(at - first) * A_TIME :][: PART * A_TIME])
        for at in range(first, batch.end, PART)
    ]
    insert_rows(connection, search_times, parts, replace=True)
    _store_bounds(connection, batch)


def _store_bounds(connection: Connection, batch: _Batch) -> None:
    times = defaultdict[int, list[int]](list)
    for position, at in batch.times.items():
        times[position // BLOCK].append(at)
    for block, *known in connection.execute(select(search_blocks).where(search_blocks.c.block.in_(sorted(times)))):
        times[block] += known
    bounds: list[Row] = [(block, min(each), max(each)) for block, each in times.items()]
    insert_rows(connection, search_blocks, bounds, replace=True)


def _ids(connection: Connection, terms: set[str]) -> dict[str, int]:
    """The number of each term; new ones get one."""
    known = numbers_of(connection, sorted(terms))
    missing = sorted(terms - known.keys())
    if missing:
        connection.execute(search_terms.insert(), [{"term": term} for term in missing])
        known |= numbers_of(connection, missing)
    return known
