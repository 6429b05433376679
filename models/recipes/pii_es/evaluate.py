"""Scores a Spanish pipeline on a MEDDOCAN part: a span counts when start, end and label are right. Prints a table.

python -m models.recipes.pii_es.evaluate --data ../shared/data --pipeline models/pii-es
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from pathlib import Path

import spacy

Spans = set[tuple[int, int, str]]


def read(path: Path) -> list[tuple[str, Spans]]:
    """The cases of one JSON-lines file: text and spans."""
    cases = (json.loads(line) for line in path.read_text(encoding="utf-8").splitlines())
    return [(case["text"], {(s["start"], s["end"], s["label"]) for s in case["spans"]}) for case in cases]


def table(cases: list[tuple[str, Spans]], found: list[Spans]) -> list[str]:
    """Precision, recall and F1 of each label and of all together, in per cent, as lines of Markdown."""
    gold: Counter[str] = Counter(label for _, spans in cases for _, _, label in spans)
    told: Counter[str] = Counter(label for spans in found for _, _, label in spans)
    right: Counter[str] = Counter(
        label for (_, spans), got in zip(cases, found, strict=True) for _, _, label in spans & got
    )
    rows = [(label, right[label], told[label], gold[label]) for label, _ in gold.most_common()]
    rows.append(("**all**", right.total(), told.total(), gold.total()))
    head = ["| label | precision | recall | F1 | spans |", "|---|---|---|---|---|"]
    return head + [_row(*row) for row in rows]


def _row(label: str, right: int, told: int, gold: int) -> str:
    precision, recall = right / max(1, told), right / max(1, gold)
    f1 = 2 * right / max(1, told + gold)
    return f"| {label} | {100 * precision:.1f} | {100 * recall:.1f} | {100 * f1:.1f} | {gold} |"


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of meddocan_dev")
    parser.add_argument("--pipeline", default="models/pii-es")
    parser.add_argument("--part", default="meddocan_dev")
    args = parser.parse_args()
    nlp = spacy.load(args.pipeline)
    cases = read(args.data / f"{args.part}.jsonl")
    found = [{(e.start_char, e.end_char, e.label_) for e in nlp(text).ents} for text, _ in cases]
    print("\n".join(table(cases, found)))


if __name__ == "__main__":
    main()
