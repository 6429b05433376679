"""The first page: what left, what stayed, what was refused; whether the ledger is proven; what needs a look."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from random import Random

from gateway.adapters.ledger_verification import ASKED, SOUND, LastVerified, is_overdue, last_verified
from gateway.adapters.sql_audit import SqlAudit
from gateway.adapters.sql_records import of_decisions
from gateway.adapters.sql_search import count, crossed, drawn, tally
from gateway.adapters.sql_tree import newest_note, newest_signed_at
from gateway.console.asked import Answer, Asked, Page, Redirect
from gateway.console.charts import ROUTE_COLOURS, bars
from gateway.console.proof import Light, proof_of
from gateway.console.rendering import day
from gateway.domain.checkpoint import read_note
from gateway.domain.evidence import Event, EventKind, Route
from gateway.domain.exceptions import DAY, PolicyException
from gateway.domain.ledger_costs import PeriodCosts
from gateway.domain.ledger_search import Query
from gateway.domain.strict_json import text_at

PERIODS = (1, 7, 30, 90)
ROUTES = tuple(each.value for each in Route)
_HOUR = DAY // 24
_SOON = 14 * DAY
_MOST_VALUES = 20
_MOST_PRICED = 200
"""So many answers from inside are priced, drawn at random; reading all of a quarter would take minutes."""
_VERIFIED: Mapping[str, tuple[Light, str]] = {
    SOUND: (Light.GREEN, "Sound: every record is what was signed."),
    "altered": (Light.RED, "Altered: the ledger is not what was signed. A report names the records."),
    "incomplete": (Light.AMBER, "Incomplete: nothing was altered, and something is missing. A report says what."),
    "cannot_judge": (Light.RED, "It could not be read, so nothing can be said of it. It is tried again."),
}
"""By the verdict of a verification: the light, and what it means."""


@dataclass(frozen=True, slots=True)
class Saved:
    """What answers from inside would have cost outside, less what they cost here, in US dollars: an estimate from
    `priced` of them, of which `known` have a price outside. The others of the period are taken to be like these."""

    dollars: float
    priced: int
    known: int


@dataclass(slots=True)
class Overview:
    """What the page counts: by route in each span of time, by app or class and then by route."""

    spans: Mapping[str, list[int]]
    apps: Mapping[str, Mapping[str, int]]
    classes: Mapping[str, Mapping[str, int]]
    saved: Saved
    signed: int = 0
    signed_at: int = 0
    open_intents: int = 0


@dataclass(frozen=True, slots=True)
class Verified:
    """The last verification as the page tells it: when it was, and when somebody asked for a new one, 0 for never."""

    light: Light
    why: str
    at: int
    asked: int


async def overview(asked: Asked) -> Answer:
    """The page, for a number of days up to now."""
    days = int(asked.query["days"]) if asked.query.get("days") in {str(each) for each in PERIODS} else 7
    width = _HOUR if days == 1 else DAY
    now = asked.parts.clock.now()
    until = (now // width + 1) * width
    query = asked.holder.sight.narrowed(Query(kind="decision", since=until - days * DAY, until=until))
    told, verified = await asked.read(lambda audit: (_counted(audit, query, width), _verified(asked, audit)))
    totals = {route: sum(told.spans[route]) for route in ROUTES}
    bundle = asked.parts.policies.current()
    names = _names(query, width)
    return Page("overview.html", {
        "title": "Overview",
        "periods": PERIODS,
        "days": days,
        "totals": totals,
        "chart": bars(names, told.spans, ROUTE_COLOURS) if sum(totals.values()) else "",
        "names": names,
        "told": told,
        "verified": verified,
        "since": day(query.since),
        "today": day(now),
        "bundle": bundle,
        "stale": asked.parts.policies.health().detail,
        "expiring": _expiring(bundle.exceptions, now),
        "kept": round(100 * totals[Route.LOCAL.value] / max(1, sum(totals.values()))),
    })  # fmt: skip


async def verify_now(asked: Asked) -> Answer:
    """Have the whole ledger verified soon, by whichever process does that: the wish is a record."""
    wish = Event(kind=EventKind.ADMIN, at=asked.parts.clock.now(), action=ASKED, subject="", who=asked.who)
    await asked.parts.ledger.append(wish)
    asked.parts.verify_soon()
    return Redirect("/console/")


def _counted(audit: SqlAudit, query: Query, width: int) -> Overview:
    found = tally(audit.connection, "route", query, width)
    spans = range(len(range(query.since, query.until, width)))
    apps, classes = map(_tabled, crossed(audit.connection, ("app", "class"), "route", query))
    by_route = {route: [found[route, span] for span in spans] for route in ROUTES}
    told = Overview(by_route, apps, classes, _saved(audit, query, sum(by_route[Route.LOCAL.value])))
    told.open_intents = count(audit.connection, Query(kind="intent", outcome="open", tenant=query.tenant))
    note = newest_note(audit.connection)
    told.signed, told.signed_at = (read_note(note).size, newest_signed_at(audit.connection)) if note else (0, 0)
    return told


def _saved(audit: SqlAudit, query: Query, answered: int) -> Saved:
    """Of so many answers from inside. The same period has the same sample, so that a page asked for again says the
    same."""
    some = drawn(audit.connection, [replace(query, kind="local")], _MOST_PRICED, Random(query.until))  # noqa: S311 - a sample, no secret
    costs = PeriodCosts()
    for each in some:
        costs.decided(each.document)
    for each in of_decisions(audit.connection, [text_at(one.document, "id") for one in some]):
        if text_at(each.document, "k") == "outcome":
            costs.ended(each.document)
    total = costs.total
    dollars = total.saved / 1e9 * answered / max(1, len(some))
    return Saved(dollars, len(some), total.answers - total.unpriced)


def _tabled(counts: Mapping[tuple[str, str], int]) -> dict[str, dict[str, int]]:
    """By value and route: the most frequent values first, and no more than fit a page."""
    rows: dict[str, Counter[str]] = {}
    for (value, route), number in counts.items():
        rows.setdefault(value, Counter())[route] += number
    return dict(sorted(rows.items(), key=lambda each: -each[1].total())[:_MOST_VALUES])


def _verified(asked: Asked, audit: SqlAudit) -> Verified:
    """What the last verification came to, be it the gateway's own, a report's, or one with `--record`."""
    last, interval = last_verified(audit.connection), int(asked.parts.settings.ledger.verify_interval_s * 1_000_000)
    light, why = _light_of(audit, last, asked.parts.public_key)
    if light is Light.GREEN and is_overdue(last.at, asked.parts.clock.now(), interval):
        light, why = Light.AMBER, "Sound when it was verified last, and overdue to be verified again."
    return Verified(light, why, last.at, last.asked)


def _light_of(audit: SqlAudit, last: LastVerified, public_key: str) -> tuple[Light, str]:
    if last.record is None:
        return Light.AMBER, "Not verified yet: the gateway does it within a minute of its start, unless that is off."
    if proof_of(audit, last.record, public_key).light is Light.RED:
        return Light.RED, "Altered: the record of the last verification is not what was signed."
    return _VERIFIED.get(last.verdict, (Light.AMBER, "It came to something that this version does not know."))


def _names(query: Query, width: int) -> list[str]:
    """What each span is called."""
    form = "%H:%M" if width == _HOUR else "%b %d"
    return [
        datetime.fromtimestamp(at // 1_000_000, UTC).strftime(form) for at in range(query.since, query.until, width)
    ]


def _expiring(exceptions: tuple[PolicyException, ...], now: int) -> list[Mapping[str, object]]:
    soon = [each for each in exceptions if now < each.expires <= now + _SOON]
    return [{"id": each.id, "owner": each.owner, "expires": each.expires} for each in soon]
