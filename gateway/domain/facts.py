"""What a policy may know of a request: counts, confidences, labels and context, never text.

Facts are what is recorded, so a past decision can be evaluated again without its prompt.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from gateway.domain.capability import Lack
from gateway.domain.conversation import Conversation, Operation
from gateway.domain.declaration import Source
from gateway.domain.finding import CONFIDENCE, Examined, Finding, JudgedTask, Permille, Report
from gateway.domain.labels import Entity, Label

_NOT_JUDGED = JudgedTask()


@dataclass(frozen=True, slots=True)
class FindingFact:
    """Findings of one entity, in one leaf, in one band of confidence.

    `values` counts the distinct values here; `new` those of them that no earlier leaf held with as much confidence, so
    that a value resent with every turn counts once. `confidence` is the highest of the band in permille; `schema` is
    the leaf's address without caller-chosen keys.
    """

    entity: Entity
    schema: str
    source: Source
    values: int
    new: int
    confidence: Permille


@dataclass(frozen=True, slots=True)
class Context:
    """Who asks, when, and what they claim. `at` is in microseconds since the epoch, UTC.

    `claimed_label` and `purpose` come from the client; a label may only raise, an empty string claims nothing.
    """

    tenant: str
    app: str
    key_id: str
    purpose: str
    claimed_label: Label
    at: int


@dataclass(frozen=True, slots=True)
class Facts:
    """All that evaluation reads. `failed` and `opaque` count leaves and parts that nobody could read; `lacking` says
    what the models inside cannot do of what is asked."""

    context: Context
    model: str = field(repr=False)
    leaves: int
    failed: int
    opaque: int
    findings: tuple[FindingFact, ...]
    operation: Operation = Operation.CHAT
    task: JudgedTask = _NOT_JUDGED
    lacking: tuple[Lack, ...] = ()


def facts_of(
    conversation: Conversation,
    report: Report,
    context: Context,
    fold: Callable[[str], str],
    lacking: tuple[Lack, ...] = (),
) -> Facts:
    """The facts of a conversation. A leaf that the report is silent about counts as failed.

    `fold` brings two writings of one value together (case, spaces, width).
    """
    failed = 0
    seen: set[tuple[Entity, str, int]] = set()
    found: list[FindingFact] = []
    for leaf in conversation.leaves:
        said = report.of(leaf.address)
        if not isinstance(said, Examined) or any(f.end > len(leaf.text) for f in said.findings):
            failed += 1
            continue
        for (entity, band), here in _by_entity_and_band(said.findings).items():
            values = {fold(leaf.text[f.start : f.end]) for f in here}
            new = {value for value in values if not any((entity, value, b) in seen for b in range(band, _BANDS + 1))}
            seen |= {(entity, value, band) for value in values}
            confidence = Permille(max(f.confidence for f in here))
            found.append(FindingFact(entity, leaf.schema, leaf.source, len(values), len(new), confidence))
    return Facts(
        context=context,
        model=conversation.model,
        leaves=len(conversation.leaves),
        failed=failed,
        opaque=len(conversation.opaque),
        findings=tuple(found),
        operation=conversation.operation,
        task=report.task,
        lacking=lacking,
    )


_THRESHOLDS = sorted(CONFIDENCE.values())
_BANDS = len(_THRESHOLDS)


def _by_entity_and_band(findings: tuple[Finding, ...]) -> dict[tuple[Entity, int], list[Finding]]:
    """Findings grouped so that a rule's `min_confidence` takes or leaves a whole group; strongest bands first."""
    groups: dict[tuple[Entity, int], list[Finding]] = {}
    for finding in sorted(findings, key=lambda f: (-f.confidence, f.entity)):
        band = sum(finding.confidence >= threshold for threshold in _THRESHOLDS)
        groups.setdefault((finding.entity, band), []).append(finding)
    return groups
