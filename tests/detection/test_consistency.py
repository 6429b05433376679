"""A name or number that one text gives away is found in all its forms, in all texts of the conversation."""

from __future__ import annotations

import time
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.detection.consistency import RECOGNIZER, agreed
from gateway.domain.conversation import Leaf
from gateway.domain.declaration import LeafKind, Source
from gateway.domain.finding import Address, Examined, Failed, FailureCause, Finding, LeafReport, Permille
from gateway.domain.labels import Entity

Known = tuple[str, str]
"""An entity and a value that the detector found."""


def told(texts: Sequence[str], known: Sequence[Known], confidence: int = 850) -> list[list[Known]]:
    """What is found in each text when the detector found the known values, where they stand first."""
    leaves = [_leaf(number, text) for number, text in enumerate(texts)]
    reports: dict[Address, LeafReport] = {leaf.address: Examined(()) for leaf in leaves}
    for entity, value in known:
        leaf = next(leaf for leaf in leaves if value in leaf.text)
        start = leaf.text.index(value)
        finding = Finding(start, start + len(value), Entity(entity), Permille(confidence), "SpacyRecognizer")
        before = reports[leaf.address]
        assert isinstance(before, Examined)
        reports[leaf.address] = Examined((*before.findings, finding))
    after = agreed(leaves, reports)
    return [[(f.entity, leaf.text[f.start : f.end]) for f in _findings(after[leaf.address])] for leaf in leaves]


def _leaf(number: int, text: str) -> Leaf:
    address = Address(f"/messages/{number}/content")
    return Leaf(address, "/messages/*/content", text, Source.USER, LeafKind.VALUE, ())


def _findings(report: LeafReport) -> tuple[Finding, ...]:
    assert isinstance(report, Examined)
    return report.findings


NAME = ("PERSON", "Anna Maria Lopez")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("and ANNA MARIA LOPEZ again", "ANNA MARIA LOPEZ"),
        ("and anna lopez again", "anna lopez"),
        ("filed under Lopez, Anna.", "Lopez, Anna"),
        ("signed A. Lopez", "A. Lopez"),
        ("signed A.M. Lopez", "A.M. Lopez"),
        ("Lopez's answer", "Lopez"),
        ("then Anna left", "Anna"),
        ("initials A.L. on each page", "A.L."),
        ("her login is alopez", "alopez"),
        ("her login is alopez42", "alopez42"),
        ("her login is anna.lopez", "anna.lopez"),
        ("cc anna_lopez", "anna_lopez"),
    ],
)
def test_every_form_of_a_name_is_found_in_another_text(text: str, value: str) -> None:
    """The detector saw the whole name once."""
    assert [[NAME], [("PERSON", value)]] == told(["Customer Anna Maria Lopez called.", text], [NAME])


@pytest.mark.parametrize(
    "text",
    ["we will annalise it", "the lopezian school", "a lopsided anna", "A and L are letters", "lopez in small letters"],
)
def test_what_only_looks_like_a_name_is_left_alone(text: str) -> None:
    """Parts of words, single letters, and a surname that may be a word in small letters."""
    assert [] == told(["Customer Anna Maria Lopez called.", text], [NAME])[1]


def test_a_name_that_is_a_word_counts_alone_only_within_a_sentence() -> None:
    """Will you ...?"""
    texts = ["Will Baker called.", "Will you answer? Baker was right. We told Baker so."]

    assert [("PERSON", "Baker")] == told(texts, [("PERSON", "Will Baker")])[1]


def test_an_email_address_gives_its_owner_away() -> None:
    """Unless it belongs to an office."""
    texts = ["mail anna.lopez@example.com or customer.service@example.com", "Anna Lopez, Customer Service"]
    mails = [("EMAIL_ADDRESS", "anna.lopez@example.com"), ("EMAIL_ADDRESS", "customer.service@example.com")]

    assert [("PERSON", "Anna Lopez")] == told(texts, mails)[1]


@pytest.mark.parametrize("again", ["4432211", "4432-211", "4432 211", "44.32.211"])
def test_a_number_is_found_without_its_label(again: str) -> None:
    """However it is grouped; not within a longer one."""
    texts = ["MRN 4432211 was seen.", f"What of {again}? Not 14432211, not 44322110."]

    assert [("MEDICAL_RECORD_NUMBER", again)] == told(texts, [("MEDICAL_RECORD_NUMBER", "4432211")])[1]


def test_the_longer_of_two_numbers_is_found() -> None:
    """One begins as the other."""
    known = [("ACCOUNT_NUMBER", "12345"), ("ACCOUNT_NUMBER", "1234567")]

    assert [("ACCOUNT_NUMBER", "1234567")] == told(["account 12345, account 1234567", "and 1234567"], known)[1]


def test_a_public_name_that_is_somebodys_is_private() -> None:
    """The customer has the name of a singer, whom another text takes for the singer."""
    texts = ["Customer Taylor Swift, account 4411882", "Does Taylor Swift owe us money?"]
    known = [("PERSON", "Taylor Swift"), ("ACCOUNT_NUMBER", "4411882")]
    leaves = [_leaf(number, text) for number, text in enumerate(texts)]
    singer = Finding(5, 17, Entity("PUBLIC_FIGURE"), Permille(900), "SpacyRecognizer")
    person = Finding(9, 21, Entity("PERSON"), Permille(900), "SpacyRecognizer")
    after = agreed(leaves, {leaves[0].address: Examined((person,)), leaves[1].address: Examined((singer,))})

    assert [(5, 17, "PERSON")] == [(f.start, f.end, f.entity) for f in _findings(after[leaves[1].address])]
    assert known[0] in told(texts, known)[1]


def test_a_weak_finding_teaches_nothing() -> None:
    """A guess does not spread."""
    assert [] == told(["Customer Anna Maria Lopez called.", "Lopez called"], [NAME], confidence=400)[1]


def test_a_failed_leaf_stays_failed() -> None:
    """What is known of others does not make it examined."""
    leaves = [_leaf(0, "Anna Lopez"), _leaf(1, "Anna Lopez")]
    person = Finding(0, 10, Entity("PERSON"), Permille(900), "SpacyRecognizer")
    failed = Failed(FailureCause.DEADLINE)

    assert (
        failed == agreed(leaves, {leaves[0].address: Examined((person,)), leaves[1].address: failed})[leaves[1].address]
    )


@given(st.text(max_size=60), st.text(max_size=60), st.data())
def test_any_text_keeps_its_findings_sorted_and_inside(name: str, text: str, data: st.DataObject) -> None:
    """Whatever a name is made of."""
    leaves = [_leaf(0, f"x{name}x"), _leaf(1, f"{text} {name} {text}")]
    entity = Entity(data.draw(st.sampled_from(["PERSON", "EMAIL_ADDRESS", "CREDIT_CARD"])))
    finding = Finding(1, 1 + max(1, len(name)), entity, Permille(900), "SpacyRecognizer")
    after = agreed(leaves, {leaves[0].address: Examined((finding,)), leaves[1].address: Examined(())})
    found = _findings(after[leaves[1].address])

    assert all(0 <= f.start < f.end <= len(leaves[1].text) and f.recognizer == RECOGNIZER for f in found)
    assert list(found) == sorted(found, key=lambda f: f.start)


def test_time_grows_with_the_text_and_not_with_what_is_known() -> None:
    """A thousand names with the same first word, and a text full of that word."""
    names = [("PERSON", f"Anna Lop{number:04}") for number in range(1_000)]
    first = ". ".join(name for _, name in names)

    def spent(size: int) -> float:
        begin = time.process_time()
        told([first, "anna " * size], names)
        return time.process_time() - begin

    spent(10)
    assert spent(40_000) < 40 * (spent(4_000) + 0.05)
