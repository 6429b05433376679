"""Across the joints of texts: which neighbours are looked at, and what is told of them."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.detection.analyzer import Analyzer
from gateway.detection.custom import CompiledDetectors
from gateway.detection.frames import Neighbours, neighbours_from_json, neighbours_to_json
from gateway.detection.joints import Joint, Piece, joints, told
from gateway.domain.conversation import Leaf
from gateway.domain.declaration import LeafKind, Source
from gateway.domain.detectors import TermsDetector
from gateway.domain.finding import Address, Examined, Failed, FailureCause, Finding, LeafReport, Permille
from gateway.domain.labels import Entity
from tests.adapters.test_presidio_detector import MEANS
from tests.growth import assert_linear

NONE = CompiledDetectors(())
Found = list[list[tuple[str, str]]]


def leaf(
    at: int | str, text: str, source: Source = Source.USER, kind: LeafKind = LeafKind.VALUE, field: str = "messages"
) -> Leaf:
    """One text of a request."""
    return Leaf(Address(f"/{field}/{at}"), f"/{field}/{at}", text, source, kind, ())


def said(*texts: str) -> list[Leaf]:
    """One user's texts."""
    return [leaf(at, text) for at, text in enumerate(texts)]


def examined(
    analyzer: Analyzer, leaves: Sequence[Leaf], custom: CompiledDetectors = NONE, *, every: bool = False
) -> Found:
    """Pairs of entity and value, text by text, as a detector reports them."""
    own = {each.address: Examined(analyzer.examine(each.text, each.context, custom)) for each in leaves}
    across = joints(leaves, every=every)
    reports = told(
        own, [(joint, Examined(analyzer.examine_joint(joint.neighbours, joint.context, custom))) for joint in across]
    )
    result: Found = []
    for each in leaves:
        report = reports[each.address]
        assert isinstance(report, Examined)
        result.append([(f.entity, each.text[f.start : f.end]) for f in report.findings])
    return result


def parts(value: str, cut: int) -> list[Leaf]:
    """Two parts of one message."""
    return said(f"Please note {value[:cut]}", f"{value[cut:]} for the record.")


def around_an_answer(value: str, cut: int) -> list[Leaf]:
    """Two messages with the model's between them."""
    answer = leaf(1, "Understood. Please go on.", Source.ASSISTANT)
    return [leaf(0, f"Take this: {value[:cut]}"), answer, leaf(2, f"{value[cut:]} and keep it.")]


def items(value: str, cut: int) -> list[Leaf]:
    """Two items of a parameter."""
    return [leaf(at, text, Source.PARAMETER, field="stop") for at, text in enumerate([value[:cut], value[cut:]])]


def three(value: str, cut: int) -> list[Leaf]:
    """Three messages."""
    middle = (cut + len(value)) // 2
    return said(*filter(None, [value[:cut], value[cut:middle], value[middle:]]))


def letters(value: str, cut: int) -> list[Leaf]:
    """A text for every character."""
    del cut
    return said(*value)


def keys(value: str, cut: int) -> list[Leaf]:
    """Two keys of an object."""
    return [leaf(at, text, Source.TOOL_ARGUMENTS, LeafKind.KEY) for at, text in enumerate([value[:cut], value[cut:]])]


SPLITS: dict[str, Callable[[str, int], list[Leaf]]] = {
    "parts": parts, "around an answer": around_an_answer, "items": items, "three": three, "letters": letters,
    "keys": keys,
}  # fmt: skip
CANARIES = {
    "US_SSN": "536-22-8714",
    "CREDIT_CARD": "4111 1111 1111 1111",
    "IBAN_CODE": "DE89370400440532013000",
    "EMAIL_ADDRESS": "jane.roe@example.com",
    "SECRET": "sk-proj-Ab3dE6gH9jK2mN5pQ8sT1vW4",
    "PHONE_NUMBER": "+1 415 555 0132",
    "MEDICAL_RECORD_NUMBER": "MRN: 4471829",
}


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("entity", CANARIES)
def test_a_value_is_found_wherever_it_is_cut(analyzer: Analyzer, entity: str, split: str) -> None:
    """At every place of the value."""
    value = CANARIES[entity]
    for cut in range(1, len(value)):
        found = examined(analyzer, SPLITS[split](value, cut))

        assert entity in {name for texts in found for name, _ in texts}, cut


WRITINGS: list[Callable[[str], str]] = [
    lambda value: base64.b64encode(value.encode()).decode(),
    lambda value: "".join(f"\\u{ord(letter):04x}" for letter in value),
    "\u200b".join,
]


@pytest.mark.parametrize("write", WRITINGS)
def test_a_wrapped_value_is_found_wherever_it_is_cut(analyzer: Analyzer, write: Callable[[str], str]) -> None:
    """The writing is put together first."""
    written = write("SSN 536-22-8714")
    for cut in range(1, len(written)):
        found = examined(analyzer, parts(written, cut))

        assert "US_SSN" in {name for texts in found for name, _ in texts}, cut


def test_a_patient_is_found_wherever_the_sentence_is_cut(shipped: Analyzer) -> None:
    """Names and diagnoses too, where the cut is within a word or between two names."""
    sentence = "Maria Gonzalez was diagnosed with diabetes"
    for cut in range(1, len(sentence)):
        found = examined(shipped, parts(sentence, cut))

        assert {"PERSON", "MEDICAL_CONDITION"} <= {name for texts in found for name, _ in texts}, cut


def ids(*texts: str) -> list[Leaf]:
    """Ids of items, each behind a name."""
    return [
        Leaf(Address(f"/messages/{at}/{name}"), f"/messages/{at}/{name}", text, Source.ASSISTANT, LeafKind.NAME, ())
        for at, each in enumerate(texts)
        for name, text in (("id", each), ("name", "find"))
    ]


@pytest.mark.parametrize(
    ("texts", "entity"),
    [
        (("ssn-536-2", "2-8145", "x"), "US_SSN"),
        (("call_1", "ssn-536-2", "2-8145", "call_2"), "US_SSN"),
        (("a", "b", "card-4111-1111", "-1111-1111", "c"), "CREDIT_CARD"),
        (("a", "card-4111-1111", "-1111-", "1111", "c"), "CREDIT_CARD"),
    ],
)
def test_a_value_over_ids_ends_where_the_next_id_begins(
    analyzer: Analyzer, texts: tuple[str, ...], entity: str
) -> None:
    """Whatever ids stand before and behind it, and whatever else stands between them."""
    found = examined(analyzer, ids(*texts))

    assert entity in {name for each in found for name, _ in each}


def test_a_key_of_a_schema_may_stand_before_and_behind(analyzer: Analyzer) -> None:
    """The names of an object's members are read by twos too."""
    names = ["enum", "sk-proj-SfyxS44CFpgAz9nJny9Y", "kbWKhzpjjxtgAY89", "note"]
    found = examined(analyzer, [leaf(at, name, Source.TOOL_DEFINITION, LeafKind.KEY) for at, name in enumerate(names)])

    assert ("SECRET", names[2]) in found[2]


def test_ids_of_calls_are_no_values(analyzer: Analyzer) -> None:
    """As providers make them."""
    calls = [f"call_{number:02d}Ab{number * 7919:06d}Xy{number}" for number in range(60)]
    found = examined(analyzer, ids(*calls))

    assert [each for texts in found for each in texts] == []


KEY = "sk-proj-Ab3dE6gH9jK2mN5pQ8sT1vW4yZ7aC0eF3hJ6"


@pytest.mark.parametrize("cut", range(28, len(KEY) - 5))
def test_the_rest_of_a_key_is_told(analyzer: Analyzer, cut: int) -> None:
    """What stands before the cut is a key by itself; what stands behind it belongs to it."""
    assert examined(analyzer, said(f"use {KEY[:cut]}", f"{KEY[cut:]} since then"))[1] == [("SECRET", KEY[cut:])]


@pytest.mark.parametrize("after", ["Thanks", "follow-up", "2024 was good", "then it fails"])
def test_a_word_behind_a_key_is_no_part_of_it(analyzer: Analyzer, after: str) -> None:
    """It happens to stand there."""
    assert examined(analyzer, said(f"use {KEY}", after)) == [[("SECRET", KEY)], []]


def test_each_piece_is_told_where_it_stands(analyzer: Analyzer) -> None:
    """So that a stand-in replaces both."""
    assert examined(analyzer, said("my card: 4111 1111", "1111 1111, thanks")) == [
        [("CREDIT_CARD", "4111 1111")],
        [("CREDIT_CARD", "1111 1111")],
    ]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("My SSN is", "536228714", [[], [("US_SSN", "536228714")]]),
        ("my password is", "hunter2!x", [[], [("SECRET", "hunter2!x")]]),
        ("my email is jane@example.com", "Thanks a lot!", [[("EMAIL_ADDRESS", "jane@example.com")], []]),
        ("call 415-555-0132", "5 apples", [[("PHONE_NUMBER", "415-555-0132")], []]),
        ("MRN 12345", "67 is my age", [[("MEDICAL_RECORD_NUMBER", "12345")], []]),
        ("In 2019", "2020 was better", [[("DATE_TIME", "2019")], []]),
        ("order 1234", "5678 9012 items", [[], []]),
        ("Jane Doe", "likes tea", [[("PERSON", "Jane Doe")], []]),
    ],
)
def test_a_neighbour_may_explain_but_does_not_invent(
    analyzer: Analyzer, before: str, after: str, expected: Found
) -> None:
    """A label in one text explains a number in the next; an ordinary neighbour of a value stays ordinary."""
    assert examined(analyzer, said(before, after)) == expected


def test_neighbouring_numbers_are_no_values(analyzer: Analyzer) -> None:
    """Tables of numbers in tool arguments."""
    rows = ["123", "45", "6789", "2024", "17", "8", "90210", "3.14", "1700000000", "42"] * 5
    found = examined(analyzer, [leaf(at, row, Source.TOOL_ARGUMENTS, LeafKind.NUMBER) for at, row in enumerate(rows)])

    assert [each for texts in found for each in texts] == []


def test_a_policy_s_own_terms_are_found_across_a_joint(analyzer: Analyzer) -> None:
    """Every joint is looked at when a policy looks for something of its own."""
    custom = CompiledDetectors([TermsDetector(id="code_name", terms=("Falcon, phase two",), means=MEANS)])
    texts = said("It is about Falcon,", "phase two, as you know.")

    assert joints(texts, every=False) == []
    assert examined(analyzer, texts, custom, every=True) == [
        [("code_name", "Falcon,")],
        [("code_name", "phase two")],
    ]


def test_prose_is_not_looked_at_again() -> None:
    """Two ordinary messages have no joint that is worth it."""
    texts = said("Please write a poem about the sea.", "Make it rhyme, and keep it short.", "Thank you!")

    assert joints(texts, every=False) == []


def test_a_joint_that_failed_fails_its_texts() -> None:
    """And no other."""
    texts = said("card 4111 1111", "1111 1111")
    own: dict[Address, LeafReport] = {each.address: Examined(()) for each in [*texts, leaf(9, "hello")]}
    reports = told(own, [(joint, Failed(FailureCause.DEADLINE)) for joint in joints(texts, every=False)])

    assert [reports[each.address] for each in texts] == [Failed(FailureCause.DEADLINE)] * 2
    assert reports[Address("/messages/9")] == Examined(())


def test_a_text_that_failed_stays_failed() -> None:
    """What was found across its joint does not make it examined."""
    texts = said("card 4111 1111", "1111 1111")
    own: dict[Address, LeafReport] = {
        texts[0].address: Examined(()),
        texts[1].address: Failed(FailureCause.ERROR),
    }
    (joint,) = joints(texts, every=False)
    whole = Finding(5, len(joint.text), Entity("CREDIT_CARD"), Permille(1000), "X")

    assert told(own, [(joint, Examined((whole,)))])[texts[1].address] == Failed(FailureCause.ERROR)


TEXTS = st.lists(st.text(alphabet="a1 @.-\\\u200bZ", min_size=1, max_size=300), min_size=2, max_size=12)


@given(TEXTS, st.data())
def test_pieces_lie_in_their_texts(texts: list[str], data: st.DataObject) -> None:
    """Whatever is found in a joint, its parts are in the leaves, and say the same."""
    leaves = said(*texts)
    by_address = {each.address: each.text for each in leaves}
    for joint in joints(leaves, every=True):
        start = data.draw(st.integers(0, len(joint.text) - 1))
        end = data.draw(st.integers(start + 1, len(joint.text)))
        own = {each.address: Examined(()) for each in leaves}
        found = Examined((Finding(start, end, Entity("X"), Permille(900), "Y"),))
        reports = told(own, [(joint, found)])
        values = [
            by_address[address][f.start : f.end]
            for address, report in reports.items()
            if isinstance(report, Examined)
            for f in report.findings
        ]

        across = any(start < piece.start < end for piece in joint.pieces)
        told_text, found_text = ("".join(text.split()) for text in ("".join(values), joint.text[start:end]))
        assert told_text == found_text or (not across and not values)


@given(TEXTS)
def test_every_joint_is_in_some_group(texts: list[str]) -> None:
    """No two neighbours are left out."""
    seen: set[tuple[Address, Address]] = set()
    for joint in joints(said(*texts), every=True):
        seen |= set(pairwise(piece.address for piece in joint.pieces))
    addresses = [each.address for each in said(*texts)]

    assert set(pairwise(addresses)) <= seen


@given(st.lists(st.text(alphabet="ab1", min_size=1, max_size=9), min_size=2, max_size=6))
def test_offsets_lead_back_over_what_was_put_between(texts: list[str]) -> None:
    """Every character of the spaced text is at its place in the whole one."""
    cuts = [sum(map(len, texts[:n])) for n in range(1, len(texts))]
    joint = Neighbours("".join(texts), tuple(cuts), broken=False, labels=True)
    spaced = " ".join(joint.pieces())

    assert joint.pieces() == texts
    assert neighbours_from_json(neighbours_to_json(joint, ())) == joint
    for at, sign in enumerate(spaced):
        start, end = joint.without(" ", at, cuts), joint.without(" ", at + 1, cuts)
        assert joint.text[start:end] == ("" if sign == " " else sign)


def test_many_tiny_texts_cost_little() -> None:
    """A hundred thousand of them."""
    texts = [leaf(n, f"{n}", Source.PARAMETER, field="input") for n in range(100_000)]

    assert max(len(joint.text) for joint in joints(texts, every=False)) < 5_000
    assert_linear(lambda count: joints(texts[:count], every=False), 12_500)


def test_a_joint_shows_no_text() -> None:
    """Not in a log by way of a repr."""
    (joint,) = joints(said("card 4111 1111", "1111 1111"), every=False)

    assert "1111" not in repr(joint)
    assert isinstance(joint, Joint)
    assert isinstance(joint.pieces[0], Piece)
