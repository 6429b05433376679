"""The known holes of gateways of this kind: their names, and where each is shown to be closed.

A check takes the front door and asserts. `also` names tests elsewhere that show the same in more depth.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tests.egress.leaks.front import Front

Check = Callable[[Front], None]

NAMES: Mapping[int, str] = {
    1: "Personal data in tool call arguments",
    2: "Personal data in tool results",
    3: "Personal data in tool schemas: description, names, enum, default, examples",
    4: "Only the last message is looked at",
    5: "System, developer and instruction texts are skipped",
    6: "A value split over two messages or two parts",
    7: "A value split over the chunks of a streamed answer",
    8: "A placeholder split over chunks is not restored",
    9: "Placeholders that collide or begin alike",
    10: "A forged placeholder is restored",
    11: "Another tenant's placeholder is restored",
    12: "Homoglyphs, full-width letters, combining marks",
    13: "Zero-width characters, soft hyphens, marks of direction",
    14: "base64, hex and URL encoding",
    15: "Images, remote image addresses, audio, files",
    16: "Content that the provider stores: file ids, earlier responses, conversations",
    17: "Endpoints that nobody inspects",
    18: "Path, query and headers",
    19: "user, name, metadata, stop, prediction, schemas, logit_bias and their like",
    20: "Token ids that no detector can read",
    21: "Tricks of JSON, encodings and compression",
    22: "A detector that is down, late or talks junk lets requests through",
    23: "Text behind a size limit is not looked at",
    24: "An overloaded detector lets requests through",
    25: "A pattern or a text that takes for ever",
    26: "An allow-list that matches parts of names",
    27: "A mistyped policy key switches a rule off in silence",
    28: "A client switches the guard off by header, field or model name",
    29: "A caller's own classification is trusted downwards",
    30: "A retry or fallback moves sensitive traffic outside",
    31: "Request text in logs, metrics or the record",
    32: "An error repeats the prompt",
    33: "The record says that all is well although the guard did not run",
    34: "A rule that only logs changes the live answer",
    35: "Records are changed or dropped unnoticed",
    36: "Further choices, refusals, reasoning and log probabilities are forgotten",
    37: "The model tells new personal data",
    38: "A markdown image or link in an answer carries data out",
    39: "A cache serves one caller's restored answer to another",
    40: "One recogniser eats another's value: a connection string as an e-mail address",
    41: "An overlap or a threshold hides the stricter class",
    42: "Text in another language",
    43: "False alarms on ids and jargon keep plain traffic inside",
    44: "The default configuration forgets official numbers and health data",
    45: "Open endpoints: no key, foreign origins",
    46: "A refusal with status 200 reads as an answer",
    47: "Earlier turns of a conversation are forgotten",
    48: "Sockets and realtime sessions cross uninspected",
    49: "The caller names an address that the gateway or the provider then calls",
    50: "The provider is asked to keep what was sent",
}


@dataclass(frozen=True, slots=True)
class Hole:
    """One hole, how it is shown to be closed, and tests that show more."""

    number: int
    name: str
    check: Check
    also: tuple[str, ...]

    @property
    def test(self) -> str:
        """The id of the executable case."""
        return f"tests/egress/leaks/test_holes.py::test_a_hole_is_closed[{self.number}]"


@dataclass(frozen=True, slots=True)
class OpenCase:
    """What of a hole is still open, and a check that fails while it is."""

    number: int
    words: str
    check: Check


_HOLES: dict[int, Hole] = {}
_OPEN: list[OpenCase] = []


def hole(number: int, *also: str) -> Callable[[Check], Check]:
    """Marks what shows that a hole is closed."""

    def marked(check: Check) -> Check:
        if number in _HOLES:
            raise ValueError(f"two checks for hole {number}")
        _HOLES[number] = Hole(number, NAMES[number], check, also)
        return check

    return marked


def still_open(number: int, words: str) -> Callable[[Check], Check]:
    """Marks a check that fails as long as this part of a hole is open."""

    def marked(check: Check) -> Check:
        _OPEN.append(OpenCase(number, words, check))
        return check

    return marked


def open_cases() -> tuple[OpenCase, ...]:
    """Every part of a hole that is known to be open."""
    all_holes()
    return tuple(_OPEN)


def all_holes() -> tuple[Hole, ...]:
    """Every hole, by number. Raises `KeyError` for one that nothing is shown of."""
    from tests.egress.leaks import holes_answer, holes_edge, holes_policy, holes_request  # noqa: F401 - they fill the table

    return tuple(_HOLES[number] for number in NAMES)
