"""A chat answer told as a Responses answer: whole, or as the events of a stream in OpenAI's order.

Both come from one machine: a whole chat answer is a stream of one chunk, and the whole Responses answer is what the
last event of a stream holds. Ids are derived from the chat answer's; nothing here knows a clock or chance.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from gateway.dialects.answers import answer_object, count, objects
from gateway.dialects.responses_items import REFUSAL, SUMMARY, TEXT, THOUGHT, Call, Event, Form, Spoken
from gateway.domain.errors import ERRORS, ErrorCode, UpstreamError
from gateway.domain.strict_json import Json, dump_json

_CHAT_ID = "chatcmpl-"
_CUT = {"length": "max_output_tokens", "content_filter": "content_filter"}
_ECHO: Mapping[str, Json] = {
    "background": False,
    "instructions": None,
    "max_output_tokens": None,
    "max_tool_calls": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "previous_response_id": None,
    "prompt_cache_key": None,
    "reasoning": {"effort": None, "summary": None},
    "safety_identifier": None,
    "service_tier": "default",
    "temperature": 1.0,
    "text": {"format": {"type": "text"}},
    "tool_choice": "auto",
    "tools": [],
    "top_logprobs": 0,
    "top_p": 1.0,
    "truncation": "disabled",
    "user": None,
}
"""What an answer repeats of its request, and what it says where the request says nothing."""


@dataclass(slots=True, repr=False)
class ResponsesFromChat:
    """Tells one chat answer, already restored, to who asked with the Responses request `request`."""

    request: Mapping[str, Json]
    _head: Event = field(default_factory=dict)
    _usage: Json = None
    _stem: str = ""
    _finished: str = ""
    _failed: bool = False
    _number: int = 0
    _spoken: list[Spoken] = field(default_factory=list)  # the message or reasoning item that grows, if one does
    _calls: dict[int, Call] = field(default_factory=dict)
    _output: dict[int, Json] = field(default_factory=dict)
    _placed: int = 0

    def whole(self, body: bytes) -> bytes:
        """The Responses answer for a chat completion. Raises `UpstreamError` for what is none."""
        answer = answer_object(body)
        choice = next(objects(answer.get("choices")), {})
        if not isinstance(choice.get("message"), dict):
            raise UpstreamError(ErrorCode.UPSTREAM_ERROR)
        told: Json = {**choice, "index": 0, "delta": choice["message"]}
        chunk: Event = {**answer, "choices": [told]}
        last = [*self._chunk(chunk, body), *self._end()][-1]
        return dump_json(last["response"])

    def event(self, data: bytes) -> Iterator[bytes]:
        """The events for one chunk. Raises `UpstreamError` for what is no JSON object."""
        for event in () if self._failed else self._chunk(answer_object(data), data):
            yield self._numbered(event)

    def finish(self) -> Iterator[bytes]:
        """The events that end the answer; none after an error. Raises `UpstreamError` where no end was told."""
        for event in () if self._failed else self._end():
            yield self._numbered(event)

    def _numbered(self, event: Event) -> bytes:
        self._number += 1
        return dump_json({"type": event["type"], "sequence_number": self._number - 1, **event})

    def _chunk(self, chunk: Event, data: bytes) -> Iterator[Event]:
        if not self._head:
            self._begin(chunk, data)
            for begun in ("response.created", "response.in_progress"):
                yield {"type": begun, "response": self._response("in_progress")}
        if isinstance(chunk.get("usage"), dict):
            self._usage = _usage(chunk["usage"])
        if chunk.get("error") is not None:
            yield from self._broken(chunk["error"])
            return
        for choice in objects(chunk.get("choices")):
            if choice.get("index") in (None, 0):
                yield from self._choice(choice)

    def _begin(self, chunk: Event, data: bytes) -> None:
        told = chunk.get("id")
        # An answer without an id has one all the same, and another one than the next answer's.
        otherwise = hashlib.blake2b(data, digest_size=16).hexdigest()
        self._stem = (told.removeprefix(_CHAT_ID) if isinstance(told, str) else "") or otherwise
        model = chunk.get("model")
        self._head = {
            "id": f"resp_{self._stem}",
            "object": "response",
            "created_at": count(chunk.get("created"), 0),
            "model": model if isinstance(model, str) and model else self.request.get("model"),
        }

    def _choice(self, choice: Event) -> Iterator[Event]:
        delta = choice.get("delta")
        if isinstance(delta, dict):
            logprobs = choice.get("logprobs")
            tokens = _tokens(logprobs.get("content")) if isinstance(logprobs, dict) else []
            for member in ("reasoning_content", "reasoning"):
                thought = delta.get(member)
                if isinstance(thought, str) and thought:
                    yield from self._say("reasoning", self._thinking(), thought, [])
                    break  # servers that know both names tell the same text twice
            for member, form, told in (("content", TEXT, tokens), ("refusal", REFUSAL, [])):
                said = delta.get(member)
                if isinstance(said, str) and said:
                    yield from self._say("message", form, said, told)
            yield from self._annotations(delta.get("annotations"))
            for position, call in enumerate(objects(delta.get("tool_calls"))):
                yield from self._call(count(call.get("index"), position), call)
        if isinstance(choice.get("finish_reason"), str):
            self._finished = str(choice["finish_reason"])

    def _thinking(self) -> Form:
        """Thinking is told as itself; as the summary where one was asked for, since it is read there then."""
        asked = self.request.get("reasoning")
        wanted = isinstance(asked, dict) and (asked.get("summary") or asked.get("generate_summary"))
        return SUMMARY if wanted else THOUGHT

    def _say(self, kind: str, form: Form, piece: str, logprobs: list[Json]) -> Iterator[Event]:
        if self._spoken and self._spoken[0].type != kind:
            yield from self._hush("completed")
        if not self._spoken:
            prefix = "msg" if kind == "message" else "rs"
            self._spoken = [Spoken(f"{prefix}_{self._stem}_{self._placed}", self._place(), kind)]
            yield self._spoken[0].opened()
        yield from self._spoken[0].grown(form, piece, logprobs)

    def _place(self) -> int:
        self._placed += 1
        return self._placed - 1

    def _hush(self, status: str) -> Iterator[Event]:
        """End the message or reasoning item that grows."""
        for item in self._spoken:
            yield from self._done(item, status)
        self._spoken = []

    def _done(self, item: Spoken | Call, status: str) -> Iterator[Event]:
        self._output[item.index] = item.told(status)
        yield from item.closed(status)

    def _annotations(self, annotations: Json) -> Iterator[Event]:
        """Citations of the message that grows, in the flat form."""
        parts = self._spoken[0].parts if self._spoken else []
        for annotation in objects(annotations) if parts and parts[-1].form is TEXT else ():
            cited = annotation.get("url_citation")
            if isinstance(cited, dict):
                yield parts[-1].annotated({"type": "url_citation", **cited})

    def _call(self, index: int, said: Event) -> Iterator[Event]:
        """One piece of a tool call. Calls that are told in turns stay open side by side."""
        yield from self._hush("completed")
        call = self._calls.setdefault(index, Call())
        if isinstance(said.get("id"), str):
            call.call_id = call.call_id or str(said["id"])
        call.custom = call.custom or isinstance(said.get("custom"), dict)
        for called in objects([said.get("custom" if call.custom else "function")]):
            if isinstance(called.get("name"), str):
                call.named(str(called["name"]))
            piece = called.get("input" if call.custom else "arguments")
            if isinstance(piece, str) and piece:
                if call.index < 0:
                    yield call.placed(self._stem, self._place())
                yield call.text.grown(piece, [])

    def _end(self) -> Iterator[Event]:
        if not self._head or not self._finished:
            raise UpstreamError(ErrorCode.UPSTREAM_ERROR)
        status = "incomplete" if self._finished in _CUT else "completed"
        if not self._spoken and not self._output and not self._calls and status == "completed":
            yield from self._say("message", TEXT, "", [])  # an empty answer is a message that says nothing
        yield from self._hush(status)
        for call in self._calls.values():
            if call.index < 0:
                yield call.placed(self._stem, self._place())
            yield from self._done(call, status)
        yield {"type": f"response.{status}", "response": self._response(status)}

    def _broken(self, error: Json) -> Iterator[Event]:
        """An error in the middle: told as such, and never followed by a good end."""
        self._failed = True
        told = error if isinstance(error, dict) else {}
        message = told.get("message")
        text = message if isinstance(message, str) else ERRORS[ErrorCode.UPSTREAM_ERROR].message
        code = "rate_limit_exceeded" if told.get("code") == "rate_limit_exceeded" else "server_error"
        yield {"type": "error", "code": code, "message": text, "param": None}
        failed = self._response("failed") | {"error": {"code": code, "message": text}}
        yield {"type": "response.failed", "response": failed}

    def _response(self, status: str) -> Event:
        cut: Json = {"reason": _CUT[self._finished]} if status == "incomplete" else None
        return {
            **self._head,
            "status": status,
            "error": None,
            "incomplete_details": cut,
            "output": [self._output[index] for index in sorted(self._output)],
            "usage": self._usage,
            "store": False,
            **{name: _repeated(name, self.request.get(name), otherwise) for name, otherwise in _ECHO.items()},
        }


def _repeated(name: str, value: Json, otherwise: Json) -> Json:
    """A parameter of the request as an answer repeats it: with what every answer says of it."""
    if value is None:
        return otherwise
    if isinstance(value, dict) and isinstance(otherwise, dict):
        return otherwise | value
    if name == "tools":
        return [_tool(tool) for tool in objects(value)]
    return value


def _tool(tool: Event) -> Json:
    return {"parameters": None, "strict": None, **tool} if tool.get("type") == "function" else tool


def _tokens(value: Json) -> list[Json]:
    """Chat's log probabilities, whose `bytes` may be missing."""
    return [
        {**_token(token), "top_logprobs": [_token(other) for other in objects(token.get("top_logprobs"))]}
        for token in objects(value)
    ]


def _token(token: Event) -> Event:
    return {"token": token.get("token"), "logprob": token.get("logprob"), "bytes": token.get("bytes") or []}


def _usage(usage: Json) -> Json:
    """Chat's usage in the words of Responses; 0 for what it does not say."""
    told = usage if isinstance(usage, dict) else {}
    read, written = count(told.get("prompt_tokens"), 0), count(told.get("completion_tokens"), 0)
    reading, writing = _details(told, "prompt"), _details(told, "completion")
    return {
        "input_tokens": read,
        "input_tokens_details": {
            "cached_tokens": count(reading.get("cached_tokens"), 0),
            "cache_write_tokens": count(reading.get("cache_write_tokens"), 0),
        },
        "output_tokens": written,
        "output_tokens_details": {"reasoning_tokens": count(writing.get("reasoning_tokens"), 0)},
        "total_tokens": count(told.get("total_tokens"), read + written),
    }


def _details(usage: Event, kind: str) -> Event:
    details = usage.get(f"{kind}_tokens_details")
    return details if isinstance(details, dict) else {}
