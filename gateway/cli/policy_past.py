"""`gateway policy replay` and `gateway policy diff`: past decisions, made again from their records."""

from __future__ import annotations

import contextlib
import json
import os
import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from gateway.adapters.database import DatabaseUnfit, open_database
from gateway.adapters.sql_decisions import SqlDecisions
from gateway.cli import stop_for_configuration
from gateway.cli.options import config_option, settings_of
from gateway.cli.policy_bundle import EXIT_FOUND, bundle_at
from gateway.cli.policy_crew import AT_ONCE, Held, Span, Task, parts
from gateway.domain.comparing import Compared, Missed, Movement, Replayed
from gateway.domain.evidence import Route
from gateway.domain.policy import Bundle
from gateway.domain.recorded import Past, Unread, Unreplayable, past_of

_SPAN = re.compile(r"(\d{1,5})([dhm])")
_UNITS = {"d": timedelta(days=1), "h": timedelta(hours=1), "m": timedelta(minutes=1)}
_TOP = 5
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ROUTES = (Route.EXTERNAL, Route.EXTERNAL_TRANSFORMED, Route.LOCAL, Route.BLOCKED)
_INSIDE = frozenset({Route.LOCAL, Route.BLOCKED})
_STYLES = {Movement.OPENED: "bold red", Movement.LOOSER: "yellow"}
WHY: Mapping[Unreplayable, str] = {
    Unreplayable.NOT_FOUND: "that the ledger does not hold",
    Unreplayable.OTHER_FORM: "recorded by another version of the gateway",
    Unreplayable.OTHER_MEANINGS: "made when the shipped entities meant something else, so the log cannot be compared",
    Unreplayable.FINDINGS_CUT: "with more kinds of findings than a record holds",
    Unreplayable.LISTS_CUT: "with longer lists than a record holds",
    Unreplayable.KEY_UNKNOWN: "of a key that cannot be told any more, where a rule asks for the key",
    Unreplayable.WORD_COMMITTED: "with a model or purpose that is not in clear, where a rule asks for it",
}

_SINCE = click.option("--since", default="30d", show_default=True, help="From when: 30d, 12h, 45m, or 2026-11-01.")
_UNTIL = click.option("--until", default="", help="Up to when, as --since (else now).")
_PROCESSES = click.option(
    "--processes", type=click.IntRange(0, 256), default=0, help="How many processes at most. [default: one a core]"
)
_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON for machines.")
_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@click.command("replay")
@click.option("--bundle", "folder", required=True, type=_FOLDER, help="Folder of the policy files.")
@_SINCE
@_UNTIL
@_PROCESSES
@config_option
@_JSON
def replay(*, folder: Path, since: str, until: str, processes: int, config: str, as_json: bool) -> None:
    """Make the decisions of the ledger again under a bundle, from what was recorded of them.

    Those that this very bundle made have to come out as the log says; exit 1 and their ids when one does not.
    """
    bundle = bundle_at(folder)
    replayed = Replayed(bundle.digest)
    for part, _ in _held([folder], [bundle], config, _period(since, until), processes):
        replayed.merge(part)
    click.echo(json.dumps(_replayed_json(replayed), indent=2)) if as_json else _show_replayed(replayed)
    sys.exit(EXIT_FOUND if replayed.differing else 0)


@click.command("diff")
@click.argument("old", type=_FOLDER)
@click.argument("new", type=_FOLDER)
@_SINCE
@_UNTIL
@_PROCESSES
@config_option
@_JSON
def diff(*, old: Path, new: Path, since: str, until: str, processes: int, config: str, as_json: bool) -> None:
    """Hold the decisions of the ledger against two bundles: what would the new one do otherwise?

    Exit 1 when it would let leave what the old one keeps inside or refuses.
    """
    compared = Compared()
    bundles = [bundle_at(old), bundle_at(new)]
    for _, part in _held([old, new], bundles, config, _period(since, until), processes):
        compared.merge(part)
    click.echo(json.dumps(_compared_json(compared), indent=2)) if as_json else _show_compared(compared)
    sys.exit(EXIT_FOUND if compared.opened else 0)


def _held(
    folders: Sequence[Path], bundles: Sequence[Bundle], config: str, period: Span, processes: int
) -> Iterator[Held]:
    """What comes of the decisions of a period, the oldest first, with a bar on a terminal."""
    url = settings_of(config).database.url.get_secret_value()
    task = Task(url, tuple(folders), tuple(bundle.digest for bundle in bundles))
    with _ledger(config) as ledger:
        spans = list(ledger.slices(ledger.first_at(*period), period[1], AT_ONCE))
        with _told(len(spans)) as tell:
            for held in parts(task, bundles, spans, processes or os.cpu_count() or 1):
                tell(sum(each.decisions for each in held))
                yield held


@contextlib.contextmanager
def _told(spans: int) -> Iterator[Callable[[int], None]]:
    """A bar on standard error where that is a terminal: how much of the period is done, and how fast."""
    said = TextColumn("{task.percentage:>3.0f}%  {task.fields[done]:,} decisions, {task.fields[rate]:,} a second")
    columns = (BarColumn(), said, TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task("", total=spans, done=0, rate=0)
        done, began = 0, time.monotonic()

        def tell(decisions: int) -> None:
            nonlocal done
            done += decisions
            rate = round(done / max(0.001, time.monotonic() - began))
            progress.update(task, advance=1, done=done, rate=rate)

        yield tell


def decision_of_the_past(decision_id: str, config: str) -> Past | Unread:
    """One decision, read out of the ledger. Exits 78 where it cannot be read."""
    with _ledger(config) as ledger:
        body = ledger.one(decision_id)
        return past_of(body, ledger.keys()) if body else Unread(decision_id, Unreplayable.NOT_FOUND)


@contextlib.contextmanager
def _ledger(config: str) -> Iterator[SqlDecisions]:
    """The decisions of the configured database. Exits 78 where they cannot be read."""
    try:
        engine = open_database(settings_of(config).database.url.get_secret_value())
        yield SqlDecisions(engine)
        engine.dispose()
    except DatabaseUnfit as error:
        stop_for_configuration(str(error))


def _period(since: str, until: str) -> tuple[int, int]:
    now = datetime.now(UTC)
    start, end = _moment(since, now), _moment(until, now) if until else now
    if start >= end:
        raise click.UsageError("--since is not before --until")
    return _microseconds(start), _microseconds(end)


def _moment(said: str, now: datetime) -> datetime:
    span = _SPAN.fullmatch(said)
    if span:
        return now - int(span[1]) * _UNITS[span[2]]
    try:
        moment = datetime.fromisoformat(said)
    except ValueError:
        raise click.UsageError(f"{said!r} is no time: write 30d, 12h, 45m, 2026-11-01 or 2026-11-01T08:00") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _microseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1)


def _replayed_json(replayed: Replayed) -> Mapping[str, object]:
    return {
        "bundle": replayed.digest,
        "decisions": replayed.decisions,
        "equal": replayed.equal,
        "different": replayed.differing,
        "different_ids": replayed.different,
        "of_other_bundles": dict(replayed.others),
        "of_other_bundles_by_another_route": replayed.moved,
        "routes": dict(replayed.routes),
        "reasons": dict(replayed.reasons),
        "not_replayed": _missed_json(replayed.missed),
    }


def _missed_json(missed: Missed) -> list[object]:
    return [
        {"cause": cause.value, "decisions": count, "ids": missed.samples[cause]}
        for cause, count in missed.counts.most_common()
    ]


def _compared_json(compared: Compared) -> Mapping[str, object]:
    return {
        "decisions": compared.decisions,
        "kept_inside_to_external": compared.opened,
        "changes": [
            {
                "change": change.value,
                "old": old,
                "new": new,
                "decisions": cell.count,
                "rules": dict(cell.rules.most_common(_TOP)),
                "apps": dict(cell.apps.most_common(_TOP)),
                "ids": cell.samples,
            }
            for (change, old, new), cell in compared.ordered()
        ],
        "not_replayed": _missed_json(compared.missed),
    }


def _show_replayed(replayed: Replayed) -> None:
    click.echo(f"{replayed.decisions:,} decisions under {replayed.digest}")
    click.echo(f"  {replayed.equal:,} of this bundle come out as the log says")
    if replayed.differing:
        click.echo(f"  {replayed.differing:,} of this bundle DO NOT:")
        for decision_id in replayed.different:
            click.echo(f"    {decision_id}")
    if replayed.others:
        word = f"{sum(replayed.others.values()):,} of {len(replayed.others)} other bundles"
        click.echo(f"  {word}, {replayed.moved:,} of them by another route than then")
    _show_missed(replayed.missed)
    table = Table("outcome", "decisions")
    for route, count in replayed.routes.most_common():
        table.add_row(route, f"{count:,}")
    _console().print(table)


def _show_missed(missed: Missed) -> None:
    for cause, count in missed.counts.most_common():
        ids = missed.samples[cause]
        some = ", ".join(ids) + (", ..." if count > len(ids) else "")
        click.echo(f"  {count:,} not replayed: {WHY[cause]} ({some})")


def _show_compared(compared: Compared) -> None:
    click.echo(f"{compared.decisions:,} decisions; {compared.opened:,} kept inside or refused before would leave")
    _show_missed(compared.missed)
    console = _console()
    console.print(_matrix(compared))
    table = Table("change", "old -> new", "decisions", "top rules", "top apps", "some decisions")
    for (change, old, new), cell in compared.ordered():
        if change is not Movement.UNCHANGED:
            row = (change.value, f"{old} -> {new}", f"{cell.count:,}", _top(cell.rules), _top(cell.apps))
            table.add_row(*row, "\n".join(cell.samples), style=_STYLES.get(change, ""))
    console.print(table)


def _matrix(compared: Compared) -> Table:
    """Old routes down, new ones across. What was kept inside and would leave is red."""
    counts: Counter[tuple[str, str]] = Counter()
    for (_, old, new), cell in compared.cells.items():
        counts[old, new] += cell.count
    table = Table("old \\ new", *(route.value for route in _ROUTES))
    for old in _ROUTES:
        cells = [(counts[old.value, new.value], old in _INSIDE and new not in _INSIDE) for new in _ROUTES]
        table.add_row(old.value, *(Text(f"{n:,}", style="bold red" if n and opened else "") for n, opened in cells))
    return table


def _top(names: Counter[str]) -> str:
    return "\n".join(f"{name} {count:,}" for name, count in names.most_common(_TOP))


def _console() -> Console:
    return Console(width=None if sys.stdout.isatty() else 160, highlight=False)
