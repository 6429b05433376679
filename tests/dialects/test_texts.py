"""The texts of an answer: running ones joined over their pieces, and cut where they were found."""

from __future__ import annotations

import copy
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.dialects.texts import drop_spelled, texts_of
from gateway.domain.answer_rules import Cut
from gateway.domain.strict_json import Json

Document = dict[str, Json]


def chunk(*deltas: tuple[int, Document]) -> Document:
    """A chunk of a chat completion."""
    choices: list[Json] = [{"index": at, "delta": delta, "finish_reason": None} for at, delta in deltas]
    return {"id": "chatcmpl-1", "object": "chat.completion.chunk", "model": "gpt-x", "choices": choices}


def call(index: int, arguments: str) -> Document:
    """A delta of a tool call."""
    return {"tool_calls": [{"index": index, "function": {"arguments": arguments}}]}


def response_delta(item: str, delta: str, at: int = 0) -> Document:
    """A delta of a response."""
    kind = "response.output_text.delta"
    return {"type": kind, "item_id": item, "output_index": at, "content_index": 0, "delta": delta, "sequence_number": 1}


def message_delta(index: int, delta: Document) -> Document:
    """A delta of a message."""
    return {"type": "content_block_delta", "index": index, "delta": delta}


def block_start(index: int, text: str) -> Document:
    """The beginning of a block of a message."""
    return {"type": "content_block_start", "index": index, "content_block": {"type": "text", "text": text}}


@pytest.mark.parametrize(
    ("documents", "texts"),
    [
        ([chunk((0, {"content": "sk-"})), chunk((0, {"content": "123"}))], {"sk-123"}),
        ([chunk((0, {"content": "a"}), (1, {"content": "b"})), chunk((1, {"content": "c"}))], {"a", "bc"}),
        ([chunk((0, call(0, "x"))), chunk((0, call(1, "y"))), chunk((0, call(0, "z")))], {"xz", "y"}),
        ([response_delta("m1", "sk-"), response_delta("m2", "no", 1), response_delta("m1", "123")], {"sk-123", "no"}),
        ([response_delta("m1", "sk-"), response_delta("m9", "123")], {"sk-123"}),
        (
            [chunk((0, {"content": "sk-"})) | {"type": "x"}, chunk((0, {"content": "1"})) | {"type": "y"}],
            {"sk-1"},
        ),
        ([block_start(0, "sk-"), message_delta(0, {"type": "text_delta", "text": "1"})], {"sk-1"}),
        (
            [
                message_delta(0, {"type": "text_delta", "text": "sk-"}),
                message_delta(0, {"type": "text_delta", "text": "1"}),
            ],
            {"sk-1"},
        ),
        ([{"object": "text_completion", "choices": [{"index": 0, "text": "one"}]}], {"one"}),
        ([{"type": "response.output_text.done", "item_id": "m1", "text": "whole"}], {"whole"}),
        ([{"id": "x", "choices": [{"message": {"role": "assistant", "content": "hi"}}]}], {"hi"}),
    ],
)
def test_pieces_of_one_place_are_one_text(documents: list[Document], texts: set[str]) -> None:
    """By choice, tool call, item and block; what is said whole is a text of its own."""
    assert texts == {text.text for text in texts_of(documents)}


def test_what_only_the_protocol_reads_is_no_text() -> None:
    """Ids and sealed blobs; but a word in their place that is no id is one."""
    sealed: Document = {"id": "chatcmpl-1", "model": "gpt-x", "signature": "c2VhbGVk", "role": "assistant"}

    assert [] == texts_of([sealed])
    assert ["call me on 555 0100"] == [text.text for text in texts_of([{"id": "call me on 555 0100"}])]


def tool_use(value: Json) -> Document:
    """A message that calls a tool."""
    return {"type": "message", "content": [{"type": "tool_use", "id": "toolu_1", "name": "find", "input": value}]}


@pytest.mark.parametrize(
    "value",
    [{"id": "536-22-8714"}, {"signature": "536-22-8714"}, {"536-22-8714": True}, {"a": [{"model": "536-22-8714"}]}],
)
def test_the_input_of_a_tool_is_text_whatever_its_members_are_called(value: Json) -> None:
    """Its keys too: nothing in it belongs to the protocol."""
    document = tool_use(value)
    [text] = [text for text in texts_of([document]) if "536-22-8714" in text.text]
    at = text.text.index("536-22-8714")
    text.cut([Cut(at, at + 11, "[US_SSN]")])

    assert json.dumps(value).replace("536-22-8714", "[US_SSN]") == json.dumps(document["content"][0]["input"])  # type: ignore[index, call-overload]


def test_a_number_in_json_becomes_a_string() -> None:
    """The mark is no JSON without quotes; in a string it has them already."""
    document = tool_use({"ssn": 536228714, "text": "536228714"})
    call_document = chunk((0, call(0, '{"ssn": 536228714}')))
    for text in texts_of([document, call_document]):
        at, last = text.text.find("536228714"), text.text.rfind("536228714")
        text.cut([Cut(each, each + 9, "[US_SSN]") for each in sorted({at, last} - {-1})])

    assert {"ssn": "[US_SSN]", "text": "[US_SSN]"} == document["content"][0]["input"]  # type: ignore[index, call-overload]
    assert '{"ssn": "[US_SSN]"}' in json.dumps(call_document).replace("\\", "")


def test_a_cut_that_leaves_no_json_leaves_nothing() -> None:
    """Better no input than a part of what may not be shown."""
    document = tool_use({"ssn": 536228714, "b": 1})
    [text] = [text for text in texts_of([document]) if "ssn" in text.text]
    text.cut([Cut(3, 15, "[US_SSN]")])

    assert {} == document["content"][0]["input"]  # type: ignore[index, call-overload]


def test_a_cut_over_pieces_leaves_its_mark_once() -> None:
    """In the piece in which it begins."""
    documents = [chunk((0, {"content": piece})) for piece in ("my sk", "-12", "3 key")]
    [text] = texts_of(documents)
    text.cut([Cut(3, 9, "[SECRET]")])

    said = [json.loads(json.dumps(each))["choices"][0]["delta"]["content"] for each in documents]
    assert ["my [SECRET]", "", " key"] == said


@given(
    st.lists(st.text(max_size=6), min_size=1, max_size=8),
    st.lists(st.tuples(st.integers(0, 40), st.integers(1, 9)), max_size=4),
)
def test_cutting_pieces_is_cutting_their_text(pieces: list[str], places: list[tuple[int, int]]) -> None:
    """Wherever the provider cut, and wherever the places lie."""
    whole = "".join(pieces)
    cuts: list[Cut] = []
    for start, length in sorted(places):
        if start + length <= len(whole) and (not cuts or start >= cuts[-1].end):
            cuts.append(Cut(start, start + length, "#"))
    expected = whole
    for cut in reversed(cuts):
        expected = expected[: cut.start] + cut.mark + expected[cut.end :]
    documents = [chunk((0, {"content": piece})) for piece in pieces]
    [text] = texts_of(documents)
    text.cut(cuts)

    assert expected == text.text


def test_what_spells_the_text_is_dropped() -> None:
    """Token by token it would say what was cut."""
    document: Document = {
        "choices": [{"logprobs": {"content": [{"token": "sk"}]}, "x": {"logprobs": [{"token": "sk"}]}}]
    }
    before = copy.deepcopy(document)
    drop_spelled(document)

    assert before != document
    assert '"sk"' not in json.dumps(document)
