"""The items of a Responses conversation.

Served are messages, reasoning, and the calls and results of functions and custom tools: whatever an application's own
code runs. What a tool of the provider did, and what only the provider remembers, is refused by name.
"""

from __future__ import annotations

from gateway.domain.declaration import (
    AnyJson,
    ByType,
    Each,
    Field,
    Identifier,
    JsonText,
    Opaque,
    Record,
    Refused,
    Sealed,
    Source,
    Text,
    Variants,
)
from gateway.wire.schema.shared import CACHE_BREAKPOINT, choice, text_or_parts

PROVIDER_ITEMS = frozenset(
    {
        # the provider's own tools: refused as tools, so nothing honest can have called them
        "apply_patch_call",
        "apply_patch_call_output",
        "code_interpreter_call",
        "computer_call",
        "computer_call_output",
        "file_search_call",
        "image_generation_call",
        "local_shell_call",
        "local_shell_call_output",
        "mcp_approval_request",
        "mcp_approval_response",
        "mcp_call",
        "mcp_list_tools",
        "program",
        "program_output",
        "shell_call",
        "shell_call_output",
        "tool_search_call",
        "tool_search_output",
        "web_search_call",
        # what stands for text that the provider remembers
        "compaction",
        "compaction_trigger",
        "item_reference",
        # tools that arrive in the middle of a conversation
        "additional_tools",
    }
)
"""Item types of the dialect that are not served."""

_STATUS = choice("in_progress", "completed", "incomplete")
_PHASE = choice("commentary", "final_answer")
_ID = Identifier(name=True)
_NAME = Text(name=True)
_CALLER = Variants("type", {"direct": Record({"type": choice("direct")})}, refused=frozenset({"program"}))


_CONTENT = frozenset({"text", "refusal", "input_audio"})


def _part(kind: str, **content: Field) -> Record:
    fields = {"type": choice(kind), **content, "prompt_cache_breakpoint": CACHE_BREAKPOINT}
    return Record(fields, _CONTENT & content.keys())


_AUDIO = Record({"data": Opaque("audio"), "format": choice("mp3", "wav")}, frozenset({"data"}))
_INPUT_PARTS = {
    "input_text": _part("input_text", text=Text()),
    "input_image": _part(
        "input_image",
        image_url=Opaque("image"),
        detail=choice("low", "high", "auto", "original"),
        file_id=Refused(),
    ),
    "input_file": _part(
        "input_file",
        file_data=Opaque("file"),
        filename=Text(),
        detail=choice("auto", "low", "high"),
        file_url=Refused(),
        file_id=Refused(),
    ),
    "input_audio": _part("input_audio", input_audio=_AUDIO),
}
_OUTPUT_PARTS = {
    # Probabilities spell an answer token by token, which no detector reads: an empty list of them passes.
    "output_text": _part("output_text", text=Text(), annotations=Each(AnyJson()), logprobs=Each(Refused())),
    "refusal": _part("refusal", refusal=Text()),
}


def _message(role: str, source: Source, parts: dict[str, Record], **more: Field) -> Record:
    content = text_or_parts(Variants("type", dict(parts)))
    fields = {"type": choice("message"), "role": choice(role), "content": content, "status": _STATUS, "id": _ID, **more}
    return Record({**fields, "phase": _PHASE}, frozenset({"role", "content"}), source)


_MESSAGE = Variants(
    "role",
    {
        "user": _message("user", Source.USER, _INPUT_PARTS),
        "system": _message("system", Source.SYSTEM, _INPUT_PARTS),
        "developer": _message("developer", Source.SYSTEM, _INPUT_PARTS),
        "assistant": _message("assistant", Source.ASSISTANT, {**_INPUT_PARTS, **_OUTPUT_PARTS}),
    },
    # An item with neither a type nor a role is a reference to one that the provider keeps.
    refused=frozenset({""}),
)


def _item(kind: str, source: Source, required: frozenset[str], **fields: Field) -> Record:
    return Record({"type": choice(kind), "id": _ID, "status": _STATUS, **fields}, required, source)


_OUTPUT = ByType(string=Text(), array=Each(Variants("type", dict(_INPUT_PARTS))))
_CALLED = frozenset({"call_id", "name"})
_ANSWERED = frozenset({"call_id", "output"})

_ITEMS: dict[str, Record | Variants] = {
    "message": _MESSAGE,
    "function_call": _item(
        "function_call",
        Source.ASSISTANT,
        _CALLED | {"arguments"},
        call_id=_ID,
        name=_NAME,
        namespace=_NAME,
        arguments=JsonText(Source.TOOL_ARGUMENTS),
        caller=_CALLER,
    ),
    "function_call_output": _item(
        "function_call_output",
        Source.TOOL_RESULT,
        _ANSWERED,
        call_id=_ID,
        name=_NAME,
        namespace=_NAME,
        output=_OUTPUT,
        caller=_CALLER,
    ),
    "custom_tool_call": _item(
        "custom_tool_call",
        Source.ASSISTANT,
        _CALLED | {"input"},
        call_id=_ID,
        name=_NAME,
        namespace=_NAME,
        input=Text(source=Source.TOOL_ARGUMENTS),
        caller=_CALLER,
    ),
    "custom_tool_call_output": _item(
        "custom_tool_call_output", Source.TOOL_RESULT, _ANSWERED, call_id=_ID, output=_OUTPUT, caller=_CALLER
    ),
    "reasoning": _item(
        "reasoning",
        Source.ASSISTANT,
        frozenset(),
        summary=Each(Record({"type": choice("summary_text"), "text": Text()}, frozenset({"text"}))),
        content=Each(Record({"type": choice("reasoning_text"), "text": Text()}, frozenset({"text"}))),
        encrypted_content=Sealed(),
    ),
}

ITEM: Field = Variants("type", _ITEMS, refused=PROVIDER_ITEMS, untagged="message")
"""One item of `input`. An item without a type is a message."""
