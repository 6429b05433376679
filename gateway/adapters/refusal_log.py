"""The egress's own record: one JSON line for each thing that it did not send, durable before the refusal is told.

Whoever can reach the egress can be refused as often as they like, so there is a bound: so many lines a second, then one
line that says how many more there were. No text of a request, and nothing that an unknown caller chose, is in a line.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from gateway.pipeline.egress import Refusal
from gateway.pipeline.ports import Health

_log = logging.getLogger(__name__)
_LINES_A_SECOND = 100


class RefusalLog:
    """Implements `pipeline.egress.Refusals`. The file is only ever added to, with mode 0600."""

    def __init__(self, path: Path, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._path = path
        self._monotonic = monotonic
        self._second = 0
        self._lines = 0
        self._unwritten = 0
        self._ok = True
        self._writing = asyncio.Lock()

    def open(self) -> None:
        """Make the file where there is none. Raises `OSError`."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._write("")

    async def append(self, refusal: Refusal) -> None:
        """Keep one refusal. Never raises: what cannot be written is told in the log, and in `health`."""
        async with self._writing:
            lines = self._lines_of(refusal)
            if not lines:
                return
            try:
                await asyncio.to_thread(self._write, lines)
            except OSError as error:
                _log.error("a refusal could not be recorded: %s", type(error).__name__)
                self._ok = False
                self._unwritten += 1
            else:
                self._ok = True

    async def health(self) -> Health:
        """Whether the last refusal could be written."""
        return Health(self._ok, "" if self._ok else "egress.refusals_file cannot be written")

    def _lines_of(self, refusal: Refusal) -> str:
        """What is written now; empty when this second has had its lines."""
        second = int(self._monotonic())
        if second != self._second:
            self._second, self._lines = second, 0
        if self._lines >= _LINES_A_SECOND:
            self._unwritten += 1
            return ""
        self._lines += 1
        told = datetime.fromtimestamp(refusal.at / 1e6, UTC).isoformat(timespec="milliseconds")
        line = {
            "time": told,
            "reason": refusal.reason.value,
            "peer": refusal.peer,
            "decision": refusal.decision_id,
            "destination": refusal.destination,
        }
        more, self._unwritten = ({"more": self._unwritten} if self._unwritten else {}), 0
        return json.dumps({**line, **more}, separators=(",", ":")) + "\n"

    def _write(self, lines: str) -> None:
        descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.write(descriptor, lines.encode())
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
