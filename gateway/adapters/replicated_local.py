"""One model inside, served at several addresses: the least busy one answers, and where one fails the next is asked.

Every address is in the network, and each is checked for that by its own adapter: a retry never leads elsewhere. One
that failed rests for a while. An answer that has begun is not begun again: the caller is told that it was cut.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass

from gateway.adapters.openai_local import OpenAiLocal
from gateway.domain.capability import Capability
from gateway.domain.conversation import Conversation, Operation
from gateway.domain.errors import ErrorCode, GatewayFault
from gateway.pipeline.ports import Health, LocalAnswer, Streamed

_REST_S = 5.0


@dataclass(slots=True, eq=False)
class _Replica:
    model: OpenAiLocal
    open: int = 0
    rests_until: float = 0.0

    def leave(self) -> None:
        self.open -= 1


class ReplicatedLocal:
    """A `LocalModel` over several servers of one model; there is at least one."""

    def __init__(self, models: Sequence[OpenAiLocal]) -> None:
        self._replicas = [_Replica(model) for model in models]

    async def start(self) -> None:
        """Check the zone of each. Raises `OutsideZone`."""
        await asyncio.gather(*(each.model.start() for each in self._replicas))

    async def stop(self) -> None:
        """Close all connections."""
        await asyncio.gather(*(each.model.stop() for each in self._replicas))

    @property
    def speaks(self) -> frozenset[Operation]:
        """What each of them serves."""
        return self._replicas[0].model.speaks

    def lacks(self, conversation: Conversation) -> frozenset[Capability]:
        """What their model cannot do."""
        return self._replicas[0].model.lacks(conversation)

    async def complete(self, conversation: Conversation) -> LocalAnswer:
        """The answer of the least busy server that gives one, each asked once at most.

        Raises `GatewayFault(LOCAL_MODEL_UNAVAILABLE)` when none does, and `CallerError` as the first that refuses.
        """
        left = list(self._replicas)
        while left:
            replica = min(left, key=self._rank)
            left.remove(replica)
            try:
                return await self._ask(replica, conversation)
            except GatewayFault:
                replica.rests_until = asyncio.get_running_loop().time() + _REST_S
        raise GatewayFault(ErrorCode.LOCAL_MODEL_UNAVAILABLE, retry_after=1)

    async def models(self) -> tuple[str, ...]:
        """What the first that answers lists. Raises `GatewayFault`."""
        *first, last = sorted(self._replicas, key=self._rank)
        for replica in first:
            try:
                return await replica.model.models()
            except GatewayFault:
                continue
        return await last.model.models()

    async def health(self) -> Health:
        """Whether one of them answers now. Those that do are asked again at once, the others rest."""
        told = await asyncio.gather(*(each.model.health() for each in self._replicas))
        until = asyncio.get_running_loop().time() + _REST_S
        for replica, health in zip(self._replicas, told, strict=True):
            replica.rests_until = 0.0 if health.ok else until
        down = sum(not health.ok for health in told)
        detail = f"{down} of {len(told)} servers do not answer" if down else ""
        return Health(ok=down < len(told), detail=detail)

    def _rank(self, replica: _Replica) -> tuple[bool, int]:
        """Those that do not rest come first, then those with the fewest open requests."""
        return replica.rests_until > asyncio.get_running_loop().time(), replica.open

    async def _ask(self, replica: _Replica, conversation: Conversation) -> LocalAnswer:
        replica.open += 1
        try:
            answer = await replica.model.complete(conversation)
        except BaseException:
            replica.leave()
            raise
        if isinstance(answer, Streamed):
            return Streamed(_Counted(answer.events, replica.leave))
        replica.leave()
        return answer


class _Counted(AsyncIterator[bytes]):
    """A stream that says once when it is over."""

    def __init__(self, events: AsyncIterator[bytes], over: Callable[[], None]) -> None:
        self._events = events
        self._over = over
        self._ended = False

    async def __anext__(self) -> bytes:
        try:
            return await anext(self._events)
        except BaseException:
            self._end()
            raise

    async def aclose(self) -> None:
        """Stop the work behind the stream."""
        self._end()
        close = getattr(self._events, "aclose", None)
        if close is not None:
            await close()

    def _end(self) -> None:
        if not self._ended:
            self._ended = True
            self._over()
