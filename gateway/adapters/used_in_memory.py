"""Which clearances were used, in the memory of one egress process."""

from __future__ import annotations

import time
from collections.abc import Callable

from gateway.domain.errors import ErrorCode, GatewayFault
from gateway.pipeline.ports import Health

_MOST = 1_000_000
_SWEEP_EVERY = 1024


class UsedInMemory:
    """Implements `pipeline.egress.UsedClearances`. Full, it knows nothing of a new one, and so nothing is sent."""

    def __init__(self, most: int = _MOST, monotonic: Callable[[], float] = time.monotonic) -> None:
        """`monotonic` gives seconds that never go back."""
        self._most = most
        self._monotonic = monotonic
        self._until: dict[str, float] = {}
        self._asked = 0

    @property
    def outlives_restarts(self) -> bool:
        """It does not."""
        return False

    async def first(self, decision_id: str, seconds: float) -> bool:
        """Whether nobody used it before. Raises `GatewayFault(OVERLOADED)` when there is no room to remember."""
        now = self._monotonic()
        self._asked += 1
        if self._asked % _SWEEP_EVERY == 0 or len(self._until) >= self._most:
            self._until = {name: until for name, until in self._until.items() if until > now}
        if self._until.get(decision_id, 0.0) > now:
            return False
        if len(self._until) >= self._most:
            raise GatewayFault(ErrorCode.OVERLOADED, retry_after=1)
        self._until[decision_id] = now + seconds
        return True

    async def health(self) -> Health:
        """Memory answers."""
        return Health(ok=True, detail="")

    async def aclose(self) -> None:
        """Nothing is held."""
