"""Counts of what was found right, told and there; their scores and intervals; and three ways to judge a text.

An interval is the 2.5th and 97.5th percentile of 1,000 draws of as many texts, with replacement.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from tests.benchmarks.detection_data import Labelled, Span

IOU = 0.9
_DRAWS = 1_000
_SEED = 7


@dataclass(frozen=True, slots=True)
class Count:
    """Spans that were found right, told, and there to be found."""

    right: int = 0
    told: int = 0
    there: int = 0

    def __add__(self, other: Count) -> Count:
        return Count(self.right + other.right, self.told + other.told, self.there + other.there)

    @property
    def precision(self) -> float:
        """Of what was told, the part that is right; 1 for nothing told."""
        return self.right / self.told if self.told else 1.0

    @property
    def recall(self) -> float:
        """Of what was there, the part that was found; 1 for nothing there."""
        return self.right / self.there if self.there else 1.0

    def f(self, beta: float) -> float:
        """The F score with recall worth `beta` times precision."""
        weighted = beta**2 * self.precision + self.recall
        return (1 + beta**2) * self.precision * self.recall / weighted if weighted else 0.0

    @property
    def f2(self) -> float:
        """Recall worth twice precision."""
        return self.f(2)

    @property
    def f1(self) -> float:
        """Both worth the same."""
        return self.f(1)


Interval = tuple[float, float]


def total(counts: Sequence[Count]) -> Count:
    """All in one."""
    return Count(sum(c.right for c in counts), sum(c.told for c in counts), sum(c.there for c in counts))


def interval(counts: Sequence[Count], score: Callable[[Count], float]) -> Interval:
    """The 95 % interval of a score over texts drawn again with replacement."""
    rng = random.Random(_SEED)
    drawn = sorted(score(total(rng.choices(counts, k=len(counts)))) for _ in range(_DRAWS)) if counts else [0.0]
    return drawn[int(0.025 * len(drawn))], drawn[min(len(drawn) - 1, int(0.975 * len(drawn)))]


def overlapping(case: Labelled, found: Sequence[Span], entity: str) -> tuple[Count, Count]:
    """One text's spans of one entity, right where they share a character: for precision and for recall."""
    told = [span for span in found if span.entity == entity]
    there = [span for span in case.spans if span.entity == entity]
    right = sum(any(span.overlaps(other) for other in there) for span in told)
    hit = sum(any(span.overlaps(other) for other in told) for span in there)
    return Count(right, len(told), len(told)), Count(hit, len(there), len(there))


def strict(case: Labelled, found: Sequence[Span]) -> Count:
    """One text's spans, right where start, end and entity are."""
    told = {(span.start, span.end, span.entity) for span in found}
    there = {(span.start, span.end, span.entity) for span in case.spans}
    return Count(len(told & there), len(told), len(there))


def mistakes(case: Labelled, found: Sequence[Span]) -> Iterator[str]:
    """The kind of each thing that went wrong in one text: nothing found, other edges, another name, nothing there."""
    for span in case.spans:
        beside = [other for other in found if span.overlaps(other)]
        if not beside:
            yield f"{span.entity}: not found"
        elif not any(_iou(span, other) >= IOU for other in beside):
            yield f"{span.entity}: other edges"
        elif not any(other.entity == span.entity for other in beside):
            yield f"{span.entity}: told as {beside[0].entity}"
    for other in found:
        if not any(other.overlaps(span) for span in case.spans):
            yield f"{other.entity}: where nothing is"


def _iou(one: Span, other: Span) -> float:
    shared = min(one.end, other.end) - max(one.start, other.start)
    return shared / (max(one.end, other.end) - min(one.start, other.start))
