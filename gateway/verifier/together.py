"""The same verification by several processes: each reads slices of the tree, and this one joins what they come to.

Only a ledger that is sound, or whose newest records are not signed yet, is told like this. Wherever anything is wrong,
all of it is read again here, from the first record to the last: so a report never depends on how many processes read.
"""

from __future__ import annotations

import contextlib
import itertools
import multiprocessing
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Future, ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Protocol, TypeVar

from .checks import NOTHING_OUTSIDE, Outside, Source, Verification
from .findings import Report, Verdict
from .formats import PublicKey, Receipt
from .learned import Entry, Learned

_T = TypeVar("_T")


def usable() -> int:
    """How many processes may run at once here."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Slice(Protocol):
    """Consecutive entries of the tree, which another process can read: it is handed over by pickle."""

    @property
    def first(self) -> int:
        """The position of its first entry."""
        ...

    def entries(self) -> Iterator[Entry]:
        """Its records."""
        ...


class Divisible(Source, Protocol):
    """A source that several processes can read at once."""

    def slices(self) -> Sequence[Slice]:
        """All entries, in the order of the tree."""
        ...


@dataclass(frozen=True, slots=True)
class Read:
    """What a slice comes to. `leaves` are those of its entries."""

    first: int
    leaves: Sequence[bytes]
    learned: Learned


def verify(
    source: Divisible, key: PublicKey, outside: Outside = NOTHING_OUTSIDE, tick: Iterable[None] = (), processes: int = 1
) -> Report:
    """Check everything, by so many processes where there is enough to read. `tick` is advanced once a record."""
    slices = source.slices() if source.whole and processes > 1 else ()
    if len(slices) > 1:
        joined = _joined(Verification(source, key, outside), slices, tick, min(processes, len(slices)))
        if joined is not None and joined.verdict is not Verdict.ALTERED:
            return joined
        tick = ()
    return Verification(source, key, outside).run(tick)


def read(each: Slice, size: int, root: bytes, receipts: dict[tuple[str, int], Receipt]) -> Read:
    """What one slice comes to, under the signed root of a size."""
    learned = Learned(Report("", size=size, root=root), receipts, later=True)
    leaves = []
    for position, entry in enumerate(each.entries(), each.first):
        if entry.position != position:
            learned.report.add("position-gap", f"position {entry.position}, expected {position}")
        learned.check_proof(entry)
        learned.take(entry)
        leaves.append(entry.leaf)
    return Read(each.first, leaves, learned)


def _joined(run: Verification, slices: Sequence[Slice], tick: Iterable[None], processes: int) -> Report | None:
    """What all slices come to together; `None` where they do not go on from each other."""
    ticks = iter(tick)
    work = partial(read, size=run.report.size, root=run.report.root, receipts=run.learned.receipts)
    with (
        contextlib.suppress(BrokenExecutor),
        ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn")) as pool,
    ):
        for part in _in_order(pool, work, slices, processes * 2):
            if not run.follow(part.first, part.leaves, part.learned):
                pool.shutdown(wait=False, cancel_futures=True)
                return None
            for _ in part.leaves:
                next(ticks, None)
        return run.finish()
    return None


def _in_order(
    pool: ProcessPoolExecutor, work: Callable[[Slice], _T], slices: Sequence[Slice], ahead: int
) -> Iterator[_T]:
    """Each slice's result, in their order. No more than so many are on their way, however many there are."""
    coming = iter(slices)
    waiting: list[Future[_T]] = [pool.submit(work, each) for each in itertools.islice(coming, ahead)]
    while waiting:
        yield waiting.pop(0).result()
        waiting += [pool.submit(work, each) for each in itertools.islice(coming, 1)]
