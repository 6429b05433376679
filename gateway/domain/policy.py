"""A policy bundle as values, in the format of the files that security teams edit.

Built by `adapters.file_policies` from YAML; nothing here is valid by halves: a constructor refuses what would make a
rule vacuous. Evaluation lives in `domain.evaluate`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from gateway.domain.answer_rules import AnswerRule
from gateway.domain.capability import Capability, Instead
from gateway.domain.condition_index import ConditionIndex
from gateway.domain.conditions import SAID, Condition, matches, reads
from gateway.domain.detectors import CustomDetector, EntityDetector, PolicyDetector, reported_by
from gateway.domain.exceptions import PolicyException
from gateway.domain.labels import DEFAULT_TABLE, Classification, DataClass, Entity, Label, Scale


class Zone(StrEnum):
    """Where a destination lies."""

    EXTERNAL = "external"
    IN_NETWORK = "in_network"


class Operator(StrEnum):
    """What a transform puts in the place of a value, weakest first. Surrogates and placeholders are restored in the
    answer."""

    SURROGATE = "surrogate"
    PLACEHOLDER = "placeholder"
    MASK = "mask"
    HASH = "hash"
    REDACT = "redact"


class Severity(StrEnum):
    """How much a rule matters to the people who review its decisions."""

    INFO = "info"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


_SEVERITIES = tuple(Severity)


@dataclass(frozen=True, slots=True)
class Ceiling:
    """What a destination may see at most."""

    zone: Zone
    max_label: Label
    never: frozenset[DataClass]


@dataclass(frozen=True, slots=True)
class Block:
    """Refuse, with this HTTP status."""

    status: int


@dataclass(frozen=True, slots=True)
class Transform:
    """Put stand-ins for the values of one entity."""

    entity: Entity
    operator: Operator


@dataclass(frozen=True, slots=True)
class RouteLocal:
    """Answer inside. An empty `destination` leaves the choice to the model's alias."""

    destination: str


@dataclass(frozen=True, slots=True)
class RouteExternal:
    """Leaving is allowed, to `destination` (empty: to whichever one the model's alias names) after `transforms`."""

    destination: str
    transforms: tuple[Transform, ...]


@dataclass(frozen=True, slots=True)
class TransformOnly:
    """If the request leaves at all, it leaves with these transforms. Gives no permission to leave."""

    transforms: tuple[Transform, ...]


Consequence = Block | RouteLocal | RouteExternal | TransformOnly


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule. `shadow` rules are evaluated and recorded, and decide nothing. `tell_user` may be empty.

    `controls` are the clauses that it serves, such as `HIPAA-164.502(b)`: told in reports, and no part of a decision.
    `telling` orders rules of one kind by which is told of: the most severe. The rest keeps order out of the choice.
    """

    id: str
    reason: str
    severity: Severity
    when: Condition
    then: Consequence
    tell_user: str = ""
    controls: tuple[str, ...] = ()
    non_waivable: bool = False
    shadow: bool = False
    telling: tuple[int, str, str, str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        status = self.then.status if isinstance(self.then, Block) else 0
        telling = (_SEVERITIES.index(self.severity), self.id, self.reason, self.tell_user, status)
        object.__setattr__(self, "telling", telling)


@dataclass(frozen=True, slots=True)
class Scope:
    """Which callers a policy speaks of: names; a `*` at the end stands for any rest."""

    apps: frozenset[str]
    tenants: frozenset[str]

    def covers(self, app: str, tenant: str) -> bool:
        """Whether a caller of this app and tenant is among them."""
        return _covers(self.apps, app) and _covers(self.tenants, tenant)


def _covers(names: frozenset[str], name: str) -> bool:
    return "*" in names or name in names or any(matches(name, pattern) for pattern in names)


@dataclass(frozen=True, slots=True)
class TreatAs:
    """Count the unreadable as this label."""

    label: Label


OnFailure = TreatAs | Block


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """One policy file. `default` is always inside or a block.

    `meanings` is what its detectors say of entities: the strictest label where several speak of one, all classes;
    `means` with it what the shipped table says of all others.
    `steady` and `said` are its rules, found by what they ask for: those that nothing which the caller says of itself
    can change, and those that ask for a label, a purpose or a task. `reads` is what they ask for.
    `incapable` is what happens where the model inside cannot do what is asked.
    """

    name: str
    scope: Scope
    scale: Scale
    ceilings: Mapping[str, Ceiling]
    detectors: tuple[PolicyDetector, ...]
    rules: tuple[Rule, ...]
    default: RouteLocal | Block
    default_reason: str
    on_detector_failure: OnFailure
    on_opaque_part: OnFailure
    local_model_down_status: int
    answers: tuple[AnswerRule, ...] = ()
    incapable: Mapping[Capability, Block | Instead] = field(default_factory=dict)
    meanings: Mapping[Entity, Classification] = field(init=False, repr=False, compare=False)
    means: Mapping[Entity, Classification] = field(init=False, repr=False, compare=False)
    steady: ConditionIndex[Rule] = field(init=False, repr=False, compare=False)
    said: ConditionIndex[Rule] = field(init=False, repr=False, compare=False)
    reads: frozenset[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        meanings: dict[Entity, Classification] = {}
        for detector in self.detectors:
            entity = reported_by(detector)
            known = meanings.get(entity, detector.means)
            label = self.scale.highest(known.label, detector.means.label)
            meanings[entity] = Classification(label, known.classes | detector.means.classes)
        rules = sorted(self.rules, key=lambda rule: rule.id)
        steady = [(rule.when, rule) for rule in rules if not reads(rule.when) & SAID]
        said = [(rule.when, rule) for rule in rules if reads(rule.when) & SAID]
        object.__setattr__(self, "meanings", meanings)
        object.__setattr__(self, "means", DEFAULT_TABLE | meanings)
        object.__setattr__(self, "steady", ConditionIndex(steady, self.scale))
        object.__setattr__(self, "said", ConditionIndex(said, self.scale))
        object.__setattr__(self, "reads", frozenset[str]().union(*(reads(rule.when) for rule in self.rules)))

    @property
    def own_detectors(self) -> tuple[CustomDetector, ...]:
        """The patterns and term lists that the detector has to run for this policy."""
        return tuple(d for d in self.detectors if not isinstance(d, EntityDetector))


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """The policies in force together. `digest` is `sha256:<hex>` of their files, `revision` their number in the
    database, from 1.

    `exceptions` have ids of their own, and name no rule that is `non_waivable`. All policies of a bundle share one
    scale and never define one detector id twice with different meanings.
    """

    policies: tuple[Policy, ...]
    digest: str
    revision: int
    exceptions: tuple[PolicyException, ...] = ()

    def __post_init__(self) -> None:
        if not self.policies:
            raise ValueError("a bundle of no policies would decide nothing")
        if len({policy.scale for policy in self.policies}) != 1:
            raise ValueError("the policies of a bundle share one scale of labels")
        if len({each.id for each in self.exceptions}) != len(self.exceptions):
            raise ValueError("the exceptions of a bundle have ids of their own")

    @property
    def scale(self) -> Scale:
        """The scale of labels that all policies share."""
        return self.policies[0].scale

    @property
    def exception_ids(self) -> frozenset[str]:
        """The ids of all exceptions."""
        return frozenset(each.id for each in self.exceptions)

    def custom_detectors_for(self, app: str, tenant: str) -> tuple[CustomDetector, ...]:
        """Those of the policies that speak of this caller. A finding that none of them knows counts as the top label,
        so running the detectors of other callers' policies would keep more inside than anybody asked for."""
        return _distinct(self.in_scope(app, tenant))

    def local_model_down_status(self, app: str, tenant: str) -> int:
        """The status of a refusal because no model inside can answer. Of several policies, the highest status."""
        return max((p.local_model_down_status for p in self.in_scope(app, tenant)), default=503)

    def in_scope(self, app: str, tenant: str) -> tuple[Policy, ...]:
        """The policies that speak of this caller."""
        return tuple([p for p in self.policies if p.scope.covers(app, tenant)])


def _distinct(policies: Iterable[Policy]) -> tuple[CustomDetector, ...]:
    return tuple({d.id: d for policy in policies for d in policy.own_detectors}.values())
