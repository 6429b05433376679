"""The small language model of the detector: a MiniLM encoder, trained to label word pieces, run by ONNX Runtime.

    text -> word pieces with their shapes -> windows -> logits -> words -> mentions

A folder holds it: `encoder.onnx`, `tokenizer.json`, `encoder.json` (labels, temperature, thresholds) and, where it is
told how much they weigh, `given_names.txt`. How it was trained is in `models/recipes/pii_en`, which uses the same
functions, so that both read a text alike.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from gateway.detection.mentions import GivenNames, Mention, Reading, Thresholds
from gateway.detection.networks import network
from gateway.detection.pieces import Floats, Pieces, Whole, cut, plain_tokenizer

WINDOW = 158
"""Pieces that are read at once, without the two marks at the ends."""
OVERLAP = 32
_LEAST_FILLED = WINDOW // 2
_BREAK = re.compile(r"\n|(?<=[.!?])[\"')\]]*\s")


class Encoder:
    """One loaded model. Not safe for several threads; inference holds no interpreter lock."""

    def __init__(self, folder: Path) -> None:
        told = json.loads((folder / "encoder.json").read_text("utf-8"))
        self._session = network(folder / "encoder.onnx")
        self.tokenizer = plain_tokenizer(folder / "tokenizer.json")
        self.labels: tuple[str, ...] = tuple(told["labels"])
        """The kinds of mention. The model's classes are `O`, then the beginning and the inside of each."""
        self._temperature = float(told["temperature"])
        self._reading = Reading(self.labels, Thresholds.of(told), _given_names(folder, told))

    def mentions(self, text: str) -> list[Mention]:
        """The mentions in a text, sorted by place, without overlaps."""
        pieces = cut(self.tokenizer, text)
        return self._reading.mentions(pieces, self._probabilities(pieces, text), text) if pieces.spans else []

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


def _given_names(folder: Path, told: Mapping[str, Any]) -> GivenNames:
    """The list of names beside a model, and what it is worth; none where the model tells no worth."""
    worth = told.get("given_names")
    if worth is None:
        return GivenNames()
    return GivenNames(frozenset((folder / "given_names.txt").read_text("utf-8").split()), **worth)


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
