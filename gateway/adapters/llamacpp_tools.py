"""Tools in the form that Hermes and Qwen made common: the chat template shows them as JSON, the model calls one by
`<tool_call>{"name": ..., "arguments": {...}}</tool_call>`.

A request's tools become an offer; generated text is parted into what is said and what is called. What looks like a call
and is none (no JSON, an unknown tool, cut off) is told as the text that it is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.adapters.llamacpp_grammar import Grammar, schema_text
from gateway.domain.errors import CallerError, ErrorCode, refuse
from gateway.domain.strict_json import Json, object_at, parse_json, text_at

OPENING, CLOSING = "<tool_call>", "</tool_call>"
_UNSUPPORTED = ErrorCode.UNSUPPORTED_BY_LOCAL_MODEL
_MOST_CALLS = 8
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_NO_PARAMETERS: Json = {"type": "object", "properties": {}, "additionalProperties": False}
_REFERENCE = re.compile(r'"\$ref": "[^"]*/([^"/]*)"')
_STRING_OR_CLOSING = re.compile(rf'"(?:[^"\\]|\\.)*(?:"|\\?\Z)|{CLOSING}', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a tool; `arguments` is the text of a JSON object."""

    name: str = field(repr=False)
    arguments: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Offer:
    """The tools that may be called, by name and as the JSON text that the model reads. `form` is free where the model
    may also answer in words."""

    names: tuple[str, ...] = field(default=(), repr=False)
    shown: tuple[str, ...] = field(default=(), repr=False)
    several: bool = True
    form: Grammar = field(default=Grammar("free"), repr=False)


NO_TOOLS = Offer()


def read_offer(body: Mapping[str, Json]) -> Offer:
    """The tools of a chat request. Raises `CallerError(UNSUPPORTED_BY_LOCAL_MODEL)` for what cannot be offered."""
    tools = body.get("tools")
    functions = [_function(tool, f"/tools/{at}") for at, tool in enumerate(tools if isinstance(tools, list) else [])]
    names = tuple(text_at(function, "name") for function in functions)
    if len(set(names)) != len(names):
        refuse(_UNSUPPORTED, "/tools")
    chosen = body.get("tool_choice")
    several = body.get("parallel_tool_calls") is not False
    shown = tuple(_shown(function) for function in functions)
    match chosen:
        case "none":
            return NO_TOOLS
        case None | "auto":
            _refuse_strict(functions)
            return Offer(names, shown, several)
        case "required" if names:
            return Offer(names, shown, several, _forced(functions, names, several=several))
        case {"type": "function", "function": {"name": str(name)}} if name in names:
            return Offer(names, shown, several=False, form=_forced(functions, (name,), several=False))
        case _:
            return refuse(_UNSUPPORTED, "/tool_choice")


def read_calls(message: Mapping[str, Json], place: str) -> tuple[Call, ...]:
    """The calls of an earlier turn. Raises `CallerError(UNSUPPORTED_BY_LOCAL_MODEL)` for what is no function's."""
    calls = message.get("tool_calls")
    return tuple(
        _said_call(call, f"{place}/tool_calls/{at}") for at, call in enumerate(calls if isinstance(calls, list) else [])
    )


def _function(tool: Json, place: str) -> Mapping[str, Json]:
    function = object_at(tool, "function") if isinstance(tool, dict) else {}
    if not _NAME.fullmatch(text_at(function, "name")):
        refuse(_UNSUPPORTED, place)
    return function


def _shown(function: Mapping[str, Json]) -> str:
    return json.dumps({name: value for name, value in function.items() if name != "strict"}, ensure_ascii=False)


def _refuse_strict(functions: list[Mapping[str, Json]]) -> None:
    """Only a grammar makes arguments certain, and no grammar can begin in the middle of an answer in words."""
    for at, function in enumerate(functions):
        if function.get("strict") is True:
            refuse(_UNSUPPORTED, f"/tools/{at}/function/strict")


def _forced(functions: list[Mapping[str, Json]], chosen: tuple[str, ...], *, several: bool) -> Grammar:
    schemas: list[Json] = []
    seen: set[str] = set()
    for at, function in enumerate(functions):
        if (name := text_at(function, "name")) in chosen:
            place = f"/tools/{at}/function/parameters"
            schema = _parameters(function, place)
            referred = set(_REFERENCE.findall(json.dumps(schema)))
            if referred & seen:  # one grammar says all tools, and a name stands in it for one thing
                refuse(_UNSUPPORTED, place)
            seen |= referred
            schemas.append([name, schema])
    return Grammar("calls", json.dumps({"most": _MOST_CALLS if several else 1, "tools": schemas}))


def _parameters(function: Mapping[str, Json], place: str) -> Json:
    """The schema of a tool's arguments, which are always an object."""
    schema = object_at(function, "parameters")
    if schema.get("type", "object") != "object":
        refuse(_UNSUPPORTED, place)
    return parse_json(schema_text({"type": "object", **schema}, place)) if schema else _NO_PARAMETERS


def _said_call(call: Json, place: str) -> Call:
    function = object_at(call, "function") if isinstance(call, dict) else {}
    if not _NAME.fullmatch(text_at(function, "name")):
        refuse(_UNSUPPORTED, place)
    try:
        arguments = parse_json(text_at(function, "arguments") or "{}")
    except CallerError:
        arguments = None
    if not isinstance(arguments, dict):
        refuse(_UNSUPPORTED, f"{place}/function/arguments")
    return Call(text_at(function, "name"), json.dumps(arguments, ensure_ascii=False))


class CallReader:
    """Parts generated text into what is said and what is called, the same however it is cut into pieces.

    White space before a call, and after the last, is not said.
    """

    def __init__(self, offer: Offer) -> None:
        self._offer = offer
        self._held = ""
        self._called = 0

    def push(self, text: str) -> list[str | Call]:
        """What is certain now: text that begins no call, and calls that are whole."""
        self._held += text
        told: list[str | Call] = []
        while self._over is False:
            begin = self._held.find(OPENING)
            told += self._said(len(self._held) - overlap(self._held, OPENING) if begin < 0 else begin)
            end = _end_of_call(self._held) if begin >= 0 else -1
            if end < 0:
                break
            told.append(self._read(end))
        return told

    def rest(self) -> list[str | Call]:
        """What was held back, once no more text comes: a call whose end was left out, or text."""
        left = self._held.lstrip()
        if self._over or (self._called and not left):
            return []
        call = self._call(left.removeprefix(OPENING)) if left.startswith(OPENING) else None
        rest: str | Call = call or self._held
        return [rest] if rest else []

    @property
    def _over(self) -> bool:
        return bool(self._called) and not self._offer.several

    def _said(self, until: int) -> list[str | Call]:
        """Let out the text before a place, but for the white space at its end."""
        said = self._held[:until].rstrip()
        self._held = self._held[len(said) :]
        return [said] if said else []

    def _read(self, end: int) -> str | Call:
        """Take what is held up to the end of a call: the call, or the text that it is."""
        taken, self._held = self._held[: end + len(CLOSING)], self._held[end + len(CLOSING) :]
        call = self._call(taken.lstrip().removeprefix(OPENING).removesuffix(CLOSING))
        self._called += call is not None
        return call or taken

    def _call(self, text: str) -> Call | None:
        try:
            told = parse_json(text)
        except CallerError:
            return None
        match told:
            case {"name": str(name), "arguments": dict(arguments)} if name in self._offer.names:
                return Call(name, json.dumps(arguments, ensure_ascii=False))
            case _:
                return None


def _end_of_call(held: str) -> int:
    """Where the call that is held ends, -1 while it does not. An end within a JSON string is none."""
    if CLOSING not in held:
        return -1
    return next((found.start() for found in _STRING_OR_CLOSING.finditer(held) if found[0] == CLOSING), -1)


def overlap(text: str, mark: str) -> int:
    """The length of the longest ending of `text` that begins `mark`, without being all of it."""
    return next((n for n in range(min(len(text), len(mark) - 1), 0, -1) if text.endswith(mark[:n])), 0)
