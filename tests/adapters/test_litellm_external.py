"""The door out through litellm: one request to one origin, built field by field, and none of litellm's words."""

from __future__ import annotations

import asyncio
import inspect
import json
import logging
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from types import ModuleType

import httpx
import pytest

from gateway.adapters import litellm_external
from gateway.adapters.litellm_dialect import OTHER_WAYS
from gateway.adapters.litellm_external import LitellmExternal, OneWay
from gateway.adapters.litellm_quiet import NotQuiet, load_quiet
from gateway.domain.clearance import ClearanceError
from gateway.domain.errors import ErrorCode, UpstreamError
from gateway.domain.strict_json import Json
from gateway.pipeline.ports import ExternalAnswer, Rejected, Streamed, Whole
from gateway.testing.stand_in import CutOff, Gate, Held, Manner, Raw, Say, StandIn, Status
from tests.adapters.clearing import CANARY, body_of, cleared, content_of, everything_about, read_all

pytestmark = pytest.mark.filterwarnings("ignore:Item .* on TypedDict class:UserWarning")  # litellm's own types

KEY = "sk-operator"
ARGUMENTS = {"type": "object", "properties": {"text": {"type": "string"}}}
TOOL = {"type": "function", "function": {"name": "look_up", "parameters": ARGUMENTS}}


@pytest.fixture
def provider() -> Iterator[StandIn]:
    """The stand-in provider."""
    with StandIn(manner=Manner(prefix="")) as running:
        yield running


@pytest.fixture(scope="module")
def litellm() -> ModuleType:
    """The library, loaded once."""
    return load_quiet()  # type: ignore[return-value]


@pytest.fixture(params=["anthropic", "mistral"])
async def external(
    request: pytest.FixtureRequest, provider: StandIn, litellm: ModuleType
) -> AsyncIterator[LitellmExternal]:
    """A provider with a dialect of its own, and one that speaks OpenAI's."""
    base_url = provider.base_url.removesuffix("/v1") if request.param == "anthropic" else provider.base_url
    adapter = LitellmExternal("openai", request.param, KEY, base_url=base_url, timeout_s=5.0)
    yield adapter
    await adapter.aclose()


@pytest.fixture
async def anthropic(provider: StandIn, litellm: ModuleType) -> AsyncIterator[LitellmExternal]:
    """Only the one with a dialect of its own."""
    adapter = LitellmExternal("openai", "anthropic", KEY, base_url=provider.base_url.removesuffix("/v1"), timeout_s=5.0)
    yield adapter
    await adapter.aclose()


async def answer_of(adapter: LitellmExternal, *, stream: bool) -> ExternalAnswer | list[bytes]:
    """The answer to a request with the canary, a streamed one read to its end."""
    answer = await adapter.complete(cleared(body_of(stream=stream)))
    return await read_all(answer.events) if isinstance(answer, Streamed) else answer


async def collect(events: AsyncIterator[bytes], into: list[bytes]) -> None:
    """Keep what comes, also when the stream breaks."""
    async for event in events:
        into.append(event)  # noqa: PERF401 - what came before an exception stays


def run(code: str) -> None:
    """Run some lines in a process of their own."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert 0 == done.returncode, done.stderr


def test_it_is_not_imported_before_it_is_needed() -> None:
    """A gateway without such a destination pays neither its time nor its memory."""
    run("import sys, gateway.adapters.litellm_external; assert 'litellm' not in sys.modules")


def test_its_import_reaches_nothing() -> None:
    """No connection, no look-up, whatever the environment says."""
    run(
        "import os, socket\n"
        "os.environ['LITELLM_LOCAL_MODEL_COST_MAP'] = 'False'\n"
        "def refuse(*a, **k): os._exit(3)\n"
        "socket.socket.connect = socket.socket.connect_ex = socket.socket.sendto = refuse\n"
        "socket.getaddrinfo = socket.gethostbyname = refuse\n"
        "from gateway.adapters.litellm_quiet import check_quiet, load_quiet\n"
        "check_quiet(load_quiet())\n"
    )


async def test_what_leaves_is_built(provider: StandIn, anthropic: LitellmExternal) -> None:
    """The text, the operator's key, and nothing else that could tell of the caller."""
    body = body_of(f"é {CANARY}", temperature=0.5, stop=["x"], store=False)
    await anthropic.complete(cleared(body))
    (seen,) = provider.requests

    assert "/v1/messages" == seen.path
    assert {
        "model": "gpt-x",
        "messages": [{"role": "user", "content": [{"type": "text", "text": f"é {CANARY}"}]}],
        "temperature": 0.5,
        "stop_sequences": ["x"],
        "max_tokens": 4096,
    } == json.loads(seen.body)
    names = ["accept", "accept-encoding", "anthropic-version", "connection", "content-length", "content-type", "host"]
    assert [*names, "user-agent", "x-api-key"] == sorted(name for name, _ in seen.headers)
    assert (KEY, "privacy-gateway") == (seen.header("x-api-key"), seen.header("user-agent"))


async def test_an_answer_comes_in_openais_dialect(external: LitellmExternal) -> None:
    """With usage, and without litellm's own fields."""
    answer = await external.complete(cleared(body_of("one two")))
    assert isinstance(answer, Whole)
    completion = json.loads(answer.body)
    (choice,) = completion["choices"]

    assert {"id", "object", "created", "model", "choices", "usage"} == set(completion)
    assert ("chat.completion", "gpt-x") == (completion["object"], completion["model"])
    assert {"role": "assistant", "content": "one two"} == choice["message"]
    assert "stop" == choice["finish_reason"]
    assert completion["usage"]["total_tokens"] > 0


@pytest.mark.parametrize("size", [1, 1000])
async def test_a_streamed_answer_comes_whole(provider: StandIn, external: LitellmExternal, size: int) -> None:
    """In order, with one ending and the usage last."""
    provider.manner = Manner(prefix="", chunk_characters=size)
    answer = await external.complete(
        cleared(body_of("naïve “text”", stream=True, stream_options={"include_usage": True}))
    )
    assert isinstance(answer, Streamed)
    events = await read_all(answer.events)
    chunks = [json.loads(event) for event in events]
    endings = [choice["finish_reason"] for chunk in chunks for choice in chunk["choices"] if choice["finish_reason"]]

    assert "naïve “text”" == content_of(events)
    assert ["stop"] == endings
    assert ([], True) == (chunks[-1]["choices"], chunks[-1]["usage"]["total_tokens"] > 0)


@pytest.mark.parametrize("stream", [False, True])
async def test_tools_are_translated(external: LitellmExternal, stream: bool) -> None:
    """There and back."""
    answer = await external.complete(cleared(body_of("find it", tools=[TOOL], stream=stream)))
    if isinstance(answer, Streamed):
        deltas = [c["delta"] for event in await read_all(answer.events) for c in json.loads(event)["choices"]]
        calls = [call["function"] for delta in deltas for call in delta.get("tool_calls", [])]
    else:
        assert isinstance(answer, Whole)
        calls = [call["function"] for call in json.loads(answer.body)["choices"][0]["message"]["tool_calls"]]

    assert "look_up" == calls[0]["name"]
    assert {"text": "find it"} == json.loads("".join(call["arguments"] for call in calls))


UNSUPPORTED: list[dict[str, object]] = [
    {"api_base": "http://127.0.0.1:9"},
    {"api_key": "x"},
    {"mock_response": "x"},
    {"fallbacks": ["x"]},
    {"extra_headers": {"x": "y"}},
    {"metadata": {"x": "y"}},
    {"store": True},
    {"model": "claude-replicate"},
    {"model": "Clarifai/x"},
    {"model": 3},
    {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "http://127.0.0.1:9/x"}}]}]},
    {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": "file:///etc/passwd"}]}]},
    {"messages": [{"role": "user", "content": [{"type": "file", "file": {"file_data": "https://evil.test/x"}}]}]},
    {"messages": [{"role": "user", "content": [{"type": "file", "file": {"file_id": " HTTPS://evil.test/x"}}]}]},
    {"messages": [{"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": "gs://evil/x"}}]}]},
    {"model": "claude-x/../../v1/files"},
    {"model": "claude-x//evil"},
]


@pytest.mark.parametrize("more", UNSUPPORTED, ids=lambda more: next(iter(more)))
async def test_what_does_not_go_through_is_said(
    provider: StandIn, anthropic: LitellmExternal, more: dict[str, object]
) -> None:
    """No field reaches litellm that is not on the list, and it fetches nothing and switches no provider."""
    answer = await anthropic.complete(cleared(json.dumps({**json.loads(body_of()), **more}).encode()))

    assert isinstance(answer, Rejected)
    assert (400, next(iter(more))) == (answer.status, json.loads(answer.body)["error"]["param"])
    assert CANARY.encode() not in answer.body
    assert [] == provider.requests


async def test_what_the_provider_cannot_do_is_said(provider: StandIn, anthropic: LitellmExternal) -> None:
    """By litellm's own list; nothing is dropped in silence."""
    answer = await anthropic.complete(cleared(body_of(seed=1)))

    assert isinstance(answer, Rejected)
    assert "unsupported_by_provider" == json.loads(answer.body)["error"]["code"]
    assert CANARY.encode() not in answer.body
    assert [] == provider.requests


@pytest.mark.parametrize(
    "message",
    [
        {"role": "system", "content": None},
        {"role": "user", "content": None},
        {"role": "tool", "content": CANARY},
        {"role": "assistant", "content": CANARY, "tool_calls": [{"type": "function"}]},
    ],
)
async def test_a_request_that_cannot_be_translated_is_the_callers(
    provider: StandIn, anthropic: LitellmExternal, message: dict[str, Json]
) -> None:
    """It was never sent, so no provider failed."""
    answer = await anthropic.complete(cleared(body_of(messages=[message, {"role": "user", "content": "hello"}])))

    assert isinstance(answer, Rejected)
    assert (400, "unsupported_by_provider") == (answer.status, json.loads(answer.body)["error"]["code"])
    assert CANARY.encode() not in answer.body
    assert [] == provider.requests


@pytest.mark.parametrize("stream", [False, True])
async def test_what_speaks_of_the_request_is_passed_on(
    provider: StandIn, external: LitellmExternal, stream: bool
) -> None:
    """In OpenAI's error body, with the waiting time."""
    provider.script(Status(429, headers=(("retry-after", "7"),), echo=True))
    answer = await external.complete(cleared(body_of(stream=stream)))

    assert isinstance(answer, Rejected)
    assert (429, 7) == (answer.status, answer.retry_after)
    assert CANARY in json.loads(answer.body)["error"]["message"]


BROKEN = [
    Status(401, echo=True),
    Status(403, echo=True),
    Status(500, echo=True),
    Status(529, echo=True),
    Status(307, headers=(("location", "/v1/elsewhere"),)),
    Raw(CANARY.encode(), status=400),
    Raw(b"garbage " + CANARY.encode()),
    Raw(b"{}"),
    Raw(b"{}", headers=(("content-encoding", "gzip"),)),
    CutOff(after_events=0),
    CutOff(after_events=3),
]


@pytest.mark.parametrize("scene", BROKEN, ids=str)
@pytest.mark.parametrize("stream", [False, True])
async def test_anything_else_is_an_upstream_error_without_a_word(
    provider: StandIn,
    external: LitellmExternal,
    scene: Status | Raw | CutOff,
    stream: bool,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """One request and no second one, no redirect, no log line or print, and an error that holds on to nothing."""
    provider.script(scene)
    with caplog.at_level(logging.DEBUG), pytest.raises(UpstreamError) as caught:
        await answer_of(external, stream=stream)

    assert ErrorCode.UPSTREAM_ERROR is caught.value.code
    assert CANARY not in everything_about(caught.value)
    assert CANARY not in caplog.text + "".join(capfd.readouterr())
    assert 1 == len(provider.requests)


@pytest.mark.parametrize("after", [1, 3, 5])
async def test_a_clean_cut_never_ends_as_if_whole(provider: StandIn, external: LitellmExternal, after: int) -> None:
    """The ending that litellm would make up is held back."""
    provider.script(CutOff(after_events=after, clean=True))
    answer = await external.complete(cleared(body_of("a long enough text", stream=True)))
    assert isinstance(answer, Streamed)
    events: list[bytes] = []
    with pytest.raises(UpstreamError):
        await collect(answer.events, events)

    assert not any(choice["finish_reason"] for event in events for choice in json.loads(event)["choices"])


@pytest.mark.parametrize("stream", [False, True])
async def test_a_silent_provider_times_out(provider: StandIn, stream: bool, litellm: ModuleType) -> None:
    """Also in the middle of a stream, and the connection is closed."""
    adapter = LitellmExternal("openai", "anthropic", KEY, base_url=provider.base_url.removesuffix("/v1"), timeout_s=0.3)
    await adapter.start()
    gate = Gate()
    provider.script(Held(gate, after_events=3 if stream else 0))

    with pytest.raises(UpstreamError) as caught:
        await answer_of(adapter, stream=stream)
    assert ErrorCode.UPSTREAM_TIMEOUT is caught.value.code
    assert await asyncio.to_thread(provider.requests[0].gone.wait, 5)
    gate.release()
    await adapter.aclose()


async def test_a_caller_that_leaves_frees_the_provider(provider: StandIn, external: LitellmExternal) -> None:
    """From a stream, read or not, and from a call without an answer."""
    await external.start()
    gate = Gate()
    provider.script(Held(gate, after_events=3), Held(gate))
    answer = await external.complete(cleared(body_of("a long enough text", stream=True)))
    assert isinstance(answer, Streamed)
    await answer.events.aclose()  # type: ignore[attr-defined]
    call = asyncio.ensure_future(external.complete(cleared(body_of())))
    seen = await asyncio.to_thread(provider.wait_for_requests, 2)
    call.cancel()

    for one in seen:
        assert await asyncio.to_thread(one.gone.wait, 5)
    gate.release()


async def test_an_endless_answer_is_refused(
    provider: StandIn, anthropic: LitellmExternal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Memory is bounded, whatever the provider sends."""
    monkeypatch.setattr(litellm_external, "MAX_ANSWER_BYTES", 50_000)
    provider.script(Say("x" * 100_000))

    with pytest.raises(UpstreamError):
        await anthropic.complete(cleared(body_of()))


async def test_a_clearance_for_elsewhere_goes_nowhere(provider: StandIn, anthropic: LitellmExternal) -> None:
    """Nor does anything that is none."""
    with pytest.raises(ClearanceError):
        await anthropic.complete(cleared(body_of(), destination="other"))
    with pytest.raises(ClearanceError):
        await anthropic.complete(body_of())  # type: ignore[arg-type]

    assert [] == provider.requests


async def test_a_listener_added_later_stops_everything(
    provider: StandIn, anthropic: LitellmExternal, litellm: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Quiet is asserted before each request, not only at start."""
    await anthropic.complete(cleared(body_of()))
    monkeypatch.setattr(litellm, "success_callback", ["langfuse"])
    with pytest.raises(UpstreamError):
        await anthropic.complete(cleared(body_of()))

    assert 1 == len(provider.requests)


def exceptions_of(litellm: ModuleType) -> list[type[Exception]]:
    """Every exception class that litellm defines, and some of Python's."""
    defined = [kind for _, kind in inspect.getmembers(litellm.exceptions, inspect.isclass)]
    return [kind for kind in defined if issubclass(kind, Exception)] + [RuntimeError, OSError, ValueError]


async def test_the_exception_map_is_total(
    provider: StandIn, anthropic: LitellmExternal, litellm: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever litellm raises, with whatever words, before or within a stream."""
    kinds = exceptions_of(litellm)
    assert len(kinds) > 20
    await anthropic.start()
    for kind in kinds:
        raised = kind.__new__(kind)
        raised.args = (CANARY,)
        vars(raised)["message"] = CANARY

        async def acompletion(raised: Exception = raised, **_: object) -> object:
            raise raised

        monkeypatch.setattr(litellm, "acompletion", acompletion)
        if kind.__name__ in {"UnsupportedParamsError", "BadRequestError", "APIConnectionError"}:
            answer = await anthropic.complete(cleared(body_of()))
            assert isinstance(answer, Rejected)
            assert CANARY.encode() not in answer.body
            continue
        with pytest.raises(UpstreamError) as caught:
            await anthropic.complete(cleared(body_of()))
        assert CANARY not in everything_about(caught.value)
    assert [] == provider.requests


@pytest.mark.parametrize("name", ["openai", "replicate", "clarifai"])
async def test_a_provider_that_goes_its_own_way_is_refused_at_start(name: str, litellm: ModuleType) -> None:
    """Its requests could not be held to one origin and one try."""
    adapter = LitellmExternal("openai", name, KEY, base_url="http://127.0.0.1:9")

    with pytest.raises(NotQuiet):
        await adapter.start()
    with pytest.raises(UpstreamError):
        await adapter.complete(cleared(body_of()))
    await adapter.aclose()


async def test_the_environment_names_no_origin(litellm: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """An origin that is not in the configuration is refused, and proxies are not asked."""
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "https://elsewhere.example.com")
    adapter = LitellmExternal("openai", "anthropic", KEY)

    with pytest.raises(NotQuiet):
        await adapter.start()
    await adapter.aclose()


async def test_the_providers_own_origin_is_learnt_without_a_connection(litellm: ModuleType) -> None:
    """The suite's socket guard would fail this otherwise."""
    adapter = LitellmExternal("openai", "anthropic", KEY)
    await adapter.start()

    assert "https://api.anthropic.com" == adapter._origin
    assert (await adapter.health()).ok
    await adapter.aclose()


async def test_without_a_key_it_is_not_configured() -> None:
    """As its health says."""
    adapter = LitellmExternal("openai", "anthropic", "")

    assert not (await adapter.health()).ok
    await adapter.aclose()


def test_a_base_url_is_encrypted() -> None:
    """Or on this machine."""
    with pytest.raises(ValueError, match="base_url"):
        LitellmExternal("openai", "anthropic", KEY, base_url="http://api.example.com")


def one_way(origin: str) -> tuple[OneWay, httpx.AsyncClient, list[str]]:
    """A connection for one request, a client on it, and what got through."""
    passed: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        passed.append(str(request.url))
        return httpx.Response(200, json={})

    way = OneWay(httpx.MockTransport(answer), origin, 1.0)
    return way, httpx.AsyncClient(transport=way), passed


async def test_one_way_carries_one_request() -> None:
    """The second is refused before it is sent."""
    way, client, passed = one_way("https://a.example.com")
    async with client:
        await client.get("https://a.example.com/1")
        with pytest.raises(httpx.ConnectError):
            await client.get("https://a.example.com/2")

    assert ["https://a.example.com/1"] == passed
    assert 200 == way.status


@pytest.mark.parametrize("url", ["https://b.example.com", "http://a.example.com", "https://a.example.com:444"])
async def test_one_way_goes_to_one_origin(url: str) -> None:
    """Scheme, host and port."""
    _, client, passed = one_way("https://a.example.com")
    async with client:
        with pytest.raises(httpx.ConnectError):
            await client.get(url)

    assert [] == passed


def test_the_ways_around_a_providers_name_are_all_known(litellm: ModuleType) -> None:
    """Where litellm picks another provider by the model's name alone. A new place in a new release fails here."""
    source = inspect.getsource(sys.modules["litellm.main"].completion)

    assert set(OTHER_WAYS) == set(re.findall(r'"(\w+)" in model\b', source))
    by_list = set(re.findall(r"\bmodel in litellm\.(\w+)", source)) - {
        "open_ai_chat_completion_models",
        "model_alias_map",
    }
    assert set(litellm_external._OTHER_WAYS_BY_LIST) == by_list
