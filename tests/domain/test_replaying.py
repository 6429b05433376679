"""Past decisions come out of their records as they were made, or it is said why they cannot."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.alias import Alias
from gateway.domain.commitment import Secrets, pseudonym
from gateway.domain.comparing import Compared, Movement, Replayed, movement
from gateway.domain.conditions import AnyOf, ContextField, ContextIs
from gateway.domain.evidence import Decided
from gateway.domain.facts import Facts
from gateway.domain.labels import Label
from gateway.domain.policy import Block, Bundle, Operator, RouteExternal, RouteLocal, Transform
from gateway.domain.record import Link, encode
from gateway.domain.recorded import Past, Unread, Unreplayable, past_of
from gateway.domain.replaying import Again, Replayer, decision_of
from gateway.domain.routing import ToExternal, routed
from gateway.testing import memory_ledger
from gateway.testing.playbook import Playbook
from tests.domain import build
from tests.domain import policy_strategies as some
from tests.domain.exceptions_build import NOW, callers, counts, exception
from tests.evidence import finding
from tests.pipeline.test_story import Stage
from tests.replays import evidence_for

LINK = Link("gw-7f3a91c2", 7, bytes(32), b"n" * 16)
SECRETS = Secrets(b"d" * 32, b"t" * 32, b"s" * 16)
KEYS = {pseudonym(SECRETS.tenant_key, "k1"): "k1"}
DIGEST = "sha256:" + "1" * 64
aliases = st.builds(Alias, st.sampled_from(["", "openai", "anthropic"]), st.sampled_from(["", "local-slm"]))
excepting = st.lists(
    st.builds(
        exception,
        st.just("x"),
        rules=st.sampled_from(["0-0", "0-0 1-1", "0-1 0-2"]),
        waives=st.sampled_from([None, counts("US_SSN"), counts("EMAIL_ADDRESS", "public")]),
        callers=st.sampled_from([callers(apps="claims"), callers(apps="", keys="k1")]),
    ),
    max_size=3,
).map(lambda made: tuple(replace(each, id=f"x{number}") for number, each in enumerate(made)))


@st.composite
def bundles(draw: st.DrawFn) -> Bundle:
    """Bundles with exceptions, whose rules may ask for the key."""
    made = draw(some.bundles() | some.bundles(lenient=True))
    return replace(made, digest=DIGEST, exceptions=draw(excepting))


timed = st.builds(
    lambda facts, moment: replace(facts, context=replace(facts.context, at=moment)),
    some.facts(failed=1),
    st.sampled_from([NOW, NOW - 10**14, NOW + 10**14]),
)


def body_of(evidence: Decided) -> bytes:
    """The stored bytes of a decision."""
    return encode(evidence, LINK, SECRETS).body


def past(evidence: Decided, keys: dict[str, str] | None = None) -> Past:
    """The decision, read back."""
    read = past_of(body_of(evidence), KEYS if keys is None else keys)
    assert isinstance(read, Past)
    return read


def replayed(bundle: Bundle, pasts: Sequence[Past | Unread]) -> Replayed:
    """The sum of a replay."""
    replayer, told = Replayer(bundle), Replayed(bundle.digest)
    for each in pasts:
        told.add(each, replayer.again(each) if isinstance(each, Past) else each)
    return told


@given(bundles(), timed, aliases, st.sets(st.sampled_from(["x0", "x1", "x2"])))
def test_a_record_decides_as_it_was_decided(bundle: Bundle, facts: Facts, alias: Alias, spent: set[str]) -> None:
    """Whatever the policy, the exceptions and those of them without a use, the caller and its words."""
    read = past(evidence_for(bundle, facts, alias, frozenset(spent) & bundle.exception_ids))
    again = Replayer(bundle).again(read)

    assert isinstance(again, Again)
    assert read.decided == again.decision


@given(bundles(), st.lists(st.tuples(timed, aliases), min_size=2, max_size=6))
def test_what_is_remembered_is_what_would_be_decided(bundle: Bundle, cases: list[tuple[Facts, Alias]]) -> None:
    """Two requests that count as equal are: a warm replayer says what a fresh one does."""
    warm = Replayer(bundle)
    for facts, alias in cases:
        moved = replace(facts, findings=tuple(replace(f, schema="/tools/*") for f in reversed(facts.findings)))
        for each in (facts, replace(moved, leaves=9, failed=3 * moved.failed)):
            again = warm.again(past(evidence_for(bundle, each, alias)))
            assert isinstance(again, Again)
            assert decision_of(routed(bundle, each, alias, bundle.exception_ids)) == again.decision


def test_hundreds_of_findings_rules_and_transforms_replay() -> None:
    """Folded findings and lists that were cut: what is left of them has to agree, to the last count."""
    names = [f"r{n:03}-{'x' * 50}" for n in range(200)]
    leave = [
        build.rule(n, build.found("EMAIL_ADDRESS"), RouteExternal("", (Transform(build.EMAIL, Operator.MASK),)))
        for n in names
    ]
    bundle = replace(build.bundle(*leave), digest=DIGEST)
    many = tuple(
        finding(schema=f"/messages/{n}/content" + "/*" * 60, confidence=500 + n, values=n % 3 + 1, new=n % 2)
        for n in range(400)
    )
    facts = Facts(build.context(), "gpt-x", 400, 0, 0, many)
    read = past(evidence_for(bundle, facts, Alias("openai", "local-slm")))

    assert read.decided.rules[1] > 100
    assert len(read.facts().findings) < 10
    assert (1, 0) == ((told := replayed(bundle, [read])).equal, told.differing)


SAID = ("078-05-1120", "hi", "mail a@b.example", "ssn 078-05-1120", "078-05-1120", "use sk-canary", "078-05-1120")


async def test_decisions_of_the_story_replay() -> None:
    """With real requests, and an exception until it is used up."""
    pilot = exception(waives=counts("US_SSN", "internal"), max_uses=2)
    bundle = replace(build.bundle(), exceptions=(pilot, exception("other", rules="bulk")))
    with Playbook() as book:
        stage = Stage(book, bundle=bundle)
        for text in SAID:
            await stage.ask(text)
        await stage.pipeline.drain()
        book._effects.clear()
    keys = {pseudonym(memory_ledger.SECRETS.tenant_key, "k1"): "k1"}
    bodies = [r.body for r in stage.ledger.records if r.search.kind in {"intent", "local", "block"}]
    told = replayed(bundle, [past_of(body, keys) for body in bodies])

    assert (7, 7, 0) == (told.decisions, told.equal, told.differing)
    assert [[], [], [], [], ["pilot"], [], ["pilot"]] == [json.loads(body)["pol"]["spent"] for body in bodies]


def test_a_record_that_says_otherwise_is_named() -> None:
    """The control: one word of it altered, and replay names the decision."""
    bundle = replace(build.bundle(), digest=DIGEST)
    facts = Facts(build.context(), "gpt-x", 1, 0, 0, (finding("US_SSN"),))
    good = evidence_for(bundle, facts, Alias("openai", "local-slm"))
    bad = [
        replace(good, destination="elsewhere"),
        replace(good, label=Label("public")),
        replace(good, classes=frozenset()),
        replace(good, policy=replace(good.policy, rules=())),
        replace(good, policy=replace(good.policy, shadow=("ssn-inside",))),
        replace(good, policy=replace(good.policy, reason="CLEARED")),
        replace(good, status=403),
        replace(good, alias=Alias("", "other-slm")),
        replace(good, findings=()),
    ]
    bad = [replace(each, decision_id=f"{n:026}") for n, each in enumerate(bad)]
    told = replayed(bundle, [past(each) for each in (good, *bad)])

    assert 1 == told.equal
    assert [each.decision_id for each in bad] == told.different


PLAIN = Facts(build.context(), "gpt-x", 1, 0, 0, ())
ASKS = {
    field: replace(
        build.bundle(build.rule("asks", AnyOf((ContextIs(field, frozenset({"x*"})),)), RouteLocal(""))), digest=DIGEST
    )
    for field in (ContextField.KEY, ContextField.MODEL, ContextField.PURPOSE)
}
COMMITTED = evidence_for(build.bundle(), PLAIN, Alias("openai", "local-slm"))
COMMITTED = replace(
    COMMITTED,
    model="call 078-05-1120",
    purpose="for 078-05-1120",
    policy=replace(COMMITTED.policy, digest=DIGEST),
)


@pytest.mark.parametrize(
    ("field", "cause"),
    [
        (ContextField.KEY, Unreplayable.KEY_UNKNOWN),
        (ContextField.MODEL, Unreplayable.WORD_COMMITTED),
        (ContextField.PURPOSE, Unreplayable.WORD_COMMITTED),
    ],
)
def test_what_a_record_does_not_say_keeps_only_rules_that_ask_for_it(field: ContextField, cause: Unreplayable) -> None:
    """A word that is a commitment, a key of an erased tenant: named where a rule asks for it, elsewhere no matter."""
    read = past(COMMITTED, keys={})
    told = replayed(ASKS[field], [read])
    other = replace(build.bundle(), digest=DIGEST)

    assert ({cause: 1}, {cause: [read.decision_id]}) == (dict(told.missed.counts), told.missed.samples)
    assert (0, 0) == (told.equal, told.differing)
    assert 1 == replayed(other, [read]).equal


def altered(evidence: Decided, *path: str, to: object) -> bytes:
    """A record with one member altered or, for `None`, taken away."""
    document = json.loads(body_of(evidence))
    inner = document
    for step in path[:-1]:
        inner = inner[step]
    if to is None:
        del inner[path[-1]]
    else:
        inner[path[-1]] = to
    return json.dumps(document).encode()


@pytest.mark.parametrize(
    ("body", "cause"),
    [
        (b"", Unreplayable.OTHER_FORM),
        (b"[]", Unreplayable.OTHER_FORM),
        (altered(COMMITTED, "v", to=2), Unreplayable.OTHER_FORM),
        (altered(COMMITTED, "to", to=None), Unreplayable.OTHER_FORM),
        (altered(COMMITTED, "op", to="unheard_of"), Unreplayable.OTHER_FORM),
        (altered(COMMITTED, "pol", "spent", to=None), Unreplayable.OTHER_FORM),
        (altered(COMMITTED, "more", "find", to=3), Unreplayable.FINDINGS_CUT),
        (altered(COMMITTED, "more", "spent", to=1), Unreplayable.LISTS_CUT),
        (altered(COMMITTED, "more", "lack", to=1), Unreplayable.LISTS_CUT),
    ],
)
def test_a_record_that_cannot_be_replayed_is_counted_as_such(body: bytes, cause: Unreplayable) -> None:
    """Never skipped, never equal."""
    told = replayed(replace(build.bundle(), digest=DIGEST), [past_of(body, KEYS)])

    assert (1, {cause: 1}, 0, 0) == (told.decisions, dict(told.missed.counts), told.equal, told.differing)


def test_other_meanings_of_entities_are_told_apart() -> None:
    """A gateway of another version, whose table of entities was another, may have decided otherwise by right."""
    evidence = replace(COMMITTED, policy=replace(COMMITTED.policy, meanings="f" * 16))
    told = replayed(replace(build.bundle(), digest=DIGEST), [past(evidence)])

    assert ({Unreplayable.OTHER_MEANINGS: 1}, 0) == (dict(told.missed.counts), told.equal)


def test_decisions_of_another_bundle_are_no_mistakes() -> None:
    """They are counted by bundle, with how many of them would go another way."""
    strict = replace(build.bundle(build.rule("all", some.LETS_LEAVE.when, Block(403))), digest="sha256:" + "2" * 64)
    told = replayed(strict, [past(COMMITTED)])

    assert ({DIGEST: 1}, 1, 0, {"blocked": 1}) == (dict(told.others), told.moved, told.differing, dict(told.routes))


def again(bundle: Bundle, facts: Facts, alias: Alias) -> Again:
    """A decision made under a bundle."""
    made = Replayer(bundle).again(past(evidence_for(bundle, facts, alias)))
    assert isinstance(made, Again)
    return made


@given(bundles(), bundles(), timed, aliases)
def test_whatever_would_leave_newly_is_opened(old: Bundle, new: Bundle, facts: Facts, alias: Alias) -> None:
    """No decision that stayed inside and would leave is ever counted as anything else; none else as this."""
    before, after = again(old, facts, alias), again(new, facts, alias)
    opens = isinstance(after.way, ToExternal) and not isinstance(before.way, ToExternal)

    assert opens == (movement(before, after) is Movement.OPENED)
    assert Movement.UNCHANGED is movement(before, before)
    if movement(before, after) is Movement.LOOSER:
        assert movement(after, before) in {Movement.TIGHTER, Movement.ELSEWHERE}


def test_a_weaker_stand_in_is_looser() -> None:
    """Also where the record of both would read alike."""
    facts = Facts(build.context(), "gpt-x", 1, 0, 0, (finding(confidence=900),))

    def masks(operator: Operator) -> Again:
        rule = build.rule("mask", build.found("EMAIL_ADDRESS"), RouteExternal("", (Transform(build.EMAIL, operator),)))
        return again(replace(build.bundle(rule), digest=DIGEST), facts, Alias("openai", "local-slm"))

    assert masks(Operator.REDACT).decision == masks(Operator.PLACEHOLDER).decision
    assert Movement.LOOSER is movement(masks(Operator.REDACT), masks(Operator.PLACEHOLDER))
    assert Movement.TIGHTER is movement(masks(Operator.PLACEHOLDER), masks(Operator.REDACT))


def test_what_opens_comes_first() -> None:
    """However few they are; with rules, apps and ids."""
    fewer = [each for each in build.RULES if each.id not in {"ssn-inside", "mask-contact"}]
    wide = some.CEILINGS | {"openai": replace(some.CEILINGS["openai"], max_label=build.RESTRICTED)}
    old, new = build.bundle(), build.bundle(*fewer, some.LETS_LEAVE, ceilings=wide)
    before, after = Replayer(replace(old, digest=DIGEST)), Replayer(replace(new, digest=DIGEST))
    compared = Compared()
    kinds = ["EMAIL_ADDRESS"] * 5 + ["US_SSN"] * 2 + ["PERSON"] * 9
    for kind in kinds:
        facts = Facts(build.context(), "gpt-x", 1, 0, 0, (finding(kind, confidence=900),))
        read = past(evidence_for(before.bundle, facts, Alias("openai", "local-slm")))
        compared.add(read, before.again(read), after.again(read))
    order = [(movement, old, new, cell.count) for (movement, old, new), cell in compared.ordered()]

    assert [
        (Movement.OPENED, "local", "external", 2),
        (Movement.LOOSER, "external-transformed", "external", 5),
    ] == order[:2]
    first = compared.ordered()[0][1]
    assert (2, {"app": 2}, 2) == (compared.opened, dict(first.apps), len(first.samples))
    assert 2 == first.rules["ssn-inside"]
