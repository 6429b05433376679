"""Makes the encoder's scores probabilities: one temperature, fitted on generated texts that it was not trained on.

python -m models.recipes.pii_en.calibrate --pipeline models/pii-en
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

from gateway.detection.encoder import Encoder

from .dataset import generated
from .generate import cases

TEMPERATURES = np.arange(0.6, 3.01, 0.05)


def surprise(logits: np.ndarray, right: np.ndarray, temperature: float) -> float:
    """The mean of minus the log of the right tag's probability."""
    scaled = logits / temperature
    top = scaled.max(axis=1, keepdims=True)
    every = top[:, 0] + np.log(np.exp(scaled - top).sum(axis=1))
    return float((every - scaled[np.arange(len(right)), right]).mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pipeline", type=Path, required=True)
    parser.add_argument("--cases", type=int, default=1000)
    args = parser.parse_args()
    encoder = Encoder(args.pipeline / "ner")
    logits, right = [], []
    for example in generated(encoder.tokenizer, cases(args.cases, 4242, "dev")):
        logits.append(encoder.run(example.ids, example.shapes)[0][1:-1])
        right.append(example.allowed[1:-1].argmax(axis=1))
    found, truth = np.concatenate(logits), np.concatenate(right)
    best = min(TEMPERATURES, key=lambda each: surprise(found, truth, each))
    print(
        f"temperature {best:.2f}: {surprise(found, truth, best):.4f}, at 1: {surprise(found, truth, 1.0):.4f} nats a piece"
    )
    path = args.pipeline / "ner" / "encoder.json"
    told = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps({**told, "temperature": round(float(best), 2)}, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
