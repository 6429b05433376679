"""The language of the templates: text, slots as `{name}` or `{name:1}`, marked text as `[[Marie Curie|PUBLIC_FIGURE]]`.

A title before a slot of a person ("Dr. {name}") is labelled of itself, and so are the words that belong to an age.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

TOKEN = re.compile(
    r"(?P<brace>\{\{|\}\})"
    r"|(?P<title>\b(?:Mr|Mrs|Ms|Miss|Dr|Prof|[Dd]octor|Professor|Judge|Father|Herr|Frau|Sgt|Captain|PC|Sir|Lady)\b\.?)"
    r"(?= \{(?:name|first|last|public|namesake|scholar|character|fiction|mononym)\b| (?:and|&) Mrs?\.? \{)"
    r"|\[\[(?P<marked>[^|\[\]]+)\|(?P<label>[A-Z_]+)\]\]"
    r"|(?P<before>\b(?:an? |aged |age ))?\{age(?P<which>:\d+)?\}"
    r"(?P<after>[- ]?(?:years?[- ]olds?|y/o|yo|yrs?[- ]old|yrs?|years of age)\b)?"
    r"|\{(?P<slot>\w+)(?::(?P<number>\d+))?\}"
)


@dataclass(frozen=True, slots=True)
class Literal:
    """Text of the template itself; `label` is None where it is not marked."""

    text: str
    label: str | None = None


@dataclass(frozen=True, slots=True)
class Slot:
    """A value to fill in. Slots of one `number` belong together; `before` and `after` are part of the labelled span."""

    name: str
    number: str | None = None
    before: str = ""
    after: str = ""


@cache
def parse(template: str) -> tuple[Literal | Slot, ...]:
    """The parts of one template line."""
    text = template.replace("\\n", "\n").replace("\\t", "\t")
    parts: list[Literal | Slot] = []
    last = 0
    for match in TOKEN.finditer(text):
        parts.append(Literal(text[last : match.start()]))
        parts += _token(match, text)
        last = match.end()
    parts.append(Literal(text[last:]))
    return tuple(part for part in parts if part != Literal(""))


def _token(match: re.Match[str], text: str) -> list[Literal | Slot]:
    if match["brace"]:
        return [Literal(match["brace"][0])]
    if match["title"]:
        return [Literal(match["title"], "TITLE")]
    if match["marked"]:
        return [Literal(match["marked"], match["label"])]
    if match["slot"]:
        return [Slot(match["slot"], match["number"])]
    return _age(match, text)


def _age(match: re.Match[str], text: str) -> list[Literal | Slot]:
    """`{age}` with the words around it that belong to an age: "aged {age}", "{age}-year-old", "a {age} man"."""
    before, after = match["before"] or "", match["after"] or ""
    number = match["which"][1:] if match["which"] else None
    article = [Literal(before)] if before in {"a ", "an "} else []
    if article:
        before = ""
        after = after or ("-year-old" if text[match.end() : match.end() + 1] == " " else "")
    if before or after:
        return [*article, Slot("years", number, before, after)]
    return [*article, Slot("age", number)]
