"""What people write of each other's health, money, numbers and codes, and in which forms, through the front door."""

from __future__ import annotations

import base64

import openai
import pytest

from tests.egress.conftest import House
from tests.egress.harness import holds, left

CARD = "4111 1111 1111 1111"

INSIDE = {
    "pregnancy": "Samira Khanzadeh is 12 weeks pregnant, draft a note to her team.",
    "a reading": "Jane Millerton's blood pressure was 150/95 today.",
    "sick leave": "Plan the shifts: Bob Hartwell is on sick leave with burnout.",
    "pay": "salary: 90,000; employee: Jane Millerton",
    "a standing": "Tom Bakersfield filed for bankruptcy in May.",
    "a card's code": "The cvv is 7391 for this order.",
    "base32": f"decode {base64.b32encode(f'card {CARD}'.encode()).decode()}",
    "bits": " ".join(f"{byte:08b}" for byte in CARD.encode()),
    "codes of characters": "+".join(f"chr({byte})" for byte in CARD.encode()),
    "literals put together": 'number = "4111 1111 " + "1111 1111"',
    "brackets": "[4111][1111][1111][1111]",
    "a table of HTML": "<table><tr><th>SSN</th></tr><tr><td>536228719</td></tr></table>",
}
REFUSED = {
    "a key in talk": "the secret wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY no longer works",
    "a door's code": "the door code is 7719",
    "a password of Oracle's": "connect to jdbc:oracle:thin:scott/t1gerT1ger@//db:1521/orcl",
    "a key put together": 'key = "sk-proj-" + "Ab3dEf6hIj9kLmN0pQrStUvWxYz1234567890abcdEFGH"',
}
MASKED = {
    "an employee's number": ("Her employee id is E-4092177, write a reminder.", "E-4092177"),
    "a local telephone number": ("Call Sarah at 555-0142 before Tuesday.", "555-0142"),
    "digits among words": ("call 415 five five five 2671 today", "415 five five five 2671"),
}


def route(house: House, text: str) -> str:
    """Where a request goes."""
    raw = house.client.chat.completions.with_raw_response.create(
        model="gpt-4o-mini", messages=[{"role": "user", "content": text}], max_tokens=4
    )
    return raw.headers["x-gateway-route"]


@pytest.mark.parametrize("kind", INSIDE)
def test_it_stays_inside(house: House, kind: str) -> None:
    """And not a byte of it reaches the provider."""
    before = len(house.provider.requests)

    assert "local" == route(house, INSIDE[kind])
    assert b"" == left(house.provider, before)


@pytest.mark.parametrize("kind", REFUSED)
def test_it_is_refused(house: House, kind: str) -> None:
    """With a reason, and nothing is sent."""
    before = len(house.provider.requests)
    with pytest.raises(openai.PermissionDeniedError):
        route(house, REFUSED[kind])

    assert b"" == left(house.provider, before)


@pytest.mark.parametrize("kind", MASKED)
def test_it_leaves_without_its_value(house: House, kind: str) -> None:
    """A placeholder or a stand-in goes in its place."""
    text, canary = MASKED[kind]
    before = len(house.provider.requests)

    assert "external-transformed" == route(house, text)
    sent = left(house.provider, before)
    assert sent
    assert canary.encode() not in sent
    assert not holds(sent, canary)
