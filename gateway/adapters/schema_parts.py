"""The pieces of which JSON Schemas are put together here: objects without further keys, texts, lists, choices."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from gateway.domain.strict_json import Json

_NONE: Final[Mapping[str, Json]] = {}


def object_of(
    description: str, *, required: Mapping[str, Json] = _NONE, optional: Mapping[str, Json] = _NONE
) -> dict[str, Json]:
    """An object of these keys and no others."""
    told: dict[str, Json] = {"description": description} if description else {}
    needed: dict[str, Json] = {"required": list(required)} if required else {}
    properties: dict[str, Json] = {**required, **optional}
    return {**told, "type": "object", **needed, "properties": properties, "additionalProperties": False}


def named(pattern: str, part: str, description: str) -> Json:
    """A mapping of names to values of one kind."""
    names: Json = {"pattern": pattern}
    return {
        "type": "object",
        "description": description,
        "propertyNames": names,
        "additionalProperties": ref(part),
    }


def text(pattern: str = "") -> dict[str, Json]:
    """A text that is not empty."""
    return {"type": "string", "pattern": pattern} if pattern else {"type": "string", "pattern": "\\S"}


def texts(item: Json) -> dict[str, Json]:
    """One, or a list of at least one."""
    return list_or_one(item, least=1)


def list_or_one(item: Json, least: int) -> dict[str, Json]:
    """One, or a list of at least so many."""
    several: Json = {"type": "array", "items": item, "minItems": least}
    return {"anyOf": [item, several]}


def one_of(words: Iterable[str]) -> dict[str, Json]:
    """One of these words, in this order; those of a set are sorted."""
    return {"enum": [str(word) for word in (sorted(words) if isinstance(words, frozenset) else words)]}


def ref(part: str) -> dict[str, Json]:
    """A definition of the same schema."""
    return {"$ref": f"#/$defs/{part}"}
