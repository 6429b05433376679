# ruff: noqa: RUF001, E501 - disguised characters and long tables are what this file is about
"""Cards, IBANs and social security numbers: not missed in any writing, not seen in every number."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.detection.analyzer import Analyzer
from gateway.detection.custom import CompiledDetectors
from gateway.detection.recognizers.numbers import iban_checksum, luhn
from tests.detection.conftest import Find

CARD, SSN, IBAN = "4111111111111111", "536-90-4399", "DE89370400440532013000"


@pytest.mark.parametrize(
    "written",
    [
        "4111111111111111",
        "4111 1111 1111 1111",
        "4111-1111-1111-1111",
        "4111.1111.1111.1111",
        "4111\u00a01111\u00a01111\u00a01111",
        "4111\u20111111\u20131111\u20141111",
        "４１１１１１１１１１１１１１１１",
        "4111\u200b1111\u200b1111\u200b1111",
        "4\u200d1\u200d1\u200d1 1111 1111 1111",
        "٤١١١ ١١١١ ١١١١ ١١١١",
        "3782 822463 10005",
        "378282246310005",
        "6011111111111117",
        "2223003122003222",
        "3530 1113 3330 0000",
        "30569309025904",
        "5555-5555-5555-4444",
        "4111][1111][1111][1111",
        "4111) (1111) (1111) (1111",
    ],
)
def test_a_card_is_found_in_every_writing(found: Find, written: str) -> None:
    """The usual forms stand alone, whatever the typography; the offsets are those of the original."""
    text = f"Please charge {written}, thanks"

    assert ("CREDIT_CARD", written) in found(text)


@pytest.mark.parametrize(
    "written",
    [
        "card 4222222222222",
        "card no: 6304000000000000",
        "my card is 4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1",
        "visa 4111 11111111 1111",
        "card: 4111,1111,1111,1111",
    ],
)
def test_an_unusual_card_is_found_beside_evidence(found: Find, written: str) -> None:
    """Rare lengths and odd groups need the word that explains them."""
    assert [entity for entity, _ in found(written)] == ["CREDIT_CARD"]


def test_a_card_behind_another_number_is_found(found: Find) -> None:
    """A number before the card does not hide it."""
    assert ("CREDIT_CARD", "4111 1111 1111 1111") in found("order 12 4111 1111 1111 1111 12/27")


def test_cards_of_a_list_are_found_one_by_one(found: Find) -> None:
    """A comma or a bracket between two cards belongs to neither."""
    assert ["CREDIT_CARD"] * 3 == [
        entity for entity, _ in found("[4111111111111111,5555555555554444],[378282246310005]")
    ]


@pytest.mark.parametrize(
    "text",
    [
        "4111111111111112",
        "1234567890123456",
        "0000000000000000",
        "10 12 15 18 20 25 30 35 40 45",
        "1700000000000",
        "id a4111111111111111f",
        "[4111,1111,1111,1111]",
        "card,amount: 1200,4000,101,45678",
    ],
)
def test_other_numbers_are_no_cards(found: Find, text: str) -> None:
    """A wrong check digit, a list, an epoch in milliseconds, a part of a hash."""
    assert [] == [entity for entity, _ in found(text) if entity == "CREDIT_CARD"]


@pytest.mark.parametrize(
    "written",
    ["DE89370400440532013000", "DE89 3704 0044 0532 0130 00", "de89 3704 0044 0532 0130 00", "GB29-NWBK-6016-1331-9268-19", "NL91ABNA0417164300",
     "FR14 2004 1010 0505 0001 3M02 606", "DE89\u00a03704\u00a00044\u00a00532\u00a00130\u00a000", "ＤＥ８９370400440532013000", "DE89\u200b370400440532013000"],
)  # fmt: skip
def test_an_iban_is_found_in_every_writing(found: Find, written: str) -> None:
    """The checksum and the country's length are enough."""
    assert ("IBAN_CODE", written) in found(f"to {written} today")


def test_two_ibans_in_a_row_are_two(found: Find) -> None:
    """The first one does not swallow the second."""
    assert ["IBAN_CODE"] * 2 == [entity for entity, _ in found("DE89370400440532013000 NL91ABNA0417164300")]


@pytest.mark.parametrize(
    "text", ["DE88370400440532013000", "at 10 p.m. and wakes up at 6 a.m. each day", "XX89370400440532013000"]
)
def test_other_text_is_no_iban(found: Find, text: str) -> None:
    """A wrong check number, a sentence that passes by chance, no such country."""
    assert [] == [entity for entity, _ in found(text) if entity == "IBAN_CODE"]


@pytest.mark.parametrize(
    "written",
    [
        "536-90-4399",
        "536 90 4399",
        "536\u201190\u20114399",
        "５３６-９０-４３９９",
        "536-\u200b90-4399",
        "536.90.4399",
        "123-45-6789",
    ],
)
def test_an_ssn_is_found_in_every_writing(found: Find, written: str) -> None:
    """Also without evidence, where the groups tell."""
    assert ("US_SSN", written) in found(f"it is {written} I think")


@pytest.mark.parametrize("text", ["SSN 536904399", "social security number: 536904399", "ssn is 5 3 6 9 0 4 3 9 9"])
def test_a_bare_ssn_is_found_beside_evidence(found: Find, text: str) -> None:
    """Nine digits are a social security number when the text says so."""
    assert "US_SSN" in [entity for entity, _ in found(text)]


def test_the_key_above_a_value_is_evidence(found: Find) -> None:
    """A JSON key explains its value."""
    assert [("US_SSN", "536904399")] == found("536904399", "applicant", "socialSecurityNumber")


@pytest.mark.parametrize(
    "text",
    ["536904399", "000-12-3456", "666-12-3456", "912-12-3456", "123-00-4567", "2023-45-67890", "part 1-536-90-4399-2"],
)
def test_other_numbers_are_no_ssn(found: Find, text: str) -> None:
    """Never issued, or a part of something longer, or nothing that says so."""
    assert [] == [entity for entity, _ in found(text) if entity == "US_SSN"]


@given(st.integers(0, 10**15 - 1), st.sampled_from(["", " ", "-", "\u00a0", "\u2011", "."]))
def test_any_visa_number_is_found(analyzer: Analyzer, middle: int, separator: str) -> None:
    """Every number with a right check digit, in every usual grouping."""
    body = f"4{middle:014d}"[:15]
    number = next(body + digit for digit in "0123456789" if luhn(body + digit))
    written = separator.join(number[at : at + 4] for at in range(0, 16, 4))
    findings = analyzer.examine(f"number {written} ok", (), CompiledDetectors(()))

    assert [(7, 7 + len(written))] == [(f.start, f.end) for f in findings if f.entity == "CREDIT_CARD"]


def test_checksums_tell_right_from_wrong() -> None:
    """One digit more or less is noticed."""
    assert (luhn(CARD), luhn("4111111111111112")) == (True, False)
    assert (iban_checksum(IBAN), iban_checksum("DE88370400440532013000")) == (True, False)
