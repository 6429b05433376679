"""The generated training data of the English names pipeline: labels lie where they should, and the parts stay apart."""

from __future__ import annotations

import random

import pytest

pytest.importorskip("faker", reason="Faker is installed for training alone (requirements/train.txt)")

from models.recipes.pii_en.generate import Writer, cases, templates
from models.recipes.pii_en.names import Names, is_held_out
from models.recipes.pii_en.slots import Slot, parse
from models.recipes.pii_en.values import LABELS

TRAINED = {
    "PERSON",
    "PUBLIC_FIGURE",
    "LOCATION",
    "ORGANIZATION",
    "STREET_ADDRESS",
    "DATE_TIME",
    "AGE",
    "TITLE",
    "NRP",
    "ZIP_CODE",
}
PARTS = ("train", "dev")


@pytest.mark.parametrize("part", PARTS)
def test_spans_lie_on_the_text(part: str) -> None:
    """In order, apart from each other, not empty, and of a label that is trained."""
    seen = set()
    for text, spans in cases(800, seed=3, part=part):
        end_before = 0
        for start, end, label in spans:
            assert end_before <= start < end <= len(text)
            assert text[start:end] == text[start:end].strip()
            end_before = end
            seen.add(label)

    assert seen == TRAINED


def test_a_seed_gives_the_same_text_again() -> None:
    """The same seed twice, and another seed something else."""
    first = list(cases(150, seed=5, part="train"))

    assert first == list(cases(150, seed=5, part="train"))
    assert first != list(cases(150, seed=6, part="train"))


def test_every_slot_is_known() -> None:
    """Each slot of each template has a maker, and each labelled slot carries a label that is trained."""
    known = Writer(1, "train").values.makers
    used = {
        slot.name
        for part in PARTS
        for lines in templates(part).values()
        for line in lines
        for slot in parse(line)
        if isinstance(slot, Slot)
    }

    assert used - known.keys() == set()
    assert set(LABELS.values()) == TRAINED


def test_the_held_out_part_shares_no_template_with_training() -> None:
    """Not even the same line in two files."""
    train, dev = ({line for lines in templates(part).values() for line in lines} for part in PARTS)

    assert dev
    assert train & dev == set()


def test_the_held_out_part_shares_no_family_name_with_training() -> None:
    """Whatever its origin and spelling."""
    for part in PARTS:
        names = Names(random.Random(1), part)
        assert {is_held_out(names.last()) for _ in range(500)} == {part == "dev"}


@pytest.mark.parametrize(
    ("template", "label", "value"),
    [
        ("asked by Dr. {name} now", "TITLE", "Dr."),
        ("she is aged {age:1}, he is {age:1}", "AGE", None),
        ("a {age} man", "AGE", None),
        ("[[Marie Curie|PUBLIC_FIGURE]] wrote", "PUBLIC_FIGURE", "Marie Curie"),
        ("{{ {city} }}", "LOCATION", None),
    ],
)
def test_what_belongs_to_a_value_is_labelled(template: str, label: str, value: str | None) -> None:
    """Titles before people and words around ages are part of what is learned."""
    found = [text for text, kind in Writer(1, "train").fill(template) if kind == label]

    assert found
    assert value in {None, *found}


def test_one_number_means_one_person() -> None:
    """The parts of a numbered name agree."""
    pieces = Writer(2, "train").fill("{first:1}|{last:1}|{name:1}|{first:1}|{name:2}")
    first, last, name, again, other = (text for text, kind in pieces if kind == "PERSON")

    assert first == again
    assert first[0].upper() in name.upper()
    assert last[0].upper() in name.upper()
    assert other != name
