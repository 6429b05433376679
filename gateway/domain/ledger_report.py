"""The page that a compliance officer hands over, counted from the records of a period and from nothing else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.domain.evidence import SYNTHETIC
from gateway.domain.labels import DataClass
from gateway.domain.ledger_costs import PeriodCosts
from gateway.domain.strict_json import Json, object_at, text_at, words_at

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
    """What happened from `since` until before `until`. Counters are by name; `sensitive` at most `MOST_LISTED`.

    `digests` are those of the policy bundles that decided or came into force. `synthetic` of the decisions are on
    requests that the gateway made itself. `changes` are the times at which a policy came into force or was rejected,
    and which. `unresolved` still holds decisions whose outcome came later."""

    since: int
    until: int
    decisions: int = 0
    synthetic: int = 0
    routes: Counter[str] = field(default_factory=Counter)
    classes: Counter[str] = field(default_factory=Counter)
    apps: Counter[str] = field(default_factory=Counter)
    destinations: Counter[str] = field(default_factory=Counter)
    transforms: Counter[str] = field(default_factory=Counter)
    policies: Counter[str] = field(default_factory=Counter)
    exceptions: Counter[str] = field(default_factory=Counter)
    results: Counter[str] = field(default_factory=Counter)
    events: Counter[str] = field(default_factory=Counter)
    digests: set[str] = field(default_factory=set)
    changes: list[tuple[int, str]] = field(default_factory=list)
    erasures: list[str] = field(default_factory=list)
    sensitive: list[SentOutside] = field(default_factory=list)
    sensitive_count: int = 0
    unresolved: set[str] = field(default_factory=set)
    costs: PeriodCosts = field(default_factory=PeriodCosts)

    def add(self, document: Mapping[str, Json]) -> None:
        """One record, in the order of time."""
        match document.get("k"):
            case "intent" | "local" | "block":
                self._decision(document)
            case "outcome":
                self.costs.ended(document)
                self.results[text_at(document, "result")] += 1
                self.unresolved.discard(text_at(document, "id"))
            case "erasure":
                self.erasures.append(f"{text_at(document, 'scope')} {text_at(document, 'subject')}")
            case "policy":
                at = document.get("t")
                said = f"{text_at(document, 'action')} {text_at(document, 'subject')}"
                self.digests.add(text_at(document, "subject"))
                self.changes.append((at if isinstance(at, int) else 0, said))
            case kind:
                action = text_at(document, "action")
                self.events[f"{kind} {action}".strip()] += 1

    @property
    def sections(self) -> tuple[tuple[str, Counter[str]], ...]:
        """What is counted by name, each with its heading."""
        return (
            ("Decisions by route", self.routes),
            ("Decisions by class of data", self.classes),
            ("Decisions by tenant and app", self.apps),
            ("Decisions by destination", self.destinations),
            ("Transforms applied, by what was found", self.transforms),
            ("Policies in force, by decisions", self.policies),
            ("Exceptions used", self.exceptions),
            ("How requests ended", self.results),
            ("Other records", self.events),
        )

    def _decision(self, document: Mapping[str, Json]) -> None:
        does, policy = object_at(document, "do"), object_at(document, "pol")
        route, classes = text_at(does, "route"), words_at(document, "classes")
        self.decisions += 1
        self.synthetic += text_at(document, "tenant") == SYNTHETIC
        self.routes[route] += 1
        self.classes.update(classes or ("none",))
        self.apps[f"{text_at(document, 'tenant')} / {text_at(document, 'app')}"] += 1
        self.destinations[text_at(does, "destination") or "none (refused)"] += 1
        self.transforms.update(words_at(does, "transforms"))
        self.digests.add(text_at(policy, "dig"))
        self.policies[f"revision {policy.get('rev')} ({text_at(policy, 'dig')[:19]})"] += 1
        self.exceptions.update(words_at(policy, "exc"))
        if document.get("k") != "block" and text_at(document, "tenant") != SYNTHETIC:
            self.costs.decided(document)
        if document.get("k") == "intent":
            self.unresolved.add(text_at(document, "id"))
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
                decision_id=text_at(document, "id"),
                at=at if isinstance(at, int) else 0,
                tenant=text_at(document, "tenant"),
                app=text_at(document, "app"),
                destination=text_at(does, "destination"),
                classes=classes,
                route=text_at(does, "route"),
                transforms=words_at(does, "transforms"),
                rules=words_at(policy, "rules"),
                policy=revision if isinstance(revision, int) else 0,
            )
        )
