"""The letters and digits of a text alone, word by word: what is between words (spaces, punctuation, signs without
width) does not tell two writings of a value apart, and neither does case."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import accumulate

from gateway.detection.shadow import SPACELESS

_WORD = re.compile(rf"[{SPACELESS}]|[^\W_{SPACELESS}]+")
_ASCII_WORD = re.compile(r"[A-Za-z0-9]+")


@dataclass(frozen=True, slots=True)
class Letters:
    """`text` are the letters and digits, case folded. Word i is `text[begins[i]:ends[i]]`, and stands at `spans[i]` in
    what was written, end exclusive. Where words have no spaces between them each character counts as one."""

    text: str = field(repr=False)
    begins: list[int]
    ends: list[int]
    spans: list[tuple[int, int]]

    def span(self, first: int, last: int) -> tuple[int, int]:
        """Where words `first` to `last`, inclusive, stand in what was written."""
        return self.spans[first][0], self.spans[last][1]


def letters_of(text: str) -> Letters:
    """The letters of a text that `shadow.fold` has folded."""
    spans = [match.span() for match in (_ASCII_WORD if text.isascii() else _WORD).finditer(text)]
    words = [text[start:end].casefold() for start, end in spans]
    ends = list(accumulate(map(len, words)))
    return Letters("".join(words), [0, *ends[:-1]] if ends else [], ends, spans)
