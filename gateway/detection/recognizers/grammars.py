# ruff: noqa: E501 - patterns are clearer in one line
"""Dates, ages and street addresses by their grammar."""

from __future__ import annotations

from gateway.detection.rules import Gate, Rule, RuleRecognizer, standing_alone

_MONTH = r"(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sept?(?:ember)?|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)"
_DATES = (
    r"\b(?:19|20)\d\d[-/.](?:0?[1-9]|1[0-2])[-/.](?:0?[1-9]|[12]\d|3[01])(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?Z?)?\b",
    r"\b(?:0?[1-9]|[12]\d|3[01])[-/.](?:0?[1-9]|[12]\d|3[01])[-/.](?:(?:19|20)\d\d|\d\d)\b",
    rf"(?i)\b{_MONTH}\.? \d{{1,2}}(?:st|nd|rd|th)?(?:,? (?:19|20)\d\d)?\b",
    rf"(?i)\b\d{{1,2}}(?:st|nd|rd|th)?[ -](?:of )?{_MONTH}\.?(?:,?[ -](?:(?:19|20)\d\d|\d\d))?\b",
    rf"(?i)\b{_MONTH}\.?,? (?:19|20)\d\d\b",
)
_AGES = (
    r"(?i)\b\d{1,3}[ \-]?(?:year|yr|month|week|day)s?[ \-]old\b",
    r"(?i)\b\d{1,3} ?(?:y/o|yo|y\.o\.)\b",
    r"(?i)\b(?:aged?|age:|age of|age is) ?\d{1,3}\b",
    r"(?i)\b(?:i am|i'm|he is|she is|he's|she's|turns?|turned|turning|when he was|when she was|when i was) \d{1,3}(?: years)?\b",
)
_STREET_TYPES = (
    r"(?:Street|St|Avenue|Ave|Road|Rd|Boulevard|Blvd|Lane|Ln|Drive|Dr|Court|Ct|Way|Place|Pl|Square|Sq|Terrace|Ter|Highway|Hwy|Parkway|Pkwy|Circle|Cir|Trail|Trl"
    r"|Close|Crescent|Gardens|Grove|Mews|Row|Walk|Loop|Alley|Plaza)"
)
_UNIT = r"(?:,? (?:Apt|Apartment|Suite|Ste|Unit|Flat|#|Floor|Fl)\.? ?#?[\w\-]{1,6})?"
_PLACE = r"(?:,[ \n][A-Z][\w.'\-]+(?: [A-Z][\w.'\-]+){0,2})?(?:,? [A-Z]{2})?(?:,? (?:\d{5}(?:-\d{4})?|[A-Z]{1,2}\d[A-Z\d]? \d[A-Z]{2}))?"
_ADDRESSES = (
    rf"\b\d{{1,6}}[A-Za-z]?(?:-\d{{1,4}})? (?:[NSEW]\.? )?(?:[A-Z][\pL.'\-]*|\d{{1,3}}(?:st|nd|rd|th))(?: [A-Z][\pL.'\-]*){{0,3}} {_STREET_TYPES}\b\.?{_UNIT}{_PLACE}",
    r"\b[A-Z][\pL\-]*(?:stra(?:ße|sse)|str\.|weg|gasse|platz|allee|damm|ring) \d{1,4} ?[a-z]?\b(?:, (?:D-)?\d{5} [A-Z][\pL\-]+)?",
    r"\b(?:Rue|Avenue|Boulevard|Calle|Carrer|Via|Viale|Piazza|Rua|Avenida) [\pL' \-]{3,40},? \d{1,4}\b",
    r"(?i)\bP\.? ?O\.? ?Box \d{1,6}\b",
)


_SMALL = r"\b\d{1,6} (?:[a-z]+ ){1,2}(?:street|avenue|road|boulevard|lane)\b"
_LINKS = frozenset(
    {
        "for",
        "of",
        "to",
        "on",
        "the",
        "a",
        "an",
        "in",
        "more",
        "and",
        "by",
        "per",
        "from",
        "at",
        "or",
        "with",
        "miles",
        "km",
    }
)


def _no_sentence(text: str, start: int, end: int) -> bool:
    """A street in small letters, not a count of something on a road."""
    return _LINKS.isdisjoint(text[start:end].split())


def grammar_recognizer(gate: Gate) -> RuleRecognizer:
    """Dates, ages and street addresses."""
    rules = [
        *(Rule(entity="DATE_TIME", pattern=form, score=0.6, check=standing_alone) for form in _DATES),
        *(Rule(entity="AGE", pattern=form, score=0.6) for form in _AGES),
        *(Rule(entity="STREET_ADDRESS", pattern=form, score=0.75) for form in _ADDRESSES),
        Rule(entity="STREET_ADDRESS", pattern=_SMALL, score=0.6, check=_no_sentence),
    ]
    return RuleRecognizer("GrammarRecognizer", rules, gate)
