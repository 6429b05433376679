"""The first page: what left, what stayed, what was refused; whether the ledger is proven; what needs a look."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from gateway.adapters.sql_audit import SqlAudit
from gateway.adapters.sql_search import count, search, tally
from gateway.adapters.sql_tree import newest_note, newest_signed_at
from gateway.console.asked import Answer, Asked, Page
from gateway.console.charts import ROUTE_COLOURS, bars
from gateway.console.decisions import whole_at
from gateway.console.rendering import day
from gateway.domain.accounts import FAR
from gateway.domain.checkpoint import read_note
from gateway.domain.evidence import Route
from gateway.domain.exceptions import DAY, PolicyException
from gateway.domain.ledger_search import Query
from gateway.domain.strict_json import text_at

PERIODS = (1, 7, 30, 90)
_HOUR = DAY // 24
_MOST_SPLIT = 50_000
"""More decisions than this are not told by route and app at once: that would take longer than a page may."""
_SOON = 14 * DAY
_CHECKS = 200
ROUTES = tuple(each.value for each in Route)


@dataclass(slots=True)
class Overview:
    """What the page counts. `split` are counts by a field's value and then by route."""

    spans: dict[str, list[int]] = field(default_factory=dict)
    apps: dict[str, dict[str, int]] = field(default_factory=dict)
    classes: dict[str, dict[str, int]] = field(default_factory=dict)
    signed: int = 0
    signed_at: int = 0
    open_intents: int = 0
    verified: str = ""
    verified_at: int = 0


async def overview(asked: Asked) -> Answer:
    """The page, for a number of days up to now."""
    days = int(asked.query["days"]) if asked.query.get("days") in {str(each) for each in PERIODS} else 7
    width = _HOUR if days == 1 else DAY
    now = asked.parts.clock.now()
    until = (now // width + 1) * width
    query = asked.holder.sight.narrowed(Query(kind="decision", since=until - days * DAY, until=until))
    told = await asked.read(lambda audit: _counted(audit, query, width))
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
        "since": day(query.since),
        "bundle": bundle,
        "stale": asked.parts.policies.health().detail,
        "expiring": _expiring(bundle.exceptions, now),
        "kept": round(100 * totals[Route.LOCAL.value] / max(1, sum(totals.values()))),
    })  # fmt: skip


def _counted(audit: SqlAudit, query: Query, width: int) -> Overview:
    told = Overview()
    spans = max(1, (min(query.until, FAR) - query.since) // width)
    told.spans = {route: [0] * spans for route in ROUTES}
    for route, number, found in tally(audit.connection, "route", query, width):
        if route in told.spans and number < spans:
            told.spans[route][number] += found
    many = sum(sum(each) for each in told.spans.values()) > _MOST_SPLIT
    told.apps, told.classes = (_split(audit, name, query, whole=many) for name in ("app", "class"))
    told.open_intents = count(audit.connection, Query(kind="intent", outcome="open", tenant=query.tenant), 10_000)
    note = newest_note(audit.connection)
    told.signed, told.signed_at = (read_note(note).size, newest_signed_at(audit.connection)) if note else (0, 0)
    _last_verified(audit, told)
    return told


def _split(audit: SqlAudit, name: str, query: Query, *, whole: bool) -> dict[str, dict[str, int]]:
    """The counts of each value of a field by route; under `all` alone where they are too many to split."""
    found: dict[str, Counter[str]] = {}
    for route in ("",) if whole else ROUTES:
        of = Query(kind="decision", since=query.since, until=query.until, tenant=query.tenant, route=route)
        for value, _, counted in tally(audit.connection, name, of, FAR):
            found.setdefault(value, Counter())[route or "all"] += counted
    return {value: dict(counts) for value, counts in sorted(found.items(), key=lambda each: -each[1].total())[:20]}


def _last_verified(audit: SqlAudit, told: Overview) -> None:
    """When somebody had the ledger verified from here, and what it came to."""
    for record in search(audit.connection, Query(kind="admin"), limit=_CHECKS).records:
        action = text_at(record.document, "action")
        if action.startswith("verified_"):
            told.verified, told.verified_at = action.removeprefix("verified_"), whole_at(record.document, "t")
            return


def _names(query: Query, width: int) -> list[str]:
    """What each span is called."""
    form = "%H:%M" if width == _HOUR else "%b %d"
    return [
        datetime.fromtimestamp(at // 1_000_000, UTC).strftime(form) for at in range(query.since, query.until, width)
    ]


def _expiring(exceptions: tuple[PolicyException, ...], now: int) -> list[Mapping[str, object]]:
    soon = [each for each in exceptions if now < each.expires <= now + _SOON]
    return [{"id": each.id, "owner": each.owner, "expires": each.expires} for each in soon]
