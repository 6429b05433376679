"""Several servers of one model inside: the least busy answers, a failed one is gone round, nothing leaves the zone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from gateway.adapters.openai_local import OpenAiLocal
from gateway.adapters.replicated_local import ReplicatedLocal
from gateway.adapters.zone import OutsideZone
from gateway.domain.errors import CallerError, ErrorCode, GatewayFault
from gateway.pipeline.ports import Streamed, Whole
from gateway.testing.stand_in import CutOff, Gate, Held, Manner, StandIn, Status
from tests.adapters.clearing import content_of, read_all
from tests.domain.build import conversation

NOWHERE = "http://127.0.0.1:9/v1"


@pytest.fixture
def servers() -> Iterator[tuple[StandIn, StandIn]]:
    """Two servers inside."""
    with StandIn(manner=Manner(prefix="")) as one, StandIn(manner=Manner(prefix="")) as other:
        yield one, other


@pytest.fixture
async def model(servers: tuple[StandIn, StandIn]) -> AsyncIterator[ReplicatedLocal]:
    """Both of them as one model."""
    replicated = ReplicatedLocal([OpenAiLocal(each.base_url, timeout_s=5.0) for each in servers])
    yield replicated
    await replicated.stop()


def asked(servers: tuple[StandIn, StandIn]) -> list[int]:
    """How many requests for an answer each has had."""
    return [sum(request.method == "POST" for request in each.requests) for each in servers]


async def test_a_busy_server_is_spared(servers: tuple[StandIn, StandIn], model: ReplicatedLocal) -> None:
    """While one streams, the others get what comes; a stream that was left counts no more."""
    gate = Gate()
    servers[0].script(Held(gate, after_events=2))
    held = await model.complete(conversation("one two", stream=True))
    for _ in range(3):
        assert isinstance(await model.complete(conversation("x")), Whole)
    assert asked(servers) == [1, 3]

    assert isinstance(held, Streamed)
    await held.events.aclose()  # type: ignore[attr-defined]
    gate.release()
    await model.complete(conversation("x"))
    assert asked(servers) == [2, 3]


async def test_a_server_that_fails_is_gone_round_and_rests(
    servers: tuple[StandIn, StandIn], model: ReplicatedLocal
) -> None:
    """The caller notices nothing, and the next requests do not try it."""
    servers[0].script(Status(500))
    for _ in range(3):
        answer = await model.complete(conversation("x", stream=True))
        assert isinstance(answer, Streamed)
        assert content_of(await read_all(answer.events)) == "x"
    assert asked(servers) == [1, 3]

    assert (await model.health()).ok  # it answers again: it rests no longer
    await model.complete(conversation("x"))
    assert asked(servers) == [2, 3]


async def test_a_refusal_is_the_callers_and_is_not_tried_elsewhere(
    servers: tuple[StandIn, StandIn], model: ReplicatedLocal
) -> None:
    """What one server of a model cannot read, none can."""
    servers[0].script(Status(400, code="context_length_exceeded"))
    with pytest.raises(CallerError) as refused:
        await model.complete(conversation("x"))
    assert refused.value.code is ErrorCode.CONTEXT_LENGTH_EXCEEDED
    assert asked(servers) == [1, 0]


async def test_an_answer_that_was_cut_is_not_begun_again(
    servers: tuple[StandIn, StandIn], model: ReplicatedLocal
) -> None:
    """The caller has read a part of it."""
    servers[0].script(CutOff(3))
    answer = await model.complete(conversation("one two three four five", stream=True))
    assert isinstance(answer, Streamed)
    with pytest.raises(GatewayFault):
        await read_all(answer.events)
    assert asked(servers) == [1, 0]


async def test_when_none_answers_the_model_is_unavailable() -> None:
    """Each was asked once, and health says how many are down."""
    model = ReplicatedLocal([OpenAiLocal(NOWHERE), OpenAiLocal(NOWHERE)])
    with pytest.raises(GatewayFault) as fault:
        await model.complete(conversation("x"))
    health = await model.health()
    await model.stop()

    assert (fault.value.code, fault.value.retry_after) == (ErrorCode.LOCAL_MODEL_UNAVAILABLE, 1)
    assert (health.ok, health.detail) == (False, "2 of 2 servers do not answer")


async def test_one_server_of_two_is_enough(servers: tuple[StandIn, StandIn]) -> None:
    """For answers, for health, and for the list of models."""
    model = ReplicatedLocal([OpenAiLocal(NOWHERE), OpenAiLocal(servers[0].base_url)])
    listed = await model.models()
    answers = await asyncio.gather(*(model.complete(conversation("x")) for _ in range(4)))
    health = await model.health()
    await model.stop()

    assert listed == ("gpt-x",)
    assert all(isinstance(answer, Whole) for answer in answers)
    assert (health.ok, health.detail) == (True, "1 of 2 servers do not answer")


async def test_every_address_is_checked_for_the_zone() -> None:
    """One outside spoils the whole: nothing starts."""
    model = ReplicatedLocal([OpenAiLocal(NOWHERE), OpenAiLocal("http://203.0.113.7:8000/v1")])
    with pytest.raises(OutsideZone):
        await model.start()
    await model.stop()
