"""What decisions are found by: terms, derived from the records, each a field and a value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.domain.evidence import Route
from gateway.domain.strict_json import Json, object_at, text_at, words_at

OPEN = "outcome:open"
UNKNOWN = "outcome:unknown"
_LONGEST = 160
_SINGLE = ("tenant", "app", "label")
_DONE = ("route", "destination")


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What is looked for; empty fields do not count. Times in microseconds, `since` included, `until` not.

    `outcome` is how the request ended, `open` while that is not recorded, or `unknown` after a crash. `kind` is that of
    a record: `intent`, `local`, `block`, or `decision` for any of these three; or of another one, such as `policy`,
    `erasure`, `view` or `review`."""

    since: int = 0
    until: int = 2**62
    kind: str = ""
    tenant: str = ""
    app: str = ""
    label: str = ""
    data_class: str = ""
    entity: str = ""
    rule: str = ""
    reason: str = ""
    route: str = ""
    destination: str = ""
    outcome: str = ""

    @property
    def terms(self) -> tuple[str, ...]:
        """The terms that a record must have, all of them; `any` when nothing but time is asked for."""
        asked = {
            "kind": self.kind, "tenant": self.tenant, "app": self.app, "label": self.label, "class": self.data_class,
            "entity": self.entity, "rule": self.rule, "reason": self.reason, "route": self.route,
            "destination": self.destination, "outcome": self.outcome,
        }  # fmt: skip
        return tuple(_term(field, value) for field, value in asked.items() if value) or (ANY,)


ANY = "any"
DECISION = "kind:decision"


def terms_of(document: Mapping[str, Json]) -> tuple[str, ...]:
    """The terms of a record. Outcomes have none of their own: see `outcome_of`."""
    kind = text_at(document, "k")
    if kind in {"outcome", "recovered", "heartbeat"}:
        return ()
    does, policy = object_at(document, "do"), object_at(document, "pol")
    route = text_at(does, "route")
    if not route:
        return (ANY, _term("kind", kind))
    found = document.get("find")
    entities = [text_at(each, "d") for each in found if isinstance(each, dict)] if isinstance(found, list) else []
    terms = [ANY, DECISION, _term("kind", kind), _term("reason", text_at(policy, "reason"))]
    terms += [_term(field, text_at(document, field)) for field in _SINGLE]
    terms += [_term(field, text_at(does, field)) for field in _DONE if text_at(does, field)]
    terms += [_term("class", each) for each in words_at(document, "classes")]
    terms += [_term("entity", each) for each in entities]
    terms += [_term("rule", each) for each in words_at(policy, "rules")]
    terms += [OPEN] if route != Route.BLOCKED.value else []
    return tuple(sorted(set(terms)))


def outcome_of(document: Mapping[str, Json]) -> str:
    """The term that an outcome gives to its decision; empty for a record that is none."""
    match document.get("k"):
        case "outcome":
            return _term("outcome", text_at(document, "result"))
        case "recovered":
            return UNKNOWN
        case _:
            return ""


def _term(field: str, value: str) -> str:
    return f"{field}:{value}"[:_LONGEST]
