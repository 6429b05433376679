"""Identifiers with a checksum or a strict form: payment cards, IBANs, US social security numbers.

These must not be missed, so they are also read across spaces, dashes and dots; and they must not be seen in every long
number, so an unusual form needs its checksum, its issuer's range and, where it is still common, evidence.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import accumulate

import re2

from gateway.detection.rules import Gate, Rule, RuleRecognizer, standing_alone, words

_CARD_WORDS = words(
    "card", "cc", "credit", "debit", "visa", "mastercard", "master card", "amex", "american express", "discover", "jcb",
    "diners", "maestro", "unionpay", "pan", "creditcard", "cardnumber", "payment", "cvv", "cvc",
)  # fmt: skip
_SSN_WORDS = words(
    "ssn", "social security", "social", "soc sec", "ss no", "ss number", "ss#", "ssn#", "tax id", "taxpayer", "tin",
    "itin",
)  # fmt: skip
_ISSUERS = re.compile(
    r"4(?:\d{12}|\d{15}|\d{18})|5\d{15}|6\d{15,18}|35(?:2[89]|[3-8]\d)\d{12}"
    r"|2(?:2[2-9]\d|[3-6]\d\d|7[01]\d|720|20[0-4])\d{12}|3[47]\d{13}|3(?:0[0-5]|[689]\d)\d{11,16}"
)
"""How numbers of an issuer begin, and how long they are: one that is not is a device's (IMEI), or anything."""
_USUAL_GROUPS = re.compile(r"4-4-4-[1-7]|4-4-4-4-[1-3]|4-6-[45]|6-1[03]|8-8")
_JOINT = r"(?:[ \t.\-_/\n]{0,3}|,|[\])}][ \t,]?[\[({])"
_RUN = re.compile(rf"\d(?:{_JOINT}\d){{11,}}")
_DIGITS = re.compile(r"\d+")
_SHORTEST, _LONGEST = 12, 19
_USUAL_LENGTHS = frozenset({14, 15, 16})

_IBAN_LENGTHS = {
    country: int(length)
    for length, countries in (
        entry.split(":")
        for entry in [
            "15:NO",
            "16:BE",
            "18:DK,FI,FK,FO,GL,NL,SD",
            "19:MK,SI",
            "20:AT,BA,EE,KZ,LT,LU,MN,XK",
            "21:CH,HR,LI,LV",
            "22:BG,BH,CR,DE,GB,GE,IE,ME,RS,VA",
            "23:AE,GI,IL,IQ,OM,SO,TL",
            "24:AD,CZ,ES,MD,PK,RO,SA,SE,SK,TN,VG",
            "25:LY,PT,ST",
            "26:IS,TR",
            "27:BI,DJ,FR,GR,IT,MC,MR,SM",
            "28:AL,AZ,BY,CY,DO,GT,HN,HU,LB,NI,PL,SV",
            "29:BR,EG,PS,QA,UA",
            "30:JO,KW,MU,YE",
            "31:MT,SC",
            "32:LC",
            "33:RU",
        ]
    )
    for country in countries.split(",")
}
_IBAN_BODY = re.compile(r"[A-Za-z0-9](?:[\s.\-]{0,2}[A-Za-z0-9])*")


def luhn(digits: str) -> bool:
    """Whether the last digit is the Luhn check digit of the others."""
    doubled = (sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])
    return (sum(map(int, digits[-1::-2])) + sum(doubled)) % 10 == 0


def iban_checksum(iban: str) -> bool:
    """Whether an IBAN of upper-case letters and digits has remainder 1 by 97."""
    return int("".join(str(int(character, 36)) for character in iban[4:] + iban[:4])) % 97 == 1


class CardRecognizer(RuleRecognizer):
    """Payment card numbers of 12 to 19 digits, in one piece or in groups."""

    def __init__(self, gate: Gate) -> None:
        trigger = rf"\d(?:{_JOINT}\d){{11}}"
        usual = Rule(entity="CREDIT_CARD", pattern=trigger, score=1.0, evidence=None)
        odd = Rule(entity="CREDIT_CARD", pattern=trigger, score=0.3, with_evidence=0.95, evidence=_CARD_WORDS)
        super().__init__("CardRecognizer", (usual, odd), gate)

    def spans(self, rule: Rule, pattern: re2._Regexp, text: str) -> Iterator[tuple[int, int]]:  # noqa: ARG002 - the run is searched by groups
        """The card numbers in each run of digits: the usual forms stand alone, all others need evidence."""
        for run in _RUN.finditer(text):
            for start, end, usual in _cards(text, run.start(), run.end()):
                if usual == (rule.evidence is None) and not _within_iban(text, start, end):
                    yield start, end


def _cards(text: str, run_start: int, run_end: int) -> Iterator[tuple[int, int, bool]]:
    """Card numbers made of whole groups of a run, none overlapping: start, end, whether of a usual form."""
    groups = [match.span() for match in _DIGITS.finditer(text, run_start, run_end)]
    lengths = [end - start for start, end in groups]
    first = 0
    while first < len(groups):
        stop, usual = _card_from(text, groups, lengths, first)
        if stop:
            start, end = groups[first][0], groups[stop - 1][1]
            if not (text[start - 1 : start].isalpha() or text[end : end + 1].isalpha()):
                yield start, end, usual
        first = stop or first + 1


def _card_from(text: str, groups: list[tuple[int, int]], lengths: list[int], first: int) -> tuple[int, bool]:
    """The group after the best card number that begins at group `first` (0: none), and whether its form is usual."""
    best = (0, False)
    for last, total in enumerate(accumulate(lengths[first : first + _LONGEST]), first):
        if total > _LONGEST:
            break
        if total < _SHORTEST:
            continue
        digits = "".join(text[start:end] for start, end in groups[first : last + 1])
        if luhn(digits) and len(set(digits)) > 1:
            shape = "-".join(map(str, lengths[first : last + 1]))
            form = total in _USUAL_LENGTHS if first == last else bool(_USUAL_GROUPS.fullmatch(shape))
            usual = form and bool(_ISSUERS.fullmatch(digits))
            listed = "," in text[groups[first][0] : groups[last][1]]  # four numbers of a list look so, too
            if usual and listed and not best[0]:
                best = (last + 1, False)
            elif not listed and (usual or not best[1]):
                best = (last + 1, usual)
    return best


class CheckedIbanRecognizer(RuleRecognizer):
    """International bank account numbers: the country's length and remainder 1 by 97. Stands alone."""

    def __init__(self, gate: Gate) -> None:
        pattern = r"[A-Za-z]{2}[\s.\-]{0,2}\d[\s.\-]?\d[\s.\-]{0,2}[A-Za-z0-9]"
        super().__init__("IbanRecognizer", (Rule(entity="IBAN_CODE", pattern=pattern, score=1.0),), gate)

    def spans(self, rule: Rule, pattern: re2._Regexp, text: str) -> Iterator[tuple[int, int]]:
        """Every start that is followed by an IBAN of its country's length."""
        for match in pattern.finditer(text):
            start = match.start(rule.group)
            glued = text[max(0, start - 4) : start].upper() == "IBAN"
            end = 0 if text[start - 1 : start].isalnum() and start and not glued else _iban_end(text, start)
            if end:
                yield start, end


def _iban_end(text: str, start: int) -> int:
    """Where the IBAN that begins at `start` ends; 0 when none does."""
    length = _IBAN_LENGTHS.get(text[start : start + 2].upper(), 0)
    body = _IBAN_BODY.match(text, start, start + 3 * length)
    if not length or body is None:
        return 0
    places = [at for at in range(start, body.end()) if text[at].isalnum()]
    if len(places) < length:
        return 0
    end = places[length - 1] + 1
    iban = "".join(text[at] for at in places[:length]).upper()
    runs_on = text[end : end + 1].isalnum()
    written = iban.isascii() and iban[2:4].isdigit() and not runs_on and _written_as_iban(text[start:end])
    return end if written and iban_checksum(iban) else 0


_BEFORE_CARD = re.compile(r"[A-Za-z]{2}\s?\d\d")


def _within_iban(text: str, start: int, end: int) -> bool:
    """Whether digits that pass for a card are a part of an IBAN."""
    before = _BEFORE_CARD.finditer(text, max(0, start - 30), start + 4)
    return any(match.start() < start and _iban_end(text, match.start()) >= end for match in before)


def _written_as_iban(value: str) -> bool:
    """In one piece, in groups of four, or mostly digits: one phrase in a hundred has the remainder by chance."""
    groups = re.split(r"[\s.\-]+", value)
    regular = len(groups) == 1 or all(len(group) == 4 for group in groups[:-1])
    return regular or 10 * sum(map(str.isdigit, value)) >= 6 * sum(map(str.isalnum, value))


def _issued_ssn(text: str, start: int, end: int) -> bool:
    """Whether area, group and serial number could have been issued, and one separator is used throughout."""
    digits = "".join(filter(str.isdigit, text[start:end]))
    area, group, serial = digits[:3], digits[3:5], digits[5:]
    issued = area not in {"000", "666"} and area < "900" and group != "00" and serial != "0000"
    return issued and len(set(digits)) > 1 and standing_alone(text, start, end)


def ssn_recognizer(gate: Gate) -> RuleRecognizer:
    """US social security numbers: with dashes alone, in other forms by evidence."""
    forms = (
        (r"\d{3}-\d{2}-\d{4}", 0.85, 0.95),
        (r"\d{3} ?- ?\d{2} ?- ?\d{4}", 0.6, 0.9),
        (r"\d{3} \d{2} \d{4}", 0.5, 0.9),
        (r"\d{3}[._/]\d{2}[._/]\d{4}", 0.5, 0.9),
        (r"\d(?: ?\d){8}", 0.05, 0.9),
        (r"\d{3}-\d{6}|\d{5}-\d{4}", 0.05, 0.9),
        (r"\d{3}[\s\-._/]{1,4}\d{2}[\s\-._/]{1,4}\d{4}", 0.05, 0.9),
    )
    rules = [
        Rule(entity="US_SSN", pattern=form, score=alone, with_evidence=beside, evidence=_SSN_WORDS, check=_issued_ssn)
        for form, alone, beside in forms
    ]
    return RuleRecognizer("SsnRecognizer", rules, gate)
