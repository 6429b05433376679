"""Trains the shipped English pipeline: a spaCy CNN encoder with a named-entity recogniser, nothing else.

One command, one thread, fixed seeds:

    python models/recipes/pii_en/train.py --data ../shared/data --out models/pii-en
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import time
import unicodedata
from pathlib import Path

if os.environ.get("PYTHONHASHSEED") != "0":  # some generators walk through sets: the same order every time
    os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, "PYTHONHASHSEED": "0"})
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).parents[3]))

import spacy
from spacy.language import Language
from spacy.training import Example
from spacy.util import filter_spans, fix_random_seed, minibatch
from thinc.api import Config

from models.recipes.pii_en.generate import Case, cases

LABELS = ("PERSON", "LOCATION", "ORGANIZATION", "STREET_ADDRESS")
CONFIG = """
[nlp]
lang = "en"
pipeline = ["tok2vec", "ner"]

[components]

[components.tok2vec]
factory = "tok2vec"

[components.tok2vec.model]
@architectures = "spacy.Tok2Vec.v2"

[components.tok2vec.model.embed]
@architectures = "spacy.MultiHashEmbed.v2"
width = 96
attrs = ["NORM", "PREFIX", "SUFFIX", "SHAPE"]
rows = [10000, 2500, 5000, 2500]
include_static_vectors = false

[components.tok2vec.model.encode]
@architectures = "spacy.MaxoutWindowEncoder.v2"
width = 96
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
width = 96
upstream = "*"
"""


def read_set(path: Path) -> list[Case]:
    """The cases of one JSON-lines file, with only the labels that this pipeline learns."""
    out: list[Case] = []
    for line in path.read_text(encoding="utf-8").splitlines():
        case = json.loads(line)
        spans = [(s["start"], s["end"], s["label"]) for s in case["spans"] if s["label"] in LABELS]
        out.append((case["text"], spans))
    return out


def fold(text: str) -> str:
    """Curly quotes, long dashes and odd spaces as the detector folds them; lengths must not change."""
    table = {0x2018: "'", 0x2019: "'", 0x201C: '"', 0x201D: '"', 0x2013: "-", 0x2014: "-", 0x00A0: " "}
    return unicodedata.normalize("NFC", text).translate(table) if unicodedata.is_normalized("NFC", text) else text


def example(nlp: Language, case: Case) -> Example:
    """A spaCy example; spans that do not fall on token borders are widened."""
    text, spans = fold(case[0]), case[1]
    predicted, reference = nlp.make_doc(text), nlp.make_doc(text)
    found = [reference.char_span(s, e, label=label, alignment_mode="expand") for s, e, label in spans]
    reference.set_ents(filter_spans([span for span in found if span is not None]))
    return Example(predicted, reference)


def lowered(cases_: list[Case], rng: random.Random, share: float) -> list[Case]:
    """A share of the cases again in small letters: people type names so."""
    picked = rng.sample(cases_, int(len(cases_) * share))
    return [(text.lower(), spans) for text, spans in picked if spans and len(text.lower()) == len(text)]


def training_cases(args: argparse.Namespace, rng: random.Random) -> tuple[list[Case], dict[str, list[Case]]]:
    """The training mix, and the held-out parts by name."""
    train: list[Case] = list(cases(args.generated, args.seed, "train"))
    held = {"generated": list(cases(1500, args.seed + 1, "dev"))}
    for name, copies in (("btc_train", 1), ("wnut17_train", 2), ("wikigold_train", 3)):
        real = read_set(args.data / f"{name}.jsonl")
        rng.shuffle(real)
        cut = len(real) // 20
        held[name] = real[:cut]
        train += real[cut:] * copies + lowered(real[cut:], rng, 0.15)
    return train, held


def scores(nlp: Language, held: dict[str, list[Case]]) -> dict[str, dict[str, float]]:
    """Exact-span precision and recall of each held-out part, in per cent."""
    out = {}
    for name, part in held.items():
        got = nlp.evaluate([example(nlp, case) for case in part])
        out[name] = {key: round(100 * (got[key] or 0.0), 1) for key in ("ents_p", "ents_r")}
    return out


def train_pipeline(args: argparse.Namespace) -> Language:
    """Trains with a decaying learning rate and returns the pipeline with its averaged weights."""
    fix_random_seed(args.seed)
    rng = random.Random(args.seed)
    train, held = training_cases(args, rng)
    nlp = spacy.util.load_model_from_config(Config().from_str(CONFIG), auto_fill=True)
    examples = [example(nlp, case) for case in train]
    ner = nlp.get_pipe("ner")
    for label in LABELS:
        ner.add_label(label)
    nlp.initialize(lambda: examples[:2000])
    optimizer = nlp.create_optimizer()
    steps_total = args.epochs * (len(examples) // args.batch)
    step, started = 0, time.monotonic()
    for epoch in range(min(args.epochs, args.stop_after)):
        rng.shuffle(examples)
        losses: dict[str, float] = {}
        for batch in minibatch(examples, args.batch):
            optimizer.learn_rate = args.rate * max(0.05, 1 - step / steps_total)
            nlp.update(batch, drop=0.25, sgd=optimizer, losses=losses)
            step += 1
        with nlp.use_params(optimizer.averages):
            print(
                f"epoch {epoch + 1}/{args.epochs} {time.monotonic() - started:.0f} s loss {losses['ner']:.0f} {scores(nlp, held)}",
                flush=True,
            )
            if args.checkpoint:
                save(nlp, args.checkpoint)
    nlp.use_params(optimizer.averages).__enter__()
    return nlp


def save(nlp: Language, out: Path) -> None:
    """Writes the pipeline without the words of its training texts: only the strings that its labels need."""
    clean = spacy.util.load_model_from_config(nlp.config, auto_fill=True)
    clean.meta.update(
        {
            "name": "pii",
            "version": "0.1.0",
            "license": "Apache-2.0",
            "description": "Names, places, organisations and street addresses in English business text.",
        }
    )
    clean.initialize(lambda: [example(clean, ("x", []))])
    for label in LABELS:
        clean.get_pipe("ner").add_label(label)
    for name in ("tok2vec", "ner"):
        clean.get_pipe(name).from_bytes(nlp.get_pipe(name).to_bytes(exclude=["vocab"]), exclude=["vocab"])
    clean.to_disk(out)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of wnut17_train, btc_train and wikigold_train")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--checkpoint", type=Path, default=None, help="also save after each epoch here")
    parser.add_argument("--generated", type=int, default=22000)
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--stop-after", type=int, default=5, help="end after so many epochs of the schedule")
    parser.add_argument("--batch", type=int, default=48)
    parser.add_argument("--rate", type=float, default=0.001)
    parser.add_argument("--seed", type=int, default=20260)
    args = parser.parse_args()
    save(train_pipeline(args), args.out)


if __name__ == "__main__":
    main()
