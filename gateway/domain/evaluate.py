"""Evaluation: `f(bundle, facts) -> Verdict`, a pure function of recorded facts.

Theory of operation
-------------------
1. The label of a request is the highest of its findings, of what could not be read, and of the client's own claim.
2. Every rule of every policy in scope is evaluated; order carries no meaning.
3. Among the rules that match, the most restrictive consequence wins: block > local > transform and send > send.
   Transforms are united. Where several rules allow leaving, only a destination that all of them allow is allowed.
4. No rule matches: the policy's default, which is inside. Two policies' defaults: the more restrictive.
5. What the client says of itself (a label, a purpose) can only tighten: the request is also judged without it, and
   with every label between its own and the claimed one, and the strictest of these verdicts stands.
6. Leaving needs all of: a rule that allows it, every leaf examined, opaque parts counted at the policy's label for
   them, and after the transforms a label and classes within the destination's ceiling. Else: inside.

So a rule can only tighten what other rules decided. Two things are lifted by a rule that matches: the default that
keeps inside, by a rule that allows leaving; and a default that blocks, by any rule that says where to go.

Nothing here knows of exceptions: `domain.waiving` judges a second time, with what an exception waives, and
`domain.routing` chooses.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import reduce
from types import MappingProxyType

from gateway.domain.conditions import circumstances
from gateway.domain.facts import Facts
from gateway.domain.labels import DEFAULT_TABLE, HEALTH_ENTITIES, Classification, DataClass, Entity, Label, Scale
from gateway.domain.policy import (
    Block,
    Bundle,
    Ceiling,
    OnFailure,
    Policy,
    RouteExternal,
    RouteLocal,
    Rule,
    Severity,
    Transform,
    TransformOnly,
    TreatAs,
)
from gateway.domain.transforms import united

_SEVERITIES = tuple(Severity)
_NOBODY_SAID = Label("")
_NOTHING: frozenset[DataClass] = frozenset()
AS_IT_IS: Mapping[Entity, Classification] = MappingProxyType({})
"""No entity counts as anything but what it means."""


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


Outcome = tuple[MayLeave | Inside | Block, str, str]
"""Outcome, reason and what the user is told."""


def evaluate(bundle: Bundle, facts: Facts) -> Verdict:
    """What the bundle says of these facts. A caller that no policy speaks of stays inside."""
    policies = bundle.in_scope(facts.context.app, facts.context.tenant)
    if not policies:
        everything = Sensitivity(bundle.scale.top, _NOTHING)
        return Verdict(Inside(""), everything, "NO_POLICY_IN_SCOPE", (), (), "")
    sensitivity = sensitivity_of(policies, facts, frozenset())
    verdicts = [_judged(policies, each, label, sensitivity) for each, label in _readings(policies, facts, sensitivity)]
    return strictest(verdicts)


def strictest(verdicts: Iterable[Verdict]) -> Verdict:
    """What remains allowed when all of several verdicts hold."""
    return reduce(_stricter, verdicts)


def sensitivity_of(
    policies: Iterable[Policy],
    facts: Facts,
    transformed: frozenset[Entity],
    counted: Mapping[Entity, Classification] = AS_IT_IS,
) -> Sensitivity:
    """Label and classes of what remains when the values of `transformed` entities are taken out.

    Entities of `counted` have that label and these classes. They stay what they are for one question: whether a person
    and a matter of health stand side by side.
    """
    chosen = tuple(policies)
    scale = chosen[0].scale
    remaining = {fact.entity for fact in facts.findings} - transformed
    meant = {entity: classify(entity, chosen, scale) for entity in remaining}
    meanings = [counted.get(entity, meaning) for entity, meaning in meant.items()]
    classes = _NOTHING.union(*(meaning.classes for meaning in meanings))
    of_a_person = any(DataClass.PII in meaning.classes for meaning in meant.values())
    if of_a_person and not HEALTH_ENTITIES.isdisjoint(remaining):
        classes |= {DataClass.PHI}
    labels = {meaning.label for meaning in meanings}
    if facts.context.claimed_label:
        labels.add(facts.context.claimed_label)
    labels |= {each.label for each in _on_failure(chosen, facts) if isinstance(each, TreatAs)}
    return Sensitivity(scale.highest(*labels), classes)


def classify(entity: Entity, policies: Iterable[Policy], scale: Scale) -> Classification:
    """What an entity means: the strictest of what the policies say, and each that is silent says the default table.

    So no file can lower what an entity means to another. An entity that nobody knows counts as the top label.
    """
    shipped = DEFAULT_TABLE.get(entity)
    said = [policy.meanings.get(entity, shipped) for policy in policies]
    known = [each for each in said if each is not None]
    if not known:
        return Classification(scale.top, frozenset({DataClass.PII}))
    if len(known) == 1:
        return known[0]
    return Classification(scale.highest(*(each.label for each in known)), _NOTHING.union(*(e.classes for e in known)))


def within_ceiling(policies: Iterable[Policy], destination: str, sensitivity: Sensitivity) -> bool:
    """Whether every policy that names `destination` clears it for this sensitivity. One that none names is cleared
    for nothing."""
    ceilings = [(p.ceilings[destination], p.scale) for p in policies if destination in p.ceilings]
    return bool(ceilings) and all(_below(ceiling, sensitivity, scale) for ceiling, scale in ceilings)


def wordings(facts: Facts) -> tuple[Facts, ...]:
    """The facts as the client tells them, and without the purpose that it names."""
    context = facts.context
    return (replace(facts, context=replace(context, purpose="")), facts) if context.purpose else (facts,)


def degrees(
    policies: tuple[Policy, ...],
    facts: Facts,
    sensitivity: Sensitivity,
    counted: Mapping[Entity, Classification] = AS_IT_IS,
) -> tuple[Label, ...]:
    """The label that the facts have without the client's claim, up to the one of `sensitivity`, which has it."""
    context = facts.context
    scale, own = policies[0].scale, sensitivity.label
    if context.claimed_label:
        silent = replace(facts, context=replace(context, claimed_label=_NOBODY_SAID))
        own = sensitivity_of(policies, silent, frozenset(), counted).label
    return scale.labels[scale.rank(own) : scale.rank(sensitivity.label) + 1]


def _readings(policies: tuple[Policy, ...], facts: Facts, sensitivity: Sensitivity) -> Iterator[tuple[Facts, Label]]:
    """The facts without the client's own words, and with each degree of them; one reading where there are none."""
    between = degrees(policies, facts, sensitivity)
    for each in wordings(facts):
        for label in between:
            yield each, label


def _judged(policies: tuple[Policy, ...], facts: Facts, label: Label, sensitivity: Sensitivity) -> Verdict:
    """The verdict on one reading, whose label is `label`."""
    matched = matching(policies, facts, Sensitivity(label, sensitivity.classes))
    live = [rule for rule in matched if not rule.shadow]
    outcome, reason, told = concluded(policies, facts, live)
    shadow = _ids(rule for rule in matched if rule.shadow)
    return Verdict(outcome, sensitivity, reason, _ids(live), shadow, told)


def matching(policies: Iterable[Policy], facts: Facts, sensitivity: Sensitivity) -> list[Rule]:
    """The rules that match facts of this sensitivity, shadow rules with them."""
    chosen = tuple(policies)
    now = circumstances(facts, sensitivity.label, sensitivity.classes, chosen[0].scale)
    return [rule for policy in chosen for test, rule in policy.tests if test(now)]


def concluded(policies: tuple[Policy, ...], facts: Facts, live: list[Rule]) -> Outcome:
    """Outcome, reason and what the user is told, when these rules hold."""
    blocked = [each for each in _on_failure(policies, facts) if isinstance(each, Block)]
    if blocked:
        return max(blocked, key=lambda block: block.status), "UNREADABLE", ""
    for kind in (Block, RouteLocal, RouteExternal):
        deciding = [rule for rule in live if isinstance(rule.then, kind)]
        if deciding:
            return _decided(deciding, live, facts)
    return _default(policies)


def _decided(deciding: list[Rule], live: list[Rule], facts: Facts) -> Outcome:
    """The outcome of rules of one kind. The most severe of them is the one that is told of."""
    first = max(deciding, key=_telling)
    if isinstance(first.then, Block):
        return first.then, first.reason, first.tell_user
    if isinstance(first.then, RouteLocal):
        return Inside(_one_place(rule.then for rule in deciding)), first.reason, first.tell_user
    if facts.failed:
        return Inside(""), "UNREADABLE", ""
    return _permission(live), first.reason, first.tell_user


def _default(policies: tuple[Policy, ...]) -> tuple[Inside | Block, str, str]:
    blocks = [(p.default.status, p.default_reason) for p in policies if isinstance(p.default, Block)]
    if blocks:
        status, reason = max(blocks)
        return Block(status), reason, ""
    place = _one_place(policy.default for policy in policies)
    return Inside(place), min(p.default_reason for p in policies if _one_place([p.default]) == place), ""


def _permission(live: list[Rule]) -> MayLeave:
    routes = [rule.then for rule in live if isinstance(rule.then, RouteExternal)]
    named = [frozenset({route.destination}) for route in routes if route.destination]
    every = [t for rule in live if isinstance(rule.then, RouteExternal | TransformOnly) for t in rule.then.transforms]
    common = frozenset.intersection(*named) if named else frozenset[str]()
    return MayLeave(not named, common, united(every))


def _stricter(one: Verdict, other: Verdict) -> Verdict:
    """What remains allowed when both verdicts hold."""
    rules = _merged(one.rules, other.rules)
    shadow = _merged(one.shadow, other.shadow)
    if isinstance(one.outcome, MayLeave) and isinstance(other.outcome, MayLeave):
        return replace(one, outcome=_both(one.outcome, other.outcome), rules=rules, shadow=shadow)
    strictest = max(one, other, key=_restrictiveness)
    return replace(strictest, rules=rules, shadow=shadow)


def _both(one: MayLeave, other: MayLeave) -> MayLeave:
    transforms = united((*one.transforms, *other.transforms))
    if one.any_destination or other.any_destination:
        named = one.destinations | other.destinations
        return MayLeave(one.any_destination and other.any_destination, named, transforms)
    return MayLeave(any_destination=False, destinations=one.destinations & other.destinations, transforms=transforms)


def _restrictiveness(verdict: Verdict) -> int:
    return (MayLeave, Inside, Block).index(type(verdict.outcome))


def _telling(rule: Rule) -> tuple[int, str, str, str, int]:
    """Which of several rules of one kind is told of: the most severe. The rest keeps order out of the choice."""
    status = rule.then.status if isinstance(rule.then, Block) else 0
    return (_SEVERITIES.index(rule.severity), rule.id, rule.reason, rule.tell_user, status)


def _one_place(consequences: Iterable[object]) -> str:
    """The destination inside that rules name: the first by name where several do; empty where none does."""
    named = {each.destination for each in consequences if isinstance(each, RouteLocal)} - {""}
    return min(named, default="")


def _on_failure(policies: tuple[Policy, ...], facts: Facts) -> list[OnFailure]:
    """What the policies say of leaves that failed and of parts that nobody reads, as far as there are any."""
    said: list[OnFailure] = [p.on_detector_failure for p in policies] if facts.failed else []
    return said + ([p.on_opaque_part for p in policies] if facts.opaque else [])


def _below(ceiling: Ceiling, sensitivity: Sensitivity, scale: Scale) -> bool:
    in_label = scale.at_most(sensitivity.label, ceiling.max_label)
    return in_label and not sensitivity.classes & ceiling.never


def _ids(rules: Iterable[Rule]) -> tuple[str, ...]:
    return tuple(sorted(rule.id for rule in rules))


def _merged(one: tuple[str, ...], other: tuple[str, ...]) -> tuple[str, ...]:
    return one if one == other else tuple(sorted({*one, *other}))
