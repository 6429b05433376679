"""API keys in the database: `gw_<id>_<secret>`, kept only as the SHA-256 of the whole key.

A secret holds 32 random bytes, so a plain digest cannot be guessed. A key that was found is remembered for
`REMEMBER_SECONDS`: a request normally costs no query, and a revocation holds within that time.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from sqlalchemy import Engine, exists, insert, select, update

from gateway.adapters.tables import api_keys
from gateway.domain.errors import ErrorCode, GatewayFault
from gateway.domain.evidence import SYNTHETIC, Event, EventKind
from gateway.pipeline.ports import Clock, Ledger, Principal, UnknownKey

REMEMBER_SECONDS = 2.0
MAX_REMEMBERED = 10_000

_KEY = re.compile(r"gw_([0-9a-z]{12})_[A-Za-z0-9_-]{43}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")
_ID_LETTERS = "0123456789abcdefghijklmnopqrstuvwxyz"


class KeyNameError(Exception):
    """A name, tenant or app that a key cannot have."""


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key that was just made. `key` is shown once and kept nowhere."""

    id: str
    key: str = field(repr=False)
    hash: bytes = field(repr=False)
    name: str
    tenant: str
    app: str


@dataclass(frozen=True, slots=True)
class ListedKey:
    """A key as it may be shown. Times in microseconds since the epoch; `revoked` is 0 for a key that is not."""

    id: str
    name: str
    tenant: str
    app: str
    created: int
    revoked: int


def _new_key(*, name: str, tenant: str, app: str) -> NewKey:
    """A fresh key, not stored yet."""
    for what, value in (("name", name), ("tenant", tenant), ("app", app)):
        if _NAME.fullmatch(value) is None:
            raise KeyNameError(
                f"{what}: up to 63 letters, digits, dots, dashes and underscores, a letter or digit first"
            )
        if value == SYNTHETIC:
            raise KeyNameError(f"{what}: {SYNTHETIC} is the name of requests that the gateway makes itself")
    key_id = "".join(secrets.choice(_ID_LETTERS) for _ in range(12))
    key = f"gw_{key_id}_{secrets.token_urlsafe(32)}"
    return NewKey(key_id, key, _digest(key), name, tenant, app)


class SqlKeys:
    """Implements `ports.KeyStore`, and administers the keys. For one event loop.

    Every change is recorded first: it raises `GatewayFault` where it cannot be, and is not made then.
    """

    def __init__(self, engine: Engine, clock: Clock, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._engine = engine
        self._clock = clock
        self._monotonic = monotonic
        self._known: dict[bytes, tuple[Principal, float]] = {}
        self._asking: dict[bytes, asyncio.Task[Principal | UnknownKey]] = {}

    async def find(self, presented: str) -> Principal | UnknownKey:
        """Whose key this is. Raises `GatewayFault(INTERNAL_ERROR)` when the store cannot be read."""
        form = _KEY.fullmatch(presented)
        if form is None:
            return UnknownKey()
        digest = _digest(presented)
        principal, until = self._known.get(digest, (UnknownKey(), 0.0))
        if isinstance(principal, Principal) and self._monotonic() < until:
            return principal
        return await asyncio.shield(self._ask(form[1], digest))

    async def create(self, ledger: Ledger, *, name: str, tenant: str, app: str, by: str = "") -> NewKey:
        """A new key, valid when this returns; `by` is the account that makes it. Raises `KeyNameError`."""
        key = _new_key(name=name, tenant=tenant, app=app)
        at = await self._record(ledger, "key_created", key.id, by)
        await asyncio.to_thread(self._add, key, at)
        return key

    async def revoke(self, ledger: Ledger, key_id: str, by: str = "") -> bool:
        """Revoke a key for good; whether there was a valid one of this id."""
        if key_id not in {key.id for key in await self.list() if not key.revoked}:
            return False
        at = await self._record(ledger, "key_revoked", key_id, by)
        return await asyncio.to_thread(self._mark_revoked, key_id, at)

    async def ensure_first_key(self, ledger: Ledger) -> str:
        """A key for a store in which none was ever made: returned this once. An empty string for any other store."""
        if not await asyncio.to_thread(self._is_empty):
            return ""
        return (await self.create(ledger, name="first", tenant="default", app="default")).key

    async def list(self) -> tuple[ListedKey, ...]:
        """All keys, the oldest first."""
        return await asyncio.to_thread(self._list)

    async def _record(self, ledger: Ledger, action: str, subject: str, by: str) -> int:
        at = self._clock.now()
        await ledger.append(Event(kind=EventKind.ADMIN, at=at, action=action, subject=subject, who=by))
        return at

    def _add(self, key: NewKey, created: int) -> None:
        row = {"id": key.id, "hash": key.hash, "name": key.name, "tenant": key.tenant, "app": key.app}
        with self._engine.begin() as connection:
            connection.execute(insert(api_keys).values(**row, created=created, revoked=0))

    def _mark_revoked(self, key_id: str, at: int) -> bool:
        valid = (api_keys.c.id == key_id) & (api_keys.c.revoked == 0)
        with self._engine.begin() as connection:
            return connection.execute(update(api_keys).where(valid).values(revoked=at)).rowcount == 1

    def _is_empty(self) -> bool:
        with self._engine.connect() as connection:
            return not connection.execute(select(exists(select(api_keys.c.id)))).scalar_one()

    def _list(self) -> tuple[ListedKey, ...]:
        columns = (api_keys.c[name] for name in ("id", "name", "tenant", "app", "created", "revoked"))
        with self._engine.connect() as connection:
            rows = connection.execute(select(*columns).order_by(api_keys.c.created, api_keys.c.id))
            return tuple(ListedKey(*row) for row in rows)

    def _ask(self, key_id: str, digest: bytes) -> asyncio.Task[Principal | UnknownKey]:
        """One query for a key, however many requests wait for it."""
        task = self._asking.get(digest)
        if task is None:
            task = asyncio.get_running_loop().create_task(self._look_up(key_id, digest))
            self._asking[digest] = task
            task.add_done_callback(lambda _: self._asking.pop(digest, None))
        return task

    async def _look_up(self, key_id: str, digest: bytes) -> Principal | UnknownKey:
        asked = self._monotonic()
        try:
            found = await asyncio.to_thread(self._read, key_id, digest)
        except Exception:  # noqa: BLE001 - whatever the database does, nobody is let in
            raise GatewayFault(ErrorCode.INTERNAL_ERROR) from None
        self._known.pop(digest, None)
        if isinstance(found, Principal):
            while len(self._known) >= MAX_REMEMBERED:
                self._known.pop(next(iter(self._known)))
            self._known[digest] = (found, asked + REMEMBER_SECONDS)
        return found

    def _read(self, key_id: str, digest: bytes) -> Principal | UnknownKey:
        with self._engine.connect() as connection:
            row = connection.execute(select(api_keys).where(api_keys.c.id == key_id)).first()
        stored = bytes(row.hash) if row is not None else bytes(32)
        if not hmac.compare_digest(stored, digest) or row is None or row.revoked:
            return UnknownKey()
        return Principal(key_id=row.id, name=row.name, tenant=row.tenant, app=row.app)


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()
