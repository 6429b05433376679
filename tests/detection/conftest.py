"""A small real spaCy pipeline, so that most tests need no trained weights, and the analyzer over it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import spacy

from gateway.detection.analyzer import Analyzer, build_analyzer
from gateway.detection.custom import CompiledDetectors

Find = Callable[..., list[tuple[str, str]]]
"""A text, and the keys above it, to pairs of entity and value."""

NAMES = {"PERSON": ["Jane Doe", "John Smith", "Maria"], "LOCATION": ["Springfield"], "ORG": ["Acme Corp"]}


@pytest.fixture(scope="session")
def small_pipeline(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A pipeline that knows a handful of names by heart."""
    nlp = spacy.blank("en")
    ruler = nlp.add_pipe("entity_ruler")
    ruler.add_patterns([{"label": label, "pattern": name} for label, names in NAMES.items() for name in names])
    path = tmp_path_factory.mktemp("pipeline") / "small"
    nlp.to_disk(path)
    return str(path)


@pytest.fixture(scope="session")
def analyzer(small_pipeline: str) -> Analyzer:
    """The real analyzer over the small pipeline."""
    return build_analyzer(small_pipeline)


@pytest.fixture(scope="session")
def shipped() -> Analyzer:
    """The real analyzer over the pipeline that the product ships."""
    return build_analyzer(str(Path(__file__).parents[2] / "models" / "pii-en"))


@pytest.fixture
def found(analyzer: Analyzer) -> Find:
    """What is found in a text, as pairs of entity and value."""

    def find(text: str, *context: str) -> list[tuple[str, str]]:
        findings = analyzer.examine(text, context, CompiledDetectors(()))
        return [(f.entity, text[f.start : f.end]) for f in findings]

    return find
