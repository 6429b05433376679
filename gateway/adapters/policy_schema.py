"""JSON Schema (2020-12) of the policy files, so that editors complete and check while somebody writes.

The words come from where the reader has them: entities, operators, classes, severities, sources. A schema cannot say
everything that lint says (a name that is defined elsewhere in the file, a clearance, a pattern that is not RE2), so a
file that is valid here can still be refused; a file that loads is valid here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from gateway.adapters.policy_reader import API_VERSION, KNOWN_ENTITIES
from gateway.domain.answer_links import LinkKind
from gateway.domain.answer_rules import AnswerAction
from gateway.domain.conditions import ContextField
from gateway.domain.declaration import Source
from gateway.domain.evidence import Route
from gateway.domain.finding import CONFIDENCE
from gateway.domain.labels import STANDARD_LABELS, DataClass
from gateway.domain.policy import Operator, Severity, Zone
from gateway.domain.strict_json import Json

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_NAME: Final = "^[a-z0-9][a-z0-9._-]{0,63}$"
_REASON: Final = "^[A-Z0-9][A-Z0-9_]{0,63}$"
_LABEL: Final = "^[a-z][a-z0-9_-]{0,31}$"
_DETECTOR_ID: Final = "^[a-z0-9][a-z0-9_-]{0,49}$"
_CONTROL: Final = "^[A-Za-z0-9][A-Za-z0-9 ._:()/-]{0,63}$"
_DAY: Final = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
_MOMENT: Final = "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$"
_EXACT_CALLER: Final = "^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$"
_CALLER: Final = "^[^*]*\\*?$"
_DESTINATION: Final = "^(?!(?:local|external)$)[a-z0-9][a-z0-9._-]{0,63}$"


def policy_schema() -> Json:
    """The schema of all kinds of files: `kind` says which part holds."""
    kinds = {"Policy": _policy(), "PolicyTest": _test(), "Exception": _exception()}
    return {
        "$schema": DIALECT,
        "title": "Policy files of the gateway",
        "type": "object",
        "required": ["apiVersion", "kind"],
        "properties": {"apiVersion": {"const": API_VERSION}, "kind": _one_of(kinds)},
        "allOf": [
            {
                "if": {"properties": {"kind": {"const": kind}}, "required": ["kind"]},
                "then": {"$ref": f"#/$defs/{kind}"},
            }
            for kind in kinds
        ],
        "$defs": {**kinds, **_parts()},
    }


def _policy() -> Json:
    return _object(
        "What a bundle decides: destinations with their clearances, and rules.",
        required={
            "apiVersion": {"const": API_VERSION},
            "kind": {"const": "Policy"},
            "metadata": _object(
                "Name and owner.",
                required={"name": _text(_NAME)},
                optional={"owner": _text(), "description": _text(), "controls": _texts(_text(_CONTROL))},
            ),
            "destinations": _named(_DESTINATION, "destination", "What each destination may see at most."),
            "rules": {"type": "array", "items": _ref("rule"), "description": "In any order: the strictest wins."},
        },
        optional={
            "scope": _object(
                "Which callers this policy speaks of; without it, all.",
                optional={"apps": _texts(_text(_CALLER)), "tenants": _texts(_text(_CALLER))},
            ),
            "labels": _texts(_text(_LABEL)) | {"description": "Lowest first."},
            "detectors": _named(_DETECTOR_ID, "detector", "What entities mean here, own patterns and terms."),
            "answers": {"type": "array", "items": _ref("answer"), "description": "What of an answer is masked."},
            "default": _default(),
            "on_failure": _on_failure(),
        },
    )


def _parts() -> dict[str, Json]:
    """The definitions that others refer to."""
    return {
        "entity": {
            "anyOf": [_one_of(KNOWN_ENTITIES), _text(_DETECTOR_ID)],
            "description": "An entity of the shipped detector, or the id of a detector of this policy.",
        },
        "label": {"anyOf": [_one_of(STANDARD_LABELS), _text(_LABEL)]},
        "class": _one_of(DataClass),
        "confidence": _one_of(CONFIDENCE),
        "status": {"type": "integer", "minimum": 400, "maximum": 599, "description": "An HTTP status."},
        "destination": _object(
            "A clearance.",
            required={"zone": _one_of(Zone), "max_label": _ref("label")},
            optional={"never": _texts(_ref("class"))},
        ),
        "detector": _detector(),
        "condition": _condition(),
        "consequence": _consequence(),
        "rule": _rule(),
        "answer": _answer(),
        "finding": _finding_fact(),
        "case": _case(),
    }


def _detector() -> Json:
    means: dict[str, Json] = {"label": _ref("label")}
    classes: dict[str, Json] = {"classes": _texts(_ref("class"))}
    word = _text() | {"maxLength": 4000}
    evidence = _object(
        "Words that make a match surer.",
        required={"words": _texts(word), "within_chars": {"type": "integer", "minimum": 1, "maximum": 1000}},
    )
    sure = _object("", required={"alone": _ref("confidence")}, optional={"with_evidence": _ref("confidence")})
    kinds: list[Json] = [
        _object(
            "What an entity means here.",
            required={"type": {"const": "entity"}, "entity": _one_of(KNOWN_ENTITIES), **means},
            optional=classes,
        ),
        _object(
            "An own pattern in RE2.",
            required={"type": {"const": "pattern"}, "re2": _text() | {"maxLength": 2000}, **means},
            optional={**classes, "evidence": evidence, "confidence": sure},
        ),
        _object(
            "An own list of phrases.",
            required={"type": {"const": "terms"}, "terms": _texts(word), **means},
            optional=classes,
        ),
    ]
    return {"oneOf": kinds}


def _condition() -> Json:
    """One key: a test, or a combination of conditions."""
    several: Json = {"type": "array", "items": _ref("condition"), "minItems": 1}
    names = _texts(_text(_CALLER))
    label = _object("", optional={"at_least": _ref("label"), "at_most": _ref("label")}) | {"minProperties": 1}
    tests: dict[str, Json] = {
        "any": several,
        "all": several,
        "not": _ref("condition"),
        "finding": _finding_condition(),
        "class": _texts(_ref("class")),
        "label": label,
        **{each.value: names for each in ContextField},
    }
    return _object("A condition is one key.", optional=tests) | {"minProperties": 1, "maxProperties": 1}


def _finding_condition() -> Json:
    optional: dict[str, Json] = {
        "entity": _ref("entity"),
        "detector": _text(_DETECTOR_ID),
        "min_confidence": _ref("confidence"),
        "min_count": {"type": "integer", "minimum": 1, "maximum": 1_000_000},
        "source": _texts(_one_of(Source)),
        "sources": _texts(_one_of(Source)),
    }
    one: list[Json] = [{"required": ["entity"]}, {"required": ["detector"]}]
    return _object("What was found.", optional=optional) | {
        "oneOf": one,
        "not": {"required": ["source", "sources"]},
    }


def _consequence() -> Json:
    transform = _object("", required={"entity": _ref("entity"), "with": _one_of(Operator)})
    optional: dict[str, Json] = {
        "block": _ref("status"),
        "route": _text() | {"description": "local, external, or the name of a destination."},
        "transform": {"type": "array", "items": transform, "minItems": 1},
    }
    return _object("What happens when the rule matches.", optional=optional) | {
        "minProperties": 1,
        "dependentSchemas": {"block": {"maxProperties": 1}},
    }


def _rule() -> Json:
    return _object(
        "A rule.",
        required={
            "id": _text(_NAME),
            "reason": _text(_REASON) | {"description": "The code that is recorded and told."},
            "severity": _one_of(Severity),
            "when": _ref("condition"),
            "then": _ref("consequence"),
        },
        optional={
            "controls": _texts(_text(_CONTROL)) | {"description": "The clauses that this rule serves."},
            "tell_user": _text() | {"maxLength": 500, "description": "What the caller is told."},
            "non_waivable": {"type": "boolean", "description": "No exception lifts this rule."},
            "mode": _one_of(("enforce", "shadow")),
            "shadow_until": _text(_DAY),
        },
    ) | {"dependentSchemas": {"shadow_until": {"required": ["mode"], "properties": {"mode": {"const": "shadow"}}}}}


def _answer() -> Json:
    common: dict[str, Json] = {"id": _text(_NAME), "then": _one_of(AnswerAction)}
    findings: dict[str, Json] = {
        "entities": _texts(_ref("entity")),
        "classes": _texts(_ref("class")),
        "new": {"type": "boolean", "description": "Only values that the request did not hold."},
        "min_confidence": _ref("confidence"),
    }
    named: list[Json] = [{"required": ["entities"]}, {"required": ["classes"]}]
    links: dict[str, Json] = {"allow": _texts(_text())}
    kinds: list[Json] = [
        _object("Findings in an answer.", required=common, optional=findings) | {"anyOf": named},
        _object("Addresses in an answer.", required={**common, "links": _texts(_one_of(LinkKind))}, optional=links),
    ]
    return {"oneOf": kinds}


def _default() -> Json:
    optional: dict[str, Json] = {"route": _text() | {"not": {"const": "external"}}, "block": _ref("status")}
    one: list[Json] = [{"required": ["route"]}, {"required": ["block"]}]
    return _object(
        "What no rule speaks of: inside or refused.", required={"reason": _text(_REASON)}, optional=optional
    ) | {"oneOf": one}


def _on_failure() -> Json:
    unread = _object("", optional={"treat_as": _ref("label"), "block": _ref("status")}) | {
        "minProperties": 1,
        "maxProperties": 1,
    }
    down = _object("", required={"block": _ref("status")})
    return _object(
        "What could not be examined.", optional={"detector": unread, "opaque_part": unread, "local_model_down": down}
    )


def _test() -> Json:
    return _object(
        "Cases that say what the bundle has to decide.",
        required={
            "apiVersion": {"const": API_VERSION},
            "kind": {"const": "PolicyTest"},
            "metadata": _object("", required={"name": _text()}, optional={"description": _text()}),
            "alias": _alias(),
            "cases": {"type": "array", "items": _ref("case"), "minItems": 1},
        },
    )


def _exception() -> Json:
    who = {key: _text() for key in ("owner", "approver", "ticket", "reason")}
    names = _texts(_text(_EXACT_CALLER))
    waives = _object(
        "Rules, as far as one entity makes them match where one is named.",
        required={"rules": _texts(_text(_NAME))},
        optional={"detector": _text(_DETECTOR_ID), "entity": _ref("entity")},
    ) | {"not": {"required": ["detector", "entity"]}}
    return _object(
        "An exception from rules: for named callers, for a time, for a number of uses.",
        required={
            "apiVersion": {"const": API_VERSION},
            "kind": {"const": "Exception"},
            "metadata": _object("Who answers for it, and why.", required={"name": _text(_NAME), **who}),
            "scope": _object("Exact names.", optional=dict.fromkeys(("apps", "tenants", "keys"), names))
            | {"minProperties": 1},
            "not_before": _text(_MOMENT),
            "expires": _text(_MOMENT) | {"description": "No longer at this second; at most 90 days after not_before."},
            "max_uses": {"type": "integer", "minimum": 1, "maximum": 1_000_000},
            "waives": waives,
        },
        optional={
            "counts_as": _object(
                "What the entity counts as where it is allowed to leave.",
                required={"label": _ref("label")},
                optional={"classes": _texts(_ref("class"))},
            )
        },
    )


def _alias() -> Json:
    return _object(
        "Where the model of a case may go.",
        optional={"external": _text(), "local": _text()},
    )


def _case() -> Json:
    whole: Json = {"type": "integer", "minimum": 0, "maximum": 1_000_000}
    words = ("app", "tenant", "key", "purpose", "model")
    facts = _object(
        "What is known of the request; what is left out is plain.",
        optional={
            **{word: _text() for word in words},
            "claimed_label": _ref("label"),
            "at": _text(_MOMENT),
            **dict.fromkeys(("leaves", "failed", "opaque"), whole),
            "findings": {"type": "array", "items": _ref("finding")},
        },
    )
    some: list[Json] = [{"required": ["facts"]}, {"required": ["input"]}]
    return _object(
        "A case.",
        required={"id": _text(_NAME), "expect": _expectation()},
        optional={"facts": facts, "input": _text(), "alias": _alias()},
    ) | {"anyOf": some}


def _finding_fact() -> Json:
    return _object(
        "A kind of value that was found.",
        required={"entity": _ref("entity")},
        optional={
            "confidence": _ref("confidence"),
            "count": {"type": "integer", "minimum": 1, "maximum": 1_000_000},
            "source": _one_of(Source),
        },
    )


def _expectation() -> Json:
    listed = _list_or_one(_text(), least=0)
    optional: dict[str, Json] = {
        "route": _one_of(Route),
        "destination": _text(),
        "label": _ref("label"),
        "reason": _text(_REASON),
        "status": _ref("status"),
        "classes": _list_or_one(_ref("class"), least=0),
        "transforms": _list_or_one(_ref("entity"), least=0),
        "rules": listed,
        "shadow": listed,
        "exception": listed,
    }
    return _object("What has to come out; what is left out is not looked at.", optional=optional) | {"minProperties": 1}


_NONE: Final[Mapping[str, Json]] = {}


def _object(
    description: str, *, required: Mapping[str, Json] = _NONE, optional: Mapping[str, Json] = _NONE
) -> dict[str, Json]:
    """An object of these keys and no others."""
    told: dict[str, Json] = {"description": description} if description else {}
    needed: dict[str, Json] = {"required": list(required)} if required else {}
    properties: dict[str, Json] = {**required, **optional}
    return {**told, "type": "object", **needed, "properties": properties, "additionalProperties": False}


def _named(pattern: str, part: str, description: str) -> Json:
    """A mapping of names to values of one kind."""
    names: Json = {"pattern": pattern}
    return {
        "type": "object",
        "description": description,
        "propertyNames": names,
        "additionalProperties": _ref(part),
    }


def _text(pattern: str = "") -> dict[str, Json]:
    return {"type": "string", "pattern": pattern} if pattern else {"type": "string", "pattern": "\\S"}


def _texts(item: Json) -> dict[str, Json]:
    """One, or a list of at least one."""
    return _list_or_one(item, least=1)


def _list_or_one(item: Json, least: int) -> dict[str, Json]:
    several: Json = {"type": "array", "items": item, "minItems": least}
    return {"anyOf": [item, several]}


def _one_of(words: Iterable[str]) -> dict[str, Json]:
    return {"enum": [str(word) for word in (sorted(words) if isinstance(words, frozenset) else words)]}


def _ref(part: str) -> dict[str, Json]:
    return {"$ref": f"#/$defs/{part}"}
