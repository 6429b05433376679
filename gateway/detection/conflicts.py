"""What to report where results overlap: a specific pattern beats a generic one, both beat the name recogniser."""

from __future__ import annotations

import bisect
from collections.abc import Iterable
from dataclasses import replace

from gateway.detection.addresses import joined
from gateway.detection.candidates import Candidate

NAME_RECOGNIZER = "SpacyRecognizer"
_GENERIC = frozenset({"URL", "DATE_TIME", "AGE", "LOCATION", "ORGANIZATION", "PERSON"})
_FIRST = (
    "SECRET", "CREDIT_CARD", "IBAN_CODE", "US_SSN", "EMAIL_ADDRESS", "CRYPTO", "UK_NHS", "US_MBI", "UK_NINO",
    "MEDICAL_LICENSE", "MEDICAL_RECORD_NUMBER", "NATIONAL_ID", "US_PASSPORT", "US_DRIVER_LICENSE", "ACCOUNT_NUMBER",
    "PHONE_NUMBER",
)  # fmt: skip
_PRECEDENCE = {entity: rank for rank, entity in enumerate(_FIRST)}


def resolve(candidates: Iterable[Candidate], text: str) -> list[Candidate]:
    """The candidates without overlaps, sorted by start. A name that is partly covered keeps the part that is not."""
    kept: list[Candidate] = []
    starts: list[int] = []
    for candidate in sorted(joined(candidates, text), key=_strength):
        for rest in _uncovered(candidate, kept, starts, text):
            at = bisect.bisect_left(starts, rest.start)
            starts.insert(at, rest.start)
            kept.insert(at, rest)
    return kept


def _strength(candidate: Candidate) -> tuple[int, int, float, int, int]:
    """Sorts the strongest first: not from the name recogniser, not generic, then named precedence, score and length."""
    by_name = candidate.recognizer == NAME_RECOGNIZER and candidate.entity != "STREET_ADDRESS"
    kind = 2 if by_name else 1 if candidate.entity in _GENERIC else 0
    length = candidate.end - candidate.start
    return kind, _PRECEDENCE.get(candidate.entity, len(_PRECEDENCE)), -candidate.score, -length, candidate.start


def _uncovered(candidate: Candidate, kept: list[Candidate], starts: list[int], text: str) -> list[Candidate]:
    """What is left of a candidate beside those already kept: all or nothing; of a name, the free parts."""
    free: list[tuple[int, int]] = []
    at = candidate.start
    first = max(0, bisect.bisect_right(starts, candidate.start) - 1)
    for other in kept[first : bisect.bisect_left(starts, candidate.end)]:
        if other.end > at:
            free.append((at, other.start))
            at = max(at, other.end)
    free.append((at, candidate.end))
    if candidate.recognizer != NAME_RECOGNIZER and free != [(candidate.start, candidate.end)]:
        return []
    return [part for start, end in free if (part := _trimmed(candidate, start, end, text)) is not None]


_LEAST_PART = 3


def _trimmed(candidate: Candidate, start: int, end: int, text: str) -> Candidate | None:
    if (start, end) == (candidate.start, candidate.end):
        return candidate
    value = text[start:end] if start < end else ""
    start += len(value) - len(value.lstrip(" \t\n,;:.-\"'()"))
    value = value.strip(" \t\n,;:.-\"'()")
    if sum(map(str.isalnum, value)) < _LEAST_PART:
        return None
    return replace(candidate, start=start, end=start + len(value))
