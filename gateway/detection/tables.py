"""What the head of a column says of the cells below it: `mrn,name` explains every row, however far down.

A table is a line of at least two short cells without digits, and the lines under it with as many cells: CSV with any
usual separator, or Markdown. In HTML a head explains the cells below it and those after it in its row. Read over a
whole text, since windows would leave the head behind.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from gateway.detection.candidates import Candidate
from gateway.detection.recognizers.records import LABELS, is_date

RECOGNIZER = "ColumnRecognizer"

_SEPARATORS = ",;\t|"
_LONGEST_HEAD = 40
_MOST_COLUMNS = 200
_LINE = re.compile(r"[^\n]+")
_WHOSE = "first|last|middle|full|given|family|sur|patient|customer|client|employee|member|contact|holder|guest"
_KIND = r"(?:[ _]?(?:no\.?|number|id|#))?"
_FORMS = (
    *((entity, rf"(?:{labels}){_KIND}") for entity, labels in LABELS),
    ("US_SSN", rf"(?:ssn|social[ _]?security){_KIND}"),
    ("PHONE_NUMBER", rf"(?:(?:tele|cell|mobile|home|work)?[ _]?phone|mobile){_KIND}"),
    ("PERSON", rf"(?:{_WHOSE})s?[ _]?name|cardholder"),
)
_HEADS = tuple((entity, re.compile(form, re.IGNORECASE)) for entity, form in _FORMS)
_NUMBER = re.compile(r"(?=(?:\D*\d){4})[+(]?[A-Za-z0-9][A-Za-z0-9 ./()-]{3,30}")
_WORDS = re.compile(r"[^\W\d_][\w'.\u2019-]*(?: [^\W\d_][\w'.\u2019-]*){0,4}")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_SCORE = 0.8
_TAG = re.compile(
    r"<(?P<tag>table|tr|th|td|dt|dd)\b[^<>]{0,500}>"
    r"(?:\s{0,40}<(?:a|b|div|em|font|i|p|small|span|strong)\b[^<>]{0,200}>){0,4}(?P<value>[^<>]{0,200})",
    re.IGNORECASE,
)
_ROWS = frozenset({"table", "tr", "dt"})
_HEAD_CELLS = frozenset({"th", "dt"})

Cell = tuple[int, int]
"""Start and end, exclusive, of what a cell holds, without quotes and spaces."""


@dataclass(frozen=True, slots=True)
class _Table:
    """The separator, how many cells a line has, and the entities of the columns that say one, by number."""

    separator: str
    width: int
    entities: dict[int, str]


def columns(text: str) -> Iterator[Candidate]:
    """The cells that the head of their column explains, or that of their row. Linear in the length of `text`."""
    yield from _in_lines(text)
    yield from _in_markup(text)


def _in_lines(text: str) -> Iterator[Candidate]:
    table: _Table | None = None
    for line in _LINE.finditer(text):
        if table is not None:
            cells = _cells(text, line.start(), line.end(), table.separator)
            if len(cells) == table.width:
                yield from _explained(text, cells, table)
                continue
        table = _head(text, line.start(), line.end())


def _head(text: str, start: int, end: int) -> _Table | None:
    """The table that begins with a line; None where none of its columns would explain anything."""
    separator = max(_SEPARATORS, key=lambda sign: text.count(sign, start, end))
    between = text.count(separator, start, end)
    if not 1 <= between < _MOST_COLUMNS or end - start > (between + 1) * (_LONGEST_HEAD + 4):
        return None
    cells = _cells(text, start, end, separator)
    heads = [text[a:b] for a, b in cells]
    if len(heads) < 2 or any(len(head) > _LONGEST_HEAD or any(map(str.isdigit, head)) for head in heads):
        return None
    entities = {number: entity for number, head in enumerate(heads) if (entity := _entity(head))}
    return _Table(separator, len(cells), entities) if entities else None


def _entity(head: str) -> str:
    """What the head of a column says of its cells; empty for nothing."""
    words = _CAMEL.sub(" ", head)
    return next((entity for entity, form in _HEADS if form.fullmatch(words)), "")


def _explained(text: str, cells: Sequence[Cell], table: _Table) -> Iterator[Candidate]:
    for number, entity in table.entities.items():
        start, end = cells[number]
        if _fits(text[start:end], entity):
            yield Candidate(start, end, entity, _SCORE, RECOGNIZER)


def _fits(value: str, entity: str) -> bool:
    if entity == "PERSON":
        return _WORDS.fullmatch(value) is not None
    return _NUMBER.fullmatch(value) is not None and not is_date(value)


def _in_markup(text: str) -> Iterator[Candidate]:
    """Cells of HTML: what says an entity is a head, wherever it stands, and explains until another takes its place."""
    below: dict[int, str] = {}
    number, beside = -1, ""
    for cell in _TAG.finditer(text):
        tag = cell["tag"].lower()
        if tag in _ROWS:
            number, beside = -1, ""
            below = {} if tag == "table" else below
        if tag in {"table", "tr"}:
            continue
        number = min(number + 1, _MOST_COLUMNS)
        start, end = _inner(text, *cell.span("value"))
        entity = _entity(text[start:end])
        if entity or tag in _HEAD_CELLS:
            # Beside a plain cell that says "first name" stands another head as likely as a name.
            below[number], beside = entity, entity if tag in _HEAD_CELLS or entity != "PERSON" else ""
            continue
        explains = beside or below.get(number, "")
        if explains and _fits(text[start:end], explains):
            yield Candidate(start, end, explains, _SCORE, RECOGNIZER)


def _cells(text: str, start: int, end: int, separator: str) -> list[Cell]:
    """The cells of a line; a separator within quotes separates nothing. The edges of a Markdown line are no cells."""
    cuts, quoted = [start - 1], False
    for at in range(start, end):
        if text[at] == '"':
            quoted = not quoted
        elif text[at] == separator and not quoted:
            cuts.append(at)
    cuts.append(end)
    cells = [_inner(text, before + 1, after) for before, after in pairwise(cuts)]
    return cells[1:-1] if separator == "|" and cells[0][0] == cells[0][1] and len(cells) > 2 else cells


def _inner(text: str, start: int, end: int) -> Cell:
    while start < end and text[start] in " \t\r\n\"'":
        start += 1
    while start < end and text[end - 1] in " \t\r\n\"'":
        end -= 1
    return start, end
