"""OpenAI's chat dialect for a model that llama.cpp runs: a request becomes a job, generated text becomes an answer.

What the model cannot do is refused by its address; what changes nothing in the answer (`user`, `store`, `metadata`,
hints on price and speed) is left aside.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from gateway.adapters.llamacpp_grammar import Grammar, grammar_of
from gateway.adapters.llamacpp_tools import NO_TOOLS, Call, CallReader, Offer, read_calls, read_offer
from gateway.domain.conversation import Conversation
from gateway.domain.errors import ErrorCode, refuse
from gateway.domain.strict_json import Json, dump_json, parse_json

_UNSUPPORTED = ErrorCode.UNSUPPORTED_BY_LOCAL_MODEL
_ROLES = {"system": "system", "developer": "system", "user": "user", "assistant": "assistant", "tool": "tool"}
_MAX_STOPS = 16
_MAX_CHOICES = 8
_MAX_TOP = 20


class Failure(StrEnum):
    """Why the child did not answer a job."""

    TOO_LONG = "too_long"
    TEMPLATE = "template"
    GRAMMAR = "grammar"
    TOOLS = "tools"
    LOGPROBS = "logprobs"
    CANCELLED = "cancelled"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Job:
    """What the child is asked to do. `limit` is the most tokens to answer with, 0 for as many as the model may;
    `logprobs` how many likeliest tokens are told beside each, -1 where no probabilities are asked for; `calls` are the
    calls that messages made, each with its message's place."""

    messages: tuple[tuple[str, str], ...] = field(repr=False)
    calls: tuple[tuple[int, Call], ...] = field(repr=False)
    offer: Offer = field(repr=False)
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
        calls = sum(len(call.arguments) for _, call in self.calls)
        return sum(len(text) for _, text in self.messages) + calls + sum(map(len, self.offer.shown))

    def frame(self) -> Json:
        """The job as the child reads it."""
        return {
            "messages": [[role, text] for role, text in self.messages],
            "calls": [[at, call.name, call.arguments] for at, call in self.calls],
            "tools": list(self.offer.shown),
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


def read_job(conversation: Conversation, *, tools: bool = False) -> Job:
    """The job in a chat request, for a model that takes `tools` or does not.

    Raises `CallerError(UNSUPPORTED_BY_LOCAL_MODEL)` for what the model cannot do.
    """
    body = _object(parse_json(conversation.body))
    if conversation.opaque:
        refuse(_UNSUPPORTED, conversation.opaque[0].schema)
    _refuse_what_it_cannot(body, tools=tools)
    offer = read_offer(body)
    messages = [_object(item) for item in _list(body.get("messages"))]
    places = [(at, message, f"/messages/{at}") for at, message in enumerate(messages)]
    seed = body.get("seed")
    return Job(
        messages=tuple(_message(message, place, tools=tools) for _, message, place in places),
        calls=tuple((at, call) for at, message, place in places for call in read_calls(message, place)),
        offer=offer,
        limit=int(_number(body, "max_completion_tokens", _number(body, "max_tokens", 0))),
        temperature=_number(body, "temperature", 0.0),
        top_p=_number(body, "top_p", 1.0),
        frequency_penalty=_number(body, "frequency_penalty", 0.0),
        presence_penalty=_number(body, "presence_penalty", 0.0),
        seed=(int(seed) if isinstance(seed, int | float) else secrets.randbits(32)) & 0xFFFFFFFF,
        choices=_choices(body),
        logprobs=_logprobs(body, offer),
        stops=_stops(body.get("stop")),
        grammar=_grammar(body, offer),
    )


def _refuse_what_it_cannot(body: dict[str, Json], *, tools: bool) -> None:
    for name in ("functions", "logit_bias", *(() if tools else ("tools",))):
        if body.get(name):
            refuse(_UNSUPPORTED, f"/{name}")
    if body.get("function_call") not in (None, "none", "auto"):
        refuse(_UNSUPPORTED, "/function_call")


def _grammar(body: dict[str, Json], offer: Offer) -> Grammar:
    """The one form that an answer has: of a call where one is forced, else of its text."""
    form = grammar_of(_object(body.get("response_format")))
    if offer.names and form.kind != "free":
        refuse(_UNSUPPORTED, "/response_format")
    return offer.form if offer.names else form


def _choices(body: dict[str, Json]) -> int:
    choices = int(_number(body, "n", 1))
    return choices if 1 <= choices <= _MAX_CHOICES else refuse(_UNSUPPORTED, "/n")


def _logprobs(body: dict[str, Json], offer: Offer) -> int:
    """How many likeliest tokens to tell. A call's tokens are none of the text that is shown, so it has none."""
    if offer.names and body.get("logprobs") is True:
        refuse(_UNSUPPORTED, "/logprobs")
    most = int(_number(body, "top_logprobs", 0))
    if not 0 <= most <= _MAX_TOP or (most and body.get("logprobs") is not True):
        refuse(_UNSUPPORTED, "/top_logprobs")
    return most if body.get("logprobs") is True else -1


def _message(message: dict[str, Json], place: str, *, tools: bool) -> tuple[str, str]:
    role = _ROLES.get(str(message.get("role")))
    if role is None or (role == "tool" and not tools):
        refuse(_UNSUPPORTED, f"{place}/role")
    for name in ("function_call", *(() if tools else ("tool_calls",))):
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


def _object(value: Json) -> dict[str, Json]:
    return value if isinstance(value, dict) else {}


def _list(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []


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
    offer: Offer = field(repr=False)

    @classmethod
    def of(cls, conversation: Conversation, created: int, offer: Offer = NO_TOOLS) -> Dialect:
        """The dialect of the answer to `conversation`, in which the tools of `offer` may be called."""
        body = _object(parse_json(conversation.body))
        options = _object(body.get("stream_options"))
        return cls(
            conversation.model,
            created,
            options.get("include_usage") is True,
            body.get("logprobs") is True,
            f"chatcmpl-{secrets.token_hex(12)}",
            offer,
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

    def call(self, at: int, index: int, call: Call) -> bytes:
        """A chunk with the whole of a call of choice `at`."""
        told: Json = {"index": index, **_called(call)}
        return self._chunk(at, {"tool_calls": [told]})

    def closing(self, at: int, finish: str) -> bytes:
        """The chunk with the finish reason of choice `at`."""
        return self._chunk(at, {}, finish=finish)

    def usage(self, usage: Usage) -> list[bytes]:
        """The last chunk, where usage was asked for."""
        last: dict[str, Json] = {**self._head("chat.completion.chunk"), "choices": [], "usage": usage.json()}
        return [dump_json(last)] if self.with_usage else []

    def _whole(self, at: int, choice: Choice) -> Json:
        told = _parted(choice.text, self.offer)
        said = "".join(each for each in told if isinstance(each, str))
        calls: list[Json] = [_called(each) for each in told if isinstance(each, Call)]
        message: dict[str, Json] = {"role": "assistant", "content": said, "refusal": None}
        if calls:
            message |= {"content": said or None, "tool_calls": calls}
        finish = _finish(choice.finish, called=bool(calls))
        return {"index": at, "message": message, "logprobs": self._logprobs(choice.logprobs), "finish_reason": finish}

    def _chunk(self, at: int, delta: Json, *, finish: str = "", logprobs: Sequence[Json] = ()) -> bytes:
        told = self._logprobs(logprobs) if logprobs else None
        choice: Json = {"index": at, "delta": delta, "logprobs": told, "finish_reason": finish or None}
        usage: dict[str, Json] = {"usage": None} if self.with_usage else {}
        return dump_json({**self._head("chat.completion.chunk"), "choices": [choice], **usage})

    def _logprobs(self, told: Sequence[Json]) -> Json:
        return {"content": list(told), "refusal": None} if self.with_logprobs else None

    def _head(self, kind: str) -> dict[str, Json]:
        return {"id": self.answer_id, "object": kind, "created": self.created, "model": self.model}


class Speaker:
    """Tells one choice of a streamed answer: its text as it comes, each call as soon as it is whole."""

    def __init__(self, dialect: Dialect, at: int) -> None:
        self._dialect = dialect
        self._at = at
        self._reader = CallReader(dialect.offer) if dialect.offer.names else None
        self._called = 0

    def text(self, text: str, logprobs: Sequence[Json]) -> list[bytes]:
        """The chunks that a piece of generated text lets through."""
        if self._reader is None:
            return [self._dialect.text(self._at, text, logprobs)]
        return [self._chunk(each) for each in self._reader.push(text)]

    def closing(self, finish: str) -> list[bytes]:
        """What was held back, and the finish reason."""
        rest = [self._chunk(each) for each in self._reader.rest()] if self._reader is not None else []
        return [*rest, self._dialect.closing(self._at, _finish(finish, called=bool(self._called)))]

    def _chunk(self, told: str | Call) -> bytes:
        if isinstance(told, str):
            return self._dialect.text(self._at, told, ())
        self._called += 1
        return self._dialect.call(self._at, self._called - 1, told)


def _parted(text: str, offer: Offer) -> list[str | Call]:
    """A whole answer as what is said and what is called."""
    if not offer.names:
        return [text]
    reader = CallReader(offer)
    return [*reader.push(text), *reader.rest()]


def _called(call: Call) -> dict[str, Json]:
    """A call in OpenAI's words, with an id of its own."""
    function: Json = {"name": call.name, "arguments": call.arguments}
    return {"id": f"call_{secrets.token_hex(12)}", "type": "function", "function": function}


def _finish(finish: str, *, called: bool) -> str:
    return "tool_calls" if called and finish == "stop" else finish
