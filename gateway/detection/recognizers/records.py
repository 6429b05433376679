# ruff: noqa: E501 - patterns are clearer in one line
"""Numbers that only their label explains: medical records, members, policies, accounts, licences, passports.

The label must stand right before the number, as on a form, in a table's cell or in a sentence.
"""

from __future__ import annotations

from gateway.detection.rules import Gate, Rule, RuleRecognizer, standing_alone, words

_JOINT = (
    r"(?:[\s\"']{0,2}(?:no\.?|number|num|nr\.?|#|id|code|is|was|of)){0,2}[\"']?[ \t]{0,3}[:=#|\-]{0,2}[\s\"'(]{0,3}"
)
_VALUE = r"([A-Za-z]{0,5}[\- ]?\d[\dA-Za-z]*(?:[\- ./][\dA-Za-z]*\d[\dA-Za-z]*){0,5})"
_MEDICAL = (
    r"mrn|m\.r\.n\.?|medical[ _]?record|patient[ _]?(?:id|no|number|identifier)|chart[ _]?(?:no|number)|hospital[ _]?(?:id|no|number)|encounter[ _]?(?:id|no|number)"
    r"|health[ _]?(?:plan|card|insurance|record)[ _]?(?:id|no|number)?|(?:member|subscriber|beneficiary|insurance|medicare|medicaid)[ _]?(?:id|no|number|identifier|#)"
    r"|policy[ _]?holder[ _]?(?:id|no|number)|group[ _]?(?:id|no|number)|nhs[ _]?(?:no|number)|specimen[ _]?(?:id|no|number)|accession[ _]?(?:no|number)"
)
_ACCOUNT = (
    r"(?:bank |checking |savings |loan |customer |client |brokerage |deposit |credit |my |your |his |her )?(?:account|acct\.?|a/c\b)(?:[ _](?:no\.?|number|num|nr|id|#))?"
    r"|account_?number|konto(?:nummer)?|policy[ _]?(?:no\.?|number|num|#)|policy|sort code|claim[ _]?(?:no\.?|number|#)|loan[ _]?(?:no\.?|number|id)|client[ _]?number"
    r"|customer[ _]?(?:id|number|no\.?)|mortgage[ _]?(?:no\.?|number)|bsb\b|swift\b|bic\b"
)
_CARD_CODE = r"(?i)\b(?:cvv2?|cvc2?|cvn)(?: (?:code|number))?(?: is)?[:=]? {1,3}(\d{3,4})\b"
_LICENSE = r"(?:driver'?s?'?|driving)[ _]?licen[cs]e|driver_?licen[cs]e|dl[ _]?(?:no|number|#)|d\.l\.|dln"
_PASSPORT = r"passport"
_NATIONAL = (
    r"(?:national|citizen|personal)[ _]?(?:id|identity|identification|insurance)(?:[ _]?(?:card|number|no))?|identity card|tax(?:payer)?[ _]?(?:id|number|identification)"
    r"|steuer-?id|aadhaar|pan card|cpf|curp|dni|nie|nif|bsn|pesel|personnummer|codice fiscale|social insurance|sin number"
)
_OF_A_PERSON = r"(?:employee|staff|personnel|payroll|student|pupil|matriculation|enrol?lment|badge|volunteer|inmate)[ _]?(?:id|no\.?|number|nr\.?|num|#)"

LABELS = (
    ("MEDICAL_RECORD_NUMBER", _MEDICAL),
    ("ACCOUNT_NUMBER", _ACCOUNT),
    ("US_DRIVER_LICENSE", _LICENSE),
    ("US_PASSPORT", _PASSPORT),
    ("NATIONAL_ID", _NATIONAL),
    ("PERSON_ID", _OF_A_PERSON),
)
"""What the labels of a number are, as patterns, by what the number is."""


def _long_enough(text: str, start: int, end: int) -> bool:
    """At least five digits in all, standing alone: a page, a year or a version is shorter."""
    value = text[start:end]
    return 5 <= sum(c.isdigit() for c in value) <= 22 and not text[end : end + 1].isalnum() and not is_date(value)


def _record_like(text: str, start: int, end: int) -> bool:
    """At least four digits after the name of a record."""
    value = text[start:end]
    return 4 <= sum(c.isdigit() for c in value) <= 18 and not text[end : end + 1].isalnum() and not is_date(value)


def is_date(value: str) -> bool:
    """Whether a value is three numbers as those of a day."""
    parts = value.replace("/", "-").replace(".", "-").split("-")
    return len(parts) == 3 and all(map(str.isdigit, parts)) and sorted(map(len, parts))[1] <= 2


def _labelled(entity: str, labels: str, score: float, check: object = _long_enough, value: str = _VALUE) -> Rule:
    pattern = rf"(?i)(?:^|[^A-Za-z])(?:{labels}){_JOINT}{value}"
    return Rule(entity=entity, pattern=pattern, score=score, check=check, group=1)  # type: ignore[arg-type]


def record_recognizer(gate: Gate) -> RuleRecognizer:
    """Medical record, account, licence, passport and national numbers after their labels."""
    rules = [
        _labelled("MEDICAL_RECORD_NUMBER", _MEDICAL, 0.85, _record_like),
        _labelled("ACCOUNT_NUMBER", _ACCOUNT, 0.7),
        Rule(entity="ACCOUNT_NUMBER", pattern=_CARD_CODE, score=0.7, group=1),
        _labelled("US_DRIVER_LICENSE", _LICENSE, 0.8, _record_like),
        _labelled("US_PASSPORT", _PASSPORT, 0.75, _record_like),
        _labelled("NATIONAL_ID", _NATIONAL, 0.75, _record_like),
        _labelled("PERSON_ID", _OF_A_PERSON, 0.7, _record_like),
        Rule(
            entity="US_BANK_NUMBER",
            pattern=r"\d{8,17}",
            score=0.05,
            with_evidence=0.7,
            evidence=words(
                "bank account", "checking account", "savings account", "account number", "account no", "acct no", "acct"
            ),
            check=standing_alone,
        ),
    ]
    return RuleRecognizer("RecordNumberRecognizer", rules, gate)
