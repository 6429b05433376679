"""The answer's placeholders back to the caller's values, for a provider that speaks Anthropic's Messages dialect.

Running texts are restored per content block; what may still become a placeholder is held back, and given as one more
delta before the block stops. Signatures and encrypted content stay as they are. An answer to a request without
placeholders keeps its exact bytes, and so does a delta in which nothing changes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from gateway.dialects.answers import Usage, answer_object, count
from gateway.domain.errors import ErrorCode, UpstreamError
from gateway.domain.mask import Vault
from gateway.domain.restore import Restorer, StreamRestorer, restore_json
from gateway.domain.strict_json import Json, dump_json

_SEALED = frozenset({"signature", "data", "encrypted_content"})
"""Members of a block or delta. Inside the input of a tool these names are the caller's own."""
_PROMPT = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
_BLOCK_TEXTS = {"text": "text_delta", "thinking": "thinking_delta"}
_Key = tuple[str, str]
"""A running text of a block: type of its delta, member of the delta."""


@dataclass(slots=True)
class MessagesRestorer:
    """Restores one answer, whole or streamed. `json_content` says that the text itself is JSON."""

    vault: Vault
    json_content: bool = False
    usage: Usage = field(default_factory=Usage)
    _texts: dict[Json, dict[_Key, StreamRestorer]] = field(default_factory=dict)
    _plain: Restorer = field(init=False)
    _escaped: Restorer = field(init=False)

    def __post_init__(self) -> None:
        self._plain = Restorer(self.vault)
        self._escaped = Restorer(self.vault, json_escaped=True)

    @property
    def restored(self) -> int:
        """How many placeholders were turned back."""
        return self._plain.restored + self._escaped.restored

    def whole(self, body: bytes) -> bytes:
        """A message in one piece, restored. Raises `UpstreamError` for what is no JSON object."""
        answer = answer_object(body)
        self._note(answer)
        if not self.vault:
            return body
        content = answer.get("content")
        if isinstance(content, list):
            answer["content"] = [self._block(block) for block in content]
        return dump_json({name: value if name == "content" else self._all(value) for name, value in answer.items()})

    def error(self, body: bytes) -> bytes:
        """A provider's error body, restored: it may quote the request as it was sent."""
        return dump_json(self._all(answer_object(body))) if self.vault else body

    def event(self, data: bytes) -> Iterator[bytes]:
        """The events to give to the caller for one event of the provider."""
        if not self.vault and b'"usage"' not in data:
            yield data
            return
        event = answer_object(data)
        self._note(event)
        self._note(event.get("message"))
        if not self.vault:
            yield data
            return
        yield from self._event(event, data)

    def finish(self) -> Iterator[bytes]:
        """What is still held back when the stream ends."""
        for index in list(self._texts):
            yield from self._flush(index)

    def _event(self, event: dict[str, Json], data: bytes) -> Iterator[bytes]:
        match event.get("type"):
            case "content_block_start":
                event["content_block"] = self._start(_index(event), event.get("content_block"))
                yield dump_json(event)
            case "content_block_delta":
                yield from self._delta(event, data)
            case "content_block_stop":
                yield from self._flush(_index(event))
                yield dump_json(event)
            case "message_delta" | "message_stop":
                yield from self.finish()
                yield dump_json(self._all(event))
            case _:
                yield dump_json(self._all(event))

    def _start(self, index: Json, block: Json) -> Json:
        """The opening of a block: its text, mostly empty, runs on in the deltas."""
        if not isinstance(block, dict):
            return block
        delta_type = _BLOCK_TEXTS.get(str(block.get("type")), "")
        running = block.get("type") if delta_type else None
        return {
            name: self._run(index, (delta_type, name), value)
            if name == running and isinstance(value, str)
            else self._member(name, value)
            for name, value in block.items()
        }

    def _delta(self, event: dict[str, Json], data: bytes) -> Iterator[bytes]:
        index, delta = _index(event), event.get("delta")
        if not isinstance(delta, dict):
            raise UpstreamError(ErrorCode.UPSTREAM_ERROR)
        kind = str(delta.get("type"))
        if kind == "signature_delta":  # it closes the thinking before it
            yield from self._flush(index)
        if kind == "citations_delta" and _by_character(delta.get("citation")):
            return
        event["delta"] = {
            name: self._run(index, (kind, name), value)
            if isinstance(value, str) and name != "type" and name not in _SEALED
            else self._member(name, value)
            for name, value in delta.items()
        }
        yield data if event["delta"] == delta else dump_json(event)

    def _run(self, index: Json, key: _Key, piece: str) -> str:
        texts, (_, member) = self._texts.setdefault(index, {}), key
        if key not in texts:
            escaped = member == "partial_json" or (member == "text" and self.json_content)
            texts[key] = StreamRestorer(self._escaped if escaped else self._plain)
        return texts[key].feed(piece)

    def _flush(self, index: Json) -> Iterator[bytes]:
        for (kind, member), text in self._texts.pop(index, {}).items():
            if rest := text.finish():
                delta: Json = {"type": kind, member: rest}
                yield dump_json({"type": "content_block_delta", "index": index, "delta": delta})

    def _block(self, block: Json) -> Json:
        if not isinstance(block, dict):
            return self._all(block)
        return {name: self._block_member(name, value) for name, value in block.items()}

    def _block_member(self, name: str, value: Json) -> Json:
        if name == "text" and isinstance(value, str):
            return (self._escaped if self.json_content else self._plain).whole(value)
        return self._member(name, value)

    def _member(self, name: str, value: Json) -> Json:
        """Any other member of a block. A citation by character positions is left out: they count in another text."""
        if name in _SEALED:
            return value
        if name == "citations" and isinstance(value, list):
            return [self._all(each) for each in value if not _by_character(each)]
        return self._all(value)

    def _all(self, value: Json) -> Json:
        return restore_json(value, self._plain)

    def _note(self, told: Json) -> None:
        """Take over the tokens. Counts in a stream are running totals; cached ones count as read."""
        usage = told.get("usage") if isinstance(told, dict) else None
        if not isinstance(usage, dict):
            return
        if usage.get("input_tokens") is not None:
            self.usage.prompt = sum(count(usage.get(name), 0) for name in _PROMPT)
        self.usage.completion = count(usage.get("output_tokens"), self.usage.completion)


def _by_character(citation: Json) -> bool:
    return isinstance(citation, dict) and citation.get("type") == "char_location"


def _index(event: dict[str, Json]) -> Json:
    """The index of a block. Raises `UpstreamError` for what cannot be looked up."""
    index = event.get("index")
    if isinstance(index, dict | list):
        raise UpstreamError(ErrorCode.UPSTREAM_ERROR)
    return index
