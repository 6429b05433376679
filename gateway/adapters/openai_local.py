"""A model inside: an OpenAI-compatible server in the network (vLLM, Ollama, llama.cpp's server), given the whole text.

It gets what may not leave, so every connection passes the zone check. There is no redirect, no proxy, no cookie and no
retry. A request that the server refuses, or that is too long for the model, is the caller's; whatever else goes wrong
is `LOCAL_MODEL_UNAVAILABLE`.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable
from http import HTTPStatus
from typing import TypeVar

import httpcore

from gateway.adapters.openai_answers import (
    MAX_ANSWER_BYTES,
    MAX_ERROR_BYTES,
    OPENAI_PATHS,
    AnswerError,
    is_object,
    json_object,
    listed_models,
    read_bounded,
    split_base_url,
    wants_stream,
)
from gateway.adapters.sse import EventIterator
from gateway.adapters.zone import Unresolved, Zone, ZoneBackend
from gateway.domain.capability import Capability, asked_for
from gateway.domain.conversation import Conversation, Operation
from gateway.domain.errors import CallerError, ErrorCode, GatewayError, GatewayFault
from gateway.pipeline.ports import Health, LocalAnswer, Streamed, Whole

_REFUSALS = {HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNPROCESSABLE_ENTITY}
_TOO_LONG = frozenset({"context_length_exceeded", "exceed_context_size_error"})
_TOO_LONG_WORDS = "maximum context length"  # vLLM says it in words only
_HEALTH_S = 2.0
CHARACTERS_A_TOKEN = 8
"""More than a token has in any text that people write: a request is called too long only where it surely is."""
_MAX_CONNECTIONS = 256
_T = TypeVar("_T")

IN_NETWORK_OPERATIONS = frozenset({Operation.CHAT, Operation.COMPLETIONS, Operation.EMBEDDINGS})
"""What servers of open models serve, unless they are said to serve more or less."""


class OpenAiLocal:
    """Implements `ports.LocalModel`.

    An empty `model` keeps the caller's. `operations` are those that the server serves; what it does not serve is
    translated to chat where that can be. `timeout_s` bounds a whole answer, and each wait for the next piece of a
    streamed one. `lacks` is what its model cannot do, `context` how many tokens it reads, 0 where that is not known.
    Raises `ValueError` for a `base_url` or range that is none.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str = "",
        *,
        model: str = "",
        operations: frozenset[Operation] = IN_NETWORK_OPERATIONS,
        allowed_ranges: tuple[str, ...] = (),
        timeout_s: float = 600.0,
        connect_timeout_s: float = 10.0,
        zone: Zone | None = None,
        lacks: frozenset[Capability] = frozenset(),
        context: int = 0,
    ) -> None:
        url = split_base_url(base_url)
        self._host, self._port = url.hostname or "", url.port or (443 if url.scheme == "https" else 80)
        self._base_url = url.geturl()
        self._headers = _headers(api_key, url.netloc)
        self._model = model
        self._operations = operations
        self._lacks = lacks
        self._context = context
        self._timeout_s = timeout_s
        self._connect_timeout_s = connect_timeout_s
        self._zone = zone or Zone(allowed_ranges)
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=ssl.create_default_context(),
            max_connections=_MAX_CONNECTIONS,
            keepalive_expiry=30.0,
            retries=0,
            network_backend=ZoneBackend(self._zone),
        )

    async def start(self) -> None:
        """Check the zone before anything is served. Raises `OutsideZone`.

        A name without an address is let pass: the server may come later, and each connection is checked again.
        """
        with contextlib.suppress(Unresolved):
            await self._zone.addresses(self._host, self._port)

    @property
    def speaks(self) -> frozenset[Operation]:
        """What the server serves in its own dialect."""
        return self._operations

    def lacks(self, conversation: Conversation) -> frozenset[Capability]:
        """What the configuration says that its model cannot do."""
        return asked_for(conversation, self._context * CHARACTERS_A_TOKEN) & (self._lacks | {Capability.CONTEXT})

    async def complete(self, conversation: Conversation) -> LocalAnswer:
        """The server's answer.

        Raises `GatewayFault(LOCAL_MODEL_UNAVAILABLE)`; `CallerError` of a request that is too long or not supported.
        """
        body = conversation.rewritten({}, {"model": self._model}) if self._model else conversation.body
        if wants_stream(body):
            return await _mapped(self._streamed(conversation.operation, body))
        return await _mapped(self._whole(conversation.operation, body))

    async def models(self) -> tuple[str, ...]:
        """The models that the server lists. Raises `GatewayFault`."""
        return await _mapped(self._list_models())

    async def health(self) -> Health:
        """Whether the server lists its models now."""
        with contextlib.suppress(GatewayError):
            await _mapped(self._list_models())
            return Health(ok=True, detail="")
        return Health(ok=False, detail="the in-network server does not answer, or is not inside the network")

    async def stop(self) -> None:
        """Close the pooled connections."""
        await self._pool.aclose()

    async def _whole(self, operation: Operation, body: bytes) -> LocalAnswer:
        async with asyncio.timeout(self._timeout_s):
            response = await self._send("POST", f"/{OPENAI_PATHS[operation]}", body, self._timeout_s)
            try:
                await _check_status(response)
                answer = await read_bounded(_chunks(response), MAX_ANSWER_BYTES)
            finally:
                await response.aclose()
        if not is_object(answer):
            raise AnswerError("not a JSON object")
        return Whole(answer)

    async def _streamed(self, operation: Operation, body: bytes) -> LocalAnswer:
        response = await self._send("POST", f"/{OPENAI_PATHS[operation]}", body, self._timeout_s)
        async with contextlib.AsyncExitStack() as leaving:
            leaving.push_async_callback(response.aclose)
            async with asyncio.timeout(self._timeout_s):
                await _check_status(response)
            if not _header(response, b"content-type").startswith("text/event-stream"):
                raise AnswerError("not an event stream")
            events = EventIterator(_chunks(response), response.aclose, _fault, operation)
            leaving.pop_all()
        return Streamed(events)

    async def _list_models(self) -> tuple[str, ...]:
        async with asyncio.timeout(_HEALTH_S):
            response = await self._send("GET", "/models", b"", _HEALTH_S)
            try:
                await _check_status(response)
                return listed_models(await read_bounded(_chunks(response), MAX_ANSWER_BYTES))
            finally:
                await response.aclose()

    async def _send(self, method: str, path: str, body: bytes, timeout_s: float) -> httpcore.Response:
        length = [(b"content-length", b"%d" % len(body))] if body else []
        limits = {"connect": self._connect_timeout_s, "pool": self._connect_timeout_s, "write": timeout_s}
        request = httpcore.Request(
            method,
            f"{self._base_url}{path}",
            headers=self._headers + length,
            content=body,
            extensions={"timeout": {**limits, "read": timeout_s}},
        )
        return await self._pool.handle_async_request(request)


def _headers(api_key: str, host: str) -> list[tuple[bytes, bytes]]:
    """All headers that are sent; `host` first, as HTTP wants it."""
    headers = [
        (b"host", host.encode("ascii")),
        (b"content-type", b"application/json"),
        (b"accept", b"application/json, text/event-stream"),
        (b"accept-encoding", b"identity"),
        (b"user-agent", b"privacy-gateway"),
    ]
    return [*headers, (b"authorization", f"Bearer {api_key}".encode("ascii"))] if api_key else headers


def _header(response: httpcore.Response, name: bytes) -> str:
    return next((value.decode("latin-1") for key, value in response.headers if key.lower() == name), "")


def _chunks(response: httpcore.Response) -> AsyncIterator[bytes]:
    """The bytes as received. What comes in another coding than the one that was asked for is refused."""
    if _header(response, b"content-encoding") not in {"", "identity"}:
        raise AnswerError("in a coding that was not asked for")
    return response.aiter_stream().__aiter__()


async def _check_status(response: httpcore.Response) -> None:
    """Raises `CallerError` when the server refuses the request in an error object, `AnswerError` for all else."""
    if response.status == HTTPStatus.OK:
        return
    if response.status not in _REFUSALS:
        raise AnswerError("a status that is no answer")
    error = json_object(await read_bounded(_chunks(response), MAX_ERROR_BYTES)).get("error")
    if not isinstance(error, dict):
        raise AnswerError("a refusal without a reason")
    if {error.get("code"), error.get("type")} & _TOO_LONG or _TOO_LONG_WORDS in str(error.get("message")):
        raise CallerError(ErrorCode.CONTEXT_LENGTH_EXCEEDED)
    raise CallerError(ErrorCode.UNSUPPORTED_BY_LOCAL_MODEL)


def _fault(error: Exception) -> GatewayError:
    return error if isinstance(error, CallerError) else GatewayFault(ErrorCode.LOCAL_MODEL_UNAVAILABLE)


async def _mapped(work: Awaitable[_T]) -> _T:
    """The exception map: any failure becomes one of ours that holds on to nothing of its cause."""
    try:
        return await work
    except Exception as error:  # noqa: BLE001 - the exception map refuses whatever went wrong
        failure = _fault(error)
    raise failure
