# ruff: noqa: RUF001 - disguised characters are what this file is about
"""Detectors that look up an index: what they find, however it is written, and what they leave alone."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.detection.analyzer import Analyzer
from gateway.detection.custom import CompiledDetectors
from gateway.detection.frames import Neighbours, detectors_from_json, detectors_to_json
from gateway.detection.index_file import IndexRefused, describe, make_key
from gateway.detection.indexed import TooDense
from gateway.domain.detectors import CustomDetector
from tests.indexes import documents, exact, fingerprint, key_in, table

ROWS = [
    {"member": "M123456789", "name": "Kowalska", "city": "Łódź"},
    {"member": "M123456780", "name": "de la Cruz", "city": "Lima"},
    {"member": "M555 001", "name": "O'Neil-Brandt", "city": "Cork"},
    {"member": "", "name": "Smith", "city": "Cork"},
]
CONTRACT = (
    "The Supplier shall deliver the Bluefin assemblies to the yard at Harwich no later than the ninth working day "
    "after each order, and shall bear the cost of every crane hour that a late delivery makes necessary. Where the "
    "yard refuses an assembly for a fault in its welds, the Supplier replaces it within four days and pays the penalty "
    "of schedule three, which neither party may disclose to a customer, a lender or a competitor without consent."
)


def hits(folder: Path, detector: CustomDetector, text: str) -> list[str]:
    """What a detector finds in a folded text."""
    compiled = CompiledDetectors([detector], folder / "index.key")
    return [text[start:end] for start, end, *_ in compiled.find(text)]


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("member M123456789, Kowalska", ["M123456789", "Kowalska"]),
        ("KOWALSKA has m-123-456-789.", ["KOWALSKA", "m-123-456-789"]),
        ("M 123.456/780 (De  La\nCruz)", ["M 123.456/780", "De  La\nCruz"]),
        ("DELACRUZ: M123456780", ["DELACRUZ", "M123456780"]),
        ("o neil brandt, m555001", ["o neil brandt", "m555001"]),
        ("Kowalska lives in łódź", ["Kowalska", "łódź"]),
        ("Kowalska and M123456780", []),  # values of two rows
        ("M123456789 alone", []),
        ("M123456789" + " x" * 60 + " Kowalska", []),  # too far
        ("XM1234567890 Kowalska", []),  # within longer words
        ("", []),
        ("...", []),
    ],
)
def test_two_values_of_a_row_count_however_they_are_cut(tmp_path: Path, text: str, values: list[str]) -> None:
    """Case, spaces and punctuation do not matter, and the findings are the values."""
    table(tmp_path, ROWS)

    assert values == hits(tmp_path, exact(tmp_path, ["member", "name", "city"], 2), text)


def test_as_many_columns_as_the_policy_says(tmp_path: Path) -> None:
    """One is a list of values; three are three, of one row."""
    table(tmp_path, ROWS)
    text = "Kowalska, M123456789, Lima. Kowalska, Łódź, M123456789."
    last = text.rindex("Kowalska")

    assert ["Kowalska", "Kowalska"] == hits(tmp_path, exact(tmp_path, ["name"], 1), text)
    assert [] == hits(tmp_path, exact(tmp_path, ["member", "name", "city"], 3, within=40), text[:last])
    assert {"Kowalska", "Łódź", "M123456789"} == set(
        hits(tmp_path, exact(tmp_path, ["member", "name", "city"], 3, within=40), text)
    )


def test_common_values_are_found_together(tmp_path: Path) -> None:
    """Though each of both stands in hundreds of rows, and in one of them beside the other."""
    rows = [{"first": "Anna" if n % 2 else f"A{n}x", "last": f"B{n}x" if n % 2 else "Berg"} for n in range(600)]
    table(tmp_path, [*rows, {"first": "Anna", "last": "Berg"}])
    two = exact(tmp_path, ["first", "last"], 2)

    assert ["Anna", "Berg"] == hits(tmp_path, two, "for Anna Berg")
    assert [] == hits(tmp_path, two, "for Anna B2x")


def test_values_that_overlap_are_one(tmp_path: Path) -> None:
    """A login that is the name proves nothing of a second column."""
    table(tmp_path, [{"login": "kowalska", "name": "Kowalska"}])
    two = exact(tmp_path, ["login", "name"], 2)

    assert [] == hits(tmp_path, two, "Kowalska")
    assert ["kowalska", "Kowalska"] == hits(tmp_path, two, "kowalska is Kowalska")


DISGUISES = [
    "Ｍ１２３４５６７８９ is Kowalska",
    "M123\u200b456\u200b789 is Kowal\u00adska",
    "M1\u2060234567\ufeff89 is K\u200cowalska",
    "M١٢٣٤٥٦٧٨٩ is Kowalska",
    "M%31234%35%36789 is Kowalska",
    "M123456789 is &#75;owalska",
    "M123456789\u00a0is\u2003Kowalska",
]


@pytest.mark.parametrize("text", DISGUISES)
def test_disguised_values_are_found_with_their_own_offsets(analyzer: Analyzer, tmp_path: Path, text: str) -> None:
    """The findings lie on what was written."""
    table(tmp_path, ROWS)
    custom = CompiledDetectors([exact(tmp_path, ["member", "name"], 2)], tmp_path / "index.key")
    found = [text[f.start : f.end] for f in analyzer.examine(text, (), custom) if f.entity == "customers"]

    assert 2 == len(found)
    assert all(text.startswith(found[0]) and text.endswith(found[1]) for _ in found)


def test_a_row_over_two_texts_is_found(analyzer: Analyzer, tmp_path: Path) -> None:
    """The arguments of a tool hold one value each."""
    table(tmp_path, ROWS)
    custom = CompiledDetectors([exact(tmp_path, ["member", "name"], 2)], tmp_path / "index.key")
    joint = Neighbours("M123456789Kowalska", (10,), broken=False, labels=False)
    found = [f for f in analyzer.examine_joint(joint, (), custom) if f.entity == "customers"]

    assert [(0, 10), (10, 18)] == [(f.start, f.end) for f in found]


names = st.text("abcdeéßİΣж ь李'-", min_size=2, max_size=12).filter(lambda t: sum(c.isalnum() for c in t) >= 2)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    rows=st.lists(st.tuples(st.from_regex(r"[A-Z][0-9]{6}", fullmatch=True), names), min_size=1, max_size=5),
    between=st.sampled_from([" ", ", ", " is ", "\n", " / "]),
)
def test_every_row_that_was_indexed_is_found(tmp_path: Path, rows: Sequence[tuple[str, str]], between: str) -> None:
    """Whatever letters its values have."""
    table(tmp_path, [{"id": number, "name": name} for number, name in rows])
    two = exact(tmp_path, ["id", "name"], 2)
    for number, name in rows:
        assert number in hits(tmp_path, two, f"see {number}{between}{name}.")


def test_crowds_of_values_end_in_failure_not_in_waiting(tmp_path: Path) -> None:
    """More pairs than are looked through: the text counts as not examined."""
    table(tmp_path, [{"a": f"a{n}", "b": f"b{n + 1}"} for n in range(40)])
    crowded = " ".join(f"a{n % 40} b{n % 40}" for n in range(10_000))
    compiled = CompiledDetectors([exact(tmp_path, ["a", "b"], 2, within=500)], tmp_path / "index.key")

    with pytest.raises(TooDense):
        compiled.find(crowded)


def test_a_passage_of_a_document_is_found(tmp_path: Path) -> None:
    """In another layout, in capitals, hyphenated, and among other words; the finding is the passage."""
    documents(tmp_path, [CONTRACT])
    part = CONTRACT[:240]
    layout = re.sub(r"\s+", "\n> ", part).upper().replace("DELIVERY", "DELI-\n> VERY")
    text = f"Please shorten this for the board: {layout} And then thank them for the lunch."
    found = hits(tmp_path, fingerprint(tmp_path, 300), text)

    assert 1 == len(found)
    assert found[0] in layout
    assert len(found[0]) > 0.8 * len(layout)


@pytest.mark.parametrize("words", [0, 400, 5000])
def test_filler_around_a_passage_does_not_hide_it(tmp_path: Path, words: int) -> None:
    """Similarity is that of a passage, not of the whole text."""
    documents(tmp_path, [CONTRACT])
    filler = " ".join(f"word{number} of no contract" for number in range(words))

    assert 1 == len(hits(tmp_path, fingerprint(tmp_path, 300), f"{filler} {CONTRACT} {filler}"))


@pytest.mark.parametrize(
    "text",
    [
        "What is a supplier? Explain penalties for late delivery in shipyards, with an example from Harwich.",
        CONTRACT[:60],  # a phrase
        "The quick brown fox jumps over the lazy dog near the bank of the river. " * 20,
    ],
)
def test_other_texts_are_no_passages(tmp_path: Path, text: str) -> None:
    """Not the same words in other sentences, nor a single phrase."""
    documents(tmp_path, [CONTRACT])

    assert [] == hits(tmp_path, fingerprint(tmp_path, 300), text)


def test_public_passages_can_be_left_out(tmp_path: Path) -> None:
    """What everybody's contracts hold is nobody's secret."""
    documents(tmp_path, [CONTRACT], public=[CONTRACT[:250]])
    half = fingerprint(tmp_path, 300)

    assert [] == hits(tmp_path, half, CONTRACT[:230])
    assert 1 == len(hits(tmp_path, half, CONTRACT[250:]))


def test_a_disguised_passage_is_found_with_its_own_offsets(analyzer: Analyzer, tmp_path: Path) -> None:
    """Signs without width between all letters of it."""
    documents(tmp_path, [CONTRACT])
    custom = CompiledDetectors([fingerprint(tmp_path, 300)], tmp_path / "index.key")
    text = "Read: " + "\u200b".join(CONTRACT)
    found = [f for f in analyzer.examine(text, (), custom) if f.entity == "contract"]

    assert 1 == len(found)
    assert 6 <= found[0].start < 100
    assert len(text) - 100 <= found[0].end <= len(text)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(text=st.text(max_size=300))
def test_findings_lie_within_any_text(tmp_path: Path, text: str) -> None:
    """Any Unicode, raw as well as folded."""
    if not (tmp_path / "indexes").exists():
        table(tmp_path, ROWS)
        documents(tmp_path, [CONTRACT])
    every = [exact(tmp_path, ["name", "city"], 1), fingerprint(tmp_path, 1)]
    compiled = CompiledDetectors(every, tmp_path / "index.key")

    assert all(0 <= start < end <= len(text) for start, end, *_ in compiled.find(text))


def test_the_index_shows_no_value(tmp_path: Path) -> None:
    """Neither as it is nor under a hash that anybody can compute; another key gives other hashes."""
    table(tmp_path, ROWS)
    data = (tmp_path / "indexes" / "customers.edm").read_bytes()
    (tmp_path / "other").mkdir()
    table(tmp_path / "other", ROWS)
    other = (tmp_path / "other" / "indexes" / "customers.edm").read_bytes()
    body = len(data) - 4 * 12

    assert not any(word in data.lower() for word in (b"m123456789", b"kowalska", b"123456", b"cruz"))
    assert data[body:] != other[body:]


def test_an_index_is_opened_with_its_key_and_digest_alone(tmp_path: Path) -> None:
    """Another key, other bytes, or half of them: no detector, so nothing counts as examined."""
    table(tmp_path, ROWS)
    two = exact(tmp_path, ["member", "name"], 2)
    make_key(tmp_path / "other.key")
    (tmp_path / "open.key").write_text((tmp_path / "index.key").read_text())
    (tmp_path / "open.key").chmod(0o644)
    for key in ("other.key", "open.key", "no.key"):
        with pytest.raises(IndexRefused):
            CompiledDetectors([two], tmp_path / key)
    path = tmp_path / "indexes" / "customers.edm"
    table(tmp_path, ROWS[:2])
    with pytest.raises(IndexRefused, match="not the file"):
        CompiledDetectors([two], tmp_path / "index.key")
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(IndexRefused, match="cut short"):
        CompiledDetectors([two], tmp_path / "index.key")


@pytest.mark.parametrize(
    "data",
    [
        b"", b"GWINDEX1", b"GWINDEX2\x02\0\0\0{}", b"GWINDEX1\xff\xff\xff\xff", b"GWINDEX1\x04\0\0\0{}  ",
        b"GWINDEX1\x04\0\0\0[1] ", b"GWINDEX1\x04\0\0\0\xff\xff  ",
    ],
)  # fmt: skip
def test_what_is_no_index_is_refused(tmp_path: Path, data: bytes) -> None:
    """Whatever stands where its header should be."""
    path = tmp_path / "x.edm"
    path.write_bytes(data)

    with pytest.raises(IndexRefused):
        describe(path)


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(at=st.integers(0, 400), byte=st.integers(0, 255))
def test_a_changed_byte_is_refused_or_changes_the_digest(tmp_path: Path, at: int, byte: int) -> None:
    """So no altered file passes for the one that a policy was loaded with."""
    path = tmp_path / "indexes" / "customers.edm"
    if not path.exists():
        table(tmp_path, ROWS)
        path.with_name("good").write_bytes(path.read_bytes())
    good = path.with_name("good").read_bytes()
    at %= len(good)
    path.write_bytes(good[:at] + bytes([byte]) + good[at + 1 :])
    try:
        digest = describe(path)[1]
    except IndexRefused:
        digest = ""

    assert (good[at] == byte) == (digest == describe(path.with_name("good"))[1])


def test_an_index_travels_by_place_and_digest(tmp_path: Path) -> None:
    """The frames hold neither its hashes nor what its findings mean."""
    table(tmp_path, ROWS)
    documents(tmp_path, [CONTRACT])
    sent = [exact(tmp_path, ["member", "name"], 2), fingerprint(tmp_path, 300)]
    told = detectors_to_json(sent)
    back = detectors_from_json(told)

    assert len(str(told)) < 1000
    assert [(d.id, d.index) for d in sent] == [(d.id, d.index) for d in back]  # type: ignore[union-attr]
    assert told == detectors_to_json(back)


def test_short_values_and_documents_are_counted_not_indexed(tmp_path: Path) -> None:
    """One letter would be found everywhere."""
    built = table(tmp_path, [{"name": "X"}, {"name": "Li"}, {"name": ""}])
    texts = documents(tmp_path, ["too short", CONTRACT])

    assert ((1,), 1, 3) == (built.header.counts, built.skipped, built.header.items)
    assert (1, 1) == (texts.header.items, texts.skipped)
    assert key_in(tmp_path).id == built.header.key_id
