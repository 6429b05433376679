"""What records say together: each follows the one before it of its writer, outcomes follow decisions, and so on.

`Learned` takes consecutive records of the tree. Several of them, of one slice of the tree each, are joined in its
order by `follow`.
"""

from __future__ import annotations

import hashlib
import itertools
import sys
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from .findings import Report
from .formats import Proofs, Receipt, leaf_hash
from .said import Said, columns_of, said_in

COLUMNS = ("leaf", "kind", "decision_id", "at", "tenant", "app", "label", "route", "destination", "reason")
"""What a database keeps beside a record: its leaf, and what it is searched by."""

DAY = 86_400_000_000
DECISIONS = ("intent", "local", "block")
_NO_LEAF = "0" * 64
_PARTS = 64


class Entry(NamedTuple):
    """One record as a source has it. `position` is -1 for one that is not in the tree; `leaf` then is the one beside
    the record. `body` is `None` where only the leaf is left, `columns` (as `COLUMNS`) and `salted` where the source
    has no such."""

    position: int
    writer: str
    sequence: int
    leaf: bytes
    body: bytes | None
    columns: tuple[object, ...] | None = None
    salted: bool | None = None
    proof: tuple[bytes, ...] | None = None


@dataclass(slots=True)
class Chain:
    """Where a writer's chain stands."""

    following: int = 0
    leaf: str = _NO_LEAF


class Gone:
    """Records of which only the leaf is left. There may be millions, so they are kept small."""

    def __init__(self) -> None:
        self._positions, self._sequences = array("q"), array("q")
        self._writers: list[str] = []

    def add(self, entry: Entry) -> None:
        """One more."""
        self._positions.append(entry.position)
        self._sequences.append(entry.sequence)
        self._writers.append(sys.intern(entry.writer))

    def follow(self, later: Gone) -> None:
        """Those of a later slice."""
        self._positions.extend(later._positions)
        self._sequences.extend(later._sequences)
        self._writers.extend(map(sys.intern, later._writers))

    def inside(self, upto: int) -> int:
        """How many are in the first `upto` of the tree."""
        return sum(0 <= position < upto for position in self._positions)

    def outside(self, upto: int) -> Iterator[str]:
        """The others, by name."""
        for position, sequence, writer in zip(self._positions, self._sequences, self._writers, strict=True):
            if not 0 <= position < upto:
                yield f"record {writer}/{sequence} at {position}"


class Ids:
    """Ids of decisions, each kept as eight bytes of its hash: there may be millions. In parts, so that few are sorted
    at once."""

    def __init__(self) -> None:
        self._parts = [array("Q") for _ in range(_PARTS)]

    def add(self, decision: str) -> None:
        """One more."""
        mark = _mark(decision)
        self._parts[mark % _PARTS].append(mark)

    def follow(self, later: Ids) -> None:
        """Those of a later slice."""
        for mine, theirs in zip(self._parts, later._parts, strict=True):
            mine.extend(theirs)

    def twice(self) -> Twice:
        """Those that came more than once."""
        found = set[int]()
        for part in self._parts:
            found.update(mark for mark, after in itertools.pairwise(sorted(part)) if mark == after)
        return Twice(found)


class Twice:
    """Tells the ids that came more than once, as they are read again. None by its hash alone."""

    def __init__(self, marks: set[int]) -> None:
        self._marks = marks
        self._seen = set[str]()

    def __bool__(self) -> bool:
        return bool(self._marks)

    def has_seen(self, decision: str) -> bool:
        """Whether this id was asked for before."""
        if decision in self._seen:
            return True
        if _mark(decision) in self._marks:
            self._seen.add(decision)
        return False


class Learned:
    """What consecutive records come to. `linked` where chains are whole; `later` where they may begin in a slice before
    this one: then `starts` keeps, for each writer, its first number here and the leaf that it says it follows (`None`
    where its body is gone)."""

    def __init__(
        self, report: Report, receipts: dict[tuple[str, int], Receipt], *, linked: bool = True, later: bool = False
    ) -> None:
        self.report = report
        self.receipts = receipts
        self.chains: dict[str, Chain] = {}
        self.starts: dict[str, tuple[int, str | None]] = {}
        self.ids = Ids()
        self.open: dict[str, bool] = {}
        self.alone: dict[str, tuple[str, str]] = {}
        self.ended: set[str] = set()
        self.policies: set[str] = set()
        self.unannounced: dict[str, str] = {}
        self.gone = Gone()
        self.unsalted: list[tuple[str, str, str, str]] = []
        self.days: dict[tuple[str, int], str] = {}
        self.erased: set[str] = set()
        self.ordered, self.upto, self.before = 0, 0, 0
        self._linked, self._later = linked, later
        self._proofs = Proofs(report.size, report.root)

    # One record. These are what a run spends its time in, so the usual case of each is told quickly.

    def check_proof(self, entry: Entry) -> None:
        """Whether the entry's proof leads to the signed root, if it has one."""
        if entry.proof is not None and not self._proofs.lead_to_root(entry.leaf, entry.position, entry.proof):
            self.report.add("proof-altered", named(entry))

    def take(self, entry: Entry) -> None:
        """One record more."""
        previous = self._link(entry) if self._linked else ""
        if self.receipts:
            self._check_receipt(entry)
        body = entry.body
        if body is None:
            self.gone.add(entry)
            return
        self.report.records += 1
        if leaf_hash(body) != entry.leaf:
            self.report.add("body-altered", named(entry))
        said = said_in(body)
        if said is None:
            self.report.add("unreadable", named(entry))
            return
        if said.w != entry.writer or said.s != entry.sequence:
            self.report.add("place-altered", named(entry, said))
        elif not previous:
            if self._later and self.starts.get(entry.writer) == (entry.sequence, None):
                self.starts[entry.writer] = (entry.sequence, said.p)
        elif said.p != previous:
            self.report.add("chain-broken", named(entry, said))
        if entry.columns is not None and entry.columns != (entry.leaf, *columns_of(said)):
            self._name_columns(entry, said, entry.columns)
        self._meaning(entry, said)

    def _link(self, entry: Entry) -> str:
        """The leaf that the record must follow; empty where that is not known."""
        chain = self.chains.get(entry.writer)
        if chain is None:
            chain = self.chains[entry.writer] = Chain()
            if self._later:
                self.starts[entry.writer] = (entry.sequence, None)
                chain.following, chain.leaf = entry.sequence, ""
        previous = chain.leaf
        if entry.sequence != chain.following:
            self.report.add("gap" if entry.sequence > chain.following else "place-altered", named(entry))
            previous = ""
        chain.following, chain.leaf = entry.sequence + 1, entry.leaf.hex()
        return previous

    def _check_receipt(self, entry: Entry) -> None:
        receipt = self.receipts.pop((entry.writer, entry.sequence), None)
        if receipt is not None and receipt.leaf != entry.leaf:
            self.report.add("receipt-broken", f"{named(entry)}, decision {receipt.decision_id}")

    def _name_columns(self, entry: Entry, said: Said, columns: tuple[object, ...]) -> None:
        for name, value, right in zip(COLUMNS, columns, (entry.leaf, *columns_of(said)), strict=True):
            if value != right:
                code, column = ("leaf-altered", "") if name == "leaf" else ("column-altered", f", column {name}")
                self.report.add(code, f"{named(entry, said)}{column}")

    def _meaning(self, entry: Entry, said: Said) -> None:
        kind, decision = said.k, said.id
        if kind in DECISIONS:
            self.ids.add(decision)
            if kind != "block":
                self._begin(entry, said)
            self._decision(entry, said)
        elif kind in {"outcome", "recovered"}:
            if self.open.pop(decision, None) is None:
                self.alone.setdefault(decision, (entry.writer, named(entry, said)))
            elif self._later:
                self.ended.add(decision)
        elif kind == "policy" and said.action == "activated":
            self.policies.add(said.subject)
        elif kind == "erasure":
            self.report.erasures += 1
            self.erased.add(said.subject)
        elif kind == "prune":
            self.ordered += said.dropped
            self.upto = max(self.upto, said.upto)
            self.before = max(self.before, said.before)

    def _begin(self, entry: Entry, said: Said) -> None:
        """A decision that will have an outcome. A writer records one after its decision; those of other writers stand
        in the tree in any order."""
        decision = said.id
        if decision in self.alone and self.alone[decision][0] == entry.writer:
            self.report.add("outcome-alone", self.alone.pop(decision)[1])
        self.open[decision] = said.k == "intent" or self.open.get(decision, False)

    def _decision(self, entry: Entry, said: Said) -> None:
        digest, tenant = said.pol.dig, said.tenant
        if digest not in self.unannounced:
            self.unannounced[digest] = named(entry, said)
        day = (tenant, said.t // DAY)
        if day not in self.days:
            self.days[day] = named(entry, said)
        if entry.salted is False:
            self.unsalted.append((named(entry, said), tenant, said.who, said.id))

    # Slices.

    def follow(self, later: Learned) -> bool:
        """Go on with what the next slice of the tree came to. Whether it follows: each writer's chain goes on, and
        nothing was found in it. Where it does not, neither is of use any more.

        It does not either where an id comes again that a decision before it has: such are told apart in order only."""
        for writer, (sequence, previous) in later.starts.items():
            chain = self.chains.get(writer, Chain())
            if sequence != chain.following or previous not in {None, chain.leaf}:
                return False
        begun = later.ended | later.open.keys()
        if not (begun.isdisjoint(self.open) and begun.isdisjoint(self.alone)):
            return False
        self.chains.update(later.chains)
        self.ids.follow(later.ids)
        for decision, by in later.alone.items():
            if self.open.pop(decision, None) is None:
                self.alone.setdefault(decision, by)
        self.open.update(later.open)
        self.policies |= later.policies
        for digest, where in later.unannounced.items():
            self.unannounced.setdefault(digest, where)
        self.gone.follow(later.gone)
        self.unsalted += later.unsalted
        for day, where in later.days.items():
            self.days.setdefault(day, where)
        self.erased |= later.erased
        self.ordered += later.ordered
        self.upto, self.before = max(self.upto, later.upto), max(self.before, later.before)
        self.receipts = {place: self.receipts[place] for place in later.receipts if place in self.receipts}
        self.report.records += later.report.records
        self.report.erasures += later.report.erasures
        return not later.report.found


def _mark(decision: str) -> int:
    return int.from_bytes(hashlib.blake2b(decision.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")


def named(entry: Entry, said: Said | None = None) -> str:
    """The record, by its place and, where it is known, its decision."""
    place = f"record {entry.writer}/{entry.sequence}"
    if entry.position >= 0:
        place += f" at {entry.position}"
    return f"{place}, decision {said.id}" if said is not None and said.id else place
