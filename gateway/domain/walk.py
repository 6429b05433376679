"""The one walk over a request, by its declaration.

`rebuild` is the only way from a request to the bytes that may leave: its result is made of what it visited and of
nothing else, so a field that nobody declared cannot travel. Reading is the same walk with a visitor that changes
nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol, assert_never

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
    LeafKind,
    MapOf,
    Number,
    Opaque,
    Record,
    Refused,
    Sealed,
    Source,
    Text,
    TokenId,
    Variants,
)
from gateway.domain.errors import CallerError, ErrorCode, refuse
from gateway.domain.strict_json import Json, dump_json, parse_json

MAX_DEPTH = 64
MAX_LEAVES = 100_000
MAX_VALUES = 200_000
"""Members of all arrays and objects together, texts or not: the walk costs time for each."""
MAX_ADDRESS = 2048
"""Characters of an address. Every leaf below a long key holds the key anew."""
UNREADABLE_JSON = "unreadable_json"
"""The medium of a string that claims to be JSON, holds escapes, and cannot be parsed: nobody can say what it says."""

_PLAIN_KEY = re.compile(r"[a-z_]{1,40}")
IDENTIFIER = re.compile(r"[A-Za-z0-9_.:/@+-]{1,256}")  # what an `Identifier` looks like
SEALED = re.compile(r"[A-Za-z0-9_.:+/=-]*")  # what a `Sealed` text looks like


@dataclass(frozen=True, slots=True)
class Place:
    """Where the walk stands: the exact pointer, the same with caller-chosen keys as `*`, the writer, nearby keys."""

    address: str = ""
    schema: str = ""
    source: Source = Source.PARAMETER
    keys: tuple[str, ...] = ()
    depth: int = 0

    def child(self, step: str, *, chosen: bool = False) -> Place:
        """The place of a member; `chosen` where the caller invented the key."""
        if self.depth >= MAX_DEPTH:
            refuse(ErrorCode.NESTING_TOO_DEEP)
        if len(self.address) + len(step) > MAX_ADDRESS:
            refuse(ErrorCode.INVALID_FIELD, self.schema)
        pointer = step.replace("~", "~0").replace("/", "~1")
        shown = "*" if chosen else pointer
        keys = (*self.keys[-2:], step) if chosen else self.keys
        return Place(f"{self.address}/{pointer}", f"{self.schema}/{shown}", self.source, keys, self.depth + 1)

    def inside(self) -> Place:
        """The place of the document inside a string that is JSON."""
        return Place(f"{self.address}#", f"{self.schema}#", self.source, self.keys, self.depth + 1)

    def by(self, source: Source | None) -> Place:
        """The same place, written by `source` where that is said."""
        return self if source is None else Place(self.address, self.schema, source, self.keys, self.depth)


class Visitor(Protocol):
    """Sees every text and every opaque part once, in order, and says what stands there in the result."""

    def text(self, value: str, kind: LeafKind, place: Place) -> str:
        """The text to put where `value` stood."""
        ...

    def opaque(self, value: str, media: str, place: Place) -> None:
        """Take note of content that cannot be read."""
        ...

    def members(self, count: int) -> None:
        """Take note of an array or object of `count` members, before they are visited."""
        ...


def rebuild(declaration: Field, value: Json, visitor: Visitor, place: Place) -> Json:
    """`value` made anew by its declaration.

    Raises `CallerError` for whatever is not declared or not of its declared shape, naming the schema address.
    """
    match declaration:
        case Text(name=name, source=source):
            return visitor.text(_string(value, place), _kind(name=name), place.by(source))
        case JsonText(source=source):
            return _rebuild_json_text(_string(value, place), visitor, place.by(source))
        case AnyJson(source=source):
            return _rebuild_any(value, visitor, place.by(source))
        case JsonSchema(source=source):
            return _rebuild_any(value, visitor, place.by(source), schema=True)
        case Identifier(name=name):
            return _rebuild_shaped(IDENTIFIER, _string(value, place), _kind(name=name), visitor, place)
        case Sealed():
            return _rebuild_shaped(SEALED, _string(value, place), LeafKind.VALUE, visitor, place)
        case TokenId():
            return refuse(ErrorCode.TOKEN_IDS_UNREADABLE, place.schema)
        case Number():
            return _rebuild_number(declaration, value, visitor, place)
        case Choice():
            return _rebuild_choice(declaration, _string(value, place), place)
        case Flag():
            return value if isinstance(value, bool) else _invalid(place)
        case Opaque(media=media):
            visitor.opaque(_string(value, place), media, place)
            return value
        case Refused():
            return refuse(ErrorCode.UNSUPPORTED_FIELD, place.schema)
        case ByType():
            return rebuild(_by_type(declaration, value, place), value, visitor, place)
        case Each(item=item, least=least):
            return _rebuild_array(item, least, value, visitor, place)
        case Record():
            return _rebuild_record(declaration, _object(value, place), visitor, place.by(declaration.source))
        case Variants():
            body = _object(value, place)
            return rebuild(_variant(declaration, body, place), body, visitor, place)
        case MapOf():
            return _rebuild_map(declaration, _object(value, place), visitor, place)
        case _:
            assert_never(declaration)


def _kind(*, name: bool) -> LeafKind:
    return LeafKind.NAME if name else LeafKind.VALUE


def _invalid(place: Place) -> Json:
    refuse(ErrorCode.INVALID_FIELD, place.schema)


def _string(value: Json, place: Place) -> str:
    return value if isinstance(value, str) else refuse(ErrorCode.INVALID_FIELD, place.schema)


def _object(value: Json, place: Place) -> dict[str, Json]:
    return value if isinstance(value, dict) else refuse(ErrorCode.INVALID_FIELD, place.schema)


def _by_type(declaration: ByType, value: Json, place: Place) -> Field:
    by_type: Mapping[type, Field] = MappingProxyType(
        {
            str: declaration.string,
            list: declaration.array,
            dict: declaration.object,
            int: declaration.number,
            float: declaration.number,
        }
    )
    chosen = by_type.get(type(value), Refused())
    return refuse(ErrorCode.INVALID_FIELD, place.schema) if isinstance(chosen, Refused) else chosen


def _variant(variants: Variants, body: Mapping[str, Json], place: Place) -> Field:
    inner = place.child(variants.tag)
    tag = variants.untagged if body.get(variants.tag) is None else _string(body[variants.tag], inner)
    if tag in variants.refused:
        refuse(ErrorCode.UNSUPPORTED_FIELD, inner.schema)
    return variants.cases.get(tag) or refuse(ErrorCode.INVALID_FIELD, inner.schema)


def _rebuild_choice(choice: Choice, value: str, place: Place) -> Json:
    code = ErrorCode.UNSUPPORTED_FIELD if value in choice.refused else ErrorCode.INVALID_FIELD
    return value if value in choice.values else refuse(code, place.schema)


def _rebuild_shaped(shape: re.Pattern[str], value: str, kind: LeafKind, visitor: Visitor, place: Place) -> Json:
    return visitor.text(value, kind, place) if shape.fullmatch(value) else _invalid(place)


def _rebuild_number(declaration: Number, value: Json, visitor: Visitor, place: Place) -> Json:
    if isinstance(value, bool) or not isinstance(value, int if declaration.integer else (int, float)):
        return _invalid(place)
    if not declaration.low <= value <= declaration.high:
        return _invalid(place)
    return _visit_number(value, visitor, place) if declaration.inspected else value


def _visit_number(value: float, visitor: Visitor, place: Place) -> Json:
    written = json.dumps(value)
    shown = visitor.text(written, LeafKind.NUMBER, place)
    return value if shown == written else shown


def _rebuild_array(item: Field, least: int, value: Json, visitor: Visitor, place: Place) -> Json:
    if not isinstance(value, list) or len(value) < least:
        return _invalid(place)
    visitor.members(len(value))
    return [rebuild(item, member, visitor, place.child(str(index))) for index, member in enumerate(value)]


def _rebuild_record(record: Record, value: dict[str, Json], visitor: Visitor, place: Place) -> Json:
    result: dict[str, Json] = {}
    for key, member in value.items():
        field = record.fields.get(key)
        inner = place.child(key, chosen=field is None and not _PLAIN_KEY.fullmatch(key))
        if field is None:
            key, field, inner = _extra(record, key, visitor, place, inner)  # noqa: PLW2901 - a stand-in for the key
        if key in result:
            refuse(ErrorCode.DUPLICATE_KEY, place.schema)
        result[key] = None if member is None and key not in record.required else rebuild(field, member, visitor, inner)
    for key in sorted(record.required - value.keys()):
        refuse(ErrorCode.MISSING_FIELD, place.child(key).schema)
    return result


def _extra(record: Record, key: str, visitor: Visitor, place: Place, inner: Place) -> tuple[str, Field, Place]:
    """The name, declaration and place of a member that is not declared. Where any name will do it is the caller's text,
    and no stand-in for it may be the name of a declared field, which has another treatment."""
    if key in record.extra:
        return key, AnyJson(), inner
    if ANY_NAME not in record.extra:
        refuse(ErrorCode.UNSUPPORTED_FIELD, inner.schema)
    chosen = place.child(key, chosen=True)
    visitor.members(1)
    shown = visitor.text(key, LeafKind.KEY, chosen)
    if shown in record.fields:
        refuse(ErrorCode.DUPLICATE_KEY, place.schema)
    return shown, AnyJson(), chosen


def _rebuild_map(declaration: MapOf, value: dict[str, Json], visitor: Visitor, place: Place) -> Json:
    result: dict[str, Json] = {}
    visitor.members(len(value))
    for key, member in value.items():
        inner = place.child(key, chosen=True)
        if declaration.key is None:
            shown = visitor.text(key, LeafKind.KEY, inner)
        else:
            shown = key if declaration.key.fullmatch(key) else refuse(ErrorCode.INVALID_FIELD, inner.schema)
        if shown in result:
            refuse(ErrorCode.DUPLICATE_KEY, place.schema)
        result[shown] = rebuild(declaration.value, member, visitor, inner)
    return result


def _rebuild_any(value: Json, visitor: Visitor, place: Place, *, schema: bool = False) -> Json:
    match value:
        case bool() | None:
            return value
        case str():
            return visitor.text(value, _kind(name=schema and place.keys[-1:] == ("required",)), place)
        case int() | float():
            return _visit_number(value, visitor, place)
        case list():
            visitor.members(len(value))
            return [_rebuild_any(member, visitor, place.child(str(i)), schema=schema) for i, member in enumerate(value)]
        case dict():
            return _rebuild_map(MapOf(JsonSchema() if schema else AnyJson()), value, visitor, place)
        case _:
            assert_never(value)


def _rebuild_json_text(value: str, visitor: Visitor, place: Place) -> Json:
    try:
        document = parse_json(value)
    except CallerError:
        if "\\u" in value:
            visitor.opaque(value, UNREADABLE_JSON, place)
        return visitor.text(value, LeafKind.VALUE, place)
    if not isinstance(document, dict | list | str):
        return visitor.text(value, LeafKind.VALUE, place)
    seen = _rebuild_any(document, visitor, place.inside())
    as_written = seen == document and "\\u" not in value and not _holds_fraction(document)
    return value if as_written else dump_json(seen).decode("utf-8")


def _holds_fraction(value: Json) -> bool:
    """Whether some number may have been written with more digits than it was inspected with."""
    if isinstance(value, dict):
        return any(_holds_fraction(member) for member in value.values())
    if isinstance(value, list):
        return any(_holds_fraction(member) for member in value)
    return isinstance(value, float)
