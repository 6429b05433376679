"""`gateway serve` with several workers: each takes up a change of the policies, by itself and on SIGHUP."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sqlite3
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from gateway.paths import data_path
from gateway.testing.stand_in import StandIn
from tests.cli.processes import served


def activations(folder: Path) -> list[tuple[str, str]]:
    """Which writer activated which digest."""
    with contextlib.closing(sqlite3.connect(folder / "gateway.db")) as connection:
        rows = connection.execute("SELECT writer, body FROM records WHERE kind = 'policy'").fetchall()
    return [(writer, json.loads(body)["subject"]) for writer, body in rows if json.loads(body)["action"] == "activated"]


def ready(base_url: str) -> dict[str, object]:
    """What one of the workers says of itself."""
    try:
        with urllib.request.urlopen(base_url.removesuffix("/v1") + "/readyz", timeout=10) as answer:
            told: dict[str, object] = json.load(answer)
    except (urllib.error.URLError, ConnectionError):
        return {}
    return told


def wait_for_writers(base_url: str, folder: Path, digest: str, writers: int) -> None:
    """Until so many writers have activated a bundle other than `digest`."""
    begun = time.monotonic()
    while len({writer for writer, seen in activations(folder) if seen != digest}) < writers:
        assert time.monotonic() < begun + 60
        ready(base_url)


@pytest.mark.parametrize("how", ["watched", "hangup"])
def test_every_worker_takes_up_a_change(tmp_path: Path, how: str) -> None:
    """Both serve the new bundle under one revision, and no worker was started anew."""
    (tmp_path / "policies").mkdir()
    shipped = data_path("policies") / "default.policy.yaml"
    policy = tmp_path / "policies" / shipped.name
    policy.write_text(shipped.read_text())
    port = {"GATEWAY_POLICIES__DIR": str(tmp_path / "policies"), "GATEWAY_SERVER__PORT": str(_free_port())}
    with (
        StandIn() as provider,
        served(tmp_path, provider.base_url, "--workers", "2", environment=port) as running,
    ):
        wait_for_writers(running.base_url, tmp_path, "", 3)  # the one that proves that all can start, and the workers
        first = activations(tmp_path)
        policy.write_text(shipped.read_text() + "\n# Another bundle.\n")
        if how == "hangup":
            os.kill(running.process.pid, signal.SIGHUP)
        wait_for_writers(running.base_url, tmp_path, first[0][1], 2)
        told = [ready(running.base_url)["policy"] for _ in range(20)]
    after = activations(tmp_path)

    assert 1 == len({digest for _, digest in first})
    assert 5 == len(after)
    assert {writer for writer, _ in after[3:]} < {writer for writer, _ in first}
    assert [{"revision": 2, "digest": after[-1][1]}] * 20 == told


def _free_port() -> int:
    """A port that is free now."""
    import socket

    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
        return port
