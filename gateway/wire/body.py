"""The bytes of a request, read within bounds of size and time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from starlette.requests import ClientDisconnect, Request

from gateway.domain.errors import CallerError, ErrorCode, refuse

_IDENTITY = {"", "identity"}
_UTF_8 = {"utf-8", "utf8"}


class Room:
    """How many bytes of bodies may be held at once, by all requests together. What is announced does not count, what
    has arrived does: nobody fills it by promises."""

    def __init__(self, most: int) -> None:
        self._left = most

    def take(self, size: int) -> bool:
        """Whether there was room for so many more bytes, which are held from now on."""
        if size > self._left:
            return False
        self._left -= size
        return True

    def give_back(self, size: int) -> None:
        """They are held no longer."""
        self._left += size


async def read_body(request: Request, *, limit: int, seconds: float, take: Callable[[int], None]) -> bytes:
    """The whole body. `take` is told of bytes before they are kept, and may refuse them.

    Raises `CallerError` for a compressed, too large, too slow or non-JSON one."""
    if request.headers.get("content-encoding", "").strip().lower() not in _IDENTITY:
        refuse(ErrorCode.UNSUPPORTED_CONTENT_ENCODING)
    media = request.headers.get("content-type", "application/json").lower().replace(" ", "").replace('"', "")
    kind, *parameters = media.split(";")
    charsets = {each.removeprefix("charset=") for each in parameters if each.startswith("charset=")}
    if kind != "application/json" or not charsets <= _UTF_8:
        refuse(ErrorCode.UNSUPPORTED_MEDIA_TYPE)
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > limit:
        refuse(ErrorCode.BODY_TOO_LARGE)
    try:
        return await asyncio.wait_for(_collect(request, limit, take), seconds)
    except TimeoutError:
        raise CallerError(ErrorCode.REQUEST_TIMEOUT) from None
    except ClientDisconnect:
        raise CallerError(ErrorCode.REQUEST_TIMEOUT) from None


async def _collect(request: Request, limit: int, take: Callable[[int], None]) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > limit:
            refuse(ErrorCode.BODY_TOO_LARGE)
        take(len(part))
        parts.append(part)
    return b"".join(parts)
