"""The span metric of presidio-evaluator 0.3.2 (MIT): its `SpanEvaluator` at an intersection over union of 0.9.

The same counts as the package's, without the package: it needs `transformers`, and where that is installed Presidio's
analyzer loads it too, so that what is measured would change. Compared on synth_v2 for both systems: the counts of all
3,000 judged texts are the package's.

A text's spans become tags on tokens (spaCy's English ones); neighbouring tokens of one tag make a span again, and so do
spans of one entity with nothing but skip words between them; skip words at its edges do not count. A span is right
where the told spans of its entity cover it together.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import spacy
from spacy.lang.en.stop_words import STOP_WORDS
from spacy.tokens import Doc

from tests.benchmarks.detection_data import Labelled, Span
from tests.benchmarks.detection_scores import IOU, Count

_ANY = "PII"
_NONE = "O"
_SKIP_WORDS = r"""! " # $ % & ' ( ) * + , - . / : ; < = > ? @ [ \ ] ^ _ ` { | } ~ >> >>> >>>> >>>>> >>>>>> 's street
st. st de rue via and a the or do as of day address country state city zip po apt unit corner p.o.
box suite mr. mrs. miss year years y/o month months old morning noon afternoon night evening this
first last week weeks weekend days age ago inc inc. ltd"""
_BLANKS = (" ", "", "\r", "\x0b", "\x0c", "\n", "\n\n", "\n\n\n", "\n\n\n\n", "\t", "\t\t", "\t\t\t", "\t\t\t\t")
_SKIPPED = frozenset((*_SKIP_WORDS.split(), *_BLANKS, *STOP_WORDS))


@dataclass(frozen=True, slots=True)
class _Piece:
    """Tokens `first` to `last` (exclusive) of one entity; in characters and without skip words, `start` to `end`."""

    entity: str
    first: int
    last: int
    start: int
    end: int


class SpanEvaluator:
    """Counts spans text by text."""

    def __init__(self) -> None:
        self._tokens = spacy.blank("en")

    def counts(self, case: Labelled, found: Sequence[Span]) -> tuple[Count, dict[str, Count]]:
        """One text: whatever the entities are called, and entity by entity."""
        doc = self._tokens(case.text)
        there, told = _tags(doc, case.spans), _tags(doc, found)
        whole = _matched(_pieces(doc, _nameless(there)), _pieces(doc, _nameless(told)))
        return whole.get(_ANY, Count()), _matched(_pieces(doc, there), _pieces(doc, told))


def _nameless(tags: Sequence[str]) -> list[str]:
    return [_NONE if tag == _NONE else _ANY for tag in tags]


def _tags(doc: Doc, spans: Sequence[Span]) -> list[str]:
    """Every token's entity: of the first span that it begins in, or that lies within it."""
    apart = _apart(list(spans))
    return [next((s.entity for s in apart if _covers(s, t.idx, t.idx + len(t.text))), _NONE) for t in doc]


def _covers(span: Span, start: int, end: int) -> bool:
    return span.start <= start < span.end or (start <= span.start <= end and start <= span.end <= end)


def _apart(spans: list[Span]) -> list[Span]:
    """Of overlapping spans the better scored one stays whole, and what the other has beside it."""
    spans = sorted(spans, key=lambda each: each.start)
    at = 0
    while at < len(spans) - 1:
        for other in range(at + 1, len(spans)):
            one, two = spans[at], spans[other]
            if not one.start <= two.start <= one.end:
                continue
            if one.score > two.score:
                inside = one.start <= two.end <= one.end
                spans[other] = replace(two, score=0) if inside else replace(two, start=one.end + 1)
                continue
            if two.end < one.end:
                spans.append(replace(one, start=two.end + 1))
            spans[at] = replace(one, end=two.start - 1)
        at += 1
    return sorted(spans, key=lambda each: each.start)


def _pieces(doc: Doc, tags: Sequence[str]) -> list[_Piece]:
    """The spans of the tags, those of one entity with only skip words between them in one."""
    out: list[_Piece] = []
    for piece in _runs(doc, tags):
        before = out[-1] if out else None
        if before and before.entity == piece.entity and _skipped(doc, before.last, piece.first):
            ends = (min(before.start, piece.start), max(before.end, piece.end))
            out[-1] = _Piece(piece.entity, before.first, piece.last, *ends)
        else:
            out.append(piece)
    return out


def _skipped(doc: Doc, first: int, last: int) -> bool:
    return all(token.text.lower().strip() in _SKIPPED for token in doc[first:last])


def _runs(doc: Doc, tags: Sequence[str]) -> Iterator[_Piece]:
    first = 0
    for last in range(1, len(tags) + 1):
        if last < len(tags) and tags[last] == tags[first]:
            continue
        words = [token for token in doc[first:last] if token.text.lower() not in _SKIPPED]
        if tags[first] != _NONE and words:
            end = max(word.idx + len(word.text) for word in words)
            yield _Piece(tags[first], first, last, words[0].idx, end)
        first = last


def _matched(there: Sequence[_Piece], told: Sequence[_Piece]) -> dict[str, Count]:
    counts: dict[str, Count] = defaultdict(Count)
    met: set[_Piece] = set()
    for piece in there:
        counts[piece.entity] += Count(there=1)
        beside: dict[str, list[_Piece]] = defaultdict(list)
        for other in told:
            if _shared(piece, other) > 0:
                beside[other.entity].append(other)
                met.add(other)
        for entity, others in beside.items():
            alone = len(beside) == 1 and len(others) == 1
            covered = _iou(piece, others[0]) if alone else _iou_together(piece, others)
            counts[entity] += Count(told=1, right=int(entity == piece.entity and covered >= IOU))
    for other in told:
        if other not in met:
            counts[other.entity] += Count(told=1)
    return counts


def _shared(one: _Piece, two: _Piece) -> int:
    return min(one.end, two.end) - max(one.start, two.start)


def _iou(one: _Piece, two: _Piece) -> float:
    return _shared(one, two) / (max(one.end, two.end) - min(one.start, two.start))


def _iou_together(piece: _Piece, others: Sequence[_Piece]) -> float:
    """As the package counts characters: the first span's to its end inclusive, the others' from one before."""
    there = set(range(piece.start, piece.end + 1))
    told = set(range(others[0].start, others[0].end + 1))
    for other in others[1:]:
        told.update(range(other.start - 1, other.end))
    return len(there & told) / len(there | told)
