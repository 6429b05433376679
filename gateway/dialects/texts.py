"""The texts of an answer, whatever its dialect: found for inspection, and rewritten where something is cut out.

A running text of a stream (the pieces that come in deltas for one place of the answer) is one text, so nothing hides in
the joints of its pieces. JSON of the model's own making, such as the input of a tool, is one text with its keys and
numbers. Every other string is a text of its own. What only the protocol reads is no text: ids, types and the provider's
own sealed blobs.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from gateway.domain.answer_rules import Cut
from gateway.domain.errors import CallerError
from gateway.domain.json_nesting import Nesting
from gateway.domain.strict_json import Json, dump_json, parse_json

_SEALED = frozenset({"encrypted_content", "signature", "obfuscation"})
_PROTOCOL = frozenset(
    {
        *("id", "object", "type", "role", "status", "model", "finish_reason", "stop_reason", "item_id", "call_id"),
        *("tool_call_id", "tool_use_id", "response_id", "system_fingerprint", "service_tier", "previous_response_id"),
    }
)
_ID = re.compile(r"[A-Za-z0-9_.:/-]{1,128}")
_FREE = frozenset({"input", "arguments", "metadata", "parameters", "schema", "input_schema", "output_schema"})
"""Below these names nothing belongs to the protocol."""
_JSON = frozenset({"arguments", "partial_json"})
"""Strings that are JSON."""
_SPELLED = ("logprobs",)
"""Spells the text once more, token by token."""


@dataclass(frozen=True, slots=True)
class Slot:
    """One string of one document: the container that holds it, and where."""

    document: int
    container: dict[str, Json] | list[Json]
    key: str | int

    @property
    def is_json(self) -> bool:
        """Whether the text is JSON."""
        return self.key in _JSON

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
class JsonSlot:
    """One JSON value of one document that is a text as a whole."""

    document: int
    container: dict[str, Json] | list[Json]
    key: str | int

    @property
    def is_json(self) -> bool:
        """It is."""
        return True

    @property
    def text(self) -> str:
        """The value, written."""
        return dump_json(self.container[self.key]).decode("utf-8")  # type: ignore[index]  # made for this container

    def put(self, text: str) -> None:
        """Another value in its place; nothing of it where a cut left no JSON."""
        try:
            value = parse_json(text)
        except CallerError:
            value = {}
        self.container[self.key] = value  # type: ignore[index]


@dataclass(frozen=True, slots=True)
class AnswerText:
    """One text of an answer, in the order of its pieces."""

    slots: tuple[Slot | JsonSlot, ...]

    @property
    def text(self) -> str:
        """The whole text."""
        return "".join(slot.text for slot in self.slots)

    def cut(self, cuts: Sequence[Cut]) -> None:
        """Replace these places, which are sorted and apart. A mark stands in the piece in which its place began."""
        if self.slots[0].is_json:
            cuts = list(_quoted(self.text, cuts))
        begin = first = 0
        for slot in self.slots:
            piece = slot.text
            while first < len(cuts) and cuts[first].end <= begin:
                first += 1
            slot.put(_without(piece, begin, itertools.islice(cuts, first, None)))
            begin += len(piece)


def texts_of(documents: Sequence[dict[str, Json]]) -> list[AnswerText]:
    """Every text of an answer: of its one document, or of the events of a stream in their order."""
    running: dict[tuple[Json, ...], list[Slot | JsonSlot]] = {}
    for number, document in enumerate(documents):
        place = _place(document)
        for slot, path in _slots(document, number, ()):
            # The text with which a block of a message begins goes on in its deltas.
            path = ("delta", *path[1:]) if path[:1] == ("content_block",) else path  # noqa: PLW2901
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
    if "choices" in document:
        return ("choices",)
    kind = str(document.get("type"))
    if kind == "content_block_start":
        kind = "content_block_delta"
    if not kind.endswith(("_delta", ".delta")):
        return ()
    # An item is known by its index, since some servers change its id.
    known = "output_index" in document
    names = sorted(name for name in document if name.endswith("index") or (name == "item_id" and not known))
    return (kind, *(str(document[name]) for name in names))


def _slots(value: Json, document: int, path: tuple[Json, ...]) -> Iterator[tuple[Slot | JsonSlot, tuple[Json, ...]]]:
    if isinstance(value, dict):
        for key, member in value.items():
            if isinstance(member, str):
                if not _is_protocol(key, member):
                    yield Slot(document, value, key), (*path, key)
            elif key in _FREE:
                if isinstance(member, dict | list) and member:
                    yield JsonSlot(document, value, key), (*path, key)
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


def _quoted(text: str, cuts: Sequence[Cut]) -> Iterator[Cut]:
    """The cuts in a JSON text, with marks that are JSON also where a number stood."""
    nesting, at = Nesting(), 0
    for cut in cuts:
        nesting.feed(text[at : cut.start])
        at = cut.start
        yield cut if nesting.depth else Cut(cut.start, cut.end, f'"{cut.mark}"')


def _without(piece: str, begin: int, cuts: Iterable[Cut]) -> str:
    """One piece, which begins at `begin` of its text, with the cuts that touch it."""
    parts: list[str] = []
    at, end = begin, begin + len(piece)
    for cut in cuts:
        if cut.start >= end:
            break
        parts.append(piece[at - begin : max(cut.start, begin) - begin])
        if cut.start >= begin:
            parts.append(cut.mark)
        at = min(cut.end, end)
    return "".join([*parts, piece[at - begin :]])
