"""`POST /v1/chat/completions`."""

from __future__ import annotations

from gateway.domain.declaration import (
    AnyJson,
    ByType,
    Each,
    Field,
    Flag,
    Identifier,
    JsonSchema,
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
from gateway.wire.schema.shared import (
    CACHE_BREAKPOINT,
    CACHE_CONTROL,
    COUNT,
    LOGIT_BIAS,
    PROMPT_CACHE_OPTIONS,
    PROMPT_CACHE_RETENTION,
    REASONING_EFFORT,
    SEED,
    SERVICE_TIER,
    STOP,
    TEMPERATURE,
    TOP_P,
    VERBOSITY,
    choice,
    text_or_parts,
)


def _part(kind: str, **content: Field) -> Record:
    fields = {"type": choice(kind), **content, "cache_control": CACHE_CONTROL}
    return Record({**fields, "prompt_cache_breakpoint": CACHE_BREAKPOINT}, frozenset(content))


_TEXT_PART = _part("text", text=Text())
_IMAGE = Record({"url": Opaque("image"), "detail": choice("auto", "low", "high")}, frozenset({"url"}))
_AUDIO = Record({"data": Opaque("audio"), "format": choice("wav", "mp3")}, frozenset({"data"}))
_FILE = Record({"file_data": Opaque("file"), "filename": Text(), "file_id": Refused()})

_USER_PARTS = Variants(
    "type",
    {
        "text": _TEXT_PART,
        "image_url": _part("image_url", image_url=_IMAGE),
        "input_audio": _part("input_audio", input_audio=_AUDIO),
        "file": _part("file", file=_FILE),
    },
)
_REFUSAL_PART = _part("refusal", refusal=Text())
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
                "type": choice("function"),
                "function": _FUNCTION_CALL,
                "index": Number(0, 128),
            }
        ),
        "custom": Record({"id": Identifier(name=True), "type": choice("custom"), "custom": _CUSTOM_CALL}),
    },
)


def _message(role: str, source: Source, content: Field, **more: Field) -> Record:
    fields = {"role": choice(role), "content": content, "name": Text(name=True), **more}
    return Record(fields, frozenset({"role"}), source)


_MESSAGE = Variants(
    "role",
    {
        "system": _message("system", Source.SYSTEM, text_or_parts(_TEXT_PARTS)),
        "developer": _message("developer", Source.SYSTEM, text_or_parts(_TEXT_PARTS)),
        "user": _message("user", Source.USER, text_or_parts(_USER_PARTS)),
        "assistant": _message(
            "assistant",
            Source.ASSISTANT,
            text_or_parts(_ASSISTANT_PARTS),
            refusal=Text(),
            reasoning_content=Text(),
            reasoning=Text(),
            annotations=AnyJson(),
            audio=Refused(),
            function_call=_FUNCTION_CALL,
            tool_calls=Each(_TOOL_CALL),
        ),
        "tool": _message("tool", Source.TOOL_RESULT, text_or_parts(_TEXT_PARTS), tool_call_id=Identifier(name=True)),
        "function": _message("function", Source.TOOL_RESULT, Text()),
    },
)

_FUNCTION = Record(
    {"name": Text(name=True), "description": Text(), "parameters": JsonSchema(), "strict": Flag()},
    frozenset({"name"}),
    Source.TOOL_DEFINITION,
)
_GRAMMAR = Record({"definition": Text(), "syntax": choice("lark", "regex")})
_CUSTOM = Record(
    {
        "name": Text(name=True),
        "description": Text(),
        "format": Record({"type": choice("text", "grammar"), "grammar": _GRAMMAR}),
    },
    frozenset({"name"}),
    Source.TOOL_DEFINITION,
)
_TOOL = Variants(
    "type",
    {
        "function": Record({"type": choice("function"), "function": _FUNCTION}, frozenset({"function"})),
        "custom": Record({"type": choice("custom"), "custom": _CUSTOM}, frozenset({"custom"})),
    },
)
_NAMED = Record({"name": Text(name=True)}, frozenset({"name"}), Source.TOOL_DEFINITION)
_NAMED_TOOL = {
    "function": Record({"type": choice("function"), "function": _NAMED}),
    "custom": Record({"type": choice("custom"), "custom": _NAMED}),
}
_TOOL_CHOICE = ByType(
    string=choice("none", "auto", "required"),
    object=Variants(
        "type",
        {
            **_NAMED_TOOL,
            "allowed_tools": Record(
                {
                    "type": choice("allowed_tools"),
                    "allowed_tools": Record(
                        {"mode": choice("auto", "required"), "tools": Each(Variants("type", _NAMED_TOOL))}
                    ),
                }
            ),
        },
    ),
)
_JSON_SCHEMA = Record(
    {"name": Text(name=True), "description": Text(), "schema": JsonSchema(), "strict": Flag()},
    frozenset({"name"}),
    Source.TOOL_DEFINITION,
)
_RESPONSE_FORMAT = Variants(
    "type",
    {
        "text": Record({"type": choice("text")}),
        "json_object": Record({"type": choice("json_object")}),
        "json_schema": Record({"type": choice("json_schema"), "json_schema": _JSON_SCHEMA}, frozenset({"json_schema"})),
    },
)
_PREDICTION = Record({"type": choice("content"), "content": text_or_parts(_TEXT_PARTS)})
_STREAM_OPTIONS = Record({"include_usage": Flag(), "include_obfuscation": Flag()})

CHAT: Field = Record(
    {
        "model": Identifier(),
        "messages": Each(_MESSAGE, least=1),
        "stream": Flag(),
        "stream_options": _STREAM_OPTIONS,
        # control
        "temperature": TEMPERATURE,
        "top_p": TOP_P,
        "frequency_penalty": Number(-2, 2),
        "presence_penalty": Number(-2, 2),
        "n": Number(1, 128, integer=True),
        "max_tokens": Number(1, COUNT, integer=True),
        "max_completion_tokens": Number(1, COUNT, integer=True),
        "seed": SEED,
        "logprobs": Flag(),
        "top_logprobs": Number(0, 20, integer=True),
        "logit_bias": LOGIT_BIAS,
        "parallel_tool_calls": Flag(),
        "reasoning_effort": REASONING_EFFORT,
        "verbosity": VERBOSITY,
        "service_tier": SERVICE_TIER,
        "modalities": Each(choice("text", refused=frozenset({"audio"}))),
        "prompt_cache_retention": PROMPT_CACHE_RETENTION,
        "prompt_cache_options": PROMPT_CACHE_OPTIONS,
        "store": Flag(),
        # text
        "stop": STOP,
        "user": Text(),
        "safety_identifier": Text(),
        "prompt_cache_key": Text(),
        "metadata": MapOf(Text()),
        "prediction": _PREDICTION,
        "response_format": _RESPONSE_FORMAT,
        "tools": Each(_TOOL),
        "tool_choice": _TOOL_CHOICE,
        "functions": Each(_FUNCTION),
        "function_call": ByType(string=choice("none", "auto"), object=_NAMED),
        # refused: these make the provider fetch, remember or send something of its own
        "audio": Refused(),
        "moderation": Refused(),
        "web_search_options": Refused(),
    },
    frozenset({"model", "messages"}),
)
"""POST /v1/chat/completions."""
