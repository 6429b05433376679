# ruff: noqa: RUF001, E501 - disguised characters and long tables are what this file is about
"""The policy's own detectors."""

from __future__ import annotations

import pytest
import re2

from gateway.detection.analyzer import Analyzer
from gateway.detection.custom import CompiledDetectors, CompiledSets
from gateway.domain.detectors import PatternDetector, TermsDetector
from gateway.domain.finding import Permille
from gateway.domain.labels import Classification, Label

MEANS = Classification(Label("confidential"), frozenset())
TERMS = TermsDetector(id="projects", terms=("Project Halcyon", "Bluefin roadmap", "C++ (core)"), means=MEANS)
MEMBER = PatternDetector(
    id="member-id", re2=r"\bM\d{9}\b", evidence=("member", "policy no"), within_chars=20, alone=Permille(300), with_evidence=Permille(850), means=MEANS
)  # fmt: skip


def hits(text: str, *detectors: TermsDetector | PatternDetector) -> list[tuple[str, str, int]]:
    """What the detectors find, in a text that needs no folding."""
    return [
        (entity, text[start:end], confidence)
        for start, end, entity, confidence, _ in CompiledDetectors(detectors).find(text)
    ]


@pytest.mark.parametrize(
    "text", ["about Project Halcyon.", "PROJECT  HALCYON", "project\nhalcyon", "the C++ (core) part"]
)
def test_terms_are_found_whole_and_in_any_case(text: str) -> None:
    """Spaces and case do not matter."""
    assert [entity for entity, _, _ in hits(text, TERMS)] == ["projects"]


@pytest.mark.parametrize("text", ["Project Halcyons", "MyProject Halcyon", "halcyon project", "Bluefin"])
def test_parts_of_terms_are_not_found(text: str) -> None:
    """Only the whole phrase counts."""
    assert [] == hits(text, TERMS)


def test_evidence_raises_a_pattern_within_its_reach() -> None:
    """Before and after the value, as whole words, and not further away than the policy says."""
    assert [("member-id", "M123456789", 300)] == hits("see M123456789", MEMBER)
    assert [("member-id", "M123456789", 850)] == hits("Member: M123456789", MEMBER)
    assert [("member-id", "M123456789", 850)] == hits("M123456789 is the policy no", MEMBER)
    assert [("member-id", "M123456789", 300)] == hits("remembered M123456789", MEMBER)
    assert [("member-id", "M123456789", 300)] == hits("member" + " " * 30 + "M123456789", MEMBER)


def test_a_disguised_value_is_found_with_its_own_offsets(analyzer: Analyzer) -> None:
    """The pattern reads the folded text; the finding lies on the original."""
    text = "id Ｍ12345\u200b6789 and Project\u00a0Halcyon"
    findings = analyzer.examine(text, (), CompiledDetectors((MEMBER, TERMS)))

    assert [("member-id", "Ｍ12345\u200b6789"), ("projects", "Project\u00a0Halcyon")] == [
        (f.entity, text[f.start : f.end]) for f in findings if f.entity in {"member-id", "projects"}
    ]


def test_a_pattern_for_odd_characters_is_found_on_the_original(analyzer: Analyzer) -> None:
    """Folding does not take away what a policy asks for."""
    dashed = PatternDetector(
        id="ref",
        re2="REF\u2013\\d+",
        evidence=(),
        within_chars=0,
        alone=Permille(500),
        with_evidence=Permille(500),
        means=MEANS,
    )
    text = "see REF\u201312"

    assert [(4, 10)] == [
        (f.start, f.end) for f in analyzer.examine(text, (), CompiledDetectors((dashed,))) if f.entity == "ref"
    ]


def test_a_pattern_that_is_not_re2_is_refused() -> None:
    """A look-ahead cannot be run in linear time."""
    bad = PatternDetector(
        id="x", re2="a(?=b)", evidence=(), within_chars=0, alone=Permille(1), with_evidence=Permille(1), means=MEANS
    )
    with pytest.raises(re2.error):
        CompiledDetectors((bad,))


def test_few_compiled_sets_are_kept() -> None:
    """The least recently used one goes."""
    sets = CompiledSets()
    for number in range(9):
        sets.get(str(number), ())

    assert (sets.known("0"), sets.known("8")) == (False, True)
