"""Plausible stand-ins for values: another name, an address at an example domain, a number of the fictional range.

Which one is chosen follows from the conversation's key and the value, so it is the same for as long as a conversation
is resent, and nobody without the key can guess one from the other. None occurs anywhere in the request, and none stands
for two values: where the first choice does, the next is taken, and where none is left, or the value is written in no
form that has surrogates, there is none (and a placeholder takes its place).

Names go word by word: `Ann Smith`, `Ann` and `Smith` agree, and a model that uses one word of the name alone has still
said whom it means.
"""

from __future__ import annotations

import functools
import ipaddress
import re
from collections.abc import Callable, Iterator, Sequence

from gateway.domain.folding import fold, folded
from gateway.domain.labels import Entity
from gateway.domain.surrogate_shapes import (
    DATE,
    DOMAINS,
    MONTHS,
    NETWORKS,
    PLANS,
    SHAPES,
    STREETS,
    Kind,
    Surrogates,
    digits,
    keys_of,
    name,
)

_TRIES = 64
_UNIT = re.compile(r"(?:[^\W\d_]\.)+|[^\W\d_]+(?:['\u2019\u2010-][^\W\d_]+)*")
_BETWEEN = re.compile(r"[\s,._]*")
_KEPT = frozenset(
    {"dr", "mr", "mrs", "ms", "mx", "prof", "sir", "herr", "frau", "jr", "sr", "ii", "iii", "iv"}
    | {"de", "da", "del", "der", "den", "di", "la", "le", "van", "von", "bin", "al"}
)
"""Words of a name that tell nobody apart."""
_DATES = re.compile(DATE, re.IGNORECASE | re.ASCII)
_COMPOSED = re.compile(r"[A-Za-z]{8,}")
"""No composed name is shorter, and nothing else in a surrogate (months apart) is as long."""
_WORDS = re.compile(r"[^\W_]+")

Draw = Callable[[int], int]
"""A number below a bound; every call gives another one."""


class Surrogate:
    """Chooses the surrogates of one request. `digest` is the conversation's key, `texts` are all its texts."""

    def __init__(self, digest: Callable[[str], bytes], texts: Sequence[str]) -> None:
        self._digest = digest
        self._texts = texts
        self._owners: dict[tuple[Kind, str], str] = {}
        self._words: dict[str, str] = {}
        self._values: dict[Kind, dict[str, str]] = {}
        self._writings: dict[str, str] = {}
        self._chosen: dict[tuple[Entity, str], str] = {}

    @property
    def chosen(self) -> Surrogates:
        """All that were given so far."""
        return Surrogates(self._values, self._writings)

    def stand_in(self, entity: Entity, value: str) -> str:
        """The surrogate for a value; empty where there is none."""
        if entity == _PERSON:
            return self._person(value)
        key = (entity, fold(value))
        if key not in self._chosen:
            kind, write = _writer(entity, value)
            shown = self._chosen[key] = self._choose(kind, f"{entity}\x00{fold(value)}", value, write)
            self._writings |= {shown: value} if shown else {}
        return self._chosen[key]

    def _choose(self, kind: Kind, owner: str, value: str, write: Callable[[Draw], str]) -> str:
        for attempt in range(_TRIES):
            shown = write(self._draw(f"{owner}\x00{attempt}"))
            if not shown:
                return ""
            if self._free(kind, shown) and self._take(kind, shown, owner, value):
                return shown
        return ""

    def _take(self, kind: Kind, shown: str, owner: str, value: str) -> bool:
        """Whether `shown` now stands for `value`. A name inside another kind of surrogate is nobody's name."""
        keys = keys_of(kind, shown)
        claims = [*((kind, key) for key in keys), *((Kind.WORD, word) for word in _names_in(kind, shown))]
        if any(self._owners.get(claim, owner) != owner for claim in claims):
            return False
        self._owners.update(dict.fromkeys(claims, owner))
        self._values.setdefault(kind, {}).update(dict.fromkeys(keys, value))
        return True

    def _free(self, kind: Kind, shown: str) -> bool:
        """Whether the request nowhere holds this."""
        if any(word in self._spoken for word in _names_in(kind, shown)):
            return False
        return kind is Kind.WORD or self._present(kind).isdisjoint(keys_of(kind, shown))

    @functools.cached_property
    def _spoken(self) -> frozenset[str]:
        return frozenset(word for text in self._texts for word in _WORDS.findall(folded(text).text))

    def _present(self, kind: Kind) -> frozenset[str]:
        if kind not in self._seen:
            shape = SHAPES[kind]
            pattern = re.compile(shape.pattern, re.IGNORECASE | re.ASCII)
            self._seen[kind] = frozenset(
                key
                for text in self._texts
                for match in pattern.finditer(folded(text).text)
                for key in keys_of(kind, match.group())
            )
        return self._seen[kind]

    @functools.cached_property
    def _seen(self) -> dict[Kind, frozenset[str]]:
        return {}

    def _draw(self, purpose: str) -> Draw:
        stream = self._numbers(purpose)
        return lambda bound: next(stream) % bound

    def _numbers(self, purpose: str) -> Iterator[int]:
        block = 0
        while True:
            digest = self._digest(f"surrogate\x00{purpose}\x00{block}")
            yield from (int.from_bytes(digest[at : at + 8], "big") for at in range(0, len(digest), 8))
            block += 1

    def _person(self, value: str) -> str:
        """Word by word. Empty if something in it is neither a word nor what stands between words."""
        parts, at, changed = [], 0, False
        for unit in _UNIT.finditer(value):
            shown = self._word(unit.group())
            if not shown or not _BETWEEN.fullmatch(value, at, unit.start()):
                return ""
            parts += [value[at : unit.start()], shown]
            at, changed = unit.end(), changed or shown != unit.group()
        if not changed or not _BETWEEN.fullmatch(value, at):
            return ""
        return "".join([*parts, value[at:]])

    def _word(self, unit: str) -> str:
        plain = fold(unit)
        if plain in _KEPT:
            return unit
        if plain not in self._words:
            self._words[plain] = self._choose(Kind.WORD, f"word\x00{plain}", unit, _name)
        shown = _in_case_of(unit, self._words[plain])
        if shown:
            self._writings.setdefault(shown, unit)
        return shown


def _names_in(kind: Kind, shown: str) -> list[str]:
    """The composed names in a surrogate, in small letters."""
    return [] if kind is Kind.DATE else [word.lower() for word in _COMPOSED.findall(shown)]


def _in_case_of(unit: str, shown: str) -> str:
    if unit.isupper() and len(unit) > 1 and "." not in unit:
        return shown.upper()
    return shown.lower() if unit.islower() else shown


def _name(draw: Draw) -> str:
    return name(draw(2**63))


def _email(draw: Draw) -> str:
    return f"{_name(draw)[0]}.{_name(draw)}@{DOMAINS[draw(len(DOMAINS))]}".lower()


def _street(draw: Draw) -> str:
    return f"{10 + draw(9989)} {_name(draw)} {STREETS[draw(len(STREETS))]}"


def _ip4(draw: Draw) -> str:
    return f"{NETWORKS[draw(len(NETWORKS))]}{1 + draw(254)}"


def _ip6(draw: Draw) -> str:
    return f"2001:db8:{4096 + draw(61440):x}:{4096 + draw(61440):x}::{1 + draw(65535):x}"


def _nothing(draw: Draw) -> str:
    del draw
    return ""


def _writer(entity: Entity, value: str) -> tuple[Kind, Callable[[Draw], str]]:
    if entity in _WRITERS:
        return _WRITERS[entity]
    match entity:
        case "IP_ADDRESS":
            return _ip(value)
        case "MAC_ADDRESS":
            return Kind.MAC, functools.partial(_mac, value)
        case "PHONE_NUMBER":
            return Kind.PHONE, functools.partial(_phone, value)
        case "DATE_TIME":
            return Kind.DATE, functools.partial(_date, value)
        case _:
            return Kind.WORD, _nothing


def _ip(value: str) -> tuple[Kind, Callable[[Draw], str]]:
    try:
        address = ipaddress.ip_address(value)
    except ValueError:
        return Kind.IPV4, _nothing
    return (Kind.IPV4, _ip4) if address.version == 4 else (Kind.IPV6, _ip6)


def _mac(value: str, draw: Draw) -> str:
    shown = f"00005e0053{draw(256):02x}"
    layout = re.sub(r"[0-9A-Fa-f]", "x", value)
    if layout.count("x") != len(shown) or not re.fullmatch(r"[x:.\-]+", layout):
        return ""
    return _laid_out(layout, shown.upper() if value.upper() == value else shown)


def _phone(value: str, draw: Draw) -> str:
    """In the layout of the value where that has as many digits, else as the country writes it."""
    plain = digits(value)
    plan = next((plan for code, plan in PLANS.items() if re.match(rf"\s*(?:\+|00){code}", value)), PLANS["1"])
    fixed = f"2{2 + draw(8)}{1 + draw(9)}{plan.fixed[3:]}" if plan.fixed.startswith("A") else plan.fixed
    national = fixed + "".join(str(draw(10)) for _ in range(plan.free))
    layout = re.sub(r"\d", "x", value)
    ours = re.fullmatch(r"\+?[x\s().\-/]{7,}", layout) is not None
    for shown in (plan.country + national, national):
        if ours and len(plain) == len(shown) and (shown != national or not plan.trunk) and _written(layout, shown):
            return _laid_out(layout, shown)
    return f"+{plan.country} {national[:3]}-{national[3:6]}-{national[6:]}"


def _written(layout: str, shown: str) -> bool:
    """Whether this layout of the number is one that is recognised."""
    return re.fullmatch(SHAPES[Kind.PHONE].pattern, _laid_out(layout, shown)) is not None


def _date(value: str, draw: Draw) -> str:
    """Another day within two years, written alike."""
    match = _DATES.fullmatch(value)
    if match is None:
        return ""
    numbers = re.findall(r"\d+", value)
    year = max(1, int(max(numbers, key=len)) - 2 + draw(5))
    one, other = 1 + draw(12), 1 + draw(12)
    if match["iso"]:
        return f"{year:04d}{match[2]}{one:02d}{match[2]}{other:02d}"
    if match["parts"]:
        return f"{one:02d}{match[4]}{other:02d}{match[4]}{year:04d}"
    month = MONTHS[other - 1]
    return f"{12 + one} {month} {year:04d}" if match["day"] else f"{month} {12 + one}, {year:04d}"


def _laid_out(layout: str, shown: str) -> str:
    rest = iter(shown)
    return "".join(next(rest) if letter == "x" else letter for letter in layout)


_PERSON = Entity("PERSON")
_WRITERS: dict[Entity, tuple[Kind, Callable[[Draw], str]]] = {
    Entity("ORGANIZATION"): (Kind.WORD, _name),
    Entity("LOCATION"): (Kind.WORD, _name),
    Entity("EMAIL_ADDRESS"): (Kind.EMAIL, _email),
    Entity("STREET_ADDRESS"): (Kind.STREET, _street),
}
AVAILABLE: frozenset[Entity] = frozenset(
    {_PERSON, *_WRITERS, *map(Entity, ("IP_ADDRESS", "MAC_ADDRESS", "PHONE_NUMBER", "DATE_TIME"))}
)
"""The entities that have surrogates. Numbers that a check digit or an authority makes, and secrets, have none."""
