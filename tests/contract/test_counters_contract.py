"""The counts of the limits, in this process and in a real shared store: the same tests, and what only one has."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from types import SimpleNamespace

import pytest
import redis.asyncio
from limits.aio import strategies
from limits.aio.storage import memory
from limits.aio.storage.redis import redispy

from gateway.adapters import limits_store
from gateway.adapters.limits_store import MEMORY, LimitsStore, StoreOptions
from gateway.domain.errors import ErrorCode, GatewayFault
from gateway.pipeline.counters import Window
from tests.valkey import PASSWORD, Valkey, valkey_server

__all__ = ["valkey_server"]

MINUTE = Window("key/a/requests_per_minute", 3, 60)
WIDE = Window("gateway/requests_per_minute", 100, 60)
TOKENS = Window("key/a/tokens_per_minute", 100, 60)
DAY = Window("key/a/tokens_per_day", 1000, 86_400)


@dataclass
class Counting:
    """A store and a way to let time pass for it."""

    store: LimitsStore
    advance: Callable[[float], Awaitable[None]]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time that the store and its library see: real, plus what a test let pass."""
    passed = [0.0]
    # The middle of a bucket of a minute and not the end of one of a day, so that a slow test crosses neither
    start = (time.time() // 60) * 60 + 30 - time.time()
    passed[0] = start
    fake = SimpleNamespace(time=lambda: time.time() + passed[0])
    for module in (memory, redispy, strategies, limits_store):
        monkeypatch.setattr(module, "time", fake)
    return passed


@pytest.fixture
async def in_memory(clock: list[float]) -> AsyncIterator[Counting]:
    """Counts of this process."""

    async def advance(seconds: float) -> None:
        clock[0] += seconds

    store = LimitsStore(StoreOptions(url=MEMORY, password="", timeout_s=5.0))
    yield Counting(store, advance)
    await store.aclose()


@pytest.fixture
async def shared(valkey_server: Valkey, clock: list[float]) -> AsyncIterator[Counting]:
    """Counts in a Valkey. Its own time passes by shortening what each key has left."""
    admin = redis.asyncio.Redis(port=valkey_server.port, password=PASSWORD)
    await admin.flushall()

    async def advance(seconds: float) -> None:
        clock[0] += seconds
        for key in await admin.keys("*"):
            await admin.pexpire(key, max(0, await admin.pttl(key) - int(seconds * 1000)))

    store = LimitsStore(StoreOptions(url=valkey_server.url, password=PASSWORD, timeout_s=5.0))
    yield Counting(store, advance)
    await store.aclose()
    await admin.aclose()


@pytest.fixture(params=["in_memory", "shared"])
def counting(request: pytest.FixtureRequest) -> Counting:
    """Each of the two."""
    chosen: Counting = request.getfixturevalue(request.param)
    return chosen


async def test_a_window_takes_what_it_holds(counting: Counting) -> None:
    """One by one, each told; the last slot says when the next is free."""
    taken = [await counting.store.take([MINUTE]) for _ in range(4)]
    standings = [each.standings[0] for each in taken]

    assert [True, True, True, False] == [each.granted for each in taken]
    assert [1, 2, 3, 3] == [standing.used for standing in standings]
    assert [False, False, True, True] == [standing.full for standing in standings]
    assert 50 < standings[3].free_in <= 60
    assert 60.0 == standings[0].clear_in


async def test_a_window_moves(counting: Counting) -> None:
    """Each request leaves by its own time: no burst at a boundary."""
    await counting.store.take([MINUTE])
    await counting.advance(30)
    await counting.store.take([MINUTE])
    await counting.store.take([MINUTE])
    await counting.advance(31)
    again, refused = await counting.store.take([MINUTE]), await counting.store.take([MINUTE])

    assert again.granted
    assert not refused.granted
    assert 20 < refused.standings[0].free_in <= 29
    await counting.advance(refused.standings[0].free_in + 0.5)
    assert (await counting.store.take([MINUTE])).granted


async def test_a_refused_request_costs_nothing(counting: Counting) -> None:
    """One full window among several: none of the others counts it."""
    narrow = Window("key/b/requests_per_minute", 1, 60)
    await counting.store.take([narrow, WIDE])
    for _ in range(5):
        refused = await counting.store.take([narrow, WIDE])
        assert not refused.granted
        assert [True, False] == [standing.full for standing in refused.standings]

    assert 2 == (await counting.store.take([WIDE])).standings[0].used


async def test_many_at_once_get_what_there_is(counting: Counting) -> None:
    """Not one more than the limit."""
    narrow = Window("key/c/requests_per_minute", 25, 60)
    taken = await asyncio.gather(*(counting.store.take([narrow, WIDE]) for _ in range(60)))

    assert 25 == sum(each.granted for each in taken)


async def test_at_once_in_one_process_a_refused_request_costs_nothing(in_memory: Counting) -> None:
    """There nobody comes between the look and the count."""
    narrow = Window("key/c/requests_per_minute", 25, 60)
    await asyncio.gather(*(in_memory.store.take([narrow, WIDE]) for _ in range(60)))

    assert 26 == (await in_memory.store.take([WIDE])).standings[0].used


async def test_amounts_count_even_beyond_the_limit(counting: Counting) -> None:
    """What was spent was spent."""
    [empty] = await counting.store.standings([TOKENS])
    await counting.store.add(TOKENS, 70)
    [some] = await counting.store.standings([TOKENS])
    await counting.store.add(TOKENS, 250)
    [over] = await counting.store.standings([TOKENS])

    assert (0, False, 0.0) == (empty.used, empty.full, empty.clear_in)
    assert (70, False) == (some.used, some.full)
    assert (320, True) == (over.used, over.full)


@pytest.mark.parametrize("window", [TOKENS, DAY])
@pytest.mark.parametrize("times", [1.0, 1.5, 7.0])
async def test_amounts_fade_as_told(counting: Counting, window: Window, times: float) -> None:
    """Full until the time that was said, and not after it; nothing is left at the end."""
    await counting.store.add(window, int(window.most * times))
    [over] = await counting.store.standings([window])
    await counting.advance(over.free_in * 0.9)
    [still] = await counting.store.standings([window])
    await counting.advance(over.free_in * 0.1 + window.seconds / 50)
    [free] = await counting.store.standings([window])
    await counting.advance(free.clear_in + 1)
    [empty] = await counting.store.standings([window])

    assert 0 < over.free_in <= 2 * window.seconds
    assert still.full
    assert not free.full
    assert 0 == empty.used


async def test_names_do_not_mix(counting: Counting) -> None:
    """Another key, another kind."""
    await counting.store.take([MINUTE])
    await counting.store.add(TOKENS, 5)
    other = Window("key/b/requests_per_minute", 3, 60)

    assert 1 == (await counting.store.take([other])).standings[0].used
    assert (0,) == tuple(each.used for each in await counting.store.standings([DAY]))


async def test_the_store_is_well(counting: Counting) -> None:
    """And says so."""
    assert (await counting.store.health()).ok


async def test_gateways_share_what_is_in_a_shared_store(shared: Counting, valkey_server: Valkey) -> None:
    """Two of them take from the same window and add to the same budget."""
    other = LimitsStore(StoreOptions(url=valkey_server.url, password=PASSWORD, timeout_s=5.0))
    await shared.store.take([MINUTE])
    await other.add(TOKENS, 40)

    assert 2 == (await other.take([MINUTE])).standings[0].used
    assert 40 == (await shared.store.standings([TOKENS]))[0].used
    await other.aclose()


async def test_a_shared_store_holds_names_and_numbers(shared: Counting, valkey_server: Valkey) -> None:
    """Under one prefix, each with a time to go."""
    await shared.store.take([MINUTE, WIDE])
    await shared.store.add(TOKENS, 5)
    async with redis.asyncio.Redis(port=valkey_server.port, password=PASSWORD) as admin:
        keys = [key.decode() for key in await admin.keys("*")]
        left = [await admin.ttl(key) for key in keys]

    assert 3 == len(keys)
    assert all(key.startswith("privacy-gateway:") for key in keys)
    assert all(0 < seconds <= 120 for seconds in left)


async def refused(store: LimitsStore) -> None:
    """Every operation of a store that cannot be reached."""
    for asking in (store.take([MINUTE]), store.add(TOKENS, 1), store.standings([TOKENS])):
        with pytest.raises(GatewayFault) as fault:
            await asking
        assert ErrorCode.LIMITS_UNAVAILABLE is fault.value.code
        assert fault.value.__cause__ is None
    assert not (await store.health()).ok


async def test_a_store_that_is_gone_counts_nothing(shared: Counting, valkey_server: Valkey) -> None:
    """Refused, never guessed; and when it is back, it counts again without a restart of the gateway."""
    await shared.store.take([MINUTE])
    valkey_server.stop()
    await refused(shared.store)
    valkey_server.start()

    assert (await shared.store.take([MINUTE])).granted


async def test_a_store_that_was_started_again_is_not_missed(shared: Counting, valkey_server: Valkey) -> None:
    """Every connection of the pool is dead, and the next request is counted all the same."""
    many = [Window(f"key/{number}/requests_per_minute", 5, 60) for number in range(4)]
    await asyncio.gather(*(shared.store.take(many) for _ in range(4)))
    valkey_server.stop()
    valkey_server.start()
    taken = await asyncio.gather(*(shared.store.take(many) for _ in range(4)))

    assert all(each.granted for each in taken)


async def test_a_store_that_hangs_is_not_waited_for(shared: Counting, valkey_server: Valkey) -> None:
    """Each operation ends at its deadline."""
    store = LimitsStore(StoreOptions(url=valkey_server.url, password=PASSWORD, timeout_s=0.05))
    valkey_server.freeze()
    async with asyncio.timeout(20):
        await refused(store)
    valkey_server.thaw()

    await store.aclose()


async def test_a_wrong_password_is_refused(shared: Counting, valkey_server: Valkey) -> None:
    """Not taken for an empty store; and it does not show."""
    options = StoreOptions(url=valkey_server.url, password="wrong-canary", timeout_s=5.0)
    store = LimitsStore(options)

    await refused(store)
    assert "canary" not in repr(options)
    await store.aclose()
