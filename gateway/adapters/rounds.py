"""Work that a process looks for now and then, for as long as it lives."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable

LOOK_S = 30.0

_log = logging.getLogger(__name__)


class Rounds:
    """Calls `look` every so often, the first time after one pause. A look that fails is logged, and the next one comes.
    `start` and `stop` it in one event loop."""

    def __init__(self, name: str, look: Callable[[], Awaitable[None]], pause_s: float = LOOK_S) -> None:
        self._name = name
        self._look = look
        self._pause = pause_s
        self._hurry = asyncio.Event()
        self._going: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin."""
        self._going = asyncio.create_task(self._go(), name=self._name)

    async def stop(self) -> None:
        """End, also in the middle of a look."""
        if self._going is not None:
            self._going.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._going
            self._going = None

    def hurry(self) -> None:
        """Look at once."""
        self._hurry.set()

    async def _go(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._hurry.wait(), self._pause)
            self._hurry.clear()
            try:
                await self._look()
            except Exception as error:  # noqa: BLE001 - the database may be away: the next look finds it
                _log.error("%s: %s", self._name, type(error).__name__)
