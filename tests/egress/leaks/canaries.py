"""Made-up values that must not leave, each distinct, and the forms in which they are written into a request.

Distinct values make a leak attributable: one request may carry a value in each of its fields.
"""

from __future__ import annotations

import base64
import random
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from gateway.domain.strict_json import Json
from tests.egress.leaks.fields import Slot

_SYLLABLES = ("ba", "do", "fi", "ku", "le", "mo", "na", "pi", "ra", "so", "tu", "ve", "wa", "xo", "zi", "ge")


class Kind(StrEnum):
    """What the value is."""

    SSN = "social security number"
    CARD = "payment card"
    EMAIL = "e-mail address"
    KEY = "provider key"
    TERM = "policy's own term"


class Form(StrEnum):
    """How it is written."""

    CLEAR = "clear"
    ESCAPED = "escaped"
    INVISIBLE = "zero-width"
    BASE64 = "base64"
    SPLIT = "split"
    JOINT = "split over items"


@dataclass(frozen=True, slots=True)
class Canary:
    """One value and what is said around it. `parts` are its halves; `signs` join them when it is split in a field."""

    kind: Kind
    value: str
    before: str
    after: str
    label: str
    parts: tuple[str, str]
    joint: str

    @property
    def told(self) -> str:
        """The value in a sentence."""
        return f"{self.before}{self.value}{self.after}"


def canary(kind: Kind, number: int) -> Canary:
    """The value of this kind with this number. Equal numbers give equal values."""
    match kind:
        case Kind.SSN:
            value = _ssn(number)
            return Canary(kind, value, "My social security number is ", ", is it on file?", "ssn-", _cut(value, 7), " ")
        case Kind.CARD:
            value = _card(number)
            return Canary(kind, value, "Why was my credit card ", " declined?", "card-", _cut(value, 10), " ")
        case Kind.EMAIL:
            value = f"{_word(number)}.whitfield@example.com"
            return Canary(kind, value, "Please write to ", " today.", "", _cut(value, value.index("@") + 1), "\n")
        case Kind.KEY:
            value = _key(number)
            return Canary(kind, value, "The service uses ", " since Monday.", "", _cut(value, 28), "\n")
        case Kind.TERM:
            value = term(number)
            return Canary(kind, value, "The budget of ", " is late.", "", _cut(value, len("Halcyon ")), "\n")


def term(number: int, joint: str = " ") -> str:
    """A code name that only a policy of the suite knows."""
    return f"Halcyon{joint}{_word(number)}"


def _word(number: int) -> str:
    """A word of its own for each number up to 65,535."""
    return "".join(_SYLLABLES[number >> shift & 15] for shift in (12, 8, 4, 0)).capitalize()


def _ssn(number: int) -> str:
    scattered = (number * 7919 + 12_345_67) % (400 * 90 * 9000)
    area, rest = divmod(scattered, 90 * 9000)
    group, serial = divmod(rest, 9000)
    return f"{area + 210}-{group + 10}-{serial + 1000}"


def _card(number: int) -> str:
    digits = f"4{(number * 7_919_317 + 111_222_333_444) % 10**14:014}"
    doubled = (sum(divmod(2 * int(digit), 10)) for digit in digits[-1::-2])
    digits += str(-(sum(map(int, digits[-2::-2])) + sum(doubled)) % 10)
    return " ".join(digits[at : at + 4] for at in range(0, 16, 4))


def _key(number: int) -> str:
    letters = random.Random(number).choices("abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789", k=36)
    return "sk-proj-" + "".join(letters)


def _cut(value: str, at: int) -> tuple[str, str]:
    return value[:at], value[at:]


@dataclass(frozen=True, slots=True)
class Written:
    """A canary as it is put into a field: one value, or two for two items. `escape` is to be written as escapes."""

    first: Json
    second: Json = None
    escape: str = ""


def written(canary: Canary, form: Form, slot: Slot) -> Written | None:
    """How this canary is written in this form where `slot` stands; None where it cannot be."""
    if slot is Slot.NUMBER:
        return _number(canary) if form is Form.CLEAR else None
    value = _shaped(canary) if slot is Slot.SHAPED else canary.value
    before, after = (canary.before, canary.after) if slot is Slot.TEXT else (canary.label, "")
    match form:
        case Form.CLEAR:
            return Written(f"{before}{value}{after}")
        case Form.ESCAPED:
            return Written(f"{before}{value}{after}", escape=value)
        case Form.INVISIBLE:
            return Written(f"{before}{_interleaved(value)}{after}")
        case Form.BASE64:
            return Written(_base64(f"{before}{value}{after}", shaped=slot is Slot.SHAPED))
        case Form.SPLIT:
            split = _split(canary, slot)
            return Written(f"{before}{split}{after}") if split else None
        case Form.JOINT:
            first, second = canary.parts if slot is not Slot.SHAPED else _cut(value, len(value) // 2)
            return Written(f"{before}{first}", f"{second}{after}")


def _number(canary: Canary) -> Written | None:
    digits = "".join(letter for letter in canary.value if letter.isdigit())
    return Written(int(digits)) if canary.kind is Kind.CARD else None


def _shaped(canary: Canary) -> str:
    """Within letters, digits and . _ : / @ + -"""
    return canary.value.replace(" ", "-")


def _interleaved(value: str) -> str:
    signs = "\u200b\u00ad\u2060"
    return "".join(f"{letter}{signs[at % 3]}" for at, letter in enumerate(value))


def _base64(text: str, *, shaped: bool) -> str:
    """Of a sentence; without padding where none may stand."""
    raw = text.encode()
    return base64.b64encode(raw).decode().rstrip("=" if shaped else "")


def _split(canary: Canary, slot: Slot) -> str:
    """Over a space or a line end in the field; over points where neither may stand. A value that another sign would
    change (a key, an address) cannot be split there."""
    if slot is not Slot.SHAPED:
        first, second = canary.parts
        return f"{first.rstrip()}{canary.joint}{second.lstrip()}" if canary.kind is not Kind.CARD else _lines(canary)
    if canary.kind in {Kind.SSN, Kind.CARD}:
        return canary.value.replace("-", ".").replace(" ", ".")
    return ""


def _lines(canary: Canary) -> str:
    first, second = canary.parts
    return f"{first.rstrip()}\n{second.lstrip()}"


def every_form(canary: Canary, slot: Slot) -> Iterator[tuple[Form, Written]]:
    """Every form that a canary can take in one field."""
    for form in Form:
        shown = written(canary, form, slot)
        if shown is not None:
            yield form, shown
