"""What the stand-in provider says, in the dialects of OpenAI and Anthropic: it repeats what the user said.

The answer repeats the last message, so that whatever left comes back: placeholders return and can be restored. A
request with tools is answered with a call of the first one whose argument is that message; a tool's result is repeated
as text.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gateway.domain.strict_json import Json, dump_json

Body = dict[str, Json]
_CREATED = 1_700_000_000


@dataclass(frozen=True, slots=True)
class Saying:
    """What is answered: `text`, or a call of `tool` when it is not empty. `tokens` are counted as words."""

    text: str
    tool: str
    model: str
    choices: int
    prompt_tokens: int

    @property
    def arguments(self) -> str:
        """The tool call's arguments."""
        return dump_json({"text": self.text}).decode()

    @property
    def tokens(self) -> int:
        """Words of the answer."""
        return max(1, len(self.text.split())) * self.choices


def saying(body: Body, prefix: str, instead: str = "") -> Saying:
    """The answer to a request of either dialect: `prefix` and the last message, or `instead`."""
    messages = [message for message in _list(body.get("messages")) if isinstance(message, dict)]
    last = messages[-1] if messages else {}
    said = instead or _text(last.get("content"))
    tools = [tool for tool in _list(body.get("tools")) if isinstance(tool, dict)]
    tool = _tool_name(tools[0]) if tools and _speaks_the_user(last) else ""
    wants_json = isinstance(body.get("response_format"), dict) and body["response_format"] != {"type": "text"}
    text = said if tool else f"{prefix}{said}"
    choices = body.get("n")
    return Saying(
        text=dump_json({"answer": text}).decode() if wants_json and not tool else text,
        tool=tool,
        model=str(body.get("model", "")),
        choices=choices if isinstance(choices, int) and choices > 0 else 1,
        prompt_tokens=sum(len(_text(message.get("content")).split()) for message in messages),
    )


def pieces(text: str, size: int) -> Iterator[str]:
    """`text` in pieces of `size` characters."""
    for at in range(0, len(text), size):
        yield text[at : at + size]


def completion(said: Saying) -> Body:
    """A chat completion."""
    message: Body = {"role": "assistant", "content": said.text, "refusal": None}
    if said.tool:
        function: Body = {"name": said.tool, "arguments": said.arguments}
        message |= {"content": None, "tool_calls": [{"id": "call_1", "type": "function", "function": function}]}
    choices: list[Json] = [
        {"index": index, "message": message, "logprobs": None, "finish_reason": _finish(said)}
        for index in range(said.choices)
    ]
    return {**_head("chat.completion", said), "choices": choices, "usage": _usage(said)}


def completion_chunks(said: Saying, size: int, *, include_usage: bool) -> Iterator[Body]:
    """The chunks of a streamed chat completion, all choices in turn. `[DONE]` is not among them."""
    extra: Body = {"usage": None} if include_usage else {}

    def chunk(index: int, delta: Body, finish: Json = None) -> Body:
        choice: Json = {"index": index, "delta": delta, "logprobs": None, "finish_reason": finish}
        return {**_head("chat.completion.chunk", said), "choices": [choice], **extra}

    for index in range(said.choices):
        yield chunk(index, {"role": "assistant", "content": None if said.tool else ""})
        for delta in _deltas(said, size):
            yield chunk(index, delta)
        yield chunk(index, {}, _finish(said))
    if include_usage:
        yield {**_head("chat.completion.chunk", said), "choices": [], "usage": _usage(said)}


def _deltas(said: Saying, size: int) -> Iterator[Body]:
    if not said.tool:
        for piece in pieces(said.text, size):
            yield {"content": piece}
        return
    first: Body = {"index": 0, "id": "call_1", "type": "function", "function": {"name": said.tool, "arguments": ""}}
    yield {"tool_calls": [first]}
    for piece in pieces(said.arguments, size):
        yield {"tool_calls": [{"index": 0, "function": {"arguments": piece}}]}


def model_list(*names: str) -> Body:
    """OpenAI's list of models."""
    return {
        "object": "list",
        "data": [{"id": name, "object": "model", "created": _CREATED, "owned_by": "stand-in"} for name in names],
    }


def openai_error(message: str, kind: str, code: str) -> Body:
    """OpenAI's error body."""
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def message(said: Saying) -> Body:
    """Anthropic's message."""
    block: Body = {"type": "text", "text": said.text}
    if said.tool:
        block = {"type": "tool_use", "id": "toolu_1", "name": said.tool, "input": {"text": said.text}}
    usage: Body = {"input_tokens": said.prompt_tokens, "output_tokens": said.tokens}
    return {**_message_head(said), "content": [block], "stop_reason": _stop(said), "usage": usage}


def message_events(said: Saying, size: int) -> Iterator[Body]:
    """The events of Anthropic's streamed message; the event's name is its `type`."""
    start: Body = {**_message_head(said), "content": [], "stop_reason": None}
    yield {"type": "message_start", "message": {**start, "usage": {"input_tokens": said.prompt_tokens}}}
    block: Body = {"type": "text", "text": ""}
    if said.tool:
        block = {"type": "tool_use", "id": "toolu_1", "name": said.tool, "input": {}}
    yield {"type": "content_block_start", "index": 0, "content_block": block}
    for piece in pieces(said.arguments if said.tool else said.text, size):
        delta: Body = {"type": "text_delta", "text": piece}
        if said.tool:
            delta = {"type": "input_json_delta", "partial_json": piece}
        yield {"type": "content_block_delta", "index": 0, "delta": delta}
    yield {"type": "content_block_stop", "index": 0}
    ending: Body = {"stop_reason": _stop(said), "stop_sequence": None}
    yield {"type": "message_delta", "delta": ending, "usage": {"output_tokens": said.tokens}}
    yield {"type": "message_stop"}


def _head(kind: str, said: Saying) -> Body:
    return {"id": "chatcmpl-standin", "object": kind, "created": _CREATED, "model": said.model}


def _message_head(said: Saying) -> Body:
    return {"id": "msg_standin", "type": "message", "role": "assistant", "model": said.model, "stop_sequence": None}


def _usage(said: Saying) -> Body:
    total = said.prompt_tokens + said.tokens
    return {"prompt_tokens": said.prompt_tokens, "completion_tokens": said.tokens, "total_tokens": total}


def _finish(said: Saying) -> str:
    return "tool_calls" if said.tool else "stop"


def _stop(said: Saying) -> str:
    return "tool_use" if said.tool else "end_turn"


def _text(content: Json) -> str:
    """The text of a content: a string, or the texts of its parts (a tool result's own content among them)."""
    if isinstance(content, str):
        return content
    parts = [part for part in _list(content) if isinstance(part, dict)]
    return " ".join(_text(part.get("text") or part.get("content")) for part in parts)


def _speaks_the_user(message: Body) -> bool:
    """Whether this is the user's word and not a tool's result (which Anthropic gives the same role)."""
    parts = [part for part in _list(message.get("content")) if isinstance(part, dict)]
    return message.get("role") == "user" and not any(part.get("type") == "tool_result" for part in parts)


def _tool_name(tool: Body) -> str:
    function = tool.get("function", tool.get("custom", tool))
    return str(function.get("name", "")) if isinstance(function, dict) else ""


def _list(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []
