"""Reads the `answers` of a policy file: what of an answer is masked, or makes it be withheld."""

from __future__ import annotations

import re

from gateway.adapters.policy_conditions import Names
from gateway.adapters.policy_detectors import classes_of
from gateway.adapters.strict_yaml import YamlNode
from gateway.adapters.yaml_fields import Fields, Problems
from gateway.domain.answer_links import LinkKind
from gateway.domain.answer_rules import AnswerAction, AnswerRule, FindingRule, LinkRule
from gateway.domain.finding import CONFIDENCE
from gateway.domain.labels import Entity

_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_HOST = re.compile(r"(?:\*\.)?[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63})*")
_FINDING_KEYS = ("entities", "classes", "new", "min_confidence")
_LINK_KEYS = ("links", "allow")


def read_answers(root: Fields, names: Names) -> tuple[AnswerRule, ...]:
    """The answer rules of a policy; none where it has no `answers`."""
    rules = [_rule(root.problems, node, names) for node in root.items("answers")] if "answers" in root else []
    seen: set[str] = set()
    for rule in rules:
        if rule.id in seen:
            root.problems.error(root.place("answers"), "P002", "two rules for answers have the same id")
        seen.add(rule.id)
    return tuple(rules)


def _rule(problems: Problems, node: YamlNode, names: Names) -> AnswerRule:
    fields = Fields(
        problems, node, "a rule for answers", required=("id", "then"), optional=(*_FINDING_KEYS, *_LINK_KEYS)
    )
    given = fields.text("id")
    if given and not _ID.fullmatch(given):
        problems.error(fields.place("id"), "P005", f"'id' does not match {_ID.pattern}")
    action = AnswerAction(fields.choice("then", [each.value for each in AnswerAction]))
    speaks_of_links = any(key in fields for key in _LINK_KEYS)
    if speaks_of_links and any(key in fields for key in _FINDING_KEYS):
        problems.error(fields.mark, "P005", "a rule for answers speaks of findings or of links, not of both")
    return _link_rule(fields, given, action) if speaks_of_links else _finding_rule(fields, given, action, names)


def _finding_rule(fields: Fields, given: str, action: AnswerAction, names: Names) -> FindingRule:
    known = {**dict.fromkeys(names.entities), **names.detectors}
    entities = set[Entity]()
    for mark, name in fields.texts("entities"):
        if name not in known:
            fields.problems.unknown(mark, "P016", "entity", name, known)
        entities.add(names.detectors.get(name, Entity(name)))
    classes = classes_of(fields, "classes")
    if not entities and not classes:
        fields.problems.error(fields.mark, "P006", "a rule for answers names entities, classes or links")
    confidence = fields.choice("min_confidence", tuple(CONFIDENCE), "medium")
    return FindingRule(given, frozenset(entities), classes, CONFIDENCE[confidence], fields.flag("new"), action)


def _link_rule(fields: Fields, given: str, action: AnswerAction) -> LinkRule:
    kinds = set[LinkKind]()
    for mark, name in fields.texts("links"):
        if name not in {each.value for each in LinkKind}:
            fields.problems.unknown(mark, "P016", "kind of links", name, [each.value for each in LinkKind])
        else:
            kinds.add(LinkKind(name))
    if not kinds:
        fields.problems.error(fields.mark, "P006", "a rule for links names at least one kind: images, links")
    hosts = fields.texts("allow")
    for mark, host in hosts:
        if not _HOST.fullmatch(host):
            fields.problems.error(mark, "P005", "a host is a name such as docs.example.com or *.example.com")
    return LinkRule(given, frozenset(kinds), tuple(host for _, host in hosts), action)
