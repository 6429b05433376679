"""Explanations: every rule says why it matches or why not, and the summary says what decided."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given

from gateway.domain.alias import Alias
from gateway.domain.conditions import AllOf, AnyOf, ClassIs, Condition, ContextField, ContextIs, FindingIs, LabelIs, Not
from gateway.domain.declaration import Source
from gateway.domain.evaluate import evaluate
from gateway.domain.explain import explained, summary
from gateway.domain.facts import Context, Facts, FindingFact
from gateway.domain.finding import Permille
from gateway.domain.labels import DataClass, Label
from gateway.domain.policy import Block, Bundle, RouteExternal, RouteLocal
from gateway.domain.routing import routed
from tests.domain.build import CONFIDENTIAL, INTERNAL, PUBLIC, RESTRICTED, SSN, bundle, policy, rule
from tests.domain.policy_strategies import bundles
from tests.domain.policy_strategies import facts as some_facts

CONTEXT = Context(tenant="acme", app="claims-bot", key_id="k", purpose="", claimed_label=Label(""), at=0)
USER, TOOL = Source.USER, Source.TOOL_RESULT


def found(*, least: int = 0, count: int = 1, sources: frozenset[Source] = frozenset()) -> FindingIs:
    """A condition on numbers of persons."""
    return FindingIs(SSN, Permille(least), count, sources)


def facts(*findings: tuple[Source, int, int], claimed: str = "") -> Facts:
    """Facts with numbers of persons: whose words, how many, how surely."""
    seen = tuple(FindingFact(SSN, "/messages/*/content", s, n, n, Permille(sure)) for s, n, sure in findings)
    context = replace(CONTEXT, claimed_label=Label(claimed))
    return Facts(context=context, model="m", leaves=1, failed=0, opaque=0, findings=seen)


def why(condition: Condition, given_facts: Facts) -> tuple[bool, str]:
    """Whether a rule with this condition holds, and what is said of it."""
    whole = bundle(rule("r", condition, Block(403)))
    (told,) = explained(whole, given_facts, evaluate(whole, given_facts))
    return told.holds, told.why


@pytest.mark.parametrize(
    ("condition", "given_facts", "expected"),
    [
        (found(), facts(), (False, "No US_SSN was found.")),
        (found(), facts((USER, 2, 950)), (True, "2 US_SSN were found.")),
        (found(count=20), facts((USER, 19, 950)), (False, "19 US_SSN were found, fewer than 20.")),
        (
            found(least=850),
            facts((USER, 1, 400)),
            (False, "A value of US_SSN was found with a confidence of 0.4, below high (0.85)."),
        ),
        (
            found(sources=frozenset({USER})),
            facts((TOOL, 1, 950)),
            (False, "A value of US_SSN was found in tool result text only, not in user text."),
        ),
        (
            found(sources=frozenset({TOOL, USER})),
            facts((TOOL, 1, 950)),
            (True, "1 US_SSN was found in tool result text."),
        ),
        (ClassIs(DataClass.PHI), facts(), (False, "There is no phi data.")),
        (ClassIs(DataClass.PII), facts((USER, 1, 950)), (True, "There is pii data.")),
        (LabelIs(CONFIDENTIAL, RESTRICTED), facts(), (False, "The label is public, below confidential.")),
        (
            LabelIs(PUBLIC, INTERNAL),
            facts((USER, 1, 950)),
            (False, "The label is restricted, above internal."),
        ),
        (
            ContextIs(ContextField.APP, frozenset({"chat", "web-*"})),
            facts(),
            (False, "The app is claims-bot, not chat or web-*."),
        ),
        (ContextIs(ContextField.PURPOSE, frozenset({"x"})), facts(), (False, "No purpose is given, not x.")),
        (Not(ClassIs(DataClass.PHI)), facts(), (True, "There is no phi data.")),
        (
            AllOf((ClassIs(DataClass.PII), ClassIs(DataClass.PHI))),
            facts((USER, 1, 950)),
            (False, "There is no phi data."),
        ),
        (
            AnyOf((ClassIs(DataClass.SECRET), ClassIs(DataClass.PHI))),
            facts(),
            (False, "There is no secret data and there is no phi data."),
        ),
    ],
)
def test_each_kind_of_condition(condition: Condition, given_facts: Facts, expected: tuple[bool, str]) -> None:
    """Only the parts that decide are told, with the demand that was not met."""
    assert expected == why(condition, given_facts)


def test_a_rule_that_counts_despite_the_claim() -> None:
    """A higher label from the caller lifts no rule that its own label would meet."""
    held, said = why(LabelIs(PUBLIC, PUBLIC), facts(claimed="restricted"))

    assert held
    assert "without what the caller says of itself it would match" in said


def test_the_summary_names_what_decided() -> None:
    """A rule, the default, a clearance, or that there is nothing inside."""
    one = bundle(rule("a", found(), RouteLocal("")), rule("b", LabelIs(PUBLIC, INTERNAL), RouteExternal("", ())))
    both = Alias("openai", "local-slm")

    def told(given_facts: Facts, alias: Alias) -> str:
        return summary(one, routed(one, given_facts, alias))

    assert "It stays inside, at local-slm: rule a (A)." == told(facts((USER, 1, 950)), both)
    assert "It leaves, to openai: rule b (B)." == told(facts(), both)
    assert told(facts(), Alias("elsewhere", "local-slm")).endswith("above the clearance of the destination.")
    assert "do not let it leave by themselves, so the default holds" in told(facts(claimed="restricted"), both)
    assert told(facts(), Alias("", "local-slm")).endswith("the model that was asked for has no destination outside.")
    assert "It is refused with status 403: it may not leave, and no destination inside may see it." == (
        told(facts((USER, 1, 950)), Alias("openai", ""))
    )
    silent = bundle(rule("a", found(), RouteLocal("")))
    assert "no rule matches, so the default holds" in summary(silent, routed(silent, facts(), both))
    assert policy().default_reason in summary(silent, routed(silent, facts(), both))


@given(bundles(), some_facts())
def test_every_rule_is_explained(bundle_drawn: Bundle, drawn: Facts) -> None:
    """Whatever the policy and the facts: a sentence each, and what is said to match is what was counted."""
    verdict = evaluate(bundle_drawn, drawn)
    told = explained(bundle_drawn, drawn, verdict)

    assert {*verdict.rules, *verdict.shadow} == {each.rule.id for each in told if each.holds}
    assert all(not each.why[0].islower() and each.why.endswith(".") for each in told)
    assert all("  " not in each.why and " and ." not in each.why for each in told)
