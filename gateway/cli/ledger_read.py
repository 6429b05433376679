"""`gateway ledger show`, `prove` and `export`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

import click
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from gateway.adapters.database import DatabaseUnfit, open_database
from gateway.adapters.ledger_export import FAR, FORMATS, ExportRefused, LedgerExport, Wanted
from gateway.adapters.sql_audit import auditing
from gateway.adapters.sql_records import NOT_IN_TREE, StoredRecord, of_decision, opening_of
from gateway.adapters.sql_tree import StoredTree, newest_note
from gateway.cli import stop_for_configuration
from gateway.cli.options import config_option, settings_of
from gateway.cli.progress import progress
from gateway.domain.checkpoint import read_note, tlog_proof
from gateway.domain.strict_json import Json

EXIT_NOT_SO = 1


class Moment(click.ParamType[int]):
    """A day or a time in ISO 8601, UTC unless it says otherwise: microseconds since the epoch."""

    name = "time"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The microseconds."""
        if isinstance(value, int):
            return value
        try:
            read = datetime.fromisoformat(str(value))
        except ValueError:
            self.fail("write a day or time like 2026-11-24 or 2026-11-24T13:00:00", param, ctx)
        return int(read.replace(tzinfo=read.tzinfo or UTC).timestamp() * 1_000_000)


@contextmanager
def reading(config: str) -> Iterator[Connection]:
    """The configured database as of one moment. Exits with 78 when it cannot be read."""
    try:
        engine = open_database(settings_of(config).database.url.get_secret_value())
    except DatabaseUnfit as error:
        stop_for_configuration(str(error))
        raise
    try:
        with auditing(engine) as audit:
            yield audit.connection
    except SQLAlchemyError as error:
        stop_for_configuration(f"the ledger cannot be read ({type(error).__name__}): see gateway doctor")
        raise
    finally:
        engine.dispose()


@click.command("show")
@click.argument("decision_id", metavar="ID")
@click.option("--json", "as_machine", is_flag=True, help="Print the records, and their places in the tree.")
@config_option
def show(decision_id: str, config: str, *, as_machine: bool) -> None:
    """Everything that is recorded of one decision. Exit 1 when nothing is."""
    with reading(config) as connection:
        found = of_decision(connection, decision_id)
        if not found:
            click.echo("There is no record of this decision.", err=True)
            sys.exit(EXIT_NOT_SO)
        if as_machine:
            told = [{"position": each.position, "record": each.document} for each in found]
            click.echo(json.dumps(told, indent=1))
            return
        for each in found:
            click.echo("\n".join(_told(each)))


@click.command("prove")
@click.argument("decision_id", metavar="ID")
@click.option("--file", "body", type=click.File("rb"), required=True, help="The exact bytes of a body.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write the record and its proof here.")
@config_option
def prove(decision_id: str, body: BinaryIO, out: Path | None, config: str) -> None:
    """Whether these very bytes were received or sent in a decision. Exit 1 when they were not.

    With `--out F`, the record goes to F and its proof to F.tlog-proof, in C2SP's tlog-proof format.
    """
    data = body.read()
    with reading(config) as connection:
        decisions = [each for each in of_decision(connection, decision_id) if "body" in each.document]
        if not decisions:
            click.echo("There is no record of this decision.", err=True)
            sys.exit(EXIT_NOT_SO)
        record = decisions[0]
        opening = opening_of(connection, record)
        if not opening.key or not opening.salt:
            click.echo("The commitments of this decision were erased or have run out: nothing can be proven.", err=True)
            sys.exit(EXIT_NOT_SO)
        proven = [what for what, said in _commitments(record.document) if opening.opens(said, data)]
        if out is not None:
            _write_proof(connection, record, out)
    if not proven:
        click.echo("NOT PROVEN: these bytes were neither received nor sent in this decision.")
        sys.exit(EXIT_NOT_SO)
    click.echo(f"PROVEN: exactly these {len(data)} bytes were {' and '.join(proven)} in decision {decision_id}.")


@click.command("export")
@click.argument("directory", type=click.Path(file_okay=False, path_type=Path))
@click.option("--format", "formats", type=click.Choice(FORMATS), multiple=True, default=("jsonl",), show_default=True,
              help="May be given several times; without jsonl an export cannot be verified.")  # fmt: skip
@click.option("--since", type=Moment(), default=0, help="From this day or time on.")
@click.option("--until", type=Moment(), default=FAR, help="Before this day or time.")
@config_option
def export(directory: Path, formats: tuple[str, ...], since: int, until: int, config: str) -> None:
    """Write the signed records into DIRECTORY, with proofs. Run again to go on after an interruption.

    jsonl: records with proofs; csv: a table; ocsf: events for a SIEM (OCSF 1.4.0); tiles: C2SP tlog-tiles.
    """
    wanted = Wanted(tuple(sorted(set(formats))), since, until)
    if "tiles" in wanted.formats and not wanted.whole:
        raise click.UsageError("tiles are of the whole ledger: leave --since and --until out")
    with reading(config) as connection:
        exporting = LedgerExport(connection, directory, wanted)
        try:
            checkpoint = exporting.begin()
            with progress("exporting", checkpoint.size) as ticks:
                written = exporting.write(checkpoint, ticks)
        except ExportRefused as error:
            click.echo(str(error), err=True)
            sys.exit(EXIT_NOT_SO)
    lines = f", {written} records in this run" if set(wanted.formats) != {"tiles"} else ""
    click.echo(f"Exported up to the checkpoint of size {checkpoint.size}{lines}: {directory}")


def _told(record: StoredRecord) -> list[str]:
    place = "not in the tree yet" if record.position == NOT_IN_TREE else f"position {record.position} of the tree"
    document = record.document
    at = document.get("t")
    when = datetime.fromtimestamp(at / 1e6, UTC).isoformat() if isinstance(at, int) else "?"
    lines = [f"{document.get('k')} at {when}, record {record.writer}/{record.sequence}, {place}"]
    for key, value in document.items():
        if key not in {"k", "t", "w", "s", "p", "n", "v"}:
            lines.append(f"  {key:8} {json.dumps(value)}")
    return lines


def _commitments(document: dict[str, Json]) -> Iterator[tuple[str, str]]:
    body, does = document.get("body"), document.get("do")
    sent = does.get("sent") if isinstance(does, dict) else None
    for what, said in (("received", body), ("sent", sent)):
        if isinstance(said, dict) and said.get("bytes"):
            yield what, str(said.get("c"))


def _write_proof(connection: Connection, record: StoredRecord, out: Path) -> None:
    note = newest_note(connection)
    if record.position == NOT_IN_TREE or not note or record.position >= read_note(note).size:
        click.echo("The record is not under a signed checkpoint yet: no proof was written.", err=True)
        return
    proof = StoredTree(connection).inclusion(record.position, read_note(note).size)
    out.write_bytes(record.body)
    out.with_name(f"{out.name}.tlog-proof").write_text(tlog_proof(record.position, proof, note), encoding="utf-8")
