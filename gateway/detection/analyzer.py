"""Presidio's AnalyzerEngine as this product uses it, and the examination of one text with it.

    fold -> windows -> AnalyzerEngine (Presidio's and our recognisers, spaCy names, context) -> conflicts -> offsets
                    -> the policy's own detectors

Any error of a recogniser is raised: a text is examined wholly or not at all.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import tldextract
from presidio_analyzer import AnalyzerEngine, EntityRecognizer, RecognizerResult
from presidio_analyzer.predefined_recognizers import SpacyRecognizer
from presidio_analyzer.recognizer_registry import RecognizerRegistry

from gateway.detection.candidates import Candidate
from gateway.detection.conflicts import resolve
from gateway.detection.context import LinearContextEnhancer
from gateway.detection.custom import CompiledDetectors
from gateway.detection.nlp import ENTITIES, PipelineEngine
from gateway.detection.recognizers.contact import LinkRecognizer, email_recognizer, ip_recognizer, phone_recognizer
from gateway.detection.recognizers.grammars import grammar_recognizer
from gateway.detection.recognizers.health import health_recognizer
from gateway.detection.recognizers.numbers import CardRecognizer, CheckedIbanRecognizer, ssn_recognizer
from gateway.detection.recognizers.presidio import predefined
from gateway.detection.recognizers.records import record_recognizer
from gateway.detection.recognizers.secrets import secret_recognizer
from gateway.detection.rules import Gate
from gateway.detection.shadow import Shadow, fold
from gateway.domain.finding import Finding, Permille
from gateway.domain.labels import Entity

THRESHOLD = 0.35
"""Nothing below this score is reported."""

WINDOW = 8_000
OVERLAP = 400
"""In characters. A longer text is examined in windows that overlap by more than any value is long; keys and links that
are longer are found by their beginning."""

_WORDS_OF_KEY = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")


@dataclass(frozen=True, slots=True)
class Analyzer:
    """Examines texts. Not safe for several threads."""

    engine: AnalyzerEngine
    pipeline: PipelineEngine
    gate: Gate

    def examine(
        self, text: str, context: Sequence[str], custom: CompiledDetectors, go_on: Callable[[], None] = lambda: None
    ) -> tuple[Finding, ...]:
        """Everything found in `text`, sorted by start, with offsets in it. `context` are the keys above it.

        `go_on` is called before each window and may raise, to end a long examination.
        """
        shadow = fold(text)
        head = _head(shadow.text, context)
        plain = _too_plain(shadow.text, _FEWEST_LABELLED_DIGITS if head else _FEWEST_DIGITS)
        found = iter(()) if plain else self._candidates(head + shadow.text, _words(context), go_on)
        kept = resolve(_without(head, found), shadow.text)
        findings = {_finding(shadow, candidate) for candidate in kept}
        for start, end, entity, confidence, recognizer in custom.find(shadow.text):
            findings.add(Finding(*shadow.original(start, end), entity, confidence, recognizer))
        if shadow.text != text:
            findings |= {Finding(*hit) for hit in custom.find(text)}
        return tuple(sorted(findings, key=lambda f: (f.start, f.end, f.entity, -f.confidence)))

    def _candidates(self, text: str, context: list[str], go_on: Callable[[], None]) -> Iterator[Candidate]:
        try:
            for offset, part in windows(text):
                go_on()
                with self.pipeline.memory():
                    results = self.engine.analyze(text=part, language="en", score_threshold=THRESHOLD, context=context)
                for result in results:
                    name = result.recognition_metadata[RecognizerResult.RECOGNIZER_NAME_KEY]
                    yield Candidate(result.start + offset, result.end + offset, result.entity_type, result.score, name)
        finally:
            self.gate.forget()


_FEWEST_DIGITS = 7
_FEWEST_LABELLED_DIGITS = 4


_COLON = ": "
_LONGEST_LABELLED = 500


def _head(text: str, context: Sequence[str]) -> str:
    """The key above a short text, written before it as on a form: what needs a label finds it there."""
    if not context or len(text) > _LONGEST_LABELLED or context[-1] == text or _COLON in text:
        return ""
    label = _words(context[-1:])[0]
    return label + _COLON if label else ""


def _without(head: str, candidates: Iterator[Candidate]) -> Iterator[Candidate]:
    """The candidates with offsets in the text after `head`; what lies in the head is not of the text."""
    for each in candidates:
        start, end = max(0, each.start - len(head)), each.end - len(head)
        if end > start:
            yield replace(each, start=start, end=end)


def _too_plain(text: str, fewest_digits: int) -> bool:
    """Whether no recogniser could find anything: a number of few digits, or signs."""
    return len(text) < WINDOW and not any(map(str.isalpha, text)) and sum(map(str.isdigit, text)) < fewest_digits


def windows(text: str) -> Iterator[tuple[int, str]]:
    """`text` in overlapping parts, each with its offset. Every character is in at least one."""
    start = 0
    while len(text) - start > WINDOW:
        yield start, text[start : start + WINDOW]
        start += WINDOW - OVERLAP
    yield start, text[start:]


def build_analyzer(pipeline: str) -> Analyzer:
    """The analyzer over the spaCy pipeline at `pipeline`. Raises `MissingPipeline`. Reaches for nothing outside."""
    keep_suffix_list_offline()
    nlp = PipelineEngine(pipeline)
    gate = Gate()
    registry = RecognizerRegistry(recognizers=_recognizers(gate), supported_languages=["en"])
    engine = AnalyzerEngine(
        registry=registry,
        nlp_engine=nlp,
        supported_languages=["en"],
        context_aware_enhancer=LinearContextEnhancer(),
        log_decision_process=False,
        default_score_threshold=THRESHOLD,
    )
    if engine.log_decision_process:
        raise RuntimeError("Presidio would write texts to its trace")
    return Analyzer(engine, nlp, gate)


def _recognizers(gate: Gate) -> list[EntityRecognizer]:
    return [
        *predefined(gate),
        CardRecognizer(gate),
        CheckedIbanRecognizer(gate),
        ssn_recognizer(gate),
        email_recognizer(gate),
        phone_recognizer(gate),
        ip_recognizer(gate),
        LinkRecognizer(gate),
        secret_recognizer(gate),
        record_recognizer(gate),
        health_recognizer(gate),
        grammar_recognizer(gate),
        SpacyRecognizer(supported_entities=list(ENTITIES)),
    ]


def keep_suffix_list_offline() -> None:
    """Presidio asks tldextract for domain endings: it shall use the list that it brings, and write no cache."""
    tldextract.tldextract.TLD_EXTRACTOR = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)
    logging.getLogger("presidio-analyzer").setLevel(logging.CRITICAL)


def _words(context: Sequence[str]) -> list[str]:
    """The words of the keys above a text: `creditCardNumber` and `credit_card_number` alike."""
    return [" ".join(_WORDS_OF_KEY.findall(fold(key).text)).lower() for key in context[-3:]]


def _finding(shadow: Shadow, candidate: Candidate) -> Finding:
    start, end = shadow.original(candidate.start, candidate.end)
    confidence = Permille(max(0, min(1000, round(candidate.score * 1000))))
    return Finding(start, end, Entity(candidate.entity), confidence, candidate.recognizer)
