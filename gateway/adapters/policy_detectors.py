"""Reads the `detectors` of a policy file: entities of the shipped detector, RE2 patterns, lists of terms, indexes."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass

import re2

from gateway.adapters.policy_indexes import FOLDER, BrokenIndex, FoundIndex, Indexes, is_index_name
from gateway.adapters.strict_yaml import Mark, YamlNode, shown
from gateway.adapters.yaml_fields import Fields, Problems, did_you_mean, text_of
from gateway.detection.index_file import Header, IndexKind
from gateway.domain.detectors import (
    EntityDetector,
    ExactMatchDetector,
    FingerprintDetector,
    IndexFile,
    PatternDetector,
    PolicyDetector,
    TermsDetector,
    TopicDetector,
)
from gateway.domain.finding import CONFIDENCE, Permille, Topic
from gateway.domain.labels import Classification, DataClass, Entity, Label

_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,49}")
_LONGEST_PATTERN = 2000
_MOST_TERMS = 10_000
_KINDS = ("entity", "pattern", "terms", "topic", *IndexKind)
_TOPICS = tuple(each.value for each in Topic if each is not Topic.UNKNOWN)
_REACH = 100
_FARTHEST = 500
_NO_INDEX = FoundIndex(IndexFile("", ""), Header(IndexKind.EXACT_MATCH, "", 0, (), (), (), 0))
_MEANING = ("label", "classes")
_CONTEXTS = ("", "a", " ", "\n")


@dataclass(frozen=True, slots=True)
class Known:
    """The names that a detector may use: labels lowest first, the entities that some recogniser can report, indexes."""

    labels: Sequence[str]
    entities: Sequence[str]
    indexes: Indexes


def read_detectors(fields: Fields, known: Known) -> tuple[PolicyDetector, ...]:
    """The detectors of a policy."""
    read = [_detector(fields.problems, *entry, known) for entry in fields.entries("detectors")]
    return tuple(itertools.chain.from_iterable(read))


def classes_of(fields: Fields, key: str) -> frozenset[DataClass]:
    """The data classes named at `key`; none where it is absent."""
    names = [each.value for each in DataClass]
    given = fields.texts(key)
    for mark, name in given:
        if name not in names:
            fields.problems.unknown(mark, "P016", "data class", name, names)
    return frozenset(DataClass(name) for _, name in given if name in names)


def pattern_fault(pattern: str) -> str:
    """What is wrong with an RE2 pattern; empty when nothing is.

    A pattern that can match without consuming a character would find something everywhere and say nothing.
    """
    if not pattern or len(pattern) > _LONGEST_PATTERN:
        return f"a pattern has from 1 to {_LONGEST_PATTERN} characters"
    try:
        _compiled(pattern)
    except re2.error as error:
        return f"not RE2: {_reason(error)}"
    try:
        empty = any(_compiled(f"{a}(?:{pattern}){b}").fullmatch(a + b) for a in _CONTEXTS for b in _CONTEXTS)
    except re2.error:
        return r"not RE2 when it stands in a group: close every \Q with \E"
    return "the pattern matches the empty string" if empty else ""


def _compiled(pattern: str) -> re2._Regexp:
    options = re2.Options()
    options.log_errors = False
    return re2.compile(pattern, options)


def _reason(error: Exception) -> str:
    said = error.args[0] if error.args else ""
    return said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)


def _detector(problems: Problems, mark: Mark, name: str, node: YamlNode, known: Known) -> Sequence[PolicyDetector]:
    if not _ID.fullmatch(name):
        problems.error(mark, "P005", "a detector's id is made of a-z, 0-9, - and _, and has at most 50 characters")
    kind = _kind(problems, node)
    match kind:
        case "entity":
            return [_entity(problems, name, node, known)]
        case "pattern":
            return [_pattern(problems, name, node, known)]
        case "terms":
            return [_terms(problems, name, node, known)]
        case "topic":
            return [_topic(problems, name, node, known)]
        case IndexKind.EXACT_MATCH:
            return [_exact_match(problems, name, node, known)]
        case IndexKind.FINGERPRINT:
            return [_fingerprint(problems, name, node, known)]
        case _:
            return []


def _kind(problems: Problems, node: YamlNode) -> str:
    """The `type` of a detector, empty where it is none that can be read. Its other keys depend on it."""
    entries = {entry.key: entry.value for entry in getattr(node, "entries", ())}
    if "type" not in entries:
        problems.error(node.mark, "P006", "a detector has no 'type'")
        return ""
    kind, at = text_of(problems, entries["type"], "'type'"), entries["type"].mark
    if kind in tuple(IndexKind) and "index" not in entries:
        problems.error(node.mark, "P023", f"a detector of type {kind} needs an index, and names none")
        return ""
    if kind not in _KINDS:
        problems.unknown(at, "P005", "type of detector", kind, _KINDS)
    return kind


def _entity(problems: Problems, name: str, node: YamlNode, known: Known) -> EntityDetector:
    fields = Fields(problems, node, "an entity detector", required=("type", "entity", "label"), optional=("classes",))
    entity = fields.choice("entity", known.entities, code="P016")
    return EntityDetector(name, Entity(entity), _means(fields, known))


def _terms(problems: Problems, name: str, node: YamlNode, known: Known) -> TermsDetector:
    fields = Fields(problems, node, "a terms detector", required=("type", "terms", "label"), optional=("classes",))
    terms = tuple(" ".join(term.split()) for _, term in fields.texts("terms"))
    if len(terms) > _MOST_TERMS:
        problems.error(fields.place("terms"), "P005", f"more than {_MOST_TERMS} terms")
    return TermsDetector(name, terms, _means(fields, known))


def _pattern(problems: Problems, name: str, node: YamlNode, known: Known) -> PatternDetector:
    optional = ("classes", "evidence", "confidence")
    fields = Fields(problems, node, "a pattern detector", required=("type", "re2", "label"), optional=optional)
    pattern = fields.text("re2", default="missing")
    fault = pattern_fault(pattern)
    if fault:
        problems.error(fields.place("re2"), "P015", fault)
    words, within = _evidence(fields)
    alone, with_evidence = _confidences(fields, has_evidence=bool(words))
    return PatternDetector(name, pattern, words, within, alone, with_evidence, _means(fields, known))


def _topic(problems: Problems, name: str, node: YamlNode, known: Known) -> TopicDetector:
    optional = ("classes", "min_confidence")
    fields = Fields(problems, node, "a topic detector", required=("type", "topic", "label"), optional=optional)
    least = CONFIDENCE[fields.choice("min_confidence", tuple(CONFIDENCE), "high")]
    return TopicDetector(name, Topic(fields.choice("topic", _TOPICS)), least, _means(fields, known))


def _exact_match(problems: Problems, name: str, node: YamlNode, known: Known) -> ExactMatchDetector:
    required, optional = ("type", "index", "columns", "min_columns", "label"), ("classes", "within_chars")
    fields = Fields(problems, node, "an exact_match detector", required=required, optional=optional)
    index = _index(fields, IndexKind.EXACT_MATCH, known.indexes)
    given = fields.texts("columns")
    for mark, column in given:
        if index is not _NO_INDEX and column not in index.header.columns:
            problems.unknown(mark, "P016", "column", column, index.header.columns)
    columns = tuple(dict.fromkeys(column for _, column in given))
    if len(columns) != len(given):
        problems.error(fields.place("columns"), "P005", "a column stands twice")
    least = fields.whole("min_columns", 1, max(1, len(columns)), 1)
    within = fields.whole("within_chars", 1, _FARTHEST, _REACH)
    return ExactMatchDetector(name, index.file, columns, least, within, _means(fields, known))


def _fingerprint(problems: Problems, name: str, node: YamlNode, known: Known) -> FingerprintDetector:
    required = ("type", "index", "min_similarity", "label")
    fields = Fields(problems, node, "a fingerprint detector", required=required, optional=("classes",))
    index = _index(fields, IndexKind.FINGERPRINT, known.indexes)
    return FingerprintDetector(name, index.file, Permille(fields.permille("min_similarity")), _means(fields, known))


def _index(fields: Fields, kind: IndexKind, indexes: Indexes) -> FoundIndex:
    """The index that a detector names; a stand-in, with a problem told, where it cannot be used."""
    name, place = fields.text("index"), fields.place("index")
    found = indexes.get(name)
    if isinstance(found, FoundIndex) and found.header.kind is kind:
        return found
    if isinstance(found, FoundIndex):
        fields.problems.error(place, "P023", f"the index {shown(name)} is one for {found.header.kind}")
    elif isinstance(found, BrokenIndex):
        fields.problems.error(place, "P023", f"the index {shown(name)} {found.problem}")
    elif name and not (name.startswith(f"{FOLDER}/") and is_index_name(name.removeprefix(f"{FOLDER}/"))):
        fields.problems.error(place, "P005", f"an index lies in a folder beside the policies: {FOLDER}/NAME")
    elif name:
        fields.problems.error(place, "P023", f"there is no index {shown(name)}{did_you_mean(name, indexes)}")
    return _NO_INDEX


def _evidence(fields: Fields) -> tuple[tuple[str, ...], int]:
    if "evidence" not in fields:
        return (), 0
    inner = Fields(fields.problems, fields.node("evidence"), "'evidence'", required=("words", "within_chars"))
    return tuple(word for _, word in inner.texts("words")), inner.whole("within_chars", 1, 1000, 1)


def _confidences(fields: Fields, *, has_evidence: bool) -> tuple[Permille, Permille]:
    """Without `confidence`, a match counts as high; with evidence words it counts as low where they are missing."""
    alone, backed = CONFIDENCE["low" if has_evidence else "high"], CONFIDENCE["high"]
    if "confidence" not in fields:
        return alone, backed
    node, words = fields.node("confidence"), tuple(CONFIDENCE)
    optional = ("with_evidence",) if has_evidence else ()
    inner = Fields(fields.problems, node, "'confidence'", required=("alone",), optional=optional)
    alone = CONFIDENCE[inner.choice("alone", words)]
    backed = CONFIDENCE[inner.choice("with_evidence", words, "high")] if has_evidence else alone
    if backed < alone:
        fields.problems.error(node.mark, "P005", "evidence may raise a confidence, not lower it")
    return alone, backed


def _means(fields: Fields, known: Known) -> Classification:
    label = fields.choice("label", known.labels, known.labels[-1], code="P016")
    return Classification(Label(label), classes_of(fields, "classes"))
