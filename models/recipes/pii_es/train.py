"""Trains the shipped Spanish pipeline: a spaCy CNN encoder with a named-entity recogniser, nothing else.

One command, one thread, fixed seeds:

    python -m models.recipes.pii_es.train --data ../shared/data --out models/pii-es
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import random
import re
import sys
import time
from pathlib import Path

if os.environ.get("PYTHONHASHSEED") != "0":  # some generators walk through sets: the same order every time
    os.execve(
        sys.executable,
        [sys.executable, "-m", "models.recipes.pii_es.train", *sys.argv[1:]],
        {**os.environ, "PYTHONHASHSEED": "0"},
    )
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import spacy
from spacy.language import Language
from spacy.tokenizer import Tokenizer
from spacy.training import Example
from spacy.util import filter_spans, fix_random_seed, minibatch
from thinc.api import Config

from .generate import Case, cases

CONFIG = """
[nlp]
lang = "es"
pipeline = ["tok2vec", "ner"]

[components]

[components.tok2vec]
factory = "tok2vec"

[components.tok2vec.model]
@architectures = "spacy.Tok2Vec.v2"

[components.tok2vec.model.embed]
@architectures = "spacy.MultiHashEmbed.v2"
width = 64
attrs = ["NORM", "PREFIX", "SUFFIX", "SHAPE", "LENGTH", "SPACY"]
rows = [5000, 500, 1500, 500, 64, 8]
include_static_vectors = false

[components.tok2vec.model.encode]
@architectures = "spacy.MaxoutWindowEncoder.v2"
width = 64
depth = 4
window_size = 1
maxout_pieces = 3

[components.ner]
factory = "ner"

[components.ner.model]
@architectures = "spacy.TransitionBasedParser.v2"
state_type = "ner"
extra_state_tokens = false
hidden_width = 64
maxout_pieces = 2
use_upper = true
nO = null

[components.ner.model.tok2vec]
@architectures = "spacy.Tok2VecListener.v1"
width = 64
upstream = "*"
"""
PLAIN_LINES = 0.25
"""The share of lines without a label that one epoch sees; each epoch draws anew."""
_SIGN = r"[^\w\s]|_"
_SEAM = r"(?<=[^\W\d_])(?=\d)|(?<=\d)(?=[^\W\d_])|(?<=[a-zñáéíóúü])(?=[A-ZÑÁÉÍÓÚÜ])"
"""Forms are typed without spaces ("NHC:272226", "PérezNºCol:28"): words end where digits or capitals begin."""


def read_set(path: Path) -> list[Case]:
    """The cases of one JSON-lines file."""
    found = (json.loads(line) for line in path.read_text(encoding="utf-8").splitlines())
    return [(case["text"], [(s["start"], s["end"], s["label"]) for s in case["spans"]]) for case in found]


def blank() -> Language:
    """The untrained pipeline with its tokenizer, which splits at every sign."""
    nlp = spacy.util.load_model_from_config(Config().from_str(CONFIG), auto_fill=True)
    nlp.tokenizer = Tokenizer(
        nlp.vocab,
        rules={},
        prefix_search=re.compile(f"^(?:{_SIGN})").search,
        suffix_search=re.compile(f"(?:{_SIGN})$").search,
        infix_finditer=re.compile(f"{_SIGN}|{_SEAM}").finditer,
    )
    return nlp


def example(nlp: Language, case: Case) -> Example:
    """A spaCy example; spans that do not fall on token borders are widened."""
    predicted, reference = nlp.make_doc(case[0]), nlp.make_doc(case[0])
    found = [reference.char_span(s, e, label=label, alignment_mode="expand") for s, e, label in case[1]]
    reference.set_ents(filter_spans([span for span in found if span is not None]))
    return Example(predicted, reference)


def scores(nlp: Language, part: list[Case]) -> dict[str, float]:
    """Exact, typed precision, recall and F1 in per cent."""
    got = nlp.evaluate([example(nlp, case) for case in part])
    return {key: round(100 * (got[key] or 0.0), 2) for key in ("ents_p", "ents_r", "ents_f")}


def thinned(case: Case, rng: random.Random) -> Case:
    """A case with every line that holds a label, and some of those that hold none: most of a record is plain prose."""
    text, spans = case
    edges = [0, *(match.end() for match in re.finditer("\n", text)), len(text)]
    kept, moved, size = [], [], 0
    for start, end in itertools.pairwise(edges):
        inside = [(s - start + size, e - start + size, label) for s, e, label in spans if start <= s < end]
        if inside or rng.random() < PLAIN_LINES:
            kept.append(text[start:end])
            moved += inside
            size += end - start
    return "".join(kept), moved


def train_pipeline(args: argparse.Namespace) -> Language:
    """Trains with a decaying learning rate and returns the pipeline with its averaged weights."""
    fix_random_seed(args.seed)
    rng = random.Random(args.seed)
    real, held = read_set(args.data / "meddocan_train.jsonl"), read_set(args.data / "meddocan_dev.jsonl")
    generated = list(cases(args.generated, args.seed, "train"))
    generated_held = list(cases(150, args.seed + 1, "dev"))
    nlp = blank()
    labels = sorted({label for case in real for _, _, label in case[1]})
    for label in labels:
        nlp.get_pipe("ner").add_label(label)
    nlp.initialize(lambda: [example(nlp, case) for case in real[:100]])
    optimizer = nlp.create_optimizer()
    share = len(generated) // args.epochs
    started = time.monotonic()
    for epoch in range(min(args.epochs, args.stop_after)):
        fresh = generated[epoch * share : (epoch + 1) * share]
        examples = [example(nlp, case) for case in (*(thinned(case, rng) for case in real), *fresh)]
        rng.shuffle(examples)
        losses: dict[str, float] = {}
        batches = list(minibatch(examples, args.batch))
        for number, batch in enumerate(batches):
            done = (epoch + number / len(batches)) / args.epochs
            optimizer.learn_rate = args.rate * max(0.03, 1 - done)
            nlp.update(batch, drop=args.drop, sgd=optimizer, losses=losses)
        with nlp.use_params(optimizer.averages):
            told = f"{scores(nlp, held[:40])} {scores(nlp, generated_held) if generated_held else ''}"
            print(f"epoch {epoch + 1} {time.monotonic() - started:.0f} s loss {losses['ner']:.0f} {told}", flush=True)
            if args.checkpoint:
                save(nlp, args.checkpoint)
    nlp.use_params(optimizer.averages).__enter__()
    return nlp


def save(nlp: Language, out: Path) -> None:
    """Writes the pipeline without the words of its training texts: only the strings that its labels need."""
    clean = blank()
    clean.meta.update(
        {
            "name": "pii",
            "version": "0.1.0",
            "license": "Apache-2.0",
            "description": "Protected health information and contact data in Spanish text.",
        }
    )
    for label in nlp.get_pipe("ner").labels:
        clean.get_pipe("ner").add_label(label)
    clean.initialize(lambda: [example(clean, ("x", []))])
    for name in ("tok2vec", "ner"):
        clean.get_pipe(name).from_bytes(nlp.get_pipe(name).to_bytes(exclude=["vocab"]), exclude=["vocab"])
    clean.to_disk(out)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of meddocan_train and meddocan_dev")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--checkpoint", type=Path, default=None, help="also save after each epoch here")
    parser.add_argument("--generated", type=int, default=5000)
    parser.add_argument("--epochs", type=int, default=9)
    parser.add_argument("--stop-after", type=int, default=6, help="end after so many epochs of the schedule")
    parser.add_argument("--batch", type=int, default=5)
    parser.add_argument("--drop", type=float, default=0.15)
    parser.add_argument("--rate", type=float, default=0.002)
    parser.add_argument("--seed", type=int, default=20261)
    args = parser.parse_args()
    save(train_pipeline(args), args.out)


if __name__ == "__main__":
    main()
