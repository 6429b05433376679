"""What an answer cost and took, beside what the other way would have: in whole numbers, so that records can hold them.

The way taken was observed. The way not taken was not: its cost is that of the same tokens at its list price, or of as
much time at what its machine costs an hour; its time is the median of what it took for such requests lately.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cost:
    """Billionths of a US dollar. Where no price is `known`, none are counted."""

    nano_dollars: int
    known: bool


@dataclass(frozen=True, slots=True)
class OtherWay:
    """What a request would have cost and taken at the destination where it did not go; an empty name: there is none.

    `microseconds` rest on `seen` answers that it gave to such requests before: on none, they are 0.
    """

    destination: str
    cost: Cost
    microseconds: int
    seen: int


UNPRICED = Cost(0, known=False)
NO_OTHER_WAY = OtherWay("", UNPRICED, 0, 0)
