"""A Responses request asked as chat, for a destination that speaks chat completions and nothing else.

What chat cannot say is refused by its address. What is left aside changes nothing in the answer; each such name stands
in a table below, with the reason. Names that the Responses dialect does not know are carried on as they are: whoever
reads the chat request judges them.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from gateway.domain.errors import ErrorCode, refuse
from gateway.domain.strict_json import Json

_UNSUPPORTED = ErrorCode.UNSUPPORTED_BY_LOCAL_MODEL

_LEFT_ASIDE = frozenset(
    {
        "prompt_cache_options",  # a hint on price
        "store",  # nothing is kept in any case
        "truncation",  # a conversation that is too long is refused instead of cut: that cannot be overlooked
        "max_tool_calls",  # counts calls of tools that the provider runs; there are none
    }
)
_NOT_IN_CHAT = frozenset(
    {
        *("background", "background_options", "context_management", "conversation", "moderation"),
        *("previous_response_id", "prompt"),
        # In chat these have a meaning that a Responses request cannot ask for.
        *("audio", "function_call", "functions", "logprobs", "messages", "modalities", "n", "reasoning_effort"),
        *("max_completion_tokens", "max_tokens", "response_format", "web_search_options"),
    }
)
_TOLD_OTHERWISE = frozenset(
    {
        *("include", "input", "instructions", "max_output_tokens", "parallel_tool_calls", "reasoning", "service_tier"),
        *("stream_options", "text", "tool_choice", "tools", "top_logprobs"),
    }
)
_NAMES_OF_MEMBERS = frozenset(
    {
        *("allowed_callers", "caller", "context", "defer_loading", "detail", "file_id", "file_url", "mode", "name"),
        *("namespace", "output_schema"),
    }
)
"""Names of the dialect that an error may repeat; any other may be of the caller's choice, and is told as `*`."""

_ROLES = {"user": "user", "assistant": "assistant", "system": "system", "developer": "system"}
_TEXTS = frozenset({"input_text", "output_text"})
_PARTS: Mapping[str, frozenset[str]] = {
    "user": _TEXTS | {"input_image", "input_file", "input_audio"},
    "assistant": _TEXTS | {"refusal"},
    "system": _TEXTS,
    "tool": _TEXTS,
}
# An id or a status tells nothing to a model; a cache breakpoint and a phase are hints.
_ITEM = frozenset({"type", "id", "status", "phase"})
_PART = frozenset({"type", "prompt_cache_breakpoint"})
_SAYS_NOTHING: tuple[Json, ...] = ([], {}, ["direct"], {"type": "direct"})  # the last: called by the model, as always
_ORDINARY_REASONING = (("mode", "standard"), ("context", "auto"), ("context", "current_turn"))


def chat_request(body: Mapping[str, Json]) -> dict[str, Json]:
    """The chat completions request that asks the same as the validated Responses request `body`.

    Raises `CallerError`: `unsupported_by_local_model` with the address of what chat cannot say.
    """
    for name in _NOT_IN_CHAT & body.keys():
        if _says_something(body[name]):
            refuse(_UNSUPPORTED, f"/{name}")
    own = _LEFT_ASIDE | _NOT_IN_CHAT | _TOLD_OTHERWISE
    same = _present(**{name: value for name, value in body.items() if name not in own})
    return same | {"messages": _messages(body)} | _tools(body) | _form(body) | _limits(body)


def _messages(body: Mapping[str, Json]) -> Json:
    messages = _Messages()
    if body.get("instructions"):
        messages.add({"role": "system", "content": _content(body["instructions"], "/instructions", "system")})
    match body.get("input"):
        case str(text):
            messages.add({"role": "user", "content": text})
        case list(items):
            for index, item in enumerate(items):
                messages.item(_object(item, f"/input/{index}"), f"/input/{index}")
        case None:
            pass
        case _:
            refuse(_UNSUPPORTED, "/input")
    return list(messages.told) or refuse(ErrorCode.MISSING_FIELD, "/input")


@dataclass(slots=True, repr=False)
class _Messages:
    """Chat messages as they grow out of items. What the assistant said and called in one turn becomes one message."""

    told: list[dict[str, Json]] = field(default_factory=list)

    def add(self, message: dict[str, Json]) -> None:
        self.told.append(message)

    def item(self, item: dict[str, Json], place: str) -> None:
        match item.get("type") or "message":
            case "message":
                self._message(item, place)
            case "function_call":
                _only(item, place, _ITEM | {"call_id", "name", "arguments"})
                called: dict[str, Json] = {"name": item.get("name"), "arguments": item.get("arguments")}
                self._call({"id": item.get("call_id"), "type": "function", "function": called})
            case "custom_tool_call":
                _only(item, place, _ITEM | {"call_id", "name", "input"})
                called = {"name": item.get("name"), "input": item.get("input")}
                self._call({"id": item.get("call_id"), "type": "custom", "custom": called})
            case "function_call_output" | "custom_tool_call_output":
                # The tool's name is known from the call.
                _only(item, place, _ITEM | {"call_id", "output", "name"})
                content = _content(item.get("output"), f"{place}/output", "tool")
                self.add({"role": "tool", "tool_call_id": item.get("call_id"), "content": content})
            case "reasoning":
                pass  # Chat has no place for a model's earlier thinking, and its sealed form only its maker can read.
            case _:
                refuse(_UNSUPPORTED, place)

    def _message(self, item: dict[str, Json], place: str) -> None:
        _only(item, place, _ITEM | {"role", "content"})
        role = _ROLES.get(str(item.get("role"))) or refuse(_UNSUPPORTED, f"{place}/role")
        content = _content(item.get("content"), f"{place}/content", role)
        last = self.told[-1] if self.told else {}
        if role == "assistant" and "tool_calls" in last:
            last["content"] = content if last["content"] is None else [*_parts(last["content"]), *_parts(content)]
        else:
            self.add({"role": role, "content": content})

    def _call(self, call: Json) -> None:
        if not self.told or self.told[-1]["role"] != "assistant":
            self.add({"role": "assistant", "content": None})
        calls = self.told[-1].setdefault("tool_calls", [])
        assert isinstance(calls, list)
        calls.append(call)


def _parts(content: Json) -> list[Json]:
    return content if isinstance(content, list) else [{"type": "text", "text": content}]


def _content(value: Json, place: str, role: str) -> Json:
    """A content in chat's form: a string where it is one text, since every model understands that."""
    if isinstance(value, str):
        return value
    if not isinstance(value, list):
        refuse(_UNSUPPORTED, place)
    parts = [_part(_object(part, f"{place}/{i}"), f"{place}/{i}", _PARTS[role]) for i, part in enumerate(value)]
    texts = [part.get("text") for part in parts if part.keys() == {"type", "text"}]
    if len(parts) == len(texts) <= 1:
        return texts[0] if texts else ""
    return list(parts)


def _part(part: dict[str, Json], place: str, allowed: AbstractSet[str]) -> dict[str, Json]:
    kind = part.get("type")
    if not isinstance(kind, str) or kind not in allowed:
        refuse(_UNSUPPORTED, place)
    match kind:
        case "input_text" | "output_text":
            _only(part, place, _PART | {"text", "annotations", "logprobs"})
            return {"type": "text", "text": part.get("text")}
        case "refusal":
            _only(part, place, _PART | {"refusal"})
            return {"type": "refusal", "refusal": part.get("refusal")}
        case "input_image":
            return _image(part, place)
        case "input_file":
            return _file(part, place)
        case _:
            _only(part, place, _PART | {"input_audio"})
            return {"type": "input_audio", "input_audio": part.get("input_audio")}


def _image(part: dict[str, Json], place: str) -> dict[str, Json]:
    _only(part, place, _PART | {"image_url", "detail"})
    if part.get("detail") == "original":
        refuse(_UNSUPPORTED, f"{place}/detail")
    image = _present(url=part.get("image_url"), detail=part.get("detail"))
    return {"type": "image_url", "image_url": image}


def _file(part: dict[str, Json], place: str) -> dict[str, Json]:
    if part.get("detail") == "auto":
        part = {name: value for name, value in part.items() if name != "detail"}
    _only(part, place, _PART | {"file_data", "filename"})
    return {"type": "file", "file": _present(file_data=part.get("file_data"), filename=part.get("filename"))}


def _tools(body: Mapping[str, Json]) -> dict[str, Json]:
    """The tools and how they are chosen. Without tools chat takes neither a choice nor `parallel_tool_calls`."""
    tools = body.get("tools")
    choice = body.get("tool_choice")
    if not isinstance(tools, list) or not tools:
        return {} if choice in (None, "auto", "none") else refuse(_UNSUPPORTED, "/tool_choice")
    told: Json = [_tool(_object(tool, f"/tools/{i}"), f"/tools/{i}") for i, tool in enumerate(tools)]
    return _present(tools=told, tool_choice=_choice(choice), parallel_tool_calls=body.get("parallel_tool_calls"))


def _tool(tool: dict[str, Json], place: str) -> Json:
    called = _present(name=tool.get("name"), description=tool.get("description"))
    match tool.get("type"):
        case "function":
            _only(tool, place, {"type", "name", "description", "parameters", "strict"})
            called |= _present(parameters=tool.get("parameters"), strict=tool.get("strict"))
            return {"type": "function", "function": called}
        case "custom":
            _only(tool, place, {"type", "name", "description", "format"})
            return {"type": "custom", "custom": called | _present(format=_grammar(tool.get("format"), place))}
        case _:
            return refuse(_UNSUPPORTED, place)


def _grammar(value: Json, place: str) -> Json:
    form = _object(value or {"type": "text"}, f"{place}/format")
    if form.get("type") != "grammar":
        return None
    return {"type": "grammar", "grammar": {"syntax": form.get("syntax"), "definition": form.get("definition")}}


def _choice(choice: Json) -> Json:
    if not isinstance(choice, dict):
        return choice
    match choice.get("type"):
        case "allowed_tools":
            tools = choice.get("tools")
            named: list[Json] = [
                _named(_object(tool, f"/tool_choice/tools/{i}"), f"/tool_choice/tools/{i}")
                for i, tool in enumerate(tools if isinstance(tools, list) else [])
            ]
            return {"type": "allowed_tools", "allowed_tools": {"mode": choice.get("mode"), "tools": named}}
        case _:
            return _named(choice, "/tool_choice")


def _named(tool: dict[str, Json], place: str) -> Json:
    kind = tool.get("type")
    if not isinstance(kind, str) or kind not in {"function", "custom"}:
        refuse(_UNSUPPORTED, place)
    _only(tool, place, {"type", "name"})
    return {"type": kind, kind: {"name": tool.get("name")}}


def _form(body: Mapping[str, Json]) -> dict[str, Json]:
    """What form the answer has, and how much is thought about it. A summary of the thinking is shown where there is
    one; asking for it changes nothing."""
    text = _object(body.get("text") or {}, "/text")
    reasoning = _object(body.get("reasoning") or {}, "/reasoning")
    _only(text, "/text", {"format", "verbosity"})
    asked = {name: value for name, value in reasoning.items() if (name, value) not in _ORDINARY_REASONING}
    _only(asked, "/reasoning", {"effort", "summary", "generate_summary"})
    form = _object(text.get("format") or {"type": "text"}, "/text/format")
    if (kind := form.get("type")) == "json_schema":
        schema: Json = {name: value for name, value in form.items() if name != "type" and value is not None}
        form = {"type": kind, "json_schema": schema}
    return _present(
        response_format=None if kind == "text" else form,
        verbosity=text.get("verbosity"),
        reasoning_effort=reasoning.get("effort"),
    )


def _limits(body: Mapping[str, Json]) -> dict[str, Json]:
    """Limits, extras of the answer, and streaming with the usage that a Responses stream always tells."""
    tier, top, include = body.get("service_tier"), body.get("top_logprobs"), body.get("include")
    # Whatever else can be included belongs to tools that the provider runs, or to thinking in its sealed form.
    logprobs = bool(top) or (isinstance(include, list) and "message.output_text.logprobs" in include)
    stream = {**_object(body.get("stream_options") or {}, "/stream_options"), "include_usage": True}
    return _present(
        max_completion_tokens=body.get("max_output_tokens"),
        service_tier="priority" if tier == "fast" else tier,  # two names of one tier
        logprobs=True if logprobs else None,
        top_logprobs=top if logprobs else None,
        stream_options=stream if body.get("stream") is True else None,
    )


def _present(**members: Json) -> dict[str, Json]:
    return {name: value for name, value in members.items() if value is not None}


def _says_something(value: Json) -> bool:
    return value is not None and value is not False and value not in _SAYS_NOTHING


def _only(value: Mapping[str, Json], place: str, names: AbstractSet[str]) -> None:
    """Refuse an object that says more than `names`: nothing is dropped in silence."""
    for name in value.keys() - names:
        if _says_something(value[name]):
            refuse(_UNSUPPORTED, f"{place}/{name if name in _NAMES_OF_MEMBERS else '*'}")


def _object(value: Json, place: str) -> dict[str, Json]:
    return value if isinstance(value, dict) else refuse(_UNSUPPORTED, place)
