"""A request that came through the gate, and what a page answers it with."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypeVar

from gateway.adapters.database import Database
from gateway.adapters.sql_accounts import SqlAccounts
from gateway.adapters.sql_audit import SqlAudit, looked_up
from gateway.adapters.sql_keys import SqlKeys
from gateway.adapters.sql_reviews import SqlReviews
from gateway.adapters.sql_views import SqlViews
from gateway.console.sessions import Session
from gateway.domain.accounts import Account, Begun
from gateway.domain.evidence import ViewAction, Viewed
from gateway.domain.strict_json import Json
from gateway.pipeline.ports import Clock, Ledger, PolicySource
from gateway.settings import Settings
from gateway.verifier.checks import Outside
from gateway.wire.health import HealthCheck

_T = TypeVar("_T")


class IdentityProvider(Protocol):
    """Vouches for people who sign in elsewhere. Both methods raise `NotVouched`."""

    async def begin(self) -> Begun:
        """Begin."""
        ...

    async def finish(self, code: str, nonce: str, verifier: str) -> Mapping[str, Json]:
        """The claims of whoever came back with this code."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsoleParts:
    """What the console is made of. `secret` signs its sessions, `public_key` is what auditors check the ledger with.
    `outside` are the witnesses that have to have cosigned it, `verify_soon` has it verified now rather than later.
    `oidc` is `None` where only local accounts sign in."""

    database: Database
    ledger: Ledger
    clock: Clock
    accounts: SqlAccounts
    keys: SqlKeys
    views: SqlViews
    reviews: SqlReviews
    policies: PolicySource
    policies_folder: Path
    settings: Settings
    health: Mapping[str, HealthCheck]
    secret: bytes = field(repr=False)
    public_key: str
    outside: Outside
    verify_soon: Callable[[], None]
    oidc: IdentityProvider | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request. `account` is `None` while nobody is signed in, which only routes for everyone see."""

    parts: ConsoleParts
    session: Session
    account: Account | None
    path: Mapping[str, str] = field(repr=False)
    query: Mapping[str, str] = field(repr=False)
    form: Mapping[str, str] = field(repr=False)
    link: str = field(repr=False)

    @property
    def holder(self) -> Account:
        """Who asks, on a route that demands a role."""
        if self.account is None:
            raise Refused(403, "Sign in first.")
        return self.account

    async def read(self, work: Callable[[SqlAudit], _T]) -> _T:
        """What `work` finds in the ledger. Raises `DatabaseUnfit`."""
        return await asyncio.to_thread(looked_up, self.parts.database, work)

    async def record(self, action: ViewAction, who: str = "", subject: str = "") -> None:
        """Record that something is seen. Raises `GatewayFault` where that cannot be: then it must not be."""
        seen = Viewed(at=self.parts.clock.now(), action=action, who=who or self.who, subject=subject)
        await self.parts.ledger.append(seen)

    @property
    def who(self) -> str:
        """The id of the account that asks; empty for nobody."""
        return self.account.id if self.account is not None else ""


@dataclass(frozen=True, slots=True)
class Page:
    """A template with what it tells. `session` replaces the one that asked."""

    template: str
    told: Mapping[str, object]
    status: int = 200
    session: Session | None = None


@dataclass(frozen=True, slots=True)
class Redirect:
    """Go there. `session` as in `Page`."""

    to: str
    session: Session | None = None


@dataclass(frozen=True, slots=True)
class Download:
    """A file to be saved under a name; it is removed once it was sent."""

    file: Path
    name: str
    media_type: str


Answer = Page | Redirect | Download


class Refused(Exception):
    """A request that is not answered. `told` is constant text for the page."""

    def __init__(self, status: int, told: str) -> None:
        super().__init__(told)
        self.status = status
        self.told = told
