"""Whether a written number is one of its scheme: python-stdnum's checks by name, and those that it does not have.

A check sees the value as it was written, in capitals. One that a wrong number passes once in ten times is evidence, no
verdict: which scheme may stand alone is said beside its form.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from itertools import cycle
from typing import cast

from stdnum import luhn
from stdnum.fi import hetu
from stdnum.iso7064 import mod_11_10

Valid = Callable[[str], bool]


def stdnum(module: str) -> Valid:
    """The check of python-stdnum's `module`, as in "nl.bsn"."""
    return cast("Valid", import_module(f"stdnum.{module}").is_valid)


def any_of(*checks: Valid) -> Valid:
    """Whether one of the checks passes."""
    return lambda value: any(check(value) for check in checks)


def _digits(value: str) -> list[int]:
    return [int(sign) for sign in value if sign.isdigit()]


def _weighed(digits: list[int], *weights: int) -> int:
    return sum(digit * weight for digit, weight in zip(digits, weights, strict=False))


def au_medicare(value: str) -> bool:
    """Ten digits, the ninth a check digit."""
    digits = _digits(value)
    return _weighed(digits, 1, 3, 7, 9, 1, 3, 7, 9) % 10 == digits[8]


def de_health_insurance(value: str) -> bool:
    """A letter and nine digits: the letter as two digits, every second digit doubled, its digits summed."""
    digits = [*divmod(ord(value[0]) - 64, 10), *_digits(value)]
    products = (digit * weight for digit, weight in zip(digits[:-1], cycle((1, 2)), strict=False))
    return sum(sum(divmod(product, 10)) for product in products) % 10 == digits[-1]


def de_document(value: str) -> bool:
    """Passports and identity cards: the signs weighed 7, 3, 1 and a check digit."""
    signs = [int(sign, 36) for sign in value]
    return _weighed(signs[:-1], *[7, 3, 1] * 3) % 10 == signs[-1]


def de_doctor(value: str) -> bool:
    """A doctor's number for life: six digits weighed 4 and 9, a check digit, two for the specialty."""
    digits = _digits(value)
    return -_weighed(digits[:6], 4, 9, 4, 9, 4, 9) % 10 == digits[6]


def de_pension(value: str) -> bool:
    """Area, birthday (up to 50 days later where numbers ran out), letter, serial, check digit."""
    day, month = int(value[2:4]), int(value[4:6])
    born = 1 <= month <= 12 and (1 <= day <= 31 or 51 <= day <= 81)
    digits = [int(each) for each in f"{value[:8]}{ord(value[8]) - 64:02}{value[9:11]}"]
    products = (digit * weight for digit, weight in zip(digits, (2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1), strict=True))
    return born and sum(sum(divmod(product, 10)) for product in products) % 10 == int(value[-1])


def de_identity_card(value: str) -> bool:
    """The number with its check digit, or with the one that stands behind it on the card."""
    return de_document(value[:9]) or (len(value) == 10 and de_document(value))


def de_tax(value: str) -> bool:
    """Eleven digits with a check digit, none of the others more than three times."""
    digits = "".join(map(str, _digits(value)))
    most = max(map(digits[:10].count, digits[:10]))
    return digits[0] != "0" and most <= 3 and bool(mod_11_10.is_valid(digits))


def hong_kong(value: str) -> bool:
    """One or two letters, six digits, and a check sign by 11."""
    signs = [sign for sign in value if sign.isalnum()]
    letters = [36] * (9 - len(signs)) + [int(sign, 36) for sign in signs]
    return _weighed(letters, *range(9, 0, -1)) % 11 == 0


def kr_business(value: str) -> bool:
    """Ten digits, weighed, the tens of the last product added, and a check digit."""
    digits = _digits(value)
    total = _weighed(digits[:9], 1, 3, 7, 1, 3, 7, 1, 3, 5) + 5 * digits[8] // 10
    return -total % 10 == digits[9]


def mx_clabe(value: str) -> bool:
    """Eighteen digits weighed 3, 7, 1; the last is the check digit."""
    digits = _digits(value)
    products = (digit * weight % 10 for digit, weight in zip(digits[:17], cycle((3, 7, 1)), strict=False))
    return -sum(products) % 10 == digits[17]


def npi(value: str) -> bool:
    """A US provider's number: Luhn behind the prefix 80840."""
    digits = "".join(map(str, _digits(value)))
    return len(set(digits)) > 2 and bool(luhn.is_valid("80840" + digits))


def ru_snils(value: str) -> bool:
    """Nine digits weighed from 9 to 1, and the sum by 101 in two more."""
    digits = _digits(value)
    return _weighed(digits, *range(9, 0, -1)) % 101 % 100 == 10 * digits[9] + digits[10]


def tw_id(value: str) -> bool:
    """A letter for the place as two digits, then a weighed sum by ten."""
    place = "ABCDEFGHJKLMNPQRSTUVXYWZIO".index(value[0]) + 10
    return _weighed([*divmod(place, 10), *_digits(value)], 1, 9, 8, 7, 6, 5, 4, 3, 2, 1, 1) % 10 == 0


def za_id(value: str) -> bool:
    """Birthday, serial, citizen, resident or refugee, and Luhn."""
    born = 1 <= int(value[2:4]) <= 12 and 1 <= int(value[4:6]) <= 31
    return born and value[10] in "012" and bool(luhn.is_valid(value))


def fi_hetu(value: str) -> bool:
    """Also those that are given for a time."""
    return bool(hetu.is_valid(value, allow_temporary=True))


def vin(value: str) -> bool:
    """A vehicle's number: seventeen signs with the check sign in the ninth place."""
    letters = dict(zip("ABCDEFGHJKLMNPRSTUVWXYZ", (*range(1, 9), *range(1, 6), 7, 9, *range(2, 10)), strict=True))
    signs = [letters[sign] if sign.isalpha() else int(sign) for sign in value]
    check = _weighed(signs, 8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2) % 11
    return value[8] == ("X" if check == 10 else str(check))
