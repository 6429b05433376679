"""The tree over all records: RFC 6962 (now RFC 9162) hashes and proofs, and the tiles of C2SP's tlog-tiles.

A *node* is a perfect subtree: the one at (level, index) spans `1 << level` leaves, from `index << level` on.
A *tile* holds up to 256 hashes of one level: those of level `8 * L`, from `256 * N` on, are tile (L, N).
Everything here is a function of hashes; who stores them is no concern of it.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

EMPTY_ROOT = hashlib.sha256(b"").digest()
TILE_HEIGHT = 8
TILE_WIDTH = 1 << TILE_HEIGHT
_CACHED_NODES = 4096

NodeOf = Callable[[int, int], bytes]
"""Gives the hash of the perfect subtree at (level, index)."""

TileOf = Callable[[int, int], Sequence[bytes]]
"""Gives the hashes of tile (level, number), of a partial one as many as there are."""


@dataclass(frozen=True, slots=True)
class Node:
    """The hash of a perfect subtree."""

    level: int
    index: int
    hash: bytes


def leaf_hash(data: bytes) -> bytes:
    """The hash of a leaf."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class Frontier:
    """The right edge of a growing tree: its perfect subtrees, the largest first."""

    def __init__(self, nodes: Iterable[Node] = ()) -> None:
        self._nodes = list(nodes)
        self.size = sum(1 << node.level for node in self._nodes)

    def append(self, leaf: bytes) -> list[Node]:
        """Add a leaf hash; the perfect subtrees that it completes, the leaf itself first."""
        node = Node(0, self.size, leaf)
        completed = [node]
        while self._nodes and self._nodes[-1].level == node.level:
            left = self._nodes.pop()
            node = Node(node.level + 1, node.index >> 1, node_hash(left.hash, node.hash))
            completed.append(node)
        self._nodes.append(node)
        self.size += 1
        return completed

    def root(self) -> bytes:
        """The root of the tree as it is now."""
        return _join([node.hash for node in self._nodes])

    def copy(self) -> Frontier:
        """The same edge, to try something on."""
        return Frontier(self._nodes)


def frontier_of(size: int, node: NodeOf) -> Frontier:
    """The right edge of a tree of `size` leaves that is stored somewhere."""
    return Frontier(Node(level, index, node(level, index)) for level, index in _perfect(0, size))


def root_of(size: int, node: NodeOf) -> bytes:
    """The root of the first `size` leaves."""
    return _spanning(0, size, node)


def node_from_tiles(tile: TileOf) -> NodeOf:
    """Nodes, from tiles that hold every eighth level. Those used last are kept: a perfect subtree never changes."""

    @functools.lru_cache(maxsize=_CACHED_NODES)
    def node(level: int, index: int) -> bytes:
        if level % TILE_HEIGHT == 0:
            return tile(level // TILE_HEIGHT, index // TILE_WIDTH)[index % TILE_WIDTH]
        return node_hash(node(level - 1, index * 2), node(level - 1, index * 2 + 1))

    return node


def inclusion_proof(index: int, size: int, node: NodeOf) -> tuple[bytes, ...]:
    """PATH(index, D[size]) of RFC 6962, from the leaf up. Raises `ValueError` for a leaf outside of the tree."""
    if not 0 <= index < size:
        raise ValueError("there is no such leaf in a tree of this size")
    proof: list[bytes] = []
    begin, end = 0, size
    while end - begin > 1:
        middle = begin + _largest_power_below(end - begin)
        if index < middle:
            proof.append(_spanning(middle, end, node))
            end = middle
        else:
            proof.append(_spanning(begin, middle, node))
            begin = middle
    return tuple(reversed(proof))


def inclusion_proofs(leaves: Sequence[bytes]) -> list[tuple[bytes, ...]]:
    """The proof of each leaf in a tree of these alone. There must be a power of two of them."""
    levels = [leaves]
    while len(levels[-1]) > 1:
        below = levels[-1]
        levels.append([node_hash(below[at], below[at + 1]) for at in range(0, len(below), 2)])
    return [
        tuple([hashes[(index >> level) ^ 1] for level, hashes in enumerate(levels[:-1])])
        for index in range(len(leaves))
    ]


def consistency_proof(old: int, size: int, node: NodeOf) -> tuple[bytes, ...]:
    """PROOF(old, D[size]) of RFC 6962. Raises `ValueError` unless 0 < old <= size."""
    if not 0 < old <= size:
        raise ValueError("a tree grows from one leaf on")
    proof: list[bytes] = []
    begin, end, whole = 0, size, True
    while old != end:
        middle = begin + _largest_power_below(end - begin)
        if old <= middle:
            proof.append(_spanning(middle, end, node))
            end = middle
        else:
            proof.append(_spanning(begin, middle, node))
            begin, whole = middle, False
    if not whole:
        proof.append(_spanning(begin, end, node))
    return tuple(reversed(proof))


def tile_path(level: int | str, number: int, width: int = TILE_WIDTH) -> str:
    """Where C2SP's tlog-tiles puts a tile: `tile/0/x001/x234/067`, with `.p/<width>` for a partial one.

    The level `entries` is that of the records themselves."""
    digits = f"{number:03d}"
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
    path = "/".join([*(f"x{group}" for group in groups[:-1]), groups[-1]])
    return f"tile/{level}/{path}" + ("" if width == TILE_WIDTH else f".p/{width}")


def _largest_power_below(count: int) -> int:
    """The largest power of two that is smaller than `count`, which is at least 2."""
    return 1 << ((count - 1).bit_length() - 1)


def _perfect(begin: int, end: int) -> list[tuple[int, int]]:
    """The perfect subtrees that the leaves from `begin` (a multiple of what follows) to `end` consist of."""
    found = []
    while begin < end:
        level = (end - begin).bit_length() - 1
        found.append((level, begin >> level))
        begin += 1 << level
    return found


def _spanning(begin: int, end: int, node: NodeOf) -> bytes:
    return _join([node(level, index) for level, index in _perfect(begin, end)])


def _join(hashes: Sequence[bytes]) -> bytes:
    """The hash over perfect subtrees of falling size."""
    if not hashes:
        return EMPTY_ROOT
    joined = hashes[-1]
    for left in reversed(hashes[:-1]):
        joined = node_hash(left, joined)
    return joined
