"""`gateway ledger prune`, `erase`, `hold` and `release`: what is deleted, recorded first."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import click

from gateway.adapters.database import Database, DatabaseUnfit, open_database, upgrade
from gateway.adapters.ledger_key import LedgerKey, LedgerKeyError
from gateway.adapters.sql_ledger import SqlLedger
from gateway.adapters.sql_retention import EVERYONE, OnHold, Retention
from gateway.cli import stop_for_configuration
from gateway.cli.options import config_option, settings_of
from gateway.clock import SystemClock
from gateway.domain.errors import GatewayFault
from gateway.domain.evidence import Event, EventKind
from gateway.ledger import command_ledger

_MONTHS = {"6 months": 6, "13 months": 13, "6 years": 72}
_CLOCK = SystemClock()
_YES = click.option("--yes", is_flag=True, help="Do not ask.")

Work = Callable[[Retention, SqlLedger], Awaitable[str]]


@click.command("prune")
@click.option("--keep", type=click.Choice(list(_MONTHS)), default=None, help="Else ledger.retention.")
@_YES
@config_option
def prune(keep: str | None, config: str, *, yes: bool) -> None:
    """Drop the bodies of records that are older than what is kept. Their hashes stay, so the ledger still verifies."""
    before = _months_ago(_MONTHS[keep or settings_of(config).ledger.retention])

    async def work(retention: Retention, _: SqlLedger) -> str:
        plan = retention.plan_prune(before, _CLOCK.now())
        if plan.ahead:
            click.echo(
                f"{plan.ahead} of them bear a time to come, by a clock that was wrong; their place is that of old ones."
            )
        _confirm(f"Drop {plan.count} records from before {_day(before)} for good?", yes=yes)
        await retention.prune(plan, _CLOCK.now())
        return f"{plan.count} records dropped."

    _run(config, work)


@click.command("erase")
@click.option("--tenant", default="", help="All that opens this tenant's commitments, and its pseudonyms.")
@click.option("--key", "key_id", default="", help="What opens the commitments of one API key's requests, and the key.")
@click.option("--decision", "decision_id", default="", help="What opens the commitments of one decision.")
@_YES
@config_option
def erase(tenant: str, key_id: str, decision_id: str, config: str, *, yes: bool) -> None:
    """Make it impossible to show whose requests these were and what they said. Records stay, and still verify.

    After a tenant was erased, restart its gateways: they hold its keys in memory until then.
    """
    if sum(map(bool, (tenant, key_id, decision_id))) != 1:
        raise click.UsageError("name one of --tenant, --key and --decision")

    async def work(retention: Retention, _: SqlLedger) -> str:
        plan = retention.plan_erasure(tenant=tenant, key_id=key_id, decision_id=decision_id)
        _confirm(f"Erase {len(plan.salts)} salts and {len(plan.keys)} keys for good?", yes=yes)
        await retention.erase(plan, _CLOCK.now())
        return f"{len(plan.salts)} salts and {len(plan.keys)} keys erased."

    _run(config, work)


@click.command("hold")
@click.argument("tenant", required=False, default=EVERYONE)
@config_option
def hold(tenant: str, config: str) -> None:
    """Put TENANT (without one: everyone) on legal hold: nothing of it is dropped or erased."""

    async def work(retention: Retention, ledger: SqlLedger) -> str:
        await ledger.append(_event("hold_placed", tenant))
        retention.hold(tenant, _CLOCK.now())
        return f"On hold: {', '.join(name for name, _ in retention.holds())}"

    _run(config, work)


@click.command("release")
@click.argument("tenant", required=False, default=EVERYONE)
@config_option
def release(tenant: str, config: str) -> None:
    """End the legal hold of TENANT (without one: of everyone). Exit 1 when there was none."""

    async def work(retention: Retention, ledger: SqlLedger) -> str:
        if tenant not in {name for name, _ in retention.holds()}:
            raise KeyError(tenant)
        await ledger.append(_event("hold_released", tenant))
        retention.release(tenant)
        return "Released."

    _run(config, work)


def _run(config: str, work: Work) -> None:
    """Do it with the ledger open; exit 1 where it may not be done, 78 where the ledger cannot be used."""
    settings = settings_of(config)
    try:
        key = LedgerKey.load(settings.ledger.key_file)
        engine = open_database(settings.database.url.get_secret_value())
        upgrade(engine)
        done = asyncio.run(_with_ledger(command_ledger(settings.ledger, engine, key, _CLOCK), engine, work))
        engine.dispose()
    except (LedgerKeyError, DatabaseUnfit) as error:
        stop_for_configuration(str(error))
        raise
    except GatewayFault:
        stop_for_configuration("it could not be recorded in the ledger, so nothing was changed")
        raise
    except OnHold as error:
        click.echo(f"{error}: nothing was changed.", err=True)
        sys.exit(1)
    except KeyError:
        click.echo("There is nothing of this name.", err=True)
        sys.exit(1)
    click.echo(done)


async def _with_ledger(ledger: SqlLedger, engine: Database, work: Work) -> str:
    await ledger.start(announce=False)
    try:
        return await work(Retention(engine, ledger), ledger)
    finally:
        await ledger.close()


def _event(action: str, tenant: str) -> Event:
    """Everyone has no name in a record."""
    subject = "" if tenant == EVERYONE else tenant
    return Event(kind=EventKind.ADMIN, at=_CLOCK.now(), action=action, subject=subject)


def _confirm(question: str, *, yes: bool) -> None:
    if not yes:
        click.confirm(question, abort=True)


def _months_ago(months: int) -> int:
    """The first moment of the day that many months ago, in microseconds."""
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    month = today.year * 12 + today.month - 1 - months
    first = today.replace(year=month // 12, month=month % 12 + 1, day=min(today.day, 28))
    return int(first.timestamp()) * 1_000_000


def _day(at: int) -> str:
    return datetime.fromtimestamp(at / 1e6, UTC).date().isoformat()
