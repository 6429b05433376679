"""What a process really does to its files and sockets, seen from below the C library, and faults put in there."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY

FULL = os.environ.get("LEDGER") == "full"
"""`make test` takes a sample of each of these tests; `LEDGER=full` takes the numbers of the design."""

_SOURCE = Path(__file__).with_name("shim.c")


class Shim:
    """The loaded shim, in a process that `preloaded` started."""

    def __init__(self) -> None:
        self._library = ctypes.CDLL(None)
        self._library.fault_operations.restype = ctypes.c_long
        self._library.fault_at.argtypes = [ctypes.c_long, ctypes.c_int, ctypes.c_int]

    def watch(self, log: Path, port: int) -> None:
        """Log what happens to the database, and what is sent to this port."""
        file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._library.fault_watch(file, port)

    def note(self, line: str) -> None:
        """A line of the log."""
        self._library.fault_note(f"N {line}\n".encode())

    def fail(self, after: int, error: int, *, always: bool = False) -> None:
        """Let the database's operation fail that comes after so many others, with this errno, or die there (-1)."""
        self._library.fault_at(after, error, int(always))

    @property
    def operations(self) -> int:
        """How many writes and syncs the database has had."""
        return int(self._library.fault_operations())


def preloaded(folder: Path, module: str, *arguments: object) -> str:
    """What a module prints that runs above the shim. Skips the test where there is no C compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None or not sys.platform.startswith("linux"):
        pytest.skip("there is no C compiler, or no Linux, to look below the C library with")
    library = folder / "shim.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", library, _SOURCE, "-ldl"], check=True)
    environment = {**os.environ, "LD_PRELOAD": str(library), "PYTHONPATH": str(REPOSITORY)}
    command = [sys.executable, "-m", module, str(folder), *map(str, arguments)]
    done = subprocess.run(
        command, env=environment, cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=900
    )
    assert 0 == done.returncode, done.stderr
    return done.stdout
