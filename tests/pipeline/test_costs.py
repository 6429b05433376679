"""What an answer cost: as it reports, estimated where it does not, and nothing where nobody is billed; and what it
would have cost and taken on the other way."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.alias import Alias
from gateway.domain.conversation import Conversation, Operation
from gateway.domain.costs import NO_OTHER_WAY, UNPRICED, Cost, OtherWay
from gateway.domain.evidence import Outcome, Result, Route
from gateway.domain.finding import JudgedTask, Permille, Task
from gateway.pipeline.costs import Costing, Tokens, external_tokens
from tests.domain.build import conversation
from tests.evidence import decided, outcome

TALK = conversation("x" * 4000)
IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 40_000}}

FREE = {Result.REJECTED, Result.NOT_SENT}


def cost(talk: Conversation = TALK, events: int = 0, route: Route = Route.EXTERNAL, **changes: object) -> int:
    """The cost of a request that ended like this."""
    return external_tokens(decided(route=route), talk, outcome("d", **changes), events)


@pytest.mark.parametrize("route", [Route.EXTERNAL, Route.EXTERNAL_TRANSFORMED])
@pytest.mark.parametrize("result", sorted(set(Result) - FREE))
def test_what_is_reported_counts(route: Route, result: Result) -> None:
    """Prompt and completion, however it ended and whatever was shown of it."""
    assert 50 == cost(route=route, result=result, events=7)


@pytest.mark.parametrize("route", [Route.LOCAL, Route.BLOCKED])
def test_what_stays_inside_costs_nothing(route: Route) -> None:
    """The budget is of external tokens."""
    assert 0 == cost(route=route)


@pytest.mark.parametrize("result", sorted(FREE))
def test_what_the_provider_refused_costs_nothing(result: Result) -> None:
    """Nor what never reached it."""
    assert 0 == cost(result=result, prompt_tokens=0, completion_tokens=0)


def test_a_provider_that_failed_before_it_answered_costs_nothing() -> None:
    """One that failed in the middle does."""
    assert 0 == cost(result=Result.FAILED, answer_bytes=0, prompt_tokens=0, completion_tokens=0)
    assert 1000 < cost(result=Result.FAILED, answer_bytes=40, prompt_tokens=0, completion_tokens=0)


@pytest.mark.parametrize("operation", [Operation.INPUT_TOKENS, Operation.MODERATIONS])
def test_what_nobody_bills_costs_nothing(operation: Operation) -> None:
    """Counting tokens and moderating."""
    assert 0 == cost(replace(TALK, operation=operation), prompt_tokens=9, completion_tokens=0)


def test_without_a_report_the_cost_is_estimated() -> None:
    """Four letters a token; of a stream one token an event, whose JSON is much longer than what it says."""
    unreported = {"prompt_tokens": 0, "completion_tokens": 0, "answer_bytes": 4000}

    assert 2000 <= cost(**unreported) < 2020
    assert 1007 <= cost(**unreported, events=7) < 1027
    assert 1000 <= cost(**unreported | {"answer_bytes": 0, "result": Result.CLIENT_GONE}) < 1020


def test_a_part_that_nobody_reads_is_a_thousand_tokens() -> None:
    """An image is not billed by the length of its base64."""
    talk = conversation({"role": "user", "content": [IMAGE]})

    assert 1 == len(talk.opaque)
    assert 1000 <= cost(talk, prompt_tokens=0, completion_tokens=0, answer_bytes=0) < 1020


@given(st.integers(0, 10**9), st.integers(0, 10**9), st.integers(0, 10**7), st.integers(0, 10**6))
def test_a_cost_is_never_negative_and_never_forgets_a_report(
    prompt: int, completion: int, size: int, events: int
) -> None:
    """Whatever is reported."""
    counted = cost(events=events, prompt_tokens=prompt, completion_tokens=completion, answer_bytes=size)

    assert counted > 0
    assert not prompt + completion or prompt + completion == counted


class FixedPrices:
    """A billionth of a dollar a token outside, a thousandth of that a microsecond inside."""

    def cost(self, destination: str, model: str, tokens: Tokens, microseconds: int) -> Cost:
        """Destinations inside are called `local...`; nobody knows what `dear` costs."""
        if destination == "dear":
            return UNPRICED
        inside = destination.startswith("local")
        return Cost(microseconds // 1000 if inside else tokens.prompt + tokens.completion, known=True)


BOTH = Alias("openai", "local-slm")
OUTSIDE: dict[str, object] = {"route": Route.EXTERNAL, "destination": "openai", "alias": BOTH}
INSIDE: dict[str, object] = {"route": Route.LOCAL, "destination": "local-slm", "alias": BOTH}


def told(costing: Costing, way: dict[str, object], talk: Conversation = TALK, **changes: object) -> Outcome:
    """An outcome of twenty tokens asked and thirty answered, with its costs."""
    return costing.told(decided(**way), talk, outcome("d", **changes), 0)


def test_both_ways_are_told() -> None:
    """What it cost where it went, and the median of what it took where it did not, over what was seen there."""
    costing = Costing(FixedPrices())
    first = told(costing, INSIDE, duration=4_000)
    for took in (9_000, 1_000, 5_000):
        told(costing, OUTSIDE, duration=took)
    inside, outside = told(costing, INSIDE, duration=6_000), told(costing, OUTSIDE, duration=7_000)

    assert (Cost(4, known=True), OtherWay("openai", Cost(50, known=True), 0, 0)) == (first.cost, first.other)
    assert (Cost(6, known=True), OtherWay("openai", Cost(50, known=True), 5_000, 3)) == (inside.cost, inside.other)
    assert (Cost(50, known=True), OtherWay("local-slm", Cost(5, known=True), 5_000, 2)) == (outside.cost, outside.other)


def test_what_a_machine_inside_would_have_cost_is_not_known_before_it_was_seen() -> None:
    """Its cost goes by time."""
    assert OtherWay("local-slm", UNPRICED, 0, 0) == told(Costing(FixedPrices()), OUTSIDE).other


def test_requests_of_another_kind_say_nothing() -> None:
    """Another task, another operation, or an answer that was none."""
    costing = Costing(FixedPrices())
    summary = JudgedTask(Task.SUMMARISATION, Permille(900))
    told(costing, {**OUTSIDE, "task": summary})
    told(costing, OUTSIDE, replace(TALK, operation=Operation.RESPONSES))
    told(costing, OUTSIDE, result=Result.FAILED)

    assert 0 == told(costing, INSIDE).other.seen
    assert 1 == told(costing, {**INSIDE, "task": summary}).other.seen


@pytest.mark.parametrize("result", sorted(set(Result) - {Result.COMPLETED}))
def test_what_was_not_answered_has_no_other_way(result: Result) -> None:
    """Nobody knows what it would have cost."""
    assert NO_OTHER_WAY == told(Costing(FixedPrices()), OUTSIDE, result=result).other


def test_where_there_is_one_way_only_no_other_is_told() -> None:
    """A name that is bound to one destination."""
    assert NO_OTHER_WAY == told(Costing(FixedPrices()), {**INSIDE, "alias": Alias("", "local-slm")}).other


def test_what_nobody_bills_costs_nothing_in_money() -> None:
    """The provider's refusal is known to be free; a destination without a price is not known."""
    refused = told(Costing(FixedPrices()), OUTSIDE, result=Result.REJECTED, prompt_tokens=0, completion_tokens=0)

    assert Cost(0, known=True) == refused.cost
    assert UNPRICED == told(Costing(FixedPrices()), {**OUTSIDE, "destination": "dear"}).cost


def test_few_answers_are_remembered() -> None:
    """The latest of a kind: old ones make room."""
    costing = Costing(FixedPrices())
    for took in range(1_000):
        told(costing, OUTSIDE, duration=took)

    assert (200, 899) == (told(costing, INSIDE).other.seen, told(costing, INSIDE).other.microseconds)
