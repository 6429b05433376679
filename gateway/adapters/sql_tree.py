"""The tree in the database, for those who read it: tiles, roots, proofs, the newest checkpoint."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from sqlalchemy import Connection, func, select

from gateway.adapters.tables import checkpoints, tree_entries, tree_nodes
from gateway.domain.merkle import (
    TILE_HEIGHT,
    TILE_WIDTH,
    NodeOf,
    consistency_proof,
    inclusion_proof,
    inclusion_proofs,
    node_from_tiles,
    root_of,
)

_CACHED_TILES = 256


class StoredTree:
    """A tree whose leaves and full tiles are rows. Leaves are only ever added, so what was read stays true."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._tiles: OrderedDict[tuple[int, int], Sequence[bytes]] = OrderedDict()
        self._proven = (-1, 0)
        self._inside: Sequence[tuple[bytes, ...]] = ()
        self._above: tuple[bytes, ...] = ()
        self.node: NodeOf = node_from_tiles(self.tile)

    def size(self) -> int:
        """How many leaves there are."""
        last = self._connection.execute(select(func.max(tree_entries.c.position))).scalar_one()
        return 0 if last is None else int(last) + 1

    def root(self, size: int) -> bytes:
        """The root of the first `size` leaves."""
        return root_of(size, self.node)

    def inclusion(self, position: int, size: int) -> tuple[bytes, ...]:
        """The proof that the leaf at this position is in the tree of `size` leaves.

        Those of a full tile share all that is above it, so whoever asks in order is answered quickly."""
        number, within = divmod(position, TILE_WIDTH)
        if (number + 1) * TILE_WIDTH > size:
            return inclusion_proof(position, size, self.node)
        if self._proven != (number, size):
            self._proven = (number, size)
            self._inside = inclusion_proofs(self.tile(0, number))
            self._above = inclusion_proof(position, size, self.node)[TILE_HEIGHT:]
        return self._inside[within] + self._above

    def consistency(self, old: int, size: int) -> tuple[bytes, ...]:
        """The proof that the tree of `size` leaves begins with that of `old`."""
        return consistency_proof(old, size, self.node)

    def tile(self, level: int, number: int) -> Sequence[bytes]:
        """The hashes of one tile. Only full ones are kept: a partial one may have grown."""
        known = self._tiles.get((level, number))
        if known is not None:
            self._tiles.move_to_end((level, number))
            return known
        hashes = self._read(level, number)
        if len(hashes) == TILE_WIDTH:
            self._tiles[level, number] = hashes
            if len(self._tiles) > _CACHED_TILES:
                self._tiles.popitem(last=False)
        return hashes

    def _read(self, level: int, number: int) -> Sequence[bytes]:
        first = number * TILE_WIDTH
        if level == 0:
            at, column = tree_entries.c.position, tree_entries.c.leaf
            rows = select(column).where(at.between(first, first + TILE_WIDTH - 1))
        else:
            at, column = tree_nodes.c.number, tree_nodes.c.hash
            rows = select(column).where(tree_nodes.c.level == level, at.between(first, first + TILE_WIDTH - 1))
        return [bytes(value) for value in self._connection.execute(rows.order_by(at)).scalars().all()]


def newest_note(connection: Connection) -> str:
    """The newest signed checkpoint; empty when there is none yet."""
    newest = select(checkpoints.c.note).order_by(checkpoints.c.size.desc()).limit(1)
    return str(connection.execute(newest).scalar_one_or_none() or "")


def newest_signed_at(connection: Connection) -> int:
    """When the newest checkpoint was signed, in microseconds; 0 when there is none yet."""
    newest = select(checkpoints.c.at).order_by(checkpoints.c.size.desc()).limit(1)
    return int(connection.execute(newest).scalar_one_or_none() or 0)
