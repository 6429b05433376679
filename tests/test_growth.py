"""The measure of growth tells a line from a square, also where something disturbs a run."""

from __future__ import annotations

import threading

import pytest

from tests.growth import assert_linear


def spin(steps: int) -> None:
    """So many steps of work."""
    for _ in range(steps):
        pass


def test_a_line_is_one() -> None:
    """Eight times the work for eight times the size."""
    assert_linear(lambda size: spin(100 * size), 1_000)


def test_a_square_is_told() -> None:
    """Sixty-four times the work."""
    with pytest.raises(AssertionError, match="8 times the size"):
        assert_linear(lambda size: spin(size * size // 10), 1_000)


def test_a_square_behind_a_line_is_told() -> None:
    """As in a search that seldom starts over: of the small run the square is a half."""
    with pytest.raises(AssertionError):
        assert_linear(lambda size: spin(100 * size + size * size // 10), 1_000)


def test_a_disturbed_run_is_repeated() -> None:
    """The first large run does what a busy machine makes of it; the others do not."""
    left = [1]

    def work(size: int) -> None:
        if size > 1_000 and left.pop() if left else False:
            spin(10_000_000)
        spin(100 * size)

    assert_linear(work, 1_000)


def test_other_threads_do_not_count() -> None:
    """Their work is not that of the one that is measured."""
    ended = threading.Event()

    def busy() -> None:
        while not ended.is_set():
            spin(1_000)

    other = threading.Thread(target=busy)
    other.start()
    try:
        assert_linear(lambda size: spin(100 * size), 1_000)
    finally:
        ended.set()
        other.join()
