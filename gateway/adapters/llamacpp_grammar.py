"""What form an answer of llama.cpp must have, as a request says it; schemas that no grammar can express are refused."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.domain.errors import ErrorCode, refuse
from gateway.domain.strict_json import Json, object_at

_MAX_SCHEMA = 16 * 1024
_SCHEMA_PATH = "/response_format/json_schema/schema"


@dataclass(frozen=True, slots=True)
class Grammar:
    """What form the answer must have. `kind`: `free`, `json` (any object), `schema` or `calls`. `schema` is JSON text:
    of the schema, or of {"most": n, "tools": [[name, schema of its arguments]]}."""

    kind: str
    schema: str = field(default="", repr=False)


def grammar_of(form: Mapping[str, Json]) -> Grammar:
    """The grammar of a `response_format`. Raises `CallerError(UNSUPPORTED_BY_LOCAL_MODEL)`."""
    match form.get("type"):
        case None | "text":
            return Grammar("free")
        case "json_object":
            return Grammar("json")
        case _:
            schema = object_at(object_at(form, "json_schema"), "schema")
            return Grammar("schema", schema_text(schema, _SCHEMA_PATH)) if schema else Grammar("json")


def schema_text(schema: Mapping[str, Json], place: str) -> str:
    """A schema as JSON text. Raises `CallerError(UNSUPPORTED_BY_LOCAL_MODEL)` at `place`, if no grammar can say it."""
    text = json.dumps(schema)
    if len(text) > _MAX_SCHEMA or not _expressible(dict(schema)):
        refuse(ErrorCode.UNSUPPORTED_BY_LOCAL_MODEL, place)
    return text


def _expressible(value: Json) -> bool:
    """Whether a grammar of bounded size can say it: no patterns, no references elsewhere, no huge repetitions."""
    if isinstance(value, list):
        return all(_expressible(item) for item in value)
    if not isinstance(value, dict):
        return True
    reference = value.get("$ref")
    if isinstance(value.get("pattern"), str) or (isinstance(reference, str) and not reference.startswith("#/")):
        return False
    bounds = [value.get(name) for name in ("minLength", "maxLength", "minItems", "maxItems")]
    if any(isinstance(bound, int | float) and not 0 <= bound <= 1000 for bound in bounds):
        return False
    return all(_expressible(item) for item in value.values())
