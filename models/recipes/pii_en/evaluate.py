"""Scores the encoder alone on the development sets: what it finds, how sure it is, and where it raises false alarms.

    python -m models.recipes.pii_en.evaluate --data ../shared/data --pipeline models/pii-en [-v]

The whole detector is measured by `make bench-detection`.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from gateway.detection.encoder import Encoder

from .generate import cases

Span = tuple[int, int, str]

SAME = {
    "PER": "PERSON", "PUBLIC_FIGURE": "PERSON", "person": "PERSON", "LOC": "LOCATION", "GPE": "LOCATION", "location": "LOCATION",
    "ORG": "ORGANIZATION", "corporation": "ORGANIZATION", "group": "ORGANIZATION",
}  # fmt: skip
SETS = ("wnut17_dev", "uner_en_ewt_dev", "presidio_synth_v2")
BENIGN = ("benign_prompts", "benign_prompts_code_real")
BINS = (0.0, 0.3, 0.5, 0.7, 0.85, 0.95, 0.99, 1.01)


def read(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def named(spans: Iterable[Span]) -> list[Span]:
    return [(start, end, SAME.get(label, label)) for start, end, label in spans]


def overlap(gold: Sequence[list[Span]], found: Sequence[list[Span]]) -> None:
    """Precision, recall and F2 by overlap with a span of the same label."""
    hit, many, right, got = Counter(), Counter(), Counter(), Counter()
    for real, said in zip(gold, found, strict=True):
        for start, end, label in real:
            many[label] += 1
            hit[label] += any(a < end and start < b and label == kind for a, b, kind in said)
        for a, b, label in said:
            got[label] += 1
            right[label] += any(a < end and start < b and label == kind for start, end, kind in real)
    for label, count in many.most_common():
        if got[label]:
            p, r = right[label] / got[label], hit[label] / count
            f2 = 5 * p * r / (4 * p + r) if p + r else 0.0
            print(f"    {label:16} precision {p:.3f} recall {r:.3f} F2 {f2:.3f}  ({count} spans)")


def reliability(gold: Sequence[list[Span]], found: Sequence[list[tuple[int, int, str, float]]]) -> None:
    """Of mentions with about one score, how many are right."""
    right, total, sure = Counter(), Counter(), defaultdict(float)
    for real, said in zip(gold, found, strict=True):
        for a, b, label, score in said:
            place = sum(score >= edge for edge in BINS)
            total[place] += 1
            sure[place] += score
            right[place] += any(a < end and start < b and label == kind for start, end, kind in real)
    for place in sorted(total):
        print(f"    said {sure[place] / total[place]:.2f} right {right[place] / total[place]:.2f}  ({total[place]})")


def alarms(encoder: Encoder, name: str, texts: Sequence[str], *, verbose: bool) -> None:
    """The share of texts in which each label occurs."""
    share, samples = Counter(), defaultdict(list)
    for text in texts:
        found = encoder.mentions(text)
        share.update({each.label for each in found})
        for each in found:
            samples[each.label].append((text[each.start : each.end], round(each.score, 2)))
    told = ", ".join(f"{label} {100 * count / len(texts):.1f} %" for label, count in share.most_common())
    print(f"{name}, {len(texts)} texts: {told}")
    for label, values in samples.items() if verbose else ():
        print("   ", label, values[:40])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--pipeline", type=Path, required=True)
    parser.add_argument("--limit", type=int, default=None, help="so many texts of each set")
    parser.add_argument("-v", action="store_true", help="show what the false alarms are about")
    args = parser.parse_args()
    encoder = Encoder(args.pipeline / "ner")
    held = list(cases(args.limit or 1500, 77, "dev"))
    sets = {"generated, held out": [(text, spans) for text, spans in held]}
    for name in SETS:
        rows = read(args.data / f"{name}.jsonl")[: args.limit]
        sets[name] = [(row["text"], [(s["start"], s["end"], s["label"]) for s in row["spans"]]) for row in rows]
    for name, rows in sets.items():
        found = [encoder.mentions(text) for text, _ in rows]
        print(f"{name}, by overlap")
        overlap(
            [named(spans) for _, spans in rows],
            [named((each.start, each.end, each.label) for each in said) for said in found],
        )
        if name == "generated, held out":
            said = [[(each.start, each.end, each.label, each.score) for each in some] for some in found]
            reliability([spans for _, spans in rows], said)
    by_source: dict[str, list[str]] = defaultdict(list)
    for name in BENIGN:
        for row in read(args.data / f"{name}.jsonl"):
            by_source[row["src"]].append(row["text"])
    for source, texts in by_source.items():
        alarms(encoder, source, texts[: args.limit], verbose=args.v)


if __name__ == "__main__":
    main()
