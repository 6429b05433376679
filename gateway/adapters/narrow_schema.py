"""A JSON Schema as a form to fill: choices between given values, and blanks for what a text says.

Read are objects of any nesting whose leaves are `enum`, `const`, strings, numbers, whole numbers, each of them possibly
null. Whatever asks for more (lists, truth values, patterns, least lengths, conditions) is no form: its answer has to be
generated.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import assert_never

from gateway.domain.strict_json import Json

_DEEPEST = 6
_MOST_LEAVES = 64
_LONGEST_NUMBER = 40
"""Digits of a number with their signs."""
_BOUNDS = frozenset(
    {"minLength", "pattern", "format", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"}
    | {"allOf", "not", "if", "dependentRequired", "dependentSchemas", "minProperties", "maxProperties"}
)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_NUMBER = re.compile(r"[-+]?\d[\d.,'\u00a0\u202f ]*")


class NotFillable(Exception):
    """A form has a blank that must not stay empty, and the text has nothing for it."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several values. `described` says more of each value, or nothing."""

    values: tuple[Json, ...]
    described: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Blank:
    """A value of the text. `kind` is `string`, `number` or `integer`; `longest` in characters, 0 for any."""

    name: str
    kind: str
    nullable: bool
    longest: int = 0


@dataclass(frozen=True, slots=True)
class Group:
    """An object. `optional` are the members that may be left out."""

    members: Mapping[str, Form] = field(default_factory=dict)
    optional: frozenset[str] = frozenset()


Form = Choice | Blank | Group


def form_of(schema: Json) -> Group | None:
    """The form that a schema of an object describes; None when it is no form."""
    if not isinstance(schema, dict):
        return None
    try:
        form = _Reading(schema).form(schema, (), 0)
    except _NoForm:
        return None
    return form if isinstance(form, Group) and 0 < len(list(leaves(form))) <= _MOST_LEAVES else None


def leaves(form: Form) -> Iterator[Choice | Blank]:
    """The choices and blanks of a form, in its order."""
    if isinstance(form, Group):
        for member in form.members.values():
            yield from leaves(member)
    else:
        yield form


def filled(form: Form, chosen: Callable[[Choice], Json], read: Callable[[Blank], str | None]) -> Json:
    """The form with its choices made and its blanks filled. `read` gives None for what the text does not say.

    Raises `NotFillable`.
    """
    match form:
        case Choice():
            return chosen(form)
        case Blank():
            return _written(form, read(form))
        case Group(members=members, optional=optional):
            told = {
                name: filled_or_none(member, chosen, read, may_lack=name in optional)
                for name, member in members.items()
            }
            return {name: value for name, (there, value) in told.items() if there}
        case _:
            assert_never(form)


def filled_or_none(
    form: Form, chosen: Callable[[Choice], Json], read: Callable[[Blank], str | None], *, may_lack: bool
) -> tuple[bool, Json]:
    """Whether a member is there at all, and its value."""
    try:
        return True, filled(form, chosen, read)
    except NotFillable:
        if may_lack:
            return False, None
        raise


def spoken(name: str) -> str:
    """A name as words in small letters: `dueDate`, `due_date` and "Due date" are "due date"."""
    return " ".join(re.sub(r"[_\-./]+", " ", _CAMEL.sub(" ", name)).lower().split())


def _written(blank: Blank, text: str | None) -> Json:
    if text is not None and blank.kind == "string" and (not blank.longest or len(text) <= blank.longest):
        return text
    number = number_in(text) if text is not None and blank.kind != "string" else None
    if number is not None and (blank.kind == "number" or isinstance(number, int)):
        return number
    if blank.nullable:
        return None
    if blank.kind == "string":
        return ""
    raise NotFillable


def number_in(text: str) -> int | float | None:
    """The number that is written in a value, in English or continental style, whole ones to the last digit; None where
    there is not just one of a usual length."""
    found = _NUMBER.findall(text)
    if len(found) != 1:
        return None
    plain = re.sub(r"['\s]", "", found[0]).rstrip(".,")
    last = max(plain.rfind("."), plain.rfind(","))
    if last >= 0 and (len(plain) - last - 1 != 3 or (plain.count(plain[last]) == 1 and "." in plain and "," in plain)):
        plain = re.sub(r"[.,]", "", plain[:last]) + "." + plain[last + 1 :]
    else:
        plain = re.sub(r"[.,]", "", plain)
    if len(plain) > _LONGEST_NUMBER:
        return None
    whole, _, part = plain.partition(".")
    return float(plain) if part.strip("0") else int(whole)


class _NoForm(Exception):
    """A schema asks for what no form has."""


class _Reading:
    """Reads one schema, whose references point into itself."""

    def __init__(self, whole: dict[str, Json]) -> None:
        self._whole = whole
        self._leaves = 0

    def form(self, schema: Json, path: tuple[str, ...], depth: int) -> Form:
        """The form of a part. Raises `_NoForm`."""
        part = self._resolved(schema)
        if depth > _DEEPEST or _BOUNDS & part.keys():
            raise _NoForm
        if part.get("type") != "object":
            self._count_leaf()
        described = part.get("description")
        name = _name(path, described if isinstance(described, str) else "")
        if "enum" in part or "const" in part:
            return _choice(part)
        alternatives = part.get("anyOf", part.get("oneOf"))
        if isinstance(alternatives, list):
            return self._either(alternatives, path, name, depth)
        if part.get("type") == "object":
            return self._group(part, path, depth)
        return _blank(name, part)

    def _count_leaf(self) -> None:
        """References let a short schema have more leaves than anybody can count. Raises `_NoForm`."""
        self._leaves += 1
        if self._leaves > 2 * _MOST_LEAVES:  # one that may be null is read twice
            raise _NoForm

    def _resolved(self, schema: Json) -> dict[str, Json]:
        """A part behind its references. Those that lead nowhere or in a circle are no form."""
        for _ in range(_DEEPEST):
            if not isinstance(schema, dict):
                break
            reference = schema.get("$ref")
            if not isinstance(reference, str):
                return schema
            schema = self._at(reference)
        raise _NoForm

    def _at(self, reference: str) -> Json:
        place: Json = self._whole
        for step in reference.removeprefix("#/").split("/"):
            place = place.get(step) if isinstance(place, dict) else None
        return place

    def _either(self, alternatives: list[Json], path: tuple[str, ...], name: str, depth: int) -> Form:
        """Constants with a description each, or one form that may be null."""
        parts = [self._resolved(each) for each in alternatives]
        if parts and all("const" in part for part in parts):
            texts = tuple(str(part.get("description", part.get("title", ""))) for part in parts)
            return Choice(_values([part["const"] for part in parts]), texts)
        others = [part for part in parts if part.get("type") != "null"]
        if len(others) != 1 or len(parts) != len(others) + 1:
            raise _NoForm
        form = self.form(others[0], path, depth + 1)
        return Blank(name, form.kind, nullable=True, longest=form.longest) if isinstance(form, Blank) else form

    def _group(self, part: dict[str, Json], path: tuple[str, ...], depth: int) -> Group:
        properties = part.get("properties")
        if not isinstance(properties, dict) or not properties:
            raise _NoForm
        needed = part.get("required")
        names = frozenset(str(each) for each in needed) if isinstance(needed, list) else frozenset()
        if names - properties.keys():
            raise _NoForm
        members = {name: self.form(each, (*path, name), depth + 1) for name, each in properties.items()}
        return Group(members, frozenset(members) - names)


def _name(path: tuple[str, ...], described: str) -> str:
    """What a leaf is of: the words of its own name, and its description."""
    own = spoken(path[-1]) if path else ""
    return f"{own}, {described.strip().rstrip('.').lower()}" if described.strip() else own


def _choice(part: dict[str, Json]) -> Choice:
    listed = part.get("enum", [part.get("const")])
    values = _values([each for each in listed if each is not None] if isinstance(listed, list) else [])
    return Choice(values, ("",) * len(values))


def _values(listed: list[Json]) -> tuple[Json, ...]:
    """The values of a choice, which are words or numbers. Raises `_NoForm`."""
    if not listed or not all(isinstance(each, str | int | float) and not isinstance(each, bool) for each in listed):
        raise _NoForm
    return tuple(listed)


def _blank(name: str, part: dict[str, Json]) -> Blank:
    kind = part.get("type")
    kinds = [str(each) for each in kind] if isinstance(kind, list) else [str(kind)]
    others = [each for each in kinds if each != "null"]
    if len(others) != 1 or others[0] not in {"string", "number", "integer"}:
        raise _NoForm
    longest = part.get("maxLength")
    return Blank(name, others[0], "null" in kinds, int(longest) if isinstance(longest, int | float) else 0)
