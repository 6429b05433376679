"""Finds in an answer the surrogates that stood in its request.

A model may write one in capitals, put an 's behind it, use one word of a person's name, or group the digits of a number
anew. A word is only found as a whole word: `Selk` is not found in `Selkirk`.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import dataclass

from gateway.domain.surrogate_shapes import SHAPES, Kind, Surrogates

_ESCAPE = r'\\(?:u[0-9a-fA-F]{4}|["\\/bfnrt])'
_HALF_ESCAPE = re.compile(r"(\\+)(u[0-9a-fA-F]{0,3})?\Z")
_ESCAPE_HORIZON = 64
_REST_OF_WORD = re.compile(r"[^\W_]*")
_START_OF_TOKEN = re.compile(r"(?<![^\W_])[A-Za-z0-9]|[+(]")
_START_IN_JSON = re.compile(
    r"(?:(?<![^\W_])|(?<=\\[bfnrt])|(?<=\\u[0-9a-fA-F]{4}))[A-Za-z0-9]|[+(]"
)  # also right behind an escape


@dataclass(frozen=True, slots=True)
class Seen:
    """Characters `start` to `end` (exclusive) stand for `value`."""

    start: int
    end: int
    value: str


class SurrogateReader:
    """Finds the surrogates of one request. `json_escaped` is for text that is itself JSON."""

    def __init__(self, surrogates: Surrogates, *, json_escaped: bool) -> None:
        self._surrogates = surrogates
        self._kinds = [kind for kind in Kind if kind in surrogates.values]
        self._sorted = {kind: sorted(surrogates.values[kind]) for kind in self._kinds}
        shapes = "|".join(f"(?P<{kind.value}>(?a:{SHAPES[kind].pattern}))(?![^\\W_])" for kind in self._kinds)
        escape = f"(?P<escape>{_ESCAPE})|" if json_escaped else ""
        self._tokens = re.compile(rf"{escape}{shapes}|[^\W_]+", re.IGNORECASE)
        self._starts = _START_IN_JSON if json_escaped else _START_OF_TOKEN
        self._json = json_escaped
        self.longest = max((SHAPES[kind].longest for kind in self._kinds), default=0)

    def found(self, text: str, start: int, stop: int, *, inside: bool) -> tuple[list[Seen], int, bool]:
        """The surrogates between `start` and `stop`; how far that is certain, which is not to `stop` where one goes on
        behind it; and whether it lies inside a word. `inside`: `start` does."""
        seen: list[Seen] = []
        at = _match_end(text, start) if inside else start
        if at >= stop:
            return seen, stop, inside
        inside = False
        for match in self._tokens.finditer(text, at):
            if match.start() >= stop:
                break
            kind = match.lastgroup
            inside = kind != "escape" and match.end() >= stop
            if kind is not None and kind != "escape":
                if match.end() > stop:
                    return seen, match.start(), False
                value = self._value(Kind(kind), match.group())
                seen += [Seen(match.start(), match.end(), value)] if value is not None else []
        return seen, stop, inside

    def _value(self, kind: Kind, shown: str) -> str | None:
        exact = self._surrogates.writings.get(shown)
        if exact is not None:
            return exact
        value = self._surrogates.values[kind].get(SHAPES[kind].key(shown))
        if value is None or kind is not Kind.WORD:
            return value
        if shown.isupper():
            return value.upper()
        return value.title() if value.islower() and not shown.islower() else value

    def grows(self, text: str, start: int) -> int:
        """From where on the end of `text`, not before `start`, is or may become the beginning of a surrogate, or a
        whole one that may still go on. The length of `text` if it ends in nothing of the kind."""
        at = max(start, len(text) - self.longest)
        end = self.aligned(text, start, len(text))
        for match in self._starts.finditer(text, at, end):
            if self._may_grow(text[match.start() : end]):
                return match.start()
        return end

    def aligned(self, text: str, start: int, cut: int) -> int:
        """`cut`, or the beginning of the escape that it would divide. There is none across `start`."""
        half = _HALF_ESCAPE.search(text, max(start, cut - _ESCAPE_HORIZON), cut) if self._json else None
        return cut if half is None or len(half[1]) % 2 == 0 else half.end(1) - 1

    def _may_grow(self, tail: str) -> bool:
        for kind in self._kinds:
            shape = SHAPES[kind]
            if shape.tail.fullmatch(tail):
                key = shape.key(tail)
                known = self._sorted[kind]
                place = bisect_left(known, key)
                if place < len(known) and known[place].startswith(key):
                    return True
        return False


def _match_end(text: str, start: int) -> int:
    match = _REST_OF_WORD.match(text, start)
    return match.end() if match else start
