"""A chat answer told as a Responses answer: the official package's own types and accumulator read it."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai import omit
from openai.lib.streaming.responses._responses import ResponseStreamState
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

from gateway.dialects.chat import ChatRestorer
from gateway.dialects.responses_answer import ResponsesFromChat
from gateway.domain.errors import UpstreamError
from gateway.domain.strict_json import Json
from tests.dialects.placeholders import CUTS, TEXTS, VAULT, cut, restored

EVENT: TypeAdapter[ResponseStreamEvent] = TypeAdapter(ResponseStreamEvent)
USAGE = {
    "prompt_tokens": 11,
    "completion_tokens": 7,
    "total_tokens": 18,
    "prompt_tokens_details": {"cached_tokens": 4},
    "completion_tokens_details": {"reasoning_tokens": 2},
}
REQUEST: dict[str, Json] = {"model": "alias", "input": "hi"}
SUMMARY: dict[str, Json] = {**REQUEST, "reasoning": {"effort": "low", "summary": "auto"}}
HEAD = {"id": "chatcmpl-1", "model": "m", "created": 1700000000}


def whole(message: Json, finish: str | None = "stop", request: dict[str, Json] = REQUEST, **choice: Json) -> Response:
    """The response for a chat completion."""
    choices = [{"index": 0, "message": message, "finish_reason": finish, **choice}]
    body = json.dumps({**HEAD, "choices": choices, "usage": USAGE}).encode()
    return Response.model_validate_json(ResponsesFromChat(request).whole(body), strict=True)


def chunk(delta: Json, finish: str | None = None, **choice: Json) -> bytes:
    """A chat chunk."""
    choices = [{"index": 0, "delta": delta, "finish_reason": finish, **choice}]
    return json.dumps({**HEAD, "choices": choices, "usage": None}).encode()


def chunks(*deltas: Json, finish: str = "stop") -> list[bytes]:
    """The chunks of a stream, with its end and its usage."""
    usage = json.dumps({**HEAD, "choices": [], "usage": USAGE}).encode()
    return [chunk({"role": "assistant", "content": ""}), *map(chunk, deltas), chunk({}, finish), usage]


def events(data: Iterable[bytes], request: dict[str, Json] = REQUEST) -> list[dict[str, Any]]:
    """The events that a stream becomes, each of them valid and in its place."""
    telling = ResponsesFromChat(request)
    told = [piece for each in data for piece in telling.event(each)] + list(telling.finish())
    parsed = [json.loads(EVENT.validate_json(each, strict=True) and each) for each in told]
    assert list(range(len(parsed))) == [event["sequence_number"] for event in parsed]
    return parsed


def streamed(data: Iterable[bytes], request: dict[str, Json] = REQUEST) -> Response:
    """The response that ends a stream, after the official package put its events together to the same."""
    told = events(data, request)
    assert_opened_and_closed(told)
    assert_told_alike(told)
    state: ResponseStreamState[None] = ResponseStreamState(input_tools=omit, text_format=omit)
    for each in told:
        state.handle_event(EVENT.validate_json(json.dumps(each), strict=True))
    if told[-1]["type"] == "response.completed":
        assert state._completed_response is not None
        snapshot = state._ResponseStreamState__current_snapshot  # type: ignore[attr-defined]
        assert state._completed_response.output_text == snapshot.output_text
    return Response.model_validate_json(json.dumps(told[-1]["response"]), strict=True)


def assert_opened_and_closed(told: Sequence[dict[str, Any]]) -> None:
    """Items and parts are opened once and closed once, in that order; nothing of them stands outside."""
    kinds = [event["type"] for event in told]
    assert ["response.created", "response.in_progress"] == kinds[:2]
    inside = [event for event in told if "output_index" in event]
    assert [*told[:2], *inside, told[-1]] == list(told)
    for stem, names in (
        ("response.output_item", ("output_index",)),
        ("response.content_part", ("output_index", "content_index")),
        ("response.reasoning_summary_part", ("output_index", "summary_index")),
    ):
        spans = defaultdict(list)
        for event in inside:
            if all(name in event for name in names):
                spans[tuple(event[name] for name in names)].append(event["type"])
        for types in spans.values():
            assert (f"{stem}.added", f"{stem}.done") == (types[0], types[-1])
            assert [f"{stem}.added", f"{stem}.done"] == [kind for kind in types if kind.startswith(f"{stem}.")]


def assert_told_alike(told: Sequence[dict[str, Any]]) -> None:
    """The deltas, the end of a text, of its part and of its item, and the whole answer all say the same."""
    output = told[-1]["response"]["output"]
    deltas: dict[tuple[int, ...], str] = defaultdict(str)
    ids = set()
    for event in told[2:-1]:
        key = tuple(event.get(name, 0) for name in ("output_index", "content_index", "summary_index"))
        item = output[event["output_index"]]
        ids.add((event["output_index"], event.get("item_id", item["id"])))
        said = item.get("arguments", item.get("input"))
        if said is None:
            parts = item["summary"] if item.get("summary") else item["content"]
            part = parts[key[1] + key[2]]
            said = part.get("text", part.get("refusal"))
        kind = event["type"]
        if kind.endswith(".delta"):
            deltas[key] += event["delta"]
        elif kind.endswith("part.done"):
            assert part == event["part"]
        elif kind == "response.output_item.done":
            assert item == event["item"]
        elif kind.endswith(".done"):
            assert said == deltas[key]
            assert said in event.values()
    assert {(index, item["id"]) for index, item in enumerate(output)} == ids


def call(index: int, arguments: str, name: str = "", **more: Json) -> Json:
    """A delta with a piece of a tool call; the first one has a name."""
    function: dict[str, Json] = {"arguments": arguments, **({"name": name} if name else {})}
    head: dict[str, Json] = {"id": f"call_{index}", "type": "function"} if name else {}
    return {"tool_calls": [{"index": index, **head, "function": function, **more}]}


def output(response: Response) -> list[Any]:
    """The output items, without members that say nothing."""
    return [item.to_dict() for item in response.output]


def message(text: str, at: int = 0, status: str = "completed") -> Json:
    """A message item."""
    part: Json = {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
    return {"id": f"msg_1_{at}", "type": "message", "status": status, "role": "assistant", "content": [part]}


def function(at: int, name: str, arguments: str, index: int) -> Json:
    """A function call item."""
    called: dict[str, Json] = {"call_id": f"call_{index}", "name": name, "arguments": arguments}
    return {"id": f"fc_1_{at}", "type": "function_call", "status": "completed", **called}


CALLS: Json = [
    {"id": "call_0", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}},
    {"id": "call_1", "type": "function", "function": {"name": "g", "arguments": ""}},
]


def test_a_text() -> None:
    """Whole and streamed say the same, with usage and what the SDK asks for."""
    one = whole({"role": "assistant", "content": "hello"})
    other = streamed(chunks({"content": "hel"}, {"content": "lo"}))

    assert one == other
    assert [message("hello")] == output(one)
    assert ("resp_1", "m", 1700000000, "completed") == (one.id, one.model, one.created_at, one.status)
    assert one.usage is not None
    assert (11, 7, 18) == (one.usage.input_tokens, one.usage.output_tokens, one.usage.total_tokens)
    assert 4 == one.usage.input_tokens_details.cached_tokens
    assert 2 == one.usage.output_tokens_details.reasoning_tokens


def test_the_order_of_events() -> None:
    """As OpenAI tells a text."""
    told = [event["type"] for event in events(chunks({"content": "hel"}, {"content": "lo"}))]

    assert [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_text.delta",
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ] == told


def test_text_and_tools() -> None:
    """Every call is an item, in its order, and a call without arguments is told too."""
    one = whole({"content": "hello", "tool_calls": CALLS}, "tool_calls")
    deltas = ({"content": "hello"}, call(0, "", "f"), call(0, '{"a'), call(0, '":1}'), call(1, "", "g"))

    assert [message("hello"), function(1, "f", '{"a":1}', 0), function(2, "g", "", 1)] == output(one)
    assert one == streamed(chunks(*deltas, finish="tool_calls"))


def test_calls_told_in_turns() -> None:
    """Two calls may grow side by side; names in pieces, repeated names and late text are put together."""
    deltas = (
        call(0, "", "f"),
        call(1, "", "g_"),
        call(1, "", "h"),
        call(0, "[1", "f"),
        call(1, "[2"),
        call(0, ",3]"),
        {"content": "late"},
        call(1, ",4]"),
    )

    one = streamed(chunks(*deltas, finish="tool_calls"))
    assert [function(0, "f", "[1,3]", 0), function(1, "g_h", "[2,4]", 1), message("late", 2)] == output(one)


def test_a_call_of_a_custom_tool() -> None:
    """Its input is a text, told in its own events."""
    called: Json = {"id": "call_0", "type": "custom", "custom": {"name": "c", "input": "a b"}}
    pieces: list[Json] = [
        {"tool_calls": [{"index": 0, "id": "call_0", "type": "custom", "custom": {"name": "c", "input": "a"}}]},
        {"tool_calls": [{"index": 0, "custom": {"input": " b"}}]},
    ]
    one = whole({"content": None, "tool_calls": [called]}, "tool_calls")

    assert one == streamed(chunks(*pieces, finish="tool_calls"))
    item = {"id": "ctc_1_0", "type": "custom_tool_call", "status": "completed"}
    assert [{**item, "call_id": "call_0", "name": "c", "input": "a b"}] == output(one)


def test_a_refusal_after_a_text() -> None:
    """Two parts of one message."""
    one = whole({"content": "hm", "refusal": "no"})

    assert one == streamed(chunks({"content": "hm"}, {"refusal": "n"}, {"refusal": "o"}))
    assert [{"type": "refusal", "refusal": "no"}] == output(one)[0]["content"][1:]


@pytest.mark.parametrize("member", ["reasoning_content", "reasoning"])
@pytest.mark.parametrize(("request_", "where"), [(REQUEST, "content"), (SUMMARY, "summary")])
def test_thinking(member: str, request_: dict[str, Json], where: str) -> None:
    """An item of its own before the message, told as the summary where one was asked for."""
    one = whole({member: "deep", "content": "hello"}, request=request_)

    assert one == streamed(chunks({member: "de"}, {member: "ep"}, {"content": "hello"}), request_)
    kind = {"content": "reasoning_text", "summary": "summary_text"}[where]
    other = ({"content", "summary"} - {where}).pop()
    thought = {"id": "rs_1_0", "type": "reasoning", "status": "completed", other: []}
    assert [{**thought, where: [{"type": kind, "text": "deep"}]}, message("hello", 1)] == output(one)


def test_thinking_again_is_another_item() -> None:
    """A model that thinks between two texts."""
    one = streamed(chunks({"content": "a"}, {"reasoning_content": "b"}, {"content": "c"}))

    assert ["message", "reasoning", "message"] == [item.type for item in one.output]
    assert "ac" == one.output_text


@pytest.mark.parametrize(("finish", "reason"), [("length", "max_output_tokens"), ("content_filter", "content_filter")])
def test_an_answer_that_was_cut(finish: str, reason: str) -> None:
    """It is incomplete, and so is what was being told."""
    one = whole({"content": "hel"}, finish)

    assert one == streamed(chunks({"content": "hel"}, finish=finish))
    assert [message("hel", status="incomplete")] == output(one)
    assert one.incomplete_details is not None
    assert ("incomplete", reason) == (one.status, one.incomplete_details.reason)
    assert "response.incomplete" == events(chunks(finish=finish))[-1]["type"]


def test_an_empty_answer() -> None:
    """A message that says nothing."""
    one = whole({"content": ""})

    assert one == streamed(chunks())
    assert [message("")] == output(one)


def test_log_probabilities_and_citations() -> None:
    """Told with their text, in the form of this dialect."""
    logprobs: Json = {"content": [{"token": "a", "logprob": -0.5, "bytes": None, "top_logprobs": []}]}
    cited: Json = {"start_index": 0, "end_index": 1, "url": "https://a.example", "title": "A"}
    annotations: Json = [{"type": "url_citation", "url_citation": cited}]
    one = whole({"content": "a", "annotations": annotations}, logprobs=logprobs)
    data = chunks({"content": "", "annotations": annotations})
    data.insert(1, chunk({"content": "a"}, logprobs=logprobs))

    assert one == streamed(data)
    part = output(one)[0]["content"][0]
    assert [{"type": "url_citation", **cited}] == part["annotations"]  # type: ignore[dict-item]
    assert [{"token": "a", "logprob": -0.5, "bytes": [], "top_logprobs": []}] == part["logprobs"]


def test_what_the_request_said_is_repeated() -> None:
    """With its defaults, as the SDK's type demands."""
    tool: Json = {"type": "function", "name": "f", "parameters": {"type": "object"}}
    asked: dict[str, Json] = {
        **REQUEST,
        "instructions": "be brief",
        "tools": [tool],
        "tool_choice": {"type": "function", "name": "f"},
        "temperature": 0,
        "metadata": {"a": "b"},
        "text": {"verbosity": "low"},
        "reasoning": {"effort": "low"},
        "store": True,
    }
    told = whole({"content": "x"}, request=asked).to_dict()

    assert ("be brief", 0, {"a": "b"}) == (told["instructions"], told["temperature"], told["metadata"])
    assert ({"type": "function", "name": "f"}, 1.0) == (told["tool_choice"], told["top_p"])
    assert {"format": {"type": "text"}, "verbosity": "low"} == told["text"]
    assert {"effort": "low", "summary": None} == told["reasoning"]
    assert [{**tool, "strict": None}] == told["tools"]  # type: ignore[dict-item]
    assert told["store"] is False
    assert told["parallel_tool_calls"] is True


def test_no_usage_and_no_id() -> None:
    """An answer without an id gets one of its own; what was not counted is not told."""
    bodies = [json.dumps({"choices": [{"message": {"content": c}, "finish_reason": "stop"}]}).encode() for c in "ab"]
    one, other = (json.loads(ResponsesFromChat(REQUEST).whole(body)) for body in bodies)

    assert one["id"].startswith("resp_")
    assert one["id"] != other["id"]
    assert (None, "alias", 0) == (one["usage"], one["model"], one["created_at"])


@pytest.mark.parametrize(
    ("code", "told"), [("rate_limit_exceeded", "rate_limit_exceeded"), ("odd", "server_error"), (None, "server_error")]
)
def test_an_error_in_a_stream(code: str | None, told: str) -> None:
    """It is told, the answer failed, and nothing follows."""
    broken = json.dumps({"error": {"message": "gone", "code": code}}).encode()
    out = events([chunk({"content": "hel"}), broken, chunk({"content": "lo"}), chunk({}, "stop")])

    assert ["error", "response.failed"] == [event["type"] for event in out[-2:]]
    assert (told, "gone") == (out[-2]["code"], out[-2]["message"])
    assert {"code": told, "message": "gone"} == out[-1]["response"]["error"]
    assert "failed" == out[-1]["response"]["status"]
    assert "lo" not in [event.get("delta") for event in out]


def test_an_error_without_words() -> None:
    """It has the gateway's own."""
    out = events([b'{"error":"x"}'])

    assert "The model provider failed to answer." == out[-1]["response"]["error"]["message"]


@pytest.mark.parametrize("data", [[], [chunk({"content": "x"})]])
def test_a_stream_without_an_end_does_not_end_well(data: list[bytes]) -> None:
    """No finish reason, no completed response."""
    telling = ResponsesFromChat(REQUEST)
    for each in data:
        list(telling.event(each))

    with pytest.raises(UpstreamError):
        list(telling.finish())


@pytest.mark.parametrize("body", [b"[]", b"{", b"{}", b'{"choices":[{}]}', b'{"choices":[{"message":{}}]}'])
def test_what_is_no_completion(body: bytes) -> None:
    """It is the provider's fault."""
    with pytest.raises(UpstreamError):
        ResponsesFromChat(REQUEST).whole(body)


def test_other_choices_are_not_told() -> None:
    """There is one answer in this dialect."""
    assert (
        "hello"
        == streamed(
            [*chunks({"content": "hello"})[:2], chunk({"content": "x"}, index=1), chunk({}, "stop")]
        ).output_text
    )


@given(TEXTS, CUTS)
def test_restored_and_told(text: str, places: list[int]) -> None:
    """A stream that is restored as chat says the same in all five places."""
    restorer, telling = ChatRestorer(VAULT), ResponsesFromChat(REQUEST)
    data = chunks(*({"content": piece} for piece in cut(text, places)))
    pieces = [*(p for each in data for p in restorer.event(each)), *restorer.finish()]
    told = [json.loads(event) for p in pieces for event in telling.event(p)]
    told += [json.loads(event) for event in telling.finish()]

    assert_told_alike(told)
    assert restored(text) == Response.model_validate(told[-1]["response"]).output_text


DELTAS = st.lists(
    st.one_of(
        st.text(max_size=3).map(lambda text: {"content": text}),
        st.text(max_size=3).map(lambda text: {"refusal": text}),
        st.text(max_size=3).map(lambda text: {"reasoning_content": text}),
        st.builds(call, st.integers(0, 3), st.text(max_size=3), st.sampled_from(["", "f", "g"])),
    ),
    max_size=12,
)


@given(DELTAS, st.sampled_from(["stop", "length", "tool_calls"]), st.sampled_from([REQUEST, SUMMARY]))
def test_any_deltas_make_valid_events(deltas: list[Json], finish: str, request_: dict[str, Json]) -> None:
    """Whatever the order, items and parts are well formed, and nothing is lost."""
    response = streamed(chunks(*deltas, finish=finish), request_)
    said = "".join(str(each["content"]) for each in deltas if isinstance(each, dict) and "content" in each)

    assert said == response.output_text
