"""Evaluation, case by case."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.domain.conditions import (
    AllOf,
    AnyOf,
    ClassIs,
    Condition,
    ContextField,
    ContextIs,
    FindingIs,
    LabelIs,
    Not,
    matches,
)
from gateway.domain.declaration import Source
from gateway.domain.detectors import EntityDetector, TermsDetector
from gateway.domain.evaluate import Inside, MayLeave, evaluate
from gateway.domain.explain import explained
from gateway.domain.facts import Context, Facts, FindingFact
from gateway.domain.finding import Permille
from gateway.domain.labels import Classification, DataClass, Entity, Label
from gateway.domain.policy import (
    Block,
    Bundle,
    Operator,
    Policy,
    RouteExternal,
    RouteLocal,
    Scope,
    Severity,
    Transform,
    TransformOnly,
    TreatAs,
)
from gateway.domain.sensitivity import Sensitivity, classify, sensitivity_of, within_ceiling
from tests.domain.build import (
    CONFIDENTIAL,
    INTERNAL,
    PUBLIC,
    RESTRICTED,
    SCALE,
    bundle,
    found,
    policy,
    rule,
)

ALWAYS = LabelIs(PUBLIC, RESTRICTED)
OPEN = rule("open", ALWAYS, RouteExternal("", ()))
NO_CLASSES: frozenset[DataClass] = frozenset()


def seen(*entities: str, count: int = 1, confidence: int = 900, source: Source = Source.USER) -> list[FindingFact]:
    """One finding of each entity."""
    leaf = "/messages/*/content"
    return [FindingFact(Entity(e), leaf, source, count, count, Permille(confidence)) for e in entities]


def facts(
    *findings: FindingFact,
    label: str = "",
    purpose: str = "",
    app: str = "claims-bot",
    failed: int = 0,
    opaque: int = 0,
) -> Facts:
    """Facts of one caller."""
    context = Context("acme", app, "k1", purpose, Label(label), 0)
    return Facts(context, "gpt-x", 1, failed, opaque, findings)


def two(one: Policy, other: Policy) -> Bundle:
    """A bundle of two policies."""
    return Bundle(policies=(one, other), digest="sha256:0", revision=1)


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (found("US_SSN"), True),
        (found("US_SSN", confidence=901), False),
        (found("US_SSN", count=2), False),
        (found("EMAIL_ADDRESS", count=2), True),
        (found("PERSON"), False),
        (FindingIs(Entity("US_SSN"), Permille(0), 1, frozenset({Source.SYSTEM})), False),
        (FindingIs(Entity("US_SSN"), Permille(0), 1, frozenset({Source.SYSTEM, Source.USER})), True),
        (ClassIs(DataClass.PII), True),
        (ClassIs(DataClass.PHI), False),
        (LabelIs(RESTRICTED, RESTRICTED), True),
        (LabelIs(PUBLIC, INTERNAL), False),
        (ContextIs(ContextField.APP, frozenset({"x", "claims-*"})), True),
        (ContextIs(ContextField.APP, frozenset({"claims"})), False),
        (ContextIs(ContextField.TENANT, frozenset({"acme"})), True),
        (ContextIs(ContextField.KEY, frozenset({"k1"})), True),
        (ContextIs(ContextField.MODEL, frozenset({"gpt-*"})), True),
        (AnyOf((found("PERSON"), found("US_SSN"))), True),
        (AllOf((found("PERSON"), found("US_SSN"))), False),
        (Not(found("PERSON")), True),
    ],
)
def test_conditions(condition: Condition, expected: bool) -> None:
    """Each kind of condition, true and false."""
    verdict = evaluate(
        bundle(rule("it", condition, Block(403))), facts(*seen("US_SSN"), *seen("EMAIL_ADDRESS", count=2))
    )

    assert expected is ("it" in verdict.rules)


def test_a_combination_of_nothing_is_refused() -> None:
    """No vacuous pass."""
    for kind in (AnyOf, AllOf):
        with pytest.raises(ValueError, match="vacuously"):
            kind(())


def test_resent_values_count_once_unless_the_source_matters() -> None:
    """`new` counts a conversation's values, `values` those of each leaf."""
    twice = [replace(f, new=0) if n else f for n, f in enumerate(seen("US_SSN") + seen("US_SSN"))]
    anywhere = rule("anywhere", found("US_SSN", count=2), Block(403))
    by_user = rule("by-user", FindingIs(Entity("US_SSN"), Permille(0), 2, frozenset({Source.USER})), Block(403))

    assert ("by-user",) == evaluate(bundle(anywhere, by_user), facts(*twice)).rules


@pytest.mark.parametrize("value", ["claims", "claims-bot", "", "claims*"])
def test_names_with_a_star(value: str) -> None:
    """A star at the end stands for any rest, and nothing else does."""
    assert value.startswith("claims") is matches(value, "claims*")
    assert matches(value, "*")
    assert ("claims" == value) is matches(value, "claims")


def test_block_wins_over_inside_wins_over_leaving() -> None:
    """The most restrictive consequence, in any order of rules."""
    keep, block = rule("keep", ALWAYS, RouteLocal("")), rule("block", ALWAYS, Block(451), tell_user="no")

    assert isinstance(evaluate(bundle(OPEN), facts()).outcome, MayLeave)
    assert Inside("") == evaluate(bundle(OPEN, keep), facts()).outcome
    verdict = evaluate(bundle(keep, block, OPEN), facts())
    assert (Block(451), "BLOCK", "no", ("block", "keep", "open")) == (
        verdict.outcome,
        verdict.reason,
        verdict.tell_user,
        verdict.rules,
    )


def test_the_most_severe_rule_is_told_of() -> None:
    """Of several that block, its reason, text and status."""
    low, high = rule("z", ALWAYS, Block(403)), replace(rule("a", ALWAYS, Block(451)), severity=Severity.CRITICAL)

    assert ("A", Block(451)) == (
        evaluate(bundle(low, high), facts()).reason,
        evaluate(bundle(low, high), facts()).outcome,
    )


def test_transforms_unite_and_the_strongest_stays() -> None:
    """From every matching rule, also from those that permit nothing."""
    email, ssn = Entity("EMAIL_ADDRESS"), Entity("US_SSN")
    one = rule("one", ALWAYS, RouteExternal("", (Transform(email, Operator.PLACEHOLDER),)))
    other = rule("other", ALWAYS, TransformOnly((Transform(email, Operator.REDACT), Transform(ssn, Operator.MASK))))

    for order in ((one, other), (other, one)):
        outcome = evaluate(bundle(*order), facts()).outcome
        assert isinstance(outcome, MayLeave)
        assert (Transform(email, Operator.REDACT), Transform(ssn, Operator.MASK)) == outcome.transforms


def test_one_place_inside() -> None:
    """Of several that rules name, the same one in any order; a name goes before the model's own."""
    rules = [rule(f"r{n}", ALWAYS, RouteLocal(place)) for n, place in enumerate(["", "vllm", "local-slm"])]

    for order in (rules, rules[::-1]):
        assert Inside("local-slm") == evaluate(bundle(*order), facts()).outcome


def test_a_transform_alone_permits_nothing() -> None:
    """It says how a request leaves, if another rule lets it."""
    masks = rule("masks", ALWAYS, TransformOnly((Transform(Entity("PERSON"), Operator.MASK),)))

    assert Inside("local-slm") == evaluate(bundle(masks), facts()).outcome


@pytest.mark.parametrize(
    ("routes", "allowed"),
    [
        (("",), {"openai", "anthropic"}),
        (("openai",), {"openai"}),
        (("", "openai"), {"openai"}),
        (("openai", "anthropic"), set()),
    ],
)
def test_destinations_intersect(routes: tuple[str, ...], allowed: set[str]) -> None:
    """Only a destination that every permitting rule allows is allowed."""
    rules = [rule(f"r{n}", ALWAYS, RouteExternal(route, ())) for n, route in enumerate(routes)]
    outcome = evaluate(bundle(*rules), facts()).outcome

    assert isinstance(outcome, MayLeave)
    assert allowed == {name for name in ("openai", "anthropic") if outcome.allows(name)}


def test_no_rule_matches() -> None:
    """The default, and of two defaults the one that blocks."""
    never = rule("never", found("US_SSN"), RouteExternal("", ()))
    keeping, blocking = policy(never), policy(never, name="b", default=Block(451), default_reason="NOT_FOR_YOU")

    assert (Inside("local-slm"), "NO_RULE_MATCHED") == (
        evaluate(bundle(never), facts()).outcome,
        evaluate(bundle(never), facts()).reason,
    )
    assert Block(451) == evaluate(two(keeping, blocking), facts()).outcome
    assert evaluate(two(keeping, blocking), facts()) == evaluate(two(blocking, keeping), facts())


def test_nobody_speaks_of_the_caller() -> None:
    """Inside, at the top label."""
    scoped = policy(OPEN, scope=Scope(frozenset({"claims-*"}), frozenset({"acme"})))
    spoken, unspoken = (Bundle(policies=(scoped,), digest="", revision=1), facts(app="other"))

    verdict = evaluate(spoken, unspoken)
    assert (Inside(""), RESTRICTED, "NO_POLICY_IN_SCOPE") == (
        verdict.outcome,
        verdict.sensitivity.label,
        verdict.reason,
    )
    assert isinstance(evaluate(spoken, facts()).outcome, MayLeave)


def test_a_failed_leaf_never_leaves() -> None:
    """Even under a policy that counts failures as public: nobody has read it."""
    lenient = bundle(OPEN, on_detector_failure=TreatAs(PUBLIC))

    assert (Inside(""), "UNREADABLE") == (
        evaluate(lenient, facts(failed=1)).outcome,
        evaluate(lenient, facts(failed=1)).reason,
    )


def test_the_unreadable_may_be_blocked() -> None:
    """By its own status, whatever else matches; the higher of two."""
    strict = bundle(OPEN, on_detector_failure=Block(503), on_opaque_part=Block(415))

    assert Block(503) == evaluate(strict, facts(failed=1, opaque=1)).outcome
    assert Block(415) == evaluate(strict, facts(opaque=1)).outcome
    assert isinstance(evaluate(strict, facts()).outcome, MayLeave)


def test_an_opaque_part_counts_as_the_policy_says() -> None:
    """A label like any other."""
    assert RESTRICTED == evaluate(bundle(OPEN), facts(opaque=1)).sensitivity.label
    assert INTERNAL == evaluate(bundle(OPEN, on_opaque_part=TreatAs(INTERNAL)), facts(opaque=1)).sensitivity.label


def test_a_claim_cannot_step_around_a_rule() -> None:
    """Rules with an upper bound, a `not` or a purpose hold also for a caller who claims otherwise."""
    upto = bundle(OPEN, rule("small", LabelIs(PUBLIC, PUBLIC), RouteLocal("")))
    research = ContextIs(ContextField.PURPOSE, frozenset({"research"}))
    unless = bundle(OPEN, rule("unless", Not(research), Block(403)))
    only = bundle(rule("only", research, RouteExternal("", ())))

    assert Inside("") == evaluate(upto, facts(label="internal")).outcome
    assert Block(403) == evaluate(unless, facts(purpose="research")).outcome
    assert Inside("local-slm") == evaluate(only, facts(purpose="research")).outcome


def test_a_claim_may_tighten() -> None:
    """A purpose that a rule keeps inside, and a label up to which another lets go."""
    research = ContextIs(ContextField.PURPOSE, frozenset({"research"}))
    tight = bundle(rule("low", LabelIs(PUBLIC, INTERNAL), RouteExternal("", ())), rule("r", research, RouteLocal("")))

    assert isinstance(evaluate(tight, facts(label="internal")).outcome, MayLeave)
    assert Inside("local-slm") == evaluate(tight, facts(label="confidential")).outcome
    assert Inside("") == evaluate(tight, facts(purpose="research")).outcome
    assert RESTRICTED == evaluate(tight, facts(label="never heard of")).sensitivity.label


@pytest.mark.parametrize(
    ("entities", "expected"),
    [
        ((), Sensitivity(PUBLIC, NO_CLASSES)),
        (("LOCATION",), Sensitivity(PUBLIC, NO_CLASSES)),
        (("PERSON",), Sensitivity(INTERNAL, frozenset({DataClass.PII}))),
        (("MEDICAL_CONDITION",), Sensitivity(INTERNAL, NO_CLASSES)),
        (("PERSON", "MEDICAL_CONDITION"), Sensitivity(INTERNAL, frozenset({DataClass.PII, DataClass.PHI}))),
        (("LOCATION", "MEDICAL_CONDITION"), Sensitivity(INTERNAL, NO_CLASSES)),
        (("LOCATION", "FINANCIAL_AMOUNT"), Sensitivity(PUBLIC, NO_CLASSES)),
        (("PERSON", "FINANCIAL_AMOUNT"), Sensitivity(INTERNAL, frozenset({DataClass.PII, DataClass.FINANCIAL}))),
        (("LOCATION", "FINANCIAL_STANDING"), Sensitivity(PUBLIC, NO_CLASSES)),
        (("PERSON", "FINANCIAL_STANDING"), Sensitivity(INTERNAL, frozenset({DataClass.PII, DataClass.FINANCIAL}))),
        (("NEVER_HEARD_OF",), Sensitivity(RESTRICTED, frozenset({DataClass.PII}))),
    ],
)
def test_sensitivity(entities: tuple[str, ...], expected: Sensitivity) -> None:
    """PHI is a relation; what nobody knows is of the top label."""
    assert expected == sensitivity_of([policy()], facts(*seen(*entities)), frozenset())


def test_what_is_transformed_no_longer_counts() -> None:
    """Neither towards the label nor towards PHI."""
    talk = facts(*seen("PERSON", "MEDICAL_CONDITION", "EMAIL_ADDRESS"))

    left = sensitivity_of([policy()], talk, frozenset({Entity("PERSON"), Entity("EMAIL_ADDRESS")}))

    assert Sensitivity(INTERNAL, NO_CLASSES) == left


def test_no_transform_takes_an_unsupported_language_away() -> None:
    """A stand-in for a stretch of text says nothing of the words around it."""
    foreign = Entity("UNSUPPORTED_LANGUAGE")
    masks = rule("masks", ALWAYS, RouteExternal("", (Transform(foreign, Operator.REDACT),)))

    left = sensitivity_of([policy(masks)], facts(*seen(foreign)), frozenset({foreign}))

    assert Label("restricted") == left.label


def test_no_file_lowers_what_an_entity_means_to_another() -> None:
    """A policy that is silent about an entity says the default table; a detector's id is no entity of its own."""
    email = Entity("EMAIL_ADDRESS")
    lowering = policy(name="b", detectors=(EntityDetector("mail", email, Classification(PUBLIC, NO_CLASSES)),))
    naming = policy(detectors=(EntityDetector("PERSON", email, Classification(RESTRICTED, NO_CLASSES)),))

    assert PUBLIC == classify(email, [lowering], SCALE).label
    assert CONFIDENTIAL == classify(email, [policy(), lowering], SCALE).label
    assert INTERNAL == classify(Entity("PERSON"), [naming], SCALE).label


def test_two_detectors_of_one_entity() -> None:
    """The strictest label, all classes."""
    low = EntityDetector("a", Entity("X"), Classification(INTERNAL, frozenset({DataClass.PII})))
    high = EntityDetector("b", Entity("X"), Classification(CONFIDENTIAL, frozenset({DataClass.PROPRIETARY})))
    both = frozenset({DataClass.PII, DataClass.PROPRIETARY})

    for order in ((low, high), (high, low)):
        assert Classification(CONFIDENTIAL, both) == classify(Entity("X"), [policy(detectors=order)], SCALE)


def test_custom_detectors_run_for_those_they_speak_of() -> None:
    """Another app's project names are not looked for in this one's requests."""
    terms = TermsDetector("project", ("Bluefin",), Classification(CONFIDENTIAL, NO_CLASSES))
    scoped = policy(OPEN, name="b", detectors=(terms,), scope=Scope(frozenset({"claims-*"}), frozenset({"*"})))
    whole = two(policy(OPEN), scoped)

    assert (terms,) == whole.custom_detectors_for("claims-bot", "acme")
    assert () == whole.custom_detectors_for("other", "acme")


def test_a_destination_that_nobody_names_is_cleared_for_nothing() -> None:
    """Not even for public text; and a forbidden class counts below the label."""
    assert within_ceiling([policy()], "openai", Sensitivity(INTERNAL, NO_CLASSES))
    assert not within_ceiling([policy()], "elsewhere", Sensitivity(PUBLIC, NO_CLASSES))
    assert not within_ceiling([policy()], "openai", Sensitivity(PUBLIC, frozenset({DataClass.PHI})))


def test_explained() -> None:
    """Each rule with the parts of its condition that decide."""
    conditions: list[Condition] = [
        AllOf((found("US_SSN", count=2), Not(ClassIs(DataClass.PHI)))),
        AnyOf((LabelIs(PUBLIC, INTERNAL), ContextIs(ContextField.APP, frozenset({"claims-*"})))),
    ]
    whole = bundle(*(rule(f"r{n}", condition, Block(403)) for n, condition in enumerate(conditions)))
    told = explained(whole, facts(), evaluate(whole, facts()))

    assert [False, True] == [each.holds for each in told]
    assert ["No US_SSN was found.", "The label is public and the app is claims-bot."] == [each.why for each in told]
