"""The pages of rules: every rule in a sentence, with its tests."""

from __future__ import annotations

import pytest

from gateway.adapters.policy_pages import condition_in_words, policy_pages
from gateway.domain.conditions import AllOf, AnyOf, ClassIs, Condition, ContextField, ContextIs, FindingIs, LabelIs, Not
from gateway.domain.declaration import Source
from gateway.domain.finding import Permille
from gateway.domain.labels import STANDARD_LABELS, DataClass, Entity
from gateway.paths import data_path

PUBLIC, INTERNAL, _, _ = STANDARD_LABELS
PII, PHI = ClassIs(DataClass.PII), ClassIs(DataClass.PHI)
SSN = FindingIs(Entity("US_SSN"), Permille(500), 20, frozenset({Source.USER, Source.SYSTEM}))
NAME = FindingIs(Entity("PERSON"), Permille(0), 1, frozenset())


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        (PII, "there is pii data"),
        (Not(PII), "it is not so that there is pii data"),
        (AllOf((PII, AnyOf((NAME, PHI)))), "there is pii data and (`PERSON` is found or there is phi data)"),
        (SSN, "at least 20 values of `US_SSN` of at least medium confidence in system or user text is found"),
        (LabelIs(PUBLIC, INTERNAL), "the label is from public to internal"),
        (LabelIs(PUBLIC, PUBLIC), "the label is public"),
        (ContextIs(ContextField.APP, frozenset({"b", "a"})), "the app is a or b"),
    ],
)
def test_conditions_in_words(condition: Condition, said: str) -> None:
    """As a clause after `when`."""
    assert said == condition_in_words(condition)


def test_a_page_tells_of_every_rule() -> None:
    """Reason, controls, what the caller is told, and the cases in which it matches."""
    page = policy_pages(data_path("policies") / "profiles" / "hipaa")["hipaa"]
    section = page.split("## hipaa-name-masked\n")[1].split("\n## ")[0]

    entities = ("PERSON", "IP_ADDRESS", "MAC_ADDRESS", "DEVICE_ID", "VEHICLE_REGISTRATION", "PERSON_ID")
    named = ", ".join(f"`{each}`" for each in entities[:-1])
    assert f"When {named} or `{entities[-1]}` is found, {named} and `{entities[-1]}`" in section
    assert "| reason | `NAME_MASKED` |" in section
    controls = ", ".join(f"HIPAA-164.514(b)(2)(i)({letter})" for letter in "ALMO")
    assert f"| controls | {controls} |" in section
    assert "`hipaa-name-leaves-as-a-placeholder`" in section
    assert 9 == page.count("| reason | ")
