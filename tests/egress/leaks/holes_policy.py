"""Holes in what a policy says, and in who may say otherwise."""

from __future__ import annotations

from datetime import date

from gateway.adapters.policy_detectors import pattern_fault
from gateway.adapters.policy_reader import KNOWN_ENTITIES, Unreadable, read_policy
from tests.egress.leaks.front import CARD, CHAT, SECRET, TOLD_SSN, Front
from tests.egress.leaks.holes import hole
from tests.egress.leaks.house import shipped_policy


@hole(25, "tests/detection/test_analyzer.py::test_hostile_text_takes_linear_time")
def slow_patterns(front: Front) -> None:
    """A pattern that could take for ever is refused when the policy is read; a text that would is kept inside."""
    for pattern in (r"(a+)+\1", r"(?=a)b", r"(?<!x)y", "(" * 2_000):
        assert pattern_fault(pattern)
    for text in ("a@" * 20_000, "1-" * 20_000, "%25" * 10_000, "(" * 30_000, "sk-" * 10_000, "aaaa:" * 10_000):
        assert front.chat(f"{text} {TOLD_SSN}").kept(), text[:8]


@hole(27, "tests/adapters/test_file_policies.py")
def mistyped_policies(front: Front) -> None:
    """A key, an entity, a class that is not known refuses the policy: nothing is switched off in silence."""
    good = shipped_policy()
    assert not isinstance(_read(good), Unreadable)
    for right, wrong in (
        ("severity: critical", "severty: critical"),
        ("then: {block: 403}", "than: {block: 403}"),
        ("when: {class: secret}", "when: {class: secrets}"),
        ("finding: {entity: US_SSN}", "finding: {entity: USSSN}"),
        ("on_failure:", "on_failures:"),
        ("default: {route: local", "default: {route: external"),
    ):
        assert right in good
        assert isinstance(_read(good.replace(right, wrong, 1)), Unreadable), wrong


def _read(policy: str) -> object:
    return read_policy("suite.policy.yaml", policy.encode(), KNOWN_ENTITIES, date(2026, 1, 1))


@hole(28)
def switching_off(front: Front) -> None:
    """No header, field or model name of a caller makes the gateway look away."""
    for headers in (
        {"x-gateway-skip": "true"},
        {"x-skip-guardrails": "true"},
        {"x-litellm-disable-guardrails": "true"},
        {"x-portkey-config": "{}"},
        {"x-gateway-route": "external"},
        {"x-gateway-destination": "openai"},
    ):
        assert front.chat(TOLD_SSN, headers).kept()
    for name in (
        "guardrails",
        "guardrail_config",
        "disable_guardrails",
        "policy",
        "extra_body",
        "scanners_suppress",
        "router",
    ):
        assert (400, []) == ((reply := front.chat(TOLD_SSN, **{name: {}})).status, reply.sent), name
    for model in (
        "gpt-4o-mini-no-guard",
        "gpt-passthrough",
        "out-x",
        "chat-x",
        "claude-x",
        "openai/gpt-4o",
        "*",
        "gpt-*",
    ):
        assert front.send(CHAT, {"model": model, "messages": [{"role": "user", "content": TOLD_SSN}]}).kept(), model


@hole(29, "tests/domain/test_decision.py::test_a_client_may_only_raise_the_label")
def claimed_labels(front: Front) -> None:
    """A lower claim is no help, a higher one is honoured, one that is no label counts as the highest."""
    assert front.chat(TOLD_SSN, {"x-gateway-label": "public"}).kept()
    assert front.chat("hello", {"x-gateway-label": "confidential"}).kept()
    assert front.chat("hello", {"x-gateway-label": "nonsense"}).kept()


@hole(34, "tests/domain/test_decision.py::test_shadow_rules_decide_nothing")
def shadow_rules(front: Front) -> None:
    """A rule in shadow mode is written down and changes nothing."""
    from tests.domain.test_decision import test_shadow_rules_decide_nothing

    test_shadow_rules_decide_nothing()


@hole(43, "tests/detection/test_shipped_pipeline.py::test_plain_prompts_hold_nothing_personal")
def false_alarms(front: Front) -> None:
    """Ids and jargon of everyday work leave."""
    for text in (
        "Why does commit 3f2a9c1d8e7b6a5f4c3d2e1f0a9b8c7d6e5f4a3b break the build?",
        "Order 2024-000123 has status 404 since build 1.2.3-rc4 on port 8080.",
        "What does ISO 27001 say about RFC 9110 section 15.5.4?",
        "uuid 3fa85f64-5717-4562-b3fc-2c963f66afa6 is not in table users_2024",
        "Compare 192 kHz with 48 kHz audio; which has 24 bit depth?",
        "def token_count(text: str) -> int: return len(text.split())",
        "Explain how OAuth client secrets are rotated.",
        "The meeting is on 2024-03-15 at 14:30 in room 4.12.",
        "SELECT id, name FROM customers WHERE created > '2024-01-01' LIMIT 100",
    ):
        assert front.chat(text).sent, text


@hole(44, "tests/policies/test_default_policy.py")
def defaults(front: Front) -> None:
    """As it ships: official numbers, accounts, health data of a person, keys."""
    for text in (
        TOLD_SSN,
        f"Why was card {CARD} declined?",
        "Transfer to IBAN GB82 WEST 1234 5698 7654 32 please",
        "Patient John Smith was diagnosed with type 2 diabetes and takes metformin.",
        "MRN: 00482913 for Jane Roe",
        f"key {SECRET}",
    ):
        assert front.chat(text).kept(), text
