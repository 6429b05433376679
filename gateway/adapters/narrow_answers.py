"""Answers narrow jobs with encoders, where no word has to be made up: a label is chosen by the likeness of sentence
vectors, a field is read out of its text, a summary is made of the text's own sentences.
"""

from __future__ import annotations

import base64
import json
import re
import sys
from collections.abc import Callable, Collection, Sequence
from functools import partial
from pathlib import Path
from typing import assert_never, cast

import numpy as np

from gateway.adapters.field_reader import FieldReader
from gateway.adapters.narrow_jobs import Fill, Summarise, job_of
from gateway.adapters.narrow_schema import Blank, Choice, NotFillable, filled, leaves, spoken
from gateway.adapters.sentence_worker import SentenceEncoder, Vector
from gateway.domain.strict_json import Json

CARRIERS = ("This text is about {label}.", "{label}", "The topic is {label}.")
"""A label is what these sentences mean on average."""
_KNOWN = 0.55
"""How much the sentences of a known label count beside its own words."""
_MOST_PIECES = 4096
_MOST_REMEMBERED = 2048
_LONGEST_REMEMBERED = 200
"""Characters of a label and its description: what takes up memory between requests is bounded."""
_SENTENCE = re.compile(r"[^\n.!?]*(?:[.!?](?!\s|$)[^\n.!?]*)*[.!?]*(?:[\"')\]]+)?(?:\s+|$)")
_NOT_AN_END = re.compile(
    r"(?:\b(?:Mr|Mrs|Ms|Dr|Prof|St|No|vs|approx|ca|e\.g|i\.e|etc|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sep|Sept|Oct|Nov|Dec)|\b[A-Z])\.$"
)
_LONGEST_END = 8
"""Characters of what is no end of a sentence, and one before it."""
_LEAD = 0.06
"""How much the first sentence of a text counts more than the last, against likenesses of some tenths."""
_FACT = 0.05

Wanted = Callable[[], None]


def _always() -> None:
    """What is short is finished."""


class Labels:
    """Chooses among labels. `known` is a file of labels whose sentences were seen (models/recipes/sentences)."""

    def __init__(self, encoder: SentenceEncoder, known: Path | None) -> None:
        self._encoder = encoder
        self._known = _known_labels(known) if known is not None else {}
        self._vectors: dict[tuple[str, str], Vector] = {}

    def nearest(self, text: str, labels: Sequence[str], described: Sequence[str] = (), wanted: Wanted = _always) -> int:
        """The place of the label that a text is most like. `described` says more of each. `wanted` may raise."""
        seen = self.vector(text, wanted)
        more = described or [""] * len(labels)
        return int(np.argmax([float(self._label(*each, wanted) @ seen) for each in zip(labels, more, strict=True)]))

    @property
    def remembered(self) -> Collection[tuple[str, str]]:
        """The labels, each with its description, whose vectors are kept between requests."""
        return self._vectors.keys()

    def vector(self, text: str, wanted: Wanted) -> Vector:
        """A text's vector, of its first thousands of pieces."""
        return self._encoder.vector(self._encoder.pieces(text, sys.maxsize)[:_MOST_PIECES], wanted)

    def _label(self, label: str, described: str, wanted: Wanted) -> Vector:
        key = (label, described)
        if key in self._vectors:
            return self._vectors[key]
        vector = self._meant(label, described, wanted)
        if len(label) + len(described) <= _LONGEST_REMEMBERED:
            if len(self._vectors) >= _MOST_REMEMBERED:
                self._vectors.clear()
            self._vectors[key] = vector
        return vector

    def _meant(self, label: str, described: str, wanted: Wanted) -> Vector:
        """What a label means: its own words in a few sentences and, where it is known, the sentences that were seen."""
        words = spoken(label)
        said = [carrier.format(label=words) for carrier in CARRIERS] + ([described] if described else [])
        own = _unit(np.mean([self.vector(each, wanted) for each in said], axis=0))
        seen = self._known.get(words)
        return own if seen is None else _unit((1 - _KNOWN) * own + _KNOWN * seen)


def _known_labels(file: Path) -> dict[str, Vector]:
    """The mean vector of each known label's sentences, by each of its names."""
    vectors: dict[str, list[Vector]] = {}
    for entry in json.loads(file.read_text(encoding="utf-8")):
        vector = np.frombuffer(base64.b64decode(entry["vector"]), "<f2").astype(np.float32)
        for name in entry["names"]:
            vectors.setdefault(name, []).append(vector)
    return {name: _unit(np.mean(each, axis=0)) for name, each in vectors.items()}


class NarrowAnswers:
    """The encoders that answer narrow jobs. Not safe for several threads. Without a reader no blank is filled."""

    def __init__(self, sentences: Path, labels: Path, reader: Path | None) -> None:
        self._labels = Labels(SentenceEncoder(sentences), labels)
        self._reader = FieldReader(reader) if reader is not None else None

    def answer(self, messages: Sequence[tuple[str, str]], grammar: dict[str, str], wanted: Wanted) -> str | None:
        """The text of the answer; None for what is no narrow job, or has no answer in the text. `wanted` may raise."""
        job = job_of(messages, grammar)
        match job:
            case Fill():
                return self._filled(job, wanted)
            case Summarise():
                return self._summary(job, wanted)
            case None:
                return None
            case _:
                assert_never(job)

    def _filled(self, job: Fill, wanted: Wanted) -> str | None:
        blanks = [leaf for leaf in leaves(job.form) if isinstance(leaf, Blank)]
        if blanks and self._reader is None:
            return None
        values = (
            self._reader.values(job.text, [blank.name for blank in blanks], wanted) if blanks and self._reader else []
        )
        read = {id(blank): value for blank, value in zip(blanks, values, strict=True)}
        try:
            told = filled(job.form, partial(self._chosen, job.text, wanted), lambda blank: read[id(blank)])
        except NotFillable:
            return None
        if not job.bare:
            return json.dumps(told, ensure_ascii=False)
        only = next(iter(cast("dict[str, Json]", told).values()))
        return None if only is None else str(only)

    def _chosen(self, text: str, wanted: Wanted, choice: Choice) -> Json:
        return choice.values[
            self._labels.nearest(text, [str(value) for value in choice.values], choice.described, wanted)
        ]

    def _summary(self, job: Summarise, wanted: Wanted) -> str | None:
        sentences = sentences_of(job.text)
        if len(sentences) <= 1:
            return None
        vectors = [self._labels.vector(each, wanted) for each in sentences]
        return " ".join(sentences[at] for at in central(sentences, vectors, min(job.sentences, len(sentences) - 1)))


def sentences_of(text: str) -> list[str]:
    """The sentences of a text, without the marks of a list before them."""
    out: list[str] = []
    held: list[str] = []
    for found in _SENTENCE.findall(text):
        words = found.strip()
        held += [words] if words else []
        if held and (found.endswith("\n") or not _NOT_AN_END.search(held[-1][-_LONGEST_END:])):
            out.append(re.sub(r"^(?:[-*•]|\d+[.)])\s+", "", " ".join(" ".join(held).split())))
            held = []
    return [each for each in (*out, " ".join(held)) if any(map(str.isalpha, each))]


def central(sentences: Sequence[str], vectors: Sequence[Vector], count: int) -> list[int]:
    """The places of the sentences that say most of the text, in its order: each is like the whole, early, full of
    facts, and unlike those that were taken before."""
    whole = _unit(np.sum(vectors, axis=0))
    size = len(sentences)
    worth = [
        float(vector @ whole) + _LEAD * (1 - at / size) + _FACT * facts(sentence)
        for at, (sentence, vector) in enumerate(zip(sentences, vectors, strict=True))
    ]
    chosen: list[int] = []
    while len(chosen) < count:
        free = [at for at in range(size) if at not in chosen]
        chosen.append(
            max(
                free,
                key=lambda at: (
                    worth[at] - max((0.3 * float(vectors[at] @ vectors[other]) for other in chosen), default=0.0)
                ),
            )
        )
    return sorted(chosen)


def facts(sentence: str) -> float:
    """How much of names and numbers a sentence says, from 0 to 1."""
    words = sentence.split()[1:]
    told = sum(any(map(str.isdigit, word)) or word[:1].isupper() for word in words)
    return min(told / 4, 1.0)


def _unit(vector: Vector) -> Vector:
    return cast("Vector", (vector / max(float(np.linalg.norm(vector)), 1e-9)).astype(np.float32))
