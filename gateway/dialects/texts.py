"""The texts of an answer, whatever its dialect: found for inspection, and rewritten where something is cut out.

A running text of a stream (the pieces that come in deltas for one place of the answer) is one text, so nothing hides in
the joints of its pieces. Every other string is a text of its own. What only the protocol reads is no text: ids, types
and the provider's own sealed blobs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gateway.domain.answer_rules import Cut
from gateway.domain.strict_json import Json

_SEALED = frozenset({"encrypted_content", "signature", "obfuscation"})
_PROTOCOL = frozenset(
    {
        *("id", "object", "type", "role", "status", "model", "finish_reason", "stop_reason", "item_id", "call_id"),
        *("tool_call_id", "tool_use_id", "response_id", "system_fingerprint", "service_tier", "previous_response_id"),
    }
)
_ID = re.compile(r"[A-Za-z0-9_.:/-]{1,128}")
_NUMBERED = ("item_id", "output_index", "content_index", "summary_index", "index")
_SPELLED = ("logprobs",)
"""Spells the text once more, token by token."""


@dataclass(frozen=True, slots=True)
class Slot:
    """One string of one document: the container that holds it, and where."""

    document: int
    container: dict[str, Json] | list[Json]
    key: str | int

    @property
    def text(self) -> str:
        """The string."""
        value = self.container[self.key]  # type: ignore[index]  # made for this container
        assert isinstance(value, str)
        return value

    def put(self, text: str) -> None:
        """Another string in its place."""
        self.container[self.key] = text  # type: ignore[index]


@dataclass(frozen=True, slots=True)
class AnswerText:
    """One text of an answer, in the order of its pieces."""

    slots: tuple[Slot, ...]

    @property
    def text(self) -> str:
        """The whole text."""
        return "".join(slot.text for slot in self.slots)

    def cut(self, cuts: Sequence[Cut]) -> None:
        """Replace these places. A mark stands in the piece in which its place began."""
        begin = 0
        for slot in self.slots:
            piece = slot.text
            slot.put(_without(piece, begin, cuts))
            begin += len(piece)


def texts_of(documents: Sequence[dict[str, Json]]) -> list[AnswerText]:
    """Every text of an answer: of its one document, or of the events of a stream in their order."""
    running: dict[tuple[Json, ...], list[Slot]] = {}
    for number, document in enumerate(documents):
        place = _place(document)
        for slot, path in _slots(document, number, ()):
            key = (*place, *path) if place else (number, *path)
            running.setdefault(key, []).append(slot)
    return [AnswerText(tuple(slots)) for slots in running.values()]


def drop_spelled(document: Json) -> None:
    """Take out what spells the text once more: it would contradict a text in which something was cut."""
    if isinstance(document, dict):
        for key, value in document.items():
            if key in _SPELLED and value:
                document[key] = [] if isinstance(value, list) else None
            else:
                drop_spelled(value)
    elif isinstance(document, list):
        for item in document:
            drop_spelled(item)


def _place(document: dict[str, Json]) -> tuple[Json, ...]:
    """What the pieces of one running text share; empty for a document whose strings are whole."""
    kind = document.get("type")
    if isinstance(kind, str):
        piecewise = kind.endswith(("_delta", ".delta"))
    else:
        piecewise = document.get("object") in {"chat.completion.chunk", "text_completion"} or "choices" in document
    if not piecewise:
        return ()
    return ("running", kind, *(str(document.get(name)) for name in _NUMBERED))


def _slots(value: Json, document: int, path: tuple[Json, ...]) -> Iterator[tuple[Slot, tuple[Json, ...]]]:
    if isinstance(value, dict):
        for key, member in value.items():
            if isinstance(member, str):
                if not _is_protocol(key, member):
                    yield Slot(document, value, key), (*path, key)
            elif key not in _SPELLED:
                yield from _slots(member, document, (*path, key))
    elif isinstance(value, list):
        for at, item in enumerate(value):
            step = item["index"] if isinstance(item, dict) and isinstance(item.get("index"), int) else at
            if isinstance(item, str):
                yield Slot(document, value, at), (*path, at)
            else:
                yield from _slots(item, document, (*path, step))


def _is_protocol(key: str, value: str) -> bool:
    return key in _SEALED or (key in _PROTOCOL and _ID.fullmatch(value) is not None)


def _without(piece: str, begin: int, cuts: Sequence[Cut]) -> str:
    """One piece, which begins at `begin` of its text, with the cuts that touch it."""
    parts: list[str] = []
    at, end = begin, begin + len(piece)
    for cut in cuts:
        if cut.end <= begin or cut.start >= end:
            continue
        parts.append(piece[at - begin : max(cut.start, begin) - begin])
        if cut.start >= begin:
            parts.append(cut.mark)
        at = min(cut.end, end)
    return "".join([*parts, piece[at - begin :]])
