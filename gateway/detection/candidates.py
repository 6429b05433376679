"""A result on its way from a recogniser to a finding."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.domain.finding import Permille
from gateway.domain.labels import Entity

Hit = tuple[int, int, Entity, Permille, str]
"""Start, end (in the folded text), entity, confidence, recogniser."""

NAME_RECOGNIZER = "SpacyRecognizer"
"""What the findings of the spaCy pipeline are told by."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One result, with offsets in the folded text and a score from 0 to 1."""

    start: int
    end: int
    entity: str
    score: float
    recognizer: str
