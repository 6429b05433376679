"""Addresses as each country writes them: streets, towns, regions, postcodes, and whole addresses in many layouts."""

from __future__ import annotations

import random
import string
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from faker import Faker

from .words import words

COUNTRIES = Path(__file__).parent / "countries.toml"
FAKER_LOCALES = (
    "en_US", "en_US", "en_GB", "en_CA", "en_AU", "en_IN", "en_NZ", "en_IE", "de_DE", "de_AT", "de_CH", "fr_FR",
    "it_IT", "es_ES", "es_MX", "nl_NL", "pl_PL", "pt_BR", "sv_SE", "no_NO", "da_DK", "fi_FI", "cs_CZ", "hu_HU",
    "ro_RO", "hr_HR", "sl_SI", "tr_TR", "id_ID",
)  # fmt: skip
UNITS = (
    "Apt {}", "Apt. {}", "Apartment {}", "Apt #{}", "apt {}", "Suite {}", "Ste {}", "Ste. {}", "Unit {}", "#{}",
    "# {}", "Room {}", "Rm {}", "Floor {}", "Fl {}", "Bldg {}", "Lot {}", "Trlr {}", "Unit #{}",
)  # fmt: skip
FLATS = ("Flat {}", "Flat {}", "Apartment {}", "Unit {}", "Suite {}", "Floor {}", "Studio {}", "Room {}")
BUILDINGS = (
    "Rectory", "Bakery", "Post Office", "Vicarage", "School House", "Mill", "Forge", "Barn", "Coach House", "Stables",
)  # fmt: skip
DIRECTIONS = ("N", "S", "E", "W", "N.", "S.", "E.", "W.", "NE", "NW", "SE", "SW", "North", "South", "East", "West")
SEPARATORS = (", ", ", ", ", ", "\n", "\n", "\n", ",\n", " ", "\n  ", "; ", " - ", "\n\n", ",", " / ")


SHORT_STATES = ("USA", "Canada", "Australia")


@dataclass(frozen=True, slots=True)
class Country:
    """The table of one country."""

    names: tuple[str, ...]
    words: tuple[str, ...]
    types: tuple[str, ...]
    street: tuple[str, ...]
    cities: tuple[str, ...]
    regions: tuple[tuple[str, str], ...]
    postcode: tuple[str, ...]
    address: tuple[str, ...]


@cache
def countries() -> tuple[tuple[Country, ...], tuple[float, ...]]:
    """Every country and its weight."""
    tables = tomllib.loads(COUNTRIES.read_text(encoding="utf-8")).values()
    return tuple(_country(table) for table in tables), tuple(table["weight"] for table in tables)


def _country(table: dict) -> Country:
    short_long = [region.partition("=") for region in table["regions"].split("|")]
    return Country(
        names=tuple(table["names"]),
        words=tuple(table["words"].split("|")),
        types=tuple(table["types"].split("|")),
        street=tuple(table["street"]),
        cities=tuple(table["cities"].split("|")),
        regions=tuple((short, long) for short, _, long in short_long),
        postcode=tuple(table["postcode"]),
        address=tuple(table["address"]),
    )


@cache
def _with_states() -> tuple[Country, ...]:
    return tuple(country for country in countries()[0] if len(country.regions) > 5)


def ordinal(number: int) -> str:
    """1st, 2nd, 3rd, 4th, 11th."""
    suffix = "th" if 10 <= number % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{suffix}"


class Addresses:
    """Addresses from one random generator. Spans of them are written as one text, also over several lines."""

    def __init__(self, rng: random.Random, seed: int) -> None:
        self.rng = rng
        self.fakers = [Faker(locale) for locale in FAKER_LOCALES]
        for number, faker in enumerate(self.fakers):
            faker.seed_instance(seed * 1000 + number)

    def address(self) -> str:
        """A street and what follows of it, in some country's order, on one line or several."""
        country = self._country()
        layout, roll = self.rng.choice(country.address), self.rng.random()
        if roll < 0.08:
            return self.street()
        street = self._faked_street() if roll < 0.2 else self._street(country)
        short, long = self.rng.choice(country.regions)
        city = self.rng.choice(country.cities) if self.rng.random() < 0.8 else self._faked_city()
        lines = layout.format(
            s=street, c=city, C=city.upper(), r=short, rr=long, p=self._postcode(country), k=self._named(country)
        )
        return lines.replace("/", self.rng.choice(SEPARATORS)) if "/" in layout else lines

    def street(self) -> str:
        """A street with its number alone."""
        if self.rng.random() < 0.2:
            return self._faked_street()
        return self._street(self._country()).replace("/", ", ")

    def road(self) -> str:
        """The name of a street without a number."""
        country = self.rng.choice(countries()[0][:8])
        return f"{self.rng.choice(country.words)} {self.rng.choice(country.types)}"

    def postcode(self) -> str:
        """A postcode."""
        return self._postcode(self._country())

    def city(self) -> str:
        """A town, of those that exist or as Faker makes them up."""
        roll = self.rng.random()
        if roll < 0.3:
            return self.rng.choice(words("town"))
        if roll < 0.75:
            city = self.rng.choice(self._country().cities)
            return city if "," not in city and "/" not in city and city not in {"APO", "FPO", "DPO"} else "Hong Kong"
        return self._faked_city()

    def state(self) -> str:
        """A state or province, now and then short where people write it so."""
        country = self.rng.choice(_with_states())
        short, long = self.rng.choice(country.regions)
        return short if country.names[0] in SHORT_STATES and self.rng.random() < 0.3 else long

    def country(self) -> str:
        """A country."""
        return self.rng.choice(words("country"))

    def _country(self) -> Country:
        return self.rng.choices(*countries())[0]

    def _named(self, country: Country) -> str:
        return self.rng.choice(country.names)

    def _faked_city(self) -> str:
        faker = self.rng.choice([faker for faker in self.fakers if faker.locales != ["it_IT"]])  # walks through a set
        return faker.city().split(" (")[0].replace("\n", " ")

    def _faked_street(self) -> str:
        return self.rng.choice(self.fakers).street_address().strip().replace("\n", self.rng.choice([" ", ", "]))

    def _postcode(self, country: Country) -> str:
        number, letter = string.digits, "ABCDEFGHJKLMNPRSTUVWXY"
        swap = {"#": number, "@": letter}
        return "".join(self.rng.choice(swap.get(c, c)) for c in self.rng.choice(country.postcode))

    def _street(self, country: Country) -> str:
        """One street; "/" in it stands between two lines, unless the country's numbers hold it."""
        layout, number = self.rng.choice(country.street), self.rng.randint
        pieces = {
            "n": self._number(),
            "m": str(number(1, 60)),
            "x": str(number(1, 20)),
            "t": self.rng.choice(country.types),
            "o": ordinal(number(1, 99)),
            "d": self.rng.choice(DIRECTIONS),
            "u": self.rng.choice(UNITS).format(self._unit()),
            "f": self.rng.choice(FLATS).format(self._unit()),
            "b": self.rng.choice(BUILDINGS),
            "l": self.rng.choice("ABCDEF"),
            "l2": self.rng.choice("abcde"),
        }
        filled = layout
        while "{w}" in filled:
            filled = filled.replace("{w}", self.rng.choice(country.words), 1)
        return filled.format(**pieces)

    def _number(self) -> str:
        low, high = self.rng.choice([(1, 99), (1, 99), (100, 999), (100, 9999), (1000, 24999)])
        value = str(self.rng.randint(low, high))
        return value + self.rng.choice(["", "", "", "", "", "", "", "A", "-" + str(self.rng.randint(1, 99))])

    def _unit(self) -> str:
        value = str(self.rng.choice([self.rng.randint(1, 30), self.rng.randint(100, 2500)]))
        return self.rng.choice([value, value, value + self.rng.choice("ABCD"), self.rng.choice("ABCDEFGH")])
