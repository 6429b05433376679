"""How often the exported reader copies exactly the right words, on generated texts of templates and names that training never saw."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from gateway.adapters.field_reader import FieldReader

from .corpus import cases


def scores(reader: FieldReader, count: int, seed: int, part: str) -> dict[str, float]:
    """Shares of fields: `present` of those that the text has, `absent` of those that it has not, `all`; and of `whole` cases."""
    right: Counter[str] = Counter()
    asked: Counter[str] = Counter()
    for case in cases(count, seed, part):
        values = reader.values(case.text, [name for name, _ in case.fields], lambda: None)
        hits = [
            value == (case.text[place[0] : place[1]] if place else None)
            for value, (_, place) in zip(values, case.fields, strict=True)
        ]
        for hit, (_, place) in zip(hits, case.fields, strict=True):
            kind = "present" if place else "absent"
            right.update({kind: hit, "all": hit})
            asked.update((kind, "all"))
        right["whole"] += all(hits)
        asked["whole"] += 1
    return {kind: round(right[kind] / asked[kind], 3) for kind in sorted(asked)}


def evaluate(folder: Path, count: int, seed: int) -> None:
    """Print the scores on known and on held-out templates."""
    reader = FieldReader(folder / "reader.onnx")
    for part in ("train", "dev"):
        told = re.sub(r"[{}']", "", str(scores(reader, count, seed + 1_000_000, part)))
        print(f"{'known' if part == 'train' else 'held-out'} templates: {told}")
