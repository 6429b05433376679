"""Spanish text: its pipeline's labels in Presidio's words, beside the patterns, and health words in Spanish."""

from __future__ import annotations

from pathlib import Path

import pytest
import spacy

from gateway.detection.analyzer import Analyzer, build_analyzer
from gateway.detection.custom import CompiledDetectors
from gateway.detection.nlp import MissingPipeline
from gateway.domain.labels import DEFAULT_TABLE, Entity

NONE = CompiledDetectors(())
LABELS = {
    "Lucía Pérez Soto": "NOMBRE_SUJETO_ASISTENCIA",
    "Javier Ruiz": "NOMBRE_PERSONAL_SANITARIO",
    "Juan Pablo Duarte 14": "CALLE",
    "Sevilla": "TERRITORIO",
    "España": "PAIS",
    "2569870": "ID_SUJETO_ASISTENCIA",
    "4428847": "ID_CONTACTO_ASISTENCIAL",
    "28 28 20943": "ID_TITULACION_PERSONAL_SANITARIO",
    "varón": "SEXO_SUJETO_ASISTENCIA",
    "hermana": "FAMILIARES_SUJETO_ASISTENCIA",
    "Hospital La Paz": "HOSPITAL",
    "x": "ID_ASEGURAMIENTO",
    "7": "NOMBRE_SUJETO_ASISTENCIA",
}


@pytest.fixture(scope="module")
def spanish_pipeline(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A pipeline that knows a handful of values by heart."""
    nlp = spacy.blank("es")
    nlp.add_pipe("entity_ruler").add_patterns([{"label": label, "pattern": value} for value, label in LABELS.items()])
    path = tmp_path_factory.mktemp("spanish") / "small"
    nlp.to_disk(path)
    return str(path)


@pytest.fixture(scope="module")
def bilingual(small_pipeline: str, spanish_pipeline: str) -> Analyzer:
    """The real analyzer over two small pipelines."""
    return build_analyzer(small_pipeline, spanish_pipeline)


@pytest.fixture(scope="module")
def shipped_both() -> Analyzer:
    """The real analyzer over the pipelines that the product ships."""
    models = Path(__file__).parents[2] / "models"
    return build_analyzer(str(models / "pii-en"), str(models / "pii-es"))


def found(analyzer: Analyzer, text: str) -> set[tuple[str, str]]:
    """Pairs of entity and value."""
    return {(f.entity, text[f.start : f.end]) for f in analyzer.examine(text, (), NONE)}


@pytest.mark.parametrize(
    ("text", "entity", "value"),
    [
        ("La paciente se llama Lucía Pérez Soto y vive en casa.", "PERSON", "Lucía Pérez Soto"),
        ("El informe lo firma el doctor Javier Ruiz después de la visita.", "PERSON", "Javier Ruiz"),
        ("El paciente vive en Juan Pablo Duarte 14 desde hace años.", "STREET_ADDRESS", "Juan Pablo Duarte 14"),
        ("La paciente es natural de Sevilla y vive allí.", "LOCATION", "Sevilla"),
        ("El número de historia del paciente es 2569870 según el informe.", "MEDICAL_RECORD_NUMBER", "2569870"),
        ("El médico está colegiado con el 28 28 20943 desde ayer.", "MEDICAL_LICENSE", "28 28 20943"),
        ("Fue atendida en el Hospital La Paz por la noche.", "ORGANIZATION", "Hospital La Paz"),
    ],
)
def test_labels_of_the_spanish_pipeline_in_the_products_words(
    bilingual: Analyzer, text: str, entity: str, value: str
) -> None:
    """Each clinical label means something that policies speak of."""
    assert (entity, value) in found(bilingual, text)


def test_what_identifies_nobody_and_what_cannot_be_is_not_told(bilingual: Analyzer) -> None:
    """Sex and kinship; an insurance number without digits, a name that is a digit."""
    assert set() == found(bilingual, "El varón y su hermana tienen el tema x y 7 ideas para el proyecto.")


def test_patterns_are_looked_for_in_spanish_too(bilingual: Analyzer) -> None:
    """The pattern layer knows no language."""
    text = "Escribe a lucia@ejemplo.es o paga con la tarjeta 4111 1111 1111 1111 antes del viernes."

    assert {("EMAIL_ADDRESS", "lucia@ejemplo.es"), ("CREDIT_CARD", "4111 1111 1111 1111")} <= found(bilingual, text)


def test_a_text_in_both_languages_is_read_by_both_pipelines(bilingual: Analyzer) -> None:
    """A Spanish letter in an English request."""
    text = (
        "Please tell Jane Doe what this letter says:\n\nLa paciente Lucía Pérez Soto se encuentra mejor y está en casa."
    )

    assert {("PERSON", "Jane Doe"), ("PERSON", "Lucía Pérez Soto")} <= found(bilingual, text)


def test_spanish_is_unsupported_without_its_pipeline(small_pipeline: str, bilingual: Analyzer) -> None:
    """Never nothing found."""
    text = "La paciente se encuentra mejor y está en casa con su familia."

    assert {("UNSUPPORTED_LANGUAGE", text)} == found(build_analyzer(small_pipeline), text)
    assert set() == found(bilingual, text)


def test_a_foreign_text_is_told_beside_what_patterns_find(bilingual: Analyzer) -> None:
    """It hides no finding, and none hides it."""
    text = "Vous pouvez écrire à notre collègue, son adresse est marie@exemple.fr et elle vous répondra."

    assert {("UNSUPPORTED_LANGUAGE", text), ("EMAIL_ADDRESS", "marie@exemple.fr")} == found(bilingual, text)


def test_a_wrapped_foreign_text_is_told_too(bilingual: Analyzer) -> None:
    """Unicode escapes are read as what they say."""
    text = "".join(f"\\u{ord(letter):04x}" for letter in "Ваш сын находится в больнице, мы позвоним вам завтра утром.")

    assert "UNSUPPORTED_LANGUAGE" in {entity for entity, _ in found(bilingual, text)}


def test_a_missing_spanish_pipeline_is_an_error(small_pipeline: str, tmp_path: Path) -> None:
    """A place without a pipeline is not passed over."""
    with pytest.raises(MissingPipeline):
        build_analyzer(small_pipeline, str(tmp_path / "nothing"))


def test_every_entity_is_classified(bilingual: Analyzer) -> None:
    """None counts as the top label because nobody thought of it."""
    assert {Entity(each) for each in bilingual.engine.get_supported_entities("en")} <= set(DEFAULT_TABLE)
    assert Entity("UNSUPPORTED_LANGUAGE") in DEFAULT_TABLE


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("¿Qué síntomas tiene la diabetes?", "diabetes"),
        ("Padece hipertension arterial desde hace años.", "hipertension arterial"),
        ("Ingresa con una úlcera gástrica.", "úlcera gástrica"),
        ("Tratado con metotrexato y ácido acetilsalicílico.", "ácido acetilsalicílico"),
        ("El paciente acude por fiebre y tos.", "fiebre"),
    ],
)
def test_spanish_health_words(bilingual: Analyzer, text: str, value: str) -> None:
    """With accents or without them."""
    assert ("MEDICAL_CONDITION", value) in found(bilingual, text)


def test_everyday_words_are_no_health_content(bilingual: Analyzer) -> None:
    """A waterfall, a book, a part of a longer word."""
    text = "Las cataratas del Iguazú y el amor en los tiempos del cólera; un fantasma y sus alergias políticas."

    assert set() == found(bilingual, text)


@pytest.mark.parametrize(
    ("text", "entity", "value"),
    [
        ("Nombre: Carmen.\nApellidos: Dominguez Martin.\nNHC: 7465420.\nEdad: 74 años Sexo: M.", "PERSON", "Carmen"),
        ("Nombre: Carmen.\nApellidos: Dominguez Martin.\nNHC: 7465420.\nEdad: 74 años.", "PERSON", "Dominguez Martin"),
        ("Nombre: Carmen.\nNHC: 7465420.\nEdad: 74 años Sexo: M.", "MEDICAL_RECORD_NUMBER", "7465420"),
        ("Remitido por: Dra. Belén Monllau Font, Servicio de Urología.", "PERSON", "Belén Monllau Font"),
        ("Hola, me llamo Marta Ruiz y no puedo entrar en mi cuenta.", "PERSON", "Marta Ruiz"),
    ],
)
def test_the_shipped_pipeline_reads_records_and_letters(
    shipped_both: Analyzer, text: str, entity: str, value: str
) -> None:
    """Forms, referrals, tickets."""
    assert (entity, value) in found(shipped_both, text)


@pytest.mark.parametrize(
    "text",
    [
        "¿Cuál es la capital de Francia?",
        "Escribe un poema corto sobre el otoño.",
        "¿Qué diferencia hay entre una pandemia y una epidemia?",
        "Resume el siguiente texto en tres puntos.",
        "¿Cuánto es el 15 % de 340?",
        "Dame una receta de tortilla de patatas para cuatro personas.",
    ],
)
def test_plain_spanish_questions_hold_nothing_personal(shipped_both: Analyzer, text: str) -> None:
    """Places and dates may be told; people, addresses and numbers are not there."""
    assert {entity for entity, _ in found(shipped_both, text)} <= {"LOCATION", "DATE_TIME", "AGE"}


def test_the_spanish_pipeline_is_small_and_holds_no_training_text(repository: Path) -> None:
    """At most 6 MB, and no vocabulary but its labels and the tokeniser's own words."""
    folder = repository / "models" / "pii-es"

    assert sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) <= 6 * 1024 * 1024
    assert (folder / "vocab" / "strings.json").stat().st_size < 100_000
