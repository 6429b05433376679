"""What reached a provider, searched for values in every writing in which they could have travelled."""

from __future__ import annotations

import base64
import binascii
import gzip
import re
import zlib
from collections.abc import Iterator

from gateway.testing.stand_in import Seen
from tests.egress.harness import holds

_ESCAPE = re.compile(rb"\\+u([0-9a-fA-F]{4})")
_SQUEEZED = re.compile(rb"[^0-9a-z]+")
_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{12,}={0,2}")
_HEX = re.compile(rb"(?:[0-9a-fA-F]{2}){8,}")
_PERCENT = re.compile(rb"%([0-9a-fA-F]{2})")
_DEPTH = 3


class Heard:
    """The bytes of some requests, unwrapped once and searched often."""

    def __init__(self, requests: list[Seen]) -> None:
        self.raw = b"\n".join(map(_whole, requests))
        self.bodies = b"\n".join(request.body for request in requests)
        self._squeezed = b"\n".join(_squeezed(text) for text in _unwrapped(self.raw, _DEPTH))

    def holds(self, value: str) -> bool:
        """Whether a value travelled, in whatever writing: clear, escaped, re-spaced, with signs between its letters,
        base64, hex, URL, gzip, UTF-16, and these in each other."""
        return _squeezed(value.encode()) in self._squeezed

    def holds_thoroughly(self, value: str) -> bool:
        """The same, and compared with every writing of the value that the harness knows. Slow."""
        return self.holds(value) or holds(self.raw, value)


def _whole(request: Seen) -> bytes:
    headers = "\n".join(f"{name}: {value}" for name, value in request.headers)
    return f"{request.method} {request.path}\n{headers}\n".encode() + request.body


def _squeezed(text: bytes) -> bytes:
    """Letters and digits alone: no space, sign or invisible character tears a value apart."""
    return _SQUEEZED.sub(b"", text.lower())


def _unwrapped(data: bytes, depth: int) -> Iterator[bytes]:
    """The data, and whatever is encoded in it."""
    yield data
    if not depth:
        return
    plain = _ESCAPE.sub(lambda found: chr(int(found[1], 16)).encode("utf-8", "ignore"), data)
    plain = _PERCENT.sub(lambda found: bytes([int(found[1], 16)]), plain)
    if plain != data:
        yield from _unwrapped(plain, depth - 1)
    for inner in _decoded(data):
        yield from _unwrapped(inner, depth - 1)


def _decoded(data: bytes) -> Iterator[bytes]:
    for found in _BASE64.finditer(data):
        token = found.group().rstrip(b"=").replace(b"-", b"+").replace(b"_", b"/")
        for start in range(4):
            yield from _inflated(_of_base64(token[start:]))
    for found in _HEX.finditer(data):
        yield from _inflated(bytes.fromhex(found.group().decode()))


def _of_base64(token: bytes) -> bytes:
    try:
        return base64.b64decode(token[: len(token) // 4 * 4] + (token[len(token) // 4 * 4 :] + b"==")[:4])
    except binascii.Error:
        return base64.b64decode(token[: len(token) // 4 * 4])


def _inflated(data: bytes) -> Iterator[bytes]:
    yield data
    if data[:2] == b"\x1f\x8b":
        try:
            yield gzip.decompress(data)
        except (OSError, EOFError, zlib.error):
            return
