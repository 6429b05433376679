"""The word lists of the recipe: lists/<slot>.txt holds the values of `{slot}`, one a line."""

from __future__ import annotations

from functools import cache
from pathlib import Path

LISTS = Path(__file__).parent / "lists"


@cache
def words(slot: str) -> tuple[str, ...]:
    """The values of one list; lines that begin with "# " are comments."""
    lines = (LISTS / f"{slot}.txt").read_text(encoding="utf-8").splitlines()
    return tuple(line for line in lines if line and not line.startswith("# "))


@cache
def slots() -> frozenset[str]:
    """The slots that a list of its own fills."""
    return frozenset(path.stem for path in LISTS.glob("*.txt"))
