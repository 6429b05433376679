"""A chat request without what a model cannot do: no tools, no parts but text, no schema for the answer.

What was said with the help of tools stays readable: a call and its result become lines of text.
"""

from __future__ import annotations

from gateway.domain.capability import Capability
from gateway.domain.errors import ErrorCode, refuse
from gateway.domain.strict_json import Json, dump_json

_OF_TOOLS = ("tools", "tool_choice", "parallel_tool_calls", "functions", "function_call")
_CALLS = ("tool_calls", "function_call", "tool_call_id")
_NOTE: Json = {"type": "text", "text": "[A part that is not text was left out here.]"}


def without(body: Json, degraded: frozenset[Capability]) -> dict[str, Json]:
    """The body of a chat request without what it asks of these capabilities. A request cannot be made shorter: raises
    `CallerError(UNSUPPORTED_BY_LOCAL_MODEL)` for `CONTEXT`."""
    if not isinstance(body, dict) or Capability.CONTEXT in degraded:
        refuse(ErrorCode.UNSUPPORTED_BY_LOCAL_MODEL)
    left = dict(body)
    if Capability.JSON_SCHEMA in degraded:
        left.pop("response_format", None)
    if Capability.TOOLS in degraded:
        left = {key: value for key, value in left.items() if key not in _OF_TOOLS}
    messages = left.get("messages")
    if isinstance(messages, list):
        left["messages"] = [_message(each, degraded) for each in messages]
    return left


def _message(message: Json, degraded: frozenset[Capability]) -> Json:
    if not isinstance(message, dict):
        return message
    if Capability.VISION in degraded:
        message = {**message, "content": _texts(message.get("content"))}
    return _in_words(message) if Capability.TOOLS in degraded else message


def _texts(content: Json) -> Json:
    """A message's content with a note in the place of each part that is not text."""
    if not isinstance(content, list):
        return content
    return [each if isinstance(each, dict) and each.get("type") == "text" else _NOTE for each in content]


def _in_words(message: dict[str, Json]) -> dict[str, Json]:
    """A message in which a tool is called, or answers, as text."""
    calls = message.get("tool_calls") or message.get("function_call")
    left = {key: value for key, value in message.items() if key not in _CALLS}
    if message.get("role") in ("tool", "function"):
        return {"role": "user", "content": _joined("Result of a tool:", left.get("content"))}
    if calls:
        left["content"] = _joined(f"Calls of tools: {dump_json(calls).decode()}", left.get("content"))
    return left


def _joined(line: str, content: Json) -> Json:
    if isinstance(content, list):
        first: Json = {"type": "text", "text": line}
        return [first, *content]
    return f"{line}\n{content}" if isinstance(content, str) and content else line
