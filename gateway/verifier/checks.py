"""What is checked, record by record, in the order of the tree.

    body -> leaf -> root        each body hashes to its leaf, and the leaves to every signed root
    chain                       each writer's records are contiguous, each holds the leaf of the one before
    columns                     what records are searched by is what they say
    meaning                     outcomes follow decisions, policies were announced, erasures and retention account for
                                what is missing
    receipts, old checkpoints   what somebody outside keeps is in here

A finding has a code, says what it means, and names the record. `run` reads once, from the first record to the last, and
holds in memory only what is open, with eight bytes a decision: where an id comes twice, it reads again to name the
records. `together` has several processes read for it.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Protocol

from .findings import MOST_NAMED, Report
from .formats import PublicKey, Tree
from .kept import open_kept, open_notes, open_receipts
from .learned import DAY, DECISIONS, Chain, Entry, Learned, named
from .said import said_in


class Source(Protocol):
    """Where records come from. Each is read once, in this order; records again where two decisions share an id."""

    whole: bool
    """Whether it is all of the ledger; a part is checked by its proofs alone."""

    unfinished: bool
    """Whether it says of itself that it is not all there yet."""

    stores_nodes: bool
    """Whether it keeps the roots of full tiles."""

    def notes(self) -> Iterable[str]:
        """All checkpoints that it has, in any order."""
        ...

    def entries(self) -> Iterator[Entry]:
        """The records of the tree, in its order."""
        ...

    def pending(self) -> Iterator[Entry]:
        """Records that are not in the tree, by writer and sequence."""
        ...

    def nodes(self) -> Iterator[tuple[int, int, bytes]]:
        """Stored roots of full tiles: level, number, hash."""
        ...

    def knows(self, decision_id: str) -> bool:
        """Whether there is a decision of this id. Asked of the few outcomes that close nothing."""
        ...

    def lacking(self, keys: Collection[tuple[str, str]]) -> Collection[tuple[str, str]]:
        """Which keys of commitments, by tenant and day, it should have and has not."""
        ...


@dataclass(frozen=True, slots=True)
class Outside:
    """What somebody outside has: callers' receipts, checkpoints that were kept, and the keys of witnesses."""

    receipts: Sequence[str] = ()
    earlier: Sequence[str] = ()
    witnesses: Sequence[PublicKey] = ()


NOTHING_OUTSIDE = Outside()


class Verification:
    """One run: `run`, or `follow` for each slice of the tree and `finish`."""

    def __init__(self, source: Source, key: PublicKey, outside: Outside = NOTHING_OUTSIDE) -> None:
        self.report = Report(key.name, source.whole)
        self._source = source
        self._tree = Tree()
        self._signed = open_notes(source.notes(), key, outside.witnesses, self.report)
        self._earlier = open_kept(outside.earlier, key, self.report)
        self._awaited = self._signed.keys() | self._earlier.keys()
        self.learned = Learned(self.report, open_receipts(outside.receipts, key, self.report), linked=source.whole)

    def run(self, tick: Iterable[None] = ()) -> Report:
        """Check everything. `tick` is advanced once a record, for a progress bar."""
        ticks = iter(tick)
        for entry in self._source.entries():
            self.learned.check_proof(entry)
            if self._source.whole:
                if entry.position != self._tree.size:
                    self.report.add("position-gap", f"position {entry.position}, expected {self._tree.size}")
                self._grow(entry.leaf)
            self.learned.take(entry)
            next(ticks, None)
        return self.finish()

    def follow(self, first: int, leaves: Sequence[bytes], learned: Learned) -> bool:
        """Go on with what another process read: the leaves from `first` on, and what their records come to. Whether it
        goes on from here, and nothing was found in it."""
        if first != self._tree.size:
            return False
        for leaf in leaves:
            self._grow(leaf)
        return self.learned.follow(learned)

    def finish(self) -> Report:
        """What it comes to, once all entries of the tree were read."""
        if self._source.whole:
            self._finish_tree()
            for entry in self._source.pending():
                self._pending(entry)
            self._finish_meaning()
        self._name_shared_ids()
        self._finish_receipts()
        return self.report

    def _grow(self, leaf: bytes) -> None:
        self._tree.append(leaf)
        if self._tree.size in self._awaited:
            self._check_root(self._tree.size)

    def _check_root(self, size: int) -> None:
        for signed, code in ((self._signed, "root-differs"), (self._earlier, "fork")):
            if size in signed and signed.pop(size) != {self._tree.root()}:
                self.report.add(code, f"size {size}")

    def _pending(self, entry: Entry) -> None:
        """A record that is not in the tree."""
        chain = self.learned.chains.setdefault(entry.writer, Chain())
        if entry.sequence < chain.following:
            self.report.add("inserted", named(entry))
            return
        self.report.pending += 1
        self.learned.take(entry)

    # When everything was read.

    def _finish_tree(self) -> None:
        self.report.writers = len(self.learned.chains)
        for size in self._signed:
            code = "export-unfinished" if self._source.unfinished else "tree-short"
            self.report.add(code, f"the checkpoint of size {size}, {self._tree.size} records are there")
        self._check_nodes()
        for size in self._earlier:
            self.report.add("fork", f"size {size}, {self._tree.size} records are there")
        if not self.report.checkpoints and "checkpoint-forged" not in self.report.found:
            self.report.add("no-checkpoint", "the ledger")

    def _check_nodes(self) -> None:
        computed = self._tree.tiles
        for level, number, stored in self._source.nodes():
            if computed.pop((level, number), None) != stored:
                self.report.add("node-altered", f"level {level}, number {number}")
        for level, number in computed if self._source.stores_nodes else ():
            self.report.add("node-altered", f"level {level}, number {number}")

    def _finish_meaning(self) -> None:
        report, learned = self.report, self.learned
        unsigned = max(0, self._tree.size - report.size) + report.pending
        if unsigned and "no-checkpoint" not in report.found:
            report.add("unsigned", f"{unsigned} records")
        self._account_for_bodies()
        for decision, (_, where) in learned.alone.items():
            if learned.open.pop(decision, None) is None and not learned.upto and not self._source.knows(decision):
                report.add("outcome-alone", where)
        for digest, where in learned.unannounced.items():
            if digest not in learned.policies:
                report.add("policy-unknown", where)
        for where, *subjects in learned.unsalted:
            if not learned.erased & set(subjects):
                report.add("salt-missing", where)
        self._account_for_keys()
        owing = [decision for decision, owes in learned.open.items() if owes]
        report.open_count, report.open_intents = len(owing), owing[:MOST_NAMED]

    def _account_for_bodies(self) -> None:
        learned = self.learned
        for where in learned.gone.outside(learned.upto):
            self.report.add("body-missing", where)
        self.report.dropped = learned.gone.inside(learned.upto)
        if self.report.dropped > learned.ordered:
            self.report.add("prune-exceeded", f"{self.report.dropped} are gone, {learned.ordered} were ordered")

    def _account_for_keys(self) -> None:
        """The key of each tenant and day, unless the tenant was erased or retention has dropped the day."""
        learned = self.learned
        kept = {day: where for day, where in learned.days.items() if day[1] >= learned.before // DAY}
        named = {
            (tenant, _day(number)): where for (tenant, number), where in kept.items() if tenant not in learned.erased
        }
        for key in sorted(self._source.lacking(named)):
            self.report.add("key-missing", f"tenant {key[0]}, day {key[1]}, from {named[key]} on")

    def _name_shared_ids(self) -> None:
        """Decisions whose id one before them has. What is kept of an id tells no place, so they are read again."""
        twice = self.learned.ids.twice()
        for entry in itertools.chain(self._source.entries(), self._source.pending()) if twice else ():
            said = said_in(entry.body) if entry.body is not None else None
            if said is not None and said.k in DECISIONS and twice.has_seen(said.id):
                self.report.add("decision-twice", named(entry, said))

    def _finish_receipts(self) -> None:
        for receipt in self.learned.receipts.values():
            place = f"{receipt.writer}/{receipt.sequence}, decision {receipt.decision_id}"
            self.report.add("receipt-broken", place)


def _day(number: int) -> str:
    """The day, so many after 1970-01-01; empty for one that no calendar has."""
    try:
        return (date(1970, 1, 1) + timedelta(number)).isoformat()
    except OverflowError:
        return ""
