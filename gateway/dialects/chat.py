"""The answer's placeholders back to the caller's values, wherever in the chat dialect a model can repeat one.

Running texts (content, refusal, reasoning, tool arguments) are restored per choice and per tool call; what a model may
still turn into a placeholder is held back until it is certain. An answer without placeholders keeps its exact bytes,
and so does a chunk in which nothing changes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from gateway.dialects.answers import Usage, answer_object, objects
from gateway.domain.errors import ErrorCode, UpstreamError
from gateway.domain.mask import Vault
from gateway.domain.restore import Restorer, StreamRestorer, restore_json
from gateway.domain.strict_json import Json, dump_json

_RUNNING = ("content", "refusal", "reasoning_content", "reasoning")
_JSON = ("arguments",)


@dataclass(slots=True)
class ChatRestorer:
    """Restores one answer, whole or streamed. `json_content` says that the content itself is JSON."""

    vault: Vault
    json_content: bool = False
    usage: Usage = field(default_factory=Usage)
    _texts: dict[Json, dict[tuple[Json, ...], StreamRestorer]] = field(default_factory=dict)
    _plain: Restorer = field(init=False)
    _escaped: Restorer = field(init=False)
    _last: dict[str, Json] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._plain = Restorer(self.vault)
        self._escaped = Restorer(self.vault, json_escaped=True)

    @property
    def restored(self) -> int:
        """How many placeholders were turned back."""
        return self._plain.restored + self._escaped.restored

    def whole(self, body: bytes) -> bytes:
        """An answer in one piece, restored. Raises `UpstreamError` for what is no chat completion."""
        answer = answer_object(body)
        self.usage.note(answer)
        if not self.vault:
            return body
        if "error" in answer:
            return dump_json(restore_json(answer, self._plain))
        for choice in objects(answer.get("choices")):
            if isinstance(choice.get("message"), dict):
                choice["message"] = self._message(choice["message"])
            if "logprobs" in choice:
                choice["logprobs"] = None
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
        same = True
        for choice in objects(chunk.get("choices")):
            index, delta = _index(choice.get("index")), choice.get("delta")
            if isinstance(delta, dict):
                choice["delta"] = self._delta(index, delta)
                same = same and choice["delta"] == delta
            if choice.get("finish_reason") is not None and index in self._texts:
                yield self._chunk(index, choice.get("delta"))
                choice["delta"], same = {}, False
                yield from self._flush(index)
            if choice.get("logprobs") is not None:
                choice["logprobs"], same = None, False
        if chunk.get("error") is not None:
            yield dump_json(restore_json(chunk, self._plain))
        else:
            yield data if same else dump_json(chunk)

    def finish(self) -> Iterator[bytes]:
        """What is still held back when the stream ends."""
        for index in list(self._texts):
            yield from self._flush(index)

    def _flush(self, index: Json) -> Iterator[bytes]:
        for path, text in self._texts.pop(index).items():
            if rest := text.finish():
                yield self._chunk(index, _nested(path, rest))

    def _chunk(self, index: Json, delta: Json) -> bytes:
        """A chunk of our own between the provider's: like the last one, without its end and its usage."""
        choice: Json = {"index": index, "delta": delta, "finish_reason": None}
        return dump_json({**self._last, "choices": [choice], **({"usage": None} if "usage" in self._last else {})})

    def _message(self, message: Json) -> Json:
        if not isinstance(message, dict):
            return message
        restorer = self._escaped if self.json_content else self._plain
        return {
            key: restorer.whole(value) if key == "content" and isinstance(value, str) else self._member(key, value)
            for key, value in message.items()
        }

    def _member(self, key: str, value: Json) -> Json:
        if key in _JSON and isinstance(value, str):
            return self._escaped.whole(value)
        if isinstance(value, dict):
            return {self._plain.whole(k): self._member(k, v) for k, v in value.items()}
        if isinstance(value, list):
            return [self._member(key, item) for item in value]
        return self._plain.whole(value) if isinstance(value, str) else value

    def _delta(self, index: Json, delta: Json, *path: Json) -> Json:
        """The delta with every running text fed to its own restorer; short fields (names, roles) restored whole."""
        if not isinstance(delta, dict):
            return delta
        return {key: self._delta_member(index, key, value, path) for key, value in delta.items()}

    def _delta_member(self, index: Json, key: str, value: Json, path: tuple[Json, ...]) -> Json:
        if isinstance(value, str) and (key in _RUNNING or key in _JSON or key == "input"):
            return self._text(index, (*path, key)).feed(value)
        if isinstance(value, dict):
            return self._delta(index, value, *path, key)
        if isinstance(value, list):
            return [self._delta(index, item, *path, key, _position(item, at)) for at, item in enumerate(value)]
        return self._plain.whole(value) if isinstance(value, str) else value

    def _text(self, index: Json, path: tuple[Json, ...]) -> StreamRestorer:
        """The running text at `path` of the deltas of one choice."""
        texts, key = self._texts.setdefault(index, {}), path[-1]
        if path not in texts:
            escaped = key in _JSON or (key == "content" and self.json_content)
            texts[path] = StreamRestorer(self._escaped if escaped else self._plain)
        return texts[path]


def _position(item: Json, at: int) -> Json:
    """The index that an item gives itself; where it gives none, its place in the list."""
    return _index(item["index"]) if isinstance(item, dict) and item.get("index") is not None else at


def _index(value: Json) -> Json:
    """An index that can be looked up. Raises `UpstreamError` for an object or array."""
    if isinstance(value, dict | list):
        raise UpstreamError(ErrorCode.UPSTREAM_ERROR)
    return value


def _nested(path: tuple[Json, ...], text: str) -> Json:
    """A delta that holds `text` at `path`: a number in the path is the index of an item in a list."""
    if not path:
        return text
    head, *rest = path
    inner = _nested(tuple(rest), text)
    if isinstance(head, str):
        return {head: inner}
    return [{"index": head, **inner}] if isinstance(inner, dict) else [inner]
