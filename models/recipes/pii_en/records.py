"""Records built field by field: JSON, YAML, CSV, SQL, XML, logs, forms and tables, whose field names tell the labels."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from .values import LABELS, PARTS

if TYPE_CHECKING:
    from .names import Person
    from .values import Values
    from .variations import Piece

FIELDS = Path(__file__).parent / "fields.txt"
PERSONAL = frozenset(LABELS)
TABLES = (
    "customers",
    "users",
    "employees",
    "patients",
    "contacts",
    "orders",
    "members",
    "leads",
    "accounts",
    "tenants",
    "events",
)


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a record: its slot, and its name in words."""

    slot: str
    name: str


Row = list[tuple[Field, str]]


@cache
def fields() -> dict[str, tuple[str, ...]]:
    """The names of the fields by slot."""
    lines = [line for line in FIELDS.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    return {
        slot: tuple(name.strip() for name in names.split(","))
        for slot, _, names in (line.partition(":") for line in lines)
    }


def _camel(words: list[str]) -> str:
    return words[0].lower() + "".join(word.capitalize() for word in words[1:])


STYLES: tuple[Callable[[list[str]], str], ...] = (
    _camel,
    _camel,
    lambda words: "_".join(words).lower(),
    lambda words: "_".join(words).lower(),
    lambda words: "".join(word.capitalize() for word in words),
    lambda words: "-".join(words).lower(),
    lambda words: "_".join(words).upper(),
    lambda words: " ".join(word.capitalize() for word in words),
    lambda words: " ".join(words).capitalize(),
    lambda words: " ".join(words).lower(),
    lambda words: " ".join(words).upper(),
)
FREE = STYLES[-4:]
"""Styles with spaces, as forms and headings have them."""


class Records:
    """Records from one random generator."""

    def __init__(self, values: Values) -> None:
        self.values, self.rng = values, values.rng
        self.layouts: tuple[Callable[[], list[Piece]], ...] = (
            self._json, self._json, self._json, self._yaml, self._csv, self._csv, self._csv, self._markdown, self._sql,
            self._sql_update, self._xml, self._log, self._form, self._form, self._form, self._bullets, self._dict, self._call,
            self._pipes, self._html, self._query, self._sentences,
        )  # fmt: skip

    def record(self) -> list[Piece]:
        """One record or several of one kind, as pieces."""
        return self.rng.choice(self.layouts)()

    def _fields(self, least: int, most: int, styles: tuple[Callable[[list[str]], str], ...] = STYLES) -> list[Field]:
        """Distinct fields in one naming style; a few records hold nothing personal."""
        style = self.rng.choice(styles)
        slots = list(fields())
        if self.rng.random() < 0.15:
            slots = [slot for slot in slots if slot not in PERSONAL]
            chosen = self.rng.sample(slots, self.rng.randint(least, most))
        else:
            head = self.rng.choice([["name"], ["name"], ["first", "last"], ["last", "first"], []])
            rest = [slot for slot in slots if slot not in head]
            chosen = head + self.rng.sample(rest, max(1, self.rng.randint(least, most) - len(head)))
            if self.rng.random() < 0.3:
                self.rng.shuffle(chosen)
        return [Field(slot, style(self.rng.choice(fields()[slot]).split())) for slot in chosen]

    def _row(self, chosen: list[Field]) -> Row:
        """One value of each field; names and e-mail addresses of one row mostly belong to one person."""
        person: Person = self.values.names.person()
        return [(field, self._value(field, person)) for field in chosen]

    def _value(self, field: Field, person: Person) -> str:
        if self.rng.random() < 0.03:
            return self.rng.choice(["", "N/A", "null", "unknown", "-", "none"])
        if field.slot in PARTS and self.rng.random() < 0.8:
            return self.values.part_of(person, field.slot)
        return self.values.draw(field.slot)

    def _piece(self, field: Field, value: str, text: str | None = None) -> Piece:
        """The value as a piece, written as `text` where the format escapes it; empty values carry no label."""
        absent = value in {"", "N/A", "null", "unknown", "-", "none"}
        return (value if text is None else text, None if absent else LABELS.get(field.slot))

    def _json_pairs(self, row: Row, joint: str, colon: str) -> list[Piece]:
        out: list[Piece] = []
        ascii_only = self.rng.random() < 0.2
        for number, (field, value) in enumerate(row):
            bare = value.isdigit() and len(value) < 8 and not value.startswith("0") and self.rng.random() < 0.6
            quote = "" if bare else '"'
            out.append((f'{joint if number else ""}"{field.name}"{colon}{quote}', None))
            out.append(self._piece(field, value, json.dumps(value, ensure_ascii=ascii_only)[1:-1]))
            out.append((quote, None))
        return out

    def _json(self) -> list[Piece]:
        chosen = self._fields(2, 9)
        indent = self.rng.choice(["", "", "  ", "    "])
        colon = self.rng.choice([": ", ": ", ":"])
        joint = f",\n{indent}" if indent else self.rng.choice([", ", ","])
        head, tail = ("{\n" + indent, "\n}") if indent else ("{", "}")
        if self.rng.random() < 0.3:
            outer = self.rng.choice(["customer", "user", "data", "patient", "employee", "payload", "contact"])
            head, tail = f'{{"{outer}"{colon}{head}', tail + "}"
        count = self.rng.choice([1, 1, 1, 2, 3])
        out: list[Piece] = [("[" if count > 1 else "", None)]
        for number in range(count):
            out += [
                ((", " if number else "") + head, None),
                *self._json_pairs(self._row(chosen), joint, colon),
                (tail, None),
            ]
        return [*out, ("]" if count > 1 else "", None)]

    def _yaml(self) -> list[Piece]:
        root = self.rng.choice(["", "customer:\n", "contact:\n", "---\n", "user:\n", "- "])
        indent = "  " if root not in {"", "---\n"} else ""
        out: list[Piece] = [(root, None)]
        quote = self.rng.choice(["", "", '"', "'"])
        for number, (field, value) in enumerate(self._row(self._fields(2, 7))):
            margin = "" if root == "- " and not number else indent
            out += [(f"{margin}{field.name}: {quote}", None), self._piece(field, value), (quote + "\n", None)]
        return out

    def _csv(self) -> list[Piece]:
        chosen = self._fields(2, 8)
        comma = self.rng.choice([",", ",", ",", ";", "\t", "|", ", "])
        out: list[Piece] = []
        if self.rng.random() < 0.85:
            out.append((comma.join(field.name for field in chosen) + "\n", None))
        always = self.rng.random() < 0.15
        for _ in range(self.rng.randint(1, 6)):
            for number, (field, value) in enumerate(self._row(chosen)):
                text = " ".join(value.split())
                quote = '"' if always or (comma.strip() or comma) in text else ""
                out += [((comma if number else "") + quote, None), self._piece(field, value, text), (quote, None)]
            out.append(("\n", None))
        return out

    def _markdown(self) -> list[Piece]:
        chosen = self._fields(2, 5, FREE)
        out: list[Piece] = [("| " + " | ".join(field.name for field in chosen) + " |\n|" + "---|" * len(chosen), None)]
        for _ in range(self.rng.randint(1, 5)):
            out.append(("\n", None))
            for field, value in self._row(chosen):
                out += [("| ", None), self._piece(field, " ".join(value.split())), (" ", None)]
            out.append(("|", None))
        return out

    def _sql(self) -> list[Piece]:
        chosen = self._fields(2, 6, STYLES[2:4])
        names = ", ".join(field.name for field in chosen)
        out: list[Piece] = [(f"INSERT INTO {self.rng.choice(TABLES)} ({names}) VALUES", None)]
        for number in range(self.rng.choice([1, 1, 2, 3])):
            out.append((", (" if number else " (", None))
            out += self._sql_values(self._row(chosen))
            out.append((")", None))
        return [*out, (";", None)]

    def _sql_values(self, row: Row) -> list[Piece]:
        out: list[Piece] = []
        for number, (field, value) in enumerate(row):
            quote = "" if value.isdigit() else "'"
            escaped = " ".join(value.split()).replace("'", "''")
            out += [((", " if number else "") + quote, None), self._piece(field, value, escaped), (quote, None)]
        return out

    def _sql_update(self) -> list[Piece]:
        first, second = self._row(self._fields(2, 2, STYLES[2:4]))[:2]
        table = self.rng.choice(TABLES)
        layouts = [f"UPDATE {table} SET {first[0].name} = ", f"SELECT * FROM {table} WHERE {first[0].name} = "]
        verb = self.rng.choice([0, 1])
        link = f" {'WHERE' if verb == 0 else self.rng.choice(['AND', 'OR'])} {second[0].name} = "
        return [
            (layouts[verb], None),
            *self._sql_values([first]),
            (link, None),
            *self._sql_values([second]),
            (";", None),
        ]

    def _xml(self) -> list[Piece]:
        root = self.rng.choice(["person", "customer", "Patient", "record", "employee", "Contact"])
        out: list[Piece] = [(f"<{root}>", None)]
        gap = self.rng.choice(["", "\n  "])
        for field, value in self._row(self._fields(2, 7, STYLES[:6])):
            escaped = value.replace("&", "&amp;").replace("<", "&lt;")
            out += [(f"{gap}<{field.name}>", None), self._piece(field, value, escaped), (f"</{field.name}>", None)]
        return [*out, (("\n" if gap else "") + f"</{root}>", None)]

    def _log(self) -> list[Piece]:
        stamp: Piece = (self.values.dates.timestamp(), "DATE_TIME")
        level = self.rng.choice(["INFO", "DEBUG", "WARN", "ERROR", "[info]", "level=info"])
        event = self.rng.choice(
            ["login", "order created", "request", "lookup failed for", "profile updated", "event=signup"]
        )
        out: list[Piece] = [stamp, (f" {level} {event}", None)]
        for field, value in self._row(self._fields(2, 5, STYLES[:4])):
            quote = '"' if " " in value else ""
            out += [(f" {field.name}={quote}", None), self._piece(field, " ".join(value.split())), (quote, None)]
        return out

    def _form(self) -> list[Piece]:
        """ "Name: value" lines, with the looks of forms."""
        after = self.rng.choice([": ", ": ", ": ", ":\t", " - ", " = ", ":\n", "........ ", " : ", "\t", ":", " | "])
        before, end = self.rng.choice(
            [("", "\n"), ("", "\n"), ("", "\n"), ("", "; "), ("", ", "), ("", "\n\n"), ("**", "\n")]
        )
        if before:
            after = f":{before} "
        out: list[Piece] = [
            (self.rng.choice(["", "", "", "REGISTRATION FORM\n\n", "== Details ==\n", "Patient Information\n"]), None)
        ]
        for field, value in self._row(self._fields(2, 9, FREE)):
            out += [(f"{before}{field.name}{after}", None), self._piece(field, value), (end, None)]
        return out

    def _bullets(self) -> list[Piece]:
        mark = self.rng.choice(["- ", "* ", "• ", "\u2013 "])
        out: list[Piece] = []
        for field, value in self._row(self._fields(2, 6, FREE)):
            out += [(f"{mark}{field.name}: ", None), self._piece(field, value), ("\n", None)]
        return out

    def _dict(self) -> list[Piece]:
        variable = self.rng.choice(["user", "customer", "row", "payload", "expected", "record", "data", "TEST_USER"])
        out: list[Piece] = [(f"{variable} = {{", None)]
        for number, (field, value) in enumerate(self._row(self._fields(2, 6, STYLES[:4]))):
            escaped = value.replace("'", "\\'").replace("\n", "\\n")
            out += [
                (f"{', ' if number else ''}'{field.name}': '", None),
                self._piece(field, value, escaped),
                ("'", None),
            ]
        return [*out, ("}", None)]

    def _call(self) -> list[Piece]:
        """A constructor in some program, with values as strings."""
        called = self.rng.choice(
            ["Customer(", "new User(", "createPatient(", "Person.create(", "assert_equal(", "Contact.new("]
        )
        between = self.rng.choice(["=", ": ", " => "])
        out: list[Piece] = [(called, None)]
        for number, (field, value) in enumerate(self._row(self._fields(2, 5, STYLES[:4]))):
            escaped = value.replace('"', '\\"').replace("\n", "\\n")
            out += [
                (f'{", " if number else ""}{field.name}{between}"', None),
                self._piece(field, value, escaped),
                ('"', None),
            ]
        return [*out, (")", None)]

    def _pipes(self) -> list[Piece]:
        """Values alone, without the names of their fields."""
        joint = self.rng.choice([" | ", " / ", "; ", ", ", " - ", "\n", "\t", " · "])
        out: list[Piece] = []
        for number, (field, value) in enumerate(self._row(self._fields(2, 6))):
            out += [(joint if number else "", None), self._piece(field, value)]
        return out

    def _html(self) -> list[Piece]:
        out: list[Piece] = [("<table>", None)]
        for field, value in self._row(self._fields(2, 5, FREE)):
            lines = value.replace("&", "&amp;")
            out += [(f"<tr><td>{field.name}</td><td>", None), self._piece(field, value, lines), ("</td></tr>", None)]
        return [*out, ("</table>", None)]

    def _query(self) -> list[Piece]:
        """A query string or an environment file; spaces stay, as people paste them."""
        joint = self.rng.choice(["&", "\n", " "])
        out: list[Piece] = []
        for number, (field, value) in enumerate(self._row(self._fields(2, 5, STYLES[:7]))):
            out += [(f"{joint if number else ''}{field.name}=", None), self._piece(field, " ".join(value.split()))]
        return out

    def _sentences(self) -> list[Piece]:
        """The field names as words of a sentence: "The billing address is ..."."""
        out: list[Piece] = []
        for field, value in self._row(self._fields(2, 5, FREE[2:3])):
            link = self.rng.choice([" is ", ": ", " was changed to ", " = ", " should be ", " listed as "])
            out += [
                (self.rng.choice(["The ", "Their ", "my ", "the ", ""]) + field.name + link, None),
                self._piece(field, value),
                (self.rng.choice([". ", ", ", "\n"]), None),
            ]
        return out
