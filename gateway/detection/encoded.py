"""Text that was written as base64, base32, hex, or the codes of its characters: found, decoded, and told apart from
bytes that only look like it.

A stretch of the alphabet is decoded from each of its possible beginnings, line breaks and spaces left out. What counts
is a run of printable characters (UTF-8 or UTF-16) that chance does not make: random bytes are printable in four cases
of ten. The whole written token is what the decoded text stands for.
"""

from __future__ import annotations

import base64
import binascii
import re
import zlib
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence

from gateway.detection.replacements import Replacement

MOST_INFLATED = 256 * 1024
"""In bytes. Compressed text that becomes longer than this is not read."""

_STRETCH = re.compile(r"[A-Za-z0-9+/_-](?:\s{0,4}[A-Za-z0-9+/_-]){7,}(?:\s{0,2}=){0,2}")
_HEX_STRETCH = re.compile(
    r"(?<![0-9A-Za-z])(?:0[xX])?[0-9a-fA-F]{2}(?:[\s:,;\-]{0,3}(?:0[xX])?[0-9a-fA-F]{2}){5,}(?![0-9A-Za-z])"
)
_BASE32_STRETCH = re.compile(r"(?<![A-Za-z0-9+/])(?:[A-Z2-7]{16,}|[a-z2-7]{16,})={0,6}(?![A-Za-z0-9+/=])")
_BITS_STRETCH = re.compile(r"(?<![0-9A-Za-z])(?:0b)?[01]{8}(?:[\s,;]{0,3}(?:0b)?[01]{8}){5,}(?![0-9A-Za-z])")
_BITS = re.compile(r"[01]{8}")
_CODE = r"(?:n?char|n?chr|unichr)?\(?(?:9|1[03]|3[2-9]|[4-9]\d|1[01]\d|12[0-6])\b\)?"  # of a printable character
_CODES_STRETCH = re.compile(rf"(?i)(?<![\w.]){_CODE}(?:[\s,;+&|]{{1,5}}{_CODE}){{7,}}(?![\w.])")
_CODES = re.compile(r"\d+")
_HEX_FILLING = re.compile(r"0[xX]|[\s:,;\-]")
_TOKEN = re.compile(r"[A-Za-z0-9+/_-]+={0,2}")
_LONG_TOKEN = re.compile(r"[A-Za-z0-9+/_-]{8,}")
_TAKING_TURNS = re.compile(r"[a-z][A-Z0-9]|[0-9][A-Za-z]|[A-Z]{2}[a-z0-9]")
_STANDARD = str.maketrans("-_", "+/")

_WIDE = rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}"
_SHOWN = rb"(?:[\t\n\r\x20-\x7e]|" + _WIDE + rb")"
_WHOLE = re.compile(_SHOWN + rb"{6,}")
_SHORT_RUN = re.compile(_SHOWN + rb"{9,}")
_LONG_RUN = re.compile(_SHOWN + rb"{11,}")
_UTF16 = re.compile(rb"(?P<little>(?:[\t\n\r\x20-\x7e]\x00){6,})|(?P<big>(?:\x00[\t\n\r\x20-\x7e]){6,})")
_LONG = 256
_SHORTEST_OF_SEVERAL = 15
_GAP = re.compile(r"\s")
_SIGN = re.compile(r"\S")
_PLAIN_WORD = re.compile(r"(?<!\S)[A-Z]?[a-z]{5,}(?!\S)")


class TooLarge(Exception):
    """Compressed text that does not fit: nobody has read it."""


def encoded(text: str) -> list[Replacement]:
    """Everything in `text` that is readable text in one of these forms, sorted by start. What can be read in several
    ways is told for each. Raises `TooLarge`."""
    every = {*_hex(text), *_base64(text), *_base32(text), *_bits(text), *_codes(text)}
    return sorted(every, key=lambda each: (each.start, each.end))


def _base64(text: str) -> Iterator[Replacement]:
    for stretch in _STRETCH.finditer(text):
        written = stretch.group().rstrip("= \t\r\n")
        if not _TAKING_TURNS.search(written):
            continue  # words
        at = _Tokens(text, *stretch.span())
        if not _GAP.search(written):
            yield from _runs_of(at, written.translate(_STANDARD), range(len(written)), _SHORT_RUN)
            continue
        for start, end in _between_words(written):
            packed = "".join(written[start:end].split()).translate(_STANDARD)
            if len(packed) >= _SHORTEST_OF_SEVERAL:
                places = [m.start() for m in _SIGN.finditer(written, start, end)]
                yield from _runs_of(at, packed, places, _LONG_RUN)
        for token in _LONG_TOKEN.finditer(written):
            if _TAKING_TURNS.search(token.group()):
                yield from _runs_of(at, token.group().translate(_STANDARD), range(*token.span()), _SHORT_RUN)


def _between_words(written: str) -> Iterator[tuple[int, int]]:
    """The parts of a stretch of several tokens in which no plain word stands."""
    start = 0
    for word in _PLAIN_WORD.finditer(written):
        yield start, word.start()
        start = word.end()
    yield start, len(written)


class _Tokens:
    """The words of a stretch, each with the padding after it: what is read of a part of a word stands for all of it."""

    def __init__(self, text: str, start: int, end: int) -> None:
        spans = [token.span() for token in _TOKEN.finditer(text, start, end)]
        self._stretch = start
        self._starts = [start for start, _ in spans]
        self._ends = [end for _, end in spans]

    def around(self, first: int, last: int) -> tuple[int, int]:
        """The span, in the text, of the words from the stretch's character `first` to its character `last`."""
        begin, end = (bisect_right(self._starts, self._stretch + at) - 1 for at in (first, last))
        return self._starts[begin], self._ends[end]


def _runs_of(tokens: _Tokens, packed: str, places: Sequence[int], readable: re.Pattern[bytes]) -> Iterator[Replacement]:
    """The readable runs of one stretch, from each of its beginnings; those of one word together. `places` are where its
    characters stand in it."""
    for shift in range(4):
        data = _decoded(packed[shift:])
        if shift == 0 and _WHOLE.fullmatch(data):
            runs: Iterable[_Run] = [(0, len(data), data.decode("utf-8", "replace"))]
        else:
            runs = _readable(data, _LONG_RUN if len(data) > _LONG else readable)
        spans: dict[tuple[int, int], list[str]] = {}
        for start, end, shown in runs:
            first, last = shift + start // 3 * 4, min(len(packed), shift + -(-end * 4 // 3)) - 1
            spans.setdefault(tokens.around(places[first], places[last]), []).append(shown)
        yield from (Replacement(*span, "\n".join(each)) for span, each in spans.items())


def _decoded(packed: str) -> bytes:
    rest = len(packed) % 4
    usable = packed[: len(packed) - 1] if rest == 1 else packed + "=" * (-len(packed) % 4)
    return binascii.a2b_base64(usable)


_Run = tuple[int, int, str]


def _readable(data: bytes, runs: re.Pattern[bytes]) -> Iterator[_Run]:
    """Start, end (in bytes) and text of what can be read in `data`."""
    if data[:2] == b"\x1f\x8b" or (data[:1] == b"\x78" and data[1:2] in {b"\x01", b"\x5e", b"\x9c", b"\xda"}):
        inflated = _inflated(data)
        if inflated:
            yield 0, len(data), inflated
            return
    for match in runs.finditer(data):
        yield *match.span(), match.group().decode("utf-8", "replace")
    if b"\x00" in data:
        for match in _UTF16.finditer(data):
            yield *match.span(), match.group().replace(b"\x00", b"").decode("ascii")


def _inflated(data: bytes) -> str:
    """Text that was compressed; empty for what is not, or is no text. Raises `TooLarge`."""
    stream = zlib.decompressobj(wbits=47)
    try:
        plain = stream.decompress(data, MOST_INFLATED)
    except zlib.error:
        return ""
    if stream.unconsumed_tail:
        raise TooLarge
    return plain.decode("utf-8") if _WHOLE.fullmatch(plain) else ""


def _hex(text: str) -> Iterator[Replacement]:
    for stretch in _HEX_STRETCH.finditer(text):
        digits = _HEX_FILLING.sub("", stretch.group())
        data = bytes.fromhex(digits[: len(digits) // 2 * 2])
        if _WHOLE.fullmatch(data):
            yield from _whole(stretch, data)
            continue
        for _, _, shown in _readable(data, _SHORT_RUN):
            yield Replacement(*stretch.span(), shown)
            break


def _base32(text: str) -> Iterator[Replacement]:
    for stretch in _BASE32_STRETCH.finditer(text):
        packed = stretch.group().rstrip("=").upper()
        if len(packed) % 8 not in {1, 3, 6}:  # no number of bytes is so long
            yield from _whole(stretch, base64.b32decode(packed + "=" * (-len(packed) % 8)))


def _bits(text: str) -> Iterator[Replacement]:
    for stretch in _BITS_STRETCH.finditer(text):
        yield from _whole(stretch, bytes(int(each, 2) for each in _BITS.findall(stretch.group())))


def _codes(text: str) -> Iterator[Replacement]:
    """Codes of characters in decimal, one after the other or in the calls that make characters of them."""
    for stretch in _CODES_STRETCH.finditer(text):
        yield from _whole(stretch, bytes(map(int, _CODES.findall(stretch.group()))))


def _whole(stretch: re.Match[str], data: bytes) -> Iterator[Replacement]:
    if _WHOLE.fullmatch(data):
        yield Replacement(*stretch.span(), data.decode("utf-8", "replace"))
