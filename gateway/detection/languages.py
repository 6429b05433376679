"""In which language a text stands: English and Spanish are read by a pipeline of their own, no other is.

A text is judged stretch by stretch (a paragraph, or some lines of one), by its script and by the short words that every
sentence of a language holds. Few words say nothing, and so does code: what is not clearly foreign is no foreign text.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from gateway.detection.language_words import ENGLISH, OTHERS, SPANISH
from gateway.detection.shadow import SPACELESS


class Language(StrEnum):
    """What can be told of a stretch of text. `UNKNOWN`: too short, or no sentences."""

    ENGLISH = "en"
    SPANISH = "es"
    OTHER = "other"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Stretch:
    """Characters `start` to `end` (exclusive) of a text, all in one language."""

    start: int
    end: int
    language: Language


_LONGEST = 600
"""In characters: a longer paragraph is judged in parts."""
_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_WORD = re.compile(r"[^\W\d_]{2,}(?:['\u2019][^\W\d_]+)?")
_LATIN = "\u0000-\u024f\u0250-\u02af\u1e00-\u1eff\u2c60-\u2c7f\ua720-\ua7ff\uab30-\uab6f"
_BEYOND = re.compile(rf"[^\W{_LATIN}]")
_TOUCHING = re.compile(rf"[{SPACELESS}]{{2,}}")
_SPACED = re.compile(rf"[^\W\d_{_LATIN}{SPACELESS}]{{2,}}")
_FEWEST_TOUCHING, _FEWEST_SPACED = 6, 12
"""Letters of another script, where words touch and where they do not. Fewer are a quotation, a name or mathematics."""
_FOREIGN_SHARE = 0.3
_FEWEST_HITS = 3
_LEAST_SHARE = 0.12
"""Of different short words of a foreign language, and of all different words."""
_TELLING = 2
"""So many times as many different short words of a foreign language as of English make a stretch foreign."""
_PLAINLY = 0.2
"""The share of short words, among all different ones, that makes a stretch English without a look at other languages;
half of it is enough of words that only Spanish has."""
_FEWEST = 2
_SPANISH_SIGNS = re.compile("[\u00bf\u00a1\u00f1\u00d1]")

_EN, _ES = frozenset(ENGLISH.split()), frozenset(SPANISH.split())
_OTHERS: Mapping[str, frozenset[str]] = {name: frozenset(words.split()) for name, words in OTHERS.items()}
_ONLY_SPANISH = _ES - _EN - frozenset().union(*_OTHERS.values())
_SPOKEN_IN: dict[str, list[str]] = {}
for _name, _words in _OTHERS.items():
    for _each in _words - _EN:
        _SPOKEN_IN.setdefault(_each, []).append(_name)


def stretches(text: str) -> Iterator[Stretch]:
    """The stretches of `text` in order, without gaps. Linear in its length."""
    for start, end in _parts(text):
        yield Stretch(start, end, language_of(text[start:end]))


def language_of(text: str) -> Language:
    """The language of one stretch."""
    if _BEYOND.search(text) and _other_script(text):
        return Language.OTHER
    words = set(_WORD.findall(text.lower().replace("\u2019", "'")))
    english = len(words & _EN)
    if english >= _FEWEST and english >= _PLAINLY * len(words):
        return Language.ENGLISH
    spanish = len(words & _ONLY_SPANISH)
    if spanish >= max(_FEWEST, english, _PLAINLY / 2 * len(words)):
        return Language.SPANISH
    return _by_words(words, signs=_SPANISH_SIGNS.search(text) is not None)


def _parts(text: str) -> Iterator[tuple[int, int]]:
    """Lines of a paragraph together, as far as they are not too long; a longer line is cut, at a space where it can."""
    start = end = 0
    for line in _LINE.finditer(text):
        if end > start and (line.end() - start > _LONGEST or line.group().isspace()):
            yield start, end
            start = end
        end = line.end()
        while end - start > _LONGEST:
            cut = max(text.rfind(" ", start, start + _LONGEST), start) + 1
            cut = cut if cut > start + 1 else start + _LONGEST
            yield start, cut
            start = cut
    if end > start:
        yield start, end


def _other_script(text: str) -> bool:
    touching, spaced = (sum(map(len, script.findall(text))) for script in (_TOUCHING, _SPACED))
    enough = touching >= _FEWEST_TOUCHING or spaced >= _FEWEST_SPACED
    return enough and touching + spaced >= _FOREIGN_SHARE * sum(map(str.isalpha, text))


def _by_words(words: set[str], *, signs: bool) -> Language:
    english, spanish = len(words & _EN), len(words & _ES) + signs
    theirs = _OTHERS.get(_best_other(words), frozenset())
    foreign_words = (words & theirs) - _EN
    enough = len(foreign_words) >= max(_FEWEST_HITS, _LEAST_SHARE * len(words), _TELLING * english + 1)
    if enough and len(foreign_words - _ES) > len(words & (_ES - theirs)) + signs:
        return Language.OTHER
    surely = signs or len(words & _ONLY_SPANISH) > 0 or spanish > _FEWEST
    if spanish >= _FEWEST and spanish > english and surely:
        return Language.SPANISH
    return Language.ENGLISH if english >= _FEWEST else Language.UNKNOWN


def _best_other(words: set[str]) -> str:
    """The foreign language that has the most of these words, words that English has too left out; empty for none."""
    counts = Counter(name for word in words for name in _SPOKEN_IN.get(word, ()))
    return max(counts, key=lambda name: (counts[name], name), default="")


def languages_of(text: str) -> frozenset[Language]:
    """The languages of all stretches of `text`."""
    return frozenset(each.language for each in stretches(text))


def unread(text: str, read: frozenset[Language]) -> list[tuple[int, int]]:
    """The spans of `text` that stand in no language of `read`, neighbouring ones joined, without blank edges."""
    spans: list[tuple[int, int]] = []
    for each in stretches(text):
        if each.language in read or each.language is Language.UNKNOWN:
            continue
        start = spans.pop()[0] if spans and spans[-1][1] == each.start else each.start
        spans.append((start, each.end))
    return [_trimmed(text, start, end) for start, end in spans]


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    part = text[start:end]
    return start + len(part) - len(part.lstrip()), start + len(part.rstrip())
