"""Placeholders in answers in the Responses dialect: every place a text is told, wherever the provider cuts."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai import omit
from openai.lib.streaming.responses._responses import ResponseStreamState
from openai.types.responses import ResponseStreamEvent
from pydantic import TypeAdapter

from gateway.dialects.responses_answer import ResponsesFromChat
from gateway.dialects.responses_restorer import ResponsesRestorer
from gateway.domain.errors import UpstreamError
from gateway.domain.restore import Restorer
from gateway.domain.strict_json import Json, dump_json
from tests.dialects.placeholders import CUTS, NO_VAULT, PLACEHOLDER, TEXTS, VALUE, VAULT, cut, restored

EVENT: TypeAdapter[ResponseStreamEvent] = TypeAdapter(ResponseStreamEvent)
USAGE: Json = {
    "input_tokens": 3,
    "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
    "output_tokens": 5,
    "output_tokens_details": {"reasoning_tokens": 0},
    "total_tokens": 8,
}
SUMMARY: dict[str, Json] = {"model": "m", "input": "x", "reasoning": {"summary": "auto"}}


def native(*deltas: Json, finish: str = "stop", request: dict[str, Json] | None = None) -> list[bytes]:
    """What a provider sends that speaks Responses: the events of an answer with these parts."""
    telling = ResponsesFromChat(request or {"model": "m", "input": "x"})
    head = {"id": "chatcmpl-1", "model": "m", "created": 1}
    out: list[bytes] = []
    for delta in deltas:
        out += telling.event(json.dumps({**head, "choices": [{"index": 0, "delta": delta}]}).encode())
    usage = {"prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8}
    end = {**head, "choices": [{"index": 0, "delta": {}, "finish_reason": finish}], "usage": usage}
    return [*out, *telling.event(json.dumps(end).encode()), *telling.finish()]


def given_on(data: Iterable[bytes | dict[str, Any]], restorer: ResponsesRestorer | None = None) -> list[dict[str, Any]]:
    """The events that come out, for events that go in."""
    restorer = restorer or ResponsesRestorer(VAULT)
    raw = [each if isinstance(each, bytes) else json.dumps(each).encode() for each in data]
    return [json.loads(out) for out in [*(out for each in raw for out in restorer.event(each)), *restorer.finish()]]


def events(data: Iterable[bytes], restorer: ResponsesRestorer | None = None) -> list[dict[str, Any]]:
    """The same, of which each event is valid, numbered in its place, and understood by the official package."""
    told = given_on(data, restorer)
    state: ResponseStreamState[None] = ResponseStreamState(input_tools=omit, text_format=omit)
    for event in told:
        state.handle_event(EVENT.validate_json(json.dumps(event), strict=True))
    assert list(range(len(told))) == [event["sequence_number"] for event in told]
    return told


def places(told: list[dict[str, Any]], kind: str, member: str, index: int = 0) -> list[Any]:
    """One text of the answer in every place where it is told: deltas, end, part, item, whole answer."""
    here = [event for event in told if event.get("output_index") == index]
    found = ["".join(event["delta"] for event in here if event["type"] == f"response.{kind}.delta")]
    found += [event[member] for event in here if event["type"] == f"response.{kind}.done"]
    for event in here:
        if event["type"] in {"response.content_part.done", "response.reasoning_summary_part.done"}:
            found.append(event["part"][member])
    items = [event["item"] for event in here if event["type"] == "response.output_item.done"]
    for item in [*items, told[-1]["response"]["output"][index]]:
        found += [item[member]] if member in item else [part[member] for part in _parts(item)]
    return found


def _parts(item: dict[str, Any]) -> list[Any]:
    return item.get("summary") or item["content"]


@pytest.mark.parametrize(
    ("member", "kind", "told", "request_"),
    [
        ("content", "output_text", "text", None),
        ("refusal", "refusal", "refusal", None),
        ("reasoning_content", "reasoning_text", "text", None),
        ("reasoning_content", "reasoning_summary_text", "text", SUMMARY),
    ],
)
@given(text=TEXTS, at=CUTS)
def test_a_text_is_the_same_in_all_five_places(
    member: str, kind: str, told: str, request_: dict[str, Json] | None, text: str, at: list[int]
) -> None:
    """Wherever it is cut."""
    data = native(*({member: piece} for piece in cut(text or ".", at)), request=request_)
    found = places(events(data), kind, told)

    assert 5 == len(found)
    assert {restored(text or ".")} == set(found)


@given(st.dictionaries(TEXTS, TEXTS, max_size=3), CUTS, st.booleans())
def test_arguments_stay_json_in_all_places(value: dict[str, str], at: list[int], ascii_: bool) -> None:
    """A value with a quote is escaped, wherever the arguments are cut."""
    text = json.dumps(value, ensure_ascii=ascii_)
    function: Json = {"name": "f"}
    deltas: list[Json] = [{"tool_calls": [{"index": 0, "id": "c", "type": "function", "function": function}]}]
    deltas += [{"tool_calls": [{"index": 0, "function": {"arguments": piece}}]} for piece in cut(text, at)]
    found = places(events(native(*deltas)), "function_call_arguments", "arguments")

    assert 4 == len(found)
    assert {Restorer(VAULT, json_escaped=True).whole(text)} == set(found)
    assert isinstance(json.loads(found[0]), dict)


@given(st.dictionaries(TEXTS, TEXTS, max_size=3), CUTS)
def test_a_text_that_is_json_stays_json_in_all_places(value: dict[str, str], at: list[int]) -> None:
    """For structured output."""
    text = json.dumps(value, ensure_ascii=False)
    restorer = ResponsesRestorer(VAULT, json_content=True)
    found = places(events(native(*({"content": piece} for piece in cut(text, at))), restorer), "output_text", "text")

    assert {Restorer(VAULT, json_escaped=True).whole(text)} == set(found)
    assert 5 == len(found)
    assert isinstance(json.loads(found[0]), dict)


@given(TEXTS, CUTS)
def test_the_input_of_a_custom_tool(text: str, at: list[int]) -> None:
    """It is a plain text."""
    deltas: list[Json] = [{"tool_calls": [{"index": 0, "id": "c", "custom": {"name": "f"}}]}]
    deltas += [{"tool_calls": [{"index": 0, "custom": {"input": piece}}]} for piece in cut(text, at)]

    assert {restored(text)} == set(places(events(native(*deltas)), "custom_tool_call_input", "input"))


@given(st.lists(st.tuples(st.integers(0, 2), TEXTS), max_size=8))
def test_texts_that_grow_in_turns_do_not_mix(pieces: list[tuple[int, str]]) -> None:
    """Parallel calls, each with its own held-back tail."""
    deltas: list[Json] = [
        {"tool_calls": [{"index": index, "id": f"c{index}", "custom": {"name": "f", "input": piece}}]}
        for index, piece in pieces
        if piece
    ]
    told = events(native(*deltas))
    order = list(dict.fromkeys(index for index, piece in pieces if piece))
    for place, index in enumerate(order):
        text = restored("".join(piece for at, piece in pieces if at == index))
        assert {text} == set(places(told, "custom_tool_call_input", "input", place))


def test_what_is_held_back_comes_before_the_end() -> None:
    """As one more delta of the same shape."""
    told = events(native({"content": "see [EMAIL_ADD"}))
    at = [event["type"] for event in told].index("response.output_text.done")

    assert ["see ", "[EMAIL_ADD"] == [event["delta"] for event in told[at - 2 : at]]
    assert told[at - 2].keys() == told[at - 1].keys()


@pytest.mark.parametrize("skipped", [1, 2])
def test_an_end_that_a_server_leaves_out(skipped: int) -> None:
    """The end of the part or of the item ends its texts too, and no other item's."""
    data = native({"content": "[EMAIL"}, {"reasoning_content": "x [EMAIL"})
    told = given_on([*data[:5], *data[8:11], *data[5 + skipped : 8], *data[11:]])
    deltas = [(event["output_index"], event["delta"]) for event in told if "delta" in event]
    kinds = [event["type"] for event in told]

    assert [(1, "x "), (0, "[EMAIL"), (1, "[EMAIL")] == deltas
    ends = ["response.content_part.done", "response.output_item.done"][skipped - 1 :]
    assert ends == kinds[kinds.index("response.output_text.delta") + 1 :][: len(ends)]


def test_the_rest_has_no_padding() -> None:
    """What a provider adds to hide a delta's length belongs to that delta."""
    delta = {"type": "response.output_text.delta", "output_index": 0, "delta": "a [EMAIL", "obfuscation": "xyz"}

    assert ["xyz", None] == [event.get("obfuscation") for event in given_on([delta])]


@given(st.lists(TEXTS, max_size=3))
def test_without_a_vault_the_bytes_pass(texts: list[str]) -> None:
    """And the usage is noted."""
    restorer = ResponsesRestorer(NO_VAULT)
    data = native(*({"content": text} for text in texts))

    assert data == [out for each in data for out in restorer.event(each)]
    assert [] == list(restorer.finish())
    assert (3, 5, 0) == (restorer.usage.prompt, restorer.usage.completion, restorer.restored)


def test_an_event_in_which_nothing_changes_keeps_its_bytes() -> None:
    """While its number stays the same; behind an event that was held back it takes the next one."""
    head = '{ "type": "response.output_text.delta", "item_id": "i", "output_index": 0, "content_index": 0, '
    same, held, later = (
        f'{head}"delta": "{text}", "sequence_number": {at} }}'.encode() for at, text in enumerate(("a ", "[EMA", "b "))
    )
    restorer = ResponsesRestorer(VAULT)

    assert [same] == list(restorer.event(same))
    assert [] == list(restorer.event(held))
    assert [("[EMAb ", 1)] == [(e["delta"], e["sequence_number"]) for e in map(json.loads, restorer.event(later))]


def test_a_whole_answer() -> None:
    """Every string and key of it; log probabilities spell what was sent, so they are left out."""
    bare = PLACEHOLDER.strip("[]")
    call: Json = {"type": "function_call", "name": bare, "call_id": "c", "arguments": json.dumps({"to": PLACEHOLDER})}
    part: Json = {"type": "output_text", "text": PLACEHOLDER, "annotations": [], "logprobs": [{"token": "[EM"}]}
    body: dict[str, Json] = {
        "id": "resp_1",
        "output": [
            {"type": "reasoning", "summary": [{"type": "summary_text", "text": PLACEHOLDER}]},
            {"type": "message", "content": [part, {"type": "refusal", "refusal": PLACEHOLDER}]},
            call,
            {"type": "custom_tool_call", "name": "g", "input": PLACEHOLDER},
        ],
        "instructions": PLACEHOLDER,
        "metadata": {bare: PLACEHOLDER, "arguments": PLACEHOLDER},
        "text": {"format": {"type": "json_schema", "name": bare, "schema": {"properties": {bare: {}}}}},
        "tools": [{"type": "function", "name": bare, "parameters": {"enum": [PLACEHOLDER]}}],
        "error": {"code": "server_error", "message": PLACEHOLDER},
        "usage": USAGE,
    }
    restorer = ResponsesRestorer(VAULT)
    told = json.loads(restorer.whole(dump_json(body)))

    assert (3, 5) == (restorer.usage.prompt, restorer.usage.completion)
    assert dump_json(body).count(b"K7QX2M3ABC") == restorer.restored
    assert {"to": VALUE} == json.loads(told["output"][2].pop("arguments"))
    assert {VALUE: VALUE, "arguments": VALUE} == told["metadata"]
    assert [] == told["output"][1]["content"][0].pop("logprobs")
    del told["output"][2], told["metadata"], body["output"][2], body["metadata"]  # type: ignore[arg-type, union-attr, index]
    del body["output"][1]["content"][0]["logprobs"]  # type: ignore[arg-type, union-attr, index, call-overload]
    assert replaced(body, bare) == told


def replaced(value: Json, bare: str) -> Json:
    """The value with the placeholder replaced, told by other means."""
    match value:
        case str():
            return value.replace(f"[{bare}]", VALUE).replace(bare, VALUE)
        case list():
            return [replaced(item, bare) for item in value]
        case dict():
            return {name.replace(bare, VALUE): replaced(item, bare) for name, item in value.items()}
        case _:
            return value


def test_without_a_vault_a_whole_answer_keeps_its_bytes() -> None:
    """And the usage is noted."""
    body = b'{ "usage": {"input_tokens": 3, "output_tokens": 5}, "output": [] }'
    restorer = ResponsesRestorer(NO_VAULT)

    assert body == restorer.whole(body)
    assert (3, 5) == (restorer.usage.prompt, restorer.usage.completion)


def test_earlier_items_need_not_be_json_because_the_answer_is() -> None:
    """Instructions may be repeated as items."""
    part: Json = {"type": "output_text", "text": PLACEHOLDER}
    body: Json = {"instructions": [{"content": [part]}], "output": [{"content": [part]}]}
    told = json.loads(ResponsesRestorer(VAULT, json_content=True).whole(dump_json(body)))

    assert VALUE == told["instructions"][0]["content"][0]["text"]
    assert json.dumps(VALUE)[1:-1] == told["output"][0]["content"][0]["text"]


def test_a_stream_counts_each_placeholder_once() -> None:
    """As the whole answer does; in deltas where the end never came."""
    data = native({"content": PLACEHOLDER}, {"content": f" and {PLACEHOLDER}"})
    complete, broken = ResponsesRestorer(VAULT), ResponsesRestorer(VAULT)
    given_on(data, complete)
    given_on(data[:-1], broken)

    assert (2, 2) == (complete.restored, broken.restored)


CITED = f"a {PLACEHOLDER} b {PLACEHOLDER} c"


def cited(start: int, end: int) -> Json:
    """A citation of these characters."""
    return {"type": "url_citation", "start_index": start, "end_index": end, "url": PLACEHOLDER, "title": "t"}


def citations(annotations: list[Json]) -> list[Json]:
    """The citations of the text in a whole answer."""
    part: Json = {"type": "output_text", "text": CITED, "annotations": annotations}
    told = json.loads(ResponsesRestorer(VAULT).whole(dump_json({"output": [{"content": [part]}]})))
    found: list[Json] = told["output"][0]["content"][0]["annotations"]
    return found


@given(st.lists(st.tuples(st.integers(-2, len(CITED) + 2), st.integers(-2, len(CITED) + 2)), max_size=6))
def test_citations_point_at_the_same_words(spans: list[tuple[int, int]]) -> None:
    """In the restored text; one that begins or ends inside a placeholder, or outside the text, is left out."""
    size = len(PLACEHOLDER)
    inside = {*range(3, 2 + size), *range(6 + size, 5 + 2 * size)}
    known = [(s, e) for s, e in spans if {s, e} <= set(range(len(CITED) + 1)) - inside]
    told = citations([cited(*span) for span in spans])
    text = restored(CITED)

    assert [restored(CITED[: max(0, s)]) + "|" + restored(CITED[: max(0, e)]) for s, e in known] == [
        text[: one["start_index"]] + "|" + text[: one["end_index"]]  # type: ignore[index, call-overload]
        for one in told
    ]
    assert {VALUE} >= {one["url"] for one in told}  # type: ignore[index, call-overload, comparison-overlap]


def test_citations_without_places_stay() -> None:
    """A file is cited by its number."""
    file: Json = {"type": "file_citation", "index": 7, "filename": PLACEHOLDER}

    assert [{"type": "file_citation", "index": 7, "filename": VALUE}] == citations([file])


def test_citations_in_a_stream() -> None:
    """They come when their text is whole, counted anew, and as in the whole answer."""
    spans = [(0, 1), (0, 5), (2, 2 + len(PLACEHOLDER))]
    deltas: list[Json] = [{"content": CITED[:10]}]
    deltas += [{"annotations": [{"type": "url_citation", "url_citation": cited(*span)}]} for span in spans]
    told = events(native(*deltas, {"content": CITED[10:]}))
    added = [event for event in told if event["type"] == "response.output_text.annotation.added"]
    kinds = [event["type"] for event in told]

    assert [0, 1] == [event["annotation_index"] for event in added]
    assert [(0, 1), (2, 2 + len(VALUE))] == [
        (event["annotation"]["start_index"], event["annotation"]["end_index"]) for event in added
    ]
    assert told[-1]["response"]["output"][0]["content"][0]["annotations"] == [event["annotation"] for event in added]
    assert kinds.index("response.output_text.done") == kinds.index("response.output_text.annotation.added") + 2


def numbered(*bodies: dict[str, Any]) -> list[dict[str, Any]]:
    """Events with their numbers, from 7 on."""
    return [{"sequence_number": 7 + at, **body} for at, body in enumerate(bodies)]


@pytest.mark.parametrize(
    ("stem", "done"),
    [
        ("response.audio.transcript", {}),
        ("response.code_interpreter_call_code", {"code": PLACEHOLDER}),
        ("response.shell_call_command", {"command": PLACEHOLDER}),
        ("response.mcp_call_arguments", {"arguments": PLACEHOLDER}),
        ("response.of_tomorrow", {"text": PLACEHOLDER}),
    ],
)
@pytest.mark.parametrize("at", [1, 9, len(PLACEHOLDER) - 1])
def test_other_texts_in_deltas(stem: str, done: dict[str, str], at: int) -> None:
    """Also of kinds that are not known."""
    where = {"item_id": "i", "output_index": 2}
    told = given_on(
        numbered(
            {"type": f"{stem}.delta", **where, "delta": PLACEHOLDER[:at]},
            {"type": "response.in_progress", "response": {"output": [{"type": "x", "name": PLACEHOLDER}]}},
            {"type": f"{stem}.delta", **where, "delta": PLACEHOLDER[at:]},
            {"type": f"{stem}.done", **where, **done},
        )
    )
    value = json.dumps(VALUE)[1:-1] if "arguments" in stem else VALUE

    assert value == "".join(event.get("delta", "") for event in told)
    assert VALUE == told[0]["response"]["output"][0]["name"]
    assert dict.fromkeys(done, value) == {name: told[-1][name] for name in done}
    assert list(range(7, 7 + len(told))) == [event["sequence_number"] for event in told]


def test_deltas_that_are_objects() -> None:
    """The output of a shell, of which each member is a text of its own."""
    kind, where = "response.shell_call_output_content", {"item_id": "i", "output_index": 0, "command_index": 1}
    told = given_on(
        numbered(
            {"type": f"{kind}.delta", **where, "delta": {"stdout": PLACEHOLDER[:9], "stderr": "e"}},
            {"type": f"{kind}.delta", **where, "delta": {"stdout": PLACEHOLDER[9:] + "!", "exit": 0}},
            {"type": f"{kind}.delta", **where, "delta": {"stderr": " [EMAIL", "more": {"a": PLACEHOLDER}}},
            {"type": f"{kind}.done", **where, "output": [{"stdout": PLACEHOLDER}]},
        )
    )
    said = {name: "".join(e["delta"].get(name, "") for e in told[:-1]) for name in ("stdout", "stderr")}

    assert {"stdout": f"{VALUE}!", "stderr": "e [EMAIL"} == said
    assert {"exit": 0} == {name: value for e in told[:-1] for name, value in e["delta"].items() if name == "exit"}
    assert [{"a": VALUE}] == [e["delta"]["more"] for e in told[:-1] if "more" in e["delta"]]
    assert [{"stdout": VALUE}] == told[-1]["output"]


def test_sound_keeps_its_pieces() -> None:
    """Each piece is base64 of its own."""
    event = {"type": "response.audio.delta", "delta": "UEVSU09O", "sequence_number": 0}

    assert [event] == given_on([event])


@pytest.mark.parametrize("end", ["response.failed", "response.incomplete", "error"])
def test_what_is_held_back_when_the_answer_breaks(end: str) -> None:
    """It is told before; an error's words are restored."""
    delta = {"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": "[EMAIL"}
    told = given_on([delta, {"type": end, "message": PLACEHOLDER, "response": {"error": {"message": PLACEHOLDER}}}])

    assert ["[EMAIL", None] == [event.get("delta") for event in told]
    assert (VALUE, VALUE) == (told[1]["message"], told[1]["response"]["error"]["message"])
    assert ["[EMAIL"] == [event["delta"] for event in given_on([delta])]


def test_an_item_is_known_by_its_place() -> None:
    """Some servers give an item another id in each event; where there is no place, the id counts."""
    first = {"type": "response.output_text.delta", "output_index": 0, "item_id": "a", "delta": PLACEHOLDER[:9]}
    second = {**first, "item_id": "b", "delta": PLACEHOLDER[9:]}
    other = {"type": "response.output_text.delta", "item_id": "a", "delta": PLACEHOLDER[:9]}

    assert VALUE == "".join(event["delta"] for event in given_on([first, second]))
    assert PLACEHOLDER != "".join(e["delta"] for e in given_on([other, {**other, "delta": PLACEHOLDER[9:]}]))
    assert {"a", "b"} == {e["item_id"] for e in given_on([other, {**other, "item_id": "b"}])}


def test_an_error_body() -> None:
    """It may quote the request."""
    body = dump_json({"error": {"message": PLACEHOLDER}})

    assert {"error": {"message": VALUE}} == json.loads(ResponsesRestorer(VAULT).error(body))
    assert body == ResponsesRestorer(NO_VAULT).error(body)


DEEP = b'{"usage":0,"a":' * 900 + b"1" + b"}" * 900


@pytest.mark.parametrize(
    "data",
    [
        b"[]",
        b"{",
        b'{"type":"response.output_text.delta","delta":"x","output_index":{}}',
        b'{"type":"response.output_text.done","text":"x","content_index":[]}',
        DEEP,
    ],
)
def test_what_cannot_be_told_apart_is_the_providers_fault(data: bytes) -> None:
    """It ends the stream as a broken answer."""
    with pytest.raises(UpstreamError):
        given_on([data])


def test_nothing_shows_what_was_said() -> None:
    """Not even in a repr."""
    restorer = ResponsesRestorer(VAULT)
    given_on(native({"content": PLACEHOLDER})[:-4], restorer)

    assert VALUE not in repr(restorer)
    assert "EMAIL" not in repr(restorer)


@given(TEXTS)
def test_nothing_else_changes(text: str) -> None:
    """An answer without this vault's placeholders comes out as it went in."""
    if restored(text) != text:
        text = "plain"
    data = native({"content": text, "reasoning_content": text})
    told = [event for event in events(data) if not event["type"].endswith(".delta")]

    for event in told:
        del event["sequence_number"]
    assert told == [
        {name: value for name, value in json.loads(each).items() if name != "sequence_number"}
        for each in data
        if b".delta" not in each
    ]
