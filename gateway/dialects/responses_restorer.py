"""The answer's placeholders back to the caller's values, wherever in the Responses dialect a model can repeat one.

A stream tells each text up to five times: in deltas, at its end, at the end of its part and of its item, and in the
whole answer. Deltas are restored as running texts, of which a tail is held back while it may grow into a placeholder;
everything else is restored whole. An answer without placeholders keeps its exact bytes, and so does an event in which
nothing changes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from gateway.dialects.answers import Usage, answer_object
from gateway.dialects.responses_values import ResponsesValues
from gateway.domain.errors import ErrorCode, UpstreamError
from gateway.domain.mask import Vault
from gateway.domain.restore import Restorer, StreamRestorer, restore_json
from gateway.domain.strict_json import Json, dump_json

_Event = dict[str, Json]
_TEXT = "response.output_text"
_ANNOTATION = "response.output_text.annotation.added"
_JSON = ("response.function_call_arguments", "response.mcp_call_arguments")
_BYTES = "response.audio.delta"  # base64, cut so that each piece can be decoded by itself
_PARENTS = ("response.content_part", "response.output_item", "response.reasoning_summary_part")
_ENDS = ("response.completed", "response.incomplete", "response.failed", "response.cancelled", "error")


@dataclass(slots=True, repr=False)
class _Running:
    """One text that is told in deltas: the stem of its events, where it stands, and its last delta. `member` names it
    where a delta is an object."""

    stem: str
    where: _Event
    member: str
    text: StreamRestorer
    last: _Event = field(default_factory=dict)

    def rest(self) -> Iterator[_Event]:
        """What is held back, as one more delta."""
        rest = self.text.finish()
        if rest:
            delta: Json = {self.member: rest} if self.member else rest
            yield {name: value for name, value in self.last.items() if name != "obfuscation"} | {"delta": delta}


@dataclass(slots=True, repr=False)
class ResponsesRestorer:
    """Restores one answer, whole or streamed. `json_content` says that the text itself is JSON."""

    vault: Vault
    json_content: bool = field(default=False, kw_only=True)
    usage: Usage = field(default_factory=Usage, init=False)
    _running: dict[Json, dict[tuple[Json, ...], _Running]] = field(default_factory=dict, init=False)  # by their items
    _cited: dict[tuple[Json, ...], list[_Event]] = field(default_factory=dict, init=False)
    _next: Json = field(default=None, init=False)  # the number of the next event, once the provider gave one
    # The same text is told several times and counted once: in the whole answer, or in deltas where it never came.
    _deltas: ResponsesValues = field(init=False)
    _repeats: ResponsesValues = field(init=False)
    _answer: ResponsesValues = field(init=False)

    def __post_init__(self) -> None:
        self._deltas, self._repeats, self._answer = (
            ResponsesValues(self.vault, json_content=self.json_content) for _ in range(3)
        )

    @property
    def restored(self) -> int:
        """How many placeholders were turned back."""
        return max(self._deltas.restored, self._answer.restored)

    def whole(self, body: bytes) -> bytes:
        """An answer in one piece, restored. Raises `UpstreamError` for what is no JSON object."""
        answer = answer_object(body)
        self._note(answer)
        return dump_json(_bounded(self._answer, answer)) if self.vault else body

    def error(self, body: bytes) -> bytes:
        """A provider's error body, restored: it may quote the request as it was sent."""
        return dump_json(restore_json(answer_object(body), self._answer.plain)) if self.vault else body

    def event(self, data: bytes) -> Iterator[bytes]:
        """The events to give to the caller for one event of the provider, numbered without a gap."""
        if not self.vault and b'"usage"' not in data:
            yield data
            return
        event = answer_object(data)
        self._note(event.get("response"))
        if not self.vault:
            yield data
            return
        if self._next is None:
            self._next = event.get("sequence_number")
        for each in self._restored(event):
            numbered = self._numbered(each)
            yield data if numbered == event else dump_json(numbered)

    def finish(self) -> Iterator[bytes]:
        """What is still held back when the stream ends."""
        for event in self._flushed("error", {}):
            yield dump_json(self._numbered(event))

    def _note(self, answer: Json) -> None:
        if isinstance(answer, dict):
            self.usage.note(answer, prompt="input_tokens", completion="output_tokens")

    def _numbered(self, event: _Event) -> _Event:
        if isinstance(self._next, int) and "sequence_number" in event:
            event = {**event, "sequence_number": self._next}
            self._next += 1
        return event

    def _restored(self, event: _Event) -> Iterator[_Event]:
        kind = str(event.get("type"))
        if kind.endswith(".delta") and kind != _BYTES and isinstance(event.get("delta"), str | dict):
            yield from self._delta(kind.removesuffix(".delta"), event)
        elif kind == _ANNOTATION:
            # It points into the text, of which the end may still be held back: it is told when the text is whole.
            self._cited.setdefault(_key(_where(event)), []).append(event)
        else:
            yield from self._flushed(kind, event)
            if kind == f"{_TEXT}.done":
                yield from self._citations(event)
            yield _bounded(self._answer if kind in _ENDS else self._repeats, event)

    def _delta(self, stem: str, event: _Event) -> Iterator[_Event]:
        """The delta with what is certain of its text; nothing where all of it is held back."""
        delta = event["delta"]
        pieces: _Event = delta if isinstance(delta, dict) else {"": delta}
        where = _where(event)
        told = _bounded(self._deltas, {name: value for name, value in event.items() if name != "delta"})
        fed: _Event = {}
        for member, piece in pieces.items():
            running = self._text(stem, where, member)
            running.last = told
            certain = running.text.feed(piece) if isinstance(piece, str) else restore_json(piece, self._deltas.plain)
            if certain not in ("", None):
                fed[member] = certain
        if fed:
            yield told | {"delta": fed if isinstance(delta, dict) else fed[""]}

    def _text(self, stem: str, where: _Event, member: str) -> _Running:
        key = (stem, member, *_key(where))
        texts = self._running.setdefault(_item(where), {})
        if key not in texts:
            texts[key] = _Running(stem, where, member, StreamRestorer(self._restorer(stem)))
        return texts[key]

    def _restorer(self, stem: str) -> Restorer:
        if stem in _JSON:
            return self._deltas.escaped
        return self._deltas.text if stem == _TEXT else self._deltas.plain

    def _flushed(self, kind: str, event: _Event) -> Iterator[_Event]:
        """What is held back of the texts that this event ends: of one text, of a part or item, or of all."""
        over = kind in _ENDS
        if not over and not kind.endswith(".done"):
            return
        stem, where = kind.removesuffix(".done"), _Event() if over else _where(event)
        for item in list(self._running) if _item(where) is None else [_item(where)]:
            texts = self._running.get(item, {})
            for key, running in list(texts.items()):
                ended = over or stem in _PARENTS or stem == running.stem
                if ended and where.items() <= running.where.items():
                    del texts[key]
                    yield from running.rest()
            if not texts:
                self._running.pop(item, None)

    def _citations(self, event: _Event) -> Iterator[_Event]:
        """The annotations of a text that is whole now, counted anew: some may point at nothing."""
        held = self._cited.pop(_key(_where(event)), [])
        text = event.get("text")
        cited: list[Json] = [each.get("annotation") for each in held]
        for number, annotation in enumerate(self._repeats.citations(cited, text) if isinstance(text, str) else ()):
            yield {**held[0], "annotation_index": number, "annotation": annotation}


def _bounded(values: ResponsesValues, event: _Event) -> _Event:
    """The object restored. Raises `UpstreamError` for one that is nested beyond reading."""
    try:
        return values.of_object(event)
    except RecursionError:
        raise UpstreamError(ErrorCode.UPSTREAM_ERROR) from None


def _where(event: _Event) -> _Event:
    """Where the text of an event stands. An item is known by its index, since some servers change its id."""
    where = {name: value for name, value in event.items() if name.endswith("_index") and name != "annotation_index"}
    if "output_index" not in where and "item_id" in event:
        where["item_id"] = event["item_id"]
    if any(isinstance(value, dict | list) for value in where.values()):
        raise UpstreamError(ErrorCode.UPSTREAM_ERROR)
    return where


def _item(where: _Event) -> Json:
    """What the texts of one item share; None where nothing says which item it is."""
    return where.get("output_index", where.get("item_id"))


def _key(where: _Event) -> tuple[Json, ...]:
    return tuple(part for name in sorted(where) for part in (name, where[name]))
