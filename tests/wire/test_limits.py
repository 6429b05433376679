"""What a caller is told of the limits, and until when a request holds its place."""

from __future__ import annotations

import asyncio
import contextlib
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Message, Receive, Scope, Send

from gateway.pipeline.limiting import Kind, Left, Quota, Quotas
from gateway.testing.fake_detector import FakeDetector
from gateway.testing.playbook import Playbook
from gateway.testing.recording_external import Events
from gateway.wire.limits import Holding, duration, limit_headers
from tests.domain.build import chat
from tests.pipeline.test_story import INSIDE, OUT, Stage, ended
from tests.wire.parts import LIMITS, Front, limiter

URL = "/v1/chat/completions"
CHUNK = b'{"choices":[{"index":0,"delta":{"content":"hi"},"finish_reason":null}]}'
RESETS = {"x-ratelimit-reset-requests", "x-ratelimit-reset-tokens"}


def told(headers: object) -> dict[str, str]:
    """The headers of the limits."""
    return {name: value for name, value in dict(headers).items() if name.startswith("x-ratelimit-")}  # type: ignore[call-overload]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0ms"),
        (0.0004, "1ms"),
        (0.12, "120ms"),
        (1.0, "1s"),
        (5.2, "6s"),
        (59.5, "1m0s"),
        (178.4, "2m59s"),
        (82_805, "23h0m5s"),
        (172_800, "48h0m0s"),
    ],
)
def test_a_time_is_written_as_clients_know_it(seconds: float, text: str) -> None:
    """Rounded up: who waits so long finds what was promised."""
    assert text == duration(seconds)


@given(st.floats(0, 400_000))
def test_a_time_is_never_told_too_short(seconds: float) -> None:
    """And never by more than a second too long."""
    units = {"ms": 0.001, "h": 3600.0, "m": 60.0, "s": 1.0}
    rest, total = duration(seconds), 0.0
    while rest:
        digits = rest[: len(rest) - len(rest.lstrip("0123456789"))]
        unit = next(unit for unit in units if rest[len(digits) :].startswith(unit))
        total += int(digits) * units[unit]
        rest = rest[len(digits) + len(unit) :]

    assert seconds - 1e-9 <= total < seconds + 1 + 1e-9


def test_of_several_limits_the_tightest_is_told() -> None:
    """Of requests and of tokens, each; what limits neither is not told."""
    left = (
        Left(Kind.REQUESTS_PER_MINUTE, 100, 40, 60.0),
        Left(Kind.REQUESTS_PER_MINUTE, 1000, 7, 60.0),
        Left(Kind.TOKENS_PER_MINUTE, 500, 400, 30.5),
        Left(Kind.TOKENS_PER_DAY, 10_000, 300, 7200.0),
        Left(Kind.CONCURRENT, 1, 0, 0.0),
    )

    assert {
        "x-ratelimit-limit-requests": "1000",
        "x-ratelimit-remaining-requests": "7",
        "x-ratelimit-reset-requests": "1m0s",
        "x-ratelimit-limit-tokens": "10000",
        "x-ratelimit-remaining-tokens": "300",
        "x-ratelimit-reset-tokens": "2h0m0s",
    } == limit_headers(left)
    assert {} == limit_headers(())


async def test_the_limits_stand_in_every_reply() -> None:
    """Served or refused; without a limit nothing of the kind is said."""
    front = Front(limiter=limiter(Quotas(every_key=Quota(requests_per_minute=2, tokens_per_day=900))))
    async with front.client() as caller:
        served = [await caller.post(URL, json=chat("hello")) for _ in range(2)]
        refused = await caller.post(URL, json=chat("hello"))
    await front.stage.pipeline.drain()
    async with Front().client() as caller:
        unlimited = await caller.post(URL, json=chat("hello"))

    assert [200, 200, 429] == [reply.status_code for reply in (*served, refused)]
    assert ["1", "0", "0"] == [reply.headers["x-ratelimit-remaining-requests"] for reply in (*served, refused)]
    assert {"x-ratelimit-limit-requests": "2", "x-ratelimit-limit-tokens": "900"}.items() <= told(
        refused.headers
    ).items()
    assert RESETS <= set(told(served[0].headers))
    assert {} == told(unlimited.headers)
    assert 2 == len(front.stage.external.sent)


async def test_a_refused_request_is_not_even_read() -> None:
    """429 with the seconds to wait, before its body is taken: nothing is examined, recorded or sent."""
    front = Front(limiter=limiter(Quotas(every_key=Quota(requests_per_minute=1))))
    async with front.client() as caller:
        await caller.post(URL, content=b"{")
        refused = await caller.post(URL, content=b"not even JSON")
    error = refused.json()["error"]

    assert (429, "rate_limit_exceeded", None) == (refused.status_code, error["code"], error["param"])
    assert 50 <= int(refused.headers["retry-after"]) <= 60
    assert "x-should-retry" not in refused.headers
    front.stage.book.expect()


async def test_a_spent_budget_keeps_requests_inside() -> None:
    """What would leave is refused with the code that stops an SDK from trying again; what stays inside is answered."""
    front = Front(limiter=limiter(Quotas(every_key=Quota(tokens_per_day=3))))
    async with front.client() as caller:
        first = await caller.post(URL, json=chat("hello " * 100))
        await front.stage.pipeline.drain()
        refused = await caller.post(URL, json=chat("hello"))
        inside = await caller.post(URL, json=chat("ssn 078-05-1120"))
    await front.stage.pipeline.drain()
    error = refused.json()["error"]

    assert ["external", "local"] == [reply.headers["x-gateway-route"] for reply in (first, inside)]
    assert (429, "insufficient_quota") == (refused.status_code, error["code"])
    assert ("false", "0") == (refused.headers["x-should-retry"], refused.headers["x-ratelimit-remaining-tokens"])
    assert int(refused.headers["retry-after"]) > 3600
    assert 1 == len(front.stage.external.sent)
    front.stage.book.expect(*OUT, *ended("completed"), "examine", *INSIDE, *ended("completed"))


async def test_a_budget_of_another_key_is_its_own() -> None:
    """Nobody unknown is counted against anybody."""
    front = Front(limiter=limiter(Quotas(gateway=Quota(requests_per_minute=1))))
    async with front.client(authorization="Bearer nobody") as stranger:
        refused = [await stranger.post(URL, json=chat("hello")) for _ in range(3)]
    async with front.client() as caller:
        served = await caller.post(URL, json=chat("hello"))
    await front.stage.pipeline.drain()

    assert [401, 401, 401] == [reply.status_code for reply in refused]
    assert 200 == served.status_code


class Reader:
    """A caller that takes the first pieces of a stream and then waits for a word of the test."""

    def __init__(self) -> None:
        self.begun, self.go_on, self.leave = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self.status = 0
        self._asked = False

    async def receive(self) -> Message:
        """The request, and then nothing until the caller leaves."""
        if not self._asked:
            self._asked = True
            return {"type": "http.request", "body": json.dumps(chat("hello", stream=True)).encode()}
        await self.leave.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        """Take a piece."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
        else:
            self.begun.set()
            await self.go_on.wait()


@pytest.mark.parametrize("ends", ["go_on", "leave"])
@pytest.mark.parametrize("by", ["in_flight", "concurrent"])
async def test_an_open_stream_holds_its_place(ends: str, by: str) -> None:
    """Until it was read to its end or its caller left."""
    stage = Stage(Playbook())
    stage.external.script(Events([CHUNK, CHUNK]))
    quota = Quota(concurrent=1) if by == "concurrent" else Quota()
    limits = replace(LIMITS, in_flight=1) if by == "in_flight" else LIMITS
    front, reader = Front(stage, limits=limits, limiter=limiter(Quotas(every_key=quota))), Reader()
    reading = asyncio.ensure_future(front.app(front.scope("POST", URL), reader.receive, reader.send))
    await reader.begun.wait()
    async with front.client() as caller:
        shed = await caller.post(URL, json=chat("hello"))
        getattr(reader, ends).set()
        await reading
        served = await caller.post(URL, json=chat("hello"))
    await stage.pipeline.drain()
    code = shed.json()["error"]["code"]

    assert 200 == reader.status
    assert (503, "overloaded") == (shed.status_code, code) if by == "in_flight" else (429, "rate_limit_exceeded")
    assert "1" == shed.headers["retry-after"]
    assert 200 == served.status_code
    assert 2 == len(stage.external.sent)


async def test_a_place_is_free_after_a_failed_response() -> None:
    """The connection broke while the answer was sent."""
    left: list[str] = []

    async def broken(scope: Scope, receive: Receive, send: Send) -> None:
        raise ConnectionResetError

    held = contextlib.ExitStack()
    held.callback(left.append, "left")
    with pytest.raises(ConnectionResetError):
        await Holding(broken, held)({}, Front.nothing_more, _take)

    assert ["left"] == left


async def test_a_place_is_free_after_a_fault() -> None:
    """A part that breaks in a way that nobody expected."""

    class Broken(FakeDetector):
        async def examine(self, leaves: object, custom: object) -> object:  # type: ignore[override]
            raise ZeroDivisionError

    front = Front(
        Stage(Playbook(), detector=Broken({})),
        limits=replace(LIMITS, in_flight=1),
        limiter=limiter(Quotas(every_key=Quota(concurrent=1))),
    )
    async with front.client() as caller:
        replies = [await caller.post(URL, json=chat("hello")) for _ in range(3)]

    assert [500, 500, 500] == [reply.status_code for reply in replies]


async def _take(message: Message) -> None:
    """Nobody reads."""


async def test_a_stream_costs_what_came_of_it() -> None:
    """Without a report of its own: a token an event, once the stream has ended."""
    stage = Stage(Playbook())
    stage.external.script(Events([CHUNK] * 40))
    front = Front(stage, limiter=limiter(Quotas(every_key=Quota(tokens_per_minute=500))))
    async with front.client() as caller:
        streamed = await caller.post(URL, json=chat("hello", stream=True))
        await stage.pipeline.drain()
        after = await caller.post(URL, json=chat("ssn 078-05-1120"))
    await stage.pipeline.drain()

    assert "500" == streamed.headers["x-ratelimit-remaining-tokens"]
    assert 440 < int(after.headers["x-ratelimit-remaining-tokens"]) <= 460
