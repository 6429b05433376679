"""Templates, and how values are written on pages. Everything is escaped; pages hold no script."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from gateway.console.sessions import Session
from gateway.domain.accounts import Account, Role
from gateway.domain.evidence import Route

_HERE = Path(__file__).parent
STYLE = (_HERE / "static" / "console.css").read_bytes()

_ALL = frozenset(Role)
NAVIGATION: tuple[tuple[str, str, frozenset[Role]], ...] = (
    ("/console/", "Overview", _ALL),
    ("/console/decisions", "Decisions", _ALL),
    ("/console/review", "Review", frozenset({Role.REVIEWER, Role.ADMINISTRATOR})),
    ("/console/policies", "Policies", _ALL),
    ("/console/reports", "Reports", frozenset({Role.REVIEWER, Role.AUDITOR, Role.ADMINISTRATOR})),
    ("/console/access", "Access log", frozenset({Role.AUDITOR, Role.ADMINISTRATOR})),
    ("/console/administration", "Administration", frozenset({Role.ADMINISTRATOR})),
)
"""The pages that are linked everywhere, and who may see each: the routes' own roles, as a test says."""


ROUTE_WORDS: Mapping[str, str] = {
    Route.EXTERNAL.value: "left unchanged",
    Route.EXTERNAL_TRANSFORMED.value: "left with replacements",
    Route.LOCAL.value: "stayed inside",
    Route.BLOCKED.value: "refused",
}
"""Where requests went, as pages say it."""


def way(route: str) -> str:
    """A route in words; anything else as it is."""
    return ROUTE_WORDS.get(route, route)


def clock(at: object) -> str:
    """A time as `moment` has it, for a column that says that it is UTC."""
    return moment(at).removesuffix(" UTC")


def moment(at: object) -> str:
    """A time in microseconds, to the second, in UTC."""
    if not isinstance(at, int) or not 0 < at < 253_402_300_800_000_000:
        return "-"
    return datetime.fromtimestamp(at // 1_000_000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def day(at: int) -> str:
    """The day of a time, as a date field holds it; empty for no bound."""
    if not 0 < at < 253_402_300_800_000_000:
        return ""
    return datetime.fromtimestamp(at // 1_000_000, UTC).strftime("%Y-%m-%d")


def number(count: int) -> str:
    """A count as people read it."""
    return f"{count:,}"


def linked(path: str, **asked: object) -> str:
    """A path with what is asked, without what is empty."""
    said = urlencode({name.rstrip("_"): str(value) for name, value in asked.items() if value})
    return f"{path}?{said}" if said else path


_ENVIRONMENT = Environment(
    loader=FileSystemLoader(_HERE / "templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
)
_ENVIRONMENT.filters.update({"moment": moment, "clock": clock, "day": day, "number": number, "way": way})
_ENVIRONMENT.globals.update({"linked": linked})


def render(template: str, told: Mapping[str, object], account: Account | None, session: Session) -> str:
    """A page for an account, whose forms are of this session."""
    pages = [(path, name) for path, name, roles in NAVIGATION if account is not None and account.role in roles]
    return _ENVIRONMENT.get_template(template).render(**told, account=account, token=session.token, navigation=pages)
