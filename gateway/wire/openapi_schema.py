"""A declaration as a JSON schema (draft 2020-12, which is OpenAPI 3.1's): what a request may look like to be read.

What is refused is left out, and every object is closed, so a request that fits its schema is read and one that does not
is answered with 400. The schema says nothing of what the policy decides.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import assert_never

from gateway.domain.declaration import (
    ANY_NAME,
    AnyJson,
    ByType,
    Choice,
    Each,
    Field,
    Flag,
    Identifier,
    JsonSchema,
    JsonText,
    MapOf,
    Number,
    Opaque,
    Record,
    Refused,
    Sealed,
    Text,
    TokenId,
    Variants,
)
from gateway.domain.strict_json import Json
from gateway.domain.walk import IDENTIFIER, SEALED

Schema = dict[str, Json]

_NULL: Schema = {"type": "null"}


def schema_of(declaration: Field) -> Schema:
    """The schema of a field. One that is refused wherever it stands fits nothing."""
    match declaration:
        case Text() | JsonText():
            return {"type": "string"}
        case AnyJson() | JsonSchema():
            return {}
        case Identifier():
            return {"type": "string", "pattern": _whole(IDENTIFIER)}
        case Sealed():
            return {"type": "string", "pattern": _whole(SEALED)}
        case TokenId():
            return {"type": "integer", "minimum": 0}
        case Choice(values=values):
            return {"type": "string", "enum": list[Json](sorted(values))}
        case Number(low=low, high=high, integer=integer):
            return {"type": "integer" if integer else "number", "minimum": low, "maximum": high}
        case Flag():
            return {"type": "boolean"}
        case Opaque(media=media):
            return {"type": "string", "x-gateway-media": media}
        case Refused():
            return {"not": {}}
        case Record():
            return _object(declaration)
        case Variants():
            return _one_of(declaration)
        case Each():
            return _array(declaration)
        case MapOf():
            return _map(declaration)
        case ByType(string=string, array=array, object=object_, number=number):
            allowed = (each for each in (string, array, object_, number) if not isinstance(each, Refused))
            return _any_of([schema_of(each) for each in allowed])
        case _:
            assert_never(declaration)


def _object(record: Record) -> Schema:
    """A member that is not required may also be null, which says nothing."""
    properties: Schema = {}
    for name, field in record.fields.items():
        if not isinstance(field, Refused):
            properties[name] = schema_of(field) if name in record.required else _or_null(schema_of(field))
    properties |= {name: {} for name in sorted(record.extra - {ANY_NAME} - record.fields.keys())}
    refused = {name: False for name, field in record.fields.items() if isinstance(field, Refused)}
    schema: Schema = {"type": "object", "properties": properties, "additionalProperties": False}
    if ANY_NAME in record.extra:
        schema |= {"additionalProperties": True, "properties": {**properties, **refused}}
    if record.required:
        schema["required"] = list[Json](sorted(record.required))
    return schema


def _one_of(variants: Variants) -> Schema:
    cases = list[Json](_cases(variants))
    return {"oneOf": cases} if len(cases) != 1 else _first(cases)


def _cases(variants: Variants) -> Iterator[Schema]:
    """The objects that these are, each with the tag that tells it from the others."""
    for tag, case in variants.cases.items():
        inner = [_object(case)] if isinstance(case, Record) else list(_cases(case))
        yield from (_tagged(schema, variants.tag, tag, may_miss=tag == variants.untagged) for schema in inner)


def _tagged(schema: Schema, name: str, value: str, *, may_miss: bool) -> Schema:
    """`schema` with its tag told. A required list is kept sorted, and each name in it once."""
    known, required = schema["properties"], schema.get("required", [])
    if not isinstance(known, dict) or not isinstance(required, list):
        raise TypeError("the schema of a record has these")
    if may_miss:
        return {**schema, "properties": {**known, name: {"enum": [value, None]}}}
    names = {each for each in required if isinstance(each, str)} | {name}
    return {**schema, "properties": {**known, name: {"const": value}}, "required": list[Json](sorted(names))}


def _array(each: Each) -> Schema:
    schema: Schema = {"type": "array", "items": schema_of(each.item)}
    return {**schema, "minItems": each.least} if each.least else schema


def _map(declaration: MapOf) -> Schema:
    schema: Schema = {"type": "object", "additionalProperties": schema_of(declaration.value)}
    return {**schema, "propertyNames": {"pattern": _whole(declaration.key)}} if declaration.key else schema


def _whole(pattern: re.Pattern[str]) -> str:
    return f"^(?:{pattern.pattern})$"


def _any_of(schemas: list[Schema]) -> Schema:
    return schemas[0] if len(schemas) == 1 else {"anyOf": list[Json](schemas)}


def _or_null(schema: Schema) -> Schema:
    """`schema`, or null: written into it where that is as clear."""
    match schema:
        case {"anyOf": [*others]}:
            return {"anyOf": [*others, _NULL]}
        case {"type": str(kind), "enum": [*values]}:
            return {**schema, "type": [kind, "null"], "enum": [*values, None]}
        case {"type": str(kind)}:
            return {**schema, "type": [kind, "null"]}
        case {"oneOf": _}:
            return {"anyOf": [schema, _NULL]}
        case _:
            return schema


def _first(schemas: list[Json]) -> Schema:
    [schema] = schemas
    if not isinstance(schema, dict):
        raise TypeError("a case is an object")
    return schema
