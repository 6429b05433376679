"""A piece of a text and what is to be read in its place."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Replacement:
    """The characters `start` to `end` of a text, and the text that they stand for."""

    start: int
    end: int
    text: str = field(repr=False)
