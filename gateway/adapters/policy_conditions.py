"""Reads the `when` of a rule: one condition, or `any`, `all` and `not` over conditions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.adapters.strict_yaml import Mark, YamlList, YamlMap, YamlNode, shown
from gateway.adapters.yaml_fields import Fields, Problems, one_of, texts_of
from gateway.domain.conditions import (
    AllOf,
    AnyOf,
    ClassIs,
    Condition,
    ContextField,
    ContextIs,
    FindingIs,
    LabelIs,
    Not,
    TaskIs,
)
from gateway.domain.declaration import Source
from gateway.domain.finding import CONFIDENCE, Permille, Task
from gateway.domain.labels import DataClass, Entity, Label

STAND_IN: Condition = Not(ClassIs(DataClass.SECRET))
"""Goes on in the place of a condition that cannot be read. The file has a problem then, and never loads."""

_CONTEXT = tuple(each.value for each in ContextField)
_KEYS = ("any", "all", "not", "finding", "class", "label", "task", *_CONTEXT)
TASKS = tuple(each.value for each in Task if each is not Task.UNKNOWN)
"""The tasks that a rule may name."""
_MOST_VALUES = 1_000_000


@dataclass(frozen=True, slots=True)
class Names:
    """What a rule may speak of: labels lowest first, entities, and detector ids with the entity each one reports."""

    labels: tuple[str, ...]
    entities: tuple[str, ...]
    detectors: Mapping[str, Entity]


def read_condition(problems: Problems, node: YamlNode, names: Names) -> Condition:
    """The condition that `node` writes."""
    if not isinstance(node, YamlMap) or len(node.entries) != 1:
        problems.error(node.mark, "P005", "a condition is one key; join several with 'all' or 'any'")
        return STAND_IN
    mark, key, value = node.entries[0].mark, node.entries[0].key, node.entries[0].value
    match key:
        case "any" | "all":
            inner = _several(problems, value, names)
            return AnyOf(inner) if key == "any" else AllOf(inner)
        case "not":
            return Not(read_condition(problems, value, names))
        case "finding":
            return _finding(problems, value, names)
        case "class":
            return _class(problems, value)
        case "label":
            return _label(problems, value, names)
        case _ if key in _CONTEXT:
            return ContextIs(ContextField(key), name_patterns(problems, value, f"'{key}'"))
        case "task":
            return _task(problems, value)
        case _:
            problems.unknown(mark, "P001", "condition", key, _KEYS)
    return STAND_IN


def name_patterns(problems: Problems, node: YamlNode, what: str) -> frozenset[str]:
    """Names of callers and the like: a `*` may stand alone or at the end, and nowhere else."""
    given = texts_of(problems, node, what)
    for mark, value in given:
        if "*" in value[:-1]:
            problems.error(mark, "P005", f"{shown(value)}: a * may stand at the end and nowhere else")
    return frozenset(value for _, value in given)


def needs_a_word(condition: Condition) -> bool:
    """Whether a condition can only be true for a caller that claims some purpose, or whose task was judged."""
    match condition:
        case ContextIs(field=field, values=values):
            return field is ContextField.PURPOSE and "*" not in values
        case TaskIs():
            return True
        case AnyOf(conditions=inner):
            return all(needs_a_word(each) for each in inner)
        case AllOf(conditions=inner):
            return any(needs_a_word(each) for each in inner)
        case _:
            return False


def _several(problems: Problems, node: YamlNode, names: Names) -> tuple[Condition, ...]:
    if isinstance(node, YamlList) and node.items:
        return tuple(read_condition(problems, item, names) for item in node.items)
    problems.error(node.mark, "P005", "'any' and 'all' take a list of at least one condition")
    return (STAND_IN,)


def _finding(problems: Problems, node: YamlNode, names: Names) -> Condition:
    optional = ("detector", "entity", "min_confidence", "min_count", "source", "sources")
    fields = Fields(problems, node, "a finding", required=(), optional=optional)
    for one, other in (("detector", "entity"), ("source", "sources")):
        if one in fields and other in fields:
            problems.error(fields.place(other), "P005", f"write '{one}' or '{other}', not both")
    if "min_confidence" in fields:
        least = CONFIDENCE[fields.choice("min_confidence", tuple(CONFIDENCE))]
    else:
        least = Permille(0)
    count = fields.whole("min_count", 1, _MOST_VALUES, 1)
    return FindingIs(_entity(fields, names), least, count, _sources(fields))


def _entity(fields: Fields, names: Names) -> Entity:
    """The entity that a finding is about. A detector's finding is one of the entity that the detector reports."""
    if "detector" in fields:
        given = fields.text("detector")
        if given not in names.detectors:
            fields.problems.unknown(fields.place("detector"), "P016", "detector", given, names.detectors)
        return names.detectors.get(given, Entity(""))
    if "entity" in fields:
        return Entity(fields.choice("entity", names.entities, code="P016"))
    fields.problems.error(fields.mark, "P006", "a finding has no 'detector' or 'entity'")
    return Entity("")


def _sources(fields: Fields) -> frozenset[Source]:
    key = "sources" if "sources" in fields else "source"
    known = [each.value for each in Source]
    given = fields.texts(key)
    for mark, name in given:
        if name not in known:
            fields.problems.unknown(mark, "P005", "source", name, known)
    return frozenset(Source(name) for _, name in given if name in known)


def _class(problems: Problems, node: YamlNode) -> Condition:
    known = [each.value for each in DataClass]
    if not isinstance(node, YamlList):
        return ClassIs(DataClass(one_of(problems, node, "'class'", known, "P016")))
    if not node.items:
        problems.error(node.mark, "P005", "'class' is a data class, or a list of at least one")
        return STAND_IN
    return AnyOf(tuple(_class(problems, item) for item in node.items))


def _task(problems: Problems, node: YamlNode) -> Condition:
    """One task or several; a mapping says with them how sure the judgement has to be, which is `medium` otherwise."""
    least = CONFIDENCE["medium"]
    if isinstance(node, YamlMap):
        fields = Fields(problems, node, "'task'", required=("is",), optional=("min_confidence",))
        least = CONFIDENCE[fields.choice("min_confidence", tuple(CONFIDENCE), "medium")]
        given = fields.texts("is")
    else:
        given = texts_of(problems, node, "'task'")
    for mark, name in given:
        if name not in TASKS:
            problems.unknown(mark, "P016", "task", name, TASKS)
    tasks = frozenset(Task(name) for _, name in given if name in TASKS)
    return TaskIs(tasks, least) if tasks else STAND_IN


def _label(problems: Problems, node: YamlNode, names: Names) -> Condition:
    fields = Fields(problems, node, "'label'", required=(), optional=("at_most", "at_least"))
    if "at_most" not in fields and "at_least" not in fields:
        problems.error(fields.mark, "P006", "'label' has neither 'at_most' nor 'at_least'")
    low = fields.choice("at_least", names.labels, names.labels[0], code="P016")
    high = fields.choice("at_most", names.labels, names.labels[-1], code="P016")
    if names.labels.index(low) > names.labels.index(high):
        _dead(problems, fields.mark, "no label lies between these two")
    return LabelIs(Label(low), Label(high))


def _dead(problems: Problems, mark: Mark, why: str) -> None:
    problems.error(mark, "P010", f"this can never be true: {why}")
