"""The part of a conversation by which its task and topic are judged: what the system says, and the user's last words.

Bounded, since one run of the encoder has to do. Loaded by the gateway itself: the detector's process does the judging.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from gateway.domain.conversation import Leaf
from gateway.domain.declaration import LeafKind, Source
from gateway.domain.detectors import CustomDetector, TopicDetector
from gateway.domain.finding import Examined, Failed, FailureCause, Finding, Report, Topic
from gateway.domain.labels import HEALTH_TOPIC, Entity

_HEAD = 240
_TAIL = 160
"""Of a longer text so many characters are read: instructions stand at its beginning or end."""
_INSTRUCTED = 160
_BETWEEN = "\n"
_SURE_OF_HEALTH = 975


def gist_of(leaves: Sequence[Leaf]) -> str:
    """The gist of a conversation; empty where no user says anything."""
    asked = _asked(leaves)
    instructed = next((leaf.text for leaf in leaves if _spoken(leaf) and leaf.source is Source.SYSTEM), "")
    return gist(instructed, asked.text) if asked else ""


def with_topic(report: Report, leaves: Sequence[Leaf], custom: Sequence[CustomDetector]) -> Report:
    """The report with what follows from the topic, as findings on all of the user's last words: health content where
    that is sure, and the policy's own detectors of topics. One of these that nobody could answer fails the text."""
    asked = _asked(leaves)
    own = [each for each in custom if isinstance(each, TopicDetector)]
    if asked is None or not isinstance(said := report.of(asked.address), Examined):
        return report
    judged = report.topic
    if own and judged.topic is Topic.UNKNOWN and any(map(str.isalpha, asked.text)):
        return replace(report, leaves={**report.leaves, asked.address: Failed(FailureCause.NOT_EXAMINED)})
    names = [d.id for d in own if d.topic is judged.topic and judged.confidence >= d.min_confidence]
    if judged.topic is Topic.HEALTH and judged.confidence >= _SURE_OF_HEALTH:
        names.append(HEALTH_TOPIC)
    whole = [Finding(0, len(asked.text), Entity(name), judged.confidence, "TopicHead") for name in names]
    every = sorted((*said.findings, *whole), key=lambda f: (f.start, f.end, f.entity, -f.confidence))
    return replace(report, leaves={**report.leaves, asked.address: Examined(tuple(every))}) if whole else report


def _asked(leaves: Sequence[Leaf]) -> Leaf | None:
    """The user's last words, if there are any."""
    return next((leaf for leaf in reversed(leaves) if _spoken(leaf) and leaf.source is Source.USER), None)


def _spoken(leaf: Leaf) -> bool:
    return leaf.kind is LeafKind.VALUE and bool(leaf.text.strip())


def gist(instructed: str, asked: str) -> str:
    """The gist of a system's and a user's text."""
    begun = instructed.strip()[:_INSTRUCTED]
    said = asked.strip()
    if len(said) > _HEAD + _TAIL:
        said = f"{said[:_HEAD]} ... {said[-_TAIL:]}"
    return begun + _BETWEEN + said if begun else said
