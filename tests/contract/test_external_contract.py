"""The recording fake, the real door out and the way through an egress keep the same contract, so a test over the fake
says something."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from gateway.adapters.openai_external import OpenAiExternal
from gateway.domain.clearance import Clearance, ClearanceError
from gateway.domain.errors import ErrorCode, UpstreamError
from gateway.pipeline.ports import ExternalModel, Rejected, Streamed, Whole
from gateway.testing.recording_external import Events, RecordingExternal
from gateway.testing.stand_in import CutOff, Raw, StandIn, Status
from tests.adapters.clearing import body_of, cleared, content_of, read_all
from tests.adapters.egress_house import running_egress

EVENT = b'{"choices":[{"index":0,"delta":{"content":"x"}}]}'


@dataclass(frozen=True)
class Case:
    """One external model, what it sent, and how to make its next request end in some way."""

    model: ExternalModel
    clear: Callable[..., Clearance]
    sent: Callable[[], list[bytes]]
    reject: Callable[[], None]
    fail: Callable[[], None]
    cut: Callable[[], None]
    play: Callable[[], None]


@pytest.fixture
def provider() -> Iterator[StandIn]:
    """The stand-in behind the real one."""
    with StandIn() as running:
        yield running


@pytest.fixture(params=["fake", "real", "through an egress"])
async def case(request: pytest.FixtureRequest, provider: StandIn, tmp_path: Path) -> AsyncIterator[Case]:
    """Each of the three."""
    if request.param == "fake":
        fake = RecordingExternal("openai")
        yield Case(
            model=fake,
            clear=cleared,
            sent=lambda: [body for _, body in fake.sent],
            reject=lambda: fake.script(Rejected(429, b'{"error":{"code":"slow"}}', 7)),
            fail=lambda: fake.script(UpstreamError(ErrorCode.UPSTREAM_ERROR)),
            cut=lambda: fake.script(Events([EVENT], cut=True)),
            play=lambda: fake.script(Whole(b'{"choices":[]}')),
        )
        return
    if request.param == "through an egress":
        async with running_egress(tmp_path, provider.base_url) as house:
            link = house.link()
            yield _played_by(provider, house.external(link), house.clearance)
            await link.aclose()
        return
    real = OpenAiExternal("openai", provider.base_url, "sk-x")
    yield _played_by(provider, real, cleared)
    await real.aclose()


def _played_by(provider: StandIn, model: ExternalModel, clear: Callable[..., Clearance]) -> Case:
    stream = b"data: " + EVENT + b"\n\n"
    return Case(
        model=model,
        clear=clear,
        sent=lambda: [seen.body for seen in provider.requests],
        reject=lambda: provider.script(Status(429, code="slow", headers=(("retry-after", "7"),))),
        fail=lambda: provider.script(CutOff()),
        cut=lambda: provider.script(Raw(stream, "text/event-stream")),
        play=lambda: provider.script(Raw(b'{"choices":[]}')),
    )


async def test_exactly_the_cleared_bytes_are_sent(case: Case) -> None:
    """And each clearance once."""
    body = body_of("é", unknown=1)
    clearance = case.clear(body)
    await case.model.complete(clearance)
    with pytest.raises(ClearanceError):
        await case.model.complete(clearance)

    assert [body] == case.sent()


async def test_only_a_clearance_for_this_destination_is_taken(case: Case) -> None:
    """Anything else is a bug, and nothing leaves."""
    with pytest.raises(ClearanceError):
        await case.model.complete(case.clear(body_of(), destination="other"))
    with pytest.raises(ClearanceError):
        await case.model.complete(body_of())  # type: ignore[arg-type]

    assert [] == case.sent()


async def test_an_answer_is_whole_or_streamed_as_the_body_asks(case: Case) -> None:
    """Both repeat the user."""
    whole = await case.model.complete(case.clear(body_of("hello")))
    streamed = await case.model.complete(case.clear(body_of("hello", stream=True)))

    assert isinstance(whole, Whole)
    assert isinstance(streamed, Streamed)
    assert "You said: hello" == json.loads(whole.body)["choices"][0]["message"]["content"]
    assert "You said: hello" == content_of(await read_all(streamed.events))


async def test_a_scripted_answer_keeps_its_bytes(case: Case) -> None:
    """As received."""
    case.play()

    assert Whole(b'{"choices":[]}') == await case.model.complete(case.clear(body_of()))


async def test_a_refusal_is_an_answer(case: Case) -> None:
    """With status, body and waiting time."""
    case.reject()
    answer = await case.model.complete(case.clear(body_of()))

    assert isinstance(answer, Rejected)
    assert (429, 7) == (answer.status, answer.retry_after)
    assert "slow" == json.loads(answer.body)["error"]["code"]


async def test_a_failure_is_an_upstream_error(case: Case) -> None:
    """Before an answer."""
    case.fail()

    with pytest.raises(UpstreamError):
        await case.model.complete(case.clear(body_of()))


async def test_a_cut_stream_raises_after_its_events(case: Case) -> None:
    """It is never taken for a whole one, and asking again gives nothing more."""
    case.cut()
    answer = await case.model.complete(case.clear(body_of(stream=True)))
    assert isinstance(answer, Streamed)

    assert EVENT == await anext(answer.events)
    with pytest.raises(UpstreamError):
        await anext(answer.events)
    with pytest.raises(StopAsyncIteration):
        await anext(answer.events)


async def test_a_stream_can_be_closed_at_any_time(case: Case) -> None:
    """Twice as well, and then it is over."""
    answer = await case.model.complete(case.clear(body_of(stream=True)))
    assert isinstance(answer, Streamed)
    await answer.events.aclose()  # type: ignore[attr-defined]
    await answer.events.aclose()  # type: ignore[attr-defined]

    with pytest.raises(StopAsyncIteration):
        await anext(answer.events)


async def test_health_says_that_it_is_configured(case: Case) -> None:
    """And nothing is sent to find out."""
    assert (await case.model.health()).ok
    assert [] == case.sent()
