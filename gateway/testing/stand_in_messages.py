"""Messages as Anthropic speaks them, from what the stand-in decided to say."""

from __future__ import annotations

import json
from collections.abc import Iterator

from gateway.domain.strict_json import Json
from gateway.testing.stand_in_mind import (
    Asked,
    Body,
    Call,
    Choice,
    Finish,
    Form,
    Mode,
    Reply,
    Tool,
    Voice,
    inner,
    mode_of,
    objects,
    pieces,
    reply,
    strings,
    text_of,
    whole_number,
    words_in,
)

_SIGNATURE = "c3RhbmQtaW4="


def asked_of(body: Body) -> Asked:
    """What a request for a message asks."""
    messages = objects(body.get("messages"))
    last = messages[-1] if messages else {}
    choice = inner(body, "tool_choice")
    shape = inner(inner(body, "output_config"), "format") or inner(body, "output_format")
    return Asked(
        model=str(body.get("model", "")),
        words=text_of(last.get("content")),
        answering=not _speaks_the_user(last),
        called=frozenset(_called(messages)),
        calls=sum(len(_of_type(message, "tool_use")) for message in messages),
        tools=tuple(Tool(str(tool.get("name", "")), tool.get("input_schema")) for tool in objects(body.get("tools"))),
        choice=_choice(choice),
        parallel=choice.get("disable_parallel_tool_use") is not True,
        form=Form.SCHEMA if shape.get("type") == "json_schema" else Form.PROSE,
        schema=shape.get("schema"),
        stop=strings(body.get("stop_sequences")),
        limit=whole_number(body.get("max_tokens"), -1),
        thinks=inner(body, "thinking").get("type") in {"enabled", "adaptive"},
        prompt_tokens=words_in(body.get("system"), *(message.get("content") for message in messages)),
    )


def message(body: Body, voice: Voice) -> Body:
    """A whole message."""
    said = reply(asked_of(body), voice)
    return {**_head(said), "content": list(_blocks(said)), **_stop(said), "usage": _usage(said, said.tokens)}


def message_events(body: Body, voice: Voice) -> Iterator[Body]:
    """The events of a streamed message; an event's name is its `type`."""
    said = reply(asked_of(body), voice)
    start: Body = {**_head(said), "content": [], "stop_reason": None, "stop_sequence": None, "usage": _usage(said, 1)}
    yield {"type": "message_start", "message": start}
    yield {"type": "ping"}
    for index, block in enumerate(_blocks(said)):
        yield {"type": "content_block_start", "index": index, "content_block": _opened(block)}
        for delta in _deltas(block, voice.size):
            yield {"type": "content_block_delta", "index": index, "delta": delta}
        yield {"type": "content_block_stop", "index": index}
    yield {"type": "message_delta", "delta": _stop(said), "usage": {"output_tokens": said.tokens}}
    yield {"type": "message_stop"}


def count_of(body: Body, voice: Voice) -> Body:
    """How many tokens a request has."""
    del voice
    return {"input_tokens": asked_of(body).prompt_tokens}


def _blocks(said: Reply) -> Iterator[Body]:
    if said.reasoning:
        yield {"type": "thinking", "thinking": said.reasoning, "signature": _SIGNATURE}
    if not said.calls:
        yield {"type": "text", "text": said.text or said.refusal}
    for call in said.calls:
        yield {"type": "tool_use", "id": _call_id(call), "name": call.name, "input": json.loads(call.argument)}


def _opened(block: Body) -> Body:
    """A block before its first delta."""
    match block["type"]:
        case "thinking":
            return {"type": "thinking", "thinking": "", "signature": ""}
        case "tool_use":
            return {**block, "input": {}}
        case _:
            return {"type": "text", "text": ""}


def _deltas(block: Body, size: int) -> Iterator[Body]:
    match block:
        case {"type": "thinking", "thinking": str(thought)}:
            for piece in pieces(thought, size):
                yield {"type": "thinking_delta", "thinking": piece}
            yield {"type": "signature_delta", "signature": _SIGNATURE}
        case {"type": "tool_use", "input": argument}:
            yield {"type": "input_json_delta", "partial_json": ""}
            for piece in pieces(json.dumps(argument, ensure_ascii=False), size):
                yield {"type": "input_json_delta", "partial_json": piece}
        case {"text": str(text)}:
            for piece in pieces(text, size):
                yield {"type": "text_delta", "text": piece}


def _call_id(call: Call) -> str:
    return f"toolu_{call.number}"


def _speaks_the_user(message: Body) -> bool:
    """Whether this is the user's word and not a tool's result, which has the same role."""
    return message.get("role") == "user" and not _of_type(message, "tool_result")


def _called(messages: list[Body]) -> Iterator[str]:
    """The names of the tools that were called since the user spoke."""
    for message in reversed(messages):
        if _speaks_the_user(message):
            return
        for block in _of_type(message, "tool_use"):
            yield str(block.get("name", ""))


def _of_type(message: Body, kind: str) -> list[Body]:
    return [block for block in objects(message.get("content")) if block.get("type") == kind]


def _choice(told: Body) -> Choice:
    if told.get("type") == "tool":
        return Choice(Mode.REQUIRED, frozenset({str(told.get("name", ""))}))
    return Choice(mode_of(told.get("type")))


def _head(said: Reply) -> Body:
    return {"id": "msg_standin", "type": "message", "role": "assistant", "model": said.asked.model}


def _usage(said: Reply, tokens: int) -> Body:
    return {
        "input_tokens": said.asked.prompt_tokens,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
        "output_tokens": tokens,
        "service_tier": "standard",
    }


def _stop(said: Reply) -> Body:
    reasons: dict[Finish, Json] = {
        Finish.STOP: "end_turn",
        Finish.STOP_SEQUENCE: "stop_sequence",
        Finish.LENGTH: "max_tokens",
        Finish.CALLS: "tool_use",
        Finish.REFUSAL: "refusal",
    }
    return {"stop_reason": reasons[said.finish], "stop_sequence": said.stopped_by or None}
