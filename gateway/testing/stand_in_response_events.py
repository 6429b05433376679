"""The events of a streamed response, in OpenAI's order: a text comes in deltas, then whole in each closing event."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.domain.strict_json import Json
from gateway.testing.stand_in_mind import Body, Voice, objects, pieces, reply
from gateway.testing.stand_in_responses import asked_of, finished, items_of, opened, token_list


def response_events(body: Body, voice: Voice) -> Iterator[Body]:
    """All events, numbered in their order; an event's name is its `type`."""
    for number, event in enumerate(_events(body, voice)):
        yield {**event, "sequence_number": number}


def _events(body: Body, voice: Voice) -> Iterator[Body]:
    said = reply(asked_of(body), voice)
    start = opened(body, said)
    yield {"type": "response.created", "response": start}
    yield {"type": "response.in_progress", "response": start}
    items: list[Json] = []
    for index, item in enumerate(items_of(body, said, voice.size)):
        for event in _item(body, item, voice.size):
            yield {**event, "output_index": index}
        items.append(item)
    end = finished(body, said, items)
    yield {"type": f"response.{end['status']}", "response": end}


def _item(body: Body, item: Body, size: int) -> Iterator[Body]:
    yield {"type": "response.output_item.added", "item": _emptied(item)}
    for event in _inside(body, item, size):
        yield {**event, "item_id": item["id"]}
    yield {"type": "response.output_item.done", "item": item}


def _emptied(item: Body) -> Body:
    """An item as it is announced."""
    blank: Body = {"content": [], "summary": [], "arguments": "", "input": "", "status": "in_progress"}
    return {**item, **{name: value for name, value in blank.items() if name in item}}


def _inside(body: Body, item: Body, size: int) -> Iterator[Body]:
    match item:
        case {"type": "reasoning"}:
            yield from _thoughts(item, size)
        case {"type": "function_call", "arguments": str(text)}:
            yield from _deltas("response.function_call_arguments", text, size)
            yield {"type": "response.function_call_arguments.done", "arguments": text, "name": item["name"]}
        case {"type": "custom_tool_call", "input": str(text)}:
            yield from _deltas("response.custom_tool_call_input", text, size)
            yield {"type": "response.custom_tool_call_input.done", "input": text}
        case _:
            for index, part in enumerate(objects(item.get("content"))):
                for event in _part(body, part, size):
                    yield {**event, "content_index": index}


def _part(body: Body, part: Body, size: int) -> Iterator[Body]:
    """A part of a message: text, or a refusal."""
    kind = str(part["type"])
    name = "text" if kind == "output_text" else kind
    text = str(part[name])
    blank: Body = {**part, name: "", **({"logprobs": []} if "logprobs" in part else {})}
    yield {"type": "response.content_part.added", "part": blank}
    for piece in pieces(text, size):
        extra: Body = {"logprobs": token_list(body, piece, size)} if kind == "output_text" else {}
        yield {"type": f"response.{kind}.delta", "delta": piece, **extra}
    closing: Body = {"logprobs": token_list(body, text, size)} if kind == "output_text" else {}
    yield {"type": f"response.{kind}.done", name: text, **closing}
    yield {"type": "response.content_part.done", "part": part}


def _thoughts(item: Body, size: int) -> Iterator[Body]:
    for index, part in enumerate(objects(item["summary"])):
        place: Body = {"summary_index": index}
        yield {"type": "response.reasoning_summary_part.added", "part": {**part, "text": ""}, **place}
        for event in _deltas("response.reasoning_summary_text", str(part["text"]), size):
            yield {**event, **place}
        yield {"type": "response.reasoning_summary_text.done", "text": part["text"], **place}
        yield {"type": "response.reasoning_summary_part.done", "part": part, **place}
    for index, part in enumerate(objects(item.get("content"))):
        place = {"content_index": index}
        for event in _deltas("response.reasoning_text", str(part["text"]), size):
            yield {**event, **place}
        yield {"type": "response.reasoning_text.done", "text": part["text"], **place}


def _deltas(name: str, text: str, size: int) -> Iterator[Body]:
    for piece in pieces(text, size):
        yield {"type": f"{name}.delta", "delta": piece}
