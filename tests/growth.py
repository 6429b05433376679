"""Whether work grows with the size of its input, and not with its square.

Time is the processor's, of this thread alone, without garbage collection: what else a machine or a test process does
does not count. Of each size the shortest run counts, and a growth that looks too steep is looked at again: noise
passes, a square stays.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable

TIMES = 8
"""A large input is so many times a small one. Linear work grows eightfold, quadratic work sixty-four-fold."""
STEEPEST = 24
RUNS = 3
LEAST_S = 0.001
"""Less than this cannot be compared."""


def assert_linear(work: Callable[[int], object], small: int) -> None:
    """`work` of size `small` and of eight times that: far from a square."""
    short = min(_seconds(work, small) for _ in range(RUNS))
    most = STEEPEST * max(short, LEAST_S)
    long = _seconds(work, TIMES * small)
    for _ in range(RUNS):
        if long < most:
            break
        long = min(long, _seconds(work, TIMES * small))
    assert long < most, f"{TIMES} times the size takes {long / short:.0f} times as long"


def _seconds(work: Callable[[int], object], size: int) -> float:
    collecting = gc.isenabled()
    gc.disable()
    begin = time.thread_time()
    try:
        work(size)
        return time.thread_time() - begin
    finally:
        if collecting:
            gc.enable()
