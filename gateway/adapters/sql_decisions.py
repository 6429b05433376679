"""Past decisions out of the database, page by page: their records' bytes, for replays and explanations.

Pages follow time, each from where the one before ended, so that a page costs the same wherever it lies and nothing is
held but one of them.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, and_, func, select, tuple_
from sqlalchemy.exc import SQLAlchemyError

from gateway.adapters.database import DatabaseUnfit
from gateway.adapters.tables import api_keys, commitment_keys, records
from gateway.domain.commitment import pseudonym

DECISION_KINDS = ("intent", "local", "block")
ANONYMOUS = "anonymous"
"""The id of the caller where no key is required."""
_PAGE = 5_000
_PSEUDONYMS = ""


@dataclass(frozen=True, slots=True)
class Page:
    """Some records, the oldest first. `last` is the time of the last of them, in microseconds."""

    bodies: Sequence[bytes]
    last: int


class SqlDecisions:
    """Reads decisions. Every method raises `DatabaseUnfit` where the database cannot be read."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @contextlib.contextmanager
    def _reading(self) -> Iterator[Connection]:
        try:
            with self._engine.connect() as connection:
                yield connection
        except SQLAlchemyError:
            raise DatabaseUnfit("the decisions in the database cannot be read") from None

    def first_at(self, since: int, until: int) -> int:
        """When the first decision of a period was made; `until` where there is none."""
        first = select(func.min(records.c.at)).where(records.c.at >= since, records.c.at < until)
        with self._reading() as connection:
            found = connection.execute(first).scalar_one()
        return until if found is None else int(found)

    def slices(self, since: int, until: int, size: int) -> Iterator[tuple[int, int]]:
        """A period cut into pieces of about `size` records (more where so many have one time), in its order."""
        place = since
        with self._reading() as connection:
            while place < until:
                here = and_(records.c.at >= place, records.c.at < until)
                next_at = select(records.c.at).where(here).order_by(records.c.at).limit(1).offset(size)
                found = connection.execute(next_at).scalar_one_or_none()
                end = until if found is None else max(int(found), place + 1)
                yield place, end
                place = end

    def pages(self, since: int, until: int, size: int = _PAGE) -> Iterator[Page]:
        """The decisions with `since <= at < until`, microseconds since the epoch."""
        place = (since, "", -1)
        with self._reading() as connection:
            while True:
                rows = _page(connection, place, until, size)
                if not rows:
                    return
                place = (rows[-1][0], rows[-1][1], rows[-1][2])
                yield Page([body for _, _, _, body in rows], place[0])

    def one(self, decision_id: str) -> bytes:
        """The record of a decision; empty where there is none."""
        wanted = and_(records.c.decision_id == decision_id, records.c.kind.in_(DECISION_KINDS))
        with self._reading() as connection:
            found = connection.execute(select(records.c.body).where(wanted).limit(1)).scalar_one_or_none()
        return b"" if found is None else bytes(found)

    def keys(self) -> Mapping[str, str]:
        """The ids of all keys by their pseudonyms in records. Those of an erased tenant cannot be told."""
        with self._reading() as connection:
            return keys_by_pseudonym(connection)


def keys_by_pseudonym(connection: Connection) -> Mapping[str, str]:
    """The ids of all keys by their pseudonyms in records."""
    secrets = select(commitment_keys.c.tenant, commitment_keys.c.key).where(commitment_keys.c.day == _PSEUDONYMS)
    tenants = {tenant: bytes(key) for tenant, key in connection.execute(secrets)}
    ids = [(tenant, key_id) for tenant, key_id in connection.execute(select(api_keys.c.tenant, api_keys.c.id))]
    known = [*ids, *((tenant, ANONYMOUS) for tenant in tenants)]
    return {pseudonym(tenants[tenant], key_id): key_id for tenant, key_id in known if tenant in tenants}


def _page(
    connection: Connection, place: tuple[int, str, int], until: int, size: int
) -> Sequence[tuple[int, str, int, bytes]]:
    columns = (records.c.at, records.c.writer, records.c.sequence)
    here = and_(records.c.at >= place[0], records.c.at < until, records.c.kind.in_(DECISION_KINDS))
    further = select(*columns, records.c.body).where(here, tuple_(*columns) > tuple_(*place)).order_by(*columns)
    return [(at, writer, number, body) for at, writer, number, body in connection.execute(further.limit(size))]
