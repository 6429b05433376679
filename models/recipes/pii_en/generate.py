"""Text that the recipe makes itself: templates filled with generated names, addresses and surroundings, and records.

    for text, spans in cases(20_000, seed=1, part="train"): ...

The held-out part ("dev") uses one template in ten and one family name in ten, which the training part never sees.
Deterministic for a seed.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

from .records import Records
from .slots import Literal, parse
from .values import LABELS, PARTS, Values
from .variations import Piece, Variations

Span = tuple[int, int, str]
Case = tuple[str, list[Span]]

TEMPLATES = Path(__file__).parent / "templates"
WEIGHTS = {"neg": 28.0, "public": 8.0, "records": 4.0}
"""How often each group is drawn, by the first word of its files' names; a group that is not listed counts 1."""
RECORDS = "records"
LONGEST = 1500
JOINTS = (" ", " ", "\n", "\n", "\n\n", "\n\n", "\n\n---\n\n", " | ", "\n- ")


def held_out(number: int) -> bool:
    """Whether the template at this line of its file (from 0) belongs to the held-out part."""
    return number % 10 == 9


@cache
def templates(part: str) -> dict[str, tuple[str, ...]]:
    """The templates of one part by group."""
    groups: dict[str, list[str]] = {}
    for path in sorted(TEMPLATES.glob("*.txt")):
        lines = path.read_text(encoding="utf-8").split("\n")
        chosen = [t for number, t in enumerate(filter(None, lines)) if held_out(number) == (part != "train")]
        groups.setdefault(path.stem.partition("_")[0], []).extend(chosen)
    return {group: tuple(lines) for group, lines in groups.items() if lines}


class Writer:
    """Writes cases of one part from one seed."""

    def __init__(self, seed: int, part: str) -> None:
        self.values = Values(seed, part)
        self.rng = self.values.rng
        self.records = Records(self.values)
        self.variations = Variations(self.values)
        self.groups = {**templates(part), RECORDS: ()}
        self.weights = [WEIGHTS.get(group, 1.0) for group in self.groups]

    def case(self) -> Case:
        """One text: a template or record, or several of them one after the other."""
        pieces = self._varied()
        for _ in range(self.rng.choice([0, 0, 0, 0, 0, 0, 1, 1, 2, 3, 6])):
            more = [(self.rng.choice(JOINTS), None), *self._varied()]
            if sum(len(text) for text, _ in pieces + more) > LONGEST:
                break
            pieces = pieces + more
        return assemble(self.variations.wrapped(pieces))

    def _varied(self) -> list[Piece]:
        group = self.rng.choices(list(self.groups), self.weights)[0]
        if group == RECORDS:
            return self.records.record()
        return self.variations.varied(self.fill(self.rng.choice(self.groups[group])))

    def fill(self, template: str) -> list[Piece]:
        """One template with a value in each slot."""
        bound: dict[tuple[str, str], str] = {}
        people = {}
        pieces: list[Piece] = []
        for part in parse(template):
            if isinstance(part, Literal):
                pieces.append((part.text, part.label))
                continue
            if part.number is None:
                value = self.values.draw(part.name)
            elif part.name in PARTS:
                person = people.setdefault(part.number, None) or self.values.names.person()
                people[part.number] = person
                value = bound.setdefault((part.name, part.number), self.values.part_of(person, part.name))
            else:
                value = bound.setdefault((part.name, part.number), self.values.draw(part.name))
            pieces.append((part.before + value + part.after, LABELS.get(part.name)))
        return pieces


def assemble(pieces: list[Piece]) -> Case:
    """The text of the pieces and the spans of the labelled ones."""
    spans: list[Span] = []
    size = 0
    for text, label in pieces:
        if label and text:
            spans.append((size, size + len(text), label))
        size += len(text)
    return "".join(text for text, _ in pieces), spans


def cases(count: int, seed: int, part: str) -> Iterator[Case]:
    """`count` generated texts of `part` ("train" or "dev"), each with its spans as (start, end, label) in characters."""
    writer = Writer(seed, part)
    for _ in range(count):
        yield writer.case()
