"""Checkpoints that witnesses outside have cosigned, in the database."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection, and_, delete, func, select

from gateway.adapters.sql_rows import insert_rows
from gateway.adapters.tables import cosigned_checkpoints

_HOUR = 3_600_000_000
_witness, _size, _note, _at = cosigned_checkpoints.c


def cosigned_size(connection: Connection, witness: str) -> int:
    """The largest size that a witness has cosigned; 0 before the first."""
    return int(connection.execute(select(func.max(_size)).where(_witness == witness)).scalar_one() or 0)


def keep_cosigned(connection: Connection, witness: str, size: int, note: str, at: int) -> None:
    """Keep what a witness cosigned, in place of its others of this hour. `at` is in microseconds since the epoch."""
    connection.execute(
        delete(cosigned_checkpoints).where(and_(_witness == witness, (_at >= at - at % _HOUR) | (_size == size)))
    )
    insert_rows(connection, cosigned_checkpoints, [(witness, size, note, at)])


def cosigned_notes(connection: Connection) -> Iterator[str]:
    """All of them, the oldest first."""
    for note in connection.execute(select(_note).order_by(_size, _witness)).scalars():
        yield str(note)
