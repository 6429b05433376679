"""The accounts of the console in the database: passwords by Argon2, invitations by a one-time token, lock-out.

Every change is recorded first, and is not made where it cannot be. Nothing is ever deleted: an account is disabled.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from dataclasses import dataclass, field

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import ColumnElement, Engine, Row, and_, case, func, insert, or_, select, update

from gateway.adapters.tables import console_accounts as accounts
from gateway.domain.accounts import Account, Role, Sight, is_account_name
from gateway.domain.evidence import Event, EventKind
from gateway.pipeline.ports import Clock, Ledger

MOST_TRIES = 5
LOCKED_US = 15 * 60 * 1_000_000
INVITED_US = 24 * 3600 * 1_000_000
LEAST_PASSWORD = 12
_MOST_PASSWORD = 1000
_ID_LETTERS = "0123456789abcdefghijklmnopqrstuvwxyz"
_AT_ONCE = 2
"""Passwords that are hashed at the same time: each takes 64 MiB and a processor."""


class AccountError(Exception):
    """What was asked for cannot be. The message says why, and shows no value."""


@dataclass(frozen=True, slots=True)
class Invitation:
    """A token that lets its holder choose the password of an account, once. It is kept nowhere."""

    account_id: str
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class NotIn:
    """Nobody is let in: a wrong name or password, or, where `locked`, too many tries. `account_id` is empty for a name
    that nobody has."""

    account_id: str
    locked: bool


class SqlAccounts:
    """Administers accounts, and lets their holders in."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock
        self._hasher = PasswordHasher()
        self._decoy = self._hasher.hash(secrets.token_urlsafe(16))
        self._hashing = asyncio.Semaphore(_AT_ONCE)

    async def list(self) -> tuple[Account, ...]:
        """All accounts, the oldest first."""
        return await asyncio.to_thread(self._list)

    async def find(self, account_id: str) -> Account | None:
        """The account of this id, unless it is disabled or not there."""
        found = await asyncio.to_thread(self._row, accounts.c.id == account_id)
        return None if found is None or found.disabled else _account(found)

    async def invite(self, ledger: Ledger, name: str, role: Role, sight: Sight, by: str = "") -> Invitation:
        """Make an account, or invite the holder of one anew: then the old password and all sessions end.

        Raises `AccountError`, and `GatewayFault` where it cannot be recorded."""
        if not is_account_name(name):
            raise AccountError("a name is letters, digits and . _ @ + -, at most 120, a letter or digit first")
        known = await asyncio.to_thread(self._row, accounts.c.name == name)
        invitation = Invitation(known.id if known is not None else _new_id(), secrets.token_urlsafe(32))
        at = await self._record(ledger, f"account_invited_as_{role.value}", invitation.account_id, by)
        await asyncio.to_thread(self._invite, invitation, name, role, sight, at, known is None)
        return invitation

    async def first_invitation(self, ledger: Ledger) -> Invitation | None:
        """An invitation of the first administrator, while nobody has accepted one."""
        if await asyncio.to_thread(self._anyone):
            return None
        return await self.invite(ledger, "administrator", Role.ADMINISTRATOR, Sight())

    async def accept(self, ledger: Ledger, token: str, password: str) -> Account:
        """Choose the password of an invited account. Raises `AccountError`."""
        if not LEAST_PASSWORD <= len(password) <= _MOST_PASSWORD:
            raise AccountError(f"a password has at least {LEAST_PASSWORD} characters")
        invited = and_(accounts.c.invite == _digest(token), accounts.c.invite_until > self._clock.now())
        row = await asyncio.to_thread(self._row, invited)
        if row is None or row.disabled:
            raise AccountError("this invitation was used, has run out, or never was one")
        async with self._hashing:
            hashed = await asyncio.to_thread(self._hasher.hash, password)
        await self._record(ledger, "account_accepted", row.id, row.id)
        new = {"secret": hashed, "invite": b"", "invite_until": 0, "failed": 0, "locked_until": 0}
        if not await asyncio.to_thread(self._change, invited, {**new, "epoch": accounts.c.epoch + 1}):
            raise AccountError("this invitation was used, has run out, or never was one")
        accepted = await self.find(row.id)
        assert accepted is not None
        return accepted

    async def sign_in(self, name: str, password: str) -> Account | NotIn:
        """Whose name and password these are. A try is counted before it is looked at, so that none is free."""
        row = await asyncio.to_thread(self._row, accounts.c.name == name)
        tried = row is not None and await asyncio.to_thread(self._try, row.id)
        right = await self._verified(row.secret if row is not None and tried else "", password)
        if row is None or not tried or not right or row.disabled:
            return NotIn(row.id if row is not None else "", locked=row is not None and not tried)
        await asyncio.to_thread(self._change, accounts.c.id == row.id, {"failed": 0, "locked_until": 0})
        return _account(row)

    async def known_elsewhere(self, ledger: Ledger, subject: str, name: str, role: Role) -> Account:
        """The account of somebody whom an identity provider vouches for: made at the first time, with the role of the
        day. Raises `AccountError` for one that is disabled here."""
        row = await asyncio.to_thread(self._row, accounts.c.subject == subject)
        if row is None:
            account_id = _new_id()
            at = await self._record(ledger, f"account_created_as_{role.value}", account_id)
            taken = not name or await asyncio.to_thread(self._row, accounts.c.name == name) is not None
            called = f"{name}.{account_id}".lstrip(".") if taken else name
            await asyncio.to_thread(self._add, {**_EMPTY, "id": account_id, "name": called, "role": role.value,
                                                "subject": subject, "created": at})  # fmt: skip
        elif row.disabled:
            raise AccountError("this account is disabled")
        elif row.role != role.value:
            await self._record(ledger, f"account_became_{role.value}", row.id)
            await asyncio.to_thread(self._change, accounts.c.id == row.id, {"role": role.value, **_ENDS})
        found = await asyncio.to_thread(self._row, accounts.c.subject == subject)
        assert found is not None
        return _account(found)

    async def end_sessions(self, account_id: str) -> None:
        """Every session of an account ends."""
        await asyncio.to_thread(self._change, accounts.c.id == account_id, {"epoch": accounts.c.epoch + 1})

    async def change_role(self, ledger: Ledger, account_id: str, role: Role, sight: Sight, by: str) -> bool:
        """Give an account another role and sight. Whether there is one."""
        await self._record(ledger, f"account_became_{role.value}", account_id, by)
        new = {"role": role.value, "tenant": sight.tenant, "since": sight.since, "until": sight.until}
        return await asyncio.to_thread(self._change, accounts.c.id == account_id, {**new, **_ENDS})

    async def disable(self, ledger: Ledger, account_id: str, by: str) -> bool:
        """Let nobody in with this account any more. Whether there was one that was not disabled."""
        at = await self._record(ledger, "account_disabled", account_id, by)
        still = and_(accounts.c.id == account_id, accounts.c.disabled == 0)
        return await asyncio.to_thread(self._change, still, {"disabled": at, **_ENDS})

    async def _record(self, ledger: Ledger, action: str, account_id: str, by: str = "") -> int:
        at = self._clock.now()
        await ledger.append(Event(kind=EventKind.ADMIN, at=at, action=action, subject=account_id, who=by))
        return at

    async def _verified(self, hashed: str, password: str) -> bool:
        """Whether the password is the one; as slow for an account that there is not."""
        async with self._hashing:
            right = await asyncio.to_thread(self._verify, hashed or self._decoy, password[:_MOST_PASSWORD])
        return right and bool(hashed)

    def _verify(self, hashed: str, password: str) -> bool:
        try:
            return self._hasher.verify(hashed, password)
        except (VerificationError, InvalidHashError):
            return False

    def _try(self, account_id: str) -> bool:
        """Count a try; whether it may be made. The last one locks, and an old lock is forgotten."""
        now = self._clock.now()
        over = and_(accounts.c.locked_until > 0, accounts.c.locked_until <= now)
        failed = case((over, 1), else_=accounts.c.failed + 1)
        locked = case((failed >= MOST_TRIES, now + LOCKED_US), else_=0)
        may = and_(accounts.c.id == account_id, or_(accounts.c.failed < MOST_TRIES, over))
        return self._change(may, {"failed": failed, "locked_until": locked})

    def _invite(self, invitation: Invitation, name: str, role: Role, sight: Sight, at: int, new: bool) -> None:  # noqa: FBT001 - private, called once
        told = {"invite": _digest(invitation.token), "invite_until": at + INVITED_US, "role": role.value,
                "tenant": sight.tenant, "since": sight.since, "until": sight.until}  # fmt: skip
        if new:
            self._add({**_EMPTY, **told, "id": invitation.account_id, "name": name, "created": at})
        else:
            again = {"secret": "", "failed": 0, "locked_until": 0, "disabled": 0, **_ENDS}
            self._change(accounts.c.id == invitation.account_id, {**told, **again})

    def _add(self, row: dict[str, object]) -> None:
        with self._engine.begin() as connection:
            connection.execute(insert(accounts).values(**row))

    def _change(self, which: ColumnElement[bool], new: dict[str, object]) -> bool:
        with self._engine.begin() as connection:
            return connection.execute(update(accounts).where(which).values(**new)).rowcount == 1

    def _row(self, which: ColumnElement[bool]) -> Row | None:  # type: ignore[type-arg]  # all columns of the table
        with self._engine.connect() as connection:
            return connection.execute(select(accounts).where(which)).first()

    def _list(self) -> tuple[Account, ...]:
        with self._engine.connect() as connection:
            rows = connection.execute(select(accounts).order_by(accounts.c.created, accounts.c.id))
            return tuple(_account(row) for row in rows)

    def _anyone(self) -> bool:
        in_use = or_(accounts.c.secret != "", accounts.c.subject != "")
        with self._engine.connect() as connection:
            return bool(connection.execute(select(func.count()).select_from(accounts).where(in_use)).scalar_one())


_ENDS: dict[str, object] = {"epoch": accounts.c.epoch + 1}
_EMPTY: dict[str, object] = {
    "secret": "", "subject": "", "role": "", "tenant": "", "since": Sight().since, "until": Sight().until,
    "invite": b"", "invite_until": 0, "epoch": 0, "failed": 0, "locked_until": 0, "disabled": 0,
}  # fmt: skip


def _account(row: Row) -> Account:  # type: ignore[type-arg]  # as above
    return Account(
        id=row.id,
        name=row.name,
        role=Role(row.role),
        sight=Sight(row.tenant, row.since, row.until),
        epoch=row.epoch,
        created=row.created,
        disabled=row.disabled,
        local=bool(row.secret),
    )


def _new_id() -> str:
    return "ac-" + "".join(secrets.choice(_ID_LETTERS) for _ in range(12))


def _digest(token: str) -> bytes:
    """A token holds 32 random bytes, so a plain digest cannot be guessed."""
    return hashlib.sha256(token.encode()).digest()
