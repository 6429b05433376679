"""The application over fakes, for the tests of the wire."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field

import httpx
from fastapi import FastAPI
from starlette.types import ASGIApp, Message, Scope

from gateway.adapters.limits_store import MEMORY, LimitsStore, StoreOptions
from gateway.adapters.prometheus_metrics import PrometheusMetrics
from gateway.domain.policy import Bundle
from gateway.pipeline.limiting import Limiter, Quotas
from gateway.pipeline.ports import Health, Principal, UnknownKey
from gateway.testing.playbook import Playbook
from gateway.wire.app import Parts, create_app
from gateway.wire.auth import Authenticator
from gateway.wire.endpoint import Endpoint, Limits
from gateway.wire.health import HealthCheck
from tests.domain.build import bundle
from tests.pipeline.test_story import FixedPolicies, Stage

KEY = "gw-key-1"
WHO = Principal("k1", "test", "acme", "app")
LIMITS = Limits(body=4096, body_seconds=5.0, in_flight=2)


class OneKey:
    """A key store with one key. Keeps what it was asked for."""

    def __init__(self) -> None:
        self.presented: list[str] = []

    async def find(self, presented: str) -> Principal | UnknownKey:
        """The principal of the one key."""
        self.presented.append(presented)
        return WHO if presented == KEY else UnknownKey()


async def _names() -> tuple[str, ...]:
    return ("local/*", "gpt-*")


async def _up() -> bytes:
    return b"up 1\n"


async def well() -> Health:
    """A part without a fault."""
    return Health(ok=True, detail="")


def limiter(quotas: Quotas) -> Limiter:
    """The real limiter with counts in memory."""
    return Limiter(quotas, LimitsStore(StoreOptions(url=MEMORY, password="", timeout_s=5.0)), PrometheusMetrics())


@dataclass
class Front:
    """An application and the fakes behind it."""

    stage: Stage = field(default_factory=lambda: Stage(Playbook()))
    keys: OneKey = field(default_factory=OneKey)
    limits: Limits = LIMITS
    limiter: Limiter = field(default_factory=lambda: limiter(Quotas()))
    health: Mapping[str, HealthCheck] = field(default_factory=lambda: {"ledger": well})
    metrics: Callable[[], Awaitable[bytes]] = _up
    bundle: Bundle = field(default_factory=bundle)

    def __post_init__(self) -> None:
        auth = Authenticator(self.keys, required=True)
        self.app: ASGIApp = create_app(
            Parts(
                endpoint=Endpoint(self.stage.pipeline, auth, self.limits, self.limiter),
                auth=auth,
                policies=FixedPolicies(self.bundle),
                models=_names,
                health=self.health,
                metrics=self.metrics,
            ),
            _no_lifespan,
        )

    def client(self, **headers: str) -> httpx.AsyncClient:
        """A client with the key, unless the headers say another."""
        # `raise_app_exceptions` off: a server would answer, and so does this transport
        transport = httpx.ASGITransport(app=self.app, raise_app_exceptions=False)
        with_key = {"authorization": f"Bearer {KEY}", **headers}
        return httpx.AsyncClient(transport=transport, base_url="http://gateway.test", headers=with_key)

    @staticmethod
    def scope(method: str, path: str) -> Scope:
        """What a server says of a request with the key."""
        headers = [(b"authorization", f"Bearer {KEY}".encode()), (b"content-type", b"application/json")]
        asked = {"type": "http", "method": method, "path": path, "query_string": b"", "headers": headers}
        return {**asked, "asgi": {"version": "3.0"}, "http_version": "1.1", "scheme": "http", "root_path": ""}

    @staticmethod
    async def nothing_more() -> Message:
        """A caller that stays and says nothing."""
        await asyncio.Event().wait()
        raise AssertionError


@contextlib.asynccontextmanager
async def _no_lifespan(_: FastAPI) -> AsyncGenerator[None]:
    yield
