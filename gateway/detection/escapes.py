"""Characters written as escapes: backslash, percent, HTML and quoted-printable, also escaped several times over."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.entities import html5

from gateway.detection.replacements import Replacement

_MARK = re.compile(r"[\\%&=]|[uU]\+")
_HEX = "[0-9a-fA-F]"
_NEXT = rf"%(?:25)*[89abAB]{_HEX}"  # a byte of a character of several bytes
_ESCAPE = re.compile(
    rf"""(?=[\\%&=uU])(?:
      \\{{1,16}}u(?P<high>[dD][89abAB]{_HEX}{{2}})\\{{1,16}}u(?P<low>[dD][c-fC-F]{_HEX}{{2}})
    | \\{{1,16}}u(?P<short>{_HEX}{{4}})
    | \\{{1,16}}[ux]\{{(?P<braced>{_HEX}{{1,6}})\}}
    | \\{{1,16}}U(?P<long>{_HEX}{{8}})
    | \\{{1,16}}x(?P<byte>{_HEX}{{2}})
    | \b[uU]\+(?P<plus>{_HEX}{{4,6}})\b
    | %u(?P<script>{_HEX}{{4}})
    | &(?:amp;)*\#[xX](?P<hexadecimal>{_HEX}{{1,6}});?
    | \\{{1,16}}(?P<octal>[0-3][0-7]{{2}})
    | \\{{1,16}}(?P<simple>[nrtbfv0"'`/\\])
    | &(?:amp;)*\#(?P<decimal>\d{{1,7}});?
    | &(?:amp;)*(?P<entity>[A-Za-z][A-Za-z0-9]{{1,31}};)
    | (?P<percent>%(?:25)*[0-7]{_HEX}|%(?:25)*[cdCD]{_HEX}{_NEXT}|%(?:25)*[eE]{_HEX}(?:{_NEXT}){{2}}
      |%(?:25)*[fF]{_HEX}(?:{_NEXT}){{3}})
    | (?<=\S)(?P<soft>=\r?\n)
    | (?P<quoted>(?:=[2-7][0-9A-F]){{2,}}|(?<=\w)=(?:40|2D|2E)(?=[A-Za-z0-9])))
    """,
    re.VERBOSE,
)
_BASES = {"octal": 8, "decimal": 10} | dict.fromkeys(
    ("short", "braced", "long", "byte", "plus", "script", "hexadecimal"), 16
)
_SIMPLE = {"n": "\n", "r": "\r", "t": "\t", "b": "", "f": "\n", "v": "\n", "0": ""}
_BYTE = re.compile(rf"%(?:25)*({_HEX}{{2}})|=({_HEX}{{2}})")


def escapes(text: str) -> list[Replacement]:
    """Every escaped character of `text`, sorted. Linear: escapes are short."""
    return list(_each(text)) if _MARK.search(text) else []


def _each(text: str) -> Iterator[Replacement]:
    for match in _ESCAPE.finditer(text):
        decoded = _decoded(match)
        if decoded is not None:
            yield Replacement(match.start(), match.end(), decoded)


def _decoded(match: re.Match[str]) -> str | None:
    """The character that an escape stands for; None for what only looks like one."""
    group, value = match.lastgroup, match.group()
    if match["high"]:
        pair = ((int(match["high"], 16) & 0x3FF) << 10) | (int(match["low"], 16) & 0x3FF)
        return chr(0x10000 + pair)
    if group in _BASES:
        return _character(int(match[group], _BASES[group]))
    if group == "simple":
        return _SIMPLE.get(match["simple"], match["simple"])
    if group == "entity":
        return html5.get(match["entity"])
    if group == "soft":
        return ""
    return _from_bytes(value)


def _character(code: int) -> str | None:
    return chr(code) if code <= 0x10FFFF else None


def _from_bytes(value: str) -> str | None:
    data = bytes(int(percent or quoted, 16) for percent, quoted in _BYTE.findall(value))
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return None
