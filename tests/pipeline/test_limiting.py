"""Limits: who is let in, what is counted against whom, and what is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

import pytest

from gateway.adapters.limits_store import MEMORY, LimitsStore, StoreOptions
from gateway.domain.errors import ErrorCode, GatewayFault
from gateway.pipeline.counters import Standing, Taken, Window
from gateway.pipeline.limiting import UNLIMITED, Kind, Limiter, LimitReached, Quota, Quotas, Scope
from gateway.pipeline.ports import Health, Principal

ANN = Principal("k1", "ann", "acme", "chat")
BOB = Principal("k2", "bob", "acme", "chat")
EVE = Principal("k3", "eve", "acme", "mail")
MAX = Principal("k4", "max", "other", "chat")


class Told:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.limited_by: list[tuple[str, str]] = []

    def limited(self, scope: str, limit: str) -> None:
        """A refusal."""
        self.limited_by.append((scope, limit))


@dataclass
class Ledge:
    """Counters that can be made to fail, over others."""

    inner: LimitsStore
    down: bool = False
    asked: list[str] = field(default_factory=list)

    async def take(self, windows: Sequence[Window]) -> Taken:
        """As the inner ones."""
        self._ask("take")
        return await self.inner.take(windows)

    async def add(self, window: Window, amount: int) -> None:
        """As the inner ones."""
        self._ask("add")
        await self.inner.add(window, amount)

    async def standings(self, windows: Sequence[Window]) -> tuple[Standing, ...]:
        """As the inner ones."""
        self._ask("standings")
        return await self.inner.standings(windows)

    async def health(self) -> Health:
        """As it is."""
        return Health(ok=not self.down, detail="")

    def _ask(self, what: str) -> None:
        self.asked.append(what)
        if self.down:
            raise GatewayFault(ErrorCode.LIMITS_UNAVAILABLE)


@pytest.fixture
async def counters() -> AsyncIterator[Ledge]:
    """Real counts in memory that can be made to fail."""
    store = LimitsStore(StoreOptions(url=MEMORY, password="", timeout_s=5.0))
    yield Ledge(store)
    await store.aclose()


async def refusal(limiter: Limiter, who: Principal) -> LimitReached:
    """Why one is not let in."""
    with pytest.raises(LimitReached) as refused:
        await limiter.admit(who)
    return refused.value


async def test_without_quotas_nothing_is_asked(counters: Ledge) -> None:
    """Not even a store that is down."""
    counters.down = True
    limiter = Limiter(Quotas(), counters, Told())
    admission = await limiter.admit(ANN)
    admission.check_tokens()
    await admission.spend(10)

    assert () == admission.left
    assert [] == counters.asked


@pytest.mark.parametrize(
    ("quotas", "scope", "others"),
    [
        (Quotas(every_key=Quota(requests_per_minute=2)), Scope.KEY, (BOB, EVE, MAX)),
        (Quotas(keys={"ann": Quota(requests_per_minute=2)}), Scope.KEY, (BOB, EVE, MAX)),
        (Quotas(every_app=Quota(requests_per_minute=2)), Scope.APP, (EVE, MAX)),
        (Quotas(every_tenant=Quota(requests_per_minute=2)), Scope.TENANT, (MAX,)),
        (Quotas(tenants={"acme": Quota(requests_per_minute=2)}), Scope.TENANT, (MAX,)),
        (Quotas(gateway=Quota(requests_per_minute=2)), Scope.GATEWAY, ()),
    ],
)
async def test_a_quota_holds_for_its_scope(
    counters: Ledge, quotas: Quotas, scope: Scope, others: tuple[Principal, ...]
) -> None:
    """And for nobody beside it."""
    told = Told()
    limiter = Limiter(quotas, counters, told)
    for _ in range(2):
        (await limiter.admit(ANN)).leave()
    refused = await refusal(limiter, ANN)
    for other in others:
        await limiter.admit(other)

    assert ErrorCode.RATE_LIMIT_EXCEEDED is refused.code
    assert 0 < refused.retry_after <= 60
    assert [(Kind.REQUESTS_PER_MINUTE, 2, 0)] == [(left.kind, left.most, left.remaining) for left in refused.left]
    assert [(scope.value, "requests_per_minute")] == told.limited_by
    assert "ann" not in f"{refused!r}{refused}"


async def test_one_of_a_name_has_a_quota_of_its_own(counters: Ledge) -> None:
    """In the place of the one for all, also where it limits less or nothing."""
    quotas = Quotas(
        every_key=Quota(requests_per_minute=1), keys={"ann": Quota(concurrent=9), "bob": Quota(requests_per_minute=3)}
    )
    limiter = Limiter(quotas, counters, Told())
    for who, times in ((ANN, 5), (BOB, 3), (EVE, 1)):
        for _ in range(times):
            await limiter.admit(who)

    assert 0 == (await refusal(limiter, BOB)).left[0].remaining
    assert 0 == (await refusal(limiter, EVE)).left[0].remaining


async def test_a_refused_request_costs_the_others_nothing(counters: Ledge) -> None:
    """The narrow limit refuses: the wide one still has all that it had."""
    limiter = Limiter(
        Quotas(every_key=Quota(requests_per_minute=1), gateway=Quota(requests_per_minute=4)), counters, Told()
    )
    await limiter.admit(ANN)
    for _ in range(9):
        await refusal(limiter, ANN)
    for who in (BOB, EVE, MAX):
        await limiter.admit(who)

    assert 4 == (await refusal(limiter, Principal("k5", "new", "acme", "chat"))).left[1].most


async def test_open_requests_are_counted_until_they_end(counters: Ledge) -> None:
    """One that ended twice gives back one place, and one that was refused holds none."""
    told = Told()
    quotas = Quotas(every_key=Quota(concurrent=2), every_tenant=Quota(concurrent=3, requests_per_minute=9))
    limiter = Limiter(quotas, counters, told)
    first, _ = await limiter.admit(ANN), await limiter.admit(ANN)
    refused = await refusal(limiter, ANN)
    await limiter.admit(BOB)
    by_tenant = await refusal(limiter, BOB)
    first.leave()
    first.leave()
    await limiter.admit(BOB)
    again = await refusal(limiter, ANN)

    assert 1 == refused.retry_after
    assert {ErrorCode.RATE_LIMIT_EXCEEDED} == {refused.code, by_tenant.code, again.code}
    assert [("key", "concurrent"), ("tenant", "concurrent"), ("tenant", "concurrent")] == told.limited_by


async def test_who_is_not_counted_holds_no_place(counters: Ledge) -> None:
    """Refused by a window or by a store that is down: the place is free again."""
    limiter = Limiter(Quotas(every_key=Quota(concurrent=1, requests_per_minute=1)), counters, Told())
    counters.down = True
    with pytest.raises(GatewayFault):
        await limiter.admit(ANN)
    counters.down = False
    (await limiter.admit(ANN)).leave()
    codes = [(await refusal(limiter, ANN)).retry_after for _ in range(2)]

    assert all(seconds > 1 for seconds in codes), "the second would be refused for its place, after 1 second"


async def test_a_spent_budget_stops_what_would_leave(counters: Ledge) -> None:
    """The request is let in, and refused only where it would go outside; every key of the app shares the budget."""
    told = Told()
    limiter = Limiter(Quotas(every_app=Quota(tokens_per_day=100)), counters, told)
    first = await limiter.admit(ANN)
    first.check_tokens()
    await first.spend(130)
    second, other = await limiter.admit(BOB), await limiter.admit(EVE)
    other.check_tokens()
    with pytest.raises(LimitReached) as refused:
        second.check_tokens()

    assert ErrorCode.INSUFFICIENT_QUOTA is refused.value.code
    assert 3600 < refused.value.retry_after <= 2 * 86_400
    assert [(Kind.TOKENS_PER_DAY, 100, 0)] == [(left.kind, left.most, left.remaining) for left in second.left]
    assert [(Kind.TOKENS_PER_DAY, 100, 100)] == [(left.kind, left.most, left.remaining) for left in other.left]
    assert [("app", "tokens_per_day")] == told.limited_by


async def test_tokens_of_a_minute_come_back(counters: Ledge) -> None:
    """A limit of the rate, not of the budget: its code says that a retry helps."""
    limiter = Limiter(Quotas(every_key=Quota(tokens_per_minute=10, tokens_per_day=1000)), counters, Told())
    await (await limiter.admit(ANN)).spend(10)
    with pytest.raises(LimitReached) as refused:
        (await limiter.admit(ANN)).check_tokens()

    assert ErrorCode.RATE_LIMIT_EXCEEDED is refused.value.code
    assert 0 < refused.value.retry_after <= 120
    assert [0, 990] == [left.remaining for left in refused.value.left]


async def test_of_two_limits_the_longer_wait_is_told(counters: Ledge) -> None:
    """A retry before it would be refused again."""
    limiter = Limiter(Quotas(every_key=Quota(tokens_per_minute=10, tokens_per_day=10)), counters, Told())
    await (await limiter.admit(ANN)).spend(500)
    with pytest.raises(LimitReached) as refused:
        (await limiter.admit(ANN)).check_tokens()

    assert ErrorCode.INSUFFICIENT_QUOTA is refused.value.code
    assert refused.value.retry_after > 3600


async def test_nothing_spent_is_nothing_counted(counters: Ledge) -> None:
    """An answer from inside."""
    limiter = Limiter(Quotas(every_key=Quota(tokens_per_day=10)), counters, Told())
    admission = await limiter.admit(ANN)
    await admission.spend(0)

    assert ["standings"] == counters.asked


async def test_a_store_that_is_down_lets_nobody_in(counters: Ledge) -> None:
    """What cannot be counted is refused."""
    limiter = Limiter(Quotas(gateway=Quota(requests_per_minute=5, tokens_per_day=5)), counters, Told())
    counters.down = True
    with pytest.raises(GatewayFault) as fault:
        await limiter.admit(ANN)

    assert ErrorCode.LIMITS_UNAVAILABLE is fault.value.code


async def test_what_could_not_be_counted_stays_owed(counters: Ledge) -> None:
    """The store was away when the answer ended: its tokens are counted before anybody else is let in."""
    limiter = Limiter(Quotas(every_key=Quota(tokens_per_day=100), gateway=Quota(tokens_per_day=500)), counters, Told())
    first, second = await limiter.admit(ANN), await limiter.admit(BOB)
    counters.down = True
    await first.spend(70)
    await first.spend(20)
    with pytest.raises(GatewayFault):
        await limiter.admit(EVE)
    counters.down = False
    await second.spend(5)
    again = await limiter.admit(ANN)

    assert [10, 405] == [left.remaining for left in again.left]


async def test_a_spend_that_is_cancelled_stays_owed(counters: Ledge) -> None:
    """The process ends a task while the store hangs: nothing is forgotten."""

    class Hanging(Ledge):
        async def add(self, window: Window, amount: int) -> None:
            self.asked.append("add")
            if not self.down:
                await self.inner.add(window, amount)
                return
            entered.set()
            await asyncio.Event().wait()

    entered = asyncio.Event()
    hanging = Hanging(counters.inner, down=False)
    limiter = Limiter(Quotas(every_key=Quota(tokens_per_day=100)), hanging, Told())
    admission = await limiter.admit(ANN)
    hanging.down = True
    spending = asyncio.ensure_future(admission.spend(40))
    await entered.wait()
    spending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await spending
    hanging.down = False
    await limiter.settle({})

    assert 60 == (await limiter.admit(ANN)).left[0].remaining


async def test_many_at_once_are_let_in_up_to_the_limit(counters: Ledge) -> None:
    """Not one more, and every refused one is counted as such."""
    told = Told()
    limiter = Limiter(
        Quotas(every_key=Quota(requests_per_minute=20), gateway=Quota(requests_per_minute=30)), counters, told
    )
    results = await asyncio.gather(*(limiter.admit(ANN) for _ in range(50)), return_exceptions=True)

    assert 30 == sum(isinstance(result, LimitReached) for result in results)
    assert 30 == len(told.limited_by)
    assert 9 == (await limiter.admit(BOB)).left[1].remaining


async def test_a_race_that_is_lost_is_refused(counters: Ledge) -> None:
    """Another gateway took the last place between the look and the count: no window looks full, and still nobody
    enters."""

    class Raced(Ledge):
        async def take(self, windows: Sequence[Window]) -> Taken:
            return Taken(granted=False, standings=tuple(Standing(1, 0.0, 60.0) for _ in windows))

    limiter = Limiter(Quotas(every_key=Quota(requests_per_minute=2)), Raced(counters.inner), Told())

    assert 1 == (await refusal(limiter, ANN)).retry_after


async def test_a_process_without_room_is_counted_too(counters: Ledge) -> None:
    """With its own code: nothing is wrong with the caller's limits."""
    told = Told()
    fault = Limiter(Quotas(), counters, told).overloaded()

    assert (ErrorCode.OVERLOADED, 503, 1) == (fault.code, fault.text.status, fault.retry_after)
    assert [("process", "concurrent")] == told.limited_by


async def test_no_limits_at_all() -> None:
    """What is asked without a limiter may cost what it will."""
    UNLIMITED.check_tokens()

    assert None is await UNLIMITED.spend(10**9)
