"""Evaluation: `f(bundle, facts) -> Verdict`, a pure function of recorded facts.

Theory of operation
-------------------
1. The label of a request is the highest of its findings, of what could not be read, and of the client's own claim.
2. Every rule of every policy in scope is evaluated; order carries no meaning.
3. Among the rules that match, the most restrictive consequence wins: block > local > transform and send > send.
   Transforms are united. Where several rules allow leaving, only a destination that all of them allow is allowed.
4. No rule matches: the policy's default, which is inside. Two policies' defaults: the more restrictive.
5. What the client says of itself (a label, a purpose), and the task that its words are taken for, can only tighten: the
   request is also judged without it, and with every label between its own and the claimed one, and the strictest of
   these verdicts stands.
6. Leaving needs all of: a rule that allows it, every leaf examined, opaque parts counted at the policy's label for
   them, and after the transforms a label and classes within the destination's ceiling. Else: inside.

So a rule can only tighten what other rules decided. Two things are lifted by a rule that matches: the default that
keeps inside, by a rule that allows leaving; and a default that blocks, by any rule that says where to go.

Nothing here knows of exceptions: `domain.waiving` judges a second time, with what an exception waives, and
`domain.routing` chooses.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from operator import attrgetter

from gateway.domain.condition_index import ConditionIndex
from gateway.domain.conditions import TASK, Circumstances, ContextField, Test, circumstances, context_of
from gateway.domain.facts import Facts
from gateway.domain.finding import JudgedTask, Task
from gateway.domain.labels import Classification, Entity, Label, Scale
from gateway.domain.policy import (
    Block,
    Bundle,
    Policy,
    RouteExternal,
    RouteLocal,
    Rule,
    Transform,
    TransformOnly,
)
from gateway.domain.sensitivity import AS_IT_IS, Sensitivity, classify, on_failure, sensitivity_of
from gateway.domain.transforms import united

_TELLING = attrgetter("telling")
_NOBODY_SAID = Label("")
_NOT_JUDGED = JudgedTask()


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
        everything = Sensitivity(bundle.scale.top, frozenset())
        return Verdict(Inside(""), everything, "NO_POLICY_IN_SCOPE", (), (), "")
    sensitivity = sensitivity_of(policies, facts, frozenset())
    return strictest(
        _judged(policies, facts, matched, sensitivity) for matched in _readings(policies, facts, sensitivity)
    )


def strictest(verdicts: Iterable[Verdict]) -> Verdict:
    """What remains allowed when all of several verdicts hold."""
    return reduce(_stricter, verdicts)


def wordings(policies: Iterable[Policy], facts: Facts) -> tuple[Facts, ...]:
    """The facts as they are told, and without the purpose that the client names and the task that its words were taken
    for: in every combination, as far as some rule reads them."""
    chosen = tuple(policies)
    told = [facts]
    if facts.context.purpose and any(ContextField.PURPOSE in policy.reads for policy in chosen):
        told = [replace(facts, context=replace(facts.context, purpose="")), *told]
    if facts.task.task is not Task.UNKNOWN and any(TASK in policy.reads for policy in chosen):
        told = [*(replace(each, task=_NOT_JUDGED) for each in told), *told]
    return tuple(told)


def degrees(
    policies: tuple[Policy, ...],
    facts: Facts,
    sensitivity: Sensitivity,
    counted: Mapping[Entity, Classification] = AS_IT_IS,
) -> tuple[Label, ...]:
    """The label that the facts have without the client's claim, up to the one of `sensitivity`, which has it."""
    context = facts.context
    scale, own = policies[0].scale, sensitivity.label
    if context.claimed_label and not any(
        _means(each.entity, policies, scale, counted) == own for each in facts.findings
    ):
        silent = replace(facts, context=replace(context, claimed_label=_NOBODY_SAID))
        own = sensitivity_of(policies, silent, frozenset(), counted).label
    return scale.labels[scale.rank(own) : scale.rank(sensitivity.label) + 1]


def _means(
    entity: Entity, policies: tuple[Policy, ...], scale: Scale, counted: Mapping[Entity, Classification]
) -> Label:
    return (counted.get(entity) or classify(entity, policies, scale)).label


def _readings(policies: tuple[Policy, ...], facts: Facts, sensitivity: Sensitivity) -> Iterator[list[Rule]]:
    """The rules that match the facts without the client's own words, and with each degree of them. One reading where
    there are none. What no word of the client changes is matched once."""
    now = circumstances_of(facts, sensitivity, policies)
    steady = [rule for policy in policies for rule in _matched(policy.steady, now)]
    said = [policy.said.near(now) for policy in policies]
    between = degrees(policies, facts, sensitivity)
    seen: set[tuple[int, ...]] = set()
    for each in wordings(policies, facts):
        told = now if each is facts else replace(now, context=context_of(each), task=each.task)
        for label in between:
            worded = told if label == now.label else replace(told, label=label)
            matched = [rule for sure, perhaps in said for rule in (*sure, *_holding(perhaps, worded))]
            which = tuple(map(id, matched))
            if which not in seen:
                seen.add(which)
                yield steady + matched


def _judged(policies: tuple[Policy, ...], facts: Facts, matched: list[Rule], sensitivity: Sensitivity) -> Verdict:
    """The verdict on one reading."""
    live = [rule for rule in matched if not rule.shadow]
    outcome, reason, told = concluded(policies, facts, live)
    shadow = _ids(rule for rule in matched if rule.shadow) if len(live) < len(matched) else ()
    return Verdict(outcome, sensitivity, reason, _ids(live), shadow, told)


def matching(policies: Iterable[Policy], facts: Facts, sensitivity: Sensitivity) -> list[Rule]:
    """The rules that match facts of this sensitivity, shadow rules with them."""
    chosen = tuple(policies)
    now = circumstances_of(facts, sensitivity, chosen)
    return [rule for policy in chosen for part in (policy.steady, policy.said) for rule in _matched(part, now)]


def circumstances_of(facts: Facts, sensitivity: Sensitivity, policies: Sequence[Policy]) -> Circumstances:
    """What conditions are held against."""
    return circumstances(facts, sensitivity.label, sensitivity.classes, policies[0].scale)


def _matched(rules: ConditionIndex[Rule], now: Circumstances) -> list[Rule]:
    sure, perhaps = rules.near(now)
    return sure + _holding(perhaps, now)


def _holding(rules: Iterable[tuple[Test, Rule]], now: Circumstances) -> list[Rule]:
    return [rule for test, rule in rules if test(now)]


def concluded(policies: tuple[Policy, ...], facts: Facts, live: list[Rule]) -> Outcome:
    """Outcome, reason and what the user is told, when these rules hold."""
    blocked = [each for each in on_failure(policies, facts) if isinstance(each, Block)]
    if blocked:
        return max(blocked, key=lambda block: block.status), "UNREADABLE", ""
    for kind in (Block, RouteLocal, RouteExternal):
        deciding = [rule for rule in live if isinstance(rule.then, kind)]
        if deciding:
            return _decided(deciding, live, facts)
    return _default(policies)


def _decided(deciding: list[Rule], live: list[Rule], facts: Facts) -> Outcome:
    """The outcome of rules of one kind. The most severe of them is the one that is told of."""
    first = max(deciding, key=_TELLING)
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


def _one_place(consequences: Iterable[object]) -> str:
    """The destination inside that rules name: the first by name where several do; empty where none does."""
    named = {each.destination for each in consequences if isinstance(each, RouteLocal)} - {""}
    return min(named, default="")


def _ids(rules: Iterable[Rule]) -> tuple[str, ...]:
    return tuple(sorted(dict.fromkeys([rule.id for rule in rules])))


def _merged(one: tuple[str, ...], other: tuple[str, ...]) -> tuple[str, ...]:
    return one if one == other else tuple(sorted({*one, *other}))
