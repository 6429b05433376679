"""`gateway ledger search`: decisions by what is recorded of them, newest first, a page at a time."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import click
from rich.console import Console
from rich.table import Table

from gateway.adapters.ledger_export import FAR
from gateway.adapters.sql_records import StoredRecord
from gateway.adapters.sql_search import END, position_in, search
from gateway.cli.ledger_read import Moment, reading
from gateway.cli.options import config_option
from gateway.domain.ledger_search import Query


@click.command("search")
@click.option("--since", type=Moment(), default=0, help="From this day or time on.")
@click.option("--until", type=Moment(), default=FAR, help="Before this day or time.")
@click.option("--kind", default="", help="intent, local, block; or another kind of record, such as policy or erasure.")
@click.option("--tenant", default="")
@click.option("--app", default="")
@click.option("--label", default="")
@click.option("--class", "data_class", default="", help="pii, phi, financial, secret, proprietary.")
@click.option("--entity", default="", help="What was found, such as US_SSN.")
@click.option("--rule", default="", help="A rule that matched, as records name it.")
@click.option("--reason", default="", help="A reason code.")
@click.option("--route", default="", help="external, external-transformed, local, blocked.")
@click.option("--destination", default="")
@click.option("--outcome", default="", help="completed, rejected, failed, ...; open; unknown (after a crash).")
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True)
@click.option("--after", default="", metavar="PAGE", help="What the page before said to go on with.")
@click.option("--json", "as_machine", is_flag=True, help="Print JSON for machines.")
@config_option
def search_ledger(
    *, since: int, until: int, limit: int, after: str, as_machine: bool, config: str, **asked: str
) -> None:
    """Find decisions, the newest first. Every option narrows the search; one decision is shown by `show`."""
    try:
        begin = position_in(after) if after else END
    except ValueError:
        raise click.UsageError("--after takes what the page before printed") from None
    query = Query(since=since, until=until, **asked)
    with reading(config) as connection:
        page = search(connection, query, begin, limit)
    following = str(page.last) if page.more else ""
    if as_machine:
        found = [{"position": each.position, "record": each.document} for each in page.records]
        click.echo(json.dumps({"records": found, "after": following}, indent=1))
        return
    _print(page.records)
    if following:
        click.echo(f"There is more: --after {following}")


def _print(found: tuple[StoredRecord, ...]) -> None:
    table = Table("time", "decision", "app", "label", "route", "reason")
    for each in found:
        document = each.document
        does, policy, at = document.get("do"), document.get("pol"), document.get("t")
        table.add_row(
            _time(at) if isinstance(at, int) else "",
            str(document.get("id", document.get("k"))),
            str(document.get("app", "")),
            str(document.get("label", "")),
            str(does.get("route", "")) if isinstance(does, dict) else "",
            str(policy.get("reason", "")) if isinstance(policy, dict) else str(document.get("action", "")),
        )
    Console(width=100).print(table)


def _time(at: int) -> str:
    return datetime.fromtimestamp(at / 1e6, UTC).isoformat(timespec="seconds")
