"""A door out: every provider that does not speak OpenAI's dialect, translated by litellm.

litellm is a library with habits: it reads its environment, follows redirects, sends a request again when the connection
broke, picks another provider when a model's name looks like it, quotes prompts in exceptions, and ends a stream that
was cut as if it were complete. So it gets a connection that makes exactly one request, to the one origin that was
learnt at start, and what it says about failures is not read: the connection saw them.

It is imported when the first destination that needs it starts (some seconds, some 150 MB), without network access.
"""

from __future__ import annotations

import asyncio
import importlib
import logging
import os
import time
from collections import deque
from collections.abc import AsyncIterator
from typing import Protocol, cast

import httpx

from gateway.adapters.litellm_dialect import (
    OTHER_WAYS,
    Call,
    Unsupported,
    call_of,
    chunk_of,
    completion_of,
    ends,
    error_body,
    unsupported_body,
)
from gateway.adapters.litellm_quiet import Litellm, NotQuiet, check_quiet, load_quiet
from gateway.adapters.openai_answers import MAX_ANSWER_BYTES, MAX_ERROR_BYTES, AnswerError, json_object
from gateway.adapters.openai_external import CALLERS_BUSINESS, USER_AGENT, check_base_url, code_of, retry_after
from gateway.domain.clearance import Clearance, ClearanceError, redeem
from gateway.domain.conversation import Operation
from gateway.domain.errors import ErrorCode, UpstreamError
from gateway.domain.strict_json import Json
from gateway.pipeline.ports import ExternalAnswer, Health, Rejected, Streamed, Whole

_OTHER_WAYS_BY_LIST = ("replicate_models", "clarifai_models", "petals_models", "snowflake_models", "ovhcloud_models")
"""Lists of model names that litellm sends to those providers whatever the provider in front of the name."""

_END_MARKS = (
    b"[DONE]",
    b"message_stop",
    b"messageStop",
    b"message-end",
    b"finishReason",
    b'"done":true',
    b'"done": true',
)
"""What the last bytes of a whole stream say, in the dialects of the providers."""

_TAIL_BYTES = 16 * 1024
_NOWHERE = "https://127.0.0.1:9"


class _Answer(Protocol):
    def model_dump(self, *, warnings: bool) -> dict[str, Json]: ...


class LitellmExternal:
    """Implements `ports.ExternalModel`. `provider` is litellm's name for it; an empty `base_url` means its own.

    `timeout_s` bounds a whole answer, and each wait for the next piece of a streamed one. Raises `ValueError` for a
    `base_url` that is not https, unless it is on the loopback interface or `allow_http` says so.
    """

    def __init__(
        self,
        destination: str,
        provider: str,
        api_key: str,
        *,
        base_url: str = "",
        timeout_s: float = 600.0,
        connect_timeout_s: float = 10.0,
        allow_http: bool = False,
    ) -> None:
        self._destination = destination
        self._provider = provider
        self._api_key = api_key
        self._base_url = check_base_url(base_url, allow_http=allow_http) if base_url else ""
        self._timeout_s = timeout_s
        self._connect_timeout_s = connect_timeout_s
        self._pool = httpx.AsyncHTTPTransport(trust_env=False, retries=0)
        self._starting = asyncio.Lock()
        self._origin = ""
        self._litellm: Litellm

    async def start(self) -> None:
        """Load litellm, silence it, and learn where it sends this provider's requests. Raises `NotQuiet`."""
        async with self._starting:
            if self._origin:
                return
            self._check_environment()
            if self._provider in OTHER_WAYS:
                raise _own_way(self._provider)
            self._litellm = await asyncio.to_thread(load_quiet)
            check_quiet(self._litellm)
            await self._learn_origin(_NOWHERE)
            self._origin = await self._learn_origin(self._base_url)

    @property
    def speaks(self) -> frozenset[Operation]:
        """Chat: the other operations are translated to it."""
        return frozenset({Operation.CHAT})

    async def complete(self, clearance: Clearance) -> ExternalAnswer:
        """The provider's answer to the cleared body. Raises `UpstreamError`."""
        destination, operation, body = redeem(clearance)
        if destination != self._destination or operation not in self.speaks:
            raise ClearanceError("the clearance names another destination or operation")
        try:
            await self.start()
            check_quiet(self._litellm)
            call = call_of(json_object(body))
        except Exception:  # noqa: BLE001 - the exception map refuses whatever went wrong
            call = None
        if call is None:
            raise UpstreamError(ErrorCode.UPSTREAM_ERROR)
        if isinstance(call, Unsupported) or any(call.model in _names(self._litellm, of) for of in _OTHER_WAYS_BY_LIST):
            return Rejected(400, unsupported_body(call if isinstance(call, Unsupported) else Unsupported("model")), 0)
        return await self._answer(call)

    async def models(self) -> tuple[str, ...]:
        """None: litellm's list is of models that it knows, not of those that the provider serves."""
        return ()

    async def health(self) -> Health:
        """Whether the destination is configured. Sends nothing."""
        return Health(bool(self._api_key), "" if self._api_key else "no API key is set")

    async def aclose(self) -> None:
        """Close the pooled connections."""
        await self._pool.aclose()

    async def _answer(self, call: Call) -> ExternalAnswer:
        way = OneWay(self._pool, self._origin, self._connect_timeout_s)
        try:
            async with asyncio.timeout(self._timeout_s):
                answer = await self._ask(call, way, self._base_url, self._api_key)
            if call.stream:
                return Streamed(_Events(cast("AsyncIterator[_Answer]", answer), way, call))
            return Whole(completion_of(cast("_Answer", answer).model_dump(warnings=False), call.model))
        except Exception as error:  # noqa: BLE001 - the exception map refuses whatever went wrong
            result = _failure(error, way)
        except BaseException:
            await way.close()
            raise
        await way.close()
        if isinstance(result, UpstreamError):
            raise result
        return result

    async def _ask(self, call: Call, way: OneWay, base_url: str, api_key: str) -> object:
        handler = importlib.import_module("litellm.llms.custom_httpx.http_handler").AsyncHTTPHandler
        return await self._litellm.acompletion(
            **call.fields,
            model=f"{self._provider}/{call.model}",
            api_key=api_key,
            api_base=base_url or None,
            timeout=self._timeout_s,
            num_retries=0,
            max_retries=0,
            client=handler(transport=way, follow_redirects=False),
            _skip_mcp_handler=True,
            _skip_responses_api_bridge=True,
        )

    async def _learn_origin(self, base_url: str) -> str:
        """Where a request of this provider goes, by asking with constant words over a connection to nowhere."""
        probe = OneWay(httpx.MockTransport(lambda _: httpx.Response(400, json={})), "", self._connect_timeout_s)
        call = Call("probe", {"messages": [{"role": "user", "content": "probe"}]}, stream=False, include_usage=False)
        try:
            await self._ask(call, probe, base_url, "probe")
        except Exception:  # noqa: BLE001 - the probe always fails; what counts is which way it went
            logging.getLogger(__name__).debug("probed")
        if not probe.asked_origin or (base_url and probe.asked_origin != _origin(httpx.URL(base_url))):
            raise _own_way(self._provider)
        return probe.asked_origin

    def _check_environment(self) -> None:
        prefix = self._provider.upper().replace("-", "_")
        for name in (f"{prefix}_API_BASE", f"{prefix}_BASE_URL"):
            if not self._base_url and os.environ.get(name):
                raise NotQuiet(f"the environment sets {name}: write it as base_url into the configuration")


class OneWay(httpx.AsyncBaseTransport):
    """A connection for exactly one request to one origin; an empty origin means whatever comes first.

    It remembers what happened on the way, which litellm's exceptions tell less exactly and with too many words.
    """

    def __init__(self, inner: httpx.AsyncBaseTransport, origin: str, connect_timeout_s: float) -> None:
        self._inner = inner
        self._origin = origin
        self._connect_timeout_s = connect_timeout_s
        self._stream: _Watched | None = None
        self.asked_origin = ""
        self.status = 0
        self.retry_after = 0
        self.code = ErrorCode.UPSTREAM_ERROR

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send it, or refuse the second one and the one to elsewhere."""
        if self.asked_origin:
            raise httpx.ConnectError("one request only")
        self.asked_origin = _origin(request.url)
        if self._origin and self.asked_origin != self._origin:
            raise httpx.ConnectError("another origin")
        request.headers["accept-encoding"] = "identity"
        request.headers["user-agent"] = USER_AGENT
        request.extensions["timeout"] = {**request.extensions.get("timeout", {}), "connect": self._connect_timeout_s}
        try:
            response = await self._inner.handle_async_request(request)
        except Exception as error:
            self.code = code_of(error)
            raise
        if response.headers.get("content-encoding", "identity") != "identity":
            await response.aclose()
            raise httpx.RemoteProtocolError("a coding that was not asked for")
        self.status = response.status_code
        self.retry_after = retry_after(response.headers.get("retry-after", ""), time.time())
        self._stream = _Watched(cast("httpx.AsyncByteStream", response.stream), self)
        return httpx.Response(self.status, headers=response.headers, stream=self._stream)

    async def aclose(self) -> None:
        """The pool behind is shared, so nothing is closed here."""

    async def close(self) -> None:
        """Close the connection if its answer was not read to the end."""
        if self._stream is not None:
            await self._stream.aclose()

    @property
    def tail(self) -> bytes:
        """The last bytes that were read."""
        return self._stream.tail if self._stream is not None else b""


class _Watched(httpx.AsyncByteStream):
    """The bytes of an answer as they pass: not too many, and the last ones kept."""

    def __init__(self, inner: httpx.AsyncByteStream, way: OneWay) -> None:
        self._inner = inner
        self._way = way
        self._keep = _TAIL_BYTES if way.status == 200 else MAX_ERROR_BYTES
        self._size = 0
        self.tail = b""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._inner:
                self._size += len(chunk)
                if self._size > MAX_ANSWER_BYTES:
                    raise httpx.RemoteProtocolError("larger than the limit")
                self.tail = (self.tail + chunk)[-self._keep :]
                yield chunk
        except Exception as error:
            self._way.code = code_of(error)
            raise

    async def aclose(self) -> None:
        """Close the connection behind."""
        await self._inner.aclose()


class _Events:
    """The chunks of a streamed answer in OpenAI's dialect. Ends only where the provider said its last word.

    What ends a choice is held back until then, because litellm makes up an ending for a stream that was cut.
    """

    def __init__(self, chunks: AsyncIterator[_Answer], way: OneWay, call: Call) -> None:
        self._chunks = chunks
        self._way = way
        self._call = call
        self._endings: deque[bytes] = deque()
        self._over = False
        self._closed = False

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        if self._closed:
            raise StopAsyncIteration
        try:
            return await self._payload()
        except Exception as error:  # noqa: BLE001 - the exception map refuses whatever went wrong
            over = isinstance(error, StopAsyncIteration)
        except BaseException:
            await self.aclose()
            raise
        await self.aclose()
        if over:
            raise StopAsyncIteration
        raise UpstreamError(self._way.code)

    async def aclose(self) -> None:
        """Close the connection behind the stream. May be called again."""
        if not self._closed:
            self._closed = True
            await self._way.close()

    async def _payload(self) -> bytes:
        while not self._over:
            try:
                chunk = (await anext(self._chunks)).model_dump(warnings=False)
            except StopAsyncIteration:
                self._over = True
                if not any(mark in self._way.tail for mark in _END_MARKS):
                    raise AnswerError("the stream ended without its end mark") from None
                break
            payload = chunk_of(chunk, self._call.model, include_usage=self._call.include_usage)
            if payload is None:
                continue
            if not ends(chunk):
                return payload
            self._endings.append(payload)
        if self._endings:
            return self._endings.popleft()
        raise StopAsyncIteration


_UNTOLD = {"UnsupportedParamsError", "BadRequestError", "APIConnectionError"}
"""What litellm raises for a request that it cannot tell to the provider. The last one also wraps whatever fails in its
translation; before anything was asked it is of no connection."""


def _failure(error: Exception, way: OneWay) -> Rejected | UpstreamError:
    """What a failed call becomes. The words of the exception are not looked at."""
    if not way.asked_origin and type(error).__name__ in _UNTOLD:
        return Rejected(400, unsupported_body(Unsupported("")), 0)
    if way.status in CALLERS_BUSINESS:
        try:
            body = error_body(json_object(way.tail))
        except AnswerError:
            body = None
        if body is not None:
            return Rejected(way.status, body, way.retry_after)
    return UpstreamError(ErrorCode.UPSTREAM_TIMEOUT if isinstance(error, TimeoutError) else way.code)


def _own_way(provider: str) -> NotQuiet:
    return NotQuiet(
        f"litellm does not send requests of provider {provider} over the gateway's own connection, so "
        "it cannot be used; for an OpenAI-compatible provider use adapter: openai with its base_url"
    )


def _origin(url: httpx.URL) -> str:
    return f"{url.scheme}://{url.netloc.decode('ascii')}"


def _names(litellm: object, of: str) -> frozenset[str]:
    return frozenset(getattr(litellm, of, ()))
