"""The egress over HTTP: one way in, for what a gateway sealed, and three that say how it is.

    POST /v1/clearances    the seal in a header, the sealed bytes as the body; the answer comes back in frames
    GET  /healthz, /readyz, /metrics

A refusal is 403 with its code, and what cannot be known now is 503: nothing was sent either way.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol, assert_never

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.domain.errors import CallerError, ErrorCode, GatewayError, GatewayFault, UpstreamError
from gateway.domain.sealed import HEADER, PATH, Frame, Sealed, SealRefused, framed
from gateway.domain.strict_json import dump_json
from gateway.pipeline.egress import Egress
from gateway.pipeline.ports import ExternalAnswer, Rejected, Streamed, Whole
from gateway.pipeline.streaming import close
from gateway.wire.health import HealthCheck, alive, readiness
from gateway.wire.leaving import send_unless_gone, unless_gone
from gateway.wire.limits import Holding

_LOG = logging.getLogger("gateway.egress")
FRAMES = "application/x-gateway-answer"


class OpenCount(Protocol):
    """Tells how many requests are open."""

    def set(self, value: float) -> None:
        """So many."""
        ...


@dataclass(frozen=True, slots=True)
class EgressParts:
    """What the application is made of. `body_seconds` bounds the wait for a body, `in_flight` the open requests."""

    egress: Egress
    health: Mapping[str, HealthCheck]
    metrics: Callable[[], bytes]
    open_count: OpenCount
    body_seconds: float
    in_flight: int


def create_egress_app(parts: EgressParts) -> ASGIApp:
    """The application."""

    async def healthz(_: Request) -> Response:
        return alive()

    async def readyz(_: Request) -> Response:
        return await readiness(parts.health, {})

    async def metrics(_: Request) -> Response:
        return Response(parts.metrics(), media_type="text/plain; version=0.0.4; charset=utf-8")

    door = _Door(parts)
    return Starlette(
        routes=[
            Route(PATH, door.serve, methods=["POST"]),
            Route("/healthz", healthz, methods=["GET"]),
            Route("/readyz", readyz, methods=["GET"]),
            Route("/metrics", metrics, methods=["GET"]),
        ],
        exception_handlers={Exception: _on_fault},
    )


class _Door:
    """The one way in."""

    def __init__(self, parts: EgressParts) -> None:
        self._parts = parts
        self._open = 0

    async def serve(self, request: Request) -> ASGIApp:
        """The answer to one sealed request. It holds its place until it was sent."""
        with contextlib.ExitStack() as held:
            try:
                held.enter_context(self._place())
                response: ASGIApp = FrameStream(await self._answer(request))
            except SealRefused as refused:
                response = _refusal(403, refused.reason.value)
            except GatewayError as error:
                response = _refusal(503, error.code.value)
            return Holding(response, held.pop_all())

    @contextlib.contextmanager
    def _place(self) -> Iterator[None]:
        if self._open >= self._parts.in_flight:
            raise GatewayFault(ErrorCode.OVERLOADED)
        self._open += 1
        self._parts.open_count.set(self._open)
        try:
            yield
        finally:
            self._open -= 1
            self._parts.open_count.set(self._open)

    async def _answer(self, request: Request) -> ExternalAnswer | UpstreamError:
        egress, peer = self._parts.egress, request.client.host if request.client else "unix"
        sealed = await egress.open(request.headers.get(HEADER, ""), peer)
        try:
            body = await asyncio.wait_for(_exactly(request, sealed), self._parts.body_seconds)
        except (TimeoutError, ClientDisconnect, CallerError):
            await egress.incomplete(sealed, peer)
        try:
            return await unless_gone(request.receive, egress.send(sealed, body, peer))
        except UpstreamError as error:
            return error


async def _exactly(request: Request, sealed: Sealed) -> bytes:
    """As many bytes as were sealed. What is more is not read. Raises `CallerError`, `ClientDisconnect`."""
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > sealed.size:
            raise CallerError(ErrorCode.BODY_TOO_LARGE)
        parts.append(part)
    return b"".join(parts)


class FrameStream:
    """An ASGI response that tells an answer in frames. A gateway that leaves stops the work behind it."""

    def __init__(self, answer: ExternalAnswer | UpstreamError) -> None:
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the frames."""
        del scope
        try:
            headers = [(b"content-type", FRAMES.encode()), (b"cache-control", b"no-store")]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send_unless_gone(receive, self._send_frames(send))
        finally:
            if isinstance(self._answer, Streamed):
                await close(self._answer)

    async def _send_frames(self, send: Send) -> None:
        with contextlib.suppress(OSError):  # the gateway is gone
            async for frame in frames_of(self._answer):
                await send({"type": "http.response.body", "body": frame, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})


async def frames_of(answer: ExternalAnswer | UpstreamError) -> AsyncIterator[bytes]:
    """An answer, piece by piece, as it arrives."""
    match answer:
        case Whole(body=body):
            yield framed(Frame.WHOLE, body)
        case Rejected(status=status, body=body, retry_after=seconds):
            yield framed(Frame.REJECTED, status.to_bytes(2, "big") + seconds.to_bytes(4, "big") + body)
        case UpstreamError(code=code):
            yield framed(Frame.FAILED, code.value.encode())
        case Streamed(events=events):
            yield framed(Frame.STREAM)
            try:
                async for event in events:
                    yield framed(Frame.EVENT, event)
                end = framed(Frame.END)
            except UpstreamError as error:
                end = framed(Frame.FAILED, error.code.value.encode())
            yield end
        case _:
            assert_never(answer)


def _refusal(status: int, reason: str) -> Response:
    _LOG.warning("refused", extra={"fields": {"status": status, "reason": reason}})
    headers = {"x-egress-reason": reason, **({"retry-after": "1"} if status == 503 else {})}
    body = dump_json({"error": {"code": reason}})
    return Response(body, status_code=status, media_type="application/json", headers=headers)


async def _on_fault(request: Request, error: Exception) -> Response:
    """The last resort: whatever nobody expected refuses. No message of the fault is repeated."""
    del request
    _LOG.error("fault", extra={"fields": {"fault": type(error).__name__}})
    return _refusal(503, ErrorCode.INTERNAL_ERROR.value)
