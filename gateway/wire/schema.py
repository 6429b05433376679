"""The declaration of every field of every operation: one readable table each.

Text is inspected, control has a closed shape, opaque content is a policy question, and what is refused is named. A
field that is not here is answered with 400 `unsupported_field`. docs/coverage.md and `GET /v1/gateway/coverage` come
from here.
"""

from __future__ import annotations

import re

from gateway.domain.declaration import (
    AnyJson,
    ByType,
    Choice,
    Each,
    Field,
    Flag,
    Identifier,
    JsonText,
    MapOf,
    Number,
    Opaque,
    Record,
    Refused,
    Source,
    Text,
    Variants,
)

_COUNT = 10_000_000


def _choice(*values: str) -> Choice:
    return Choice(frozenset(values))


def _text_or_parts(part: Field) -> ByType:
    return ByType(string=Text(), array=Each(part))


_CACHE_CONTROL = Record({"type": _choice("ephemeral"), "ttl": _choice("5m", "1h")})
_TEXT_PART = Record({"type": _choice("text"), "text": Text(), "cache_control": _CACHE_CONTROL}, frozenset({"text"}))
_IMAGE = Record({"url": Opaque("image"), "detail": _choice("auto", "low", "high")}, frozenset({"url"}))
_AUDIO = Record({"data": Opaque("audio"), "format": _choice("wav", "mp3")}, frozenset({"data"}))
_FILE = Record({"file_data": Opaque("file"), "filename": Text(), "file_id": Refused()})

_USER_PARTS = Variants(
    "type",
    {
        "text": _TEXT_PART,
        "image_url": Record({"type": _choice("image_url"), "image_url": _IMAGE}, frozenset({"image_url"})),
        "input_audio": Record({"type": _choice("input_audio"), "input_audio": _AUDIO}, frozenset({"input_audio"})),
        "file": Record({"type": _choice("file"), "file": _FILE}, frozenset({"file"})),
    },
)
_REFUSAL_PART = Record({"type": _choice("refusal"), "refusal": Text()}, frozenset({"refusal"}))
_TEXT_PARTS = Variants("type", {"text": _TEXT_PART})
_ASSISTANT_PARTS = Variants("type", {"text": _TEXT_PART, "refusal": _REFUSAL_PART})

_FUNCTION_CALL = Record({"name": Text(name=True), "arguments": JsonText(Source.TOOL_ARGUMENTS)})
_CUSTOM_CALL = Record({"name": Text(name=True), "input": Text(source=Source.TOOL_ARGUMENTS)})
_TOOL_CALL = Variants(
    "type",
    {
        "function": Record(
            {
                "id": Identifier(name=True),
                "type": _choice("function"),
                "function": _FUNCTION_CALL,
                "index": Number(0, 128),
            }
        ),
        "custom": Record({"id": Identifier(name=True), "type": _choice("custom"), "custom": _CUSTOM_CALL}),
    },
)


def _message(role: str, source: Source, content: Field, **more: Field) -> Record:
    fields = {"role": _choice(role), "content": content, "name": Text(name=True), **more}
    return Record(fields, frozenset({"role"}), source)


_MESSAGE = Variants(
    "role",
    {
        "system": _message("system", Source.SYSTEM, _text_or_parts(_TEXT_PARTS)),
        "developer": _message("developer", Source.SYSTEM, _text_or_parts(_TEXT_PARTS)),
        "user": _message("user", Source.USER, _text_or_parts(_USER_PARTS)),
        "assistant": _message(
            "assistant",
            Source.ASSISTANT,
            _text_or_parts(_ASSISTANT_PARTS),
            refusal=Text(),
            reasoning_content=Text(),
            reasoning=Text(),
            annotations=AnyJson(),
            audio=Refused(),
            function_call=_FUNCTION_CALL,
            tool_calls=Each(_TOOL_CALL),
        ),
        "tool": _message("tool", Source.TOOL_RESULT, _text_or_parts(_TEXT_PARTS), tool_call_id=Identifier(name=True)),
        "function": _message("function", Source.TOOL_RESULT, Text()),
    },
)

_FUNCTION = Record(
    {"name": Text(name=True), "description": Text(), "parameters": AnyJson(), "strict": Flag()},
    frozenset({"name"}),
    Source.TOOL_DEFINITION,
)
_GRAMMAR = Record({"definition": Text(), "syntax": _choice("lark", "regex")})
_CUSTOM = Record(
    {
        "name": Text(name=True),
        "description": Text(),
        "format": Record({"type": _choice("text", "grammar"), "grammar": _GRAMMAR}),
    },
    frozenset({"name"}),
    Source.TOOL_DEFINITION,
)
_TOOL = Variants(
    "type",
    {
        "function": Record({"type": _choice("function"), "function": _FUNCTION}, frozenset({"function"})),
        "custom": Record({"type": _choice("custom"), "custom": _CUSTOM}, frozenset({"custom"})),
    },
)
_NAMED = Record({"name": Text(name=True)}, frozenset({"name"}), Source.TOOL_DEFINITION)
_TOOL_CHOICE = ByType(
    string=_choice("none", "auto", "required"),
    object=Variants(
        "type",
        {
            "function": Record({"type": _choice("function"), "function": _NAMED}),
            "custom": Record({"type": _choice("custom"), "custom": _NAMED}),
            "allowed_tools": Record(
                {
                    "type": _choice("allowed_tools"),
                    "allowed_tools": Record(
                        {"mode": _choice("auto", "required"), "tools": Each(AnyJson(Source.TOOL_DEFINITION))}
                    ),
                }
            ),
        },
    ),
)
_JSON_SCHEMA = Record(
    {"name": Text(name=True), "description": Text(), "schema": AnyJson(), "strict": Flag()},
    frozenset({"name"}),
    Source.TOOL_DEFINITION,
)
_RESPONSE_FORMAT = Variants(
    "type",
    {
        "text": Record({"type": _choice("text")}),
        "json_object": Record({"type": _choice("json_object")}),
        "json_schema": Record(
            {"type": _choice("json_schema"), "json_schema": _JSON_SCHEMA}, frozenset({"json_schema"})
        ),
    },
)
_PREDICTION = Record({"type": _choice("content"), "content": _text_or_parts(_TEXT_PARTS)})
_STREAM_OPTIONS = Record({"include_usage": Flag(), "include_obfuscation": Flag()})

CHAT: Field = Record(
    {
        "model": Identifier(),
        "messages": Each(_MESSAGE, least=1),
        "stream": Flag(),
        "stream_options": _STREAM_OPTIONS,
        # control
        "temperature": Number(0, 2),
        "top_p": Number(0, 1),
        "frequency_penalty": Number(-2, 2),
        "presence_penalty": Number(-2, 2),
        "n": Number(1, 128, integer=True),
        "max_tokens": Number(1, _COUNT, integer=True),
        "max_completion_tokens": Number(1, _COUNT, integer=True),
        "seed": Number(-(2**63), 2**63, integer=True, inspected=True),
        "logprobs": Flag(),
        "top_logprobs": Number(0, 20, integer=True),
        "logit_bias": MapOf(Number(-100, 100), key=re.compile(r"[0-9]{1,6}")),
        "parallel_tool_calls": Flag(),
        "reasoning_effort": _choice("none", "minimal", "low", "medium", "high", "xhigh", "max"),
        "verbosity": _choice("low", "medium", "high"),
        "service_tier": _choice("auto", "default", "flex", "scale", "priority"),
        "modalities": Each(_choice("text")),
        "prompt_cache_retention": _choice("in_memory", "in-memory", "24h"),
        "store": Flag(),
        # text
        "stop": ByType(string=Text(), array=Each(Text())),
        "user": Text(),
        "safety_identifier": Text(),
        "prompt_cache_key": Text(),
        "metadata": MapOf(Text()),
        "prediction": _PREDICTION,
        "response_format": _RESPONSE_FORMAT,
        "tools": Each(_TOOL),
        "tool_choice": _TOOL_CHOICE,
        "functions": Each(_FUNCTION),
        "function_call": ByType(string=_choice("none", "auto"), object=_NAMED),
        # refused: these make the provider fetch, remember or send something of its own
        "audio": Refused(),
        "moderation": Refused(),
        "prompt_cache_options": Refused(),
        "web_search_options": Refused(),
    },
    frozenset({"model", "messages"}),
)
"""POST /v1/chat/completions."""
