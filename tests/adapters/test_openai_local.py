"""The in-network server gets the whole text, over connections that the zone check let pass, and nothing else."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Iterator

import pytest

from gateway.adapters.openai_local import OpenAiLocal
from gateway.adapters.zone import OutsideZone
from gateway.domain.errors import CallerError, ErrorCode, GatewayFault
from gateway.pipeline.ports import LocalAnswer, Streamed, Whole
from gateway.testing.stand_in import CutOff, Gate, Held, Manner, Raw, StandIn, Status
from tests.adapters.clearing import CANARY, content_of, everything_about, read_all
from tests.domain.build import conversation


@pytest.fixture
def server() -> Iterator[StandIn]:
    """The stand-in, as a server inside."""
    with StandIn(manner=Manner(prefix="")) as running:
        yield running


@pytest.fixture
async def local(server: StandIn) -> AsyncIterator[OpenAiLocal]:
    """The adapter, pointed at it."""
    adapter = OpenAiLocal(server.base_url, "sk-inside", model="served-model", timeout_s=5.0)
    yield adapter
    await adapter.stop()


async def answer_of(adapter: OpenAiLocal, *, stream: bool) -> LocalAnswer | list[bytes]:
    """The answer to a request with the canary, a streamed one read to its end."""
    answer = await adapter.complete(conversation(CANARY, stream=stream))
    return await read_all(answer.events) if isinstance(answer, Streamed) else answer


async def test_it_gets_the_whole_text_under_its_own_model_name(server: StandIn, local: OpenAiLocal) -> None:
    """Nothing is masked inside; no header beyond the list."""
    answer = await local.complete(conversation(f"é {CANARY}", temperature=0.5))
    (seen,) = server.requests
    sent = json.loads(seen.body)

    assert isinstance(answer, Whole)
    assert f"é {CANARY}" == json.loads(answer.body)["choices"][0]["message"]["content"]
    assert ("served-model", 0.5, f"é {CANARY}") == (sent["model"], sent["temperature"], sent["messages"][0]["content"])
    assert {
        "host": f"127.0.0.1:{server.port}",
        "content-type": "application/json",
        "accept": "application/json, text/event-stream",
        "accept-encoding": "identity",
        "user-agent": "privacy-gateway",
        "authorization": "Bearer sk-inside",
        "content-length": str(len(seen.body)),
    } == dict(seen.headers)


async def test_without_a_model_of_its_own_the_callers_is_kept(server: StandIn) -> None:
    """And without a key there is no header for it."""
    adapter = OpenAiLocal(server.base_url)
    await adapter.complete(conversation("x"))
    await adapter.stop()

    assert "gpt-x" == json.loads(server.requests[0].body)["model"]
    assert "" == server.requests[0].header("authorization")


async def test_it_streams(server: StandIn, local: OpenAiLocal) -> None:
    """In order and whole, over one connection that is used again."""
    for _ in range(3):
        answer = await local.complete(conversation("one two", stream=True))
        assert isinstance(answer, Streamed)
        assert "one two" == content_of(await read_all(answer.events))

    assert 1 == server.connections


@pytest.mark.parametrize(
    "scene",
    [
        Status(401),
        Status(404),
        Status(429),
        Status(500, echo=True),
        Status(307, headers=(("location", "/v1/models"),)),
        Raw(CANARY.encode(), status=400),
        Raw(b'{"error":"' + CANARY.encode() + b'"}', status=422),
        Raw(b"garbage " + CANARY.encode()),
        Raw(b"[]"),
        Raw(b"{}", headers=(("content-encoding", "gzip"),)),
        CutOff(),
    ],
    ids=str,
)
@pytest.mark.parametrize("stream", [False, True])
async def test_whatever_goes_wrong_is_a_fault_without_a_word(
    server: StandIn, local: OpenAiLocal, scene: Status | Raw | CutOff, stream: bool
) -> None:
    """One try, no redirect followed."""
    server.script(scene)
    with pytest.raises(GatewayFault) as caught:
        await answer_of(local, stream=stream)

    assert ErrorCode.LOCAL_MODEL_UNAVAILABLE is caught.value.code
    assert CANARY not in everything_about(caught.value)
    assert 1 == len(server.requests)


@pytest.mark.parametrize(
    "error",
    [
        {"code": "context_length_exceeded", "message": ""},
        {"type": "exceed_context_size_error", "message": "", "code": 400},
        {"type": "BadRequestError", "message": "This model's maximum context length is 8 tokens.", "code": 400},
    ],
)
@pytest.mark.parametrize("stream", [False, True])
async def test_a_conversation_that_is_too_long_is_the_callers(
    server: StandIn, local: OpenAiLocal, error: dict[str, object], stream: bool
) -> None:
    """As the servers of the field say it."""
    server.script(Raw(json.dumps({"error": error}).encode(), status=400))

    with pytest.raises(CallerError) as caught:
        await answer_of(local, stream=stream)
    assert ErrorCode.CONTEXT_LENGTH_EXCEEDED is caught.value.code


@pytest.mark.parametrize("status", [400, 413, 422])
@pytest.mark.parametrize("stream", [False, True])
async def test_a_request_that_the_server_refuses_is_the_callers(
    server: StandIn, local: OpenAiLocal, status: int, stream: bool
) -> None:
    """Another try would end the same way. The server's words may quote the request, so they are not passed on."""
    server.script(Status(status, echo=True))

    with pytest.raises(CallerError) as caught:
        await answer_of(local, stream=stream)
    assert ErrorCode.UNSUPPORTED_BY_LOCAL_MODEL is caught.value.code
    assert CANARY not in everything_about(caught.value)


@pytest.mark.parametrize("stream", [False, True])
async def test_a_silent_server_is_a_fault(server: StandIn, stream: bool) -> None:
    """After the time it has."""
    adapter = OpenAiLocal(server.base_url, timeout_s=0.2)
    gate = Gate()
    server.script(Held(gate, after_events=2 if stream else 0))

    with pytest.raises(GatewayFault):
        await answer_of(adapter, stream=stream)
    assert await asyncio.to_thread(server.requests[0].gone.wait, 5)
    gate.release()
    await adapter.stop()


async def test_a_caller_that_leaves_frees_the_server(server: StandIn, local: OpenAiLocal) -> None:
    """Before the first event, and before the answer."""
    gate = Gate()
    server.script(Held(gate, after_events=2), Held(gate))
    answer = await local.complete(conversation("x", stream=True))
    assert isinstance(answer, Streamed)
    await answer.events.aclose()  # type: ignore[attr-defined]
    call = asyncio.ensure_future(local.complete(conversation("x")))
    seen = await asyncio.to_thread(server.wait_for_requests, 2)
    call.cancel()

    for one in seen:
        assert await asyncio.to_thread(one.gone.wait, 5)
    gate.release()


async def test_an_address_outside_is_refused_at_start_and_at_each_connection() -> None:
    """Nothing is connected to."""
    adapter = OpenAiLocal("http://93.184.216.34/v1")

    with pytest.raises(OutsideZone):
        await adapter.start()
    with pytest.raises(GatewayFault):
        await adapter.complete(conversation(CANARY))
    assert not (await adapter.health()).ok
    await adapter.stop()


async def test_a_name_that_moves_outside_is_refused(server: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    """Good at start, refused once its answer changes, and nothing reaches the old address either."""
    answers = ["127.0.0.1"]

    def look_up(*_: object, **__: object) -> list[tuple[object, ...]]:
        return [(socket.AF_INET, 1, 6, "", (answers[0], server.port))]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    adapter = OpenAiLocal(f"http://model.internal:{server.port}/v1")
    await adapter.start()
    answers[0] = "93.184.216.34"
    with pytest.raises(GatewayFault):
        await adapter.complete(conversation(CANARY))
    answers[0] = "127.0.0.1"
    await adapter.complete(conversation("x"))
    await adapter.stop()

    assert [f"model.internal:{server.port}"] == [seen.header("host") for seen in server.requests]


async def test_a_name_without_an_address_may_come_later(monkeypatch: pytest.MonkeyPatch) -> None:
    """The gateway starts; requests are refused until then."""

    def look_up(*_: object, **__: object) -> list[tuple[object, ...]]:
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    adapter = OpenAiLocal("http://model.internal/v1")
    await adapter.start()
    with pytest.raises(GatewayFault):
        await adapter.complete(conversation("x"))
    await adapter.stop()


async def test_the_environment_changes_nothing(
    server: StandIn, local: OpenAiLocal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Proxies are ignored."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    await local.complete(conversation("x"))

    assert 1 == len(server.requests)


async def test_health_is_whether_it_lists_its_models(server: StandIn, local: OpenAiLocal) -> None:
    """Asked each time."""
    assert (await local.health()).ok
    server.script(Status(500))
    assert not (await local.health()).ok


@pytest.mark.parametrize("base_url", ["ftp://x", "x/v1", "http://u:p@127.0.0.1", "http://127.0.0.1/?x=1"])
def test_a_base_url_that_is_none_is_refused(base_url: str) -> None:
    """At construction."""
    with pytest.raises(ValueError, match="base_url"):
        OpenAiLocal(base_url)
