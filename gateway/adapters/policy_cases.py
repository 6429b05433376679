"""Reads `*.policy.test.yaml`: cases that say what a bundle has to decide, from facts or from a text.

apiVersion: gateway/v1
kind: PolicyTest
metadata: {name: default}
alias: {external: openai, local: local-slm}        # where the model of a case may go; a case may have its own
cases:
  - id: one-ssn
    facts: {findings: [{entity: US_SSN, confidence: high, count: 1}]}
    expect: {route: local, label: restricted, classes: [pii], rules: [government-id-stays-inside]}
  - id: plain
    input: What is the capital of France?
    expect: {route: external}
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from gateway.adapters.policy_conditions import TASKS
from gateway.adapters.policy_exceptions import moment_of
from gateway.adapters.policy_reader import API_VERSION, checked_name
from gateway.adapters.strict_yaml import Mark, PolicyError, YamlList, YamlNode, parse
from gateway.adapters.yaml_fields import Fields, Problems
from gateway.domain.alias import Alias
from gateway.domain.capability import Capability, Lack, Recourse
from gateway.domain.declaration import Source
from gateway.domain.detectors import reported_by
from gateway.domain.facts import Context, Facts, FindingFact
from gateway.domain.finding import CONFIDENCE, JudgedTask, Task
from gateway.domain.labels import Entity, Label
from gateway.domain.policy import Bundle
from gateway.domain.routing import Refused, Routing, ToExternal, destination_of, route_of

_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_LISTED = ("classes", "transforms", "rules", "shadow", "exception")
_SINGLE = ("route", "destination", "label", "reason", "recourse")
_CONTEXT = ("app", "tenant", "key", "purpose", "model", "claimed_label", "at")
_COUNTS = ("leaves", "failed", "opaque")
_MORE = ("task", "lacking")
_MOST = 1_000_000

Expectation = Mapping[str, frozenset[str]]
"""What a case expects, by key; a single word is a set of one. A key that is absent is not looked at."""


@dataclass(frozen=True, slots=True)
class PolicyCase:
    """One case. `text` is empty where `facts` say it all; else the facts are its context, and findings are detected."""

    file: str
    mark: Mark
    id: str
    facts: Facts
    text: str
    alias: Alias
    expect: Expectation


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The names that cases may use: what the bundle under test knows."""

    labels: tuple[str, ...]
    entities: frozenset[str]
    detectors: Mapping[str, Entity]
    exceptions: frozenset[str] = frozenset()


def vocabulary_of(bundle: Bundle, entities: frozenset[Entity]) -> Vocabulary:
    """The names that cases on this bundle may use."""
    detectors = {d.id: reported_by(d) for policy in bundle.policies for d in policy.detectors}
    return Vocabulary(
        tuple(bundle.scale.labels), frozenset({*entities, *detectors.values()}), detectors, bundle.exception_ids
    )


def read_cases(file: str, data: bytes, names: Vocabulary) -> tuple[tuple[PolicyCase, ...], tuple[PolicyError, ...]]:
    """The cases of one file, and all that is wrong with it. With a problem, no case."""
    parsed = parse(file, data)
    problems = Problems(file)
    problems.errors += parsed.problems
    required = ("apiVersion", "kind", "metadata", "alias", "cases")
    root = Fields(problems, parsed.root, "a policy test", required=required)
    root.choice("apiVersion", (API_VERSION,))
    root.choice("kind", ("PolicyTest",))
    if "metadata" in root:
        metadata = Fields(problems, root.node("metadata"), "'metadata'", required=("name",), optional=("description",))
        metadata.text("name")
        metadata.text("description")
    alias = _alias(root, Alias("", ""))
    cases = tuple(_case(problems, file, node, names, alias) for node in root.items("cases"))
    if not cases and "cases" in root:
        problems.error(root.place("cases"), "P005", "'cases' is a list of at least one")
    _no_twins(problems, cases)
    errors = tuple(sorted(set(problems.errors)))
    return (() if errors else cases), errors


def read_facts(file: str, data: bytes, names: Vocabulary) -> tuple[Facts, tuple[PolicyError, ...]]:
    """The facts of a file that holds what stands under `facts` in a case, and all that is wrong with it."""
    parsed = parse(file, data)
    problems = Problems(file)
    problems.errors += parsed.problems
    facts = _facts(problems, parsed.root, names, with_findings=True)
    return facts, tuple(sorted(set(problems.errors)))


def outcome_of(routing: Routing) -> Expectation:
    """What a routing is, in the words of an expectation."""
    verdict, way = routing.verdict, routing.way
    told = {
        "label": frozenset({str(verdict.sensitivity.label)}),
        "classes": frozenset(each.value for each in verdict.sensitivity.classes),
        "reason": frozenset({routing.reason}),
        "rules": frozenset(verdict.rules),
        "shadow": frozenset(verdict.shadow),
        "exception": frozenset(routing.exceptions),
        "recourse": frozenset({routing.recourse.value}),
        "transforms": frozenset[str](),
        "route": frozenset({route_of(way).value}),
        "destination": frozenset({destination_of(way)} - {""}),
        "status": frozenset({str(way.status)}) if isinstance(way, Refused) else frozenset[str](),
    }
    if isinstance(way, ToExternal):
        told["transforms"] = frozenset(str(transform.entity) for transform in way.transforms)
    return told


def differences(expected: Expectation, actual: Expectation) -> tuple[str, ...]:
    """Where an outcome is not what was expected, a line each."""
    return tuple(
        f"{key}: expected {_listing(wanted)}, got {_listing(actual[key])}"
        for key, wanted in expected.items()
        if actual[key] != wanted
    )


def _listing(words: frozenset[str]) -> str:
    return ", ".join(sorted(words)) or "none"


def _no_twins(problems: Problems, cases: tuple[PolicyCase, ...]) -> None:
    seen: set[str] = set()
    for case in cases:
        if case.id in seen:
            problems.error(case.mark, "P002", f"the case '{case.id}' stands twice")
        seen.add(case.id)


def _case(problems: Problems, file: str, node: YamlNode, names: Vocabulary, alias: Alias) -> PolicyCase:
    fields = Fields(problems, node, "a case", required=("id", "expect"), optional=("facts", "input", "alias"))
    if "facts" not in fields and "input" not in fields:
        problems.error(fields.mark, "P006", "a case has neither 'facts' nor 'input'")
    text = fields.text("input")
    facts = _facts(problems, fields.node("facts"), names, with_findings=not text) if "facts" in fields else _plain()
    expect = _expectation(fields, names) if "expect" in fields else {}
    to = _alias(fields, alias)
    facts = replace(facts, lacking=tuple(Lack(to.local, each.capability) for each in facts.lacking))
    return PolicyCase(file, node.mark, checked_name(fields, "id", _ID), facts, text, to, expect)


def _alias(fields: Fields, default: Alias) -> Alias:
    if "alias" not in fields:
        return default
    inner = Fields(fields.problems, fields.node("alias"), "'alias'", required=(), optional=("external", "local"))
    return Alias(inner.text("external"), inner.text("local"))


def _plain() -> Facts:
    context = Context(tenant="default", app="test", key_id="test", purpose="", claimed_label=Label(""), at=0)
    return Facts(context=context, model="test", leaves=1, failed=0, opaque=0, findings=())


def _facts(problems: Problems, node: YamlNode, names: Vocabulary, *, with_findings: bool) -> Facts:
    """Facts where most is left out: one leaf, examined, nothing found, a caller who claims nothing."""
    optional = (*_CONTEXT, *_COUNTS, *_MORE, "findings") if with_findings else (*_CONTEXT, *_MORE)
    fields = Fields(problems, node, "'facts'", required=(), optional=optional)
    claimed = fields.choice("claimed_label", names.labels, code="P016") if "claimed_label" in fields else ""
    context = Context(
        tenant=fields.text("tenant", "default"),
        app=fields.text("app", "test"),
        key_id=fields.text("key", "test"),
        purpose=fields.text("purpose"),
        claimed_label=Label(claimed),
        at=max(0, moment_of(fields, "at")) if "at" in fields else 0,
    )
    return Facts(
        context=context,
        model=fields.text("model", "test"),
        leaves=fields.whole("leaves", 0, _MOST, 1),
        failed=fields.whole("failed", 0, _MOST, 0),
        opaque=fields.whole("opaque", 0, _MOST, 0),
        findings=tuple(_finding(problems, item, names) for item in fields.items("findings")),
        task=JudgedTask(Task(fields.choice("task", TASKS)), CONFIDENCE["high"]) if "task" in fields else JudgedTask(),
        lacking=_lacking(fields),
    )


def _lacking(fields: Fields) -> tuple[Lack, ...]:
    """What the model inside cannot do; which one that is, the alias of the case says."""
    known = [each.value for each in Capability]
    given = fields.texts("lacking")
    for mark, name in given:
        if name not in known:
            fields.problems.unknown(mark, "P016", "capability", name, known)
    return tuple(Lack("", Capability(name)) for _, name in given if name in known)


def _finding(problems: Problems, node: YamlNode, names: Vocabulary) -> FindingFact:
    fields = Fields(problems, node, "a finding", required=("entity",), optional=("confidence", "count", "source"))
    given = fields.text("entity")
    known = {*names.entities, *names.detectors}
    if given and given not in known:
        problems.unknown(fields.place("entity"), "P016", "entity", given, known)
    count = fields.whole("count", 1, _MOST, 1)
    return FindingFact(
        entity=names.detectors.get(given, Entity(given)),
        schema="/messages/*/content",
        source=Source(fields.choice("source", [each.value for each in Source])),
        values=count,
        new=count,
        confidence=CONFIDENCE[fields.choice("confidence", tuple(CONFIDENCE), "high")],
    )


def _expectation(fields: Fields, names: Vocabulary) -> Expectation:
    optional = (*_SINGLE, *_LISTED, "status")
    inner = Fields(fields.problems, fields.node("expect"), "'expect'", required=(), optional=optional)
    if "exception" in inner:
        _known_exceptions(inner, names)
    if not any(key in inner for key in optional):
        fields.problems.error(inner.mark, "P006", "'expect' says nothing, so the case could not fail")
    expect = {key: frozenset({inner.text(key)}) for key in _SINGLE if key in inner}
    if "route" in inner:
        inner.choice("route", ("external", "external-transformed", "local", "blocked"))
    if "recourse" in inner:
        inner.choice("recourse", [each.value for each in Recourse])
    if "label" in inner:
        inner.choice("label", names.labels, code="P016")
    if "status" in inner:
        expect["status"] = frozenset({str(inner.whole("status", 400, 599, 403))})
    return expect | {key: _listed(inner, key) for key in _LISTED if key in inner}


def _known_exceptions(fields: Fields, names: Vocabulary) -> None:
    node = fields.node("exception")
    for mark, name in () if isinstance(node, YamlList) and not node.items else fields.texts("exception"):
        if name and name not in names.exceptions:
            fields.problems.unknown(mark, "P016", "exception", name, names.exceptions)


def _listed(fields: Fields, key: str) -> frozenset[str]:
    """A list of words, which may be empty here: it says that there is none."""
    node = fields.node(key)
    if isinstance(node, YamlList) and not node.items:
        return frozenset()
    return frozenset(word for _, word in fields.texts(key))
