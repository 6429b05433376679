"""Every place of a declaration that can carry a caller's text, each with the smallest request that carries one there.

The places are found by walking the declaration objects themselves, so a field that is declared tomorrow is tried
tomorrow. Nothing here knows the name of a field.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import assert_never

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
from gateway.domain.strict_json import Json

Plant = Callable[[Json], Json]
"""Makes the smallest value of a declaration that holds this text at one place."""
PlantTwo = Callable[[Json, Json], Json]
"""The same with the place twice, side by side in one array."""


class Filler(str):
    """A text that stands in a request because something has to: it may give way to another."""

    __slots__ = ()


FILLER = Filler("note")


class Slot(StrEnum):
    """What a place can carry."""

    TEXT = "text"
    NAME = "name"
    KEY = "key"
    SHAPED = "shaped"  # letters, digits and . _ : / @ + -
    NUMBER = "number"
    OPAQUE = "opaque"
    CONTROL = "control"
    REFUSED = "refused"


SPOKEN = frozenset({Slot.TEXT, Slot.NAME, Slot.KEY, Slot.SHAPED, Slot.NUMBER})
"""The slots that are inspected."""


@dataclass(frozen=True, slots=True)
class Spot:
    """One place. `path` names it (`[]` an item, `*` a key of the caller's choice, `<x>` a case of a tag).
    `pairs` put it twice into one array, innermost array first."""

    path: str
    slot: Slot
    plant: Plant
    pairs: tuple[PlantTwo, ...] = ()


class Unplantable(Exception):
    """No small value of a declaration is free of content that cannot be read."""


def spots(declaration: Field) -> Iterator[Spot]:
    """Every place of a declaration, of every slot."""
    match declaration:
        case Text(name=name):
            yield _leaf(Slot.NAME if name else Slot.TEXT)
        case Identifier() | Sealed():
            yield _leaf(Slot.SHAPED)
        case Number(inspected=inspected):
            yield _leaf(Slot.NUMBER if inspected else Slot.CONTROL)
        case Choice() | Flag() | TokenId():
            yield _leaf(Slot.CONTROL)
        case Opaque():
            yield _leaf(Slot.OPAQUE)
        case Refused():
            yield _leaf(Slot.REFUSED)
        case JsonText():
            yield _leaf(Slot.TEXT)
            yield from (_wrapped(spot, "#", _dumped) for spot in _any_json())
            yield Spot("#.*=twice escaped", Slot.TEXT, _twice_escaped)
        case AnyJson():
            yield from _any_json()
        case JsonSchema():
            yield from _schema()
        case Record():
            yield from _record(declaration)
        case Variants():
            yield from _variants(declaration)
        case Each(item=item):
            yield from (_item(spot) for spot in spots(item))
        case MapOf():
            yield from _map(declaration)
        case ByType(string=string, array=array, object=object_, number=number):
            for inner in (string, array, object_, number):
                yield from () if isinstance(inner, Refused) else spots(inner)
        case _:
            assert_never(declaration)


def minimal(declaration: Field) -> Json:  # one arm for each kind of field
    """The smallest value of a declaration. Raises `Unplantable`."""
    match declaration:
        case Text() | Identifier() | Sealed():
            return FILLER
        case JsonText():
            return Filler("{}")
        case AnyJson() | JsonSchema() | MapOf():
            return {}
        case Choice(values=values):
            return Filler(min(values))
        case Number(low=low, high=high):
            return int(max(low, min(1, high)))
        case Flag():
            return False
        case Opaque() | Refused() | TokenId():
            raise Unplantable
        case Record(fields=fields, required=required):
            return {name: minimal(fields[name]) for name in sorted(required)}
        case Variants(cases=cases):
            return _first([lambda tag=tag: _case(declaration, tag, minimal(cases[tag])) for tag in cases])
        case Each(item=item, least=least):
            return [minimal(item)] * least
        case ByType(string=string, array=array, object=object_, number=number):
            return _first([lambda inner=inner: minimal(inner) for inner in (string, array, object_, number)])
        case _:
            assert_never(declaration)


def refused_tags(declaration: Field) -> Iterator[Spot]:
    """Every tag and choice that is known and not served, each with a request that uses it."""
    for path, tag, refused, around in _tagged(declaration):
        for value in sorted(refused):
            yield Spot(f"{path}={value or '<none>'}", Slot.REFUSED, _using(around, tag, value))


def _tagged(declaration: Field) -> Iterator[tuple[str, str, frozenset[str], Plant]]:
    """Places where a refused tag may stand: the path, the tag's name (none for a choice), the tags, what is around."""
    match declaration:
        case Choice(refused=refused):
            yield "", "", refused, _same
        case Each(item=item):
            yield from ((f"[]{p}", t, r, _around(a, lambda v: [v])) for p, t, r, a in _tagged(item))
        case ByType(string=string, array=array, object=object_):
            for inner in (string, array, object_):
                yield from _tagged(inner)
        case Record(fields=fields):
            for name, inner in fields.items():
                for path, tag, refused, around in _tagged(inner):
                    yield f".{name}{path}", tag, refused, _around(around, _member_of(declaration, name))
        case Variants(tag=own, cases=cases, refused=refused):
            yield f".{own}", own, refused, _same
            for name, case in cases.items():
                for path, tag, inside, around in _tagged(case):
                    yield f"<{name}>{path}", tag, inside, _around(around, _tag_of(declaration, name))
        case _:
            return


def _using(around: Plant, tag: str, value: str) -> Plant:
    return lambda v: around({tag: value, "note": v} if tag and value else ({"id": v} if tag else value))


def _leaf(slot: Slot) -> Spot:
    return Spot("", slot, _same)


def _same(value: Json) -> Json:
    return value


def _around(inner: Plant, outer: Plant) -> Plant:
    return lambda value: outer(inner(value))


def _wrapped(spot: Spot, step: str, outer: Plant) -> Spot:
    """A spot of something inside, seen from outside."""
    pairs = tuple(_around_two(pair, outer) for pair in spot.pairs)
    return replace(spot, path=f"{step}{spot.path}", plant=_around(spot.plant, outer), pairs=pairs)


def _around_two(inner: PlantTwo, outer: Plant) -> PlantTwo:
    return lambda first, second: outer(inner(first, second))


def _item(spot: Spot) -> Spot:
    outer = _wrapped(spot, "[]", lambda value: [value])
    return replace(outer, pairs=(*outer.pairs, lambda first, second: [spot.plant(first), spot.plant(second)]))


def _record(record: Record) -> Iterator[Spot]:
    for name, field in record.fields.items():
        for spot in spots(field):
            yield _wrapped(spot, f".{name}", _member_of(record, name))


def _member_of(record: Record, name: str) -> Plant:
    def planted(value: Json) -> Json:
        others = {key: minimal(record.fields[key]) for key in sorted(record.required - {name})}
        return {**others, name: value}

    return planted


def _variants(variants: Variants) -> Iterator[Spot]:
    for tag, case in variants.cases.items():
        for spot in spots(case):
            if spot.path != f".{variants.tag}":
                yield _wrapped(spot, f"<{tag}>", _tag_of(variants, tag))
    yield _wrapped(_leaf(Slot.CONTROL), f".{variants.tag}", lambda value: {variants.tag: value})


def _tag_of(variants: Variants, tag: str) -> Plant:
    return lambda value: _case(variants, tag, value)


def _case(variants: Variants, tag: str, value: Json) -> Json:
    return {variants.tag: tag, **value} if isinstance(value, dict) else value


def _map(declaration: MapOf) -> Iterator[Spot]:
    key = "7" if declaration.key else FILLER
    for spot in spots(declaration.value):
        yield _wrapped(spot, ".*", lambda value: {key: value})
    slot = Slot.CONTROL if declaration.key else Slot.KEY
    yield Spot(".<key>", slot, lambda value: {str(value): minimal(declaration.value)})


def _any_json() -> Iterator[Spot]:
    yield Spot(".*", Slot.TEXT, lambda value: {"note": value})
    yield Spot(".<key>", Slot.KEY, lambda value: {str(value): True})
    yield Spot(".*<number>", Slot.NUMBER, lambda value: {"account": value})
    yield Spot(".*[]", Slot.TEXT, lambda value: {"notes": [value]}, (lambda one, two: {"notes": [one, two]},))
    yield Spot(".*.*.<key>", Slot.KEY, lambda value: {"a": [{"b": {str(value): None}}]})


def _schema() -> Iterator[Spot]:
    yield Spot(".description", Slot.TEXT, lambda value: {"type": "object", "description": value})
    yield Spot(".properties.<key>", Slot.KEY, lambda value: {"properties": {str(value): {"type": "string"}}})
    yield Spot(".required[]", Slot.NAME, lambda value: {"required": [value]})
    yield Spot(".enum[]", Slot.TEXT, lambda value: {"enum": [value]}, (lambda one, two: {"enum": [one, two]},))
    yield Spot(".default<number>", Slot.NUMBER, lambda value: {"properties": {"account": {"default": value}}})
    yield Spot(".examples[].*", Slot.TEXT, lambda value: {"examples": [{"note": value}]})


def _dumped(value: Json) -> Json:
    return json.dumps(value, ensure_ascii=False)


def _twice_escaped(value: Json) -> Json:
    """JSON in a string whose own text is escaped as well."""
    return '{"note":"' + "".join(f"\\u{ord(letter):04x}" for letter in str(value)) + '"}'


def _first(makers: list[Callable[[], Json]]) -> Json:
    for make in makers:
        try:
            return make()
        except Unplantable:
            continue
    raise Unplantable


def merged(one: Json, other: Json) -> Json:
    """Two requests as one that carries the texts of both. Raises `Unplantable` where they contradict each other."""
    if isinstance(one, dict) and isinstance(other, dict):
        both = {key: merged(one[key], other[key]) for key in one.keys() & other.keys()}
        return {**one, **other, **both}
    if isinstance(one, list) and isinstance(other, list):
        return [*one, *(item for item in other if item not in one or not _is_filler(item))]
    if one == other or isinstance(other, Filler):
        return one
    if isinstance(one, Filler):
        return other
    raise Unplantable


def _is_filler(value: Json) -> bool:
    """Whether nothing in a value is a text that was planted."""
    if isinstance(value, dict):
        return all(map(_is_filler, value.values()))
    return all(map(_is_filler, value)) if isinstance(value, list) else isinstance(value, Filler | bool | int | None)


def inspected(declaration: Field) -> tuple[Spot, ...]:
    """The places of a declaration whose text is inspected."""
    return tuple(spot for spot in _distinct(spots(declaration)).values() if spot.slot in SPOKEN)


def others(declaration: Field, slot: Slot) -> tuple[Spot, ...]:
    """The places of one slot."""
    return tuple(spot for spot in _distinct(spots(declaration)).values() if spot.slot is slot)


def _distinct(found: Iterator[Spot]) -> Mapping[str, Spot]:
    """By path. The same path may stand for a text and for something refused; each slot has its own."""
    return {f"{spot.path} {spot.slot}": replace(spot, path=spot.path.lstrip(".")) for spot in found}
