"""The SARIF log: valid in structure, and complete."""

from __future__ import annotations

import json

import jsonschema_rs

from gateway.adapters.policy_codes import POLICY_CODES
from gateway.adapters.policy_sarif import sarif_log
from gateway.adapters.strict_yaml import PolicyError

TEXT = {"type": "object", "required": ["text"], "properties": {"text": {"type": "string", "minLength": 1}}}
LEVEL = {"enum": ["none", "note", "warning", "error"]}
REGION = {
    "type": "object",
    "required": ["startLine", "startColumn"],
    "properties": {"startLine": {"type": "integer", "minimum": 1}, "startColumn": {"type": "integer", "minimum": 1}},
    "additionalProperties": False,
}
ARTIFACT = {"type": "object", "required": ["uri"], "properties": {"uri": {"type": "string", "format": "uri-reference"}}}
PHYSICAL = {
    "type": "object",
    "required": ["artifactLocation"],
    "properties": {"artifactLocation": ARTIFACT, "region": REGION},
    "additionalProperties": False,
}
RESULT = {
    "type": "object",
    "required": ["ruleId", "ruleIndex", "level", "message", "locations"],
    "properties": {
        "ruleId": {"enum": list(POLICY_CODES)},
        "ruleIndex": {"type": "integer", "minimum": 0, "maximum": len(POLICY_CODES) - 1},
        "level": LEVEL,
        "message": TEXT,
        "locations": {"type": "array", "items": {"type": "object", "properties": {"physicalLocation": PHYSICAL}}},
    },
    "additionalProperties": False,
}
RULE = {
    "type": "object",
    "required": ["id", "shortDescription"],
    "properties": {
        "id": {"type": "string", "pattern": "^P[0-9]{3}$"},
        "name": {"type": "string", "pattern": "^[A-Z][A-Za-z0-9]*$"},
        "shortDescription": TEXT,
        "fullDescription": TEXT,
        "help": TEXT,
        "defaultConfiguration": {"type": "object", "properties": {"level": LEVEL}},
    },
    "additionalProperties": False,
}
DRIVER = {
    "type": "object",
    "required": ["name"],
    "properties": {"name": {"type": "string"}, "rules": {"type": "array", "items": RULE, "uniqueItems": True}},
}
RUN = {
    "type": "object",
    "required": ["tool", "results"],
    "properties": {
        "tool": {"type": "object", "required": ["driver"], "properties": {"driver": DRIVER}},
        "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
        "results": {"type": "array", "items": RESULT},
    },
    "additionalProperties": False,
}
SARIF = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "required": ["version", "runs"],
    "properties": {
        "$schema": {"type": "string"},
        "version": {"const": "2.1.0"},
        "runs": {"type": "array", "items": RUN},
    },
    "additionalProperties": False,
}
"""The part of the SARIF 2.1.0 schema that this log makes use of."""

ERROR = PolicyError("a b.policy.yaml", 41, 7, "P016", "unknown entity 'SSN'")
WHOLE = PolicyError("c.policy.yaml", 0, 0, "P004", "the file is larger than 1 MiB")


def test_it_has_the_structure_of_sarif() -> None:
    """With results and without."""
    validator = jsonschema_rs.validator_for(SARIF)

    for errors in ([], [ERROR, WHOLE]):
        validator.validate(json.loads(json.dumps(sarif_log(errors, [], "policies"))))


def test_results_point_at_their_rules_and_places() -> None:
    """Paths are URIs below the folder; a whole file has no region; the level is as told."""
    log = json.loads(json.dumps(sarif_log([ERROR], [WHOLE], "etc/policies")))
    run = log["runs"][0]
    rules = run["tool"]["driver"]["rules"]

    assert [("P016", "error"), ("P004", "warning")] == [
        (rules[r["ruleIndex"]]["id"], r["level"]) for r in run["results"]
    ]
    places = [r["locations"][0]["physicalLocation"] for r in run["results"]]
    assert {"uri": "etc/policies/a%20b.policy.yaml"} == places[0]["artifactLocation"]
    assert ({"startLine": 41, "startColumn": 7}, False) == (places[0]["region"], "region" in places[1])


def test_every_code_is_a_rule_with_help() -> None:
    """Also those that were not met: a host shows them by id."""
    run = json.loads(json.dumps(sarif_log([], [], ".")))["runs"][0]
    rules = run["tool"]["driver"]["rules"]

    assert list(POLICY_CODES) == [rule["id"] for rule in rules]
    assert all(POLICY_CODES[rule["id"]].mend in rule["help"]["text"] for rule in rules)
    assert len(rules) == len({rule["name"] for rule in rules})
