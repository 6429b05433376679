"""The door out to an OpenAI-compatible provider: exactly the cleared bytes, once, and nothing of a failure's words."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.adapters.openai_external import CALLERS_BUSINESS, OpenAiExternal, code_of, retry_after
from gateway.domain.clearance import ClearanceError
from gateway.domain.errors import ErrorCode, UpstreamError
from gateway.pipeline.ports import ExternalAnswer, Rejected, Streamed, Whole
from gateway.testing.stand_in import CutOff, Gate, Held, Manner, Raw, Say, StandIn, Status
from tests.adapters.clearing import CANARY, body_of, cleared, content_of, everything_about, read_all

KEY = "sk-operator"


@pytest.fixture
def provider() -> Iterator[StandIn]:
    """The stand-in provider."""
    with StandIn(manner=Manner(prefix="")) as running:
        yield running


@pytest.fixture
async def external(provider: StandIn) -> AsyncIterator[OpenAiExternal]:
    """The adapter, pointed at it."""
    adapter = OpenAiExternal("openai", provider.base_url, KEY, timeout_s=5.0)
    yield adapter
    await adapter.aclose()


async def answer_of(adapter: OpenAiExternal, *, stream: bool) -> ExternalAnswer | list[bytes]:
    """The answer to a request with the canary, a streamed one read to its end."""
    answer = await adapter.complete(cleared(body_of(stream=stream)))
    return await read_all(answer.events) if isinstance(answer, Streamed) else answer


async def test_what_arrives_is_what_was_cleared(provider: StandIn, external: OpenAiExternal) -> None:
    """The exact bytes, the operator's key, and no header beyond the list."""
    body = b'{"messages":[{"content":"sp\xc3\xa9cial  \\u00e9","role":"user"}],"model":"gpt-x","unknown":[1.50]}'
    await external.complete(cleared(body))
    (seen,) = provider.requests

    assert body == seen.body
    assert ("POST", "/v1/chat/completions") == (seen.method, seen.path)
    assert {
        "host": f"127.0.0.1:{provider.port}",
        "content-type": "application/json",
        "accept": "application/json, text/event-stream",
        "accept-encoding": "identity",
        "user-agent": "privacy-gateway",
        "authorization": f"Bearer {KEY}",
        "content-length": str(len(body)),
    } == dict(seen.headers)


async def test_an_answer_keeps_its_bytes(provider: StandIn, external: OpenAiExternal) -> None:
    """Unknown fields, spaces and number forms included."""
    raw = b'{ "choices": [], "new_field": {"x": 1.50}, "id":"\\u00e9" }\n'
    provider.script(Raw(raw))

    assert Whole(raw) == await external.complete(cleared(body_of()))


@pytest.mark.parametrize("size", [1, 8, 1000])
async def test_a_streamed_answer_comes_whole_and_in_order(
    provider: StandIn, external: OpenAiExternal, size: int
) -> None:
    """Pieces of any size, and the connection is used again."""
    provider.manner = Manner(prefix="", chunk_characters=size)
    for _ in range(3):
        answer = await external.complete(cleared(body_of("naïve “text”", stream=True)))
        assert isinstance(answer, Streamed)
        assert "naïve “text”" == content_of(await read_all(answer.events))

    assert 1 == provider.connections


async def test_streaming_is_asked_for_by_the_cleared_body_alone(external: OpenAiExternal) -> None:
    """A `stream` somewhere deeper does not count."""
    body = body_of(tools=[{"type": "function", "function": {"name": "f", "parameters": {"stream": True}}}])

    assert isinstance(await external.complete(cleared(body)), Whole)


@pytest.mark.parametrize("status", sorted(CALLERS_BUSINESS))
@pytest.mark.parametrize("stream", [False, True])
async def test_what_speaks_of_the_request_is_passed_on(
    provider: StandIn, external: OpenAiExternal, status: int, stream: bool
) -> None:
    """Status, body as received, and how long to wait."""
    provider.script(Status(status, code="its_code", headers=(("retry-after", "7"),), echo=True))
    answer = await external.complete(cleared(body_of(stream=stream)))

    assert isinstance(answer, Rejected)
    assert (status, 7) == (answer.status, answer.retry_after)
    assert "its_code" == json.loads(answer.body)["error"]["code"]


BROKEN = [
    Status(401, echo=True),
    Status(403, echo=True),
    Status(500, echo=True),
    Status(503),
    Status(307, headers=(("location", "/v1/models"),)),
    Raw(b"", status=204),
    Raw(CANARY.encode(), status=400),
    Raw(b'{"error": "words"}', status=400),
    Raw(b'{"error": {}}', status=400, headers=(("content-encoding", "gzip"),)),
    Raw(b"garbage " + CANARY.encode()),
    Raw(b'["no object"]'),
    Raw(b"{}", headers=(("content-encoding", "gzip"),)),
    Raw(b"[" * 100_000),
    CutOff(),
]


@pytest.mark.parametrize("scene", BROKEN, ids=str)
@pytest.mark.parametrize("stream", [False, True])
async def test_anything_else_is_an_upstream_error_without_a_word(
    provider: StandIn, external: OpenAiExternal, scene: Status | Raw | CutOff, stream: bool
) -> None:
    """One request, no second try, no redirect followed, and an error that holds on to nothing."""
    provider.script(scene)
    with pytest.raises(UpstreamError) as caught:
        await answer_of(external, stream=stream)

    assert ErrorCode.UPSTREAM_ERROR is caught.value.code
    assert CANARY not in everything_about(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    assert 1 == len(provider.requests)


@pytest.mark.parametrize("clean", [False, True])
async def test_a_cut_stream_never_ends_as_if_whole(provider: StandIn, external: OpenAiExternal, clean: bool) -> None:
    """Whether the connection broke or the end mark is just missing."""
    provider.script(CutOff(after_events=2, clean=clean))
    answer = await external.complete(cleared(body_of(stream=True)))
    assert isinstance(answer, Streamed)

    assert b'"role":"assistant"' in await anext(answer.events)
    await anext(answer.events)
    with pytest.raises(UpstreamError):
        await anext(answer.events)


async def test_an_error_inside_a_stream_is_an_event(provider: StandIn, external: OpenAiExternal) -> None:
    """The story decides what becomes of it."""
    error = b'{"error":{"message":"overloaded"}}'
    provider.script(Raw(b"event: error\ndata: " + error + b"\n\ndata: [DONE]\n\n", "text/event-stream"))
    answer = await external.complete(cleared(body_of(stream=True)))
    assert isinstance(answer, Streamed)

    assert [error] == await read_all(answer.events)


async def test_an_answer_beyond_the_limit_is_refused(provider: StandIn) -> None:
    """Memory is bounded, whatever the provider sends."""
    adapter = OpenAiExternal("openai", provider.base_url, KEY, max_answer_bytes=100_000)
    provider.script(Say("x" * 200_000), Say("x" * 50_000))

    with pytest.raises(UpstreamError):
        await adapter.complete(cleared(body_of()))
    assert isinstance(await adapter.complete(cleared(body_of())), Whole)
    await adapter.aclose()


async def test_a_stream_beyond_the_limit_is_cut(provider: StandIn) -> None:
    """What came before it was given on; it never ends as if it were whole."""
    adapter = OpenAiExternal("openai", provider.base_url, KEY, max_answer_bytes=20_000)
    provider.script(Say("x" * 50_000), Say("x" * 10))

    with pytest.raises(UpstreamError):
        await answer_of(adapter, stream=True)
    assert await answer_of(adapter, stream=True)
    await adapter.aclose()


@pytest.mark.parametrize("stream", [False, True])
async def test_a_silent_provider_times_out(provider: StandIn, stream: bool) -> None:
    """Also when it falls silent in the middle of a stream."""
    adapter = OpenAiExternal("openai", provider.base_url, KEY, timeout_s=0.2)
    gate = Gate()
    provider.script(Held(gate, after_events=2 if stream else 0))

    with pytest.raises(UpstreamError) as caught:
        await answer_of(adapter, stream=stream)
    assert ErrorCode.UPSTREAM_TIMEOUT is caught.value.code
    assert await asyncio.to_thread(provider.requests[0].gone.wait, 5)
    gate.release()
    await adapter.aclose()


async def test_nobody_listening_is_an_upstream_error() -> None:
    """A refused connection is told as such."""
    with StandIn() as gone:
        base_url = gone.base_url
    adapter = OpenAiExternal("openai", base_url, KEY)

    with pytest.raises(UpstreamError):
        await adapter.complete(cleared(body_of()))
    await adapter.aclose()


@pytest.mark.parametrize("read_first", [False, True])
async def test_a_caller_that_leaves_a_stream_frees_the_provider(
    provider: StandIn, external: OpenAiExternal, read_first: bool
) -> None:
    """Closing the stream closes the connection, read or not."""
    gate = Gate()
    provider.script(Held(gate, after_events=2))
    answer = await external.complete(cleared(body_of(stream=True)))
    assert isinstance(answer, Streamed)
    if read_first:
        await anext(answer.events)
    await answer.events.aclose()  # type: ignore[attr-defined]

    assert await asyncio.to_thread(provider.requests[0].gone.wait, 5)
    gate.release()


@pytest.mark.parametrize("stream", [False, True])
async def test_a_cancelled_call_frees_the_provider(provider: StandIn, external: OpenAiExternal, stream: bool) -> None:
    """A caller that leaves before the first byte is answered."""
    gate = Gate()
    provider.script(Held(gate))
    call = asyncio.ensure_future(external.complete(cleared(body_of(stream=stream))))
    (seen,) = await asyncio.to_thread(provider.wait_for_requests, 1)
    call.cancel()

    with pytest.raises(asyncio.CancelledError):
        await call
    assert await asyncio.to_thread(seen.gone.wait, 5)
    gate.release()


async def test_a_clearance_for_elsewhere_goes_nowhere(provider: StandIn, external: OpenAiExternal) -> None:
    """Nor does anything that is none."""
    with pytest.raises(ClearanceError):
        await external.complete(cleared(body_of(), destination="other"))
    with pytest.raises(ClearanceError):
        await external.complete(body_of())  # type: ignore[arg-type]
    once = cleared(body_of())
    await external.complete(once)
    with pytest.raises(ClearanceError):
        await external.complete(once)

    assert 1 == len(provider.requests)


async def test_the_environment_changes_nothing(
    provider: StandIn, external: OpenAiExternal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither proxies nor the keys of a netrc file."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    adapter = OpenAiExternal("openai", provider.base_url, "")
    await adapter.complete(cleared(body_of()))
    await adapter.aclose()

    assert "" == provider.requests[0].header("authorization")
    assert isinstance(await external.complete(cleared(body_of())), Whole)


async def test_cookies_are_not_kept(provider: StandIn, external: OpenAiExternal) -> None:
    """What one answer sets, the next request does not carry."""
    provider.script(Raw(b"{}", headers=(("set-cookie", "who=me; Path=/"),)))
    await external.complete(cleared(body_of()))
    await external.complete(cleared(body_of()))

    assert "" == provider.requests[1].header("cookie")


@pytest.mark.parametrize(
    "base_url",
    [
        "http://api.example.com/v1",
        "http://10.0.0.5/v1",
        "https://user:secret@api.example.com/v1",
        "https://api.example.com/v1?x=1",
        "https://api.example.com/v1#x",
        "ftp://api.example.com",
        "api.example.com/v1",
        "https://",
        "http://127.0.0.1.example.com",
    ],
)
def test_a_base_url_that_may_not_be_used_is_refused(base_url: str) -> None:
    """Plain http leaves the machine only where the configuration says so."""
    with pytest.raises(ValueError, match="base_url"):
        OpenAiExternal("openai", base_url, KEY)


@pytest.mark.parametrize("base_url", ["https://api.example.com/v1/", "http://localhost:1/v1", "http://[::1]:1"])
async def test_a_base_url_that_may_be_used(base_url: str) -> None:
    """Encrypted anywhere, plain on this machine."""
    await OpenAiExternal("openai", base_url, KEY).aclose()


async def test_http_elsewhere_where_the_configuration_says_so() -> None:
    """`allow_http` is a decision of the operator."""
    await OpenAiExternal("openai", "http://api.example.com/v1", KEY, allow_http=True).aclose()


async def test_health_is_whether_a_key_is_set() -> None:
    """Nothing is sent to find out."""
    keyed = OpenAiExternal("openai", "https://api.example.com/v1", KEY)
    bare = OpenAiExternal("openai", "https://api.example.com/v1", "")

    assert (await keyed.health()).ok
    assert not (await bare.health()).ok
    await keyed.aclose()
    await bare.aclose()


def every_exception() -> list[type[Exception]]:
    """Every exception class that httpx exports."""
    exported = [getattr(httpx, name) for name in httpx.__all__]
    return [kind for kind in exported if isinstance(kind, type) and issubclass(kind, Exception)]


@pytest.mark.parametrize("kind", every_exception())
def test_the_exception_map_is_total(kind: type[Exception]) -> None:
    """Every exception of httpx has its name here, and only timeouts are timeouts."""
    expected = ErrorCode.UPSTREAM_TIMEOUT if "Timeout" in kind.__name__ else ErrorCode.UPSTREAM_ERROR

    assert expected is code_of(kind.__new__(kind))


@pytest.mark.parametrize("kind", [*every_exception(), RuntimeError, OSError, ValueError])
async def test_no_exception_comes_through(
    external: OpenAiExternal, kind: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the client raises, with whatever words, becomes ours without them."""
    raised = kind.__new__(kind, CANARY)
    raised.args = (CANARY,)

    async def send(*_: object, **__: object) -> httpx.Response:
        raise raised

    monkeypatch.setattr(external._transport, "handle_async_request", send)
    with pytest.raises(UpstreamError) as caught:
        await external.complete(cleared(body_of()))
    assert CANARY not in everything_about(caught.value)


@given(st.text())
def test_any_retry_after_is_read(value: str) -> None:
    """Nonsense is none, and nobody is told to wait for more than a day."""
    assert 0 <= retry_after(value, time.time()) <= 86_400


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("7", 7), ("0.2", 1), ("-3", 0), ("", 0), ("inf", 0), ("nan", 0), ("Thu, 01 Jan 1970 00:01:40 GMT", 90)],
)
def test_retry_after_in_its_forms(value: str, seconds: int) -> None:
    """Seconds or a date, rounded up."""
    assert seconds == retry_after(value, 10.0)
