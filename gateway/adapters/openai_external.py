"""A door out: a provider that speaks the caller's dialect, OpenAI's or Anthropic's, given exactly the cleared bytes.

What leaves is built here and nowhere else: method, path, five headers of ours, and the body that the clearance carries.
There is no retry, no redirect, no cookie and no proxy of the environment: any of them would send cleared bytes twice or
elsewhere than they were cleared for.

httpx's exceptions and what they become (the rest of Python's is `UPSTREAM_ERROR` as well):

    HTTPError
    ├── RequestError
    │   ├── TransportError
    │   │   ├── TimeoutException          UPSTREAM_TIMEOUT   (connect, read, write, pool)
    │   │   ├── NetworkError              UPSTREAM_ERROR     (connect, read, write, close)
    │   │   ├── ProtocolError             UPSTREAM_ERROR     (local, remote)
    │   │   ├── ProxyError                UPSTREAM_ERROR
    │   │   └── UnsupportedProtocol       UPSTREAM_ERROR
    │   ├── DecodingError                 UPSTREAM_ERROR
    │   └── TooManyRedirects              UPSTREAM_ERROR
    └── HTTPStatusError                   UPSTREAM_ERROR
    InvalidURL, CookieConflict            UPSTREAM_ERROR
    StreamError and its children          UPSTREAM_ERROR
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import math
import time
from collections.abc import AsyncIterator, Awaitable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TypeVar

import httpx

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
from gateway.domain.clearance import Clearance, ClearanceError, Cleared, redeem
from gateway.domain.conversation import Operation
from gateway.domain.errors import ErrorCode, UpstreamError
from gateway.pipeline.ports import ExternalAnswer, Health, Rejected, Streamed, Whole

USER_AGENT = "privacy-gateway"
CALLERS_BUSINESS = frozenset({400, 404, 409, 413, 415, 422, 429})
"""Statuses that speak of the request. 401 and 403 speak of the operator's key, the rest of the provider."""

_LIST_S = 5.0
_MAX_RETRY_AFTER = 86_400
_POOL = httpx.Limits(max_connections=512, max_keepalive_connections=128, keepalive_expiry=30.0)
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Provider:
    """How a kind of provider is addressed: the path of each operation below the base URL, and the header of the key."""

    paths: Mapping[Operation, str]
    key_header: str
    key_prefix: str
    headers: Mapping[str, str]


OPENAI = Provider(
    paths=OPENAI_PATHS,
    key_header="authorization",
    key_prefix="Bearer ",
    headers={},
)
ANTHROPIC = Provider(
    paths={Operation.MESSAGES: "messages"},
    key_header="x-api-key",
    key_prefix="",
    headers={"anthropic-version": "2023-06-01"},
)


class OpenAiExternal:
    """Implements `ports.ExternalModel` over one pooled transport.

    `operations` are those of the provider's that this destination serves; none named: all of them. `timeout_s` bounds a
    whole answer, and each wait for the next piece of a streamed one. Raises `ValueError` for a `base_url` that is not
    https, unless it is on the loopback interface or `allow_http` says so.
    """

    def __init__(
        self,
        destination: str,
        base_url: str,
        api_key: str,
        *,
        provider: Provider = OPENAI,
        operations: frozenset[Operation] = frozenset(),
        timeout_s: float = 600.0,
        connect_timeout_s: float = 10.0,
        allow_http: bool = False,
        max_answer_bytes: int = MAX_ANSWER_BYTES,
    ) -> None:
        url = check_base_url(base_url, allow_http=allow_http)
        self._destination = destination
        chosen = {op: path for op, path in provider.paths.items() if op in operations or not operations}
        self._urls = {operation: httpx.URL(f"{url}/{path}") for operation, path in chosen.items()}
        self._models_url = httpx.URL(f"{url}/models")
        self._headers = _headers(provider, api_key)
        self._keyed = bool(api_key) or _is_loopback(httpx.URL(url).host)
        self._timeout_s = timeout_s
        self._max_answer_bytes = max_answer_bytes
        self._timeouts = httpx.Timeout(timeout_s, connect=connect_timeout_s, pool=connect_timeout_s).as_dict()
        self._transport = httpx.AsyncHTTPTransport(trust_env=False, http1=True, http2=False, limits=_POOL, retries=0)

    @property
    def speaks(self) -> frozenset[Operation]:
        """What this destination serves."""
        return frozenset(self._urls)

    async def complete(self, clearance: Clearance) -> ExternalAnswer:
        """The provider's answer to exactly the cleared bytes. Raises `UpstreamError`."""
        cleared = redeem(clearance)
        if cleared.destination != self._destination or cleared.operation not in self._urls:
            raise ClearanceError("the clearance names another destination or operation")
        if wants_stream(cleared.body):
            return await _mapped(self._streamed(cleared))
        return await _mapped(self._whole(cleared))

    async def models(self) -> tuple[str, ...]:
        """The models that the provider lists. Nothing of a caller is in this request. Raises `UpstreamError`."""
        return await _mapped(self._list_models())

    async def health(self) -> Health:
        """Whether the destination is configured. Sends nothing."""
        return Health(self._keyed, "" if self._keyed else "no API key is set")

    async def aclose(self) -> None:
        """Close the pooled connections."""
        await self._transport.aclose()

    async def _list_models(self) -> tuple[str, ...]:
        async with asyncio.timeout(_LIST_S):
            request = httpx.Request("GET", self._models_url, headers=self._headers)
            request.extensions["timeout"] = self._timeouts
            response = await self._transport.handle_async_request(request)
            try:
                if response.status_code != HTTPStatus.OK:
                    raise AnswerError("a status that is no list")
                return listed_models(await read_bounded(_chunks(response), MAX_ERROR_BYTES))
            finally:
                await response.aclose()

    async def _whole(self, cleared: Cleared) -> ExternalAnswer:
        async with asyncio.timeout(self._timeout_s):
            response = await self._send(cleared)
            try:
                if response.status_code != HTTPStatus.OK:
                    return await _rejected(response)
                answer = await read_bounded(_chunks(response), self._max_answer_bytes)
            finally:
                await response.aclose()
        if not is_object(answer):
            raise AnswerError("not a JSON object")
        return Whole(answer)

    async def _streamed(self, cleared: Cleared) -> ExternalAnswer:
        response = await self._send(cleared)
        async with contextlib.AsyncExitStack() as leaving:
            leaving.push_async_callback(response.aclose)
            if response.status_code != HTTPStatus.OK:
                async with asyncio.timeout(self._timeout_s):
                    return await _rejected(response)
            if not response.headers.get("content-type", "").startswith("text/event-stream"):
                raise AnswerError("not an event stream")
            limit = self._max_answer_bytes
            events = EventIterator(_chunks(response), response.aclose, _fault, cleared.operation, limit=limit)
            leaving.pop_all()
        return Streamed(events)

    async def _send(self, cleared: Cleared) -> httpx.Response:
        """The request is built by hand and given to the bare transport, which follows, adds and remembers nothing."""
        url = self._urls[cleared.operation]
        request = httpx.Request("POST", url, headers=self._headers, content=cleared.body)
        request.extensions["timeout"] = self._timeouts
        return await self._transport.handle_async_request(request)


def check_base_url(base_url: str, *, allow_http: bool) -> str:
    """The base URL of a provider, if it may be used. Raises `ValueError`."""
    url = split_base_url(base_url)
    if url.scheme != "https" and not allow_http and not _is_loopback(url.hostname or ""):
        raise ValueError("base_url of a destination outside is https (or set allow_http)")
    return url.geturl()


def code_of(error: Exception) -> ErrorCode:
    """What a failure on the way to the provider and back is called."""
    if isinstance(error, httpx.TimeoutException | TimeoutError):
        return ErrorCode.UPSTREAM_TIMEOUT
    return ErrorCode.UPSTREAM_ERROR


def retry_after(value: str, now: float) -> int:
    """A `retry-after` header in whole seconds: a number or a date; 0 for none or nonsense."""
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(value).timestamp() - now
        except ValueError:
            return 0
    return min(math.ceil(seconds), _MAX_RETRY_AFTER) if 0 < seconds < math.inf else 0


def _headers(provider: Provider, api_key: str) -> dict[str, str]:
    headers = {
        **provider.headers,
        "content-type": "application/json",
        "accept": "application/json, text/event-stream",
        "accept-encoding": "identity",
        "user-agent": USER_AGENT,
    }
    return {**headers, provider.key_header: f"{provider.key_prefix}{api_key}"} if api_key else headers


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return False


def _chunks(response: httpx.Response) -> AsyncIterator[bytes]:
    """The bytes as received. What comes in another coding than the one that was asked for is refused."""
    if response.headers.get("content-encoding", "identity") != "identity":
        raise AnswerError("in a coding that was not asked for")
    return response.aiter_raw()


async def _rejected(response: httpx.Response) -> Rejected:
    """The provider's own refusal, where it speaks of the request and in the dialect. Raises `AnswerError` otherwise."""
    if response.status_code not in CALLERS_BUSINESS:
        raise AnswerError("a status that is not the caller's business")
    body = await read_bounded(_chunks(response), MAX_ERROR_BYTES)
    if not isinstance(json_object(body).get("error"), dict):
        raise AnswerError("not an error body")
    return Rejected(response.status_code, body, retry_after(response.headers.get("retry-after", ""), time.time()))


def _fault(error: Exception) -> UpstreamError:
    return UpstreamError(code_of(error))


async def _mapped(work: Awaitable[_T]) -> _T:
    """The exception map: any failure becomes an `UpstreamError` that holds on to nothing of its cause."""
    try:
        return await work
    except Exception as error:  # noqa: BLE001 - the exception map refuses whatever went wrong
        failure = _fault(error)
    raise failure
