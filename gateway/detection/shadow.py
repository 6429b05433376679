"""The text that recognisers read: the same text with disguises folded away, and the way back to the original offsets.

Compatibility forms (full width, ligatures, super- and subscripts), digits of every script, dashes, spaces and quotes
become their plain ASCII forms; characters without any width are dropped, and so are control characters that separate no
words, and marks over signs that they make no letter with. A Cyrillic or Greek letter that is drawn like a Latin one
becomes that one in a word that also holds Latin letters or digits, and no other foreign ones. Where a script that puts
no spaces between words touches a Latin letter or a digit, a border is put between them. An identifier cannot be hidden
by typography.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise

_PLAIN = re.compile(r"[\t\n\x0b\x0c\r\x20-\x7e]+")
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")
_EMPTY_CATEGORIES = frozenset({"Cf", "Cs", "Co", "Cn"})
_EMPTY = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0")  # fillers and joiners that show nothing
_QUOTES = {"\u2018": "'", "\u2019": "'", "\u201b": "'", "\u02bc": "'", "\u201c": '"', "\u201d": '"', "\u00b4": "'"}
_DASHES = frozenset("\u2212\u02d7\u2043\u30fc\uff70")  # drawn as a dash without being dash punctuation
_LINES = frozenset("\u0085\u2028\u2029")
_MARKS = frozenset({"Mn", "Me"})
_LATIN_ENDS = "\u0250"

LOOKALIKES = str.maketrans(
    "\u0430\u0441\u0435\u043e\u0440\u0445\u0443\u0456\u0458\u0455\u04bb\u0501\u051b\u051d\u0391\u0392\u0395\u0396\u0397\u0399\u039a\u039c"
    "\u039d\u039f\u03a1\u03a4\u03a5\u03a7\u03bf\u0410\u0412\u0415\u041a\u041c\u041d\u041e\u0420\u0421\u0422\u0425\u0423\u0406\u0408\u0405"
    "\u0585\u0131\u0251\u0261",
    "aceopxyijshdqwABEZHIKMNOPTYXoABEKMHOPCTXYIJSoiag",
)
"""Letters of other alphabets that are drawn like Latin ones."""

_LOOKALIKE = re.compile(f"[{''.join(map(chr, LOOKALIKES))}]")
_OTHER_LETTER = re.compile(r"[^\W\d_A-Za-z]")
_LATIN = re.compile(r"[A-Za-z0-9]")
_WORD = re.compile(r"\S+")

BORDER = "\u200b"
"""Where two words touch: no letter, no space. `fold` drops it from texts, so in a folded one it is a border alone."""

SPACELESS = (
    "\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u1950-\u1aaf\u2e80-\u2fdf\u3005-\u3007\u3021-\u302f"
    "\u3031-\u318f\u31a0-\u31ff\u3400-\u4dbf\u4e00-\ua4cf\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\U0001b000-\U0001b2ff"
    "\U00020000-\U0003ffff"
)
"""Scripts whose words touch (Thai, Lao, Myanmar, Hangul, Khmer, kana, Han), as ranges of a character class."""

_JOINING = (
    f"{SPACELESS}\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc"  # Hebrew and Arabic write short words onto the next one
)
_TOUCHING = re.compile(rf"(?<=[{_JOINING}])(?=[A-Za-z0-9+(])|(?<=[A-Za-z0-9)])(?=[{_JOINING}])")


@dataclass(frozen=True, slots=True)
class Shadow:
    """Folded text. Character i of `text` stands for the original characters `starts[i]` up to `ends[i]`, exclusive.

    Empty `starts` and `ends` mean that nothing moved: the offsets are the original's own.
    """

    text: str = field(repr=False)
    starts: Sequence[int] = field(repr=False)
    ends: Sequence[int] = field(repr=False)

    def original(self, start: int, end: int) -> tuple[int, int]:
        """The original offsets of the non-empty span `start` to `end` of the folded text.

        A border stands for what is before it.
        """
        if not 0 <= start < end <= len(self.text):
            raise ValueError("a span covers at least one character of the text")
        if not self.starts:
            return start, end
        return self.starts[start], self.ends[end - 1]


def fold(text: str) -> Shadow:
    """The shadow of `text`. Linear in its length."""
    if text.isascii() and not _CONTROL.search(text):
        return Shadow(text, (), ())
    pieces: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    at = 0
    while at < len(text):
        plain = _PLAIN.match(text, at)
        # The last plain character may carry combining marks that follow it: it is folded together with them.
        stop = plain.end() if plain else at
        if plain and stop < len(text) and _is_mark(text[stop]):
            stop -= 1
        if stop > at:
            pieces.append(text[at:stop])
            starts.extend(range(at, stop))
            ends.extend(range(at + 1, stop + 1))
            at = stop
            continue
        stop = _cluster_end(text, at)
        folded = _fold_cluster(text[at:stop])
        pieces.append(folded)
        starts.extend([at] * len(folded))
        ends.extend([stop] * len(folded))
        at = stop
    return _with_borders(_in_latin("".join(pieces)), starts, ends)


def _in_latin(text: str) -> str:
    """`text` with words in Latin letters where letters of other alphabets were mixed in to look like them."""
    return _WORD.sub(_word_in_latin, text) if _LOOKALIKE.search(text) else text


def _word_in_latin(match: re.Match[str]) -> str:
    word = match.group()
    latin = word.translate(LOOKALIKES)
    disguised = latin != word and _LATIN.search(word) and not _OTHER_LETTER.search(latin)
    return latin if disguised else word


def touch(before: str, after: str) -> bool:
    """Whether a border has to stand between the last character of one text and the first of another."""
    return _TOUCHING.search(before[-1:] + after[:1]) is not None


def _with_borders(text: str, starts: list[int], ends: list[int]) -> Shadow:
    """The shadow with a border wherever a script without spaces touches a Latin letter or a digit."""
    cuts = [match.start() for match in _TOUCHING.finditer(text)]
    cuts = [cut for cut in cuts if not _in_address(text, cut)] if "@" in text else cuts
    if not cuts:
        return Shadow(text, starts, ends)
    pieces, new_starts, new_ends = [text[: cuts[0]]], starts[: cuts[0]], ends[: cuts[0]]
    for cut, stop in pairwise((*cuts, len(text))):
        pieces += (BORDER, text[cut:stop])
        new_starts += (starts[cut - 1], *starts[cut:stop])
        new_ends += (ends[cut - 1], *ends[cut:stop])
    return Shadow("".join(pieces), new_starts, new_ends)


_NAME_THEN_AT = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}\.")
_AT_THEN_DOMAIN = re.compile(r"@[\w.-]{0,64}\Z")
_DOMAIN_GOES_ON = re.compile(r"[\w-]{1,63}\.\w")


def _in_address(text: str, cut: int) -> bool:
    """Whether a place is within an e-mail address: its name and its domain may be in any script."""
    if _NAME_THEN_AT.match(text, cut):
        return True
    at = _AT_THEN_DOMAIN.search(text, max(0, cut - 65), cut)
    return at is not None and _DOMAIN_GOES_ON.match(text, cut) is not None


_LONGEST_CLUSTER = 16


def _cluster_end(text: str, at: int) -> int:
    """The end of the character at `at` with the marks that combine with it."""
    stop = at + 1
    while stop < len(text) and stop - at < _LONGEST_CLUSTER and _is_mark(text[stop]):
        stop += 1
    return stop


def _is_mark(character: str) -> bool:
    return character > "\u02ff" and unicodedata.category(character) in _MARKS


@lru_cache(maxsize=4096)
def _fold_cluster(cluster: str) -> str:
    composed = unicodedata.normalize("NFKC", cluster)
    if composed[:1] < _LATIN_ENDS or not composed[0].isalpha():
        composed = "".join(character for character in composed if not _is_mark(character))
    return "".join(_fold_character(character) for character in composed)


def _fold_character(character: str) -> str:  # one return for each kind of disguise
    if character.isascii():
        return "" if _CONTROL.match(character) else character
    category = unicodedata.category(character)
    if category in _EMPTY_CATEGORIES or character in _EMPTY or "\ufe00" <= character <= "\ufe0f":
        return ""
    if character in _LINES:
        return "\n"
    if category == "Nd":
        return str(unicodedata.decimal(character))
    if category == "Pd" or character in _DASHES:
        return "-"
    return " " if category == "Zs" else _QUOTES.get(character, character)
