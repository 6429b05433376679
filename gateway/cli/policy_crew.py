"""Past decisions held against one bundle or two, by a process a core where they are many."""

from __future__ import annotations

import gc
import multiprocessing
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path

from pydantic_core import from_json

from gateway.adapters.database import DatabaseUnfit, open_database
from gateway.adapters.sql_decisions import SqlDecisions
from gateway.cli.policy_bundle import bundle_at
from gateway.domain.comparing import Compared, Replayed
from gateway.domain.policy import Bundle
from gateway.domain.recorded import Past, past_of
from gateway.domain.replaying import Replayer

AT_ONCE = 20_000
"""Decisions of a span."""
_ALONE = 5
"""So many spans are done before other processes would have begun.

Records are JSON without cycles, so wherever many are read, nobody looks for garbage: it would take a third of the time.
"""

Span = tuple[int, int]
"""From, and until before: microseconds since the epoch."""
Held = tuple[Replayed, Compared]
"""Of one bundle the first is counted, of two the second."""


@dataclass(frozen=True, slots=True)
class Task:
    """What to hold against what: a database, and the folders of one bundle (held against the log) or of two (held
    against each other), with the digests that they had when the command began."""

    url: str
    folders: tuple[Path, ...]
    digests: tuple[str, ...]


class Hand:
    """Does slices of a task."""

    def __init__(self, task: Task, bundles: Sequence[Bundle]) -> None:
        self._engine = open_database(task.url)
        self._decisions = SqlDecisions(self._engine)
        self._keys = self._decisions.keys()
        self._replayers = [Replayer(bundle) for bundle in bundles]

    def do(self, span: Span) -> Held:
        """What comes of the decisions of a time. Raises `DatabaseUnfit`."""
        first, *second = self._replayers
        replayed, compared = Replayed(first.bundle.digest), Compared()
        for page in self._decisions.pages(*span):
            for body in page.bodies:
                past = past_of(body, self._keys, from_json)
                made = [each.again(past) if isinstance(past, Past) else past for each in self._replayers]
                compared.add(past, made[0], made[1]) if second else replayed.add(past, made[0])
        return replayed, compared

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()


def parts(task: Task, bundles: Sequence[Bundle], spans: Sequence[Span], processes: int) -> Iterator[Held]:
    """What comes of each span, in their order; the bundles are those of the task's folders.

    Raises `DatabaseUnfit`, also where another process ended, or did not find the policies that this one did.
    """
    if len(spans) <= _ALONE or processes == 1:
        yield from _alone(task, bundles, spans)
        return
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(min(processes, len(spans)), context, _begin, (task,))
    try:
        yield from pool.map(_do, spans)
    except BrokenProcessPool:
        raise DatabaseUnfit("a process ended, or the policies were changed meanwhile: start again") from None
    finally:
        pool.shutdown(cancel_futures=True)


def _alone(task: Task, bundles: Sequence[Bundle], spans: Iterable[Span]) -> Iterator[Held]:
    hand = Hand(task, bundles)
    gc.disable()
    try:
        yield from map(hand.do, spans)
    finally:
        gc.enable()
        hand.close()


_HANDS: list[Hand] = []
"""The one of this process, where it was started to help."""


def _begin(task: Task) -> None:
    bundles = [bundle_at(folder) for folder in task.folders]
    if [bundle.digest for bundle in bundles] != list(task.digests):
        raise ValueError("the policies were changed")
    gc.disable()
    _HANDS.append(Hand(task, bundles))


def _do(span: Span) -> Held:
    return _HANDS[0].do(span)
