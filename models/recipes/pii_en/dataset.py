"""Training cases as tensors: which tags each word piece may have.

A public set marks only some kinds of entity. What it leaves unmarked may be any of those that it does not know, so a piece has
a set of allowed tags, and the loss asks for their sum. The public sets do not say either whether a name is a topic.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np
from tokenizers import Tokenizer

from gateway.detection.encoder import WINDOW
from gateway.detection.pieces import cut

LABELS = (
    "PERSON", "PUBLIC_FIGURE", "LOCATION", "ORGANIZATION", "STREET_ADDRESS", "DATE_TIME", "AGE", "TITLE", "NRP", "ZIP_CODE",
)  # fmt: skip
TAGS = ("O", *(f"{place}-{label}" for label in LABELS for place in "BI"))
EVERY = frozenset(LABELS)

Span = tuple[int, int, str]
Case = tuple[str, list[Span]]


@dataclass(frozen=True, slots=True)
class Source:
    """What a public set marks, in our words, and how often it is read. A label of several words is any of them."""

    name: str
    copies: int
    means: dict[str, tuple[str, ...]]


_PERSON = ("PERSON", "PUBLIC_FIGURE")
_PLACES = {"LOCATION": ("LOCATION",), "ORGANIZATION": ("ORGANIZATION",), "PERSON": _PERSON}
SOURCES = (
    Source("btc_train", 1, _PLACES),
    Source("wikigold_train", 2, _PLACES),
    Source(
        "wnut17_train",
        2,
        {
            "person": _PERSON,
            "location": ("LOCATION",),
            "corporation": ("ORGANIZATION",),
            "group": ("ORGANIZATION", "O"),
        },
    ),
)


@dataclass(frozen=True, slots=True)
class Example:
    """`allowed` is [pieces, tags]."""

    ids: np.ndarray
    shapes: np.ndarray
    allowed: np.ndarray


def examples(
    tokenizer: Tokenizer, case: Case, known: frozenset[str], means: dict[str, tuple[str, ...]]
) -> Iterator[Example]:
    """A case as one example, or several for a long text."""
    text, spans = case
    pieces = cut(tokenizer, text)
    allowed = np.zeros((len(pieces.ids), len(TAGS)), bool)
    allowed[:, 0] = True
    for label in EVERY - known:
        allowed[:, TAGS.index(f"B-{label}")] = allowed[:, TAGS.index(f"I-{label}")] = True
    edges = np.array(pieces.spans).reshape(-1, 2)
    for start, end, label in spans:
        words = means.get(label, ())
        inside = np.flatnonzero((edges[:, 0] < end) & (edges[:, 1] > start))
        if not words or not len(inside):
            continue
        allowed[inside] = False
        for word in words:
            if word == "O":
                allowed[inside, 0] = True
            else:
                allowed[inside[0], TAGS.index(f"B-{word}")] = True
                allowed[inside[1:], TAGS.index(f"I-{word}")] = True
    for begin in range(0, len(pieces.ids), WINDOW):
        end = min(len(pieces.ids), begin + WINDOW)
        ids, shapes = pieces.window(begin, end)
        free = np.ones((1, len(TAGS)), bool)  # the marks at the ends may be anything
        yield Example(ids, shapes, np.concatenate((free, allowed[begin:end], free)))


def read_set(path: Path) -> list[Case]:
    out: list[Case] = []
    for line in path.read_text(encoding="utf-8").splitlines():
        case = json.loads(line)
        out.append((case["text"], [(s["start"], s["end"], s["label"]) for s in case["spans"]]))
    return out


def varied(case: Case, rng: random.Random) -> Case:
    """A case of a public set as it is, or in small letters or capitals."""
    roll = rng.random()
    text = case[0].lower() if roll < 0.15 else case[0].upper() if roll < 0.19 else case[0]
    return (text if len(text) == len(case[0]) else case[0]), case[1]


def public(tokenizer: Tokenizer, data: Path, rng: random.Random) -> list[Example]:
    """All public sets, each as often as it is read."""
    out: list[Example] = []
    for source in SOURCES:
        known = frozenset(word for words in source.means.values() for word in words)
        for case in read_set(data / f"{source.name}.jsonl"):
            for _ in range(source.copies):
                out += examples(tokenizer, varied(case, rng), known, source.means)
    return out


def generated(tokenizer: Tokenizer, cases: Iterator[Case]) -> list[Example]:
    """Cases that mark everything."""
    means = {label: (label,) for label in LABELS}
    return [example for case in cases for example in examples(tokenizer, case, EVERY, means)]


class Long(Protocol):
    """An example of whatever network: it is as long as its pieces are many."""

    @property
    def ids(self) -> np.ndarray: ...


_L = TypeVar("_L", bound=Long)


def batches(data: Sequence[_L], pieces: int, rng: random.Random) -> list[list[_L]]:
    """All examples once, in batches of about so many pieces, with little padding: neighbours in length go together."""
    order = list(data)
    rng.shuffle(order)
    out: list[list[_L]] = []
    shard = 2048
    for begin in range(0, len(order), shard):
        batch: list[_L] = []
        for example in sorted(order[begin : begin + shard], key=lambda each: len(each.ids)):
            if batch and (len(batch) + 1) * len(example.ids) > pieces:
                out.append(batch)
                batch = []
            batch.append(example)
        out.append(batch)
    rng.shuffle(out)
    return out


def padded(batch: Sequence[Example]) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Ids, shapes, mask and allowed tags of a batch, each [batch, longest, ...]."""
    longest = max(len(each.ids) for each in batch)
    ids = np.zeros((len(batch), longest), np.int64)
    shapes, mask = np.zeros_like(ids), np.zeros_like(ids)
    allowed = np.ones((len(batch), longest, len(TAGS)), bool)
    for row, each in enumerate(batch):
        size = len(each.ids)
        ids[row, :size], shapes[row, :size], mask[row, :size], allowed[row, :size] = (
            each.ids,
            each.shapes,
            1,
            each.allowed,
        )
    return ids, shapes, mask, allowed
