"""What policies say where the model inside cannot do what is asked: no word of theirs lets anything leave that the
rules would not let leave with stand-ins in it."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from gateway.domain.alias import Alias
from gateway.domain.capability import Capability, Instead, Lack, Recourse, asked_for
from gateway.domain.evaluate import MayLeave, evaluate
from gateway.domain.facts import Facts
from gateway.domain.policy import Block, Bundle, Operator, RouteExternal, RouteLocal
from gateway.domain.routing import LOCAL_MODEL_CANNOT, Refused, ToExternal, ToLocal, routed
from gateway.domain.sensitivity import sensitivity_of, within_ceiling
from tests.domain import build
from tests.domain import policy_strategies as some
from tests.evidence import finding

ALIAS = Alias("openai", "local-slm")
TOOLS = (Lack("local-slm", Capability.TOOLS),)
SENDS = dict.fromkeys(Capability, Instead.SEND)
said = st.dictionaries(
    st.sampled_from([Capability.TOOLS, Capability.VISION]),
    st.sampled_from([Instead.SEND, Instead.SEND, Instead.DEGRADE, Block(422), Block(501)]),
)
TWO = (*TOOLS, Lack("local-slm", Capability.VISION))
lacks = st.sampled_from([TOOLS, TOOLS, TWO, (Lack("other", Capability.TOOLS),)])
aliases = st.builds(Alias, st.sampled_from(["", "openai", "anthropic"]), st.sampled_from(["", "local-slm"]))


inside = st.builds(
    replace,
    st.builds(build.rule, st.sampled_from("abc"), some.leaves, st.sampled_from([RouteLocal(""), Block(403)])),
    non_waivable=st.sampled_from([False, False, True]),
)
kept = st.builds(replace, inside, when=st.just(some.LETS_LEAVE.when), then=st.just(RouteLocal("")))
"""A rule that keeps everything inside whatever is left: nothing may be sent past it."""


@st.composite
def bundles(draw: st.DrawFn) -> Bundle:
    """Policies that let everything leave but for what a few rules keep inside, and that mostly say to send instead."""
    policies = [
        build.policy(
            some.LETS_LEAVE,
            *draw(st.lists(inside | kept if draw(st.integers(0, 9)) == 0 else inside, max_size=3)),
            name=f"p{number}",
            ceilings=some.CEILINGS,
            detectors=some.DETECTORS,
            incapable=draw(st.sampled_from([SENDS, SENDS, SENDS, {}, {Capability.TOOLS: Instead.DEGRADE}]) | said),
        )
        for number in range(draw(st.integers(1, 2)))
    ]
    return Bundle(policies=tuple(policies), digest="sha256:0", revision=1)


@given(bundles(), some.facts(failed=1), lacks, aliases)
@settings(suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
def test_what_is_sent_instead_may_leave(bundle: Bundle, facts: Facts, lacking: tuple[Lack, ...], alias: Alias) -> None:
    """Everything that was found is replaced; what is left is let leave by the rules, within the clearance; no rule that
    nobody may be excepted from is passed; and every policy said so."""
    routing = routed(bundle, replace(facts, lacking=lacking), alias)
    assume(routing.recourse is Recourse.SENT)
    way = routing.way
    policies = bundle.in_scope("claims", "acme")
    left = evaluate(bundle, replace(facts, findings=())).outcome
    replaced = {transform.entity for transform in way.transforms} if isinstance(way, ToExternal) else set()
    matched = [r for p in policies for r in p.rules if r.id in routing.verdict.rules and r.non_waivable]

    assert isinstance(way, ToExternal)
    assert {fact.entity for fact in facts.findings} == replaced
    assert isinstance(left, MayLeave)
    assert left.allows(way.destination)
    assert within_ceiling(policies, way.destination, sensitivity_of(policies, facts, frozenset(replaced)))
    assert 0 == facts.failed
    assert not any(isinstance(rule.then, Block | RouteLocal) for rule in matched)
    assert all(p.incapable.get(c) is Instead.SEND for p in policies for c in routing.lacking)
    assert Operator.SURROGATE not in {transform.operator for transform in way.transforms}


@given(bundles(), some.facts(failed=1), lacks, aliases)
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_nothing_is_let_out_that_would_not_stay_inside(
    bundle: Bundle, facts: Facts, lacking: tuple[Lack, ...], alias: Alias
) -> None:
    """What is refused, or leaves anyway, does so whatever a model inside lacks; only what stays inside may be sent."""
    able, unable = routed(bundle, facts, alias), routed(bundle, replace(facts, lacking=lacking), alias)

    if not isinstance(able.way, ToLocal):
        assert able == unable
    elif unable.recourse in (Recourse.NONE, Recourse.DEGRADED):
        assert able.way == unable.way
    elif unable.recourse is Recourse.REFUSED:
        assert isinstance(unable.way, Refused)
    assert unable.recourse is Recourse.NONE or LOCAL_MODEL_CANNOT == unable.reason or unable.degraded


@given(bundles(), st.sampled_from([None, Instead.DEGRADE, Block(422)]), some.facts(silent=True), aliases)
@settings(suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
def test_one_policy_that_does_not_say_so_keeps_it_in(
    bundle: Bundle, told: Instead | Block | None, facts: Facts, alias: Alias
) -> None:
    """Says something stricter, or nothing at all, of the same callers: then nothing is sent."""
    facts = replace(facts, lacking=TOOLS)
    more = build.policy(some.LETS_LEAVE, name="more", ceilings=some.CEILINGS, detectors=some.DETECTORS)
    more = replace(more, incapable={} if told is None else {Capability.TOOLS: told})
    routing = routed(replace(bundle, policies=(*bundle.policies, more)), facts, alias)

    assert Recourse.SENT is not routing.recourse
    assert not isinstance(routing.way, ToExternal) or not routing.lacking


def asked(instead: Instead | Block, *kinds: str, **more: object) -> tuple[type, Recourse, str]:
    """Way, recourse and reason of a request with tools that has to stay inside."""
    facts = Facts(build.context(), "gpt-x", 1, 0, 0, tuple(finding(k, confidence=900) for k in kinds), lacking=TOOLS)
    rules = more.pop("rules", build.RULES)
    bundle = build.bundle(*rules, incapable={Capability.TOOLS: instead}, **more)  # type: ignore[misc]
    routing = routed(bundle, facts, ALIAS)
    return type(routing.way), routing.recourse, routing.reason


def test_each_thing_that_a_policy_may_say() -> None:
    """Refused, degraded, sent: of a number that stays inside, beside tools that the model there cannot use."""
    assert (Refused, Recourse.REFUSED, LOCAL_MODEL_CANNOT) == asked(Block(422), "US_SSN")
    assert (ToLocal, Recourse.DEGRADED, "SSN_INSIDE") == asked(Instead.DEGRADE, "US_SSN")
    assert (ToExternal, Recourse.SENT, LOCAL_MODEL_CANNOT) == asked(Instead.SEND, "US_SSN")
    assert (Refused, Recourse.NONE, "SECRET") == asked(Instead.SEND, "SECRET")


def test_a_rule_that_nobody_is_excepted_from_is_no_less_strict() -> None:
    """What it keeps inside is refused then: there is nowhere to go."""
    firm = [replace(each, non_waivable=each.id == "ssn-inside") for each in build.RULES]

    assert (Refused, Recourse.REFUSED, LOCAL_MODEL_CANNOT) == asked(Instead.SEND, "US_SSN", rules=firm)


def test_what_no_rule_would_let_leave_is_refused() -> None:
    """Not sent, and not given to a model that would answer something else."""
    closed = [each for each in build.RULES if not isinstance(each.then, RouteExternal)]

    assert (Refused, Recourse.REFUSED, LOCAL_MODEL_CANNOT) == asked(Instead.SEND, "US_SSN", rules=closed)


def test_an_unread_part_is_not_sent() -> None:
    """No stand-in stands for an image: what it counts as stays above the clearance."""
    facts = Facts(build.context(), "gpt-x", 1, 0, 1, (), lacking=(Lack("local-slm", Capability.VISION),))
    routing = routed(build.bundle(incapable={Capability.VISION: Instead.SEND}), facts, ALIAS)

    assert (Recourse.REFUSED, LOCAL_MODEL_CANNOT) == (routing.recourse, routing.reason)


def test_what_a_request_asks_for() -> None:
    """Tools by definition, call or result; parts that are not text; a schema; more than the model reads."""
    tool = {"type": "function", "function": {"name": "f", "description": "d", "parameters": {}}}
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    schema = {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object"}}}
    result = {"role": "tool", "tool_call_id": "c", "content": "4"}

    assert frozenset() == asked_for(build.conversation('a "json_schema": b'), 100)
    assert {Capability.TOOLS} == asked_for(build.conversation("a", tools=[tool]))
    assert {Capability.TOOLS} == asked_for(build.conversation("a", result))
    assert {Capability.VISION} == asked_for(build.conversation({"role": "user", "content": [image]}))
    assert {Capability.JSON_SCHEMA} == asked_for(build.conversation("a", response_format=schema))
    assert {Capability.CONTEXT} == asked_for(build.conversation("a" * 101), 100)
