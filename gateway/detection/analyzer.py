"""Presidio's AnalyzerEngine as this product uses it, and the examination of one text with it.

    fold -> windows -> AnalyzerEngine (Presidio's and our recognisers, spaCy names, context) -> conflicts -> offsets
                    -> the policy's own detectors
         -> layers (what is wrapped in it), each in the same way

Any error of a recogniser is raised: a text is examined wholly or not at all.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain

import tldextract
from presidio_analyzer import AnalyzerEngine, EntityRecognizer, RecognizerResult
from presidio_analyzer.predefined_recognizers import SpacyRecognizer
from presidio_analyzer.recognizer_registry import RecognizerRegistry

from gateway.detection import spanish
from gateway.detection.candidates import NAME_RECOGNIZER, Candidate, Hit
from gateway.detection.conflicts import resolve
from gateway.detection.context import LinearContextEnhancer
from gateway.detection.custom import CompiledDetectors
from gateway.detection.frames import Neighbours
from gateway.detection.languages import unread
from gateway.detection.layers import Layer, layers
from gateway.detection.nlp import ENTITIES, PipelineEngine
from gateway.detection.recognizers.contact import LinkRecognizer, email_recognizer, ip_recognizer, phone_recognizer
from gateway.detection.recognizers.grammars import grammar_recognizer
from gateway.detection.recognizers.health import health_recognizer
from gateway.detection.recognizers.money import money_recognizer
from gateway.detection.recognizers.national import national_recognizers
from gateway.detection.recognizers.numbers import CardRecognizer, CheckedIbanRecognizer, ssn_recognizer
from gateway.detection.recognizers.presidio import predefined
from gateway.detection.recognizers.records import record_recognizer
from gateway.detection.recognizers.secrets import secret_recognizer
from gateway.detection.rules import COUNTS, Gate
from gateway.detection.shadow import Shadow, fold
from gateway.detection.tables import columns
from gateway.domain.finding import Finding, Permille
from gateway.domain.labels import UNSUPPORTED_LANGUAGE, Entity

WINDOW = 8_000
OVERLAP = 400
"""In characters. A longer text is examined in windows that overlap by more than any value is long; keys and links that
are longer are found by their beginning."""

_LEAST_OF_NAMES = 0.25
"""Names are told from a lower confidence on than `COUNTS`: the encoder's is a probability, and a name that is missed
costs more than one that is none."""

_UNREAD = Permille(900)
"""The confidence that a stretch which is told as unread is in another language."""

_PERSON = "PERSON"
_WORDS_OF_KEY = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")


@dataclass(frozen=True, slots=True)
class _How:
    """How a text is examined: the keys above it, the policy's own detectors, and whether names are looked for."""

    context: Sequence[str]
    custom: CompiledDetectors
    go_on: Callable[[], None]
    names: bool


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

        `go_on` is called before each window and may raise, to end a long examination. What is wrapped in `text` and
        cannot be unwrapped within bounds raises `TooDeep` or `TooLarge`.
        """
        return tuple(sorted(self._everything(text, _How(context, custom, go_on, names=True)), key=_order))

    def _everything(self, text: str, how: _How) -> set[Finding]:
        shadow = fold(text)
        wrapped = list(layers(shadow.text))
        # Names are looked for once: where the whole text is written in escapes, in what they say.
        surface = replace(how, names=how.names and not any(layer.whole for layer in wrapped))
        findings = {
            Finding(*shadow.original(start, end), entity, confidence, recognizer)
            for start, end, entity, confidence, recognizer in self._hits(shadow.text, surface)
        }
        if shadow.text != text:
            findings |= {Finding(*hit) for hit in how.custom.find(text)}
        return findings | self._wrapped(shadow, wrapped, how, findings)

    def examine_joint(
        self,
        joint: Neighbours,
        context: Sequence[str],
        custom: CompiledDetectors,
        go_on: Callable[[], None] = lambda: None,
    ) -> tuple[Finding, ...]:
        """What is found in neighbouring texts only because they are neighbours, with offsets in `joint.text`.

        They are read in one piece and with spaces between them, ids by twos and threes too. Names and health content
        count where a word is broken.
        """
        found: dict[tuple[int, int, Entity], Finding] = {}
        for text, between, cuts in _readings(joint):
            names = joint.broken and not between
            how = _How(context, custom, go_on, names=names)
            for hit in self._everything(text, how):
                start, end = (joint.without(between, at, cuts) for at in (hit.start, hit.end))
                if start < end and _counts_across(joint, replace(hit, start=start, end=end), names=names):
                    found.setdefault((start, end, hit.entity), replace(hit, start=start, end=end))
        return tuple(sorted(found.values(), key=_order))

    def _wrapped(self, shadow: Shadow, wrapped: list[Layer], how: _How, seen: set[Finding]) -> set[Finding]:
        """What is found only in the layers of a text, as findings on all that it was written with."""
        found: dict[tuple[int, int, Entity], Finding] = {}
        known = {(each.start, each.end, each.entity) for each in seen}
        for layer in wrapped:
            inside = replace(how, names=how.names and (layer.whole or layer.wordy))
            for start, end, entity, confidence, recognizer in self._hits(layer.text, inside):
                if layer.whole or layer.touches(start, end):
                    span = shadow.original(*layer.original(start, end))
                    told = found.get((*span, entity))
                    if (*span, entity) not in known and (told is None or told.confidence < confidence):
                        found[*span, entity] = Finding(*span, entity, confidence, recognizer)
        return set(found.values())

    def _hits(self, text: str, how: _How) -> list[Hit]:
        """Everything found in a folded text, by the recognisers and by the policy's own detectors."""
        head = _head(text, how.context)
        plain = _too_plain(text, _FEWEST_LABELLED_DIGITS if head else _FEWEST_DIGITS)
        found = iter(()) if plain else self._candidates(head + text, how)
        kept = resolve(chain(_without(head, found), columns(text)), text)
        return [*map(_hit, kept), *how.custom.find(text), *(self._unread(text) if how.names else ())]

    def _unread(self, text: str) -> Iterator[Hit]:
        """What stands in a language that no pipeline reads. It is told beside what is found in it and hides nothing."""
        for start, end in unread(text, self.pipeline.languages):
            yield start, end, UNSUPPORTED_LANGUAGE, _UNREAD, "LanguageRecognizer"

    def _candidates(self, text: str, how: _How) -> Iterator[Candidate]:
        context = _words(how.context)
        try:
            for offset, part in windows(text):
                how.go_on()
                self.gate.read(part, " ".join(context))
                with self.pipeline.memory():
                    results = self.engine.analyze(
                        text=part,
                        language="en",
                        score_threshold=_LEAST_OF_NAMES,
                        context=context,
                        nlp_artifacts=None if how.names else self.pipeline.no_names(),
                    )
                for result in results:
                    name = result.recognition_metadata[RecognizerResult.RECOGNIZER_NAME_KEY]
                    if result.score >= COUNTS or (name == NAME_RECOGNIZER and result.entity_type == _PERSON):
                        begin, end = result.start + offset, result.end + offset
                        yield Candidate(begin, end, result.entity_type, result.score, name)
        finally:
            self.gate.forget()


_BETWEEN_RUNS = " | "


def _readings(joint: Neighbours) -> Iterator[tuple[str, str, Sequence[int]]]:
    """The texts as which neighbours are read: what stands between them, and at which of their cuts."""
    yield joint.text, "", joint.cuts
    yield " ".join(joint.pieces()), " ", joint.cuts
    for text, cuts in joint.runs(_BETWEEN_RUNS) if joint.ids else ():
        yield text, _BETWEEN_RUNS, cuts


_ACROSS = frozenset(
    {
        "CREDIT_CARD", "US_SSN", "US_ITIN", "US_MBI", "US_PASSPORT", "US_DRIVER_LICENSE", "US_BANK_NUMBER", "UK_NINO",
        "UK_NHS", "IBAN_CODE", "EMAIL_ADDRESS", "PHONE_NUMBER", "SECRET", "CRYPTO", "MEDICAL_RECORD_NUMBER",
        "MEDICAL_LICENSE", "NATIONAL_ID", "TAX_ID", "PASSPORT", "DRIVER_LICENSE", "ACCOUNT_NUMBER",
        "ABA_ROUTING_NUMBER",
    }
)  # fmt: skip
_ACROSS_A_WORD = _ACROSS | {"PERSON", "MEDICAL_CONDITION", "STREET_ADDRESS"}
_EXPLAINED_BY_NEIGHBOURS = frozenset({"MEDICAL_RECORD_NUMBER", "US_SSN"})
_LEAST_ACROSS = 600
_OF_ROWS = "ExactMatchDetector"
_OWN_RECOGNIZERS = frozenset({"TermsDetector", "PatternDetector", "FingerprintDetector", _OF_ROWS})


def _counts_across(joint: Neighbours, finding: Finding, *, names: bool) -> bool:
    """Whether a finding is a joint's own: strong, of a kind that is looked for there, across a cut or by a label; or a
    value of a row, whose other values may stand in neighbouring texts."""
    if finding.recognizer == _OF_ROWS:
        return True
    own = finding.recognizer in _OWN_RECOGNIZERS
    if not own and (finding.confidence < _LEAST_ACROSS or finding.entity not in (_ACROSS_A_WORD if names else _ACROSS)):
        return False
    across = any(finding.start < cut < finding.end for cut in joint.cuts)
    return across or (not own and finding.entity in (_ACROSS if joint.labels else _EXPLAINED_BY_NEIGHBOURS))


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


def build_analyzer(pipeline: str, spanish_pipeline: str = "") -> Analyzer:
    """The analyzer over the spaCy pipelines at these places. Without a Spanish one, Spanish is not supported.

    Raises `MissingPipeline`. Reaches for nothing outside.
    """
    keep_suffix_list_offline()
    nlp = PipelineEngine(pipeline, spanish_pipeline)
    gate = Gate()
    registry = RecognizerRegistry(recognizers=recognizers(gate), supported_languages=["en"])
    engine = AnalyzerEngine(
        registry=registry,
        nlp_engine=nlp,
        supported_languages=["en"],
        context_aware_enhancer=LinearContextEnhancer(),
        log_decision_process=False,
        default_score_threshold=COUNTS,
    )
    if engine.log_decision_process:
        raise RuntimeError("Presidio would write texts to its trace")
    return Analyzer(engine, nlp, gate)


def recognizers(gate: Gate) -> list[EntityRecognizer]:
    """All that look into a text, in their order."""
    return [
        *predefined(gate),
        *national_recognizers(gate),
        CardRecognizer(gate),
        CheckedIbanRecognizer(gate),
        ssn_recognizer(gate),
        email_recognizer(gate),
        phone_recognizer(gate),
        ip_recognizer(gate),
        LinkRecognizer(gate),
        secret_recognizer(gate),
        record_recognizer(gate),
        money_recognizer(gate),
        health_recognizer(gate),
        grammar_recognizer(gate),
        SpacyRecognizer(supported_entities=[*ENTITIES, *spanish.ENTITIES]),
    ]


def keep_suffix_list_offline() -> None:
    """Presidio asks tldextract for domain endings: it shall use the list that it brings, and write no cache."""
    tldextract.tldextract.TLD_EXTRACTOR = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)
    logging.getLogger("presidio-analyzer").setLevel(logging.CRITICAL)


def _words(context: Sequence[str]) -> list[str]:
    """The words of the keys above a text: `creditCardNumber` and `credit_card_number` alike."""
    return [" ".join(_WORDS_OF_KEY.findall(fold(key).text)).lower() for key in context[-3:]]


def _hit(candidate: Candidate) -> Hit:
    confidence = Permille(max(0, min(1000, round(candidate.score * 1000))))
    return candidate.start, candidate.end, Entity(candidate.entity), confidence, candidate.recognizer


def _order(finding: Finding) -> tuple[int, int, str, int]:
    return finding.start, finding.end, finding.entity, -finding.confidence
