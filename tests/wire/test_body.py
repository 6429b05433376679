"""Reading a body: what is refused before it is read, while it is read, and when nothing more comes."""

from __future__ import annotations

import asyncio
import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request
from starlette.types import Message

from gateway.domain.errors import CallerError, ErrorCode
from gateway.wire.body import read_body

LIMIT = 64


class Caller:
    """Sends a body in pieces, then hangs, leaves or is done. Counts the pieces that were taken."""

    def __init__(self, *pieces: bytes, then: str = "done") -> None:
        self._pieces = list(pieces)
        self._then = then
        self.taken = 0

    async def receive(self) -> Message:
        """The next piece."""
        if self.taken == len(self._pieces):
            if self._then == "hangs":
                await asyncio.Event().wait()
            return {"type": "http.disconnect"}
        piece = self._pieces[self.taken]
        self.taken += 1
        more = self.taken < len(self._pieces) or self._then != "done"
        return {"type": "http.request", "body": piece, "more_body": more}

    async def read(self, *, seconds: float = 5.0, **headers: str) -> bytes:
        """What `read_body` makes of it."""
        raw = [(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in headers.items()]
        request = Request({"type": "http", "method": "POST", "path": "/", "headers": raw}, self.receive)
        return await read_body(request, limit=LIMIT, seconds=seconds, take=lambda _: None)

    async def refusal(self, **headers: str) -> ErrorCode:
        """Why `read_body` refuses it."""
        with pytest.raises(CallerError) as refused:
            await self.read(**headers)
        return refused.value.code


@given(st.lists(st.binary(max_size=LIMIT), min_size=1, max_size=6))
async def test_a_body_is_read_whole_or_refused(pieces: list[bytes]) -> None:
    """However it is cut: the same bytes up to the limit, and a refusal beyond."""
    caller = Caller(*pieces)
    whole = b"".join(pieces)

    if len(whole) > LIMIT:
        assert ErrorCode.BODY_TOO_LARGE is await caller.refusal()
    else:
        assert whole == await caller.read()


async def test_a_body_that_grows_too_large_is_not_read_on() -> None:
    """The rest of a stream without a declared length is never taken."""
    caller = Caller(*[b"x" * LIMIT] * 50)

    assert ErrorCode.BODY_TOO_LARGE is await caller.refusal()
    assert 2 == caller.taken


async def test_a_declared_length_is_refused_unread() -> None:
    """Nobody waits for what is announced as too large."""
    caller = Caller(b"{}")

    assert ErrorCode.BODY_TOO_LARGE is await caller.refusal(content_length=str(LIMIT + 1))
    assert 0 == caller.taken


@pytest.mark.parametrize("declared", ["", "2", "-1", "\u00b2", "two"])
async def test_a_declared_length_is_no_more_than_a_hint(declared: str) -> None:
    """What is no number is no fault of the gateway; the bytes are counted anyway."""
    assert b"{}" == await Caller(b"{}").read(content_length=declared)
    assert ErrorCode.BODY_TOO_LARGE is await Caller(b"x" * (LIMIT + 1)).refusal(content_length=declared)


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", " br ", "deflate", "gzip, identity", "zstd", "unheard-of"])
async def test_compressed_bodies_are_refused_unread(encoding: str) -> None:
    """What is not read as it stands could grow without bounds."""
    caller = Caller(gzip.compress(b"{}"))

    assert ErrorCode.UNSUPPORTED_CONTENT_ENCODING is await caller.refusal(content_encoding=encoding)
    assert 0 == caller.taken


@pytest.mark.parametrize("encoding", ["", "identity", " Identity "])
async def test_the_identity_encoding_is_none(encoding: str) -> None:
    """Some clients say it."""
    assert b"{}" == await Caller(b"{}").read(content_encoding=encoding)


@pytest.mark.parametrize(
    "media",
    [
        "text/plain",
        "text/json",
        "application/json+x",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=application/json",
        "application/json; charset=utf-16",
        'application/json; charset="latin-1"',
        "application/json; charset=utf-8; charset=utf-16",
        "application/json; charset=utf-8859",
        "",
    ],
)
async def test_other_media_types_are_refused_unread(media: str) -> None:
    """Nothing is guessed."""
    caller = Caller(b"{}")

    assert ErrorCode.UNSUPPORTED_MEDIA_TYPE is await caller.refusal(content_type=media)
    assert 0 == caller.taken


@pytest.mark.parametrize(
    "media",
    [
        "application/json",
        "Application/JSON",
        "application/json; charset=utf-8",
        'application/json;charset="UTF-8"',
        "application/json; charset=utf8",
        "application/json; profile=x",
    ],
)
async def test_json_in_utf_8_is_accepted(media: str) -> None:
    """In each of its writings, and without a content type as well."""
    assert b"{}" == await Caller(b"{}").read(content_type=media)
    assert b"{}" == await Caller(b"{}").read()


async def test_a_body_that_does_not_end_is_refused_in_time() -> None:
    """A caller that sends half and hangs."""
    with pytest.raises(CallerError) as refused:
        await Caller(b'{"half":', then="hangs").read(seconds=0.02)

    assert ErrorCode.REQUEST_TIMEOUT is refused.value.code
    assert refused.value.__cause__ is None


async def test_half_a_body_is_no_body() -> None:
    """A caller that leaves in the middle: what came is not served."""
    assert ErrorCode.REQUEST_TIMEOUT is await Caller(b"{}", then="leaves").refusal()
