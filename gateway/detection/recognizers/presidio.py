# ruff: noqa: E501 - a table
"""Presidio's own recognisers: which ones are used, behind which gate, and made to fail closed.

Left out: those that ours replace (card, IBAN, SSN, e-mail, phone, IP, URL, dates, bank and licence numbers) and UUIDs, which
identify machines. A checksum that one number in ten passes counts only beside evidence.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import regex  # type: ignore[import-untyped]  # it ships none
from presidio_analyzer import EntityRecognizer, PatternRecognizer, RecognizerResult
from presidio_analyzer.predefined_recognizers import (
    AbaRoutingRecognizer,
    CryptoRecognizer,
    MacAddressRecognizer,
    MedicalLicenseRecognizer,
    NhsRecognizer,
    UkNinoRecognizer,
    UsItinRecognizer,
    UsMbiRecognizer,
)

from gateway.detection.rules import Gate, words

PATTERN_SECONDS = 2.0
"""A single pattern may run so long on one text; then the text counts as not examined."""

_WEAK = 0.3


class PatternTimeout(Exception):
    """A pattern did not come to an end in time. Presidio would skip it: here the text fails."""


class _StrictPattern:
    """A compiled pattern whose timeout is not swallowed by Presidio."""

    def __init__(self, compiled: regex.Pattern[str]) -> None:
        self._compiled = compiled

    def finditer(self, text: str, timeout: float) -> Iterator[regex.Match[str]]:  # noqa: ARG002 - ours is the shorter one
        """The matches. Raises `PatternTimeout`."""
        try:
            yield from self._compiled.finditer(text, timeout=PATTERN_SECONDS)
        except TimeoutError:
            raise PatternTimeout from None


class GatedRecognizer(EntityRecognizer):  # type: ignore[misc]  # Presidio publishes no types here
    """A Presidio pattern recogniser that runs only where its trigger occurs.

    `evidence` beside a result raises its score; where it is `needed`, a result without it is kept below the threshold,
    whatever its checksum says.
    """

    def __init__(
        self, inner: PatternRecognizer, trigger: str, gate: Gate, evidence: Sequence[str] = (), *, needed: bool = False
    ) -> None:
        super().__init__(supported_entities=inner.supported_entities, name=inner.name, context=inner.context)
        for pattern in inner.patterns:
            pattern.compiled_with_flags = inner.global_regex_flags
            pattern.compiled_regex = _StrictPattern(regex.compile(pattern.regex, flags=inner.global_regex_flags))
        self._inner = inner
        self._gate = gate
        self._trigger = gate.add(trigger)
        self._evidence = words(*evidence) if evidence else None
        self._needed = needed

    def load(self) -> None:
        """Nothing to load."""

    def analyze(self, text: str, entities: Sequence[str], nlp_artifacts: object = None) -> list[RecognizerResult]:
        """The inner recogniser's results, where its trigger occurs."""
        if self._trigger not in self._gate.present(text):
            return []
        results: list[RecognizerResult] = self._inner.analyze(text, entities, nlp_artifacts)
        for result in results:
            result.recognition_metadata = {
                RecognizerResult.RECOGNIZER_NAME_KEY: self.name,
                RecognizerResult.RECOGNIZER_IDENTIFIER_KEY: self.id,
            }
        return results

    def enhance_using_context(
        self,
        text: str,
        raw_recognizer_results: list[RecognizerResult],
        other_raw_recognizer_results: list[RecognizerResult],  # noqa: ARG002 - Presidio's signature
        nlp_artifacts: object,  # noqa: ARG002 - Presidio's signature
        context: Sequence[str] | None = None,
    ) -> list[RecognizerResult]:
        """Raises a result beside its evidence; keeps one without evidence that it needs below the threshold."""
        above = " ".join(context or ())
        for result in raw_recognizer_results:
            if self._evidence is None:
                continue
            near = (
                text[max(0, result.start - 60) : result.start]
                + "\n"
                + text[result.end : result.end + 25]
                + "\n"
                + above
            )
            if self._evidence.search(near) is not None:
                result.score = max(result.score, 0.85)
            elif self._needed:
                result.score = min(result.score, _WEAK)
            result.recognition_metadata[RecognizerResult.IS_SCORE_ENHANCED_BY_CONTEXT_KEY] = True
        return raw_recognizer_results


def predefined(gate: Gate) -> list[GatedRecognizer]:
    """Presidio's recognisers for English that are used as they are."""
    return [
        GatedRecognizer(CryptoRecognizer(), r"(?:bc1|BC1|[13])[a-zA-HJ-NP-Z0-9]{25}", gate),
        GatedRecognizer(
            MacAddressRecognizer(),
            r"[0-9A-Fa-f]{2}[:-][0-9A-Fa-f]{2}[:-][0-9A-Fa-f]{2}[:-]|[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}\.",
            gate,
        ),
        GatedRecognizer(UsItinRecognizer(), r"9\d{2}", gate, ("itin", "tax", "taxpayer", "individual taxpayer", "tin")),
        GatedRecognizer(UsMbiRecognizer(), r"[1-9](?i:[a-z])", gate, ("mbi", "medicare", "beneficiary", "cms", "hic")),
        GatedRecognizer(
            NhsRecognizer(),
            r"\d{3}[- ]?\d{3}[- ]?\d{4}",
            gate,
            ("nhs", "national health", "health service", "patient"),
            needed=True,
        ),
        GatedRecognizer(
            MedicalLicenseRecognizer(),
            r"\d{7}",
            gate,
            ("dea", "npi", "medical license", "licence", "license", "prescriber"),
            needed=True,
        ),
        GatedRecognizer(
            AbaRoutingRecognizer(),
            r"\d{4}-?\d{4}-?\d",
            gate,
            ("aba", "routing", "rtn", "transit", "wire", "bank"),
            needed=True,
        ),
        GatedRecognizer(UkNinoRecognizer(), r"(?i)[a-z]{2} ?\d{2} ?\d{2} ?\d{2} ?[a-z]", gate),
    ]
