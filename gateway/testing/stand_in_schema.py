"""An instance of a JSON schema, as a model fills one: strings with what was said, numbers with the first that was said.

Recursion ends: below a few levels only required properties are filled, and deeper still nothing is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from gateway.domain.strict_json import Json

Body = dict[str, Json]
_FILL_ALL, _FILL_NONE = 4, 12
_FORMATS = {
    "date": "2024-02-29",
    "date-time": "2024-02-29T12:00:00Z",
    "time": "12:00:00Z",
    "duration": "P1D",
    "email": "user@example.com",
    "hostname": "example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uri": "https://example.com/",
    "uuid": "00000000-0000-4000-8000-000000000000",
}


def instance(schema: Json, words: str) -> Json:
    """A value that fits `schema`, made of `words`."""
    root = schema if isinstance(schema, dict) else {}
    return _Filler(root, words).fill(root, 0)


def arguments(schema: Json, words: str) -> Body:
    """The arguments of a call: an instance of an object, `{"text": words}` where the schema names no properties."""
    if isinstance(schema, dict) and ("properties" in schema or "$ref" in schema):
        filled = instance(schema, words)
        if isinstance(filled, dict):
            return filled
    return {"text": words}


@dataclass(frozen=True, slots=True)
class _Filler:
    root: Body
    words: str

    def fill(self, schema: Json, depth: int) -> Json:
        if not isinstance(schema, dict) or depth > _FILL_NONE:
            return self.words if schema is True else None
        schema = self._settled(schema)
        if "const" in schema:
            return schema["const"]
        options = schema.get("enum")
        if isinstance(options, list) and options:
            return options[0]
        return self._typed(_type(schema), schema, depth)

    def _settled(self, schema: Body) -> Body:
        """The schema without references and alternatives."""
        for _ in range(_FILL_NONE):
            if isinstance(schema.get("$ref"), str):
                schema = {**self._resolved(str(schema["$ref"])), **_without(schema, "$ref")}
            elif (chosen := _alternative(schema)) is not None:
                schema = {**_without(schema, "anyOf", "oneOf"), **chosen}
            elif schema.get("allOf"):
                schema = _merged(schema)
            else:
                break
        return schema

    def _resolved(self, reference: str) -> Body:
        found: Json = self.root
        for step in reference.removeprefix("#").split("/")[1:]:
            name = step.replace("~1", "/").replace("~0", "~")
            found = found.get(name) if isinstance(found, dict) else None
        return found if isinstance(found, dict) else {}

    def _typed(self, kind: str, schema: Body, depth: int) -> Json:
        match kind:
            case "object":
                return self._object(schema, depth)
            case "array":
                return self._array(schema, depth)
            case "integer" | "number":
                return self._number(schema, whole=kind == "integer")
            case "boolean":
                return True
            case "null":
                return None
            case _:
                return self._string(schema)

    def _object(self, schema: Body, depth: int) -> Body:
        properties, required = schema.get("properties"), schema.get("required")
        if not isinstance(properties, dict):
            return {}
        needed = required if isinstance(required, list) else []
        wanted = [name for name in properties if depth < _FILL_ALL or name in needed]
        return {name: self.fill(properties[name], depth + 1) for name in wanted}

    def _array(self, schema: Body, depth: int) -> list[Json]:
        first, least = schema.get("prefixItems"), schema.get("minItems")
        if isinstance(first, list):
            return [self.fill(item, depth + 1) for item in first]
        if schema.get("items") is None or depth >= _FILL_NONE:
            return []
        count = least if isinstance(least, int) and least > 1 else 1
        return [self.fill(schema["items"], depth + 1) for _ in range(min(count, 100))]

    def _number(self, schema: Body, *, whole: bool) -> int | float:
        for number in [*_numbers(self.words), 0.0, 1.0, *_limits(schema)]:
            if _fits(number, schema) and (number.is_integer() or not whole):
                return int(number) if whole else number
        return 0

    def _string(self, schema: Body) -> str:
        form, pattern = schema.get("format"), schema.get("pattern")
        if isinstance(form, str) and form in _FORMATS:
            return _FORMATS[form]
        examples = schema.get("examples")
        if isinstance(pattern, str) and isinstance(examples, list) and examples:
            return str(examples[0])
        most, least = schema.get("maxLength"), schema.get("minLength")
        text = self.words.ljust(least if isinstance(least, int) else 0, ".")
        return text[:most] if isinstance(most, int) else text


def _type(schema: Body) -> str:
    told = schema.get("type")
    if isinstance(told, list):
        told = next((kind for kind in told if kind != "null"), "null")
    if isinstance(told, str):
        return told
    return "object" if "properties" in schema else "array" if "items" in schema else "string"


def _alternative(schema: Body) -> Body | None:
    """The first alternative that is not null."""
    choices = schema.get("anyOf") or schema.get("oneOf")
    offered = [choice for choice in choices if isinstance(choice, dict)] if isinstance(choices, list) else []
    return next((choice for choice in offered if choice.get("type") != "null"), offered[0] if offered else None)


def _merged(schema: Body) -> Body:
    parts = schema["allOf"]
    merged = _without(schema, "allOf")
    for part in parts if isinstance(parts, list) else ():
        merged |= part if isinstance(part, dict) else {}
    return merged


def _without(schema: Body, *names: str) -> Body:
    return {name: value for name, value in schema.items() if name not in names}


def _numbers(words: str) -> Iterator[float]:
    return (float(found) for found in re.findall(r"(?<![\w.])-?\d{1,9}(?:\.\d{1,6})?(?![\w.]*\w)", words))


def _limits(schema: Body) -> Iterator[float]:
    for name, step in (("minimum", 0), ("exclusiveMinimum", 1), ("maximum", 0), ("exclusiveMaximum", -1)):
        limit = schema.get(name)
        if isinstance(limit, int | float):
            yield float(limit + step)


def _fits(number: float, schema: Body) -> bool:
    low, high = schema.get("minimum"), schema.get("maximum")
    above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    return not (
        (isinstance(low, int | float) and number < low)
        or (isinstance(high, int | float) and number > high)
        or (isinstance(above, int | float) and number <= above)
        or (isinstance(below, int | float) and number >= below)
    )
