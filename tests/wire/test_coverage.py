"""The coverage table: it says what the declaration does, field by field, to the stricter side."""

from __future__ import annotations

import json
import re

import pytest

from gateway.domain.conversation import Operation, read
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
from gateway.wire.coverage import coverage, coverage_response, fields_of
from gateway.wire.schema import CHAT, OPERATIONS
from tests.domain.build import chat

TABLE = coverage()["POST /v1/chat/completions"]
LETTER = Choice(frozenset({"a"}))


@pytest.mark.parametrize(
    ("declaration", "told"),
    [
        (Text(), [("f", "text")]),
        (Identifier(), [("f", "text")]),
        (JsonText(Source.TOOL_ARGUMENTS), [("f", "text")]),
        (AnyJson(), [("f.*", "text")]),
        (JsonSchema(), [("f.*", "text")]),
        (Sealed(), [("f", "text")]),
        (TokenId(), [("f<token id>", "text")]),
        (Number(0, 1), [("f", "control")]),
        (Number(0, 1, inspected=True), [("f", "text")]),
        (Flag(), [("f", "control")]),
        (LETTER, [("f", "control")]),
        (Choice(frozenset({"a"}), refused=frozenset({"b"})), [("f", "control"), ("f=b", "refused")]),
        (Opaque("image"), [("f", "opaque")]),
        (Refused(), [("f", "refused")]),
        (Each(Text()), [("f[]", "text")]),
        (ByType(string=Text(), array=Each(Flag())), [("f", "text"), ("f[]", "control")]),
        (Record({"a": Text(), "b": Refused()}), [("f.a", "text"), ("f.b", "refused")]),
        (
            Variants("t", {"x": Record({"a": Text()}), "y": Record({"b": Flag()})}),
            [("f.a", "text"), ("f.b", "control")],
        ),
        (
            Variants("t", {"x": Record({"a": Text()})}, refused=frozenset({"y"})),
            [("f.a", "text"), ("f.t=y", "refused")],
        ),
        (ByType(number=TokenId()), [("f<token id>", "text")]),
        (
            with_extra_fields(Record({"a": Flag()}), frozenset({"b", "*"})),
            [("f.a", "control"), ("f.<any>", "text"), ("f.b", "text")],
        ),
        (MapOf(Number(0, 1), key=re.compile("[0-9]")), [("f.<key>", "control"), ("f.*", "control")]),
        (MapOf(Text()), [("f.<key>", "text"), ("f.*", "text")]),
    ],
)
def test_each_kind_of_field_has_its_word(declaration: Field, told: list[tuple[str, str]]) -> None:
    """A key that a caller may choose freely is text as well."""
    assert told == list(fields_of(declaration, "f"))


@pytest.mark.parametrize(
    ("field", "word"),
    [
        ("messages[].content", "text"),
        ("messages[].content[].text", "text"),
        ("messages[].content[].image_url.url", "opaque"),
        ("messages[].content[].input_audio.data", "opaque"),
        ("messages[].content[].file.file_data", "opaque"),
        ("messages[].content[].file.file_id", "refused"),
        ("messages[].name", "text"),
        ("messages[].role", "control"),
        ("messages[].tool_calls[].function.arguments", "text"),
        ("messages[].tool_calls[].id", "text"),
        ("messages[].audio", "refused"),
        ("tools[].function.parameters.*", "text"),
        ("response_format.json_schema.schema.*", "text"),
        ("metadata.<key>", "text"),
        ("metadata.*", "text"),
        ("logit_bias.<key>", "control"),
        ("seed", "text"),
        ("model", "text"),
        ("user", "text"),
        ("temperature", "control"),
        ("web_search_options", "refused"),
    ],
)
def test_the_chat_operation_field_by_field(field: str, word: str) -> None:
    """What a reader of docs/coverage.md relies on."""
    assert word == TABLE[field]


def test_nothing_of_the_declaration_is_left_out() -> None:
    """Each field in the table, and none twice with a milder word."""
    strictness = ("control", "text", "opaque", "refused")

    assert {path for path, _ in fields_of(CHAT)} == set(TABLE)
    assert all(strictness.index(TABLE[path]) >= strictness.index(word) for path, word in fields_of(CHAT))


REFUSED = [field for field, word in TABLE.items() if word == "refused" and field.isidentifier()]


@pytest.mark.parametrize("field", [*REFUSED, "no_such_field"])
def test_what_the_table_refuses_is_refused(field: str) -> None:
    """The table and the reader agree, on unknown fields as well."""
    with pytest.raises(CallerError) as refused:
        read(Operation.CHAT, CHAT, json.dumps(chat("hello", **{field: {}})).encode())
    assert ErrorCode.UNSUPPORTED_FIELD is refused.value.code


def test_the_endpoint_tells_the_table() -> None:
    """All operations, and what becomes of a field that is in none."""
    told = json.loads(bytes(coverage_response().body))

    assert {"operations": coverage(), "unknown_fields": "refused"} == told
    assert set(OPERATIONS) == set(told["operations"])
