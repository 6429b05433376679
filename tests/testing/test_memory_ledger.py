"""The knobs of the fake; what it shares with the real ledgers is in tests/contract."""

from __future__ import annotations

import asyncio
import json

import pytest

from gateway.domain.commitment import commitment
from gateway.domain.errors import GatewayFault
from gateway.testing.memory_ledger import SECRETS, MemoryLedger
from tests.evidence import SENT, activated, decided


async def test_a_stalled_ledger_refuses_at_its_deadline() -> None:
    """Nothing is kept of what was refused."""
    ledger = MemoryLedger(deadline_ms=10)
    ledger.stall()
    with pytest.raises(GatewayFault, match="ledger_unavailable"):
        await ledger.append(decided())

    assert [] == ledger.records
    assert not (await ledger.health()).ok


async def test_a_mended_ledger_writes_again() -> None:
    """Also for those who waited."""
    ledger = MemoryLedger(deadline_ms=10_000)
    ledger.stall()
    waiting = asyncio.create_task(ledger.append(decided()))
    await asyncio.sleep(0)
    ledger.mend()
    await waiting
    ledger.fail()
    ledger.mend()
    await ledger.append(activated())

    assert ["intent", "policy"] == [record.search.kind for record in ledger.records]
    assert (await ledger.health()).ok


async def test_a_test_can_open_every_commitment() -> None:
    """Its keys and salt are constants."""
    ledger = MemoryLedger()
    await ledger.append(decided())

    assert commitment(SECRETS.day_key, SECRETS.salt, SENT) == json.loads(ledger.records[0].body)["do"]["sent"]["c"]
