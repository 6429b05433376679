# ruff: noqa: E501 - long examples
"""Other languages than English, through the front door: what cannot be read for names does not leave."""

from __future__ import annotations

import base64
from collections.abc import Callable

import pytest

from tests.detection.languages import LETTERS
from tests.egress.conftest import House
from tests.egress.harness import left

CANARY = "Quintanaro"
NOTE = (
    f"Nombre: Lucía.\nApellidos: {CANARY} Soto.\nNHC: 7465420.\nEdad: 74 años.\n"
    f"Informe clínico: la paciente ingresa por dolor torácico. Diagnóstico: fibrilación auricular. Se pauta bisoprolol 5 mg."
)
LETTER = (
    f"Madame {CANARY} est arrivée hier avec sa fille. Le médecin pense que c'est une appendicite et qu'elle sera opérée "
    "demain, mais elle ne veut pas que son mari le sache."
)


@pytest.fixture
def sent(house: House) -> Callable[[], bytes]:
    """Tells what has reached the provider since the test began."""
    before = len(house.provider.requests)
    return lambda: left(house.provider, before)


def route(house: House, *texts: str) -> str:
    """Where a conversation of these turns goes."""
    raw = house.client.chat.completions.with_raw_response.create(
        model="gpt-4o-mini", messages=[{"role": "user", "content": text} for text in texts], max_tokens=4
    )
    return raw.headers["x-gateway-route"]


@pytest.mark.parametrize(
    "text",
    [NOTE, f"Summarise this note in English please, it is for the doctor.\n\n{NOTE}", NOTE.upper(), NOTE.lower()],
    ids=["plain", "in an English request", "capitals", "small letters"],
)
def test_a_spanish_clinical_note_stays_inside(house: House, sent: Callable[[], bytes], text: str) -> None:
    """A patient and a diagnosis."""
    assert "local" == route(house, text)
    assert CANARY.lower().encode() not in sent().lower()


@pytest.mark.parametrize(
    "text",
    [
        LETTER,
        f"What does this letter say? Please answer in English.\n\n{LETTER}",
        base64.b64encode(LETTER.encode()).decode(),
        "\u200b".join(LETTER),
    ],
    ids=["plain", "in an English request", "base64", "zero-width characters"],
)
def test_a_letter_in_an_unsupported_language_stays_inside(house: House, sent: Callable[[], bytes], text: str) -> None:
    """Names were not looked for in it, so nothing found means nothing."""
    assert "local" == route(house, text)
    assert CANARY.encode() not in sent()


def test_a_foreign_turn_keeps_the_whole_conversation_inside(house: House, sent: Callable[[], bytes]) -> None:
    """A plain question behind it does not take it out."""
    assert "local" == route(house, LETTERS["Polish"], "What is the capital of France?")
    assert b"" == sent()


@pytest.mark.parametrize(
    "text",
    [
        "¿Cuál es la capital de Francia?",
        "¿Qué síntomas tiene la diabetes y cómo se trata?",
        "Escribe un poema corto sobre el otoño.",
        "What does 'je ne sais quoi' mean, and how is it pronounced?",
        "def add(a, b):\n    return a + b",
    ],
)
def test_plain_questions_leave(house: House, text: str) -> None:
    """In Spanish too, and in English with a foreign phrase."""
    assert "external" == route(house, text)
