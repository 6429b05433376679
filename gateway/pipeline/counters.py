"""What limits need from the world: shared counts over windows of time. `gateway.adapters.limits_store` keeps them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from gateway.pipeline.ports import Health


@dataclass(frozen=True, slots=True)
class Window:
    """At most `most` in any `seconds`. `name` says what is counted: the same in all gateways that share the counts."""

    name: str
    most: int
    seconds: int


@dataclass(frozen=True, slots=True)
class Standing:
    """How full a window is. `free_in`: seconds until one more fits, 0.0 when it fits now. `clear_in`: seconds until
    nothing counts any more."""

    used: int
    free_in: float
    clear_in: float

    @property
    def full(self) -> bool:
        """Whether nothing more fits now."""
        return self.free_in > 0


@dataclass(frozen=True, slots=True)
class Taken:
    """Whether one more was counted, in every window or in none, and how each window stands after that."""

    granted: bool
    standings: tuple[Standing, ...]


class Counters(Protocol):
    """Counts. Every method raises `GatewayFault(LIMITS_UNAVAILABLE)` when the counts cannot be read or written.

    A name is counted either one by one (`take`) or by amounts (`add`), never both ways.
    """

    async def take(self, windows: Sequence[Window]) -> Taken:
        """Count one more in every window, if it fits in each."""
        ...

    async def add(self, window: Window, amount: int) -> None:
        """Count `amount` more, whether or not it fits: what was spent was spent."""
        ...

    async def standings(self, windows: Sequence[Window]) -> tuple[Standing, ...]:
        """How full windows of amounts are."""
        ...

    async def health(self) -> Health:
        """Whether the counts can be reached now."""
        ...


class LimitObserver(Protocol):
    """Counts refusals. Both labels are words of the configuration's own schema."""

    def limited(self, scope: str, limit: str) -> None:
        """A request was refused by this kind of limit of this kind of scope."""
        ...
