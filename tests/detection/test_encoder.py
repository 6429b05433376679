"""The encoder reads every piece of a text once, and what it finds lies in the text."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.detection import tagging
from gateway.detection.encoder import OVERLAP, WINDOW, Encoder, windows
from gateway.detection.pieces import Pieces, cut, plain_tokenizer, shape

SHIPPED = Path(__file__).parents[2] / "models" / "pii-en"


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    """The one that the product ships."""
    return Encoder(SHIPPED / "ner")


def pieces_of(text: str) -> Pieces:
    """A text as the shipped vocabulary cuts it."""
    return cut(plain_tokenizer(SHIPPED / "ner" / "tokenizer.json"), text)


@pytest.mark.parametrize(
    ("words", "shapes"),
    [
        (["lee", "ünal"], 1),
        (["Lee", "Ünal"], 2),
        (["LEE", "ÉCOLE"], 3),
        (["L", "É"], 4),
        (["McLee", "iPhone", "2Go"], 5),
        (["34", "٣"], 6),
        (["-", "@", "½"], 7),
        (["李", "7th"], 0),
    ],
)
def test_the_shape_of_a_word_tells_what_small_letters_lose(words: list[str], shapes: int) -> None:
    """Eight of them."""
    found = {shape(word) for word in words}

    assert found == {shapes} or (shapes == 0 and found <= {0, 1})


def test_two_threads_answer_as_one_does(encoder: Encoder, monkeypatch: pytest.MonkeyPatch) -> None:
    """To the last bit: what is found does not depend on the machine's cores."""
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    both = Encoder(SHIPPED / "ner")
    window = pieces_of("Jane Doe of 12 Elm Street called on 3 March. " * 9).window(0, WINDOW)

    assert all(np.array_equal(one, two) for one, two in zip(encoder.run(*window), both.run(*window), strict=True))


def test_pieces_of_one_word_share_its_shape_and_number() -> None:
    """`Szöllösy` is several pieces of one word, with its accents where the text has them."""
    pieces = pieces_of("Krisztián Szöllösy")

    assert len(set(pieces.words.tolist())) == 2
    assert set(pieces.shapes.tolist()) == {2}
    assert pieces.spans[0][0] == 0
    assert pieces.spans[-1][1] == len("Krisztián Szöllösy")


@pytest.mark.parametrize(
    "text",
    [
        "x " * 700,
        "One sentence is here. " * 120,
        "a line\n" * 300,
        "ab" * 4000,
        "short",
    ],
)
def test_windows_hold_every_piece_and_are_bounded(text: str) -> None:
    """Without a gap; where no sentence ends they overlap."""
    pieces = pieces_of(text)
    found = list(windows(pieces, text))

    assert found[0][0] == 0
    assert found[-1][1] == len(pieces.ids)
    assert all(0 < end - start <= WINDOW for start, end in found)
    assert all(left[0] < right[0] <= left[1] <= right[1] for left, right in pairwise(found))
    assert all(left[1] - right[0] <= OVERLAP for left, right in pairwise(found))


def test_a_window_ends_where_a_sentence_does() -> None:
    """So that no name is cut."""
    text = "The parcel came late and the box was open. " * 40
    pieces = pieces_of(text)

    for _, end in list(windows(pieces, text))[:-1]:
        assert text[: pieces.spans[end - 1][1]].endswith(".")


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=300))
def test_mentions_lie_in_any_text(text: str) -> None:
    """Sorted, apart, with a probability, for whatever Unicode holds."""
    found = _ENCODER.mentions(text)

    assert all(0 <= each.start < each.end <= len(text) and 0 < each.score <= 1 for each in found)
    assert all(left.end <= right.start for left, right in pairwise(found))


_ENCODER = Encoder(SHIPPED / "ner")
_WORDS = tagging.Words(spacy.blank("en"))


def test_names_are_found_wherever_they_stand_in_a_long_text(encoder: Encoder) -> None:
    """At the beginning, over the end of any window, and at the end."""
    filler = "The invoice was paid and the parcel has left the building without any delay at all "
    for before in range(0, 40, 3):
        text = filler * before + "and Margaret Ellison signed it " + filler * 3

        assert any(text[each.start : each.end] == "Margaret Ellison" for each in encoder.mentions(text)), before


def test_a_text_has_one_vector(encoder: Encoder) -> None:
    """The same for the same text, near for a near one."""
    one, same, near, far = encoder.vectors(
        ["Reset my password", "Reset my password", "Please reset my password", "Patient has diabetes and chest pain"]
    )

    assert one.shape == (384,)
    assert np.array_equal(one, same)
    assert np.linalg.norm(one - near) < np.linalg.norm(one - far)


def test_spacy_reads_the_folder_and_tells_scores() -> None:
    """With `gateway.detection.tagging` imported, it is a pipeline like any other."""
    doc = spacy.load(SHIPPED)("Patient Margaret Ellison was admitted on 3 March.")
    person = next(entity for entity in doc.ents if entity.label_ == "PERSON")

    assert person.text == "Margaret Ellison"
    assert 0.5 < person._.get(tagging.SCORE) <= 1


def test_a_component_without_its_model_marks_nothing_silently() -> None:
    """It raises: no entity would read as nothing found."""
    nlp = spacy.blank("en")
    nlp.add_pipe(tagging.FACTORY)

    with pytest.raises(RuntimeError, match="not read from disk"):
        nlp("Margaret Ellison")


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=200))
def test_words_make_up_the_text(text: str) -> None:
    """Whatever it is, with nothing added or lost."""
    assert _WORDS(text).text == text
