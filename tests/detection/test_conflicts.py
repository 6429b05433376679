"""What is told where results overlap, and of a public name beside what is somebody's own."""

from __future__ import annotations

import pytest

from gateway.detection.candidates import Candidate
from gateway.detection.conflicts import NAME_RECOGNIZER, resolve

TEXT = "x" * 400


def candidate(start: int, end: int, entity: str, score: float = 0.8, recognizer: str = "Pattern") -> Candidate:
    """A result of a pattern, unless said otherwise."""
    return Candidate(start, end, entity, score, recognizer)


def told(*candidates: Candidate) -> list[tuple[int, int, str]]:
    """What is left."""
    return [(each.start, each.end, each.entity) for each in resolve(candidates, TEXT)]


def test_a_pattern_beats_the_name_recogniser() -> None:
    """However sure that is and however long its span."""
    name = candidate(0, 20, "DATE_TIME", 0.99, NAME_RECOGNIZER)

    assert [(5, 15, "PHONE_NUMBER")] == [
        each for each in told(name, candidate(5, 15, "PHONE_NUMBER", 0.5)) if each[1] == 15
    ]


def test_a_generic_label_never_displaces_a_specific_one() -> None:
    """A link that holds a card number."""
    assert (10, 26, "CREDIT_CARD") in told(candidate(0, 40, "URL", 0.9), candidate(10, 26, "CREDIT_CARD", 0.5))


def test_of_one_entity_the_longest_span_wins() -> None:
    """A date with its year, whoever found it."""
    short = candidate(0, 7, "DATE_TIME", 0.6)
    long = candidate(0, 13, "DATE_TIME", 0.5, NAME_RECOGNIZER)

    assert [(0, 13, "DATE_TIME")] == told(short, long)


def test_the_stricter_entity_wins_a_tie() -> None:
    """Two generic results that are alike in all else."""
    alike = (candidate(0, 10, "LOCATION", 0.7), candidate(0, 10, "PERSON", 0.7))

    assert [(0, 10, "PERSON")] == told(*alike) == told(*reversed(alike))


@pytest.mark.parametrize("entity", ["ACCOUNT_NUMBER", "EMAIL_ADDRESS", "MEDICAL_CONDITION", "STREET_ADDRESS"])
@pytest.mark.parametrize("start", [0, 130])
def test_a_public_name_beside_what_is_somebodys_own_is_a_persons(entity: str, start: int) -> None:
    """On either side."""
    name = candidate(100, 112, "PUBLIC_FIGURE", 0.9, NAME_RECOGNIZER)

    assert (100, 112, "PERSON") in told(name, candidate(start, start + 12, entity))


@pytest.mark.parametrize("other", [candidate(300, 312, "ACCOUNT_NUMBER"), candidate(120, 130, "DATE_TIME")])
def test_a_public_name_alone_stays_a_topic(other: Candidate) -> None:
    """Far from it, or beside a date."""
    assert (100, 112, "PUBLIC_FIGURE") in told(candidate(100, 112, "PUBLIC_FIGURE", 0.9, NAME_RECOGNIZER), other)
