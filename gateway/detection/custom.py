"""The detectors that a policy defines: phrase lists, RE2 patterns, indexes of values and of documents, compiled once
per set and kept by digest."""

from __future__ import annotations

import bisect
import re
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol, assert_never

import re2

from gateway.detection.candidates import Hit
from gateway.detection.index_data import open_index
from gateway.detection.index_file import load_key
from gateway.detection.indexed import ExactMatcher, FingerprintMatcher
from gateway.detection.shadow import BORDER, SPACELESS, fold
from gateway.domain.detectors import (
    ExactMatchDetector,
    FingerprintDetector,
    LookingDetector,
    PatternDetector,
    TermsDetector,
)
from gateway.domain.finding import Permille
from gateway.domain.labels import Entity

_TERM_CONFIDENCE = Permille(950)
_MAX_MEMORY = 64 * 1024 * 1024
_KEPT_SETS = 8
_SPACELESS = re.compile(f"[{SPACELESS}]")
_NO_KEY = Path()


class _Finds(Protocol):
    def find(self, text: str) -> Iterator[Hit]: ...


class CompiledDetectors:
    """One policy's own detectors. `index_key` is the file of the key with which indexes were built.

    Raises `re2.error` for a pattern that is not RE2, `IndexRefused` for an index that is not what the policy names.
    """

    def __init__(self, detectors: Sequence[LookingDetector], index_key: Path = _NO_KEY) -> None:
        self._each = [_compiled(detector, index_key) for detector in detectors]

    def find(self, text: str) -> list[Hit]:
        """All hits in a folded text."""
        return [hit for detector in self._each for hit in detector.find(text)]


class CompiledSets:
    """The few sets that were used last, by digest."""

    def __init__(self, index_key: Path = _NO_KEY) -> None:
        self._sets: OrderedDict[str, CompiledDetectors] = OrderedDict()
        self._index_key = index_key

    def known(self, digest: str) -> bool:
        """Whether this set needs no compiling."""
        return digest in self._sets

    def get(self, digest: str, detectors: Sequence[LookingDetector]) -> CompiledDetectors:
        """The compiled set, from memory or new."""
        compiled = self._sets.pop(digest, None) or CompiledDetectors(detectors, self._index_key)
        self._sets[digest] = compiled
        if len(self._sets) > _KEPT_SETS:
            self._sets.popitem(last=False)
        return compiled


class _Terms:
    def __init__(self, detector: TermsDetector) -> None:
        self._entity = Entity(detector.id)
        phrases = sorted((" ".join(fold(term).text.split()) for term in detector.terms), key=len, reverse=True)
        body = "|".join(re2.escape(phrase).replace(r"\ ", r"\s+") for phrase in phrases if phrase)
        self._pattern = _re2(f"(?i)(?:{body})") if body else None

    def find(self, text: str) -> Iterator[Hit]:
        for match in self._pattern.finditer(text) if self._pattern else ():
            start, end = match.span()
            if not (_word_at(text, start - 1) and _word_at(text, start)) and not (
                _word_at(text, end - 1) and _word_at(text, end)
            ):
                yield start, end, self._entity, _TERM_CONFIDENCE, "TermsDetector"


class _Pattern:
    def __init__(self, detector: PatternDetector) -> None:
        self._detector = detector
        self._pattern = _re2(detector.re2)
        words = "|".join(re.escape(" ".join(word.split())).replace(r"\ ", r"\s+") for word in detector.evidence)
        letter = rf"[^\W{SPACELESS}]"
        self._evidence = re.compile(rf"(?<!{letter})(?:{words})(?!{letter})", re.IGNORECASE) if words else None

    def find(self, text: str) -> Iterator[Hit]:
        spans = list(_spans(self._pattern, text))
        evidence = [match.span() for match in self._evidence.finditer(text)] if spans and self._evidence else []
        for start, end in spans:
            if start < end:
                near = _within(evidence, start, end, self._detector.within_chars)
                confidence = self._detector.with_evidence if near else self._detector.alone
                yield start, end, Entity(self._detector.id), confidence, "PatternDetector"


def _spans(pattern: re2._Regexp, text: str) -> Iterator[tuple[int, int]]:
    """Where a pattern matches the text without its borders: who wrote it knows of none."""
    if BORDER not in text:
        yield from (match.span() for match in pattern.finditer(text))
        return
    places = [at for at, sign in enumerate(text) if sign != BORDER]
    for match in pattern.finditer(text.replace(BORDER, "")):
        if match.start() < match.end():
            yield places[match.start()], places[match.end() - 1] + 1


def _within(evidence: list[tuple[int, int]], start: int, end: int, reach: int) -> bool:
    """Whether some evidence lies at most `reach` characters before or after. Both lists are sorted."""
    after = bisect.bisect_left(evidence, (start, 0))
    closest_before = evidence[after - 1][1] if after else -1
    before = after > 0 and start - closest_before <= reach
    return before or any(begin - end <= reach for begin, _ in evidence[after : after + 1])


def _compiled(detector: LookingDetector, index_key: Path) -> _Finds:
    match detector:
        case TermsDetector():
            return _Terms(detector)
        case PatternDetector():
            return _Pattern(detector)
        case ExactMatchDetector(index=index):
            return ExactMatcher(detector, open_index(Path(index.path), index.digest, load_key(index_key)))
        case FingerprintDetector(index=index):
            return FingerprintMatcher(detector, open_index(Path(index.path), index.digest, load_key(index_key)))
        case _:
            assert_never(detector)


def _word_at(text: str, at: int) -> bool:
    """Whether a word goes on over its next character: in a script without spaces nobody can say."""
    return 0 <= at < len(text) and (text[at].isalnum() or text[at] == "_") and not _SPACELESS.match(text[at])


def _re2(pattern: str) -> re2._Regexp:
    options = re2.Options()
    options.max_mem = _MAX_MEMORY
    options.log_errors = False
    return re2.compile(pattern, options)
