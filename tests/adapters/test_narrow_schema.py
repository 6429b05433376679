"""JSON Schemas as forms: what is one, and that what is filled in is what the schema asks for."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from gateway.adapters.narrow_schema import Blank, Choice, NotFillable, filled, form_of, leaves, number_in, spoken
from gateway.domain.strict_json import Json

NAMES = st.sampled_from(["customer", "order_no", "dueDate", "total", "city"])
WORDS = st.lists(st.sampled_from(["a", "b", "c", "d"]), min_size=1, max_size=4, unique=True)
LEAVES: st.SearchStrategy[Any] = st.one_of(
    WORDS.map(lambda words: {"enum": words}),
    WORDS.map(lambda words: {"type": "string", "enum": words}),
    st.just({"const": "a"}),
    st.sampled_from(
        [
            {"type": "string"},
            {"type": ["string", "null"]},
            {"type": "string", "maxLength": 3},
            {"type": ["number", "null"]},
        ]
    ),
    st.just({"anyOf": [{"type": "integer"}, {"type": "null"}]}),
    st.just({"$ref": "#/$defs/Colour"}),
)


def objects(parts: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Objects of some parts, with some of them required."""
    properties = st.dictionaries(NAMES, parts, min_size=1, max_size=4)
    return properties.flatmap(
        lambda of: st.lists(st.sampled_from(sorted(of)), unique=True).map(
            lambda needed: {"type": "object", "properties": of, "required": needed, "additionalProperties": False}
        )
    )


SCHEMAS = objects(st.recursive(LEAVES, objects, max_leaves=5)).map(
    lambda schema: {**schema, "$defs": {"Colour": {"enum": ["red", "blue"]}}}
)


@given(SCHEMAS, st.one_of(st.none(), st.text(max_size=8), st.sampled_from(["12", "1,204.50 EUR", "no", "7 and 9"])))
def test_what_is_filled_in_is_valid(schema: dict[str, Json], said: str | None) -> None:
    """For whatever a text says or does not say."""
    form = form_of(schema)
    assert form is not None
    told = filled(form, lambda choice: choice.values[-1], lambda _: said)
    Draft202012Validator(schema).validate(json.loads(json.dumps(told)))


@pytest.mark.parametrize(
    "leaf",
    [
        {"type": "boolean"},
        {"type": "array", "items": {"type": "string"}},
        {"type": "string", "minLength": 2},
        {"type": "string", "pattern": "a+"},
        {"type": "string", "format": "date"},
        {"type": "number", "minimum": 3},
        {"anyOf": [{"type": "string"}, {"type": "number"}]},
        {"enum": [True, False]},
        {"$ref": "#/$defs/nowhere"},
        {"$ref": "#"},
        {},
        {"type": "string", "not": {"const": "a"}},
        {"type": "object", "properties": {"b": {"type": "string"}}, "required": ["c"]},
        {"type": "object", "properties": {"b": {"type": "string"}}, "allOf": [{"required": ["b"]}]},
        {"oneOf": [{"const": True}, {"const": False}]},
    ],
)
def test_what_asks_for_more_is_no_form(leaf: dict[str, Json]) -> None:
    """It has to be generated."""
    assert form_of({"type": "object", "properties": {"a": leaf}}) is None
    assert form_of(leaf) is None


def test_references_that_unfold_into_millions_of_leaves_are_no_form() -> None:
    """They are given up at the first leaf too many, not counted to the end."""
    steps: dict[str, Json] = {
        f"L{step}": {
            "type": "object",
            "properties": {f"p{number}": {"$ref": f"#/$defs/L{step + 1}"} for number in range(60)},
        }
        for step in range(5)
    }
    schema: Json = {
        "type": "object",
        "properties": {"a": {"$ref": "#/$defs/L0"}},
        "$defs": {**steps, "L5": {"type": "string"}},
    }
    assert form_of(schema) is None


def test_a_number_that_must_be_there_and_is_not_leaves_the_form_unfilled() -> None:
    """No number is made up; one that may be left out is."""
    schema: dict[str, Json] = {"type": "object", "properties": {"total": {"type": "number"}}}
    needed, free = form_of({**schema, "required": ["total"]}), form_of(schema)
    assert needed is not None
    assert free is not None
    with pytest.raises(NotFillable):
        filled(needed, lambda choice: choice.values[0], lambda _: "soon")
    assert filled(free, lambda choice: choice.values[0], lambda _: "soon") == {}


def test_names_and_descriptions_say_what_a_leaf_is() -> None:
    """In words, whatever the style of the name."""
    schema: dict[str, Json] = {
        "type": "object",
        "properties": {
            "dueDate": {"type": "string", "description": "When it must be paid."},
            "HTTPCode": {"type": "integer"},
            "mood": {"oneOf": [{"const": "calm", "description": "nothing is wrong"}, {"const": "cross"}]},
        },
    }
    form = form_of(schema)
    assert form is not None
    assert list(leaves(form)) == [
        Blank("due date, when it must be paid", "string", nullable=False),
        Blank("http code", "integer", nullable=False),
        Choice(("calm", "cross"), ("nothing is wrong", "")),
    ]
    assert [spoken(name) for name in ("customer_name", "Due date", "mrn")] == ["customer name", "due date", "mrn"]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1,204.50 EUR", 1204.5),
        ("1.204,50 €", 1204.5),
        ("$4,500", 4500),
        ("12", 12),
        ("-3.5 °C", -3.5),
        ("1 204", 1204),
        ("3.14", 3.14),
        ("none", None),
        ("3 to 4", None),
        ("", None),
        ("12345678901234567891", 12345678901234567891),
        ("1" * 41, None),
        ("9" * 400, None),
    ],
)
def test_numbers_are_read_in_both_styles(text: str, number: float | None) -> None:
    """The last mark that is not followed by three digits is the decimal one."""
    assert number_in(text) == number
