"""Exceptions in the story: a use is taken when one decides, before the record, and only then."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, replace

import pytest

from gateway.domain.conversation import Operation
from gateway.domain.errors import ErrorCode, GatewayFault
from gateway.domain.evidence import Decided
from gateway.domain.exceptions import PolicyException
from gateway.domain.labels import DataClass, Label
from gateway.domain.policy import Bundle
from gateway.pipeline.ports import Principal
from gateway.pipeline.recording import Asked
from gateway.testing.playbook import Playbook
from tests.domain import build
from tests.domain.exceptions_build import callers, counts, exception
from tests.pipeline.test_story import INSIDE, OUT, Stage, ended

SSN = "ssn 078-05-1120"
COUNTS = counts("US_SSN", "internal", DataClass.PII)


def bundle(*exceptions: PolicyException) -> Bundle:
    """The usual rules, with exceptions."""
    return replace(build.bundle(), exceptions=exceptions)


def recorded(stage: Stage) -> list[tuple[str, str, tuple[str, ...]]]:
    """Route, label and exceptions of each decision."""
    decisions = [each for each in stage.ledger.evidence if isinstance(each, Decided)]
    return [(each.route.value, str(each.label), each.policy.exceptions) for each in decisions]


async def test_an_exception_is_used_recorded_and_used_up() -> None:
    """Two requests leave, the third stays inside as without it; each record tells."""
    with Playbook() as book:
        stage = Stage(book, bundle=bundle(exception(waives=COUNTS, max_uses=2)))
        for script in (OUT, OUT, INSIDE):
            await stage.ask(SSN)
            await stage.pipeline.drain()
            book.expect(*script, *ended("completed"))

    left = ("external", "restricted", ("pilot",))
    assert [left, left, ("local", "restricted", ())] == recorded(stage)
    assert 2 == stage.uses.counts["pilot"]
    body = json.loads(stage.ledger.records[0].body)
    assert ["pilot"] == body["pol"]["exc"]


async def test_a_hundred_requests_at_once_use_it_no_more_than_allowed() -> None:
    """The others are answered inside."""
    with Playbook() as book:
        stage = Stage(book, bundle=bundle(exception(waives=COUNTS, max_uses=30)))
        await asyncio.gather(*(stage.ask(SSN) for _ in range(100)))
        await stage.pipeline.drain()
        book._effects.clear()

    assert (30, 70) == (len(stage.external.sent), len(stage.local.seen))
    assert 30 == sum(exceptions == ("pilot",) for _, _, exceptions in recorded(stage))


async def test_a_decision_that_needs_none_takes_no_use() -> None:
    """A plain question, a refusal, and another caller."""
    other = exception("other", waives=COUNTS, callers=callers(apps="elsewhere"))
    with Playbook() as book:
        stage = Stage(book, bundle=bundle(exception(rules="ssn-inside phi-inside", waives=COUNTS), other))
        for text in ("hello", "use sk-canary", f"{SSN} sk-canary"):
            await stage.ask(text)
        await stage.pipeline.drain()
        book._effects.clear()

    assert {} == dict(stage.uses.counts)
    assert {()} == {exceptions for _, _, exceptions in recorded(stage)}


async def test_a_count_that_cannot_be_read_means_no_exception() -> None:
    """Answered inside, as if there were none."""
    with Playbook() as book:
        stage = Stage(book, bundle=bundle(exception(waives=COUNTS)))
        stage.uses.fail()
        await stage.ask(SSN)
        await stage.pipeline.drain()
        book.expect(*INSIDE, *ended("completed"))

    assert [("local", "restricted", ())] == recorded(stage)


async def test_a_use_is_gone_when_the_record_fails() -> None:
    """Taken before the record: nothing is sent, and the use is not given back."""
    with Playbook() as book:
        stage = Stage(book, bundle=bundle(exception(waives=COUNTS, max_uses=1)))
        stage.ledger.fail()
        with pytest.raises(GatewayFault) as fault:
            await stage.ask(SSN)
        stage.ledger.mend()
        await stage.ask(SSN)
        await stage.pipeline.drain()
        book.expect("examine", "record external", *INSIDE, *ended("completed"))

    assert ErrorCode.LEDGER_UNAVAILABLE is fault.value.code
    assert ([], 1) == (stage.external.sent, stage.uses.counts["pilot"])


@dataclass(frozen=True)
class Spent:
    """An allowance without a token left."""

    def check_tokens(self) -> None:
        """Refuse."""
        raise GatewayFault(ErrorCode.LIMITS_UNAVAILABLE)

    async def spend(self, tokens: int) -> None:
        """Never reached."""
        raise AssertionError


async def test_a_caller_who_may_not_send_takes_no_use() -> None:
    """Limits come first."""
    with Playbook() as book:
        stage = Stage(book, bundle=bundle(exception(waives=COUNTS)))
        body = json.dumps(build.chat(SSN)).encode()
        asked = Asked(Operation.CHAT, body, Principal("k1", "test", "acme", "app"), Label(""), "", Spent())
        with pytest.raises(GatewayFault):
            await stage.pipeline.answer(asked)
        book.expect("examine")

    assert {} == dict(stage.uses.counts)
