"""Field x form: each value through the front door, and the verdict on it from the bytes that reached the provider."""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from gateway.domain.conversation import read_document
from gateway.domain.declaration import Field
from gateway.domain.strict_json import Json, parse_json
from gateway.wire.app import PATHS
from gateway.wire.schema import OPERATIONS
from tests.egress.leaks.canaries import Canary, Form, Kind, Written, canary, every_form
from tests.egress.leaks.fields import FILLER, Plant, Slot, Spot, Unplantable, inspected, merged
from tests.egress.leaks.hearing import Heard
from tests.egress.leaks.house import House, Listening

MOST_IN_ONE = 24
"""Fields that share one request."""
_TRIED = 8
"""How many requests a further field is tried in."""


class Verdict(StrEnum):
    """What became of one value."""

    MASKED = "masked"  # the request left, without the value
    STAYED = "stayed"  # answered inside
    REFUSED = "refused"  # answered with an error of the gateway's own
    PARTLY = "partly"  # the request left with a long part of the value, and not with all of it
    LEAKED = "leaked"


@dataclass(frozen=True, slots=True)
class Way:
    """One operation by one way out. `model` is what its requests name."""

    operation: str
    model: str
    asked_as: str = ""
    last: Json = field(default=None, hash=False, compare=False)
    """What a request has to end with to be one that can be asked in the other dialect."""

    @property
    def name(self) -> str:
        """How tables call it."""
        return f"{self.operation}, asked as {self.asked_as}" if self.asked_as else self.operation

    @property
    def path(self) -> str:
        """Where it is posted to."""
        return self.operation.removeprefix("POST ")


_QUESTION: Json = {"role": "user", "content": FILLER}
_AS_CHAT: Mapping[str, Json] = {
    "POST /v1/responses": {"input": [_QUESTION]},
    "POST /v1/completions": None,
    "POST /v1/messages": {"messages": [_QUESTION]},
}
_ASKED_FOR = {"POST /v1/messages": "claude-sonnet-4-5", "POST /v1/embeddings": "out-vectors"}
"""A name for vectors leads to one model only."""
WAYS: tuple[Way, ...] = (
    *(Way(op, _ASKED_FOR.get(op, "gpt-4o-mini")) for op in OPERATIONS),
    *(Way(op, "chat-mini", "chat completions", last) for op, last in _AS_CHAT.items()),
)
"""Every operation in its own dialect, and those that can be asked in another."""


@dataclass(frozen=True, slots=True)
class Case:
    """One value in one form in one field of one operation. `number` makes the value its own."""

    way: Way
    spot: Spot
    kind: Kind
    form: Form
    pair: int
    number: int

    @property
    def canary(self) -> Canary:
        """The value."""
        return canary(self.kind, self.number)

    def __str__(self) -> str:
        pair = f" ({self.pair + 1})" if self.pair else ""
        return f"{self.way.name} {self.spot.path} {self.kind} {self.form}{pair}"


@dataclass(frozen=True, slots=True)
class Result:
    """A case, its verdict, and how the gateway answered."""

    case: Case
    verdict: Verdict
    status: int
    code: str = ""


def cases(way: Way, declaration: Field, numbers: Iterator[int], kinds: Iterable[Kind] = Kind) -> Iterator[Case]:
    """Every case of a declaration."""
    for spot in inspected(declaration):
        for kind in kinds:
            yield from _cases_of(way, spot, kind, numbers)


def _cases_of(way: Way, spot: Spot, kind: Kind, numbers: Iterator[int]) -> Iterator[Case]:
    for form, _ in every_form(canary(kind, 0), spot.slot):
        for pair in neighbours(way, spot) if form is Form.JOINT else (0,):
            yield Case(way, spot, kind, form, pair, next(numbers))


@functools.cache
def neighbours(way: Way, spot: Spot) -> tuple[int, ...]:
    """In which arrays, innermost and outermost, two of this place stand with no other text between them. Halves of a
    value that stand apart are no text that anybody reads as one."""
    found = []
    for pair in sorted({0, len(spot.pairs) - 1}) if spot.pairs else ():
        body = spot.pairs[pair]("first", "second")
        leaves = read_document(PATHS[way.path], OPERATIONS[way.operation], parse_json(bytes_of(way, body))).leaves
        texts = [leaf.text for leaf in leaves if leaf.text]
        if texts[texts.index("first") + 1] == "second":
            found.append(pair)
    return tuple(found)


def body_of(case: Case) -> tuple[Json, str]:
    """The smallest request of a case, and what of it is to be written as JSON escapes."""
    shown = dict(every_form(case.canary, case.spot.slot))[case.form]
    return _planted(case, shown), shown.escape


def harmless(case: Case) -> Json:
    """The same request with nothing in it that anybody minds."""
    if case.spot.slot is Slot.NUMBER:
        return _planted(case, Written(7))
    letters = "".join(chr(ord("a") + int(digit)) for digit in str(case.number))
    return _planted(case, Written(f"note-{letters}", f"more-{letters}"))


def _planted(case: Case, shown: Written) -> Json:
    if case.spot.path == "model":
        shown = replace(shown, first=f"{case.way.model}-{shown.first}")
    plant: Plant = case.spot.plant
    if case.form is Form.JOINT:
        pair = case.spot.pairs[case.pair]
        return pair(shown.first, shown.second)
    return plant(shown.first)


def bytes_of(way: Way, body: Json, escapes: Sequence[str] = ()) -> bytes:
    """A request as bytes, with some texts in it written as escapes, which any JSON parser reads as the same."""
    raw = json.dumps(body_with_model(way, body), ensure_ascii=False)
    for text in filter(None, escapes):
        raw = raw.replace(text, "".join(f"\\u{ord(letter):04x}" for letter in text))
    return raw.encode()


def body_with_model(way: Way, body: Json) -> Json:
    """A request that names its model and ends as its way wants it."""
    ended = (way.last is not None and _together(body, way.last)) or body
    return {**ended, "model": _model(way, body)} if isinstance(ended, dict) and isinstance(body, dict) else body


def _model(way: Way, body: Mapping[str, Json]) -> Json:
    given = body.get("model")
    return given if isinstance(given, str) and given.startswith(way.model) else way.model


def groups(every: Iterable[Case], most: int = MOST_IN_ONE) -> list[list[Case]]:
    """The cases, so many of a way, kind and form together as one request can carry."""
    packed: dict[tuple[Way, Kind, Form], list[_Group]] = {}
    for case in every:
        body, _ = body_of(case)
        alike = packed.setdefault((case.way, case.kind, case.form), [])
        if not any(group.takes(case, body, most) for group in alike[-_TRIED:]):
            alike.append(_Group(body, [case]))
    return [group.cases for alike in packed.values() for group in alike]


@dataclass
class _Group:
    body: Json
    cases: list[Case]

    def takes(self, case: Case, body: Json, most: int) -> bool:
        """Put a case into this request, if it can carry it."""
        both = _together(self.body, body) if len(self.cases) < most else None
        if both is None:
            return False
        self.body = both
        self.cases.append(case)
        return True


def _together(one: Json, other: Json) -> Json | None:
    try:
        return merged(one, other)
    except Unplantable:
        return None


def judged(house: House, group: Sequence[Case]) -> Iterator[Result]:
    """The verdicts on cases that share a request. Where the request did not leave, which of them kept it inside cannot
    be said: then each half is asked by itself."""
    body: Json = None
    escapes = []
    for case in group:
        planted, escape = body_of(case)
        body = merged(body, planted) if body is not None else planted
        escapes.append(escape)
    listening = Listening(house.provider)
    answer = house.post(group[0].way.path, bytes_of(group[0].way, body, escapes))
    requests = listening.requests
    if not requests and len(group) > 1:
        half = len(group) // 2
        yield from judged(house, group[:half])
        yield from judged(house, group[half:])
        return
    heard = Heard(requests)
    for case in group:
        yield Result(case, verdict_on(case, heard, answer.status_code), answer.status_code, _code(answer.json))


def verdict_on(case: Case, heard: Heard, status: int) -> Verdict:
    """The verdict from what was heard. Raises for an answer that is none."""
    if heard.raw:
        part = Verdict.PARTLY if _partly(case, heard) else Verdict.MASKED
        return Verdict.LEAKED if _travelled(case, heard) else part
    if status >= 500:
        raise AssertionError(f"{case} was answered with {status}")
    return Verdict.STAYED if status == 200 else Verdict.REFUSED


def _travelled(case: Case, heard: Heard) -> bool:
    if case.form is Form.JOINT:
        shown = dict(every_form(case.canary, case.spot.slot))[case.form]
        parts = case.canary.parts
        if case.spot.slot is Slot.SHAPED:
            return all(heard.holds(str(text).removeprefix(case.canary.label)) for text in (shown.first, shown.second))
        return all(map(heard.holds, parts))
    return heard.holds(case.canary.value)


def _partly(case: Case, heard: Heard) -> bool:
    """Whether half of a card's or key's characters travelled: eight of them, which nothing else in a request holds."""
    return case.kind in {Kind.CARD, Kind.KEY} and any(map(heard.holds, case.canary.parts))


def _code(parse: Callable[[], Json]) -> str:
    """The code of an error answer, empty for any other."""
    try:
        body = parse()
    except ValueError:
        return ""
    error = body.get("error") if isinstance(body, dict) else None
    code = error.get("code") or error.get("type") if isinstance(error, dict) else None
    return code if isinstance(code, str) else ""


def passes(house: House, group: Sequence[Case]) -> Iterator[tuple[Case, int, str]]:
    """Those cases whose request does not even leave when it is harmless, with the answer: they prove nothing."""
    body: Json = None
    for case in group:
        planted = harmless(case)
        body = merged(body, planted) if body is not None else planted
    listening = Listening(house.provider)
    answer = house.post(group[0].way.path, bytes_of(group[0].way, body))
    if listening.requests:
        return
    if len(group) == 1:
        yield group[0], answer.status_code, _code(answer.json)
        return
    half = len(group) // 2
    yield from passes(house, group[:half])
    yield from passes(house, group[half:])


def every_case(ways: Iterable[Way] = WAYS, kinds: Iterable[Kind] = tuple(Kind)) -> list[Case]:
    """The whole product, with values that are all different."""
    numbers = iter(range(1, 60_000))
    kinds = tuple(kinds)
    return [case for way in ways for case in cases(way, OPERATIONS[way.operation], numbers, kinds)]


def sampled(every: Iterable[Case]) -> list[Case]:
    """One kind of value for each field and form, the kinds in turn: each field in every form, each kind everywhere.

    What is asked in another dialect is tried in the clear and split over items alone: it is read by its own declaration
    before, and by that of chat completions after.
    """
    by_place: dict[tuple[Way, str, Form, int], list[Case]] = {}
    for case in every:
        if not case.way.asked_as or case.form in {Form.CLEAR, Form.JOINT}:
            by_place.setdefault((case.way, case.spot.path, case.form, case.pair), []).append(case)
    return [alike[at % len(alike)] for at, alike in enumerate(by_place.values())]


@functools.cache
def chosen() -> tuple[Case, ...]:
    """The cases of `make test`: a sample, or all of them with `LEAKS=full`."""
    every = every_case()
    return tuple(every if os.environ.get("LEAKS") == "full" else sampled(every))


def over_ids(case: Case) -> bool:
    """Whether a value is split over two ids."""
    return case.form is Form.JOINT and case.spot.slot is Slot.SHAPED
