"""The same text as people and programs really send it: small letters, typos, odd spaces, quotes, markup, as JSON.

A text is a list of pieces, each with its label or None, so that a change of one piece cannot move a span.
"""

from __future__ import annotations

import json
import random
import re
from typing import TYPE_CHECKING

from .words import words

if TYPE_CHECKING:
    from .values import Values

Piece = tuple[str, str | None]
CURLY = str.maketrans({"'": "\u2019", "-": "\u2013"})
EMPHASIS = (
    ("**", "**"),
    ("*", "*"),
    ("`", "`"),
    ('"', '"'),
    ("'", "'"),
    ("_", "_"),
    ("(", ")"),
    ("[", "]"),
    ("<b>", "</b>"),
    ("«", "»"),
)


class Variations:
    """Changes to pieces, from one random generator."""

    def __init__(self, values: Values) -> None:
        self.values = values
        self.rng: random.Random = values.rng

    def varied(self, pieces: list[Piece]) -> list[Piece]:
        """One filled template in one of the ways in which people type."""
        roll = self.rng.random()
        if roll < 0.62:
            return pieces
        changes = (
            (0.74, self._lower),
            (0.77, self._upper),
            (0.81, self._spoken),
            (0.86, self._typos),
            (0.90, self._spaced),
            (0.94, self._emphasised),
            (0.96, self._curly),
            (0.98, self._capitals),
            (1.01, self._quoted),
        )
        return next(change for limit, change in changes if roll < limit)(pieces)

    def wrapped(self, pieces: list[Piece]) -> list[Piece]:
        """A whole text: mostly as it is, else after a request, inside quotes, a message or a string of a program."""
        roll = self.rng.random()
        if roll < 0.82:
            return pieces
        if roll < 0.92:
            return [(self.rng.choice(words("request")) + self.rng.choice([" ", "\n", "\n\n"]), None), *pieces]
        if roll < 0.94:
            return [*pieces, ("\n\n" + self.rng.choice(words("request")).rstrip(":"), None)]
        if roll < 0.96:
            return [(self.rng.choice(['"""', '"', "```\n", "<text>", "<p>", "> "]), None), *pieces]
        return self._in_json(pieces)

    def _lower(self, pieces: list[Piece]) -> list[Piece]:
        return [(text.lower(), label) for text, label in pieces]

    def _upper(self, pieces: list[Piece]) -> list[Piece]:
        return [(text.upper(), label) for text, label in pieces]

    def _spoken(self, pieces: list[Piece]) -> list[Piece]:
        """A transcript: small letters without marks, but those inside values stay."""
        return [(text.lower() if label else re.sub(r"[^\w\s@#:/-]", "", text).lower(), label) for text, label in pieces]

    def _typos(self, pieces: list[Piece]) -> list[Piece]:
        return [(text if label else self._mistyped(text), label) for text, label in pieces]

    def _mistyped(self, text: str) -> str:
        """A letter in 25 left out, doubled or swapped for another."""
        slips = (lambda _: "", lambda c: c * 2, lambda _: self.rng.choice("aeinorst"))
        return "".join(self.rng.choice(slips)(c) if c.isalpha() and self.rng.random() < 0.04 else c for c in text)

    def _spaced(self, pieces: list[Piece]) -> list[Piece]:
        """More, fewer or other spaces between the words around the values."""
        new = self.rng.choice(["  ", "\n", "   ", "\t", " \n", "\u00a0"])
        return [
            (text if label else "".join(new if c == " " and self.rng.random() < 0.3 else c for c in text), label)
            for text, label in pieces
        ]

    def _emphasised(self, pieces: list[Piece]) -> list[Piece]:
        """Marks around the values, as in Markdown or HTML."""
        before, after = self.rng.choice(EMPHASIS)
        out: list[Piece] = []
        for text, label in pieces:
            out += [(before, None), (text, label), (after, None)] if label else [(text, label)]
        return out

    def _curly(self, pieces: list[Piece]) -> list[Piece]:
        return [(re.sub(r'"([^"]*)"', "“\\1”", text).translate(CURLY), label) for text, label in pieces]

    def _capitals(self, pieces: list[Piece]) -> list[Piece]:
        """Names in capitals in a text that is not, as forms print them."""
        return [
            (text.upper() if label in {"PERSON", "STREET_ADDRESS", "LOCATION"} else text, label)
            for text, label in pieces
        ]

    def _quoted(self, pieces: list[Piece]) -> list[Piece]:
        """Lines of an answered e-mail, a list, or a comment; a value over several lines is left alone."""
        mark = self.rng.choice(["> ", ">> ", "- ", "* ", "# ", "// ", "    ", "| "])
        return [(mark, None), *[(text if label else text.replace("\n", "\n" + mark), label) for text, label in pieces]]

    def _in_json(self, pieces: list[Piece]) -> list[Piece]:
        """A string in JSON: escaping goes character by character, so pieces can be escaped one by one."""
        ascii_only = self.rng.random() < 0.3
        inside = [(json.dumps(text, ensure_ascii=ascii_only)[1:-1], label) for text, label in pieces]
        key = self.rng.choice(
            ["content", "text", "message", "body", "note", "input", "prompt", "comment", "description"]
        )
        head = self.rng.choice(
            ['{{"role": "user", "{0}": "', '{{"{0}": "', '{{"id": 17, "{0}":"', '[{{"{0}": "', '"{0}": "']
        )
        return [(head.format(key), None), *inside, ('"}', None)]
