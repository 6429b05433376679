"""What a text says when what is wrapped in it is unwrapped: escapes, base64, hex, spelled-out values, in each other.

A layer is a part of the text around something unwrapped, with that in its place, and the way back to the original
offsets. A span that touches unwrapped characters leads back to all that they were written with. Layers are looked into
again, to a fixed depth and a fixed total length; what is wrapped deeper or larger raises, so nobody calls it examined.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from gateway.detection.encoded import encoded
from gateway.detection.escapes import escapes
from gateway.detection.replacements import Replacement
from gateway.detection.shadow import BORDER, fold, touch
from gateway.detection.spelled import broken_lines, spelled

DEPTH = 3
"""So many wrappings in each other are read."""

_MARGIN = 100
_APART = 200
_LETTER = re.compile(r"[^\W\d_]")
_WORD = re.compile(r"[^\W\d_][a-z\u00df-\uffff]{2}|[A-Z]{4}")
_TIMES = 8
_AT_LEAST = 512 * 1024


class TooDeep(Exception):
    """Something is wrapped more often, or is longer in all, than is read: it was not examined."""


@dataclass(frozen=True, slots=True)
class Layer:
    """Character i of `text` stands for the original characters `starts[i]` up to `ends[i]`, exclusive.

    `fresh` are the spans of `text`, sorted, that were unwrapped. A `whole` layer is the whole text, unwrapped; a
    `wordy` one may hold names among what was unwrapped: bytes that happen to be letters are no words.
    """

    text: str = field(repr=False)
    starts: tuple[int, ...] | range = field(repr=False)
    ends: tuple[int, ...] | range = field(repr=False)
    fresh: tuple[tuple[int, int], ...] = ()
    whole: bool = False
    wordy: bool = True

    def touches(self, start: int, end: int) -> bool:
        """Whether something in this span was unwrapped."""
        last = bisect_left(self.fresh, (end,)) - 1
        return last >= 0 and start < self.fresh[last][1]

    def original(self, start: int, end: int) -> tuple[int, int]:
        """The original offsets of the non-empty span `start` to `end`."""
        return min(self.starts[start:end]), max(self.ends[start:end])


def layers(text: str) -> Iterator[Layer]:
    """Every layer of `text`, outer ones first. Raises `TooDeep` or `TooLarge`."""
    surface = Layer(text, range(len(text)), range(1, len(text) + 1), ((0, len(text)),), whole=True)
    yield from _within(surface, 0, _Budget(_TIMES * len(text) + _AT_LEAST))


class _Budget:
    def __init__(self, characters: int) -> None:
        self._left = characters

    def spend(self, characters: int) -> None:
        """Raises `TooDeep` when nothing is left."""
        self._left -= characters
        if self._left < 0:
            raise TooDeep


_Way = Callable[[str], list[Replacement]]
_WAYS: tuple[_Way, ...] = (escapes, encoded, spelled, broken_lines)


def _within(layer: Layer, depth: int, budget: _Budget) -> Iterator[Layer]:
    for way in _WAYS:
        found = [each for each in way(layer.text) if depth == 0 or layer.touches(each.start, each.end)]
        if depth == DEPTH and way is broken_lines:
            return  # a line that goes on after a break is no wrapping: a list of addresses has many
        if found and depth == DEPTH:
            raise TooDeep
        for group in (group for track in _tracks(found) for group in _groups(track, len(layer.text))):
            inner = _unwrapped(layer, group, way)
            budget.spend(len(inner.text))
            yield inner
            yield from _within(inner, depth + 1, budget)


def _tracks(found: list[Replacement]) -> list[list[Replacement]]:
    """The replacements in lists without overlaps: what can be read in two ways is read in both."""
    tracks: list[list[Replacement]] = []
    for each in found:
        free = next((track for track in tracks if track[-1].end <= each.start), None)
        if free is None:
            tracks.append([each])
        else:
            free.append(each)
    return tracks


@dataclass(frozen=True, slots=True)
class _Group:
    """Replacements that are near each other, and the part of the text around them."""

    start: int
    end: int
    replacements: Sequence[Replacement]


def _groups(found: Sequence[Replacement], length: int) -> list[_Group]:
    """What makes one layer each: what is near each other, or everything where that is most of the text."""
    groups: list[list[Replacement]] = []
    for each in found:
        if groups and each.start - groups[-1][-1].end <= _APART:
            groups[-1].append(each)
        else:
            groups.append([each])
    parts = [_Group(max(0, g[0].start - _MARGIN), min(length, g[-1].end + _MARGIN), g) for g in groups]
    covered = sum(part.end - part.start for part in parts)
    return [_Group(0, length, found)] if 2 * covered > length else parts


def _unwrapped(layer: Layer, group: _Group, way: _Way) -> Layer:
    """The part of `layer` around a group, unwrapped and folded."""
    at, stop = group.start, group.end
    pieces: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    fresh: list[tuple[int, int]] = []
    believed = _WORD if way is encoded else _LETTER
    wordy = False
    for each in group.replacements:
        pieces.append(layer.text[at : each.start])
        starts += layer.starts[at : each.start]
        ends += layer.ends[at : each.start]
        text = fold(each.text).text
        text = BORDER + text if touch(pieces[-1] or "".join(pieces[-2:]), text) else text
        text = text + BORDER if touch(text, layer.text[each.end : each.end + 1]) else text
        begin, end = layer.original(each.start, each.end)
        fresh.append((len(starts), len(starts) + max(1, len(text))))
        wordy = wordy or believed.search(text) is not None
        pieces.append(text)
        starts += [begin] * len(text)
        ends += [end] * len(text)
        at = each.end
    whole = way is escapes and layer.whole and group.start == 0 and stop == len(layer.text)
    pieces.append(layer.text[at:stop])
    starts += layer.starts[at:stop]
    ends += layer.ends[at:stop]
    return Layer("".join(pieces), tuple(starts), tuple(ends), tuple(fresh), whole, wordy)
