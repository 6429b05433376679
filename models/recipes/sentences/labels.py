"""What well-known labels look like in texts: `python -m models.recipes.sentences.labels [--score]`.

The recipe `embedded` has sentences for some seventy labels (billing, urgent, cardiology, ...), each with other names. The mean vector
of a label's sentences, all but the held-out ones, is written to models/sentences/known_labels.json: a text that is to be put into
labels of these names is compared with that besides the label's own words. `--score` writes nothing and tells how often a held-out
sentence finds its label among two to five, with and without it.
"""

from __future__ import annotations

import argparse
import base64
import json
import random
from pathlib import Path

import numpy as np

from gateway.adapters.narrow_answers import Labels
from gateway.adapters.narrow_schema import spoken
from gateway.adapters.sentence_worker import SentenceEncoder
from models.recipes.embedded.corpus import Corpus

FOLDER = Path("models/sentences")
SEED = 20264
DRAWN = 60


def known(encoder: SentenceEncoder) -> list[dict[str, object]]:
    """Each label's names and its mean vector as base64 of little-endian float16."""
    corpus = Corpus(SEED, held_out_templates=False, held_out_values=False)
    out: list[dict[str, object]] = []
    for task in corpus.tasks:
        for each in task.classes if not task.question else ():
            vectors = [encoder.vector(encoder.pieces(corpus.fill(core), 10**6), lambda: None) for core in each.cores]
            vector = base64.b64encode(np.mean(vectors, axis=0).astype("<f2").tobytes()).decode("ascii")
            out.append({"names": [spoken(name) for name in each.names], "vector": vector})
    return out


def score(encoder: SentenceEncoder, path: Path | None) -> float:
    """The share of held-out sentences that find their label."""
    corpus, labels = Corpus(SEED, held_out_templates=True, held_out_values=True), Labels(encoder, path)
    rng, hits, drawn = random.Random(SEED), 0, 0
    for task in corpus.tasks:
        for _ in range(DRAWN if not task.question else 0):
            chosen = rng.sample(task.classes, min(len(task.classes), rng.choice((2, 3, 4, 5))))
            right = rng.randrange(len(chosen))
            names = [rng.choice((each.names[0], rng.choice(each.names))) for each in chosen]
            hits += labels.nearest(corpus.fill(rng.choice(chosen[right].cores)), names) == right
            drawn += 1
    return hits / drawn


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m models.recipes.sentences.labels")
    parser.add_argument("--score", action="store_true")
    encoder, path = SentenceEncoder(FOLDER / "encoder.onnx"), FOLDER / "known_labels.json"
    if parser.parse_args().score:
        print(
            f"by their words alone {score(encoder, None):.3f}, with sentences of known ones {score(encoder, path):.3f}"
        )
    else:
        lines = ",\n".join(json.dumps(each) for each in known(encoder))
        path.write_text(f"[\n{lines}\n]\n", encoding="utf-8")


if __name__ == "__main__":
    main()
