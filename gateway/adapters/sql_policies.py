"""Revisions of policy bundles, numbered in the database: all processes that share it give a bundle the same number."""

from __future__ import annotations

import asyncio

from sqlalchemy import Connection, Engine, func, select
from sqlalchemy.dialects import postgresql, sqlite

from gateway.adapters.tables import policy_revisions
from gateway.domain.errors import ErrorCode, GatewayFault

_TRIES = 10
"""Two bundles that are new at the same moment want the same number: one of them gets it, the other the next."""


class SqlRevisions:
    """Implements `policy_watch.Revisions`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def of(self, digest: str) -> int:
        """The number of the bundle with this digest, from 1; it is given one where it has none.

        Raises `GatewayFault(INTERNAL_ERROR)` when the database cannot be asked."""
        try:
            return await asyncio.to_thread(self._of, digest)
        except Exception:  # noqa: BLE001 - the exception map: a bundle without a number does not come into force
            raise GatewayFault(ErrorCode.INTERNAL_ERROR) from None

    def _of(self, digest: str) -> int:
        known = select(policy_revisions.c.revision).where(policy_revisions.c.digest == digest)
        for _ in range(_TRIES):
            with self._engine.begin() as connection:
                number = connection.execute(known).scalar_one_or_none()
            if number is not None:
                return int(number)
            with self._engine.begin() as connection:
                _number(connection, digest)
        raise RuntimeError("the number that was free is taken, again and again")


def _number(connection: Connection, digest: str) -> None:
    """Give a bundle the next number, unless it has one or another bundle takes that number first."""
    into = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    following = select(func.coalesce(func.max(policy_revisions.c.revision), 0) + 1).scalar_subquery()
    row = into(policy_revisions).values(digest=digest, revision=following)
    connection.execute(row.on_conflict_do_nothing())
