"""Server-sent events to the caller, watched for the moment in which the caller leaves."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.types import Receive, Scope, Send

from gateway.domain.errors import GatewayError
from gateway.pipeline.ports import Streamed
from gateway.pipeline.streaming import ToldFailure, close
from gateway.wire.leaving import send_unless_gone
from gateway.wire.voice import Framing, Voice


class EventStream:
    """An ASGI response that sends one event a piece. A stream that was cut ends with an error event and without its
    end, so nobody takes it for a whole answer; a caller that leaves stops the work behind the stream."""

    def __init__(
        self,
        answer: Streamed,
        headers: Mapping[str, str],
        framing: Framing = Framing.BARE,
        voice: Voice = Voice.OPENAI,
    ) -> None:
        self._answer = answer
        self._headers = headers
        self._framing = framing
        self._voice = voice

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the stream."""
        del scope
        try:
            await send({"type": "http.response.start", "status": 200, "headers": self._raw_headers()})
            await send_unless_gone(receive, self._send_events(send))
        finally:
            await close(self._answer)

    async def _send_events(self, send: Send) -> None:
        try:
            async for event in self._answer.events:
                await _send(send, self._framing.event(event))
            if self._framing.end:
                await _send(send, self._framing.end)
        except ToldFailure:
            pass  # said already; but no end mark, which would say that the answer is whole
        except GatewayError as error:
            await _send(send, self._framing.event(self._voice.broken_stream(error, self._framing)))
        except OSError:
            return  # the caller is gone
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    def _raw_headers(self) -> list[tuple[bytes, bytes]]:
        fixed = {"content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache", **self._headers}
        return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in fixed.items()]


async def _send(send: Send, data: bytes) -> None:
    await send({"type": "http.response.body", "body": data, "more_body": True})
