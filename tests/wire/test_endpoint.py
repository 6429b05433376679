"""The chat endpoint: a reply becomes a response with its decision, and what is no request never becomes one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace

import pytest
from starlette.responses import Response
from starlette.types import Message

from gateway.domain.conversation import Leaf
from gateway.domain.detectors import CustomDetector
from gateway.domain.errors import CallerError, ErrorCode, GatewayFault, PolicyRefusal, UpstreamError
from gateway.domain.evidence import Route
from gateway.domain.finding import Report
from gateway.domain.labels import Label
from gateway.pipeline.ports import Rejected, Streamed, Whole
from gateway.pipeline.recording import Summary
from gateway.pipeline.story import Failure, Reply
from gateway.testing.fake_detector import FakeDetector
from gateway.testing.fake_local import FakeLocal
from gateway.testing.playbook import Playbook
from gateway.testing.recording_external import Events, RecordingExternal
from gateway.wire.endpoint import headers_of, response_of
from gateway.wire.sse import EventStream
from tests.domain.build import chat
from tests.pipeline.test_story import WORDS, Stage
from tests.wire.parts import LIMITS, Front

URL = "/v1/chat/completions"
SUMMARY = Summary(
    decision_id="01JD0000000000000000000001",
    route=Route.EXTERNAL_TRANSFORMED,
    destination="openai",
    label=Label("internal"),
    classes=("phi", "pii"),
    reason="MASKED",
    policy_revision=7,
    receipt="a.receipt",
)
HEADERS = {
    "x-gateway-decision-id": "01JD0000000000000000000001",
    "x-gateway-route": "external-transformed",
    "x-gateway-destination": "openai",
    "x-gateway-label": "internal",
    "x-gateway-classes": "phi,pii",
    "x-gateway-reason": "MASKED",
    "x-gateway-policy": "7",
    "x-gateway-receipt": "a.receipt",
}


class Gate(FakeDetector):
    """A detector that waits for the test, and remembers that it was told to stop."""

    def __init__(self) -> None:
        super().__init__(WORDS)
        self.entered = asyncio.Event()
        self.open = asyncio.Event()
        self.stopped = False

    async def examine(self, leaves: Sequence[Leaf], custom: Sequence[CustomDetector]) -> Report:
        """The report, once the gate is open."""
        self.entered.set()
        try:
            await self.open.wait()
        except asyncio.CancelledError:
            self.stopped = True
            raise
        return await super().examine(leaves, custom)


def plain(reply: Reply) -> Response:
    """The response to a reply in one piece."""
    response = response_of(reply)
    assert isinstance(response, Response)
    return response


def with_decision(response: Response) -> bool:
    """Whether the whole decision is in the headers."""
    return HEADERS.items() <= dict(response.headers).items()


def test_the_decision_in_headers() -> None:
    """Every part, by the names of the contract."""
    assert HEADERS == headers_of(SUMMARY)
    assert "" == headers_of(replace(SUMMARY, classes=()))["x-gateway-classes"]


def test_a_whole_answer_keeps_its_bytes() -> None:
    """200, and the body as it is."""
    body = b'{ "choices": [],\n "novel": 1 }'
    response = plain(Reply(SUMMARY, Whole(body)))

    assert (200, body, "application/json") == (response.status_code, response.body, response.media_type)
    assert with_decision(response)


@pytest.mark.parametrize(("pause", "told"), [(0, None), (21, "21")])
def test_a_providers_own_refusal_is_passed_on(pause: int, told: str | None) -> None:
    """Its status, its body, and its pause if it said one."""
    response = plain(Reply(SUMMARY, Rejected(429, b'{"error":{}}', pause)))

    assert (429, b'{"error":{}}', told) == (response.status_code, response.body, response.headers.get("retry-after"))
    assert with_decision(response)


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (PolicyRefusal(status=403, tell_user="No."), 403, "policy_refused"),
        (UpstreamError(ErrorCode.UPSTREAM_TIMEOUT), 504, "upstream_timeout"),
        (GatewayFault(ErrorCode.LOCAL_MODEL_UNAVAILABLE), 503, "local_model_unavailable"),
        (CallerError(ErrorCode.CONTEXT_LENGTH_EXCEEDED), 400, "context_length_exceeded"),
    ],
)
def test_a_failure_after_the_decision_tells_both(
    error: PolicyRefusal | UpstreamError | GatewayFault | CallerError, status: int, code: str
) -> None:
    """OpenAI's error body, and the decision that was recorded."""
    response = plain(Reply(SUMMARY, Failure(error)))

    assert (status, code) == (response.status_code, json.loads(bytes(response.body))["error"]["code"])
    assert with_decision(response)


async def test_a_stream_has_the_decision_before_its_first_event() -> None:
    """The headers go out first, and say event stream."""
    sent: list[Message] = []

    async def events() -> AsyncGenerator[bytes]:
        yield b"{}"

    async def send(message: Message) -> None:
        sent.append(message)

    stream = response_of(Reply(SUMMARY, Streamed(events())))
    assert isinstance(stream, EventStream)
    await stream({}, Front.nothing_more, send)

    start = sent[0]
    headers = {name.decode(): value.decode() for name, value in start["headers"]}
    assert 200 == start["status"]
    assert HEADERS.items() <= headers.items()
    assert headers["content-type"].startswith("text/event-stream")
    assert "no-cache" == headers["cache-control"]


async def test_a_request_is_answered_with_what_was_decided() -> None:
    """The caller reads his own words; what left had a placeholder for them."""
    front = Front()
    async with front.client() as caller:
        reply = await caller.post(URL, json=chat("mail a@b.example"))
    await front.stage.pipeline.drain()

    assert "external-transformed" == reply.headers["x-gateway-route"]
    assert "a@b.example" in reply.json()["choices"][0]["message"]["content"]
    assert b"a@b.example" not in front.stage.external.sent[0][1]


async def test_a_stream_arrives_as_events() -> None:
    """Each a JSON chunk, the last one the end mark."""
    front = Front()
    async with front.client() as caller:
        reply = await caller.post(URL, json=chat("mail a@b.example", stream=True))
    await front.stage.pipeline.drain()

    *chunks, last = [line.removeprefix("data: ") for line in reply.text.split("\n\n") if line]
    said = "".join(c["delta"].get("content") or "" for e in chunks for c in json.loads(e)["choices"])
    assert "[DONE]" == last
    assert "a@b.example" in said


async def test_a_stream_that_was_cut_is_no_whole_answer() -> None:
    """An error event, and no end mark."""
    chunk = json.dumps({"choices": [{"index": 0, "delta": {"content": "half"}}]}).encode()
    external = RecordingExternal("openai", Events([chunk], cut=True))
    front = Front(Stage(Playbook(), external=external))
    async with front.client() as caller:
        reply = await caller.post(URL, json=chat("hello", stream=True))
    await front.stage.pipeline.drain()

    assert "upstream_error" in reply.text
    assert "[DONE]" not in reply.text


async def test_a_model_inside_that_is_down_is_told_with_the_decision() -> None:
    """503 with a pause, the route that was decided, and nothing outside."""
    front = Front(Stage(Playbook(), local=FakeLocal(down=True)))
    async with front.client() as caller:
        reply = await caller.post(URL, json=chat("ssn 078-05-1120"))
    await front.stage.pipeline.drain()

    assert (503, "local_model_unavailable") == (reply.status_code, reply.json()["error"]["code"])
    assert ("local", "1") == (reply.headers["x-gateway-route"], reply.headers["retry-after"])
    assert [] == front.stage.external.sent


async def test_a_refusal_speaks_and_is_not_tried_again() -> None:
    """The rule's own words."""
    async with Front().client() as caller:
        reply = await caller.post(URL, json=chat("use sk-canary"))

    assert (403, "A credential was found.") == (reply.status_code, reply.json()["error"]["message"])
    assert ("blocked", "false") == (reply.headers["x-gateway-route"], reply.headers["x-should-retry"])


async def test_without_a_record_there_is_no_decision_to_tell() -> None:
    """503, and no header of a decision that nobody could prove."""
    front = Front()
    front.stage.ledger.fail()
    async with front.client() as caller:
        reply = await caller.post(URL, json=chat("hello"))

    assert (503, "ledger_unavailable") == (reply.status_code, reply.json()["error"]["code"])
    assert not [name for name in reply.headers if name.startswith("x-gateway-")]
    assert [] == front.stage.external.sent


async def test_a_claimed_label_and_purpose_are_heard() -> None:
    """They reach the record; a label may only raise, and here keeps the request inside."""
    front = Front()
    async with front.client(**{"x-gateway-label": "restricted", "x-gateway-purpose": "triage"}) as caller:
        reply = await caller.post(URL, json=chat("hello"))
    await front.stage.pipeline.drain()

    decided = front.stage.ledger.evidence[0]
    assert ("restricted", "triage") == (getattr(decided, "claimed_label", ""), getattr(decided, "purpose", ""))
    assert "local" == reply.headers["x-gateway-route"]


@pytest.mark.parametrize("header", ["x-gateway-label", "x-gateway-purpose"])
@pytest.mark.parametrize("value", ["two words", "a" * 64, "-x", "a,b", "x;y", '"x"'])
async def test_a_claim_that_is_no_word_is_refused(header: str, value: str) -> None:
    """Refused, not ignored, and not repeated."""
    front = Front()
    async with front.client(**{header: value}) as caller:
        reply = await caller.post(URL, json=chat("hello"))
    error = reply.json()["error"]

    assert (400, "invalid_field", header) == (reply.status_code, error["code"], error["param"])
    assert value not in error["message"]
    front.stage.book.expect()


@pytest.mark.parametrize("query", ["api_key=x", "base_url=http%3A%2F%2Fx", "a"])
async def test_a_query_is_refused(query: str) -> None:
    """No parameter there means anything, so none is let through unread."""
    front = Front()
    async with front.client() as caller:
        reply = await caller.post(f"{URL}?{query}", json=chat("hello"))

    assert (400, "unsupported_field") == (reply.status_code, reply.json()["error"]["code"])
    front.stage.book.expect()


async def test_more_than_the_process_takes_on_is_shed() -> None:
    """503 with a pause for the one too many; the others are served, and their places are free again."""
    gate = Gate()
    front = Front(Stage(Playbook(), detector=gate), limits=replace(LIMITS, in_flight=1))
    async with front.client() as caller:
        first = asyncio.ensure_future(caller.post(URL, json=chat("hello")))
        await gate.entered.wait()
        shed = await caller.post(URL, json=chat("hello"))
        gate.open.set()
        served = await first
        again = await caller.post(URL, json=chat("hello"))
        wrong = [await caller.post(URL, content=b"{") for _ in range(3)]
        last = await caller.post(URL, json=chat("hello"))
    await front.stage.pipeline.drain()

    assert (503, "1") == (shed.status_code, shed.headers["retry-after"])
    assert [200, 200, 200] == [served.status_code, again.status_code, last.status_code]
    assert [400, 400, 400] == [reply.status_code for reply in wrong]


async def test_a_caller_that_leaves_stops_the_work() -> None:
    """Gone while the request is examined: nothing is decided, recorded or sent, and the place is free."""
    gate = Gate()
    front = Front(Stage(Playbook(), detector=gate), limits=replace(LIMITS, in_flight=1))
    incoming: list[Message] = [{"type": "http.request", "body": json.dumps(chat("hello")).encode()}]

    async def receive() -> Message:
        if incoming:
            return incoming.pop()
        await gate.entered.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        assert 200 != message.get("status")

    await front.app(front.scope("POST", URL), receive, send)
    gate.open.set()
    async with front.client() as caller:
        next_one = await caller.post(URL, json=chat("hello"))
    await front.stage.pipeline.drain()

    assert gate.stopped
    assert 200 == next_one.status_code
    assert 1 == len(front.stage.external.sent)
