"""A value for every slot of the templates, and the label that the slot carries."""

from __future__ import annotations

import random
import string
from collections.abc import Callable

from .addresses import FAKER_LOCALES, Addresses
from .dates import Dates
from .names import Names, Person, plain
from .orgs import Orgs
from .words import slots, words

LABELS = {
    **dict.fromkeys(("name", "first", "last", "initials", "namesake"), "PERSON"),
    **dict.fromkeys(("public", "fiction", "mononym", "scholar"), "PUBLIC_FIGURE"),
    **dict.fromkeys(("city", "town", "country", "state", "place", "landmark", "sight", "road"), "LOCATION"),
    **dict.fromkeys(
        ("org", "hospital", "school", "bank", "company", "public_body", "startup", "institution", "team"),
        "ORGANIZATION",
    ),
    **dict.fromkeys(("address", "street"), "STREET_ADDRESS"),
    **dict.fromkeys(("date", "dob", "day", "time", "timestamp", "year", "month", "weekday", "vague"), "DATE_TIME"),
    **dict.fromkeys(("age", "years"), "AGE"),
    "title": "TITLE",
    **dict.fromkeys(("nrp", "nationality", "creed", "party"), "NRP"),
    "zip": "ZIP_CODE",
}
PARTS = frozenset({"name", "first", "last", "initials", "email", "handle", "FIRST", "LAST"})
"""Slots that are parts of one person where they carry the same number."""
DOMAINS = (
    "example.com",
    "example.org",
    "mail.example",
    "example.net",
    "gmail.com",
    "outlook.com",
    "yahoo.co.uk",
    "web.de",
)


class Values:
    """Values of one part ("train" or "dev"), from one seed."""

    def __init__(self, seed: int, part: str) -> None:
        self.rng = random.Random(f"{seed} {part}")
        self.names = Names(self.rng, part)
        self.addresses = Addresses(self.rng, seed)
        self.dates = Dates(self.rng)
        self.orgs = Orgs(self.rng, self.names, self.addresses)
        self.makers = {**{slot: self._listed(slot) for slot in slots()}, **self._labelled(), **self._unlabelled()}

    def draw(self, slot: str) -> str:
        """A fresh value of one slot."""
        return self.makers[slot]()

    def part_of(self, person: Person, slot: str) -> str:
        """The name of `person`, or the part of it that `slot` asks for."""
        match slot:
            case "first":
                return person.first
            case "last":
                return person.last
            case "FIRST" | "LAST":
                return (person.first if slot == "FIRST" else person.last).upper()
            case "initials":
                return f"{person.first[0]}.{person.last[0]}."
            case "email":
                return self._email(person)
            case "handle":
                return self._local(person).replace(".", "_")
            case _:
                return person.full

    def _listed(self, slot: str) -> Callable[[], str]:
        return lambda: self.rng.choice(words(slot))

    def _labelled(self) -> dict[str, Callable[[], str]]:
        names, places, dates, orgs, pick = self.names, self.addresses, self.dates, self.orgs, self.rng.choice
        return {
            "name": names.name,
            "first": names.first,
            "last": names.last,
            "initials": lambda: self.part_of(names.person(), "initials"),
            "FIRST": lambda: names.first().upper(),
            "LAST": lambda: names.last().upper(),
            "namesake": lambda: pick(words("public")),
            "public": self._public,
            "scholar": names.last,
            "character": names.first,
            "address": places.address,
            "street": places.street,
            "road": places.road,
            "city": places.city,
            "state": places.state,
            "country": places.country,
            "place": self._place,
            "zip": places.postcode,
            "org": orgs.org,
            "hospital": orgs.hospital,
            "school": orgs.school,
            "bank": orgs.bank,
            "date": dates.date,
            "dob": dates.dob,
            "day": dates.numeric,
            "time": dates.time,
            "timestamp": dates.timestamp,
            "year": dates.year,
            "month": dates.month,
            "weekday": dates.weekday,
            "vague": dates.vague,
            "age": dates.age,
            "years": dates.years,
            "nrp": lambda: pick(words(pick(["nationality", "nationality", "nationality", "creed", "party"]))),
        }

    def _unlabelled(self) -> dict[str, Callable[[], str]]:
        pick, number, fake = self.rng.choice, self.rng.randint, self.addresses.fakers[0]
        return {
            "email": lambda: self._email(self.names.person()),
            "phone": self._phone,
            "id": self._id,
            "num": lambda: str(number(10, 10 ** number(2, 8))),
            "smallnum": lambda: str(number(2, 99)),
            "amount": self._amount,
            "percent": lambda: pick(["{} %", "{}%", "{} percent", "{}.{} %"]).format(number(1, 99), number(0, 9)),
            "ip": lambda: fake.ipv4() if self.rng.random() < 0.85 else fake.ipv6(),
            "mac": fake.mac_address,
            "iban": fake.iban,
            "card": fake.credit_card_number,
            "ssn": fake.ssn,
            "plate": fake.license_plate,
            "uuid": lambda: str(fake.uuid4()),
            "hash": lambda: fake.sha1()[: number(7, 40)],
            "url": fake.url,
            "useragent": fake.user_agent,
            "jobtitle": lambda: self._job(fake.job()),
            "version": lambda: ".".join(str(number(0, 30)) for _ in range(number(2, 4))),
            "dose": lambda: f"{number(1, 80) * 5}{pick([' mg', ' mg', 'mg', ' mcg', ' ml'])}",
            "duration": lambda: f"{number(2, 40)} {pick(['days', 'weeks', 'months', 'years', 'hours', 'minutes'])}",
            "letters": lambda: "".join(pick("abcdexyz") for _ in range(number(1, 6))),
            "letter": lambda: pick(string.ascii_uppercase),
            "Verb": lambda: pick(words("verb")).capitalize(),
            "Label": lambda: pick(words("label")).capitalize(),
            "Adj": lambda: pick(words("adj")).capitalize(),
            "IDENT": lambda: pick(words("ident")).upper(),
        }

    def _place(self) -> str:
        """A country, region or landmark."""
        return self.rng.choice([self.addresses.country, self.addresses.state, self._listed("landmark")])()

    def _public(self) -> str:
        """Somebody whom a text speaks of as a topic: six in ten well known, the others made up."""
        return self.rng.choice(words("public")) if self.rng.random() < 0.6 else self.names.name()

    def _local(self, person: Person) -> str:
        first, last = (
            "".join(c for c in plain(name).lower() if c.isascii() and c.isalnum())
            for name in (person.first, person.last)
        )
        number = self.rng.choice(["", "", "", str(self.rng.randint(1, 99))])
        return (
            self.rng.choice([f"{first}.{last}", f"{first[:1]}{last}", f"{first}{last}", f"{last}.{first}", first, last])
            + number
        )

    def _email(self, person: Person) -> str:
        return f"{self._local(person)}@{self.rng.choice(DOMAINS)}"

    def _phone(self) -> str:
        faker = self.addresses.fakers[0 if self.rng.random() < 0.5 else self.rng.randrange(len(FAKER_LOCALES))]
        return faker.phone_number()

    def _id(self) -> str:
        prefix = self.rng.choice(
            ["", "", "A", "INV-", "ORD", "C-", "P", "#", "TK-", "CLM/", "MRN", "AB", "X-", "2024-", "K"]
        )
        return prefix + str(self.rng.randint(1000, 10 ** self.rng.randint(4, 10)))

    def _amount(self) -> str:
        value = f"{self.rng.randint(1, 10 ** self.rng.randint(2, 6)):,}.{self.rng.randint(0, 99):02d}"
        layouts = [
            "${}",
            "${}",
            "EUR {}",
            "€{}",
            "{} €",
            "{} USD",
            "£{}",
            "{} euros",
            "Rs. {}",
            "{} dollars",
            "CHF {}",
            "{}",
        ]
        return self.rng.choice(layouts).format(
            self.rng.choice([value, value.removesuffix(value[-3:]), value.replace(",", "")])
        )

    def _job(self, job: str) -> str:
        job = job.split(",", maxsplit=1)[0].split(" (", maxsplit=1)[0]
        return job if self.rng.random() < 0.3 else job.lower()
