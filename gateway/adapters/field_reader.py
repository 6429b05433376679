"""Reads named fields out of a text: for each the span that the reader's network points at, copied letter by letter.

    names + text -> word pieces -> scores of beginnings and ends -> spans

All fields are read at once; a text that is longer than a window is read in several. How the network was trained is in
`models/recipes/reader`, which uses the same functions, so that both read a text alike.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from gateway.detection.networks import network, tokenizer_inside
from gateway.detection.pieces import Floats, Pieces, Shape, Whole, cut

_FIRST, _LAST = 101, 102  # [CLS] and [SEP] of BERT's vocabulary
_ASKED = len(Shape)
"""The shape of a field's pieces: one more than those of a text."""
_NAME = 16
"""Pieces of a field's name that are read."""
_AT_ONCE = 8
"""Fields that are asked for at once."""
WINDOW = 320
"""Pieces of a text that are read at once."""
OVERLAP = 64
LONGEST = 60
"""Pieces of a value."""
_TRIED = 6
"""Beginnings of a value that are tried."""
_DARING = 3.0
"""How much worse than nothing at all a value may fit: chosen on held-out generated texts."""
_A_PIECE = 0.1
"""What each further piece of a value must bring, so that no value reaches from one to the end of another."""

Run = Callable[[Whole, Whole, Floats], tuple[Floats, Floats]]
"""(ids, shapes, shares) give the scores of beginnings and ends, [fields, length]."""


@dataclass(frozen=True, slots=True)
class Question:
    """The fields as the network reads them, before the text. `shares` is [fields, size]: each field's own pieces."""

    ids: Whole
    shapes: Whole
    shares: Floats

    @property
    def size(self) -> int:
        """How many pieces stand before the text."""
        return len(self.ids)

    def before(self, pieces: Pieces, start: int, end: int) -> tuple[Whole, Whole]:
        """Ids and shapes of the question with a part of a text behind it."""
        ids = np.concatenate((self.ids, pieces.ids[start:end], [_LAST]))
        return ids, np.concatenate((self.shapes, pieces.shapes[start:end], [Shape.PLAIN]))


def question(tokenizer: Tokenizer, names: Sequence[str]) -> Question:
    """The question for fields of these names, which are words (`spoken`)."""
    ids: list[int] = [_FIRST]
    shares: list[tuple[int, int]] = []
    for name in names:
        own = tokenizer.encode(name, add_special_tokens=False).ids[:_NAME] or [_LAST]
        shares.append((len(ids), len(ids) + len(own)))
        ids += [*own, _LAST]
    rows = np.zeros((len(names), len(ids)), np.float32)
    for row, (start, end) in enumerate(shares):
        rows[row, start:end] = 1 / (end - start)
    shapes = np.where(rows.any(axis=0), _ASKED, Shape.PLAIN)
    return Question(np.array(ids, np.int64), shapes.astype(np.int64), rows)


@dataclass(frozen=True, slots=True)
class Span:
    """Where a value stands, in characters, and how much better it fits than nothing at all."""

    start: int
    end: int
    gain: float


class FieldReader:
    """One loaded network. Not safe for several threads."""

    def __init__(self, file: Path) -> None:
        self._session = network(file)
        self._tokenizer = tokenizer_inside(self._session)

    def values(self, text: str, names: Sequence[str], wanted: Callable[[], None]) -> list[str | None]:
        """The value of each field, or None where the text has none. `wanted` is asked between windows and may raise."""
        return read_values(self._tokenizer, self._run, text, names, wanted)

    def _run(self, ids: Whole, shapes: Whole, shares: Floats) -> tuple[Floats, Floats]:
        given = {"pieces": ids[None], "shapes": shapes[None], "mask": np.ones_like(ids)[None], "asked": shares[None]}
        begins, ends = self._session.run(None, given)
        return cast("Floats", begins[0]), cast("Floats", ends[0])


def read_values(
    tokenizer: Tokenizer, run: Run, text: str, names: Sequence[str], wanted: Callable[[], None] = lambda: None
) -> list[str | None]:
    """The value of each field by any network that `run` stands for."""
    pieces = cut(tokenizer, text)
    found: list[list[Span]] = []
    for first in range(0, len(names), _AT_ONCE):
        asked = question(tokenizer, names[first : first + _AT_ONCE])
        best: list[list[Span]] = [[] for _ in asked.shares]
        for start, end in _windows(len(pieces.ids)):
            wanted()
            ids, shapes = asked.before(pieces, start, end)
            shares = np.zeros((len(asked.shares), len(ids)), np.float32)
            shares[:, : asked.size] = asked.shares
            begins, ends = run(ids, shapes, shares)
            for row in range(len(best)):
                best[row] += _spans(begins[row], ends[row], asked.size, pieces, start, end)
        found += best
    return [text[span.start : span.end] if span else None for span in _assigned(found)]


def _windows(total: int) -> Sequence[tuple[int, int]]:
    starts = range(0, max(total - OVERLAP, 1), WINDOW - OVERLAP)
    return [(start, min(start + WINDOW, total)) for start in starts]


def _spans(begins: Floats, ends: Floats, first: int, pieces: Pieces, start: int, end: int) -> list[Span]:
    """The best spans of one field in one window, those that fit well enough."""
    count = end - start
    nothing = float(begins[0] + ends[0])
    begin, stop = begins[first : first + count], ends[first : first + count]
    whole = _at_words(pieces, start, end)
    out: list[Span] = []
    for at in np.argsort(-begin)[:_TRIED]:
        if not whole[0][at]:
            continue
        reach = stop[at : at + LONGEST] + np.where(whole[1][at : at + LONGEST], 0.0, -1e4)
        reach = reach - _A_PIECE * np.arange(len(reach))
        last = at + int(reach.argmax())
        gain = float(begin[at] + reach[last - at]) - nothing + _DARING
        if gain > 0 and whole[1][last]:
            out.append(Span(pieces.spans[start + at][0], pieces.spans[start + last][1], gain))
    return out


def _at_words(pieces: Pieces, start: int, end: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which pieces of a window begin a word, and which end one."""
    words = pieces.words
    begin = np.array([at == 0 or words[at] != words[at - 1] for at in range(start, end)], bool)
    stop = np.array([at + 1 == len(words) or words[at] != words[at + 1] for at in range(start, end)], bool)
    return begin, stop


def _assigned(found: Sequence[Sequence[Span]]) -> list[Span | None]:
    """One span a field, the surest first; no two fields share a place."""
    out: list[Span | None] = [None] * len(found)
    taken: list[Span] = []
    ranked = sorted(((span, row) for row, spans in enumerate(found) for span in spans), key=lambda each: -each[0].gain)
    for span, row in ranked:
        if out[row] is None and not any(span.start < other.end and other.start < span.end for other in taken):
            out[row] = span
            taken.append(span)
    return out
