"""Trains one head again with your own labelled texts: `python -m models.recipes.heads.tune TEXTS.jsonl --kind task --out F`.

Each line is `{"text": ..., "label": ...}`. They are trained on together with generated texts, so that what the shipped
head knows is kept; a fifth of them calibrates. Before that, each fifth is held out once and judged by a head that saw
the others alone: these are the scores told, beside those of the head that ships. Written is a copy of the pipeline
whose heads.json has the new head: `detector.pipeline` in gateway.yaml names it.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gateway.detection.encoder import Encoder
from gateway.detection.heads import FILE, WEIGHTS, digest_of, features

from .generate import TASKS, TOPICS, tasks, topics
from .train import SEED, Array, Head, Part, as_json, best, measured, scores

KINDS = {"task": (TASKS, tasks), "topic": (tuple(TOPICS), topics)}
FOLDS = 5
FEWEST = FOLDS
"""Texts of a label, at least."""


class Unusable(Exception):
    """The texts cannot be trained on. The message says which line, and no word of it."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """One text."""

    text: str
    label: str


def read(lines: Sequence[bytes], labels: Sequence[str]) -> list[Labelled]:
    """The texts of JSON lines. Raises `Unusable`."""
    found = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            said = json.loads(line)
        except ValueError:
            raise Unusable(f"line {number} is not JSON") from None
        if not isinstance(said, dict) or not isinstance(said.get("text"), str) or not said["text"].strip():
            raise Unusable(f"line {number} has no 'text'")
        if said.get("label") not in labels:
            raise Unusable(f"line {number} has no 'label' of {', '.join(labels)}")
        found.append(Labelled(said["text"], said["label"]))
    few = [label for label in labels if Counter(each.label for each in found)[label] < FEWEST]
    if few:
        raise Unusable(f"fewer than {FEWEST} texts of {', '.join(few)}")
    return list(dict.fromkeys(found))


def folds(own: Sequence[Labelled]) -> NDArray[np.int64]:
    """To which fifth each text belongs: by hash, and of each label as many in each as can be."""
    numbers = np.zeros(len(own), np.int64)
    for label in {each.label for each in own}:
        mine = [place for place, each in enumerate(own) if each.label == label]
        mine.sort(key=lambda place: hashlib.sha256(own[place].text.encode()).digest())
        numbers[mine] = np.arange(len(mine)) % FOLDS
    return numbers


def together(one: Part, other: Part) -> Part:
    """Both."""
    return Part(np.vstack([one.vectors, other.vectors]), np.hstack([one.labels, other.labels]))


def of(texts: Sequence[tuple[str, str]], labels: Sequence[str], encoder: Encoder) -> Part:
    """Texts as vectors."""
    numbers = np.array([labels.index(label) for _, label in texts], np.int64)
    return Part(features(encoder, [text for text, _ in texts]), numbers)


def some(part: Part, chosen: NDArray[np.bool_]) -> Part:
    """A part of a part."""
    return Part(part.vectors[chosen], part.labels[chosen])


@dataclass(frozen=True, slots=True)
class Tuner:
    """A user's own texts as vectors, each in its fifth, and generated ones to train and calibrate with."""

    labels: tuple[str, ...]
    own: Part
    fold: NDArray[np.int64]
    train: Part
    calibrate: Part

    def head(self, calibrates: int, held_out: int = -1) -> Head:
        """Trained on all but the fifth that calibrates and the one that is held out, if any."""
        taught = some(self.own, (self.fold != calibrates) & (self.fold != held_out))
        mine = some(self.own, self.fold == calibrates)
        return best(together(taught, self.train), together(mine, self.calibrate), self.labels)

    def held_out(self) -> Array:
        """The probabilities of each own text by a head that never saw it."""
        told = np.zeros((len(self.own.labels), len(self.labels)), np.float32)
        for number in range(FOLDS):
            head = self.head((number + 1) % FOLDS, number)
            told[self.fold == number] = head.probabilities(self.own.vectors[self.fold == number])
        return told


def tuner(own: Sequence[Labelled], kind: str, encoder: Encoder, generated: int) -> Tuner:
    """With so many generated texts, and a quarter as many that calibrate."""
    labels, texts = KINDS[kind]
    mine = of([(each.text, each.label) for each in own], labels, encoder)
    none = Part(mine.vectors[:0], mine.labels[:0])
    if not generated:
        return Tuner(labels, mine, folds(own), none, none)
    train = of(list(texts(generated, SEED, "train")), labels, encoder)
    calibrate = of(list(texts(generated // 4 + 1, SEED + 1, "calibrate")), labels, encoder)
    return Tuner(labels, mine, folds(own), train, calibrate)


def shipped(told: dict[str, list[list[float]]], labels: tuple[str, ...]) -> Head:
    """A head as it lies in heads.json."""
    order = [told["labels"].index(label) for label in labels]  # type: ignore[arg-type]
    weights, bias = np.array(told["weights"], np.float32)[order], np.array(told["bias"], np.float32)[order]
    return Head(labels, weights.T, bias, 1.0)


def main() -> None:
    """Train, tell both scores, write."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("texts", type=Path, help="JSON lines")
    options.add_argument("--kind", choices=sorted(KINDS), required=True)
    options.add_argument("--pipeline", type=Path, default=Path("models/pii-en"), help="what the copy is made of")
    options.add_argument("--out", type=Path, required=True, help="the folder of the copy, which is not there yet")
    options.add_argument("--generated", type=int, default=700, help="how many generated texts are trained on, too")
    given = options.parse_args()
    labels = KINDS[given.kind][0]
    try:
        own = read(given.texts.read_bytes().split(b"\n"), labels)
    except Unusable as error:
        sys.exit(f"{given.texts.name}: {error}")
    if given.out.exists():
        sys.exit(f"{given.out} is there already")
    file = next(iter(sorted(given.pipeline.rglob(FILE))))
    heads = json.loads(file.read_text("utf-8"))
    if heads["encoder"] != digest_of(file.with_name(WEIGHTS)):
        sys.exit("the heads of this pipeline belong to another encoder")
    tuning = tuner(own, given.kind, Encoder(file.parent), given.generated)
    before = scores(shipped(heads[given.kind], labels), tuning.own)
    after = measured(labels, tuning.held_out(), tuning.own)
    shutil.copytree(given.pipeline, given.out)
    heads[given.kind] = as_json(tuning.head(0))
    (given.out / file.relative_to(given.pipeline)).write_text(json.dumps(heads, separators=(",", ":")) + "\n", "utf-8")
    print(json.dumps({"shipped": before, "tuned": after}, indent=2))


if __name__ == "__main__":
    main()
