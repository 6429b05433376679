"""What one text of a conversation says, the others are held to: a name or number found once is found in all its forms.

    Anna Maria Lopez -> Anna Lopez, Lopez, A. Lopez, Lopez, Anna, A.L., alopez, anna.lopez
    anna.lopez@...   -> Anna Lopez and what follows from it
    4432-211         -> 4432211, 4432 211, where no label explains it

A leaf's own findings do not depend on its neighbours, so that they can be cached; this is done after, from the texts at
hand, and kept nowhere. It is loaded by the gateway itself, takes time linear in the texts, and learns a bounded number.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from gateway.domain.conversation import Leaf
from gateway.domain.finding import Address, Examined, Finding, LeafReport, Permille
from gateway.domain.labels import DEFAULT_TABLE, Entity

RECOGNIZER = "ConsistencyRecognizer"

_PERSON = Entity("PERSON")
_EMAIL = Entity("EMAIL_ADDRESS")
_NO_NUMBERS = frozenset({_PERSON, _EMAIL, Entity("STREET_ADDRESS"), Entity("IP_ADDRESS"), Entity("MAC_ADDRESS")})
_NUMBERS = frozenset(entity for entity, means in DEFAULT_TABLE.items() if means.classes) - _NO_NUMBERS
_YIELDING = frozenset(map(Entity, ("PUBLIC_FIGURE", "LOCATION", "ORGANIZATION", "NRP", "TITLE", "DATE_TIME")))
"""What a text alone took for something that needs no protection, and that is now known to be somebody's."""

_LEAST = Permille(500)
_PART = Permille(700)
"""A finding below the first teaches nothing; a name's part alone is believed no more than the second."""

_MOST_NAMES = 1_000
_MOST_NUMBERS = 300
_MOST_WORDS = 6
_SHORTEST_PART = 3
_SHORTEST_HANDLE = 6
_DIGITS = range(5, 41)

_WORD = re.compile(r"[^\W_]+(?:['\u2019][^\W\d_]+)*")
_GAP = re.compile(r"[ .,_\-\n]{1,3}")
_POSSESSIVE = re.compile(r"['\u2019]s\Z")
_SIGNS = frozenset(" ./-")
_FIGURES = "0123456789"
_BEGIN = 2
_GOES_ON = re.compile(r"[a-z,;] \Z")
_OFFICES = """
admin billing careers contact customer data desk dpo feedback finance hello help hr human info it jobs legal mail
marketing newsletter no noreply office orders postmaster press privacy protection reply resources sales security service
support team test user web webmaster"""
_ROLES = frozenset(_OFFICES.split())
_WORDS_TOO = """
amber april art august austin autumn baker banks best bill bird black bond brown bush carter case chase chelsea church
christian cook dallas dawn day dean drew east faith field fish florence fox frank georgia good grace grant gray green
guy hall hill hope house hunter jack jackson jordan joy june king lake lincoln london long love madison mark mason may
miller new north page paris park parker pat penny power price rice rich rob rose ruby south stone street sue summer
sydney virginia washington west white will wolf wood young"""
_EVERYDAY = frozenset(_WORDS_TOO.split())
"""Names that are words as well: alone they count only within a sentence."""


@dataclass(frozen=True, slots=True)
class _Form:
    """One way to write a name. `alone` is a single word of it, `dotted` its initials."""

    confidence: Permille
    alone: bool = False
    dotted: bool = False


@dataclass(frozen=True, slots=True)
class _Number:
    entity: Entity
    confidence: Permille


@dataclass(slots=True)
class _Known:
    """Names by the words of their forms, numbers by their letters and digits."""

    names: dict[tuple[str, ...], _Form] = field(default_factory=dict)
    numbers: dict[str, _Number] = field(default_factory=dict)
    learned: set[tuple[str, ...]] = field(default_factory=set)


def agreed(leaves: Sequence[Leaf], reports: Mapping[Address, LeafReport]) -> dict[Address, LeafReport]:
    """The reports, each examined leaf's with what the findings of all leaves say of it. A failed leaf stays failed."""
    known = _learned(leaves, reports)
    told = dict(reports)
    if not known.names and not known.numbers:
        return told
    search = _Search(known)
    for leaf in leaves:
        report = told.get(leaf.address)
        if isinstance(report, Examined):
            told[leaf.address] = Examined(_with(report.findings, search.within(leaf.text)))
    return told


def _learned(leaves: Sequence[Leaf], reports: Mapping[Address, LeafReport]) -> _Known:
    known = _Known()
    for leaf in leaves:
        report = reports.get(leaf.address)
        for finding in report.findings if isinstance(report, Examined) else ():
            if finding.confidence >= _LEAST:
                _learn(known, finding, leaf.text[finding.start : finding.end])
    return known


def _learn(known: _Known, finding: Finding, value: str) -> None:
    if finding.entity == _PERSON:
        _learn_name(known, [word.group() for word in _WORD.finditer(value)], finding.confidence)
    elif finding.entity == _EMAIL:
        words = re.split(r"[._\-]", value.partition("@")[0])
        if len(words) > 1 and all(len(word) > 1 and word.isalpha() for word in words) and _ROLES.isdisjoint(words):
            _learn_name(known, words, finding.confidence)
    elif finding.entity in _NUMBERS and len(known.numbers) < _MOST_NUMBERS:
        bare = _bare(value)
        if len(bare) in _DIGITS and sum(map(str.isdigit, bare)) >= _DIGITS.start:
            known.numbers.setdefault(bare, _Number(finding.entity, finding.confidence))


def _learn_name(known: _Known, words: Sequence[str], confidence: Permille) -> None:
    folded = tuple(word.casefold() for word in words)
    if not folded or folded in known.learned or len(known.learned) >= _MOST_NAMES:
        return
    known.learned.add(folded)
    for form, how in _forms(folded, confidence):
        before = known.names.get(form)
        if before is None or before.confidence < how.confidence:
            known.names[form] = how


def _forms(name: tuple[str, ...], confidence: Permille) -> Iterator[tuple[tuple[str, ...], _Form]]:
    part = min(confidence, _PART)
    yield from (((word,), _Form(part, alone=True)) for word in (name[0], name[-1]) if len(word) >= _SHORTEST_PART)
    if len(name) == 1:
        return
    first, last = name[0], name[-1]
    initials = tuple(word[0] for word in name[:-1])
    if len(name) <= _MOST_WORDS:
        yield name, _Form(confidence)
    yield (first, last), _Form(confidence)
    yield (last, first), _Form(part)
    yield (first[0], last), _Form(part)
    yield (*initials[: _MOST_WORDS - 1], last), _Form(part)
    yield (first[0], last[0]), _Form(part, dotted=True)
    for handle in (first[0] + last, first + last, last + first[0], first + last[0]):
        if len(handle) >= _SHORTEST_HANDLE:
            yield (handle,), _Form(part)


class _Search:
    """Looks for everything known in a text: each word is asked once whether something known begins with it."""

    def __init__(self, known: _Known) -> None:
        self._known = known
        self._begins = {form[0] for form in known.names}
        self._number_begins = {number[:size] for number in known.numbers for size in (1, _BEGIN)}
        self._longest = max(map(len, known.numbers), default=0)

    def within(self, text: str) -> Iterator[Finding]:
        """The findings, of names and of numbers; of forms that begin at one place the longest."""
        for word in _WORD.finditer(text):
            first = _bare(word.group())
            if first in self._begins or first.rstrip(_FIGURES) in self._begins:
                found = self._name(text, word.start())
                if found is not None:
                    yield found
            if first[:_BEGIN] in self._number_begins:
                yield from self._number(text, word.start())

    def _number(self, text: str, start: int) -> Iterator[Finding]:
        """The longest known number that begins here, of words with at most one sign between them."""
        bare, at, found = "", start, None
        while len(bare) < self._longest and (word := _WORD.match(text, at)):
            bare += word.group().casefold()
            number = self._known.numbers.get(bare)
            if number is not None:
                found = Finding(start, word.end(), number.entity, number.confidence, RECOGNIZER)
            at = word.end() + (text[word.end() : word.end() + 1] in _SIGNS)
        if found is not None:
            yield found

    def _name(self, text: str, start: int) -> Finding | None:
        words: list[str] = []
        at, found = start, None
        while len(words) < _MOST_WORDS and (word := _WORD.match(text, at)):
            bare = _POSSESSIVE.sub("", word.group())
            words.append(bare.casefold())
            form = self._form(words)
            if form is not None:
                found = _finding(text, start, at + len(bare), form) or found
            gap = _GAP.match(text, word.end())
            if gap is None:
                break
            at = gap.end()
        return found

    def _form(self, words: Sequence[str]) -> _Form | None:
        """The form that these words are; a login may end in a number."""
        form = self._known.names.get(tuple(words))
        if form is not None or len(words) > 1:
            return form
        login = words[0].rstrip(_FIGURES)
        return self._known.names.get((login,)) if len(login) >= _SHORTEST_HANDLE else None


def _finding(text: str, start: int, end: int, form: _Form) -> Finding | None:
    value = text[start:end]
    if form.dotted:
        return Finding(start, end + 1, _PERSON, form.confidence, RECOGNIZER) if _dotted(text, start, end) else None
    if form.alone and not (value[0].isupper() and (value.casefold() not in _EVERYDAY or _goes_on(text, start))):
        return None
    return Finding(start, end, _PERSON, form.confidence, RECOGNIZER)


def _dotted(text: str, start: int, end: int) -> bool:
    value = text[start : end + 1]
    return value.isupper() and value.endswith(".") and value[1] == "."


def _goes_on(text: str, start: int) -> bool:
    return _GOES_ON.search(text, max(0, start - 2), start) is not None


def _bare(value: str) -> str:
    """A value's letters and digits, without the ending of a possessive."""
    return "".join(filter(str.isalnum, _POSSESSIVE.sub("", value))).casefold()


def _with(findings: Sequence[Finding], more: Iterator[Finding]) -> tuple[Finding, ...]:
    """The findings and those of `more` beside them; one that covers what needed no protection takes its place."""
    kept = sorted(findings, key=lambda each: each.start)
    added: list[Finding] = []
    dropped: set[Finding] = set()
    first, free = 0, 0
    for each in sorted(more, key=lambda one: (one.start, -one.end)):
        while first < len(kept) and kept[first].end <= each.start:
            first += 1
        beside = [other for other in kept[first : first + _MOST_BESIDE] if other.start < each.end]
        covers = all(
            other.entity in _YIELDING and each.start <= other.start <= other.end <= each.end for other in beside
        )
        if each.start >= free and covers:
            added.append(each)
            dropped.update(beside)
            free = each.end
    if not added:
        return tuple(findings)
    return tuple(sorted((set(kept) - dropped) | set(added), key=lambda each: (each.start, each.end, each.entity)))


_MOST_BESIDE = 8
