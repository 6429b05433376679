"""What a policy file's `detectors` are: meanings of entities, own patterns, terms, indexes of own data, topics."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.domain.finding import Permille, Topic
from gateway.domain.labels import Classification, Entity


@dataclass(frozen=True, slots=True)
class EntityDetector:
    """Says what one entity of the shipped detector means."""

    id: str
    entity: Entity
    means: Classification


@dataclass(frozen=True, slots=True)
class PatternDetector:
    """A policy's own RE2 pattern. Evidence words within `within_chars` raise `alone` to `with_evidence` (permille)."""

    id: str
    re2: str
    evidence: tuple[str, ...]
    within_chars: int
    alone: Permille
    with_evidence: Permille
    means: Classification


@dataclass(frozen=True, slots=True)
class TermsDetector:
    """A policy's own list of phrases, matched whole and without regard to case."""

    id: str
    terms: tuple[str, ...]
    means: Classification


@dataclass(frozen=True, slots=True)
class IndexFile:
    """A file of keyed hashes beside the policy. `digest` is the SHA-256 of its bytes, in hex."""

    path: str
    digest: str


@dataclass(frozen=True, slots=True)
class ExactMatchDetector:
    """The rows of a table, such as customers. A row counts where the values of at least `min_columns` of `columns`
    stand within `within_chars` characters. The findings are these values."""

    id: str
    index: IndexFile
    columns: tuple[str, ...]
    min_columns: int
    within_chars: int
    means: Classification


@dataclass(frozen=True, slots=True)
class FingerprintDetector:
    """Passages of documents. One counts where `min_similarity` (permille) of its fingerprints are the documents'."""

    id: str
    index: IndexFile
    min_similarity: Permille
    means: Classification


@dataclass(frozen=True, slots=True)
class TopicDetector:
    """A conversation about `topic`, judged with at least `min_confidence` (permille)."""

    id: str
    topic: Topic
    min_confidence: Permille
    means: Classification


LookingDetector = PatternDetector | TermsDetector | ExactMatchDetector | FingerprintDetector
"""The ones that look through each text."""

CustomDetector = LookingDetector | TopicDetector
PolicyDetector = EntityDetector | CustomDetector
"""The ones that the detector has to run for the policy. Their findings carry the detector's id as entity."""


def reported_by(detector: PolicyDetector) -> Entity:
    """The entity of a policy detector's findings."""
    return detector.entity if isinstance(detector, EntityDetector) else Entity(detector.id)
