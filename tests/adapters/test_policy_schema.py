"""The JSON Schema: what loads is valid, and what a schema can express is caught."""

from __future__ import annotations

from pathlib import Path

import jsonschema_rs
import pytest

from gateway.adapters.policy_schema import policy_schema
from gateway.adapters.strict_yaml import YamlError, load_strict, parse
from gateway.paths import data_path
from tests.adapters.test_file_policies import HEAD, rule, rules

VALIDATOR = jsonschema_rs.validator_for(policy_schema())
SHIPPED = sorted(path for path in data_path("policies").rglob("*.yaml"))
FIXTURES = sorted((Path(__file__).parent.parent / "policies" / "fixtures").glob("*.yaml"))
EXPRESSIBLE = {"P001", "P005", "P006", "P023"}
"""The codes that a schema can say everything of. Of P016 it knows words that are the same for every file."""


def valid(text: str) -> bool:
    """Whether the schema lets a file through. One that is not strict YAML never gets as far as that."""
    return bool(VALIDATOR.is_valid(load_strict(text.encode(), "p.policy.yaml")))


def test_it_is_a_schema_of_2020_12() -> None:
    """Valid against the meta-schema, and every reference leads somewhere."""
    schema = policy_schema()
    jsonschema_rs.Draft202012Validator(schema)

    assert jsonschema_rs.meta.is_valid(schema)


@pytest.mark.parametrize("path", SHIPPED, ids=[path.name for path in SHIPPED])
def test_what_is_shipped_is_valid(path: Path) -> None:
    """Policies and their cases."""
    VALIDATOR.validate(load_strict(path.read_bytes(), path.name))


@pytest.mark.parametrize("file", [f for f in FIXTURES if f.name[:4] in EXPRESSIBLE], ids=lambda f: f.name.split(".")[0])
def test_faults_that_a_schema_can_express(file: Path) -> None:
    """An editor shows them before lint does."""
    assert not parse(file.name, file.read_bytes()).problems
    assert not valid(file.read_text())


@pytest.mark.parametrize(
    "text",
    [
        HEAD.replace("gateway/v1", "gateway/v2") + "rules: []\n",
        HEAD.replace("Policy", "Polity") + "rules: []\n",
        HEAD.replace("name: test", "name: Test It") + "rules: []\n",
        HEAD.replace("zone: external", "zone: outside") + "rules: []\n",
        HEAD.replace("[phi, secret]", "[phi, secrets]") + "rules: []\n",
        HEAD.replace("  openai:", "  external:") + "rules: []\n",
        HEAD + "rules: []\nscope: {apps: [a*b]}\n",
        HEAD + "rules: []\nscope: {apps: []}\n",
        HEAD + "rules: []\ndefault: {route: external, reason: X}\n",
        HEAD + "rules: []\ndefault: {reason: X}\n",
        HEAD + "rules: []\non_failure: {detector: {}}\n",
        HEAD + "rules: []\ndetectors: {d: {type: regex, label: public}}\n",
        HEAD + "rules: []\ndetectors: {d: {type: entity, entity: SSN, label: public}}\n",
        HEAD + "rules: []\ndetectors: {d: {type: terms, terms: [''], label: public}}\n",
        HEAD + "rules: []\ndetectors: {d: {type: pattern, re2: x, evidence: {words: [w]}, label: public}}\n",
        HEAD + "rules: []\nanswers: [{id: a, then: mask}]\n",
        HEAD + "rules: []\nanswers: [{id: a, then: mask, links: [images], classes: [pii]}]\n",
        rules(rule(severity="hihg")),
        rules(rule(reason="no reason")),
        rules(rule(non_waivable="'true'")),
        rules(rule(tell_user="x" * 501)),
        rules(rule(when="{class: pii, label: {at_most: public}}")),
        rules(rule(when="{}")),
        rules(rule(when="{any: []}")),
        rules(rule(when="{class: piii}")),
        rules(rule(when="{label: {}}")),
        rules(rule(when="{finding: {}}")),
        rules(rule(when="{finding: {entity: US_SNN}}")),
        rules(rule(when="{finding: {entity: US_SSN, detector: x}}")),
        rules(rule(when="{finding: {entity: US_SSN, min_confidence: 0.5}}")),
        rules(rule(when="{finding: {entity: US_SSN, min_count: 0}}")),
        rules(rule(when="{finding: {entity: US_SSN, source: users}}")),
        rules(rule(then="{}")),
        rules(rule(then="{block: 200}")),
        rules(rule(then="{block: 403, route: local}")),
        rules(rule(then="{transform: []}")),
        rules(rule(then="{transform: [{entity: US_SSN, with: maks}]}")),
        rules(rule(mode="shdow")),
        rules(rule(shadow_until="'2026-12-31'")),
        rules(rule(mode="shadow", shadow_until="soon")),
    ],
)
def test_words_and_shapes(text: str) -> None:
    """The same texts that the reader refuses with P001, P005, P006, P016 or P017."""
    assert not valid(text)


def test_a_full_policy_is_valid() -> None:
    """Every part that the format has."""
    text = rules(
        rule(
            when="{any: [{all: [{class: [pii, phi]}, {not: {app: 'c-*'}}]}, {finding: {detector: d, min_count: 2}}]}",
            then="{route: openai, transform: [{entity: PERSON, with: surrogate}, {entity: d, with: hash}]}",
            controls="[HIPAA-164.502(b), PCI-3.5.1]",
            mode="shadow",
            shadow_until="2027-01-01",
        )
    )
    text += (
        "detectors: {d: {type: pattern, re2: 'M\\d{9}', evidence: {words: w, within_chars: 9}, label: restricted}}\n"
    )
    text += "answers: [{id: a, then: withhold, classes: secret, new: true}, {id: b, then: mask, links: [images]}]\n"
    text += "on_failure: {opaque_part: {block: 415}}\nscope: {apps: claims-*}\nlabels: [public, internal, restricted]\n"

    assert valid(text)


def test_nothing_but_the_kinds_that_are_known() -> None:
    """Another file of YAML is no policy."""
    assert not valid("apiVersion: gateway/v1\nkind: Deployment\n")
    with pytest.raises(YamlError):
        valid("kind: no\n")
