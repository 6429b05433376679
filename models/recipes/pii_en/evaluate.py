"""Scores a pipeline on the development sets, alone and inside the detector. Prints figures, keeps nothing.

python models/recipes/pii_en/evaluate.py --data ../shared/data --pipeline models/pii-en
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter, defaultdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3]))

from gateway.detection.analyzer import build_analyzer
from gateway.detection.custom import CompiledDetectors

SAME = {
    "PER": "PERSON",
    "LOC": "LOCATION",
    "ORG": "ORGANIZATION",
    "person": "PERSON",
    "location": "LOCATION",
    "corporation": "ORGANIZATION",
    "group": "ORGANIZATION",
    "GPE": "LOCATION",
}
NOT_PERSONAL = {"TITLE", "NRP", "ZIP_CODE", "DOMAIN_NAME"}


def read(path: Path, limit: int | None = None) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()[:limit]]


def overlap(analyzer, cases: list[dict]) -> None:
    """Precision and recall by overlap, label by label, of the names alone."""
    hit, gold, right, got = Counter(), Counter(), Counter(), Counter()
    for case in cases:
        with analyzer.pipeline.memory():
            found = [
                (e.start_char, e.end_char, e.label_)
                for e in analyzer.pipeline.process_text(case["text"], "en").entities
            ]
        spans = [(s["start"], s["end"], SAME.get(s["label"], s["label"])) for s in case["spans"]]
        for s, e, label in spans:
            gold[label] += 1
            hit[label] += any(a < e and s < b and label == kind for a, b, kind in found)
        for a, b, label in found:
            got[label] += 1
            right[label] += any(a < e and s < b and label == kind for s, e, kind in spans)
    for label in ("PERSON", "LOCATION", "ORGANIZATION"):
        if gold[label]:
            print(
                f"    {label:14} precision {right[label] / max(1, got[label]):.3f} recall {hit[label] / gold[label]:.3f}  ({gold[label]} spans)"
            )


def detected(analyzer, cases: list[dict]) -> None:
    """Inside the detector: how many spans of each label are covered (9 characters in 10), by whatever entity."""
    none, covered, total, named = CompiledDetectors(()), Counter(), Counter(), Counter()
    missed = defaultdict(list)
    for case in cases:
        found = analyzer.examine(case["text"], (), none)
        marks = set()
        for f in found:
            marks.update(range(f.start, f.end))
        for s in case["spans"]:
            total[s["label"]] += 1
            size = s["end"] - s["start"]
            ok = sum(i in marks for i in range(s["start"], s["end"])) >= 0.9 * size
            covered[s["label"]] += ok
            named[s["label"]] += any(
                f.start < s["end"] and s["start"] < f.end and f.entity == SAME.get(s["label"], s["label"])
                for f in found
            )
            if not ok:
                missed[s["label"]].append(
                    case["text"][max(0, s["start"] - 30) : s["start"]]
                    + "[["
                    + case["text"][s["start"] : s["end"]]
                    + "]]"
                )
    for label, count in total.most_common():
        print(f"    {label:18} covered {covered[label] / count:.3f} same entity {named[label] / count:.3f}  ({count})")
    if "-v" in sys.argv:
        for label in missed:
            if label not in NOT_PERSONAL:
                print(label, *missed[label][:12], sep="\n      ")


def alarms(analyzer, name: str, cases: list[dict]) -> None:
    """Texts in which something is found, by entity."""
    none, texts, samples = CompiledDetectors(()), Counter(), defaultdict(list)
    for case in cases:
        for entity, value in {
            (f.entity, case["text"][f.start : f.end]) for f in analyzer.examine(case["text"], (), none)
        }:
            samples[entity].append(value)
            texts[entity, case["text"]] = 1
    share = Counter(entity for entity, _ in texts)
    print(name, len(cases), "texts:", ", ".join(f"{e} {100 * n / len(cases):.1f} %" for e, n in share.most_common()))
    if "-v" in sys.argv:
        for entity in samples:
            print("   ", entity, samples[entity][:25])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--pipeline", required=True)
    parser.add_argument("-v", action="store_true")
    args = parser.parse_args()
    analyzer = build_analyzer(args.pipeline)
    for name in ("wnut17_dev", "uner_en_ewt_dev", "presidio_synth_v2"):
        print(f"{name}, names alone, by overlap")
        overlap(analyzer, read(args.data / f"{name}.jsonl"))
    print("presidio_synth_v2, whole detector")
    detected(analyzer, read(args.data / "presidio_synth_v2.jsonl"))
    by_source = defaultdict(list)
    for case in read(args.data / "benign_prompts.jsonl") + read(args.data / "benign_prompts_code_real.jsonl"):
        by_source[case["src"]].append(case)
    for source, cases in by_source.items():
        alarms(analyzer, source, cases)


if __name__ == "__main__":
    main()
