"""Row 13: everyday texts of employees, by the classes that their meaning has.

`everyday.jsonl` was written by hand before its writer read the detector: its texts are marked `dev` or `test` at random
within each class. Single mistakes were looked at in `dev` alone; what is told here is `test`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from gateway.domain.labels import BESIDE_A_PERSON, DEFAULT_TABLE, DataClass, Entity
from tests.benchmarks.detection_data import Span, sampled
from tests.benchmarks.detection_rows import Bench, Line

_SET = Path(__file__).with_name("everyday.jsonl")
_NOTHING = "none"


@dataclass(frozen=True, slots=True)
class Everyday:
    """One text. `expected` is the class that its meaning has, or "none"."""

    text: str
    expected: str


def load_half(half: str) -> list[Everyday]:
    """The texts of "dev" or "test"."""
    rows = map(json.loads, _SET.read_text("utf-8").splitlines())
    return [Everyday(row["text"], row["class"]) for row in rows if row["half"] == half]


def classes(spans: Iterable[Span]) -> frozenset[DataClass]:
    """What a text with these findings is by the default table, topics beside a person included."""
    entities = {Entity(span.entity) for span in spans}
    own = {each for entity in entities & DEFAULT_TABLE.keys() for each in DEFAULT_TABLE[entity].classes}
    if DataClass.PII in own:
        own |= {BESIDE_A_PERSON[entity] for entity in entities & BESIDE_A_PERSON.keys()}
    return frozenset(own)


def everyday(bench: Bench) -> Iterator[Line]:
    """Row 13: recall of each class, and texts of no class in which one is found."""
    cases = sampled(load_half("test"), bench.sample)
    told = [
        [classes(spans) for spans in bench.found(system, "everyday", [case.text for case in cases])]
        for system in bench.systems
    ]
    for expected in dict.fromkeys(case.expected for case in cases):
        right = [
            sum(
                _is_right(expected, found) for case, found in zip(cases, each, strict=True) if case.expected == expected
            )
            for each in told
        ]
        there = sum(case.expected == expected for case in cases)
        if expected == _NOTHING:
            yield Line(13, "everyday texts, false alarms", "-", *(f"{there - each} of {there}" for each in right))
        else:
            yield Line(13, f"everyday texts, recall of {expected}", "-", *(f"{each} of {there}" for each in right))


def _is_right(expected: str, found: frozenset[DataClass]) -> bool:
    return not found if expected == _NOTHING else expected in {each.value for each in found}
