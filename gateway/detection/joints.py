"""Where one text of a request ends and the next begins: a value may be split over both.

Texts that a model reads one after the other are put in chains: what was said, what the user said, and the values of one
field. Of each chain the surroundings of its joints are examined once more, as one text, and what is found only there
becomes findings on its pieces. A joint that could not be examined fails every text that it touches.

This module is loaded by the gateway itself, so it knows no recogniser: `Analyzer.examine_joint` does the looking.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import assert_never

from gateway.detection.frames import Neighbours
from gateway.detection.randomness import looks_random
from gateway.domain.conversation import Leaf
from gateway.domain.declaration import LeafKind, Source
from gateway.domain.finding import Address, Examined, Failed, Finding, LeafReport

_REACH = 64
_REACH_WRAPPED = 256
_MOST_TEXT = 2048
_TOKEN = 24
_KEY = "SECRET"
_LEAST_REST = 6
_ID = re.compile(r"[A-Za-z0-9_.:/@+=-]+")
_IDS = "ids"
_INDEX = re.compile(r"/\d+(?![^/])")
_SPOKEN = frozenset({Source.USER, Source.SYSTEM, Source.ASSISTANT, Source.TOOL_RESULT})

_NUMBER_WORD = "(?:zero|one|two|three|four|five|six|seven|eight|nine)"
_WRITTEN = re.compile(  # escapes, base64, hex, signs without width: more characters than what they stand for
    r"\\|%[0-9a-fA-Fu]|&#?\w|=[0-9A-F]{2}|0x|\b[uU]\+"
    r"|[a-z][A-Z0-9]|[0-9][A-Za-z]|[A-Z]{2}[a-z0-9]|[0-9a-f]{2}[ :,][0-9a-f]{2}"
    r"|[\x00-\x08\x0e-\x1f\x7f\u00ad\u200b-\u206f\ufeff]"
)
_WORTH_A_LOOK = re.compile(
    r"\d(?:[^0-9A-Za-z]{0,4}\d){4}"  # five digits: a number with a label, a card, a phone number
    r"|@|\(at\)|\bat\b.{1,40}\bdot\b|(?:\S[ \t\r\n]{1,3}){6}|(?:[A-Za-z0-9][.\-_*|/,~]){4}"
    rf"|(?i:pass|pwd|secret|token|api.?key|pin code|{_NUMBER_WORD}(?:[\s,-]+{_NUMBER_WORD}){{2}})"
    rf"|[^\x00-\x7f]|{_WRITTEN.pattern}"
)


@dataclass(frozen=True, slots=True)
class Piece:
    """The part of a joint's text that is from one leaf: `start` to `end` there, from character `offset` of the leaf."""

    address: Address = field(repr=False)
    start: int
    end: int
    offset: int


@dataclass(frozen=True, slots=True)
class Joint:
    """Neighbouring texts, the keys above the last of them, and what each piece is of. `begins` says that the first
    piece is there from its leaf's beginning, `ends` that the last one is to its leaf's end."""

    neighbours: Neighbours
    context: tuple[str, ...] = field(repr=False)
    pieces: tuple[Piece, ...] = field(repr=False)
    begins: bool
    ends: bool

    @property
    def text(self) -> str:
        """The pieces in one."""
        return self.neighbours.text


def joints(leaves: Sequence[Leaf], *, every: bool) -> list[Joint]:
    """The joints of a request that are worth a look; with `every`, all, since a policy's own terms may be anything."""
    found: dict[tuple[bool, tuple[Piece, ...]], Joint] = {}
    for name, chain in _chains(leaves):
        for group in _of_chain(chain):
            joint = _joint(group, ids=name[0] == _IDS)
            if (
                every
                or joint.neighbours.broken
                or _WORTH_A_LOOK.search(joint.text)
                or _WORTH_A_LOOK.search(_spaced(joint))
            ):
                found.setdefault((joint.neighbours.ids, joint.pieces), joint)
    return list(found.values())


def _spaced(joint: Joint) -> str:
    return " ".join(joint.neighbours.pieces())


def _chains(leaves: Sequence[Leaf]) -> Iterator[tuple[tuple[str, ...], list[Leaf]]]:
    """Texts that follow each other: all that was said, what the user said, every field's values and keys, and the ids
    or keys that stand in one place of its items."""
    chains: dict[tuple[str, ...], list[Leaf]] = {}
    for leaf in leaves:
        if not leaf.text:
            continue
        for name in _names(leaf):
            chains.setdefault(name, []).append(leaf)
    if chains.get(("user",)) == chains.get(("spoken",)):
        chains.pop(("user",), None)
    return ((name, chain) for name, chain in chains.items() if len(chain) > 1)


def _names(leaf: Leaf) -> Iterator[tuple[str, ...]]:
    field_name = leaf.address.split("/", 2)[1] if "/" in leaf.address else ""
    if _is_id(leaf):
        yield (_IDS, _INDEX.sub("/*", leaf.schema))
    if leaf.kind is LeafKind.VALUE and leaf.source in _SPOKEN:
        yield ("spoken",)
        if leaf.source is Source.USER:
            yield ("user",)
    elif leaf.kind is LeafKind.KEY:
        yield ("keys", leaf.source, field_name)
    else:
        yield ("values", leaf.source, field_name)


_Group = list[tuple[Leaf, int, str]]
"""Leaves, each with a part of its text and where that begins."""


def _is_id(leaf: Leaf) -> bool:
    """Whether this is an id or a key, or a value that looks like one: without a space. Numbers stand in tables."""
    match leaf.kind:
        case LeafKind.NAME:
            return True
        case LeafKind.KEY:
            return not leaf.text.isdigit()
        case LeafKind.VALUE:
            token = leaf.source is not Source.TOOL_ARGUMENTS and not leaf.text.isdigit()
            return token and _ID.fullmatch(leaf.text) is not None
        case LeafKind.NUMBER:
            return False
        case _:
            assert_never(leaf.kind)


def _of_chain(chain: Sequence[Leaf]) -> Iterator[_Group]:
    """The surroundings of the joints of a chain. Long texts are cut in their middle, where no joint is."""
    group: _Group = []
    size = 0
    for leaf in chain:
        head, tail = _head(leaf.text), _tail(leaf.text)
        if len(head) == len(leaf.text):
            group.append((leaf, 0, leaf.text))
            size += len(leaf.text)
            if size > _MOST_TEXT:
                yield group
                group = _last(group)
                size = sum(len(text) for _, _, text in group)
            continue
        if group:
            yield [*group, (leaf, 0, head)]
        group, size = [(leaf, len(leaf.text) - len(tail), tail)], len(tail)
    if len(group) > 1:
        yield group


def _last(group: _Group) -> _Group:
    """The end of a group, with which the next one begins."""
    kept: _Group = []
    for each in reversed(group):
        kept.insert(0, each)
        if sum(len(text) for _, _, text in kept) >= _REACH_WRAPPED:
            break
    return kept if len(kept) < len(group) else kept[1:]


def _head(text: str) -> str:
    return text[: _REACH_WRAPPED if _WRITTEN.search(text, 0, _REACH) else _REACH]


def _tail(text: str) -> str:
    return text[-_REACH_WRAPPED:] if _WRITTEN.search(text, max(0, len(text) - _REACH)) else text[-_REACH:]


def _within_words(before: str, after: str) -> bool:
    """Whether a joint could lie within a name: within a word, between two capitalised ones, or in what is written
    otherwise."""
    last, first = before[-_TOKEN:].split()[-1:], after[:_TOKEN].split()[:1]
    if not last or not first:
        return False
    if before[-1].isspace() or after[0].isspace():
        return last[0].isalpha() and last[0].istitle() and first[0][0].isupper()
    if before[-1].isalpha() and after[0].islower():
        return True
    return _WRITTEN.search(last[0]) is not None or _WRITTEN.search(first[0]) is not None


def _joint(group: _Group, *, ids: bool) -> Joint:
    pieces: list[Piece] = []
    at = 0
    for leaf, offset, text in group:
        pieces.append(Piece(leaf.address, at, at + len(text), offset))
        at += len(text)
    spoken = not ids and all(leaf.kind is LeafKind.VALUE and leaf.source in _SPOKEN for leaf, _, _ in group)
    texts = [text for _, _, text in group]
    broken = spoken and any(_within_words(before, after) for before, after in pairwise(texts))
    cuts = tuple(piece.start for piece in pieces[1:])
    last, offset, text = group[-1]
    return Joint(
        Neighbours("".join(texts), cuts, broken, spoken, ids),
        last.context,
        tuple(pieces),
        begins=group[0][1] == 0,
        ends=offset + len(text) == len(last.text),
    )


def told(own: Mapping[Address, LeafReport], examined: Sequence[tuple[Joint, LeafReport]]) -> dict[Address, LeafReport]:
    """The leaves' own reports, with what was found across their joints."""
    reports = dict(own)
    extra: dict[Address, list[Finding]] = {}
    for joint, report in examined:
        if isinstance(report, Failed):
            reports |= {piece.address: report for piece in joint.pieces}
            continue
        for finding in report.findings:
            if not _cut_off(joint, finding):
                for address, part in _new_parts(joint, finding, own):
                    extra.setdefault(address, []).append(part)
    for address, findings in extra.items():
        said = reports[address]
        if isinstance(said, Examined):
            every = {*said.findings, *findings}
            reports[address] = Examined(tuple(sorted(every, key=lambda f: (f.start, f.end, f.entity, -f.confidence))))
    return reports


def _new_parts(joint: Joint, finding: Finding, own: Mapping[Address, LeafReport]) -> Iterator[tuple[Address, Finding]]:
    """The parts of a finding that are to be told: none where a leaf holds the value by itself, but for those that look
    like the rest of a key, which may have any length."""
    parts = list(_parts(joint, finding))
    known = [_known(own[address], part) for address, part in parts]
    for (address, part), already in zip(parts, known, strict=True):
        if not any(known) or (not already and part.entity == _KEY and _goes_on(joint, address, part)):
            yield address, part


def _goes_on(joint: Joint, address: Address, part: Finding) -> bool:
    piece = next(piece for piece in joint.pieces if piece.address == address)
    begin = piece.start - piece.offset
    text = joint.text[part.start + begin : part.end + begin]
    return len(text) >= _LEAST_REST and looks_random(text)


def _parts(joint: Joint, finding: Finding) -> Iterator[tuple[Address, Finding]]:
    """A finding in a joint as findings on its pieces, those of mere space left out."""
    for piece in joint.pieces:
        start, end = max(finding.start, piece.start), min(finding.end, piece.end)
        if start < end and not joint.text[start:end].isspace():
            moved = piece.offset - piece.start
            yield (
                piece.address,
                Finding(start + moved, end + moved, finding.entity, finding.confidence, finding.recognizer),
            )


def _cut_off(joint: Joint, finding: Finding) -> bool:
    """Whether a finding in one piece ends where the piece was cut: there it may be part of something else."""
    across = any(finding.start < cut < finding.end for cut in joint.neighbours.cuts)
    at_edge = (finding.start == 0 and not joint.begins) or (finding.end == len(joint.text) and not joint.ends)
    return at_edge and not across


def _known(report: LeafReport, part: Finding) -> bool:
    """Whether the leaf itself holds the value: then its neighbour only happens to continue it."""
    return isinstance(report, Examined) and any(
        each.entity == part.entity and each.start < part.end and part.start < each.end for each in report.findings
    )
