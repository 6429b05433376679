"""The page that a compliance officer hands over, counted from the records of a period and from nothing else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.domain.labels import DataClass
from gateway.domain.strict_json import Json

SENSITIVE = (DataClass.PHI.value, DataClass.FINANCIAL.value, DataClass.SECRET.value)
"""Classes of which every decision to send outside is listed one by one."""

MOST_LISTED = 10_000


@dataclass(frozen=True, slots=True)
class SentOutside:
    """A decision that sent something of a sensitive class outside. Times in microseconds since the epoch."""

    decision_id: str
    at: int
    tenant: str
    app: str
    destination: str
    classes: tuple[str, ...]
    route: str
    transforms: tuple[str, ...]
    rules: tuple[str, ...]
    policy: int


@dataclass(slots=True)
class PeriodReport:
    """What happened from `since` until before `until`. Counters are by name; `sensitive` at most `MOST_LISTED`."""

    since: int
    until: int
    decisions: int = 0
    routes: Counter[str] = field(default_factory=Counter)
    classes: Counter[str] = field(default_factory=Counter)
    apps: Counter[str] = field(default_factory=Counter)
    destinations: Counter[str] = field(default_factory=Counter)
    transforms: Counter[str] = field(default_factory=Counter)
    policies: Counter[str] = field(default_factory=Counter)
    exceptions: Counter[str] = field(default_factory=Counter)
    results: Counter[str] = field(default_factory=Counter)
    events: Counter[str] = field(default_factory=Counter)
    erasures: list[str] = field(default_factory=list)
    sensitive: list[SentOutside] = field(default_factory=list)
    sensitive_count: int = 0
    unresolved: set[str] = field(default_factory=set)

    def add(self, document: Mapping[str, Json]) -> None:
        """One record. Outcomes must come after their decisions."""
        match document.get("k"):
            case "intent" | "local" | "block":
                self._decision(document)
            case "outcome":
                self.results[_text(document, "result")] += 1
                self.unresolved.discard(_text(document, "id"))
            case "erasure":
                self.erasures.append(f"{_text(document, 'scope')} {_text(document, 'subject')}")
            case kind:
                action = _text(document, "action")
                self.events[f"{kind} {action}".strip()] += 1

    def _decision(self, document: Mapping[str, Json]) -> None:
        does, policy = _within(document, "do"), _within(document, "pol")
        route, classes = _text(does, "route"), _words(document, "classes")
        self.decisions += 1
        self.routes[route] += 1
        self.classes.update(classes or ("none",))
        self.apps[f"{_text(document, 'tenant')} / {_text(document, 'app')}"] += 1
        self.destinations[_text(does, "destination") or "none (refused)"] += 1
        self.transforms.update(_words(does, "transforms"))
        self.policies[f"revision {policy.get('rev')} ({_text(policy, 'dig')[:19]})"] += 1
        self.exceptions.update(_words(policy, "exc"))
        if document.get("k") == "intent":
            self.unresolved.add(_text(document, "id"))
            if set(classes) & set(SENSITIVE):
                self._list(document, does, policy, classes)

    def _list(
        self,
        document: Mapping[str, Json],
        does: Mapping[str, Json],
        policy: Mapping[str, Json],
        classes: tuple[str, ...],
    ) -> None:
        self.sensitive_count += 1
        if len(self.sensitive) == MOST_LISTED:
            return
        at, revision = document.get("t"), policy.get("rev")
        self.sensitive.append(
            SentOutside(
                decision_id=_text(document, "id"),
                at=at if isinstance(at, int) else 0,
                tenant=_text(document, "tenant"),
                app=_text(document, "app"),
                destination=_text(does, "destination"),
                classes=classes,
                route=_text(does, "route"),
                transforms=_words(does, "transforms"),
                rules=_words(policy, "rules"),
                policy=revision if isinstance(revision, int) else 0,
            )
        )


def _within(document: Mapping[str, Json], key: str) -> Mapping[str, Json]:
    value = document.get(key)
    return value if isinstance(value, dict) else {}


def _text(document: Mapping[str, Json], key: str) -> str:
    value = document.get(key)
    return value if isinstance(value, str) else ""


def _words(document: Mapping[str, Json], key: str) -> tuple[str, ...]:
    value = document.get(key)
    return tuple(str(each) for each in value) if isinstance(value, list) else ()
