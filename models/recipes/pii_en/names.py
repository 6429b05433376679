"""Names of people from many countries, in the ways that people write them.

Family names are split: one in ten (by its letters) occurs in the held-out part alone, the others in training alone.
"""

from __future__ import annotations

import importlib
import random
import re
import string
import tomllib
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from .words import words

ORIGINS = Path(__file__).parent / "lists" / "names.toml"
FAKER_WEIGHTS = {
    "en_US": 40, "en_GB": 8, "en_IE": 2, "en_IN": 4, "en_NZ": 2, "en_NG": 2, "en_KE": 2, "en_PK": 2,
    "es_ES": 5, "es_MX": 5, "es_AR": 2, "es_CO": 2, "es_CL": 1, "es_CA": 1, "pt_BR": 4, "pt_PT": 2, "fr_FR": 4,
    "fr_CA": 2, "fr_CH": 1, "fr_BE": 1, "fr_DZ": 1, "de_DE": 5, "de_AT": 2, "de_CH": 1, "it_IT": 4, "nl_NL": 3,
    "nl_BE": 1, "pl_PL": 3, "cs_CZ": 2, "sk_SK": 1, "sl_SI": 1, "hr_HR": 1, "hu_HU": 2, "ro_RO": 2, "sv_SE": 3,
    "no_NO": 2, "da_DK": 2, "fi_FI": 2, "is_IS": 1, "et_EE": 1, "lt_LT": 1, "lv_LV": 1, "tr_TR": 3, "az_AZ": 1,
    "uz_UZ": 1, "id_ID": 2, "vi_VN": 2, "zh_CN": 2, "ja_JP": 2, "yo_NG": 1, "ha_NG": 1, "ig_NG": 1, "tw_GH": 1,
    "zu_ZA": 1, "sw": 1, "ga_IE": 1,
}  # fmt: skip
SPECIAL = str.maketrans(
    {
        "ø": "o",
        "Ø": "O",
        "ł": "l",
        "Ł": "L",
        "ß": "ss",
        "đ": "d",
        "Đ": "D",
        "\u0131": "i",
        "æ": "ae",
        "Æ": "Ae",
        "ð": "d",
    }
)
NAME_TABLE = {kind: re.compile(rf"{kind}_|\w*{kind}_name") for kind in ("first", "last")}
PARTICLES = (
    "van", "van der", "van den", "van de", "de", "von", "von der", "zu", "da", "dos", "de la", "del", "de los",
    "di", "Di", "De", "De La", "Van", "Le", "La", "Mac", "al", "Al", "el", "El", "bin", "ibn", "ben", "ter", "ten",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Origin:
    """Given and family names that go together."""

    weight: float
    given: tuple[str, ...]
    family: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Person:
    """One person: a given name, a family name, and the full name as it is written."""

    first: str
    last: str
    full: str


def plain(text: str) -> str:
    """Letters without their marks: Müller as Muller, Łukasz as Lukasz."""
    marked = unicodedata.normalize("NFKD", text.translate(SPECIAL))
    return "".join(c for c in marked if not unicodedata.combining(c))


def is_held_out(family: str) -> bool:
    """Whether a family name belongs to the held-out part, however it is spelled."""
    return sum(map(ord, plain(family).lower())) % 10 == 0


@cache
def origins() -> tuple[Origin, ...]:
    """Every origin: Faker's person providers in Latin letters, and the recipe's own list."""
    own = tomllib.loads(ORIGINS.read_text(encoding="utf-8"))
    listed = [Origin(o["weight"], tuple(o["given"].split()), tuple(o["family"].split())) for o in own.values()]
    faked = [_faked(locale, weight) for locale, weight in FAKER_WEIGHTS.items()]
    return (*faked, *listed)


def _faked(locale: str, weight: float) -> Origin:
    provider = importlib.import_module(f"faker.providers.person.{locale}").Provider
    return Origin(weight, _latin(_values(provider, "first")), _latin(_values(provider, "last")))


def _values(provider: type, kind: str) -> Iterable[str]:
    """All values of a provider's tables of names; a table of triples holds the romanised form last."""
    for attribute in dir(provider):
        table = getattr(provider, attribute)
        if NAME_TABLE[kind].match(attribute) and isinstance(table, (dict, tuple, list)):
            yield from (value if isinstance(value, str) else value[-1] for value in table)


def _latin(names: Iterable[str]) -> tuple[str, ...]:
    """The names in Latin letters, each once, in a fixed order."""
    return tuple(sorted({n for n in names if len(n) > 1 and n[0].isupper() and all(_is_latin(c) for c in n)}))


def _is_latin(character: str) -> bool:
    return character in " -'." or ord(character) < 0x0250 or 0x1E00 <= ord(character) < 0x1F00


class Names:
    """Names of one part, from one random generator."""

    def __init__(self, rng: random.Random, part: str) -> None:
        self.rng = rng
        self.held_out = part != "train"
        self.weights = [origin.weight for origin in origins()]

    def first(self) -> str:
        """A given name."""
        return self._spelled(self._given(self._origin()))

    def last(self) -> str:
        """A family name of this part."""
        return self._family(self._origin())

    def name(self) -> str:
        """A full name in one of the ways that people write one."""
        return self.person().full

    def person(self) -> Person:
        """A person whose names mostly come from one country."""
        origin = self._origin()
        first = self._spelled(self._given(origin))
        last = self._family(origin if self.rng.random() < 0.85 else self._origin())
        return Person(first, last, self._full(first, last, origin))

    def _origin(self) -> Origin:
        return self.rng.choices(origins(), self.weights)[0]

    def _given(self, origin: Origin) -> str:
        roll = self.rng.random()
        if roll < 0.06:
            return self.rng.choice(words("nickname"))
        if roll < 0.10:
            return self._invented(2)
        name = self.rng.choice(origin.given)
        return f"{name}-{self.rng.choice(origin.given)}" if roll > 0.98 and "-" not in name else name

    def _family(self, origin: Origin) -> str:
        while True:
            roll = self.rng.random()
            name = self._invented(3) if roll < 0.05 else self.rng.choice(origin.family)
            if roll > 0.95:
                name = f"{self.rng.choice(PARTICLES)} {name}"
            name = self._spelled(name)
            if is_held_out(name) == self.held_out:
                return name

    def _invented(self, most: int) -> str:
        """A name that no list holds, so that form and context have to tell."""
        parts = [self.rng.choice(words("syllable")) for _ in range(self.rng.randint(2, most) if most > 2 else most)]
        return "".join(parts).capitalize()

    def _spelled(self, name: str) -> str:
        return plain(name) if not name.isascii() and self.rng.random() < 0.5 else name

    def _full(self, first: str, last: str, origin: Origin) -> str:
        if self.rng.random() < 0.66:
            return f"{first} {last}"
        initial, middle = self.rng.choice(string.ascii_uppercase), self._spelled(self.rng.choice(origin.given))
        return self.rng.choice(
            [
                f"{first} {initial}. {last}",
                f"{first} {initial}. {last}",
                f"{first} {initial} {last}",
                f"{first[0]}. {last}",
                f"{first[0]} {last}",
                f"{first} {middle} {last}",
                f"{first} {middle} {last}",
                f"{last}, {first}",
                f"{last}, {first} {initial}.",
                f"{last} {first}",
                f"{first} {last}-{self._family(origin)}",
                f"{first} {last} {self._family(origin)}",
                f"{first} {last} y {self._family(origin)}",
                f"{first[0]}.{initial}. {last}",
                f"{first[0]}. {initial}. {last}",
                f"{first} {last.upper()}",
                f"{last.upper()} {first}",
                f"{first} {last} {self.rng.choice(['Jr.', 'Jr', 'Sr.', 'II', 'III', 'IV'])}",
                f'{first} "{self.rng.choice(words("nickname"))}" {last}',
                f"{first} {last[0]}.",
            ]
        )
