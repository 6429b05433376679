"""The `answers` of a policy file: read strictly, each mistake with its place and code."""

from __future__ import annotations

from datetime import date

import pytest

from gateway.adapters.policy_reader import KNOWN_ENTITIES, Readable, Unreadable, read_policy
from gateway.domain.answer_links import LinkKind
from gateway.domain.answer_rules import AnswerAction, AnswerRule, FindingRule, LinkRule
from gateway.domain.labels import DataClass, Entity

HEAD = """\
apiVersion: gateway/v1
kind: Policy
metadata: {name: test}
destinations:
  openai: {zone: external, max_label: internal}
rules: []
detectors:
  project: {type: terms, terms: [Halcyon], label: confidential}
answers:
"""


def read(*rules: str) -> Readable | Unreadable:
    """A policy with these answer rules."""
    lines = "".join(f"  - {rule}\n" for rule in rules)
    return read_policy("p.policy.yaml", (HEAD + lines).encode(), KNOWN_ENTITIES, date(2026, 1, 1))


def rules_of(*rules: str) -> tuple[AnswerRule, ...]:
    """The rules of a policy that can be read."""
    result = read(*rules)
    assert isinstance(result, Readable), result
    return result.policy.answers


def test_rules_for_findings() -> None:
    """By class, by entity, by a detector of the policy's own; medium confidence and old values too unless said."""
    one, two = rules_of(
        "{id: a, classes: [secret, pii], then: withhold}",
        "{id: b, entities: [US_SSN, project], new: true, min_confidence: high, then: mask}",
    )

    assert isinstance(one, FindingRule)
    assert (frozenset({DataClass.SECRET, DataClass.PII}), 500, False, AnswerAction.WITHHOLD) == (
        one.classes,
        one.min_confidence,
        one.new,
        one.action,
    )
    assert isinstance(two, FindingRule)
    assert ({Entity("US_SSN"), Entity("project")}, 850, True) == (set(two.entities), two.min_confidence, two.new)


def test_rules_for_links() -> None:
    """Kinds, and hosts that are let through."""
    [rule] = rules_of("{id: a, links: [images, links], allow: [docs.example.com, '*.cdn.example.com'], then: mask}")

    assert LinkRule("a", frozenset(LinkKind), ("docs.example.com", "*.cdn.example.com"), AnswerAction.MASK) == rule


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        ("{id: a, then: mask}", "P006"),
        ("{id: a, links: [], then: mask}", "P006"),
        ("{id: a, allow: [x.example], then: mask}", "P006"),
        ("{id: a, classes: [secret], links: [images], then: mask}", "P005"),
        ("{id: a, classes: [secret], then: remove}", "P005"),
        ("{id: a, classes: [secrets], then: mask}", "P016"),
        ("{id: a, entities: [US_SNN], then: mask}", "P016"),
        ("{id: a, links: [pictures], then: mask}", "P016"),
        ("{id: a, links: [images], allow: ['https://x.example/'], then: mask}", "P005"),
        ("{id: a, links: [images], allow: ['*'], then: mask}", "P005"),
        ("{id: A B, links: [images], then: mask}", "P005"),
        ("{id: a, clases: [secret], then: mask}", "P001"),
        ("{classes: [secret], then: mask}", "P006"),
    ],
)
def test_a_mistake_is_told_and_loads_nothing(rule: str, code: str) -> None:
    """A rule that would do nothing, or something else than it says, is none."""
    result = read(rule)

    assert isinstance(result, Unreadable)
    assert code in {error.code for error in result.errors}
    assert all(error.line >= 10 for error in result.errors)


def test_ids_stand_once() -> None:
    """They are what records name."""
    result = read("{id: a, classes: [secret], then: mask}", "{id: a, classes: [pii], then: mask}")

    assert isinstance(result, Unreadable)
    assert {"P002"} == {error.code for error in result.errors}
