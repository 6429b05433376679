"""What the detector's process and the gateway tell each other, as JSON values. Both sides import it.

A job:     {"set": digest, "detectors": [...] or null, "budget_ms": n, "leaves": [leaf, ...]}; a leaf is
           [text, [key, ...]], or [text, [key, ...], [cut, ...], broken, labels, ids] for neighbouring texts in one
           {"ping": true} or {"judge": gist}
An answer: {"leaves": [[[start, end, entity, permille, recognizer], ...] or "deadline" or "error", ...]}
           {"unknown_set": true}: the detectors of this digest have to be sent along
           {"task": [task, permille], "topic": [topic, permille]}: of a gist; null where nobody can say
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import assert_never, cast

from gateway.domain.detectors import (
    CustomDetector,
    ExactMatchDetector,
    FingerprintDetector,
    IndexFile,
    LookingDetector,
    PatternDetector,
    TermsDetector,
    TopicDetector,
)
from gateway.domain.finding import (
    Examined,
    Failed,
    FailureCause,
    Finding,
    JudgedTask,
    JudgedTopic,
    LeafReport,
    Permille,
    Task,
    Topic,
)
from gateway.domain.labels import Classification, Entity, Label
from gateway.domain.strict_json import Json

_RUNS = (2, 3)
_NO_MEANING = Classification(Label(""), frozenset())
_CAUSES = {"deadline": FailureCause.DEADLINE, "error": FailureCause.ERROR}


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Neighbouring texts in one, as the detector's process reads them. `cuts` are where one ends and the next begins,
    `broken` says that one of these is within a word, `labels` that words of one may explain a number in another, `ids`
    that each text is an id: a value over some of them ends where the next one begins, with no space between."""

    text: str = field(repr=False)
    cuts: tuple[int, ...]
    broken: bool
    labels: bool
    ids: bool = False

    def pieces(self) -> list[str]:
        """The texts."""
        return [self.text[start:end] for start, end in pairwise((0, *self.cuts, len(self.text)))]

    def runs(self, between: str) -> Iterator[tuple[str, tuple[int, ...]]]:
        """The pieces by twos and by threes, with `between` around each run of so many: each text, and the cuts at which
        `between` stands in it."""
        for length in _RUNS:
            for first in range(length):
                cuts = self.cuts[(first - 1) % length :: length]
                if len(cuts) < len(self.cuts):
                    edges = pairwise((0, *cuts, len(self.text)))
                    yield between.join(self.text[start:end] for start, end in edges), cuts

    def without(self, between: str, at: int, cuts: Sequence[int]) -> int:
        """An offset in the text with `between` at some cuts, as an offset in `text`."""
        inserted = 0
        for cut in cuts:
            if at < cut + inserted + len(between):
                return min(at - inserted, cut)
            inserted += len(between)
        return at - inserted


def neighbours_to_json(each: Neighbours, context: Sequence[str]) -> list[Json]:
    """Neighbouring texts, as a leaf of a job."""
    return [each.text, list(context), list(each.cuts), each.broken, each.labels, each.ids]


def neighbours_from_json(leaf: Sequence[Json]) -> Neighbours:
    """The inverse of `neighbours_to_json`, without the keys."""
    text, _, cuts, broken, labels, ids = leaf
    places = tuple(cast("list[int]", cuts))
    return Neighbours(cast("str", text), places, broken is True, labels is True, ids is True)


def detectors_to_json(detectors: Sequence[CustomDetector]) -> Json:
    """The policy's own detectors without what their findings mean, which the detector need not know. Those that ask for
    a topic stay behind: they read what was judged of the whole conversation."""
    return [_detector_to_json(detector) for detector in detectors if not isinstance(detector, TopicDetector)]


def _detector_to_json(detector: LookingDetector) -> Json:
    match detector:
        case TermsDetector():
            return {"id": detector.id, "terms": list(detector.terms)}
        case PatternDetector():
            return {
                "id": detector.id,
                "re2": detector.re2,
                "evidence": list(detector.evidence),
                "within_chars": detector.within_chars,
                "alone": detector.alone,
                "with_evidence": detector.with_evidence,
            }
        case ExactMatchDetector():
            return {
                "id": detector.id,
                **_index_to_json(detector.index),
                "columns": list(detector.columns),
                "min_columns": detector.min_columns,
                "within_chars": detector.within_chars,
            }
        case FingerprintDetector():
            return {
                "id": detector.id,
                **_index_to_json(detector.index),
                "min_similarity": detector.min_similarity,
            }
        case _:
            assert_never(detector)


def detectors_from_json(value: Json) -> tuple[LookingDetector, ...]:
    """The inverse of `detectors_to_json`. Raises `ValueError`, `KeyError` or `TypeError` for anything else."""
    if not isinstance(value, list):
        raise TypeError("detectors are a list")
    return tuple(_detector_from_json(cast("dict[str, Json]", each)) for each in value)


def _detector_from_json(value: dict[str, Json]) -> LookingDetector:
    if "terms" in value:
        return TermsDetector(id=str(value["id"]), terms=_strings(value["terms"]), means=_NO_MEANING)
    if "columns" in value:
        return ExactMatchDetector(
            id=str(value["id"]),
            index=_index_from_json(value),
            columns=_strings(value["columns"]),
            min_columns=_number(value["min_columns"]),
            within_chars=_number(value["within_chars"]),
            means=_NO_MEANING,
        )
    if "min_similarity" in value:
        least = Permille(_number(value["min_similarity"]))
        return FingerprintDetector(str(value["id"]), _index_from_json(value), least, _NO_MEANING)
    return PatternDetector(
        id=str(value["id"]),
        re2=str(value["re2"]),
        evidence=_strings(value["evidence"]),
        within_chars=_number(value["within_chars"]),
        alone=Permille(_number(value["alone"])),
        with_evidence=Permille(_number(value["with_evidence"])),
        means=_NO_MEANING,
    )


def _index_to_json(index: IndexFile) -> dict[str, Json]:
    """An index travels by its place and digest: the detector's process opens the file itself."""
    return {"index": index.path, "digest": index.digest}


def _index_from_json(value: dict[str, Json]) -> IndexFile:
    return IndexFile(str(value["index"]), str(value["digest"]))


def digest_of(detectors: Json) -> str:
    """A digest of the policy's own detectors."""
    return hashlib.sha256(json.dumps(detectors, sort_keys=True).encode()).hexdigest()


def report_to_json(report: LeafReport) -> Json:
    """One leaf's report."""
    match report:
        case Examined(findings):
            return [[f.start, f.end, f.entity, f.confidence, f.recognizer] for f in findings]
        case Failed(cause):
            return "deadline" if cause is FailureCause.DEADLINE else "error"
        case _:
            assert_never(report)


def report_from_json(value: Json, length: int) -> LeafReport:
    """One leaf's report, `length` characters long. Anything that does not make sense is a failed leaf."""
    if isinstance(value, str):
        return Failed(_CAUSES.get(value, FailureCause.ERROR))
    try:
        return (
            Examined(tuple(_finding(each, length) for each in value))
            if isinstance(value, list)
            else Failed(FailureCause.ERROR)
        )
    except (ValueError, TypeError):
        return Failed(FailureCause.ERROR)


def _finding(value: Json, length: int) -> Finding:
    if not isinstance(value, list) or len(value) != 5:
        raise ValueError("a finding has five parts")
    start, end, entity, confidence, recognizer = value
    if not isinstance(entity, str) or not entity or not isinstance(recognizer, str) or _number(end) > length:
        raise ValueError("a finding names an entity inside its text")
    return Finding(_number(start), _number(end), Entity(entity), Permille(_number(confidence)), recognizer)


def judged_to_json(task: JudgedTask, topic: JudgedTopic) -> Json:
    """What a conversation was judged to be."""
    return {"task": [task.task.value, task.confidence], "topic": [topic.topic.value, topic.confidence]}


def judged_from_json(value: Json) -> tuple[JudgedTask, JudgedTopic]:
    """The inverse of `judged_to_json`. Whatever makes no sense is unknown."""
    try:
        said = cast("dict[str, list[Json]]", value)
        task, sure = said["task"]
        topic, topical = said["topic"]
        return JudgedTask(Task(str(task)), _permille(sure)), JudgedTopic(Topic(str(topic)), _permille(topical))
    except (ValueError, TypeError, KeyError):
        return JudgedTask(), JudgedTopic()


def _permille(value: Json) -> Permille:
    number = _number(value)
    if not 0 <= number <= 1000:
        raise ValueError("a confidence lies between 0 and 1000")
    return Permille(number)


def _number(value: Json) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError("a whole number is expected")
    return value


def _strings(value: Json) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise TypeError("a list of strings is expected")
    return tuple(str(each) for each in value)
