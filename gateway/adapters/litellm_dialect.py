"""OpenAI's dialect on both sides of litellm: what of a cleared body may be asked, and what of an answer is given back.

Both are built field by field and never merged: litellm would take `api_base`, `mock_response` and forty other names
from a request that carried them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from gateway.domain.errors import ERRORS, ErrorCode
from gateway.domain.strict_json import Json, dump_json

PASSED_ON = frozenset(
    {
        "frequency_penalty",
        "function_call",
        "functions",
        "logit_bias",
        "logprobs",
        "max_completion_tokens",
        "max_tokens",
        "messages",
        "n",
        "parallel_tool_calls",
        "presence_penalty",
        "reasoning_effort",
        "response_format",
        "seed",
        "service_tier",
        "stop",
        "stream",
        "temperature",
        "tool_choice",
        "tools",
        "top_logprobs",
        "top_p",
        "user",
    }
)
"""The fields of a chat request that litellm is given."""

_OURS = frozenset({"model", "stream_options", "store"})
"""Handled here: the model gets its provider's name, usage is always asked for, and `store` is false anyway."""

OTHER_WAYS = ("replicate", "clarifai")
"""litellm sends a request to these providers when the model's name contains theirs, whatever stands in front of it."""

_WORDS = frozenset({"type", "text", "refusal", "thinking"})
"""Members of a part that are said to the model, and never fetched."""
_ADDRESS = re.compile(r"\s*(?:[a-z][a-z0-9+.-]*://|//)", re.IGNORECASE)
_PATH_TRICK = re.compile(r"\.\.|//")

_USAGE = ("prompt_tokens", "completion_tokens", "total_tokens")
_MESSAGE = ("role", "content", "refusal", "reasoning_content", "tool_calls", "function_call")


@dataclass(frozen=True, slots=True)
class Call:
    """What is asked. `include_usage` says whether the caller wants the usage of a streamed answer."""

    model: str
    fields: Mapping[str, Json] = field(repr=False)
    stream: bool
    include_usage: bool


@dataclass(frozen=True, slots=True)
class Unsupported:
    """The request has something that does not go through this adapter; `param` is the name of the field, empty when
    litellm found it."""

    param: str


def call_of(request: Mapping[str, Json]) -> Call | Unsupported:
    """The call that a cleared body asks for.

    An image, recording or file that is a link is unsupported: litellm would fetch it itself, from wherever the caller
    says. So is a model whose name makes litellm send the request to another provider than the one it was cleared for,
    or to another path: some providers have the model's name in it.
    """
    for name in request:
        if name not in PASSED_ON and name not in _OURS:
            return Unsupported(name)
    model = request.get("model")
    if not isinstance(model, str) or _PATH_TRICK.search(model) or any(name in model.lower() for name in OTHER_WAYS):
        return Unsupported("model")
    if request.get("store") is True:
        return Unsupported("store")
    if any(_links(request.get("messages"))):
        return Unsupported("messages")
    fields = {name: value for name, value in request.items() if name in PASSED_ON}
    stream = request.get("stream") is True
    options = request.get("stream_options")
    include_usage = isinstance(options, dict) and options.get("include_usage") is True
    return Call(
        model, {**fields, **({"stream_options": {"include_usage": True}} if stream else {})}, stream, include_usage
    )


def unsupported_body(unsupported: Unsupported) -> bytes:
    """OpenAI's error body, in constant words."""
    told = ERRORS[ErrorCode.UNSUPPORTED_BY_PROVIDER]
    return _error_body(told.message, told.type, unsupported.param or None, ErrorCode.UNSUPPORTED_BY_PROVIDER.value)


def error_body(answer: Mapping[str, Json]) -> bytes | None:
    """A provider's error in OpenAI's dialect; `None` where it has no error object with a message."""
    error = answer.get("error")
    message = error.get("message") if isinstance(error, dict) else None
    if not isinstance(error, dict) or not isinstance(message, str):
        return None
    kind = error.get("type", error.get("status"))
    return _error_body(message, "invalid_request_error", None, kind if isinstance(kind, str) else None)


def completion_of(answer: Mapping[str, Json], model: str) -> bytes:
    """A chat completion."""
    choices: list[Json] = [
        {
            "index": choice.get("index"),
            "message": {"role": "assistant", "content": None, **_spoken(choice.get("message"))},
            "logprobs": choice.get("logprobs"),
            "finish_reason": choice.get("finish_reason"),
        }
        for choice in _objects(answer.get("choices"))
    ]
    return dump_json({**_head(answer, model), "choices": choices, "usage": _usage(answer)})


def chunk_of(chunk: Mapping[str, Json], model: str, *, include_usage: bool) -> bytes | None:
    """A chunk of a streamed chat completion; `None` for one that has nothing to say in this dialect."""
    choices: list[Json] = [
        {
            "index": choice.get("index"),
            "delta": _spoken(choice.get("delta")),
            "logprobs": choice.get("logprobs"),
            "finish_reason": choice.get("finish_reason"),
        }
        for choice in _objects(chunk.get("choices"))
        if choice.get("finish_reason") is not None or _spoken(choice.get("delta"))
    ]
    usage = _usage(chunk) if include_usage and not choices else None
    if not choices and usage is None:
        return None
    more: dict[str, Json] = {"usage": usage} if include_usage else {}
    return dump_json({**_head(chunk, model), "choices": choices, **more})


def ends(chunk: Mapping[str, Json]) -> bool:
    """Whether a chunk ends a choice, or stands behind all of them."""
    choices = list(_objects(chunk.get("choices")))
    return chunk.get("usage") is not None or any(choice.get("finish_reason") for choice in choices) or not choices


def _spoken(message: Json) -> dict[str, Json]:
    """What a message or delta says, without what it leaves empty."""
    if not isinstance(message, dict):
        return {}
    said = {name: message[name] for name in _MESSAGE if message.get(name) is not None}
    if "tool_calls" in said:
        said["tool_calls"] = [_without_none(call) for call in _objects(said["tool_calls"])]
        if said.get("content") == "":
            del said["content"]
    return said


def _without_none(value: Json) -> Json:
    if isinstance(value, dict):
        return {name: _without_none(item) for name, item in value.items() if item is not None}
    return value


def _head(answer: Mapping[str, Json], model: str) -> dict[str, Json]:
    return {"id": answer.get("id"), "object": answer.get("object"), "created": answer.get("created"), "model": model}


def _usage(answer: Mapping[str, Json]) -> Json:
    usage = answer.get("usage")
    if not isinstance(usage, dict):
        return None
    return {**{name: usage.get(name) for name in _USAGE}, **_details(usage)}


def _details(usage: Mapping[str, Json]) -> dict[str, Json]:
    names = ("prompt_tokens_details", "completion_tokens_details")
    return {name: _without_none(usage[name]) for name in names if isinstance(usage.get(name), dict)}


def _error_body(message: str, kind: str, param: str | None, code: str | None) -> bytes:
    return dump_json({"error": {"message": message, "type": kind, "param": param, "code": code}})


def _links(messages: Json) -> Iterator[bool]:
    """For every part of a message: whether something in it is an address, where content itself could stand."""
    for message in _objects(messages):
        for part in _objects(message.get("content")):
            if "image_url" in part:
                image = part["image_url"]
                url = image.get("url") if isinstance(image, dict) else image
                yield not (isinstance(url, str) and url.startswith("data:"))
            yield _names_address({name: value for name, value in part.items() if name not in _WORDS})


def _names_address(value: Json) -> bool:
    """Whether some string is an address: litellm fetches those of files and recordings too."""
    match value:
        case str():
            return _ADDRESS.match(value) is not None
        case list():
            return any(_names_address(item) for item in value)
        case dict():
            return any(_names_address(item) for item in value.values())
        case _:
            return False


def _objects(value: Json) -> Iterator[dict[str, Json]]:
    for item in value if isinstance(value, list) else ():
        if isinstance(item, dict):
            yield item
