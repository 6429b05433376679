"""The order of a request: the sync of its record has returned before the first byte is sent. Seen from below."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.faults.shim import FULL, preloaded

REQUESTS = 1000 if FULL else 12


def orders(folder: Path, manner: str) -> list[str]:
    """For each request what happened until its first byte left: `W` written, `S` synced, `O` sent."""
    assert str(REQUESTS) == preloaded(folder, "tests.faults.ordering", REQUESTS, manner).strip()
    events = "".join(line[0] for line in (folder / "events").read_text().splitlines())
    each = re.findall(r"N([WS]*O)", events)
    assert len(each) == REQUESTS
    return each


def durable(order: str) -> bool:
    """Whether something was written, and all of it synced, before the first byte was sent."""
    return re.fullmatch(r"[WS]*W+S+O", order) is not None


@pytest.mark.parametrize("manner", ["shipped", "postgresql"])
def test_the_record_is_on_disk_before_the_first_byte_is_sent(tmp_path: Path, manner: str) -> None:
    """For each request: by the gateway's own hand on SQLite, by the server's on PostgreSQL."""
    assert [] == [order for order in orders(tmp_path, manner) if not durable(order)]


def test_an_early_acknowledgement_is_seen(tmp_path: Path) -> None:
    """The control: a ledger that acknowledges before it writes. Only the first request waits, for its tenant's keys."""
    assert ["O"] * (REQUESTS - 1) == orders(tmp_path, "eager")[1:]


def test_a_server_that_acknowledges_early_is_seen(tmp_path: Path) -> None:
    """The control: PostgreSQL with `synchronous_commit` off writes later, now and then and by another process."""
    assert len([order for order in orders(tmp_path, "asynchronous") if not durable(order)]) > REQUESTS // 2


def test_the_judge_is_right() -> None:
    """Nothing written, nothing synced, or something written after the sync: none of it is durable."""
    assert durable("WWSO")
    assert not any(durable(order) for order in ("O", "SO", "WO", "WSWO"))
