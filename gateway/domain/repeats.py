"""Finds the values that a detector saw somewhere wherever they stand: in any case, width or composition, with any
spaces between words and any invisible characters within.

Values are kept as a tree of tokens, so that the time for one place of a text does not grow with their number.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from gateway.domain.folding import Folded, folded

_SHORTEST = 4
_MOST_TOKENS = 64
"""Of a longer value the rest is compared as one text: trees over endless repetitions would cost quadratic time."""
_WORD = re.compile(r"[^\W_]+")
_TOKEN = re.compile(r"[^\W_]+|\s+|.")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Repeat(Generic[T]):
    """Characters `start` to `end` (exclusive) are the value that was learned with `known`."""

    start: int
    end: int
    known: T


class Repeats(Generic[T]):
    """Values of at least four characters and one letter or digit, each with what was learned of it first."""

    def __init__(self, values: Iterable[tuple[str, T]]) -> None:
        self._root: _Node[T] = _Node()
        for value, known in values:
            self._learn(folded(value).text.rstrip(), known)

    def _learn(self, value: str, known: T) -> None:
        word = _WORD.search(value)
        if word is None or len(value) < _SHORTEST:
            return
        node, end = self._root, len(value)
        for count, token in enumerate(_TOKEN.finditer(value, word.start())):
            if count == _MOST_TOKENS:
                end = token.start()
                break
            shown = _spaced(token.group())
            if shown not in node.next:
                node.next[shown] = _Node()
            node = node.next[shown]
        node.values.setdefault(value[end:], (value[: word.start()], known))

    def within(self, text: str) -> Iterator[Repeat[T]]:
        """Every occurrence of a known value: at each place the longest."""
        if not self._root.next:
            return
        whole = folded(text)
        tokens = list(_TOKEN.finditer(whole.text))
        shown = [_spaced(token.group()) for token in tokens]
        for at, token in enumerate(shown):
            if token in self._root.next:
                yield from self._at(whole, tokens, shown, at)

    def _at(self, whole: Folded, tokens: list[re.Match[str]], shown: list[str], at: int) -> Iterator[Repeat[T]]:
        node, begin = self._root, tokens[at].start()
        longest: Repeat[T] | None = None
        for place in range(at, len(tokens)):
            following = node.next.get(shown[place])
            if following is None:
                break
            node = following
            end = tokens[place].end()
            for rest, (before, known) in node.values.items():
                if whole.text.startswith(rest, end):
                    start = begin - len(before) if whole.text.endswith(before, 0, begin) else begin
                    found = Repeat(*whole.span(start, end + len(rest)), known)
                    longest = found if longest is None or found.end > longest.end else longest
        if longest is not None:
            yield longest


class _Node(Generic[T]):
    """The tokens that may follow, and the values that end here or go on with a rest (mostly none): what stands before
    the first word, and what is known."""

    __slots__ = ("next", "values")

    def __init__(self) -> None:
        self.next: dict[str, _Node[T]] = {}
        self.values: dict[str, tuple[str, T]] = {}


def _spaced(token: str) -> str:
    return " " if token.isspace() else token
