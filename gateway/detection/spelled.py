"""Values that are written out: one character at a time (`5 3 6 - 2 2`, `j.o.h.n`), digits as words or as letters that
look like them (`4ll1 O0`), literals put together (`"sk-" + "proj"`), broken lines."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from operator import add

import re2

from gateway.detection.randomness import looks_random
from gateway.detection.replacements import Replacement
from gateway.detection.shadow import BORDER

_SINGLES = re.compile(
    rf"(?<![^\s(\[{{<>\"':=,{BORDER}])\S(?:[ \t\r\n]{{1,3}}\S){{6,}}(?=[.,;:!?)\]}}<>\"']{{0,4}}(?:[\s{BORDER}]|\Z))"
)
_JOINED = re.compile(
    r"(?<![A-Za-z0-9])[A-Za-z0-9+](?P<joint>[.\-_*|/,~])(?:\S(?P=joint)){6,}[A-Za-z0-9](?![A-Za-z0-9])"
)
_LINE_END = re.compile(r"\S\r?\n(?=[A-Za-z0-9._@-])")
_BROKEN = re.compile(
    r"(?P<first>\S{0,64}(?:\w@|(?:\b|_)(?:sk|pk|rk|gh[pousr]|github|xox[a-z]|A[KS]IA|eyJ|npm|hf|pypi|glpat|SG|AIza)[A-Z0-9_.-])"
    r"\S{0,64})\r?\n(?P<second>[A-Za-z0-9._-][A-Za-z0-9@._-]{0,127})"
    r"|(?P<local>[\w.+-]{1,64})\r?\n(?P<domain>@(?:[\w-]{1,63}\.){1,3}(?:com|org|net|edu|gov|io|de|uk|fr|eu|us|ca|example|test)\b)"
)
_LAST_WORD = re.compile(r"\S+\Z")
_LEAST_LINE = 8
_COMPLETE = re.compile(r"@[\w-]+(?:\.[\w-]+)*\.[a-z]{2,}[.,;:!?)>\"']*|@?[^@]{24,}")
_GAP = re.compile(r"\s+")
_DIGITS = {
    "zero": "0", "oh": "0", "nought": "0", "one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6",
    "seven": "7", "eight": "8", "nine": "9", "dash": "-", "hyphen": "-", "minus": "-",
}  # fmt: skip
_TIMES = {"double": 2, "triple": 3}
_DIGIT = "zero|oh|nought|one|two|three|four|five|six|seven|eight|nine"
_WORD = rf"(?:(?:double|triple)[ \t\n-]{{1,2}})?(?:{_DIGIT})|dash|hyphen|minus"
_SPOKEN = re.compile(
    rf"\b(?:{_DIGIT}|double|triple|\d{{1,4}})\b(?=[\s,\-])(?:[\s,\-]{{0,3}}\b(?:{_WORD}|\d{{1,4}})\b){{3,}}",
    re.IGNORECASE,
)
_MANY_DIGIT_WORDS = re2.compile(rf"(?i)(?:(?:{_WORD}|double|triple)[\s,\-]{{0,6}}(?:\d{{1,4}}[\s,\-]{{0,6}})?){{3}}")
_SPOKEN_WORD = re.compile(r"[a-z]+|\d+")
_FEWEST_SPOKEN, _FEWEST_WORDS = 6, 3

_SEAM = re.compile(r"""(?P<quote>["'`])\s{0,40}(?:\+|\|\||&|\.{1,2})\s{0,40}[bfru]{0,2}(?P=quote)""")
_SEAM_REACH = 32
_END, _BEGINNING = re.compile(r"\w+\Z"), re.compile(rf"\w{{1,{_SEAM_REACH}}}")


_MIXED_UP = re.compile(r"\d[OolI]|[OolI]\d")
_MISTYPED = re.compile(r"(?<![A-Za-z0-9])(?:[A-Z]{2}|\+)?[0-9OolI](?:[ .-]?[0-9OolI]|[A-Z]{4})*(?![A-Za-z0-9])")
_MISTYPED_SIGNS = re.compile(r"(?<=\d)[OolI]+|(?<=[ .+-])[OolI]+|[OolI]+(?=\d)")
_MEANT = str.maketrans("OolI", "0011")
_FEWEST_MISTYPED = 8

_AFTER_VALUES = " \t\r\n.,;!?)]}\"'`>"


def spelled(text: str) -> list[Replacement]:
    """Everything that is written out in `text`, sorted by start."""
    every = [*_singles(text), *_joined(text), *_spoken(text), *_letters_for_digits(text), *_seams(text)]
    return sorted(every, key=lambda each: (each.start, each.end))


def _singles(text: str) -> Iterator[Replacement]:
    for match in _SINGLES.finditer(text):
        signs, gaps = match.group().split(), _GAP.findall(match.group())
        usual = min(map(len, gaps))
        between = [" " if len(gap) > usual else "" for gap in gaps]
        yield Replacement(*match.span(), "".join(map(add, signs, [*between, ""])))


def _joined(text: str) -> Iterator[Replacement]:
    for match in _JOINED.finditer(text):
        yield Replacement(*match.span(), match.group()[::2])


def _letters_for_digits(text: str) -> Iterator[Replacement]:
    for match in _MISTYPED.finditer(text) if _MIXED_UP.search(text) else ():
        written = match.group()
        digits, signs = sum(map(str.isdigit, written)), sum(map(str.isalnum, written))
        meant = digits + sum(written.count(letter) for letter in "OolI")
        if signs >= _FEWEST_MISTYPED and min(10 * meant, 15 * digits) >= 6 * signs and _MIXED_UP.search(written):
            yield Replacement(*match.span(), _MISTYPED_SIGNS.sub(lambda each: each.group().translate(_MEANT), written))


def _spoken(text: str) -> Iterator[Replacement]:
    for match in _SPOKEN.finditer(text) if _MANY_DIGIT_WORDS.search(text) else ():
        said = _SPOKEN_WORD.findall(match.group().lower())
        digits = "".join(_digits(said))
        if sum(map(str.isalpha, said)) >= _FEWEST_WORDS and sum(map(str.isdigit, digits)) >= _FEWEST_SPOKEN:
            yield Replacement(*match.span(), digits)


def _digits(said: Iterable[str]) -> Iterator[str]:
    times = 1
    for word in said:
        if word in _TIMES:
            times = _TIMES[word]
        else:
            yield _DIGITS.get(word, word) * times
            times = 1


def _seams(text: str) -> Iterator[Replacement]:
    """Where a program puts two literals together: the ends of both, in one."""
    done = 0
    for seam in _SEAM.finditer(text):
        before = _END.search(text, max(done, seam.start() - _SEAM_REACH), seam.start())
        after = _BEGINNING.match(text, seam.end())
        start, done = before.start() if before else seam.start(), after.end() if after else seam.end()
        yield Replacement(start, done, text[start : seam.start()] + text[seam.end() : done])


def broken_lines(text: str) -> list[Replacement]:
    """Addresses and keys with a line break in them. What is complete before the break is not continued after it, but by
    what no word looks like: a key may have any length."""
    found: list[Replacement] = []
    for match in _over_line_ends(text):
        first, second = match["first"] or match["local"], match["second"] or match["domain"]
        complete = _COMPLETE.fullmatch(first, max(0, first.find("@"))) is not None
        ends_there = not text[match.end() : match.end() + 1].strip(_AFTER_VALUES)
        rest_of_key = "@" not in first and ends_there and len(second) >= _LEAST_LINE and looks_random(second)
        if not complete or rest_of_key:
            found.append(Replacement(*match.span(), first + second))
    return found


_LONGEST_FIRST = 150


def _over_line_ends(text: str) -> Iterator[re.Match[str]]:
    """What `_BROKEN` matches from the beginning of the last word of a line, one after the other."""
    done = 0
    for line_end in _LINE_END.finditer(text):
        begin = max(done, line_end.start() - _LONGEST_FIRST)
        word = _LAST_WORD.search(text, begin, line_end.start() + 1)
        alone = word is not None and (word.start() == 0 or text[word.start() - 1].isspace())
        match = _BROKEN.match(text, word.start()) if word and alone else None
        if match:
            done = match.end()
            yield match
