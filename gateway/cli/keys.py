"""`gateway keys`: make, list and revoke API keys."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TypeVar

import click
from rich.console import Console
from rich.table import Table

from gateway.adapters.database import Database, DatabaseUnfit, open_database, upgrade
from gateway.adapters.ledger_key import LedgerKey, LedgerKeyError
from gateway.adapters.sql_keys import KeyNameError, ListedKey, SqlKeys
from gateway.adapters.sql_ledger import SqlLedger
from gateway.cli import stop_for_configuration
from gateway.cli.options import config_option, settings_of
from gateway.clock import SystemClock
from gateway.domain.errors import GatewayFault
from gateway.ledger import command_ledger
from gateway.settings import Settings

_T = TypeVar("_T")


@click.group()
def keys() -> None:
    """API keys: create, list, revoke."""


@keys.command("create")
@click.option("--name", required=True, help="What the key is for.")
@click.option("--tenant", default="default", show_default=True, help="Whose requests they are.")
@click.option("--app", default="", help="The application, as policies name it (default: the name).")
@click.option("--json", "as_json", is_flag=True, help='Print {"id", "key"}.')
@config_option
def create(config: str, name: str, tenant: str, app: str, *, as_json: bool) -> None:
    """Make a key. It is shown once; only its hash is stored."""
    try:
        key = _run(
            settings_of(config), lambda keys, ledger: keys.create(ledger, name=name, tenant=tenant, app=app or name)
        )
    except KeyNameError as error:
        raise click.UsageError(str(error)) from None
    if as_json:
        click.echo(json.dumps({"id": key.id, "key": key.key}))
    else:
        click.echo(f"Key {key.id} for app {key.app} of tenant {key.tenant}, shown this once:\n\n    {key.key}\n")


@keys.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print a list of objects.")
@config_option
def list_keys(config: str, *, as_json: bool) -> None:
    """All keys, without their secrets."""
    listed = _with_database(settings_of(config), lambda database: asyncio.run(SqlKeys(database, SystemClock()).list()))
    if as_json:
        click.echo(json.dumps([_shown(key) for key in listed]))
    else:
        _print_table(listed)


@keys.command("revoke")
@click.argument("key_id", metavar="ID")
@config_option
def revoke(config: str, key_id: str) -> None:
    """Revoke a key for good. Running gateways notice within two seconds."""
    if not _run(settings_of(config), lambda keys, ledger: keys.revoke(ledger, key_id)):
        click.echo("There is no valid key of this id.", err=True)
        sys.exit(1)
    click.echo(f"Key {key_id} is revoked.")


def _run(settings: Settings, work: Callable[[SqlKeys, SqlLedger], Awaitable[_T]]) -> _T:
    """Do something with the keys and record it. Exits with 78 when the ledger cannot be used."""
    try:
        key = LedgerKey.load(settings.ledger.key_file)
    except LedgerKeyError as error:
        stop_for_configuration(str(error))
        raise

    async def administer(database: Database) -> _T:
        ledger = command_ledger(settings.ledger, database, key, SystemClock())
        await ledger.start(announce=False)
        try:
            return await work(SqlKeys(database, SystemClock()), ledger)
        finally:
            await ledger.close()

    return _with_database(settings, lambda database: asyncio.run(administer(database)))


def _with_database(settings: Settings, work: Callable[[Database], _T]) -> _T:
    try:
        database = open_database(settings.database.url.get_secret_value())
        upgrade(database)
        result = work(database)
        database.dispose()
    except DatabaseUnfit as error:
        stop_for_configuration(str(error))
        raise
    except GatewayFault:
        stop_for_configuration("the change could not be recorded in the ledger, so nothing was changed")
        raise
    return result


def _shown(key: ListedKey) -> dict[str, str | None]:
    revoked = _time(key.revoked) if key.revoked else None
    created = _time(key.created)
    return {
        "id": key.id,
        "name": key.name,
        "tenant": key.tenant,
        "app": key.app,
        "created": created,
        "revoked": revoked,
    }


def _time(at: int) -> str:
    return datetime.fromtimestamp(at // 1_000_000, UTC).isoformat()


def _print_table(listed: tuple[ListedKey, ...]) -> None:
    table = Table("id", "name", "tenant", "app", "created", "revoked")
    for key in listed:
        table.add_row(
            key.id, key.name, key.tenant, key.app, _time(key.created), _time(key.revoked) if key.revoked else ""
        )
    Console(width=100).print(table)
