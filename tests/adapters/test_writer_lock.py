"""Who is alive, as the system tells it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.adapters.writer_lock import WriterLock

HOLDER = """
import sys
from pathlib import Path
from gateway.adapters.writer_lock import WriterLock
lock = WriterLock(Path(sys.argv[1]))
lock.share()
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The lock file."""
    return tmp_path / "gateway.db.writers"


@pytest.fixture
def other(file: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lock."""
    arguments = [sys.executable, "-c", HOLDER, str(file)]
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert "held\n" == process.stdout.readline()
        yield process
        process.kill()


def test_the_first_is_alone_and_the_second_is_not(file: Path) -> None:
    """Until the first has let go."""
    first, second = WriterLock(file), WriterLock(file)

    assert first.take_alone()
    assert not second.take_alone()
    first.share()
    second.share()
    assert not second.take_alone()
    first.release()
    assert second.take_alone()
    second.release()


def test_a_killed_process_holds_nothing(file: Path, other: subprocess.Popen[str]) -> None:
    """While it lives nobody is alone; once it is killed, the next one is."""
    lock = WriterLock(file)
    assert not lock.take_alone()
    other.kill()
    other.wait()

    assert lock.take_alone()
    lock.release()
