"""What a serving process does about itself once it has started."""

from __future__ import annotations

import socket
import time
from pathlib import Path

import pytest

from gateway.testing.stand_in import StandIn
from tests.cli.processes import served
from tests.cli.test_serve_policies import ready

WATCH = """
import gc, os

freeze = gc.freeze

def told():
    freeze()
    with open(os.environ["WATCH_FILE"], "a") as file:
        file.write(f"{os.getpid()} {gc.get_freeze_count()}\\n")

if "WATCH_FILE" in os.environ:  # the children that a gateway starts do not inherit it
    gc.freeze = told
"""


def free_port() -> int:
    """A port that nobody listens on: several workers cannot choose one together."""
    with socket.socket() as chosen:
        chosen.bind(("127.0.0.1", 0))
        return int(chosen.getsockname()[1])


@pytest.mark.parametrize("workers", [1, 2])
def test_a_serving_process_spares_what_it_started_from_garbage_collection(tmp_path: Path, workers: int) -> None:
    """Before it answers anything, alone and as one of several: else a full collection would stop its streams."""
    watch = tmp_path / "watch"
    watch.mkdir()
    (watch / "sitecustomize.py").write_text(WATCH)
    seen = tmp_path / "seen"
    seen.touch()
    environment = {"PYTHONPATH": str(watch), "WATCH_FILE": str(seen), "GATEWAY_SERVER__PORT": str(free_port())}
    with (
        StandIn() as provider,
        served(tmp_path, provider.base_url, "--workers", str(workers), environment=environment) as running,
    ):
        begun = time.monotonic()
        while not ready(running.base_url):  # several listen only after the first process said so
            assert time.monotonic() < begun + 60
        parent = running.process.pid
        frozen = {int(pid): int(count) for pid, count in map(str.split, seen.read_text().splitlines())}

    assert frozen
    assert min(frozen.values()) > 50_000
    assert (parent in frozen) is (workers == 1)
