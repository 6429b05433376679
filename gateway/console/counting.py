"""How many decisions took each route: over time, by app and by class of data. A day that is over is counted once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from gateway.adapters.sql_audit import SqlAudit
from gateway.adapters.sql_search import crossed, indexed_until, tally
from gateway.domain.accounts import FAR
from gateway.domain.evidence import Route
from gateway.domain.exceptions import DAY
from gateway.domain.ledger_search import Query

ROUTES = tuple(each.value for each in Route)
_MOST_VALUES = 20
_MOST_KEPT = 10_000
_SETTLED = DAY
"""This long after its end no record of a day is on its way into the tree any more."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Of one span of time: by route, and by app or class and route."""

    routes: Counter[str] = field(default_factory=Counter)
    apps: Counter[tuple[str, str]] = field(default_factory=Counter)
    classes: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add(self, other: Counts) -> None:
        """Count those, too."""
        self.routes.update(other.routes)
        self.apps.update(other.apps)
        self.classes.update(other.classes)


class DayCounts:
    """Counts, and remembers the whole days that nothing is added to any more: a period of months costs what its last
    days cost. Forgotten with the process."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, str], Counts] = {}

    def by_day(self, audit: SqlAudit, query: Query) -> Sequence[Counts]:
        """The counts of each day of a query's time, which begins with one."""
        settled = indexed_until(audit.connection) - _SETTLED
        days = range(query.since, min(query.until, FAR), DAY)
        return [self._day(audit, replace(query, since=at, until=min(at + DAY, query.until)), settled) for at in days]

    def _day(self, audit: SqlAudit, query: Query, settled: int) -> Counts:
        key = (query.since, query.tenant)
        if query.since % DAY or query.until != query.since + DAY or query.until > settled:
            return counted(audit, query)
        if key not in self._known:
            if len(self._known) >= _MOST_KEPT:
                self._known.clear()
            self._known[key] = counted(audit, query)
        return self._known[key]


def counted(audit: SqlAudit, query: Query) -> Counts:
    """The counts of a query's time and tenant, from the index."""
    routes = tally(audit.connection, "route", query, FAR)
    apps, classes = (crossed(audit.connection, name, "route", query) for name in ("app", "class"))
    return Counts(Counter({route: count for (route, _), count in routes.items()}), apps, classes)


def tabled(counts: Mapping[tuple[str, str], int]) -> dict[str, dict[str, int]]:
    """By value and route: the most frequent values first, and no more than fit a page."""
    rows: dict[str, Counter[str]] = {}
    for (value, route), count in counts.items():
        rows.setdefault(value, Counter())[route] += count
    return dict(sorted(rows.items(), key=lambda each: -each[1].total())[:_MOST_VALUES])
