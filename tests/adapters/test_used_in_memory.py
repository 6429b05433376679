"""Which clearances were used, in one process and in a store that several share."""

from __future__ import annotations

import asyncio

import pytest

from gateway.adapters.limits_store import LimitsStore, StoreOptions
from gateway.adapters.used_in_memory import UsedInMemory
from gateway.domain.errors import ErrorCode, GatewayFault
from tests.valkey import PASSWORD, Valkey, valkey_server

__all__ = ["valkey_server"]


async def test_the_first_use_is_the_only_one_while_it_is_remembered() -> None:
    """By name, until its time is over."""
    now = [100.0]
    used = UsedInMemory(monotonic=lambda: now[0])

    assert await used.first("a", 30)
    assert await used.first("b", 30)
    now[0] = 129.9
    assert not await used.first("a", 30)
    now[0] = 130.1
    assert await used.first("a", 30)
    assert not used.outlives_restarts


async def test_a_full_memory_sends_nothing_until_there_is_room() -> None:
    """It never forgets one that is still good."""
    now = [0.0]
    used = UsedInMemory(most=2, monotonic=lambda: now[0])
    await used.first("a", 10)
    await used.first("b", 20)
    with pytest.raises(GatewayFault) as full:
        await used.first("c", 10)
    now[0] = 10.1

    assert ErrorCode.OVERLOADED is full.value.code
    assert await used.first("c", 10)
    assert not await used.first("b", 10)


async def test_memory_stays_bounded() -> None:
    """What is over is let go, without anybody asking for it."""
    now = [0.0]
    used = UsedInMemory(monotonic=lambda: now[0])
    for count in range(5000):
        now[0] = count / 10
        await used.first(str(count), 30)

    assert len(used._until) < 1400


async def test_a_shared_store_knows_what_another_egress_sent(valkey_server: Valkey) -> None:
    """Of many that ask at once, one is the first; a store that is gone says so, and nothing is sent."""
    options = StoreOptions(url=valkey_server.url, password=PASSWORD, timeout_s=5.0)
    one, other = LimitsStore(options), LimitsStore(options)
    asked = await asyncio.gather(*(store.first("decision", 30) for store in (one, other) * 8))
    nowhere = LimitsStore(StoreOptions(url="redis://127.0.0.1:9/0", password="", timeout_s=1.0))
    with pytest.raises(GatewayFault):
        await nowhere.first("decision", 30)

    assert 1 == sum(asked)
    assert one.outlives_restarts
    for store in (one, other, nowhere):
        await store.aclose()
