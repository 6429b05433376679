"""Spanish text that the recipe makes itself: templates filled with generated names, addresses and numbers.

    for text, spans in cases(20_000, seed=1, part="train"): ...

The held-out part ("dev") uses one template in ten and one family name in ten, which the training part never sees.
Deterministic for a seed. The labels are MEDDOCAN's; public figures carry none.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

from models.recipes.pii_en.generate import Case, assemble, held_out
from models.recipes.pii_en.slots import Slot, parse

from .values import LABELS, Values

TEMPLATES = Path(__file__).parent / "templates"
WEIGHTS = {"formularios": 3.0, "clinica": 3.0, "cartas": 4.0, "sin_datos": 4.0}
"""How often each file is drawn."""
_SMALL, _LOUD = 0.08, 0.03
"""The shares of texts that are written in small letters and in capitals."""


@cache
def templates(part: str) -> dict[str, tuple[str, ...]]:
    """The templates of one part by file."""
    files = {path.stem: path.read_text(encoding="utf-8").split("\n") for path in sorted(TEMPLATES.glob("*.txt"))}
    return {
        name: tuple(t for number, t in enumerate(filter(None, lines)) if held_out(number) == (part != "train"))
        for name, lines in files.items()
    }


def cases(count: int, seed: int, part: str) -> Iterator[Case]:
    """`count` generated texts of `part` ("train" or "dev"), each with its spans as (start, end, label) in characters."""
    values = Values(seed, part)
    names = list(templates(part))
    for _ in range(count):
        pieces: list[tuple[str, str | None]] = []
        for _ in range(values.rng.choice([1, 1, 1, 2, 3])):
            name = values.rng.choices(names, [WEIGHTS[each] for each in names])[0]
            pieces += [
                *_filled(values.rng.choice(templates(part)[name]), values),
                (values.rng.choice(["\n", "\n\n", " "]), None),
            ]
        yield _written(assemble(pieces[:-1]), values.rng.random())


def _filled(template: str, values: Values) -> list[tuple[str, str | None]]:
    return [
        (values.draw(each.name), LABELS.get(each.name)) if isinstance(each, Slot) else (each.text, None)
        for each in parse(template)
    ]


def _written(case: Case, chance: float) -> Case:
    """The text as it is, in small letters or in capitals, where that changes no length."""
    text, spans = case
    other = text.lower() if chance < _SMALL else text.upper() if chance < _SMALL + _LOUD else text
    return (other, spans) if len(other) == len(text) else case
