"""The development sets that detection is measured on, read from the folder in GATEWAY_BENCH_DATA.

They are not part of this repository: their licences allow measuring, not copying. What is absent is told as absent.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("GATEWAY_BENCH_DATA", ROOT.parent / "shared" / "data"))


@dataclass(frozen=True, slots=True)
class Span:
    """Characters `start` to `end` (exclusive) are an `entity`, in the names of these benchmarks."""

    start: int
    end: int
    entity: str
    score: float = 1.0

    def overlaps(self, other: Span) -> bool:
        """Whether they share a character."""
        return self.start < other.end and other.start < self.end


@dataclass(frozen=True, slots=True)
class Labelled:
    """One text with what is in it. `name` tells it apart without its text: the set, the line, the template if known."""

    name: str
    text: str
    spans: tuple[Span, ...]
    source: str = ""


SYNTH = {"GPE": "LOCATION", "DOMAIN_NAME": "URL"}
UNER = {"PER": "PERSON", "LOC": "LOCATION", "ORG": "ORGANIZATION"}
WNUT = {"person": "PERSON", "location": "LOCATION", "corporation": "ORGANIZATION", "group": "ORGANIZATION"}
MEDDOCAN = {
    "NOMBRE_SUJETO_ASISTENCIA": "PERSON",
    "NOMBRE_PERSONAL_SANITARIO": "PERSON",
    "FAMILIARES_SUJETO_ASISTENCIA": "FAMILY",
    "TERRITORIO": "LOCATION",
    "PAIS": "LOCATION",
    "CALLE": "STREET_ADDRESS",
    "HOSPITAL": "ORGANIZATION",
    "INSTITUCION": "ORGANIZATION",
    "CENTRO_SALUD": "ORGANIZATION",
    "FECHAS": "DATE_TIME",
    "EDAD_SUJETO_ASISTENCIA": "AGE",
    "SEXO_SUJETO_ASISTENCIA": "SEX",
    "PROFESION": "PROFESSION",
    "OTROS_SUJETO_ASISTENCIA": "OTHER",
    "CORREO_ELECTRONICO": "EMAIL_ADDRESS",
    "NUMERO_TELEFONO": "PHONE_NUMBER",
    "NUMERO_FAX": "PHONE_NUMBER",
    "ID_SUJETO_ASISTENCIA": "ID",
    "ID_TITULACION_PERSONAL_SANITARIO": "ID",
    "ID_ASEGURAMIENTO": "ID",
    "ID_CONTACTO_ASISTENCIAL": "ID",
    "ID_EMPLEO_PERSONAL_SANITARIO": "ID",
}
"""What the labels of each set are called here; what is not listed keeps its name."""


class Absent(Exception):
    """The folder does not hold this set."""


def load(name: str, names: dict[str, str], sample: int = 0) -> list[Labelled]:
    """A set's cases, every n-th of them where `sample` is smaller than the set. Raises `Absent`."""
    path = DATA / f"{name}.jsonl"
    if not path.exists():
        raise Absent(f"{path.name} is not in {DATA}")
    cases = [_case(name, at, json.loads(line), names) for at, line in enumerate(path.read_text("utf-8").splitlines())]
    return sampled(cases, sample)


def sampled(cases: Sequence[Labelled], sample: int) -> list[Labelled]:
    """About `sample` of the cases, evenly over all of them; all for 0."""
    return list(cases[:: max(1, len(cases) // sample)] if sample else cases)


def _case(name: str, at: int, value: dict[str, object], names: dict[str, str]) -> Labelled:
    spans = [(s["start"], s["end"], s["label"]) for s in value["spans"]]  # type: ignore[index,attr-defined]
    told = tuple(Span(start, end, names.get(label, label)) for start, end, label in sorted(spans))
    template = f" template {value['template_id']}" if "template_id" in value else ""
    return Labelled(f"{name}:{at}{template}", str(value["text"]), told, str(value.get("src", "")))
