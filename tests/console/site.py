"""A console over a ledger of its own, in this process: for tests that ask it directly, and for those with a browser."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import html
import re
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from unittest import mock

import httpx
import pytest
from argon2 import PasswordHasher
from pydantic import SecretStr

from gateway.adapters import sql_accounts
from gateway.adapters.sql_accounts import SqlAccounts
from gateway.adapters.sql_audit import until_signed
from gateway.console_host import ConsoleHost
from gateway.domain.accounts import Role, Sight
from gateway.domain.evidence import Evidence
from gateway.settings import Console, Database, Ledger, Oidc, Settings
from tests.adapters.ledger_house import House, house_at
from tests.evidence import CLOCK

ON_BOTH_DATABASES = pytest.mark.parametrize("site", ["sqlite", "postgresql"], indirect=True, scope="module")
"""For a file of tests: each of them with a console over SQLite, and with one over PostgreSQL."""
PASSWORD = "correct horse battery staple"
BASE = "https://console.test"


class Form(httpx.AsyncClient):
    """A browser without a screen: it keeps cookies and sends the token of the last page with every form."""

    token = ""

    async def page(self, path: str) -> str:
        """The text of a page, which has to be there."""
        response = await self.get(path)
        assert response.status_code == 200, (path, response.status_code, response.text)
        self._take(response)
        return html.unescape(response.text)

    async def submit(self, path: str, **fields: str) -> httpx.Response:
        """Post a form."""
        response = await self.post(path, data={"token": self.token, **fields})
        self._take(response)
        return response

    def _take(self, response: httpx.Response) -> None:
        found = re.search(r'name="token" value="([^"]+)"', response.text)
        self.token = found[1] if found else self.token


@dataclass
class Site:
    """The console, and what lies under it."""

    house: House
    host: ConsoleHost
    accounts: SqlAccounts
    clients: dict[str, Form] = field(default_factory=dict)

    @property
    def whole(self) -> Sight:
        """All of the ledger."""
        return Sight()

    def visitor(self) -> Form:
        """Somebody who has not signed in."""
        transport = httpx.ASGITransport(app=self.host.app)
        return Form(transport=transport, base_url=BASE, headers={"sec-fetch-site": "same-origin"})

    async def person(self, name: str, role: Role, sight: Sight | None = None) -> Form:
        """Somebody of this role, signed in; the same for the same name."""
        if name not in self.clients:
            client = self.visitor()
            invitation = await self.accounts.invite(self.host.ledger, name, role, sight or Sight())
            await client.page(f"/console/invitation/{invitation.token}")
            sent = await client.submit(f"/console/invitation/{invitation.token}", password=PASSWORD, again=PASSWORD)
            assert sent.status_code == 303, sent.text
            await client.page("/console/")
            self.clients[name] = client
        return self.clients[name]

    def records(self, kind: str) -> Sequence[str]:
        """The bodies of all records of a kind, in the order of time."""
        found = self.house.rows(f"SELECT body FROM records WHERE kind = '{kind}' ORDER BY at, sequence")
        return [bytes(row[0]).decode() for row in found]  # type: ignore[call-overload]

    def add(self, *evidence: Evidence, writer: str = "gw-0000aaaa") -> None:
        """Records of a gateway."""
        self.house.write(writer, *evidence)

    async def settle(self) -> None:
        """All that was written is signed and indexed."""
        assert await asyncio.to_thread(until_settled, self.house)


def until_settled(house: House) -> bool:
    """Wait until what was written is signed and indexed, which the console's own process sees to."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        signed = until_signed(house.engine, 1)
        [(indexed, size)] = house.rows(
            "SELECT position, (SELECT max(position) + 1 FROM tree_entries) FROM search_progress"
        )
        if signed and indexed == size:
            return True
    return False


def sqlite_at(folder: Path) -> str:
    """The URL of a database in a folder."""
    return f"sqlite:///{folder}/gateway.db"


def settings_at(folder: Path, oidc: Oidc | None = None, url: str = "") -> Settings:
    """A console's settings over a database, else one in the folder."""
    return Settings(
        database=Database(url=SecretStr(url or sqlite_at(folder))),
        ledger=Ledger(key_file=folder / "ledger.key", signed_file=str(folder / "signed"), origin="ledger.test/acme",
                      append_deadline_ms=10_000),
        console=Console(oidc=oidc or Oidc(), weekly_sample=False),
    )  # fmt: skip


def weak_hashes() -> contextlib.AbstractContextManager[object]:
    """Passwords are hashed in no time: what Argon2 costs is not what these tests are about."""
    weak = functools.partial(PasswordHasher, time_cost=1, memory_cost=8, parallelism=1)
    return mock.patch.object(sql_accounts, "PasswordHasher", weak)


@contextlib.asynccontextmanager
async def site_at(folder: Path, oidc: Oidc | None = None, url: str = "") -> AsyncIterator[Site]:
    """A console that runs, over the database of a URL, else one in the folder."""
    with weak_hashes(), house_at(url or sqlite_at(folder), folder) as house:
        settings = settings_at(folder, oidc, url)
        host = ConsoleHost(settings, {"OIDC_SECRET": "secret"})
        await host.start()
        for each in host.rounds:  # what looks by itself would write records among those of a test
            await each.stop()
        site = Site(house, host, SqlAccounts(house.engine, CLOCK))
        yield site
        for client in site.clients.values():
            await client.aclose()
        await host.stop()
