"""What a pipeline takes for an entity, held to what such an entity can be: no number, no call, no word of a list.

A model judges words by their company; whether a value can be a name at all is known beforehand. What is doubtful stays.
"""

from __future__ import annotations

import re

_EDGES = " \t\n\r.,;:!?\"'()-/#*>|"
_LETTERS = re.compile(r"[^\W\d_]{3}")
_HUMP = re.compile(r"[a-z][A-Z]")
_NUMBERS = re.compile(r"\d(?:.*\d)?", re.DOTALL)
_DECADE = re.compile(r"'?\d0'?s")
_OF_SOMEBODY = re.compile(r"\b(?:his|her|their|my|your|our)\s+(?:early |mid[- ]?|late )?\Z", re.IGNORECASE)
_LIST = re.compile(r"\n[ \t]*\d{1,3}[.)]\s")
_ITEM = re.compile(r"\d{1,3}[.)]\s+")
_CAPITALISED_WORD = re.compile(r"[.\s]{0,3}[A-Z\u00c0-\u00de]")
_FORMS_OF_ADDRESS = frozenset(("sir", "madam", "ma'am", "miss", "mister", "mr", "mrs", "ms"))
_EPONYM = re.compile(
    r"(?:['\u2019]s)?[ -](?:conjecture|theorem|lemma|algorithm|inequality|paradox|hypothesis|transform|polynomials?"
    r"|syndrome|disease|equations?|distribution)\b"
    r"|['\u2019]?s (?:Auto|Bakery|Bar|Burgers?|Caf[e\u00e9]|Deli|Diner|Garage|Grill|Inn|Kitchen|Pizza|Pizzeria|Pub"
    r"|Restaurant|Salon)\b"
)
"""What is called after somebody says nothing of that person."""
_NO_PERSON_BEFORE = re.compile(
    r"\b(?:hurricane|typhoon|cyclone|tropical storm"
    r"|(?:database|column|schema|file|folder|directory|script|function|method|variable|module|package"
    r"|repository|container|game|book|novel|film|movie|song)"
    r",?\s+(?:named?|called)"
    r"|(?:cat|kitten|dog|puppy|pet|horse|pony|hamster|rabbit|parrot|lynx)\b[\w '\u2019]{0,15}?"
    r"\b(?:named?|called|name(?: i|['\u2019 ])s))\s+\Z",
    re.IGNORECASE,
)
"""Storms, animals and what people make have names too."""
_NAME = r"[A-Z][\w'\u2019-]{1,30}"
_FIRM = re.compile(
    rf"(?:(?:, {_NAME}){{1,3}},? (?:&|and) {_NAME}|(?:-| | & | and ){_NAME}){{0,2}}?"
    r"(?:,? (?:LLP|LLC|Inc|Ltd|plc|PLC|GmbH|Corp|Corporation)| (?:&|and) (?:Sons|Daughters|Brothers|Co|Partners))\b"
)
"""The rest of a firm's name behind a surname, up to what firms alone are called."""
_OFFICES = frozenset(("president", "senator", "minister", "chancellor", "governor", "mayor", "professor", "chairman"))
_PARTICLES = frozenset(("al", "el", "de", "la", "van", "von", "bin", "ibn"))
_PLANETS = frozenset(("mercury", "venus", "mars", "jupiter", "saturn", "uranus", "neptune", "pluto"))
_ESCAPE = re.compile(r"[nrt][A-Z]")
_PEOPLE = frozenset({"PERSON", "PUBLIC_FIGURE"})
_SURE = 0.8
_SIGNS = frozenset("_{}[]()<>=;\\|@*~^`$%+")
_SHORTEST_ADDRESS = 8
_LOOK_BACK = 50

Believed = tuple[int, int, str]
"""Start, end (exclusive) and label."""


def believed(text: str, span: tuple[int, int], label: str, score: float | None, *, capitals: bool) -> Believed | None:
    """What is left of an entity of `text`; None for what cannot be one.

    Our own pipeline tells how sure it is, from 0 to 1. Of one that does not (None) more is asked. `capitals`: the
    writer uses them in names, so that what has none is hardly one.
    """
    start, end = _trimmed(text, *span)
    value = text[start:end]
    if not any(map(str.isalnum, value)) or (score is None and not _looks(label, value, capitals=capitals)):
        return None
    if label in _PEOPLE:
        return (start, end, label) if _person(text, start, end, score, capitals=capitals) else None
    if label == "STREET_ADDRESS":
        return _address(text, start, end)
    if label == "AGE":
        return _age(text, start, end)
    if label == "ORGANIZATION" and capitals and value.islower():
        return None
    if label == "TITLE" and capitals and value.lower() in _FORMS_OF_ADDRESS and not _CAPITALISED_WORD.match(text, end):
        return None
    return start, end, label


def _looks(label: str, value: str, *, capitals: bool) -> bool:
    """Whether a value looks like what it is taken for: no code, no number, no scrap."""
    if not any(map(str.isalpha, value)) or _SIGNS.intersection(value) or (capitals and value.islower()):
        return False
    if label in {"PERSON", "LOCATION"}:
        return not any(map(str.isdigit, value)) and len(value) >= 2
    return label != "STREET_ADDRESS" or len(value) >= _SHORTEST_ADDRESS


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    """Without the signs at its edges and the ending of a possessive."""
    value = text[start:end]
    start += len(value) - len(value.lstrip(_EDGES))
    return start, start + len(value.strip(_EDGES).removesuffix("'s"))


def _person(text: str, start: int, end: int, score: float | None, *, capitals: bool) -> bool:
    """Whether a value can be somebody's name: no number or key, no letter alone, no call, no escape, nothing called
    after somebody, no surname with which a firm's name begins, and nothing else that has a name."""
    value, after = text[start:end], text[end : end + 1]
    if len(value) == 1 or any(map(str.isdigit, value)) or value in _PARTICLES:
        return False
    if value.lower() in _PLANETS | _OFFICES:
        return False
    if _EPONYM.match(text, end) or _NO_PERSON_BEFORE.search(text, max(0, start - _LOOK_BACK), start):
        return False
    if value.isalpha() and _FIRM.match(text, end):
        return False
    if after == "(" and (_HUMP.search(value) or value.isalnum()):
        return False
    if text[start - 1 : start] == "\\" and _ESCAPE.match(value):
        return False
    shouted = capitals and value.isalpha() and value.isupper() and len(value) > 1
    return not shouted or score is None or score >= _SURE


def _address(text: str, start: int, end: int) -> Believed | None:
    """A street, up to the first item of a list; a single word is at most a place, and a key is neither."""
    own = _ITEM.match(text, start, end)
    start = own.end() if own else start
    item = _LIST.search(text, start, end)
    start, end = _trimmed(text, start, item.start() if item else end)
    value = text[start:end]
    if _LETTERS.search(value) is None:
        return None
    if any(map(str.isspace, value)):
        return start, end, "STREET_ADDRESS"
    return None if any(map(str.isdigit, value)) else (start, end, "LOCATION")


def _age(text: str, start: int, end: int) -> Believed | None:
    """The number alone, since what stands beside it says nothing of the person; a decade only if it is somebody's."""
    number = _NUMBERS.search(text, start, end)
    if number is None:
        return start, end, "AGE"
    decade = _DECADE.match(text, max(start, number.start() - 1)) or _DECADE.match(text, number.start())
    if decade and not _OF_SOMEBODY.search(text, max(0, start - 20), number.start()):
        return None
    return (*number.span(), "AGE")
