"""How an operation declares every field of its request: text (inspected), control (a closed shape), opaque (the
policy decides) or refused. `domain.walk` reads and rebuilds requests by such a declaration.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import assert_never


class Source(StrEnum):
    """Who wrote a text. A policy rule may speak of it."""

    USER = "user"
    SYSTEM = "system"
    ASSISTANT = "assistant"
    TOOL_RESULT = "tool_result"
    TOOL_ARGUMENTS = "tool_arguments"
    TOOL_DEFINITION = "tool_definition"
    PARAMETER = "parameter"


class LeafKind(StrEnum):
    """Where a text stands, which decides how a stand-in for it must look."""

    VALUE = "value"
    NAME = "name"  # a value of the shape [A-Za-z0-9_-]+: a function name, an id
    KEY = "key"
    NUMBER = "number"


@dataclass(frozen=True, slots=True)
class Text:
    """A string that is inspected. `name` marks one that must stay within [A-Za-z0-9_-]."""

    name: bool = False
    source: Source | None = None


@dataclass(frozen=True, slots=True)
class JsonText:
    """A string that usually is JSON: inspected inside when it parses, as plain text when it does not."""

    source: Source


@dataclass(frozen=True, slots=True)
class AnyJson:
    """Arbitrary JSON: every key, string and number in it is inspected."""

    source: Source | None = None


@dataclass(frozen=True, slots=True)
class JsonSchema:
    """Arbitrary JSON that is a JSON schema. The words of its `required` lists are keys of the caller's choice as well,
    so a stand-in for one must look as it does where the key itself stands."""

    source: Source | None = None


@dataclass(frozen=True, slots=True)
class Sealed:
    """Bytes in base64 that a provider made for itself (encrypted reasoning, a signature) and gets back.

    Inspected as a text: whoever wants to send ciphertext could write it into a message as well, so this is no wider a
    gap than a message, and the closed shape keeps prose out.
    """


@dataclass(frozen=True, slots=True)
class TokenId:
    """A number that stands for a piece of text. Ids that can be read are replaced by their text before a request is
    read, so one that is found is one that nobody can inspect: refused with a code of its own."""


@dataclass(frozen=True, slots=True)
class Identifier:
    """An id or alias: inspected like a text, and of a closed shape."""

    name: bool = False


@dataclass(frozen=True, slots=True)
class Choice:
    """Control: one of a closed set of strings. `refused` ones are known and not served."""

    values: frozenset[str]
    refused: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Number:
    """Control: a number within bounds, both inclusive. `inspected` ones are also looked at as text."""

    low: float
    high: float
    integer: bool = False
    inspected: bool = False


@dataclass(frozen=True, slots=True)
class Flag:
    """Control: true or false."""


@dataclass(frozen=True, slots=True)
class Opaque:
    """Content that no detector reads (image, audio, file, remote address): the policy decides by `media`."""

    media: str


@dataclass(frozen=True, slots=True)
class Refused:
    """A field that is known and not served."""


@dataclass(frozen=True, slots=True)
class Record:
    """An object with exactly these fields, and those `extra` ones that a destination takes: arbitrary JSON under these
    names, or under any name where `ANY_NAME` is one of them."""

    fields: Mapping[str, Field]
    required: frozenset[str] = frozenset()
    source: Source | None = None
    extra: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Variants:
    """An object whose `tag` field says what it is: one without it is of the case `untagged`, if that is said.
    `refused` tags are known and not served; an empty one is that of an object without a tag."""

    tag: str
    cases: Mapping[str, Record | Variants]
    refused: frozenset[str] = frozenset()
    untagged: str = ""


@dataclass(frozen=True, slots=True)
class Each:
    """An array of at least `least` items."""

    item: Field
    least: int = 0


@dataclass(frozen=True, slots=True)
class MapOf:
    """An object with keys of the caller's choice. Keys are inspected unless `key` gives them a closed shape."""

    value: Field
    key: re.Pattern[str] | None = None


@dataclass(frozen=True, slots=True)
class ByType:
    """A field that may be a string, an array, an object or a number; `Refused` where it may not."""

    string: Field = Refused()
    array: Field = Refused()
    object: Field = Refused()
    number: Field = Refused()


Field = (
    Text
    | JsonText
    | AnyJson
    | JsonSchema
    | Sealed
    | TokenId
    | Identifier
    | Choice
    | Number
    | Flag
    | Opaque
    | Refused
    | Record
    | Variants
    | Each
    | MapOf
    | ByType
)

ANY_NAME = "*"
"""Among the extra names of a record: any name that is not declared."""


def with_extra_fields(declaration: Field, names: frozenset[str]) -> Field:
    """`declaration` with every record of it accepting `names` beside its own, as arbitrary JSON that is inspected.

    What is declared keeps its declaration, so a refused field stays refused.
    """
    match declaration:
        case Record():
            return _record_with(declaration, names)
        case Variants():
            return _variants_with(declaration, names)
        case Each(item=item):
            return replace(declaration, item=with_extra_fields(item, names))
        case MapOf(value=value):
            return replace(declaration, value=with_extra_fields(value, names))
        case ByType(string=string, array=array, object=object_, number=number):
            string, array, object_, number = (with_extra_fields(f, names) for f in (string, array, object_, number))
            return ByType(string=string, array=array, object=object_, number=number)
        case Text() | JsonText() | AnyJson() | JsonSchema() | Sealed() | TokenId() | Identifier():
            return declaration
        case Choice() | Number() | Flag() | Opaque() | Refused():
            return declaration
        case _:
            assert_never(declaration)


def _record_with(record: Record, names: frozenset[str]) -> Record:
    fields = {name: with_extra_fields(field, names) for name, field in record.fields.items()}
    return replace(record, fields=fields, extra=record.extra | names)


def _variants_with(variants: Variants, names: frozenset[str]) -> Variants:
    cases: dict[str, Record | Variants] = {
        tag: _record_with(case, names) if isinstance(case, Record) else _variants_with(case, names)
        for tag, case in variants.cases.items()
    }
    return replace(variants, cases=cases)
