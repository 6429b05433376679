"""Every suite here runs twice: against the stand-in provider directly, and through a gateway in front of it."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import openai
import pytest

from gateway.testing.stand_in import StandIn
from tests.conformance.calling import opened
from tests.conformance.house import PROVIDER_KEY, Side, gateway_for, stand_in

_EMPTY = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


@pytest.fixture(scope="session")
def provider() -> Iterator[StandIn]:
    """The stand-in provider behind both sides."""
    with stand_in() as running:
        yield running


@pytest.fixture(scope="session")
def through_gateway(tmp_path_factory: pytest.TempPathFactory, provider: StandIn) -> Iterator[Side]:
    """The gateway, started once."""
    with gateway_for(tmp_path_factory.mktemp("conformance"), provider) as side:
        yield side


@pytest.fixture(params=["direct", "gateway"])
def side(request: pytest.FixtureRequest, provider: StandIn) -> Iterator[Side]:
    """Where the client under test is pointed. A scene that was not played does not reach the next test."""
    if request.param == "direct":
        yield Side("direct", provider.base_url, PROVIDER_KEY, provider)
    else:
        yield request.getfixturevalue("through_gateway")
    provider.unscript()


@pytest.fixture(params=["sync", "async"])
async def sdk(request: pytest.FixtureRequest, side: Side) -> AsyncIterator[Any]:
    """The openai SDK, pointed at this side, without retries."""
    kind = openai.OpenAI if request.param == "sync" else openai.AsyncOpenAI
    async with opened(kind(base_url=side.base_url, api_key=side.key, max_retries=0, timeout=30)) as client:
        yield client


@pytest.fixture(autouse=True)
def _offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tokenizers come from the file that litellm bundles; nothing is reported anywhere."""
    found = find_spec("litellm")  # importing it here would be too early for the gateway, which silences it first
    assert found is not None
    assert found.origin is not None
    bundled = Path(found.origin).parent / "litellm_core_utils" / "tokenizers"
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(bundled))
    monkeypatch.setenv("LANGSMITH_TRACING", "false")
    monkeypatch.setenv("LANGCHAIN_TRACING_V2", "false")


@pytest.fixture(autouse=True)
def _no_certificates(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing here speaks TLS, and each of many hundred clients would read all certificates first."""
    monkeypatch.setattr(ssl, "create_default_context", lambda *_, **__: _EMPTY)


@pytest.fixture
def benchmark(benchmark: Any) -> Any:
    """What LangChain's suite measures is done once and not measured: nothing of it is compared."""
    benchmark.disabled = True
    return benchmark
