"""Answers are looked at before the caller gets a word of them, where a policy says so."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence

import pytest

from gateway.domain.answer_links import LinkKind
from gateway.domain.answer_rules import AnswerAction, AnswerRule, FindingRule, LinkRule
from gateway.domain.conversation import Leaf
from gateway.domain.detectors import CustomDetector
from gateway.domain.errors import ErrorCode
from gateway.domain.evidence import Outcome, Result
from gateway.domain.finding import Permille, Report
from gateway.domain.labels import DataClass, Entity
from gateway.pipeline.ports import Whole
from gateway.pipeline.story import Failure
from gateway.testing.fake_detector import FakeDetector
from gateway.testing.playbook import Playbook
from gateway.testing.recording_external import Events, RecordingExternal
from tests.domain.build import bundle
from tests.pipeline.test_story import INSIDE, MASKED, OUT, WORDS, Stage, ended, read_all

MASK, WITHHOLD = AnswerAction.MASK, AnswerAction.WITHHOLD


def secrets(action: AnswerAction = MASK) -> FindingRule:
    """No secret is shown."""
    return FindingRule(
        "no-secrets", frozenset(), frozenset({DataClass.SECRET}), Permille(500), new=False, action=action
    )


def strangers() -> FindingRule:
    """Nobody's address is shown that the caller did not bring."""
    return FindingRule(
        "strangers", frozenset({Entity("EMAIL_ADDRESS")}), frozenset(), Permille(500), new=True, action=MASK
    )


IMAGES = LinkRule("no-images", frozenset({LinkKind.IMAGES}), (), MASK)


def whole(text: str) -> Whole:
    """A chat completion that says this."""
    message = {"role": "assistant", "content": text}
    logprobs = {"content": [{"token": text}]}
    return Whole(json.dumps({"choices": [{"index": 0, "message": message, "logprobs": logprobs}]}).encode())


def chunks(*pieces: str) -> Events:
    """A streamed chat completion."""
    return Events([json.dumps({"choices": [{"index": 0, "delta": {"content": each}}]}).encode() for each in pieces])


def staged(book: Playbook, answer: Whole | Events, *rules: AnswerRule) -> Stage:
    """A pipeline whose policy has these rules for answers."""
    return Stage(book, external=RecordingExternal("openai", answer), bundle=bundle(answers=rules))


def said(answer: object) -> str:
    """What a whole answer says."""
    assert isinstance(answer, Whole)
    return str(json.loads(answer.body)["choices"][0]["message"]["content"])


def outcome_of(stage: Stage) -> Outcome:
    """The one outcome that was recorded."""
    [outcome] = [each for each in stage.ledger.evidence if isinstance(each, Outcome)]
    return outcome


async def test_a_secret_in_an_answer_is_masked_and_recorded() -> None:
    """With what spells it token by token, and the rule's id in the outcome."""
    with Playbook() as book:
        stage = staged(book, whole("use sk-canary now"), secrets())
        reply = await stage.ask("hello")
        await stage.pipeline.drain()
        book.expect(*OUT, "examine", *ended("completed"))

    assert "use [SECRET] now" == said(reply.answer)
    assert isinstance(reply.answer, Whole)
    assert b"sk-canary" not in reply.answer.body
    assert (Result.COMPLETED, ("no-secrets",)) == (outcome_of(stage).result, outcome_of(stage).answer_rules)


async def test_a_secret_over_the_joint_of_two_chunks_is_masked() -> None:
    """A stream that is inspected is given on once its end is known."""
    with Playbook() as book:
        stage = staged(book, chunks("use sk-", "canary now"), secrets())
        reply = await stage.ask("hello", stream=True)
        events = [json.loads(line) for line in (await read_all(reply)).split(b"\n")]
        await stage.pipeline.drain()
        book.expect(*OUT, "examine", *ended("completed"))

    assert "use [SECRET] now" == "".join(each["choices"][0]["delta"]["content"] for each in events)


@pytest.mark.parametrize("stream", [False, True])
async def test_an_answer_that_is_withheld_is_never_given_on(stream: bool) -> None:
    """Not a byte of it; the outcome says so."""
    answer = chunks("fine, ", "sk-canary") if stream else whole("fine, sk-canary")
    with Playbook() as book:
        stage = staged(book, answer, secrets(WITHHOLD))
        reply = await stage.ask("hello", stream=stream)
        assert isinstance(reply.answer, Failure)
        error = reply.answer.error
        await stage.pipeline.drain()
        book.expect(*OUT, "examine", *ended("withheld"))

    assert (ErrorCode.ANSWER_WITHHELD, 403) == (error.code, error.status)
    assert (Result.WITHHELD, 403, ("no-secrets",)) == (
        outcome_of(stage).result,
        outcome_of(stage).status,
        outcome_of(stage).answer_rules,
    )


async def test_ones_own_data_comes_back_and_a_strangers_does_not() -> None:
    """The caller's address was masked on its way out and is restored; a rule for new data leaves it alone."""
    with Playbook() as book:
        stage = Stage(book, bundle=bundle(answers=(strangers(),)))
        reply = await stage.ask("mail a@b.example")
        await stage.pipeline.drain()
        book.expect(*MASKED, "examine", *ended("completed"))
        other = staged(book, whole("ask a@b.example"), strangers())
        stranger = await other.ask("whom do I ask?")
        await other.pipeline.drain()
        book.expect(*OUT, "examine", *ended("completed"))

    assert "a@b.example" in said(reply.answer)
    assert "ask [EMAIL_ADDRESS]" == said(stranger.answer)


async def test_an_answer_from_inside_is_inspected_too() -> None:
    """Where a model stands does not matter for what a caller may see."""
    with Playbook() as book:
        stage = Stage(book, bundle=bundle(answers=(secrets(),)))
        stage.local.answer = "sk-canary"
        reply = await stage.ask("ssn 078-05-1120")
        await stage.pipeline.drain()
        book.expect(*INSIDE, "examine", *ended("completed"))

    assert "[SECRET]" == said(reply.answer)


async def test_an_answer_that_cannot_be_examined_is_not_shown() -> None:
    """The detector fails when the answer comes: 503, and the outcome says that it failed."""

    class Once(FakeDetector):
        async def examine(self, leaves: Sequence[Leaf], custom: Sequence[CustomDetector]) -> Report:
            report = await super().examine(leaves, custom)
            self.failing = True
            return report

    with Playbook() as book:
        stage = Stage(
            book,
            detector=Once(WORDS),
            external=RecordingExternal("openai", whole("fine")),
            bundle=bundle(answers=(secrets(),)),
        )
        reply = await stage.ask("hello")
        await stage.pipeline.drain()
        book.expect(*OUT, "examine", *ended("failed"))

    assert isinstance(reply.answer, Failure)
    assert (ErrorCode.ANSWER_UNINSPECTED, 503) == (reply.answer.error.code, reply.answer.error.status)


async def test_links_need_no_detector() -> None:
    """An image that a client would fetch is neutralised; what else is said stays."""
    with Playbook() as book:
        stage = staged(book, whole("hi ![x](https://evil.example/?d=1)"), IMAGES)
        reply = await stage.ask("hello")
        await stage.pipeline.drain()
        book.expect(*OUT, *ended("completed"))

    assert "hi ![x](removed-by-policy)" == said(reply.answer)


async def test_an_answer_in_which_nothing_is_found_keeps_its_bytes() -> None:
    """Inspected, and not rewritten."""
    body = b'{ "choices": [], "novel_field": "fine" }'
    with Playbook() as book:
        stage = staged(book, Whole(body), secrets(), IMAGES)
        reply = await stage.ask("hello")
        await stage.pipeline.drain()
        book.expect(*OUT, "examine", *ended("completed"))

    assert isinstance(reply.answer, Whole)
    assert body == reply.answer.body


async def test_a_caller_that_leaves_while_an_answer_is_inspected() -> None:
    """The provider is closed and the outcome says that nobody got it."""
    asked = asyncio.Event()

    class Slow(FakeDetector):
        async def examine(self, leaves: Sequence[Leaf], custom: Sequence[CustomDetector]) -> Report:
            if leaves[0].schema == "/answer":
                asked.set()
                await asyncio.Event().wait()
            return await super().examine(leaves, custom)

    with Playbook() as book:
        stage = Stage(
            book,
            detector=Slow(WORDS),
            external=RecordingExternal("openai", chunks("a", "b")),
            bundle=bundle(answers=(secrets(),)),
        )
        asking = asyncio.ensure_future(stage.ask("hello", stream=True))
        await asked.wait()
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        await stage.pipeline.drain()
        book.expect(*OUT, "examine", *ended("client_gone"))

    assert 1 == stage.external.closed
