"""Declarations as JSON schemas: what fits the schema is read, and what does not is refused."""

from __future__ import annotations

import json
import random
import re
from dataclasses import dataclass
from typing import Any

import jsonschema_rs
import pytest

from gateway.domain.conversation import Operation, read_document
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
    Source,
    Text,
    TokenId,
    Variants,
    with_extra_fields,
)
from gateway.domain.errors import CallerError, ErrorCode
from gateway.wire.app import PATHS
from gateway.wire.openapi_schema import schema_of
from gateway.wire.schema import OPERATIONS

LETTER = Choice(frozenset({"b", "a"}))
STRING = {"type": "string"}
TAGGED = Variants("t", {"x": Record({"t": Choice(frozenset({"x"})), "a": Text()}, frozenset({"a"}))})
TWO = Variants(
    "t", {"x": Record({"t": Choice(frozenset({"x"}))}), "y": Record({"t": Choice(frozenset({"y"}))})}, untagged="y"
)


@pytest.mark.parametrize(
    ("declaration", "schema"),
    [
        (Text(), STRING),
        (JsonText(Source.TOOL_ARGUMENTS), STRING),
        (AnyJson(), {}),
        (JsonSchema(), {}),
        (Identifier(), {"type": "string", "pattern": "^(?:[A-Za-z0-9_.:/@+-]{1,256})$"}),
        (Sealed(), {"type": "string", "pattern": "^(?:[A-Za-z0-9_.:+/=-]*)$"}),
        (TokenId(), {"type": "integer", "minimum": 0}),
        (LETTER, {"type": "string", "enum": ["a", "b"]}),
        (Number(0, 1), {"type": "number", "minimum": 0, "maximum": 1}),
        (Number(-2, 9, integer=True), {"type": "integer", "minimum": -2, "maximum": 9}),
        (Flag(), {"type": "boolean"}),
        (Opaque("image"), {"type": "string", "x-gateway-media": "image"}),
        (Refused(), {"not": {}}),
        (Each(Text()), {"type": "array", "items": STRING}),
        (Each(Text(), least=1), {"type": "array", "items": STRING, "minItems": 1}),
        (MapOf(Text()), {"type": "object", "additionalProperties": STRING}),
        (
            MapOf(Flag(), key=re.compile("[0-9]")),
            {
                "type": "object",
                "additionalProperties": {"type": "boolean"},
                "propertyNames": {"pattern": "^(?:[0-9])$"},
            },
        ),
        (ByType(string=Text(), array=Each(Flag())), {"anyOf": [STRING, schema_of(Each(Flag()))]}),
        (ByType(number=TokenId()), {"type": "integer", "minimum": 0}),
        (
            Record({"a": Text(), "b": Flag(), "c": Refused(), "d": LETTER, "e": AnyJson()}, frozenset({"a"})),
            {
                "type": "object",
                "properties": {
                    "a": STRING,
                    "b": {"type": ["boolean", "null"]},
                    "d": {"type": ["string", "null"], "enum": ["a", "b", None]},
                    "e": {},
                },
                "required": ["a"],
                "additionalProperties": False,
            },
        ),
        (
            TAGGED,
            {
                "type": "object",
                "properties": {"t": {"const": "x"}, "a": STRING},
                "required": ["a", "t"],
                "additionalProperties": False,
            },
        ),
    ],
)
def test_each_kind_of_field_has_its_schema(declaration: Field, schema: dict[str, Any]) -> None:
    """A member that is not required may be null."""
    assert schema == schema_of(declaration)


@pytest.mark.parametrize(
    ("declaration", "fits", "misfits"),
    [
        (TWO, [{"t": "x"}, {"t": "y"}, {}, {"t": None}], [{"t": "z"}, {"t": 1}, [], "x"]),
        (TAGGED, [{"t": "x", "a": ""}], [{"a": ""}, {"t": "x"}, {"t": "x", "a": None}]),
        (Record({"v": TWO}), [{"v": {"t": "x"}}, {"v": None}, {}], [{"v": {"t": "z"}}, {"w": 1}]),
        (Record({"v": ByType(string=Text(), array=Each(Text()))}), [{"v": ""}, {"v": None}], [{"v": 1}, {"v": [None]}]),
        (
            with_extra_fields(Record({"a": Flag(), "c": Refused()}), frozenset({"b"})),
            [{"a": True, "b": [1]}],
            [{"d": 1}, {"c": 1}],
        ),
        (
            with_extra_fields(Record({"a": Flag(), "c": Refused()}), frozenset({"*"})),
            [{"d": [1]}],
            [{"a": 1}, {"c": 1}],
        ),
        (Identifier(), ["a", "m" * 256], ["", "a b", "a\n", "m" * 257, 1]),
        (Number(0, 2, integer=True), [0, 2], [3, 0.5, True, "1"]),
        (Each(Refused()), [[]], [[1], None]),
    ],
)
def test_the_schema_and_the_reader_agree(declaration: Field, fits: list[Any], misfits: list[Any]) -> None:
    """On what fits, and on what does not."""
    whole = Record({"v": declaration}, frozenset({"v"}))
    validator = jsonschema_rs.Draft202012Validator(schema_of(whole))

    assert [True] * len(fits) == [validator.is_valid({"v": each}) for each in fits]
    assert [True] * len(fits) == [_is_read(whole, {"v": each}) for each in fits]
    assert [False] * len(misfits) == [validator.is_valid({"v": each}) for each in misfits]
    assert [False] * len(misfits) == [_is_read(whole, {"v": each}) for each in misfits]


@pytest.mark.parametrize("key", OPERATIONS)
def test_every_tag_is_declared(key: str) -> None:
    """A case says its tag, and no other, so that cases exclude each other."""
    for variants in _variants(OPERATIONS[key]):
        for tag, case in variants.cases.items():
            for record in _records(case):
                declared = record.fields[variants.tag]
                assert isinstance(declared, Choice)
                assert {tag} == declared.values


@pytest.mark.parametrize("key", OPERATIONS)
def test_requests_fit_their_schema_or_are_refused(key: str) -> None:
    """Bodies that are nearly right: the schema and the reader agree on each. About half are right."""
    validator, operation = jsonschema_rs.Draft202012Validator(schema_of(OPERATIONS[key])), PATHS[key.partition(" ")[2]]
    chance = Chance(random.Random(key))  # the same bodies in every run
    read = 0
    for _ in range(1000):
        body = chance.value(OPERATIONS[key])
        told = _told(OPERATIONS[key], body, operation)
        if told is ErrorCode.TOKEN_IDS_UNREADABLE:
            continue  # they fit: where they can be read, they are, before a request is
        assert validator.is_valid(body) == (told is None), body
        read += told is None

    assert 200 < read < 900


def _is_read(declaration: Field, body: Any) -> bool:
    return _told(declaration, body, Operation.CHAT) is None


def _told(declaration: Field, body: Any, operation: Operation) -> ErrorCode | None:
    try:
        read_document(operation, declaration, body)
    except CallerError as error:
        return error.code
    return None


WRONG = (None, True, -1, 0.5, 10**30, "", "none", [], {}, [None], {"type": "text"}, {"": 1})


@dataclass(frozen=True)
class Chance:
    """Makes values for fields, a few of them wrong."""

    random: random.Random

    def nearly(self, declaration: Field) -> Any:
        """A value that mostly fits. One for a refused field is not null, which the reader takes for absent."""
        wrong = self.random.random() < 0.02 and not isinstance(declaration, Refused)
        return self.random.choice(WRONG) if wrong else self.value(declaration)

    def value(self, declaration: Field) -> Any:
        """A value that fits but for what is in it."""
        one_of = self.random.choice
        match declaration:
            case Choice(values=values, refused=refused):
                return one_of(sorted(values) * 9 + sorted(refused))
            case Number(low=low, high=high, integer=integer):
                return one_of([int(low), int(high)] * 9 + [int(high) + 1, 1 if integer else 0.25])
            case Flag():
                return one_of([True, False])
            case AnyJson() | JsonSchema():
                return one_of([None, 1, {"type": "object", "required": ["a"]}, [{"a": 1.5}], "text"])
            case TokenId():
                return self.random.randrange(9)
            case Refused():
                return "refused"
            case Text() | JsonText() | Opaque():
                return one_of(["a", "call_1", "{}", "two words", "é", ""])
            case Identifier() | Sealed():
                return one_of(["a", "gpt-x", "call_1", "x/y+z"] * 9 + ["two words", "é"])
            case ByType(string=string, array=array, object=object_, number=number):
                return self.nearly(
                    one_of([each for each in (string, array, object_, number) if not isinstance(each, Refused)])
                )
            case Each(item=item, least=least):
                return [self.nearly(item) for _ in range(self.random.randrange(least, 3))]
            case MapOf(value=value):
                return {key: self.nearly(value) for key in self.random.sample(["7", "12", "key"], one_of([0, 0, 1, 2]))}
            case Variants(cases=cases):
                return self.nearly(cases[one_of(sorted(cases))])
            case Record():
                return self._members(declaration)

    def _members(self, record: Record) -> dict[str, Any]:
        """What is required, the tag, a few others, and now and then one too many or too few."""
        tags = {name for name, field in record.fields.items() if isinstance(field, Choice) and len(field.values) == 1}
        others = [name for name, field in record.fields.items() if name not in record.required | tags]
        served = [name for name in others if not isinstance(record.fields[name], Refused)]
        pool = others if self.random.random() < 0.1 else served
        names = self.random.sample(pool, min(len(pool), self.random.randrange(3)))
        body = {name: self.nearly(record.fields[name]) for name in (*sorted(record.required | tags), *names)}
        if self.random.random() < 0.03:
            name = self.random.choice([*body, "unknown", "type"])
            return {key: member for key, member in body.items() if key != name} if name in body else {**body, name: 1}
        return body


def _records(case: Record | Variants) -> list[Record]:
    return [case] if isinstance(case, Record) else [record for each in case.cases.values() for record in _records(each)]


def _variants(declaration: Field) -> list[Variants]:
    match declaration:
        case Record(fields=fields):
            return [each for field in fields.values() for each in _variants(field)]
        case Each(item=inner) | MapOf(value=inner):
            return _variants(inner)
        case ByType(string=string, array=array, object=object_, number=number):
            return [each for field in (string, array, object_, number) for each in _variants(field)]
        case Variants(cases=cases):
            return [declaration, *(each for case in cases.values() for each in _variants(case))]
        case _:
            return []


def test_the_schemas_are_schemas() -> None:
    """By the dialect that OpenAPI 3.1 uses; written out, they stay small."""
    for declaration in OPERATIONS.values():
        schema = schema_of(declaration)
        jsonschema_rs.meta.validate({"$schema": "https://json-schema.org/draft/2020-12/schema", **schema})
        assert len(json.dumps(schema)) < 40_000
