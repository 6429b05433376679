"""Why a rule holds or does not, in words that a policy's author knows. Says nothing of the request but its facts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import assert_never

from gateway.domain.conditions import (
    AllOf,
    AnyOf,
    Circumstances,
    ClassIs,
    Condition,
    ContextIs,
    FindingIs,
    LabelIs,
    Not,
    circumstances,
    holds,
)
from gateway.domain.evaluate import Verdict
from gateway.domain.facts import Facts
from gateway.domain.policy import Bundle, Rule


@dataclass(frozen=True, slots=True)
class Explained:
    """One rule of one policy: whether it holds, and its condition with the answer to each part of it."""

    policy: str
    rule: Rule
    holds: bool
    why: str


def explained(bundle: Bundle, facts: Facts, verdict: Verdict) -> tuple[Explained, ...]:
    """Every rule in scope, held against the facts as the client claims them."""
    label, classes = verdict.sensitivity.label, verdict.sensitivity.classes
    now = circumstances(facts, label, classes, bundle.scale)
    return tuple(
        Explained(policy.name, rule, holds(rule.when, now), _why(rule.when, now))
        for policy in bundle.in_scope(facts.context.app, facts.context.tenant)
        for rule in policy.rules
    )


def _why(condition: Condition, now: Circumstances) -> str:
    match condition:
        case AnyOf(conditions=inner):
            return f"any({_each(inner, now)})"
        case AllOf(conditions=inner):
            return f"all({_each(inner, now)})"
        case Not(condition=inner_one):
            return f"not({_why(inner_one, now)})"
        case FindingIs() | ClassIs() | LabelIs() | ContextIs():
            return f"{_told(condition)}: {'yes' if holds(condition, now) else 'no'}"
        case _:
            assert_never(condition)


def _each(conditions: Iterable[Condition], now: Circumstances) -> str:
    return ", ".join(_why(condition, now) for condition in conditions)


def _told(condition: FindingIs | ClassIs | LabelIs | ContextIs) -> str:
    match condition:
        case FindingIs(entity=entity, min_count=count, min_confidence=least):
            several = f" x{count}" if count > 1 else ""
            return f"{entity}{several}" + (f" at {least / 1000:g}" if least else "")
        case ClassIs(data_class=data_class):
            return f"class {data_class.value}"
        case LabelIs(at_least=low, at_most=high):
            return f"label {low}..{high}"
        case ContextIs(field=name, values=values):
            return f"{name.value} {'|'.join(sorted(values))}"
        case _:
            assert_never(condition)
