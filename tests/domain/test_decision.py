"""The decision table, row by row, and that nothing vacuous permits."""

from __future__ import annotations

import json

import pytest

from gateway.domain.alias import Alias, resolve
from gateway.domain.clearance import redeem
from gateway.domain.conversation import Conversation, Operation
from gateway.domain.decision import Case, Decision, KeepLocal, Leave, Masking, Refuse, decide
from gateway.domain.errors import CallerError, ErrorCode
from gateway.domain.evidence import Route
from gateway.domain.finding import Address, Examined, Failed, FailureCause, Finding, Permille, Report
from gateway.domain.labels import DataClass, Entity
from gateway.domain.policy import Block, Bundle, RouteExternal, RouteLocal
from tests.domain.build import PlainAnonymizer, bundle, context, conversation, found, report, rule
from tests.domain.test_clearance import receipt

MASKING = Masking(b"k" * 32, PlainAnonymizer())
BOTH = Alias("openai", "local-slm")


def judge(
    talk: Conversation, seen: Report, *, by: Bundle | None = None, alias: Alias = BOTH, label: str = ""
) -> Decision:
    """Decide with the test policy unless another is given."""
    case = Case(
        decision_id="d1",
        conversation=talk,
        report=seen,
        context=context(label),
        bundle=by or bundle(),
        alias=alias,
        outgoing={"store": False},
    )
    return decide(case, MASKING)


def judge_text(text: str, words: dict[str, str], **more: object) -> Decision:
    """Decide on one user message."""
    talk = conversation(text)
    return judge(talk, report(talk, words), **more)  # type: ignore[arg-type]


def test_a_plain_question_leaves_as_it_is() -> None:
    """Positive evidence: every leaf examined, nothing found, a rule that allows it."""
    decision = judge_text("what is a monad?", {})

    assert isinstance(decision, Leave)
    assert (Route.EXTERNAL, (), "CLEARED") == (decision.route, decision.transforms, decision.judgement.reason)
    destination, operation, body = redeem(decision.permit.clear(receipt("d1", decision.permit.body)))
    assert ("openai", Operation.CHAT) == (destination, operation)
    assert {
        "model": "gpt-x",
        "messages": [{"role": "user", "content": "what is a monad?"}],
        "store": False,
    } == json.loads(body)


def test_a_contact_leaves_masked() -> None:
    """The permit holds the masked bytes and the vault the way back."""
    decision = judge_text("write to a@b.example", {"a@b.example": "EMAIL_ADDRESS"})

    assert isinstance(decision, Leave)
    assert Route.EXTERNAL_TRANSFORMED is decision.route
    assert b"a@b.example" not in decision.permit.body
    assert ["a@b.example"] == list(decision.vault.values.values())


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ({"078-05-1120": "US_SSN"}, "SSN_INSIDE"),
        ({"Ann": "PERSON", "diabetes": "MEDICAL_CONDITION"}, "PHI_INSIDE"),
        ({"4111 1111": "CREDIT_CARD"}, "NO_RULE_MATCHED"),
        ({"zzz": "NEVER_HEARD_OF"}, "NO_RULE_MATCHED"),
    ],
)
def test_sensitive_requests_stay_inside(words: dict[str, str], reason: str) -> None:
    """By rule, by relation, by default, and for an entity that nobody classified."""
    decision = judge_text("x " + " and ".join(words), words)

    assert isinstance(decision, KeepLocal)
    assert ("local-slm", reason) == (decision.destination, decision.judgement.reason)


def test_health_alone_is_a_topic() -> None:
    """PHI is a relation, not a word."""
    decision = judge_text("what is diabetes?", {"diabetes": "MEDICAL_CONDITION"})

    assert isinstance(decision, Leave)
    assert DataClass.PHI not in decision.judgement.sensitivity.classes


def test_blocks_win_and_say_why() -> None:
    """The most restrictive matching rule wins, whatever else matches."""
    words = {f"{i:03}-05-1120": "US_SSN" for i in range(100, 120)}
    decision = judge_text(" ".join(words), words)

    assert isinstance(decision, Refuse)
    assert (403, "Too many SSNs.", "BULK") == (decision.status, decision.tell_user, decision.judgement.reason)


def test_a_value_that_is_resent_counts_once() -> None:
    """Twenty turns with one SSN are no bulk."""
    talk = conversation(*["my ssn is 078-05-1120"] * 25)
    decision = judge(talk, report(talk, {"078-05-1120": "US_SSN"}))

    assert isinstance(decision, KeepLocal)


@pytest.mark.parametrize(
    "seen",
    [
        Report({}, "silent"),
        Report({Address("/messages/0/content"): Failed(FailureCause.CRASH)}, "failing"),
        Report({Address("/elsewhere"): Examined(())}, "confused"),
        Report({Address("/messages/0/content"): Examined((Finding(0, 999, Entity("X"), Permille(1), "t"),))}, "junk"),
    ],
)
def test_what_was_not_examined_stays_inside(seen: Report) -> None:
    """Silence, failure, confusion and junk are not 'nothing found'."""
    decision = judge(conversation("hello"), seen)

    assert isinstance(decision, KeepLocal)
    assert decision.judgement.facts.failed > 0


def test_opaque_parts_stay_inside() -> None:
    """An image is not 'nothing found' either."""
    part = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    talk = conversation({"role": "user", "content": [part]})

    assert isinstance(judge(talk, report(talk, {})), KeepLocal)


def test_a_client_may_only_raise_the_label() -> None:
    """A lower claim changes nothing, a higher one keeps inside, an unknown one counts as the top."""
    ssn = {"078-05-1120": "US_SSN"}

    assert isinstance(judge_text("ssn 078-05-1120", ssn, label="public"), KeepLocal)
    assert isinstance(judge_text("hello", {}, label="confidential"), KeepLocal)
    assert isinstance(judge_text("hello", {}, label="no-such-label"), KeepLocal)
    assert isinstance(judge_text("hello", {}, label="internal"), Leave)


def test_a_destination_that_no_rule_allows_is_not_used() -> None:
    """Permission for one place is not permission for another; two permissions meet."""
    elsewhere = bundle(rule("only-x", found("EMAIL_ADDRESS"), RouteExternal("x", ())))
    words = {"a@b.example": "EMAIL_ADDRESS"}
    decision = judge_text("a@b.example", words, by=elsewhere)

    assert isinstance(decision, KeepLocal)
    assert "DESTINATION_NOT_ALLOWED" == decision.judgement.reason


def test_no_rule_lifts_the_ceiling() -> None:
    """A rule that lets everything out does not: the destination's clearance holds."""
    careless = bundle(rule("all-out", found("US_SSN"), RouteExternal("", ())))
    decision = judge_text("078-05-1120", {"078-05-1120": "US_SSN"}, by=careless)

    assert isinstance(decision, KeepLocal)
    assert "ABOVE_CLEARANCE" == decision.judgement.reason


def test_nowhere_to_stay_is_a_refusal() -> None:
    """An alias without a model inside refuses; one without a provider stays inside."""
    ssn = {"078-05-1120": "US_SSN"}
    refused = judge_text("078-05-1120", ssn, alias=Alias("openai", ""), by=bundle(default=RouteLocal("")))
    inside = judge_text("hello", {}, alias=Alias("", "local-slm"))

    assert isinstance(refused, Refuse)
    assert "NO_LOCAL_DESTINATION" == refused.judgement.reason
    assert isinstance(inside, KeepLocal)


def test_a_caller_that_no_policy_speaks_of_stays_inside() -> None:
    """No policy is no permission."""
    from gateway.domain.policy import Scope

    decision = judge_text("hello", {}, by=bundle(scope=Scope(frozenset({"other"}), frozenset({"*"}))))

    assert isinstance(decision, KeepLocal)
    assert "NO_POLICY_IN_SCOPE" == decision.judgement.reason


def test_failure_can_be_refused() -> None:
    """A policy may block what could not be examined."""
    decision = judge(conversation("hi"), Report({}, "x"), by=bundle(on_detector_failure=Block(503)))

    assert isinstance(decision, Refuse)
    assert 503 == decision.status


def test_shadow_rules_decide_nothing() -> None:
    """They are told, and that is all."""
    allow = rule("cleared", found("PERSON"), RouteExternal("", ()))
    shadow = rule("would-block", found("PERSON"), Block(403), shadow=True)
    decision = judge_text("Ann", {"Ann": "PERSON"}, by=bundle(allow, shadow))

    assert isinstance(decision, Leave)
    assert (("cleared",), ("would-block",)) == (decision.judgement.rules, decision.judgement.shadow)


def test_aliases_resolve_to_the_longest_pattern() -> None:
    """Exact first, then the longest prefix, then 404."""
    aliases = {"gpt-*": Alias("a", ""), "gpt-4*": Alias("b", ""), "gpt-4o": Alias("c", "")}

    assert ["a", "b", "c"] == [resolve(aliases, name).external for name in ("gpt-x", "gpt-4.1", "gpt-4o")]
    with pytest.raises(CallerError) as refused:
        resolve(aliases, "claude")
    assert ErrorCode.MODEL_NOT_FOUND is refused.value.code
