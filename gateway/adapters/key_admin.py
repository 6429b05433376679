"""Making and revoking API keys, each with its `admin` record: first the record, then the key."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from gateway.adapters.sql_keys import NewKey, SqlKeys, new_key
from gateway.domain.evidence import Event, EventKind
from gateway.pipeline.ports import Clock, Ledger


@dataclass(frozen=True, slots=True)
class KeysExist:
    """There are keys already."""


class KeyAdmin:
    """Administers the keys of a store. Every change raises `GatewayFault` where it cannot be recorded, undone then."""

    def __init__(self, keys: SqlKeys, ledger: Ledger, clock: Clock) -> None:
        self._keys = keys
        self._ledger = ledger
        self._clock = clock

    async def create(self, *, name: str, tenant: str, app: str) -> NewKey:
        """A new key, valid when this returns. Raises `KeyNameError`."""
        key = new_key(name=name, tenant=tenant, app=app)
        at = await self._record("key_created", key.id)
        await asyncio.to_thread(self._keys.add, key, created=at)
        return key

    async def revoke(self, key_id: str) -> bool:
        """Whether a valid key of this id was there and is revoked now."""
        valid = {key.id for key in await asyncio.to_thread(self._keys.list) if not key.revoked}
        if key_id not in valid:
            return False
        at = await self._record("key_revoked", key_id)
        return await asyncio.to_thread(self._keys.revoke, key_id, at=at)

    async def ensure_first_key(self) -> NewKey | KeysExist:
        """The first key, where no key was ever made. It is returned this once."""
        if not await asyncio.to_thread(self._keys.is_empty):
            return KeysExist()
        return await self.create(name="first", tenant="default", app="default")

    async def _record(self, action: str, subject: str) -> int:
        at = self._clock.now()
        await self._ledger.append(Event(kind=EventKind.ADMIN, at=at, action=action, subject=subject))
        return at
