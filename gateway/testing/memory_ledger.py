"""A ledger in memory: the records are the real ones, only the disk is missing. It can be made to fail and to stall."""

from __future__ import annotations

import asyncio

from gateway.domain._receipt import issue
from gateway.domain.clearance import Receipt
from gateway.domain.commitment import Secrets
from gateway.domain.errors import ErrorCode, GatewayFault
from gateway.domain.evidence import Decided, Evidence
from gateway.domain.record import NO_LEAF, Link, Record, encode, sent_digest, statement
from gateway.domain.record_schema import RecordError
from gateway.pipeline.ports import Health

WRITER = "gw-00000000"
SECRETS = Secrets(day_key=b"d" * 32, tenant_key=b"t" * 32, salt=b"s" * 16)
"""What all records of the fake commit with, so that a test can open any commitment."""


class MemoryLedger:
    """Implements `ports.Ledger`. `records` are in the order of the chain, `evidence` beside them."""

    def __init__(self, *, deadline_ms: int = 250) -> None:
        self.records: list[Record] = []
        self.evidence: list[Evidence] = []
        self._deadline = deadline_ms / 1000
        self._broken = False
        self._running = asyncio.Event()
        self._running.set()

    def fail(self) -> None:
        """Refuse every append from now on."""
        self._broken = True

    def stall(self) -> None:
        """Let every append wait from now on, until it is refused at its deadline or `mend` is called."""
        self._running.clear()

    def mend(self) -> None:
        """Write again."""
        self._broken = False
        self._running.set()

    async def append(self, evidence: Evidence) -> Receipt:
        """The receipt, once the record is in the list. Raises `GatewayFault(LEDGER_UNAVAILABLE)`."""
        try:
            async with asyncio.timeout(self._deadline):
                await self._running.wait()
            if self._broken:
                raise GatewayFault(ErrorCode.LEDGER_UNAVAILABLE)
            record = encode(evidence, self._link(), SECRETS)
        except (TimeoutError, RecordError):
            raise GatewayFault(ErrorCode.LEDGER_UNAVAILABLE) from None
        self.records.append(record)
        self.evidence.append(evidence)
        token = statement(record).decode("ascii") if isinstance(evidence, Decided) else ""
        return issue(decision_id=record.search.decision_id, digest=sent_digest(evidence), token=token)

    async def health(self) -> Health:
        """Not ok while it fails or stalls."""
        well = self._running.is_set() and not self._broken
        return Health(ok=well, detail="" if well else "records cannot be written")

    def _link(self) -> Link:
        previous = self.records[-1].leaf if self.records else NO_LEAF
        return Link(WRITER, len(self.records), previous, bytes(16))
