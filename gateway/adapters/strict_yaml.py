"""YAML without its traps, as a tree in which every node knows its line and column.

YAML turns a duplicate key silently into the last one, `no` into false and `0777` into 511, and lets one line pull in
another through an anchor. In a policy file each of these is a way around a rule, so each is refused (`P002`, `P003`);
what is not YAML at all is `P004`. All problems of a text are collected, not only the first. No alias is ever expanded.
"""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass
from typing import NoReturn, assert_never

import yaml

from gateway.domain.strict_json import Json

MAX_BYTES = 1 << 20
"""The largest file that is read."""

_MAX_DEPTH = 32
_LONGEST_ECHO = 60
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,17})")
_DECIMAL = re.compile(r"-?(?:0|[1-9][0-9]{0,17})\.[0-9]{1,18}")
_FLAGS = {"true": True, "false": False}
_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null", "~", "="})
_NUMBER_LIKE = re.compile(
    r"[-+]?(?:[0-9][0-9_]*(?:\.[0-9_]*)?(?:e[-+]?[0-9]+)?|\.[0-9][0-9_]*(?:e[-+]?[0-9]+)?|\.inf"
    r"|0x[0-9a-f_]+|0o?[0-7_]+|0b[01_]+|[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?)|\.nan",
    re.IGNORECASE,
)
_HIDDEN_BREAKS = re.compile("\r(?!\n)|[\x85\u2028\u2029]")
_HIDDEN_ORDER = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")


@dataclass(frozen=True, slots=True, order=True)
class PolicyError:
    """One problem in one file. `line` and `column` count from 1; 0 where the whole file is meant."""

    file: str
    line: int
    column: int
    code: str
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column} {self.code} {self.message}"


@dataclass(frozen=True, slots=True)
class Mark:
    """Where a node begins, counted from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class YamlText:
    """A string: quoted, a block, or a bare one that YAML reads as nothing else."""

    mark: Mark
    value: str


@dataclass(frozen=True, slots=True)
class YamlNumber:
    """A bare number in decimal writing. `whole` tells whether it was written without a point."""

    mark: Mark
    value: float
    whole: bool


@dataclass(frozen=True, slots=True)
class YamlFlag:
    """A bare `true` or `false`."""

    mark: Mark
    value: bool


@dataclass(frozen=True, slots=True)
class YamlList:
    """A sequence."""

    mark: Mark
    items: tuple[YamlNode, ...]


@dataclass(frozen=True, slots=True)
class YamlEntry:
    """One key of a mapping with its value. `mark` is the key's."""

    mark: Mark
    key: str
    value: YamlNode


@dataclass(frozen=True, slots=True)
class YamlMap:
    """A mapping: keys are strings, and no key stands twice."""

    mark: Mark
    entries: tuple[YamlEntry, ...]


YamlNode = YamlText | YamlNumber | YamlFlag | YamlList | YamlMap


@dataclass(frozen=True, slots=True)
class Parsed:
    """The tree of a file, and all that is wrong with it as YAML. A tree with problems is good for telling more
    problems, and for nothing else."""

    root: YamlMap
    problems: tuple[PolicyError, ...]


def parse(file: str, data: bytes) -> Parsed:
    """The one document of a file as a mapping. Never raises: what is wrong is in `problems`."""
    return _Builder(file).document(data)


class YamlError(Exception):
    """A file is not YAML, or has one of its traps. The message names each problem with its place, a line each."""


def load_strict(data: bytes, file: str) -> Json:
    """The one document of a file as plain values: for files that have a validator of their own. Raises `YamlError`."""
    parsed = parse(file, data)
    if parsed.problems:
        raise YamlError("\n".join(str(problem) for problem in parsed.problems))
    return _plain(parsed.root)


def _plain(node: YamlNode) -> Json:
    match node:
        case YamlMap():
            return {entry.key: _plain(entry.value) for entry in node.entries}
        case YamlList():
            return [_plain(item) for item in node.items]
        case YamlNumber():
            return int(node.value) if node.whole else node.value
        case YamlText() | YamlFlag():
            return node.value
        case _:
            assert_never(node)


def shown(text: str) -> str:
    """`text` as it may stand in a message: in quotes, escaped and short."""
    short = text if len(text) <= _LONGEST_ECHO else text[:_LONGEST_ECHO] + "..."
    return "'" + short.encode("unicode_escape").decode("ascii").replace("'", "\\'") + "'"


class _Open:
    """A collection that has begun and not yet ended."""

    __slots__ = ("entries", "items", "key", "keys", "mark")

    def __init__(self, mark: Mark) -> None:
        self.mark = mark
        self.items: list[YamlNode] = []


class _OpenMap(_Open):
    __slots__ = ()

    def __init__(self, mark: Mark) -> None:
        super().__init__(mark)
        self.entries: list[YamlEntry] = []
        self.keys: set[str] = set()
        self.key: YamlText | None = None


class _Stop(Exception):
    """Reading on would tell nothing more."""


class _Builder:
    def __init__(self, file: str) -> None:
        self._file = file
        self._problems: list[PolicyError] = []
        self._open: list[_Open] = []
        self._root: YamlMap | None = None
        self._documents = 0

    def document(self, data: bytes) -> Parsed:
        with contextlib.suppress(_Stop):
            self._read(self._decoded(data))
        if self._root is None and not self._problems:
            self._add(Mark(1, 1), "P004", "the file holds no mapping")
        return Parsed(self._root or YamlMap(Mark(1, 1), ()), tuple(self._problems))

    def _decoded(self, data: bytes) -> str:
        if len(data) > MAX_BYTES:
            self._stop(Mark(0, 0), "P004", "the file is larger than 1 MiB")
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
            self._stop(Mark(line, 1), "P004", "the file is not text in UTF-8")
        for pattern, what in ((_HIDDEN_BREAKS, "a line break"), (_HIDDEN_ORDER, "a control of text order")):
            for found in pattern.finditer(text):
                message = f"{what} that an editor does not show: {shown(found.group())}"
                self._add(_place(text, found.start()), "P003", message)
        return text

    def _read(self, text: str) -> None:
        try:
            for event in yaml.parse(text, Loader=_Loader):
                self._event(event)
        except yaml.reader.ReaderError as error:
            self._stop(_place(text, error.position), "P004", "a character that YAML does not allow")
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            at = Mark(mark.line + 1, mark.column + 1) if mark else Mark(1, 1)
            self._stop(at, "P004", f"not YAML: {error.problem or error.context}")

    def _event(self, event: yaml.Event) -> None:
        mark = _mark(event)
        match event:
            case yaml.DocumentStartEvent():
                self._document_start(event, mark)
            case yaml.AliasEvent():
                self._add(mark, "P003", f"the alias *{event.anchor}: write the value out")
                self._node(YamlText(mark, ""), mark)
            case yaml.ScalarEvent():
                self._decorations(event, mark)
                self._node(self._scalar(event, mark), mark)
            case yaml.MappingStartEvent() | yaml.SequenceStartEvent():
                self._decorations(event, mark)
                self._begin(_OpenMap(mark) if isinstance(event, yaml.MappingStartEvent) else _Open(mark))
            case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                self._end()
            case _:
                pass  # the stream's own start and end say nothing

    def _document_start(self, event: yaml.DocumentStartEvent, mark: Mark) -> None:
        self._documents += 1
        if self._documents > 1:
            self._stop(mark, "P003", "a second document in one file: give it a file of its own")
        if event.version or event.tags:
            self._add(mark, "P003", "a % directive")

    def _decorations(self, event: yaml.ScalarEvent | yaml.CollectionStartEvent, mark: Mark) -> None:
        if event.anchor:
            self._add(mark, "P003", f"the anchor &{event.anchor}: write the value out where it is used")
        if event.tag:
            self._add(mark, "P003", f"the tag {shown(event.tag)}")

    def _scalar(self, event: yaml.ScalarEvent, mark: Mark) -> YamlText | YamlNumber | YamlFlag:
        value = event.value
        if event.style or event.tag:
            return YamlText(mark, value)
        if value in _FLAGS:
            return YamlFlag(mark, _FLAGS[value])
        if _INTEGER.fullmatch(value) and value != "-0":
            return YamlNumber(mark, int(value), whole=True)
        if _DECIMAL.fullmatch(value):
            return YamlNumber(mark, float(value), whole=False)
        if value.casefold() in _WORDS or _NUMBER_LIKE.fullmatch(value):
            message = f"YAML reads the bare {shown(value)} as something else: write true or false, or put it in quotes"
            self._add(mark, "P003", message)
        elif not value:
            self._add(mark, "P003", "a key without a value, which YAML reads as null")
        return YamlText(mark, value)

    def _begin(self, opened: _Open) -> None:
        if len(self._open) >= _MAX_DEPTH:
            self._stop(opened.mark, "P004", "nested too deeply")
        self._open.append(opened)

    def _end(self) -> None:
        done = self._open.pop()
        if isinstance(done, _OpenMap):
            self._node(YamlMap(done.mark, tuple(done.entries)), done.mark)
        else:
            self._node(YamlList(done.mark, tuple(done.items)), done.mark)

    def _node(self, node: YamlNode, mark: Mark) -> None:
        if not self._open:
            self._finish(node)
            return
        parent = self._open[-1]
        if not isinstance(parent, _OpenMap):
            parent.items.append(node)
        elif parent.key is None:
            parent.key = self._key(node, mark)
        else:
            self._entry(parent, parent.key, node)

    def _key(self, node: YamlNode, mark: Mark) -> YamlText:
        if isinstance(node, YamlText):
            if node.value == "<<":
                self._add(mark, "P003", "a merge key: write the values out")
            return node
        self._add(mark, "P003", "a key that is not a plain word: put it in quotes")
        return YamlText(mark, "")

    def _entry(self, parent: _OpenMap, key: YamlText, node: YamlNode) -> None:
        parent.key = None
        if key.value in parent.keys and key.value:
            message = f"the key {shown(key.value)} stands twice: YAML would silently keep the last one"
            self._add(key.mark, "P002", message)
            return
        parent.keys.add(key.value)
        parent.entries.append(YamlEntry(key.mark, key.value, node))

    def _finish(self, node: YamlNode) -> None:
        if isinstance(node, YamlMap):
            self._root = node
        elif not self._problems:
            self._add(node.mark, "P004", "the file holds no mapping")

    def _add(self, mark: Mark, code: str, message: str) -> None:
        self._problems.append(PolicyError(self._file, mark.line, mark.column, code, message))

    def _stop(self, mark: Mark, code: str, message: str) -> NoReturn:
        self._add(mark, code, message)
        raise _Stop


def _mark(event: yaml.Event) -> Mark:
    start = event.start_mark
    return Mark(start.line + 1, start.column + 1) if start else Mark(0, 0)


def _place(text: str, position: int) -> Mark:
    before = text[:position]
    return Mark(before.count("\n") + 1, position - (before.rfind("\n") + 1) + 1)
