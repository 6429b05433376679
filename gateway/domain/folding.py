"""Two writings of one value as one string: case, width, kinds of space, composed letters and invisible characters do
not count.

`fold` gives values their identity. `folded` is coarser (ß is ss) and for search: it keeps, for every character of the
result, where it stood in the text.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufe00-\ufe0f\ufeff]"
)
_VOICING_MARKS = "\uff9e\uff9f"
"""Half-wide katakana marks: no combining characters, but NFKC joins them with the letter before."""


def fold(value: str) -> str:
    """The identity of a value. Strauß is not Strauss: two people never become one."""
    if not value.isascii():
        value = _INVISIBLE.sub("", unicodedata.normalize("NFKC", value))
    return " ".join(value.split()).lower()


@dataclass(frozen=True, slots=True)
class Folded:
    """A folded text. `span` tells where in the text a part of it stood."""

    text: str = field(repr=False)
    _starts: Sequence[int] = field(repr=False)
    _ends: Sequence[int] = field(repr=False)

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The text's characters that gave characters `start` to `end` (exclusive, not empty) of the folded text."""
        return (self._starts[start], self._ends[end - 1]) if self._starts else (start, end)


def folded(text: str) -> Folded:
    """`text` folded for search."""
    plain = text.casefold()
    one_to_one = len(plain) == len(text)  # case folding never shortens
    if text.isascii() or (one_to_one and unicodedata.is_normalized("NFKC", text) and not _INVISIBLE.search(text)):
        return Folded(plain, (), ())
    parts: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    for start, end in _clusters(text):
        shown = _INVISIBLE.sub("", unicodedata.normalize("NFKC", text[start:end])).casefold()
        parts.append(shown)
        starts += [start] * len(shown)
        ends += [end] * len(shown)
    return Folded("".join(parts), starts, ends)


def _clusters(text: str) -> Iterator[tuple[int, int]]:
    """Characters, each with whatever NFKC may join to it."""
    start = 0
    for at in range(1, len(text)):
        if not _joins(text[at]):
            yield start, at
            start = at
    if text:
        yield start, len(text)


def _joins(letter: str) -> bool:
    if letter < "\u0300":
        return False
    return unicodedata.combining(letter) != 0 or "\u1160" <= letter <= "\u11ff" or letter in _VOICING_MARKS
