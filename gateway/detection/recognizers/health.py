# ruff: noqa: E501 - patterns are clearer in one line
"""Health content: conditions, drugs, procedures and diagnosis codes.

This alone says nothing of a person. That health data is personal is a relation, which the domain derives.
"""

from __future__ import annotations

import re

from gateway.detection.recognizers import health_terms_es
from gateway.detection.recognizers.health_terms import AMBIGUOUS, CLINICAL, CONDITIONS, DRUGS, EVERYDAY, listed
from gateway.detection.rules import Gate, Rule, RuleRecognizer, standing_alone, words

_CLINICAL_WORDS = words(
    "patient", "doctor", "dr", "physician", "nurse", "hospital", "clinic", "clinical", "medical", "diagnosis", "diagnosed", "dx", "hx", "pmh", "symptom", "suffer",
    "suffers", "suffering", "suffered", "prescribed", "prescription", "treated for", "treatment", "admitted", "history of", "surgeon", "medication", "mg", "condition",
    "disability", "sick leave", "illness", "disease", "complains of", "complained of", "presents with", "presented with", "hospitalized", "therapy", "er", "icu",
    "had a", "has a", "feel", "feels", "feeling", "felt", "severe", "mild", "acute", "suspected", "recovering from", "recovery", "recovered from", "after his", "after her", "after my",
    "sick", "ill", "ambulance", "ward", "meds", "dosage", "allergic", "therapist", "anxiety", "suicidal", "pills", "painkiller", "doctor's note", "gp", "knee", "hip", "spine", "spinal", "lung",
    "kidney", "liver", "chest", "abdominal", "skin", "wrist", "ankle", "shoulder", "heart", "brain", "undergo", "undergoing", "undergone", "underwent",
)  # fmt: skip
_READINGS = (
    r"\bBP:? ?(?:is |was |of )?\d{2,3}/\d{2,3}\b",
    r"\b\d{2,3}/\d{2,3} ?mm ?Hg\b",
    r"\b\d[\d.]{0,5} ?(?:mg/dL|mmol/L|mmHg|ng/mL|IU/L|mEq/L|g/dL|mcg/mL|µmol/L|beats per minute|breaths per minute)\b",
    r"\b(?:A1C|A1c|LDL|HDL|TSH|PSA|eGFR|CRP|WBC|SpO2|FEV1|GFR|BUN)(?: level)?:? ?(?:is |was |of |at |= ?)?\d{1,3}(?:\.\d{1,2})?\b",
    r"(?i)\b(?:fever|temperature|temp)(?: of| is| was|:)? ?(?:3[6-9]|4[0-2])(?:\.\d)? ?(?:° ?)?C\b",
    r"(?i)\b(?:fever|temperature|temp)(?: of| is| was|:)? ?(?:9[5-9]|10[0-7])(?:\.\d)? ?(?:° ?)?F\b",
    r"(?i)\b(?:broken|broke (?:his|her|my|their)|fractured) (?:left |right )?(?:leg|arm|hip|wrist|ankle|rib|ribs|collarbone|nose|foot|hand|elbow|jaw|finger|toe|shoulder|skull)\b",
    r"(?i)\b(?:knee|hip|heart|back|eye|brain|spinal|dental|plastic|cataract|bariatric|emergency|cosmetic|shoulder|hernia|gallbladder|open[ -]heart|laser eye|weight[ -]loss) surgery\b",
    r"(?i)\b(?:was|is|been|still|him|her|them|me|he's|she's|admitted|taken|rushed|went|back|out of|discharged|released) (?:in|to|from|at|into|of) (?:the )?(?:hospital|icu|intensive care|a&e|the er)\b",
    r"(?i)\b(?:hospital (?:appointment|stay|admission|visit)s?|in hospital (?:with|for|since|after|until))\b",
    r"(?i)\b\d{1,2}(?:\+\d)? (?:weeks|months) (?:along|gestation)\b|\bborn at \d{2}(?:\+\d)? weeks\b|\bG\dP\d\b",
    r"(?i)\b(?:he|she|now|only|currently) weighs (?:only |just |about )?\d{2,3}(?:[.,]\d)? ?(?:kg|kilos|lbs?|pounds|stone)\b",
    r"(?i)\b(?:hurt|injured|broke|breaks|sprained|twisted|cut|burned|burnt|dislocated|crushed|fractured) (?:his|her|my|their) (?:(?:left|right|lower|upper) )?(?:leg|arm|hip|wrist|ankle|ribs?|collarbone|nose|foot|hand|elbow|jaw|fingers?|thumb|toe|shoulder|skull|back|neck|knee|eye|head)\b",
    r"(?i)\b(?:\d{1,2}|needs?|needed|got|had) stitches\b",
    r"(?i)\b(?:lost|losing) (?:his|her|my|their) (?:sight|eyesight|vision|hearing|leg|arm|hair from chemo)\b",
    r"(?i)\bhad (?:his|her|my|their) (?:(?:left|right) )?(?:leg|arm|foot|hand|breast|appendix|tonsils|gallbladder|spleen|womb|uterus|prostate|wisdom teeth) (?:amputated|removed|taken out|out)\b",
    r"(?i)\b(?:type (?:1|2|one|two)|type-1|type-2)(?: diabetic)? (?:isn't|is not|makes|means|since|and (?:his|her))\b",
    r"(?i)\b(?:can't|cannot|unable to|not able to|not) lift (?:more than )?(?:anything|heavy|\d{1,2} ?kg|\d{1,3} ?lbs?)",
    r"(?i)\b(?:takes?|taking|prescribed|(?:put|started|stayed|is|was) on) \w+ ?\d{1,4} ?(?:mg|mcg|µg|units)\b",
)
"""What is measured of a body, and what was broken or mended of it."""
_SPANISH_CLINICAL_WORDS = words(
    "paciente", "médico", "médica", "doctor", "doctora", "dr", "dra", "enfermera", "enfermero", "hospital", "clínica", "clínico", "urgencias", "ingreso", "ingresó", "ingresado", "ingresada", "historia clínica",
    "antecedentes", "padece", "sufre", "presenta", "refiere", "diagnóstico", "diagnosticado", "diagnosticada", "receta", "recetado", "consulta", "alta médica", "baja médica", "exploración", "analítica", "mg",
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


_ACCENTS = str.maketrans({"á": "[áa]", "é": "[ée]", "í": "[íi]", "ó": "[óo]", "ú": "[úu]"})


def _spanish(phrases: str) -> str:
    """As `_any_of`, with accents that may be missing. RE2's word borders know no accents: a check has to look for them."""
    spaced = (re.escape(phrase).replace(r"\ ", r"[ \n]").translate(_ACCENTS) for phrase in listed(phrases))
    return rf"(?i)(?:{'|'.join(spaced)})"


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
        Rule(entity="MEDICAL_CONDITION", pattern=_any_of(EVERYDAY), score=0.7),
        *(Rule(entity="MEDICAL_CONDITION", pattern=reading, score=0.7) for reading in _READINGS),
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
    return RuleRecognizer("HealthRecognizer", [*rules, *_spanish_rules()], gate)


def _spanish_rules() -> list[Rule]:
    """The same for Spanish words."""
    known = (health_terms_es.CONDITIONS, health_terms_es.DRUGS)
    sure = [
        Rule(entity="MEDICAL_CONDITION", pattern=_spanish(phrases), score=0.85, check=standing_alone)
        for phrases in known
    ]
    everyday = Rule(
        entity="MEDICAL_CONDITION",
        pattern=_spanish(health_terms_es.AMBIGUOUS),
        score=0.2,
        with_evidence=0.6,
        evidence=_SPANISH_CLINICAL_WORDS,
        check=standing_alone,
    )
    return [*sure, everyday]
