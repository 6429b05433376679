"""OpenAI's chat dialect for a model that llama.cpp runs: a request becomes a job, generated text becomes an answer.

What the model cannot do is refused by its address; what changes nothing in the answer (`user`, `store`, `metadata`,
hints on price and speed) is left aside.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from gateway.domain.conversation import Conversation
from gateway.domain.errors import ErrorCode, refuse
from gateway.domain.strict_json import Json, dump_json, parse_json

_UNSUPPORTED = ErrorCode.UNSUPPORTED_BY_LOCAL_MODEL
_ROLES = {"system": "system", "developer": "system", "user": "user", "assistant": "assistant"}
_NEEDS_TOOLS = ("tools", "functions")
_MAX_STOPS = 16
_MAX_CHOICES = 8
_MAX_TOP = 20
_MAX_SCHEMA = 16 * 1024
_SCHEMA_PATH = "/response_format/json_schema/schema"


class Failure(StrEnum):
    """Why the child did not answer a job."""

    TOO_LONG = "too_long"
    TEMPLATE = "template"
    GRAMMAR = "grammar"
    LOGPROBS = "logprobs"
    CANCELLED = "cancelled"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Job:
    """What the child is asked to do. `limit` is the most tokens to answer with, 0 for as many as the model may;
    `logprobs` how many likeliest tokens are told beside each, -1 where no probabilities are asked for."""

    messages: tuple[tuple[str, str], ...] = field(repr=False)
    limit: int
    temperature: float
    top_p: float
    frequency_penalty: float
    presence_penalty: float
    seed: int
    choices: int
    logprobs: int
    stops: tuple[str, ...] = field(repr=False)
    grammar: Grammar = field(repr=False)

    @property
    def characters(self) -> int:
        """The length of all texts together."""
        return sum(len(text) for _, text in self.messages)

    def frame(self) -> Json:
        """The job as the child reads it."""
        return {
            "messages": [[role, text] for role, text in self.messages],
            "limit": self.limit,
            "temperature": self.temperature,
            "top_p": self.top_p,
            "frequency_penalty": self.frequency_penalty,
            "presence_penalty": self.presence_penalty,
            "seed": self.seed,
            "choices": self.choices,
            "logprobs": self.logprobs,
            "stops": list(self.stops),
            "grammar": {"kind": self.grammar.kind, "schema": self.grammar.schema},
        }


@dataclass(frozen=True, slots=True)
class Grammar:
    """What form the answer must have. `kind`: `free`, `json` (any object) or `schema`; `schema` is JSON text."""

    kind: str
    schema: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens read and written; of those read, how many had been read before."""

    prompt: int
    completion: int
    cached: int = 0

    def json(self) -> Json:
        """OpenAI's `usage` object."""
        total = self.prompt + self.completion
        return {
            "prompt_tokens": self.prompt,
            "completion_tokens": self.completion,
            "total_tokens": total,
            "prompt_tokens_details": {"cached_tokens": self.cached},
        }


def read_job(conversation: Conversation) -> Job:
    """The job in a chat request. Raises `CallerError(UNSUPPORTED_BY_LOCAL_MODEL)` for what the model cannot do."""
    body = _object(parse_json(conversation.body))
    if conversation.opaque:
        refuse(_UNSUPPORTED, conversation.opaque[0].schema)
    _refuse_what_it_cannot(body)
    seed = body.get("seed")
    return Job(
        messages=_messages(body.get("messages")),
        limit=int(_number(body, "max_completion_tokens", _number(body, "max_tokens", 0))),
        temperature=_number(body, "temperature", 0.0),
        top_p=_number(body, "top_p", 1.0),
        frequency_penalty=_number(body, "frequency_penalty", 0.0),
        presence_penalty=_number(body, "presence_penalty", 0.0),
        seed=(int(seed) if isinstance(seed, int | float) else secrets.randbits(32)) & 0xFFFFFFFF,
        choices=_choices(body),
        logprobs=_logprobs(body),
        stops=_stops(body.get("stop")),
        grammar=_grammar(_object(body.get("response_format"))),
    )


def _refuse_what_it_cannot(body: dict[str, Json]) -> None:
    for name in (*_NEEDS_TOOLS, "logit_bias"):
        if body.get(name):
            refuse(_UNSUPPORTED, f"/{name}")
    for name in ("tool_choice", "function_call"):
        if body.get(name) not in (None, "none", "auto"):
            refuse(_UNSUPPORTED, f"/{name}")


def _choices(body: dict[str, Json]) -> int:
    choices = int(_number(body, "n", 1))
    return choices if 1 <= choices <= _MAX_CHOICES else refuse(_UNSUPPORTED, "/n")


def _logprobs(body: dict[str, Json]) -> int:
    most = int(_number(body, "top_logprobs", 0))
    if not 0 <= most <= _MAX_TOP or (most and body.get("logprobs") is not True):
        refuse(_UNSUPPORTED, "/top_logprobs")
    return most if body.get("logprobs") is True else -1


def _messages(value: Json) -> tuple[tuple[str, str], ...]:
    return tuple(
        _message(_object(item), f"/messages/{index}")
        for index, item in enumerate(value if isinstance(value, list) else [])
    )


def _message(message: dict[str, Json], place: str) -> tuple[str, str]:
    role = _ROLES.get(str(message.get("role")))
    if role is None:
        refuse(_UNSUPPORTED, f"{place}/role")
    for name in ("tool_calls", "function_call"):
        if message.get(name):
            refuse(_UNSUPPORTED, f"{place}/{name}")
    return role, _content(message.get("content"), place)


def _content(content: Json, place: str) -> str:
    """A message's text; the parts of a list are lines."""
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else [content]
    return "\n".join(_part(_object(part), f"{place}/content/{index}") for index, part in enumerate(parts))


def _part(part: dict[str, Json], place: str) -> str:
    text = part.get("text", part.get("refusal"))
    return text if isinstance(text, str) else refuse(_UNSUPPORTED, place)


def _stops(value: Json) -> tuple[str, ...]:
    stops = tuple(str(stop) for stop in (value if isinstance(value, list) else [value]) if stop)
    return stops if len(stops) <= _MAX_STOPS else refuse(_UNSUPPORTED, "/stop")


def _grammar(form: dict[str, Json]) -> Grammar:
    match form.get("type"):
        case None | "text":
            return Grammar("free")
        case "json_object":
            return Grammar("json")
        case _:
            schema = _object(form.get("json_schema")).get("schema")
            return Grammar("schema", _schema(schema)) if isinstance(schema, dict) and schema else Grammar("json")


def _schema(schema: dict[str, Json]) -> str:
    text = json.dumps(schema)
    if len(text) > _MAX_SCHEMA or not _expressible(schema):
        refuse(_UNSUPPORTED, _SCHEMA_PATH)
    return text


def _expressible(value: Json) -> bool:
    """Whether a grammar of bounded size can say it: no patterns, no references elsewhere, no huge repetitions."""
    if isinstance(value, list):
        return all(_expressible(item) for item in value)
    if not isinstance(value, dict):
        return True
    reference = value.get("$ref")
    if isinstance(value.get("pattern"), str) or (isinstance(reference, str) and not reference.startswith("#/")):
        return False
    bounds = [value.get(name) for name in ("minLength", "maxLength", "minItems", "maxItems")]
    if any(isinstance(bound, int | float) and not 0 <= bound <= 1000 for bound in bounds):
        return False
    return all(_expressible(item) for item in value.values())


def _object(value: Json) -> dict[str, Json]:
    return value if isinstance(value, dict) else {}


def _number(body: dict[str, Json], name: str, default: float) -> float:
    value = body.get(name)
    return default if value is None or isinstance(value, bool) or not isinstance(value, int | float) else value


@dataclass(frozen=True, slots=True)
class Choice:
    """One answer to a request: its text, how it ended, and the log probabilities of its tokens where asked for."""

    text: str = field(repr=False)
    finish: str
    logprobs: tuple[Json, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Dialect:
    """Writes the answer to one request. `model` is the name that the caller used, `created` in seconds."""

    model: str
    created: int
    with_usage: bool
    with_logprobs: bool
    answer_id: str

    @classmethod
    def of(cls, conversation: Conversation, created: int) -> Dialect:
        """The dialect of the answer to `conversation`."""
        body = _object(parse_json(conversation.body))
        options = _object(body.get("stream_options"))
        return cls(
            conversation.model,
            created,
            options.get("include_usage") is True,
            body.get("logprobs") is True,
            f"chatcmpl-{secrets.token_hex(12)}",
        )

    def whole(self, choices: Sequence[Choice], usage: Usage) -> bytes:
        """A `chat.completion`."""
        told: list[Json] = [self._whole(at, choice) for at, choice in enumerate(choices)]
        return dump_json({**self._head("chat.completion"), "choices": told, "usage": usage.json()})

    def opening(self, at: int) -> bytes:
        """The chunk that names the role of choice `at`."""
        return self._chunk(at, {"role": "assistant", "content": "", "refusal": None})

    def text(self, at: int, text: str, logprobs: Sequence[Json]) -> bytes:
        """A chunk of text of choice `at`."""
        return self._chunk(at, {"content": text}, logprobs=logprobs)

    def closing(self, at: int, finish: str) -> bytes:
        """The chunk with the finish reason of choice `at`."""
        return self._chunk(at, {}, finish=finish)

    def usage(self, usage: Usage) -> list[bytes]:
        """The last chunk, where usage was asked for."""
        last: dict[str, Json] = {**self._head("chat.completion.chunk"), "choices": [], "usage": usage.json()}
        return [dump_json(last)] if self.with_usage else []

    def _whole(self, at: int, choice: Choice) -> Json:
        message: Json = {"role": "assistant", "content": choice.text, "refusal": None}
        logprobs = self._logprobs(choice.logprobs)
        return {"index": at, "message": message, "logprobs": logprobs, "finish_reason": choice.finish}

    def _chunk(self, at: int, delta: Json, *, finish: str = "", logprobs: Sequence[Json] = ()) -> bytes:
        told = self._logprobs(logprobs) if logprobs else None
        choice: Json = {"index": at, "delta": delta, "logprobs": told, "finish_reason": finish or None}
        usage: dict[str, Json] = {"usage": None} if self.with_usage else {}
        return dump_json({**self._head("chat.completion.chunk"), "choices": [choice], **usage})

    def _logprobs(self, told: Sequence[Json]) -> Json:
        return {"content": list(told), "refusal": None} if self.with_logprobs else None

    def _head(self, kind: str) -> dict[str, Json]:
        return {"id": self.answer_id, "object": kind, "created": self.created, "model": self.model}
