"""What stand-ins that look like values look like: one shape for each kind, with room that is set aside for examples.

E-mail addresses lie at example domains (RFC 2606), IP addresses in documentation networks (RFC 5737, RFC 3849), MAC
addresses in the documentation block (RFC 7042), telephone numbers in ranges that regulators keep for fiction. Names are
composed of syllables, so that nobody's is among them. What is written in none of these shapes is no surrogate.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType


class Kind(Enum):
    """The kinds of surrogates, in the order in which they are looked for in an answer."""

    EMAIL = "email"
    IPV4 = "ipv4"
    IPV6 = "ipv6"
    MAC = "mac"
    PHONE = "phone"
    DATE = "date"
    STREET = "street"
    WORD = "word"


@dataclass(frozen=True, slots=True)
class Shape:
    """How one kind is recognised. `pattern` finds it, `tail` matches any beginning of it, and `key` gives one string
    for all writings of one surrogate (the key of a beginning is the beginning of the key)."""

    pattern: str
    tail: re.Pattern[str]
    key: Callable[[str], str]
    longest: int


@dataclass(frozen=True, slots=True)
class Surrogates:
    """The surrogates of one request: each kind's keys with their values, and the exact writings with theirs."""

    values: Mapping[Kind, Mapping[str, str]] = field(repr=False)
    writings: Mapping[str, str] = field(repr=False)

    def __bool__(self) -> bool:
        return bool(self.values)


NO_SURROGATES = Surrogates(MappingProxyType({}), MappingProxyType({}))

DOMAINS = ("example.com", "example.net", "example.org")
NETWORKS = ("192.0.2.", "198.51.100.", "203.0.113.")
STREETS = ("Street", "Lane", "Road", "Avenue")
MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip

_SEP = r"[\s().\-/]{0,3}"


@dataclass(frozen=True, slots=True)
class Plan:
    """A range of telephone numbers for fiction: the country's code, what stands before a number at home, the fixed
    digits (`A` for a letter of an area code), and how many digits are free."""

    country: str
    trunk: str
    fixed: str
    free: int

    @property
    def pattern(self) -> str:
        """Any writing of its numbers."""
        area = "2[2-9][1-9]"
        digits = _SEP.join(re.escape(digit) for digit in self.fixed.lstrip("A")) + rf"(?:{_SEP}\d){{{self.free}}}"
        home = rf"(?:\({area}\)|{area}){_SEP}{digits}" if self.fixed.startswith("A") else digits
        abroad = rf"\+?{self.country}{_SEP}"
        return f"(?:{abroad}|{self.trunk}){home}" if self.trunk else f"(?:{abroad})?{home}"


PLANS: Mapping[str, Plan] = MappingProxyType(
    {
        "1": Plan("1", "", "AAA55501", 2),
        "44": Plan("44", "0", "7700900", 3),
        "49": Plan("49", "0", "3023125", 3),
        "33": Plan("33", "0", "19900", 4),
    }
)
"""By the country's code. Numbers of other countries take the first."""


def letters(text: str) -> str:
    """The key of words: small letters, one space between."""
    return " ".join(text.split()).lower() + (" " if text[-1:].isspace() else "")


def digits(text: str) -> str:
    """The key of telephone numbers: nothing but the digits."""
    return re.sub(r"\D", "", text)


def hexadecimal(text: str) -> str:
    """The key of MAC addresses: nothing but the digits."""
    return re.sub(r"[^0-9a-f]", "", text.lower())


_MONTH = "|".join(f"{month}|{month[:3]}\\.?" if month != "May" else month for month in MONTHS)
DATE = (
    r"(?P<iso>\d{4}([-/.])\d{1,2}\2\d{1,2})|(?P<parts>\d{1,2}([./-])\d{1,2}\4\d{4})"
    rf"|(?P<day>\d{{1,2}}\.?\s(?:{_MONTH}),?\s\d{{4}})|(?P<month>(?:{_MONTH})\s\d{{1,2}},?\s\d{{4}})"
)
"""The writings of a date for which there are surrogates."""
_DATE = (
    re.sub(r"\(\?P<\w+>", "(?:", DATE)
    .replace(r"([-/.])\d{1,2}\2", r"[-/.]\d{1,2}[-/.]")
    .replace(r"([./-])\d{1,2}\4", r"[./-]\d{1,2}[./-]")
)


def _tail(letters_of_it: str) -> re.Pattern[str]:
    return re.compile(rf"{letters_of_it}+", re.IGNORECASE | re.ASCII)


SHAPES: Mapping[Kind, Shape] = MappingProxyType(
    {
        Kind.EMAIL: Shape(r"[a-z]\.[a-z]{4,24}@example\.(?:com|net|org)", _tail("[a-z.@]"), str.lower, 40),
        Kind.IPV4: Shape(r"(?:192\.0\.2|198\.51\.100|203\.0\.113)\.\d{1,3}", _tail(r"[\d.]"), str, 15),
        Kind.IPV6: Shape(r"2001:db8:[0-9a-f]{4}:[0-9a-f]{4}::[0-9a-f]{1,4}", _tail("[0-9a-f:]"), str.lower, 39),
        Kind.MAC: Shape(
            r"00[:\-.]?00[:\-.]?5e[:\-.]?00[:\-.]?53[:\-.]?[0-9a-f]{2}", _tail(r"[0-9a-f:.\-]"), hexadecimal, 17
        ),
        Kind.PHONE: Shape("|".join(plan.pattern for plan in PLANS.values()), _tail(r"[\d\s().\-/+]"), digits, 48),
        Kind.DATE: Shape(_DATE, _tail(r"[a-z0-9\s,./\-]"), letters, 24),
        Kind.STREET: Shape(rf"\d{{1,4}}\s[a-z]{{4,24}}\s(?:{'|'.join(STREETS)})", _tail(r"[a-z0-9\s]"), letters, 40),
        Kind.WORD: Shape(r"[a-z]{4,24}", _tail("[a-z]"), str.lower, 24),
    }
)


def keys_of(kind: Kind, shown: str) -> tuple[str, ...]:
    """The keys under which a surrogate is known. A telephone number has one with the country's code and one without."""
    key = SHAPES[kind].key(shown)
    if kind is not Kind.PHONE:
        return (key,)
    for plan in PLANS.values():
        size = len(plan.fixed) + plan.free
        national = key[-size:]
        if key[:-size] in {plan.country, plan.trunk} and re.fullmatch(plan.pattern, plan.trunk + national):
            return (plan.country + national, plan.trunk + national)
    return (key,)


_SYLLABLES = """
    Balv Brenk Dorv Drel Elsk Falv Fenk Galv Gorv Hald Holv Jarv Kolv Kesk Lorv Lusk Melv Morv Nalv Nesk Ostr Palv Prend
    Quel Ralv Rosk Salv Selk Tarv Torv Ulst Vesk Vold Wesk Wolv Yarv Yesk Zalv Zelk,
    a e i o u ane ari eli iro omi una ova ema inu oda ila eno ura age iku ote ulo ami eso,
    berg bryn dane dell fell gard hart kamp lund mark mere ness rick sted strom thorn vald vik wald wick worth zell
"""
_FIRST, _SECOND, _THIRD = (syllables.split() for syllables in _SYLLABLES.split(","))


def name(number: int) -> str:
    """The composed name with this number, of any size."""
    number, first = divmod(number, len(_FIRST))
    number, second = divmod(number, len(_SECOND))
    return _FIRST[first] + _SECOND[second] + _THIRD[number % len(_THIRD)]
