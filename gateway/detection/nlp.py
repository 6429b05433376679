"""Presidio's NLP engine over spaCy pipelines that lie in directories, one for each language. Nothing is downloaded."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NoReturn

import spacy
from presidio_analyzer.nlp_engine import NlpArtifacts, NlpEngine
from spacy.language import Language as Pipeline
from spacy.tokens import Doc, Span

from gateway.detection import spanish
from gateway.detection.believable import believed
from gateway.detection.encoder import Encoder
from gateway.detection.languages import Language, languages_of
from gateway.detection.tagging import SCORE, EncoderNer

ENTITIES = (
    "PERSON", "PUBLIC_FIGURE", "LOCATION", "ORGANIZATION", "STREET_ADDRESS", "DATE_TIME", "AGE", "TITLE", "NRP",
    "ZIP_CODE",
)  # fmt: skip
_NAMES = {name: name for name in ENTITIES} | {"PER": "PERSON", "GPE": "LOCATION", "LOC": "LOCATION", "FAC": "LOCATION",
    "ORG": "ORGANIZATION", "DATE": "DATE_TIME", "TIME": "DATE_TIME"}  # fmt: skip
_SCORE = 0.85
"""The confidence in an entity of a pipeline that tells none."""
_CAPITALISED = re.compile(r"\b(?!I\b)[A-Z][a-z]")
"""Who writes capitals writes them in names too: then an entity in small letters is not believed."""


class MissingPipeline(Exception):
    """There is no spaCy pipeline at the configured place."""


class PipelineEngine(NlpEngine):  # type: ignore[misc]  # Presidio publishes no types here
    """Reads Spanish text with the Spanish pipeline, where there is one, and everything else with the other."""

    engine_name = "spacy"
    is_available = True

    def __init__(self, pipeline: str, spanish_pipeline: str = "") -> None:
        self._nlp = _loaded(pipeline)
        self._spanish = _loaded(spanish_pipeline) if spanish_pipeline else None
        self.languages = frozenset({Language.ENGLISH, *([Language.SPANISH] if self._spanish else [])})

    @property
    def encoder(self) -> Encoder | None:
        """The encoder that reads names; None where the pipeline reads them otherwise."""
        return next((part.encoder for _, part in self._nlp.pipeline if isinstance(part, EncoderNer)), None)

    def load(self) -> None:
        """Loaded since it was made."""

    def is_loaded(self) -> bool:
        """Always: there is no unloaded state."""
        return True

    @contextmanager
    def memory(self) -> Iterator[None]:
        """What is read inside it is forgotten at its end, the vocabulary included."""
        with ExitStack() as zones:
            for nlp in filter(None, (self._nlp, self._spanish)):
                zones.enter_context(nlp.memory_zone())
            yield

    def process_text(self, text: str, language: str) -> NlpArtifacts:  # noqa: ARG002 - Presidio's signature
        """The named entities of `text`; nothing is looked for in a text without letters."""
        if not any(map(str.isalpha, text)):
            return self.no_names()
        languages = languages_of(text) if self._spanish else frozenset[Language]()
        found = [(span, _SCORE) for span in self._in_spanish(text)] if Language.SPANISH in languages else []
        if Language.SPANISH in languages and languages <= {Language.SPANISH, Language.UNKNOWN}:
            return self._artifacts(self._nlp.make_doc(""), found)
        doc = self._nlp(text)
        capitals = _CAPITALISED.search(text) is not None
        told = [_told(doc, entity, text, capitals=capitals) for entity in doc.ents]
        return self._artifacts(doc, [*(each for each in told if each is not None), *found])

    def _in_spanish(self, text: str) -> Iterator[Span]:
        return spanish.told(self._spanish, text) if self._spanish else iter(())

    def no_names(self) -> NlpArtifacts:
        """What stands for a text in which no names are looked for."""
        return self._artifacts(self._nlp.make_doc(""), [])

    def process_batch(
        self,
        texts: Iterable[str],
        language: str,
        batch_size: int = 1,  # noqa: ARG002 - Presidio's signature
        n_process: int = 1,  # noqa: ARG002 - Presidio's signature
        **_: object,
    ) -> Iterator[tuple[str, NlpArtifacts]]:
        """Each text with its artifacts."""
        return ((text, self.process_text(text, language)) for text in texts)

    def is_stopword(self, word: str, language: str) -> bool:  # noqa: ARG002 - Presidio's signature
        """Not known: our context enhancer needs no stop words."""
        self._unused()

    def is_punct(self, word: str, language: str) -> bool:  # noqa: ARG002 - Presidio's signature
        """Not known: our context enhancer needs no punctuation."""
        self._unused()

    def get_supported_entities(self) -> list[str]:
        """What the pipeline's labels mean in Presidio's words."""
        return [*ENTITIES, *spanish.ENTITIES]

    def get_supported_languages(self) -> list[str]:
        """Presidio's name for all that is read here: it chooses no pipeline by it."""
        return ["en"]

    def _unused(self) -> NoReturn:
        raise NotImplementedError("this engine gives entities, not word classes")

    def _artifacts(self, doc: Doc, told: list[tuple[Span, float]]) -> NlpArtifacts:
        return NlpArtifacts(
            entities=[span for span, _ in told],
            tokens=doc,
            tokens_indices=[],
            lemmas=[],
            nlp_engine=self,
            language="en",
            scores=[score for _, score in told],
        )


def _loaded(pipeline: str) -> Pipeline:
    """`spacy.load` of a directory, or of an installed pipeline package of that name."""
    if not Path(pipeline).is_dir() and not spacy.util.is_package(pipeline):
        raise MissingPipeline("no spaCy pipeline at the configured place")
    return spacy.load(pipeline, exclude=["parser", "tagger", "lemmatizer", "attribute_ruler", "senter"])


def _told(doc: Doc, entity: Span, text: str, *, capitals: bool) -> tuple[Span, float] | None:
    """The entity in Presidio's words with its score; None for what is none. `text` is the document's."""
    label = _NAMES.get(entity.label_)
    if label is None:
        return None
    score: float | None = entity._.get(SCORE)
    kept = believed(text, (entity.start_char, entity.end_char), label, score, capitals=capitals)
    span = doc.char_span(kept[0], kept[1], label=kept[2], alignment_mode="expand") if kept else None
    return None if span is None else (span, _SCORE if score is None else score)
