"""One endpoint: who is calling, what is claimed, and how the reply is told."""

from __future__ import annotations

import contextlib
import functools
import re
from dataclasses import dataclass
from typing import assert_never

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from gateway.domain.capability import Recourse
from gateway.domain.conversation import Operation
from gateway.domain.errors import ErrorCode, GatewayError, refuse
from gateway.domain.labels import Label
from gateway.pipeline.limiting import Left, Limiter, LimitReached
from gateway.pipeline.ports import Rejected, Streamed, Whole
from gateway.pipeline.recording import Asked, Summary
from gateway.pipeline.story import Failure, Reply, Story
from gateway.wire.auth import Authenticator
from gateway.wire.body import Room, read_body
from gateway.wire.errors import error_response
from gateway.wire.leaving import unless_gone
from gateway.wire.limits import Holding, limit_headers
from gateway.wire.sse import EventStream
from gateway.wire.voice import framing_of, voice_of

CLAIM = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")
"""What a header that claims something looks like."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one process takes on: bytes and seconds of a body, open requests (streams until they end), and the bytes of
    all their bodies together."""

    body: int
    body_seconds: float
    in_flight: int
    bytes_in_flight: int = 64 * 1024 * 1024


class Endpoint:
    """Serves the requests of every operation."""

    def __init__(self, story: Story, auth: Authenticator, limits: Limits, limiter: Limiter) -> None:
        self._story = story
        self._auth = auth
        self._limits = limits
        self._limiter = limiter
        self._open = 0
        self._room = Room(max(limits.bytes_in_flight, limits.body))

    @property
    def open_requests(self) -> int:
        """How many requests are open, streams until they end."""
        return self._open

    async def serve(self, operation: Operation, request: Request) -> ASGIApp:
        """The response to one request, in the voice of its operation. It holds its place until it was sent."""
        with contextlib.ExitStack() as held:
            response = await self._response(operation, request, held)
            return Holding(response, held.pop_all())

    async def _response(self, operation: Operation, request: Request, held: contextlib.ExitStack) -> ASGIApp:
        try:
            reply, left = await self._reply(operation, request, held)
            return response_of(reply, operation, left)
        except LimitReached as error:
            return error_response(error, limit_headers(error.left), voice_of(operation))
        except GatewayError as error:
            return error_response(error, {}, voice_of(operation))

    async def _reply(
        self, operation: Operation, request: Request, held: contextlib.ExitStack
    ) -> tuple[Reply, tuple[Left, ...]]:
        """The reply, and what is left of the limits. Raises `GatewayError` where no decision was made."""
        self._enter(held)
        principal = await self._auth.principal(request.headers)
        if request.url.query:
            refuse(ErrorCode.UNSUPPORTED_FIELD, "?")
        label, purpose = Label(_word(request, "x-gateway-label")), _word(request, "x-gateway-purpose")
        admission = await self._limiter.admit(principal)
        held.callback(admission.leave)
        limits, take = self._limits, functools.partial(self._take, held)
        body = await read_body(request, limit=limits.body, seconds=limits.body_seconds, take=take)
        asked = Asked(operation, body, principal, label, purpose, admission)
        return await unless_gone(request.receive, self._story.answer(asked)), admission.left

    def _enter(self, held: contextlib.ExitStack) -> None:
        if self._open >= self._limits.in_flight:
            raise self._limiter.overloaded()
        self._open += 1
        held.callback(self._leave)

    def _take(self, held: contextlib.ExitStack, size: int) -> None:
        if not self._room.take(size):
            raise self._limiter.overloaded()
        held.callback(self._room.give_back, size)

    def _leave(self) -> None:
        self._open -= 1


def _word(request: Request, header: str) -> str:
    """A header that claims something: a short word, or nothing. Any other is refused, not ignored."""
    value = request.headers.get(header, "")
    return value if not value or CLAIM.fullmatch(value) else refuse(ErrorCode.INVALID_FIELD, header)


def response_of(reply: Reply, operation: Operation = Operation.CHAT, left: tuple[Left, ...] = ()) -> ASGIApp:
    """A reply in the caller's dialect, with the decision and what is left of the limits in its headers."""
    headers, voice = {**headers_of(reply.summary), **limit_headers(left)}, voice_of(operation)
    match reply.answer:
        case Whole(body=body):
            return Response(body, media_type="application/json", headers=headers)
        case Streamed() as streamed:
            return EventStream(streamed, headers, framing_of(operation), voice)
        case Rejected(status=status, body=body, retry_after=seconds):
            more = {"retry-after": str(seconds)} if seconds else {}
            told = voice.rejection(body, status)
            return Response(told, status_code=status, media_type="application/json", headers={**headers, **more})
        case Failure(error=error):
            return error_response(error, headers, voice)
        case _:
            assert_never(reply.answer)


def headers_of(summary: Summary) -> dict[str, str]:
    """The decision, as `x-gateway-*` headers."""
    return {
        "x-gateway-decision-id": summary.decision_id,
        "x-gateway-route": summary.route.value,
        "x-gateway-destination": summary.destination,
        "x-gateway-label": summary.label,
        "x-gateway-classes": ",".join(summary.classes),
        "x-gateway-reason": summary.reason,
        "x-gateway-policy": str(summary.policy_revision),
        "x-gateway-receipt": summary.receipt,
        **_recourse(summary),
    }


def _recourse(summary: Summary) -> dict[str, str]:
    """What the model inside cannot do of what was asked, and what was done about it; nothing where it can."""
    lacking = {"x-gateway-lacking": ",".join(summary.lacking)} if summary.lacking else {}
    done = {"x-gateway-recourse": summary.recourse.value} if summary.recourse is not Recourse.NONE else {}
    return {**lacking, **done}
