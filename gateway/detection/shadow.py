"""The text that recognisers read: the same text with disguises folded away, and the way back to the original offsets.

Compatibility forms (full width, ligatures, super- and subscripts), digits of every script, dashes, spaces and quotes
become their plain ASCII forms; characters without any width are dropped, and so are control characters that separate no
words. An identifier cannot be hidden by typography.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

_PLAIN = re.compile(r"[\t\n\x0b\x0c\r\x20-\x7e]+")
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")
_EMPTY_CATEGORIES = frozenset({"Cf", "Cs", "Co", "Cn"})
_EMPTY = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0")  # fillers and joiners that show nothing
_QUOTES = {"\u2018": "'", "\u2019": "'", "\u201b": "'", "\u02bc": "'", "\u201c": '"', "\u201d": '"', "\u00b4": "'"}
_DASHES = frozenset("\u2212\u02d7\u2043\u30fc\uff70")  # drawn as a dash without being dash punctuation
_LINES = frozenset("\u0085\u2028\u2029")


@dataclass(frozen=True, slots=True)
class Shadow:
    """Folded text. Character i of `text` stands for the original characters `starts[i]` up to `ends[i]`, exclusive.

    Empty `starts` and `ends` mean that nothing moved: the offsets are the original's own.
    """

    text: str = field(repr=False)
    starts: Sequence[int] = field(repr=False)
    ends: Sequence[int] = field(repr=False)

    def original(self, start: int, end: int) -> tuple[int, int]:
        """The original offsets of the non-empty span `start` to `end` of the folded text."""
        if not 0 <= start < end <= len(self.text):
            raise ValueError("a span covers at least one character of the text")
        if not self.starts:
            return start, end
        return self.starts[start], self.ends[end - 1]


def fold(text: str) -> Shadow:
    """The shadow of `text`. Linear in its length."""
    if text.isascii() and not _CONTROL.search(text):
        return Shadow(text, (), ())
    pieces: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    at = 0
    while at < len(text):
        plain = _PLAIN.match(text, at)
        # The last plain character may carry combining marks that follow it: it is folded together with them.
        stop = plain.end() if plain else at
        if plain and stop < len(text) and unicodedata.combining(text[stop]):
            stop -= 1
        if stop > at:
            pieces.append(text[at:stop])
            starts.extend(range(at, stop))
            ends.extend(range(at + 1, stop + 1))
            at = stop
            continue
        stop = _cluster_end(text, at)
        folded = _fold_cluster(text[at:stop])
        pieces.append(folded)
        starts.extend([at] * len(folded))
        ends.extend([stop] * len(folded))
        at = stop
    return Shadow("".join(pieces), starts, ends)


_LONGEST_CLUSTER = 16


def _cluster_end(text: str, at: int) -> int:
    """The end of the character at `at` with the marks that combine with it."""
    stop = at + 1
    while stop < len(text) and stop - at < _LONGEST_CLUSTER and unicodedata.combining(text[stop]):
        stop += 1
    return stop


@lru_cache(maxsize=4096)
def _fold_cluster(cluster: str) -> str:
    return "".join(_fold_character(character) for character in unicodedata.normalize("NFKC", cluster))


def _fold_character(character: str) -> str:  # one return for each kind of disguise
    if character.isascii():
        return "" if _CONTROL.match(character) else character
    category = unicodedata.category(character)
    if category in _EMPTY_CATEGORIES or character in _EMPTY or "\ufe00" <= character <= "\ufe0f":
        return ""
    if character in _LINES:
        return "\n"
    if category == "Nd":
        return str(unicodedata.decimal(character))
    if category == "Pd" or character in _DASHES:
        return "-"
    return " " if category == "Zs" else _QUOTES.get(character, character)
