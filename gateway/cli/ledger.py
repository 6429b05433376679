"""`gateway ledger`: verify the record of all decisions, read it, hand it over, keep it."""

from __future__ import annotations

import click

from gateway.cli.ledger_keep import erase, hold, prune, release
from gateway.cli.ledger_read import export, prove, show
from gateway.cli.ledger_report import report
from gateway.cli.ledger_search import search_ledger
from gateway.cli.ledger_verify import acknowledge, public_key, verify
from gateway.cli.ledger_witness import cosign, witness


@click.group("ledger")
def ledger() -> None:
    """Verify the record of all decisions, read it, hand it over, keep it."""


for command in (
    *(verify, public_key, acknowledge, cosign, witness),
    *(show, search_ledger, prove, export, report),
    *(prune, erase, hold, release),
):
    ledger.add_command(command)
