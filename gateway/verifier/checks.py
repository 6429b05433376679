"""What is checked, record by record, in the order of the tree.

    body -> leaf -> root        each body hashes to its leaf, and the leaves to every signed root
    chain                       each writer's records are contiguous, each holds the leaf of the one before
    columns                     what records are searched by is what they say
    meaning                     outcomes follow decisions, policies were announced, erasures and retention account for
                                what is missing
    receipts, old checkpoints   what somebody outside keeps is in here

A finding has a code, says what it means, and names the record. `verify` reads once, from the first record to the last,
and holds in memory only what is open.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple, Protocol

from .findings import MOST_NAMED, Report
from .formats import Proofs, PublicKey, Tree, document_of, leaf_hash
from .kept import open_kept, open_notes, open_receipts

_DECISIONS = ("intent", "local", "block")
_NO_LEAF = "0" * 64
_DAY = 86_400_000_000
COLUMNS = ("leaf", "kind", "decision_id", "at", "tenant", "app", "label", "route", "destination", "reason")
"""What a database keeps beside a record: its leaf, and what it is searched by."""


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


class Source(Protocol):
    """Where records come from. Each is read once, in this order."""

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


@dataclass(slots=True)
class _Chain:
    """Where a writer's chain stands."""

    following: int = 0
    leaf: str = _NO_LEAF


class _Gone:
    """Records of which only the leaf is left. There may be millions, so they are kept small."""

    def __init__(self) -> None:
        self._positions, self._sequences = array("q"), array("q")
        self._writers: list[str] = []

    def add(self, entry: Entry) -> None:
        """One more."""
        self._positions.append(entry.position)
        self._sequences.append(entry.sequence)
        self._writers.append(sys.intern(entry.writer))

    def inside(self, upto: int) -> int:
        """How many are in the first `upto` of the tree."""
        return sum(0 <= position < upto for position in self._positions)

    def outside(self, upto: int) -> Iterator[str]:
        """The others, by name."""
        for position, sequence, writer in zip(self._positions, self._sequences, self._writers, strict=True):
            if not 0 <= position < upto:
                yield f"record {writer}/{sequence} at {position}"


class Verification:
    """One run. Feed it with `run`, or a part at a time."""

    def __init__(self, source: Source, key: PublicKey, outside: Outside = NOTHING_OUTSIDE) -> None:
        self.report = Report(key.name)
        self._source = source
        self._tree = Tree()
        self._chains: dict[str, _Chain] = {}
        self._open: dict[str, bool] = {}
        self._alone: dict[str, str] = {}
        self._policies: set[str] = set()
        self._unannounced: dict[str, str] = {}
        self._gone = _Gone()
        self._unsalted: list[tuple[str, str, str, str]] = []
        self._days: dict[tuple[str, int], str] = {}
        self._erased: set[str] = set()
        self._ordered, self._upto, self._before = 0, 0, 0
        self._signed = open_notes(source.notes(), key, outside.witnesses, self.report)
        self._earlier = open_kept(outside.earlier, key, self.report)
        self._receipts = open_receipts(outside.receipts, key, self.report)
        self._whole = source.whole
        self._awaited = self._signed.keys() | self._earlier.keys()
        self._proofs = Proofs(self.report.size, self.report.root)

    def run(self, tick: Iterable[None] = ()) -> Report:
        """Check everything. `tick` is advanced once a record, for a progress bar."""
        ticks = iter(tick)
        for entry in self._source.entries():
            self._entry(entry)
            next(ticks, None)
        if self._source.whole:
            self._finish_tree()
            for entry in self._source.pending():
                self._pending(entry)
            self._finish_meaning()
        self._finish_receipts()
        return self.report

    # One record of the tree. These are what a run spends its time in, so the usual case of each is told quickly.

    def _entry(self, entry: Entry) -> None:
        if entry.proof is not None and not self._proofs.lead_to_root(entry.leaf, entry.position, entry.proof):
            self.report.add("proof-altered", _named(entry))
        if self._whole:
            if entry.position != self._tree.size:
                self.report.add("position-gap", f"position {entry.position}, expected {self._tree.size}")
            self._tree.append(entry.leaf)
            if self._tree.size in self._awaited:
                self._check_root(self._tree.size)
        self._record(entry)

    def _check_root(self, size: int) -> None:
        for signed, code in ((self._signed, "root-differs"), (self._earlier, "fork")):
            if size in signed and signed.pop(size) != {self._tree.root()}:
                self.report.add(code, f"size {size}")

    def _record(self, entry: Entry) -> None:
        previous = self._link(entry) if self._whole else ""
        if self._receipts:
            self._check_receipt(entry)
        body = entry.body
        if body is None:
            self._gone.add(entry)
            return
        self.report.records += 1
        if leaf_hash(body) != entry.leaf:
            self.report.add("body-altered", _named(entry))
        document = document_of(body)
        if document is None:
            self.report.add("unreadable", _named(entry))
            return
        said = document.get
        if said("w") != entry.writer or said("s") != entry.sequence:
            self.report.add("place-altered", _named(entry, document))
        elif previous and said("p") != previous:
            self.report.add("chain-broken", _named(entry, document))
        if entry.columns is not None and entry.columns != (entry.leaf, *columns_of(document)):
            self._name_columns(entry, document, entry.columns)
        self._meaning(entry, document)

    def _link(self, entry: Entry) -> str:
        """The leaf that the record must follow; empty where that is not known."""
        chain = self._chains.get(entry.writer)
        if chain is None:
            chain = self._chains[entry.writer] = _Chain()
        previous = chain.leaf
        if entry.sequence != chain.following:
            self.report.add("gap" if entry.sequence > chain.following else "place-altered", _named(entry))
            previous = ""
        chain.following, chain.leaf = entry.sequence + 1, entry.leaf.hex()
        return previous

    def _check_receipt(self, entry: Entry) -> None:
        receipt = self._receipts.pop((entry.writer, entry.sequence), None)
        if receipt is not None and receipt.leaf != entry.leaf:
            self.report.add("receipt-broken", f"{_named(entry)}, decision {receipt.decision_id}")

    def _name_columns(self, entry: Entry, document: Mapping[str, object], columns: tuple[object, ...]) -> None:
        for name, value, right in zip(COLUMNS, columns, (entry.leaf, *columns_of(document)), strict=True):
            if value != right:
                code, column = ("leaf-altered", "") if name == "leaf" else ("column-altered", f", column {name}")
                self.report.add(code, f"{_named(entry, document)}{column}")

    def _meaning(self, entry: Entry, document: Mapping[str, object]) -> None:
        kind, decision = document.get("k"), str(document.get("id", ""))
        if kind in _DECISIONS:
            if kind != "block":
                self._open[decision] = kind == "intent"
            self._decision(entry, document, decision)
        elif kind in {"outcome", "recovered"}:
            if self._open.pop(decision, None) is None:
                self._alone.setdefault(decision, _named(entry, document))
        elif kind == "policy" and document.get("action") == "activated":
            self._policies.add(str(document.get("subject")))
        elif kind == "erasure":
            self.report.erasures += 1
            self._erased.add(str(document.get("subject")))
        elif kind == "prune":
            self._ordered += _number(document.get("dropped"))
            self._upto = max(self._upto, _number(document.get("upto")))
            self._before = max(self._before, _number(document.get("before")))

    def _decision(self, entry: Entry, document: Mapping[str, object], decision: str) -> None:
        policy = document.get("pol")
        digest = str(policy.get("dig")) if isinstance(policy, dict) else ""
        if digest not in self._unannounced:
            self._unannounced[digest] = _named(entry, document)
        day = (str(document.get("tenant")), _number(document.get("t")) // _DAY)
        if day not in self._days:
            self._days[day] = _named(entry, document)
        if entry.salted is False:
            about = (str(document.get("tenant")), str(document.get("who")), decision)
            self._unsalted.append((_named(entry, document), *about))

    # Records that are not in the tree.

    def _pending(self, entry: Entry) -> None:
        chain = self._chains.setdefault(entry.writer, _Chain())
        if entry.sequence < chain.following:
            self.report.add("inserted", _named(entry))
            return
        self.report.pending += 1
        self._record(entry)

    # When everything was read.

    def _finish_tree(self) -> None:
        self.report.writers = len(self._chains)
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
        report = self.report
        unsigned = max(0, self._tree.size - report.size) + report.pending
        if unsigned and "no-checkpoint" not in report.found:
            report.add("unsigned", f"{unsigned} records")
        self._account_for_bodies()
        for decision, where in self._alone.items():
            if self._open.pop(decision, None) is None and not self._upto and not self._source.knows(decision):
                report.add("outcome-alone", where)
        for digest, where in self._unannounced.items():
            if digest not in self._policies and not self._upto:
                report.add("policy-unknown", where)
        for where, *subjects in self._unsalted:
            if not self._erased & set(subjects):
                report.add("salt-missing", where)
        self._account_for_keys()
        owing = [decision for decision, owes in self._open.items() if owes]
        report.open_count, report.open_intents = len(owing), owing[:MOST_NAMED]

    def _account_for_bodies(self) -> None:
        for where in self._gone.outside(self._upto):
            self.report.add("body-missing", where)
        self.report.dropped = self._gone.inside(self._upto)
        if self.report.dropped > self._ordered:
            self.report.add("prune-exceeded", f"{self.report.dropped} are gone, {self._ordered} were ordered")

    def _account_for_keys(self) -> None:
        """The key of each tenant and day, unless the tenant was erased or retention has dropped the day."""
        kept = {day: where for day, where in self._days.items() if day[1] >= self._before // _DAY}
        named = {
            (tenant, _day(number)): where for (tenant, number), where in kept.items() if tenant not in self._erased
        }
        for key in sorted(self._source.lacking(named)):
            self.report.add("key-missing", f"tenant {key[0]}, day {key[1]}, from {named[key]} on")

    def _finish_receipts(self) -> None:
        for receipt in self._receipts.values():
            place = f"{receipt.writer}/{receipt.sequence}, decision {receipt.decision_id}"
            self.report.add("receipt-broken", place)


def columns_of(document: Mapping[str, object]) -> tuple[object, ...]:
    """What the search columns of a record must say: `COLUMNS` from the second on."""
    does, policy = document.get("do"), document.get("pol")
    done = does if isinstance(does, dict) else {}
    judged = policy if isinstance(policy, dict) else {}
    said = document.get
    return (
        said("k", ""),
        said("id", ""),
        said("t", 0),
        said("tenant", ""),
        said("app", ""),
        said("label", ""),
        done.get("route", ""),
        done.get("destination", ""),
        judged.get("reason", ""),
    )


def _day(number: int) -> str:
    """The day, so many after 1970-01-01; empty for one that no calendar has."""
    try:
        return (date(1970, 1, 1) + timedelta(number)).isoformat()
    except OverflowError:
        return ""


def _number(value: object) -> int:
    return value if type(value) is int else 0


def _named(entry: Entry, document: Mapping[str, object] | None = None) -> str:
    """The record, by its place and, where it is known, its decision."""
    place = f"record {entry.writer}/{entry.sequence}"
    if entry.position >= 0:
        place += f" at {entry.position}"
    decision = (document or {}).get("id")
    return f"{place}, decision {decision}" if isinstance(decision, str) else place
