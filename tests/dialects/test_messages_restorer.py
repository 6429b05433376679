"""Placeholders in answers of a provider that speaks Messages: every block, every running text, wherever it cuts."""

from __future__ import annotations

import json
from collections.abc import Iterable

import pytest
from anthropic.types import Message, RawMessageStreamEvent
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from gateway.dialects.messages_restorer import MessagesRestorer
from gateway.domain.errors import UpstreamError
from gateway.domain.strict_json import Json, dump_json
from tests.dialects.placeholders import (
    CUTS,
    NO_VAULT,
    PLACEHOLDER,
    TEXTS,
    VALUE,
    VAULT,
    cut,
    restored,
    restored_json,
)

EVENT: TypeAdapter[RawMessageStreamEvent] = TypeAdapter(RawMessageStreamEvent)
USAGE: dict[str, Json] = {"input_tokens": 5, "cache_read_input_tokens": 3, "output_tokens": 1}


def message(*content: Json) -> dict[str, Json]:
    """A message of a provider."""
    head: dict[str, Json] = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m"}
    return {**head, "content": list(content), "stop_reason": "end_turn", "stop_sequence": None, "usage": USAGE}


def events(restorer: MessagesRestorer, *sent: Json) -> list[dict[str, Json]]:
    """The events that come out."""
    pieces = [piece for each in sent for piece in restorer.event(dump_json(each))]
    return [json.loads(piece) for piece in [*pieces, *restorer.finish()]]


def start(index: int, block: Json) -> Json:
    """The event that begins a block."""
    return {"type": "content_block_start", "index": index, "content_block": block}


def delta(index: int, kind: str, **said: Json) -> Json:
    """A piece of a block."""
    return {"type": "content_block_delta", "index": index, "delta": {"type": kind, **said}}


def stop(index: int) -> Json:
    """The event that ends a block."""
    return {"type": "content_block_stop", "index": index}


def joined(told: Iterable[dict[str, Json]], index: int, member: str) -> str:
    """The running text of a block."""
    deltas = [each["delta"] for each in told if each.get("type") == "content_block_delta" and each["index"] == index]
    return "".join(str(each.get(member, "")) for each in deltas if isinstance(each, dict))


def whole(answer: Json, *, json_content: bool = False) -> dict[str, Json]:
    """An answer, restored."""
    result = json.loads(MessagesRestorer(VAULT, json_content=json_content).whole(dump_json(answer)))
    assert isinstance(result, dict)
    return result


def test_every_block_of_a_whole_message() -> None:
    """Text, thinking, inputs with their keys, citations; what is sealed stays."""
    cited: Json = {"type": "page_location", "cited_text": PLACEHOLDER, "document_title": None}
    answer = message(
        {"type": "thinking", "thinking": PLACEHOLDER, "signature": PLACEHOLDER},
        {"type": "redacted_thinking", "data": PLACEHOLDER},
        {"type": "text", "text": PLACEHOLDER, "citations": [cited, {**cited, "type": "char_location"}]},
        {"type": "tool_use", "id": "t", "name": "f", "input": {PLACEHOLDER: [PLACEHOLDER], "data": PLACEHOLDER}},
    )

    assert message(
        {"type": "thinking", "thinking": VALUE, "signature": PLACEHOLDER},
        {"type": "redacted_thinking", "data": PLACEHOLDER},
        {"type": "text", "text": VALUE, "citations": [{**cited, "cited_text": VALUE}]},
        {"type": "tool_use", "id": "t", "name": "f", "input": {VALUE: [VALUE], "data": VALUE}},
    ) == whole(answer)


def test_a_stop_sequence_is_the_callers_own_again() -> None:
    """It may have been masked on the way out."""
    assert VALUE == whole({**message(), "stop_sequence": PLACEHOLDER})["stop_sequence"]
    (told,) = events(MessagesRestorer(VAULT), {"type": "message_delta", "delta": {"stop_sequence": PLACEHOLDER}})
    assert {"stop_sequence": VALUE} == told["delta"]


def test_an_answer_that_is_json_stays_json() -> None:
    """A value with a quote is escaped inside the text."""
    text = json.dumps({"to": PLACEHOLDER})
    block = whole(message({"type": "text", "text": text}), json_content=True)["content"]
    told = events(MessagesRestorer(VAULT, json_content=True), delta(0, "text_delta", text=text), stop(0))

    assert {"to": VALUE} == json.loads(block[0]["text"])  # type: ignore[index, call-overload, arg-type]
    assert {"to": VALUE} == json.loads(joined(told, 0, "text"))


def test_without_placeholders_the_exact_bytes_pass() -> None:
    """Whole, streamed and failed; only the tokens are noted."""
    restorer = MessagesRestorer(NO_VAULT)
    body = json.dumps(message({"type": "text", "text": PLACEHOLDER}), indent=1).encode()
    sent = [b'{ "type": "ping" }', b'{"type":"message_delta","delta":{},  "usage":{"output_tokens":9}}', b"not read"]

    assert body == restorer.whole(body)
    assert b"x" == restorer.error(b"x")
    assert sent == [piece for each in sent for piece in restorer.event(each)]
    assert [] == list(restorer.finish())
    assert (8, 9) == (restorer.usage.prompt, restorer.usage.completion)


def test_a_delta_in_which_nothing_changes_keeps_its_bytes() -> None:
    """Also while placeholders are looked for."""
    same = rb'{ "type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "\u00e9 "} }'

    assert [same] == list(MessagesRestorer(VAULT).event(same))


def test_tokens_of_a_stream_are_running_totals() -> None:
    """From the beginning and from the end."""
    restorer = MessagesRestorer(VAULT)
    opening: Json = {"type": "message_start", "message": message()}
    closing: Json = {"type": "message_delta", "delta": {}, "usage": {"output_tokens": 20}}

    assert [opening, closing] == events(restorer, opening, closing)
    assert (8, 20) == (restorer.usage.prompt, restorer.usage.completion)


def test_what_is_held_back_goes_out_before_the_block_ends() -> None:
    """As one more delta, that the official package knows."""
    told = events(MessagesRestorer(VAULT), delta(0, "text_delta", text="to [EMAIL"), stop(0))

    assert [delta(0, "text_delta", text="to "), delta(0, "text_delta", text="[EMAIL"), stop(0)] == told
    assert told == [EVENT.validate_python(each).to_dict() for each in told]


def test_thinking_is_whole_before_its_signature() -> None:
    """The signature itself passes as it is."""
    sealed = delta(0, "signature_delta", signature=PLACEHOLDER)
    told = events(MessagesRestorer(VAULT), delta(0, "thinking_delta", thinking=PLACEHOLDER), sealed, stop(0))

    assert VALUE == joined(told[:-2], 0, "thinking")
    assert [sealed, stop(0)] == told[-2:]


def test_citations_in_a_stream() -> None:
    """Restored; one that counts characters of another text is left out."""
    cited: Json = {"type": "page_location", "cited_text": PLACEHOLDER}
    counted: Json = {"type": "char_location", "cited_text": PLACEHOLDER}
    told = events(
        MessagesRestorer(VAULT),
        delta(0, "citations_delta", citation=counted),
        delta(0, "citations_delta", citation=cited),
    )

    assert [delta(0, "citations_delta", citation={"type": "page_location", "cited_text": VALUE})] == told


def test_a_block_may_begin_with_text() -> None:
    """And a placeholder may begin there."""
    opening = start(0, {"type": "text", "text": PLACEHOLDER[:9]})
    told = events(MessagesRestorer(VAULT), opening, delta(0, "text_delta", text=PLACEHOLDER[9:]), stop(0))

    assert start(0, {"type": "text", "text": ""}) == told[0]
    assert VALUE == joined(told, 0, "text")


def test_a_tool_block_may_begin_with_its_input() -> None:
    """Some servers send it whole."""
    opening = start(0, {"type": "tool_use", "id": "t", "name": "f", "input": {"to": PLACEHOLDER}})
    told = events(MessagesRestorer(VAULT), opening, stop(0))

    assert [start(0, {"type": "tool_use", "id": "t", "name": "f", "input": {"to": VALUE}}), stop(0)] == told


@pytest.mark.parametrize("end", [{"type": "message_stop"}, {"type": "message_delta", "delta": {}}])
def test_a_block_that_never_ends_loses_nothing(end: Json) -> None:
    """What is held back goes out before the message ends, or when the stream does."""
    begun = delta(3, "text_delta", text=PLACEHOLDER[:-1])

    assert [delta(3, "text_delta", text=VALUE), end] == events(MessagesRestorer(VAULT), begun, end)[1:]
    assert [delta(3, "text_delta", text=VALUE)] == events(MessagesRestorer(VAULT), begun)[1:]


def test_errors_are_restored() -> None:
    """In a body and in a stream: they may quote the request."""
    error: Json = {"type": "error", "error": {"type": "invalid_request_error", "message": f"bad: {PLACEHOLDER}"}}
    expected = {"type": "error", "error": {"type": "invalid_request_error", "message": f"bad: {VALUE}"}}

    assert expected == json.loads(MessagesRestorer(VAULT).error(dump_json(error)))
    assert [expected] == events(MessagesRestorer(VAULT), error)


def test_an_unknown_delta_is_a_running_text_too() -> None:
    """A kind of tomorrow is restored across its pieces."""
    told = events(
        MessagesRestorer(VAULT),
        delta(0, "poem_delta", verse=PLACEHOLDER[:7]),
        delta(0, "poem_delta", verse=PLACEHOLDER[7:]),
        stop(0),
    )

    assert VALUE == joined(told, 0, "verse")
    assert {"poem_delta"} == {each["delta"]["type"] for each in told[:-1]}  # type: ignore[index, call-overload]


@pytest.mark.parametrize(
    "sent",
    [
        b"no json",
        b"[]",
        dump_json({"type": "content_block_delta", "index": []}),
        dump_json(delta(0, "text_delta") | {"delta": 1}),
    ],  # type: ignore[operator]
)
def test_what_is_no_event_is_the_providers_fault(sent: bytes) -> None:
    """And ends the stream as a broken one."""
    with pytest.raises(UpstreamError):
        list(MessagesRestorer(VAULT).event(sent))


@given(TEXTS, TEXTS, TEXTS, CUTS, CUTS, st.data())
def test_cut_anywhere_it_restores_to_the_same(
    said: str, thought: str, value: str, cuts: list[int], more: list[int], data: st.DataObject
) -> None:
    """Three blocks at once, in any order of their pieces: texts as in one piece, arguments stay valid JSON."""
    arguments = json.dumps({"v": value, "n": [1, True, value]}, ensure_ascii=False)
    queues: list[list[Json]] = [
        [*(delta(0, "thinking_delta", thinking=piece) for piece in cut(thought, cuts)), stop(0)],
        [*(delta(1, "text_delta", text=piece) for piece in cut(said, more)), stop(1)],
        [*(delta(2, "input_json_delta", partial_json=piece) for piece in cut(arguments, [*cuts, *more])), stop(2)],
    ]
    sent = []
    while any(queues):
        sent.append(data.draw(st.sampled_from([queue for queue in queues if queue])).pop(0))
    told = events(MessagesRestorer(VAULT), *sent)

    assert restored(thought) == joined(told, 0, "thinking")
    assert restored(said) == joined(told, 1, "text")
    assert restored_json({"v": value, "n": [1, True, value]}) == json.loads(joined(told, 2, "partial_json"))
    assert [each for each in sent if each["type"] == "content_block_stop"] == [  # type: ignore[index, call-overload]
        each for each in told if each["type"] == "content_block_stop"
    ]


@given(TEXTS)
def test_a_whole_message_is_one_that_the_official_package_reads(text: str) -> None:
    """And counts what was turned back."""
    restorer = MessagesRestorer(VAULT)
    body = restorer.whole(dump_json(message({"type": "text", "text": text})))
    told = Message.model_validate_json(body, strict=True)

    assert restored(text) == told.content[0].text  # type: ignore[union-attr]
    assert (restorer.restored > 0) == (restored(text) != text)
