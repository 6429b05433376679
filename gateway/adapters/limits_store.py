"""Counts over windows of time, in this process or in a Redis (or Valkey) that several gateways share. The only file
that knows the `limits` library.

Requests are counted in a moving window: each one by its time, so a limit holds exactly in any minute. Tokens come in
amounts of thousands, so they are counted in two buckets a window, of which the older one fades out (`limits` calls it a
sliding window counter): two numbers a limit, and at a steady rate the same result.

In this process a request is counted in all of its windows or in none. In a shared store two gateways can meet between
the look and the count; the one that is refused then may have been counted in some of its windows.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from collections.abc import AsyncIterator, Coroutine, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from limits import RateLimitItem, RateLimitItemPerSecond
from limits.aio.storage import MemoryStorage, RedisStorage
from limits.aio.storage.redis.redispy import RedispyBridge
from limits.aio.strategies import MovingWindowRateLimiter, SlidingWindowCounterRateLimiter
from limits.errors import StorageError

from gateway.domain.errors import ErrorCode, GatewayFault
from gateway.pipeline.counters import Standing, Taken, Window
from gateway.pipeline.ports import Health

_T = TypeVar("_T")
MEMORY = "memory"
_PREFIX = "privacy-gateway"
_UNREACHABLE = 2**53 - 1
"""The limit of a count that the store never refuses: the largest whole number that Redis's scripts count exactly."""
_AT_ONCE = 8
"""Operations on a shared store at once: each takes a connection a window, and the library's pool refuses the 101st."""
_SOON = 0.001
"""Seconds until a full window has room, at the least."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreOptions:
    """Where the counts are: `memory`, or a URL `redis://host:port/number` (`rediss://` for TLS) without a password.
    `timeout_s` bounds one operation on a shared store."""

    url: str
    password: str = field(repr=False)
    timeout_s: float


class LimitsStore:
    """Implements `pipeline.counters.Counters`; where it is shared, `pipeline.egress.UsedClearances` too. Opens no
    connection before it is first asked."""

    def __init__(self, options: StoreOptions) -> None:
        self._storage = _storage(options)
        self._timeout = None if options.url == MEMORY else options.timeout_s  # there is nothing to wait for in memory
        self._turns = asyncio.Semaphore(1 if options.url == MEMORY else _AT_ONCE)
        self._one_by_one = MovingWindowRateLimiter(self._storage)
        self._amounts = SlidingWindowCounterRateLimiter(self._storage)

    async def take(self, windows: Sequence[Window]) -> Taken:
        """Count one more in every window, if it fits in each."""
        async with self._asking():
            before = await self._each(self._seen(window) for window in windows)
            if any(seen.full for seen in before):
                return Taken(granted=False, standings=tuple(seen.standing() for seen in before))
            counted = await self._each(self._one_by_one.hit(_ones(window), window.name) for window in windows)
            return Taken(granted=all(counted), standings=tuple(seen.with_one_more().standing() for seen in before))

    async def add(self, window: Window, amount: int) -> None:
        """Count `amount` more, whether or not it fits."""
        async with self._asking():
            await self._amounts.hit(_amounts(window), window.name, cost=min(amount, _UNREACHABLE))

    async def standings(self, windows: Sequence[Window]) -> tuple[Standing, ...]:
        """How full windows of amounts are."""
        async with self._asking():
            return tuple(await self._each(self._standing_of_amounts(window) for window in windows))

    @property
    def outlives_restarts(self) -> bool:
        """Whether the counts are kept outside of this process."""
        return isinstance(self._storage, RedisStorage)

    async def first(self, name: str, seconds: float) -> bool:
        """Whether nobody asked for this name within its seconds before; now it was asked for."""
        async with self._asking():
            return await self._storage.incr(f"{_PREFIX}:once:{name}", math.ceil(seconds)) == 1

    async def health(self) -> Health:
        """Whether the counts can be reached now."""
        try:
            async with self._asking():
                ok = await self._storage.check()
        except GatewayFault:
            ok = False
        return Health(ok=ok, detail="" if ok else "the store of the limits cannot be reached")

    async def aclose(self) -> None:
        """Let go of the store."""
        match self._storage:
            case RedisStorage(bridge=RedispyBridge() as bridge):
                await bridge.storage.aclose()
            case MemoryStorage(timer=asyncio.Task() as sweeping):
                sweeping.cancel()

    async def _seen(self, window: Window) -> _Ones:
        stats = await self._one_by_one.get_window_stats(_ones(window), window.name)
        return _Ones(window, window.most - stats.remaining, stats.reset_time - time.time())

    async def _standing_of_amounts(self, window: Window) -> Standing:
        key = _amounts(window).key_for(window.name)
        return standing_of(window, Buckets(*await self._storage.get_sliding_window(key, window.seconds)))

    async def _each(self, asks: Iterable[Coroutine[None, None, _T]]) -> list[_T]:
        """All answers: at once from a shared store, one after the other where nobody has to wait."""
        if isinstance(self._storage, RedisStorage):
            return await asyncio.gather(*asks)
        return [await ask for ask in asks]

    @contextlib.asynccontextmanager
    async def _asking(self) -> AsyncIterator[None]:
        """The exception map: whatever the store does, nobody is let in on a guess."""
        try:
            async with asyncio.timeout(self._timeout), self._turns:
                yield
        except (StorageError, OSError, TimeoutError):
            raise GatewayFault(ErrorCode.LIMITS_UNAVAILABLE, retry_after=1) from None


@dataclass(frozen=True, slots=True)
class _Ones:
    """A moving window as it was seen: how many count, and in how many seconds the oldest of them no longer does."""

    window: Window
    used: int
    oldest_for: float

    @property
    def full(self) -> bool:
        """Whether nothing more fits."""
        return self.used >= self.window.most

    def with_one_more(self) -> _Ones:
        """After one more was counted."""
        return _Ones(self.window, self.used + 1, self.oldest_for)

    def standing(self) -> Standing:
        """How full it is."""
        free_in = max(self.oldest_for, _SOON) if self.full else 0.0
        return Standing(self.used, free_in, float(self.window.seconds) if self.used else 0.0)


@dataclass(frozen=True, slots=True)
class Buckets:
    """A count of amounts: what the last window held and fades out in `old_for` seconds, and what the present one holds
    and will have faded out in `new_for` seconds."""

    old: int
    old_for: float
    new: int
    new_for: float

    def used(self, seconds: int) -> int:
        """What counts now, in a window of `seconds`."""
        return math.floor(self.old * self.old_for / seconds) + self.new


def standing_of(window: Window, buckets: Buckets) -> Standing:
    """How full a window of amounts is."""
    used = buckets.used(window.seconds)
    free_in = max(_free_in(window, buckets), _SOON) if used >= window.most else 0.0
    return Standing(used, free_in, buckets.new_for if buckets.new else buckets.old_for if buckets.old else 0.0)


def _free_in(window: Window, buckets: Buckets) -> float:
    """Seconds until less than `most` counts, when nothing is added.

    The older bucket fades out evenly; when its time is over, the newer one takes its place."""
    room = window.most - buckets.new
    if room > 0:
        return buckets.old_for - window.seconds * room / buckets.old
    until_old = max(0.0, buckets.new_for - window.seconds)
    return until_old + window.seconds * (1 - window.most / buckets.new)


def _ones(window: Window) -> RateLimitItem:
    return RateLimitItemPerSecond(window.most, window.seconds, namespace="requests")


def _amounts(window: Window) -> RateLimitItem:
    return RateLimitItemPerSecond(_UNREACHABLE, window.seconds, namespace="tokens")


def _storage(options: StoreOptions) -> MemoryStorage | RedisStorage:
    if options.url == MEMORY:
        return MemoryStorage(wrap_exceptions=True)
    from redis.asyncio.retry import Retry  # noqa: PLC0415 - the client is loaded where a store is shared, not elsewhere
    from redis.backoff import NoBackoff  # noqa: PLC0415 - as above

    more: dict[str, float | str | bool] = {"password": options.password} if options.password else {}
    return RedisStorage(
        f"async+{options.url}",
        wrap_exceptions=True,
        implementation="redispy",
        key_prefix=_PREFIX,
        socket_timeout=options.timeout_s,
        socket_connect_timeout=options.timeout_s,
        retry=Retry(NoBackoff(), 1),  # type: ignore[arg-type]  # a connection that the store closed is opened again, once
        **more,
    )
