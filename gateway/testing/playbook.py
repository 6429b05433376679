"""A playbook: the effects of a story, written down as they happen and compared with the script of a test.

Each port is wrapped so that every use of it leaves one line. A playbook whose effects nobody compared raises when it is
closed, so a test cannot pass by forgetting to look.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Self

from gateway.domain.capability import Capability
from gateway.domain.clearance import Clearance, Receipt
from gateway.domain.conversation import Conversation, Leaf, Operation
from gateway.domain.detectors import CustomDetector
from gateway.domain.evidence import Decided, Erased, Event, Evidence, Outcome, Pruned, Reviewed, Viewed
from gateway.domain.finding import Report
from gateway.pipeline.ports import Detector, ExternalAnswer, ExternalModel, Health, Ledger, LocalAnswer, LocalModel


class Playbook:
    """Collects effects. Use as a context manager; call `expect` with the effects in their order."""

    def __init__(self) -> None:
        self._effects: list[str] = []

    def note(self, effect: str) -> None:
        """An effect happened."""
        self._effects.append(effect)

    def expect(self, *effects: str) -> None:
        """Compare what happened since the last call with the script."""
        happened, self._effects = self._effects, []
        if list(effects) != happened:
            script = "\n".join(_compared(list(effects), happened))
            raise AssertionError(f"the story went another way:\n{script}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None and self._effects:
            raise AssertionError("effects that the script does not speak of:\n" + "\n".join(self._effects))


def _compared(expected: list[str], happened: list[str]) -> list[str]:
    width = max(len(expected), len(happened))
    pairs = zip(expected + [""] * (width - len(expected)), happened + [""] * (width - len(happened)), strict=True)
    return [f"  {want}" if want == got else f"- {want}\n+ {got}" for want, got in pairs]


class PlaybookDetector:
    """A detector that leaves a line."""

    def __init__(self, inner: Detector, book: Playbook) -> None:
        self._inner, self._book = inner, book

    async def examine(self, leaves: Sequence[Leaf], custom: Sequence[CustomDetector]) -> Report:
        """Note and pass on."""
        self._book.note("examine")
        return await self._inner.examine(leaves, custom)

    async def health(self) -> Health:
        """Pass on."""
        return await self._inner.health()


class PlaybookLedger:
    """A ledger that leaves a line when a record is asked for and one when it is durable."""

    def __init__(self, inner: Ledger, book: Playbook) -> None:
        self._inner, self._book = inner, book

    async def append(self, evidence: Evidence) -> Receipt:
        """Note and pass on."""
        told = _told(evidence)
        self._book.note(f"record {told}")
        receipt = await self._inner.append(evidence)
        self._book.note(f"durable {told}")
        return receipt

    async def health(self) -> Health:
        """Pass on."""
        return await self._inner.health()


class PlaybookExternal:
    """An external model that leaves a line."""

    def __init__(self, inner: ExternalModel, book: Playbook) -> None:
        self._inner, self._book = inner, book

    @property
    def speaks(self) -> frozenset[Operation]:
        """Pass on."""
        return self._inner.speaks

    async def complete(self, clearance: Clearance) -> ExternalAnswer:
        """Note and pass on."""
        self._book.note(f"send {clearance.destination}")
        return await self._inner.complete(clearance)

    async def models(self) -> Sequence[str]:
        """Pass on."""
        return await self._inner.models()

    async def health(self) -> Health:
        """Pass on."""
        return await self._inner.health()


class PlaybookLocal:
    """A model inside that leaves a line."""

    def __init__(self, inner: LocalModel, book: Playbook) -> None:
        self._inner, self._book = inner, book

    @property
    def speaks(self) -> frozenset[Operation]:
        """Pass on."""
        return self._inner.speaks

    def lacks(self, conversation: Conversation) -> frozenset[Capability]:
        """Pass on."""
        return self._inner.lacks(conversation)

    async def complete(self, conversation: Conversation) -> LocalAnswer:
        """Note and pass on."""
        self._book.note("answer inside")
        return await self._inner.complete(conversation)

    async def models(self) -> Sequence[str]:
        """Pass on."""
        return await self._inner.models()

    async def health(self) -> Health:
        """Pass on."""
        return await self._inner.health()


def _told(evidence: Evidence) -> str:
    match evidence:
        case Decided(route=route):
            return route.value
        case Outcome(result=result):
            return f"outcome {result.value}"
        case Event(kind=kind):
            return kind.value
        case Pruned() | Erased() | Viewed() | Reviewed():
            return type(evidence).__name__.lower()
