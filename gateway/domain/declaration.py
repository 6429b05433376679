"""How an operation declares every field of its request: text (inspected), control (a closed shape), opaque (the
policy decides) or refused. `domain.walk` reads and rebuilds requests by such a declaration.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


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
class Identifier:
    """An id or alias: inspected like a text, and of a closed shape."""

    name: bool = False


@dataclass(frozen=True, slots=True)
class Choice:
    """Control: one of a closed set of strings."""

    values: frozenset[str]


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
    """An object with exactly these fields."""

    fields: Mapping[str, Field]
    required: frozenset[str] = frozenset()
    source: Source | None = None


@dataclass(frozen=True, slots=True)
class Variants:
    """An object whose `tag` field says which record it is."""

    tag: str
    cases: Mapping[str, Record]


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
    """A field that may be a string, an array or an object; `Refused` where it may not."""

    string: Field = Refused()
    array: Field = Refused()
    object: Field = Refused()


Field = (
    Text
    | JsonText
    | AnyJson
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
