"""What holds of every policy: order means nothing, rules only tighten, no caller's word and no failure opens a door."""

from __future__ import annotations

import random
from dataclasses import replace
from functools import reduce

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from gateway.domain.alias import Alias
from gateway.domain.conditions import circumstances, holds
from gateway.domain.evaluate import Inside, MayLeave, Verdict, evaluate
from gateway.domain.facts import Facts
from gateway.domain.finding import JudgedTask, Permille
from gateway.domain.labels import STANDARD_LABELS, Label
from gateway.domain.policy import Block, Bundle, RouteLocal, Rule
from gateway.domain.routing import ToExternal, routed
from gateway.domain.sensitivity import sensitivity_of, within_ceiling
from tests.domain import policy_strategies as some

aliases = st.builds(Alias, st.sampled_from(some.DESTINATIONS), st.sampled_from(["", "local-slm"]))


always = st.builds(replace, some.rules(), when=st.just(some.LETS_LEAVE.when), shadow=st.just(value=False))
"""Rules that always match, so that they meet."""


def with_rules(bundle: Bundle, rules: list[Rule]) -> Bundle:
    """The bundle with more rules in its first policy."""
    return reduce(with_rule, rules, bundle)


def with_rule(bundle: Bundle, rule: Rule) -> Bundle:
    """The bundle with one more rule in its first policy."""
    first, *rest = bundle.policies
    return replace(bundle, policies=(replace(first, rules=(*first.rules, rule)), *rest))


def by_a_rule(verdict: Verdict, bundle: Bundle) -> bool:
    """Whether a rule, and not a default, led to this outcome."""
    kinds = {Block: Block, Inside: RouteLocal}
    kind = kinds.get(type(verdict.outcome))
    rules = [r for p in bundle.policies for r in p.rules if r.id in verdict.rules and not r.shadow]
    return isinstance(verdict.outcome, MayLeave) or any(kind is not None and isinstance(r.then, kind) for r in rules)


def claiming(facts: Facts, *, label: str = "", purpose: str = "") -> Facts:
    """The facts with another claim of the caller's."""
    return replace(facts, context=replace(facts.context, claimed_label=Label(label), purpose=purpose))


@given(
    some.bundles() | st.builds(with_rules, some.bundles(lenient=True), st.lists(always, max_size=4)),
    some.facts(failed=1, most=2),
    st.randoms(use_true_random=False),
)
def test_order_carries_no_meaning(bundle: Bundle, facts: Facts, shuffle: random.Random) -> None:
    """Neither of rules within a file, nor of files, nor of findings."""
    policies = [replace(p, rules=tuple(shuffle.sample(p.rules, len(p.rules)))) for p in bundle.policies]
    shuffle.shuffle(policies)
    turned = replace(facts, findings=tuple(shuffle.sample(facts.findings, len(facts.findings))))

    assert evaluate(bundle, facts) == evaluate(replace(bundle, policies=tuple(policies)), turned)


@given(some.bundles() | some.bundles(lenient=True), some.rules(), some.facts(failed=1))
def test_another_rule_never_loosens_what_a_rule_decided(bundle: Bundle, rule: Rule, facts: Facts) -> None:
    """Whatever the rule says: only a default can be lifted."""
    before, after = evaluate(bundle, facts), evaluate(with_rule(bundle, rule), facts)

    assert not (by_a_rule(before, bundle) and some.looser(after, before))


@given(some.bundles(), some.rules(some.restricting), some.facts())
def test_a_rule_that_permits_nothing_opens_nothing(bundle: Bundle, rule: Rule, facts: Facts) -> None:
    """Leaving, its destinations and its transforms are never the gift of a rule that blocks, keeps or transforms."""
    before, after = evaluate(bundle, facts), evaluate(with_rule(bundle, rule), facts)

    assert not isinstance(after.outcome, MayLeave) or not some.looser(after, before)


@given(some.bundles(), some.rules(), some.facts())
def test_a_shadow_rule_decides_nothing(bundle: Bundle, rule: Rule, facts: Facts) -> None:
    """It shows up among the shadows and nowhere else."""
    before, after = evaluate(bundle, facts), evaluate(with_rule(bundle, replace(rule, shadow=True)), facts)

    assert replace(before, shadow=()) == replace(after, shadow=())


claimable = st.builds(replace, some.rules(), when=some.claimable, shadow=st.just(value=False))
claimed_bundles = st.builds(
    with_rules,
    some.bundles(lenient=True),
    st.lists(
        st.builds(replace, some.rules(), when=some.claimable, shadow=st.just(value=False)), min_size=1, max_size=3
    ),
)


@given(
    claimed_bundles,
    some.facts(silent=True, most=1),
    st.sampled_from([*STANDARD_LABELS, "unheard-of"]),
    st.booleans(),
)
def test_a_claim_never_loosens(bundle: Bundle, facts: Facts, label: str, purpose_alone: bool) -> None:
    """A label or a purpose that the caller names can only tighten, also under rules with `not` and upper bounds."""
    claimed = claiming(facts, label="" if purpose_alone else label, purpose="support" if purpose_alone else "")
    both = claiming(facts, label=label, purpose="support")

    assert not some.looser(evaluate(bundle, claimed), evaluate(bundle, facts))
    assert not some.looser(evaluate(bundle, both), evaluate(bundle, claimed))


@given(claimed_bundles, some.facts(silent=True, most=1), some.judged, st.sampled_from(["", "internal", "restricted"]))
def test_a_task_never_loosens(bundle: Bundle, facts: Facts, task: JudgedTask, label: str) -> None:
    """What the caller's words were taken for can only tighten, beside a claim too: words can be chosen."""
    claimed = claiming(facts, label=label, purpose="support")

    assert not some.looser(evaluate(bundle, replace(facts, task=task)), evaluate(bundle, facts))
    assert not some.looser(evaluate(bundle, replace(claimed, task=task)), evaluate(bundle, claimed))


@given(claimed_bundles | some.bundles(), some.facts(failed=1))
def test_readings_are_those_of_every_word_by_itself(bundle: Bundle, facts: Facts) -> None:
    """What is worked out once for several readings comes out as if each were judged alone."""
    policies = bundle.in_scope(facts.context.app, facts.context.tenant)
    assume(bool(policies))
    context, scale = facts.context, bundle.scale
    whole = sensitivity_of(policies, facts, frozenset())
    silent = replace(facts, context=replace(context, claimed_label=Label("")))
    least = scale.rank(sensitivity_of(policies, silent, frozenset()).label)
    matched = set[str]()
    for label in scale.labels[least : scale.rank(whole.label) + 1]:
        for purpose in {"", context.purpose}:
            for task in {JudgedTask(), facts.task}:
                said = replace(facts, context=replace(context, purpose=purpose), task=task)
                now = circumstances(said, label, whole.classes, scale)
                matched |= {r.id for p in policies for r in p.rules if not r.shadow and holds(r.when, now)}

    assert tuple(sorted(matched)) == evaluate(bundle, facts).rules


@given(claimed_bundles, some.facts(silent=True, most=1), labels := st.sampled_from(STANDARD_LABELS), labels)
def test_a_higher_claim_is_never_looser_than_a_lower(bundle: Bundle, facts: Facts, one: Label, other: Label) -> None:
    """So nobody gains by claiming more."""
    low, high = sorted((one, other), key=STANDARD_LABELS.index)

    assert not some.looser(evaluate(bundle, claiming(facts, label=high)), evaluate(bundle, claiming(facts, label=low)))


@given(some.bundles(lenient=True), some.facts(), st.integers(1, 3), aliases)
def test_a_failed_leaf_never_leaves(bundle: Bundle, facts: Facts, failed: int, alias: Alias) -> None:
    """Whatever the rules say, and whatever the policy counts a failure as."""
    facts = replace(facts, failed=failed)
    assert not isinstance(evaluate(bundle, facts).outcome, MayLeave)
    assert not isinstance(routed(bundle, facts, alias).way, ToExternal)


@given(some.bundles(lenient=True), some.facts(), aliases)
@settings(suppress_health_check=[HealthCheck.filter_too_much])
def test_nothing_leaves_above_the_clearance(bundle: Bundle, facts: Facts, alias: Alias) -> None:
    """What leaves is within the ceiling of the one destination that the alias names, after what was transformed."""
    way = routed(bundle, facts, alias).way
    assume(isinstance(way, ToExternal))
    assert isinstance(way, ToExternal)
    policies = bundle.in_scope("claims", "acme")
    left = sensitivity_of(policies, facts, frozenset(t.entity for t in way.transforms))

    assert alias.external == way.destination
    assert within_ceiling(policies, way.destination, left)
    assert bundle.scale.top != left.label


@given(some.bundles(negated=False, lenient=True), some.facts(), st.data())
def test_more_or_surer_findings_never_loosen(bundle: Bundle, facts: Facts, data: st.DataObject) -> None:
    """Without `not`, raising counts and confidences leaves every rule's decision at least as tight."""
    raised = tuple(
        replace(
            fact,
            new=data.draw(st.integers(fact.new, 9)),
            values=fact.values + 5,
            confidence=Permille(data.draw(st.integers(fact.confidence, 1000))),
        )
        for fact in facts.findings
    )
    before, after = evaluate(bundle, facts), evaluate(bundle, replace(facts, findings=raised))

    assert not (by_a_rule(before, bundle) and some.looser(after, before))
