"""The thread that keeps the tree: it integrates what all writers wrote, over and over, beside the requests."""

from __future__ import annotations

import logging
import threading
from typing import Protocol

from gateway.adapters.checkpoint_signer import MemoryUnreadable, NotAContinuation
from gateway.adapters.sql_integrator import Integrator

EVERY_S = 0.25
_AFTER_FAILURE_S = 1.0
_STOP_S = 10.0
LOST = (
    "the database has lost records that this gateway signed, or holds others in their place: bring the newer database"
    " back, or accept the loss with `gateway ledger acknowledge`"
)

_log = logging.getLogger(__name__)


class LedgerObserver(Protocol):
    """Counts what becomes of records."""

    def expect(self, every_s: float) -> None:
        """A living ledger writes a record at least this often."""
        ...

    def recorded(self, count: int, at: int) -> None:
        """So many records are durable; the time now, in microseconds."""
        ...

    def signed(self, size: int, at: int) -> None:
        """A tree of this size is signed; the time now, in microseconds."""
        ...


class Unobserved:
    """Implements `LedgerObserver` by looking away."""

    def expect(self, every_s: float) -> None:
        """Nothing."""

    def recorded(self, count: int, at: int) -> None:
        """Nothing."""

    def signed(self, size: int, at: int) -> None:
        """Nothing."""


class TreeKeeper:
    """Runs an integrator until it is stopped. `lost` once the tree is no continuation of what was signed."""

    def __init__(self, integrator: Integrator, observer: LedgerObserver) -> None:
        self.lost = False
        self._integrator = integrator
        self._observer = observer
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="ledger-tree", daemon=True)

    @property
    def leads(self) -> bool:
        """Whether this process integrates for all of them."""
        return self._integrator.leads

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Integrate what is there, if it is this process's to do, and end."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(_STOP_S)
        while not self.lost and self._step() == 0:
            pass
        self._integrator.close()

    def _run(self) -> None:
        pause = 0.0
        while not self.lost and not self._stopping.wait(pause):
            pause = self._step()

    def _step(self) -> float:
        """One step. How long to wait for the next, in seconds: 0 while there may be more."""
        try:
            signed = self._integrator.step()
            more = self._integrator.index()
        except NotAContinuation:
            self.lost = True
            _log.critical(LOST)
            return _AFTER_FAILURE_S
        except MemoryUnreadable as error:
            _log.error("no checkpoint is signed: %s", error)
            return _AFTER_FAILURE_S
        except Exception as error:  # noqa: BLE001 - whatever the database does, the next step begins anew
            _log.error("records could not be brought into the tree: %s", type(error).__name__)
            return _AFTER_FAILURE_S
        if signed is not None:
            self._observer.signed(signed.size, signed.at)
        return 0.0 if more or (signed is not None and not signed.all) else EVERY_S
