"""What a rule may ask of a request, and whether it holds. Reads counts, confidences, labels and context, never text."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never

from gateway.domain.declaration import Source
from gateway.domain.facts import Facts, FindingFact
from gateway.domain.finding import JudgedTask, Permille, Task
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
class TaskIs:
    """True when the conversation was judged to ask for one of `tasks` with at least this confidence.

    `unknown` is never among them. A task is a guess about the caller's own words: like them, it only tightens.
    """

    tasks: frozenset[Task]
    min_confidence: Permille

    def __post_init__(self) -> None:
        if not self.tasks or Task.UNKNOWN in self.tasks:
            raise ValueError("a task that nobody judged is no task")


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


Condition = FindingIs | ClassIs | LabelIs | ContextIs | TaskIs | AnyOf | AllOf | Not

LABEL, TASK = "label", "task"
SAID = frozenset({LABEL, TASK, ContextField.PURPOSE.value})
"""What a caller says of itself, or its words are taken for. It may only tighten."""


Simple = FindingIs | ClassIs | LabelIs | ContextIs | TaskIs


def simple(condition: Condition) -> Iterator[Simple]:
    """What a condition is joined of."""
    match condition:
        case AnyOf(conditions=inner) | AllOf(conditions=inner):
            for each in inner:
                yield from simple(each)
        case Not(condition=inner_one):
            yield from simple(inner_one)
        case FindingIs() | ClassIs() | LabelIs() | ContextIs() | TaskIs():
            yield condition
        case _:
            assert_never(condition)


def reads(condition: Condition) -> frozenset[str]:
    """What a condition asks for beside findings and classes: `LABEL`, `TASK`, and the names of context fields."""
    return frozenset(name for each in simple(condition) for name in _read(each))


def _read(condition: Simple) -> Sequence[str]:
    match condition:
        case ContextIs(field=field):
            return (field.value,)
        case LabelIs():
            return (LABEL,)
        case TaskIs():
            return (TASK,)
        case FindingIs() | ClassIs():
            return ()
        case _:
            assert_never(condition)


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
    task: JudgedTask


def circumstances(facts: Facts, label: Label, classes: frozenset[DataClass], scale: Scale) -> Circumstances:
    """Facts of this label and these classes, ready for many conditions."""
    found: dict[Entity, list[FindingFact]] = {}
    for fact in facts.findings:
        found.setdefault(fact.entity, []).append(fact)
    return Circumstances(found, classes, label, scale, context_of(facts), facts.task)


def context_of(facts: Facts) -> Mapping[ContextField, str]:
    """The fields that rules may compare."""
    return {
        ContextField.APP: facts.context.app,
        ContextField.TENANT: facts.context.tenant,
        ContextField.KEY: facts.context.key_id,
        ContextField.MODEL: facts.model,
        ContextField.PURPOSE: facts.context.purpose,
    }


def holds(condition: Condition, now: Circumstances) -> bool:
    """Whether a condition is true."""
    return compiled(condition, now.scale)(now)


Test = Callable[[Circumstances], bool]


def compiled(condition: Condition, scale: Scale) -> Test:
    """A condition as a function, with all worked out that does not depend on a request: rules are many."""
    match condition:
        case FindingIs():
            return _finding(condition)
        case ClassIs(data_class=data_class):
            return lambda now: data_class in now.classes
        case LabelIs(at_least=low, at_most=high):
            within = frozenset(x for x in scale.labels if scale.rank(low) <= scale.rank(x) and scale.at_most(x, high))
            return lambda now: now.label in within
        case ContextIs():
            return _context(condition)
        case TaskIs(tasks=tasks, min_confidence=least):
            return lambda now: now.task.task in tasks and now.task.confidence >= least
        case AnyOf(conditions=inner):
            tests = tuple(compiled(each, scale) for each in inner)
            return _any(tests) if len(tests) > 1 else tests[0]
        case AllOf(conditions=inner):
            return _all(tuple(compiled(each, scale) for each in inner))
        case Not(condition=inner_one):
            test = compiled(inner_one, scale)
            return lambda now: not test(now)
        case _:
            assert_never(condition)


def _any(tests: tuple[Test, ...]) -> Test:
    def test(now: Circumstances) -> bool:
        for each in tests:  # noqa: SIM110 - a generator costs more than most conditions
            if each(now):
                return True
        return False

    return test


def _all(tests: tuple[Test, ...]) -> Test:
    def test(now: Circumstances) -> bool:
        for each in tests:  # noqa: SIM110 - as above
            if not each(now):
                return False
        return True

    return test


def _context(condition: ContextIs) -> Test:
    field, (exact, beginnings) = condition.field, split(condition.values)
    return lambda now: now.context[field] in exact or now.context[field].startswith(beginnings)


def split(patterns: frozenset[str]) -> tuple[frozenset[str], tuple[str, ...]]:
    """Patterns as what a value may be, and how it may begin: `matches` against all of them in two steps."""
    exact = frozenset(value for value in patterns if not value.endswith("*"))
    return exact, tuple(value[:-1] for value in patterns if value.endswith("*"))


def _finding(condition: FindingIs) -> Test:
    entity, enough = condition.entity, enough_found(condition)
    return lambda now: enough(now.found.get(entity, ()))


Enough = Callable[[Sequence[FindingFact]], bool]


def enough_found(condition: FindingIs) -> Enough:
    """Whether a condition holds where these are the findings of its entity, as a function.

    A value that was resent counts once, unless the rule asks in whose words it stands: then each leaf counts."""
    least, count, sources = condition.min_confidence, condition.min_count, condition.sources

    def some(here: Sequence[FindingFact]) -> bool:
        for fact in here:  # noqa: SIM110 - as above
            if fact.confidence >= least:
                return True
        return False

    def several(here: Sequence[FindingFact]) -> bool:
        counted = 0
        for fact in here:
            if fact.confidence >= least:
                counted += fact.new
        return count <= counted

    def said(here: Sequence[FindingFact]) -> bool:
        counted = [fact.values for fact in here if fact.confidence >= least and fact.source in sources]
        return bool(counted) and (count <= 1 or count <= sum(counted))

    if sources:
        return said
    return several if count > 1 else some


def matches(value: str, pattern: str) -> bool:
    """Whether `value` is `pattern`, in which a `*` at the end stands for any rest."""
    return value.startswith(pattern[:-1]) if pattern.endswith("*") else value == pattern
