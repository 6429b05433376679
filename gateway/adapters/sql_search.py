"""Finding decisions among millions: of each term, bitmaps over the positions of the tree, a block at a time.

What has several terms is the intersection of their bitmaps: a page costs the blocks that it takes to fill it, a count
one row for each term and block. The order is that of the tree, the newest first, which follows time but for how long a
record took into the tree. Bounds of time are exact all the same: where they cut a block, its times are looked at. The
integrator keeps the index (`sql_search_index`); what it has not come to is not found yet.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from random import Random
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, FromClause, Select, and_, select

from gateway.adapters.database import IN_BINARY
from gateway.adapters.sql_records import StoredRecord
from gateway.adapters.tables import records, search_bitmaps, search_blocks, search_terms, search_times, tree_entries
from gateway.domain.bitmaps import A_TIME, ALL, BLOCK, below, decode, descending, joined, side_by_side, spans, unpacked
from gateway.domain.ledger_search import ANY, DECISION, Query

END = BLOCK * 2**31 - 1
"""After the newest record: the index has room for no more."""

_A_PAGE, _ALL_OF_IT = 16, 1024
"""So many blocks are read at first where a page is filled, or where all are needed. Each time twice as many."""

_FEW = 100


@dataclass(frozen=True, slots=True)
class Page:
    """Some records, the newest first. The next page begins after the position `last`; there is none when `more` is
    false."""

    records: tuple[StoredRecord, ...]
    last: int
    more: bool


@dataclass(frozen=True, slots=True)
class Counted:
    """How many records there are, and how many of each value of a field."""

    total: int
    values: Counter[str]


class _Found(NamedTuple):
    """What is found in a block, and between which times all of its records were made. Thousands are made for a page."""

    block: int
    bits: int
    first_at: int
    last_at: int


def position_in(after: str) -> int:
    """Where the page of a link begins: a position, or as links once said it, a time and a position. Raises
    `ValueError`."""
    position = after.rpartition("-")[2]
    if not position.isdecimal():
        raise ValueError("no page begins there")
    return min(int(position), END)


def search(connection: Connection, query: Query, after: int = END, limit: int = 50) -> Page:
    """The next page of a query."""
    found = _found(connection, query, after, _A_PAGE)
    places = (each.block * BLOCK + offset for each in found for offset in descending(each.bits))
    positions = list(islice(places, limit + 1))
    stored = _stored(connection, positions[:limit])
    kept = tuple(stored[position] for position in positions[:limit] if position in stored)
    return Page(kept, positions[:limit][-1] if positions else after, more=len(positions) > limit)


def count(connection: Connection, query: Query) -> int:
    """How many records a query finds."""
    return sum(each.bits.bit_count() for each in _found(connection, query))


def split(connection: Connection, field: str, query: Query) -> Counted:
    """How many records a query finds, and how many of them have each value of a field."""
    found = list(_found(connection, query))
    asked = joined(each.bits for each in found)
    counts = {value: (bits & asked).bit_count() for value, bits in _valued(connection, field, found)}
    return Counted(asked.bit_count(), +Counter(counts))


def tally(connection: Connection, field: str, query: Query, width: int) -> Counter[tuple[str, int]]:
    """How many of the records that a query finds have each value of a field in each span of `width` microseconds from
    `query.since` on."""
    found = list(_found(connection, query))
    parts = _spans(connection, found, query, width)
    counts = Counter[tuple[str, int]]()
    for value, bitmaps in _bitmaps(connection, field, [each.block for each in found]).items():
        for place, stored in bitmaps:
            bits = decode(stored) & found[place].bits
            for span, part in parts[found[place].block].items():
                counts[value, span] += (bits & part).bit_count()
    return +counts


def crossed(
    connection: Connection, fields: Sequence[str], other: str, query: Query
) -> tuple[Counter[tuple[str, str]], ...]:
    """For each of some fields, how many of the records that a query finds have each of its values with each of another
    one."""
    found = list(_found(connection, query))
    asked = joined(each.bits for each in found)
    beside = [(value, bits & asked) for value, bits in _valued(connection, other, found)]
    return tuple(_together(_valued(connection, field, found), beside) for field in fields)


def drawn(connection: Connection, queries: Sequence[Query], most: int, chance: Random) -> list[StoredRecord]:
    """At most `most` of the records that any of the queries finds, each as likely as any other."""
    found = defaultdict[int, int](int)
    for query in queries:
        for each in _found(connection, query):
            found[each.block] |= each.bits
    total = sum(bits.bit_count() for bits in found.values())
    chosen = sorted(chance.sample(range(total), min(most, total)))
    positions: list[int] = []
    first = 0
    for block, bits in found.items():
        end = first + bits.bit_count()
        if here := chosen[bisect_left(chosen, first) : bisect_left(chosen, end)]:
            offsets = list(descending(bits))
            positions += [block * BLOCK + offsets[each - first] for each in here]
        first = end
    return list(_stored(connection, positions).values())


def known_terms(connection: Connection, terms: Sequence[str]) -> frozenset[str]:
    """Those of the terms that some record has, or had."""
    return frozenset(numbers_of(connection, terms))


def numbers_of(connection: Connection, terms: Sequence[str]) -> dict[str, int]:
    """The numbers of those terms that are known."""
    asked = select(search_terms.c.term, search_terms.c.id).where(search_terms.c.term.in_(sorted(terms)))
    return {str(term): int(number) for term, number in connection.execute(asked)}


def _found(connection: Connection, query: Query, before: int = END, at_once: int = _ALL_OF_IT) -> Iterator[_Found]:
    """What a query finds before a position, block by block, the newest first; without those where that is nothing."""
    terms = _telling(query.terms)
    numbers = numbers_of(connection, terms)
    if len(numbers) < len(terms):
        return
    wanted = _joined(list(numbers.values()), query)
    edge, offset = divmod(before, BLOCK)
    last = edge
    while True:
        rows = _rows(connection, wanted.where(search_blocks.c.block <= last).limit(at_once))
        for block, first_at, last_at, stored, *others in rows:
            bits = decode(stored)
            for other in others:
                bits &= decode(other)
            if block == edge:
                bits &= below(offset)
            if bits and not (query.since <= first_at and last_at < query.until):
                bits &= _in_time(_times(connection, [block])[block], query)
            if bits:
                yield _Found(block, bits, first_at, last_at)
        if len(rows) < at_once:
            return
        last, at_once = rows[-1][0] - 1, min(2 * at_once, _ALL_OF_IT)


def _together(valued: Iterable[tuple[str, int]], beside: Sequence[tuple[str, int]]) -> Counter[tuple[str, str]]:
    """How many each two sets share, by their names; without those that share nothing."""
    counts = {(value, also): (bits & others).bit_count() for value, bits in valued for also, others in beside}
    return +Counter(counts)


def _telling(terms: Sequence[str]) -> Sequence[str]:
    """The terms without those that go without saying: what has a field is a decision, and any record."""
    return [each for each in terms if each not in {ANY, DECISION}] or terms


def _joined(terms: Sequence[int], query: Query) -> Select[Any]:
    """The blocks where all terms occur, within the bounds of time: number, first and last time, a bitmap a term."""
    both: FromClause = search_blocks
    columns = list(search_blocks.c)
    for term in terms:
        bitmap = search_bitmaps.alias()
        both = both.join(bitmap, and_(bitmap.c.term == term, bitmap.c.block == search_blocks.c.block))
        columns.append(bitmap.c.bits)
    in_time = search_blocks.c.last_at >= query.since, search_blocks.c.first_at < query.until
    return select(*columns).select_from(both).where(*in_time).order_by(search_blocks.c.block.desc())


def _in_time(times: Sequence[int], query: Query) -> int:
    return spans(times, query.since, query.until, query.until - query.since).get(0, 0)


def _spans(connection: Connection, found: Sequence[_Found], query: Query, width: int) -> dict[int, dict[int, int]]:
    """Of each block, which of its records lie in which span of `width` from `query.since` on."""
    cut = [each.block for each in found if _span(each.first_at, query, width) != _span(each.last_at, query, width)]
    whole = {each.block: {_span(each.first_at, query, width): ALL} for each in found}
    parts = {block: spans(times, query.since, query.until, width) for block, times in _times(connection, cut).items()}
    return whole | parts


def _span(at: int, query: Query, width: int) -> int:
    return (at - query.since) // width


def _times(connection: Connection, blocks: Sequence[int]) -> dict[int, tuple[int, ...]]:
    """When the records of some blocks were made, position by position."""
    stored = {block: bytearray(A_TIME * BLOCK) for block in blocks}
    for block, first, times in _rows(connection, select(search_times).where(search_times.c.block.in_(blocks))):
        at = A_TIME * first
        stored[block][at : at + len(times)] = times
    return {block: unpacked(times) for block, times in stored.items()}


def _valued(connection: Connection, field: str, found: Sequence[_Found]) -> Iterator[tuple[str, int]]:
    """Each value of a field, and what has it in the blocks where something is found, side by side."""
    for value, bitmaps in _bitmaps(connection, field, [each.block for each in found]).items():
        yield value, side_by_side(bitmaps, len(found))


def _bitmaps(connection: Connection, field: str, blocks: Sequence[int]) -> dict[str, list[tuple[int, bytes]]]:
    """The bitmaps of each value of a field in some blocks, as they are stored, with the place of each among those."""
    named, places = _of_field(connection, field), {block: place for place, block in enumerate(blocks)}
    if not blocks:
        return {}
    asked = select(search_bitmaps).where(search_bitmaps.c.term.in_(named), _among(blocks))
    bitmaps = defaultdict[str, list[tuple[int, bytes]]](list)
    for term, block, stored in _rows(connection, asked):
        if block in places:
            bitmaps[named[term]].append((places[block], stored))
    return bitmaps


def _among(blocks: Sequence[int]) -> ColumnElement[bool]:
    """That a bitmap is of one of some blocks; or, where they are many, of one between them."""
    if len(blocks) <= _FEW:
        return search_bitmaps.c.block.in_(blocks)
    return search_bitmaps.c.block.between(min(blocks), max(blocks))


def _of_field(connection: Connection, field: str) -> dict[int, str]:
    """The values of a field by the numbers of their terms."""
    asked = select(search_terms.c.id, search_terms.c.term).where(
        search_terms.c.term.startswith(f"{field}:", autoescape=True)
    )
    return {int(number): str(term).partition(":")[2] for number, term in connection.execute(asked)}


def _rows(connection: Connection, query: Select[Any]) -> Sequence[Any]:
    """Rows as the driver gives them: making more of each would take longer than reading it."""
    rows: Sequence[Any] = connection.execute(query.execution_options(**{IN_BINARY: True})).cursor.fetchall()
    return rows


def _stored(connection: Connection, positions: Sequence[int]) -> dict[int, StoredRecord]:
    same = and_(records.c.writer == tree_entries.c.writer, records.c.sequence == tree_entries.c.sequence)
    columns = select(records.c.writer, records.c.sequence, tree_entries.c.position, records.c.body)
    rows = connection.execute(
        columns.select_from(tree_entries.join(records, same)).where(tree_entries.c.position.in_(positions))
    )
    return {int(at): StoredRecord(str(writer), int(number), int(at), bytes(body)) for writer, number, at, body in rows}
