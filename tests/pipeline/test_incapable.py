"""Requests that belong inside, where the model cannot do what is asked: degraded, refused, sent with stand-ins."""

from __future__ import annotations

import json

import pytest

from gateway.domain.capability import Capability, Instead, Recourse
from gateway.domain.errors import PolicyRefusal
from gateway.domain.policy import Block
from gateway.pipeline.ports import Whole
from gateway.pipeline.story import Failure
from gateway.testing.playbook import Playbook
from gateway.wire.endpoint import headers_of
from tests.domain import build
from tests.pipeline.test_story import INSIDE, MASKED, Stage, ended

SSN = "078-05-1120"
TOOL = {"type": "function", "function": {"name": "look_up", "parameters": {"type": "object"}}}


def stage_of(book: Playbook, instead: Instead | Block) -> Stage:
    """A pipeline whose model inside knows no tools."""
    stage = Stage(book, bundle=build.bundle(incapable={Capability.TOOLS: instead}))
    stage.local.cannot = frozenset({Capability.TOOLS})
    return stage


async def test_what_it_cannot_do_is_left_out() -> None:
    """The model inside never hears of the tools, and the caller is told."""
    with Playbook() as book:
        stage = stage_of(book, Instead.DEGRADE)
        reply = await stage.ask(f"ssn {SSN}", tools=[TOOL], tool_choice="auto")
        await stage.pipeline.drain()
        book.expect(*INSIDE, *ended("completed"))
    headers = headers_of(reply.summary)

    assert isinstance(reply.answer, Whole)
    assert {"model", "messages"} == json.loads(stage.local.seen[0].body).keys()
    assert ("tools", "degraded", "local") == (
        headers["x-gateway-lacking"],
        headers["x-gateway-recourse"],
        headers["x-gateway-route"],
    )
    assert "degraded" == json.loads(stage.ledger.records[0].body)["do"]["able"]


async def test_it_is_refused() -> None:
    """With the policy's status; nobody is asked."""
    with Playbook() as book:
        stage = stage_of(book, Block(422))
        reply = await stage.ask(f"ssn {SSN}", tools=[TOOL])
        book.expect("examine", "record blocked", "durable blocked")
    headers = headers_of(reply.summary)

    assert isinstance(reply.answer, Failure)
    assert isinstance(reply.answer.error, PolicyRefusal)
    assert 422 == reply.answer.error.status
    assert ("tools", "refused", "LOCAL_MODEL_CANNOT") == (
        headers["x-gateway-lacking"],
        headers["x-gateway-recourse"],
        headers["x-gateway-reason"],
    )


@pytest.mark.parametrize("text", [f"ssn {SSN}", f"ssn {SSN} of a@b.example"])
async def test_it_is_sent_with_stand_ins(text: str) -> None:
    """Nothing of what was found leaves, and the tools do."""
    with Playbook() as book:
        stage = stage_of(book, Instead.SEND)
        reply = await stage.ask(text, tools=[TOOL])
        await stage.pipeline.drain()
        book.expect(*MASKED, *ended("completed"))
    _, sent = stage.external.sent[0]

    assert not any(part in sent for part in (SSN.encode(), b"1120", b"a@b.example"))
    assert b"US_SSN_" in sent
    assert b"look_up" in sent
    assert Recourse.SENT is reply.summary.recourse


async def test_a_secret_is_refused_whatever_lacks() -> None:
    """What blocks, blocks."""
    with Playbook() as book:
        stage = stage_of(book, Instead.SEND)
        reply = await stage.ask(f"sk-canary {SSN}", tools=[TOOL])
        book.expect("examine", "record blocked", "durable blocked")

    assert "x-gateway-recourse" not in headers_of(reply.summary)


async def test_a_model_that_can_is_asked_as_it_was() -> None:
    """No header, no change."""
    with Playbook() as book:
        stage = stage_of(book, Instead.SEND)
        stage.local.cannot = frozenset()
        reply = await stage.ask(f"ssn {SSN}", tools=[TOOL])
        await stage.pipeline.drain()
        book.expect(*INSIDE, *ended("completed"))

    assert "tools" in json.loads(stage.local.seen[0].body)
    assert not {"x-gateway-lacking", "x-gateway-recourse"} & headers_of(reply.summary).keys()
