"""What the stand-in fills into a schema fits it."""

from __future__ import annotations

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.strict_json import Json
from gateway.testing.stand_in_schema import arguments, instance

_LEAVES = st.one_of(
    st.builds(lambda: {"type": "string"}),
    st.builds(lambda most: {"type": "string", "maxLength": most}, st.integers(1, 20)),
    st.builds(lambda least: {"type": "string", "minLength": least}, st.integers(1, 200)),
    st.builds(lambda low: {"type": "integer", "minimum": low}, st.integers(-50, 50)),
    st.builds(lambda high: {"type": "integer", "exclusiveMaximum": high}, st.integers(-50, 50)),
    st.builds(lambda low: {"type": "number", "exclusiveMinimum": low, "maximum": low + 10}, st.integers(-50, 50)),
    st.builds(lambda values: {"enum": values}, st.lists(st.text() | st.integers(), min_size=1, max_size=3)),
    st.builds(lambda value: {"const": value}, st.text() | st.booleans() | st.none()),
    st.builds(lambda: {"type": "boolean"}),
    st.builds(lambda: {"type": "null"}),
    st.builds(lambda: {"type": ["null", "string"]}),
)


def _containers(inner: st.SearchStrategy[dict[str, Json]]) -> st.SearchStrategy[dict[str, Json]]:
    names = st.text(max_size=5)
    return st.one_of(
        st.dictionaries(names, inner, max_size=3).map(
            lambda found: {
                "type": "object",
                "properties": found,
                "required": list(found),
                "additionalProperties": False,
            }
        ),
        st.builds(lambda items, least: {"type": "array", "items": items, "minItems": least}, inner, st.integers(0, 3)),
        st.builds(lambda one: {"anyOf": [{"type": "null"}, one]}, inner),
        st.builds(lambda one: {"$defs": {"one": one}, "oneOf": [one]}, inner),
        st.builds(lambda one: {"allOf": [one]}, inner),
    )


@given(st.recursive(_LEAVES, _containers, max_leaves=12), st.text(min_size=1, max_size=60))
def test_an_instance_fits_its_schema(schema: dict[str, Json], words: str) -> None:
    """Whatever the schema is made of."""
    assert jsonschema_rs.is_valid(schema, instance(schema, words))


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    ["type", "properties", "items", "anyOf", "allOf", "$ref", "enum", "minimum", "required"]
                ),
                inner,
                max_size=4,
            )
        ),
        max_leaves=15,
    )
)
def test_no_schema_breaks_it(schema: Json) -> None:
    """Schemas are the caller's; some are no schemas."""
    assert isinstance(arguments(schema, "words"), dict)
    assert instance(schema, "words") == instance(schema, "words")


def test_references_are_followed_and_recursion_ends() -> None:
    """A list of itself, and a name with characters that a reference has to escape."""
    schema: dict[str, Json] = {
        "$ref": "#/$defs/a~1node",
        "$defs": {
            "a/node": {
                "type": "object",
                "properties": {"name": {"type": "string"}, "next": {"$ref": "#/$defs/a~1node"}},
                "required": ["name"],
            }
        },
    }
    filled = instance(schema, "x")

    assert isinstance(filled, dict)
    assert "x" == filled["name"]
    assert jsonschema_rs.is_valid(schema, filled)


def test_a_reference_in_a_circle_ends() -> None:
    """To nothing in particular."""
    assert arguments({"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/a"}}}, "x")


@pytest.mark.parametrize(
    ("schema", "words", "expected"),
    [
        ({"type": "integer"}, "call magic_function(3)", 3),
        ({"type": "integer", "minimum": 5}, "from 3 to 7", 7),
        ({"type": "number"}, "it is 2.5 long", 2.5),
        ({"type": "integer"}, "v1.2.3 of abc4", 0),
        ({"type": "string", "format": "date"}, "soon", "2024-02-29"),
    ],
)
def test_values_come_from_the_words(schema: Json, words: str, expected: Json) -> None:
    """The first number that fits; formats have a value of their own."""
    assert expected == instance(schema, words)


def test_arguments_without_properties_are_the_text() -> None:
    """So that what was said comes back; none at all where the schema says that there are none."""
    assert {"text": "hi"} == arguments({"type": "object"}, "hi") == arguments(None, "hi")
    assert {} == arguments({"type": "object", "properties": {}}, "hi")
