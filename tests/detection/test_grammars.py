# ruff: noqa: E501 - long examples
"""Dates, ages, titles, postcodes and addresses by their grammar, and what only looks like one."""

from __future__ import annotations

import pytest

from tests.detection.conftest import Find


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("I'll turn 65.", "65"),
        ("retired at the age of 45 already", "45"),
        ("a patient aged 7 came", "7"),
        ("he's 82 and well", "82"),
        ("an 8-year-old girl", "8"),
        ("originally from Lima, i'm 26 y/o.", "26"),
        ("a woman in her early forties", "forties"),
    ],
)
def test_an_age_is_its_number(found: Find, text: str, value: str) -> None:
    """Neither the verb that announces it nor the unit, which says nothing of the person."""
    assert ("AGE", value) in found(text)


@pytest.mark.parametrize(
    "text", ["he's 6 feet tall", "turn 90 degrees", "I am 100% sure", "she is 3 times faster", "I'm 2nd"]
)
def test_what_is_measured_is_no_age(found: Find, text: str) -> None:
    """A number after the same words."""
    assert [] == [each for each in found(text) if each[0] == "AGE"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("founded in 1990.", "1990"),
        ("since 2014, when", "2014"),
        ("flew on Tuesday morning", "Tuesday"),
        ("the winter 1977", "1977"),
    ],
)
def test_years_and_days_are_dates(found: Find, text: str, value: str) -> None:
    """After a word that makes a number a year."""
    assert ("DATE_TIME", value) in found(text)


@pytest.mark.parametrize("text", ["a list of 2000 items", "in 1990-2 form", "of 2000 long lines", "about 1990"])
def test_a_count_is_no_year(found: Find, text: str) -> None:
    """Of things, or without such a word."""
    assert [] == found(text)


@pytest.mark.parametrize(
    ("text", "entity", "value"),
    [
        ("worked as a dental hygienist there", "TITLE", "dental hygienist"),
        ("Ana Lee\nSenior network engineer\n", "TITLE", "Senior network engineer"),
        ("the Polish bakery is open", "NRP", "Polish"),
        ("a group of Sikhs", "NRP", "Sikhs"),
    ],
)
def test_jobs_and_nations_are_told_by_their_words(found: Find, text: str, entity: str, value: str) -> None:
    """Neither needs a model."""
    assert (entity, value) in found(text)


@pytest.mark.parametrize("text", ["translate it into Polish", "she speaks Dutch", "a French translation"])
def test_a_language_is_no_nation(found: Find, text: str) -> None:
    """What is spoken says nothing of anybody."""
    assert [] == [each for each in found(text) if each[0] == "NRP"]


@pytest.mark.parametrize(
    ("text", "value"), [("Dr. Jane Doe", "Dr."), ("told Herr Müller", "Herr"), ("Mrs Smith", "Mrs")]
)
def test_titles_stand_before_names(found: Find, text: str, value: str) -> None:
    """The title is told apart from the name."""
    assert ("TITLE", value) in found(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("ZIP: 7412 SL", "7412 SL"),
        ("zip code 90210 and more", "90210"),
        ('"postal_code": "SW1A 1AA"', "SW1A 1AA"),
        ("PLZ 10115", "10115"),
    ],
)
def test_postcodes_stand_after_their_label(found: Find, text: str, value: str) -> None:
    """In a form, a sentence and JSON."""
    assert ("ZIP_CODE", value) in found(text)


@pytest.mark.parametrize(
    "address",
    [
        "12 Elm Street",
        "221B Baker Street, London NW1 6XE",
        "Hauptstraße 5, 10115 Berlin",
        "Storgatan 12",
        "Mannerheimintie 82",
        "Prinsengracht 263",
        "Rue de la Paix 12",
        "12 rue de la République",
        "Calle Mayor 14",
        "Via delle Rose 41",
        "Avenida da Liberdade 110",
        "ul. Piękna 1",
        "Kossuth Lajos utca 12",
        "PO Box 1234",
        "PSC 0725, Box 6031\nAPO AP 99241",
        "14 Elm Street\nApt 3\nOAKTOWN\nIreland 80896",
        "14 Elm Street\n> Apt 3\n> OAKTOWN\n> Ireland 80896",
    ],
)
def test_addresses_of_many_countries_are_one_value(found: Find, address: str) -> None:
    """Over several lines too, and quoted."""
    assert ("STREET_ADDRESS", address) in found(f"Send it to {address}\n\nThank you")


@pytest.mark.parametrize(
    "text",
    [
        "During 2008 we grew", "Spring 2020 was warm", "Engineering 101 is full", "Via email 3 of us agreed", "the Windows 10 update",
        "Place the order 66 times", "Chapter 12 Verse 4", "Figure 3 shows 12 points", "React 18 and Vue 3", "Boeing 747", "Section 230",
    ],
)  # fmt: skip
def test_a_word_and_a_number_are_no_address(found: Find, text: str) -> None:
    """However much the word ends like a street."""
    assert [] == [each for each in found(text) if each[0] == "STREET_ADDRESS"]


def test_an_address_ends_before_the_greeting(found: Find) -> None:
    """Names under it are not its town."""
    assert ("STREET_ADDRESS", "12 Elm Street") in found("12 Elm Street\nKind regards\nPeter Hart")
