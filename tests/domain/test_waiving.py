"""Exceptions: what they open, what holds all the same, and what holds of every one of them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

from gateway.domain.alias import Alias
from gateway.domain.conditions import AnyOf, FindingIs, LabelIs
from gateway.domain.evaluate import evaluate
from gateway.domain.exceptions import (
    DAY,
    MOST_AT_ONCE,
    Callers,
    EntityCounts,
    OneEntity,
    PolicyException,
    WholeRule,
    counted_as,
)
from gateway.domain.facts import Context, Facts
from gateway.domain.finding import Permille
from gateway.domain.labels import STANDARD_LABELS, Classification, DataClass, Entity, Label
from gateway.domain.policy import (
    Block,
    Bundle,
    Operator,
    RouteExternal,
    RouteLocal,
    Rule,
    Transform,
    TransformOnly,
)
from gateway.domain.routing import Refused, Routing, ToExternal, ToLocal, routed
from gateway.domain.sensitivity import sensitivity_of, within_ceiling
from tests.domain import build
from tests.domain import policy_strategies as some
from tests.domain.build import EMAIL, INTERNAL, PUBLIC, RESTRICTED, RULES, SSN, context, found, rule
from tests.domain.exceptions_build import NOW, callers, counts, exception
from tests.domain.test_evaluate import seen

ALIAS = Alias("openai", "local-slm")
ANYTHING = LabelIs(PUBLIC, RESTRICTED)
COUNTS = counts("US_SSN", "internal", DataClass.PII)


def facts(*entities: str, asking: Context | None = None, **more: int) -> Facts:
    """One finding of each entity, in one leaf."""
    held = tuple(fact for name in entities for fact in seen(name))
    return replace(Facts(asking or context(), "gpt-x", 1, 0, 0, held), **more)


def ask(said: Facts, *exceptions: PolicyException, rules: tuple[Rule, ...] = tuple(RULES), **policy: object) -> Routing:
    """Where facts go under a policy with exceptions, none of which is used up."""
    bundle = replace(build.bundle(*rules, **policy), exceptions=exceptions)
    return routed(bundle, said, ALIAS, bundle.exception_ids)


def test_an_exception_opens_what_its_rule_kept_inside() -> None:
    """The entity counts as what was approved; the verdict still says what was found."""
    routing = ask(facts("US_SSN"), exception(waives=COUNTS))

    assert ToExternal("openai", ()) == routing.way
    assert ("CLEARED", ("pilot",)) == (routing.reason, routing.exceptions)
    assert (RESTRICTED, {DataClass.PII}) == (
        routing.verdict.sensitivity.label,
        set(routing.verdict.sensitivity.classes),
    )
    assert ("cleared", "ssn-inside") == routing.verdict.rules


def test_without_a_use_left_nothing_is_opened() -> None:
    """Evaluation is told which exceptions have uses left; by default, none."""
    bundle = replace(build.bundle(), exceptions=(exception(waives=COUNTS),))

    for usable in (frozenset[str](), frozenset({"another"})):
        assert (ToLocal("local-slm"), ()) == (
            (routing := routed(bundle, facts("US_SSN"), ALIAS, usable)).way,
            routing.exceptions,
        )
    assert routed(bundle, facts("US_SSN"), ALIAS) == routed(build.bundle(), facts("US_SSN"), ALIAS)


@pytest.mark.parametrize(
    ("at", "opened"),
    [
        (NOW - 1, False),
        (NOW, True),
        (NOW + DAY - 1, True),
        (NOW + DAY, False),
        (NOW + 2 * DAY, False),
    ],
)
def test_an_exception_begins_and_ends_to_the_moment(at: int, opened: bool) -> None:
    """From `not_before`, up to and without `expires`."""
    asking = replace(context(), at=at)
    routing = ask(facts("US_SSN", asking=asking), exception(waives=COUNTS, not_before=NOW, expires=NOW + DAY))

    assert (("pilot",) if opened else ()) == routing.exceptions
    assert opened is isinstance(routing.way, ToExternal)


@pytest.mark.parametrize(
    ("named", "opened"),
    [
        (callers(), True),
        (callers(apps="other app"), True),
        (callers(apps="other"), False),
        (callers(apps="", tenants="acme"), True),
        (callers(apps="app", tenants="umbrella"), False),
        (callers(apps="", keys="k1"), True),
        (callers(apps="", keys="k2"), False),
        (callers(apps="app", tenants="acme", keys="k2"), False),
        (callers(apps="*"), False),
        (callers(apps="ap*"), False),
        (callers(apps="APP"), False),
    ],
)
def test_an_exception_is_for_its_callers_alone(named: Callers, opened: bool) -> None:
    """Every dimension that it names has to fit, to the letter."""
    routing = ask(facts("US_SSN"), exception(waives=COUNTS, callers=named))

    assert opened is isinstance(routing.way, ToExternal)


@pytest.mark.parametrize(
    ("entities", "more"),
    [
        (("US_SSN", "US_SSN", "SECRET"), {}),
        (("US_SSN", "MEDICAL_CONDITION"), {}),
        (("US_SSN", "CREDIT_CARD"), {}),
        (("US_SSN",), {"failed": 1}),
        (("US_SSN",), {"opaque": 1}),
    ],
)
def test_everything_else_holds(entities: tuple[str, ...], more: dict[str, int]) -> None:
    """Other rules, the ceiling for what else was found, and what could not be read: nothing changes."""
    said = facts(*entities, **more)

    assert ask(said) == ask(said, exception(waives=COUNTS))


def test_a_rule_on_the_label_does_not_see_the_lowered_one() -> None:
    """A rule that is not waived judges what was found, also where the label is lowered for another."""
    high = rule("high-inside", LabelIs(RESTRICTED, RESTRICTED), RouteLocal(""))
    rules = (*RULES, high)
    said = facts("US_SSN")

    assert ask(said, rules=rules) == ask(said, exception(waives=COUNTS), rules=rules)
    both = exception(waives=COUNTS, rules="ssn-inside high-inside")
    assert ToExternal("openai", ()) == ask(said, both, rules=rules).way


def test_the_clearance_holds() -> None:
    """Waived, and still restricted: the destination may not see it. Nor may it see a class that it never sees."""
    said = facts("US_SSN")
    always = (*RULES, rule("always", ANYTHING, RouteExternal("", ())))

    for waives in (
        WholeRule(),
        OneEntity(SSN),
        counts("US_SSN", "confidential"),
        counts("US_SSN", "internal", DataClass.PHI),
    ):
        assert ask(said, rules=always) == ask(said, exception(waives=waives), rules=always)


def test_a_waived_rule_never_lifts_a_non_waivable_one() -> None:
    """Also where a bundle was built without asking the loader."""
    rules = tuple(replace(each, non_waivable=each.id == "ssn-inside") for each in RULES)
    said = facts("US_SSN")

    for waives in (COUNTS, WholeRule()):
        assert ask(said, rules=rules) == ask(said, exception(waives=waives), rules=rules)


def test_one_entity_is_waived_and_no_other() -> None:
    """The same rule holds where something else made it match."""
    ids = rule("ssn-inside", AnyOf((found("US_SSN"), found("US_PASSPORT"))), RouteLocal(""))
    rules = (*(each for each in RULES if each.id != "ssn-inside"), ids)
    pilot = exception(waives=COUNTS)

    assert ToExternal("openai", ()) == ask(facts("US_SSN"), pilot, rules=rules).way
    assert ask(facts("US_SSN", "US_PASSPORT"), rules=rules) == ask(facts("US_SSN", "US_PASSPORT"), pilot, rules=rules)


def test_a_person_and_health_stay_health_data() -> None:
    """Also where the person's identifier counts as nothing: a destination that never sees `phi` does not see it."""
    rules = tuple(each for each in RULES if each.id != "phi-inside")
    pilot = exception(waives=counts("US_SSN", "public"))

    assert ToExternal("openai", ()) == ask(facts("US_SSN"), pilot, rules=rules).way
    assert ToLocal("local-slm") == ask(facts("US_SSN", "MEDICAL_CONDITION"), pilot, rules=rules).way


def test_a_transform_is_waived_for_its_entity() -> None:
    """The other transforms of the same rule, and those of other rules, are still made."""
    email, phone = Transform(EMAIL, Operator.PLACEHOLDER), Transform(Entity("PHONE_NUMBER"), Operator.PLACEHOLDER)
    contact = AnyOf((found("EMAIL_ADDRESS"), found("PHONE_NUMBER")))
    rules = (rule("mask", contact, RouteExternal("", (email, phone))),)
    pilot = exception(rules="mask", waives=counts("EMAIL_ADDRESS", "internal", DataClass.PII))
    said = facts("EMAIL_ADDRESS", "PHONE_NUMBER")

    assert ToExternal("openai", (email, phone)) == ask(said, rules=rules).way
    assert ToExternal("openai", (phone,)) == ask(said, pilot, rules=rules).way
    more = (*rules, rule("mask-too", ANYTHING, TransformOnly((Transform(EMAIL, Operator.HASH),))))
    assert ToExternal("openai", (Transform(EMAIL, Operator.PLACEHOLDER), phone)) != ask(said, rules=more).way
    assert ToExternal("openai", (Transform(EMAIL, Operator.HASH), phone)) == ask(said, pilot, rules=more).way


def test_a_block_becomes_what_the_other_rules_say() -> None:
    """Not refused any more, and still inside: an answer, and a use of the exception."""
    said = facts(*["US_SSN"] * 20)
    routing = ask(said, exception(rules="bulk"))

    assert (Refused(403), ToLocal("local-slm")) == (ask(said).way, routing.way)
    assert ("pilot",) == routing.exceptions


def test_a_default_holds() -> None:
    """An exception waives rules; what no rule speaks of stays where the policy says."""
    rules = (rule("ssn-inside", found("US_SSN"), RouteLocal("")),)
    said = facts("US_SSN")

    for default in (RouteLocal("local-slm"), Block(403)):
        plain = ask(said, rules=rules, default=default)
        assert plain == ask(said, exception(waives=COUNTS), rules=rules, default=default)


def test_two_exceptions_together_and_no_use_of_a_third() -> None:
    """Each waives one of two rules; a third that changes nothing more takes no use."""
    rules = (*RULES, rule("also", found("US_SSN"), RouteLocal("")))
    first, second = exception("first", waives=COUNTS), exception("second", rules="also")
    said = facts("US_SSN")

    assert () == ask(said, first, rules=rules).exceptions
    assert () == ask(said, second, rules=rules).exceptions
    assert ("first", "second") == ask(said, first, second, rules=rules).exceptions
    spare = exception("a-spare", rules="also", waives=OneEntity(SSN))
    assert ("first", "second") == ask(said, first, second, spare, rules=rules).exceptions


def test_two_meanings_are_taken_at_the_stricter() -> None:
    """The higher label and both classes."""
    one, other = counts("US_SSN", "public", DataClass.PII), counts("US_SSN", "internal", DataClass.FINANCIAL)
    both = counted_as([exception("a", waives=one), exception("b", waives=other)], build.SCALE)

    assert {SSN: Classification(INTERNAL, frozenset({DataClass.PII, DataClass.FINANCIAL}))} == both


def test_no_more_than_a_few_meet() -> None:
    """The first by id; a record holds them all."""
    rules = (*RULES, *(rule(f"r{at}", found("US_SSN"), RouteLocal("")) for at in range(MOST_AT_ONCE)))
    first = exception("a", waives=COUNTS)
    others = [exception(f"b{at}", rules=f"r{at}") for at in range(MOST_AT_ONCE)]

    assert () == ask(facts("US_SSN"), first, *others, rules=rules).exceptions
    assert 8 == len(ask(facts("US_SSN"), first, *others[:-1], rules=rules[:-1]).exceptions)


@pytest.mark.parametrize(
    "wrong",
    [
        {"not_before": NOW, "expires": NOW},
        {"not_before": NOW, "expires": NOW - DAY},
        {"not_before": NOW, "expires": NOW + 90 * DAY + 1},
        {"max_uses": 0},
        {"rules": ""},
    ],
)
def test_an_exception_without_bounds_is_none(wrong: dict[str, object]) -> None:
    """No end within 90 days, no use or no rule."""
    with pytest.raises(ValueError, match="exception"):
        exception(**wrong)  # type: ignore[arg-type]


def test_an_exception_for_everybody_is_none() -> None:
    """Nor are two of one id."""
    with pytest.raises(ValueError, match="everybody"):
        callers(apps="")
    with pytest.raises(ValueError, match="ids of their own"):
        replace(build.bundle(), exceptions=(exception(), exception(rules="bulk")))


# --- of every policy and every exception ----------------------------------------------------------------------------

_IDS = st.sampled_from([f"{number}-{at}" for number in range(2) for at in range(5)])
_counting = st.builds(
    EntityCounts,
    some.entities,
    st.builds(Classification, some.labels, st.frozensets(st.sampled_from(DataClass), max_size=2)),
)
exceptions = st.builds(
    lambda name, rules, waives, named, begin: exception(
        name, rules=" ".join(rules), waives=waives, callers=named, not_before=begin, expires=begin + DAY
    ),
    st.sampled_from(["x", "y", "z"]),
    st.frozensets(_IDS, min_size=1, max_size=4),
    _counting | st.just(WholeRule()) | st.builds(OneEntity, some.entities),
    st.sampled_from([callers(apps="claims"), callers(apps="", keys="k1"), callers(apps="claims", tenants="acme")]),
    st.sampled_from([0, -DAY + 1]),
)
elsewhere = st.builds(
    replace,
    exceptions,
    callers=st.sampled_from([callers(apps="cl*"), callers(apps="other"), callers(apps="claims", keys="k2")]),
) | st.builds(replace, exceptions, not_before=st.just(1), expires=st.just(DAY))
_likely = st.just(ANYTHING) | st.builds(
    FindingIs, some.entities, st.just(Permille(0)), st.just(1), st.just(frozenset())
)
keeping = st.builds(
    replace,
    some.rules(st.sampled_from([Block(403), RouteLocal("")])),
    when=_likely | some.conditions(),
    shadow=st.just(value=False),
)


@st.composite
def excepted(draw: st.DrawFn, some_exceptions: st.SearchStrategy[PolicyException] = exceptions) -> Bundle:
    """A bundle that lets much leave but for a few rules, most of which an exception names; some are not waivable."""
    held = draw(st.lists(keeping, min_size=1, max_size=3))
    firm = draw(st.sampled_from([False, False, True]))
    named = [replace(each, id=f"0-{at}", non_waivable=firm and at == 0) for at, each in enumerate(held)]
    more = draw(st.lists(some.rules(), max_size=2))
    others = [replace(each, id=f"1-{at}") for at, each in enumerate(more)]
    policy = build.policy(*named, *others, some.LETS_LEAVE, ceilings=some.CEILINGS, detectors=some.DETECTORS)
    told = draw(st.lists(some_exceptions, min_size=1, max_size=3, unique_by=lambda each: each.id))
    if draw(st.booleans()):
        told[0] = replace(told[0], rules=frozenset(each.id for each in named))
    return Bundle(policies=(policy,), digest="sha256:0", revision=1, exceptions=tuple(told))


def without(bundle: Bundle, ids: tuple[str, ...]) -> Bundle:
    """The bundle as if the waived rules of these exceptions had never stood in it, but for what they permit."""
    waived = {name for each in bundle.exceptions if each.id in ids for name in each.rules}

    def left(rules: tuple[Rule, ...]) -> tuple[Rule, ...]:
        untouched = [each for each in rules if each.id not in waived or each.non_waivable or each.shadow]
        routes = [
            replace(each, then=RouteExternal(each.then.destination, ()))
            for each in rules
            if each not in untouched and isinstance(each.then, RouteExternal)
        ]
        return (*untouched, *routes)

    return replace(bundle, policies=tuple(replace(each, rules=left(each.rules)) for each in bundle.policies))


def go(bundle: Bundle, said: Facts, alias: Alias = ALIAS) -> Routing:
    """Where it goes, with every exception usable."""
    return routed(bundle, said, alias, bundle.exception_ids)


_LOOK = settings(max_examples=3000, phases=[Phase.generate])
"""The first that is found will do: the smallest is a minute's search."""
_RANKS = (ToExternal, ToLocal, Refused)


def rank(routing: Routing) -> int:
    """0 leaves, 1 stays, 2 is refused."""
    return _RANKS.index(type(routing.way))


@pytest.mark.parametrize("way", [ToLocal, ToExternal])
def test_the_properties_below_speak_of_something(way: type) -> None:
    """Among the generated, there are exceptions that open each way: no property holds for want of one."""

    def opens(both: tuple[Bundle, Facts]) -> bool:
        routing = go(*both)
        return bool(routing.exceptions) and isinstance(routing.way, way)

    example = find(st.tuples(excepted(), some.facts()), opens, settings=_LOOK)
    assert opens(example)


@given(excepted(elsewhere), some.facts(failed=1))
def test_an_exception_of_others_changes_nothing(bundle: Bundle, said: Facts) -> None:
    """Of another key, app or time: the routing is equal in every part."""
    assert go(bundle, said) == routed(bundle, said, ALIAS)


@given(excepted(), some.facts(failed=1))
def test_an_exception_only_opens_and_only_with_a_waived_rule_that_matched(bundle: Bundle, said: Facts) -> None:
    """Nothing becomes tighter; where nothing is named as used, nothing changed at all."""
    plain, routing = routed(bundle, said, ALIAS), go(bundle, said)
    used = [each for each in bundle.exceptions if each.id in routing.exceptions]

    assert rank(routing) <= rank(plain)
    assert routing.exceptions or routing == plain
    assert not routing.exceptions or routing.way != plain.way
    assert all(each.rules & set(plain.verdict.rules) for each in used)
    assert plain.verdict.sensitivity == routing.verdict.sensitivity


@given(excepted(), some.facts(failed=1))
def test_only_what_waived_rules_forced_changes(bundle: Bundle, said: Facts) -> None:
    """A rule that is not waived, and one that is not waivable, blocks and keeps inside as ever."""
    routing = go(bundle, said)
    waived = {name for each in bundle.exceptions if each.id in routing.exceptions for name in each.rules}
    matched = set(evaluate(bundle, said).rules)
    holding = [
        each.then
        for policy in bundle.in_scope("claims", "acme")
        for each in policy.rules
        if each.id in matched and (each.id not in waived or each.non_waivable) and not each.shadow
    ]

    assert not any(isinstance(then, Block) for then in holding) or isinstance(routing.way, Refused)
    assert not any(isinstance(then, RouteLocal) for then in holding) or not isinstance(routing.way, ToExternal)


@given(excepted(), some.facts(failed=1))
def test_an_exception_is_never_more_open_than_a_policy_without_its_rules(bundle: Bundle, said: Facts) -> None:
    """Where it does not say what an entity counts as: at most what stood there if nobody had written the rules."""
    routing = go(bundle, said)
    used = [each.waives for each in bundle.exceptions if each.id in routing.exceptions]
    if any(isinstance(each, EntityCounts) for each in used):
        return

    assert rank(routing) >= rank(routed(without(bundle, routing.exceptions), said, ALIAS))


@given(excepted(), some.facts(), st.integers(1, 3))
def test_failures_hold(bundle: Bundle, said: Facts, failed: int) -> None:
    """A leaf that nobody could read never leaves, whoever approved what."""
    assert not isinstance(go(bundle, replace(said, failed=failed)).way, ToExternal)


@given(excepted(), some.facts())
def test_the_ceiling_holds(bundle: Bundle, said: Facts) -> None:
    """What leaves is within the clearance, with nothing lowered but what an exception names."""
    routing = go(bundle, said)
    if not isinstance(routing.way, ToExternal):
        return
    policies = bundle.in_scope("claims", "acme")
    counted = counted_as([each for each in bundle.exceptions if each.id in routing.exceptions], bundle.scale)
    transformed = frozenset(each.entity for each in routing.way.transforms)

    assert within_ceiling(policies, routing.way.destination, sensitivity_of(policies, said, transformed, counted))


@given(excepted(), some.facts(silent=True), st.sampled_from([*STANDARD_LABELS, "unheard-of"]), st.booleans())
def test_the_client_never_makes_one_apply(bundle: Bundle, said: Facts, label: str, purpose: bool) -> None:
    """A claim only tightens, with exceptions as without."""
    claiming = replace(
        said, context=replace(said.context, claimed_label=Label(label), purpose="support" if purpose else "")
    )
    quiet, claimed = go(bundle, said), go(bundle, claiming)

    assert rank(claimed) >= rank(quiet)
    if isinstance(claimed.way, ToExternal) and isinstance(quiet.way, ToExternal):
        strength = {each.entity: tuple(Operator).index(each.operator) for each in claimed.way.transforms}
        assert all(strength.get(t.entity, -1) >= tuple(Operator).index(t.operator) for t in quiet.way.transforms)


@given(excepted(), some.facts(failed=1), st.randoms(use_true_random=False))
def test_the_order_of_exceptions_means_nothing(bundle: Bundle, said: Facts, shuffle: object) -> None:
    """Nor that of rules: the same way, by the same exceptions."""
    turned = replace(bundle, exceptions=tuple(reversed(bundle.exceptions)))

    assert go(bundle, said) == go(turned, said)


@given(some.bundles(lenient=True), some.facts(), exceptions, st.sampled_from(["gpt-x", "gpt-y"]))
def test_a_shadow_rule_is_not_waived_into_being(bundle: Bundle, said: Facts, one: PolicyException, model: str) -> None:
    """Waiving rules that decide nothing changes nothing."""
    policies = tuple(replace(p, rules=tuple(replace(r, shadow=True) for r in p.rules)) for p in bundle.policies)
    shadows = replace(bundle, policies=policies, exceptions=(one,))
    said = replace(said, model=model)

    assert go(shadows, said) == routed(shadows, said, ALIAS)
