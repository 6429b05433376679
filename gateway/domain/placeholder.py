"""What a placeholder looks like, who can make one, and how a bent one is recognised.

A placeholder looks like `[EMAIL_ADDRESS_K7QX2M9ABC]`. Its end is a keyed hash of tenant, the conversation's opening,
entity and value: the same person has the same placeholder for as long as a conversation is resent (a provider's prompt
cache keeps working), two people never share one, and nobody without the key can guess one.

A model may bend it: other case, spaces or escapes for underscores, brackets lost, escaped, or encoded for HTML or a
URL. `Pattern.found` sees through that; whether the end of what it found is one of ours is for the caller to look up.
Letters of other alphabets that only look alike are never taken for ours.
"""

from __future__ import annotations

import base64
import functools
import re
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from hashlib import blake2b

from gateway.domain.conversation import Conversation, Leaf
from gateway.domain.declaration import Source
from gateway.domain.folding import fold
from gateway.domain.labels import Entity

LITERAL = Entity("LITERAL")
"""Stands for text of the request that looked like a placeholder."""
NAME = Entity("NAME")
"""Stands for a whole name or key of the caller's choice that has no room for a stand-in of a part of it."""

ID_LENGTH = 10
ID_LETTERS = "A-Z2-7"

_LONGEST_ESCAPE = 15
_LONGEST_GAP = 2
_UNIT = r"(?:\\{0,4}[_\-]|\\{1,4}u005f|%5f|&#95;|[ \t\r\n\xa0*\\])"
_OPENER = r"(?<!\\)\\{1,15}u005b|%5b|&#91;|&#x5b;|&lbrack;|&lsqb;|(?:(?<!\\)\\{1,15})?\["
_LONGEST_OPENER = _LONGEST_ESCAPE + len("u005b")
_CLOSE_URL = re.compile(r"%5d|\]", re.IGNORECASE)
_CLOSE_HTML = re.compile(r"&(?:#93|#x5d|rbrack|rsqb);|\]", re.IGNORECASE)
_CLOSE_ESCAPED = re.compile(r"(\\{1,15})u005d|\]", re.IGNORECASE)
_CLOSE_MARKDOWN = re.compile(r"(\\{1,15})\]")
_GAP_RUN = re.compile(_UNIT + "+", re.IGNORECASE)
_WHOLE_OPENER = re.compile(_OPENER, re.IGNORECASE)
_PARTIAL = re.compile(r"\\{1,16}(?:u0{0,2}5?)?\Z|%5?\Z|&[#0-9a-z]{0,6}\Z", re.IGNORECASE)


class PlaceholderKey:
    """The key of one conversation's stand-ins."""

    __slots__ = ("_ids", "_key")

    def __init__(self, secret: bytes, tenant: str, conversation: Conversation) -> None:
        opening = "\x00".join(_opening(conversation.leaves))
        self._key = blake2b(f"{tenant}\x00{opening}".encode(), key=secret, digest_size=32).digest()
        self._ids: dict[tuple[Entity, str, str], str] = {}

    def id(self, entity: Entity, value: str, variant: str = "") -> str:
        """The unguessable part of a placeholder. `variant` tells apart what would fold to the same."""
        key = (entity, value, variant)
        if key not in self._ids:
            digest = self.digest("\x00".join([entity, fold(value), *([variant] if variant else [])]))
            self._ids[key] = base64.b32encode(digest[:10]).decode("ascii")[:ID_LENGTH]
        return self._ids[key]

    def digest(self, purpose: str) -> bytes:
        """32 bytes that only this key gives for `purpose`."""
        return blake2b(purpose.encode("utf-8", "surrogatepass"), key=self._key, digest_size=32).digest()


def spelled(entity: Entity) -> str:
    """The entity's name as placeholders write it: a policy's own entities may hold dots and hyphens."""
    return re.sub(r"[^A-Za-z0-9]+", "_", entity)


def _opening(leaves: Iterable[Leaf]) -> Iterator[str]:
    """The texts of the first message that a user wrote: what every later request of a conversation, in any operation,
    sends again, while tools and instructions may change. Without one, all that is neither tool nor parameter."""
    spoken = [leaf for leaf in leaves if leaf.source not in {Source.PARAMETER, Source.TOOL_DEFINITION}]
    first = next((leaf for leaf in spoken if leaf.source is Source.USER), None)
    for leaf in spoken:
        if first is None or (leaf.source is Source.USER and _message(leaf) == _message(first)):
            yield leaf.text


def _message(leaf: Leaf) -> list[str]:
    return leaf.address.split("/")[:3]


class Coding(Enum):
    """In what writing a placeholder stood: its value is written alike."""

    PLAIN = "plain"
    URL = "url"
    HTML = "html"


@dataclass(frozen=True, slots=True)
class Found:
    """Characters `start` to `end` (exclusive) of a text are a placeholder with this id, in capitals."""

    start: int
    end: int
    id: str
    coding: Coding


class Pattern:
    """Finds the placeholders of some entities."""

    def __init__(self, entities: frozenset[Entity]) -> None:
        self._names, self._beginnings = _spelled(entities)
        self._two_letters = all(len(name) > 1 for name in self._names)
        self._core = _core(entities)
        self._starts = re.compile(rf"[\[\\%&{''.join({name[0] for name in self._names})}]", re.IGNORECASE | re.ASCII)
        self.longest = max(map(_longest, self._names), default=0)
        """No placeholder of these entities is longer, however bent."""
        self.shortest = min(map(len, self._names), default=0) + 1 + ID_LENGTH
        """None is shorter: brackets can be lost, a gap, the name and the id cannot."""

    def found(self, text: str, start: int, stop: int, known: Container[str]) -> Iterator[Found]:
        """The placeholders between `start` and `stop` whose id is one of `known` (in capitals). What only looks like
        one may overlap with one that is."""
        at = start
        while match := self._core.search(text, at, stop):
            identity = match[2].upper()
            if identity not in known:
                at = match.start() + 1
                continue
            found = _extent(text, match, match[1] or "", identity)
            yield found
            at = found.end

    def grows(self, text: str, start: int) -> int:
        """From where on the end of `text`, not before `start`, is or may become the beginning of a placeholder, or a
        whole one that may still go on. The length of `text` if it ends in nothing of the kind."""
        for match in self._starts.finditer(text, max(start, len(text) - self.longest)):
            if self._may_grow(text[match.start() :]):
                return match.start()
        return len(text)

    def _may_grow(self, tail: str) -> bool:
        if tail[0].isalnum() and self._two_letters and tail[:2].lower() not in self._beginnings:
            return False
        if _PARTIAL.fullmatch(tail):
            return True
        opener = _WHOLE_OPENER.match(tail)
        shown = _GAP_RUN.sub("_", _PARTIAL.sub("", tail[opener.end() if opener else 0 :])).lower()
        if shown in self._beginnings:
            return True
        name, _, identity = shown.rpartition("_")
        return name in self._names and len(identity) <= ID_LENGTH and identity.isascii() and identity.isalnum()


def _extent(text: str, match: re.Match[str], opener: str, identity: str) -> Found:
    """With the closing bracket that goes with the opening one."""
    if opener.startswith("%"):
        return Found(match.start(), _behind(_CLOSE_URL, text, match.end()), identity, Coding.URL)
    if opener.startswith("&"):
        return Found(match.start(), _behind(_CLOSE_HTML, text, match.end()), identity, Coding.HTML)
    return _escaped(text, match, opener, identity)


def _escaped(text: str, match: re.Match[str], opener: str, identity: str) -> Found:
    """A placeholder with brackets as they are, behind backslashes, or as JSON escapes. Backslashes that stand for
    themselves stay: an escape takes one, two inside JSON in a string, four one level deeper."""
    run = len(opener) - len(opener.lstrip("\\"))
    if opener.lower().endswith("u005b"):
        taken = run & -run
        closer = _CLOSE_ESCAPED.match(text, match.end())
        fits = closer is not None and (closer[1] is None or len(closer[1]) == taken)
        end = closer.end() if closer is not None and fits else match.end()
        return Found(match.start() + run - taken, end, identity, Coding.PLAIN)
    closer = _CLOSE_MARKDOWN.match(text, match.end()) if run else None
    if closer is not None and len(closer[1]) <= run:
        return Found(match.start() + run - len(closer[1]), closer.end(), identity, Coding.PLAIN)
    end = match.end() + text.startswith("]", match.end())
    return Found(match.start() + run, end, identity, Coding.PLAIN)


def _behind(closer: re.Pattern[str], text: str, at: int) -> int:
    match = closer.match(text, at)
    return match.end() if match else at


@functools.lru_cache(maxsize=512)
def _spelled(entities: frozenset[Entity]) -> tuple[frozenset[str], frozenset[str]]:
    """The names as they stand with `_` for every gap, in small letters, and all their beginnings."""
    names = frozenset(spelled(entity).lower() for entity in entities)
    return names, frozenset(f"{name}_"[:length] for name in names for length in range(len(name) + 2))


@functools.lru_cache(maxsize=512)
def _core(entities: frozenset[Entity]) -> re.Pattern[str]:
    """An opening bracket or none, a name, a gap, an id. Whatever else touches it does not matter."""
    gap = f"{_UNIT}{{1,{_LONGEST_GAP}}}"
    names, _ = _spelled(entities)
    bent = "|".join(name.replace("_", gap) for name in sorted(names, key=lambda name: (-len(name), name)))
    return re.compile(rf"({_OPENER})?(?:{bent or '(?!)'}){gap}([0-9a-z]{{{ID_LENGTH}}})", re.IGNORECASE | re.ASCII)


def _longest(name: str) -> int:
    gap = _LONGEST_GAP * (4 + len("u005f"))
    return 2 * _LONGEST_OPENER + len(name) + (name.count("_") + 1) * gap + ID_LENGTH
