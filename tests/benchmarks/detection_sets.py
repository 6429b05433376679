"""Generated texts that measure the pattern side of detection: what must not be found, what must be found in disguise,
and secrets of both sorts.

Every set is a function of a seed and a number of cases a kind; the same seed gives the same texts. No value belongs to
anybody: numbers are drawn, names are the usual examples, and keys are random behind their issuer's prefix.

    python -m tests.benchmarks.detection_sets      prints one case of each kind
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import random
import string
import urllib.parse
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tests.benchmarks import secret_sets

SEED = 20_240


@dataclass(frozen=True, slots=True)
class Case:
    """One text. `start` and `end` are the value's place in it and `entities` what it may be called; a negative case
    holds no value: its place is empty and so are its entities."""

    kind: str
    text: str
    start: int = 0
    end: int = 0
    entities: frozenset[str] = frozenset()

    @property
    def value(self) -> str:
        """What has to be found."""
        return self.text[self.start : self.end]


Make = Callable[[random.Random], str]


# --- what must not be found ---------------------------------------------------------------------------------------


def _digits(rng: random.Random, count: int) -> str:
    return str(rng.randrange(1, 10)) + "".join(rng.choices(string.digits, k=count - 1))


def _float(rng: random.Random) -> str:
    return f"{rng.uniform(-1000, 1000):.{rng.randrange(6, 17)}f}"


def _coordinates(rng: random.Random) -> str:
    return f"{rng.uniform(-90, 90):.{rng.choice((4, 6, 7))}f}, {rng.uniform(-180, 180):.{rng.choice((4, 6, 7))}f}"


def _isbn10(rng: random.Random) -> str:
    body = _digits(rng, 9)
    check = sum((at + 1) * int(digit) for at, digit in enumerate(body)) % 11
    value = body + ("X" if check == 10 else str(check))
    return value if rng.random() < 0.5 else f"{value[0]}-{value[1:4]}-{value[4:9]}-{value[9]}"


def _isbn13(rng: random.Random) -> str:
    body = rng.choice(("978", "979")) + _digits(rng, 9)
    check = -sum(int(digit) * (3 if at % 2 else 1) for at, digit in enumerate(body)) % 10
    value = body + str(check)
    return value if rng.random() < 0.5 else f"{value[:3]}-{value[3]}-{value[4:6]}-{value[6:12]}-{value[12]}"


def _tracking(rng: random.Random) -> str:
    letters = "".join(rng.choices(string.ascii_uppercase + string.digits, k=6))
    return rng.choice(
        (
            f"1Z{letters}{_digits(rng, 10)}",
            f"94{_digits(rng, 20)}",
            _digits(rng, 12),
            _digits(rng, 15),
            f"{rng.choice(('RR', 'CP', 'EE', 'LX'))}{_digits(rng, 9)}{rng.choice(('DE', 'US', 'GB', 'CN'))}",
            f"JD{_digits(rng, 18)}",
        )
    )


def _part(rng: random.Random) -> str:
    letters = "".join(rng.choices(string.ascii_uppercase, k=rng.randrange(1, 4)))
    return rng.choice(
        (
            f"{letters}-{_digits(rng, 4)}-{rng.randrange(10, 99)}",
            f"{letters}{_digits(rng, 5)}{rng.choice('ABCX')}",
            f"{_digits(rng, 3)}-{_digits(rng, 5)}-{_digits(rng, 2)}",
            f"{letters}{_digits(rng, 3)}.{_digits(rng, 3)}",
            f"{_digits(rng, 2)}{letters}{_digits(rng, 4)}",
        )
    )


def _order(rng: random.Random) -> str:
    return rng.choice(
        (
            f"{rng.choice(('ORD', 'PO', 'SO', 'INV', 'TCK'))}-{_digits(rng, rng.randrange(6, 11))}",
            f"{_digits(rng, 3)}-{_digits(rng, 7)}-{_digits(rng, 7)}",
            f"#{_digits(rng, rng.randrange(6, 13))}",
            f"{rng.randrange(2019, 2026)}-{_digits(rng, 6)}",
            _digits(rng, 9),
        )
    )


def _version(rng: random.Random) -> str:
    return ".".join(str(rng.randrange(limit)) for limit in (40, 30, 250, 250))


def _hash(rng: random.Random) -> str:
    name = rng.choice(("md5", "sha1", "sha256", "sha512"))
    value = hashlib.new(name, rng.randbytes(16)).hexdigest()
    return rng.choice((value, value[:12], f"{name}:{value}"))


CODE = (
    "obj.to({0})",
    "self.model.to(device).eval()[{0}]",
    "const total = items[{1}].price.at({0});",
    "x = np.linspace({1}, {0}, {1})",
    "assert add({0}, {1}) == {2}",
    "if (ctx->flags & 0x{3:08X}) return {0};",
    "for i in range({0}): print(i.in_.to, {1})",
    "SELECT * FROM events WHERE id = {2} LIMIT {1};",
    "arr[{1}:{0}].reshape(-1, {1}).mean(axis=0)",
    "df.loc[df.id == {2}, 'it'].is_.at[{1}]",
    "import torch.nn.functional as F; F.pad(x, ({1}, {1}), value={0}.{1})",
    "public static final long serialVersionUID = {2}L;",
    "@app.get('/v1/items/{{id}}')  # line {1}",
    "std::vector<int> v{{{0}, {1}, {2}}};",
    'printf("%d %s\\n", {0}, names[{1}].de);',
    "background: #{3:06x}; width: {0}px; transition: .{1}s",
)


def _code(rng: random.Random) -> str:
    numbers = (rng.randrange(1000), rng.randrange(10), rng.randrange(10**9, 10**10), rng.randrange(1 << 24))
    return rng.choice(CODE).format(*numbers)


def _numbers(rng: random.Random) -> str:
    return ", ".join(str(rng.randrange(10 ** rng.randrange(1, 6))) for _ in range(rng.randrange(6, 30)))


NEGATIVE: dict[str, tuple[Make, tuple[str, ...]]] = {
    "ten-digit id": (
        lambda rng: _digits(rng, 10),
        ("id: {}", "Row {} was updated twice.", '{{"id": {}, "state": "open"}}', "user_id={} action=view", "{}"),
    ),
    "order number": (
        _order,
        ("Where is my order {}?", "order number: {}", "Ticket {} was closed yesterday.", "Invoice {} is paid.", "{}"),
    ),
    "epoch seconds": (
        lambda rng: str(rng.randrange(1_000_000_000, 2_000_000_000)),
        ("created_at: {}", '{{"ts": {}, "level": "info"}}', "The job ran at {} and ended.", "{} INFO started", "{}"),
    ),
    "epoch millis": (
        lambda rng: str(rng.randrange(1_000_000_000_000, 2_000_000_000_000)),
        ("timestamp={}", '{{"time": {}}}', "Convert {} to a date.", "[{}] WARN slow query", "{}"),
    ),
    "hash": (_hash, ("commit {} of main", "The digest is {}.", 'etag: "{}"', "image@sha256:{}", "{}")),
    "uuid": (
        lambda rng: str(uuid.UUID(int=rng.getrandbits(128), version=4)),
        ("request {} failed", '{{"id": "{}"}}', "trace_id={}", "GET /v1/items/{} 200", "{}"),
    ),
    "version a.b.c.d": (
        _version,
        ("version {}", "Upgrade to v{} first.", "build {} is broken", "driver=={}", "Chrome/{} on Linux"),
    ),
    "float": (_float, ("loss = {}", "The mean is {}.", "[{}, 0.5]", '{{"score": {}}}', "{}")),
    "coordinates": (_coordinates, ("centre: {}", "The point ({}) lies at sea.", '{{"at": [{}]}}', "LatLng({})", "{}")),
    "code": (_code, ("{}", "What does `{}` do?", "```\n{}\n```", "Fix this line: {}", "1  {}")),
    "part number": (_part, ("part {}", "The valve {} leaks.", "Replace bearing {} first.", "SKU {}", "{}")),
    "isbn": (
        lambda rng: (_isbn10 if rng.random() < 0.5 else _isbn13)(rng),
        ("ISBN {}", "Have you read it (ISBN: {})?", "isbn={}", "The book {} is out of print.", "{}"),
    ),
    "tracking number": (
        _tracking,
        ("tracking number {}", "The parcel {} is late.", "Track {} for me.", "shipment: {}", "{}"),
    ),
    "list of numbers": (_numbers, ("[{}]", "Sort these: {}", "data = ({})", "Which is largest? {}", "{}")),
}


def hard_negatives(seed: int = SEED, count: int = 200) -> Iterator[Case]:
    """`count` texts a kind in which nothing is sensitive, however much it looks so."""
    for kind, (make, frames) in NEGATIVE.items():
        rng = random.Random(f"{seed} {kind}")
        for at in range(count):
            yield Case(kind, frames[at % len(frames)].format(make(rng)))


# --- what must be found in disguise -------------------------------------------------------------------------------


def _luhn(body: str) -> str:
    doubled = sum(sum(divmod(2 * int(digit), 10)) for digit in body[::-2])
    return body + str(-(doubled + sum(map(int, body[-2::-2]))) % 10)


def _card(rng: random.Random) -> str:
    prefix = rng.choice(("4", "51", "55", "2223", "6011", "3530"))
    number = _luhn(prefix + "".join(rng.choices(string.digits, k=15 - len(prefix))))
    return " ".join(number[at : at + 4] for at in range(0, 16, 4)) if rng.random() < 0.5 else number


def _ssn(rng: random.Random) -> str:
    area = rng.choice((rng.randrange(1, 666), rng.randrange(667, 900)))
    return f"{area:03}-{rng.randrange(1, 100):02}-{rng.randrange(1, 10_000):04}"


def _iban(rng: random.Random) -> str:
    country, length, letters = rng.choice((("DE", 18, ""), ("GB", 14, "NWBK"), ("NL", 10, "ABNA"), ("FR", 23, "")))
    body = letters + "".join(rng.choices(string.digits, k=length))
    check = 98 - int("".join(str(int(each, 36)) for each in f"{body}{country}00")) % 97
    return f"{country}{check:02}{body}"


def _email(rng: random.Random) -> str:
    first, last = rng.choice(("jane", "peter", "carla", "omar", "noel")), rng.choice(("roe", "hart", "silva", "khan"))
    return f"{first}.{last}{rng.randrange(100)}@{rng.choice(('example.com', 'mail.example.org', 'example.co.uk'))}"


def _phone(rng: random.Random) -> str:
    area = rng.choice(("212", "415", "617", "303"))
    return f"+1 {area} {rng.randrange(200, 1000)} {rng.randrange(10_000):04}"


def _key(rng: random.Random) -> str:
    return "sk-proj-" + "".join(rng.choices(string.ascii_letters + string.digits, k=32))


def _record(rng: random.Random) -> str:
    return _digits(rng, 8)


VALUES: dict[str, tuple[Make, frozenset[str], tuple[str, ...]]] = {
    "card": (_card, frozenset({"CREDIT_CARD"}), ("Please charge {} today.", "The card is {}.", "card: {}")),
    "ssn": (_ssn, frozenset({"US_SSN"}), ("My SSN is {}, thanks.", "ssn: {}", "Social security number {} on file.")),
    "iban": (_iban, frozenset({"IBAN_CODE"}), ("Pay to {} please.", "IBAN {}", "The account is {}.")),
    "email": (_email, frozenset({"EMAIL_ADDRESS"}), ("Write to {} please.", "email: {}", "I am {} by the way")),
    "phone": (_phone, frozenset({"PHONE_NUMBER"}), ("Call me at {} tonight.", "phone: {}", "My number is {}.")),
    "key": (_key, frozenset({"SECRET"}), ("Use {} for the API.", "key: {}", "The old key {} still works.")),
    "record": (_record, frozenset({"MEDICAL_RECORD_NUMBER"}), ("MRN {} came in.", "MRN: {}", "Patient ID {} today.")),
}

_SCRIPTS = (0x0660, 0x06F0, 0x0966, 0x09E6, 0x0E50, 0x1D7CE, 0x1D7E2)
_LOOKALIKES = str.maketrans("aceopxyABEHKMOPTXHI", "асеорхуАВЕНКМОРТХНІ")  # noqa: RUF001 - Cyrillic, that is the point
_WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_ESCAPED_SPACE = {"@": "&commat;", ".": "&period;", "-": "&hyphen;", " ": "&nbsp;"}

_DIRECTION = "\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"

Write = Callable[[str, random.Random], str]


def _invisible(signs: str) -> Write:
    def write(value: str, rng: random.Random) -> str:
        return value[0] + "".join(rng.choice(signs) + each for each in value[1:])

    return write


def _wide(value: str, _rng: random.Random) -> str:
    return "".join(chr(ord(each) + 0xFEE0) if "!" <= each <= "~" else each for each in value)


def _spaces(value: str, rng: random.Random) -> str:
    sign = rng.choice("\u00a0\u2007\u202f\u2009")
    grouped = value if " " in value or not value.isdigit() else " ".join(value[at : at + 4] for at in range(0, 16, 4))
    return grouped.strip().replace(" ", sign)


def _dots(value: str, _rng: random.Random) -> str:
    if value.isdigit():
        return ".".join(value[at : at + 4] for at in range(0, len(value), 4))
    return value.replace(" ", ".").replace("-", ".") if value[-1:].isdigit() else value


def _base64(value: str, rng: random.Random) -> str:
    packed = base64.b64encode(value.encode()).decode()
    return rng.choice((packed, packed.rstrip("="), base64.urlsafe_b64encode(value.encode()).decode()))


def _hex(value: str, rng: random.Random) -> str:
    return rng.choice((value.encode().hex(), value.encode().hex(" "), value.encode().hex(":").upper()))


def _url(value: str, rng: random.Random) -> str:
    return rng.choice((urllib.parse.quote(value, safe=""), "".join(f"%{ord(each):02X}" for each in value)))


def _html(value: str, rng: random.Random) -> str:
    ways = (
        lambda each: f"&#{ord(each)};",
        lambda each: f"&#x{ord(each):x};",
        lambda each: _ESCAPED_SPACE.get(each, each),
    )
    way = rng.choice(ways)
    return "".join(map(way, value))


def _unicode(value: str, rng: random.Random) -> str:
    form = rng.choice(("\\u{:04x}", "\\x{:02x}", "\\u{{{:x}}}", "\\U{:08x}"))
    return "".join(form.format(ord(each)) for each in value)


def _scripts(value: str, rng: random.Random) -> str:
    zero = rng.choice(_SCRIPTS)
    return "".join(chr(zero + int(each)) if each.isdigit() else each for each in value)


def _lookalikes(value: str, _rng: random.Random) -> str:
    return value.translate(_LOOKALIKES)


def _letters_for_digits(value: str, _rng: random.Random) -> str:
    return value.translate(str.maketrans("01", "Ol")) if sum(map(str.isdigit, value)) > len(value) / 2 else value


def _bidi(value: str, rng: random.Random) -> str:
    begin, end = rng.choice((("\u202e", "\u202c"), ("\u202d", "\u202c"), ("\u2066", "\u2069"), ("\u200f", "\u200e")))
    half = len(value) // 2
    return f"{begin}{value[:half]}{end}{begin}{value[half:]}{end}"


def _spelled(value: str, rng: random.Random) -> str:
    if any(map(str.isalpha, value)):
        spoken = value.replace("@", " at ").replace(".", " dot ")
        return spoken if "@" in value else " ".join(value)
    digits = [_WORDS[int(each)] for each in value if each.isdigit()]
    return rng.choice((" ", "-", ", ")).join(digits) if rng.random() < 0.7 else " ".join(value.replace(" ", ""))


DISGUISES: dict[str, Write] = {
    "zero-width": _invisible("\u200b\u200c\u200d\u2060\ufeff"),
    "full-width": _wide,
    "non-breaking space": _spaces,
    "dots": _dots,
    "base64": _base64,
    "hex": _hex,
    "URL escapes": _url,
    "HTML escapes": _html,
    "Unicode escapes": _unicode,
    "JSON in JSON": lambda value, _rng: json.dumps(json.dumps(_scripts(value, random.Random(1))))[3:-3],
    "HTML twice": lambda value, _rng: html.escape("".join(f"&#{ord(each)};" for each in value)),
    "digits of other scripts": _scripts,
    "homoglyphs": _lookalikes,
    "letters for digits": _letters_for_digits,
    "soft hyphen": _invisible("\u00ad"),
    "bidi": _bidi,
    "spelled out": _spelled,
}


def disguised(seed: int = SEED, count: int = 20) -> Iterator[Case]:
    """`count` texts for each disguise of each kind of value that it changes. A case's kind is "disguise: value"."""
    for disguise, write in DISGUISES.items():
        for name, (make, entities, frames) in VALUES.items():
            rng = random.Random(f"{seed} {disguise} {name}")
            for at in range(count):
                value = make(rng)
                written = write(value, rng)
                if written != value:
                    yield _placed(f"{disguise}: {name}", frames[at % len(frames)], written, entities)


def plain(seed: int = SEED, count: int = 20) -> Iterator[Case]:
    """The same values as they are usually written."""
    for name, (make, entities, frames) in VALUES.items():
        rng = random.Random(f"{seed} plain {name}")
        for at in range(count):
            yield _placed(f"plain: {name}", frames[at % len(frames)], make(rng), entities)


def _placed(kind: str, frame: str, value: str, entities: frozenset[str]) -> Case:
    """The case of a value in a frame; marks of direction around it are no part of it."""
    before, after = frame.split("{}")
    start, end = len(value) - len(value.lstrip(_DIRECTION)), len(value.rstrip(_DIRECTION))
    return Case(kind, before + value + after, len(before) + start, len(before) + end, entities)


# --- secrets ------------------------------------------------------------------------------------------------------

_SECRET = frozenset({"SECRET"})


def secrets(seed: int = SEED, count: int = 20) -> Iterator[Case]:
    """`count` texts for each kind of secret."""
    for kind, make, frames in secret_sets.POSITIVE:
        rng = random.Random(f"{seed} {kind}")
        for at in range(count):
            yield _placed(kind, frames[at % len(frames)], make(rng), _SECRET)


def no_secrets(seed: int = SEED, count: int = 20) -> Iterator[Case]:
    """`count` texts a kind that speak of secrets or look like them, and hold none."""
    for kind, make in secret_sets.NEGATIVE:
        rng = random.Random(f"{seed} {kind}")
        for _ in range(count):
            yield Case(kind, make(rng))


def main() -> None:
    """Print one case of each kind."""
    for make in (hard_negatives, plain, disguised, secrets, no_secrets):
        print(f"\n{make.__name__}")
        for case in make(count=1):
            print(f"  {case.kind:32} {case.text!r}")


if __name__ == "__main__":
    main()
