"""The legacy completions dialect: asked as chat, told from chat, and its own answers restored."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types import Completion
from pydantic import TypeAdapter

from gateway.dialects.chat import ChatRestorer
from gateway.dialects.completions import CompletionsFromChat, CompletionsRestorer, chat_request
from gateway.domain.conversation import Operation, read
from gateway.domain.declaration import Record, Refused
from gateway.domain.errors import CallerError, ErrorCode, UpstreamError
from gateway.domain.strict_json import Json, dump_json
from gateway.wire.schema import CHAT, COMPLETIONS
from tests.dialects.placeholders import CUTS, NO_VAULT, PLACEHOLDER, TEXTS, VALUE, VAULT, cut, restored

WHOLE = TypeAdapter(Completion)
USAGE: Json = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
WITH_USAGE: dict[str, Json] = {"stream_options": {"include_usage": True}}


def asked(prompt: Json = "Once", **more: Json) -> dict[str, Json]:
    """The chat request for a prompt. It is one that the chat declaration accepts."""
    request = chat_request({"model": "m", "prompt": prompt, **more})
    assert "m" == read(Operation.CHAT, CHAT, dump_json(request)).model
    return request


def test_a_prompt_is_a_message_with_the_limit_of_the_dialect() -> None:
    """Sixteen tokens, unless the request says more."""
    plain: Json = {"model": "m", "messages": [{"role": "user", "content": "Once"}], "max_completion_tokens": 16}

    assert plain == asked() == asked(["Once"])
    assert 99 == asked(max_tokens=99)["max_completion_tokens"]


def test_the_parameters_carry_over() -> None:
    """Each under its own name; usage is always asked for."""
    more: dict[str, Json] = {
        "temperature": 0,
        "top_p": 0.5,
        "n": 2,
        "stop": ["END"],
        "seed": 7,
        "frequency_penalty": 1,
        "presence_penalty": -1,
        "logit_bias": {"5": -100},
        "user": "u",
        "stream": True,
        "stream_options": {"include_usage": False},
    }
    request = asked(**more, suffix=None, echo=False, best_of=1, logprobs=None)

    assert {**asked(), **more, **WITH_USAGE} == request


@pytest.mark.parametrize(
    ("address", "more"),
    [
        ("/prompt", {"prompt": ["a", "b"]}),
        ("/prompt", {"prompt": [1, 2]}),
        ("/prompt", {"prompt": [[1, 2]]}),
        ("/prompt", {"prompt": None}),
        ("/suffix", {"suffix": "end"}),
        ("/echo", {"echo": True}),
        ("/best_of", {"best_of": 2}),
        ("/logprobs", {"logprobs": 0}),
        ("/logprobs", {"logprobs": 5}),
        ("/max_tokens", {"max_tokens": 0}),
        ("/guided_json", {"guided_json": {}}),
        ("/*", {"Alice@example.com": 1}),
    ],
)
def test_what_chat_cannot_say_is_refused_by_its_address(address: str, more: dict[str, Json]) -> None:
    """Nothing that changes the answer is dropped."""
    with pytest.raises(CallerError) as raised:
        chat_request({"model": "m", "prompt": "Once", **more})

    assert (ErrorCode.UNSUPPORTED_BY_LOCAL_MODEL, address) == (raised.value.code, raised.value.param)


def test_every_field_that_is_served_is_carried_or_refused_on_purpose() -> None:
    """A field that is declared tomorrow fails here until somebody says what it means in chat."""
    assert isinstance(COMPLETIONS, Record)
    served = {name for name, field in COMPLETIONS.fields.items() if not isinstance(field, Refused)}
    refused = set()
    for name in served - {"prompt"}:
        try:
            asked_for = chat_request({"prompt": "Once", name: "text"})
        except CallerError as error:
            refused.add(error.param)
        else:
            assert {"max_tokens", "stream", "stream_options"} >= {name} - asked_for.keys()

    assert {"/suffix", "/echo", "/best_of", "/logprobs"} == refused


def chat_chunk(index: int, said: Json, finish: str | None = None, **more: Json) -> bytes:
    """A chat chunk."""
    choice: Json = {"index": index, "delta": said, "finish_reason": finish}
    return dump_json({"id": "chatcmpl-1", "created": 1, "model": "m", "choices": [choice], **more})


def from_chat(chunks: Iterable[bytes], request: dict[str, Json]) -> list[dict[str, Json]]:
    """The chunks that are told."""
    telling = CompletionsFromChat(request)
    pieces = [piece for each in chunks for piece in telling.event(each)]
    return [json.loads(piece) for piece in [*pieces, *telling.finish()]]


def test_a_whole_answer() -> None:
    """Read by the official package's own type; a refusal is the text."""
    choices: Json = [
        {"index": 0, "message": {"role": "assistant", "content": "upon a time"}, "finish_reason": "length"},
        {"index": 1, "message": {"content": None, "refusal": "no"}, "finish_reason": "tool_calls"},
    ]
    body = dump_json({"id": "chatcmpl-1", "created": 1, "model": "m", "choices": choices, "usage": USAGE})
    told = CompletionsFromChat({}).whole(body)

    assert {
        "id": "cmpl-1",
        "object": "text_completion",
        "created": 1,
        "model": "m",
        "choices": [
            {"text": "upon a time", "index": 0, "logprobs": None, "finish_reason": "length"},
            {"text": "no", "index": 1, "logprobs": None, "finish_reason": "stop"},
        ],
        "usage": USAGE,
    } == json.loads(told)
    assert 2 == len(WHOLE.validate_json(told, strict=True).choices)


@pytest.mark.parametrize("body", [b"{}", b'{"choices":[]}', b"[]", b"no json"])
def test_what_is_no_answer_is_the_providers_fault(body: bytes) -> None:
    """Never an empty completion."""
    with pytest.raises(UpstreamError):
        CompletionsFromChat({}).whole(body)


def test_a_stream() -> None:
    """A chunk that says nothing here is not told; the usage comes last, where it was asked for."""
    usage = dump_json({"id": "chatcmpl-1", "created": 1, "model": "m", "choices": [], "usage": USAGE})
    chunks = [
        chat_chunk(0, {"role": "assistant", "content": ""}),
        chat_chunk(0, {"reasoning_content": "hm"}),
        chat_chunk(0, {"content": "upon"}),
        chat_chunk(0, {}, "stop"),
        usage,
    ]
    head: dict[str, Json] = {"id": "cmpl-1", "object": "text_completion", "created": 1, "model": "m"}
    text: Json = [{"text": "upon", "index": 0, "logprobs": None, "finish_reason": None}]
    end: Json = [{"text": "", "index": 0, "logprobs": None, "finish_reason": "stop"}]

    assert [{**head, "choices": text}, {**head, "choices": end}] == from_chat(chunks, {})
    assert [
        {**head, "choices": text, "usage": None},
        {**head, "choices": end, "usage": None},
        {**head, "choices": [], "usage": USAGE},
    ] == from_chat(chunks, WITH_USAGE)


def test_usage_beside_a_choice_is_told_once() -> None:
    """Some servers count in every chunk."""
    chunks = [
        chat_chunk(0, {"content": "a"}, usage={"prompt_tokens": 1}),
        chat_chunk(0, {"content": "b"}, usage=USAGE),
        chat_chunk(0, {}, "stop"),
    ]

    assert [None, None, None, USAGE] == [each["usage"] for each in from_chat(chunks, WITH_USAGE)]


def test_an_answer_that_broke_off_is_not_ended() -> None:
    """Without a finish reason nobody knows whether it is whole."""
    with pytest.raises(UpstreamError):
        from_chat([chat_chunk(0, {"content": "upon"})], {})


def test_an_error_in_the_stream_passes_and_ends_it() -> None:
    """It has the same form in both dialects."""
    error: dict[str, Json] = {"error": {"message": "m", "type": "server_error", "param": None, "code": None}}

    assert error == from_chat([chat_chunk(0, {"content": "upon"}), dump_json(error)], WITH_USAGE)[-1]


def events(restorer: CompletionsRestorer, *chunks: Json) -> list[dict[str, Json]]:
    """The chunks that come out of a provider's own stream."""
    pieces = [piece for each in chunks for piece in restorer.event(dump_json(each))]
    return [json.loads(piece) for piece in [*pieces, *restorer.finish()]]


def chunk(text: str, index: int = 0, finish: str | None = None, **more: Json) -> Json:
    """A chunk of a provider that speaks completions."""
    choice: Json = {"text": text, "index": index, "logprobs": {"tokens": [text]}, "finish_reason": finish}
    return {"id": "cmpl-1", "object": "text_completion", "created": 1, "model": "m", "choices": [choice], **more}


def said(told: list[dict[str, Json]], index: int = 0) -> str:
    """The text of one choice, put together."""
    choices = [choice for each in told for choice in each["choices"]]  # type: ignore[union-attr]
    return "".join(c["text"] for c in choices if c["index"] == index)  # type: ignore[index, call-overload, misc]


def test_a_whole_answer_is_restored() -> None:
    """In every choice, without the log probabilities that spell the placeholder."""
    restorer = CompletionsRestorer(VAULT)
    answer = {**chunk(""), "usage": USAGE}  # type: ignore[dict-item]
    answer["choices"] = [{"text": PLACEHOLDER, "index": i, "logprobs": {"tokens": ["["]}} for i in range(2)]
    told = json.loads(restorer.whole(dump_json(answer)))  # type: ignore[arg-type]

    assert [{"text": VALUE, "index": i, "logprobs": None} for i in range(2)] == told["choices"]
    assert (2, 3, 2) == (restorer.restored, restorer.usage.prompt, restorer.usage.completion)


def test_without_placeholders_the_exact_bytes_pass() -> None:
    """Whole, streamed and failed; only the tokens are noted."""
    restorer = CompletionsRestorer(NO_VAULT)
    body = b'{ "choices": [{"text": "x", "logprobs": {}}], "usage": {"prompt_tokens": 3, "completion_tokens": 2} }'

    assert body == restorer.whole(body)
    assert [body] == list(restorer.event(body))
    assert [b"not read"] == list(restorer.event(b"not read"))
    assert b"x" == restorer.error(b"x")
    assert (3, 2) == (restorer.usage.prompt, restorer.usage.completion)


def test_what_is_held_back_goes_out_before_the_end() -> None:
    """Also when the last text comes together with the finish reason and the usage."""
    restorer = CompletionsRestorer(VAULT)
    told = events(restorer, chunk(PLACEHOLDER[:9]), chunk(PLACEHOLDER[9:-1], finish="stop", usage=USAGE))

    assert VALUE == said(told)
    assert [None, None, None, "stop"] == [each["choices"][0]["finish_reason"] for each in told]  # type: ignore[index, call-overload]
    assert [None, None, USAGE] == [each["usage"] for each in told[1:]]
    assert all(each["choices"][0]["logprobs"] is None for each in told)  # type: ignore[index, call-overload]


def test_a_text_that_is_json_stays_json() -> None:
    """A value with a quote is escaped inside it."""
    text = json.dumps({"to": PLACEHOLDER})
    told = events(CompletionsRestorer(VAULT, json_content=True), chunk(text), chunk("", finish="stop"))

    assert {"to": VALUE} == json.loads(said(told))


def test_errors_are_restored() -> None:
    """In a body and in a stream: they may quote the request."""
    error: Json = {"error": {"message": f"bad: {PLACEHOLDER}"}}

    assert {"error": {"message": f"bad: {VALUE}"}} == json.loads(CompletionsRestorer(VAULT).error(dump_json(error)))
    assert [{"error": {"message": f"bad: {VALUE}"}}] == events(CompletionsRestorer(VAULT), error)


def test_an_index_that_is_none_is_the_providers_fault() -> None:
    """A choice that cannot be told apart ends the stream as a broken answer."""
    with pytest.raises(UpstreamError):
        events(CompletionsRestorer(VAULT), {"choices": [{"index": [], "text": "x"}]})


@given(st.lists(st.tuples(TEXTS, CUTS), min_size=1, max_size=3), st.booleans(), st.data())
def test_cut_anywhere_it_restores_to_the_same(
    texts: list[tuple[str, list[int]]], ends: bool, data: st.DataObject
) -> None:
    """Every choice for itself, with a finish reason or without."""
    queues: list[list[Json]] = [
        [*(chunk(piece, index) for piece in cut(text, cuts)), *([chunk("", index, "stop")] if ends else [])]
        for index, (text, cuts) in enumerate(texts)
    ]
    sent = []
    while any(queues):
        sent.append(data.draw(st.sampled_from([queue for queue in queues if queue])).pop(0))
    told = events(CompletionsRestorer(VAULT), *sent)

    assert [restored(text) for text, _ in texts] == [said(told, index) for index in range(len(texts))]
    assert all(each.keys() == chunk("").keys() for each in told)  # type: ignore[union-attr]


@given(TEXTS, CUTS)
def test_a_restored_chat_stream_is_told_in_full(text: str, cuts: list[int]) -> None:
    """The way of an answer from a destination that speaks chat alone."""
    restoring = ChatRestorer(VAULT)
    chunks = [*(chat_chunk(0, {"content": piece}) for piece in cut(text, cuts)), chat_chunk(0, {}, "stop")]
    pieces = (piece for each in chunks for piece in restoring.event(each))

    assert restored(text) == said(from_chat(itertools.chain(pieces, restoring.finish()), {}))
