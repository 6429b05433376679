"""Typed access to a YAML tree: every wrong type, unknown key and missing key becomes a problem with its place.

Where something cannot be read, a stand-in goes on in its place, so that all problems of a file are told at once. A
file with a problem never becomes a policy, so a stand-in never reaches a decision.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from datetime import date

from gateway.adapters.strict_yaml import (
    Mark,
    PolicyError,
    YamlFlag,
    YamlList,
    YamlMap,
    YamlNode,
    YamlNumber,
    YamlText,
    shown,
)

_LONGEST_TEXT = 4000


class Problems:
    """Collects the errors and warnings of one file."""

    def __init__(self, file: str) -> None:
        self._file = file
        self.errors: list[PolicyError] = []
        self.warnings: list[PolicyError] = []

    def error(self, mark: Mark, code: str, message: str) -> None:
        """Note what keeps the file from loading."""
        self.errors.append(PolicyError(self._file, mark.line, mark.column, code, message))

    def warn(self, mark: Mark, code: str, message: str) -> None:
        """Note what somebody should look at."""
        self.warnings.append(PolicyError(self._file, mark.line, mark.column, code, message))

    def unknown(self, mark: Mark, code: str, what: str, given: str, known: Iterable[str]) -> None:
        """Note a name that is none of `known`, with the nearest of them."""
        self.error(mark, code, f"unknown {what} {shown(given)}{did_you_mean(given, known)}")


def did_you_mean(given: str, known: Iterable[str]) -> str:
    """`: did you mean '...'?`, or the known names where none is near and they are few."""
    names = sorted(known)
    by_folded = {name.casefold(): name for name in names}
    near = difflib.get_close_matches(given.casefold(), by_folded, n=1, cutoff=0.6)
    if near:
        return f": did you mean '{by_folded[near[0]]}'?"
    return f": one of {', '.join(names)}" if 0 < len(names) <= 12 else ""


def text_of(problems: Problems, node: YamlNode, what: str) -> str:
    """The string that `node` is; empty, with a problem told, for anything else or an empty one."""
    if isinstance(node, YamlText):
        if not node.value.strip() or len(node.value) > _LONGEST_TEXT:
            problems.error(node.mark, "P005", f"{what} is empty or longer than {_LONGEST_TEXT} characters")
        return node.value
    bare = isinstance(node, YamlNumber | YamlFlag)
    problems.error(node.mark, "P005", f"{what} is a text{': put it in quotes' if bare else ''}")
    return ""


def texts_of(problems: Problems, node: YamlNode, what: str) -> tuple[tuple[Mark, str], ...]:
    """The strings of a non-empty list, each with its place; one string stands for a list of one."""
    if isinstance(node, YamlText):
        return ((node.mark, text_of(problems, node, what)),)
    if isinstance(node, YamlList) and node.items:
        return tuple((item.mark, text_of(problems, item, what)) for item in node.items)
    problems.error(node.mark, "P005", f"{what} is a text, or a list of at least one")
    return ()


def one_of(problems: Problems, node: YamlNode, what: str, known: Sequence[str], code: str = "P005") -> str:
    """The string of `node` where it is one of `known`, else the first of them, with a problem told."""
    value = text_of(problems, node, what)
    if value in known:
        return value
    if value:
        problems.unknown(node.mark, code, what.strip("'"), value, known)
    return known[0]


class Fields:
    """The keys of one mapping, all of them known. `what` names the mapping in messages."""

    def __init__(
        self, problems: Problems, node: YamlNode, what: str, *, required: Sequence[str], optional: Sequence[str] = ()
    ) -> None:
        self.problems = problems
        self.mark = node.mark
        self._what = what
        entries = node.entries if isinstance(node, YamlMap) else ()
        self._nodes = {entry.key: entry.value for entry in entries}
        if not isinstance(node, YamlMap):
            problems.error(node.mark, "P005", f"{what} is a mapping of keys to values")
            return
        known = (*required, *optional)
        for entry in entries:
            if entry.key not in known:
                problems.unknown(entry.mark, "P001", f"key in {what}:", entry.key, known)
        for key in required:
            if key not in self._nodes:
                problems.error(node.mark, "P006", f"{what} has no '{key}'")

    def __contains__(self, key: str) -> bool:
        return key in self._nodes

    def node(self, key: str) -> YamlNode:
        """The value of a key that is there."""
        return self._nodes[key]

    def place(self, key: str) -> Mark:
        """Where the value of `key` stands; where the mapping begins when the key is absent."""
        return self._nodes[key].mark if key in self._nodes else self.mark

    def text(self, key: str, default: str = "") -> str:
        """The text of `key`; `default` where it is absent."""
        return text_of(self.problems, self._nodes[key], f"'{key}'") if key in self else default

    def texts(self, key: str) -> tuple[tuple[Mark, str], ...]:
        """The texts of `key`, each with its place; none where it is absent."""
        return texts_of(self.problems, self._nodes[key], f"'{key}'") if key in self else ()

    def choice(self, key: str, known: Sequence[str], default: str = "", code: str = "P005") -> str:
        """The word of `key`, one of `known`; `default` (or the first word) where it is absent."""
        if key not in self:
            return default or known[0]
        return one_of(self.problems, self._nodes[key], f"'{key}'", known, code)

    def whole(self, key: str, low: int, high: int, default: int) -> int:
        """The whole number of `key`, between `low` and `high`; `default` where it is absent."""
        if key not in self:
            return default
        node = self._nodes[key]
        if isinstance(node, YamlNumber) and node.whole and low <= node.value <= high:
            return int(node.value)
        self.problems.error(node.mark, "P005", f"'{key}' is a whole number from {low} to {high}")
        return default

    def permille(self, key: str) -> int:
        """The share of `key`, above 0 and up to 1, in thousandths; 1000 where it is absent."""
        if key not in self:
            return 1000
        node = self._nodes[key]
        if isinstance(node, YamlNumber) and 0.001 <= node.value <= 1:
            return round(node.value * 1000)
        self.problems.error(node.mark, "P005", f"'{key}' is a number from 0.001 to 1")
        return 1000

    def flag(self, key: str) -> bool:
        """Whether `key` is `true`; false where it is absent."""
        if key not in self:
            return False
        node = self._nodes[key]
        if not isinstance(node, YamlFlag):
            self.problems.error(node.mark, "P005", f"'{key}' is true or false")
            return False
        return node.value

    def day(self, key: str) -> date:
        """The date of `key`, written YYYY-MM-DD; `date.max` where it is absent."""
        if key not in self:
            return date.max
        try:
            return date.fromisoformat(self.text(key))
        except ValueError:
            self.problems.error(self.place(key), "P005", f"'{key}' is a date, written YYYY-MM-DD")
            return date.max

    def entries(self, key: str) -> tuple[tuple[Mark, str, YamlNode], ...]:
        """The keys and values of the mapping at `key`; none where it is absent."""
        node = self._nodes.get(key, YamlMap(self.mark, ()))
        if not isinstance(node, YamlMap):
            self.problems.error(node.mark, "P005", f"'{key}' is a mapping of names to values")
            return ()
        return tuple((entry.mark, entry.key, entry.value) for entry in node.entries)

    def items(self, key: str) -> tuple[YamlNode, ...]:
        """The items of the list at `key`; none where it is absent."""
        node = self._nodes.get(key, YamlList(self.mark, ()))
        if not isinstance(node, YamlList):
            self.problems.error(node.mark, "P005", f"'{key}' is a list")
            return ()
        return node.items
