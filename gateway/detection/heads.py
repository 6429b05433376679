"""What a conversation asks for and what it is about: two linear classifiers on what the encoder makes of its gist.

Guesses, made once a conversation and cheaply: they may tighten a decision, and no leaf counts as examined by them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from gateway.domain.finding import JudgedTask, JudgedTopic, Permille, Task, Topic

FILE = "heads.json"
WEIGHTS = "encoder.onnx"
EDGE = 90
"""Characters of a gist's beginning, and of its end, that are read: there it says what is wanted, and of what."""

Floats = NDArray[np.float32]


class Encodes(Protocol):
    """Turns texts into vectors."""

    def vectors(self, texts: Sequence[str]) -> Floats:
        """One vector a text, [texts, width]."""
        ...


class Judge:
    """Judges gists. Not safe for several threads."""

    def __init__(self, encoder: Encodes, task: Head, topic: Head) -> None:
        self._encoder = encoder
        self._task = task
        self._topic = topic

    def judge(self, gist: str) -> tuple[JudgedTask, JudgedTopic]:
        """The likeliest task and topic of a gist; unknown where it holds no letters."""
        if not any(map(str.isalpha, gist)):
            return JudgedTask(), JudgedTopic()
        vector = features(self._encoder, [gist])[0]
        task, likely = self._task.likeliest(vector)
        topic, topical = self._topic.likeliest(vector)
        return JudgedTask(Task(task), likely), JudgedTopic(Topic(topic), topical)


@dataclass(frozen=True, slots=True)
class Head:
    """`softmax(weights @ vector + bias)` are the probabilities of `labels`. `weights` is [labels, width]."""

    labels: tuple[str, ...]
    weights: Floats
    bias: Floats

    def likeliest(self, vector: Floats) -> tuple[str, Permille]:
        """The likeliest label, and its probability."""
        scores = self.weights @ vector + self.bias
        odds = np.exp(scores - scores.max())
        best = int(odds.argmax())
        return self.labels[best], Permille(int(1000 * odds[best] / odds.sum()))


def features(encoder: Encodes, gists: Sequence[str]) -> Floats:
    """What heads are trained on, [gists, 2 * width]: the vectors of both edges of each gist, made of length 1."""
    begins, ends = [gist[:EDGE] for gist in gists], [gist[-EDGE:] for gist in gists]
    return np.hstack([_unit(encoder.vectors(edges)) for edges in (begins, ends)])


def _unit(vectors: Floats) -> Floats:
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-6), np.float32)


def judge_of(pipeline: Path, encoder: Encodes | None) -> Judge | None:
    """The judge of a pipeline: its encoder, with the heads that lie beside its weights. None where there is no encoder,
    or no heads of it.

    Raises `ValueError` or `KeyError` for a file that is broken.
    """
    file = next(iter(sorted(pipeline.rglob(FILE))), None)
    if encoder is None or file is None:
        return None
    told = json.loads(file.read_text("utf-8"))
    if told["encoder"] != digest_of(file.with_name(WEIGHTS)):
        return None
    return Judge(encoder, _head(told["task"], Task), _head(told["topic"], Topic))


def digest_of(weights: Path) -> str:
    """What tells one encoder from another."""
    with weights.open("rb") as file:
        return "sha256:" + hashlib.file_digest(file, "sha256").hexdigest()


def _head(told: dict[str, list[str]], names: type[StrEnum]) -> Head:
    labels = tuple(names(label).value for label in told["labels"])
    weights, bias = np.array(told["weights"], np.float32), np.array(told["bias"], np.float32)
    if weights.ndim != 2 or bias.shape != (len(labels),) or len(weights) != len(labels):
        raise ValueError("a head has a row of weights and a bias for each of its labels")
    return Head(labels, weights, bias)
