"""What of each operation is inspected, checked, opaque or refused: the declaration, flattened to be read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import assert_never

from starlette.responses import Response

from gateway.domain.declaration import (
    AnyJson,
    ByType,
    Choice,
    Each,
    Field,
    Flag,
    Identifier,
    JsonText,
    MapOf,
    Number,
    Opaque,
    Record,
    Refused,
    Text,
    Variants,
)
from gateway.domain.strict_json import Json, dump_json
from gateway.wire.schema import CHAT

OPERATIONS: Mapping[str, Field] = {"POST /v1/chat/completions": CHAT}
"""Every operation that is served with a body, and its declaration."""


def fields_of(declaration: Field, path: str = "") -> Iterator[tuple[str, str]]:
    """Each field's path (`[]` an item, `*` a key of the caller's choice) and what becomes of it."""
    match declaration:
        case Text() | JsonText() | Identifier():
            yield path, "text"
        case AnyJson():
            yield f"{path}.*", "text"
        case Number(inspected=inspected):
            yield path, "text" if inspected else "control"
        case Choice() | Flag():
            yield path, "control"
        case Opaque():
            yield path, "opaque"
        case Refused():
            yield path, "refused"
        case ByType(string=string, array=array, object=object_):
            for inner in (string, array, object_):
                if not isinstance(inner, Refused):
                    yield from fields_of(inner, path)
        case Each(item=item):
            yield from fields_of(item, f"{path}[]")
        case Record(fields=fields):
            for name, inner in fields.items():
                yield from fields_of(inner, f"{path}.{name}" if path else name)
        case Variants(cases=cases):
            for record in cases.values():
                yield from fields_of(record, path)
        case MapOf(value=value, key=key):
            yield f"{path}.<key>", "control" if key else "text"
            yield from fields_of(value, f"{path}.*")
        case _:
            assert_never(declaration)


def coverage() -> dict[str, dict[str, str]]:
    """Operation -> field -> treatment. A field that two message roles treat differently shows the stricter word."""
    strictness = ("control", "text", "opaque", "refused")
    told: dict[str, dict[str, str]] = {}
    for operation, declaration in OPERATIONS.items():
        fields: dict[str, str] = {}
        for path, treatment in fields_of(declaration):
            fields[path] = max(fields.get(path, "control"), treatment, key=strictness.index)
        told[operation] = dict(sorted(fields.items()))
    return told


def coverage_response() -> Response:
    """GET /v1/gateway/coverage."""
    operations: Json = {name: dict(fields.items()) for name, fields in coverage().items()}
    return Response(dump_json({"operations": operations, "unknown_fields": "refused"}), media_type="application/json")
