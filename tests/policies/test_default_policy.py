"""The shipped policy: its own cases pass, and what it promises holds for every request, not only for those."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.adapters.file_policies import FilePolicies, SourceFile, lint_files
from gateway.adapters.policy_cases import PolicyCase, differences, outcome_of, read_cases, vocabulary_of
from gateway.adapters.policy_reader import KNOWN_ENTITIES
from gateway.domain.alias import Alias
from gateway.domain.declaration import Source
from gateway.domain.facts import Context, Facts, FindingFact
from gateway.domain.finding import Permille
from gateway.domain.labels import DEFAULT_TABLE, STANDARD_LABELS, DataClass, Entity, Label
from gateway.domain.policy import Block, Zone
from gateway.domain.routing import Refused, ToExternal, ToLocal, routed
from gateway.domain.sensitivity import sensitivity_of
from gateway.paths import data_path

FOLDER = data_path("policies")
BUNDLE = FilePolicies(FOLDER).current()
RULES = BUNDLE.policies[0].rules
PUBLIC, INTERNAL, CONFIDENTIAL, RESTRICTED = STANDARD_LABELS
BOTH = Alias("openai", "local-slm")
_OWN_TERM = """
apiVersion: gateway/v1
kind: Policy
metadata: {name: own, owner: security@acme.example, description: A name that nobody has announced.}
labels: [public, internal, confidential, restricted]
destinations: {openai: {zone: external, max_label: internal}, local-slm: {zone: in_network, max_label: restricted}}
detectors:
  halcyon: {type: terms, terms: [Project Halcyon], label: internal, classes: [proprietary]}
rules:
  - {id: leaves, reason: LEAVES, severity: info, when: {finding: {detector: halcyon}}, then: {TRANSFORMroute: external}}
default: {route: local, reason: NO_RULE_MATCHED}
"""


def shipped_cases() -> list[PolicyCase]:
    """The cases beside the shipped policies."""
    names = vocabulary_of(BUNDLE, KNOWN_ENTITIES)
    files = [SourceFile(path.name, path.read_bytes()) for path in sorted(FOLDER.glob("*.policy.test.yaml"))]
    read = [read_cases(file.name, file.data, names) for file in files]
    assert [()] * len(files) == [errors for _, errors in read]
    return [case for cases, _ in read for case in cases]


CASES = shipped_cases()


@pytest.mark.parametrize("case", CASES, ids=[case.id for case in CASES])
def test_its_cases(case: PolicyCase) -> None:
    """What default.policy.test.yaml promises."""
    assert () == differences(case.expect, outcome_of(routed(BUNDLE, case.facts, case.alias)))


def test_every_rule_is_tried_both_ways() -> None:
    """A case in which it matches and one in which it does not."""
    matched = [set(routed(BUNDLE, case.facts, case.alias).verdict.rules) for case in CASES]

    assert [] == [r.id for r in RULES if not any(r.id in m for m in matched) or all(r.id in m for m in matched)]


def test_it_reads_without_a_warning() -> None:
    """It is an example to others."""
    files = [SourceFile(path.name, path.read_bytes()) for path in sorted(Path(FOLDER).glob("*.policy.yaml"))]
    lint = lint_files(files, today=date(2026, 1, 1))

    assert ((), ()) == (lint.errors, lint.warnings)


def test_who_is_rerouted_or_refused_is_told_why() -> None:
    """Every rule that blocks or keeps inside has a text; codes fit a header."""
    speechless = [r.id for r in RULES if not r.tell_user and not isinstance(r.then, Block) and "inside" in r.id]

    assert [] == speechless
    assert [] == [r.id for r in RULES if isinstance(r.then, Block) and not r.tell_user]
    assert len(RULES) == len({r.reason for r in RULES})


def test_no_destination_outside_sees_the_highest_labels() -> None:
    """Internal at most, and never health data, credentials, accounts or what is the company's own."""
    outside = [c for c in BUNDLE.policies[0].ceilings.values() if c.zone is Zone.EXTERNAL]

    assert {INTERNAL} == {ceiling.max_label for ceiling in outside}
    assert all(set(DataClass) - {DataClass.PII} <= ceiling.never for ceiling in outside)


@pytest.mark.parametrize("transform", ["", "transform: [{entity: halcyon, with: placeholder}], "])
def test_what_is_proprietary_leaves_only_as_a_placeholder(tmp_path: Path, transform: str) -> None:
    """Whatever label the policy that knows the term gives it, and whatever other policies let leave."""
    shutil.copy(FOLDER / "default.policy.yaml", tmp_path)
    (tmp_path / "own.policy.yaml").write_text(_OWN_TERM.replace("TRANSFORM", transform))
    found = FindingFact(Entity("halcyon"), "/messages/*/content", Source.USER, 1, 1, Permille(1000))
    facts = Facts(Context("acme", "app", "k", "", Label(""), 0), "gpt-x", 1, 0, 0, (found,))
    routing = routed(FilePolicies(tmp_path).current(), facts, BOTH)

    if transform:
        assert isinstance(routing.way, ToExternal)
        assert [Entity("halcyon")] == [each.entity for each in routing.way.transforms]
    else:
        assert (ToLocal("local-slm"), "ABOVE_CLEARANCE") == (routing.way, routing.reason)


findings = st.builds(
    FindingFact,
    entity=st.sampled_from([*sorted(DEFAULT_TABLE), Entity("NEVER_HEARD_OF")]),
    schema=st.just("/messages/*/content"),
    source=st.sampled_from(Source),
    values=st.integers(1, 30),
    new=st.integers(0, 30),
    confidence=st.integers(0, 1000).map(Permille),
)
contexts = st.builds(
    Context,
    tenant=st.sampled_from(["acme", ""]),
    app=st.sampled_from(["app", ""]),
    key_id=st.just("k"),
    purpose=st.sampled_from(["", "anything"]),
    claimed_label=st.sampled_from(["", *STANDARD_LABELS, "made-up"]).map(Label),
    at=st.just(0),
)
requests = st.builds(
    Facts,
    context=contexts,
    model=st.just("gpt-x"),
    leaves=st.integers(1, 5),
    failed=st.just(0),
    opaque=st.just(0),
    findings=st.lists(findings, max_size=4).map(tuple),
)


@given(requests)
def test_what_leaves_is_harmless(facts: Facts) -> None:
    """After the stand-ins: at most internal, no person beside health, no account, no secret, nothing unheard of."""
    way = routed(BUNDLE, facts, BOTH).way
    if not isinstance(way, ToExternal):
        return
    masked = frozenset(t.entity for t in way.transforms)
    left = sensitivity_of(BUNDLE.policies, facts, masked)

    assert left.label in (PUBLIC, INTERNAL)
    assert not left.classes - {DataClass.PII}
    assert not {"EMAIL_ADDRESS", "PHONE_NUMBER", "STREET_ADDRESS", "IP_ADDRESS", "NEVER_HEARD_OF"} & (
        {fact.entity for fact in facts.findings} - masked
    )
    assert Entity("UNSUPPORTED_LANGUAGE") not in {fact.entity for fact in facts.findings}


@given(requests, st.integers(1, 5), st.booleans())
def test_what_nobody_read_stays(facts: Facts, count: int, opaque: bool) -> None:
    """Failed leaves, all of them or one, and opaque parts."""
    unread = replace(facts, opaque=count) if opaque else replace(facts, failed=min(count, facts.leaves))
    routing = routed(BUNDLE, unread, BOTH)

    assert isinstance(routing.way, ToLocal | Refused)
    assert RESTRICTED == routing.verdict.sensitivity.label


@given(requests)
def test_without_findings_and_claims_it_leaves(facts: Facts) -> None:
    """Safe does not mean useless: what is examined and clean goes out, whoever asks."""
    plain = replace(facts, findings=(), context=replace(facts.context, claimed_label=Label("")))

    assert ToExternal("openai", ()) == routed(BUNDLE, plain, BOTH).way
