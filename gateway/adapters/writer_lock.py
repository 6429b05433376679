"""Who writes to a SQLite file: a lock file that every running gateway shares, for as long as its process lives.

The system lets go of it when the process dies, however it dies. So whoever holds it alone knows that every other writer
of this file is dead.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path


class WriterLock:
    """One process's hold on the lock file."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def take_alone(self) -> bool:
        """Whether nobody else holds it; if so nobody else gets it until `share`."""
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def share(self) -> None:
        """Hold it beside others. Waits while another one has it alone."""
        fcntl.flock(self._descriptor, fcntl.LOCK_SH)

    def release(self) -> None:
        """Let go."""
        os.close(self._descriptor)
