"""Who watches the requests: several observers as one, and a ledger that counts what it still owes an outcome."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.domain.clearance import Receipt
from gateway.domain.errors import GatewayFault
from gateway.domain.evidence import Decided, Evidence, Outcome, Route
from gateway.pipeline.ports import Health, Ledger, Observer


@dataclass(frozen=True, slots=True)
class Observers:
    """Implements `ports.Observer`: tells each of them, in this order. Without any it looks away."""

    each: tuple[Observer, ...] = ()

    def decided(self, evidence: Decided, stages: Mapping[str, int]) -> None:
        """A decision was recorded."""
        for observer in self.each:
            observer.decided(evidence, stages)

    def ended(self, evidence: Decided, outcome: Outcome) -> None:
        """The way of a request ended."""
        for observer in self.each:
            observer.ended(evidence, outcome)


class CountingLedger:
    """Implements `ports.Ledger` over another. `failures` counts refused appends; `open_intents` the decisions that may
    have been acted on and whose outcome is not durable. One that cannot be recorded stays open, and is seen here."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self.failures = 0
        self.open_intents = 0

    async def append(self, evidence: Evidence) -> Receipt:
        """The receipt, as the ledger gives it. Raises `GatewayFault` as the ledger does."""
        try:
            receipt = await self._ledger.append(evidence)
        except GatewayFault:
            self.failures += 1
            raise
        self.open_intents += _opens(evidence)
        return receipt

    async def health(self) -> Health:
        """As the ledger is."""
        return await self._ledger.health()


def _opens(evidence: Evidence) -> int:
    """How many intents a durable record opens; -1 where it closes one."""
    if isinstance(evidence, Decided):
        return int(evidence.route is not Route.BLOCKED)
    return -1 if isinstance(evidence, Outcome) else 0
