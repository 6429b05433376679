"""A context enhancer that looks at a fixed reach around each result: linear where Presidio's is quadratic."""

from __future__ import annotations

import re
from collections.abc import Sequence

from presidio_analyzer import EntityRecognizer, RecognizerResult
from presidio_analyzer.context_aware_enhancers import ContextAwareEnhancer

from gateway.detection.rules import words

_REACH = 60


class LinearContextEnhancer(ContextAwareEnhancer):  # type: ignore[misc]  # Presidio publishes no types
    """Raises a result by Presidio's own step when a context word of its recogniser stands near or in the keys above."""

    def __init__(self) -> None:
        super().__init__(
            context_similarity_factor=0.35,
            min_score_with_context_similarity=0.4,
            context_prefix_count=5,
            context_suffix_count=0,
        )
        self._patterns: dict[tuple[str, ...], re.Pattern[str]] = {}

    def enhance_using_context(
        self,
        text: str,
        raw_results: list[RecognizerResult],
        nlp_artifacts: object,  # noqa: ARG002 - Presidio's signature
        recognizers: list[EntityRecognizer],
        context: Sequence[str] | None = None,
    ) -> list[RecognizerResult]:
        """The results, those with context words beside them raised."""
        by_id = {recognizer.id: recognizer for recognizer in recognizers}
        above = " ".join(context or ())
        for result in raw_results:
            metadata = result.recognition_metadata
            recognizer = by_id[metadata[RecognizerResult.RECOGNIZER_IDENTIFIER_KEY]]
            if not recognizer.context or metadata.get(RecognizerResult.IS_SCORE_ENHANCED_BY_CONTEXT_KEY):
                continue
            near = text[max(0, result.start - _REACH) : result.start] + "\n" + above
            if self._pattern(recognizer.context).search(near):
                raised = max(result.score + self.context_similarity_factor, self.min_score_with_context_similarity)
                result.score = min(raised, self.MAX_SCORE)
        return raw_results

    def _pattern(self, context: Sequence[str]) -> re.Pattern[str]:
        key = tuple(context)
        if key not in self._patterns:
            self._patterns[key] = words(*key)
        return self._patterns[key]
