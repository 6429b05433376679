"""`POST /v1/messages`, in Anthropic's dialect.

Tools of the application are served; tools that the provider defines, and the blocks in which their results come, are
refused by name, as is everything that stands for content that the provider keeps.
"""

from __future__ import annotations

from dataclasses import replace

from gateway.domain.declaration import (
    AnyJson,
    ByType,
    Each,
    Field,
    Flag,
    Identifier,
    JsonSchema,
    Number,
    Opaque,
    Record,
    Refused,
    Sealed,
    Source,
    Text,
    Variants,
)
from gateway.wire.schema.shared import CACHE_CONTROL, COUNT, TOP_P, choice, text_or_parts

PROVIDER_BLOCKS = frozenset(
    {
        "bash_code_execution_tool_result",
        "code_execution_tool_result",
        "container_upload",
        "mcp_tool_result",
        "mcp_tool_use",
        "server_tool_use",
        "text_editor_code_execution_tool_result",
        "tool_search_tool_result",
        "web_fetch_tool_result",
        "web_search_tool_result",
    }
)
"""Blocks in which tools of the provider are used and answer."""

PROVIDER_TOOLS = frozenset(
    {
        "bash_20250124",
        "browser_toolset_20260801",
        "code_execution_20250522",
        "code_execution_20250825",
        "code_execution_20260120",
        "code_execution_20260521",
        "computer_20241022",
        "computer_20250124",
        "computer_20251124",
        "computer_toolset_20260801",
        "mcp_toolset",
        "memory_20250818",
        "text_editor_20241022",
        "text_editor_20250124",
        "text_editor_20250429",
        "text_editor_20250728",
        "tool_search_tool_bm25",
        "tool_search_tool_bm25_20251119",
        "tool_search_tool_regex",
        "tool_search_tool_regex_20251119",
        "web_fetch_20250910",
        "web_fetch_20260209",
        "web_fetch_20260309",
        "web_fetch_20260318",
        "web_search_20250305",
        "web_search_20260209",
        "web_search_20260318",
    }
)
"""Tools that the provider defines."""

_CODE_EXECUTION = frozenset({"code_execution_20250825", "code_execution_20260120", "code_execution_20260521"})
_NAME = Text(name=True)
_ID = Identifier(name=True)


def _block(kind: str, **content: Field) -> Record:
    return Record({"type": choice(kind), **content, "cache_control": CACHE_CONTROL}, frozenset(content))


def _optional(block: Record, **fields: Field) -> Record:
    return replace(block, fields={**block.fields, **fields})


def _from(kind: str, **content: Field) -> Record:
    return Record({"type": choice(kind), **content}, frozenset(content) - {"media_type"})


_TEXT = _optional(_block("text", text=Text()), citations=Each(AnyJson()))
_TEXTS = Variants("type", {"text": _TEXT})
_SYSTEM = Variants("type", {"text": replace(_TEXT, source=Source.SYSTEM)})
_CITATIONS = Record({"enabled": Flag()})
_IMAGE_TYPE = choice("image/jpeg", "image/png", "image/gif", "image/webp")
_IMAGE = _optional(
    _block(
        "image",
        source=Variants(
            "type",
            {
                "base64": _from("base64", data=Opaque("image"), media_type=_IMAGE_TYPE),
                "url": _from("url", url=Opaque("image")),
            },
            refused=frozenset({"file"}),
        ),
    ),
    transformations=Record({"oversized_image": choice("downsize", "error")}),
)
_DOCUMENT = _optional(
    _block(
        "document",
        source=Variants(
            "type",
            {
                "base64": _from("base64", data=Opaque("file"), media_type=choice("application/pdf")),
                "text": _from("text", data=Text(), media_type=choice("text/plain")),
                "content": _from("content", content=text_or_parts(Variants("type", {"text": _TEXT, "image": _IMAGE}))),
            },
            # a URL is fetched by the provider; a file is one that it keeps
            refused=frozenset({"file", "url"}),
        ),
    ),
    title=Text(),
    context=Text(),
    citations=_CITATIONS,
)
_SEARCH_RESULT = _optional(
    _block("search_result", content=Each(_TEXTS), source=Text(), title=Text()), citations=_CITATIONS
)
_TOOL_USE = _optional(
    _block("tool_use", id=_ID, name=_NAME, input=AnyJson(Source.TOOL_ARGUMENTS)),
    caller=Variants("type", {"direct": Record({"type": choice("direct")})}, refused=_CODE_EXECUTION),
    toolset_name=Refused(),
)
_RESULT_PARTS = Variants(
    "type",
    {"text": _TEXT, "image": _IMAGE, "document": _DOCUMENT, "search_result": _SEARCH_RESULT},
    refused=frozenset({"browser_state", "tool_reference"}),
)
_TOOL_RESULT = Record(
    {
        "type": choice("tool_result"),
        "tool_use_id": _ID,
        "content": text_or_parts(_RESULT_PARTS),
        "is_error": Flag(),
        "toolset_name": Refused(),
        "cache_control": CACHE_CONTROL,
    },
    frozenset({"tool_use_id"}),
    Source.TOOL_RESULT,
)
_THINKING = Record(
    {"type": choice("thinking"), "thinking": Text(), "signature": Sealed()}, frozenset({"thinking", "signature"})
)
_REDACTED = Record({"type": choice("redacted_thinking"), "data": Sealed()}, frozenset({"data"}))
_BLOCKS = Variants(
    "type",
    {
        "text": _TEXT,
        "image": _IMAGE,
        "document": _DOCUMENT,
        "search_result": _SEARCH_RESULT,
        "tool_use": _TOOL_USE,
        "tool_result": _TOOL_RESULT,
        "thinking": _THINKING,
        "redacted_thinking": _REDACTED,
    },
    refused=PROVIDER_BLOCKS,
)


def _message(role: str, source: Source, block: Field) -> Record:
    return Record({"role": choice(role), "content": text_or_parts(block)}, frozenset({"role", "content"}), source)


_MESSAGE = Variants(
    "role",
    {
        "user": _message("user", Source.USER, _BLOCKS),
        "assistant": _message("assistant", Source.ASSISTANT, _BLOCKS),
        "system": _message("system", Source.SYSTEM, _TEXTS),
    },
)

_TOOL = Variants(
    "type",
    {
        "custom": Record(
            {
                "type": choice("custom"),
                "name": _NAME,
                "description": Text(),
                "input_schema": JsonSchema(),
                "input_examples": Each(AnyJson()),
                "strict": Flag(),
                "defer_loading": Flag(),
                "eager_input_streaming": Flag(),
                "allowed_callers": Each(choice("direct", refused=_CODE_EXECUTION)),
                "cache_control": CACHE_CONTROL,
            },
            frozenset({"name", "input_schema"}),
            Source.TOOL_DEFINITION,
        )
    },
    refused=PROVIDER_TOOLS,
    untagged="custom",
)


def _chosen(kind: str, **fields: Field) -> Record:
    return Record(
        {"type": choice(kind), **fields, "disable_parallel_tool_use": Flag()}, frozenset(fields), Source.TOOL_DEFINITION
    )


_TOOL_CHOICE = Variants(
    "type",
    {
        "auto": _chosen("auto"),
        "any": _chosen("any"),
        "tool": _chosen("tool", name=_NAME),
        "none": Record({"type": choice("none")}),
    },
)
_SHOWN = choice("summarized", "omitted")
_THINKING_CONFIG = Variants(
    "type",
    {
        "enabled": Record(
            {"type": choice("enabled"), "budget_tokens": Number(0, COUNT, integer=True), "display": _SHOWN}
        ),
        "adaptive": Record({"type": choice("adaptive"), "display": _SHOWN}),
        "between_tools": Record({"type": choice("between_tools")}),
        "disabled": Record({"type": choice("disabled")}),
    },
)
_FORMAT = Record({"type": choice("json_schema"), "schema": JsonSchema(Source.TOOL_DEFINITION)}, frozenset({"schema"}))

MESSAGES: Field = Record(
    {
        "model": Identifier(),
        "messages": Each(_MESSAGE, least=1),
        "system": ByType(string=Text(source=Source.SYSTEM), array=Each(_SYSTEM)),
        "max_tokens": Number(0, COUNT, integer=True),
        "stream": Flag(),
        # control
        "temperature": Number(0, 2),
        "top_p": TOP_P,
        "top_k": Number(0, COUNT, integer=True),
        "thinking": _THINKING_CONFIG,
        "service_tier": choice("auto", "standard_only"),
        "speed": choice("fast", "standard"),
        "cache_control": CACHE_CONTROL,
        # text
        "stop_sequences": Each(Text()),
        "metadata": Record({"user_id": Text()}),
        "output_config": Record({"effort": choice("low", "medium", "high", "xhigh", "max"), "format": _FORMAT}),
        "tools": Each(_TOOL),
        "tool_choice": _TOOL_CHOICE,
        "inference_geo": Identifier(),
        # refused: these make the provider fetch, remember or send something of its own, or speak of another account
        "betas": Refused(),
        "compaction": Refused(),
        "container": Refused(),
        "context_management": Refused(),
        "diagnostics": Refused(),
        "fallback_credit_token": Refused(),
        "fallbacks": Refused(),
        "mcp_servers": Refused(),
        "thread": Refused(),
        "user_profile_id": Refused(),
        "workspace_id": Refused(),
    },
    frozenset({"model", "messages", "max_tokens"}),
)
"""POST /v1/messages."""
