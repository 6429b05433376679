"""A chat answer told as a message: the official package's own types and accumulator read it."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Sequence

import anthropic
import httpx2
import pytest
from anthropic.lib.streaming._messages import accumulate_event
from anthropic.types import Message, RawMessageStreamEvent
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from gateway.dialects.chat import ChatRestorer
from gateway.dialects.messages_answer import MessagesFromChat
from gateway.domain.errors import UpstreamError
from gateway.domain.strict_json import Json
from tests.dialects.placeholders import CUTS, TEXTS, VAULT, cut, restored

EVENT: TypeAdapter[RawMessageStreamEvent] = TypeAdapter(RawMessageStreamEvent)
USAGE = {
    "prompt_tokens": 11,
    "completion_tokens": 7,
    "total_tokens": 18,
    "prompt_tokens_details": {"cached_tokens": 4},
    "completion_tokens_details": {"reasoning_tokens": 2},
}
REQUEST: dict[str, Json] = {"model": "alias", "max_tokens": 9}
THINKING: dict[str, Json] = {**REQUEST, "thinking": {"type": "enabled", "budget_tokens": 1024}}


def whole(message: Json, finish: str | None = "stop", request: dict[str, Json] = REQUEST, **choice: Json) -> Message:
    """The message for a chat completion."""
    answer = {
        "id": "chatcmpl-1",
        "model": "m",
        "choices": [{"index": 0, "message": message, "finish_reason": finish, **choice}],
        "usage": USAGE,
    }
    return Message.model_validate_json(MessagesFromChat(request).whole(json.dumps(answer).encode()), strict=True)


def chunk(delta: Json, finish: str | None = None) -> bytes:
    """A chat chunk."""
    choices = [{"index": 0, "delta": delta, "finish_reason": finish}]
    return json.dumps({"id": "chatcmpl-1", "model": "m", "choices": choices, "usage": None}).encode()


def chunks(*deltas: Json, finish: str = "stop") -> list[bytes]:
    """The chunks of a stream, with its end and its usage."""
    usage = json.dumps({"id": "chatcmpl-1", "model": "m", "choices": [], "usage": USAGE}).encode()
    return [chunk({"role": "assistant", "content": ""}), *map(chunk, deltas), chunk({}, finish), usage]


def events(data: Iterable[bytes], request: dict[str, Json] = REQUEST) -> list[bytes]:
    """The events that a stream becomes."""
    telling = MessagesFromChat(request)
    return [piece for each in data for piece in telling.event(each)] + list(telling.finish())


def streamed(data: Iterable[bytes], request: dict[str, Json] = REQUEST) -> Message:
    """The message that the official package puts together, from events in their order."""
    told = events(data, request)
    assert_in_order(told)
    snapshot, buffers = None, dict[int, bytes]()
    for each in told:
        event = EVENT.validate_json(each, strict=True)
        snapshot = accumulate_event(event=event, current_snapshot=snapshot, json_bufs=buffers)
    return Message.model_validate(snapshot.to_dict())  # type: ignore[union-attr]


def assert_in_order(told: Sequence[bytes]) -> None:
    """One start, blocks one after the other with no gap in their numbers, one delta of the message, one stop."""
    kinds = [json.loads(each)["type"] for each in told]
    blocks = [json.loads(each)["index"] for each in told if b'"index"' in each]
    assert ["message_start", "message_delta", "message_stop"] == [k for k in kinds if k.startswith("message")]
    assert ["message_delta", "message_stop"] == kinds[-2:]
    assert sorted(blocks) == blocks
    assert list(range(len(set(blocks)))) == sorted(set(blocks))
    for index in set(blocks):
        own = [json.loads(each)["type"] for each in told if b'"index"' in each and json.loads(each)["index"] == index]
        assert ("content_block_start", "content_block_stop") == (own[0], own[-1])
        assert {"content_block_delta"} >= set(own[1:-1])


def call(index: int, arguments: str, name: str = "", **more: Json) -> Json:
    """A delta with a piece of a tool call; the first one has a name."""
    function: dict[str, Json] = {"arguments": arguments, **({"name": name} if name else {})}
    head: dict[str, Json] = {"id": f"call_{index}", "type": "function"} if name else {}
    return {"tool_calls": [{"index": index, **head, "function": function, **more}]}


def content(message: Message) -> list[Json]:
    """The blocks, without members that say nothing."""
    return [block.to_dict() for block in message.content]  # type: ignore[misc]


TEXT = {"type": "text", "text": "hello"}
TOOLS: list[Json] = [
    {"type": "tool_use", "id": "call_0", "name": "f", "input": {"a": 1}},
    {"type": "tool_use", "id": "call_1", "name": "g", "input": {}},
]
CALLS: Json = [
    {"id": "call_0", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}},
    {"id": "call_1", "type": "function", "function": {"name": "g", "arguments": ""}},
]


def test_a_text() -> None:
    """Whole and streamed say the same; cached tokens are counted apart."""
    one = whole({"role": "assistant", "content": "hello"})
    other = streamed(chunks({"content": "hel"}, {"content": "lo"}))

    assert one == other
    assert [TEXT] == content(one)
    assert ("msg_1", "m", "end_turn", None) == (one.id, one.model, one.stop_reason, one.stop_sequence)
    usage = one.usage
    assert (7, 4, 7) == (usage.input_tokens, usage.cache_read_input_tokens, usage.output_tokens)
    assert usage.output_tokens_details is not None
    assert 2 == usage.output_tokens_details.thinking_tokens


def test_text_and_tools() -> None:
    """Every call is a block, in its order."""
    one = whole({"content": "hello", "tool_calls": CALLS}, "tool_calls")
    deltas = ({"content": "hello"}, call(0, "", "f"), call(0, '{"a'), call(0, '":1}'), call(1, "", "g"))
    other = streamed(chunks(*deltas, finish="tool_calls"))

    assert one == other
    assert [TEXT, *TOOLS] == content(one)
    assert "tool_use" == one.stop_reason


def test_a_forced_call_also_ends_as_a_call() -> None:
    """OpenAI's finish reason is `stop` there."""
    assert "tool_use" == whole({"content": None, "tool_calls": CALLS}, "stop").stop_reason
    assert "tool_use" == streamed(chunks(call(0, "{}", "f"))).stop_reason


def test_a_call_streams_while_it_comes() -> None:
    """The second call begins when the first is complete, not at the end of the answer."""
    telling = MessagesFromChat(REQUEST)
    for each in chunks(call(0, '{"a":1}', "f"))[:2]:
        list(telling.event(each))
    told = [json.loads(each) for each in telling.event(chunk(call(1, '{"b"', "g")))]

    assert ["content_block_stop", "content_block_start", "content_block_delta"] == [each["type"] for each in told]
    assert [0, 1, 1] == [each["index"] for each in told]


def test_a_call_that_goes_on_when_the_next_has_begun() -> None:
    """What was held back of the first call reaches the first call; the text behind is told behind."""
    deltas = (call(0, '{"a":', "f"), call(1, "{}", "g"), {"content": "hello"}, call(0, "1}"))

    assert [*TOOLS, TEXT] == content(streamed(chunks(*deltas)))


def test_calls_without_index_or_id() -> None:
    """Another id is another call; a call without one gets one of the answer's own."""
    first: Json = {"tool_calls": [{"id": "a", "function": {"name": "f", "arguments": "{}"}}]}
    second: Json = {"tool_calls": [{"id": "b", "function": {"name": "g", "arguments": "{}"}}]}
    nameless: Json = {"tool_calls": [{"function": {"name": "f", "arguments": "{}"}}]}

    assert ["a", "b"] == [block["id"] for block in content(streamed(chunks(first, second)))]  # type: ignore[index, call-overload]
    assert ["toolu_1_0"] == [block["id"] for block in content(streamed(chunks(nameless)))]  # type: ignore[index, call-overload]


def test_thoughts_are_told_where_they_were_asked_for() -> None:
    """In a block of their own, without a signature."""
    message: Json = {"reasoning_content": "hm", "content": "hello"}
    deltas: tuple[Json, ...] = (
        {"reasoning_content": "h"},
        {"reasoning_content": "m", "content": ""},
        {"content": "hello"},
    )

    for request in (REQUEST, {**THINKING, "thinking": {"type": "adaptive", "display": "omitted"}}):
        assert [TEXT] == content(whole(message, request=request)) == content(streamed(chunks(*deltas), request))
    thought = {"type": "thinking", "thinking": "hm", "signature": ""}
    assert [thought, TEXT] == content(whole(message, request=THINKING)) == content(streamed(chunks(*deltas), THINKING))


@pytest.mark.parametrize(
    ("finish", "reason"),
    [("stop", "end_turn"), ("length", "max_tokens"), ("content_filter", "refusal"), ("other", "end_turn")],
)
def test_every_finish_reason_has_its_word(finish: str, reason: str) -> None:
    """Whole and streamed."""
    assert reason == whole({"content": "hello"}, finish).stop_reason
    assert reason == streamed(chunks({"content": "hello"}, finish=finish)).stop_reason


def test_a_refusal_is_a_text_and_a_reason() -> None:
    """The words of the model are kept."""
    for message in (whole({"content": None, "refusal": "hello"}), streamed(chunks({"refusal": "hello"}))):
        assert ([TEXT], "refusal") == (content(message), message.stop_reason)


def test_a_stop_sequence_is_named_where_the_server_says_it() -> None:
    """And only one of those that were asked for."""
    request: dict[str, Json] = {**REQUEST, "stop_sequences": ["END"]}
    named = whole({"content": "hello"}, request=request, stop_reason="END")
    other = whole({"content": "hello"}, request=request, stop_reason="</s>")

    assert ("stop_sequence", "END") == (named.stop_reason, named.stop_sequence)
    assert ("end_turn", None) == (other.stop_reason, other.stop_sequence)


def test_an_empty_answer_has_no_blocks() -> None:
    """Not even an empty one: nobody could send it back."""
    assert [] == content(whole({"content": ""})) == content(streamed(chunks()))


def test_arguments_that_were_cut_by_the_limit() -> None:
    """The stop reason says so; whole, the input is empty, streamed, it is what came."""
    broken: Json = [{"id": "c", "function": {"name": "f", "arguments": '{"a":'}}]

    assert {} == content(whole({"tool_calls": broken}, "length"))[0]["input"]  # type: ignore[index, call-overload]
    assert "max_tokens" == streamed(chunks(call(0, '{"a":', "f"), finish="length")).stop_reason


@pytest.mark.parametrize("arguments", ['{"a":', "[]", '{"a":1,"a":2}', "{} {}"])
def test_broken_arguments_are_a_broken_answer(arguments: str) -> None:
    """Never a clean end."""
    with pytest.raises(UpstreamError):
        whole({"tool_calls": [{"id": "c", "function": {"name": "f", "arguments": arguments}}]}, "tool_calls")
    with pytest.raises(UpstreamError):
        events(chunks(call(0, arguments, "f"), finish="tool_calls"))


@pytest.mark.parametrize(
    "deltas", [[call(0, "{}")], [call(0, "{}", "f"), call(1, "{}", "g"), call(0, "x")], [{"tool_calls": [{}]}]]
)
def test_calls_that_cannot_be_told_apart_are_a_broken_answer(deltas: list[Json]) -> None:
    """Pieces of a call that never began, or that is complete."""
    with pytest.raises(UpstreamError):
        events(chunks(*deltas))


def test_an_answer_that_broke_off_is_not_ended() -> None:
    """Without a finish reason nobody knows whether it is whole."""
    with pytest.raises(UpstreamError):
        events([chunk({"content": "hello"})])
    with pytest.raises(UpstreamError):
        events([])
    with pytest.raises(UpstreamError):
        MessagesFromChat(REQUEST).whole(b'{"choices":[]}')


def test_an_error_in_the_stream_is_told_and_ends_it() -> None:
    """In the dialect's own form, and nothing after it."""
    error = b'{"error":{"message":"m","type":"server_error","param":null,"code":"c"}}'
    told = events([chunk({"content": "hello"}), error])

    assert {"type": "error", "error": {"type": "api_error", "message": "m", "code": "c"}} == json.loads(told[-1])
    assert b"message_stop" not in b"".join(told)


def test_the_official_client_reads_the_stream() -> None:
    """Over HTTP, with the lines of server-sent events."""
    told = events(chunks({"content": "hello"}, call(0, '{"a":1}', "f"), call(1, "", "g"), finish="tool_calls"))
    lines = b"".join(b"event: %s\ndata: %s\n\n" % (json.loads(e)["type"].encode(), e) for e in told)

    def answer(_: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, headers={"content-type": "text/event-stream"}, content=lines)

    with httpx2.Client(transport=httpx2.MockTransport(answer)) as http:
        client = anthropic.Anthropic(api_key="k", base_url="http://127.0.0.1:1", http_client=http, max_retries=0)
        messages = [{"role": "user", "content": "hi"}]
        with client.messages.stream(model="alias", max_tokens=9, messages=messages) as stream:  # type: ignore[arg-type]
            assert "hello" == "".join(stream.text_stream)
            assert [TEXT, *TOOLS] == content(stream.get_final_message())


@given(TEXTS, TEXTS, CUTS, CUTS, st.data())
def test_a_restored_stream_says_what_the_whole_says(
    said: str, value: str, cuts: list[int], more: list[int], data: st.DataObject
) -> None:
    """Wherever the provider cuts, and in whatever order text and two calls come in."""
    arguments = json.dumps({"v": value}, ensure_ascii=False)
    queues: list[list[Json]] = [
        [{"content": piece} for piece in cut(said, cuts)],
        [call(0, "", "f"), *(call(0, piece) for piece in cut(arguments, more))],
        [call(1, "", "g"), *(call(1, piece) for piece in cut(arguments, cuts))],
    ]
    deltas = []
    while any(queues):
        deltas.append(data.draw(st.sampled_from([queue for queue in queues if queue])).pop(0))
    restoring = ChatRestorer(VAULT)
    pieces = (piece for each in chunks(*deltas, finish="tool_calls") for piece in restoring.event(each))
    message = streamed(itertools.chain(pieces, restoring.finish()))
    blocks = message.content
    expected = {"v": restored(value)}

    assert restored(said) == "".join(block.text for block in blocks if block.type == "text")
    assert {"f": expected, "g": expected} == {block.name: block.input for block in blocks if block.type == "tool_use"}
