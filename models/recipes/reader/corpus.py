"""Generated texts with fields to read from them, and where each field's value stands.

    for case in cases(20_000, seed=1, part="train"): ...

Four kinds of text: sentences of this recipe, single statements of the recipe `embedded` put together, templates of
`pii_en` whose slots are called by the word before them, and lists of "name: value". One template in seven, and the family names that
`pii_en` holds out, are never in "train".
"""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from models.recipes.pii_en import slots as pii_slots
from models.recipes.pii_en.generate import templates as pii_templates

from .values import Values

TEMPLATES = Path(__file__).parent / "templates"
STATEMENTS = Path(__file__).parent.parent / "embedded" / "templates"
SLOT = re.compile(r"\{(\w+)(?::([^}]*))?\}")
MARK = re.compile(r"\ue000(\d+)\ue001(.*?)\ue002", re.DOTALL)
"""A value in a text that is not finished: its number, and itself."""
MOST_FIELDS = 6
KINDS = {"person": "name", "number": "n", "noun": "topic"}
GENERIC = ("The {k} is {v}.", "{k}: {v}", "Our {k} is {v}.", "{v} is the {k}.", "As {k} we chose {v}.", "{k} = {v}", "the {k} ({v}) is known",
           "For the {k} please take {v}.", "Her {k}, {v}, did not change.", "{k} {v}", "My {k} is {v}, by the way.", "Please note the {k} {v}.",
           "with {k} {v}", "{k} #{v}", "{k} was {v}")  # fmt: skip
NUMBERED = ("", "", "", " number", " id", " no", " ref", " code")
CALLED = {
    "id": ("reference", "id", "number"), "phone": ("phone", "phone number", "telephone"), "email": ("email", "email address"),
    "amount": ("amount", "sum", "price"), "date": ("date", "day"), "day": ("date", "day"), "time": ("time", "hour"), "city": ("city", "town", "place"),
    "org": ("company", "organisation", "employer"), "company": ("company", "firm"), "hospital": ("hospital", "clinic"), "bank": ("bank",),
    "school": ("school", "university"), "address": ("address", "postal address"), "street": ("street", "address"), "zip": ("zip code", "postcode"),
    "iban": ("iban", "account"), "card": ("card number", "card"), "ip": ("ip address", "ip"), "name": ("name", "person", "full name"),
    "country": ("country",), "dose": ("dose", "dosage"), "drug": ("drug", "medication"), "condition": ("diagnosis", "condition"),
    "jobtitle": ("job title", "position", "job"), "dob": ("date of birth", "birthday"), "version": ("version",), "url": ("url", "link"),
    "plate": ("licence plate", "plate"), "weekday": ("day", "weekday"), "product": ("product", "item"), "ssn": ("ssn", "social security number"),
    "percent": ("percentage", "rate"), "duration": ("duration", "period"), "handle": ("username", "handle"), "uuid": ("uuid", "id"),
    "nationality": ("nationality",), "state": ("state", "province"), "vehicle": ("vehicle", "car"), "years": ("age",), "age": ("age",),
}  # fmt: skip
STOP = frozenset(
    [
        "a",
        "an",
        "the",
        "of",
        "to",
        "in",
        "on",
        "at",
        "by",
        "for",
        "from",
        "with",
        "and",
        "or",
        "is",
        "was",
        "my",
        "your",
        "our",
        "his",
        "her",
        "their",
        "its",
        "as",
        "that",
        "this",
        "since",
        "until",
        "has",
        "have",
        "had",
        "are",
        "be",
    ]
)


@dataclass(frozen=True, slots=True)
class Case:
    """A text, and fields as (name, where its value stands in characters; None where the text has none)."""

    text: str
    fields: tuple[tuple[str, tuple[int, int] | None], ...]


def held_out(template: str) -> bool:
    """Whether a template belongs to the held-out part."""
    return hashlib.sha256(template.encode()).digest()[0] < 256 // 7


@cache
def lines(path: Path, part: str) -> tuple[str, ...]:
    """The templates of one part in a file."""
    every = path.read_text(encoding="utf-8").splitlines()
    return tuple(line for line in every if line and line[0] not in "#=" and held_out(line) != (part == "train"))


@cache
def statements(part: str) -> tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...]:
    """(kind of value, names of the field, sentences) of the recipe `embedded`."""
    out: list[tuple[str, tuple[str, ...], list[str]]] = []
    for line in (STATEMENTS / "fields.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("=="):
            _, kind, keys = (each.strip() for each in line[2:].split("|"))
            out.append((KINDS.get(kind, kind), tuple(spoken(key) for key in keys.split(",")), []))
        elif line and line[0] != "#" and held_out(line) != (part == "train"):
            out[-1][2].append(line)
    return tuple((kind, keys, tuple(said)) for kind, keys, said in out if said)


@cache
def keys() -> tuple[tuple[str, tuple[str, ...]], ...]:
    """(kind, names of one meaning)."""
    out = []
    for line in (TEMPLATES / "keys.txt").read_text(encoding="utf-8").splitlines():
        if line and line[0] != "#":
            kind, _, names = line.partition(">")
            out.append((kind.strip(), tuple(name.strip() for name in names.split(","))))
    return tuple(out)


def spoken(name: str) -> str:
    """A field's name as words in small letters: `dueDate`, `due_date` and "Due date" are "due date"."""
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", name)
    return " ".join(re.sub(r"[_\-./]+", " ", parted).lower().split())


class Corpus:
    """Makes cases of one part from one seed."""

    def __init__(self, seed: int, part: str) -> None:
        self.part, self.rng = part, random.Random(f"{seed} {part} reader")
        self.values = Values(seed, part)
        self.sentences = lines(TEMPLATES / "sentences.txt", part)
        self.filler = lines(STATEMENTS / "filler.txt", part)
        self.statements = statements(part)
        self.called = [template for group in pii_templates(part).values() for template in group if _nameable(template)]

    def case(self) -> Case:
        """One text with its fields."""
        make = self.rng.choices((self._sentence, self._statements, self._list, self._called), (42, 26, 18, 14))[0]
        text, found = make()
        if self.rng.random() < 0.3:
            text = self._among(text)
        text, places = unmark(text)
        found = {name: number for name, number in found.items() if number in places}
        return Case(self._worn(text), self._asked(found, places))

    def _worn(self, text: str) -> str:
        return text.lower() if self.rng.random() < 0.06 else text

    def _asked(
        self, found: dict[str, int], places: dict[int, tuple[int, int]]
    ) -> tuple[tuple[str, tuple[int, int] | None], ...]:
        """Some of the fields, in any order, and now and then one that the text does not have."""
        names = self.rng.sample(sorted(found), min(len(found), self.rng.randint(1, MOST_FIELDS)))
        asked: list[tuple[str, tuple[int, int] | None]] = [(name, places[found[name]]) for name in names]
        near = {word for name in found for word in name.split()} | set(found)
        for _ in range(self.rng.choice((0, 0, 0, 1, 1, 2))):
            absent = self.rng.choice(self.rng.choice(keys())[1])
            if not near & {absent, *absent.split()}:
                near.add(absent)
                asked.insert(self.rng.randint(0, len(asked)), (absent, None))
        return tuple(asked[: MOST_FIELDS + 1])

    def _put(self, kind: str, number: int) -> str:
        value = self.values.draw(kind)
        return f"\ue000{number}\ue001{value}\ue002"

    def _value(self, kind: str) -> str:
        return (
            self.values.draw(KINDS.get(kind, kind))
            if KINDS.get(kind, kind) in self.values.makers
            else self.values.draw("topic")
        )

    def _sentence(self) -> tuple[str, dict[str, int]]:
        found: dict[str, int] = {}
        number = 0

        def put(match: re.Match[str]) -> str:
            nonlocal number
            if match[2] is None:
                return self._value(match[1])
            number += 1
            names = [name.strip() for name in match[2].split(",")]
            free = [name for name in names if name not in found] or names[:1]
            found[self._styled(free[0] if self.rng.random() < 0.4 else self.rng.choice(free))] = number
            return self._put(match[1], number)

        text = SLOT.sub(put, self.rng.choice(self.sentences).replace("\\n", "\n"))
        return text, found

    def _styled(self, name: str) -> str:
        """Now and then the name as people lengthen it."""
        roll = self.rng.random()
        if roll < 0.05:
            return (
                f"{name} name"
                if name in {"customer", "patient", "company", "contact", "supplier", "driver"}
                else f"the {name}"
            )
        return f"{name} as written in the text" if roll > 0.985 else name

    def _statements(self) -> tuple[str, dict[str, int]]:
        found: dict[str, int] = {}
        said: list[str] = []
        for number in range(1, self.rng.choice((2, 2, 3, 3, 4, 5)) + 1):
            kind, names, sentences = self.rng.choice(self.statements)
            if self.rng.random() < 0.25:
                name, saying = self._free_name(), self.rng.choice(GENERIC)
                kind = self.rng.choice(
                    ("code", "name", "digits", "date", "amount", "n", "city", "product", "code", "time", "company")
                )
                saying = saying.replace("{k}", name)
            else:
                name, saying = self.rng.choice(names), self.rng.choice(sentences)
            if name in found or set(names) & set(found):
                continue
            found[name] = number
            value = self._put(kind if kind in self.values.makers else "topic", number)
            said.append(SLOT.sub(lambda slot, put=value: put if slot[1] == "v" else self._value(slot[1]), saying))
        return self._joined(said), found

    def _free_name(self) -> str:
        """A name of a field that nobody has thought of: a word or two."""
        word = (
            self.rng.choice(self.rng.choice(keys())[1])
            if self.rng.random() < 0.4
            else self.values.draw(self.rng.choice(("thing", "subject", "label", "ident")))
        )
        return spoken(word) + self.rng.choice(NUMBERED)

    def _list(self) -> tuple[str, dict[str, int]]:
        rng = self.rng
        found: dict[str, int] = {}
        rows: list[tuple[str, str]] = []
        style = rng.choice(
            (
                str.capitalize,
                str.title,
                str.lower,
                str.upper,
                lambda name: name.replace(" ", "_"),
                _camel,
                str.capitalize,
            )
        )
        for number, (kind, names) in enumerate(rng.sample(keys(), rng.randint(2, 8)), 1):
            shown = rng.choice(names)
            asked = shown if rng.random() < 0.55 else rng.choice(names)
            if asked not in found:
                found[asked] = number
                rows.append((style(shown), self._put(kind, number)))
        joint, between = rng.choice(((": ", "\n"), (": ", "\n"), (": ", "\n"), (" = ", "\n"), (": ", ", "), (": ", "; "), ("\t", "\n"), (" | ", "\n"), ("=", " "), (" - ", "\n"),
                                     (":\n", "\n\n"), ('": "', '", "'), (" ", ", ")))  # fmt: skip
        text = between.join(f"{name}{joint}{value}" for name, value in rows)
        return ('{"' + text + '"}' if joint == '": "' else text), found

    def _called(self) -> tuple[str, dict[str, int]]:
        """A template of `pii_en`, whose slots are called by the word before them or by their kind."""
        found: dict[str, int] = {}
        text, number, held = "", 0, ""
        parts = pii_slots.parse(self.rng.choice(self.called))
        kinds = [part.name for part in parts if isinstance(part, pii_slots.Slot)]
        for part in parts:
            if isinstance(part, pii_slots.Literal):
                titled = part.label == "TITLE"
                held = (
                    part.text
                    if titled
                    else held + part.text
                    if held and part.text == " "
                    else held
                    if not part.text
                    else ""
                )
                text += "" if titled or (held and part.text == " ") else part.text
                continue
            number += 1
            name = self._name_for(part.name, text, single=kinds.count(part.name) == 1)
            value = held + self.values.draw("plain_name" if part.name == "name" else part.name)
            held = ""
            if name and name not in found:
                found[name] = number
                value = f"\ue000{number}\ue001{part.before + value + part.after}\ue002"
            else:
                value = part.before + value + part.after
            text += value
        return text + held, found

    def _name_for(self, kind: str, before: str, *, single: bool) -> str:
        """What the slot after `before` is called; nothing when it has no clear name."""
        word = re.search(r"([A-Za-z]{3,14})\s?(?:(?:no|nr|number|id|ID)\.?)?[:#]?\s?$", before)
        if (
            word
            and word[1].lower() not in STOP
            and kind in CALLED
            and kind
            in {"id", "num", "phone", "version", "date", "code", "plate"}
            | ({kind} if before.rstrip().endswith(":") else set())
        ):
            return spoken(word[1]) + (self.rng.choice(NUMBERED) if kind == "id" else "")
        return self.rng.choice(CALLED[kind]) if single and kind in CALLED else ""

    def _among(self, text: str) -> str:
        before = [self.rng.choice(self.filler) for _ in range(self.rng.choice((0, 0, 1, 2, 4)))]
        after = [self.rng.choice(self.filler) for _ in range(self.rng.choice((0, 1, 2)))]
        joint = self.rng.choice((" ", "\n", "\n\n"))
        return joint.join(SLOT.sub(lambda slot: self._value(slot[1]), each) for each in (*before, text, *after) if each)

    def _joined(self, said: list[str]) -> str:
        style = self.rng.random()
        if style < 0.5:
            return " ".join(each if each[-1] in ".!?:,;" else each + "." for each in said)
        if style < 0.75:
            return "\n".join(said)
        return (
            "; ".join(each.rstrip(".") for each in said)
            if style < 0.85
            else ", ".join(each.rstrip(".") for each in said)
        )


def _camel(name: str) -> str:
    first, *rest = name.split()
    return first + "".join(word.capitalize() for word in rest)


def _nameable(template: str) -> bool:
    slots = [
        part.name for part in pii_slots.parse(template) if isinstance(part, pii_slots.Slot) and part.number is None
    ]
    return sum(slots.count(slot) == 1 and slot in CALLED for slot in slots) >= 2 and len(template) < 400


def unmark(text: str) -> tuple[str, dict[int, tuple[int, int]]]:
    """The finished text, and where each marked value stands."""
    places: dict[int, tuple[int, int]] = {}
    out, last, size = [], 0, 0
    for mark in MARK.finditer(text):
        out += [text[last : mark.start()], mark[2]]
        size += mark.start() - last
        places[int(mark[1])] = (size, size + len(mark[2]))
        size += len(mark[2])
        last = mark.end()
    return "".join((*out, text[last:])), places


def cases(count: int, seed: int, part: str) -> Iterator[Case]:
    """`count` cases of "train" or "dev" that ask for something."""
    corpus = Corpus(seed, part)
    made = 0
    while made < count:
        case = corpus.case()
        if case.fields and any(place for _, place in case.fields):
            made += 1
            yield case
