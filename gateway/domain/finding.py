"""What a detector says about a conversation: leaf by leaf, never as a bare list.

"Examined and nothing found", "opaque" and "failed" are three different values, so an absent answer can never be
read as a clean one. No value here holds text.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NewType

from gateway.domain.labels import Entity

Address = NewType("Address", str)
"""JSON pointer of a leaf in the request; inside a string that is itself JSON, the inner pointer follows a `#`."""

Permille = NewType("Permille", int)
"""A confidence from 0 to 1000."""

CONFIDENCE: Mapping[str, Permille] = {"low": Permille(300), "medium": Permille(500), "high": Permille(850)}
"""The words a policy file uses for confidences, as the least permille each stands for."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One entity in one leaf. `start` and `end` are character offsets in the leaf's own text, end exclusive.

    `recognizer` names what found it, in the recogniser's own class name.
    """

    start: int
    end: int
    entity: Entity
    confidence: Permille
    recognizer: str

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.end:
            raise ValueError("a finding covers at least one character")
        if not 0 <= self.confidence <= 1000:
            raise ValueError("a confidence lies between 0 and 1000")


class FailureCause(StrEnum):
    """Why a leaf could not be examined."""

    DEADLINE = "deadline"
    CRASH = "crash"
    OVERLOAD = "overload"
    ERROR = "error"
    NOT_EXAMINED = "not_examined"


@dataclass(frozen=True, slots=True)
class Examined:
    """The whole leaf was looked through; `findings` may be empty and are sorted by start."""

    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Failed:
    """The leaf was not, or not wholly, examined."""

    cause: FailureCause


LeafReport = Examined | Failed


class Task(StrEnum):
    """What a conversation asks a model to do."""

    CLASSIFICATION = "classification"
    EXTRACTION = "extraction"
    SUMMARISATION = "summarisation"
    REWRITING = "rewriting"
    QUESTION_ANSWERING = "question_answering"
    OPEN_GENERATION = "open_generation"
    CODE = "code"
    UNKNOWN = "unknown"  # not judged


class Topic(StrEnum):
    """What a conversation is about."""

    HEALTH = "health"
    FINANCE = "finance"
    LEGAL = "legal"
    SOURCE_CODE = "source_code"
    OTHER = "other"
    UNKNOWN = "unknown"  # not judged


@dataclass(frozen=True, slots=True)
class JudgedTask:
    """The task of a conversation, and how likely that is."""

    task: Task = Task.UNKNOWN
    confidence: Permille = Permille(0)


@dataclass(frozen=True, slots=True)
class JudgedTopic:
    """The topic of a conversation, and how likely that is."""

    topic: Topic = Topic.UNKNOWN
    confidence: Permille = Permille(0)


_NO_TASK = JudgedTask()
_NO_TOPIC = JudgedTopic()


@dataclass(frozen=True, slots=True)
class Report:
    """The detector's answer for one conversation. A leaf that is missing here counts as failed.

    `detector` is the detector's version, as an identifier of at most 64 characters. `task` and `topic` are guesses
    about the whole: they say nothing of what is in a leaf, and no guess makes a leaf any cleaner.
    """

    leaves: Mapping[Address, LeafReport]
    detector: str
    task: JudgedTask = _NO_TASK
    topic: JudgedTopic = _NO_TOPIC

    def of(self, address: Address) -> LeafReport:
        """The report of one leaf; `Failed(NOT_EXAMINED)` when the detector is silent about it."""
        return self.leaves.get(address, Failed(FailureCause.NOT_EXAMINED))
