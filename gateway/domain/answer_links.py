"""Addresses in an answer that a client would fetch (images) or offer to click (links): in Markdown, HTML and styles.

Clients read more than they should: escapes of JSON and Markdown, HTML entities, line breaks and backslashes in the
middle of an address. So an address is looked for in the text as it stands and with its escapes undone, and what cannot
be told apart (a link inside an image's words, say) counts as an image. All searches are linear.
"""

from __future__ import annotations

import html
import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit


class LinkKind(StrEnum):
    """Addresses that a client fetches by itself, and those that somebody has to click."""

    IMAGES = "images"
    LINKS = "links"


@dataclass(frozen=True, slots=True)
class Link:
    """Characters `start` to `end` (exclusive) of a text are an address of these kinds, or a list of some."""

    start: int
    end: int
    kinds: frozenset[LinkKind]
    addresses: tuple[str, ...]


_IMAGE, _CLICK = frozenset({LinkKind.IMAGES}), frozenset({LinkKind.LINKS})
_EITHER = _IMAGE | _CLICK

_DEPTH = 3  # escapes of Markdown, inside JSON, inside JSON
_ESCAPE = re.compile(
    r"\\u(?P<hex>[0-9a-fA-F]{4})|\\(?P<space>[nrtbf])|\\(?P<mark>[!-/:-@\[-`{-~])"
    r"|&(?:\#[0-9]{1,7};?|\#[xX][0-9a-fA-F]{1,6};?|[A-Za-z][A-Za-z0-9]{1,31};)"
)
_OUTSIDE = re.compile(r"[a-z][a-z0-9+.-]*:|//", re.IGNORECASE)
_IGNORED = re.compile(r"[\t\n\r]")  # by browsers, also in the middle
_AROUND = "".join(map(chr, range(33)))

_DESTINATION = r"<?([^\s()<>]+(?:\([^\s()]*\)[^\s()<>]*)*)"
_BRACKET = re.compile(rf"\\.|!\[|\[|\]\(\s*{_DESTINATION}|\]|[`<]|\n[ \t]*\n", re.DOTALL)
_REFERENCE = re.compile(r"^[ \t>*+0-9.)-]{0,40}\[(?:[^\[\]\\]|\\.){1,999}\]:\s*<?([^\s<>]+)", re.MULTILINE | re.DOTALL)
"""The address of `![text][name]` stands at another place, and may be one of an image or of a link."""
_TAGS = re.compile(
    r"<(?P<tag>[a-z][a-z0-9:-]*)"
    r"|(?<=[\s/\"';])(?P<name>src|srcset|imagesrcset|href|xlink:href|data|poster|background|action|formaction|url)"
    r"\s*=\s*(?:\"(?P<double>[^\"<>]+)|'(?P<single>[^'<>]+)|(?P<bare>[^\s\"'<>]+))",
    re.IGNORECASE,
)
_TAG_REACH = 2000
_STYLES = re.compile(r"(?:url\(|image-set\(|@import)\s*[\"']?([^\s\"'()<>;]+)", re.IGNORECASE)
_BARE = re.compile(r"\b((?:(?:https?|ftp|wss?)://|www\.)[^\s<>\"')\]}]+)", re.IGNORECASE)


def links_of(text: str) -> Iterator[Link]:
    """Every address that leads out. Places may overlap."""
    seen: _Seen | None = _Seen(text, ())
    for _ in range(1 + _DEPTH):
        if seen is not None:
            yield from _links(seen)
            seen = _unescaped(seen)


def is_at(address: str, hosts: Sequence[str]) -> bool:
    """Whether an address is one of these hosts (`*.example.com`: below it), for every client alike."""
    if "\\" in address or not address.isprintable():
        return False
    try:
        host = (urlsplit(f"https:{address}" if address.startswith("//") else address).hostname or "").lower()
    except ValueError:
        return False
    return any(host == allowed or (allowed.startswith("*.") and host.endswith(allowed[1:])) for allowed in hosts)


@dataclass(frozen=True, slots=True)
class _Seen:
    """A text with escapes undone. `moves`: from which of its characters on the text it was made of continues where, for
    each time that escapes were undone."""

    text: str
    moves: tuple[tuple[Sequence[int], Sequence[int]], ...]

    def place(self, at: int) -> int:
        """Where in the answer's own text a character of this one stands."""
        for here, there in reversed(self.moves):
            nearest = bisect_right(here, at) - 1
            at = there[nearest] + at - here[nearest]
        return at


def _unescaped(seen: _Seen) -> _Seen | None:
    """The text with its escapes undone; None where it has none."""
    parts: list[str] = []
    here, there = [0], [0]
    at = length = 0
    for match in _ESCAPE.finditer(seen.text):
        shown = _shown(match)
        if shown == match.group():
            continue
        parts += [seen.text[at : match.start()], shown]
        length += match.start() - at
        here += [length, length + len(shown)]
        there += [match.start(), match.end()]
        length += len(shown)
        at = match.end()
    if not parts:
        return None
    return _Seen("".join([*parts, seen.text[at:]]), (*seen.moves, (here, there)))


def _shown(escape: re.Match[str]) -> str:
    if escape["hex"]:
        return chr(int(escape["hex"], 16))
    if escape["space"]:
        return "\n" if escape["space"] == "n" else " "
    return escape["mark"] or html.unescape(escape.group())


def _links(seen: _Seen) -> Iterator[Link]:
    text = seen.text
    found = [*_inline(text), *_attributes(text)]
    found += [(match.span(1), _EITHER) for match in _REFERENCE.finditer(text)]
    found += [(match.span(1), _IMAGE) for match in _STYLES.finditer(text)]
    for (start, end), kinds in found:
        if addresses := _leading_out(text[start:end]):
            yield Link(seen.place(start), seen.place(end), kinds, addresses)
    for match in _BARE.finditer(text):
        address = f"//{match[1]}" if match[1][:4].lower() == "www." else match[1]
        yield Link(seen.place(match.start(1)), seen.place(match.end(1)), _CLICK, (address,))


_Found = tuple[tuple[int, int], frozenset[LinkKind]]


def _inline(text: str) -> Iterator[_Found]:
    """Markdown's inline links. While an image is open in a block, a link may be its own; so may be all that follow it
    where code or HTML hides which bracket belongs to which."""
    opened: list[bool] = []  # for each open bracket whether it is an image's
    images = 0
    hidden = False
    for match in _BRACKET.finditer(text):
        seen = match.group()
        if seen in ("[", "!["):
            opened.append(seen == "![")
            images += opened[-1]
        elif seen in ("`", "<"):
            hidden = True
        elif seen.startswith("\n"):
            opened, images, hidden = [], 0, False
        elif seen.startswith("]"):
            if match.lastindex:
                yield match.span(1), _IMAGE if images else _CLICK
            if opened and not hidden:
                images -= opened.pop()


def _attributes(text: str) -> Iterator[_Found]:
    """Attributes of HTML tags that hold addresses. What is no anchor's is fetched."""
    tag, since = "", -_TAG_REACH
    for match in _TAGS.finditer(text):
        if match["tag"]:
            tag, since = match["tag"].lower(), match.start()
        elif match.start() - since < _TAG_REACH:
            clicked = match["name"].lower() == "href" and tag in {"a", "area"}
            yield match.span(match.lastgroup or ""), _CLICK if clicked else _IMAGE


def _leading_out(destination: str) -> tuple[str, ...]:
    """The addresses of other places in a destination, as a client reads them: `srcset` holds several."""
    shown = html.unescape(_IGNORED.sub("", destination)).strip(_AROUND)
    addresses = [each.strip(",") for each in shown.split()]
    return tuple(each for each in addresses if _OUTSIDE.match(each.replace("\\", "/")))
