"""Puts the parts of one postal address together: number, street, flat, town, postcode and country are one value."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from gateway.detection.candidates import Candidate

_HOUSE_NUMBER = re.compile(r"\b\d{1,6}[A-Za-z]?[ ,]{1,2}\Z")
_GAP = r"(?:[ \t,]{0,4}(?:\n{1,2}[ \t>|*]{0,8})|[ \t,]{1,4})"
"""From one part of an address to the next: on its line, or on the next one, which may be quoted."""
_WORD = r"[^\W\d_][\w.'\-]*"
_CAPITALISED = rf"(?=[A-Z\u00c0-\u00de\u0100-\u017f]){_WORD}"
_TOWN = rf"{_CAPITALISED}(?:[ \-]{_CAPITALISED}){{0,2}}"
_CODE = r"(?:[A-Z]{1,3}[ \-])?\d{3,6}(?:-\d{3,4})?\b(?![.:/]\d)"
_NEXT_PART = re.compile(
    rf"{_GAP}(?:(?:Apt|Apartment|Suite|Ste|Unit|Flat|Floor|Box)\b\.? ?#?\w{{1,6}}\b|#\w{{1,6}}\b"
    r"|\d{4,6}(?:-\d{3,4})?\b"
    rf"|[A-Z]{{1,2}}\d[A-Z\d]? ?\d[A-Z]{{2}}\b|[A-Z]{{2}}\b(?=[\s,]{{1,4}}\d{{5}})"
    rf"|(?:[A-Z]{{1,2}}-)?\d{{4,6}} {_TOWN}(?=[\n,.;]|\Z)|{_TOWN}(?:{_GAP}{_TOWN}){{0,2}}{_GAP}{_CODE})"
)
_ONLY_GAP = re.compile(_GAP)
_MOST_PARTS = 8


def joined(candidates: Iterable[Candidate], text: str) -> list[Candidate]:
    """The candidates, those street addresses that overlap or touch made into one, each with its town and postcode."""
    every = list(candidates)
    towns = {each.start: each.end for each in every if each.entity == "LOCATION"}
    others = {each.start for each in every if each.entity not in _NAMES}
    streets = sorted((each for each in every if each.entity == "STREET_ADDRESS"), key=lambda each: each.start)
    out: list[Candidate] = []
    for street in streets:
        grown = _grown(street, towns, others, text)
        if out and grown.start < out[-1].end:
            score = max(out[-1].score, grown.score)
            out[-1] = replace(out[-1], end=max(out[-1].end, grown.end), score=score)
        else:
            out.append(grown)
    return out + [each for each in every if each.entity != "STREET_ADDRESS"]


_NAMES = frozenset({"STREET_ADDRESS", "LOCATION", "ORGANIZATION", "PERSON"})


def _grown(street: Candidate, towns: dict[int, int], others: set[int], text: str) -> Candidate:
    """The street with the house number before it and the lines after it, up to the start of some other value."""
    before = _HOUSE_NUMBER.search(text, max(0, street.start - 10), street.start)
    end = street.end
    for _ in range(_MOST_PARTS):
        part = _NEXT_PART.match(text, end)
        gap = _ONLY_GAP.match(text, end)
        town = towns.get(gap.end(), 0) if gap else 0
        further = max(town, part.end() if part else 0)
        if further <= end or not others.isdisjoint(range(end, further)):
            break
        end = further
    return replace(street, start=before.start() if before else street.start, end=end)
