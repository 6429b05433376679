"""A Spanish value for every slot of the templates, and the MEDDOCAN label that the slot carries."""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Callable
from functools import cache
from pathlib import Path

from faker import Faker

LABELS = {
    **dict.fromkeys(("paciente", "persona", "nombre", "apellidos", "apellido"), "NOMBRE_SUJETO_ASISTENCIA"),
    "medico": "NOMBRE_PERSONAL_SANITARIO",
    **dict.fromkeys(("edad", "dias"), "EDAD_SUJETO_ASISTENCIA"),
    **dict.fromkeys(("sexo", "Sexo", "letra", "mujer", "Hombre"), "SEXO_SUJETO_ASISTENCIA"),
    **dict.fromkeys(("fecha", "mesano", "iso"), "FECHAS"),
    "calle": "CALLE",
    **dict.fromkeys(("cp", "ciudad", "provincia"), "TERRITORIO"),
    "pais": "PAIS",
    "nhc": "ID_SUJETO_ASISTENCIA",
    "nass": "ID_ASEGURAMIENTO",
    "colegiado": "ID_TITULACION_PERSONAL_SANITARIO",
    "episodio": "ID_CONTACTO_ASISTENCIAL",
    "correo": "CORREO_ELECTRONICO",
    "telefono": "NUMERO_TELEFONO",
    "fax": "NUMERO_FAX",
    "hospital": "HOSPITAL",
    "empresa": "INSTITUCION",
    "centro": "CENTRO_SALUD",
    **dict.fromkeys(("familiar", "familiara", "madre"), "FAMILIARES_SUJETO_ASISTENCIA"),
    "profesion": "PROFESION",
}
_LISTS = Path(__file__).parent / "lists"
_MONTHS = (
    "enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "septiembre", "octubre", "noviembre", "diciembre",
)  # fmt: skip
_DOMAINS = ("gmail.com", "hotmail.com", "yahoo.es", "telefonica.net", "example.com", "correo.example", "salud.example")
_LOCALES = ("es_ES", "es_ES", "es_ES", "es_MX", "es_CO", "es_AR", "es_CL")


@cache
def words(name: str) -> tuple[str, ...]:
    """The lines of one list."""
    return tuple(filter(None, (_LISTS / f"{name}.txt").read_text(encoding="utf-8").split("\n")))


def plain(text: str) -> str:
    """`text` in small ASCII letters, as in an e-mail address."""
    return "".join(c for c in unicodedata.normalize("NFKD", text).lower() if c.isascii() and c.isalnum())


class Values:
    """Values of one part ("train" or "dev"), from one seed. One family name in ten belongs to the held-out part."""

    def __init__(self, seed: int, part: str) -> None:
        self.rng = random.Random(f"{seed} {part} es")
        self.held_out = part != "train"
        self.fakers = [Faker(locale) for locale in dict.fromkeys(_LOCALES)]
        for faker in self.fakers:
            faker.seed_instance(f"{seed} {part}")
        pick, number = self.rng.choice, self.rng.randint
        self.makers: dict[str, Callable[[], str]] = {
            **{path.stem: self._listed(path.stem) for path in sorted(_LISTS.glob("*.txt"))},
            "paciente": self._full,
            "persona": self._full,
            "medico": self._full,
            "nombre": self._first,
            "apellidos": self._family,
            "apellido": self._last,
            "edad": lambda: f"{number(1, 97)} {pick(['años', 'años', 'años', 'años', 'meses'])}",
            "dias": lambda: f"{number(1, 28)} {pick(['días', 'semanas'])}",
            "sexo": lambda: pick(["varón", "mujer", "hombre", "masculino", "femenino"]),
            "Sexo": lambda: pick(["Varón", "Mujer", "Hombre", "Niña", "Niño"]),
            "mujer": lambda: pick(["mujer", "niña"]),
            "Hombre": lambda: pick(["Hombre", "Varón"]),
            "letra": lambda: pick("HMVF"),
            "fecha": self._date,
            "iso": lambda: f"{number(1950, 2024)}-{number(1, 12):02}-{number(1, 28):02}",
            "mesano": lambda: pick(["{} de {}", "{} {}", "{} del {}"]).format(pick(_MONTHS), number(1985, 2024)),
            "ano": lambda: str(number(1980, 2024)),
            "hora": lambda: f"{number(0, 23)}:{number(0, 59):02}",
            "calle": self._street,
            "cp": lambda: f"{number(1, 52):02}{number(1, 990):03}",
            "nhc": lambda: str(number(10**5, 10 ** number(6, 8))),
            "nass": self._insurance,
            "colegiado": lambda: pick(
                ["{0:02} {0:02} {1:05}", "{0:02} {0:02} {1:05}", "{0:02}{0:02}{1:05}", "{0:02}/{1:05}"]
            ).format(number(1, 52), number(1000, 99999)),
            "episodio": lambda: str(number(10**6, 10 ** number(7, 10))),
            "correo": self._mail,
            "telefono": self._phone,
            "fax": self._phone,
            "hospital": self._hospital,
            "empresa": self._company,
            "num": lambda: str(number(10, 10 ** number(2, 9))),
            "num2": lambda: str(number(2, 98)),
            "num1": lambda: str(number(2, 9)),
            "importe": self._amount,
            "dosis": lambda: f"{number(1, 60) * 5} {pick(['mg', 'mg', 'mcg', 'g', 'ml'])}",
        }

    def draw(self, slot: str) -> str:
        """A fresh value of one slot."""
        return self.makers[slot]()

    def _listed(self, name: str) -> Callable[[], str]:
        return lambda: self.rng.choice(words(name))

    def _faker(self) -> Faker:
        return self.rng.choice(self.fakers)

    def _first(self) -> str:
        faker = self._faker()
        names = [faker.first_name() for _ in range(self.rng.choice([1, 1, 1, 2]))]
        return " ".join(names)

    def _last(self) -> str:
        while True:
            name = self._faker().last_name()
            if (sum(plain(name).encode()) % 10 == 0) == self.held_out:
                return name

    def _family(self) -> str:
        return f"{self.rng.choice(['', '', '', '', 'de ', 'De la '])}{self._last()} {self._last()}"

    def _full(self) -> str:
        family = self._last() if self.rng.random() < 0.35 else self._family()
        return f"{self._first()} {family}"

    def _date(self) -> str:
        day, month, year = self.rng.randint(1, 28), self.rng.randint(1, 12), self.rng.randint(1930, 2024)
        layouts = (
            f"{day:02}/{month:02}/{year}", f"{day:02}/{month:02}/{year}", f"{day}/{month}/{year}", f"{day}-{month:02}-{year}",
            f"{day} de {_MONTHS[month - 1]} de {year}", f"{day} de {_MONTHS[month - 1]}", f"{day:02}.{month:02}.{year % 100:02}",
            f"{day}/{month}/{year % 100:02}", f"{_MONTHS[month - 1]} de {year}",
        )  # fmt: skip
        return self.rng.choice(layouts)

    def _street(self) -> str:
        pick, number = self.rng.choice, self.rng.randint
        kind = pick(
            [
                "Calle",
                "Calle",
                "C/",
                "C/",
                "Avda.",
                "Avenida",
                "Av.",
                "Plaza",
                "Pza.",
                "Paseo",
                "Pº",
                "Ctra.",
                "Camino",
                "Ronda",
                "Carrer",
                "Rúa",
                "Calle de",
                "Calle de la",
            ]
        )
        name = pick(
            [
                lambda: f"{self._faker().first_name()} {self._last()}",
                self._last,
                self._listed("via"),
                self._listed("via"),
            ]
        )()
        house = pick([f", {number(1, 180)}", f" {number(1, 180)}", f", nº {number(1, 180)}", f" nº{number(1, 99)}", " s/n", f", {number(1, 99)}, {number(1, 9)}º {pick('ABCD')}", f" {number(1, 99)}, {number(1, 9)}{pick('ABCDEF')}", f", {number(1, 99)}, Bajo {pick('AB')}", f" #{number(1, 999)}"])  # fmt: skip
        return f"{kind} {name}{house}"

    def _insurance(self) -> str:
        province, middle, check = self.rng.randint(1, 99), self.rng.randint(10**7, 10**8 - 1), self.rng.randint(0, 99)
        return self.rng.choice(
            [
                f"{province:02} {middle} {check:02}",
                f"{province:02}{middle}{check:02}",
                f"{province:02}/{middle}/{check:02}",
            ]
        )

    def _mail(self) -> str:
        first, last = plain(self._faker().first_name()), plain(self._last())
        local = self.rng.choice(
            [f"{first}.{last}", f"{first[:1]}{last}", f"{first}{self.rng.randint(1, 99)}", f"{last}_{first}", first]
        )
        return f"{local}@{self.rng.choice(_DOMAINS)}"

    def _phone(self) -> str:
        number = str(self.rng.choice([6, 7, 9])) + "".join(self.rng.choices("0123456789", k=8))
        spaced = self.rng.choice(
            [
                number,
                f"{number[:3]} {number[3:6]} {number[6:]}",
                f"{number[:3]} {number[3:5]} {number[5:7]} {number[7:]}",
                f"{number[:2]} {number[2:5]} {number[5:7]} {number[7:]}",
            ]
        )
        return self.rng.choice(["", "", "", "+34 ", "+52 "]) + spaced

    def _hospital(self) -> str:
        kind = self.rng.choice(
            [
                "Hospital",
                "Hospital Universitario",
                "Hospital General",
                "Hospital Clínico",
                "Clínica",
                "Complejo Hospitalario",
                "Hospital Comarcal",
            ]
        )
        return f"{kind} {self.rng.choice(['', '', 'de '])}{self.rng.choice([self._listed('via'), self._listed('ciudad'), self._last])()}"

    def _company(self) -> str:
        return self.rng.choice([self._faker().company, lambda: f"{self._last()} {self.rng.choice(['S.L.', 'S.A.', 'e Hijos', 'Seguros', 'Consultores'])}", lambda: f"Universidad de {self.rng.choice(words('ciudad'))}"])()  # fmt: skip

    def _amount(self) -> str:
        whole, cents = self.rng.randint(1, 10 ** self.rng.randint(2, 6)), self.rng.randint(0, 99)
        grouped = f"{whole:,}".replace(",", ".")
        return self.rng.choice(
            [f"{grouped},{cents:02} €", f"{grouped} €", f"{whole} euros", f"${whole}", f"{grouped} pesos"]
        )
