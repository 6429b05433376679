"""What of each operation is inspected, checked, opaque or refused: the declaration, flattened to be read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_never

from starlette.responses import Response

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
from gateway.domain.strict_json import Json, dump_json
from gateway.wire.schema import OPERATIONS


def fields_of(declaration: Field, path: str = "") -> Iterator[tuple[str, str]]:
    """Each field's path (`[]` an item, `*` a key of the caller's choice, `=x` a value) and what becomes of it."""
    match declaration:
        case Text() | JsonText() | Identifier() | Sealed():
            yield path, "text"
        case AnyJson() | JsonSchema():
            yield f"{path}.*", "text"
        case TokenId():
            yield f"{path}<token id>", "text"
        case Number(inspected=inspected):
            yield path, "text" if inspected else "control"
        case Choice(refused=refused):
            yield path, "control"
            yield from ((f"{path}={value}", "refused") for value in sorted(refused))
        case Flag():
            yield path, "control"
        case Opaque():
            yield path, "opaque"
        case Refused():
            yield path, "refused"
        case ByType(string=string, array=array, object=object_, number=number):
            for inner in (string, array, object_, number):
                if not isinstance(inner, Refused):
                    yield from fields_of(inner, path)
        case Each(item=item):
            yield from fields_of(item, f"{path}[]")
        case Record(fields=fields, extra=extra):
            for name, inner in fields.items():
                yield from fields_of(inner, _member(path, name))
            yield from ((_member(path, "<any>" if name == ANY_NAME else name), "text") for name in sorted(extra))
        case Variants(tag=tag, cases=cases, refused=refused):
            for case_ in cases.values():
                yield from fields_of(case_, path)
            yield from ((f"{_member(path, tag)}={value or '<absent>'}", "refused") for value in sorted(refused))
        case MapOf(value=value, key=key):
            yield f"{path}.<key>", "control" if key else "text"
            yield from fields_of(value, f"{path}.*")
        case _:
            assert_never(declaration)


def _member(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


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
