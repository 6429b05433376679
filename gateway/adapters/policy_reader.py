"""Reads one policy file into a `Policy`, or tells all that is wrong with it, each problem with its place and lint code.

| code | what is wrong                               | code | what is wrong                                      |
|------|---------------------------------------------|------|----------------------------------------------------|
| P001 | unknown key                                 | P010 | a condition or permission that can never hold      |
| P002 | a key, id or name that stands twice         | P011 | an external destination above its clearance        |
| P003 | a trap of YAML                              | P015 | a pattern that is not RE2 or can match nothing     |
| P004 | not a readable file                         | P016 | unknown detector, entity, destination, label, class |
| P005 | a value of the wrong type or shape          | P017 | a default that is not inside                       |
| P006 | a missing key                               | P018 | a shadow rule that is overdue, or has no end       |
|      |                                             | P023 | a detector without an index that can be used       |

P010 and P018 are warnings where the rule still does what it says. `policy_codes` says of each code why and what to do.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from gateway.adapters.policy_answers import read_answers
from gateway.adapters.policy_conditions import STAND_IN, Names, name_patterns, needs_a_word, read_condition
from gateway.adapters.policy_dead import never_true, overruled
from gateway.adapters.policy_detectors import Known, classes_of, read_detectors
from gateway.adapters.policy_indexes import NO_INDEXES, Indexes
from gateway.adapters.strict_yaml import PolicyError, YamlMap, YamlNode, parse, shown
from gateway.adapters.yaml_fields import Fields, Problems, did_you_mean
from gateway.domain.capability import Capability, Instead
from gateway.domain.conditions import Condition
from gateway.domain.detectors import reported_by
from gateway.domain.labels import DEFAULT_TABLE, STANDARD_LABELS, Entity, Label, Scale
from gateway.domain.policy import (
    Block,
    Ceiling,
    Consequence,
    OnFailure,
    Operator,
    Policy,
    RouteExternal,
    RouteLocal,
    Rule,
    Scope,
    Severity,
    Transform,
    TransformOnly,
    TreatAs,
    Zone,
)
from gateway.domain.surrogate import AVAILABLE

API_VERSION: Final = "gateway/v1"
KNOWN_ENTITIES: Final = frozenset(DEFAULT_TABLE)
"""The entities that the shipped detector can report."""

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_REASON = re.compile(r"[A-Z0-9][A-Z0-9_]{0,63}")
_LOCAL, _EXTERNAL = "local", "external"
_LABEL = re.compile(r"(?!(?:[^0-9]*[0-9]){7})[a-z][a-z0-9_-]{0,31}")
"""At most six digits: a claimed label is recorded in clear only where it cannot be the number of a person."""
_LONGEST_TOLD = 500
_CONTROL = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._:()/-]{0,63}")
_EVERYONE = frozenset({"*"})


@dataclass(frozen=True, slots=True)
class Unreadable:
    """The file is no policy. `errors` is never empty."""

    errors: tuple[PolicyError, ...]
    warnings: tuple[PolicyError, ...]


@dataclass(frozen=True, slots=True)
class Readable:
    """The file is a policy; `warnings` are worth a look and keep nothing from loading."""

    policy: Policy
    warnings: tuple[PolicyError, ...]


def read_policy(
    file: str, data: bytes, entities: frozenset[Entity], today: date, indexes: Indexes = NO_INDEXES
) -> Readable | Unreadable:
    """The policy of one file. `entities` are those that some recogniser can report; `today` is for overdue shadows;
    `indexes` are those beside the file."""
    parsed = parse(file, data)
    problems = Problems(file)
    problems.errors += parsed.problems
    if any(problem.code == "P004" for problem in parsed.problems):
        return _result(problems)  # half a tree would only tell of what was not read
    kind = next((e.value for e in parsed.root.entries if e.key == "kind"), None)
    if getattr(kind, "value", "") == "Exception":
        problems.error(parsed.root.mark, "P004", "the name of a file of kind Exception ends in .exception.yaml")
        return _result(problems)
    policy = _Reader(problems, parsed.root, entities, indexes, today).policy()
    return _result(problems) if problems.errors else Readable(policy, tuple(sorted(problems.warnings)))


def _result(problems: Problems) -> Unreadable:
    return Unreadable(tuple(sorted(set(problems.errors))), tuple(sorted(set(problems.warnings))))


def checked_name(fields: Fields, key: str, pattern: re.Pattern[str], default: str = "") -> str:
    """The text of `key` where it has the shape of a name."""
    value = fields.text(key, default)
    if value and not pattern.fullmatch(value):
        fields.problems.error(fields.place(key), "P005", f"'{key}' does not match {pattern.pattern}")
    return value


class _Reader:
    def __init__(
        self, problems: Problems, root: YamlNode, entities: frozenset[Entity], indexes: Indexes, today: date
    ) -> None:
        optional = ("scope", "labels", "detectors", "answers", "default", "on_failure", "incapable")
        required = ("apiVersion", "kind", "metadata", "destinations", "rules")
        self._problems = problems
        self._today = today
        self._root = Fields(problems, root, "a policy", required=required, optional=optional)
        self._scale = _labels(self._root)
        self._callers = self._scope()
        self._ceilings = self._destinations()
        shipped = tuple(sorted(entities))
        self._detectors = read_detectors(self._root, Known(self._scale.labels, shipped, indexes))
        ids = {d.id: reported_by(d) for d in self._detectors}
        own = {entity for d, entity in ids.items() if d == entity}
        self._names = Names(self._scale.labels, tuple(sorted({*shipped, *own})), ids)

    def policy(self) -> Policy:
        self._root.choice("apiVersion", (API_VERSION,))
        self._root.choice("kind", ("Policy",))
        default, reason = self._default()
        detector_fails, opaque, down = self._on_failure()
        return Policy(
            name=self._metadata(),
            scope=self._callers,
            scale=self._scale,
            ceilings=self._ceilings,
            detectors=self._detectors,
            rules=self._rules(),
            default=default,
            default_reason=reason,
            on_detector_failure=detector_fails,
            on_opaque_part=opaque,
            local_model_down_status=down,
            answers=read_answers(self._root, self._names),
            incapable=self._incapable(),
        )

    def _metadata(self) -> str:
        if "metadata" not in self._root:
            return ""
        node, optional = self._root.node("metadata"), ("owner", "description", "controls")
        fields = Fields(self._problems, node, "'metadata'", required=("name",), optional=optional)
        for key in ("owner", "description"):
            fields.text(key)
        _controls(fields)
        return checked_name(fields, "name", _NAME)

    def _scope(self) -> Scope:
        if "scope" not in self._root:
            return Scope(_EVERYONE, _EVERYONE)
        fields = Fields(self._problems, self._root.node("scope"), "'scope'", required=(), optional=("apps", "tenants"))
        return Scope(_callers(fields, "apps"), _callers(fields, "tenants"))

    def _destinations(self) -> Mapping[str, Ceiling]:
        ceilings: dict[str, Ceiling] = {}
        for mark, name, node in self._root.entries("destinations"):
            if name in {_LOCAL, _EXTERNAL} or not _NAME.fullmatch(name):
                message = f"{shown(name)} is no name for a destination: 'local' and 'external' mean the model's own"
                self._problems.error(mark, "P005", message)
            ceilings[name] = self._ceiling(node)
        return ceilings

    def _ceiling(self, node: YamlNode) -> Ceiling:
        required = ("zone", "max_label")
        fields = Fields(self._problems, node, "a destination", required=required, optional=("never",))
        zone = Zone(fields.choice("zone", [each.value for each in Zone]))
        highest = Label(fields.choice("max_label", self._scale.labels, code="P016"))
        if zone is Zone.EXTERNAL and highest == self._scale.top:
            message = "an external destination cannot be cleared for the highest label"
            self._problems.error(fields.place("max_label"), "P011", message)
        return Ceiling(zone, highest, classes_of(fields, "never"))

    def _rules(self) -> tuple[Rule, ...]:
        rules, seen = [], set[str]()
        for node in self._root.items("rules"):
            rule = self._rule(node)
            if rule.id in seen:
                self._problems.error(node.mark, "P002", f"the rule {shown(rule.id)} stands twice")
            seen |= {rule.id} - {""}
            rules.append(rule)
        for node, rule in zip(self._root.items("rules"), rules, strict=True):
            stricter = overruled(rule, rules)
            if stricter:
                message = f"this never decides: the rule {shown(stricter)} has the same condition and is stricter"
                self._problems.warn(node.mark, "P010", message)
        return tuple(rules)

    def _rule(self, node: YamlNode) -> Rule:
        required = ("id", "reason", "severity", "when", "then")
        optional = ("controls", "tell_user", "non_waivable", "mode", "shadow_until")
        fields = Fields(self._problems, node, "a rule", required=required, optional=optional)
        when = self._condition(fields)
        then = self._consequence(fields.node("then")) if "then" in fields else Block(403)
        if isinstance(then, RouteExternal) and needs_a_word(when):
            message = "this can never permit: a purpose and a task rest on the caller's own words and can only tighten"
            self._problems.error(fields.place("when"), "P010", message)
        told = fields.text("tell_user")
        if len(told) > _LONGEST_TOLD:
            message = f"'tell_user' is longer than {_LONGEST_TOLD} characters"
            self._problems.error(fields.place("tell_user"), "P005", message)
        return Rule(
            id=checked_name(fields, "id", _NAME),
            reason=checked_name(fields, "reason", _REASON),
            severity=Severity(fields.choice("severity", [each.value for each in Severity])),
            when=when,
            then=then,
            tell_user=told,
            controls=_controls(fields),
            non_waivable=fields.flag("non_waivable"),
            shadow=self._shadow(fields),
        )

    def _condition(self, fields: Fields) -> Condition:
        if "when" not in fields:
            return STAND_IN
        before = len(self._problems.errors)
        when = read_condition(self._problems, fields.node("when"), self._names)
        if before == len(self._problems.errors) and never_true(when, self._scale, self._callers):
            self._problems.error(fields.place("when"), "P010", "this can never be true for a caller in scope")
        return when

    def _shadow(self, fields: Fields) -> bool:
        shadow = fields.choice("mode", ("enforce", "shadow")) == "shadow"
        until = fields.day("shadow_until")
        if "shadow_until" in fields and not shadow:
            self._problems.error(fields.place("shadow_until"), "P005", "'shadow_until' without 'mode: shadow'")
        elif shadow and "shadow_until" not in fields:
            self._problems.warn(fields.place("mode"), "P018", "a shadow rule without 'shadow_until' decides nothing")
        elif until < self._today:
            self._problems.warn(fields.place("shadow_until"), "P018", "this shadow rule is overdue")
        return shadow

    def _consequence(self, node: YamlNode) -> Consequence:
        fields = Fields(self._problems, node, "'then'", required=(), optional=("block", "route", "transform"))
        if "block" in fields:
            if "route" in fields or "transform" in fields:
                self._problems.error(fields.mark, "P005", "'block' stands alone")
            return Block(fields.whole("block", 400, 599, 403))
        transforms = tuple(self._transform(item) for item in fields.items("transform"))
        if "transform" in fields and not transforms:
            self._problems.error(fields.place("transform"), "P005", "'transform' is a list of at least one")
        if "route" not in fields:
            if "transform" not in fields:
                self._problems.error(fields.mark, "P006", "'then' has none of 'block', 'route' and 'transform'")
            return TransformOnly(transforms)
        zone, destination = self._route(fields)
        if zone is Zone.EXTERNAL:
            return RouteExternal(destination, transforms)
        if transforms:
            self._problems.error(fields.place("transform"), "P005", "what stays inside is not transformed")
        return RouteLocal(destination)

    def _transform(self, node: YamlNode) -> Transform:
        fields = Fields(self._problems, node, "a transform", required=("entity", "with"))
        entity = fields.text("entity")
        known = {**dict.fromkeys(self._names.entities), **self._names.detectors}
        if entity and entity not in known:
            self._problems.unknown(fields.place("entity"), "P016", "entity", entity, known)
        operator = Operator(fields.choice("with", [each.value for each in Operator], code="P005"))
        meant = self._names.detectors.get(entity, Entity(entity))
        asked = getattr(fields.node("with"), "value", "") if "with" in fields else ""
        if asked == Operator.SURROGATE and entity in known and meant not in AVAILABLE:
            message = f"surrogate is not available for entity {shown(entity)}; it is for {', '.join(sorted(AVAILABLE))}"
            self._problems.error(fields.place("with"), "P005", message)
        return Transform(meant, operator)

    def _route(self, fields: Fields) -> tuple[Zone, str]:
        """The zone and name of the destination at `route`; the name is empty for the model's own."""
        name = fields.text("route")
        if name in {_LOCAL, _EXTERNAL}:
            return (Zone.IN_NETWORK if name == _LOCAL else Zone.EXTERNAL), ""
        if name and name not in self._ceilings:
            known = (*self._ceilings, _LOCAL, _EXTERNAL)
            message = f"unknown destination {shown(name)}{did_you_mean(name, known)}"
            self._problems.error(fields.place("route"), "P016", message)
        ceiling = self._ceilings.get(name)
        return (ceiling.zone if ceiling else Zone.IN_NETWORK), name

    def _default(self) -> tuple[RouteLocal | Block, str]:
        """Without `default`, what no rule speaks of is answered inside."""
        if "default" not in self._root:
            return RouteLocal(""), "NO_RULE_MATCHED"
        node = self._root.node("default")
        fields = Fields(self._problems, node, "'default'", required=("reason",), optional=("route", "block"))
        reason = checked_name(fields, "reason", _REASON)
        if ("block" in fields) == ("route" in fields):
            self._problems.error(fields.mark, "P005", "'default' has either 'route' or 'block'")
        if "block" in fields:
            return Block(fields.whole("block", 400, 599, 403)), reason
        zone, destination = self._route(fields) if "route" in fields else (Zone.IN_NETWORK, "")
        if zone is Zone.EXTERNAL:
            message = "the default is inside or a block: leaving needs a rule that says so"
            self._problems.error(fields.place("route"), "P017", message)
        return RouteLocal(destination), reason

    def _on_failure(self) -> tuple[OnFailure, OnFailure, int]:
        """Without `on_failure`, the unreadable counts as the highest label, and a broken model inside is a 503."""
        top: OnFailure = TreatAs(self._scale.top)
        if "on_failure" not in self._root:
            return top, top, 503
        keys = ("detector", "opaque_part", "local_model_down")
        fields = Fields(self._problems, self._root.node("on_failure"), "'on_failure'", required=(), optional=keys)
        down = 503
        if "local_model_down" in fields:
            inner = Fields(self._problems, fields.node("local_model_down"), "'local_model_down'", required=("block",))
            down = inner.whole("block", 400, 599, 503)
        return self._unreadable(fields, "detector"), self._unreadable(fields, "opaque_part"), down

    def _incapable(self) -> Mapping[Capability, Block | Instead]:
        """Without `incapable`, a model inside that cannot do what is asked says so itself, by the field's name."""
        if "incapable" not in self._root:
            return {}
        node, known = self._root.node("incapable"), tuple(each.value for each in Capability)
        fields = Fields(self._problems, node, "'incapable'", required=(), optional=known)
        return {each: self._instead(fields, each) for each in Capability if each.value in fields}

    def _instead(self, fields: Fields, capability: Capability) -> Block | Instead:
        node = fields.node(capability.value)
        if isinstance(node, YamlMap):
            inner = Fields(self._problems, node, f"'{capability.value}'", required=("block",))
            return Block(inner.whole("block", 400, 599, 422))
        chosen = Instead(fields.choice(capability.value, [each.value for each in Instead]))
        if capability is Capability.CONTEXT and chosen is Instead.DEGRADE:
            self._problems.error(fields.place("context"), "P005", "no request is made shorter: write 'send' or a block")
        return chosen

    def _unreadable(self, fields: Fields, key: str) -> OnFailure:
        if key not in fields:
            return TreatAs(self._scale.top)
        inner = Fields(self._problems, fields.node(key), f"'{key}'", required=(), optional=("treat_as", "block"))
        if ("treat_as" in inner) == ("block" in inner):
            self._problems.error(inner.mark, "P005", f"'{key}' has either 'treat_as' or 'block'")
        if "block" in inner:
            return Block(inner.whole("block", 400, 599, 403))
        label = Label(inner.choice("treat_as", self._scale.labels, self._scale.top, code="P016"))
        external = [c.max_label for c in self._ceilings.values() if c.zone is Zone.EXTERNAL]
        if any(self._scale.at_most(label, limit) for limit in external):
            message = f"{label} is within the clearance of an external destination: nobody has read this"
            report = self._problems.error if key == "detector" else self._problems.warn
            report(inner.place("treat_as"), "P011", message)
        return TreatAs(label)


def _labels(root: Fields) -> Scale:
    given = root.texts("labels")
    for mark, name in given:
        if name and not _LABEL.fullmatch(name):
            root.problems.error(mark, "P005", "a label is at most 32 small letters, _, - and at most six digits")
    names = tuple(dict.fromkeys(name for _, name in given))
    if len(names) != len(given):
        root.problems.error(root.place("labels"), "P002", "a label stands twice")
    return Scale(tuple(Label(name) for name in names) or STANDARD_LABELS)


def _controls(fields: Fields) -> tuple[str, ...]:
    """The clauses of regulations and standards at `controls`; none where it is absent."""
    given = fields.texts("controls")
    for mark, name in given:
        if name and not _CONTROL.fullmatch(name):
            fields.problems.error(mark, "P005", f"a control matches {_CONTROL.pattern}")
    return tuple(name for _, name in given)


def _callers(fields: Fields, key: str) -> frozenset[str]:
    return name_patterns(fields.problems, fields.node(key), f"'{key}'") if key in fields else _EVERYONE
