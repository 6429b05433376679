"""Finding decisions among millions: an index of terms, kept by the integrator beside the tree, read in keyset pages.

A row of `search_entries` says that the record at a position, of a time, has a term. One term alone is read in the order
of time from its end; of several, the rarest leads and the others are looked up, so often for a page and no more. The
index is derived: nothing is lost with it, and `rebuild` begins it anew.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from random import Random

from sqlalchemy import ColumnElement, Connection, FromClause, Select, and_, delete, exists, func, select, tuple_, update

from gateway.adapters.sql_records import StoredRecord, document_of
from gateway.adapters.sql_rows import Row, insert_rows
from gateway.adapters.tables import records, search_entries, search_progress, search_terms, tree_entries
from gateway.domain.ledger_search import ANY, DECISION, OPEN, Query, outcome_of, terms_of

AT_ONCE = 256
_COMMON = 10_000
"""From here on one term is as common as another: counting further would take longer than it saves."""

LOOKED_AT = 100_000
"""So many entries are looked at for one page: else terms that never meet would cost all entries of the rarer one."""

_DECISIONS = ("intent", "local", "block")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page ends: the time and position of its last record."""

    at: int
    position: int


END = Place(2**62, 2**62)
"""After the newest record."""


@dataclass(frozen=True, slots=True)
class Page:
    """Some records, the newest first. The next page begins after `last`; there is none when `more` is false.

    Not `whole`: looking ended before the page was full. `last` says how far it got; there may be more, or nothing."""

    records: tuple[StoredRecord, ...]
    last: Place
    more: bool
    whole: bool = True


@dataclass(frozen=True, slots=True)
class Counted:
    """How many records were counted. Not `whole`: counting ended before everything was looked at, there may be more."""

    number: int
    whole: bool


@dataclass(frozen=True, slots=True)
class _Look:
    """What an entry of the rarest term of a query must be. `edge` is the last that is looked at, if others follow."""

    found: ColumnElement[bool]
    edge: Place | None


def search(connection: Connection, query: Query, after: Place = END, limit: int = 50) -> Page:
    """The next page of a query. Of several terms, the `LOOKED_AT` next entries of the rarest are looked at."""
    entry = search_entries.alias()
    look = _look(connection, query, entry, after)
    if look is None:
        return Page((), after, more=False)
    rows = connection.execute(_newest(entry).where(look.found).limit(limit + 1)).all()
    places = [Place(int(at), int(position)) for at, position in rows[:limit]]
    found = _stored(connection, [each.position for each in places])
    kept = tuple(found[each.position] for each in places if each.position in found)
    if len(rows) > limit or look.edge is None:
        return Page(kept, places[-1] if places else after, more=len(rows) > limit)
    return Page(kept, look.edge, more=True, whole=False)


def count(connection: Connection, query: Query, most: int = 100_000) -> Counted:
    """How many records a query finds, up to `most`; of several terms, among the `LOOKED_AT` newest of the rarest."""
    entry = search_entries.alias()
    look = _look(connection, query, entry)
    if look is None:
        return Counted(0, whole=True)
    some = select(entry.c.at).where(look.found).limit(most).subquery()
    number = int(connection.execute(select(func.count()).select_from(some)).scalar_one())
    return Counted(number, whole=look.edge is None and number < most)


def split(connection: Connection, field: str, query: Query, most: int) -> Counter[str]:
    """How many of the records that `count` counts, of `most` of them at least, have each value of a field."""
    entry, other = search_entries.alias(), search_entries.alias()
    look, named = _look(connection, query, entry), _of_field(connection, field)
    if look is None:
        return Counter()
    some = select(entry.c.at, entry.c.position).where(look.found).limit(most).subquery()
    same = and_(other.c.term.in_(named), other.c.at == some.c.at, other.c.position == some.c.position)
    counts = select(other.c.term, func.count()).select_from(some.join(other, same)).group_by(other.c.term)
    return Counter({named[int(term)]: int(count) for term, count in connection.execute(counts)})


def tally(connection: Connection, field: str, query: Query, width: int) -> Counter[tuple[str, int]]:
    """How many of the records of a query's time and tenant have each value of a field in each span of `width`
    microseconds from `query.since` on."""
    entry = search_entries.alias()
    also, named = _also(connection, query, entry), _of_field(connection, field)
    if also is None:
        return Counter()
    span = (entry.c.at - query.since) // width
    counts = select(entry.c.term, span, func.count()).where(entry.c.term.in_(named), _in_time(query, entry), *also)
    rows = connection.execute(counts.group_by(entry.c.term, span))
    return Counter({(named[int(term)], int(number)): int(count) for term, number, count in rows})


def crossed(connection: Connection, field: str, other: str, query: Query) -> Counter[tuple[str, str]]:
    """How many of the records of a query's time and tenant have each value of one field with each of another."""
    entry, beside = search_entries.alias(), search_entries.alias()
    also, named, besides = _also(connection, query, entry), *(_of_field(connection, each) for each in (field, other))
    if also is None:
        return Counter()
    same = (beside.c.at == entry.c.at, beside.c.position == entry.c.position)
    both = (entry.c.term.in_(named), _in_time(query, entry), beside.c.term.in_(besides), *same, *also)
    counts = select(entry.c.term, beside.c.term, func.count()).where(*both).group_by(entry.c.term, beside.c.term)
    return Counter({(named[int(a)], besides[int(b)]): int(count) for a, b, count in connection.execute(counts)})


def drawn(connection: Connection, queries: Sequence[Query], most: int, chance: Random) -> list[StoredRecord]:
    """At most `most` of the records that any of the queries finds, each as likely as any other: a reservoir."""
    kept: list[int] = []
    seen = 0
    for query in queries:
        entry = search_entries.alias()
        look = _look(connection, query, entry, most=2**62)
        if look is None:
            continue
        for position in connection.execute(select(entry.c.position).where(look.found)).scalars():
            seen += 1
            place = len(kept) if len(kept) < most else chance.randrange(seen)
            kept[place : place + 1] = [int(position)] if place < most else kept[place : place + 1]
    return list(_stored(connection, kept).values())


def indexed_until(connection: Connection) -> int:
    """The time of the newest record that can be found; 0 where there is none."""
    newest = select(search_entries.c.at).join(search_terms, search_terms.c.id == search_entries.c.term)
    newest = newest.where(search_terms.c.term == ANY).order_by(search_entries.c.at.desc()).limit(1)
    return int(connection.execute(newest).scalar_one_or_none() or 0)


def known_terms(connection: Connection, terms: Sequence[str]) -> frozenset[str]:
    """Those of the terms that some record has, or had."""
    return frozenset(_known(connection, terms))


def index_next(connection: Connection, size: int, writing: AbstractContextManager[object]) -> bool:
    """Index the next `AT_ONCE` records of a tree of this size. Whether there is more to index.

    Records are read and understood before `writing` is held: whoever else waits for it waits for the rows alone."""
    begin = int(connection.execute(select(search_progress.c.position)).scalar_one())
    end = min(begin + AT_ONCE, size)
    if begin >= end:
        return False
    same = and_(records.c.writer == tree_entries.c.writer, records.c.sequence == tree_entries.c.sequence)
    columns = select(tree_entries.c.position, records.c.at, records.c.body).select_from(
        tree_entries.join(records, same)
    )
    rows = connection.execute(columns.where(tree_entries.c.position.between(begin, end - 1))).all()
    wanted, closed = _entries(connection, [(Place(int(at), int(position)), bytes(body)) for position, at, body in rows])
    connection.rollback()
    with writing:
        ids = _ids(connection, {term for term, _ in wanted} | {OPEN})
        places = tuple_(search_entries.c.at, search_entries.c.position)
        done = places.in_([(place.at, place.position) for place in closed])
        connection.execute(delete(search_entries).where(search_entries.c.term == ids[OPEN], done))
        entries: list[Row] = [(ids[term], place.at, place.position) for term, place in sorted(wanted, key=_order)]
        insert_rows(connection, search_entries, entries, ignore=True)
        connection.execute(update(search_progress).values(position=end))
        connection.commit()
    return end < size


def rebuild(connection: Connection) -> None:
    """Empty the index, uncommitted; the integrator fills it again."""
    connection.execute(delete(search_entries))
    connection.execute(update(search_progress).values(position=0))


def _look(
    connection: Connection, query: Query, entry: FromClause, after: Place = END, most: int | None = None
) -> _Look | None:
    """At the `most` (`LOOKED_AT`) newest entries `after` a place, if a query has several terms; one alone finds with
    each. `None` where one of the terms occurs nowhere."""
    terms = rarest_first(connection, query.terms)
    if not terms:
        return None
    place = tuple_(entry.c.at, entry.c.position)
    led = and_(entry.c.term == terms[0], _in_time(query, entry), place < (after.at, after.position))
    if len(terms) == 1:
        return _Look(led, None)
    last = _newest(entry).where(led).offset((LOOKED_AT if most is None else most) - 1).limit(1)
    row = connection.execute(last).first()
    edge = None if row is None else Place(int(row[0]), int(row[1]))
    near = [] if edge is None else [place >= (edge.at, edge.position)]
    return _Look(and_(led, *near, *_having(terms[1:], entry)), edge)


def _newest(entry: FromClause) -> Select[int, int]:
    """Where records are, the newest first."""
    return select(entry.c.at, entry.c.position).order_by(entry.c.at.desc(), entry.c.position.desc())


def _of_field(connection: Connection, field: str) -> dict[int, str]:
    """The values of a field by the numbers of their terms."""
    asked = select(search_terms.c.id, search_terms.c.term).where(
        search_terms.c.term.startswith(f"{field}:", autoescape=True)
    )
    return {int(number): str(term).partition(":")[2] for number, term in connection.execute(asked)}


def _also(connection: Connection, query: Query, entry: FromClause) -> list[ColumnElement[bool]] | None:
    """What an entry of any term must be, beside its time. All decisions have the terms that say no more than so."""
    asked = [each for each in query.terms if each not in {ANY, DECISION}]
    known = _known(connection, asked)
    return None if len(known) < len(asked) else _having(list(known.values()), entry)


def _having(terms: Sequence[int], entry: FromClause) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    for term in terms:
        other = search_entries.alias()
        same = and_(other.c.term == term, other.c.at == entry.c.at, other.c.position == entry.c.position)
        conditions.append(exists().where(same))
    return conditions


def _in_time(query: Query, entry: FromClause) -> ColumnElement[bool]:
    return and_(entry.c.at >= query.since, entry.c.at < query.until)


def _entries(connection: Connection, read: Sequence[tuple[Place, bytes]]) -> tuple[set[tuple[str, Place]], list[Place]]:
    """Which terms records have, and which decisions of earlier batches are open no more."""
    wanted: set[tuple[str, Place]] = set()
    here: dict[str, Place] = {}
    outcomes: list[tuple[str, str]] = []
    for place, body in read:
        document = document_of(body)
        wanted.update((term, place) for term in terms_of(document))
        decision, ended = str(document.get("id", "")), outcome_of(document)
        if ended:
            outcomes.append((decision, ended))
        elif "do" in document:
            here[decision] = place
    earlier = _decisions(connection, {decision for decision, _ in outcomes if decision not in here})
    for decision, ended in outcomes:
        place_of = here.get(decision) or earlier.get(decision)
        if place_of is not None:
            wanted.discard((OPEN, place_of))
            wanted.add((ended, place_of))
    return wanted, list(earlier.values())


def _decisions(connection: Connection, ids: Iterable[str]) -> dict[str, Place]:
    """Where decisions are, by their ids."""
    same = and_(records.c.writer == tree_entries.c.writer, records.c.sequence == tree_entries.c.sequence)
    columns = select(records.c.decision_id, records.c.at, tree_entries.c.position)
    asked = records.c.decision_id.in_(sorted(ids)), records.c.kind.in_(_DECISIONS)
    rows = connection.execute(columns.select_from(records.join(tree_entries, same)).where(*asked))
    return {str(decision): Place(int(at), int(position)) for decision, at, position in rows}


def _ids(connection: Connection, terms: set[str]) -> dict[str, int]:
    """The number of each term; new ones get one."""
    known = _known(connection, terms)
    missing = sorted(terms - known.keys())
    if missing:
        connection.execute(search_terms.insert(), [{"term": term} for term in missing])
        known |= _known(connection, missing)
    return known


def _known(connection: Connection, terms: Iterable[str]) -> dict[str, int]:
    asked = select(search_terms.c.term, search_terms.c.id).where(search_terms.c.term.in_(sorted(terms)))
    return {str(term): int(number) for term, number in connection.execute(asked)}


def rarest_first(connection: Connection, terms: Sequence[str]) -> list[int]:
    """The numbers of the terms that say something; none when one of them occurs nowhere."""
    terms = _telling(terms)
    known = _known(connection, terms)
    if len(known) < len(terms):
        return []
    if len(terms) == 1:
        return list(known.values())
    return sorted(known.values(), key=lambda number: _counted(connection, number))


def _telling(terms: Sequence[str]) -> Sequence[str]:
    """The terms without those that go without saying: what has a field is a decision, and any record."""
    rest = [each for each in terms if each not in {ANY, DECISION}]
    return rest if any(not each.startswith("kind:") for each in rest) else terms


def _counted(connection: Connection, number: int) -> int:
    some = select(search_entries.c.at).where(search_entries.c.term == number).limit(_COMMON).subquery()
    return int(connection.execute(select(func.count()).select_from(some)).scalar_one())


def _stored(connection: Connection, positions: Sequence[int]) -> dict[int, StoredRecord]:
    same = and_(records.c.writer == tree_entries.c.writer, records.c.sequence == tree_entries.c.sequence)
    columns = select(records.c.writer, records.c.sequence, tree_entries.c.position, records.c.body)
    rows = connection.execute(
        columns.select_from(tree_entries.join(records, same)).where(tree_entries.c.position.in_(positions))
    )
    return {int(at): StoredRecord(str(writer), int(number), int(at), bytes(body)) for writer, number, at, body in rows}


def _order(entry: tuple[str, Place]) -> tuple[int, int, str]:
    return entry[1].at, entry[1].position, entry[0]
