"""What comes of holding many past decisions against a policy: compared with the log, or under two policies.

Counts, and a bounded number of ids and names: a million decisions take no more memory than a thousand.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from gateway.domain.recorded import Past, Unread, Unreplayable
from gateway.domain.replaying import Again
from gateway.domain.routing import ToExternal, Way, more_open
from gateway.domain.sensitivity import MEANINGS

MOST_IDS = 10_000
MOST_SAMPLES = 5
_MOST_NAMES = 10_000


@dataclass(slots=True)
class Missed:
    """Decisions that could not be made again: how many for each cause, and some ids of each."""

    counts: Counter[Unreplayable] = field(default_factory=Counter)
    samples: dict[Unreplayable, list[str]] = field(default_factory=dict)

    def add(self, unread: Unread) -> None:
        """Count one."""
        self.counts[unread.cause] += 1
        _sample(self.samples.setdefault(unread.cause, []), MOST_SAMPLES, unread.decision_id)

    def merge(self, later: Missed) -> None:
        """Count what was counted of later decisions, too."""
        self.counts += later.counts
        for cause, ids in later.samples.items():
            _sample(self.samples.setdefault(cause, []), MOST_SAMPLES, *ids)


@dataclass(slots=True)
class Replayed:
    """Past decisions under one bundle. Those that this very bundle made have to come out as the log says.

    `different` holds the ids of those that do not (at most `MOST_IDS`, `differing` counts them all); `others` counts
    the decisions of each other bundle by its digest, `moved` how many of them would go another way.
    """

    digest: str
    decisions: int = 0
    equal: int = 0
    differing: int = 0
    different: list[str] = field(default_factory=list)
    others: Counter[str] = field(default_factory=Counter)
    moved: int = 0
    routes: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    missed: Missed = field(default_factory=Missed)

    def add(self, past: Past | Unread, again: Again | Unread) -> None:
        """Count one decision."""
        self.decisions += 1
        if isinstance(past, Unread):
            self.missed.add(past)
        elif isinstance(again, Unread):
            self.missed.add(again)
        else:
            self._compare(past, again)

    def merge(self, later: Replayed) -> None:
        """Count what was counted of later decisions, too."""
        self.decisions += later.decisions
        self.equal += later.equal
        self.differing += later.differing
        self.moved += later.moved
        self.others += later.others
        self.routes += later.routes
        self.reasons += later.reasons
        self.missed.merge(later.missed)
        _sample(self.different, MOST_IDS, *later.different)

    def _compare(self, past: Past, again: Again) -> None:
        self.routes[again.decision.route] += 1
        self.reasons[again.decision.reason] += 1
        if past.digest != self.digest:
            self.others[past.digest] += 1
            self.moved += again.decision.route != past.route
        elif past.meanings != MEANINGS:
            self.missed.add(Unread(past.decision_id, Unreplayable.OTHER_MEANINGS))
        elif past.came_out_as(again.decision):
            self.equal += 1
        else:
            self.differing += 1
            _sample(self.different, MOST_IDS, past.decision_id)


class Movement(StrEnum):
    """What another policy would change of a decision; what lets most out comes first."""

    OPENED = "kept inside -> external"
    LOOSER = "looser"  # refused -> answered inside, or less is replaced before it leaves
    ELSEWHERE = "elsewhere"  # as strict, to another destination or with another status
    TIGHTER = "tighter"
    SAME_WAY = "same way"  # by other rules, for another reason, under another label
    UNCHANGED = "unchanged"


def movement(old: Again, new: Again) -> Movement:
    """What changes between two decisions on one request."""
    if old.way == new.way:
        return Movement.UNCHANGED if old.decision == new.decision else Movement.SAME_WAY
    if isinstance(new.way, ToExternal) and not isinstance(old.way, ToExternal):
        return Movement.OPENED
    if more_open(new.way, old.way):
        return Movement.LOOSER
    return Movement.TIGHTER if more_open(old.way, new.way) or _replaces_more(new.way, old.way) else Movement.ELSEWHERE


def _replaces_more(new: Way, old: Way) -> bool:
    """Whether both leave, and the new one puts stand-ins for what the old one sends."""
    return isinstance(new, ToExternal) and isinstance(old, ToExternal) and bool(new.transforms) and not old.transforms


@dataclass(slots=True)
class Cell:
    """The decisions that move in one way: how many, by which rules, of which apps, and some of their ids."""

    count: int = 0
    rules: Counter[str] = field(default_factory=Counter)
    apps: Counter[str] = field(default_factory=Counter)
    samples: list[str] = field(default_factory=list)

    def merge(self, later: Cell) -> None:
        """Count what was counted of later decisions, too."""
        self.count += later.count
        _sample(self.samples, MOST_SAMPLES, *later.samples)
        _named(self.rules, later.rules)
        _named(self.apps, later.apps)


@dataclass(slots=True)
class Compared:
    """Past decisions under two bundles. `cells` are by movement, old and new route."""

    decisions: int = 0
    cells: dict[tuple[Movement, str, str], Cell] = field(default_factory=dict)
    missed: Missed = field(default_factory=Missed)

    def add(self, past: Past | Unread, old: Again | Unread, new: Again | Unread) -> None:
        """Count one decision."""
        self.decisions += 1
        if isinstance(past, Past) and isinstance(old, Again) and isinstance(new, Again):
            self._count(past, old, new)
            return
        unread: Sequence[Unread] = [each for each in (past, old, new) if isinstance(each, Unread)]
        self.missed.add(unread[0])

    def merge(self, later: Compared) -> None:
        """Count what was counted of later decisions, too."""
        self.decisions += later.decisions
        self.missed.merge(later.missed)
        for place, cell in later.cells.items():
            self.cells.setdefault(place, Cell()).merge(cell)

    def _count(self, past: Past, old: Again, new: Again) -> None:
        moves = movement(old, new)
        cell = self.cells.setdefault((moves, old.decision.route, new.decision.route), Cell())
        cell.count += 1
        if moves is Movement.UNCHANGED:
            return
        _sample(cell.samples, MOST_SAMPLES, past.decision_id)
        _named(cell.apps, {past.app: 1})
        rules = set(old.decision.rules[0]) ^ set(new.decision.rules[0]) or set(new.decision.rules[0])
        _named(cell.rules, dict.fromkeys(rules, 1))

    def ordered(self) -> list[tuple[tuple[Movement, str, str], Cell]]:
        """The cells, those that let out first; of each movement the largest first."""
        order = tuple(Movement)
        return sorted(self.cells.items(), key=lambda item: (order.index(item[0][0]), -item[1].count, item[0]))

    @property
    def opened(self) -> int:
        """How many decisions would leave that stayed inside or were refused."""
        return sum(cell.count for (moves, _, _), cell in self.cells.items() if moves is Movement.OPENED)


def _sample(ids: list[str], most: int, *decision_ids: str) -> None:
    ids.extend(decision_ids[: most - len(ids)])


def _named(names: Counter[str], more: Mapping[str, int]) -> None:
    for name, count in more.items():
        if name in names or len(names) < _MOST_NAMES:
            names[name] += count
