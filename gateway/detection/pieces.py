"""A text as the word pieces of the encoder's vocabulary, each with the shape of the word that it is of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Encoding, Tokenizer

_FIRST, _LAST = 101, 102  # [CLS] and [SEP] of BERT's vocabulary

Floats = NDArray[np.float32]
Whole = NDArray[np.int64]


class Shape(IntEnum):
    """How a word is written: what a model of small letters alone loses. Its rows of the shapes' table."""

    PLAIN, SMALL, TITLE, CAPITALS, INITIAL, MIXED, NUMBER, SIGN = range(8)


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
        return ids, np.concatenate(([Shape.PLAIN], self.shapes[start:end], [Shape.PLAIN]))


def plain_tokenizer(path: Path) -> Tokenizer:
    """The word pieces of the model's vocabulary, whatever the file says of marks, padding and cuts."""
    return plain(Tokenizer.from_file(str(path)))


def plain(tokenizer: Tokenizer) -> Tokenizer:
    """The same tokenizer, which neither pads nor cuts off."""
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


def shape(word: str) -> Shape:  # one return for each shape
    """How a word is written."""
    if word.isdigit():
        return Shape.NUMBER
    if not word[:1].isalpha() and not any(map(str.isalpha, word)):
        return Shape.SIGN
    if word.islower():
        return Shape.SMALL
    if len(word) == 1:
        return Shape.INITIAL if word.isupper() else Shape.PLAIN
    if word.isupper():
        return Shape.CAPITALS
    if word[0].isupper() and word[1:].islower():
        return Shape.TITLE
    return Shape.MIXED if any(map(str.isupper, word)) else Shape.PLAIN
