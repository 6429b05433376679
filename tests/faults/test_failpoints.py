"""The database's files fail, or the process dies, at each write and sync of an append: nothing acknowledged is lost."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

from tests.faults.failing import MANNERS
from tests.faults.shim import FULL, preloaded

STRIDE = 1 if FULL else 23


def ends(folder: Path, chain: str, stride: int = STRIDE) -> list[dict[str, int]]:
    """How each child ended."""
    return [json.loads(line) for line in preloaded(folder, "tests.faults.failing", chain, stride).splitlines()]


def test_nothing_acknowledged_is_lost_at_any_failpoint(tmp_path: Path) -> None:
    """Death, EIO, a full disk, a read-only one: what was acknowledged is there, and the ledger is sound (0) or has
    records that are not signed yet (2), never altered."""
    children = ends(tmp_path, "shipped")

    assert set(MANNERS) == {child["manner"] for child in children}
    assert [] == [child for child in children if child["lost"]]
    assert {0, 2} >= {child["verdict"] for child in children}
    assert 1 < len(Counter(child["acknowledged"] for child in children)), "the faults did strike"


def test_an_early_acknowledgement_is_found(tmp_path: Path) -> None:
    """The control: every child that acknowledged something lost it."""
    children = ends(tmp_path, "eager", 3 * STRIDE)

    assert children
    assert all(child["lost"] == child["acknowledged"] for child in children)
    assert any(child["lost"] for child in children)
