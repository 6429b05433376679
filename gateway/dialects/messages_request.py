"""A request in Anthropic's Messages dialect as the chat request that asks the same.

What chat cannot say is refused by its address. Left aside is what changes nothing that chat could tell: cache marks,
hints on price and speed, earlier thinking (it is signed by the model that thought it) and how much to think. `top_k`
is refused: chat has no such field, and without it the answer would be drawn in another way than was asked for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import NoReturn

from gateway.domain.errors import ErrorCode, refuse
from gateway.domain.strict_json import Json, dump_json

_RENAMED = {
    "model": "model",
    # Reasoning models refuse `max_tokens`, and every call of this dialect has a limit; the servers that know only the
    # older name stop at their own limit instead.
    "max_tokens": "max_completion_tokens",
    "temperature": "temperature",
    "top_p": "top_p",
    "stop_sequences": "stop",
}
_TOLD_APART = frozenset({"system", "messages", "tools", "tool_choice", "metadata", "stream", "output_config"})
_LEFT_ASIDE = frozenset({"cache_control", "thinking", "service_tier", "speed", "diagnostics"})
_TOP_LEVEL = _RENAMED.keys() | _TOLD_APART | _LEFT_ASIDE

_BLOCKS: Mapping[str, AbstractSet[str]] = {
    "text": {"text", "citations"},
    "image": {"source"},
    "document": {"source", "title", "context", "citations"},
    "search_result": {"source", "title", "content", "citations"},
    "tool_result": {"tool_use_id", "content", "is_error"},
    "tool_use": {"id", "name", "input", "caller"},
    "thinking": {"thinking", "signature"},
    "redacted_thinking": {"data"},
}
_BLOCK = frozenset({"type", "cache_control"})
_TOOL = frozenset({"type", "name", "description", "input_schema", "strict", "allowed_callers"})
_TOOL_HINTS = frozenset({"cache_control", "eager_input_streaming"})
_CHOICES = {"auto": "auto", "any": "required", "none": "none"}
_PLAIN_KEY = re.compile(r"[a-z_]{1,40}")
_ERROR = "Error: "
_RETURNED = "Returned by the tool call {}:"


def chat_request(body: Mapping[str, Json]) -> dict[str, Json]:
    """The chat request that asks the same as the (validated) Messages request `body`.

    Raises `CallerError(UNSUPPORTED_BY_LOCAL_MODEL)` for what chat cannot say, naming its address.
    """
    _only(body, "", _TOP_LEVEL)
    if body.get("max_tokens") == 0:  # only warms a provider's cache; in chat it would be no limit at all
        _cannot("/max_tokens")
    request: dict[str, Json] = {new: body.get(old) for old, new in _RENAMED.items()}
    request["messages"] = [*_system(body.get("system"), "/system"), *_messages(body.get("messages"))]
    request["user"] = _object(body.get("metadata")).get("user_id")
    request |= _tools(body) | _output(_object(body.get("output_config")))
    if body.get("stream") is True:
        request |= {"stream": True, "stream_options": {"include_usage": True}}
    return {name: value for name, value in request.items() if value is not None}


def _cannot(address: str) -> NoReturn:
    refuse(ErrorCode.UNSUPPORTED_BY_LOCAL_MODEL, address)


def _only(value: Mapping[str, Json], place: str, known: AbstractSet[str]) -> None:
    """Refuse the first member that nobody here knows; null and false say nothing."""
    for name, member in value.items():
        if name not in known and member is not None and member is not False:
            _cannot(f"{place}/{name if _PLAIN_KEY.fullmatch(name) else '*'}")


def _object(value: Json) -> dict[str, Json]:
    return value if isinstance(value, dict) else {}


def _each(value: Json, place: str) -> Iterator[tuple[dict[str, Json], str]]:
    """The objects of a list, each with its address. A string is one text block."""
    if isinstance(value, str):
        yield {"type": "text", "text": value}, place
    for index, item in enumerate(value if isinstance(value, list) else ()):
        yield _object(item), f"{place}/{index}"


def _blocks(content: Json, place: str) -> Iterator[tuple[dict[str, Json], str]]:
    """The content blocks of known kinds and members."""
    for block, at in _each(content, place):
        members = _BLOCKS.get(str(block.get("type")))
        if members is None:
            _cannot(f"{at}/type")
        _only(block, at, members | _BLOCK)
        yield block, at


def _system(system: Json, place: str) -> Iterator[Json]:
    parts = [part for block, at in _blocks(system, place) for part in _parts(block, at)]
    if parts:
        yield {"role": "system", "content": _content(parts)}


def _messages(messages: Json) -> Iterator[Json]:
    """The turns. A last turn of the assistant asks to be continued, which chat cannot: it begins a new one."""
    role: Json = None
    place = "/messages"
    for message, place in _each(messages, "/messages"):
        _only(message, place, {"role", "content"})
        role, content = message.get("role"), message.get("content")
        if role == "user":
            yield from _user(content, f"{place}/content")
        elif role == "assistant":
            yield _assistant(content, f"{place}/content")
        elif role == "system":
            yield from _system(content, f"{place}/content")
        else:
            _cannot(f"{place}/role")
    if role == "assistant":
        _cannot(f"{place}/role")


def _user(content: Json, place: str) -> Iterator[Json]:
    """Results of tools come first, as messages of their own: chat wants them next to the calls."""
    parts: list[Json] = []
    told = False
    for block, at in _blocks(content, place):
        if block.get("type") == "tool_result":
            told = True
            text, others = _tool_result(block, at)
            yield {"role": "tool", "tool_call_id": block.get("tool_use_id"), "content": text}
            parts += others
        else:
            parts += _parts(block, at)
    if parts or not told:
        yield {"role": "user", "content": _content(parts)}


def _tool_result(block: dict[str, Json], place: str) -> tuple[str, list[Json]]:
    """The text of a result, and what is no text: chat can show that to the model in a user's message only."""
    parts = [part for inner, at in _blocks(block.get("content"), f"{place}/content") for part in _parts(inner, at)]
    texts = [str(part["text"]) for part in parts if isinstance(part, dict) and "text" in part]
    others = [part for part in parts if isinstance(part, dict) and "text" not in part]
    shown = [_text(_RETURNED.format(block.get("tool_use_id"))), *others] if others else []
    return (_ERROR if block.get("is_error") is True else "") + "\n".join(texts), shown


def _assistant(content: Json, place: str) -> Json:
    texts, calls = "", list[Json]()
    for block, at in _blocks(content, place):
        match block.get("type"):
            case "text":
                texts += str(block.get("text"))
            case "tool_use":
                calls.append(_tool_call(block))
            case "thinking" | "redacted_thinking":
                pass
            case _:
                _cannot(f"{at}/type")
    if calls:
        return {"role": "assistant", "content": texts or None, "tool_calls": calls}
    return {"role": "assistant", "content": texts}


def _tool_call(block: dict[str, Json]) -> Json:
    arguments = dump_json(block.get("input") or {}).decode("utf-8")
    function: Json = {"name": block.get("name"), "arguments": arguments}
    return {"id": block.get("id"), "type": "function", "function": function}


def _content(parts: list[Json]) -> Json:
    """One text is a string, which every model understands."""
    if not parts:
        return ""
    first = parts[0]
    return first["text"] if len(parts) == 1 and isinstance(first, dict) and "text" in first else parts


def _text(text: str) -> Json:
    return {"type": "text", "text": text}


def _parts(block: dict[str, Json], place: str) -> list[Json]:
    """The chat parts of one block that a user or a tool may send."""
    match block.get("type"):
        case "text":
            return [_text(str(block.get("text")))]
        case "image":
            return [_image(_object(block.get("source")), f"{place}/source")]
        case "document":
            return _document(block, place)
        case "search_result":
            inner = [str(each.get("text")) for each, _ in _blocks(block.get("content"), f"{place}/content")]
            return [_text("\n".join([str(block.get("title")), str(block.get("source")), *inner]))]
        case _:
            _cannot(f"{place}/type")


def _image(source: dict[str, Json], place: str) -> Json:
    if source.get("type") == "base64":
        return {"type": "image_url", "image_url": {"url": _data_url(source)}}
    if source.get("type") != "url":
        _cannot(f"{place}/type")
    return {"type": "image_url", "image_url": {"url": source.get("url")}}


def _data_url(source: dict[str, Json]) -> str:
    return f"data:{source.get('media_type')};base64,{source.get('data')}"


def _document(block: dict[str, Json], place: str) -> list[Json]:
    """A document with its title and context in front. Chat cannot cite from one."""
    if _object(block.get("citations")).get("enabled") is True:
        _cannot(f"{place}/citations/enabled")
    source = _object(block.get("source"))
    heading = [str(block[name]) for name in ("title", "context") if block.get(name)]
    match source.get("type"):
        case "text":
            return [_text("\n".join([*heading, str(source.get("data"))]))]
        case "content":
            inner = _blocks(source.get("content"), f"{place}/source/content")
            return [*map(_text, heading), *(part for each, at in inner for part in _parts(each, at))]
        case "base64":
            file: Json = {"filename": str(block.get("title") or "document.pdf"), "file_data": _data_url(source)}
            context = block.get("context")
            return [*([_text(str(context))] if context else []), {"type": "file", "file": file}]
        case _:
            _cannot(f"{place}/source/type")


def _tools(body: Mapping[str, Json]) -> dict[str, Json]:
    tools = [_tool(tool, place) for tool, place in _each(body.get("tools"), "/tools")]
    choice = _object(body.get("tool_choice"))
    request: dict[str, Json] = {"tools": tools} if tools else {}
    if choice:
        request["tool_choice"] = _tool_choice(choice)
    if choice.get("disable_parallel_tool_use") is True:
        request["parallel_tool_calls"] = False
    return request


def _tool(tool: dict[str, Json], place: str) -> Json:
    if tool.get("type") not in (None, "custom"):
        _cannot(f"{place}/type")
    _only(tool, place, _TOOL | _TOOL_HINTS)
    names = {"name": "name", "description": "description", "input_schema": "parameters", "strict": "strict"}
    function: Json = {new: tool[old] for old, new in names.items() if tool.get(old) is not None}
    return {"type": "function", "function": function}


def _tool_choice(choice: dict[str, Json]) -> Json:
    kind = str(choice.get("type"))
    if kind == "tool":
        return {"type": "function", "function": {"name": choice.get("name")}}
    if kind not in _CHOICES:
        _cannot("/tool_choice/type")
    return _CHOICES[kind]


def _output(config: dict[str, Json]) -> dict[str, Json]:
    """The form of the answer, and the effort put into it."""
    _only(config, "/output_config", {"effort", "format"})
    request: dict[str, Json] = {"reasoning_effort": config.get("effort")}
    form = _object(config.get("format"))
    if form:
        if form.get("type") != "json_schema":
            _cannot("/output_config/format/type")
        schema: Json = {"name": "answer", "schema": form.get("schema"), "strict": True}
        request["response_format"] = {"type": "json_schema", "json_schema": schema}
    return request
