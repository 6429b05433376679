"""What is deleted from the ledger, and how: retention, erasure, and the legal hold that blocks both.

The order is recorded first, then carried out; an interrupted one is carried out by the next. What is deleted is bodies,
salts and keys, never a leaf of the tree: chain, tree and checkpoints verify as before.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, Engine, Select, and_, delete, func, select, tuple_

from gateway.adapters.sql_rows import insert_rows
from gateway.adapters.sql_search_index import forget
from gateway.adapters.tables import (
    api_keys,
    checkpoints,
    commitment_keys,
    legal_holds,
    record_salts,
    records,
    tree_entries,
)
from gateway.domain.bitmaps import BLOCK
from gateway.domain.commitment import day_of, pseudonym
from gateway.domain.evidence import Erased, ErasureScope, Pruned
from gateway.pipeline.ports import Ledger

EVERYONE = "*"
_KEPT = ("prune", "erasure", "policy")
"""Records that say what else is missing, or what decided. They are small, and they stay."""

_AT_ONCE = BLOCK


class OnHold(Exception):
    """A legal hold forbids it. The message names the tenant."""


@dataclass(frozen=True, slots=True)
class PrunePlan:
    """The tree's first `upto` records are from before `before` (microseconds); `count` of them are to be dropped.

    `ahead` of those bear a time that has not come yet, by a wrong clock: their place says that they are old."""

    before: int
    upto: int
    count: int
    ahead: int


@dataclass(frozen=True, slots=True)
class ErasePlan:
    """Salts (by writer and sequence) and keys (by tenant and day) to be deleted."""

    scope: ErasureScope
    subject: str
    salts: Sequence[tuple[str, int]]
    keys: Sequence[tuple[str, str]]
    api_key: str = ""


class Retention:
    """Plans and carries out what is deleted. Synchronous but for the two that record."""

    def __init__(self, engine: Engine, ledger: Ledger) -> None:
        self._engine = engine
        self._ledger = ledger

    def plan_prune(self, before: int, now: int) -> PrunePlan:
        """What retention would drop now. Both in microseconds since the epoch."""
        with self._engine.connect() as connection:
            upto = _first_kept(connection, before, now)
            wanted = _droppable(_held(connection), 0, upto)
            counted = select(func.count()).select_from(records.join(tree_entries, _same())).where(wanted)
            total = connection.execute(counted).scalar_one()
            ahead = connection.execute(counted.where(records.c.at > now)).scalar_one()
            return PrunePlan(before, upto, int(total), int(ahead))

    async def prune(self, plan: PrunePlan, now: int) -> None:
        """Record the order, then drop bodies, salts and keys. Raises `GatewayFault` when it cannot be recorded."""
        if plan.count:
            await self._ledger.append(Pruned(at=now, before=plan.before, upto=plan.upto, dropped=plan.count))
            self._drop(plan)

    def plan_erasure(self, *, tenant: str = "", key_id: str = "", decision_id: str = "") -> ErasePlan:
        """What an erasure would delete: of a tenant, an API key, or one decision. Raises `OnHold`; `KeyError` for a key
        or decision that nobody knows."""
        with self._engine.connect() as connection:
            if decision_id:
                return _plan_decision(connection, decision_id)
            return _plan_key(connection, key_id) if key_id else _plan_tenant(connection, tenant)

    async def erase(self, plan: ErasePlan, now: int) -> None:
        """Record the erasure, then delete. Raises `GatewayFault` when it cannot be recorded."""
        said = Erased(at=now, scope=plan.scope, subject=plan.subject, salts=len(plan.salts), keys=len(plan.keys))
        await self._ledger.append(said)
        with self._engine.begin() as connection:
            for at in range(0, len(plan.salts), _AT_ONCE):
                place = tuple_(record_salts.c.writer, record_salts.c.sequence)
                connection.execute(delete(record_salts).where(place.in_(plan.salts[at : at + _AT_ONCE])))
            for tenant, day in plan.keys:
                mine = and_(commitment_keys.c.tenant == tenant, commitment_keys.c.day == day)
                connection.execute(delete(commitment_keys).where(mine))
            if plan.api_key:
                connection.execute(delete(api_keys).where(api_keys.c.id == plan.api_key))

    def holds(self) -> list[tuple[str, int]]:
        """The tenants on hold, and since when."""
        with self._engine.connect() as connection:
            return [(str(tenant), int(at)) for tenant, at in connection.execute(select(*legal_holds.c))]

    def hold(self, tenant: str, now: int) -> None:
        """Put a tenant on hold, or everyone."""
        with self._engine.begin() as connection:
            insert_rows(connection, legal_holds, [(tenant, now)], ignore=True)

    def release(self, tenant: str) -> bool:
        """End a hold; whether there was one."""
        with self._engine.begin() as connection:
            return connection.execute(delete(legal_holds).where(legal_holds.c.tenant == tenant)).rowcount > 0

    def _drop(self, plan: PrunePlan) -> None:
        for first in range(0, plan.upto, _AT_ONCE):
            with self._engine.begin() as connection:
                wanted = _droppable(_held(connection), first, min(first + _AT_ONCE, plan.upto))
                columns = select(records.c.writer, records.c.sequence, tree_entries.c.position)
                rows = connection.execute(columns.select_from(records.join(tree_entries, _same())).where(wanted)).all()
                if not rows:
                    continue
                found = [(str(writer), int(number)) for writer, number, _ in rows]
                for table in (record_salts, records):
                    place = tuple_(table.c.writer, table.c.sequence)
                    connection.execute(delete(table).where(place.in_(found)))
                forget(connection, [position for _, _, position in rows])
        with self._engine.begin() as connection:
            _drop_keys(connection, plan.before)


def _first_kept(connection: Connection, before: int, now: int) -> int:
    """The position of the first record that is not old enough, within what is signed. One from the future keeps nothing
    back: a clock that jumped ahead once would otherwise stop retention until that time has come."""
    signed = connection.execute(select(func.max(checkpoints.c.size))).scalar_one() or 0
    young = select(func.min(tree_entries.c.position)).select_from(tree_entries.join(records, _same()))
    young = young.where(records.c.at.between(before, now), records.c.kind.notin_(_KEPT))
    first = connection.execute(young).scalar_one()
    return int(signed) if first is None else min(int(first), int(signed))


def _droppable(held: Sequence[str], first: int, end: int) -> ColumnElement[bool]:
    if EVERYONE in held:
        return tree_entries.c.position < 0
    here = and_(tree_entries.c.position >= first, tree_entries.c.position < end)
    return and_(here, records.c.kind.notin_(_KEPT), records.c.tenant.notin_(held))


def _drop_keys(connection: Connection, before: int) -> None:
    held = _held(connection)
    if EVERYONE not in held:
        old = and_(commitment_keys.c.day != "", commitment_keys.c.day < day_of(before))
        connection.execute(delete(commitment_keys).where(old, commitment_keys.c.tenant.notin_(held)))


def _plan_tenant(connection: Connection, tenant: str) -> ErasePlan:
    _refuse_held(connection, tenant)
    joined = record_salts.join(records, _salt_of_record())
    salts = select(record_salts.c.writer, record_salts.c.sequence).select_from(joined).where(records.c.tenant == tenant)
    keys = select(commitment_keys.c.tenant, commitment_keys.c.day).where(commitment_keys.c.tenant == tenant)
    return ErasePlan(ErasureScope.TENANT, tenant, _places(connection, salts), _pairs(connection, keys))


def _plan_key(connection: Connection, key_id: str) -> ErasePlan:
    tenant = connection.execute(select(api_keys.c.tenant).where(api_keys.c.id == key_id)).scalar_one_or_none()
    theirs = and_(commitment_keys.c.tenant == tenant, commitment_keys.c.day == "")
    secret = connection.execute(select(commitment_keys.c.key).where(theirs)).scalar_one_or_none()
    if tenant is None or secret is None:
        raise KeyError(key_id)
    _refuse_held(connection, tenant)
    who = pseudonym(bytes(secret), key_id)
    joined = record_salts.join(records, _salt_of_record())
    columns = (record_salts.c.writer, record_salts.c.sequence, records.c.body)
    rows = connection.execute(select(*columns).select_from(joined).where(records.c.tenant == tenant))
    salts = [(writer, sequence) for writer, sequence, body in rows if json.loads(bytes(body)).get("who") == who]
    return ErasePlan(ErasureScope.KEY, who, salts, (), key_id)


def _plan_decision(connection: Connection, decision_id: str) -> ErasePlan:
    joined = record_salts.join(records, _salt_of_record())
    columns = (record_salts.c.writer, record_salts.c.sequence, records.c.tenant)
    rows = connection.execute(select(*columns).select_from(joined).where(records.c.decision_id == decision_id)).all()
    if not rows:
        raise KeyError(decision_id)
    _refuse_held(connection, rows[0].tenant)
    return ErasePlan(ErasureScope.DECISION, decision_id, [(row.writer, row.sequence) for row in rows], ())


def _refuse_held(connection: Connection, tenant: str) -> None:
    held = _held(connection)
    if tenant in held or EVERYONE in held:
        raise OnHold(f"{tenant} is on legal hold")


def _held(connection: Connection) -> list[str]:
    return [str(tenant) for tenant in connection.execute(select(legal_holds.c.tenant)).scalars()]


def _same() -> ColumnElement[bool]:
    return and_(records.c.writer == tree_entries.c.writer, records.c.sequence == tree_entries.c.sequence)


def _salt_of_record() -> ColumnElement[bool]:
    return and_(records.c.writer == record_salts.c.writer, records.c.sequence == record_salts.c.sequence)


def _places(connection: Connection, query: Select[str, int]) -> list[tuple[str, int]]:
    return [(str(writer), int(sequence)) for writer, sequence in connection.execute(query)]


def _pairs(connection: Connection, query: Select[str, str]) -> list[tuple[str, str]]:
    return [(str(tenant), str(day)) for tenant, day in connection.execute(query)]
