# ruff: noqa: E501 - patterns are clearer in one line
"""Dates, ages, titles, jobs, nations, postcodes and street addresses by their grammar."""

from __future__ import annotations

import re

from gateway.detection.recognizers.people_words import JOBS, NATIONS
from gateway.detection.rules import Gate, Rule, RuleRecognizer, standing_alone

_MONTH = r"(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sept?(?:ember)?|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)"
_DATES = (
    r"\b(?:19|20)\d\d[-/.](?:0?[1-9]|1[0-2])[-/.](?:0?[1-9]|[12]\d|3[01])(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?Z?)?\b",
    r"\b(?:0?[1-9]|[12]\d|3[01])[-/.](?:0?[1-9]|[12]\d|3[01])[-/.](?:(?:19|20)\d\d|\d\d)\b",
    rf"(?i)\b{_MONTH}\.? \d{{1,2}}(?:st|nd|rd|th)?(?:,? (?:19|20)\d\d)?\b",
    rf"(?i)\b\d{{1,2}}(?:st|nd|rd|th)?[ -](?:of )?{_MONTH}\.?(?:,?[ -](?:(?:19|20)\d\d|\d\d))?\b",
    rf"(?i)\b{_MONTH}\.?,? (?:19|20)\d\d\b",
    r"\b(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day\b",
)
_YEAR = r"(?i)\b(?:in|since|during|until|till|before|after|around|circa|of|year|summer|winter|spring|autumn|fall) ((?:19|20)\d\d)\b"
_AGES = (
    r"(?i)\b(\d{1,3})[ \-]?(?:year|yr|month|week|day)s?[ \-](?:old|of age)\b",
    r"(?i)\b(\d{1,3}) ?(?:y/o|yo|y\.o\.)\b",
    r"(?i)\bin (?:his|her|their|my) (?:early |mid[- ]|late )?((?:twen|thir|for|fif|six|seven|eigh|nine)ties|[2-9]0'?s)\b",
)
_AGED = (
    r"(?i)\b(?:aged?|age:|ages?,|age of|age is|age was) ?(\d{1,3})\b",
    r"(?i)\b(?:i am|i'm|he is|she is|he's|she's|turn|turns|turned|turning|when he was|when she was|when i was) (\d{1,3})(?: years)?\b",
)
_TITLES = r"\b((?:Mr|Mrs|Ms|Mx|Dr|Prof|Rev|Capt|Lt|Sgt|Herr|Frau|Mme|Mlle|Sra|Sr)\.?|Miss|Professor|Sir|Dame|Madam|Monsieur|Madame|Señora?) \p{Lu}"
_ZIP = r"\b(?i:zip(?:[ _-]?code)?|post(?:al)?[ _-]?code|plz|code postal|código postal)[\"' ]{0,2}[:=#]?[\"' ]{0,2}([A-Z]{0,2}-?\d[A-Z\d]{1,5}(?:[ -][A-Z\d]{2,4})?)\b"

_JOB = rf"(?:[\pL'\-]+,? ){{0,5}}(?i:{'|'.join(JOBS.split())})"
_JOBS = (
    rf"(?m)^[ \t>?|*-]*({_JOB})[ \t]*$",
    rf"\b(?:as(?: an?)?|, the) ((?:[\pL'\-]+ ){{0,3}}?(?i:{'|'.join(JOBS.split())}))\b",
)
_NATION = rf"\b((?:{'|'.join(word.title() for word in NATIONS.split())})s?)\b"
_LANGUAGE = re.compile(
    r"\b(?:in|into|to|from|as|speak\w*|spoke|stud[iy]\w*|learn\w*|taught|teach\w*|read|writ\w+|translat\w+)\s\Z",
    re.IGNORECASE,
)
_LANGUAGE_AFTER = re.compile(r"\s(?:language|translation|word|sentence|text|grammar|and [A-Z]|to [A-Z]|or [A-Z])|[-/]")


def _of_people(text: str, start: int, end: int) -> bool:
    """A nation's or faith's people or things, not a language."""
    return not _LANGUAGE.search(text, max(0, start - 15), start) and not _LANGUAGE_AFTER.match(text, end)


_STREET_TYPES = (
    r"(?:Street|St|Avenue|Ave|Road|Rd|Boulevard|Blvd|Lane|Ln|Drive|Dr|Court|Ct|Way|Place|Pl|Square|Sq|Terrace|Ter|Highway|Hwy|Parkway|Pkwy|Circle|Cir|Trail|Trl"
    r"|Close|Crescent|Gardens|Grove|Mews|Row|Walk|Loop|Alley|Plaza)"
)
_UNIT = r"(?:,? (?:Apt|Apartment|Suite|Ste|Unit|Flat|#|Floor|Fl)\.? ?#?[\w\-]{1,6})?"
_TOWN_WORD = r"[A-Z][\pL.'\-]+"
_UK_CODE = r"[A-Z]{1,2}\d[A-Z\d]? \d[A-Z]{2}"
_UK_TOWN = rf",[ \n]{_TOWN_WORD}(?: {_TOWN_WORD}){{0,2}}?,? {_UK_CODE}"
_PLACE = rf"(?:{_UK_TOWN}|(?:,[ \n]{_TOWN_WORD}(?: {_TOWN_WORD}){{0,2}})?(?:,? [A-Z]{{2}}\b)?(?:,? (?:\d{{5}}(?:-\d{{4}})?|{_UK_CODE}))?)"
_SMALL_WORDS = (
    r"(?:(?:de|del|della|delle|dei|degli|di|da|do|dos|das|du|des|la|le|les|las|los|van|von|der|den) |d'|l'|dell')"
)
_NAME = rf"{_SMALL_WORDS}{{0,3}}\p{{Lu}}[\pL.'\-]*(?: {_SMALL_WORDS}{{0,2}}\p{{Lu}}[\pL.'\-]*){{0,3}}"
_NUMBER = r"\d{1,4}(?:[ /-]?[a-zA-Z])?"
_TOWN = r"(?:, (?:[A-Z]{1,2}-)?\d{4,5} \p{Lu}[\pL\-]+)?"
_ENDINGS = (
    r"(?:stra(?:ße|sse|at)|str\.|weg|gasse|platz|allee|damm|gatan|gata|vägen|gaden?|vej(?:en)?|ve[gi]en|katu|kuja|polku|tie|laan|plein|dreef|gracht|singel|stræti|stræde"
    r"|straeti|braut|vegur)"
)
_KINDS_BEFORE = (
    r"(?:Rue|Avenue|Boulevard|Allée|Chemin|Impasse|Quai|Calle|C/|Carrer|Avenida|Avda\.?|Av\.|Paseo|Plaza|Camino|Carretera|Via|Viale|Piazza|Corso|Largo|Strada|Vicolo"
    r"|Rua|Travessa|Praça|Estrada|Alameda|[Uu]l\.|[Uu]lica|[Aa]l\.|Aleja|Plac|[Nn]ám\.|Náměstí|Bulevardul|Calea|Jalan|Jl\.)"
)
_KINDS_AFTER = r"(?:utca|út|útja|tér|tere|körút|ulica|cesta|ulice|třída|straat|Straße|Strasse|Weg|Platz|Allee|Gasse|vej|gade|gata|katu)"
_ADDRESSES = (
    rf"\b\d{{1,6}}[A-Za-z]?(?:-\d{{1,4}})? (?:[NSEW]\.? )?(?:[A-Z][\pL.'\-]*|\d{{1,3}}(?:st|nd|rd|th))(?: [A-Z][\pL.'\-]*){{0,3}} {_STREET_TYPES}\b\.?{_UNIT}{_PLACE}",
    rf"\b\p{{Lu}}[\pL\-]{{2,30}}{_ENDINGS} {_NUMBER}\b{_TOWN}",
    rf"\b{_NAME} {_KINDS_AFTER} {_NUMBER}\b\.?{_TOWN}",
    rf"\b{_KINDS_BEFORE} {_NAME}(?:,? (?:n[.º°]? ?)?\d{{1,4}}\b)",
    rf"(?i:\b\d{{1,4}}(?: ?bis| ?ter)?,? (?:rue|avenue|boulevard|bd|place|allée|chemin|impasse|quai)) {_NAME}",
    r"(?i)\b(?:P\.? ?O\.? ?Box|Postfach|Apartado(?: de correos)?|Casella postale|Boîte postale) \d{1,6}\b",
    r"\b(?:PSC|CMR|Unit) \d{3,5},? Box \d{1,5}\b",
    r"\b(?:APO|FPO|DPO),? A[AEP],? \d{5}(?:-\d{4})?\b",
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


_MEASURED = re.compile(
    r"\s*(?:%|percent|degrees|feet|ft|foot|inch|kg|lbs?|pounds|cm|met|miles?|km|min|hours?|sec|days?|weeks?|months?|times|points|out of|of them|people|or \d)"
    r"|[.,/:]\d|(?:st|nd|rd|th)\b|-"
)
_COUNTED = re.compile(r"[\d.,]*\d|-\d|:\d| (?:[a-z]+ )?(?!is\b|was\b|has\b|as\b|this\b|his\b)[a-z]{2,}s\b")


def _lived(text: str, start: int, end: int) -> bool:
    """A number of years that somebody may have lived, not of feet, degrees or times."""
    return 0 < int(text[start:end].split(maxsplit=1)[0]) <= 120 and not _MEASURED.match(text, end)


def _alone_year(text: str, _start: int, end: int) -> bool:
    """A year, not a number of things."""
    return not _COUNTED.match(text, end)


def _no_aunt(text: str, start: int, end: int) -> bool:
    """A street whose kind is the end of its name, not a word that ends so."""
    return text[start:end].split(maxsplit=1)[0].casefold() not in _END_SO


_END_SO = frozenset({"auntie", "necktie", "bowtie", "cutie", "sweetie", "rookie", "regata", "fregata"})


def grammar_recognizer(gate: Gate) -> RuleRecognizer:
    """Dates, ages, titles and jobs, nations, postcodes after their label, and street addresses."""
    rules = [
        *(Rule(entity="DATE_TIME", pattern=form, score=0.6, check=standing_alone) for form in _DATES),
        Rule(entity="DATE_TIME", pattern=_YEAR, score=0.5, check=_alone_year, group=1),
        *(Rule(entity="AGE", pattern=form, score=0.6, group=1) for form in _AGES),
        *(Rule(entity="AGE", pattern=form, score=0.6, check=_lived, group=1) for form in _AGED),
        Rule(entity="TITLE", pattern=_TITLES, score=0.7, group=1),
        *(Rule(entity="TITLE", pattern=form, score=0.5, group=1) for form in _JOBS),
        Rule(entity="NRP", pattern=_NATION, score=0.5, check=_of_people, group=1),
        Rule(entity="ZIP_CODE", pattern=_ZIP, score=0.7, group=1),
        *(Rule(entity="STREET_ADDRESS", pattern=form, score=0.75, check=_no_aunt) for form in _ADDRESSES),
        Rule(entity="STREET_ADDRESS", pattern=_SMALL, score=0.6, check=_no_sentence),
    ]
    return RuleRecognizer("GrammarRecognizer", rules, gate)
