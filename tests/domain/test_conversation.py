"""Every string of a request is a leaf, a control value, or opaque; the rest is refused."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.conversation import Conversation, Operation, read
from gateway.domain.errors import CallerError, ErrorCode
from gateway.domain.finding import Address
from gateway.domain.walk import MAX_LEAVES
from gateway.wire.schema import CHAT
from tests.domain.build import chat, conversation

CANARY = "canary-7731"


def code_of(body: bytes) -> ErrorCode:
    """The code with which a body is refused."""
    with pytest.raises(CallerError) as refused:
        read(Operation.CHAT, CHAT, body)
    assert CANARY not in str(refused.value) + repr(refused.value) + refused.value.param
    return refused.value.code


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", ErrorCode.INVALID_JSON),
        (b"{", ErrorCode.INVALID_JSON),
        (b"[]", ErrorCode.INVALID_FIELD),
        (b'"canary-7731"', ErrorCode.INVALID_FIELD),
        (b"\xef\xbb\xbf{}", ErrorCode.INVALID_JSON),
        (b"\xff\xfe{\x00}\x00", ErrorCode.INVALID_ENCODING),
        (b'{"a":"\xff"}', ErrorCode.INVALID_ENCODING),
        (b'{"model":"m","messages":[{"role":"user","content":"\\ud800"}]}', ErrorCode.INVALID_ENCODING),
        (b'{"model":"m","model":"canary-7731"}', ErrorCode.DUPLICATE_KEY),
        (b'{"model":"m","messages":[{"role":"user","content":"a","content":"b"}]}', ErrorCode.DUPLICATE_KEY),
        (b'{"temperature":NaN}', ErrorCode.INVALID_JSON),
        (b'{"temperature":1e999}', ErrorCode.INVALID_JSON),
        (b'{"model":"m"}', ErrorCode.MISSING_FIELD),
        (b'{"model":"m","messages":[]}', ErrorCode.INVALID_FIELD),
        (b'{"model":"m","messages":null}', ErrorCode.INVALID_FIELD),
        (b'{"model":"m","messages":[{"role":"canary-7731"}]}', ErrorCode.INVALID_FIELD),
        (b'{"model":"canary 7731","messages":[{"role":"user","content":"a"}]}', ErrorCode.INVALID_FIELD),
        (b'{"model":"m","messages":[{"role":"user","content":5}]}', ErrorCode.INVALID_FIELD),
        (b'{"canary-7731":1,"model":"m","messages":[]}', ErrorCode.UNSUPPORTED_FIELD),
        (b'{"Model":"m"}', ErrorCode.UNSUPPORTED_FIELD),
        (b'{"model":"m","messages":[],"temperature":"hot"}', ErrorCode.INVALID_FIELD),
        (b'{"model":"m","messages":[{"role":"user","content":[{"type":"canary-7731"}]}]}', ErrorCode.INVALID_FIELD),
        (b"[" * 200_000, ErrorCode.NESTING_TOO_DEEP),
        (b'{"a":' * 900 + b"1" + b"}" * 900, ErrorCode.NESTING_TOO_DEEP),
    ],
)
def test_bad_bodies_are_refused_without_an_echo(body: bytes, code: ErrorCode) -> None:
    """Whatever is no chat request has a code of its own, and its text is not repeated."""
    refused = code_of(body)

    assert code == refused or (code is ErrorCode.NESTING_TOO_DEEP and refused is ErrorCode.UNSUPPORTED_FIELD)


def test_depth_and_number_of_values_are_bounded() -> None:
    """Nesting and leaf count have limits of their own."""
    deep: object = "x"
    for _ in range(80):
        deep = [deep]
    tool = {"type": "function", "function": {"name": "f", "parameters": {"a": deep}}}
    many = {str(i): "x" for i in range(MAX_LEAVES)}

    assert code_of(json.dumps(chat("hi", tools=[tool])).encode()) == ErrorCode.NESTING_TOO_DEEP
    assert code_of(json.dumps(chat("hi", metadata=many)).encode()) == ErrorCode.TOO_MANY_VALUES


@pytest.mark.parametrize("field", ["audio", "web_search_options", "moderation"])
def test_refused_fields_are_named(field: str) -> None:
    """A field that is known and not served says its address."""
    with pytest.raises(CallerError) as refused:
        conversation("hi", **{field: {}})

    assert (ErrorCode.UNSUPPORTED_FIELD, f"/{field}") == (refused.value.code, refused.value.param)


def test_texts_in_every_corner_are_leaves() -> None:
    """Arguments, tool results, schemas, names, keys, numbers, metadata: all are read."""
    arguments = json.dumps({"k-canary": ["v-canary", 4111111111111111]})
    call = {"id": "id-canary", "type": "function", "function": {"name": "n-canary", "arguments": arguments}}
    parameters = {"type": "object", "properties": {"p-canary": {"enum": ["e-canary"], "default": 123456789}}}
    talk = conversation(
        {"role": "system", "content": "s-canary", "name": "m-canary"},
        {"role": "assistant", "content": None, "tool_calls": [call], "refusal": "r-canary"},
        {"role": "tool", "tool_call_id": "t-canary", "content": [{"type": "text", "text": "c-canary"}]},
        tools=[
            {"type": "function", "function": {"name": "f-canary", "description": "d-canary", "parameters": parameters}}
        ],
        user="u-canary",
        metadata={"mk-canary": "mv-canary"},
        stop=["stop-canary"],
        seed=987654321,
        prompt_cache_key="pck-canary",
        prediction={"type": "content", "content": "pred-canary"},
        response_format={"type": "json_schema", "json_schema": {"name": "js-canary", "schema": {"title": "ti-canary"}}},
    )
    texts = {leaf.text for leaf in talk.leaves}
    canaries = set(json.dumps(talk.body.decode()).replace("\\", "").split('"'))

    assert {word for word in canaries if word.endswith("-canary")} <= texts
    assert {"4111111111111111", "123456789", "987654321"} <= texts


def test_addresses_hide_keys_of_the_callers_choice() -> None:
    """The address that is recorded never holds a key that the caller invented."""
    talk = conversation("hi", metadata={CANARY: "v"}, tools=[
        {"type": "function", "function": {"name": "f", "parameters": {CANARY: {"x": 1}}}}
    ])  # fmt: skip

    assert not [leaf for leaf in talk.leaves if CANARY in leaf.schema]
    assert {"/metadata/*", "/tools/0/function/parameters/*"} <= {leaf.schema for leaf in talk.leaves}


def test_images_and_files_are_opaque() -> None:
    """What no detector reads is said to be unread."""
    talk = conversation(
        {"role": "user", "content": [
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
            {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}},
            {"type": "file", "file": {"file_data": "AAAA", "filename": "plan.pdf"}},
        ]}
    )  # fmt: skip

    assert ["image", "audio", "file"] == [part.media for part in talk.opaque]


def test_escaped_arguments_are_read_as_what_they_say() -> None:
    r"""A `\\u` escape inside a JSON string hides nothing, and what cannot be parsed is not called clean."""
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": r'{"a": "\u0061lice"}'}}
    broken = {"id": "c", "type": "function", "function": {"name": "f", "arguments": r'{"a": "\u0061lice"'}}
    read_well = conversation({"role": "assistant", "tool_calls": [call]})
    unread = conversation({"role": "assistant", "tool_calls": [broken]})

    assert "alice" in {leaf.text for leaf in read_well.leaves}
    assert b"u0061" not in read_well.body
    assert ["unreadable_json"] == [part.media for part in unread.opaque]


def test_repr_shows_no_text() -> None:
    """Neither a conversation nor a leaf shows what it holds."""
    talk = conversation(CANARY, metadata={CANARY: CANARY})

    assert CANARY not in repr(talk)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=10), inner, max_size=4),
    max_leaves=20,
)  # fmt: skip


def strings_and_numbers(value: object) -> Iterator[str]:
    """Every key, string and number of a JSON value, as it is written."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield json.dumps(value)
    elif isinstance(value, list):
        for item in value:
            yield from strings_and_numbers(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from strings_and_numbers(item)


@given(json_values)
def test_arbitrary_json_is_total(value: object) -> None:
    """Every key, string and number of arbitrary JSON is a leaf, in schemas and in arguments."""
    function = {"name": "f", "parameters": value}
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": json.dumps([value])}}
    talk = conversation({"role": "assistant", "tool_calls": [call]}, tools=[{"type": "function", "function": function}])
    expected = set(strings_and_numbers(value))

    assert expected <= {leaf.text for leaf in talk.leaves if leaf.address.startswith("/tools")}
    assert expected <= {leaf.text for leaf in talk.leaves if leaf.address.startswith("/messages")}


@given(json_values, st.text(st.characters(exclude_categories=["Cs"]), max_size=30))
def test_rewriting_nothing_changes_nothing(value: object, text: str) -> None:
    """A rewrite without replacements is the body itself, and reads as the same leaves."""
    talk = conversation(text, tools=[{"type": "function", "function": {"name": "f", "parameters": value}}])

    assert talk.body == talk.rewritten({}, {})
    assert talk.leaves == read(Operation.CHAT, CHAT, talk.body).leaves


@given(json_values)
def test_every_leaf_can_be_replaced(value: object) -> None:
    """No leaf survives a rewrite that replaces it: what leaves is made of what was visited."""
    talk = conversation("hello", tools=[{"type": "function", "function": {"name": "f", "parameters": value}}])
    texts = {leaf.address: f"R{i}" for i, leaf in enumerate(talk.leaves) if leaf.address != Address("/model")}
    document = json.loads(talk.rewritten(texts, {}))
    left = set(strings_and_numbers(document["tools"][0]["function"]["parameters"]))

    assert all(word.startswith("R") for word in left)


def test_control_fields_are_set_by_the_gateway() -> None:
    """What the gateway sets wins over what the caller sent."""
    body = json.loads(conversation("hi", store=True).rewritten({}, {"store": False}))

    assert body["store"] is False


def arguments(text: str) -> Conversation:
    """A conversation with one tool call of these arguments."""
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": text}}
    return conversation({"role": "assistant", "tool_calls": [call]})


@pytest.mark.parametrize("number", ["3.0000000000000000000078051120", "1.5e2", "4111111111111111.000000000078051120"])
def test_numbers_in_arguments_leave_as_they_were_inspected(number: str) -> None:
    """Digits beyond a float's precision are not inspected, so they do not leave."""
    talk = arguments(f'{{"a": {number}}}')
    sent = json.loads(talk.rewritten({}, {}))["messages"][0]["tool_calls"][0]["function"]["arguments"]

    assert talk.leaves[-1].text in sent
    assert number not in sent


def test_arguments_that_are_one_json_string_are_read_inside() -> None:
    """An escaped digit is a digit, also where the whole text is a JSON string."""
    talk = arguments(r'"\u0030\u0037\u0038-05-1120"')

    assert "078-05-1120" == talk.leaves[-1].text
    assert b"u0030" not in talk.rewritten({}, {})


@pytest.mark.parametrize("inside", [None, [], {}, [None], "x"])
def test_too_many_values_are_refused(inside: object) -> None:
    """Values that are no text cost time as well, in a schema and in arguments."""
    many = [inside] * 210_000
    with pytest.raises(CallerError) as refused:
        conversation("hi", tools=[{"type": "function", "function": {"name": "f", "parameters": many}}])
    assert ErrorCode.TOO_MANY_VALUES is refused.value.code
    with pytest.raises(CallerError) as refused:
        arguments(json.dumps(many))
    assert ErrorCode.TOO_MANY_VALUES is refused.value.code


def test_a_key_that_every_leaf_below_would_hold_is_refused() -> None:
    """A thousand leaves below a key of a megabyte would hold it a thousand times."""
    with pytest.raises(CallerError) as refused:
        arguments(json.dumps({"k" * 5000: [1] * 1000}))
    assert ErrorCode.INVALID_FIELD is refused.value.code
