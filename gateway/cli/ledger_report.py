"""`gateway ledger report`: the page that a compliance officer hands over."""

from __future__ import annotations

import html
import json
import sys
from collections.abc import Iterable
from datetime import UTC, datetime

import click

from gateway.adapters.database import DatabaseUnfit
from gateway.adapters.sql_records import of_period, with_outcome
from gateway.cli.ledger_read import Moment, reading
from gateway.cli.ledger_verify import own_signer, verify_database
from gateway.cli.options import config_option, settings_of
from gateway.domain.ledger_costs import SAVED, PeriodCosts
from gateway.domain.ledger_report import MOST_LISTED, SENSITIVE, PeriodReport, SentOutside
from gateway.verifier.checks import Outside
from gateway.verifier.findings import Report, Verdict
from gateway.verifier.formats import NotGenuine, read_public_key, read_witness_key
from gateway.verifier.together import usable
from gateway.verifier.told import PROTECTS, as_json, not_protected

_NONE_SENT = "None. No decision of this period sent data of class phi, financial or secret outside."
_CHANGES = "Policies that came into force, or were rejected"
_STYLE = """
body { font: 11pt/1.45 Georgia, serif; max-width: 46em; margin: 2em auto; color: #111; }
h1 { font-size: 1.5em; } h2 { font-size: 1.1em; margin-top: 1.6em; border-bottom: 1px solid #999; }
table { border-collapse: collapse; width: 100%; } td, th { text-align: left; padding: .15em .6em .15em 0; vertical-align: top; }
td.n { text-align: right; width: 7em; } .bad { font-weight: bold; } code { font-size: .85em; }
@media print { body { margin: 0; max-width: none; } h2 { break-after: avoid; } tr { break-inside: avoid; } }
"""  # noqa: E501 - a style sheet


@click.command("report")
@click.option("--since", type=Moment(), required=True, help="From this day or time on.")
@click.option("--until", type=Moment(), required=True, help="Before this day or time.")
@click.option("--format", "kind", type=click.Choice(["text", "json", "html"]), default="text", show_default=True)
@click.option("--witness", "witness_keys", type=click.File("r"), multiple=True, metavar="FILE",
              help="The line of a witness whose cosignatures are to be checked.")  # fmt: skip
@config_option
def report(since: int, until: int, kind: str, witness_keys: tuple[Iterable[str], ...], config: str) -> None:
    """What left, what stayed and why, in one period; counted from the records, which are verified with it.

    Exit 1 when the ledger is altered, 2 when it is incomplete.
    """
    settings = settings_of(config)
    try:
        outside = Outside(witnesses=[read_witness_key("".join(lines)) for lines in witness_keys])
        verified = verify_database(settings, read_public_key(own_signer(settings).public_key), outside, usable())
    except (NotGenuine, DatabaseUnfit, UnicodeDecodeError) as error:
        click.echo(f"cannot judge: {error}", err=True)
        sys.exit(Verdict.CANNOT_JUDGE)
    told = PeriodReport(since, until)
    with reading(config) as connection:
        for record in of_period(connection, since, until):
            told.add(record.document)
        told.unresolved -= with_outcome(connection, told.unresolved)
    match kind:
        case "json":
            click.echo(json.dumps(_as_json(told, verified), indent=1))
        case "html":
            click.echo(_as_html(told, verified))
        case _:
            click.echo(_as_text(told, verified))
    sys.exit(verified.verdict)


def _as_text(told: PeriodReport, verified: Report) -> str:
    lines = [f"Record of decisions, {_time(told.since)} to {_time(told.until)}", "", _decisions(told)]
    for title, counts in told.sections:
        lines += ["", title, *(f"  {count:>10}  {name}" for name, count in counts.most_common())]
        lines += [] if counts else ["           -"]
    lines += ["", f"{_CHANGES}: {len(told.changes)}", *(f"  {_time(at)}  {said}" for at, said in told.changes)]
    rows, notes = told.costs.table()
    lines += ["", SAVED, *("  " + "".join(f"{each:>12}" for each in row[:4]) + f"  {row[4]}" for row in rows)]
    lines += [f"  {each}" for each in notes]
    lines += ["", f"Sent outside with {', '.join(SENSITIVE)}: {told.sensitive_count}"]
    lines += [f"  {_sent(each)}" for each in told.sensitive] or [f"  {_NONE_SENT}"]
    lines += [f"  The first {MOST_LISTED} are listed."] if told.sensitive_count > MOST_LISTED else []
    lines += ["", f"Decided to send, and not known what became of it: {len(told.unresolved)}"]
    lines += [f"  {each}" for each in sorted(told.unresolved)]
    lines += ["", f"Erasures: {len(told.erasures)}", *(f"  {each}" for each in told.erasures)]
    lines += ["", f"Verification: {_verdict(verified)}"]
    lines += [f"  {each}" for each in verified.findings[:50]]
    return "\n".join([*lines, "", PROTECTS, not_protected(verified)])


def _as_json(told: PeriodReport, verified: Report) -> dict[str, object]:
    return {
        "since": _time(told.since),
        "until": _time(told.until),
        "decisions": told.decisions,
        "synthetic": told.synthetic,
        "routes": told.routes,
        "classes": told.classes,
        "apps": told.apps,
        "destinations": told.destinations,
        "transforms": told.transforms,
        "policies": told.policies,
        "policy_changes": [{"time": _time(at), "change": said} for at, said in told.changes],
        "exceptions": told.exceptions,
        "results": told.results,
        "events": told.events,
        "costs": _costs_json(told.costs),
        "sensitive_sent": told.sensitive_count,
        "sensitive": [
            {"id": e.decision_id, "time": _time(e.at), "tenant": e.tenant, "app": e.app, "destination": e.destination,
             "classes": e.classes, "route": e.route, "transforms": e.transforms, "rules": e.rules, "policy": e.policy}
            for e in told.sensitive
        ],
        "unresolved": sorted(told.unresolved),
        "erasures": told.erasures,
        "verification": as_json(verified),
        "protects": PROTECTS,
        "does_not_protect": not_protected(verified),
    }  # fmt: skip


def _as_html(told: PeriodReport, verified: Report) -> str:
    parts = [f"<p>{_decisions(told)}.</p>"]
    for title, counts in told.sections:
        rows = [
            f"<tr><td class=n>{count}</td><td>{html.escape(name)}</td></tr>" for name, count in counts.most_common()
        ]
        parts += [f"<h2>{title}</h2>", f"<table>{''.join(rows)}</table>" if rows else "<p>None.</p>"]
    parts += [f"<h2>{_CHANGES}: {len(told.changes)}</h2>"]
    parts += [f"<p>{_time(at)} <code>{html.escape(said)}</code></p>" for at, said in told.changes]
    lines, notes = told.costs.table()
    cells = [
        "".join(f"<td class=n>{each}</td>" for each in row[:4]) + f"<td>{html.escape(row[4])}</td>" for row in lines
    ]
    parts += [f"<h2>{SAVED}</h2>", f"<table><tr>{'</tr><tr>'.join(cells)}</tr></table>"]
    parts += [f"<p>{each}</p>" for each in notes]
    parts += [f"<h2>Sent outside with {', '.join(SENSITIVE)}: {told.sensitive_count}</h2>"]
    parts += [f"<p class=bad>{html.escape(_sent(each))}</p>" for each in told.sensitive] or [f"<p>{_NONE_SENT}</p>"]
    if told.sensitive_count > MOST_LISTED:
        parts += [f"<p>The first {MOST_LISTED} are listed.</p>"]
    parts += [f"<h2>Decided to send, and not known what became of it: {len(told.unresolved)}</h2>"]
    parts += [f"<p><code>{html.escape(each)}</code></p>" for each in sorted(told.unresolved)]
    parts += [f"<h2>Erasures: {len(told.erasures)}</h2>"]
    parts += [f"<p><code>{html.escape(each)}</code></p>" for each in told.erasures]
    parts += ["<h2>Verification</h2>", f"<p>{html.escape(_verdict(verified))}</p>"]
    parts += [f"<p class=bad>{html.escape(str(each))}</p>" for each in verified.findings[:50]]
    parts += [f"<p>{html.escape(PROTECTS)}</p>", f"<p>{html.escape(not_protected(verified))}</p>"]
    title = f"Record of decisions, {_time(told.since)} to {_time(told.until)}"
    head = f'<meta charset="utf-8"><title>{title}</title><style>{_STYLE}</style>'
    body = f"<h1>{title}</h1>{''.join(parts)}"
    return f'<!doctype html><html lang="en"><head>{head}</head><body>{body}</body></html>'


def _decisions(told: PeriodReport) -> str:
    own = f", {told.synthetic} of them on the gateway's own probes" if told.synthetic else ""
    return f"{told.decisions} decisions{own}"


def _costs_json(costs: PeriodCosts) -> dict[str, object]:
    return {
        "spent_outside_nano_dollars": costs.spent,
        "sent_without_a_price": costs.unpriced,
        "inside": [
            {"app": app, "task": task, "answers": s.answers, "saved_nano_dollars": s.saved,
             "outside_nano_dollars": s.outside, "without_a_price": s.unpriced,
             "inside_nano_dollars": s.inside, "machine_without_a_cost": s.free}
            for (app, task), s in sorted(costs.savings.items())
        ],
    }  # fmt: skip


def _sent(each: SentOutside) -> str:
    how = f"transformed: {', '.join(each.transforms)}" if each.transforms else "AS IT WAS"
    return (
        f"{_time(each.at)}  {each.decision_id}  {each.tenant} / {each.app} -> {each.destination}, {each.route}, {how};"
        f" classes {', '.join(each.classes)}; policy revision {each.policy}, rules {', '.join(each.rules) or 'none'}"
    )


def _verdict(verified: Report) -> str:
    what = {Verdict.SOUND: "SOUND", Verdict.ALTERED: "ALTERED", Verdict.INCOMPLETE: "INCOMPLETE"}[verified.verdict]
    signed = f"{verified.size} records are under the signed root {verified.root.hex() or '-'}"
    found = "; ".join(f"{count} x {code}" for code, count in sorted(verified.found.items()))
    return f"{what}. {signed} of {verified.origin}." + (f" Found: {found}." if found else "")


def _time(at: int) -> str:
    return datetime.fromtimestamp(at / 1e6, UTC).isoformat(timespec="seconds")
