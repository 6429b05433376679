"""What follows from scores: counted, with what chance may have done, in one sentence."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.costs import UNPRICED, Cost
from gateway.domain.evidence import Route
from gateway.domain.task_scores import Answered, Score, recommendation


def score(model: str, right: int, count: int = 200, **changes: object) -> Score:
    """A model that answered so many of its tasks right."""
    plain: dict[str, object] = {"route": Route.LOCAL, "cost": Cost(1_000, known=True), "microseconds": 100_000}
    values = {**plain, "group": "", "answered": True, "classes": (), **changes}
    return Score(model, [Answered(right=number < right, **values) for number in range(count)])  # type: ignore[arg-type]


BIG = {"route": Route.EXTERNAL, "cost": Cost(20_000, known=True), "microseconds": 400_000}


def test_the_one_inside_is_kept_where_it_suffices() -> None:
    """As the sentence that a reader takes away."""
    told = recommendation([score("local-slm", 1880, 2000), score("gpt-x", 2000, 2000, **BIG)], 0.9)

    assert "local-slm reaches 94% of gpt-x at 5% of its cost and 0.25 of its latency; keep it local." == told


def test_the_bigger_one_is_needed_where_it_does_not() -> None:
    """Said as plainly."""
    told = recommendation([score("local-slm", 60), score("gpt-x", 200, **BIG)], 0.9)

    assert told.startswith(
        "local-slm reaches 30% of gpt-x at 5% of its cost and 0.25 of its latency; 90% was asked for"
    )
    assert told.endswith("you need the bigger model for these tasks.")


def test_few_tasks_are_told_of() -> None:
    """Nine of ten may be luck."""
    told = recommendation([score("local-slm", 9, 10), score("gpt-x", 10, 10, **BIG)], 0.9)

    assert told.endswith("keep it local (with 10 tasks, chance alone could turn this around).")


def test_a_cost_that_nobody_knows_is_not_made_up() -> None:
    """Neither as nothing nor as a part of something."""
    told = recommendation([score("local-slm", 200, cost=UNPRICED), score("gpt-x", 200, **BIG)], 0.9)

    assert "at a cost that is not known and 0.25 of its latency" in told
    assert score("local-slm", 1, cost=UNPRICED).cost_of_a_thousand is None


@pytest.mark.parametrize(
    ("scores", "told"),
    [
        ([score("a", 1), score("b", 2)], "nothing to compare"),
        ([score("a", 1, **BIG)], "name one that answers inside"),
        ([score("a", 1), score("b", 0, **BIG)], "look at the tasks first"),
    ],
)
def test_without_two_sides_nothing_is_recommended(scores: list[Score], told: str) -> None:
    """It says what is missing."""
    assert told in recommendation(scores, 0.9)


def test_what_left_is_told_by_class() -> None:
    """As it was; what left with stand-ins, or stayed, did not leave."""
    left = score("gpt-x", 1, 3, **{**BIG, "classes": ("pii",)})
    masked = score("gpt-x", 1, 2, route=Route.EXTERNAL_TRANSFORMED, classes=("pii",))

    assert ({"pii": 3}, {}) == (left.classes_outside, masked.classes_outside)
    assert not left.inside


@given(st.integers(1, 500).flatmap(lambda count: st.tuples(st.integers(0, count), st.just(count))))
def test_the_interval_holds_the_accuracy(counts: tuple[int, int]) -> None:
    """And lies between nothing and all."""
    made = score("a", *counts)
    low, high = made.interval

    assert 0 <= low <= made.accuracy + 1e-9
    assert made.accuracy - 1e-9 <= high <= 1


@given(st.lists(st.integers(1, 10**7), min_size=1), st.floats(0, 1))
def test_so_many_answers_came_within_a_latency(times: list[int], part: float) -> None:
    """At least that part, and not with less."""
    made = Score("a", [Answered("", Route.LOCAL, True, True, each, UNPRICED, ()) for each in times])
    within = made.latency(part)

    assert sum(each <= within for each in times) >= part * len(times)
    assert within in times
