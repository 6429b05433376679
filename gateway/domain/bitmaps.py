"""Sets of positions in one block of the tree, as the search index keeps them: numbers, bit n for the nth position.

A set is stored as the sorted list of its offsets, 16 bits each, where there are few; else as the whole bitmap, and only
that is `BLOCK // 8` bytes long. So a term that one record in a thousand has costs a few bytes a block, and one that all
have no more than a bit a record. The times of a block lie beside them, so that bounds of time are exact.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence

BLOCK = 4096
"""Positions in a block: a whole bitmap is small enough to lie within a row of both databases."""

ALL = (1 << BLOCK) - 1
_BYTES = BLOCK // 8
_MOST_LISTED = BLOCK // 128
"""A list of more takes longer to read than the whole bitmap."""

A_TIME = 8
_ROW = 128


def of(offsets: Iterable[int]) -> int:
    """The set of these."""
    bits = bytearray(_BYTES)
    _put(bits, offsets)
    return int.from_bytes(bits, "little")


def encode(bits: int) -> bytes:
    """What is stored for a set; nothing for an empty one."""
    if bits.bit_count() > _MOST_LISTED:
        return bits.to_bytes(_BYTES, "little")
    offsets = sorted(descending(bits))
    return struct.pack(f"<{len(offsets)}H", *offsets)


def decode(stored: bytes) -> int:
    """The set of what `encode` gave."""
    return int.from_bytes(stored, "little") if len(stored) == _BYTES else of(_listed(stored))


def side_by_side(stored: Iterable[tuple[int, bytes]], count: int) -> int:
    """Sets of some of `count` blocks as one set, each at its place among them: what is done to all is done at once."""
    bits = bytearray(_BYTES * count)
    for place, each in stored:
        if len(each) == _BYTES:
            bits[_BYTES * place : _BYTES * (place + 1)] = each
        else:
            _put(bits, [BLOCK * place + offset for offset in _listed(each)])
    return int.from_bytes(bits, "little")


def joined(sets: Iterable[int]) -> int:
    """Sets of blocks side by side, one after the other."""
    return int.from_bytes(b"".join(bits.to_bytes(_BYTES, "little") for bits in sets), "little")


def _listed(stored: bytes) -> tuple[int, ...]:
    return struct.unpack(f"<{len(stored) // 2}H", stored)


def _put(bits: bytearray, offsets: Iterable[int]) -> None:
    for offset in offsets:
        bits[offset >> 3] |= 1 << (offset & 7)


def descending(bits: int) -> Iterator[int]:
    """The offsets in a set, the highest first."""
    while bits:
        offset = bits.bit_length() - 1
        yield offset
        bits ^= 1 << offset


def below(offset: int) -> int:
    """All before an offset."""
    return (1 << offset) - 1


def packed(times: Sequence[int]) -> bytes:
    """Times in microseconds, `A_TIME` bytes each."""
    return struct.pack(f"<{len(times)}q", *times)


def unpacked(stored: bytes | bytearray) -> tuple[int, ...]:
    """The times of what `packed` gave."""
    return struct.unpack(f"<{len(stored) // A_TIME}q", stored)


def spans(times: Sequence[int], since: int, until: int, width: int) -> dict[int, int]:
    """Those whose time lies from `since` until before `until`, by the number of the span of `width` that it lies in.

    Neighbours mostly lie in the same span: only where some do not is each looked at."""
    found: dict[int, int] = {}
    for first in range(0, len(times), _ROW):
        row = times[first : first + _ROW]
        low, high = min(row), max(row)
        if since <= low and high < until and (low - since) // width == (high - since) // width:
            together = {(low - since) // width: below(len(row))}
        else:
            together = _apart(row, since, until, width)
        for span, bits in together.items():
            found[span] = found.get(span, 0) | bits << first
    return found


def _apart(row: Sequence[int], since: int, until: int, width: int) -> dict[int, int]:
    found: dict[int, int] = {}
    for offset, at in enumerate(row):
        if since <= at < until:
            span = (at - since) // width
            found[span] = found.get(span, 0) | 1 << offset
    return found
