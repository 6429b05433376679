"""The egress's own record of what it did not send."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from gateway.adapters.refusal_log import RefusalLog
from gateway.domain.sealed import RefusalReason
from gateway.pipeline.egress import Refusal

REFUSAL = Refusal(1_700_000_000_000_000, RefusalReason.REPLAYED, "10.0.0.7", "01HF", "openai")


async def test_each_refusal_is_a_line_for_the_owner_alone(tmp_path: Path) -> None:
    """Added behind those of before; mode 0600."""
    path = tmp_path / "var" / "refusals.jsonl"
    for _ in range(2):
        log = RefusalLog(path)
        log.open()
        await log.append(REFUSAL)

    lines = [json.loads(line) for line in path.read_text().splitlines()]
    told = {"time": "2023-11-14T22:13:20.000+00:00", "reason": "replayed", "peer": "10.0.0.7"}
    assert [{**told, "decision": "01HF", "destination": "openai"}] * 2 == lines
    assert 0o600 == stat.S_IMODE(path.stat().st_mode)


async def test_a_flood_of_refusals_is_counted_and_not_written(tmp_path: Path) -> None:
    """So many lines a second, and the next second says how many more there were."""
    path, now = tmp_path / "refusals.jsonl", [5.0]
    log = RefusalLog(path, lambda: now[0])
    for _ in range(150):
        await log.append(REFUSAL)
    assert 100 == len(path.read_text().splitlines())
    now[0] = 6.0
    await log.append(REFUSAL)

    assert 50 == json.loads(path.read_text().splitlines()[-1])["more"]


async def test_a_file_that_cannot_be_written_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """In health and in the log, until it can be; and the lost lines are counted."""
    path, now = tmp_path / "refusals.jsonl", [5.0]
    log = RefusalLog(path, lambda: now[0])
    path.mkdir()
    await log.append(REFUSAL)
    broken = await log.health()
    path.rmdir()
    await log.append(REFUSAL)

    assert (False, "egress.refusals_file cannot be written") == (broken.ok, broken.detail)
    assert (await log.health()).ok
    assert 1 == json.loads(path.read_text())["more"]
    assert "a refusal could not be recorded" in caplog.text
