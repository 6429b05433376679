"""The legacy completions dialect: its requests as chat requests, chat answers told in it, its own answers restored."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from gateway.dialects.answers import Usage, answer_object, objects
from gateway.domain.errors import ErrorCode, UpstreamError, refuse
from gateway.domain.mask import Vault
from gateway.domain.restore import Restorer, StreamRestorer, restore_json
from gateway.domain.strict_json import Json, dump_json

_UNSUPPORTED = ErrorCode.UNSUPPORTED_BY_LOCAL_MODEL
_CARRIED = (
    "model",
    "temperature",
    "top_p",
    "n",
    "stop",
    "seed",
    "frequency_penalty",
    "presence_penalty",
    "logit_bias",
    "user",
)
_TOLD_APART = frozenset({"prompt", "max_tokens", "stream", "stream_options"})
_SAYS_NOTHING: Mapping[str, Json] = {"suffix": "", "echo": False, "best_of": 1}
"""Fields that chat lacks, and the value with which they change nothing."""
_DEFAULT_LIMIT = 16
"""The dialect's own: chat answers without a limit run to the model's."""
_REASONS = frozenset({"stop", "length", "content_filter"})
_PLAIN_KEY = re.compile(r"[a-z_]{1,40}")


def chat_request(body: Mapping[str, Json]) -> dict[str, Json]:
    """The chat request that asks the same as the (validated) completions request `body`: its prompt as one message.

    Raises `CallerError(UNSUPPORTED_BY_LOCAL_MODEL)` for what chat cannot say, naming its address.
    """
    for name, value in body.items():
        known = name in _CARRIED or name in _TOLD_APART
        if not known and value is not None and value != _SAYS_NOTHING.get(name):
            refuse(_UNSUPPORTED, f"/{name if _PLAIN_KEY.fullmatch(name) else '*'}")
    request = {name: body[name] for name in _CARRIED if body.get(name) is not None}
    request["messages"] = [{"role": "user", "content": _prompt(body.get("prompt"))}]
    request["max_completion_tokens"] = _limit(body.get("max_tokens"))
    if body.get("stream") is True:
        request |= {"stream": True, "stream_options": {"include_usage": True}}
    return request


def _prompt(prompt: Json) -> str:
    """The one text. Several prompts have several answers, and token ids are no text."""
    if isinstance(prompt, list) and len(prompt) == 1:
        prompt = prompt[0]
    return prompt if isinstance(prompt, str) else refuse(_UNSUPPORTED, "/prompt")


def _limit(limit: Json) -> Json:
    return refuse(_UNSUPPORTED, "/max_tokens") if limit == 0 else _DEFAULT_LIMIT if limit is None else limit


@dataclass(slots=True)
class CompletionsFromChat:
    """Tells one chat answer to the completions request `request`."""

    request: Mapping[str, Json]
    _head: dict[str, Json] = field(default_factory=dict)
    _usage: Json = None
    _ended: bool = False
    _failed: bool = False

    def whole(self, body: bytes) -> bytes:
        """A chat completion as a text completion. Raises `UpstreamError` for what is none."""
        answer = answer_object(body)
        choices: list[Json] = [_choice(choice, choice.get("message")) for choice in objects(answer.get("choices"))]
        if not choices:
            raise UpstreamError(ErrorCode.UPSTREAM_ERROR)
        usage = {"usage": answer["usage"]} if answer.get("usage") is not None else {}
        return dump_json(_head(answer) | {"choices": choices} | usage)

    def event(self, data: bytes) -> Iterator[bytes]:
        """The chunk that one chat chunk becomes: none for a chunk that says nothing here."""
        chunk = answer_object(data)
        if chunk.get("error") is not None:
            self._failed = True
            yield data
            return
        self._head = self._head or _head(chunk)
        self._usage = chunk.get("usage") or self._usage
        told = [_choice(choice, choice.get("delta")) for choice in objects(chunk.get("choices"))]
        choices: list[Json] = [choice for choice in told if choice["text"] or choice["finish_reason"] is not None]
        self._ended = self._ended or any(choice["finish_reason"] is not None for choice in told)
        if choices:
            yield dump_json(self._head | {"choices": choices} | ({"usage": None} if self._tells_usage() else {}))

    def finish(self) -> Iterator[bytes]:
        """The usage, where it was asked for. Raises `UpstreamError` for an answer that broke off."""
        if self._failed:
            return
        if not self._ended:
            raise UpstreamError(ErrorCode.UPSTREAM_ERROR)
        if self._usage is not None and self._tells_usage():
            yield dump_json(self._head | {"choices": [], "usage": self._usage})

    def _tells_usage(self) -> bool:
        options = self.request.get("stream_options")
        return isinstance(options, dict) and options.get("include_usage") is True


def _head(answer: dict[str, Json]) -> dict[str, Json]:
    identity = answer.get("id")
    shown = identity.removeprefix("chatcmpl-") if isinstance(identity, str) else "chat"
    head: dict[str, Json] = {"id": f"cmpl-{shown}", "object": "text_completion"}
    kept = {name: answer[name] for name in ("created", "model", "system_fingerprint") if name in answer}
    return head | kept


def _choice(choice: dict[str, Json], said: Json) -> dict[str, Json]:
    """One choice; a refusal is its text."""
    words = said if isinstance(said, dict) else {}
    text = words.get("content") or words.get("refusal")
    reason = choice.get("finish_reason")
    return {
        "text": text if isinstance(text, str) else "",
        "index": choice.get("index", 0),
        "logprobs": None,
        "finish_reason": reason if reason is None or str(reason) in _REASONS else "stop",
    }


@dataclass(slots=True)
class CompletionsRestorer:
    """Restores one answer, whole or streamed. `json_content` says that the text itself is JSON.

    An answer to a request without placeholders keeps its exact bytes.
    """

    vault: Vault
    json_content: bool = False
    usage: Usage = field(default_factory=Usage)
    _texts: dict[Json, StreamRestorer] = field(default_factory=dict)
    _plain: Restorer = field(init=False)
    _text: Restorer = field(init=False)
    _last: dict[str, Json] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._plain = Restorer(self.vault)
        self._text = Restorer(self.vault, json_escaped=self.json_content)

    @property
    def restored(self) -> int:
        """How many placeholders were turned back."""
        return self._plain.restored + self._text.restored

    def whole(self, body: bytes) -> bytes:
        """An answer in one piece, restored. Raises `UpstreamError` for what is no JSON object."""
        answer = answer_object(body)
        self.usage.note(answer)
        if not self.vault:
            return body
        if "error" in answer:
            return dump_json(restore_json(answer, self._plain))
        for choice in objects(answer.get("choices")):
            _without_logprobs(choice)
            if isinstance(choice.get("text"), str):
                choice["text"] = self._text.whole(str(choice["text"]))
        return dump_json(answer)

    def error(self, body: bytes) -> bytes:
        """A provider's error body, restored: it may quote the request as it was sent."""
        return dump_json(restore_json(answer_object(body), self._plain)) if self.vault else body

    def event(self, data: bytes) -> Iterator[bytes]:
        """The chunks to give to the caller for one chunk of the provider."""
        if not self.vault and b'"usage"' not in data:
            yield data
            return
        chunk = answer_object(data)
        self.usage.note(chunk)
        if not self.vault:
            yield data
            return
        self._last = chunk
        for choice in objects(chunk.get("choices")):
            yield from self._restore(choice)
        yield dump_json(restore_json(chunk, self._plain) if "error" in chunk else chunk)

    def finish(self) -> Iterator[bytes]:
        """What is still held back when the stream ends."""
        for index in list(self._texts):
            yield from self._flush(index)

    def _restore(self, choice: dict[str, Json]) -> Iterator[bytes]:
        """Restore a chunk's choice in place. What is held back goes out before the end of its text."""
        _without_logprobs(choice)
        index, text = choice.get("index"), choice.get("text")
        if isinstance(index, dict | list):
            raise UpstreamError(ErrorCode.UPSTREAM_ERROR)
        if isinstance(text, str):
            choice["text"] = self._texts.setdefault(index, StreamRestorer(self._text)).feed(text)
        if choice.get("finish_reason") is not None and index in self._texts:
            yield self._chunk(index, choice.get("text"))
            choice["text"] = ""
            yield from self._flush(index)

    def _flush(self, index: Json) -> Iterator[bytes]:
        rest = self._texts.pop(index).finish()
        if rest:
            yield self._chunk(index, rest)

    def _chunk(self, index: Json, text: Json) -> bytes:
        """A chunk of our own between the provider's: like the last one, without its end and its usage."""
        choice: Json = {"text": text, "index": index, "logprobs": None, "finish_reason": None}
        return dump_json({**self._last, "choices": [choice], **({"usage": None} if "usage" in self._last else {})})


def _without_logprobs(choice: dict[str, Json]) -> None:
    """They spell the placeholders piece by piece."""
    if "logprobs" in choice:
        choice["logprobs"] = None
