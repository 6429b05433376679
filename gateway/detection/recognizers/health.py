# ruff: noqa: E501 - patterns are clearer in one line
"""Health content: conditions, drugs, procedures and diagnosis codes.

This alone says nothing of a person. That health data is personal is a relation, which the domain derives.
"""

from __future__ import annotations

import re

from gateway.detection.recognizers.health_terms import AMBIGUOUS, CLINICAL, CONDITIONS, DRUGS, listed
from gateway.detection.rules import Gate, Rule, RuleRecognizer, standing_alone, words

_CLINICAL_WORDS = words(
    "patient", "doctor", "dr", "physician", "nurse", "hospital", "clinic", "clinical", "medical", "diagnosis", "diagnosed", "dx", "hx", "pmh", "symptom", "suffer",
    "suffers", "suffering", "suffered", "prescribed", "prescription", "treated for", "treatment", "admitted", "history of", "surgeon", "medication", "mg", "condition",
    "disability", "sick leave", "illness", "disease", "complains of", "complained of", "presents with", "presented with", "hospitalized", "therapy", "er", "icu",
)  # fmt: skip
_CODE_WORDS = words(
    "icd",
    "icd-10",
    "icd10",
    "icd-10-cm",
    "diagnosis",
    "diagnoses",
    "diagnosed",
    "dx",
    "diagnosis code",
    "diag",
    "condition code",
    "diagnose",
)


def _any_of(phrases: str) -> str:
    return (
        r"(?i)\b(?:"
        + "|".join(re.escape(phrase).replace(r"\ ", r"[ \n]") for phrase in listed(phrases))
        + r")(?:\b|'s)"
    )


def _code(text: str, start: int, end: int) -> bool:
    """A diagnosis code stands alone and is no version, grid cell or part of a longer name."""
    return standing_alone(text, start, end) and text[start - 1 : start] not in {"_", "-", "#", "."}


def health_recognizer(gate: Gate) -> RuleRecognizer:
    """Conditions, drugs and procedures by name; diagnosis codes and everyday words for complaints by evidence."""
    rules = [
        Rule(entity="MEDICAL_CONDITION", pattern=_any_of(CONDITIONS), score=0.85),
        Rule(entity="MEDICAL_CONDITION", pattern=_any_of(DRUGS), score=0.85),
        Rule(entity="MEDICAL_CONDITION", pattern=r"\b(?:AIDS|ALS|COPD|CHF|STD|STI|TIA|UTI|DVT)\b", score=0.7),
        Rule(entity="MEDICAL_CONDITION", pattern=_any_of(CLINICAL), score=0.7),
        Rule(
            entity="MEDICAL_CONDITION",
            pattern=_any_of(AMBIGUOUS),
            score=0.2,
            with_evidence=0.6,
            evidence=_CLINICAL_WORDS,
        ),
        Rule(
            entity="MEDICAL_CONDITION",
            pattern=r"\b[A-TV-Z]\d[0-9A-Z](?:\.[0-9A-Z]{1,4})?\b",
            score=0.2,
            with_evidence=0.85,
            evidence=_CODE_WORDS,
            check=_code,
        ),
    ]
    return RuleRecognizer("HealthRecognizer", rules, gate)
