"""Names that callers choose: which may be shown in records and traces, because they can be nothing but a name."""

from __future__ import annotations

import re

from gateway.domain.evidence import Decided
from gateway.domain.record_schema import is_word

_MOST_DIGITS = 6
_DIGIT = re.compile(r"[0-9]")
_RELEASE_DATE = re.compile(r"20[0-9]{2}(-?)[01][0-9]\1[0-3][0-9]")


def shown_model(evidence: Decided) -> str:
    """The model that the caller named, where it may be shown; else empty."""
    return evidence.model if is_shown(evidence.model, clean=model_is_clean(evidence)) else ""


def model_is_clean(evidence: Decided) -> bool:
    """Whether nothing was found in the model's name."""
    return all(fact.schema != "/model" for fact in evidence.findings)


def is_shown(value: str, *, clean: bool) -> bool:
    """Whether a value has the form of a name, and fewer digits than a number of a person or account has."""
    digits = _DIGIT.findall(_RELEASE_DATE.sub("", value, count=1))
    return clean and is_word(value) and len(digits) <= _MOST_DIGITS
