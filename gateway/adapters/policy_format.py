"""The canonical form of policy files, with every comment kept.

Two spaces a level, keys of rules in one order, `{a: b}` as long as it fits into 120 columns and a line a key where it
does not, at most one empty line between two things. Scalars stay as they were written. A comment stays with the line
that it stands above or behind. Where a comment cannot stay (inside of braces, say), the file is left alone and the
place is told; and whatever comes out is read again and has to hold the same values and the same comments.
"""

from __future__ import annotations

import bisect
import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import yaml

from gateway.adapters.strict_yaml import Mark, PolicyError, load_strict, parse

WIDTH: Final = 120
_ORDER: Final[Mapping[str, Sequence[str]]] = {
    "": (
        *("apiVersion", "kind", "metadata", "scope", "labels", "destinations", "detectors", "answers"),
        *("alias", "rules", "cases", "default", "on_failure", "incapable"),
    ),
    "rules": (
        *("id", "reason", "severity", "controls", "mode", "shadow_until", "non_waivable"),
        *("when", "then", "tell_user"),
    ),
    "cases": ("id", "input", "facts", "alias", "expect"),
}
_HEADER = re.compile(r"[|>]-?")


@dataclass(frozen=True, slots=True)
class Formatted:
    """The canonical text of a file."""

    text: str


@dataclass(frozen=True, slots=True)
class Unformatted:
    """The file is left alone. `problems` is never empty."""

    problems: tuple[PolicyError, ...]


def format_policy(file: str, data: bytes) -> Formatted | Unformatted:
    """The canonical form of a policy file, its test or an exception. Formatting it again changes nothing."""
    parsed = parse(file, data)
    if parsed.problems:
        return Unformatted(tuple(sorted(set(parsed.problems))))
    text = data.decode("utf-8").replace("\r\n", "\n")
    try:
        source = _Source(text)
        out = _Writer(source).document()
        _same(data, out, source)
    except _CannotKeep as error:
        return Unformatted((PolicyError(file, error.mark.line, error.mark.column, "fmt", str(error)),))
    return Formatted(out)


class _CannotKeep(Exception):
    def __init__(self, message: str, mark: Mark) -> None:
        super().__init__(message)
        self.mark = mark


def _same(data: bytes, out: str, source: _Source) -> None:
    """Raises unless the new text says what the old one did, comments included."""
    again = parse("", out.encode())
    kept = not again.problems and load_strict(data, "") == load_strict(out.encode(), "")
    if not kept or Counter(_Source(out).comments) != Counter(source.comments):
        raise _CannotKeep("a comment or a value here cannot be kept in the canonical form", Mark(1, 1))


@dataclass(slots=True)
class _Entry:
    """A key or an item of a block: what stands above it and behind it."""

    node: yaml.Node
    value: yaml.Node
    above: list[str] = field(default_factory=list)
    behind: str = ""


class _Source:
    """A text as nodes with their places, and every comment with the entry that it belongs to."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.lines = text.split("\n")
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        if not isinstance(root, yaml.MappingNode):
            raise _CannotKeep("the file holds no mapping", Mark(1, 1))
        self.root: yaml.Node = root
        self.comments: list[str] = []
        self.footer: list[str] = []
        self.entries: dict[int, _Entry] = {}
        self._by_line: dict[int, list[_Entry]] = {}
        self._scalars: list[tuple[int, int]] = []
        self._flows: list[tuple[int, int]] = []
        self._starts = [0]
        for line in self.lines:
            self._starts.append(self._starts[-1] + len(line) + 1)
        self._visit(self.root)
        self._attach()

    def raw(self, node: yaml.Node) -> str:
        """What a node was written as."""
        return self.text[node.start_mark.index : node.end_mark.index]

    def _visit(self, node: yaml.Node) -> None:
        if isinstance(node, yaml.ScalarNode):
            start = node.start_mark.index
            self._scalars.append((start, start + len(self.raw(node).rstrip())))
            return
        if not _is_block(node) and not self._within(node.start_mark.index, self._flows):
            self._flows.append((node.start_mark.index, node.end_mark.index))
        for first, value in _children(node):
            if _is_block(node):
                entry = _Entry(first, value)
                self.entries[id(first)] = entry
                self._by_line.setdefault(first.start_mark.line, []).append(entry)
            if first is not value:
                self._visit(first)
            self._visit(value)

    def _attach(self) -> None:
        """Give each comment to an entry: one on a line of its own to what follows, another to what it stands behind."""
        waiting: list[str] = []
        latest: _Entry | None = None
        for number, line in enumerate(self.lines):
            at = self._comment_in(number)
            own = at >= 0 and not line[:at].strip()
            if own:
                self._not_inside(at, number)
                waiting.append(line[at:].rstrip())
                self.comments.append(waiting[-1])
                continue
            if not line.strip() and not self._within(self._starts[number], self._scalars):
                waiting.append("")
                continue
            started = self._by_line.get(number, [])
            if any(waiting) and not started:
                raise _CannotKeep("a comment in the middle of a value: put it above the key", Mark(number, 1))
            if started:
                started[0].above, latest = waiting, started[-1]
            waiting = []
            if at >= 0:
                self._not_inside(at, number)
                belongs = latest if started or (latest and not _is_block(latest.value)) else None
                self._behind(belongs, line[at:].rstrip(), Mark(number + 1, at + 1))
        self.footer = waiting

    def _behind(self, entry: _Entry | None, comment: str, mark: Mark) -> None:
        if entry is None or entry.behind or (entry.node is entry.value and _is_block(entry.value)):
            raise _CannotKeep("this comment belongs to no key: put it above one", mark)
        entry.behind = comment
        self.comments.append(comment)

    def _not_inside(self, at: int, number: int) -> None:
        if self._within(self._starts[number] + at, self._flows):
            raise _CannotKeep("a comment inside of braces or brackets: put it above the key", Mark(number + 1, at + 1))

    def _comment_in(self, number: int) -> int:
        """Where the comment of a line begins; -1 where it has none."""
        line, start = self.lines[number], self._starts[number]
        for found in re.finditer("#", line):
            at = found.start()
            if (at == 0 or line[at - 1].isspace()) and not self._within(start + at, self._scalars):
                return at
        return -1

    @staticmethod
    def _within(index: int, spans: Sequence[tuple[int, int]]) -> bool:
        """Whether one of these spans, which are sorted and apart, holds a place."""
        at = bisect.bisect_right(spans, index, key=lambda span: span[0]) - 1
        return at >= 0 and index < spans[at][1]


def _children(node: yaml.Node) -> list[tuple[yaml.Node, yaml.Node]]:
    """Keys with values of a mapping; each item of a sequence twice."""
    if isinstance(node, yaml.MappingNode):
        return [(key, value) for key, value in node.value]
    return [(item, item) for item in node.value]


def _is_block(node: yaml.Node) -> bool:
    return isinstance(node, yaml.CollectionNode) and not node.flow_style


class _Writer:
    def __init__(self, source: _Source) -> None:
        self._source = source

    def document(self) -> str:
        first = self._entry(*_children(self._source.root)[0])
        header, first.above = _squeezed(first.above), []
        lines = [*header, *self._mapping(self._source.root, 0, "")]
        lines += _squeezed(self._source.footer)
        return "\n".join(lines).strip("\n") + "\n"

    def _entry(self, first: yaml.Node, value: yaml.Node) -> _Entry:
        return self._source.entries.get(id(first)) or _Entry(first, value)

    def _mapping(self, node: yaml.Node, indent: int, where: str) -> list[str]:
        order = _ORDER.get(where, ())
        pairs = sorted(
            _children(node), key=lambda pair: order.index(k) if (k := pair[0].value) in order else len(order)
        )
        lines: list[str] = []
        for key, value in pairs:
            entry = self._entry(key, value)
            lines += self._above(entry, indent, first=not lines)
            lines += self._key(entry, indent, where)
        return lines

    def _key(self, entry: _Entry, indent: int, where: str) -> list[str]:
        head = f"{' ' * indent}{self._scalar(entry.node)}:"
        inner = str(entry.node.value) if not where and indent == 0 else "-"
        inline = self._inline(entry.value, len(head) + 1)
        if inline is not None:
            first, *rest = inline
            return [f"{head} {first}{_tail(entry)}", *(f"{' ' * (indent + 2)}{line}".rstrip() for line in rest)]
        return [f"{head}{_tail(entry)}", *self._block(entry.value, indent + 2, inner)]

    def _block(self, node: yaml.Node, indent: int, where: str) -> list[str]:
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, indent, where)
        lines: list[str] = []
        for item, _ in _children(node):
            lines += self._item(self._entry(item, item), indent, where, first=not lines)
        return lines

    def _item(self, entry: _Entry, indent: int, where: str, *, first: bool) -> list[str]:
        inline = self._inline(entry.value, indent + 2)
        if inline is None:
            body = self._block(entry.value, indent + 2, where)
        else:
            body = [f"{' ' * (indent + 2)}{line}".rstrip() for line in inline]
            body[0] += _tail(entry)
        start = next(i for i, line in enumerate(body) if not line.lstrip().startswith("#") or inline is not None)
        hoisted = [line[2:] for line in body[:start]]
        dashed = f"{' ' * indent}- {body[start][indent + 2 :]}"
        return [*self._above(entry, indent, first=first), *hoisted, dashed, *body[start + 1 :]]

    def _above(self, entry: _Entry, indent: int, *, first: bool) -> list[str]:
        lines = _squeezed(entry.above)
        while first and lines and not lines[0]:
            lines = lines[1:]
        return [f"{' ' * indent}{line}".rstrip() for line in lines]

    def _inline(self, node: yaml.Node, column: int) -> list[str] | None:
        """A value that begins on the line of its key, with its further lines; None for one that is written below."""
        if isinstance(node, yaml.ScalarNode):
            return self._folded(node) if node.style in ("|", ">") else [self._scalar(node)]
        if not _is_block(node) or not node.value:
            flow = self._flow(node)
            return [flow] if column + len(flow) <= WIDTH or not node.value else None
        return None

    def _flow(self, node: yaml.Node) -> str:
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node)
        if isinstance(node, yaml.MappingNode):
            return "{" + ", ".join(f"{self._scalar(k)}: {self._flow(v)}" for k, v in node.value) + "}"
        return "[" + ", ".join(self._flow(item) for item in node.value) + "]"

    def _scalar(self, node: yaml.Node) -> str:
        """As it was written; one that ran over several lines is put in quotes on one."""
        raw = self._source.raw(node).strip()
        if "\n" not in raw:
            return raw
        value = str(node.value)
        plain = value.isprintable() and "\\" not in value
        return "'" + value.replace("'", "''") + "'" if plain else json.dumps(value, ensure_ascii=False)

    def _folded(self, node: yaml.Node) -> list[str]:
        """A block of text: its lines as they were, without their indentation."""
        header, *lines = self._source.raw(node).rstrip().split("\n")
        if not _HEADER.fullmatch(header.strip()):
            mark = Mark(node.start_mark.line + 1, node.start_mark.column + 1)
            raise _CannotKeep("a block of text with a comment, a '+' or a number behind its sign", mark)
        margin = min((len(line) - len(line.lstrip(" ")) for line in lines if line.strip()), default=0)
        return [header.strip(), *(line[margin:] for line in lines)]


def _tail(entry: _Entry) -> str:
    return f"  {entry.behind}" if entry.behind else ""


def _squeezed(lines: Sequence[str]) -> list[str]:
    """Never two empty lines after each other."""
    return [line for i, line in enumerate(lines) if line or i == 0 or lines[i - 1]]
