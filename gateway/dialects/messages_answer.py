"""A chat answer told in Anthropic's Messages dialect, whole or as events.

The blocks of a stream begin and end one after the other, as clients expect, though a chat stream may still add to an
earlier tool call when the next has begun: what comes for a later block waits until the one before it is complete.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from gateway.dialects.answers import answer_object, count, objects
from gateway.dialects.messages_error import error_from_openai
from gateway.domain.errors import CallerError, ErrorCode, UpstreamError
from gateway.domain.strict_json import Json, dump_json, parse_json

_REASONS = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "function_call": "tool_use",
    "content_filter": "refusal",
}
_REASONING = ("reasoning_content", "reasoning")
_DELTAS = {"text": "text_delta", "thinking": "thinking_delta", "tool_use": "input_json_delta"}
_MEMBERS = {"text": "text", "thinking": "thinking", "tool_use": "partial_json"}


@dataclass(slots=True)
class _Block:
    """One content block: what begins it, the pieces of its running text, and how many of them have been told."""

    start: dict[str, Json] = field(repr=False)
    pieces: list[str] = field(default_factory=list, repr=False)
    told: int = 0
    begun: bool = False
    closed: bool = False
    _read: int = 0
    _whole: bool = False

    @property
    def kind(self) -> str:
        return str(self.start["type"])

    @property
    def text(self) -> str:
        return "".join(self.pieces)

    def complete(self) -> bool:
        """Whether nothing can come any more, once a later block has begun."""
        if self._read != len(self.pieces) and self.pieces[-1].rstrip().endswith("}"):
            self._whole = _arguments(self.text) is not None
        self._read = len(self.pieces)
        return self.kind != "tool_use" or self._whole


@dataclass(slots=True)
class _Ending:
    """How an answer ends: what the last block was about, and the tokens."""

    called: bool = False
    refused: bool = False
    usage: Json = None

    def reason(self, choice: dict[str, Json], request: Mapping[str, Json]) -> dict[str, Json]:
        """`stop_reason` and `stop_sequence`. Which sequence it was is known where the server says it (vLLM does)."""
        said, sequences = choice.get("stop_reason"), request.get("stop_sequences")
        if isinstance(said, str) and isinstance(sequences, list) and said in sequences:
            return {"stop_reason": "stop_sequence", "stop_sequence": said}
        reason = _REASONS.get(str(choice.get("finish_reason")), "end_turn")
        if reason == "end_turn":  # a forced call ends with `stop`, and so does a refusal
            reason = "tool_use" if self.called else "refusal" if self.refused else reason
        return {"stop_reason": reason, "stop_sequence": None}


@dataclass(slots=True)
class MessagesFromChat:
    """Tells one chat answer to the Messages request `request`. Thoughts are told where the request asked for them."""

    request: Mapping[str, Json]
    _ending: _Ending = field(default_factory=_Ending)
    _queue: deque[_Block] = field(default_factory=deque)
    _calls: dict[int, _Block] = field(default_factory=dict)
    _choice: dict[str, Json] = field(default_factory=dict)
    _id: str = ""
    _index: int = 0
    _failed: bool = False

    def whole(self, body: bytes) -> bytes:
        """A chat completion as a message. Raises `UpstreamError` for what is none."""
        answer = answer_object(body)
        choice = next(objects(answer.get("choices")), {})
        message = choice.get("message")
        if not isinstance(message, dict):
            raise UpstreamError(ErrorCode.UPSTREAM_ERROR)
        self._id = _answer_id(answer)
        self._add(message)
        cut = choice.get("finish_reason") == "length"
        content: list[Json] = [_told(block, cut=cut) for block in self._queue]
        told = self._head(answer) | {"content": content} | self._ending.reason(choice, self.request)
        return dump_json(told | {"usage": _usage(answer.get("usage"))})

    def event(self, data: bytes) -> Iterator[bytes]:
        """The events that one chat chunk becomes."""
        chunk = answer_object(data)
        if chunk.get("error") is not None:
            self._failed = True
            yield error_from_openai(data, 500)
            return
        if not self._id:
            self._id = _answer_id(chunk)
            opening = self._head(chunk) | {"content": [], "stop_reason": None, "stop_sequence": None}
            yield dump_json({"type": "message_start", "message": opening | {"usage": _usage(None)}})
        self._ending.usage = chunk.get("usage") or self._ending.usage
        for choice in objects(chunk.get("choices")):
            if isinstance(choice.get("delta"), dict):
                self._add(choice["delta"])
            if choice.get("finish_reason") is not None:
                self._choice = choice
        yield from self._advance(ended=False)

    def finish(self) -> Iterator[bytes]:
        """The rest of the blocks, `message_delta` and `message_stop`. Raises `UpstreamError` for an answer that broke
        off: it is not ended as if it were whole."""
        if self._failed:
            return
        if not self._choice:
            raise UpstreamError(ErrorCode.UPSTREAM_ERROR)
        yield from self._advance(ended=True)
        delta: Json = self._ending.reason(self._choice, self.request)
        yield dump_json({"type": "message_delta", "delta": delta, "usage": _usage(self._ending.usage)})
        yield dump_json({"type": "message_stop"})

    def _head(self, answer: dict[str, Json]) -> dict[str, Json]:
        model = answer.get("model") or self.request.get("model")
        return {"id": self._id, "type": "message", "role": "assistant", "model": model}

    def _add(self, said: Json) -> None:
        """Take over a message, or the next piece of one."""
        if not isinstance(said, dict):
            return
        if self._tells_thoughts():
            thought = next((said[name] for name in _REASONING if said.get(name)), None)
            self._run({"type": "thinking", "thinking": "", "signature": ""}, thought)
        self._run({"type": "text", "text": ""}, said.get("content"))
        if said.get("refusal"):
            self._ending.refused = True
            self._run({"type": "text", "text": ""}, said["refusal"])
        for at, call in enumerate(objects(said.get("tool_calls"))):
            self._call(call, at)

    def _tells_thoughts(self) -> bool:
        thinking = self.request.get("thinking")
        if not isinstance(thinking, dict) or thinking.get("display") == "omitted":
            return False
        return thinking.get("type") in {"enabled", "adaptive"}

    def _run(self, start: dict[str, Json], piece: Json) -> None:
        """Add to the last block where it is of this kind, else begin one."""
        if not isinstance(piece, str) or not piece:
            return
        if not self._queue or self._queue[-1].kind != start["type"]:
            self._queue.append(_Block(start))
        self._queue[-1].pieces.append(piece)

    def _call(self, call: dict[str, Json], at: int) -> None:
        function = call.get("function")
        if not isinstance(function, dict):
            raise UpstreamError(ErrorCode.UPSTREAM_ERROR)
        index = call.get("index")
        block = self._block_of(index if isinstance(index, int) else at, call.get("id"), function.get("name"))
        piece = function.get("arguments")
        if not isinstance(piece, str):
            return
        if block.closed and piece.strip():
            raise UpstreamError(ErrorCode.UPSTREAM_ERROR)
        block.pieces.append(piece)

    def _block_of(self, index: int, identity: Json, name: Json) -> _Block:
        """The block of a tool call: a new one where the index is new, or another id comes with a name."""
        known = self._calls.get(index)
        named = isinstance(name, str) and bool(name)
        if known is not None and not (named and identity and identity != known.start["id"]):
            return known
        if not named:
            raise UpstreamError(ErrorCode.UPSTREAM_ERROR)
        self._ending.called = True
        told_id = identity if isinstance(identity, str) and identity else f"toolu_{self._id[4:]}_{index}"
        block = _Block({"type": "tool_use", "id": told_id, "name": name, "input": {}})
        self._calls[index] = block
        self._queue.append(block)
        return block

    def _advance(self, *, ended: bool) -> Iterator[bytes]:
        """Tell what can be told: all of the first block, and the next ones once those before them are complete."""
        while self._queue:
            block = self._queue[0]
            yield from self._tell(block)
            if not ended and (len(self._queue) == 1 or not block.complete()):
                return
            if block.kind == "tool_use":
                _input(block.text, cut=self._choice.get("finish_reason") == "length")
            yield dump_json({"type": "content_block_stop", "index": self._index})
            block.closed = True
            self._queue.popleft()
            self._index += 1

    def _tell(self, block: _Block) -> Iterator[bytes]:
        if not block.begun:
            block.begun = True
            yield dump_json({"type": "content_block_start", "index": self._index, "content_block": block.start})
        if block.told < len(block.pieces):
            piece = "".join(block.pieces[block.told :])
            block.told = len(block.pieces)
            delta: Json = {"type": _DELTAS[block.kind], _MEMBERS[block.kind]: piece}
            yield dump_json({"type": "content_block_delta", "index": self._index, "delta": delta})


def _told(block: _Block, *, cut: bool) -> Json:
    """The whole block."""
    if block.kind == "tool_use":
        return {**block.start, "input": _input(block.text, cut=cut)}
    return {**block.start, block.kind: block.text}


def _arguments(text: str) -> dict[str, Json] | None:
    """The arguments of a tool call, where they are a whole JSON object."""
    if not text.rstrip().endswith("}"):
        return None
    try:
        value = parse_json(text)
    except CallerError:
        return None
    return value if isinstance(value, dict) else None


def _input(text: str, *, cut: bool) -> dict[str, Json]:
    """The `input` of a tool call. Arguments that are no object are the provider's fault, unless the limit of tokens
    `cut` them: then the stop reason says so and the input is empty."""
    arguments = _arguments(text)
    if arguments is None and text.strip() and not cut:
        raise UpstreamError(ErrorCode.UPSTREAM_ERROR)
    return arguments or {}


def _answer_id(answer: dict[str, Json]) -> str:
    identity = answer.get("id")
    return f"msg_{identity.removeprefix('chatcmpl-') if isinstance(identity, str) and identity else 'chat'}"


def _usage(usage: Json) -> dict[str, Json]:
    """Tokens by Anthropic's names, which count cached ones apart."""
    told = usage if isinstance(usage, dict) else {}
    prompt = count(told.get("prompt_tokens"), 0)
    cached = min(prompt, _detail(told, "prompt_tokens_details", "cached_tokens"))
    result: dict[str, Json] = {
        "input_tokens": prompt - cached,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": cached,
        "output_tokens": count(told.get("completion_tokens"), 0),
    }
    thought = _detail(told, "completion_tokens_details", "reasoning_tokens")
    return result | ({"output_tokens_details": {"thinking_tokens": thought}} if thought else {})


def _detail(usage: dict[str, Json], group: str, name: str) -> int:
    details = usage.get(group)
    return count(details.get(name), 0) if isinstance(details, dict) else 0
