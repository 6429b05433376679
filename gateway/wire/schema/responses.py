"""`POST /v1/responses`, and `POST /v1/responses/input_tokens`, which counts what the same conversation would cost."""

from __future__ import annotations

from gateway.domain.declaration import (
    ByType,
    Each,
    Field,
    Flag,
    Identifier,
    JsonSchema,
    MapOf,
    Number,
    Record,
    Refused,
    Source,
    Text,
    Variants,
)
from gateway.wire.schema.responses_items import ITEM
from gateway.wire.schema.shared import (
    COUNT,
    PROMPT_CACHE_OPTIONS,
    PROMPT_CACHE_RETENTION,
    REASONING_EFFORT,
    SERVICE_TIER,
    TEMPERATURE,
    TOP_P,
    VERBOSITY,
    choice,
)

PROVIDER_TOOLS = frozenset(
    {
        "apply_patch",
        "code_interpreter",
        "computer",
        "computer_use",
        "computer_use_preview",
        "file_search",
        "image_generation",
        "local_shell",
        "mcp",
        "namespace",
        "programmatic_tool_calling",
        "shell",
        "tool_search",
        "web_search",
        "web_search_2025_08_26",
        "web_search_preview",
        "web_search_preview_2025_03_11",
    }
)
"""Tools that the provider defines: they fetch, remember, run or send something of its own."""

_NAME = Text(name=True)
_CALLERS = Each(choice("direct", refused=frozenset({"programmatic"})))
_FORMAT = Variants(
    "type",
    {
        "text": Record({"type": choice("text")}),
        "grammar": Record({"type": choice("grammar"), "definition": Text(), "syntax": choice("lark", "regex")}),
    },
)


def _tool(kind: str, **fields: Field) -> Record:
    shared: dict[str, Field] = {"name": _NAME, "description": Text(), "defer_loading": Flag()}
    fields = {"type": choice(kind), **shared, "allowed_callers": _CALLERS, **fields}
    return Record(fields, frozenset({"name"}), Source.TOOL_DEFINITION)


_TOOL = Variants(
    "type",
    {
        "function": _tool("function", parameters=JsonSchema(), output_schema=JsonSchema(), strict=Flag()),
        "custom": _tool("custom", format=_FORMAT),
    },
    refused=PROVIDER_TOOLS,
)


def _named(kind: str) -> Record:
    return Record({"type": choice(kind), "name": _NAME}, frozenset({"name"}), Source.TOOL_DEFINITION)


_NAMED_TOOL: dict[str, Record | Variants] = {"function": _named("function"), "custom": _named("custom")}
_ALLOWED_TOOLS = Record(
    {
        "type": choice("allowed_tools"),
        "mode": choice("auto", "required"),
        "tools": Each(Variants("type", _NAMED_TOOL, refused=PROVIDER_TOOLS)),
    }
)
_TOOL_CHOICE = ByType(
    string=choice("none", "auto", "required"),
    object=Variants("type", {**_NAMED_TOOL, "allowed_tools": _ALLOWED_TOOLS}, refused=PROVIDER_TOOLS),
)

_JSON_SCHEMA = Record(
    {"type": choice("json_schema"), "name": _NAME, "description": Text(), "schema": JsonSchema(), "strict": Flag()},
    frozenset({"name", "schema"}),
    Source.TOOL_DEFINITION,
)
_TEXT = Record(
    {
        "format": Variants(
            "type",
            {
                "text": Record({"type": choice("text")}),
                "json_object": Record({"type": choice("json_object")}),
                "json_schema": _JSON_SCHEMA,
            },
        ),
        "verbosity": VERBOSITY,
    }
)
_SUMMARY = choice("auto", "concise", "detailed")
_REASONING = Record(
    {
        "effort": REASONING_EFFORT,
        "summary": _SUMMARY,
        "generate_summary": _SUMMARY,
        "context": choice("auto", "current_turn", "all_turns"),
        "mode": choice("standard", "pro"),
    }
)
_INCLUDE = choice(
    "reasoning.encrypted_content",
    "message.output_text.logprobs",
    "message.input_image.image_url",
    refused=frozenset(
        {
            "code_interpreter_call.outputs",
            "computer_call_output.output.image_url",
            "file_search_call.results",
            "web_search_call.action.sources",
            "web_search_call.results",
        }
    ),
)

_CONVERSATION: dict[str, Field] = {
    "model": Identifier(),
    "input": ByType(string=Text(source=Source.USER), array=Each(ITEM)),
    "instructions": Text(source=Source.SYSTEM),
    "tools": Each(_TOOL),
    "tool_choice": _TOOL_CHOICE,
    "parallel_tool_calls": Flag(),
    "text": _TEXT,
    "reasoning": _REASONING,
    "truncation": choice("auto", "disabled"),
    # refused: text that the provider remembers, which would be answered from without having been inspected
    "conversation": Refused(),
    "previous_response_id": Refused(),
}

RESPONSES: Field = Record(
    {
        **_CONVERSATION,
        "stream": Flag(),
        "stream_options": Record({"include_obfuscation": Flag()}),
        "include": Each(_INCLUDE),
        # control
        "temperature": TEMPERATURE,
        "top_p": TOP_P,
        "top_logprobs": Number(0, 20, integer=True),
        "max_output_tokens": Number(1, COUNT, integer=True),
        "max_tool_calls": Number(1, COUNT, integer=True),
        "service_tier": SERVICE_TIER,
        "prompt_cache_retention": PROMPT_CACHE_RETENTION,
        "prompt_cache_options": PROMPT_CACHE_OPTIONS,
        "store": Flag(),
        # text
        "user": Text(),
        "safety_identifier": Text(),
        "prompt_cache_key": Text(),
        "metadata": MapOf(Text()),
        # refused: these make the provider fetch, remember or send something of its own
        "background": Refused(),
        "background_options": Refused(),
        "context_management": Refused(),
        "moderation": Refused(),
        "prompt": Refused(),
    },
    frozenset({"model", "input"}),
)
"""POST /v1/responses."""

INPUT_TOKENS: Field = Record(
    {**_CONVERSATION, "personality": choice("friendly", "pragmatic")}, frozenset({"model", "input"})
)
"""POST /v1/responses/input_tokens."""
