"""From what the encoder says of each word piece to the mentions that a text holds: which words, of what kind, how sure.

What the model cannot know of itself is held to here: a name is written on one line; the line above a house number is
no part of the address, and neither is the label of the line below it; a name in a sentence may stand where nothing
else speaks for it, an identifier in code may not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from gateway.detection.pieces import Floats, Pieces, Shape, Whole

_EDGES = " \t\n\r,;:!?\"'()-/*&>|"
_SMALL_WORDS = frozenset({"the", "and", "of", "for", "s", "a", "an", "in", "to"})
_GENERAL = {"PUBLIC_FIGURE": "PERSON"}
"""A name is one name, whether it is told as a topic or as somebody's."""
_PERSON, _ADDRESS = "PERSON", "STREET_ADDRESS"
_NAMELIKE = (Shape.TITLE, Shape.MIXED)
_LINE = re.compile(r"[^\n]*(?:\n|\Z)")
_SIGN_OF_CODE = re.compile(r"[{}()\[\]<>;=_\\|*&$#`^~/@+\"]")
_MOST_SIGNS = 0.04
"""A line with a larger share of such signs is no sentence."""
_STREET = re.compile(
    r"\b(?:street|st|road|rd|lane|avenue|ave|drive|way|court|close|square|place|house|cottage)\b", re.IGNORECASE
)
_LEAST_OTHERWISE = 0.01
_SURE_OF_NONE = 0.995
_SURE = 0.8


@dataclass(frozen=True, slots=True)
class Mention:
    """What the encoder takes for an entity: characters from `start` to `end`, and a probability."""

    start: int
    end: int
    label: str
    score: float


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Probabilities. A word is of a mention where it is less likely of none than `most_outside`; one in a sentence that
    is written like a name, and if anything would be one, than `most_outside_of_names`. A special kind of name is told
    where it has `least_special` of the name's probability."""

    most_outside: float
    most_outside_of_names: float
    least_special: float

    @staticmethod
    def of(told: Mapping[str, object]) -> Thresholds:
        """As `encoder.json` tells them."""
        least = float(str(told["most_outside"]))
        names = float(str(told.get("most_outside_of_names", least)))
        return Thresholds(least, names, float(str(told["least_special"])))


@dataclass(frozen=True, slots=True)
class GivenNames:
    """What is known of names beside the model: a word of the list `known` (in small letters) is so many times likelier
    to be of a person than the model says, capitalised or in small letters; any other word that stands beside none, and
    beside none of which the model is sure, `other` times. In code a list says nothing."""

    known: frozenset[str] = frozenset()
    capitalised: float = 1.0
    small: float = 1.0
    other: float = 1.0


@dataclass(frozen=True, slots=True)
class _Words:
    """The words of a text: where each begins and ends in it, its shape, its kinds' probabilities, [words,
    labels]; and whether each character of the text is in code."""

    text: str
    starts: Sequence[int]
    ends: Sequence[int]
    shapes: Whole
    outside: Floats
    kinds: Floats
    in_code: NDArray[np.bool_]

    def new_line(self, word: int) -> bool:
        """Whether the end of a line lies before a word."""
        return word > 0 and "\n" in self.text[self.ends[word - 1] : self.starts[word]]

    def value(self, words: Sequence[int]) -> str:
        """What neighbouring words say."""
        return self.text[self.starts[words[0]] : self.ends[words[-1]]]


class Reading:
    """How mentions of the kinds `labels` are read from classes: `O`, then the beginning and the inside of each kind."""

    def __init__(self, labels: tuple[str, ...], thresholds: Thresholds, names: GivenNames | None = None) -> None:
        self._labels = labels
        self._thresholds = thresholds
        self._names = names or GivenNames()
        self._address = labels.index(_ADDRESS) if _ADDRESS in labels else -1
        self._person = labels.index(_PERSON) if _PERSON in labels else -1
        self._fold = np.eye(len(labels), dtype=np.float32)
        """[labels, labels]: a special kind counts as its general one while it is asked what a word belongs to."""
        for special, general in _GENERAL.items():
            if special in labels:
                self._fold[labels.index(special)] = self._fold[labels.index(general)]
        self._people = [at for at, label in enumerate(labels) if _GENERAL.get(label, label) == _PERSON]

    def mentions(self, pieces: Pieces, classes: Floats, text: str) -> list[Mention]:
        """Words of one kind in a row are one mention, unless a later one says that it begins another.

        `classes` are each piece's odds, [pieces, classes], of at least one piece.
        """
        firsts = np.flatnonzero(np.diff(pieces.words, prepend=-1))
        words = self._informed(_words(pieces, firsts, classes, text))
        best = (words.kinds @ self._fold).argmax(axis=1)
        begins = (classes[firsts, 1::2] - classes[firsts, 2::2]) @ self._fold > 0
        inside = self._inside(words, best)
        for word in inside[1:].tolist():
            # Only an address goes on over the end of a line.
            if best[word] != self._address and words.new_line(word):
                begins[word] = True
        runs = _runs(inside, best, begins)
        return [
            found for run in runs for part in self._parts(run, words, best) if (found := self._mention(*part, words))
        ]

    def _informed(self, words: _Words) -> _Words:
        """The words with what is known of names weighed in. Where the model is sure of none, nothing changes."""
        doubtful = np.flatnonzero(words.outside < _SURE_OF_NONE).tolist()
        known = np.zeros(len(words.outside) + 2, bool)
        known[1:-1] = words.kinds[:, self._people].sum(axis=1) > _SURE
        odds = np.ones(len(words.outside), np.float32)
        for word in doubtful:
            value = words.value([word])
            if value.lower() in self._names.known and not words.in_code[words.starts[word]]:
                odds[word] = self._names.small if value.islower() else self._names.capitalised
                known[word + 1] = True
        for word in doubtful:
            if odds[word] == 1 and not known[[word, word + 2]].any():
                odds[word] = self._names.other
        kinds = words.kinds.copy()
        kinds[:, self._people] *= odds[:, None]
        whole = words.outside + kinds.sum(axis=1)
        return replace(words, outside=words.outside / whole, kinds=kinds / whole[:, None])

    def _inside(self, words: _Words, best: Whole) -> Whole:
        """The numbers of the words that are of some mention."""
        bounds = np.full(len(best), self._thresholds.most_outside, np.float32)
        namelike = np.isin(words.shapes, _NAMELIKE) & (best == self._person)
        bounds[namelike & ~words.in_code[words.starts]] = self._thresholds.most_outside_of_names
        return np.flatnonzero(words.outside < bounds)

    def _parts(self, run: list[int], words: _Words, best: Whole) -> Iterator[tuple[list[int], Floats]]:
        """A run with its words' kinds; an address in its parts: what stands on the line above its house number, the
        address, and without the label of a line below it."""
        kinds = words.kinds[run].mean(axis=0)
        lines = _lines(run, words)
        if best[run[0]] != self._address or len(lines) == 1:
            yield run, kinds
            return
        if _above(words.value(lines[0]), words.value(lines[1])):
            otherwise = np.where(np.arange(len(kinds)) == self._address, 0, words.kinds[lines[0]].mean(axis=0))
            if otherwise.max() >= _LEAST_OTHERWISE:
                yield lines[0], (kinds.sum() / otherwise.sum() * otherwise).astype(np.float32)
                lines = lines[1:]
        while len(lines) > 1 and words.text[words.ends[lines[-1][-1]] :][:1] == ":":
            lines.pop()
        rest = [word for line in lines for word in line]
        yield rest, words.kinds[rest].mean(axis=0)

    def _mention(self, run: list[int], kinds: Floats, words: _Words) -> Mention | None:
        start, end = _trimmed(words.text, words.starts[run[0]], words.ends[run[-1]])
        return Mention(start, end, *self._told(kinds)) if start < end else None

    def _told(self, kinds: Floats) -> tuple[str, float]:
        """The kind of a mention and its probability. A special kind has to be likelier than its general one by far:
        the general one is the stricter."""
        folded = kinds @ self._fold
        label = self._labels[int(folded.argmax())]
        score = float(folded.max())
        for special, general in _GENERAL.items():
            if label == general and special in self._labels:
                likely = float(kinds[self._labels.index(special)]) >= self._thresholds.least_special * score
                label = special if likely else general
        return label, min(score, 1.0)


def _words(pieces: Pieces, firsts: Whole, classes: Floats, text: str) -> _Words:
    ends = np.append(firsts[1:], len(pieces.words))
    means = (np.add.reduceat(classes, firsts, axis=0) / (ends - firsts)[:, None]).astype(np.float32)
    return _Words(
        text,
        [pieces.spans[at][0] for at in firsts.tolist()],
        [pieces.spans[at - 1][1] for at in ends.tolist()],
        pieces.shapes[firsts],
        means[:, 0],
        means[:, 1::2] + means[:, 2::2],
        _in_code(text),
    )


def _in_code(text: str) -> NDArray[np.bool_]:
    """Whether each character stands in a line of code, of markup or of a table. Linear in the text's length."""
    out = np.zeros(len(text) + 1, bool)
    for line in _LINE.finditer(text):
        shown = len(line.group().strip())
        if shown and len(_SIGN_OF_CODE.findall(line.group())) > _MOST_SIGNS * shown:
            out[line.start() : line.end()] = True
    return out


def _lines(run: Sequence[int], words: _Words) -> list[list[int]]:
    """Words by the line that they stand on."""
    lines = [[run[0]]]
    for word in run[1:]:
        if words.new_line(word):
            lines.append([])
        lines[-1].append(word)
    return lines


def _above(line: str, below: str) -> bool:
    """Whether a line is the name above an address and not its beginning: it has no number, and the house number, with
    which the next one begins, is not that of the street that it names."""
    return not any(map(str.isdigit, line)) and below[:1].isdigit() and not _STREET.search(line)


def _runs(inside: Whole, best: Whole, begins: NDArray[np.bool_]) -> Iterator[list[int]]:
    """Neighbouring words of one mention each, by number."""
    run: list[int] = []
    for word in inside.tolist():
        if run and not (word == run[-1] + 1 and best[word] == best[run[-1]] and not begins[word, best[word]]):
            yield run
            run = []
        run.append(word)
    if run:
        yield run


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    """A mention without the signs at its edges; empty when nothing but signs and small words is left."""
    while start < end and text[start] in _EDGES:
        start += 1
    while start < end and text[end - 1] in _EDGES:
        end -= 1
    value = text[start:end]
    return (start, end) if any(map(str.isalnum, value)) and value.lower() not in _SMALL_WORDS else (start, start)
