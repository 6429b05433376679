"""Uses of exceptions, counted in memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from gateway.domain.errors import ErrorCode, GatewayFault
from gateway.domain.exceptions import PolicyException


class MemoryUses:
    """Implements `ports.ExceptionUses`. `counts` are the uses so far, by the exception's id."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self._broken = False

    def fail(self) -> None:
        """Be unreadable from now on."""
        self._broken = True

    async def reserve(self, exceptions: Sequence[PolicyException]) -> frozenset[str]:
        """Count one use of each, or of none. Raises `GatewayFault(INTERNAL_ERROR)` once it fails."""
        if self._broken:
            raise GatewayFault(ErrorCode.INTERNAL_ERROR)
        used_up = frozenset(each.id for each in exceptions if self.counts[each.id] >= each.max_uses)
        if not used_up:
            self.counts.update(each.id for each in exceptions)
        return used_up
