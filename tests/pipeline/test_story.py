"""The story, scripted: what happens in which order, and what does not happen."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from gateway.adapters.price_list import PriceList
from gateway.domain.alias import Alias
from gateway.domain.conversation import Operation
from gateway.domain.decision import Masking
from gateway.domain.errors import CallerError, ErrorCode, GatewayFault, UpstreamError
from gateway.domain.evidence import Decided, Outcome
from gateway.domain.labels import Label
from gateway.domain.policy import Bundle
from gateway.main import DECLARATIONS
from gateway.pipeline.costs import Costing
from gateway.pipeline.excepting import Decider
from gateway.pipeline.ports import Health, Principal, Rejected, Streamed, Whole
from gateway.pipeline.reading import RequestReader
from gateway.pipeline.recording import Asked
from gateway.pipeline.story import Failure, Reply, Story
from gateway.testing.fake_detector import FakeDetector
from gateway.testing.fake_local import FakeLocal
from gateway.testing.memory_ledger import MemoryLedger
from gateway.testing.memory_uses import MemoryUses
from gateway.testing.playbook import Playbook, PlaybookDetector, PlaybookExternal, PlaybookLedger, PlaybookLocal
from gateway.testing.recording_external import Events, RecordingExternal
from tests.domain.build import PlainAnonymizer, bundle, chat

WORDS = {"a@b.example": "EMAIL_ADDRESS", "078-05-1120": "US_SSN", "sk-canary": "SECRET"}


OUT = ("examine", "record external", "durable external", "send openai")
MASKED = ("examine", "record external-transformed", "durable external-transformed", "send openai")
INSIDE = ("examine", "record local", "durable local", "answer inside")


def ended(result: str) -> tuple[str, str]:
    """The record of how it ended."""
    return f"record outcome {result}", f"durable outcome {result}"


class TickingClock:
    """A clock that moves by a millisecond at every look."""

    def __init__(self) -> None:
        self._now = 1_795_465_723_000_000
        self._ids = 0

    def now(self) -> int:
        """A little later."""
        self._now += 1000
        return self._now

    def new_id(self) -> str:
        """The next id."""
        self._ids += 1
        return f"01JD{self._ids:022}"


class FixedPolicies:
    """A bundle that does not change."""

    def __init__(self, fixed: Bundle) -> None:
        self._fixed = fixed

    def current(self) -> Bundle:
        """The bundle."""
        return self._fixed

    def health(self) -> Health:
        """Well."""
        return Health(ok=True, detail="")


class CountingObserver:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, ...]] = []

    def decided(self, evidence: Decided, stages: Mapping[str, int]) -> None:
        """A decision."""
        assert all(microseconds >= 0 for microseconds in stages.values())
        self.told.append(("stages", *stages))
        self.told.append(("decided", evidence.route.value, evidence.destination, evidence.policy.reason))

    def ended(self, evidence: Decided, outcome: Outcome) -> None:
        """An end."""
        self.told.append(("ended", evidence.destination, outcome.result.value))


@dataclass
class Stage:
    """A pipeline over fakes, each of which leaves a line in the playbook."""

    book: Playbook
    detector: FakeDetector = field(default_factory=lambda: FakeDetector(WORDS))
    ledger: MemoryLedger = field(default_factory=MemoryLedger)
    external: RecordingExternal = field(default_factory=lambda: RecordingExternal("openai"))
    local: FakeLocal = field(default_factory=FakeLocal)
    uses: MemoryUses = field(default_factory=MemoryUses)
    observer: CountingObserver = field(default_factory=CountingObserver)
    bundle: Bundle = field(default_factory=bundle)

    def __post_init__(self) -> None:
        externals = {"openai": PlaybookExternal(self.external, self.book)}
        locals_ = {"local-slm": PlaybookLocal(self.local, self.book)}
        reader = RequestReader(
            declarations=lambda operation, destination: DECLARATIONS[operation],
            aliases={"gpt-*": Alias("openai", "local-slm"), "lost-*": Alias("nowhere", "nowhere")},
            externals=externals,
            locals_=locals_,
            decoder=lambda document, model: document,
        )
        self.pipeline = Story(
            reader=reader,
            detector=PlaybookDetector(self.detector, self.book),
            ledger=PlaybookLedger(self.ledger, self.book),
            policies=FixedPolicies(self.bundle),
            externals=externals,
            locals_=locals_,
            decider=Decider(Masking(b"k" * 32, PlainAnonymizer()), self.uses),
            costing=Costing(PriceList({"openai": ""}, {"local-slm": 3.6})),
            clock=TickingClock(),
            observer=self.observer,
        )

    async def ask(self, text: str, **more: object) -> Reply:
        """One request."""
        principal = Principal("k1", "test", "acme", "app")
        body = json.dumps(chat(text, **more)).encode()
        return await self.pipeline.answer(Asked(Operation.CHAT, body, principal, Label(""), ""))


async def read_all(reply: Reply) -> bytes:
    """Every event of a streamed answer."""
    assert isinstance(reply.answer, Streamed)
    return b"\n".join([event async for event in reply.answer.events])


async def test_a_plain_question_is_recorded_before_it_is_sent() -> None:
    """Examine, record, durable, send, outcome: in this order."""
    with Playbook() as book:
        stage = Stage(book)
        reply = await stage.ask("hello")
        await stage.pipeline.drain()
        book.expect(*OUT, *ended("completed"))

    assert isinstance(reply.answer, Whole)
    assert reply.summary.receipt
    assert ("decided", "external", "openai", "CLEARED") in stage.observer.told


async def test_a_sensitive_request_is_answered_inside() -> None:
    """The door outside is never touched."""
    with Playbook() as book:
        stage = Stage(book)
        reply = await stage.ask("ssn 078-05-1120")
        await stage.pipeline.drain()
        book.expect(*INSIDE, *ended("completed"))

    assert isinstance(reply.answer, Whole)
    assert [] == stage.external.sent
    assert "078-05-1120" in stage.local.seen[0].leaves[1].text


async def test_a_refusal_does_nothing_but_record() -> None:
    """No model sees it."""
    with Playbook() as book:
        stage = Stage(book)
        reply = await stage.ask("use sk-canary")
        book.expect("examine", "record blocked", "durable blocked")

    assert isinstance(reply.answer, Failure)
    assert ErrorCode.POLICY_REFUSED is reply.answer.error.code


async def test_without_a_receipt_nothing_happens() -> None:
    """The ledger is down: nothing is sent, inside or outside."""
    with Playbook() as book:
        stage = Stage(book)
        stage.ledger.fail()
        for text in ("hello", "ssn 078-05-1120"):
            with pytest.raises(GatewayFault) as fault:
                await stage.ask(text)
            assert ErrorCode.LEDGER_UNAVAILABLE is fault.value.code
        book.expect("examine", "record external", "examine", "record local")

    assert [] == stage.external.sent
    assert [] == stage.local.seen


@pytest.mark.parametrize("how", ["failing", "silent"])
async def test_a_detector_that_fails_keeps_everything_inside(how: str) -> None:
    """Failing and silent are the same: not examined."""
    with Playbook() as book:
        stage = Stage(book)
        setattr(stage.detector, how, True)
        reply = await stage.ask("hello")
        await stage.pipeline.drain()
        book.expect(*INSIDE, *ended("completed"))

    assert "restricted" == reply.summary.label


async def test_a_model_inside_that_is_down_never_means_outside() -> None:
    """A typed failure, an outcome, and nothing at the provider."""
    with Playbook() as book:
        stage = Stage(book, local=FakeLocal(down=True))
        reply = await stage.ask("ssn 078-05-1120")
        await stage.pipeline.drain()
        book.expect(*INSIDE, *ended("failed"))

    assert isinstance(reply.answer, Failure)
    assert ErrorCode.LOCAL_MODEL_UNAVAILABLE is reply.answer.error.code
    assert [] == stage.external.sent


async def test_the_policy_says_with_which_status_a_model_inside_is_down() -> None:
    """`on_failure.local_model_down`: in the answer and in the outcome."""
    with Playbook() as book:
        stage = Stage(book, local=FakeLocal(down=True), bundle=bundle(local_model_down_status=451))
        reply = await stage.ask("ssn 078-05-1120")
        await stage.pipeline.drain()
        book.expect(*INSIDE, *ended("failed"))
    outcome = stage.ledger.evidence[-1]

    assert isinstance(reply.answer, Failure)
    assert isinstance(outcome, Outcome)
    assert (451, 451) == (reply.answer.error.status, outcome.status)


async def test_a_provider_that_fails_is_not_tried_again() -> None:
    """One intent, one transmission."""
    with Playbook() as book:
        stage = Stage(book, external=RecordingExternal("openai", UpstreamError(ErrorCode.UPSTREAM_TIMEOUT)))
        reply = await stage.ask("hello")
        await stage.pipeline.drain()
        book.expect(*OUT, *ended("failed"))

    assert isinstance(reply.answer, Failure)
    assert 1 == len(stage.external.sent)


async def test_a_rejection_is_restored_and_passed_on() -> None:
    """The provider's own 4xx may quote the request as it was sent: the caller reads his own words."""
    with Playbook() as book:
        probe = Stage(book)
        await probe.ask("mail a@b.example")
        await probe.pipeline.drain()
        placeholder = json.loads(probe.external.sent[0][1])["messages"][0]["content"].split(" ")[1]
        book.expect(*MASKED, *ended("completed"))
        body = json.dumps({"error": {"message": f"too long: {placeholder}", "code": "x"}}).encode()
        stage = Stage(book, external=RecordingExternal("openai", Rejected(400, body, 0)))
        reply = await stage.ask("mail a@b.example")
        await stage.pipeline.drain()
        book.expect(*MASKED, *ended("rejected"))

    assert isinstance(reply.answer, Rejected)
    assert b"a@b.example" in reply.answer.body


async def test_a_stream_is_restored_and_its_outcome_follows_its_end() -> None:
    """The outcome is recorded when the caller has read the last event, not before."""
    with Playbook() as book:
        stage = Stage(book)
        reply = await stage.ask("mail a@b.example", stream=True)
        book.expect(*MASKED)
        events = [json.loads(line) for line in (await read_all(reply)).split(b"\n")]
        await stage.pipeline.drain()
        book.expect("record outcome completed", "durable outcome completed")

    text = "".join(e["choices"][0]["delta"].get("content") or "" for e in events if e["choices"])
    assert "mail a@b.example" in text


async def test_a_stream_that_was_cut_does_not_end() -> None:
    """It raises, and the outcome says failed."""
    chunk = json.dumps({"choices": [{"index": 0, "delta": {"content": "half"}}]}).encode()
    with Playbook() as book:
        stage = Stage(book, external=RecordingExternal("openai", Events([chunk], cut=True)))
        reply = await stage.ask("hello", stream=True)
        with pytest.raises(UpstreamError):
            await read_all(reply)
        await stage.pipeline.drain()
        book.expect(*OUT, *ended("failed"))


async def test_a_caller_that_leaves_closes_the_provider() -> None:
    """Closing the answer closes what is behind it, and the outcome says so."""
    chunk = json.dumps({"choices": [{"index": 0, "delta": {"content": "half"}}]}).encode()
    with Playbook() as book:
        stage = Stage(book, external=RecordingExternal("openai", Events([chunk, chunk])))
        reply = await stage.ask("hello", stream=True)
        assert isinstance(reply.answer, Streamed)
        await anext(reply.answer.events)
        await reply.answer.events.aclose()  # type: ignore[attr-defined]
        await stage.pipeline.drain()
        book.expect(*OUT, *ended("client_gone"))

    assert 1 == stage.external.closed


async def test_a_caller_that_leaves_before_the_answer_is_an_outcome_too() -> None:
    """Cancelled in the middle of sending: the intent does not stay open."""
    sending = asyncio.Event()

    class Hanging(RecordingExternal):
        async def complete(self, clearance: object) -> Whole:
            sending.set()
            await asyncio.Event().wait()
            raise AssertionError

    with Playbook() as book:
        stage = Stage(book, external=Hanging("openai"))
        task = asyncio.ensure_future(stage.ask("hello"))
        await sending.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await stage.pipeline.drain()
        book.expect(*OUT, *ended("client_gone"))


async def test_what_is_no_request_is_not_recorded() -> None:
    """No decision was made, so there is none to record."""
    with Playbook() as book:
        stage = Stage(book)
        with pytest.raises(CallerError):
            await stage.ask("hello", no_such_field=1)
        with pytest.raises(CallerError):
            await stage.ask("hello", model="unknown")
        book.expect()


async def test_an_answer_without_placeholders_keeps_its_bytes() -> None:
    """Unknown fields, order and white space included."""
    body = b'{ "choices": [], "novel_field": {"z": 1, "a": 2} }'
    with Playbook() as book:
        stage = Stage(book, external=RecordingExternal("openai", Whole(body)))
        reply = await stage.ask("hello")
        await stage.pipeline.drain()
        book.expect(*OUT, *ended("completed"))

    assert isinstance(reply.answer, Whole)
    assert body == reply.answer.body


async def test_garbage_instead_of_an_answer_is_a_failure() -> None:
    """Never passed on as if it were one."""
    with Playbook() as book:
        stage = Stage(book, external=RecordingExternal("openai", Whole(b"<html>")))
        reply = await stage.ask("mail a@b.example")
        await stage.pipeline.drain()
        book.expect(*MASKED, *ended("failed"))

    assert isinstance(reply.answer, Failure)
    assert ErrorCode.UPSTREAM_ERROR is reply.answer.error.code


def test_a_playbook_that_nobody_compared_raises() -> None:
    """And one that differs says where."""
    with pytest.raises(AssertionError, match="does not speak"), Playbook() as book:
        book.note("send openai")
    forgotten = Playbook()
    forgotten.note("send openai")
    with pytest.raises(AssertionError, match="another way"):
        forgotten.expect("examine")


async def test_a_model_inside_that_answers_nonsense_is_recorded() -> None:
    """What is no answer is a failure with an outcome, inside as outside."""
    with Playbook() as book:
        stage = Stage(book)

        async def nonsense(conversation: object) -> Whole:
            return Whole(b"nonsense")

        stage.local.complete = nonsense  # type: ignore[method-assign,assignment]
        reply = await stage.ask("ssn 078-05-1120")
        await stage.pipeline.drain()
        book.expect(*INSIDE, *ended("failed"))

    assert isinstance(reply.answer, Failure)


async def test_a_stream_that_nobody_read_is_recorded_and_closed() -> None:
    """The caller left between the answer's arrival and its first event."""

    class Upstream:
        closed = False

        def __aiter__(self) -> Upstream:
            return self

        async def __anext__(self) -> bytes:
            return b"{}"

        async def aclose(self) -> None:
            self.closed = True

    upstream = Upstream()
    with Playbook() as book:
        stage = Stage(book, external=RecordingExternal("openai", Streamed(upstream)))
        reply = await stage.ask("hello", stream=True)
        assert isinstance(reply.answer, Streamed)
        await reply.answer.events.aclose()  # type: ignore[attr-defined]
        await stage.pipeline.drain()
        book.expect(*OUT, *ended("client_gone"))

    assert upstream.closed
