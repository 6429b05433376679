"""How deep inside strings a place of a running JSON text lies: 1 in a string, 2 in a string of a JSON document that is
itself written in a string, and so on. What is put there has to be escaped as often.

A string that only begins like a document (`["so`) counts as one: its end is not known yet."""

from __future__ import annotations

import re

_DEEPEST = 4
_QUOTE, _BACKSLASH = '"', "\\"
_SHORT_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}
_OPENS_DOCUMENT = "{["
_GOES_ON = '"{[]}-0123456789tfn'
_UNICODE_ESCAPE = 6
_HEXADECIMAL = re.compile("[0-9A-Fa-f]{4}")
_NO_DOCUMENT = "no"


class Nesting:
    """Reads a JSON text piece by piece. Text that is no JSON only makes `depth` meaningless."""

    __slots__ = ("_escape", "_first", "_in_string", "_inner", "_level")

    def __init__(self, level: int = 1) -> None:
        self._level = level
        self._in_string = False
        self._escape = ""
        self._first = ""  # the first character of the string, while it is open whether it holds a document
        self._inner: Nesting | None = None

    @property
    def depth(self) -> int:
        """0 outside of strings."""
        if not self._in_string:
            return 0
        return 1 + (self._inner.depth if self._inner is not None else 0)

    def feed(self, text: str) -> None:
        """Go on reading."""
        for letter in text:
            if not self._in_string:
                if letter == _QUOTE:
                    self._in_string, self._first, self._inner = True, "", None
            elif self._escape:
                self._escaped(letter)
            elif letter == _BACKSLASH:
                self._escape = letter
            elif letter == _QUOTE:
                self._in_string = False
            else:
                self._inside(letter)

    def _escaped(self, letter: str) -> None:
        self._escape += letter
        if self._escape[1] != "u":
            self._escape = ""
            self._inside(_SHORT_ESCAPES.get(letter, letter))
        elif len(self._escape) == _UNICODE_ESCAPE:
            escape, self._escape = self._escape, ""
            if _HEXADECIMAL.fullmatch(escape, 2):
                self._inside(chr(int.from_bytes(bytes.fromhex(escape[2:]), "big")))

    def _inside(self, letter: str) -> None:
        """One character of what a string says. A document begins with a bracket and then something that JSON allows
        behind one: a placeholder in brackets does not."""
        if self._inner is not None:
            self._inner.feed(letter)
        elif not letter.isspace() and self._first != _NO_DOCUMENT:
            if not self._first:
                self._first = letter if letter in _OPENS_DOCUMENT and self._level < _DEEPEST else _NO_DOCUMENT
            elif letter in _GOES_ON:
                self._inner = Nesting(self._level + 1)
                self._inner.feed(letter)
            else:
                self._first = _NO_DOCUMENT
