"""Revisions of policy bundles, numbered in the database: all processes that share it give a bundle the same number.

The files of each are kept with its number, before it comes into force: so what decided can be read, checked against the
digest that records name, and asked again, whatever became of the folder.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from sqlalchemy import Connection, Engine, Insert, Table, func, select
from sqlalchemy.dialects import postgresql, sqlite

from gateway.adapters.file_policies import SourceFile, digest_of
from gateway.adapters.tables import policy_files, policy_revisions
from gateway.domain.errors import ErrorCode, GatewayFault

_TRIES = 10
"""Two bundles that are new at the same moment want the same number: one of them gets it, the other the next."""


class SqlRevisions:
    """Implements `policy_watch.Revisions`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def of(self, digest: str, files: Sequence[SourceFile] = ()) -> int:
        """The number of the bundle with this digest, from 1; it is given one where it has none. What the digest is over
        is kept.

        Raises `GatewayFault(INTERNAL_ERROR)` when the database cannot be asked."""
        try:
            return await asyncio.to_thread(self._of, digest, files)
        except Exception:  # noqa: BLE001 - the exception map: a bundle without a number does not come into force
            raise GatewayFault(ErrorCode.INTERNAL_ERROR) from None

    def _of(self, digest: str, files: Sequence[SourceFile]) -> int:
        known = select(policy_revisions.c.revision).where(policy_revisions.c.digest == digest)
        for _ in range(_TRIES):
            with self._engine.begin() as connection:
                number = connection.execute(known).scalar_one_or_none()
                if number is not None:
                    _keep(connection, digest, files)
                    return int(number)
            with self._engine.begin() as connection:
                _number(connection, digest)
        raise RuntimeError("the number that was free is taken, again and again")


def kept_files(connection: Connection, digest: str) -> tuple[SourceFile, ...]:
    """What the digest of a bundle is over; nothing where it was not kept, or is not what it was."""
    mine = select(policy_files.c.name, policy_files.c.data).where(policy_files.c.digest == digest)
    files = tuple(SourceFile(str(name), bytes(data)) for name, data in connection.execute(mine))
    return files if digest_of(files) == digest else ()


def kept_revisions(connection: Connection) -> dict[int, str]:
    """The digests of the bundles whose files were kept, by their numbers, the newest number first."""
    number, digest = policy_revisions.c.revision, policy_revisions.c.digest
    kept = select(number, digest).where(digest.in_(select(policy_files.c.digest))).order_by(number.desc())
    return {int(each): str(of) for each, of in connection.execute(kept)}


def _number(connection: Connection, digest: str) -> None:
    """Give a bundle the next number, unless it has one or another bundle takes that number first."""
    following = select(func.coalesce(func.max(policy_revisions.c.revision), 0) + 1).scalar_subquery()
    connection.execute(_put(connection, policy_revisions).values(digest=digest, revision=following))


def _keep(connection: Connection, digest: str, files: Sequence[SourceFile]) -> None:
    rows = [{"digest": digest, "name": each.name, "data": each.data} for each in files]
    if rows:
        connection.execute(_put(connection, policy_files).values(rows))


def _put(connection: Connection, table: Table) -> Insert:
    """An insertion that leaves alone what is there already."""
    if connection.dialect.name == "postgresql":
        return postgresql.insert(table).on_conflict_do_nothing()
    return sqlite.insert(table).on_conflict_do_nothing()
