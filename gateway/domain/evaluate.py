"""Evaluation: `f(bundle, facts) -> Verdict`, a pure function of recorded facts.

Theory of operation
-------------------
1. The label of a request is the highest of its findings, of what could not be read, and of the client's own claim.
2. Every rule of every policy in scope is evaluated; order carries no meaning.
3. Among the rules that match, the most restrictive consequence wins: block > local > transform and send > send.
   Transforms are united. Where several rules allow leaving, only a destination that all of them allow is allowed.
4. No rule matches: the policy's default, which is inside. Two policies' defaults: the more restrictive.
5. Leaving needs all of: a rule that allows it, every leaf examined or counted at the policy's label for the
   unreadable, and after the transforms a label and classes within the destination's ceiling. Else: inside.

So a rule can only tighten what the others decided; only a rule that allows leaving lifts the default.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import assert_never

from gateway.domain.facts import Facts, FindingFact
from gateway.domain.labels import DEFAULT_TABLE, HEALTH_ENTITIES, Classification, DataClass, Entity, Label, Scale
from gateway.domain.policy import (
    AllOf,
    AnyOf,
    Block,
    Bundle,
    Ceiling,
    ClassIs,
    Condition,
    Consequence,
    ContextField,
    ContextIs,
    FindingIs,
    LabelIs,
    Not,
    OnFailure,
    Operator,
    Policy,
    RouteExternal,
    RouteLocal,
    Rule,
    Transform,
    TransformOnly,
    TreatAs,
)

_STRENGTH = {Operator.PLACEHOLDER: 0, Operator.MASK: 1, Operator.HASH: 2, Operator.REDACT: 3}


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """How sensitive a set of facts is."""

    label: Label
    classes: frozenset[DataClass]


@dataclass(frozen=True, slots=True)
class MayLeave:
    """Leaving is allowed, to these destinations (`any_destination`: to the alias's own), after these transforms."""

    any_destination: bool
    destinations: frozenset[str]
    transforms: tuple[Transform, ...]

    def allows(self, destination: str) -> bool:
        """Whether a rule allows this destination. The destination's ceiling is checked apart."""
        return self.any_destination or destination in self.destinations


@dataclass(frozen=True, slots=True)
class Inside:
    """Answer inside. An empty `destination` leaves the choice to the model's alias."""

    destination: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the policy says, and why. `rules` are the ids of those that matched, `shadow` of shadow rules that did."""

    outcome: MayLeave | Inside | Block
    sensitivity: Sensitivity
    reason: str
    rules: tuple[str, ...]
    shadow: tuple[str, ...]
    tell_user: str


def evaluate(bundle: Bundle, facts: Facts) -> Verdict:
    """What the bundle says of these facts. A caller that no policy speaks of stays inside."""
    policies = bundle.in_scope(facts.context.app, facts.context.tenant)
    if not policies:
        everything = Sensitivity(bundle.scale.top, frozenset())
        return Verdict(Inside(""), everything, "NO_POLICY_IN_SCOPE", (), (), "")
    sensitivity = sensitivity_of(policies, facts, frozenset())
    matched = [r for p in policies for r in p.rules if holds(r.when, facts, sensitivity, bundle.scale)]
    live = [rule for rule in matched if not rule.shadow]
    shadow = tuple(sorted(rule.id for rule in matched if rule.shadow))
    blocked = _failure_block(policies, facts)
    if blocked is not None:
        return Verdict(blocked, sensitivity, "UNREADABLE", _ids(live), shadow, "")
    return _combine(policies, live, sensitivity, shadow)


def sensitivity_of(policies: Iterable[Policy], facts: Facts, transformed: frozenset[Entity]) -> Sensitivity:
    """Label and classes of what remains when the values of `transformed` entities are taken out."""
    chosen = tuple(policies)
    scale = chosen[0].scale
    remaining = [fact for fact in facts.findings if fact.entity not in transformed]
    meanings = [classify(fact.entity, chosen, scale) for fact in remaining]
    classes = frozenset[DataClass]().union(*(meaning.classes for meaning in meanings))
    if DataClass.PII in classes and any(fact.entity in HEALTH_ENTITIES for fact in remaining):
        classes |= {DataClass.PHI}
    labels = [meaning.label for meaning in meanings]
    if facts.context.claimed_label:
        labels.append(facts.context.claimed_label)
    labels += _failure_labels(chosen, facts)
    return Sensitivity(scale.highest(*labels), classes)


def classify(entity: Entity, policies: Iterable[Policy], scale: Scale) -> Classification:
    """What an entity means: the strictest of the policies' own words, else the default table, else the top label."""
    own = [d.means for p in policies for d in p.detectors if entity in (d.id, getattr(d, "entity", d.id))]
    if not own:
        return DEFAULT_TABLE.get(entity, Classification(scale.top, frozenset({DataClass.PII})))
    label = scale.highest(*(means.label for means in own))
    return Classification(label, frozenset[DataClass]().union(*(means.classes for means in own)))


def within_ceiling(policies: Iterable[Policy], destination: str, sensitivity: Sensitivity) -> bool:
    """Whether every policy that names `destination` clears it for this sensitivity. One that none names is cleared
    for nothing."""
    ceilings = [(p.ceilings[destination], p.scale) for p in policies if destination in p.ceilings]
    return bool(ceilings) and all(_below(ceiling, sensitivity, scale) for ceiling, scale in ceilings)


def holds(condition: Condition, facts: Facts, sensitivity: Sensitivity, scale: Scale) -> bool:
    """Whether a condition is true of these facts."""
    match condition:
        case FindingIs():
            return _found(condition, facts.findings)
        case ClassIs(data_class=data_class):
            return data_class in sensitivity.classes
        case LabelIs(at_least=low, at_most=high):
            return scale.rank(low) <= scale.rank(sensitivity.label) and scale.at_most(sensitivity.label, high)
        case ContextIs(field=name, values=values):
            return any(_matches(_context(facts, name), value) for value in values)
        case AnyOf(conditions=inner):
            return any(holds(each, facts, sensitivity, scale) for each in inner)
        case AllOf(conditions=inner):
            return all(holds(each, facts, sensitivity, scale) for each in inner)
        case Not(condition=inner_one):
            return not holds(inner_one, facts, sensitivity, scale)
        case _:
            assert_never(condition)


def _combine(
    policies: tuple[Policy, ...], live: list[Rule], sensitivity: Sensitivity, shadow: tuple[str, ...]
) -> Verdict:
    blocks = [rule for rule in live if isinstance(rule.then, Block)]
    if blocks:
        first = max(blocks, key=_restrictiveness)
        return _verdict(first.then, first, live, sensitivity, shadow)
    inside = [rule for rule in live if isinstance(rule.then, RouteLocal)]
    if inside:
        return _verdict(Inside(_one_place(inside)), max(inside, key=_restrictiveness), live, sensitivity, shadow)
    leaving = [rule for rule in live if isinstance(rule.then, RouteExternal)]
    if leaving:
        return _verdict(_permission(live), max(leaving, key=_restrictiveness), live, sensitivity, shadow)
    return _default(policies, live, sensitivity, shadow)


def _verdict(
    outcome: MayLeave | Inside | Consequence,
    rule: Rule,
    live: list[Rule],
    sensitivity: Sensitivity,
    shadow: tuple[str, ...],
) -> Verdict:
    if not isinstance(outcome, MayLeave | Inside | Block):
        raise TypeError("a consequence is resolved before it becomes a verdict")
    return Verdict(outcome, sensitivity, rule.reason, _ids(live), shadow, rule.tell_user)


def _default(
    policies: tuple[Policy, ...], live: list[Rule], sensitivity: Sensitivity, shadow: tuple[str, ...]
) -> Verdict:
    strictest = max(policies, key=lambda policy: isinstance(policy.default, Block))
    default = strictest.default
    outcome: Inside | Block = default if isinstance(default, Block) else Inside(default.destination)
    return Verdict(outcome, sensitivity, strictest.default_reason, _ids(live), shadow, "")


def _permission(live: list[Rule]) -> MayLeave:
    routes = [rule.then for rule in live if isinstance(rule.then, RouteExternal)]
    named = [frozenset({route.destination}) for route in routes if route.destination]
    every = [t for rule in live if isinstance(rule.then, RouteExternal | TransformOnly) for t in rule.then.transforms]
    strongest: dict[Entity, Transform] = {}
    for transform in sorted(every, key=lambda t: _STRENGTH[t.operator]):
        strongest[transform.entity] = transform
    common = frozenset.intersection(*named) if named else frozenset[str]()
    return MayLeave(not named, common, tuple(strongest[entity] for entity in sorted(strongest)))


def _one_place(inside: list[Rule]) -> str:
    places = {rule.then.destination for rule in inside if isinstance(rule.then, RouteLocal)} - {""}
    return min(places) if places else ""


_SEVERITIES = ("info", "low", "medium", "high", "critical")


def _restrictiveness(rule: Rule) -> tuple[int, str]:
    """Which of several rules of one kind is told to the user: the most severe, then by id. No effect on the outcome."""
    return (_SEVERITIES.index(rule.severity.value), rule.id)


def _failure_block(policies: tuple[Policy, ...], facts: Facts) -> Block | None:
    said: list[OnFailure] = [p.on_detector_failure for p in policies if facts.failed]
    said += [p.on_opaque_part for p in policies if facts.opaque]
    blocks = [each for each in said if isinstance(each, Block)]
    return max(blocks, key=lambda block: block.status) if blocks else None


def _failure_labels(policies: tuple[Policy, ...], facts: Facts) -> list[Label]:
    said: list[OnFailure] = [p.on_detector_failure for p in policies if facts.failed]
    said += [p.on_opaque_part for p in policies if facts.opaque]
    return [each.label for each in said if isinstance(each, TreatAs)]


def _found(condition: FindingIs, findings: tuple[FindingFact, ...]) -> bool:
    here = [
        fact
        for fact in findings
        if fact.entity == condition.entity
        and fact.confidence >= condition.min_confidence
        and (not condition.sources or fact.source in condition.sources)
    ]
    counted = sum(fact.values if condition.sources else fact.new for fact in here)
    return bool(here) and (condition.min_count <= 1 or counted >= condition.min_count)


def _context(facts: Facts, name: ContextField) -> str:
    match name:
        case ContextField.APP:
            return facts.context.app
        case ContextField.TENANT:
            return facts.context.tenant
        case ContextField.KEY:
            return facts.context.key_id
        case ContextField.MODEL:
            return facts.model
        case ContextField.PURPOSE:
            return facts.context.purpose
        case _:
            assert_never(name)


def _matches(value: str, pattern: str) -> bool:
    return value.startswith(pattern[:-1]) if pattern.endswith("*") else value == pattern


def _below(ceiling: Ceiling, sensitivity: Sensitivity, scale: Scale) -> bool:
    in_label = scale.at_most(sensitivity.label, ceiling.max_label)
    return in_label and not sensitivity.classes & ceiling.never


def _ids(rules: list[Rule]) -> tuple[str, ...]:
    return tuple(sorted(rule.id for rule in rules))
