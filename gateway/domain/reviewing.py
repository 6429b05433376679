"""The review of decisions: judged by one person, signed off by another one.

open -> judged -> done        escalated: for somebody with more to say; it is judged or signed off like any other
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from gateway.domain.commitment import commitment
from gateway.domain.evidence import ReviewAction, ReviewReason
from gateway.domain.strict_json import Json, text_at

MOST_WORDS = 2000
SAMPLE_SIZE = 40
WEEK_US = 7 * 86_400 * 1_000_000


class ReviewState(StrEnum):
    """Where the review of a decision stands."""

    OPEN = "open"
    JUDGED = "judged"
    ESCALATED = "escalated"
    DONE = "done"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewItem:
    """A decision under review. `sampled` is the start of the week that drew it, 0 for one that somebody asked for;
    `assignee` and `signer` are ids of accounts, empty for nobody. Times in microseconds."""

    decision_id: str
    sampled: int
    state: ReviewState
    assignee: str
    signer: str
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """What a reviewer said: a judgement of one entity (empty: of the decision as a whole), or a comment alone. The
    record holds the commitment to the words, which the random `salt` opens."""

    account: str
    at: int
    entity: str
    verdict: str
    reason: str
    words: str
    salt: bytes = field(repr=False)

    @property
    def comment(self) -> str:
        """The commitment to the words; empty where there are none."""
        return commitment(self.salt, b"", self.words.encode()) if self.words else ""


@dataclass(frozen=True, slots=True)
class Unheld:
    """What the database says of a review and the ledger does not, and how much it is the other way round."""

    notes: tuple[Note, ...]
    lost: int
    signer: bool

    def __bool__(self) -> bool:
        return bool(self.notes or self.lost or self.signer)


@dataclass(frozen=True, slots=True)
class Precision:
    """How many findings of an entity were judged in a month, and how many of them were right."""

    entity: str
    month: str
    right: int
    judged: int

    @property
    def percent(self) -> float:
        """Of a hundred findings, how many were right."""
        return round(100 * self.right / self.judged, 1)


VERDICTS = (ReviewAction.TRUE_POSITIVE, ReviewAction.FALSE_POSITIVE)
_SAYING = (*VERDICTS, ReviewAction.COMMENTED, ReviewAction.ESCALATED)
REASONS: Mapping[ReviewReason, str] = {
    ReviewReason.AS_FOUND: "it is what it was taken for",
    ReviewReason.NOT_PERSONAL: "it belongs to nobody",
    ReviewReason.TEST_DATA: "made-up or test data",
    ReviewReason.PUBLIC_KNOWLEDGE: "publicly known",
    ReviewReason.OTHER_KIND: "something of another kind",
    ReviewReason.OTHER: "another reason, see the comment",
}


def unheld(item: ReviewItem | None, notes: Iterable[Note], recorded: Iterable[Mapping[str, Json]]) -> Unheld:
    """Where a review in the database is not what the `review` records of its decision say: words or verdicts that were
    altered or added, some that are gone, a signature that nobody gave."""
    records = list(recorded)
    owed = Counter(_said(each) for each in records if text_at(each, "action") in _SAYING)
    strange = []
    for note in notes:
        said = (note.account, note.entity, note.verdict, note.reason, note.comment)
        owed[said] -= 1
        if owed[said] < 0:
            strange.append(note)
    signers = {text_at(each, "who") for each in records if text_at(each, "action") == ReviewAction.SIGNED_OFF}
    signed = item is not None and item.state is ReviewState.DONE
    return Unheld(tuple(strange), (+owed).total(), signed and item is not None and item.signer not in signers)


def _said(document: Mapping[str, Json]) -> tuple[str, str, str, str, str]:
    who, entity, reason, comment = (text_at(document, name) for name in ("who", "d", "why", "c"))
    action = text_at(document, "action")
    return who, entity, action if action in VERDICTS else "", reason, comment


def may_sign(item: ReviewItem, notes: Iterable[Note], account: str) -> str:
    """Why this account may not sign the review off; empty when it may. Four eyes: whoever judged does not sign."""
    judges = {note.account for note in notes if note.verdict}
    if item.state is ReviewState.DONE:
        return "It is signed off already."
    if not judges:
        return "Nobody has judged it yet."
    return "You judged it: somebody else has to sign it off." if account in judges else ""


def precision_of(judged: Iterable[tuple[str, str, str]]) -> list[Precision]:
    """From (entity, month, verdict) of each judgement: the precision of each entity, month by month."""
    counts: dict[tuple[str, str], list[int]] = {}
    for entity, month, verdict in judged:
        count = counts.setdefault((entity, month), [0, 0])
        count[0] += verdict == ReviewAction.TRUE_POSITIVE.value
        count[1] += 1
    return [Precision(entity, month, right, all_) for (entity, month), (right, all_) in sorted(counts.items())]
