"""The detectors that look values and documents up in an index: a policy's `exact_match` and `fingerprint`.

`exact_match`: a value is a run of whole words whose letters and digits, put together, are those of a value of a column,
however they are cut into words. A row counts where enough of its columns stand within a number of characters.

`fingerprint`: a shingle is the 32 letters and digits from the beginning of a word on; of each four neighbours the one
with the least hash is a fingerprint (winnowing), so what two texts share from about fifty letters on has the same
fingerprints in both. A passage counts where enough of its fingerprints are in the index; what stands before and after a
passage does not thin it out.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from gateway.detection.candidates import Hit
from gateway.detection.index_data import Hashes, Index, Rows, hashes_of, places_in
from gateway.detection.index_file import LETTERS, WINNOWED, IndexKey
from gateway.detection.letters import Letters, letters_of
from gateway.domain.detectors import ExactMatchDetector, FingerprintDetector
from gateway.domain.finding import Permille
from gateway.domain.labels import Entity

_CONFIDENCE = Permille(950)
_EXTRA_WORDS = 6
"""By so many further signs a value may be cut into words."""
_MOST_PAIRS = 200_000
_PASSAGE = 32
"""Fingerprints of a passage: about eighty words."""
_FEWEST = 3
"""A shorter common part is a phrase, not a document."""


class TooDense(Exception):
    """So many values of the index stand so near each other that they cannot be looked through."""


@dataclass(frozen=True, slots=True)
class _Value:
    """A value of one column in a text: where it stands, and its part of the column's hashes."""

    start: int
    end: int
    column: int
    low: int
    high: int


class ExactMatcher:
    """Finds the values of rows of an index."""

    def __init__(self, detector: ExactMatchDetector, index: Index) -> None:
        self._detector = detector
        self._key = index.key
        self._columns = [index.columns[name] for name in detector.columns]
        self._lengths = frozenset(index.header.lengths)
        self._longest = max(self._lengths, default=0)
        self._words = index.header.words + _EXTRA_WORDS
        self._shared: dict[tuple[int, int, int, int], Rows] = {}

    def find(self, text: str) -> Iterator[Hit]:
        """The values of each row of which enough stand near each other. Raises `TooDense`."""
        self._shared.clear()
        values = self._values(letters_of(text))
        found = values if self._detector.min_columns == 1 else self._of_rows(values)
        for start, end in sorted({(value.start, value.end) for value in found}):
            yield start, end, Entity(self._detector.id), _CONFIDENCE, "ExactMatchDetector"

    def _values(self, letters: Letters) -> list[_Value]:
        """Every value of the index in a text, by its start."""
        runs = self._runs(letters)
        hashes = hashes_of(self._key, runs)
        values: list[_Value] = []
        for number, column in enumerate(self._columns):
            low = places_in(column.hashes, hashes)
            high = np.searchsorted(column.hashes, hashes, side="right")
            for at, where in enumerate(runs.values()):
                if low[at] >= 0:
                    part = number, int(low[at]), int(high[at])
                    values += [_Value(*letters.span(*each), *part) for each in where]
        return sorted(values, key=lambda value: value.start)

    def _runs(self, letters: Letters) -> dict[str, list[tuple[int, int]]]:
        """Runs of words that are as long as some value: their letters, and the first and last word of each."""
        found: dict[str, list[tuple[int, int]]] = {}
        text, ends, lengths, longest = letters.text, letters.ends, self._lengths, self._longest
        for first, begin in enumerate(letters.begins):
            for last in range(first, min(first + self._words, len(ends))):
                length = ends[last] - begin
                if length > longest:
                    break
                if length in lengths:
                    found.setdefault(text[begin : ends[last]], []).append((first, last))
        return found

    def _of_rows(self, values: Sequence[_Value]) -> set[_Value]:
        """The values that stand beside enough others of their row."""
        found: set[_Value] = set()
        fewest = self._detector.min_columns
        pairs = 0
        for at, first in enumerate(values):
            rows: dict[int, dict[int, _Value]] = {}
            for other in self._beside(values, at):
                pairs += 1
                if pairs > _MOST_PAIRS:
                    raise TooDense
                for row in self._common(first, other)[: 1 if fewest == 2 else None].tolist():
                    columns = rows.setdefault(row, {first.column: first})
                    columns.setdefault(other.column, other)
                    if len(columns) >= fewest:
                        found.update(columns.values())
        return found

    def _beside(self, values: Sequence[_Value], at: int) -> Iterator[_Value]:
        """The values of other columns that begin after a value and end within reach."""
        first = values[at]
        limit = first.start + self._detector.within_chars
        for number in range(at + 1, len(values)):
            other = values[number]
            if other.start >= limit:
                return
            if other.start >= first.end and other.end <= limit and other.column != first.column:
                yield other

    def _common(self, one: _Value, other: _Value) -> Rows:
        """The rows that hold both values."""
        key = (one.column, one.low, other.column, other.low)
        if key not in self._shared:
            few, many = sorted((self._rows(one), self._rows(other)), key=len)
            places = np.minimum(np.searchsorted(many, few), len(many) - 1)
            self._shared[key] = few[many[places] == few]
        return self._shared[key]

    def _rows(self, value: _Value) -> Rows:
        return self._columns[value.column].rows[value.low : value.high]


class FingerprintMatcher:
    """Finds passages of the documents of an index."""

    def __init__(self, detector: FingerprintDetector, index: Index) -> None:
        self._detector = detector
        self._prints = index.prints
        self._key = index.key

    def find(self, text: str) -> Iterator[Hit]:
        """Each passage of which enough is in the index, from its first common shingle to its last."""
        letters = letters_of(text)
        words, hashes = fingerprints(letters, self._key)
        known = (places_in(self._prints, hashes) >= 0).tolist()
        for first, last in self._passages(known):
            begin, end = words[first], _word_at(letters, letters.begins[words[last]] + LETTERS - 1)
            yield *letters.span(begin, end), Entity(self._detector.id), _CONFIDENCE, "FingerprintDetector"

    def _passages(self, known: Sequence[bool]) -> Iterator[tuple[int, int]]:
        """The runs of fingerprints, first and last a common one, in which every passage is similar enough."""
        size = min(_PASSAGE, len(known))
        common: deque[int] = deque()
        run: tuple[int, int] | None = None
        for at, here in enumerate(known):
            if here:
                common.append(at)
            while common and common[0] <= at - size:
                common.popleft()
            if at < size - 1 or len(common) < _FEWEST or len(common) * 1000 < self._detector.min_similarity * size:
                continue
            if run is not None and common[0] > run[1]:
                yield run
                run = None
            run = (run[0] if run else common[0], common[-1])
        if run is not None:
            yield run


def fingerprints(letters: Letters, key: IndexKey) -> tuple[list[int], Hashes]:
    """The fingerprints of a text: the word at which each begins, and its hash."""
    starts = [word for word, begin in enumerate(letters.begins) if begin + LETTERS <= len(letters.text)]
    shingles = [letters.text[letters.begins[word] : letters.begins[word] + LETTERS] for word in starts]
    hashes = hashes_of(key, shingles)
    kept = _winnowed(hashes)
    return [starts[at] for at in kept], hashes[kept]


def _winnowed(hashes: Hashes) -> list[int]:
    """Of each few neighbours the least, the last one of equal ones."""
    if not len(hashes):
        return []
    if len(hashes) <= WINNOWED:
        return [len(hashes) - 1 - int(np.argmin(hashes[::-1]))]
    windows = np.lib.stride_tricks.sliding_window_view(hashes[::-1], WINNOWED)
    chosen = len(hashes) - 1 - (windows.argmin(axis=1) + np.arange(len(windows)))
    return [int(at) for at in np.unique(chosen)]


def _word_at(letters: Letters, place: int) -> int:
    """The word that holds the letter at `place`."""
    return int(np.searchsorted(letters.ends, place, side="right"))
