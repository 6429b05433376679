"""What the Spanish pipeline finds, in Presidio's words. Its labels are those of MEDDOCAN, for Spanish clinical records.

Sex, kinship and profession are labels of MEDDOCAN's too, but identify nobody: they are not told.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from spacy.language import Language as Pipeline
from spacy.tokens import Span

_MEANS = {
    "NOMBRE_SUJETO_ASISTENCIA": "PERSON",
    "NOMBRE_PERSONAL_SANITARIO": "PERSON",
    "CALLE": "STREET_ADDRESS",
    "TERRITORIO": "LOCATION",
    "PAIS": "LOCATION",
    "FECHAS": "DATE_TIME",
    "EDAD_SUJETO_ASISTENCIA": "AGE",
    "HOSPITAL": "ORGANIZATION",
    "INSTITUCION": "ORGANIZATION",
    "CENTRO_SALUD": "ORGANIZATION",
    "CORREO_ELECTRONICO": "EMAIL_ADDRESS",
    "NUMERO_TELEFONO": "PHONE_NUMBER",
    "NUMERO_FAX": "PHONE_NUMBER",
    "ID_SUJETO_ASISTENCIA": "MEDICAL_RECORD_NUMBER",
    "ID_CONTACTO_ASISTENCIAL": "MEDICAL_RECORD_NUMBER",
    "ID_ASEGURAMIENTO": "NATIONAL_ID",
    "ID_TITULACION_PERSONAL_SANITARIO": "MEDICAL_LICENSE",
    "ID_EMPLEO_PERSONAL_SANITARIO": "MEDICAL_LICENSE",
}
ENTITIES = tuple(dict.fromkeys(_MEANS.values()))
_LOOKS = {
    "PERSON": re.compile(r"[^\W\d_]{2}[^\d_=<>{}@/\\]*"),
    "STREET_ADDRESS": re.compile(r"(?s).{8,}"),
    "EMAIL_ADDRESS": re.compile(r"[^\s@]+@[^\s@]+"),
    "PHONE_NUMBER": re.compile(r"\+?(?:\D{0,3}\d){7,15}"),
    "MEDICAL_RECORD_NUMBER": re.compile(r"\S*(?:\d[\s./-]?){4,}\S*"),
    "NATIONAL_ID": re.compile(r"(?:\d[\s./-]{0,2}){9,14}"),
    "MEDICAL_LICENSE": re.compile(r"(?:\d[\s./-]{0,2}){4,12}"),
}
"""What the whole of a value looks like; what looks otherwise is not believed."""
_EDGES = " \t\n\r.,;:!?\"'()-/#*"


def told(nlp: Pipeline, text: str) -> Iterator[Span]:
    """The entities of `text` that can be what the pipeline takes them for, without punctuation at their edges."""
    doc = nlp(text)
    for found in doc.ents:
        label, value = _MEANS.get(found.label_), found.text.strip(_EDGES)
        if label is None or not value:
            continue
        start = found.start_char + found.text.index(value)
        if label not in _LOOKS or _LOOKS[label].fullmatch(value):
            span = doc.char_span(start, start + len(value), label=label, alignment_mode="expand")
            if span is not None:
                yield span
