"""What the encoder says of pieces is read as mentions: on which lines, from how sure on, and of which kind."""

from __future__ import annotations

import numpy as np

from gateway.detection.mentions import GivenNames, Reading, Thresholds
from gateway.detection.pieces import Pieces, shape

LABELS = ("PERSON", "ORGANIZATION", "STREET_ADDRESS")
THRESHOLDS = Thresholds(most_outside=0.6, most_outside_of_names=0.85, least_special=0.6)
READING = Reading(LABELS, THRESHOLDS)
INFORMED = Reading(LABELS, THRESHOLDS, GivenNames(frozenset({"olan", "hope"}), capitalised=8, small=3, other=0.3))


def read(text: str, kinds: dict[str, dict[str, float]], reading: Reading = READING) -> list[tuple[str, str]]:
    """What is read from `text`, whose words have the probabilities in `kinds`; a word that is not named has none."""
    spans, at = [], 0
    for word in text.split():
        begin = text.index(word, at)
        at = begin + len(word)
        spans += [(begin, at - 1), (at - 1, at)] if word.endswith(":") else [(begin, at)]
    words = [text[begin:end] for begin, end in spans]
    classes = np.zeros((len(words), 1 + 2 * len(LABELS)), np.float32)
    for row, word in enumerate(words):
        for label, odds in kinds.get(word, {}).items():
            classes[row, 2 + 2 * LABELS.index(label)] = odds
    classes[:, 0] = 1 - classes[:, 1:].sum(axis=1)
    count = np.arange(len(words))
    pieces = Pieces(count, np.array([shape(word) for word in words]), spans, count)
    return [(text[each.start : each.end], each.label) for each in reading.mentions(pieces, classes, text)]


def test_the_name_above_a_house_number_is_no_part_of_the_address() -> None:
    """It is what the model would say else of it."""
    street = {"STREET_ADDRESS": 0.98}
    above = {"STREET_ADDRESS": 0.9, "PERSON": 0.06}
    kinds = {"Ana": above, "Dias": above, "31": street, "Elm": street, "Grove": street}

    assert read("Ana Dias\n 31 Elm Grove", kinds) == [("Ana Dias", "PERSON"), ("31 Elm Grove", "STREET_ADDRESS")]


def test_a_street_above_a_postcode_stays_one_address() -> None:
    """The line names a street, so the number below is no house's."""
    street = {"STREET_ADDRESS": 0.9, "PERSON": 0.06}
    kinds = dict.fromkeys(("Mill", "Lane", "53111", "Bonn"), street)

    assert read("Mill Lane\n53111 Bonn", kinds) == [("Mill Lane\n53111 Bonn", "STREET_ADDRESS")]


def test_the_label_of_the_next_line_is_no_part_of_the_address() -> None:
    """`Mobile:` announces something else."""
    kinds = {word: {"STREET_ADDRESS": 0.8} for word in ("31", "Elm", "Grove", "Mobile")}

    assert read("31 Elm Grove\nMobile: none", kinds) == [("31 Elm Grove", "STREET_ADDRESS")]


def test_a_name_in_a_sentence_needs_less_than_one_in_code() -> None:
    """A capitalised word that may be a name is one in prose; in code it is an identifier."""
    doubtful = {"Ryan": {"PERSON": 0.3}, "ryan": {"PERSON": 0.3}}

    assert read("then Ryan laughed", doubtful) == [("Ryan", "PERSON")]
    assert read("x = { Ryan ; }", doubtful) == []
    assert read("then ryan laughed", doubtful) == []


def test_a_name_ends_with_its_line() -> None:
    """Two names below each other are two."""
    kinds = {word: {"PERSON": 0.9} for word in ("Ana", "Eve")}

    assert read("Ana\nEve", kinds) == [("Ana", "PERSON"), ("Eve", "PERSON")]


def test_a_known_given_name_needs_less() -> None:
    """Of two words that the model doubts alike, the one that many people are called is a name; in code neither is."""
    doubtful = {word: {"PERSON": 0.1} for word in ("Olan", "Altho")}

    assert read("great work Olan today", doubtful, INFORMED) == [("Olan", "PERSON")]
    assert read("great work Altho today", doubtful, INFORMED) == []
    assert read("x = { Olan ; }", doubtful, INFORMED) == []
    assert read("great work Olan today", doubtful) == []


def test_a_word_that_is_no_known_name_needs_more_unless_it_stands_beside_one() -> None:
    """A family name is on no list: the given name before it speaks for it, and so does a name that the model knows."""
    kinds = {"Nook": {"PERSON": 0.3}, "Olan": {"PERSON": 0.3}, "Zed": {"PERSON": 0.95}}

    assert read("we liked Nook today", kinds, INFORMED) == []
    assert read("we liked Nook today", kinds) == [("Nook", "PERSON")]
    assert read("we liked Olan Nook today", kinds, INFORMED) == [("Olan Nook", "PERSON")]
    assert read("we liked Zed Nook today", kinds, INFORMED) == [("Zed Nook", "PERSON")]


def test_what_is_known_of_names_changes_no_other_kind() -> None:
    """An organisation called like a person stays one, and what the model is sure of stays as sure."""
    assert read("at Hope today", {"Hope": {"ORGANIZATION": 0.9}}, INFORMED) == [("Hope", "ORGANIZATION")]
    assert read("at Hope today", {"Hope": {"PERSON": 0.004}}, INFORMED) == []
