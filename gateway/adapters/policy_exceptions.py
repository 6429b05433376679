"""Reads `*.exception.yaml`: an exception from rules, for named callers, for a time, for a number of uses.

apiVersion: gateway/v1
kind: Exception
metadata: {name: claims-pilot, owner: ann@acme.example, approver: ben@acme.example, ticket: SEC-1412, reason: Pilot.}
scope: {apps: [claims-bot], tenants: [acme]}      # exact names; every dimension that is named has to fit
not_before: 2026-06-01T08:00:00Z
expires: 2026-06-30T18:00:00Z                     # no longer at this second; at most 90 days later
max_uses: 500
waives: {rules: [member-id-inside], detector: member-id}
counts_as: {label: internal, classes: [pii]}

| code | what is wrong                                                                  |
|------|--------------------------------------------------------------------------------|
| P013 | no owner, no approver, one who is the owner, no end, or one after 90 days      |
| P014 | a scope with a wildcard, or of nobody in particular                            |
| P021 | an exception that could change nothing: an unknown rule, or nothing to waive   |
| P022 | a rule that is not waivable                                                    |
| P024 | a warning: the exception has ended, or ends within a week                      |
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from gateway.adapters.policy_detectors import classes_of
from gateway.adapters.policy_reader import API_VERSION, checked_name
from gateway.adapters.strict_yaml import Mark, PolicyError, YamlMap, YamlNode, parse, shown
from gateway.adapters.yaml_fields import Fields, Problems, did_you_mean
from gateway.domain.conditions import (
    AllOf,
    AnyOf,
    ClassIs,
    Condition,
    ContextIs,
    FindingIs,
    LabelIs,
    Not,
    TaskIs,
    matches,
)
from gateway.domain.detectors import reported_by
from gateway.domain.exceptions import (
    DAY,
    LONGEST_DAYS,
    Callers,
    EntityCounts,
    OneEntity,
    PolicyException,
    Waives,
    WholeRule,
)
from gateway.domain.labels import Classification, Entity, Label
from gateway.domain.policy import Block, Policy, RouteExternal, RouteLocal, Rule, TransformOnly
from gateway.domain.sensitivity import classify

SOON_DAYS = 7
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_CALLER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
_MOST_USES = 1_000_000
_ANSWERABLE = ("owner", "approver")
_SCOPE = ("apps", "tenants", "keys")
_NEVER = -1


@dataclass(frozen=True, slots=True)
class ReadException:
    """What one file gives. `exceptions` holds the exception, or nothing where there is an error."""

    exceptions: tuple[PolicyException, ...]
    errors: tuple[PolicyError, ...]
    warnings: tuple[PolicyError, ...]


def read_exception(
    file: str, data: bytes, policies: Sequence[Policy], entities: frozenset[Entity], today: date
) -> ReadException:
    """The exception of one file, held against the policies that it is for.

    `entities` are those that some recogniser can report; `today` is for ends that are near.
    """
    parsed = parse(file, data)
    problems = Problems(file)
    problems.errors += parsed.problems
    exceptions = _Reader(problems, parsed.root, policies, entities).exceptions(today)
    errors = tuple(sorted(set(problems.errors)))
    return ReadException(() if errors else exceptions, errors, tuple(sorted(set(problems.warnings))))


def moment_of(fields: Fields, key: str) -> int:
    """The moment of `key` in microseconds since the epoch; negative, with a problem told, where it is none."""
    given = fields.text(key)
    try:
        if _MOMENT.fullmatch(given):
            return int(datetime.fromisoformat(given).timestamp()) * 1_000_000
    except ValueError:
        pass
    fields.problems.error(fields.place(key), "P005", f"'{key}' is a moment in UTC, written YYYY-MM-DDTHH:MM:SSZ")
    return _NEVER


def written(moment: int) -> str:
    """A moment in microseconds since the epoch as files write it."""
    return (datetime.fromtimestamp(0, UTC) + timedelta(microseconds=moment)).strftime("%Y-%m-%dT%H:%M:%SZ")


class _Reader:
    def __init__(
        self, problems: Problems, root: YamlNode, policies: Sequence[Policy], entities: frozenset[Entity]
    ) -> None:
        required = ("apiVersion", "kind", "metadata", "scope", "not_before", "max_uses", "waives")
        self._problems = problems
        self._policies = policies
        self._entities = entities
        self._root = Fields(problems, root, "an exception", required=required, optional=("expires", "counts_as"))

    def exceptions(self, today: date) -> tuple[PolicyException, ...]:
        self._root.choice("apiVersion", (API_VERSION,))
        self._root.choice("kind", ("Exception",))
        told = self._metadata()
        callers = self._callers()
        not_before, expires = self._period(today)
        max_uses = self._root.whole("max_uses", 1, _MOST_USES, 1)
        rules, waives = self._waives(callers)
        if self._problems.errors:
            return ()
        assert callers  # without callers there is an error
        exception = PolicyException(
            id=told["name"],
            owner=told["owner"],
            approver=told["approver"],
            ticket=told["ticket"],
            reason=told["reason"],
            callers=callers[0],
            not_before=not_before,
            expires=expires,
            max_uses=max_uses,
            rules=frozenset(rules),
            waives=waives,
        )
        return (exception,)

    def _metadata(self) -> Mapping[str, str]:
        """Who answers for the exception, and why there is one."""
        node = self._root.node("metadata") if "metadata" in self._root else YamlMap(self._root.mark, ())
        required = ("name", "ticket", "reason") if "metadata" in self._root else ()
        fields = Fields(self._problems, node, "'metadata'", required=required, optional=_ANSWERABLE)
        told = {key: fields.text(key).strip() for key in ("owner", "approver", "ticket", "reason")}
        for key in _ANSWERABLE:
            if key not in fields:
                self._problems.error(fields.mark, "P013", f"the exception has no '{key}'")
        if told["owner"] and told["owner"].casefold() == told["approver"].casefold():
            self._problems.error(fields.place("approver"), "P013", "the approver is the owner: somebody else approves")
        return {**told, "name": checked_name(fields, "name", _NAME)}

    def _callers(self) -> tuple[Callers, ...]:
        """Whom it is for; nothing, with a problem told, where that is nobody or everybody."""
        if "scope" not in self._root:
            return ()
        fields = Fields(self._problems, self._root.node("scope"), "'scope'", required=(), optional=_SCOPE)
        named = {key: self._names(fields, key) for key in _SCOPE}
        if not any(named.values()):
            if not any(key in fields for key in _SCOPE):
                self._problems.error(fields.mark, "P014", "the scope names no app, tenant or key: it means everybody")
            return ()
        return (Callers(named["apps"], named["tenants"], named["keys"]),)

    def _names(self, fields: Fields, key: str) -> frozenset[str]:
        given = fields.texts(key)
        for mark, name in given:
            if "*" in name:
                self._problems.error(mark, "P014", "an exception names each caller exactly: no wildcard")
            elif name and not _CALLER.fullmatch(name):
                self._problems.error(mark, "P005", f"a caller's name matches {_CALLER.pattern}")
        return frozenset(name for _, name in given if name)

    def _period(self, today: date) -> tuple[int, int]:
        begin = moment_of(self._root, "not_before") if "not_before" in self._root else _NEVER
        if "expires" not in self._root:
            self._problems.error(self._root.mark, "P013", "the exception has no 'expires'")
            return _NEVER, _NEVER
        end, place = moment_of(self._root, "expires"), self._root.place("expires")
        if _NEVER in {begin, end}:
            return _NEVER, _NEVER
        if end <= begin:
            self._problems.error(place, "P005", "'expires' is not after 'not_before'")
        elif end - begin > LONGEST_DAYS * DAY:
            self._problems.error(place, "P013", f"'expires' is more than {LONGEST_DAYS} days after 'not_before'")
        self._warn_of_the_end(place, end, today)
        return begin, end

    def _warn_of_the_end(self, place: Mark, end: int, today: date) -> None:
        now = int(datetime(today.year, today.month, today.day, tzinfo=UTC).timestamp()) * 1_000_000
        if end <= now:
            self._problems.warn(place, "P024", f"this exception has ended ({written(end)}): remove the file")
        elif end - now <= SOON_DAYS * DAY:
            self._problems.warn(place, "P024", f"this exception ends within {SOON_DAYS} days ({written(end)})")

    def _waives(self, callers: tuple[Callers, ...]) -> tuple[tuple[str, ...], Waives]:
        if "waives" not in self._root:
            return (), WholeRule()
        optional = ("detector", "entity")
        fields = Fields(self._problems, self._root.node("waives"), "'waives'", required=("rules",), optional=optional)
        entities = self._one_entity(fields)
        rules = fields.texts("rules")
        for mark, name in rules:
            if name:
                self._check_rule(mark, name, entities, callers)
        return tuple(name for _, name in rules), self._counted(entities, named=any(key in fields for key in optional))

    def _one_entity(self, fields: Fields) -> tuple[Entity, ...]:
        """The one entity that is spoken of; none where the exception speaks of whole rules."""
        if "detector" in fields and "entity" in fields:
            self._problems.error(fields.place("entity"), "P005", "'waives' has either 'detector' or 'entity'")
        if "detector" in fields:
            return self._reported(fields)
        given = fields.text("entity")
        known = {*self._entities, *(reported_by(d) for policy in self._policies for d in policy.own_detectors)}
        if given and given not in known:
            self._problems.unknown(fields.place("entity"), "P016", "entity", given, known)
        return (Entity(given),) if given else ()

    def _reported(self, fields: Fields) -> tuple[Entity, ...]:
        given = fields.text("detector")
        detectors = [d for policy in self._policies for d in policy.detectors]
        entities = sorted({reported_by(d) for d in detectors if d.id == given})
        if given and not entities:
            self._problems.unknown(fields.place("detector"), "P016", "detector", given, {d.id for d in detectors})
        if len(entities) > 1:
            message = f"{shown(given)} reports another entity in each policy: name the entity"
            self._problems.error(fields.place("detector"), "P016", message)
        return tuple(entities[:1])

    def _check_rule(self, mark: Mark, name: str, entities: tuple[Entity, ...], callers: tuple[Callers, ...]) -> None:
        """A waived rule exists, holds for these callers, may be waived, and does something that can be waived."""
        known = {rule.id for policy in self._policies for rule in policy.rules}
        holding = [policy for policy in self._policies if all(_speaks_of(policy, each) for each in callers)]
        rules = [rule for policy in holding for rule in policy.rules if rule.id == name]
        if name not in known:
            self._problems.error(mark, "P021", f"there is no rule {shown(name)}{did_you_mean(name, known)}")
        elif not rules:
            self._problems.error(mark, "P021", f"the rule {shown(name)} does not hold for the callers of 'scope'")
        elif any(rule.non_waivable for rule in rules):
            self._problems.error(mark, "P022", f"the rule {shown(name)} is non_waivable")
        elif all(rule.shadow for rule in rules):
            self._problems.error(mark, "P021", f"the rule {shown(name)} is in shadow and decides nothing")
        elif not any(_could_waive(rule, entities) for rule in rules):
            what = f"nothing that {shown(entities[0])} makes it do" if entities else "nothing that can be waived"
            self._problems.error(mark, "P021", f"the rule {shown(name)} does {what}")

    def _counted(self, entities: tuple[Entity, ...], *, named: bool) -> Waives:
        if "counts_as" not in self._root:
            return OneEntity(entities[0]) if entities else WholeRule()
        place, scale = self._root.place("counts_as"), self._policies[0].scale if self._policies else None
        fields = Fields(
            self._problems, self._root.node("counts_as"), "'counts_as'", required=("label",), optional=("classes",)
        )
        if not named:
            self._problems.error(place, "P006", "'counts_as' needs a 'detector' or an 'entity' at 'waives'")
        if not entities or scale is None:
            return WholeRule()
        label = Label(fields.choice("label", scale.labels, code="P016"))
        counts = Classification(label, classes_of(fields, "classes"))
        meant = classify(entities[0], self._policies, scale)
        if scale.at_most(meant.label, label) and meant.classes <= counts.classes:
            self._problems.error(place, "P021", f"{shown(entities[0])} counts as no more than this already")
        return EntityCounts(entities[0], counts)


def _speaks_of(policy: Policy, callers: Callers) -> bool:
    """Whether a policy speaks of one of these callers."""
    dimensions = ((callers.apps, policy.scope.apps), (callers.tenants, policy.scope.tenants))
    return all(any(matches(name, each) for name in names for each in scope) for names, scope in dimensions if names)


def _could_waive(rule: Rule, entities: tuple[Entity, ...]) -> bool:
    """Whether waiving a rule, as far as these entities make it match, could change anything."""
    match rule.then:
        case Block() | RouteLocal():
            return not entities or any(_depends_on(rule.when, entity) for entity in entities)
        case RouteExternal(transforms=transforms) | TransformOnly(transforms=transforms):
            made = {transform.entity for transform in transforms}
            return bool(made.intersection(entities) if entities else made)


def _depends_on(condition: Condition, entity: Entity) -> bool:
    """Whether findings of an entity can make a condition true or false: by themselves, by their label or classes."""
    match condition:
        case FindingIs(entity=named):
            return named == entity
        case ClassIs() | LabelIs():
            return True
        case ContextIs() | TaskIs():
            return False
        case AnyOf(conditions=inner) | AllOf(conditions=inner):
            return any(_depends_on(each, entity) for each in inner)
        case Not(condition=inner_one):
            return _depends_on(inner_one, entity)
