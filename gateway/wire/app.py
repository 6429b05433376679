"""The HTTP application: which endpoints exist, and what happens at the very edge.

Unknown endpoints are answered with 404 and never forwarded. The outermost layer gives every response an `x-request-id`,
logs one line without any text of the request, and turns whatever nobody expected into a constant 500.
"""

from __future__ import annotations

import functools
import logging
import secrets
import time
import traceback
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Lifespan, Message, Receive, Scope, Send

from gateway.domain.conversation import Operation
from gateway.domain.errors import CallerError, ErrorCode, GatewayError, GatewayFault
from gateway.pipeline.ports import PolicySource
from gateway.wire.auth import Authenticator
from gateway.wire.coverage import coverage_response
from gateway.wire.endpoint import Endpoint
from gateway.wire.errors import error_response
from gateway.wire.health import HealthCheck, alive, readiness
from gateway.wire.models import ModelNames, model_response, models_response
from gateway.wire.openapi import openapi_response
from gateway.wire.unserved import unserved_response
from gateway.wire.voice import voice_at

_LOG = logging.getLogger("gateway.access")
Handler = Callable[[Request], Awaitable[ASGIApp]]

PATHS: Mapping[str, Operation] = {
    "/v1/chat/completions": Operation.CHAT,
    "/v1/responses": Operation.RESPONSES,
    "/v1/responses/input_tokens": Operation.INPUT_TOKENS,
    "/v1/completions": Operation.COMPLETIONS,
    "/v1/embeddings": Operation.EMBEDDINGS,
    "/v1/moderations": Operation.MODERATIONS,
    "/v1/messages": Operation.MESSAGES,
}
"""The operations that take a body, by their paths."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What the application is made of."""

    endpoint: Endpoint
    auth: Authenticator
    policies: PolicySource
    models: ModelNames
    health: Mapping[str, HealthCheck]
    metrics: Callable[[], Awaitable[bytes]]
    mounted: Mapping[str, ASGIApp] = field(default_factory=dict)
    """Applications of their own below a path, such as `/console`."""


def create_app(parts: Parts, lifespan: Lifespan[FastAPI]) -> ASGIApp:
    """The application."""
    app = FastAPI(lifespan=lifespan, openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    routes = _routes(parts)
    for path, (method, handler) in routes.items():
        app.add_route(path, handler, methods=[method])  # type: ignore[arg-type]  # any ASGI response will do
    for path, mounted in parts.mounted.items():
        app.add_route(path, functools.partial(_into, path), methods=["GET"])
        app.mount(path, mounted)
    app.add_exception_handler(GatewayError, _on_gateway_error)
    app.add_exception_handler(404, _on_unknown_endpoint)
    app.add_exception_handler(405, _on_wrong_method)
    app.add_exception_handler(Exception, _on_gateway_error)  # else the framework answers in plain text
    return Edge(app, frozenset(routes), tuple(parts.mounted))


def _routes(parts: Parts) -> dict[str, tuple[str, Handler]]:
    async def models(request: Request) -> ASGIApp:
        await parts.auth.principal(request.headers)
        return models_response(await parts.models())

    async def model(request: Request) -> ASGIApp:
        await parts.auth.principal(request.headers)
        return model_response(await parts.models(), request.path_params["model"])

    async def coverage(request: Request) -> ASGIApp:
        await parts.auth.principal(request.headers)
        return coverage_response()

    async def openapi(request: Request) -> ASGIApp:
        await parts.auth.principal(request.headers)
        return openapi_response()

    async def healthz(_: Request) -> ASGIApp:
        return alive()

    async def readyz(_: Request) -> ASGIApp:
        bundle = parts.policies.current()
        return await readiness(parts.health, {"policy": {"revision": bundle.revision, "digest": bundle.digest}})

    async def metrics(_: Request) -> ASGIApp:
        return Response(await parts.metrics(), media_type="text/plain; version=0.0.4; charset=utf-8")

    return {
        **{path: ("POST", functools.partial(parts.endpoint.serve, op)) for path, op in PATHS.items()},
        "/v1/models": ("GET", models),
        "/v1/models/{model:path}": ("GET", model),
        "/v1/gateway/coverage": ("GET", coverage),
        "/v1/gateway/openapi.json": ("GET", openapi),
        "/healthz": ("GET", healthz),
        "/readyz": ("GET", readyz),
        "/metrics": ("GET", metrics),
    }


async def _into(path: str, _: Request) -> Response:
    return RedirectResponse(f"{path}/", 303)


async def _on_gateway_error(request: Request, error: Exception) -> Response:
    told = error if isinstance(error, GatewayError) else GatewayFault(ErrorCode.INTERNAL_ERROR)
    return error_response(told, {}, voice_at(request.url.path))


async def _on_unknown_endpoint(request: Request, error: Exception) -> Response:
    del error
    return unserved_response(request.url.path)


async def _on_wrong_method(request: Request, error: Exception) -> Response:
    allowed = getattr(error, "headers", None) or {}
    response = error_response(CallerError(ErrorCode.METHOD_NOT_ALLOWED), {}, voice_at(request.url.path))
    response.headers["allow"] = allowed.get("Allow", "POST")
    return response


class Edge:
    """The outermost layer of every request. `paths` may be logged, and below one of `mounted` that name; any other path
    is the caller's own text."""

    def __init__(self, app: ASGIApp, paths: frozenset[str], mounted: Sequence[str] = ()) -> None:
        self._app = app
        self._paths = paths
        self._mounted = mounted

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection event."""
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        telling = _Telling(send, f"req_{secrets.token_hex(12)}")
        try:
            await self._app(scope, receive, telling)
        except Exception as error:  # noqa: BLE001 - the wire's last resort: whatever nobody expected refuses
            telling.fault = _where(error)
            if not telling.started:
                response = error_response(GatewayFault(ErrorCode.INTERNAL_ERROR), {}, voice_at(scope["path"]))
                await response(scope, receive, telling)
        finally:
            telling.log(self._named(scope["path"]))

    def _named(self, path: str) -> str:
        below = next((each for each in self._mounted if path == each or path.startswith(f"{each}/")), "unknown")
        return path if path in self._paths else below


class _Telling:
    """Sends on, adds the request id, and remembers what the log line needs."""

    def __init__(self, send: Send, request_id: str) -> None:
        self._send = send
        self._id = request_id
        self._began = time.monotonic()
        self._status = 0
        self._decision = ""
        self.fault = ""

    @property
    def started(self) -> bool:
        """Whether the response has begun, so that nothing but cutting it short is left."""
        return self._status != 0

    async def __call__(self, message: Message) -> None:
        """Send one message."""
        if message["type"] == "http.response.start":
            self._status = message["status"]
            headers = list(message.get("headers", []))
            self._decision = next((v.decode() for n, v in headers if n == b"x-gateway-decision-id"), "")
            told = [(name, self._id.encode()) for name in (b"x-request-id", b"request-id")]  # OpenAI's, Anthropic's
            message = {**message, "headers": [*headers, *told]}
        await self._send(message)

    def log(self, endpoint: str) -> None:
        """One line: no path that a caller chose, no header, no body."""
        line = {
            "request_id": self._id,
            "endpoint": endpoint,
            "status": self._status,
            "milliseconds": round((time.monotonic() - self._began) * 1000, 1),
            "decision": self._decision,
        }
        if self.fault:
            _LOG.error("fault", extra={"fields": {**line, "fault": self.fault}})
        else:
            _LOG.info("request", extra={"fields": line})


def _where(error: Exception) -> str:
    """The type of a fault and the line that raised it: never its message, which may hold text."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"{type(error).__name__} at {frames[-1].filename}:{frames[-1].lineno}" if frames else type(error).__name__
