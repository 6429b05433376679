"""The console's composition: as a part of a gateway, and as a host of its own beside one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace

from fastapi import FastAPI
from starlette.types import ASGIApp

from gateway.adapters.database import Database, open_database, upgrade
from gateway.adapters.file_policies import FilePolicies, PolicyErrors
from gateway.adapters.ledger_key import LedgerKey
from gateway.adapters.rounds import Rounds
from gateway.adapters.sql_accounts import Invitation, SqlAccounts
from gateway.adapters.sql_keys import SqlKeys
from gateway.adapters.sql_policies import SqlRevisions
from gateway.adapters.sql_reviews import SqlReviews
from gateway.adapters.sql_views import SqlViews
from gateway.clock import SystemClock
from gateway.console.app import PATH, create_console
from gateway.console.asked import ConsoleParts, IdentityProvider
from gateway.console.sampling import WeeklySample
from gateway.domain.errors import GatewayFault
from gateway.domain.policy import Bundle
from gateway.ledger import command_ledger, outside_of, signer_of, verification_of
from gateway.parts import policies_folder, policies_of
from gateway.pipeline.ports import Clock, Health, Ledger, PolicySource
from gateway.settings import ConfigError, Settings, oidc_secret
from gateway.wire.app import Edge
from gateway.wire.health import HealthCheck


def console_parts(
    *,
    settings: Settings,
    environment: Mapping[str, str],
    engine: Database,
    key: LedgerKey,
    ledger: Ledger,
    clock: Clock,
    policies: PolicySource,
    health: Mapping[str, HealthCheck],
    verify_soon: Callable[[], None],
) -> ConsoleParts:
    """What a console is made of, from what a gateway has. Sessions are signed with a secret of the ledger's key, so
    that every process which has the key knows them. Raises `ConfigError` for a secret that cannot be read."""
    return ConsoleParts(
        database=engine,
        ledger=ledger,
        clock=clock,
        accounts=SqlAccounts(engine, clock),
        keys=SqlKeys(engine, clock),
        views=SqlViews(engine, clock),
        reviews=SqlReviews(engine, clock),
        policies=policies,
        policies_folder=policies_folder(settings),
        settings=settings,
        health=health,
        secret=key.derived_secret(b"console sessions"),
        public_key=signer_of(settings.ledger, key).public_key,
        outside=outside_of(settings.ledger),
        verify_soon=verify_soon,
        oidc=_provider_of(settings, environment),
    )


def sampling_of(parts: ConsoleParts, leads: Callable[[], bool]) -> list[Rounds]:
    """What draws the sample of each week, where the settings want one."""
    wanted = parts.settings.console.weekly_sample
    return [Rounds("weekly sample", WeeklySample(parts, leads).look)] if wanted else []


def _provider_of(settings: Settings, environment: Mapping[str, str]) -> IdentityProvider | None:
    chosen = settings.console.oidc
    if not chosen.issuer:
        return None
    from gateway.adapters.oidc import OidcProvider  # noqa: PLC0415 - loads an HTTP client that nothing else needs

    base = settings.console.base_url or f"http://{settings.server.host}:{settings.server.port}"
    secret = oidc_secret(chosen, environment).get_secret_value()
    return OidcProvider(chosen.issuer, chosen.client_id, secret, f"{base}{PATH}/oidc/back")


class ConsoleHost:
    """A process that serves the console alone. It records what is looked at in `ledger`, verifies it where no other
    process does (`verification`), and decides nothing; `parts` are those of its console, `rounds` what it looks for now
    and then.

    Raises `ConfigError`, `DatabaseUnfit` and `LedgerKeyError`."""

    def __init__(self, settings: Settings, environment: Mapping[str, str]) -> None:
        clock = SystemClock()
        key = LedgerKey.load(settings.ledger.key_file)
        self._engine = open_database(settings.database.url.get_secret_value())
        self.ledger = command_ledger(settings.ledger, self._engine, key, clock)
        self.verification = verification_of(settings.ledger, self._engine, key, self.ledger, clock)
        verifying = Rounds("ledger verification", self.verification.look)
        try:
            self._policies = _Shown(policies_of(settings))
        except PolicyErrors as error:
            raise ConfigError(f"the policies cannot be loaded:\n{error}") from None
        self.parts = console_parts(
            settings=settings,
            environment=environment,
            engine=self._engine,
            key=key,
            ledger=self.ledger,
            clock=clock,
            policies=self._policies,
            health={"ledger": self.ledger.health},
            verify_soon=verifying.hurry,
        )
        self.rounds = [verifying, *sampling_of(self.parts, lambda: self.ledger.leads)]
        site = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
        site.mount(PATH, create_console(self.parts))
        self.app: ASGIApp = Edge(site, frozenset(), (PATH,))

    async def start(self) -> None:
        """Bring the tables up to date, and be ready to record."""
        await asyncio.to_thread(upgrade, self._engine)
        await self.ledger.start()
        await self._policies.number(SqlRevisions(self._engine))
        for each in self.rounds:
            each.start()

    async def first_invitation(self) -> Invitation | None:
        """That of the first administrator, while nobody has accepted one."""
        return await self.parts.accounts.first_invitation(self.ledger)

    async def stop(self) -> None:
        """Finish recording."""
        for each in self.rounds:
            await each.stop()
        await self.ledger.close()
        self._engine.dispose()


class _Shown:
    """Implements `PolicySource`: the bundle of the folder, as it was when the console started."""

    def __init__(self, files: FilePolicies) -> None:
        self._files = files.files
        self._bundle = files.current()

    async def number(self, revisions: SqlRevisions) -> None:
        """Have the revision that gateways give it. Raises `ConfigError`."""
        try:
            self._bundle = replace(self._bundle, revision=await revisions.of(self._bundle.digest, self._files))
        except GatewayFault:
            raise ConfigError("the database cannot be asked for the revision of the policies") from None

    def current(self) -> Bundle:
        """The bundle."""
        return self._bundle

    def health(self) -> Health:
        """Always well: nothing is decided here."""
        return Health(ok=True, detail="")
