"""`gateway ledger witness` and `cosign`: somebody outside sees the ledger grow, and signs that it was gone on with."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from sqlalchemy.exc import SQLAlchemyError

from gateway.adapters.database import Database, DatabaseUnfit, open_database
from gateway.adapters.sql_audit import auditing
from gateway.adapters.sql_cosigned import cosigned_size, keep_cosigned
from gateway.adapters.sql_tree import StoredTree, newest_note
from gateway.adapters.witness_client import WitnessClient, WitnessError
from gateway.cli import stop_for_configuration
from gateway.cli.options import config_option, settings_of
from gateway.clock import SystemClock
from gateway.domain.checkpoint import read_note
from gateway.verifier.formats import NotGenuine, PublicKey, read_witness_key
from gateway.verifier.witness import run

_REFUSED = 1
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("witness")
@click.option(
    "--log-key", type=_FILE, required=True, help="What `gateway ledger public-key` prints where the ledger is."
)
@click.option("--name", required=True, help="The name of this witness, such as witness.example/acme.")
@click.option("--key", type=click.Path(dir_okay=False, path_type=Path), required=True,
              help="Its own key, made at the first start; the newest checkpoint is kept beside it.")  # fmt: skip
@click.option("--listen", default="127.0.0.1:8090", show_default=True, metavar="HOST:PORT")
def witness(log_key: Path, name: str, key: Path, listen: str) -> None:
    """Be a witness for the ledger of another gateway: cosign only what goes on from what was cosigned before.

    To be run by somebody else than the operator, on a machine that the operator does not reach. It prints the line that
    auditors check its cosignatures with. Without a gateway installed: `python -m verifier.witness`.
    """
    sys.exit(run(log_key, name, key, listen))


@click.command("cosign")
@click.option("--witness", "url", required=True, metavar="URL", help="Where it listens: https, or on this machine.")
@click.option("--witness-key", "key_file", type=_FILE, required=True, help="The line that the witness printed.")
@config_option
def cosign(url: str, key_file: Path, config: str) -> None:
    """Have the newest checkpoint cosigned by a witness, and keep its cosignature. To be run from a timer.

    Exit 1 when there is none: the witness cannot be reached, or this ledger is not the one that it saw before.
    """
    try:
        key = read_witness_key(key_file.read_text(encoding="utf-8"))
        client = WitnessClient(url, key)
        engine = open_database(settings_of(config).database.url.get_secret_value())
        size = _cosigned(engine, client, key)
        engine.dispose()
    except (NotGenuine, ValueError, DatabaseUnfit) as error:
        stop_for_configuration(str(error))
        raise
    except SQLAlchemyError as error:
        stop_for_configuration(f"the ledger cannot be read or written ({type(error).__name__}): see gateway doctor")
        raise
    except WitnessError as error:
        click.echo(f"{key.name} does not cosign: {error}", err=True)
        sys.exit(_REFUSED)
    click.echo(f"{key.name} has cosigned the checkpoint of size {size}.")


def _cosigned(engine: Database, client: WitnessClient, key: PublicKey) -> int:
    """The size that is cosigned now, and kept. Raises `WitnessError`, `SQLAlchemyError`."""
    with auditing(engine) as audit:
        note = newest_note(audit.connection)
        if not note:
            raise WitnessError("there is no signed checkpoint yet")
        tree, size = StoredTree(audit.connection), read_note(note).size
        known = cosigned_size(audit.connection, key.name)
        cosigned = client.cosign(note, size, known, lambda old: tree.consistency(old, size) if old else ())
    with engine.begin() as connection:
        keep_cosigned(connection, key.name, size, cosigned, SystemClock().now())
    return size
