"""How well, how fast and how dearly models answered a set of tasks, and what follows from it, in one sentence."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from gateway.domain.costs import Cost
from gateway.domain.evidence import Route

_OUTSIDE = (Route.EXTERNAL, Route.EXTERNAL_TRANSFORMED)
_NANO = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Answered:
    """How one task ended. `right` is false for what was refused or failed. `replaced`: its values left as stand-ins.

    `classes` are those of what was asked; microseconds; `cost` is known or not.
    """

    group: str
    route: Route
    answered: bool
    right: bool
    microseconds: int
    cost: Cost
    classes: tuple[str, ...]


@dataclass(slots=True)
class Score:
    """One model's answers."""

    model: str
    ended: list[Answered] = field(default_factory=list)

    @property
    def accuracy(self) -> float:
        """The part of all tasks that was answered right, from 0 to 1."""
        return sum(each.right for each in self.ended) / len(self.ended)

    @property
    def interval(self) -> tuple[float, float]:
        """Where the accuracy lies in nineteen of twenty such sets (Wilson)."""
        count, z = len(self.ended), 1.96
        middle = (self.accuracy + z * z / (2 * count)) / (1 + z * z / count)
        spread = self.accuracy * (1 - self.accuracy) / count + z * z / (4 * count * count)
        half = z * math.sqrt(spread) / (1 + z * z / count)
        return max(0.0, middle - half), min(1.0, middle + half)

    def latency(self, part: float) -> int:
        """The time within which this part of the answers came, in microseconds; 0 where none came."""
        took = sorted(each.microseconds for each in self.ended if each.answered)
        return took[max(0, math.ceil(part * len(took)) - 1)] if took else 0

    @property
    def cost_of_a_thousand(self) -> float | None:
        """Dollars for a thousand such requests. None where the price of some answer is not known."""
        costs = [each.cost for each in self.ended if each.answered]
        if not costs or not all(cost.known for cost in costs):
            return None
        return 1000 * sum(cost.nano_dollars for cost in costs) / _NANO / len(self.ended)

    @property
    def routes(self) -> Counter[Route]:
        """Where its tasks went."""
        return Counter(each.route for each in self.ended)

    @property
    def classes_outside(self) -> Counter[str]:
        """The classes of what left as it was."""
        return Counter(name for each in self.ended if each.route is Route.EXTERNAL for name in each.classes)

    @property
    def inside(self) -> bool:
        """Whether nothing of it left."""
        return not any(self.routes[route] for route in _OUTSIDE)

    def by_group(self) -> dict[str, tuple[int, int]]:
        """How many tasks of each group there are, and how many were answered right."""
        told: dict[str, tuple[int, int]] = {}
        for each in self.ended:
            count, right = told.get(each.group, (0, 0))
            told[each.group] = (count + 1, right + each.right)
        return told


def recommendation(scores: Sequence[Score], enough: float) -> str:
    """What follows. `enough` is the part of the better model's accuracy that the one inside has to reach."""
    inside = [each for each in scores if each.inside]
    outside = [each for each in scores if not each.inside]
    if not outside:
        return "Nothing left the network with any of these models, so there is nothing to compare."
    if not inside:
        return "Every one of these models let something leave: name one that answers inside to compare with."
    small = max(inside, key=lambda each: (each.accuracy, -each.latency(0.5)))
    big = max(outside, key=lambda each: (each.accuracy, -each.latency(0.5)))
    if not big.accuracy:
        return f"{big.model} answered nothing right, and {small.model} {small.accuracy:.0%}; look at the tasks first."
    reached = small.accuracy / big.accuracy
    told = f"{small.model} reaches {reached:.0%} of {big.model} at {_at(small, big)}"
    if reached < enough:
        return f"{told}; {enough:.0%} was asked for: you need the bigger model for these tasks."
    return f"{told}; keep it local{_doubt(small, big, enough)}."


def _at(small: Score, big: Score) -> str:
    mine, theirs = small.cost_of_a_thousand, big.cost_of_a_thousand
    cost = "a cost that is not known" if mine is None or not theirs else f"{mine / theirs:.0%} of its cost"
    slow = big.latency(0.5)
    return f"{cost} and {small.latency(0.5) / slow:.2g} of its latency" if slow else cost


def _doubt(small: Score, big: Score, enough: float) -> str:
    """What chance alone may have done."""
    low, high = small.interval[0], big.interval[1]
    return "" if low >= enough * high else f" (with {len(small.ended)} tasks, chance alone could turn this around)"
