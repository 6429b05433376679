"""The reader of fields that ships: what it copies stands in the text, letter by letter."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.adapters.field_reader import FieldReader
from gateway.adapters.llamacpp_dialect import Failure
from gateway.adapters.llamacpp_engine import JobFailed
from gateway.adapters.model_manifest import find_model, load_manifest
from gateway.paths import data_path

FILE = find_model(load_manifest(data_path("models/manifest.toml"), Path("none")), "reader").model()
READER = FieldReader(FILE.path)
NAMES = ("customer", "order number", "due date")


def values(text: str, *names: str) -> list[str | None]:
    """What the reader reads, wanted to the end."""
    return READER.values(text, names, lambda: None)


def test_values_are_copied_from_a_list_and_from_sentences() -> None:
    """Whatever the order in which they are asked for."""
    form = "Order number: QX-2231\nDue date: 4 May 2026\nCustomer: Mirja Aalto"
    said = "Mirja Aalto called about order QX-2231."
    assert values(form, *NAMES) == ["Mirja Aalto", "QX-2231", "4 May 2026"]
    assert values(said, "order number", "caller") == ["QX-2231", "Mirja Aalto"]


def test_what_a_text_does_not_say_is_none() -> None:
    """Also of an empty text, and of one without a letter."""
    assert values("Customer: Mirja Aalto", "blood pressure") == [None]
    assert values("", *NAMES) == [None] * 3
    assert values(" \n ", "customer") == [None]


def test_a_long_text_is_read_to_its_end() -> None:
    """In windows, so that no length hides a value."""
    text = "The weather was fine and nobody called. " * 120 + "\nInvoice number: ZK-99120\n"
    assert values(text, "invoice number") == ["ZK-99120"]


@settings(max_examples=40, deadline=None)
@given(st.text(max_size=120), st.lists(st.text(max_size=20), min_size=1, max_size=10))
def test_whatever_is_read_stands_in_the_text(text: str, names: list[str]) -> None:
    """For any text and any names; one value a name."""
    told = values(text, *names)
    assert len(told) == len(names)
    assert all(value is None or (value and value in text) for value in told)


def test_nobody_who_left_is_read_for() -> None:
    """It is asked before each window."""

    def left() -> None:
        raise JobFailed(Failure.CANCELLED)

    with pytest.raises(JobFailed):
        READER.values("Customer: Mirja Aalto", NAMES, left)


def test_the_reader_is_small_enough_to_ship() -> None:
    """At most 20 MB."""
    assert FILE.path.stat().st_size <= 20_000_000
