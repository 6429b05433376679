"""What exceptions change of a verdict. Pure: facts, bundle, and the exceptions that apply.

Theory of operation
-------------------
1. An exception waives what its own rules force, and nothing else. A rule that blocks or keeps inside no longer does; a
   rule that transforms no longer asks for it. What a rule permits, it goes on permitting. A rule that is
   `non_waivable`, a part that nobody could read, a default and every other rule hold as they are.
2. Where an exception speaks of one entity, a rule that blocks or keeps inside is judged again as if nothing of this
   entity had been found: what else makes it match, still does. Of a rule that transforms, the transform of this entity
   goes.
3. Where it says what the entity counts as, the rules are also judged with this label and these classes. A rule holds
   when it matches either way, so a lowered label lets the request slip from no rule. The clearance of a destination
   outside is compared with what the entity counts as.
4. What the client says of itself is judged in every combination, as without exceptions, and the strictest stands.

The label and the classes of the verdict stay those of what was found: an exception does not change what data is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import assert_never

from gateway.domain.evaluate import (
    Verdict,
    concluded,
    degrees,
    matching,
    strictest,
    wordings,
)
from gateway.domain.exceptions import (
    MOST_AT_ONCE,
    EntityCounts,
    OneEntity,
    PolicyException,
    WholeRule,
    counted_as,
)
from gateway.domain.facts import Facts
from gateway.domain.labels import Classification, Entity
from gateway.domain.policy import Block, Bundle, Policy, RouteExternal, RouteLocal, Rule, Transform, TransformOnly
from gateway.domain.sensitivity import Sensitivity, sensitivity_of

_Entities = frozenset[Entity]


@dataclass(frozen=True, slots=True)
class Waived:
    """What several exceptions waive together: whole rules, and rules as far as some entities made them match."""

    whole: frozenset[str]
    partly: Mapping[str, _Entities]
    counted: Mapping[Entity, Classification]


def candidates(bundle: Bundle, facts: Facts, verdict: Verdict, usable: frozenset[str]) -> tuple[PolicyException, ...]:
    """The exceptions for this caller and moment that have uses left and waive a rule that matched; the first by id."""
    matched = frozenset(verdict.rules)
    concerned = [
        each
        for each in bundle.exceptions
        if each.id in usable and each.rules & matched and each.concerns(facts.context)
    ]
    return tuple(sorted(concerned, key=lambda each: each.id)[:MOST_AT_ONCE])


def evaluate_waiving(bundle: Bundle, facts: Facts, exceptions: Sequence[PolicyException]) -> Verdict:
    """What the bundle says of these facts under exceptions. Some policy speaks of the caller."""
    policies = bundle.in_scope(facts.context.app, facts.context.tenant)
    waived = _waived(exceptions, bundle)
    found = sensitivity_of(policies, facts, frozenset())
    counting = sensitivity_of(policies, facts, frozenset(), waived.counted)
    verdicts = [
        _judged(policies, each, (replace(found, label=one), replace(counting, label=other)), waived)
        for each in wordings(policies, facts)
        for one in degrees(policies, facts, found)
        for other in degrees(policies, facts, counting, waived.counted)
    ]
    return replace(strictest(verdicts), sensitivity=found)


def _waived(exceptions: Sequence[PolicyException], bundle: Bundle) -> Waived:
    whole: set[str] = set()
    partly: dict[str, _Entities] = {}
    for exception in exceptions:
        match exception.waives:
            case WholeRule():
                whole |= exception.rules
            case OneEntity(entity=entity) | EntityCounts(entity=entity):
                partly |= {rule: partly.get(rule, frozenset()) | {entity} for rule in exception.rules}
            case _:
                assert_never(exception.waives)
    return Waived(frozenset(whole), partly, counted_as(exceptions, bundle.scale))


def _judged(
    policies: tuple[Policy, ...], facts: Facts, ways: tuple[Sensitivity, Sensitivity], waived: Waived
) -> Verdict:
    """The verdict on one reading: every rule that matches in either way, but for what is waived of it."""
    by_policy = [(policy, _either_way(policy, facts, ways)) for policy in policies]
    matched = [rule for _, rules in by_policy for rule in rules]
    holding = [
        left
        for policy, rules in by_policy
        for rule in rules
        if not rule.shadow
        for left in _left_of(rule, policy, policies, facts, waived)
    ]
    outcome, reason, told = concluded(policies, facts, holding)
    live = sorted(rule.id for rule in matched if not rule.shadow)
    shadow = sorted(rule.id for rule in matched if rule.shadow)
    return Verdict(outcome, ways[0], reason, tuple(live), tuple(shadow), told)


def _either_way(policy: Policy, facts: Facts, ways: Iterable[Sensitivity]) -> tuple[Rule, ...]:
    """The rules of a policy that match facts of one of these sensitivities, in the policy's order."""
    matched = {id(rule) for sensitivity in ways for rule in matching([policy], facts, sensitivity)}
    return tuple(rule for rule in policy.rules if id(rule) in matched)


def _left_of(rule: Rule, policy: Policy, policies: tuple[Policy, ...], facts: Facts, waived: Waived) -> Iterator[Rule]:
    """What is left of a rule that matches: itself, a part of it, or nothing."""
    whole, entities = rule.id in waived.whole, waived.partly.get(rule.id, frozenset())
    if rule.non_waivable or not (whole or entities):
        yield rule
        return
    match rule.then:
        case Block() | RouteLocal():
            if not whole and _holds_without(rule, policy, policies, facts, entities):
                yield rule
        case RouteExternal(destination=destination, transforms=transforms):
            yield replace(rule, then=RouteExternal(destination, () if whole else _without(transforms, entities)))
        case TransformOnly(transforms=transforms):
            yield replace(rule, then=TransformOnly(() if whole else _without(transforms, entities)))
        case _:
            assert_never(rule.then)


def _holds_without(rule: Rule, policy: Policy, policies: tuple[Policy, ...], facts: Facts, entities: _Entities) -> bool:
    """Whether a rule would match if nothing of these entities had been found, whatever the client claims."""
    others = replace(facts, findings=tuple(fact for fact in facts.findings if fact.entity not in entities))
    rest = sensitivity_of(policies, others, frozenset())
    matched = (matching([policy], others, replace(rest, label=label)) for label in degrees(policies, others, rest))
    return any(rule in rules for rules in matched)


def _without(transforms: tuple[Transform, ...], entities: _Entities) -> tuple[Transform, ...]:
    return tuple(transform for transform in transforms if transform.entity not in entities)
