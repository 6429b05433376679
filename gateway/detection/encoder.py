"""The small language model of the detector: a MiniLM encoder, trained to label word pieces, run by ONNX Runtime.

    text -> word pieces with their shapes -> windows -> logits -> words -> mentions

A folder holds it: `encoder.onnx`, `tokenizer.json` and `encoder.json` (labels, temperature, thresholds). How it was
trained is in `models/recipes/pii_en`, which uses the same functions, so that both read a text alike.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from tokenizers import Encoding, Tokenizer

WINDOW = 158
"""Pieces that are read at once, without the two marks at the ends."""
OVERLAP = 32
_LEAST_FILLED = WINDOW // 2
_BREAK = re.compile(r"\n|(?<=[.!?])[\"')\]]*\s")
_EDGES = " \t\n\r,;:!?\"'()-/*&"
_SMALL_WORDS = frozenset({"the", "and", "of", "for", "s", "a", "an", "in", "to"})
_FIRST, _LAST = 101, 102  # [CLS] and [SEP] of BERT's vocabulary
_PLAIN, _SMALL, _TITLE, _CAPITALS, _INITIAL, _MIXED, _NUMBER, _SIGN = range(8)

_GENERAL = {"PUBLIC_FIGURE": "PERSON"}
"""A name is one name, whether it is told as a topic or as somebody's."""

_ADDRESS = "STREET_ADDRESS"

Floats = NDArray[np.float32]
Whole = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Mention:
    """What the encoder takes for an entity: characters from `start` to `end`, and a probability."""

    start: int
    end: int
    label: str
    score: float


@dataclass(frozen=True, slots=True)
class Pieces:
    """A text as word pieces, each with its shape, its place in the text and the number of its word."""

    ids: Whole
    shapes: Whole
    spans: Sequence[tuple[int, int]]
    words: Whole

    def window(self, start: int, end: int) -> tuple[Whole, Whole]:
        """Ids and shapes of some pieces, between the marks that the model expects."""
        ids = np.concatenate(([_FIRST], self.ids[start:end], [_LAST]))
        return ids, np.concatenate(([_PLAIN], self.shapes[start:end], [_PLAIN]))


class Encoder:
    """One loaded model. Not safe for several threads; inference holds no interpreter lock."""

    def __init__(self, folder: Path) -> None:
        told = json.loads((folder / "encoder.json").read_text("utf-8"))
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(
            str(folder / "encoder.onnx"), options, providers=["CPUExecutionProvider"]
        )
        self.tokenizer = plain_tokenizer(folder / "tokenizer.json")
        self.labels: tuple[str, ...] = tuple(told["labels"])
        """The kinds of mention. The model's classes are `O`, then the beginning and the inside of each."""
        self._temperature = float(told["temperature"])
        self._most_outside = float(told["most_outside"])
        self._least_special = float(told["least_special"])
        self._address = self.labels.index(_ADDRESS) if _ADDRESS in self.labels else -1
        self._fold = np.eye(len(self.labels), dtype=np.float32)
        """[labels, labels]: a special kind counts as its general one while it is asked what a word belongs to."""
        for special, general in _GENERAL.items():
            if special in self.labels:
                self._fold[self.labels.index(special)] = self._fold[self.labels.index(general)]

    def mentions(self, text: str) -> list[Mention]:
        """The mentions in a text, sorted by place, without overlaps."""
        pieces = cut(self.tokenizer, text)
        return self._mentions(pieces, self._probabilities(pieces, text), text) if pieces.spans else []

    def vectors(self, texts: Sequence[str]) -> Floats:
        """One vector a text, [texts, width]: the mean of the last layer over the text's first window."""
        return np.stack([self._vector(cut(self.tokenizer, text)) for text in texts])

    def _vector(self, pieces: Pieces) -> Floats:
        return self.run(*pieces.window(0, WINDOW))[1]

    def run(self, ids: Whole, shapes: Whole) -> tuple[Floats, Floats]:
        """The logits of each piece, [pieces, classes], and the mean of the last layer, [width]."""
        feed = {"pieces": ids[None], "shapes": shapes[None], "mask": np.ones((1, len(ids)), np.int64)}
        logits, pooled = self._session.run(None, feed)
        return logits[0], pooled[0]

    def _probabilities(self, pieces: Pieces, text: str) -> Floats:
        """Each piece's odds, [pieces, classes]; where windows overlap, those of the one that sees more around it."""
        out = np.zeros((len(pieces.ids), 1 + 2 * len(self.labels)), np.float32)
        done = 0
        for start, end in windows(pieces, text):
            logits = self.run(*pieces.window(start, end))[0][1:-1] / self._temperature
            odds = np.exp(logits - logits.max(axis=1, keepdims=True))
            begin = start + (done - start) // 2
            out[begin:end] = (odds / odds.sum(axis=1, keepdims=True))[begin - start :]
            done = end
        return out

    def _mentions(self, pieces: Pieces, classes: Floats, text: str) -> list[Mention]:
        """Words of one kind in a row are one mention, unless a later one says that it begins another."""
        starts = np.flatnonzero(np.diff(pieces.words, prepend=-1))
        ends = np.append(starts[1:], len(pieces.words))
        means = (np.add.reduceat(classes, starts, axis=0) / (ends - starts)[:, None]).astype(np.float32)
        kinds = means[:, 1::2] + means[:, 2::2]
        best = (kinds @ self._fold).argmax(axis=1)
        begins = (classes[starts, 1::2] - classes[starts, 2::2]) @ self._fold > 0
        inside = np.flatnonzero(means[:, 0] < self._most_outside)
        for word in inside[1:].tolist():
            # Only an address goes on over the end of a line.
            if (
                best[word] != self._address
                and "\n" in text[pieces.spans[starts[word] - 1][1] : pieces.spans[starts[word]][0]]
            ):
                begins[word] = True
        out: list[Mention] = []
        for run in _runs(inside, best, begins):
            start, end = _trimmed(text, pieces.spans[starts[run[0]]][0], pieces.spans[ends[run[-1]] - 1][1])
            if start < end:
                out.append(Mention(start, end, *self._told(kinds[run].mean(axis=0))))
        return out

    def _told(self, kinds: Floats) -> tuple[str, float]:
        """The kind of a mention and its probability. A special kind has to be likelier than its general one by far:
        the general one is the stricter."""
        folded = kinds @ self._fold
        label = self.labels[int(folded.argmax())]
        score = float(folded.max())
        for special, general in _GENERAL.items():
            if label == general and special in self.labels:
                likely = float(kinds[self.labels.index(special)]) >= self._least_special * score
                label = special if likely else general
        return label, min(score, 1.0)


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


def plain_tokenizer(path: Path) -> Tokenizer:
    """The word pieces of the model's vocabulary, whatever the file says of marks, padding and cuts."""
    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def cut(tokenizer: Tokenizer, text: str) -> Pieces:
    """A text as pieces. Characters that the vocabulary drops (controls) lie in none."""
    encoding: Encoding = tokenizer.encode(text, add_special_tokens=False)
    words = np.array([-1 if word is None else word for word in encoding.word_ids], np.int64)
    spans = encoding.offsets
    return Pieces(np.array(encoding.ids, np.int64), _shapes(text, spans, words), spans, words)


def _shapes(text: str, spans: Sequence[tuple[int, int]], words: Whole) -> Whole:
    """The shape of the word that each piece is of."""
    shapes = np.zeros(len(spans), np.int64)
    start = 0
    for at in range(1, len(spans) + 1):
        if at == len(spans) or words[at] != words[start]:
            shapes[start:at] = shape(text[spans[start][0] : spans[at - 1][1]])
            start = at
    return shapes


def shape(word: str) -> int:
    """How a word is written."""
    if word.isdigit():
        return _NUMBER
    if not word[:1].isalpha() and not any(map(str.isalpha, word)):
        return _SIGN
    if word.islower():
        return _SMALL
    if len(word) == 1:
        return _INITIAL if word.isupper() else _PLAIN
    if word.isupper():
        return _CAPITALS
    if word[0].isupper() and word[1:].islower():
        return _TITLE
    return _MIXED if any(map(str.isupper, word)) else _PLAIN


def windows(pieces: Pieces, text: str) -> Iterator[tuple[int, int]]:
    """Ranges of pieces that hold them all: cut where a sentence or line ends, or else overlapping."""
    total = len(pieces.ids)
    start = 0
    while total - start > WINDOW:
        end = _sentence_end(pieces, text, start)
        yield start, end or start + WINDOW
        start = end or start + WINDOW - OVERLAP
    yield start, total


def _sentence_end(pieces: Pieces, text: str, start: int) -> int:
    """The last piece of a window before which a sentence begins, if that fills half of it; else 0."""
    for at in range(start + WINDOW, start + _LEAST_FILLED, -1):
        before, after = pieces.spans[at - 1], pieces.spans[at]
        if _BREAK.search(text, max(0, before[1] - 1), after[0]):
            return at
    return 0
