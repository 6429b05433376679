"""`gateway db`: the tables of the database."""

from __future__ import annotations

import sys

import click

from gateway.adapters.database import DatabaseUnfit, check_durability, is_current, open_database, upgrade
from gateway.cli import stop_for_configuration
from gateway.cli.options import config_option, settings_of


@click.group()
def db() -> None:
    """Migrations of the database."""


@db.command("upgrade")
@config_option
def upgrade_tables(config: str) -> None:
    """Bring the tables up to date. Does nothing where they are."""
    settings = settings_of(config)
    try:
        engine = open_database(settings.database.url.get_secret_value())
        upgrade(engine)
        engine.dispose()
    except DatabaseUnfit as error:
        stop_for_configuration(str(error))
    click.echo("The tables are up to date.")


@db.command("check")
@config_option
def check(config: str) -> None:
    """Whether the tables are up to date (exit 1 when not) and commits survive a crash (exit 78 when not)."""
    settings = settings_of(config)
    current = False
    try:
        engine = open_database(settings.database.url.get_secret_value())
        current = is_current(engine)
        with engine.connect() as connection:
            check_durability(connection)
        engine.dispose()
    except DatabaseUnfit as error:
        stop_for_configuration(str(error))
    if not current:
        click.echo("The tables are not up to date: run gateway db upgrade.", err=True)
        sys.exit(1)
    click.echo("The tables are up to date, and what the database acknowledges is durable.")
