"""Rules that can do nothing are told, and only those."""

from __future__ import annotations

from datetime import date

import pytest

from gateway.adapters.policy_reader import KNOWN_ENTITIES, Readable, Unreadable, read_policy

HEAD = """\
apiVersion: gateway/v1
kind: Policy
metadata: {name: test}
scope: {apps: [claims-*, chat]}
destinations: {openai: {zone: external, max_label: internal}}
rules:
"""
LOW, HIGH = "{label: {at_most: internal}}", "{label: {at_least: restricted}}"


def read(*rules: str) -> Readable | Unreadable:
    """A policy of these rules."""
    written = "".join(f"  - {{id: r{n}, reason: A, severity: low, {rule}}}\n" for n, rule in enumerate(rules))
    return read_policy("p.policy.yaml", (HEAD + written).encode(), KNOWN_ENTITIES, date(2026, 1, 1))


@pytest.mark.parametrize(
    "when",
    [
        f"{{all: [{LOW}, {HIGH}]}}",
        f"{{all: [{{class: pii}}, {{all: [{LOW}, {HIGH}]}}]}}",
        f"{{any: [{{all: [{LOW}, {HIGH}]}}, {{app: other}}]}}",
        "{all: [{class: pii}, {not: {class: pii}}]}",
        "{not: {any: [{label: {at_most: internal}}, {label: {at_least: confidential}}]}}",
        "{app: elsewhere}",
        "{app: [chat2, claim]}",
    ],
)
def test_conditions_that_are_never_true(when: str) -> None:
    """P010, where the condition stands."""
    result = read(f"when: {when}, then: {{route: local}}")

    assert isinstance(result, Unreadable)
    assert [("P010", 7)] == [(e.code, e.line) for e in result.errors]


@pytest.mark.parametrize(
    "when",
    [
        LOW,
        f"{{any: [{LOW}, {HIGH}]}}",
        f"{{not: {{all: [{LOW}, {HIGH}]}}}}",
        "{all: [{class: pii}, {not: {class: phi}}]}",
        "{app: [elsewhere, claims-bot]}",
        "{app: c*}",
        "{tenant: acme}",
    ],
)
def test_conditions_that_can_be_true(when: str) -> None:
    """Nothing is called dead that some request of a caller in scope meets."""
    result = read(f"when: {when}, then: {{route: local}}")

    assert isinstance(result, Readable), result
    assert () == result.warnings


def test_a_rule_that_a_stricter_one_always_overrules() -> None:
    """A warning: it is recorded as matching, and never decides."""
    result = read(
        "when: {class: pii}, then: {route: external}",
        "when: {class: pii}, then: {block: 403}",
        "when: {class: phi}, then: {route: external}",
        "when: {class: pii}, mode: shadow, shadow_until: 2027-01-01, then: {route: local}",
    )

    assert isinstance(result, Readable)
    assert [("P010", 7)] == [(w.code, w.line) for w in result.warnings]
    assert "'r1'" in result.warnings[0].message


def test_controls_of_a_rule() -> None:
    """Kept with the rule; what is no clause is refused."""
    good = read("controls: ['PCI-3.5.1', HIPAA-164.502(b)], when: {class: pii}, then: {route: local}")
    bad = read("controls: ['<b>'], when: {class: pii}, then: {route: local}")

    assert isinstance(good, Readable)
    assert ("PCI-3.5.1", "HIPAA-164.502(b)") == good.policy.rules[0].controls
    assert isinstance(bad, Unreadable)
    assert ["P005"] == [e.code for e in bad.errors]
