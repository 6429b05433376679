"""`gateway console`: serve the console alone, and invite people to it."""

from __future__ import annotations

import asyncio
import os
import sys
from datetime import UTC, datetime, time

import click
import uvloop

from gateway import logs
from gateway.adapters.database import DatabaseUnfit, open_database, upgrade
from gateway.adapters.ledger_key import LedgerKey, LedgerKeyError
from gateway.adapters.sql_accounts import AccountError, Invitation, SqlAccounts
from gateway.cli import EXIT_CONFIG, stop_for_configuration
from gateway.cli.http import AnnouncingServer, config_of
from gateway.cli.options import config_option, settings_of
from gateway.clock import SystemClock
from gateway.console_host import ConsoleHost
from gateway.domain.accounts import FAR, Role, Sight
from gateway.domain.errors import GatewayFault
from gateway.ledger import command_ledger
from gateway.settings import ConfigError, Settings

_DAY_US = 86_400 * 1_000_000


@click.group(invoke_without_command=True)
@config_option
@click.option("--host", default=None, help="Address to listen on (else that of server.host).")
@click.option("--port", default=8081, type=click.IntRange(0, 65535), show_default=True, help="Port to listen on.")
@click.pass_context
def console(context: click.Context, config: str, host: str | None, port: int) -> None:
    """Serve the console alone until SIGTERM, beside a gateway with the same database and ledger key.

    The gateway itself serves it on /console as well, unless `console.enabled` is false.
    """
    if context.invoked_subcommand:
        return
    settings = settings_of(config)
    logs.configure()
    try:
        sys.exit(uvloop.run(_serve(settings, host or settings.server.host, port)))
    except (ConfigError, DatabaseUnfit, LedgerKeyError) as error:
        stop_for_configuration(str(error))


@console.command("invite")
@click.argument("name")
@click.option("--role", type=click.Choice([each.value for each in Role]), required=True)
@click.option("--tenant", default="", help="May see this tenant's records only.")
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), help="May see records from this day on.")
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), help="May see records up to and with this day.")
@click.option("--url", default="", help="How browsers reach the console (else http://HOST:PORT of the server).")
@config_option
def invite(
    *, name: str, role: str, tenant: str, since: datetime | None, until: datetime | None, url: str, config: str
) -> None:
    """Print a one-time link by which NAME chooses a password; good for a day. Ends what NAME had before."""
    settings = settings_of(config)
    sight = Sight(tenant, _microseconds(since) if since else 0, _microseconds(until) + _DAY_US if until else FAR)
    base = url or f"http://{settings.server.host}:{settings.server.port}"
    try:
        invitation = asyncio.run(_invited(settings, name, Role(role), sight))
    except (AccountError, DatabaseUnfit, LedgerKeyError) as error:
        stop_for_configuration(str(error))
        raise
    except GatewayFault:
        stop_for_configuration("the invitation could not be recorded in the ledger, so there is none")
        raise
    click.echo(link_of(base, invitation))


def link_of(base: str, invitation: Invitation) -> str:
    """The one-time link."""
    return f"{base.rstrip('/')}/console/invitation/{invitation.token}"


async def _invited(settings: Settings, name: str, role: Role, sight: Sight) -> Invitation:
    engine = open_database(settings.database.url.get_secret_value())
    upgrade(engine)
    clock = SystemClock()
    ledger = command_ledger(settings.ledger, engine, LedgerKey.load(settings.ledger.key_file), clock)
    await ledger.start(announce=False)
    try:
        return await SqlAccounts(engine, clock).invite(ledger, name, role, sight)
    finally:
        await ledger.close()
        engine.dispose()


async def _serve(settings: Settings, host: str, port: int) -> int:
    server = settings.server.model_copy(update={"host": host, "port": port})
    running = ConsoleHost(settings, os.environ)

    async def announce(bound: int) -> None:
        click.echo(f"console: listening on http://{host}:{bound}/console/")
        invitation = await running.first_invitation()
        if invitation is not None:
            base = f"http://{host}:{bound}"
            click.echo(f"console: the first administrator's one-time link: {link_of(base, invitation)}")
        sys.stdout.flush()

    await running.start()
    serving = AnnouncingServer(config_of(running.app, server), announce)
    try:
        await serving.serve()
    finally:
        await running.stop()
    return 0 if serving.started else EXIT_CONFIG


def _microseconds(day: datetime) -> int:
    return int(datetime.combine(day.date(), time(), UTC).timestamp()) * 1_000_000
