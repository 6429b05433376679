"""The ready profiles: each works alone and beside the default policy, and is stricter than it."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given

from gateway.adapters.file_policies import FilePolicies
from gateway.adapters.policy_cases import differences, outcome_of
from gateway.adapters.policy_lint import cases_of, lint_directory
from gateway.domain.alias import Alias
from gateway.domain.declaration import Source
from gateway.domain.facts import Facts, FindingFact
from gateway.domain.finding import Permille
from gateway.domain.labels import DataClass, Entity
from gateway.domain.policy import Bundle
from gateway.domain.routing import Refused, ToExternal, routed
from gateway.domain.sensitivity import sensitivity_of
from gateway.paths import data_path
from tests.policies.test_default_policy import requests

PROFILES = sorted(path for path in (data_path("policies") / "profiles").iterdir() if path.is_dir())
DEFAULT = FilePolicies(data_path("policies")).current()
ALONE = {path.name: FilePolicies(path).current() for path in PROFILES}
BOTH = Alias("openai", "local-slm")
profiles = pytest.mark.parametrize("profile", PROFILES, ids=[path.name for path in PROFILES])


def beside_the_default(profile: Bundle) -> Bundle:
    """Both in one bundle, as when the file is copied beside the default policy."""
    return Bundle(policies=(*DEFAULT.policies, *profile.policies), digest="both", revision=1)


def leaves(bundle: Bundle, facts: Facts) -> ToExternal | None:
    """How a request leaves, if it does."""
    way = routed(bundle, facts, BOTH).way
    return way if isinstance(way, ToExternal) else None


def test_there_is_one_for_each_regulation() -> None:
    """A folder that can be named as `policies.dir`."""
    assert ["gdpr", "hipaa", "pci-dss"] == [path.name for path in PROFILES]


@profiles
def test_it_is_clean_and_every_rule_is_tried_both_ways(profile: Path) -> None:
    """No error and no warning: P012 would be one."""
    report = lint_directory(profile, date(2026, 1, 1))

    assert ((), ()) == (report.errors, report.warnings)


@profiles
def test_its_cases_pass(profile: Path) -> None:
    """What the file beside it promises."""
    bundle = ALONE[profile.name]
    cases, errors = cases_of(profile, bundle)
    wrong = [(c.id, differences(c.expect, outcome_of(routed(bundle, c.facts, c.alias)))) for c in cases]

    assert () == errors
    assert len(cases) >= len(bundle.policies[0].rules)
    assert [] == [each for each in wrong if each[1]]


@profiles
def test_every_rule_says_what_it_is_for(profile: Path) -> None:
    """A reason of its own, the clauses that it serves, and a text for whoever is kept inside or refused."""
    rules = ALONE[profile.name].policies[0].rules
    named = {control.split("-")[0] for rule in rules for control in rule.controls}

    assert [] == [rule.id for rule in rules if not rule.controls]
    assert len(rules) == len({rule.reason for rule in rules})
    assert {"hipaa": {"HIPAA"}, "pci-dss": {"PCI"}, "gdpr": {"GDPR"}}[profile.name] == named
    assert [] == [r.id for r in rules if r.id.endswith(("refused", "inside")) and not r.tell_user]


@profiles
@given(requests)
def test_it_lets_leave_nothing_that_the_default_keeps(profile: Path, facts: Facts) -> None:
    """For every request: where the profile alone sends it outside, the default would; and it replaces no less."""
    ours, theirs = leaves(ALONE[profile.name], facts), leaves(DEFAULT, facts)
    if ours is None:
        return

    assert theirs is not None
    assert set(theirs.transforms) <= set(ours.transforms)


@profiles
@given(requests)
def test_beside_the_default_the_stricter_of_both_holds(profile: Path, facts: Facts) -> None:
    """Nothing leaves that one of the two keeps; and what each would refuse is refused."""
    alone = ALONE[profile.name]
    together = routed(beside_the_default(alone), facts, BOTH).way
    apart = [routed(each, facts, BOTH).way for each in (alone, DEFAULT)]

    assert not isinstance(together, ToExternal) or all(isinstance(way, ToExternal) for way in apart)
    assert isinstance(together, Refused) == any(isinstance(way, Refused) for way in apart)


@given(requests)
def test_under_gdpr_no_personal_data_leaves(facts: Facts) -> None:
    """Not one class of personal data is left after the stand-ins, whatever was found."""
    way = leaves(ALONE["gdpr"], facts)
    if way is None:
        return
    masked = frozenset(t.entity for t in way.transforms)

    assert DataClass.PII not in sensitivity_of(ALONE["gdpr"].policies, facts, masked).classes


@given(requests)
def test_under_pci_a_card_number_goes_nowhere(facts: Facts) -> None:
    """Not outside and not to a model inside, in whoever's words and beside whatever."""
    card = FindingFact(Entity("CREDIT_CARD"), "/messages/*/content", Source.TOOL_RESULT, 1, 1, Permille(900))
    with_card = replace(facts, findings=(*facts.findings, card))

    assert isinstance(routed(ALONE["pci-dss"], with_card, BOTH).way, Refused)


def test_it_loads_when_copied_beside_the_default(tmp_path: Path) -> None:
    """All profiles at once, too: names, labels and zones agree."""
    for path in [*data_path("policies").glob("*.yaml"), *(f for p in PROFILES for f in p.glob("*.yaml"))]:
        shutil.copy(path, tmp_path)

    assert 4 == len(FilePolicies(tmp_path).current().policies)
    assert () == lint_directory(tmp_path, date(2026, 1, 1)).errors
