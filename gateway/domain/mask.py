"""Stand-ins for values that may not leave: what is replaced, by what, and the vault that knows the way back.

A placeholder looks like `[EMAIL_ADDRESS_K7QX2M9A]`. Its end is a keyed hash of tenant, the conversation's opening,
entity and value: the same person has the same placeholder for as long as a conversation is resent (a provider's prompt
cache keeps working), two people never share one, and nobody without the key can guess one. Text of the request that
already looks like a placeholder is itself masked beside them, so it can neither be mistaken for one of ours nor
restored as one.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Protocol

from gateway.domain.conversation import Conversation, Leaf
from gateway.domain.declaration import LeafKind, Source
from gateway.domain.folding import fold as fold
from gateway.domain.finding import Address, Examined, Report
from gateway.domain.labels import Entity
from gateway.domain.policy import Operator, Transform

LITERAL = Entity("LITERAL")
"""Stands for text of the request that looked like a placeholder."""

ID_LENGTH = 10
_ID = f"[0-9A-Z]{{{ID_LENGTH}}}"
_LOOKS_LIKE_ONE = re.compile(rf"\[?\b[A-Z][A-Z0-9_]{{1,60}}_({_ID})\b\]?", re.IGNORECASE)
_SHORTEST_REPEAT = 4
_WORD = re.compile(r"[^\W_]+")
_TOKEN = re.compile(r"[^\W_]+|\s+|.")


@dataclass(frozen=True, slots=True)
class Span:
    """Characters `start` to `end` (exclusive) of one leaf, to be replaced by what `operator` makes of them."""

    start: int
    end: int
    entity: Entity
    operator: Operator


class Anonymizer(Protocol):
    """Replaces spans of a text. Spans do not overlap and are sorted.

    `stand_in` is called for spans with the placeholder operator and no others: what it is asked for can be restored.
    """

    def apply(self, text: str, spans: Sequence[Span], stand_in: StandIn) -> str:
        """`text` with every span replaced by what its operator makes of it."""
        ...


class StandIn(Protocol):
    """Gives the placeholder for a value."""

    def __call__(self, entity: Entity, value: str) -> str:
        """The placeholder to write."""
        ...


@dataclass(frozen=True, slots=True)
class Vault:
    """Which placeholder stands for which value, for one request. Never recorded, never shown."""

    values: Mapping[str, str] = field(repr=False)
    entities: frozenset[Entity]

    def __bool__(self) -> bool:
        return bool(self.values)


@dataclass(frozen=True, slots=True)
class Masked:
    """Replacements by address, the way back, and the entities that were replaced."""

    texts: Mapping[Address, str] = field(repr=False)
    vault: Vault
    entities: frozenset[Entity]


class PlaceholderKey:
    """The key of one conversation's placeholders."""

    __slots__ = ("_key",)

    def __init__(self, secret: bytes, tenant: str, conversation: Conversation) -> None:
        opening = "\x00".join(_opening(conversation.leaves))
        self._key = blake2b(f"{tenant}\x00{opening}".encode(), key=secret, digest_size=32).digest()

    def id(self, entity: Entity, value: str) -> str:
        """The unguessable part of a placeholder."""
        digest = blake2b(f"{entity}\x00{fold(value)}".encode(), key=self._key, digest_size=32).digest()
        return base64.b32encode(digest).decode("ascii")[:ID_LENGTH]


def mask(
    conversation: Conversation,
    report: Report,
    transforms: Sequence[Transform],
    key: PlaceholderKey,
    anonymizer: Anonymizer,
) -> Masked:
    """The conversation's leaves with the transforms applied, and the vault to undo it.

    A value found in one leaf is replaced wherever it stands, also where no detector saw it.
    """
    operators = {transform.entity: transform.operator for transform in transforms}
    filled: dict[str, str] = {}

    def stand_in(entity: Entity, value: str) -> str:
        identity = key.id(entity, value)
        filled.setdefault(identity, value)
        return f"[{entity}_{identity}]"

    spans = {leaf.address: _spans(leaf, report, operators) for leaf in conversation.leaves}
    repeats = _Repeats(conversation.leaves, spans)
    texts: dict[Address, str] = {}
    ours = {key.id(s.entity, leaf.text[s.start : s.end]) for leaf in conversation.leaves for s in spans[leaf.address]}
    for leaf in conversation.leaves:
        chosen = _merged([*spans[leaf.address], *repeats.spans(leaf), *_lookalikes(leaf, ours)])
        if chosen:
            texts[leaf.address] = _apply(leaf, chosen, anonymizer, stand_in)
    replaced = frozenset(span.entity for here in spans.values() for span in here)
    return Masked(texts, Vault(filled, replaced | ({LITERAL} if filled else frozenset())), replaced)


def _apply(leaf: Leaf, spans: Sequence[Span], anonymizer: Anonymizer, stand_in: StandIn) -> str:
    """Names, keys and numbers take the bare placeholder, whatever the operator: another would break their shape."""
    for span in spans:
        if span.operator is Operator.PLACEHOLDER:
            stand_in(span.entity, leaf.text[span.start : span.end])  # the first writing is the one that is restored
    if leaf.kind is LeafKind.VALUE:
        return anonymizer.apply(leaf.text, spans, stand_in)
    result, at = [], 0
    for span in spans:
        result += [leaf.text[at : span.start], stand_in(span.entity, leaf.text[span.start : span.end]).strip("[]")]
        at = span.end
    return "".join([*result, leaf.text[at:]])


def _opening(leaves: Iterable[Leaf]) -> Iterator[str]:
    """The texts up to and with the first one that a user wrote."""
    for leaf in leaves:
        if leaf.source is not Source.PARAMETER:
            yield leaf.text
        if leaf.source is Source.USER:
            return


def _spans(leaf: Leaf, report: Report, operators: Mapping[Entity, Operator]) -> list[Span]:
    said = report.of(leaf.address)
    if not isinstance(said, Examined):
        return []
    return [Span(f.start, f.end, f.entity, operators[f.entity]) for f in said.findings if f.entity in operators]


def _lookalikes(leaf: Leaf, ours: AbstractSet[str]) -> list[Span]:
    """Placeholders that the text itself holds, where one of ours exists: the model must not mistake them.

    A word that looks like the unguessable part of a placeholder is one only where it holds a digit, or is one of ours:
    `max_iterations` looks like one too.
    """
    if not ours or "_" not in leaf.text:
        return []
    return [
        Span(m.start(), m.end(), LITERAL, Operator.PLACEHOLDER)
        for m in _LOOKS_LIKE_ONE.finditer(leaf.text)
        if m.group(1).upper() in ours or not m.group(1).isalpha() or m.group(1).isupper()
    ]


class _Repeats:
    """Finds in every leaf the values that were found in some leaf, in any case and with any spaces between words.

    Values are kept as a tree of tokens, so that the time for one place of a text does not grow with their number.
    """

    def __init__(self, leaves: Sequence[Leaf], spans: Mapping[Address, Sequence[Span]]) -> None:
        self._root = _Node()
        for leaf in leaves:
            for span in spans[leaf.address]:
                self._learn(leaf.text[span.start : span.end], span)

    def _learn(self, value: str, span: Span) -> None:
        word = _WORD.search(value)
        if word is None or len(value) < _SHORTEST_REPEAT:
            return
        node = self._root
        for token in _TOKEN.finditer(value.rstrip(), word.start()):
            node = node.next.setdefault(_folded(token), _Node())
        node.value = node.value or (value[: word.start()], span)

    def spans(self, leaf: Leaf) -> list[Span]:
        """Every occurrence of a known value in this leaf."""
        if not self._root.next:
            return []
        tokens = list(_TOKEN.finditer(leaf.text))
        folded = [_folded(token) for token in tokens]
        return [span for at in range(len(tokens)) for span in self._at(leaf.text, tokens, folded, at)]

    def _at(self, text: str, tokens: list[re.Match[str]], folded: list[str], at: int) -> Iterator[Span]:
        """The longest value that begins with the token at `at`."""
        node, begin = self._root, tokens[at].start()
        longest: Span | None = None
        for place in range(at, len(tokens)):
            following = node.next.get(folded[place])
            if following is None:
                break
            node = following
            if node.value is not None:
                before, known = node.value
                start = begin - len(before) if text.endswith(before, 0, begin) else begin
                longest = Span(start, tokens[place].end(), known.entity, known.operator)
        if longest is not None:
            yield longest


class _Node:
    """The tokens that may follow, and the value that ends here: what stands before its first word, and its span."""

    __slots__ = ("next", "value")

    def __init__(self) -> None:
        self.next: dict[str, _Node] = {}
        self.value: tuple[str, Span] | None = None


def _folded(token: re.Match[str]) -> str:
    text = token.group()
    return " " if text.isspace() else text.casefold()


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


def _stronger(one: Span, other: Span) -> Operator:
    order = (Operator.PLACEHOLDER, Operator.MASK, Operator.HASH, Operator.REDACT)
    return max(one.operator, other.operator, key=order.index)
