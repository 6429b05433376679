"""The door to the egress: hands each clearance over, sealed with the gateway's key, to the process that may send.

This process has no provider's key and no way out. What it hands over is good for one decision, one destination, exactly
these bytes, once, and for some seconds: so a connection that broke before anything came back may be tried again, with
the same seal, and the bytes still leave at most once.

httpcore's exceptions and what they become, before the first byte of an answer:

    ConnectError, ConnectTimeout, PoolTimeout     EGRESS_UNAVAILABLE   nothing was sent
    ReadTimeout, WriteTimeout                     UPSTREAM_TIMEOUT
    any other                                     UPSTREAM_ERROR
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
import ssl
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass
from http import HTTPStatus

import httpcore

from gateway.adapters.ledger_key import LedgerKey
from gateway.adapters.openai_answers import MAX_ANSWER_BYTES, split_base_url
from gateway.adapters.zone import Unresolved, Zone, ZoneBackend
from gateway.domain.clearance import Clearance, ClearanceError, redeem
from gateway.domain.conversation import Operation
from gateway.domain.errors import ErrorCode, GatewayError, GatewayFault, UpstreamError
from gateway.domain.sealed import HEADER, PATH, Frame, FrameError, FrameReader, Sealed
from gateway.pipeline.ports import Clock, ExternalAnswer, Health, Rejected, Streamed, Whole

UNIX = "unix:"
_log = logging.getLogger(__name__)
_CONNECT_S = 5.0
_HEALTH_S = 2.0
_GRACE_S = 5.0
"""The egress ends what takes too long; it is given this much more time to say so."""
_MAX_CONNECTIONS = 512
_AGAIN = (httpcore.ConnectError, httpcore.ReadError, httpcore.WriteError, httpcore.RemoteProtocolError)
_UNREACHED = (httpcore.ConnectError, httpcore.ConnectTimeout, httpcore.PoolTimeout)
_UPSTREAM = {each.value: each for each in (ErrorCode.UPSTREAM_ERROR, ErrorCode.UPSTREAM_TIMEOUT)}


@dataclass(frozen=True, slots=True, kw_only=True)
class EgressOptions:
    """Where the egress listens: `http(s)://host:port` inside the network, or `unix:/path`. `ca_file` (may be empty) is
    trusted beside the system's own, `allowed_ranges` count as inside; a seal is good for `clearance_s` seconds."""

    url: str
    ca_file: str = ""
    allowed_ranges: tuple[str, ...] = ()
    clearance_s: float = 30.0


class EgressLink:
    """The connections to the egress, shared by all destinations. Raises `ValueError` for options that are none."""

    def __init__(self, options: EgressOptions, key: LedgerKey, clock: Clock) -> None:
        self._key = key
        self._clock = clock
        self._good_for = round(options.clearance_s * 1e6)
        self._zone = Zone(options.allowed_ranges)
        self._socket = options.url.removeprefix(UNIX) if options.url.startswith(UNIX) else ""
        url = split_base_url("http://egress" if self._socket else options.url)
        self._host, self._port = url.hostname or "", url.port or (443 if url.scheme == "https" else 80)
        self._url, self._netloc = url.geturl(), url.netloc
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=ssl.create_default_context(cafile=options.ca_file or None),
            max_connections=_MAX_CONNECTIONS,
            keepalive_expiry=30.0,
            retries=0,
            uds=self._socket or None,
            network_backend=None if self._socket else ZoneBackend(self._zone),
        )

    async def start(self) -> None:
        """Check the zone before anything is served. Raises `OutsideZone`; a name without an address is let pass."""
        if not self._socket:
            with contextlib.suppress(Unresolved):
                await self._zone.addresses(self._host, self._port)

    async def aclose(self) -> None:
        """Close the pooled connections."""
        await self._pool.aclose()

    def seal(self, clearance: Clearance) -> tuple[str, bytes]:
        """The seal and the bytes of a clearance, which is redeemed. Raises `ClearanceError`."""
        cleared, now = redeem(clearance), self._clock.now()
        sealed = Sealed(
            decision_id=clearance.decision_id,
            destination=cleared.destination,
            operation=cleared.operation,
            digest=hashlib.sha256(cleared.body).digest(),
            size=len(cleared.body),
            receipt=clearance.receipt,
            issued_at=now,
            expires_at=now + self._good_for,
        )
        return self._key.seal(sealed.encode()), cleared.body

    async def hand_over(self, seal: str, body: bytes, timeout_s: float) -> _Frames:
        """The frames of the answer. Raises `GatewayError`."""
        try:
            response = await self._ask_again(seal, body, timeout_s + _GRACE_S)
        except Exception as error:  # noqa: BLE001 - the exception map refuses whatever went wrong
            failure = _fault(error)
        else:
            if response.status == HTTPStatus.OK:
                return _Frames(response)
            failure = await _refused(response)
        raise failure

    async def health(self) -> Health:
        """Whether the egress answers. Without it the gateway still answers what stays inside, so this is no fault."""
        try:
            async with asyncio.timeout(_HEALTH_S):
                response = await self._pool.request("GET", f"{self._url}/healthz", headers=self._headers())
            answers = response.status == HTTPStatus.OK
        except Exception:  # noqa: BLE001 - whatever went wrong, it does not answer
            answers = False
        return Health(ok=True, detail="" if answers else "the egress does not answer: nothing can leave")

    async def _ask_again(self, seal: str, body: bytes, timeout_s: float) -> httpcore.Response:
        """A kept connection may have been closed at the other end just now: once more, on a fresh one."""
        try:
            return await self._ask(seal, body, timeout_s)
        except _AGAIN:
            return await self._ask(seal, body, timeout_s)

    async def _ask(self, seal: str, body: bytes, timeout_s: float) -> httpcore.Response:
        timeouts = {"connect": _CONNECT_S, "pool": _CONNECT_S, "read": timeout_s, "write": timeout_s}
        more = [(HEADER.encode(), seal.encode()), (b"content-length", str(len(body)).encode())]
        request = httpcore.Request(
            "POST",
            f"{self._url}{PATH}",
            headers=[*self._headers(), (b"content-type", b"application/json"), *more],
            content=body,
            extensions={"timeout": timeouts},
        )
        return await self._pool.handle_async_request(request)

    def _headers(self) -> list[tuple[bytes, bytes]]:
        return [(b"host", self._netloc.encode())]


class EgressExternal:
    """Implements `ports.ExternalModel` for one destination, whose key and address the egress alone knows."""

    def __init__(self, destination: str, speaks: frozenset[Operation], link: EgressLink, timeout_s: float) -> None:
        self._destination = destination
        self._speaks = speaks
        self._link = link
        self._timeout_s = timeout_s

    @property
    def speaks(self) -> frozenset[Operation]:
        """What the configuration says that the destination serves."""
        return self._speaks

    async def start(self) -> None:
        """Check that the egress is inside the network. Raises `OutsideZone`."""
        await self._link.start()

    async def complete(self, clearance: Clearance) -> ExternalAnswer:
        """The provider's answer to exactly the cleared bytes. Raises `UpstreamError`, `GatewayFault`."""
        seal, body = self._link.seal(clearance)
        if clearance.destination != self._destination or clearance.operation not in self._speaks:
            raise ClearanceError("the clearance names another destination or operation")
        frames = await self._link.hand_over(seal, body, self._timeout_s)
        try:
            kind, payload = await frames.next()
            if kind is Frame.STREAM:
                return Streamed(_Events(frames))
        except BaseException:
            await frames.aclose()
            raise
        await frames.aclose()
        return _answer(kind, payload)

    async def models(self) -> tuple[str, ...]:
        """None: asking a provider for its list would be a request without a clearance."""
        return ()

    async def health(self) -> Health:
        """As the egress is."""
        return await self._link.health()

    async def aclose(self) -> None:
        """Close the connections that all destinations share. May be called again."""
        await self._link.aclose()


class _Frames:
    """The frames of one answer, as they arrive."""

    def __init__(self, response: httpcore.Response) -> None:
        self._response = response
        self._chunks = response.aiter_stream()
        self._reader = FrameReader(MAX_ANSWER_BYTES)
        self._waiting: deque[tuple[Frame, bytes]] = deque()
        self._left = MAX_ANSWER_BYTES

    async def next(self) -> tuple[Frame, bytes]:
        """The next frame. Raises `UpstreamError` for an end that is none, and for what is no frame."""
        try:
            while not self._waiting:
                self._waiting.extend(self._reader.feed(await self._chunk()))
            return self._waiting.popleft()
        except Exception as error:  # noqa: BLE001 - the exception map refuses whatever went wrong
            failure = _late_fault(error)
        raise failure

    async def aclose(self) -> None:
        """Close the connection, unless it was read to its end. Never raises, may be called again."""
        with contextlib.suppress(Exception):
            await self._response.aclose()

    async def drain(self) -> None:
        """Read the end of the response: only a connection that was read to its end is used again."""
        with contextlib.suppress(Exception):
            async with asyncio.timeout(_HEALTH_S):
                await anext(self._chunks, None)

    async def _chunk(self) -> bytes:
        chunk = await anext(self._chunks, None)
        if chunk is None:
            raise FrameError("the answer ended without its end")
        self._left -= len(chunk)
        if self._left < 0:
            raise FrameError("the answer is larger than the limit")
        return chunk


class _Events:
    """The events of a streamed answer. A class and not a generator, as `sse.EventIterator`."""

    def __init__(self, frames: _Frames) -> None:
        self._frames = frames
        self._over = False

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        """The next event."""
        if self._over:
            raise StopAsyncIteration
        try:
            kind, payload = await self._frames.next()
        except BaseException:
            await self.aclose()
            raise
        if kind is Frame.EVENT:
            return payload
        if kind is Frame.END:
            await self._frames.drain()
        await self.aclose()
        if kind is Frame.END:
            raise StopAsyncIteration
        raise _told(payload if kind is Frame.FAILED else b"")

    async def aclose(self) -> None:
        """Close the connection behind the stream; the egress then stops the work behind it. May be called again."""
        self._over = True
        await self._frames.aclose()


def _answer(kind: Frame, payload: bytes) -> ExternalAnswer:
    if kind is Frame.WHOLE:
        return Whole(payload)
    if kind is Frame.REJECTED:
        return Rejected(int.from_bytes(payload[:2], "big"), payload[6:], int.from_bytes(payload[2:6], "big"))
    raise _told(payload if kind is Frame.FAILED else b"")


def _told(code: bytes) -> UpstreamError:
    """What the egress said of the provider's failure."""
    return UpstreamError(_UPSTREAM.get(code.decode("ascii", "replace"), ErrorCode.UPSTREAM_ERROR))


async def _refused(response: httpcore.Response) -> GatewayFault:
    """The egress sent nothing. Its reason is a code of ours, for the operator alone."""
    reason = next((value for name, value in response.headers if name.lower() == b"x-egress-reason"), b"")
    with contextlib.suppress(Exception):
        await response.aclose()
    _log.error("the egress refused a clearance: %s", reason.decode("ascii", "replace")[:40])
    return GatewayFault(ErrorCode.EGRESS_UNAVAILABLE)


def _fault(error: Exception) -> GatewayError:
    if isinstance(error, _UNREACHED):
        return GatewayFault(ErrorCode.EGRESS_UNAVAILABLE, retry_after=1)
    return _late_fault(error)


def _late_fault(error: Exception) -> GatewayError:
    if isinstance(error, httpcore.TimeoutException | TimeoutError):
        return UpstreamError(ErrorCode.UPSTREAM_TIMEOUT)
    return UpstreamError(ErrorCode.UPSTREAM_ERROR)
