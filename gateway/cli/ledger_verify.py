"""`gateway ledger verify`, `public-key` and `acknowledge`."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import click

from gateway.adapters.checkpoint_signer import CheckpointSigner, MemoryUnreadable
from gateway.adapters.database import DatabaseUnfit, open_database
from gateway.adapters.file_policies import PolicyErrors
from gateway.adapters.ledger_export import FAR
from gateway.adapters.ledger_key import LedgerKey, LedgerKeyError
from gateway.adapters.ledger_verification import verified_event
from gateway.adapters.sql_audit import auditing, but_unsigned
from gateway.adapters.sql_decisions import SqlDecisions
from gateway.cli import stop_for_configuration
from gateway.cli.ledger_replay import bundles_of, replay
from gateway.cli.options import config_option, settings_of
from gateway.cli.progress import progress
from gateway.clock import SystemClock
from gateway.domain.errors import GatewayFault
from gateway.ledger import command_ledger, outside_of, signer_of
from gateway.parts import policies_folder
from gateway.settings import ConfigError, Settings
from gateway.verifier import together
from gateway.verifier.checks import NOTHING_OUTSIDE, Outside
from gateway.verifier.export import ExportSource, ExportUnreadable
from gateway.verifier.findings import Report, Verdict
from gateway.verifier.formats import NotGenuine, PublicKey, read_public_key, read_witness_key
from gateway.verifier.together import usable
from gateway.verifier.told import as_json, page

_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
_UNJUDGED = (
    NotGenuine, ExportUnreadable, DatabaseUnfit, PolicyErrors, GatewayFault, ConfigError, OSError, UnicodeDecodeError
)  # fmt: skip
_DOES = b'"do":{'
"""Stands in every record of a decision, and in no other."""


@click.command("verify")
@click.argument("directory", required=False, type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--public-key", "key_file", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="FILE",
              help="What `gateway ledger public-key` printed (without it: the configured key's own).")  # fmt: skip
@click.option("--receipts", type=click.File("r"), help="Receipts that callers kept, one a line.")
@click.option("--checkpoint", "kept", type=click.File("r"), multiple=True, help="A checkpoint that somebody kept.")
@click.option("--witness", "witness_keys", type=click.File("r"), multiple=True, metavar="FILE",
              help="The line of a witness: it has to have cosigned (else those of the configuration).")  # fmt: skip
@click.option("--replay", "replayed", is_flag=True, help="Make each decision again, by the policy that made it.")
@click.option("--bundle", "folders", type=_FOLDER, multiple=True,
              help="With --replay: the files of a policy that decided (else the configured folder).")  # fmt: skip
@click.option("--processes", type=click.IntRange(min=1), default=usable, metavar="N",
              help="How many processes read at once (without it: as many as there are processors).")  # fmt: skip
@click.option(
    "--record", "recorded", is_flag=True, help="Record what it came to: the console's overview tells the last."
)
@click.option("--json", "as_machine", is_flag=True, help="Print JSON for machines.")
@config_option
def verify(
    *,
    directory: Path | None,
    key_file: Path | None,
    receipts: Iterable[str] | None,
    kept: tuple[Iterable[str], ...],
    witness_keys: tuple[Iterable[str], ...],
    replayed: bool,
    folders: tuple[Path, ...],
    processes: int,
    recorded: bool,
    as_machine: bool,
    config: str,
) -> None:
    """Check the database, or the export in DIRECTORY: every record, chain, hash and signature.

    Exit 0 sound, 1 altered, 2 incomplete, 3 cannot judge. What each finding means stands in docs/ledger.md.
    """
    try:
        key = read_public_key(key_file.read_text(encoding="utf-8")) if key_file else _own_key(settings_of(config))
        outside = Outside(
            receipts=[line for line in receipts or () if line.strip()],
            earlier=["".join(lines) for lines in kept],
            witnesses=[read_witness_key("".join(lines)) for lines in witness_keys],
        )
        if directory is not None:
            report = together.verify(ExportSource(directory), key, outside, processes=processes)
        else:
            known = outside.witnesses or outside_of(settings_of(config).ledger).witnesses
            report = verify_database(settings_of(config), key, replace(outside, witnesses=known), processes)
        if replayed:
            _replay(directory, folders, config, report)
        if recorded and directory is None:
            asyncio.run(_record(settings_of(config), report.verdict))
    except _UNJUDGED as error:
        click.echo(f"cannot judge: {error}", err=True)
        sys.exit(Verdict.CANNOT_JUDGE)
    click.echo(json.dumps(as_json(report), indent=1) if as_machine else page(report))
    sys.exit(report.verdict)


@click.command("public-key")
@config_option
def public_key(config: str) -> None:
    """Print the line that auditors check the ledger with. It is no secret; hand it over before it is needed."""
    click.echo(own_signer(settings_of(config)).public_key)


@click.command("acknowledge")
@config_option
@click.confirmation_option(prompt="Records that were signed are lost for good. Go on without them?")
def acknowledge(config: str) -> None:
    """Accept that the database is older than what was signed, so that gateways start again.

    Whoever holds a receipt or checkpoint of what was lost can still show that it was there.
    """
    try:
        size = own_signer(settings_of(config)).acknowledge()
    except MemoryUnreadable as error:
        stop_for_configuration(str(error))
        raise
    click.echo(f"Accepted. No tree of up to {size} records is signed again.")


async def _record(settings: Settings, verdict: Verdict) -> None:
    """Write down what a verification of the database came to. Raises `DatabaseUnfit`, `GatewayFault`."""
    engine, key = open_database(settings.database.url.get_secret_value()), LedgerKey.load(settings.ledger.key_file)
    clock = SystemClock()
    ledger = command_ledger(settings.ledger, engine, key, clock)
    await ledger.start(announce=False)
    try:
        await ledger.append(verified_event(verdict.name.lower(), clock.now()))
    finally:
        await ledger.close()
        engine.dispose()


def own_signer(settings: Settings) -> CheckpointSigner:
    """The configured signer. Exits with 78 when its key cannot be used."""
    try:
        return signer_of(settings.ledger, LedgerKey.load(settings.ledger.key_file))
    except LedgerKeyError as error:
        stop_for_configuration(str(error))
        raise


def verify_database(
    settings: Settings, key: PublicKey, outside: Outside = NOTHING_OUTSIDE, processes: int = 1
) -> Report:
    """What verification of the configured database comes to. Raises `DatabaseUnfit` where it cannot be read."""
    engine = open_database(settings.database.url.get_secret_value())
    try:
        with auditing(engine) as source, progress("verifying", source.count()) as ticks:
            report, count = together.verify(source, key, outside, ticks, processes), source.count()
        return but_unsigned(engine, report, count + report.pending)
    except DatabaseUnfit:
        raise
    except Exception as error:  # noqa: BLE001 - whatever the database does, nothing can be said of the ledger
        raise DatabaseUnfit(f"the ledger cannot be read from the database ({type(error).__name__})") from None
    finally:
        engine.dispose()


def _replay(directory: Path | None, folders: tuple[Path, ...], config: str, report: Report) -> None:
    """Make the decisions of the export or of the database again. An export has no keys to tell pseudonyms by."""
    bundles = bundles_of(folders or (policies_folder(settings_of(config)),))
    if directory is not None:
        exported = (entry.body for entry in ExportSource(directory).entries() if entry.body is not None)
        replay((body for body in exported if _DOES in body), bundles, {}, report)
        return
    engine = open_database(settings_of(config).database.url.get_secret_value())
    try:
        decisions = SqlDecisions(engine)
        pages = decisions.pages(0, FAR)
        replay((body for page in pages for body in page.bodies), bundles, decisions.keys(), report)
    finally:
        engine.dispose()


def _own_key(settings: Settings) -> PublicKey:
    return read_public_key(own_signer(settings).public_key)
