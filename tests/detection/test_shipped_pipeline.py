# ruff: noqa: E501 - long examples
"""The pipeline that the product ships: names and places in the prose that a gateway sees, and quiet on plain prompts."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.detection.analyzer import Analyzer
from gateway.detection.custom import CompiledDetectors

NONE = CompiledDetectors(())
PERSONAL = {
    "PERSON",
    "STREET_ADDRESS",
    "US_SSN",
    "CREDIT_CARD",
    "IBAN_CODE",
    "EMAIL_ADDRESS",
    "PHONE_NUMBER",
    "MEDICAL_RECORD_NUMBER",
    "SECRET",
    "ACCOUNT_NUMBER",
}


def values(analyzer: Analyzer, text: str, entity: str) -> list[str]:
    """The values of one entity."""
    return [text[f.start : f.end] for f in analyzer.examine(text, (), NONE) if f.entity == entity]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Patient Margaret Ellison was admitted with chest pain and a history of type 2 diabetes.", "Margaret Ellison"),
        ("Dr. Ramirez prescribed metformin to Thomas Becker on 3 March.", "Thomas Becker"),
        ("Dear Mrs. Kowalski,\nyour loan application has been approved.", "Kowalski"),
        ("Ticket 4411: customer Priya Sharma cannot log in since Monday.", "Priya Sharma"),
        ("Please transfer $2,400 from Daniel O'Connor to his landlord.", "Daniel O'Connor"),
        ("Hi Laura,\n\nplease find attached the contract.\n\nBest regards,\nMichael Torres", "Michael Torres"),
        ('{"name": "Sofia Lindqvist", "city": "Boston"}', "Sofia Lindqvist"),
        ("my name is Kevin Turner and I need help with my insurance claim", "Kevin Turner"),
    ],
)
def test_people_are_found_in_business_prose(shipped: Analyzer, text: str, name: str) -> None:
    """Clinical notes, letters, tickets, e-mails and JSON."""
    assert any(name in value or value in name for value in values(shipped, text, "PERSON"))


@pytest.mark.parametrize(
    "text",
    [
        "The patient lives at 482 Maple Avenue, Dayton, OH 45402.",
        "Ship it to 17 Rue de Rivoli, 75001 Paris",
        "Billing address: 9 King's Road, London SW3 5EH",
    ],
)
def test_street_addresses_are_found(shipped: Analyzer, text: str) -> None:
    """American and European ones."""
    assert values(shipped, text, "STREET_ADDRESS") != []


@pytest.mark.parametrize(
    "text",
    [
        "What is the difference between a list and a tuple in Python?",
        "Write a short poem about autumn leaves.",
        "Explain compound interest to a five year old.",
        "How do I undo the last commit in git?",
        "def add(a, b):\n    return a + b",
        "SELECT id, total FROM orders WHERE total > 100 ORDER BY created_at;",
        "Summarise the following text in three bullet points.",
        "Convert 350 degrees Fahrenheit to Celsius.",
        "for (let i = 0; i < items.length; i++) { console.log(items[i].to(123)); }",
        "Why is the sky blue?",
    ],
)
def test_plain_prompts_hold_nothing_personal(shipped: Analyzer, text: str) -> None:
    """Questions and code raise no alarm."""
    assert set() == {f.entity for f in shipped.examine(text, (), NONE)} & PERSONAL


@pytest.mark.parametrize(
    "text",
    [
        "The marker is at 48.85837, 2.29448 on the map.",
        "center: [-33.8568, 151.2153]",
        "LatLng(76.7124, -25.1619215)",
        "commit 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b",
        "digest d41d8cd98f00b204e9800998ecf8427e ok",
        "created_at=1717171717 updated_at=1718281828",
    ],
)
def test_numbers_and_keys_are_no_people_and_no_addresses(shipped: Analyzer, text: str) -> None:
    """Whatever the model takes them for."""
    assert set() == {f.entity for f in shipped.examine(text, (), NONE)} & {"PERSON", "PUBLIC_FIGURE", "STREET_ADDRESS"}


def test_the_pipeline_is_small_and_holds_no_training_text(repository: Path) -> None:
    """At most 30 MB, and no vocabulary but its labels and the tokeniser's own words."""
    files = [path for path in (repository / "models" / "pii-en").rglob("*") if path.is_file()]

    assert sum(path.stat().st_size for path in files) <= 30 * 1024 * 1024
    assert (repository / "models" / "pii-en" / "vocab" / "strings.json").stat().st_size < 100_000
