"""Companies, public bodies, schools, hospitals, clubs and teams: well known ones, and made-up ones of many kinds."""

from __future__ import annotations

import random

from .addresses import Addresses
from .names import Names
from .words import words

PLACED = (
    "University of {c}", "{c} University", "{c} City Council", "City of {c}", "{c} Chamber of Commerce", "Bank of {c}",
    "{c} Police Department", "{c} District Court", "{c} Fire Department", "{c} Public Library", "{c} School District",
    "{c} Medical Association", "{c} Symphony Orchestra", "{c} FC", "FC {c}", "{c} United", "SV {c}", "AC {c}",
    "{c} Rovers", "{c} Tigers", "{c} Wildcats", "the {c} Herald", "{c} Times", "{c} Post", "{c} Gazette",
    "Ministry of Health of {c}", "{c} Housing Authority", "{c} Airport", "Museum of {c}", "{c} Institute of Technology",
    "Stadtwerke {c}", "Universidad de {c}", "Università di {c}", "Université de {c}", "Universität {c}", "TU {c}",
    "{c} Bar Association", "{c} Cricket Club", "{c} Golf Club", "{c} Rowing Club", "Diocese of {c}", "{c} High School",
    "Port of {c}", "{c} Transit Authority", "{c} Water Company", "Sparkasse {c}", "Volksbank {c}", "AOK {c}",
)  # fmt: skip
NAMED = (
    "{a} & {b}", "{a} & {b} LLP", "{a}, {b} & {d}", "{a}, {b} and {d}", "{a} and Sons", "{a} & Sons", "{a} Bros.",
    "{a} Brothers", "{a} {s}", "{a} {s}", "{a} {n}", "{a} {n} {s}", "{a} & Partners", "Law Offices of {f} {a}", "{a}-{b}",
    "{a}-{b} {s}", "{a} Foundation", "{a} Family Trust", "The {a} Group", "{a} Kanzlei", "Studio Legale {a}",
    "{a} Advocaten", "{a} Consulting {s}", "{a}, {b} Inc", "{a}, {b} and {d} Ltd", "{a} Group", "{a} PLC", "{a} LLC",
    "{f} {a} Photography", "{a}'s Bakery", "{a}'s Garage", "Chez {f}", "Autohaus {a}", "Bäckerei {a}", "{a} et Fils",
    "Grupo {a}", "Hermanos {a}", "{a} Rechtsanwälte", "{a} Immobilien {s}", "Transportes {a}",
)  # fmt: skip
HOSPITALS = (
    "{h} Hospital", "{h} General Hospital", "{h} Medical Center", "{h} Clinic", "{h} University Hospital", "{h} Surgery",
    "{h} Memorial Hospital", "{h} Children's Hospital", "{h} Health Centre", "{h} Health System", "{h} Hospice",
    "{h} Family Practice", "{h} Rehabilitation Center", "{h} Dental Practice", "{h} Nursing Home", "{h} Infirmary",
    "Hospital {h}", "Klinikum {h}", "Clínica {h}", "{h} Psychiatric Hospital", "{h} Urgent Care", "{h} Pharmacy",
    "{h} Radiology", "{h} Eye Clinic", "{h} Oncology Associates", "{h} NHS Trust", "{h} Medical Group",
)  # fmt: skip
SCHOOLS = (
    "{h} High School", "{h} Elementary School", "{h} Primary School", "{h} College", "{h} Academy", "{h} Middle School",
    "{h} Grammar School", "{h} Kindergarten", "{h} Montessori", "{h} Secondary School", "{h} University",
    "{h} Community College", "{h} Gymnasium", "{h} Preparatory School", "{h} International School",
)  # fmt: skip
BANKS = (
    "{h} Bank", "{h} Credit Union", "{h} Savings Bank", "Bank of {c}", "First National Bank of {c}", "Banco {c}",
    "{h} Building Society", "{h} Trust", "{h} Insurance", "{h} Mutual", "{h} Life", "{h} Financial", "Banque {c}",
)  # fmt: skip


class Orgs:
    """Names of organisations from one random generator."""

    def __init__(self, rng: random.Random, names: Names, addresses: Addresses) -> None:
        self.rng, self.names, self.addresses = rng, names, addresses

    def org(self) -> str:
        """An organisation of any kind."""
        pick, roll = self.rng.choice, self.rng.random()
        if roll < 0.20:
            return pick(words("company"))
        if roll < 0.27:
            return pick(words("public_body"))
        if roll < 0.50:
            return self._styled()
        if roll < 0.58:
            return self._one_word()
        if roll < 0.82:
            return self._filled(pick(NAMED))
        if roll < 0.93:
            return self._filled(pick(PLACED))
        return pick([self.hospital, self.school, self.bank])()

    def hospital(self) -> str:
        """A hospital, clinic or practice."""
        return self._filled(self.rng.choice(HOSPITALS))

    def school(self) -> str:
        """A school or college."""
        return self._filled(self.rng.choice(SCHOOLS))

    def bank(self) -> str:
        """A bank or insurer."""
        return self._filled(self.rng.choice(BANKS))

    def _styled(self) -> str:
        pick = self.rng.choice
        name = f"{pick(words('org_stem'))} {pick(words('org_noun'))}"
        return f"{name} {pick(words('org_suffix'))}" if self.rng.random() < 0.35 else name

    def _one_word(self) -> str:
        pick, roll = self.rng.choice, self.rng.random()
        if roll < 0.4:
            name = pick(words("startup"))
        elif roll < 0.7:
            name = (
                pick(words("syllable")) + pick(words("syllable")) + pick(["ix", "ly", "ia", "on", "ex", "io", "tech"])
            ).capitalize()
        else:
            name = pick(words("org_stem")).replace(" ", "") + pick(words("org_stem")).lower().replace(" ", "")
        return f"{name} {pick(words('org_suffix'))}" if self.rng.random() < 0.25 else name

    def _filled(self, layout: str) -> str:
        pick = self.rng.choice
        slots = {
            "a": self.names.last, "b": self.names.last, "d": self.names.last, "f": self.names.first,
            "c": self.addresses.city, "s": lambda: pick(words("org_suffix")), "n": lambda: pick(words("org_noun")),
            "h": self._head,
        }  # fmt: skip
        return layout.format(**{key: make() for key, make in slots.items() if f"{{{key}}}" in layout})

    def _head(self) -> str:
        return self.rng.choice(
            [
                self.names.last,
                self.addresses.city,
                lambda: "St. " + self.names.first(),
                lambda: "Saint " + self.names.first(),
                lambda: self.rng.choice(words("org_stem")),
                lambda: self.names.name() if self.rng.random() < 0.3 else self.names.last(),
            ]
        )()
