# ruff: noqa: E501 - long examples
"""The analyzer as a whole: total, closed when something breaks, linear, silent."""

from __future__ import annotations

import logging
from itertools import pairwise
from pathlib import Path

import pytest
import tldextract
from hypothesis import given, settings
from hypothesis import strategies as st
from presidio_analyzer import EntityRecognizer

from gateway.detection.analyzer import OVERLAP, WINDOW, Analyzer, build_analyzer, windows
from gateway.detection.custom import CompiledDetectors
from gateway.detection.nlp import MissingPipeline
from gateway.detection.recognizers.presidio import PatternTimeout
from gateway.detection.rules import COUNTS, Gate
from gateway.domain.labels import DEFAULT_TABLE, Entity
from tests.growth import assert_linear

NONE = CompiledDetectors(())


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=300))
def test_any_text_is_examined_with_valid_offsets(analyzer: Analyzer, text: str) -> None:
    """No text breaks a recogniser, and every finding lies inside its text."""
    for finding in analyzer.examine(text, (), NONE):
        assert 0 <= finding.start < finding.end <= len(text)
        assert finding.confidence >= COUNTS * 1000


def test_every_entity_is_classified(analyzer: Analyzer) -> None:
    """An entity without a class would count as the top label: there is none."""
    assert set() == {Entity(e) for e in analyzer.engine.get_supported_entities("en")} - set(DEFAULT_TABLE)


def test_findings_do_not_overlap_and_are_sorted(analyzer: Analyzer) -> None:
    """A value is told once, by what names it best."""
    text = "Jane Doe, jane@acme.com, https://x.example.com/?card=4111111111111111 postgres://u:s3cr3tpw@db.example.com/x 12 Elm Street, Springfield"
    findings = analyzer.examine(text, (), NONE)

    assert all(a.end <= b.start for a, b in pairwise(findings))
    assert {"CREDIT_CARD", "EMAIL_ADDRESS", "PERSON", "SECRET", "STREET_ADDRESS"} <= {f.entity for f in findings}


@given(st.integers(0, 3 * WINDOW))
def test_windows_leave_nothing_out(length: int) -> None:
    """Every stretch as long as the overlap is whole in some window."""
    parts = [(start, start + len(part)) for start, part in windows("x" * length)]

    assert parts[0][0] == 0
    assert parts[-1][1] == length
    assert all(next_start <= end - OVERLAP for (_, end), (next_start, _) in pairwise(parts))


def test_a_value_across_a_window_border_is_found(analyzer: Analyzer) -> None:
    """At every place of a long text."""
    filler = "All is well here. " * (WINDOW // 18 + 20)
    for at in range(WINDOW - 30, WINDOW + 10, 7):
        text = filler[:at] + " 4111 1111 1111 1111 " + filler
        values = [text[f.start : f.end] for f in analyzer.examine(text, (), NONE)]

        assert values == ["4111 1111 1111 1111"]


@pytest.mark.parametrize(
    "piece",
    [
        "a@",
        "1 2 3 ",
        "a.a.",
        "4111 ",
        "http://a:",
        "password=",
        "::1:",
        "\u0301e",
        "<a@",
        "-----BEGIN PRIVATE KEY-----",
        "Jane Doe 12 ",
        "tax id 12345678901 ",
        "cookie: sid=",
        "%25",
        "4\u200b",
        "1l",
    ],
)
def test_hostile_text_takes_linear_time(analyzer: Analyzer, piece: str) -> None:
    """Eight times the text takes about eight times as long, not sixty-four."""
    assert_linear(lambda length: analyzer.examine((piece * length)[:length], (), NONE), 8_000)


def test_a_broken_recognizer_is_not_skipped(small_pipeline: str) -> None:
    """What a recogniser raises reaches the caller."""

    class Broken(EntityRecognizer):
        def load(self) -> None: ...

        def analyze(self, text: str, entities: object, nlp_artifacts: object) -> list[object]:
            raise LookupError

    analyzer = build_analyzer(small_pipeline)
    analyzer.engine.registry.add_recognizer(Broken(supported_entities=["URL"]))
    with pytest.raises(LookupError):
        analyzer.examine("some text", (), NONE)


def test_a_pattern_that_times_out_is_not_skipped(small_pipeline: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Presidio logs and skips it; here the text is not examined."""
    monkeypatch.setattr("gateway.detection.recognizers.presidio.PATTERN_SECONDS", 1e-9)
    analyzer = build_analyzer(small_pipeline)
    with pytest.raises(PatternTimeout):
        analyzer.examine("nino AB123456C " * 400, (), NONE)


def test_a_gate_that_gives_up_lets_everything_through(monkeypatch: pytest.MonkeyPatch) -> None:
    """When the set of patterns meets its limit, every rule runs."""
    gate = Gate()
    numbers = {gate.add("a"), gate.add("b")}

    assert gate.present("a") & numbers == {min(numbers)}

    class GivenUp:
        def Match(self, text: bytes) -> list[int]:  # noqa: N802 - RE2's name
            return []

    gate.forget()
    gate._sets[0]._set = GivenUp()

    assert numbers <= gate.present("zzz")


def test_a_missing_pipeline_is_refused(tmp_path: Path) -> None:
    """Nothing is downloaded in its place."""
    with pytest.raises(MissingPipeline):
        build_analyzer(str(tmp_path / "nothing"))


def test_presidio_is_silent_and_offline(analyzer: Analyzer, caplog: pytest.LogCaptureFixture) -> None:
    """No decision trace, no suffix list from the network, no log line."""
    with caplog.at_level(logging.DEBUG):
        analyzer.examine("Jane Doe, 536-90-4399", (), NONE)

    assert analyzer.engine.log_decision_process is False
    assert tldextract.tldextract.TLD_EXTRACTOR.suffix_list_urls == ()
    assert tldextract.extract("mail.example.co.uk").suffix == "co.uk"
    assert "Jane" not in caplog.text


def test_words_that_were_read_are_forgotten(analyzer: Analyzer) -> None:
    """The vocabulary does not grow with the texts, and keeps none of them."""
    strings = analyzer.pipeline._nlp.vocab.strings
    analyzer.examine("warm up", (), NONE)
    before = len(strings)
    analyzer.examine("Xyzzyplugh Quuxfrobnicator met Jane Doe", (), NONE)

    assert (len(strings), "Xyzzyplugh" in strings) == (before, False)
