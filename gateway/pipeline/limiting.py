"""Limits: how much one key, one app, one tenant and the whole gateway may use.

A limit protects cost and neighbours. It decides nothing about what may leave: a request that passes every limit has
still everything before it. A request counts at admission, before its body is read. External tokens count once their
answer has ended, as the provider reports them, so the answers that are open at that moment can overdraw a budget; what
is answered inside costs no tokens, and an empty budget does not stop it. What cannot be counted is refused.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from gateway.domain.errors import CallerError, ErrorCode, GatewayFault
from gateway.pipeline.counters import Counters, LimitObserver, Standing, Window
from gateway.pipeline.ports import Principal

_MINUTE, _DAY = 60, 86_400
NO_LIMIT = 0


class Scope(StrEnum):
    """What a quota is for, narrowest first."""

    KEY = "key"
    APP = "app"
    TENANT = "tenant"
    GATEWAY = "gateway"


class Kind(StrEnum):
    """What a quota limits."""

    REQUESTS_PER_MINUTE = "requests_per_minute"
    TOKENS_PER_MINUTE = "tokens_per_minute"
    TOKENS_PER_DAY = "tokens_per_day"
    CONCURRENT = "concurrent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """How much one scope may use; `NO_LIMIT` where nothing is limited. `concurrent` counts requests that are open at
    once in one process, streams until they end."""

    requests_per_minute: int = NO_LIMIT
    tokens_per_minute: int = NO_LIMIT
    tokens_per_day: int = NO_LIMIT
    concurrent: int = NO_LIMIT


@dataclass(frozen=True, slots=True, kw_only=True)
class Quotas:
    """Every quota. One that is given by name takes the whole place of the one for `every_...`."""

    gateway: Quota = Quota()
    every_tenant: Quota = Quota()
    every_app: Quota = Quota()
    every_key: Quota = Quota()
    tenants: Mapping[str, Quota] = field(default_factory=dict)
    apps: Mapping[str, Quota] = field(default_factory=dict)
    keys: Mapping[str, Quota] = field(default_factory=dict)

    def of(self, who: Principal) -> tuple[Share, ...]:
        """The quotas that a request of `who` counts against, narrowest first."""
        return (
            Share(Scope.KEY, f"key/{who.key_id}", self.keys.get(who.name, self.every_key)),
            Share(Scope.APP, f"app/{who.tenant}/{who.app}", self.apps.get(who.app, self.every_app)),
            Share(Scope.TENANT, f"tenant/{who.tenant}", self.tenants.get(who.tenant, self.every_tenant)),
            Share(Scope.GATEWAY, "gateway", self.gateway),
        )


@dataclass(frozen=True, slots=True)
class Share:
    """One quota that a request counts against. `name` is unique among all scopes."""

    scope: Scope
    name: str
    quota: Quota


@dataclass(frozen=True, slots=True)
class Left:
    """What is left of one limit. `clear_in` is in seconds: until all of it is there again."""

    kind: Kind
    most: int
    remaining: int
    clear_in: float


class LimitReached(CallerError):
    """The request does not fit into a limit, and has cost nothing of it. `left` tells how the limits stand."""

    def __init__(self, code: ErrorCode, *, retry_after: int, left: tuple[Left, ...]) -> None:
        super().__init__(code, retry_after=retry_after)
        self.left = left


class Allowance(Protocol):
    """What one admitted request may still cost."""

    def check_tokens(self) -> None:
        """Raises `LimitReached` where no external tokens were left when the request was admitted."""
        ...

    async def spend(self, tokens: int) -> None:
        """Count the external tokens that the answer cost. Never raises: what cannot be counted now is counted later."""
        ...


class Unlimited:
    """Implements `Allowance` without limits."""

    def check_tokens(self) -> None:
        """Nothing is limited."""

    async def spend(self, tokens: int) -> None:
        """Nothing is counted."""


UNLIMITED = Unlimited()


@dataclass(frozen=True, slots=True)
class _Meter:
    """One window of one share."""

    scope: Scope
    kind: Kind
    window: Window

    def left(self, standing: Standing) -> Left:
        """What is left of it."""
        return Left(self.kind, self.window.most, max(0, self.window.most - standing.used), standing.clear_in)


class Admission:
    """One request that was let in. Implements `Allowance`; `leave` MUST be called once, when its answer has ended."""

    def __init__(
        self, limiter: Limiter, shares: tuple[Share, ...], tokens: tuple[_Meter, ...], standings: tuple[Standing, ...]
    ) -> None:
        self._limiter = limiter
        self._shares = shares
        self._tokens = tokens
        self._standings = standings
        self._open = True
        self.left: tuple[Left, ...] = ()

    def check_tokens(self) -> None:
        """Raises `LimitReached` where no external tokens were left when the request was admitted."""
        if any(standing.full for standing in self._standings):
            raise self._limiter.reached(self._tokens, self._standings, self.left)

    async def spend(self, tokens: int) -> None:
        """Count the external tokens that the answer cost."""
        if tokens:
            await self._limiter.settle({meter.window: tokens for meter in self._tokens})

    def leave(self) -> None:
        """The answer has ended, whichever way."""
        if self._open:
            self._open = False
            self._limiter.leave(self._shares)


class Limiter:
    """Lets requests in, and counts what they use."""

    def __init__(self, quotas: Quotas, counters: Counters, observer: LimitObserver) -> None:
        self._quotas = quotas
        self._counters = counters
        self._observer = observer
        self._open: Counter[str] = Counter()
        self._owed: Counter[Window] = Counter()

    async def admit(self, who: Principal) -> Admission:
        """Count one more request of `who`. Raises `LimitReached`; `GatewayFault(LIMITS_UNAVAILABLE)`."""
        shares = self._quotas.of(who)
        self._enter(shares)
        with contextlib.ExitStack() as refused:
            refused.callback(self.leave, shares)
            admission = await self._count(shares)
            refused.pop_all()
            return admission

    def overloaded(self) -> GatewayFault:
        """The refusal of a request for which the process has no room."""
        self._observer.limited("process", Kind.CONCURRENT.value)
        return GatewayFault(ErrorCode.OVERLOADED, retry_after=1)

    def leave(self, shares: Sequence[Share]) -> None:
        """One request of these shares has ended."""
        for share in shares:
            self._open[share.name] -= 1
            if not self._open[share.name]:
                del self._open[share.name]

    async def settle(self, spent: Mapping[Window, int]) -> None:
        """Count what was spent, and what could not be counted before. What fails stays owed."""
        self._owed.update(spent)
        due, self._owed = self._owed, Counter()
        await asyncio.gather(*(self._pay(window, amount) for window, amount in due.items()))

    def reached(self, meters: Sequence[_Meter], standings: Sequence[Standing], left: tuple[Left, ...]) -> LimitReached:
        """The refusal by that one of some windows that takes longest to have room again."""
        free_in, meter = max(
            ((standing.free_in, meter) for meter, standing in zip(meters, standings, strict=True)),
            key=lambda each: each[0],
        )
        return self._reached(meter.scope, meter.kind, retry_after=math.ceil(free_in), left=left)

    def _enter(self, shares: Sequence[Share]) -> None:
        for share in shares:
            if share.quota.concurrent and self._open[share.name] >= share.quota.concurrent:
                raise self._reached(share.scope, Kind.CONCURRENT, retry_after=1, left=())
        self._open.update(share.name for share in shares)

    async def _count(self, shares: tuple[Share, ...]) -> Admission:
        requests, tokens = tuple(_request_meters(shares)), tuple(_token_meters(shares))
        if self._owed:
            await self._settle_before_more()
        standings = await self._standings(tokens)
        admission = Admission(self, shares, tokens, standings)
        of_tokens = [meter.left(standing) for meter, standing in zip(tokens, standings, strict=True)]
        if not requests:
            admission.left = tuple(of_tokens)
            return admission
        taken = await self._counters.take([meter.window for meter in requests])
        of_requests = [meter.left(standing) for meter, standing in zip(requests, taken.standings, strict=True)]
        admission.left = (*of_requests, *of_tokens)
        if not taken.granted:
            raise self.reached(requests, taken.standings, admission.left)
        return admission

    async def _standings(self, tokens: Sequence[_Meter]) -> tuple[Standing, ...]:
        return await self._counters.standings([meter.window for meter in tokens]) if tokens else ()

    async def _settle_before_more(self) -> None:
        """While something is owed, the windows look emptier than they are."""
        await self.settle({})
        if self._owed:
            raise GatewayFault(ErrorCode.LIMITS_UNAVAILABLE, retry_after=1)

    async def _pay(self, window: Window, amount: int) -> None:
        try:
            await self._counters.add(window, amount)
        except GatewayFault:
            self._owed[window] += amount
        except asyncio.CancelledError:
            self._owed[window] += amount
            raise

    def _reached(self, scope: Scope, kind: Kind, *, retry_after: int, left: tuple[Left, ...]) -> LimitReached:
        self._observer.limited(scope.value, kind.value)
        spent = kind is Kind.TOKENS_PER_DAY
        code = ErrorCode.INSUFFICIENT_QUOTA if spent else ErrorCode.RATE_LIMIT_EXCEEDED
        return LimitReached(code, retry_after=max(1, retry_after), left=left)


def _request_meters(shares: Sequence[Share]) -> Iterator[_Meter]:
    for share in shares:
        if share.quota.requests_per_minute:
            yield _meter(share, Kind.REQUESTS_PER_MINUTE, share.quota.requests_per_minute, _MINUTE)


def _token_meters(shares: Sequence[Share]) -> Iterator[_Meter]:
    for share in shares:
        if share.quota.tokens_per_minute:
            yield _meter(share, Kind.TOKENS_PER_MINUTE, share.quota.tokens_per_minute, _MINUTE)
        if share.quota.tokens_per_day:
            yield _meter(share, Kind.TOKENS_PER_DAY, share.quota.tokens_per_day, _DAY)


def _meter(share: Share, kind: Kind, most: int, seconds: int) -> _Meter:
    return _Meter(share.scope, kind, Window(f"{share.name}/{kind.value}", most, seconds))
