"""What a rule may ask of a request, and whether it holds. Reads counts, confidences, labels and context, never text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never

from gateway.domain.declaration import Source
from gateway.domain.facts import Facts, FindingFact
from gateway.domain.finding import Permille
from gateway.domain.labels import DataClass, Entity, Label, Scale


@dataclass(frozen=True, slots=True)
class FindingIs:
    """True when at least `min_count` distinct values of `entity` were found with at least `min_confidence`.

    An empty `sources` means any source.
    """

    entity: Entity
    min_confidence: Permille
    min_count: int
    sources: frozenset[Source]


@dataclass(frozen=True, slots=True)
class ClassIs:
    """True when the conversation holds data of this class."""

    data_class: DataClass


@dataclass(frozen=True, slots=True)
class LabelIs:
    """True when the conversation's label lies between two labels, both inclusive."""

    at_least: Label
    at_most: Label


class ContextField(StrEnum):
    """Facts of the caller that a rule may compare."""

    APP = "app"
    TENANT = "tenant"
    KEY = "key"
    MODEL = "model"
    PURPOSE = "purpose"


@dataclass(frozen=True, slots=True)
class ContextIs:
    """True when a context field equals one of `values`; `*` at the end of a value matches any rest."""

    field: ContextField
    values: frozenset[str]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """True when one of its conditions is. Never empty."""

    conditions: tuple[Condition, ...]

    def __post_init__(self) -> None:
        _not_vacuous(self.conditions)


@dataclass(frozen=True, slots=True)
class AllOf:
    """True when all of its conditions are. Never empty."""

    conditions: tuple[Condition, ...]

    def __post_init__(self) -> None:
        _not_vacuous(self.conditions)


@dataclass(frozen=True, slots=True)
class Not:
    """True when its condition is not."""

    condition: Condition


Condition = FindingIs | ClassIs | LabelIs | ContextIs | AnyOf | AllOf | Not


def _not_vacuous(conditions: tuple[Condition, ...]) -> None:
    if not conditions:
        raise ValueError("a combination of no conditions would be vacuously true or false")


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What conditions are held against: the facts, arranged by entity and by name, and what they amount to."""

    found: Mapping[Entity, Sequence[FindingFact]]
    classes: frozenset[DataClass]
    label: Label
    scale: Scale
    context: Mapping[ContextField, str]


def circumstances(facts: Facts, label: Label, classes: frozenset[DataClass], scale: Scale) -> Circumstances:
    """Facts of this label and these classes, ready for many conditions."""
    found: dict[Entity, list[FindingFact]] = {}
    for fact in facts.findings:
        found.setdefault(fact.entity, []).append(fact)
    context = {
        ContextField.APP: facts.context.app,
        ContextField.TENANT: facts.context.tenant,
        ContextField.KEY: facts.context.key_id,
        ContextField.MODEL: facts.model,
        ContextField.PURPOSE: facts.context.purpose,
    }
    return Circumstances(found, classes, label, scale, context)


def holds(condition: Condition, now: Circumstances) -> bool:
    """Whether a condition is true."""
    match condition:
        case FindingIs():
            here = now.found.get(condition.entity)
            return here is not None and _enough(condition, here)
        case ClassIs():
            return condition.data_class in now.classes
        case LabelIs():
            scale, label = now.scale, now.label
            return scale.rank(condition.at_least) <= scale.rank(label) and scale.at_most(label, condition.at_most)
        case ContextIs():
            value = now.context[condition.field]
            return any(matches(value, pattern) for pattern in condition.values)
        case AnyOf():
            return any(holds(each, now) for each in condition.conditions)
        case AllOf():
            return all(holds(each, now) for each in condition.conditions)
        case Not():
            return not holds(condition.condition, now)
        case _:
            assert_never(condition)


def _enough(condition: FindingIs, here: Sequence[FindingFact]) -> bool:
    """A value that was resent counts once, unless the rule asks in whose words it stands: then each leaf counts."""
    counted = 0
    some = False
    for fact in here:
        if fact.confidence >= condition.min_confidence and (not condition.sources or fact.source in condition.sources):
            some = True
            counted += fact.values if condition.sources else fact.new
    return some and (condition.min_count <= 1 or counted >= condition.min_count)


def matches(value: str, pattern: str) -> bool:
    """Whether `value` is `pattern`, in which a `*` at the end stands for any rest."""
    return value.startswith(pattern[:-1]) if pattern.endswith("*") else value == pattern
