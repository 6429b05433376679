"""Small builders that domain and pipeline tests share."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from gateway.domain.conditions import ClassIs, Condition, FindingIs, LabelIs
from gateway.domain.conversation import Conversation, Operation, read
from gateway.domain.facts import Context
from gateway.domain.finding import Address, Examined, Finding, LeafReport, Permille, Report
from gateway.domain.labels import STANDARD_LABELS, DataClass, Entity, Label, Scale
from gateway.domain.mask import Span, StandIn
from gateway.domain.policy import (
    Block,
    Bundle,
    Ceiling,
    Consequence,
    Operator,
    Policy,
    RouteExternal,
    RouteLocal,
    Rule,
    Scope,
    Severity,
    Transform,
    TreatAs,
    Zone,
)
from gateway.wire.schema import CHAT

SCALE = Scale(STANDARD_LABELS)
PUBLIC, INTERNAL, CONFIDENTIAL, RESTRICTED = STANDARD_LABELS
EMAIL = Entity("EMAIL_ADDRESS")
SSN = Entity("US_SSN")


def chat(*messages: Mapping[str, object] | str, **more: object) -> dict[str, object]:
    """A chat body: a string is a user message."""
    turned = [{"role": "user", "content": m} if isinstance(m, str) else dict(m) for m in messages]
    return {"model": "gpt-x", "messages": turned, **more}


def conversation(*messages: Mapping[str, object] | str, **more: object) -> Conversation:
    """The conversation of a chat body."""
    return read(Operation.CHAT, CHAT, json.dumps(chat(*messages, **more)).encode())


def report(talk: Conversation, words: Mapping[str, str], *, confidence: int = 950) -> Report:
    """A report that finds every occurrence of some words."""
    leaves: dict[Address, LeafReport] = {}
    for leaf in talk.leaves:
        found = [
            Finding(at, at + len(word), Entity(entity), Permille(confidence), "test")
            for word, entity in words.items()
            for at in range(len(leaf.text))
            if leaf.text.startswith(word, at)
        ]
        leaves[leaf.address] = Examined(tuple(found))
    return Report(leaves, "test-1")


def context(label: str = "", *, app: str = "app", tenant: str = "acme") -> Context:
    """A caller."""
    return Context(tenant, app, "k1", "", Label(label), 1_795_465_723_123_456)


def found(entity: str, *, confidence: int = 500, count: int = 1) -> FindingIs:
    """A condition on one entity."""
    return FindingIs(Entity(entity), Permille(confidence), count, frozenset())


def rule(name: str, when: Condition, then: Consequence, **more: bool | str) -> Rule:
    """A rule of medium severity whose reason is its name in capitals."""
    return Rule(
        id=name,
        reason=name.upper().replace("-", "_"),
        severity=Severity.MEDIUM,
        when=when,
        then=then,
        tell_user=str(more.get("tell_user", "")),
        shadow=bool(more.get("shadow")),
    )


PLACEHOLDERS = (Transform(EMAIL, Operator.PLACEHOLDER),)
RULES: Sequence[Rule] = (
    rule("cleared", LabelIs(PUBLIC, INTERNAL), RouteExternal("", ())),
    rule("mask-contact", found("EMAIL_ADDRESS"), RouteExternal("", PLACEHOLDERS)),
    rule("ssn-inside", found("US_SSN"), RouteLocal(""), tell_user="An SSN was found."),
    rule("phi-inside", ClassIs(DataClass.PHI), RouteLocal("")),
    rule("bulk", found("US_SSN", count=20), Block(403), tell_user="Too many SSNs."),
    rule("secret", found("SECRET"), Block(403), tell_user="A credential was found."),
)


def policy(*rules: Rule, **more: object) -> Policy:
    """A policy with one external destination cleared for `internal` and one model inside."""
    values: dict[str, object] = {
        "name": "test",
        "scope": Scope(frozenset({"*"}), frozenset({"*"})),
        "scale": SCALE,
        "ceilings": {
            "openai": Ceiling(Zone.EXTERNAL, INTERNAL, frozenset({DataClass.PHI, DataClass.SECRET})),
            "local-slm": Ceiling(Zone.IN_NETWORK, RESTRICTED, frozenset()),
        },
        "detectors": (),
        "rules": rules or tuple(RULES),
        "default": RouteLocal("local-slm"),
        "default_reason": "NO_RULE_MATCHED",
        "on_detector_failure": TreatAs(RESTRICTED),
        "on_opaque_part": TreatAs(RESTRICTED),
        "local_model_down_status": 503,
    }
    return Policy(**{**values, **more})  # type: ignore[arg-type]


def bundle(*rules: Rule, **more: object) -> Bundle:
    """A bundle of one policy."""
    return Bundle(policies=(policy(*rules, **more),), digest="sha256:" + "0" * 64, revision=1)


class PlainAnonymizer:
    """The operators in their simplest form, for tests of what calls them."""

    def apply(self, text: str, spans: Sequence[Span], stand_in: StandIn) -> str:
        """Replace from the back."""
        for span in reversed(spans):
            value = text[span.start : span.end]
            if span.operator in {Operator.PLACEHOLDER, Operator.SURROGATE}:
                shown = stand_in(span, value)
            else:
                shown = {Operator.MASK: "*" * len(value), Operator.HASH: "hashed", Operator.REDACT: ""}[span.operator]
            text = text[: span.start] + shown + text[span.end :]
        return text
