"""What an answer cost: as it reports, estimated where it does not, and nothing where nobody is billed."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.conversation import Conversation, Operation
from gateway.domain.evidence import Result, Route
from gateway.pipeline.costs import external_tokens
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
