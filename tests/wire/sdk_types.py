"""Compares the request types of a provider's own package with a declaration, field by field.

`compare` walks a type (TypedDict, pydantic model, union, literal, list, map) and a declaration side by side and says
what the declaration does not classify, and what it would refuse of a request that the package sends.
"""

from __future__ import annotations

import collections.abc
import os
import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache

import pydantic
import typing_extensions

from gateway.domain.declaration import (
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

_REQUIRED = (typing.Required, typing_extensions.Required)
_WRAPPERS = (*_REQUIRED, typing.NotRequired, typing_extensions.NotRequired, typing.Annotated)
_LITERALS = (typing.Literal, typing_extensions.Literal)
_FILES = (typing.IO, os.PathLike)
_NOTHING = type(None)


@dataclass(frozen=True)
class Member:
    """One field of an object of the package."""

    kind: object
    required: bool


@dataclass
class Comparison:
    """What a walk saw: each field's path, what is wrong, and which parts of the declaration were met."""

    paths: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    fields: dict[tuple[int, str], tuple[Record, str]] = field(default_factory=dict)
    tags: dict[tuple[int, str], tuple[Variants, str]] = field(default_factory=dict)


def compare(kind: object, declaration: Field) -> Comparison:
    """The walk over `kind` and `declaration` together."""
    seen = Comparison()
    _walk(kind, declaration, "", seen)
    return seen


def without_field(declaration: Field, record: Record, name: str) -> Field:
    """`declaration` in which `record` does not know the field `name`."""

    def cut(found: Field) -> Field:
        if found is not record:
            return found
        return replace(record, fields={k: v for k, v in record.fields.items() if k != name})

    return _changed(declaration, cut)


def without_refused_tag(declaration: Field, variants: Variants, tag: str) -> Field:
    """`declaration` in which `variants` does not know the refused `tag`."""
    return _changed(declaration, lambda f: replace(variants, refused=variants.refused - {tag}) if f is variants else f)


def _changed(declaration: Field, change: typing.Callable[[Field], Field]) -> Field:
    declaration = change(declaration)
    match declaration:
        case Record(fields=fields):
            return replace(declaration, fields={name: _changed(inner, change) for name, inner in fields.items()})
        case Variants(cases=cases):
            changed = {tag: typing.cast("Record", _changed(case, change)) for tag, case in cases.items()}
            return replace(declaration, cases=changed)
        case Each(item=item):
            return replace(declaration, item=_changed(item, change))
        case MapOf(value=value):
            return replace(declaration, value=_changed(value, change))
        case ByType(string=string, array=array, object=object_, number=number):
            parts = [_changed(inner, change) for inner in (string, array, object_, number)]
            return ByType(string=parts[0], array=parts[1], object=parts[2], number=parts[3])
        case _:
            return declaration


def _walk(kind: object, declaration: Field, path: str, seen: Comparison) -> None:
    for one in _members_of_union(kind):
        _walk_one(one, declaration, path, seen)


def _walk_one(kind: object, declaration: Field, path: str, seen: Comparison) -> None:
    if isinstance(declaration, Refused | AnyJson | JsonSchema):
        seen.paths.append(path)
    elif isinstance(declaration, ByType):
        _walk_by_type(kind, declaration, path, seen)
    elif (members := _fields(kind)) is not None:
        _walk_object(members, declaration, path, seen)
    elif (item := _item(kind)) is not None:
        if isinstance(declaration, Each):
            _walk(item, declaration.item, f"{path}[]", seen)
        else:
            seen.problems.append(f"{path}: an array is not declared")
    elif (value := _value(kind)) is not None:
        _walk_map(value, declaration, path, seen)
    else:
        _compare_leaf(kind, declaration, path, seen)


def _walk_by_type(kind: object, declaration: ByType, path: str, seen: Comparison) -> None:
    chosen = {"object": declaration.object, "array": declaration.array, "number": declaration.number}.get(
        _shape(kind), declaration.string
    )
    if isinstance(chosen, Refused):
        seen.problems.append(f"{path}: a value of the kind {_shape(kind)} is not declared")
    else:
        _walk(kind, chosen, path, seen)


def _shape(kind: object) -> str:
    if _fields(kind) is not None or _value(kind) is not None:
        return "object"
    if _item(kind) is not None:
        return "array"
    return "number" if kind in {int, float} else "string"


def _walk_object(members: Mapping[str, Member], declaration: Field, path: str, seen: Comparison) -> None:
    match declaration:
        case Variants():
            _walk_variants(members, declaration, path, seen)
        case Record():
            _walk_record(members, declaration, path, seen)
        case _:
            seen.problems.append(f"{path}: an object is not declared")


def _walk_record(members: Mapping[str, Member], record: Record, path: str, seen: Comparison) -> None:
    for name, member in members.items():
        inner = f"{path}.{name}" if path else name
        if name not in record.fields:
            seen.problems.append(f"{inner}: not classified")
            continue
        seen.fields[id(record), name] = (record, name)
        nullable = _NOTHING in typing.get_args(_unwrapped(member.kind))
        if name in record.required and (nullable or not member.required):
            seen.problems.append(f"{inner}: required here, optional in the package")
        _walk(member.kind, record.fields[name], inner, seen)


def _walk_variants(members: Mapping[str, Member], variants: Variants, path: str, seen: Comparison) -> None:
    for tag in _tags(members.get(variants.tag), variants):
        inner = f"{path}{{{variants.tag}={tag}}}"
        if tag in variants.refused:
            seen.paths.append(inner)
            seen.tags[id(variants), tag] = (variants, tag)
        elif tag in variants.cases:
            narrowed = {variants.tag: Member(typing.Literal[tag], required=True)} if variants.tag in members else {}
            _walk_object({**members, **narrowed}, variants.cases[tag], inner, seen)
        else:
            seen.problems.append(f"{inner}: not classified")


def _tags(member: Member | None, variants: Variants) -> Iterator[str]:
    if member is None:
        yield variants.untagged
        return
    for one in _members_of_union(member.kind):
        yield from (str(value) for value in typing.get_args(one))
    if not member.required and variants.untagged:
        yield variants.untagged


def _walk_map(value: object, declaration: Field, path: str, seen: Comparison) -> None:
    if isinstance(declaration, MapOf):
        _walk(value, declaration.value, f"{path}.*", seen)
    elif isinstance(declaration, Record | Variants) and value is object:
        seen.paths.append(path)  # arbitrary JSON, served in a closed shape
    else:
        seen.problems.append(f"{path}: keys of the caller's choice are not declared")


def _compare_leaf(kind: object, declaration: Field, path: str, seen: Comparison) -> None:
    seen.paths.append(path)
    if typing.get_origin(kind) in _LITERALS:
        if isinstance(declaration, Choice):
            unknown = {v for v in typing.get_args(kind) if v not in declaration.values | declaration.refused}
            seen.problems.extend(f"{path}: {value!r} is not classified" for value in sorted(unknown))
            return
        kind = type(typing.get_args(kind)[0])
    fitting: dict[object, tuple[type, ...]] = {
        str: (Text, JsonText, Identifier, Sealed, Opaque, Choice),
        int: (Number, TokenId),
        float: (Number,),
        bool: (Flag,),
    }
    if not isinstance(declaration, fitting.get(kind, ())):
        seen.problems.append(f"{path}: {kind!r} does not fit {type(declaration).__name__}")


def _unwrapped(kind: object) -> object:
    while typing.get_origin(kind) in _WRAPPERS:
        kind = typing.get_args(kind)[0]
    return kind


def _members_of_union(kind: object) -> Iterator[object]:
    kind = _unwrapped(kind)
    if typing.get_origin(kind) in {typing.Union, types.UnionType}:
        for member in typing.get_args(kind):
            yield from _members_of_union(member)
    elif kind is not _NOTHING and not (kind in _FILES or typing.get_origin(kind) in _FILES):
        yield kind


@cache
def _fields(kind: object) -> Mapping[str, Member] | None:
    if typing_extensions.is_typeddict(kind):
        hints = typing_extensions.get_type_hints(kind, include_extras=True)
        required = typing.cast("frozenset[str]", getattr(kind, "__required_keys__", frozenset()))
        return {name: Member(hint, _is_required(hint) or name in required) for name, hint in hints.items()}
    if isinstance(kind, type) and issubclass(kind, pydantic.BaseModel):
        return {name: Member(info.annotation, required=True) for name, info in kind.model_fields.items()}
    return None


def _is_required(hint: object) -> bool:
    return typing.get_origin(hint) in _REQUIRED


def _item(kind: object) -> object | None:
    origin = typing.get_origin(kind)
    if isinstance(origin, type) and origin is not dict and not issubclass(origin, collections.abc.Mapping):
        name = origin.__name__
        if name in {"list", "Iterable", "Sequence", "SequenceNotStr"}:
            return typing.get_args(kind)[0]
    return None


def _value(kind: object) -> object | None:
    origin = typing.get_origin(kind)
    if isinstance(origin, type) and issubclass(origin, collections.abc.Mapping):
        return typing.get_args(kind)[1]
    return None
