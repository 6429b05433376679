"""JSON Schema (2020-12) of the policy files, so that editors complete and check while somebody writes.

The words come from where the reader has them: entities, operators, classes, severities, sources. A schema cannot say
everything that lint says (a name that is defined elsewhere in the file, a clearance, a pattern that is not RE2), so a
file that is valid here can still be refused; a file that loads is valid here.
"""

from __future__ import annotations

from typing import Final

from gateway.adapters.policy_conditions import TASKS
from gateway.adapters.policy_reader import API_VERSION, KNOWN_ENTITIES
from gateway.adapters.policy_schema_detectors import detector_schema
from gateway.adapters.schema_parts import list_or_one, named, object_of, one_of, ref, text, texts
from gateway.domain.answer_links import LinkKind
from gateway.domain.answer_rules import AnswerAction
from gateway.domain.capability import Capability, Instead, Recourse
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
_LABEL: Final = "^(?!(?:[^0-9]*[0-9]){7})[a-z][a-z0-9_-]{0,31}$"
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
        "properties": {"apiVersion": {"const": API_VERSION}, "kind": one_of(kinds)},
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
    return object_of(
        "What a bundle decides: destinations with their clearances, and rules.",
        required={
            "apiVersion": {"const": API_VERSION},
            "kind": {"const": "Policy"},
            "metadata": object_of(
                "Name and owner.",
                required={"name": text(_NAME)},
                optional={"owner": text(), "description": text(), "controls": texts(text(_CONTROL))},
            ),
            "destinations": named(_DESTINATION, "destination", "What each destination may see at most."),
            "rules": {"type": "array", "items": ref("rule"), "description": "In any order: the strictest wins."},
        },
        optional={
            "scope": object_of(
                "Which callers this policy speaks of; without it, all.",
                optional={"apps": texts(text(_CALLER)), "tenants": texts(text(_CALLER))},
            ),
            "labels": texts(text(_LABEL)) | {"description": "Lowest first."},
            "detectors": named(_DETECTOR_ID, "detector", "What entities mean here, own patterns and terms."),
            "answers": {"type": "array", "items": ref("answer"), "description": "What of an answer is masked."},
            "default": _default(),
            "on_failure": _on_failure(),
            "incapable": _incapable(),
        },
    )


def _parts() -> dict[str, Json]:
    """The definitions that others refer to."""
    return {
        "entity": {
            "anyOf": [one_of(KNOWN_ENTITIES), text(_DETECTOR_ID)],
            "description": "An entity of the shipped detector, or the id of a detector of this policy.",
        },
        "label": {"anyOf": [one_of(STANDARD_LABELS), text(_LABEL)]},
        "class": one_of(DataClass),
        "confidence": one_of(CONFIDENCE),
        "status": {"type": "integer", "minimum": 400, "maximum": 599, "description": "An HTTP status."},
        "destination": object_of(
            "A clearance.",
            required={"zone": one_of(Zone), "max_label": ref("label")},
            optional={"never": texts(ref("class"))},
        ),
        "detector": detector_schema(),
        "condition": _condition(),
        "consequence": _consequence(),
        "rule": _rule(),
        "answer": _answer(),
        "finding": _finding_fact(),
        "case": _case(),
    }


def _condition() -> Json:
    """One key: a test, or a combination of conditions."""
    several: Json = {"type": "array", "items": ref("condition"), "minItems": 1}
    names = texts(text(_CALLER))
    label = object_of("", optional={"at_least": ref("label"), "at_most": ref("label")}) | {"minProperties": 1}
    tests: dict[str, Json] = {
        "any": several,
        "all": several,
        "not": ref("condition"),
        "finding": _finding_condition(),
        "class": texts(ref("class")),
        "label": label,
        "task": _task(),
        **{each.value: names for each in ContextField},
    }
    return object_of("A condition is one key.", optional=tests) | {"minProperties": 1, "maxProperties": 1}


def _task() -> Json:
    tasks = texts(one_of(TASKS))
    sure = object_of("", required={"is": tasks}, optional={"min_confidence": ref("confidence")})
    told: list[Json] = [tasks, sure]
    return {"anyOf": told, "description": "What the conversation asks a model to do. It can only tighten."}


def _finding_condition() -> Json:
    optional: dict[str, Json] = {
        "entity": ref("entity"),
        "detector": text(_DETECTOR_ID),
        "min_confidence": ref("confidence"),
        "min_count": {"type": "integer", "minimum": 1, "maximum": 1_000_000},
        "source": texts(one_of(Source)),
        "sources": texts(one_of(Source)),
    }
    one: list[Json] = [{"required": ["entity"]}, {"required": ["detector"]}]
    return object_of("What was found.", optional=optional) | {
        "oneOf": one,
        "not": {"required": ["source", "sources"]},
    }


def _consequence() -> Json:
    transform = object_of("", required={"entity": ref("entity"), "with": one_of(Operator)})
    optional: dict[str, Json] = {
        "block": ref("status"),
        "route": text() | {"description": "local, external, or the name of a destination."},
        "transform": {"type": "array", "items": transform, "minItems": 1},
    }
    return object_of("What happens when the rule matches.", optional=optional) | {
        "minProperties": 1,
        "dependentSchemas": {"block": {"maxProperties": 1}},
    }


def _rule() -> Json:
    return object_of(
        "A rule.",
        required={
            "id": text(_NAME),
            "reason": text(_REASON) | {"description": "The code that is recorded and told."},
            "severity": one_of(Severity),
            "when": ref("condition"),
            "then": ref("consequence"),
        },
        optional={
            "controls": texts(text(_CONTROL)) | {"description": "The clauses that this rule serves."},
            "tell_user": text() | {"maxLength": 500, "description": "What the caller is told."},
            "non_waivable": {"type": "boolean", "description": "No exception lifts this rule."},
            "mode": one_of(("enforce", "shadow")),
            "shadow_until": text(_DAY),
        },
    ) | {"dependentSchemas": {"shadow_until": {"required": ["mode"], "properties": {"mode": {"const": "shadow"}}}}}


def _answer() -> Json:
    common: dict[str, Json] = {"id": text(_NAME), "then": one_of(AnswerAction)}
    findings: dict[str, Json] = {
        "entities": texts(ref("entity")),
        "classes": texts(ref("class")),
        "new": {"type": "boolean", "description": "Only values that the request did not hold."},
        "min_confidence": ref("confidence"),
    }
    named: list[Json] = [{"required": ["entities"]}, {"required": ["classes"]}]
    links: dict[str, Json] = {"allow": texts(text())}
    kinds: list[Json] = [
        object_of("Findings in an answer.", required=common, optional=findings) | {"anyOf": named},
        object_of("Addresses in an answer.", required={**common, "links": texts(one_of(LinkKind))}, optional=links),
    ]
    return {"oneOf": kinds}


def _default() -> Json:
    optional: dict[str, Json] = {"route": text() | {"not": {"const": "external"}}, "block": ref("status")}
    one: list[Json] = [{"required": ["route"]}, {"required": ["block"]}]
    return object_of(
        "What no rule speaks of: inside or refused.", required={"reason": text(_REASON)}, optional=optional
    ) | {"oneOf": one}


def _on_failure() -> Json:
    unread = object_of("", optional={"treat_as": ref("label"), "block": ref("status")}) | {
        "minProperties": 1,
        "maxProperties": 1,
    }
    down = object_of("", required={"block": ref("status")})
    return object_of(
        "What could not be examined.", optional={"detector": unread, "opaque_part": unread, "local_model_down": down}
    )


def _incapable() -> Json:
    block = object_of("", required={"block": ref("status")})
    told: dict[Capability, list[Json]] = {
        each: [block, one_of([i for i in Instead if each is not Capability.CONTEXT or i is Instead.SEND])]
        for each in Capability
    }
    return object_of(
        "What happens where the model inside cannot do what is asked: refuse, answer without, send with stand-ins.",
        optional={each.value: {"anyOf": kinds} for each, kinds in told.items()},
    )


def _test() -> Json:
    return object_of(
        "Cases that say what the bundle has to decide.",
        required={
            "apiVersion": {"const": API_VERSION},
            "kind": {"const": "PolicyTest"},
            "metadata": object_of("", required={"name": text()}, optional={"description": text()}),
            "alias": _alias(),
            "cases": {"type": "array", "items": ref("case"), "minItems": 1},
        },
    )


def _exception() -> Json:
    who = {key: text() for key in ("owner", "approver", "ticket", "reason")}
    names = texts(text(_EXACT_CALLER))
    waives = object_of(
        "Rules, as far as one entity makes them match where one is named.",
        required={"rules": texts(text(_NAME))},
        optional={"detector": text(_DETECTOR_ID), "entity": ref("entity")},
    ) | {"not": {"required": ["detector", "entity"]}}
    return object_of(
        "An exception from rules: for named callers, for a time, for a number of uses.",
        required={
            "apiVersion": {"const": API_VERSION},
            "kind": {"const": "Exception"},
            "metadata": object_of("Who answers for it, and why.", required={"name": text(_NAME), **who}),
            "scope": object_of("Exact names.", optional=dict.fromkeys(("apps", "tenants", "keys"), names))
            | {"minProperties": 1},
            "not_before": text(_MOMENT),
            "expires": text(_MOMENT) | {"description": "No longer at this second; at most 90 days after not_before."},
            "max_uses": {"type": "integer", "minimum": 1, "maximum": 1_000_000},
            "waives": waives,
        },
        optional={
            "counts_as": object_of(
                "What the entity counts as where it is allowed to leave.",
                required={"label": ref("label")},
                optional={"classes": texts(ref("class"))},
            )
        },
    )


def _alias() -> Json:
    return object_of(
        "Where the model of a case may go.",
        optional={"external": text(), "local": text()},
    )


def _case() -> Json:
    whole: Json = {"type": "integer", "minimum": 0, "maximum": 1_000_000}
    words = ("app", "tenant", "key", "purpose", "model")
    facts = object_of(
        "What is known of the request; what is left out is plain.",
        optional={
            **{word: text() for word in words},
            "claimed_label": ref("label"),
            "at": text(_MOMENT),
            **dict.fromkeys(("leaves", "failed", "opaque"), whole),
            "findings": {"type": "array", "items": ref("finding")},
            "task": one_of(TASKS),
            "lacking": texts(one_of(Capability)) | {"description": "What the model inside cannot do of what is asked."},
        },
    )
    some: list[Json] = [{"required": ["facts"]}, {"required": ["input"]}]
    return object_of(
        "A case.",
        required={"id": text(_NAME), "expect": _expectation()},
        optional={"facts": facts, "input": text(), "alias": _alias()},
    ) | {"anyOf": some}


def _finding_fact() -> Json:
    return object_of(
        "A kind of value that was found.",
        required={"entity": ref("entity")},
        optional={
            "confidence": ref("confidence"),
            "count": {"type": "integer", "minimum": 1, "maximum": 1_000_000},
            "source": one_of(Source),
        },
    )


def _expectation() -> Json:
    listed = list_or_one(text(), least=0)
    optional: dict[str, Json] = {
        "route": one_of(Route),
        "destination": text(),
        "label": ref("label"),
        "reason": text(_REASON),
        "status": ref("status"),
        "classes": list_or_one(ref("class"), least=0),
        "transforms": list_or_one(ref("entity"), least=0),
        "rules": listed,
        "shadow": listed,
        "exception": listed,
        "recourse": one_of(Recourse),
    }
    return object_of("What has to come out; what is left out is not looked at.", optional=optional) | {
        "minProperties": 1
    }
