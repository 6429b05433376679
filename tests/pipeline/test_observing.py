"""Several observers as one, and the ledger that counts what it owes."""

from __future__ import annotations

import pytest

from gateway.domain.errors import GatewayFault
from gateway.domain.evidence import Route
from gateway.pipeline.observing import CountingLedger, Observers
from gateway.testing.memory_ledger import MemoryLedger
from tests.evidence import CLOCK, decided, outcome
from tests.pipeline.test_story import CountingObserver


def test_each_observer_hears_everything() -> None:
    """In order, and nobody is no fault."""
    first, second = CountingObserver(), CountingObserver()
    observers = Observers((first, second))
    observers.decided(decided(), {"detect": 1})
    observers.ended(decided(), outcome("x"))
    Observers().decided(decided(), {})

    assert first.told == second.told
    assert ["stages", "decided", "ended"] == [each[0] for each in first.told]


async def test_an_intent_is_open_until_its_outcome_is_durable() -> None:
    """A refused request opens none; an outcome that cannot be written leaves one, and is a failure."""
    memory = MemoryLedger()
    ledger = CountingLedger(memory)
    await ledger.append(decided(route=Route.BLOCKED, destination="", status=403))
    assert 0 == ledger.open_intents
    await ledger.append(decided())
    assert 1 == ledger.open_intents

    memory.fail()
    with pytest.raises(GatewayFault):
        await ledger.append(outcome(CLOCK.new_id()))
    assert (1, 1) == (ledger.open_intents, ledger.failures)
    memory.mend()
    await ledger.append(outcome(CLOCK.new_id()))
    assert (0, 1) == (ledger.open_intents, ledger.failures)
    assert (await ledger.health()).ok
