"""Stand-ins for values that may not leave: what is replaced, by what, and the vault that knows the way back.

A value that was found in one leaf is replaced wherever it stands. Text of the request that already looks like a
placeholder is itself masked beside them, so it can neither be mistaken for one of ours nor restored as one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from typing import Protocol

from gateway.domain.conversation import Conversation, Leaf
from gateway.domain.declaration import LeafKind, Source
from gateway.domain.finding import Address, Examined, Report
from gateway.domain.folding import fold as fold  # noqa: PLC0414 - those who mask fold
from gateway.domain.labels import Entity
from gateway.domain.placeholder import ID_LENGTH, LITERAL, NAME, Pattern
from gateway.domain.placeholder import PlaceholderKey as PlaceholderKey  # noqa: PLC0414 - `mask` takes one
from gateway.domain.policy import Operator, Transform
from gateway.domain.repeats import Repeats
from gateway.domain.restore import Restorer
from gateway.domain.surrogate import Surrogate
from gateway.domain.vault import Book
from gateway.domain.vault import Vault as Vault  # noqa: PLC0414 - `mask` gives one

_LOOKS_LIKE_ONE = re.compile(rf"\[?\b[A-Z][A-Z0-9_]{{1,60}}_([A-Z2-7]{{{ID_LENGTH}}})\b\]?", re.IGNORECASE | re.ASCII)
_NAME_SHAPE = re.compile(r"[A-Za-z0-9_-]{1,64}")
_LONGEST_NAME = 64
_REFERENCES = ("/$ref", "/$dynamicRef")
_NAMED = frozenset({LeafKind.NAME, LeafKind.KEY})
_RESTORABLE = frozenset({Operator.PLACEHOLDER, Operator.SURROGATE})


@dataclass(frozen=True, slots=True)
class Span:
    """Characters `start` to `end` (exclusive) of one leaf, to be replaced by what `operator` makes of them."""

    start: int
    end: int
    entity: Entity
    operator: Operator


class Anonymizer(Protocol):
    """Replaces spans of a text. Spans do not overlap and are sorted.

    `stand_in` is called for spans with the placeholder and the surrogate operator and no others: what it is asked for
    can be restored.
    """

    def apply(self, text: str, spans: Sequence[Span], stand_in: StandIn) -> str:
        """`text` with every span replaced by what its operator makes of it."""
        ...


class StandIn(Protocol):
    """Gives what stands for a value and can be restored."""

    def __call__(self, span: Span, value: str) -> str:
        """The placeholder or surrogate to write for the value at `span`."""
        ...


@dataclass(frozen=True, slots=True)
class Masked:
    """Replacements by address, the way back, and the entities that were replaced."""

    texts: Mapping[Address, str] = field(repr=False)
    vault: Vault
    entities: frozenset[Entity]


def mask(
    conversation: Conversation,
    report: Report,
    transforms: Sequence[Transform],
    key: PlaceholderKey,
    anonymizer: Anonymizer,
) -> Masked:
    """The conversation's leaves with the transforms applied, and the vault to undo it."""
    operators = {transform.entity: transform.operator for transform in transforms}
    leaves = conversation.leaves
    found = {leaf.address: _spans(leaf, report, operators) for leaf in leaves}
    replaced = frozenset(span.entity for here in found.values() for span in here)
    if not replaced:
        return Masked({}, Vault({}, frozenset()), replaced)
    repeats = Repeats((leaf.text[s.start : s.end], s) for leaf in leaves for s in found[leaf.address])
    ours = {key.id(s.entity, leaf.text[s.start : s.end]) for leaf in leaves for s in found[leaf.address]}
    forged = _Forged(ours, replaced)
    spans = {
        leaf.address: _merged([*found[leaf.address], *_repeated(leaf, repeats), *forged.spans(leaf)]) for leaf in leaves
    }
    book = Book(key, Surrogate(key.digest, [leaf.text for leaf in leaves]), replaced)
    texts = _Masking(book, anonymizer, spans).texts(leaves)
    return Masked(texts, book.vault(), replaced)


class _Masking:
    """Writes the leaves of one request anew: names and keys first, since a text may have to agree with them."""

    def __init__(self, book: Book, anonymizer: Anonymizer, spans: Mapping[Address, Sequence[Span]]) -> None:
        self._book = book
        self._anonymizer = anonymizer
        self._spans = spans
        self._names: dict[str, str] = {}

    def texts(self, leaves: Sequence[Leaf]) -> dict[Address, str]:
        """The new texts of those leaves in which something is replaced."""
        steady = _steadily(leaves)
        for leaf in steady:
            if self._spans[leaf.address] and leaf.kind in _NAMED and leaf.text not in self._names:
                self._names[leaf.text] = self._name(leaf)
        touched = [leaf for leaf in steady if self._spans[leaf.address] or leaf.text in self._names]
        texts = {leaf.address: self._text(leaf) for leaf in touched}
        vault = self._book.vault()
        if vault.surrogates:
            texts |= self._mended(touched, texts, Restorer(vault))
        return texts

    def _mended(self, leaves: Sequence[Leaf], texts: Mapping[Address, str], restorer: Restorer) -> dict[Address, str]:
        """Those leaves anew, with placeholders, whose surrogates would not come back: what stands around some may read
        as a part of them."""
        return {
            leaf.address: self._applied(leaf, [_with_placeholder(span) for span in self._spans[leaf.address]])
            for leaf in leaves
            if any(span.operator is Operator.SURROGATE for span in self._spans[leaf.address])
            and leaf.kind is LeafKind.VALUE
            and leaf.text not in self._names
            and fold(restorer.whole(texts[leaf.address])) != fold(leaf.text)
        }

    def _text(self, leaf: Leaf) -> str:
        if leaf.text in self._names and leaf.kind is not LeafKind.NUMBER:
            return self._names[leaf.text]
        if leaf.address.endswith(_REFERENCES):
            return self._reference(leaf)
        if leaf.kind is LeafKind.NUMBER:
            return self._bare(leaf, exactly=False)
        return self._applied(leaf, [_apart(leaf.text, span) for span in self._spans[leaf.address]])

    def _applied(self, leaf: Leaf, spans: Sequence[Span]) -> str:
        for span in spans:  # the first writing is the one that is restored
            if span.operator in _RESTORABLE:
                self._stand_in(span, leaf.text[span.start : span.end])
        return self._anonymizer.apply(leaf.text, spans, self._stand_in)

    def _stand_in(self, span: Span, value: str) -> str:
        if span.operator is Operator.SURROGATE:
            return self._book.surrogate(span.entity, value)
        return self._book.placeholder(span.entity, value)

    def _reference(self, leaf: Leaf) -> str:
        """A pointer into a schema: its steps are keys, and are written as the keys are."""
        steps = list(re.finditer(r"[^/]+", leaf.text))
        known = [step for step in steps if step.group() in self._names]
        if all(any(k.start() <= s.start and s.end <= k.end() for k in known) for s in self._spans[leaf.address]):
            return re.sub(r"[^/]+", lambda step: self._names.get(step.group(), step.group()), leaf.text)
        return self._bare(leaf, exactly=False)

    def _name(self, leaf: Leaf) -> str:
        """Names and keys take bare placeholders, whatever the operator: another stand-in would break their shape. Where
        the result would be too long, or would not come back as it was, one placeholder stands for the whole."""
        shown = self._bare(leaf, exactly=True)
        fits = len(shown) <= max(_LONGEST_NAME, len(leaf.text)) and (
            leaf.kind is LeafKind.KEY or _NAME_SHAPE.fullmatch(shown) or not _NAME_SHAPE.fullmatch(leaf.text)
        )
        if fits and self._book.comes_back(shown, leaf.text):
            return shown
        return self._book.bare(NAME, leaf.text, exactly=True)

    def _bare(self, leaf: Leaf, *, exactly: bool) -> str:
        result, at = "", 0
        for span in self._spans[leaf.address]:
            value = leaf.text[span.start : span.end]
            result += leaf.text[at : span.start] + self._book.bare(span.entity, value, exactly=exactly)
            at = span.end
        return result + leaf.text[at:]


def _apart(text: str, span: Span) -> Span:
    """A surrogate is only found as a whole word: one that touches another word is a placeholder."""
    touches = text[span.start - 1 : span.start].isalnum() or text[span.end : span.end + 1].isalnum()
    return _with_placeholder(span) if touches else span


def _with_placeholder(span: Span) -> Span:
    return replace(span, operator=Operator.PLACEHOLDER) if span.operator is Operator.SURROGATE else span


def _steadily(leaves: Sequence[Leaf]) -> list[Leaf]:
    """The leaves in an order that a longer conversation keeps: first whatever stands beside the messages."""
    growing = {_field(leaf) for leaf in leaves if leaf.source in {Source.USER, Source.ASSISTANT, Source.TOOL_RESULT}}
    return sorted(leaves, key=lambda leaf: _field(leaf) in growing)


def _field(leaf: Leaf) -> str:
    return leaf.address.split("/", 2)[1]


def _spans(leaf: Leaf, report: Report, operators: Mapping[Entity, Operator]) -> list[Span]:
    said = report.of(leaf.address)
    if not isinstance(said, Examined):
        return []
    return [Span(f.start, f.end, f.entity, operators[f.entity]) for f in said.findings if f.entity in operators]


def _repeated(leaf: Leaf, repeats: Repeats[Span]) -> Iterator[Span]:
    for repeat in repeats.within(leaf.text):
        yield Span(repeat.start, repeat.end, repeat.known.entity, repeat.known.operator)


class _Forged:
    """Placeholders that the request itself holds: the model must not mistake them, nor may they be restored as ours.

    A word that looks like the unguessable part of a placeholder is one only where it holds a digit or stands in
    capitals, or is one of ours, however bent: `max_iterations` looks like one too.
    """

    def __init__(self, ours: AbstractSet[str], entities: frozenset[Entity]) -> None:
        self._ours = ours
        self._pattern = Pattern(entities | {LITERAL, NAME})

    def spans(self, leaf: Leaf) -> Iterator[Span]:
        """Their places in a leaf."""
        if "_" in leaf.text:
            for match in _LOOKS_LIKE_ONE.finditer(leaf.text):
                if not match[1].isalpha() or match[1].isupper():
                    yield Span(match.start(), match.end(), LITERAL, Operator.PLACEHOLDER)
        for found in self._pattern.found(leaf.text, 0, len(leaf.text), self._ours):
            yield Span(found.start, found.end, LITERAL, Operator.PLACEHOLDER)


def _merged(spans: Sequence[Span]) -> list[Span]:
    """Sorted, without overlaps: what overlaps becomes one span with the name of its longest part."""
    result: list[Span] = []
    for span in sorted(set(spans), key=lambda s: (s.start, -s.end, s.entity)):
        if not result or span.start >= result[-1].end:
            result.append(span)
            continue
        last = result[-1]
        longer = last if last.end - last.start >= span.end - span.start else span
        result[-1] = Span(last.start, max(last.end, span.end), longer.entity, _stronger(last, span))
    return result


_STRENGTH = {operator: strength for strength, operator in enumerate(Operator)}


def _stronger(one: Span, other: Span) -> Operator:
    return max(one.operator, other.operator, key=_STRENGTH.__getitem__)
