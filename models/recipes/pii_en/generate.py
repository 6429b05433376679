"""Text that the recipe makes itself: templates filled with generated names, addresses and surroundings.

The held-out part uses templates and family names that the training part never sees. Deterministic for a seed.
"""

from __future__ import annotations

import random
import re
import string
from collections.abc import Callable, Iterator

import words
from faker import Faker
from templates import GROUPS

Span = tuple[int, int, str]
Case = tuple[str, list[Span]]

LOCALES = [
    "en_US",
    "en_US",
    "en_US",
    "en_GB",
    "en_GB",
    "en_CA",
    "en_AU",
    "en_IN",
    "en_IE",
    "es_ES",
    "es_MX",
    "de_DE",
    "fr_FR",
    "it_IT",
    "nl_NL",
    "pl_PL",
    "pt_BR",
    "sv_SE",
    "no_NO",
    "da_DK",
    "fi_FI",
    "tr_TR",
    "vi_VN",
    "id_ID",
    "cs_CZ",
    "hu_HU",
    "ro_RO",
    "hr_HR",
    "sl_SI",
    "en_NZ",
    "fr_CA",
    "zu_ZA",
    "yo_NG",
    "ha_NG",
    "en_NG",
]
ASIAN_FIRST = [
    "Wei",
    "Ming",
    "Hiroshi",
    "Yuki",
    "Kenji",
    "Sakura",
    "Jin",
    "Min-jun",
    "Ji-woo",
    "Hyun",
    "Mei",
    "Xiu",
    "Li",
    "Jun",
    "Haruto",
    "Aiko",
    "Naoko",
    "Takeshi",
    "Fang",
    "Lan",
    "Priya",
    "Ananya",
    "Rahul",
    "Arjun",
    "Fatima",
    "Ahmed",
    "Mohammed",
    "Aisha",
    "Omar",
    "Layla",
    "Hassan",
    "Yusuf",
    "Zainab",
    "Ibrahim",
    "Noor",
    "Amir",
    "Farah",
    "Tariq",
    "Samira",
    "Chidi",
    "Ngozi",
    "Kwame",
    "Ama",
    "Thabo",
]
ASIAN_LAST = [
    "Wang",
    "Zhang",
    "Chen",
    "Liu",
    "Yang",
    "Huang",
    "Zhao",
    "Wu",
    "Tanaka",
    "Suzuki",
    "Sato",
    "Watanabe",
    "Yamamoto",
    "Nakamura",
    "Kim",
    "Park",
    "Choi",
    "Jung",
    "Nguyen",
    "Tran",
    "Pham",
    "Patel",
    "Sharma",
    "Singh",
    "Gupta",
    "Iyer",
    "Reddy",
    "Khan",
    "Hussain",
    "Al-Farsi",
    "Haddad",
    "Mansour",
    "El-Sayed",
    "Abdi",
    "Okafor",
    "Adeyemi",
    "Mensah",
    "Boateng",
    "Mbeki",
    "Dlamini",
    "Ng",
    "Ho",
]
LABELS = {
    "name": "PERSON",
    "first": "PERSON",
    "last": "PERSON",
    "signature": "PERSON",
    "address": "STREET_ADDRESS",
    "street": "STREET_ADDRESS",
    "city": "LOCATION",
    "place": "LOCATION",
    "org": "ORGANIZATION",
    "hospital": "ORGANIZATION",
}
SLOT = re.compile(r"\{\{|\}\}|\{(\w+)\}")


class Maker:
    """Values for every slot, from one seed; `part` is "train" or "dev" and chooses which family names may occur."""

    def __init__(self, seed: int, part: str) -> None:
        self.random = random.Random(seed)
        self.fakers = [Faker(locale) for locale in dict.fromkeys(LOCALES)]
        for number, faker in enumerate(self.fakers):
            faker.seed_instance(seed * 1000 + number)
        self.weights = [LOCALES.count(locale) for locale in dict.fromkeys(LOCALES)]
        self.part = part
        self.makers: dict[str, Callable[[], str]] = self._makers()

    def _makers(self) -> dict[str, Callable[[], str]]:
        pick, number = self.random.choice, self.random.randint
        fake = self.fakers[0]
        listed = {
            "tech": words.TECH,
            "topic": words.TOPICS,
            "topic_title": words.TOPIC_TITLES,
            "adj": words.ADJECTIVES,
            "food": words.FOODS,
            "pet": words.PETS,
            "hobby": words.HOBBIES,
            "language": words.LANGUAGES,
            "month": words.MONTHS,
            "weekday": words.WEEKDAYS,
            "title": words.TITLES,
            "product": words.PRODUCTS,
            "condition": words.CONDITIONS,
            "drug": words.DRUGS,
            "ident": words.IDENTIFIERS,
            "Class": words.CLASSES,
            "module": words.MODULES,
            "verb": words.VERBS,
            "label": words.LABELS,
            "thing": words.THINGS,
            "deliverable": words.DELIVERABLES,
        }
        makers: dict[str, Callable[[], str]] = {
            slot: (lambda values=values: pick(values)) for slot, values in listed.items()
        }
        makers |= {
            "name": self.name,
            "first": self.first,
            "last": self.last,
            "signature": self.name,
            "address": self.address,
            "street": self.street,
            "city": self.city,
            "place": self.place,
            "org": self.org,
            "hospital": self.hospital,
            "Verb": lambda: pick(words.VERBS).capitalize(),
            "Label": lambda: pick(words.LABELS).capitalize(),
            "Adj": lambda: pick(words.ADJECTIVES).capitalize(),
            "letters": lambda: "".join(pick("abcdexyz") for _ in range(number(1, 6))),
            "IDENT": lambda: pick(words.IDENTIFIERS).upper(),
            "jobtitle": fake.job().split(",")[0].lower,
            "email": fake.email,
            "phone": self.phone,
            "date": self.date,
            "time": lambda: f"{number(0, 23):02d}:{number(0, 59):02d}",
            "amount": lambda: pick(["${}", "EUR {}", "{} USD", "£{}", "{} euros"]).format(
                f"{number(10, 99999):,}.{number(0, 99):02d}"
            ),
            "num": lambda: str(number(100, 9999999)),
            "smallnum": lambda: str(number(2, 99)),
            "ip": fake.ipv4,
            "id": lambda: pick(["", "A", "INV-", "ORD", "C-", "P"]) + str(number(10000, 99999999)),
            "iban": fake.iban,
            "card": fake.credit_card_number,
            "ssn": fake.ssn,
            "uuid": lambda: str(fake.uuid4()),
            "hash": lambda: fake.sha1()[:10],
            "version": lambda: ".".join(str(number(0, 30)) for _ in range(number(2, 4))),
            "dose": lambda: f"{number(1, 80) * 5} mg",
        }
        return makers

    def _locale(self) -> Faker:
        return self.random.choices(self.fakers, self.weights)[0]

    def first(self) -> str:
        """A given name: half of them English, the rest from everywhere."""
        roll = self.random.random()
        if roll < 0.15:
            return self.random.choice(ASIAN_FIRST)
        return (self.fakers[0] if roll < 0.5 else self._locale()).first_name()

    def last(self) -> str:
        """A family name of this part: one in ten (by its letters) is kept for the held-out part."""
        while True:
            roll = self.random.random()
            if roll < 0.15:
                name = self.random.choice(ASIAN_LAST)
            else:
                name = (self.fakers[0] if roll < 0.45 else self._locale()).last_name()
            if (sum(map(ord, name)) % 10 == 0) == (self.part == "dev"):
                return name

    def name(self) -> str:
        """A full name in one of the ways that people write one."""
        first, last, roll = self.first(), self.last(), self.random.random()
        initial = self.random.choice(string.ascii_uppercase)
        if roll < 0.68:
            return f"{first} {last}"
        return self.random.choice(
            [
                f"{first} {initial}. {last}",
                f"{first} {initial} {last}",
                f"{initial}. {last}",
                f"{first} {self.first()} {last}",
                f"{last}, {first}",
                f"{first} {last}-{self.last()}",
                f"{first[0]}.{initial}. {last}",
                f"{first} {last} Jr.",
            ]
        )

    def street(self) -> str:
        """A street with a number, in the order of some country."""
        faker = self.random.choice([self.fakers[0], self.fakers[0], self._locale()])
        line = faker.street_address().replace("\n", " ")
        if self.random.random() < 0.15:
            line += self.random.choice(
                [", Apt {}", " Apt. {}", ", Suite {}", " #{}", ", Flat {}", ", {} floor"]
            ).format(self.random.randint(1, 900))
        return line

    def address(self) -> str:
        """A street, and mostly city, state, postcode and country in some order and layout."""
        roll, fake = self.random.random(), self.fakers[0]
        street, city = self.street(), self.city()
        postcode = self._locale().postcode() if roll < 0.4 else fake.postcode()
        state = fake.state_abbr() if self.random.random() < 0.7 else fake.state()
        if roll < 0.15:
            return street
        comma = self.random.choice([", ", ", ", "\n", "\n  ", "\n\n", " "])
        return self.random.choice(
            [
                f"{street}{comma}{city}, {state} {postcode}",
                f"{street}{comma}{city} {postcode}",
                f"{street}{comma}{postcode} {city}",
                f"{street}{comma}{city}",
                f"{street}{comma}{city}, {state}{comma}{postcode}",
                f"{street}{comma}{city}{comma}{self.country()} {postcode}",
                f"{street}\n{city}\n{self.country()}",
                f"{street}{comma}{postcode} {city}{comma}{self.country()}",
                f"{street}{comma}{city.upper()}{comma}{self.country()}",
            ]
        )

    def city(self) -> str:
        """A town."""
        if self.random.random() < 0.4:
            return self.random.choice(words.CITIES)
        faker = self._locale()
        return faker.city().split(" (")[0].replace("\n", " ")

    def country(self) -> str:
        """A country."""
        return self.fakers[0].country().split(" (")[0]

    def place(self) -> str:
        """A country, region or well known place."""
        return self.random.choice([self.country, self.fakers[0].state, lambda: self.random.choice(words.PLACES)])()

    def org(self) -> str:
        """A company, institution or team."""
        pick, roll = self.random.choice, self.random.random()
        if roll < 0.25:
            return pick(words.ORG_KNOWN)
        if roll < 0.5:
            return f"{pick(words.ORG_STEMS)} {pick(words.ORG_NOUNS)}" + (
                f" {pick(words.ORG_SUFFIXES)}" if roll < 0.35 else ""
            )
        if roll < 0.6:
            return f"{pick(words.ORG_STEMS)}{pick(words.ORG_STEMS).lower()}" + (
                f" {pick(words.ORG_SUFFIXES)}" if roll < 0.57 else ""
            )
        if roll < 0.75:
            return f"{self.last()} {pick(words.ORG_SUFFIXES)}"
        if roll < 0.85:
            return pick(
                ["University of {}", "Bank of {}", "{} University", "{} City Council", "Ministry of Health of {}"]
            ).format(self.city())
        return self._locale().company()

    def hospital(self) -> str:
        """A hospital or clinic."""
        kind = self.random.choice(
            ["Hospital", "General Hospital", "Medical Center", "Clinic", "University Hospital", "Memorial Hospital"]
        )
        head = self.random.choice(
            [self.last, self.city, lambda: "St. " + self.first(), lambda: self.random.choice(words.ORG_STEMS)]
        )()
        return f"{head} {kind}"

    def phone(self) -> str:
        """A telephone number."""
        return self.random.choice([self.fakers[0], self._locale()]).phone_number()

    def date(self) -> str:
        """A date in one of many layouts."""
        day = self.fakers[0].date_object()
        layout = self.random.choice(
            ["%Y-%m-%d", "%m/%d/%Y", "%d.%m.%Y", "%B %d, %Y", "%d %B %Y", "%b %d", "%d/%m/%y", "%B %Y", "%dth of %B"]
        )
        return day.strftime(layout)

    def fill(self, template: str) -> Case:
        """One text of `template` with its labelled spans."""
        template = template.replace("\\n", "\n").replace('\\"', '"')
        out, spans, last, size = [], [], 0, 0
        for match in SLOT.finditer(template):
            literal = template[last : match.start()]
            last = match.end()
            slot = match.group(1)
            value = self.makers[slot]() if slot else match.group()[0]
            out += [literal, value]
            size += len(literal)
            if slot in LABELS:
                spans.append((size, size + len(value), LABELS[slot]))
            size += len(value)
        out.append(template[last:])
        return self._vary("".join(out), spans)

    def _vary(self, text: str, spans: list[Span]) -> Case:
        """The same text in small letters, capitals, or as it is. Lengths must not change."""
        roll = self.random.random()
        changed = text.lower() if roll < 0.09 else text.upper() if roll < 0.12 else text
        return (changed if len(changed) == len(text) else text), spans


def _templates(part: str) -> tuple[list[list[str]], list[float]]:
    groups, weights = [], []
    for templates, weight in GROUPS.values():
        held = [t for number, t in enumerate(templates) if (number % 10 == 9) == (part == "dev")]
        groups.append(held)
        weights.append(weight)
    return groups, weights


def cases(count: int, seed: int, part: str) -> Iterator[Case]:
    """`count` generated texts of `part`; one in four joins two templates as a longer text."""
    maker = Maker(seed, part)
    groups, weights = _templates(part)
    for _ in range(count):
        text, spans = maker.fill(maker.random.choice(maker.random.choices(groups, weights)[0]))
        if maker.random.random() < 0.25:
            more, later = maker.fill(maker.random.choice(maker.random.choices(groups, weights)[0]))
            joint = maker.random.choice([" ", "\n", "\n\n"])
            spans = spans + [(s + len(text) + len(joint), e + len(text) + len(joint), label) for s, e, label in later]
            text = text + joint + more
        yield text, spans
