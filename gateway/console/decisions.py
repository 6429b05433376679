"""Finding decisions: every filter that the ledger's search has, how many there are, and then their rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from urllib.parse import quote

from gateway.adapters.sql_audit import SqlAudit
from gateway.adapters.sql_records import StoredRecord
from gateway.adapters.sql_search import END, Counted, known_terms, position_in, search, split
from gateway.adapters.sql_search import Page as Found
from gateway.console.asked import Answer, Asked, Page, Redirect, Refused
from gateway.console.gate import Seen
from gateway.console.rendering import day, linked
from gateway.domain.accounts import FAR, Account
from gateway.domain.evidence import Result, Route
from gateway.domain.labels import DEFAULT_TABLE, DataClass
from gateway.domain.ledger_search import Query
from gateway.domain.strict_json import Json, object_at, text_at, words_at

ON_A_PAGE = 50
_LONGEST = 120
_DAY_US = 86_400 * 1_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

CHOICES: Mapping[str, tuple[str, ...]] = {
    "kind": ("decision", "intent", "local", "block"),
    "data_class": tuple(each.value for each in DataClass),
    "route": tuple(each.value for each in Route),
    "outcome": (*(each.value for each in Result), "open", "unknown"),
}
"""Filters of a closed set of values; the others take a name as records hold it."""

WORDS: Mapping[str, str] = {
    "tenant": "Tenant", "app": "App", "label": "Label", "entity": "Found (entity)", "rule": "Rule",
    "reason": "Reason code", "destination": "Destination", "kind": "Kind", "data_class": "Class of data",
    "route": "Route", "outcome": "Outcome",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Row:
    """A decision in the list."""

    decision_id: str
    at: int
    tenant: str
    app: str
    label: str
    classes: str
    route: str
    destination: str
    reason: str


async def decisions(asked: Asked) -> Answer:
    """The search page. A decision's id leads straight to it."""
    wanted = asked.query.get("id", "").strip()
    if wanted:
        return Redirect(f"/console/decisions/{quote(wanted, safe='')}")
    query, after = query_of(asked.query, asked.holder), begin_of(asked.query)

    def look(audit: SqlAudit) -> tuple[Counted, Found]:
        return split(audit.connection, "route", query), search(audit.connection, query, after, ON_A_PAGE)

    counted, page = await asked.read(look)
    return Page("decisions.html", {
        **_form(asked, query),
        "rows": [row_of(each) for each in page.records],
        "total": counted.total,
        "split": sorted(counted.values.items()),
        "older": linked("/console/decisions", **filters(asked.query), after=str(page.last)) if page.more else "",
        "first": linked("/console/decisions", **filters(asked.query)) if asked.query.get("after") else "",
        "saved": await asked.parts.views.of(asked.holder.id),
        "known": await _known(asked),
    })  # fmt: skip


async def _known(asked: Asked) -> dict[str, list[str]]:
    """What to offer for each filter that takes a name: what policies, configuration and keys speak of today."""
    bundle, settings = asked.parts.policies.current(), asked.parts.settings
    rules = [rule for policy in bundle.policies for rule in policy.rules]
    mine = [each for each in await asked.parts.keys.list() if asked.holder.sight.tenant in {"", each.tenant}]
    names: dict[str, set[str]] = {
        "tenant": {each.tenant for each in mine},
        "app": {each.app for each in mine},
        "label": {*bundle.scale.labels},
        "entity": {*DEFAULT_TABLE},
        "rule": {rule.id for rule in rules},
        "reason": {rule.reason for rule in rules} | {policy.default_reason for policy in bundle.policies},
        "destination": set(settings.destinations),
    }
    return {name: sorted(each) for name, each in names.items()}


async def what_is_sought(asked: Asked) -> Seen:
    """What a search is recorded as: a value that no record holds is left out, for it can be anything."""
    if asked.query.get("id"):
        return Seen()
    query = query_of(asked.query, asked.holder)
    known = await asked.read(lambda audit: known_terms(audit.connection, query.terms))
    terms = [each if each in known else f"{each.partition(':')[0]}:?" for each in query.terms]
    return Seen(asked=tuple(each for each in terms if ":" in each), since=query.since, until=query.until)


def query_of(said: Mapping[str, str], account: Account) -> Query:
    """The query of a link, of what the account may see. Raises `Refused`."""
    values = {name: said.get(name, "").strip() for name in WORDS}
    if any(len(value) > _LONGEST for value in values.values()):
        raise Refused(400, "A filter is too long.")
    since, until = moment_of(said.get("since", ""), 0), moment_of(said.get("until", ""), FAR, whole_day=True)
    return account.sight.narrowed(Query(**{**values, "kind": values["kind"] or "decision"}, since=since, until=until))


def moment_of(said: str, otherwise: int, *, whole_day: bool = False) -> int:
    """A day or time of a form, in microseconds: of a day the first moment, or with `whole_day` the one after the last.

    Raises `Refused`."""
    if not said:
        return otherwise
    try:
        read = datetime.fromisoformat(said)
    except ValueError:
        raise Refused(400, "Write a day like 2026-11-24, or a time like 2026-11-24T13:00.") from None
    at = int((read.replace(tzinfo=read.tzinfo or UTC) - _EPOCH).total_seconds() * 1_000_000)
    return at + _DAY_US if whole_day and len(said) == len("2026-11-24") else at


def begin_of(said: Mapping[str, str]) -> int:
    """Where the page of a link begins; at the newest where the link makes no sense."""
    try:
        return position_in(said.get("after", ""))
    except ValueError:
        return END


def filters(said: Mapping[str, str]) -> dict[str, str]:
    """What a link asks for: enough to see the same again."""
    return {name: said[name].strip() for name in (*WORDS, "since", "until") if said.get(name, "").strip()}


def row_of(stored: StoredRecord) -> Row:
    """A record as a row."""
    document = stored.document
    does = object_at(document, "do")
    return Row(
        decision_id=text_at(document, "id"),
        at=whole_at(document, "t"),
        tenant=text_at(document, "tenant"),
        app=text_at(document, "app"),
        label=text_at(document, "label"),
        classes=", ".join(words_at(document, "classes")),
        route=text_at(does, "route"),
        destination=text_at(does, "destination"),
        reason=text_at(object_at(document, "pol"), "reason"),
    )


def whole_at(document: Mapping[str, Json], key: str) -> int:
    """A whole number of a record; 0 where there is none."""
    value = document.get(key)
    return value if isinstance(value, int) else 0


def _form(asked: Asked, query: Query) -> dict[str, object]:
    values = {**dict.fromkeys(WORDS, ""), **filters(asked.query)}
    return {
        "title": "Decisions",
        "words": WORDS,
        "choices": CHOICES,
        "values": values,
        "since": asked.query.get("since", "") or day(query.since),
        "until": asked.query.get("until", ""),
        "link": linked("/console/decisions", **filters(asked.query)),
        "asked": {name: value for name, value in asdict(query).items() if value},
    }
