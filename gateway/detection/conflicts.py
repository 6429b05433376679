"""What to report where results overlap, and what a name's neighbours say of it.

A specific pattern beats a generic one, both beat the name recogniser. Of one generic entity the longest span wins.
Where all else is equal, the stricter entity does. A public figure beside a number, an account or a health matter is a
person.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterable
from dataclasses import replace

from gateway.detection.addresses import joined
from gateway.detection.candidates import NAME_RECOGNIZER, Candidate
from gateway.domain.labels import DEFAULT_TABLE, HEALTH_ENTITIES, STANDARD_LABELS, Entity

_NAMES = frozenset({"PERSON", "PUBLIC_FIGURE", "LOCATION", "ORGANIZATION", "STREET_ADDRESS"})
_GENERIC = (_NAMES - {"STREET_ADDRESS"}) | {"URL", "DATE_TIME", "AGE", "TITLE", "NRP", "ZIP_CODE"}
_AS_NAMES = frozenset({"TITLE", "NRP"})
"""Found by words alone, these are worth no more than what the name recogniser says: they hide no person."""
_LONGEST_WINS = (_GENERIC | _NAMES) - {"URL"}
_FIRST = (
    "SECRET", "CREDIT_CARD", "IBAN_CODE", "US_SSN", "EMAIL_ADDRESS", "CRYPTO", "UK_NHS", "US_MBI", "UK_NINO",
    "MEDICAL_LICENSE", "MEDICAL_RECORD_NUMBER", "NATIONAL_ID", "US_PASSPORT", "US_DRIVER_LICENSE", "ACCOUNT_NUMBER",
    "PHONE_NUMBER", "PERSON", "TITLE",
)  # fmt: skip
_PRECEDENCE = {entity: rank for rank, entity in enumerate(_FIRST)}


def resolve(candidates: Iterable[Candidate], text: str) -> list[Candidate]:
    """The candidates without overlaps, sorted by start. A name that is partly covered keeps the part that is not."""
    kept: list[Candidate] = []
    starts: list[int] = []
    for candidate in sorted(_longest(joined(candidates, text)), key=_strength):
        for rest in _uncovered(candidate, kept, starts, text):
            at = bisect.bisect_left(starts, rest.start)
            starts.insert(at, rest.start)
            kept.insert(at, rest)
    return _private(kept)


def _longest(candidates: list[Candidate]) -> list[Candidate]:
    """The candidates without those that lie within a longer one of the same entity, of those that words delimit."""
    ends: dict[str, int] = {}
    out: list[Candidate] = []
    for each in sorted(candidates, key=lambda one: (one.start, -one.end, -one.score)):
        if each.entity not in _LONGEST_WINS or each.end > ends.get(each.entity, -1):
            ends[each.entity] = each.end
            out.append(each)
    return out


_BESIDE = 150
"""So many characters from a name at most, a number or a health matter is taken for that person's."""
_PERSONAL = frozenset(e for e, means in DEFAULT_TABLE.items() if means.classes and e != "PERSON") | HEALTH_ENTITIES


def _private(kept: list[Candidate]) -> list[Candidate]:
    """A public figure's name beside what is somebody's own is not told as a topic: it is a person's."""
    personal = [each for each in kept if each.entity in _PERSONAL]
    ends, starts = sorted(each.end for each in personal), sorted(each.start for each in personal)

    def alone(name: Candidate) -> bool:
        before = bisect.bisect_left(ends, name.start - _BESIDE) == bisect.bisect_right(ends, name.start)
        return before and bisect.bisect_left(starts, name.end) == bisect.bisect_right(starts, name.end + _BESIDE)

    return [replace(e, entity="PERSON") if e.entity == "PUBLIC_FIGURE" and not alone(e) else e for e in kept]


def _strength(candidate: Candidate) -> tuple[int, int, float, int, int, int]:
    """Sorts the strongest first: not from the name recogniser, not generic, then named precedence, score, length, and
    how strict the entity's label is."""
    by_name = candidate.recognizer == NAME_RECOGNIZER and candidate.entity != "STREET_ADDRESS"
    by_name = by_name or candidate.entity in _AS_NAMES
    kind = 2 if by_name else 1 if candidate.entity in _GENERIC else 0
    length = candidate.end - candidate.start
    rank = _PRECEDENCE.get(candidate.entity, len(_PRECEDENCE))
    return kind, rank, -candidate.score, -length, -_strictness(candidate.entity), candidate.start


def _strictness(entity: str) -> int:
    means = DEFAULT_TABLE.get(Entity(entity))
    return STANDARD_LABELS.index(means.label) if means else len(STANDARD_LABELS)


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
