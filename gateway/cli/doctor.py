"""`gateway doctor`: what is wrong with this installation, and how to mend it."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from gateway.adapters import database
from gateway.adapters.database import DatabaseUnfit
from gateway.adapters.egress_external import EgressLink
from gateway.adapters.file_policies import PolicyErrors
from gateway.adapters.ledger_key import LedgerKey, LedgerKeyError
from gateway.adapters.limits_store import MEMORY
from gateway.adapters.model_manifest import ModelFileRefused
from gateway.adapters.policy_exceptions import SOON_DAYS, written
from gateway.adapters.zone import OutsideZone
from gateway.cli.options import config_option
from gateway.clock import SystemClock
from gateway.destinations import egress_options, external_models, local_models
from gateway.domain.errors import ErrorCode, GatewayError, GatewayFault
from gateway.domain.exceptions import DAY
from gateway.parts import counters_of, detector_of, policies_of, quotas_of
from gateway.pipeline.limiting import Quotas
from gateway.settings import ConfigError, Settings, find_config, load


@dataclass(frozen=True, slots=True)
class _Checked:
    """One part: whether it is well, and what to know or to do."""

    part: str
    ok: bool
    detail: str


@click.command()
@config_option
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def doctor(config: str, *, as_json: bool) -> None:
    """Check configuration, policies, database, ledger key, detector, models, zones, limits. Exit 1 if one is wrong."""
    checked = asyncio.run(_check(config))
    if as_json:
        click.echo(json.dumps({each.part: {"ok": each.ok, "detail": each.detail} for each in checked}))
    else:
        _show(checked)
    sys.exit(0 if all(each.ok for each in checked) else 1)


async def _check(config: str) -> list[_Checked]:
    try:
        settings = load(find_config(config, os.environ, Path.cwd()), os.environ)
    except ConfigError as error:
        return [_Checked("configuration", ok=False, detail=str(error))]
    steps: list[tuple[str, Callable[[Settings], Awaitable[str]]]] = [
        ("policies", _policies),
        ("database", _database),
        ("ledger key", _ledger_key),
        ("detector", _detector),
        ("models inside", _models_inside),
        ("destinations outside", _destinations_outside),
        ("keys", _auth),
        ("limits", _limits),
    ]
    return [_Checked("configuration", ok=True, detail="read"), *[await _step(name, do, settings) for name, do in steps]]


async def _step(name: str, do: Callable[[Settings], Awaitable[str]], settings: Settings) -> _Checked:
    try:
        return _Checked(name, ok=True, detail=await do(settings))
    except (PolicyErrors, DatabaseUnfit, LedgerKeyError, ModelFileRefused, OutsideZone, ConfigError) as error:
        return _Checked(name, ok=False, detail=str(error))
    except GatewayError as error:
        return _Checked(name, ok=False, detail=error.text.message)
    except FileNotFoundError as error:
        return _Checked(name, ok=False, detail=f"{error} did not travel with this installation: install it again")


async def _policies(settings: Settings) -> str:
    bundle = policies_of(settings).current()
    rules = sum(len(p.rules) for p in bundle.policies)
    told = [f"{len(bundle.policies)} in force, {rules} rules, {bundle.digest[:19]}"]
    now = SystemClock().now()
    ending = [each for each in bundle.exceptions if each.expires <= now + SOON_DAYS * DAY]
    told += [f"exception {e.id} {'ended' if e.expires <= now else 'ends'} {written(e.expires)}" for e in ending]
    return "; ".join(told)


async def _database(settings: Settings) -> str:
    engine = database.open_database(settings.database.url.get_secret_value())
    try:
        if not await asyncio.to_thread(database.is_current, engine):
            raise DatabaseUnfit("the tables are not up to date: run `gateway db upgrade` (serve does it at start)")
        with engine.connect() as connection:
            database.check_durability(connection)
            alters = engine.dialect.name == "postgresql" and database.may_alter_records(connection)
        told = f"{engine.dialect.name}, up to date, durable"
        return f"{told}; this login may alter records: use a member of gateway_writer" if alters else told
    finally:
        engine.dispose()


async def _ledger_key(settings: Settings) -> str:
    if not settings.ledger.key_file.exists():
        return f"{settings.ledger.key_file} will be made at first start"
    LedgerKey.load(settings.ledger.key_file)
    return f"{settings.ledger.key_file} is readable by its owner alone"


async def _detector(settings: Settings) -> str:
    detector = detector_of(settings)
    await detector.start()
    try:
        return f"{detector.version} starts and answers"
    finally:
        await detector.stop()


async def _models_inside(settings: Settings) -> str:
    models = local_models(settings, os.environ)
    told = []
    for name, model in models.items():
        await model.start()
        health = await model.health()
        told.append(f"{name}: {'ready' if health.ok else health.detail}")
        await model.stop()
    return "; ".join(told) or "none configured: what may not leave is refused"


async def _destinations_outside(settings: Settings) -> str:
    if settings.egress.url:
        return await _through_egress(settings)
    models, notices = external_models(settings, os.environ)
    for model in models.values():
        await model.aclose()
    return "; ".join([*(f"{name}: configured" for name in models), *notices]) or "none configured"


async def _through_egress(settings: Settings) -> str:
    link = EgressLink(egress_options(settings), LedgerKey.load(settings.ledger.key_file), SystemClock())
    try:
        await link.start()
        health = await link.health()
    finally:
        await link.aclose()
    if health.detail:
        raise GatewayFault(ErrorCode.EGRESS_UNAVAILABLE)
    return f"the egress answers at {settings.egress.url}"


async def _auth(settings: Settings) -> str:
    return "required" if settings.auth.required else "NOT required: every caller is let in. For local trials only"


async def _limits(settings: Settings) -> str:
    store = counters_of(settings, os.environ)
    health = await store.health()
    await store.aclose()
    if not health.ok:
        raise GatewayFault(ErrorCode.LIMITS_UNAVAILABLE)
    if quotas_of(settings) == Quotas():
        return "none set"
    return "counted by each process for itself" if settings.limits.store == MEMORY else "the shared store answers"


def _show(checked: list[_Checked]) -> None:
    table = Table("part", "", "what", width=100)
    for each in checked:
        table.add_row(each.part, "[green]ok[/]" if each.ok else "[red]WRONG[/]", each.detail)
    Console(width=100).print(table)
