"""Every canary in every writing and place: what a caller can write, the detector reads."""

from __future__ import annotations

import base64
import gzip
import html
import json
import urllib.parse
from collections.abc import Callable

import pytest

from gateway.detection.analyzer import Analyzer
from gateway.detection.custom import CompiledDetectors
from gateway.domain.detectors import PatternDetector, TermsDetector
from gateway.domain.finding import Permille
from tests.adapters.test_presidio_detector import MEANS

NONE = CompiledDetectors(())
Writing = Callable[[str], str]

CANARIES = {
    "ssn": ("SSN 536-22-8714", {"US_SSN"}),
    "card": ("4111 1111 1111 1111", {"CREDIT_CARD"}),
    "card in one piece": ("5500005555555559", {"CREDIT_CARD"}),
    "iban": ("DE89370400440532013000", {"IBAN_CODE"}),
    "email": ("jane.roe@example.com", {"EMAIL_ADDRESS"}),
    "secret": ("sk-proj-Ab3dE6gH9jK2mN5pQ8sT1vW4", {"SECRET"}),
    "phone": ("+1 415 555 0132", {"PHONE_NUMBER"}),
    "patient": ("Maria Gonzalez was diagnosed with diabetes", {"PERSON", "MEDICAL_CONDITION"}),
}


def _each(form: str) -> Writing:
    return lambda value: "".join(form.format(ord(letter)) for letter in value)


def _base64(value: str, encoding: str = "utf-8") -> str:
    return base64.b64encode(value.encode(encoding)).decode()


def _cut(value: str, length: int, between: str) -> str:
    return between.join(value[at : at + length] for at in range(0, len(value), length))


def _hex(between: str) -> Writing:
    return lambda value: value.encode().hex(between) if between else value.encode().hex()


def _wide(value: str) -> str:
    return "".join(chr(ord(letter) + 0xFEE0) if "!" <= letter <= "~" else letter for letter in value)


WRITINGS: dict[str, Writing] = {
    "clear": str,
    "unicode escapes": _each("\\u{:04x}"),
    "unicode escapes twice": _each("\\\\u{:04X}"),
    "every second character escaped": lambda v: "".join(f"\\u{ord(c):04x}" if i % 2 else c for i, c in enumerate(v)),
    "byte escapes": _each("\\x{:02x}"),
    "octal escapes": _each("\\{:03o}"),
    "escapes in braces": _each("\\u{{{:x}}}"),
    "long escapes": _each("\\U{:08x}"),
    "code points": lambda v: " ".join(f"U+{ord(c):04X}" for c in v),
    "surrogate pairs": lambda v: json.dumps("".join(chr(0x1D7CE + int(c)) if c.isdigit() else c for c in v))[1:-1],
    "zero width": "\u200b".join,
    "zero width, escaped": "\\u200b".join,
    "zero width, entity": "&zwnj;".join,
    "control characters": "\x00".join,
    "full width": _wide,
    "direction override": lambda v: f"\u202e{v}\u202c",
    "base64": _base64,
    "base64 without padding": lambda v: _base64(v).rstrip("="),
    "base64 for addresses": lambda v: base64.urlsafe_b64encode(v.encode()).decode(),
    "base64 in lines": lambda v: _cut(_base64(v), 7, "\n"),
    "base64 in escaped lines": lambda v: _cut(_base64(v), 12, "\\n"),
    "base64 in groups": lambda v: _cut(_base64(v), 4, " "),
    "base64 twice": lambda v: _base64(_base64(v)),
    "base64 three times": lambda v: _base64(_base64(_base64(v))),
    "base64 after another byte": lambda v: _base64("x " + v),
    "base64 among bytes": lambda v: base64.b64encode(b"\xff\x00\x81" * 5 + v.encode() + b"\x01\x02").decode(),
    "base64 of UTF-16": lambda v: _base64(v, "utf-16-le"),
    "base64 of UTF-16, big end first": lambda v: _base64(v, "utf-16-be"),
    "base64 of UTF-16, marked": lambda v: _base64(v, "utf-16"),
    "base64 of gzip": lambda v: base64.b64encode(gzip.compress(v.encode(), mtime=0)).decode(),
    "base64 of escapes": lambda v: _base64(_each("\\u{:04x}")(v)),
    "base64, percent": lambda v: urllib.parse.quote(_base64(v), safe=""),
    "base64, zero width": lambda v: "\u200b".join(_base64(v)),
    "base64 in a data address": lambda v: "data:text/plain;base64," + _base64(v),
    "hex": _hex(""),
    "hex in upper case": lambda v: v.encode().hex().upper(),
    "hex with spaces": _hex(" "),
    "hex with colons": _hex(":"),
    "hex of bytes": lambda v: ", ".join(f"0x{byte:02X}" for byte in v.encode()),
    "hex of a number": lambda v: "0x" + v.encode().hex(),
    "base32": lambda v: base64.b32encode(v.encode()).decode(),
    "base32 without padding": lambda v: base64.b32encode(v.encode()).decode().rstrip("=").lower(),
    "bits": lambda v: " ".join(f"{byte:08b}" for byte in v.encode()),
    "bits in one piece": lambda v: "".join(f"{byte:08b}" for byte in v.encode()),
    "codes": lambda v: ", ".join(map(str, v.encode())),
    "codes in calls": lambda v: "+".join(f"chr({byte})" for byte in v.encode()),
    "codes in the calls of SQL": lambda v: " || ".join(f"CHAR({byte})" for byte in v.encode()),
    "literals put together": lambda v: "'" + _cut(v, 5, "' + '") + "'",
    "literals put together over lines": lambda v: '"' + _cut(v, 9, '" +\n    "') + '"',
    "percent": _each("%{:02X}"),
    "percent, as browsers do": lambda v: urllib.parse.quote(v, safe=""),
    "percent twice": lambda v: urllib.parse.quote(_each("%{:02x}")(v)),
    "percent of full width": lambda v: urllib.parse.quote(_wide(v)),
    "percent, old": _each("%u{:04x}"),
    "entities": _each("&#{};"),
    "entities in hex": _each("&#x{:x};"),
    "entities, unfinished": _each("&#{:04d}"),
    "entities twice": lambda v: html.escape(_each("&#{};")(v)),
    "named entities": lambda v: v.replace("@", "&commat;").replace("-", "&hyphen;").replace(" ", "&nbsp;"),
    "quoted-printable": _each("={:02X}"),
    "soft line break": lambda v: v[:6] + "=\r\n" + v[6:],
    "one character at a time": " ".join,
    "json in json in json": lambda v: json.dumps({"a": json.dumps({"b": json.dumps({"c": f"\n{v}\n"})})}),
}
PLACES = {"bare": "{}", "in a sentence": "Please file this: {} for the case, thanks.", "as a value": '{{"note": "{}"}}'}


@pytest.mark.parametrize("writing", WRITINGS)
@pytest.mark.parametrize("canary", CANARIES)
def test_every_writing_is_read(shipped: Analyzer, canary: str, writing: str) -> None:
    """In every place, with spans that lie in the original."""
    value, expected = CANARIES[canary]
    written = WRITINGS[writing](value)
    for place in PLACES.values():
        text = place.format(written)
        findings = shipped.examine(text, (), NONE)

        assert expected <= {each.entity for each in findings}
        assert all(0 <= each.start < each.end <= len(text) for each in findings)


@pytest.mark.parametrize(
    ("text", "entity", "value"),
    [
        ("id NTM2LTIyLTg3MTQ= end", "US_SSN", "NTM2LTIyLTg3MTQ="),
        ("id: x-NTM2LTIyLTg3MTQ= end", "US_SSN", "x-NTM2LTIyLTg3MTQ="),
        ("to jane%2Eroe%40example.com, please", "EMAIL_ADDRESS", "jane%2Eroe%40example.com"),
        ("nr 5\\u0033\\u0036-22-8714.", "US_SSN", "5\\u0033\\u0036-22-8714"),
        ("nr 3533362d32322d38373134 ok", "US_SSN", "3533362d32322d38373134"),
        (
            "my ssn is five three six two two eight seven one four",
            "US_SSN",
            "five three six two two eight seven one four",
        ),
        ("call 415 five five five 2671 today", "PHONE_NUMBER", "415 five five five 2671"),
        ("my ssn: 536 two two eight seven one four", "US_SSN", "536 two two eight seven one four"),
        ("my ssn is 5 three six double two 8714", "US_SSN", "5 three six double two 8714"),
        ("card four double one one four ones", "", ""),
        ("nr 1 2 3 - 4 5 - 6 7 8 9 ok", "US_SSN", "1 2 3 - 4 5 - 6 7 8 9"),
        ("nr 5*3*6*-*2*2*-*8*7*1*4 ok", "US_SSN", "5*3*6*-*2*2*-*8*7*1*4"),
        ("ssn 536\n22\n8714", "US_SSN", "536\n22\n8714"),
        ("mail j o h n @ e x a m p l e . c o m now", "EMAIL_ADDRESS", "j o h n @ e x a m p l e . c o m"),
        ("john dot roe at example dot com", "EMAIL_ADDRESS", "john dot roe at example dot com"),
        ("john (at) example (dot) com", "EMAIL_ADDRESS", "john (at) example (dot) com"),
        ("john @ example . com", "EMAIL_ADDRESS", "john @ example . com"),
        ("email me, john at example.com", "EMAIL_ADDRESS", "john at example.com"),
        ("She works at example.com and lives at home dot dot dot", "", ""),
        ("to jane.roe@e\nxample.com now", "EMAIL_ADDRESS", "jane.roe@e\nxample.com"),
        ("to jane.roe\n@example.com now", "EMAIL_ADDRESS", "jane.roe\n@example.com"),
        ("function\n@websocket.route", "", ""),
        ("to jane.roe@example.com\nThanks", "EMAIL_ADDRESS", "jane.roe@example.com"),
        ("key sk-proj-Ab3dE6gH\n9jK2mN5pQ8sT1vW4", "SECRET", "sk-proj-Ab3dE6gH\n9jK2mN5pQ8sT1vW4"),
        ("IBAN DE89\n3704\n0044\n0532\n0130\n00", "IBAN_CODE", "DE89\n3704\n0044\n0532\n0130\n00"),
    ],
)
def test_the_whole_writing_is_what_is_found(analyzer: Analyzer, text: str, entity: str, value: str) -> None:
    """So that a stand-in replaces all of it; and what is no value is left alone."""
    found = [(f.entity, text[f.start : f.end]) for f in analyzer.examine(text, (), NONE) if f.entity != "URL"]

    assert found == ([(entity, value)] if entity else [])


def test_a_key_explains_a_wrapped_number(analyzer: Analyzer) -> None:
    """As it explains one that is not wrapped."""
    wrapped = _base64("536228714")

    assert [f.entity for f in analyzer.examine(wrapped, ("ssn",), NONE)] == ["US_SSN"]
    assert analyzer.examine(wrapped, ("sku",), NONE) == ()


def test_a_policy_s_own_terms_are_found_wrapped(analyzer: Analyzer) -> None:
    """Its detectors read what the recognisers read."""
    custom = CompiledDetectors([TermsDetector(id="code_name", terms=("Project Nimbus",), means=MEANS)])
    text = f"see {_base64('all of project nimbus')} and project%20nimbus"

    assert [f.entity for f in analyzer.examine(text, (), custom)] == ["code_name", "code_name"]


CARD, SSN, KEY = "4111 1111 1111 1111", "536-22-8145", "sk-proj-Zk3vT9qLm2Xw8RbN4yHc7JdP1sGf6AuE"


@pytest.mark.parametrize(
    ("text", "entity", "value"),
    [
        (f"私のクレジットカード番号は{CARD}です。", "CREDIT_CARD", CARD),
        (f"私のSSNは{SSN}です。", "US_SSN", SSN),
        (f"密码是{KEY}吗", "SECRET", KEY),
        (f"카드{CARD}입니다", "CREDIT_CARD", CARD),
        (f"บัตร{CARD}ของ", "CREDIT_CARD", CARD),
        (f"הכרטיס ב{CARD}", "CREDIT_CARD", CARD),
        (f"谢谢jane@example.com谢谢{CARD}", "CREDIT_CARD", CARD),
        ("SSNは5 3 6 - 2 2 - 8 1 4 5です", "US_SSN", "5 3 6 - 2 2 - 8 1 4 5"),
        (r"SSNは\u0035\u0033\u0036-22-8145です", "US_SSN", r"\u0035\u0033\u0036-22-8145"),
        ("宛先jane@例え1.jpです", "EMAIL_ADDRESS", "宛先jane@例え1.jp"),
    ],
)
def test_letters_of_scripts_without_spaces_hide_nothing(analyzer: Analyzer, text: str, entity: str, value: str) -> None:
    """They may touch a value on both sides; an address may be written in them."""
    assert (entity, value) in [(f.entity, text[f.start : f.end]) for f in analyzer.examine(text, (), NONE)]


@pytest.mark.parametrize(
    "text", ["A社B社C社D社E社F社G社H社", "1年2月3日4時5分6秒7曜8回9番", "2024年3月15日の会議は第12会議室"]
)
def test_short_words_in_scripts_without_spaces_are_no_values(analyzer: Analyzer, text: str) -> None:
    """Digits and letters that stand alone there. That the text is in another language is no value."""
    assert {f.entity for f in analyzer.examine(text, (), NONE)} <= {"UNSUPPORTED_LANGUAGE"}


@pytest.mark.parametrize("mark", ["\u0332", "\u0305", "\u20e3", "\ufe0f\u20e3"])
@pytest.mark.parametrize(("value", "entity"), [(CARD, "CREDIT_CARD"), (SSN, "US_SSN"), (KEY, "SECRET")])
def test_marks_over_signs_hide_nothing(analyzer: Analyzer, value: str, entity: str, mark: str) -> None:
    """One on each."""
    text = "".join(f"{sign}{mark}" for sign in value)

    assert (entity, 0) in [(f.entity, f.start) for f in analyzer.examine(text, (), NONE)]


def test_a_key_goes_on_in_the_next_line(analyzer: Analyzer) -> None:
    """Where that looks like the rest of a key, however long the first line is; a word or an assignment does not."""
    for text, value in (
        (f"use {KEY[:28]}\n{KEY[28:]} now", f"{KEY[:28]}\n{KEY[28:]}"),
        (f"use {KEY}\nregards", KEY),
        (f"use {KEY}\nS3_Bucket2a4b=x", KEY),
    ):
        assert max(text[f.start : f.end] for f in analyzer.examine(text, (), NONE)) == value


def test_a_policy_s_own_words_are_found_between_letters_without_spaces(analyzer: Analyzer) -> None:
    """Terms in any script, patterns as they were written, and what explains them."""
    terms = TermsDetector(id="term", terms=("Halcyon Babababa", "極秘計画", "CRANE鶴"), means=MEANS)
    pattern = PatternDetector(
        id="item",
        re2=r"項目\d+",
        evidence=("code", "番号"),
        within_chars=10,
        alone=Permille(100),
        with_evidence=Permille(900),
        means=MEANS,
    )
    custom = CompiledDetectors((terms, pattern))
    for text, name, value in (
        ("關於Halcyon Babababa的", "term", "Halcyon Babababa"),
        ("この極秘計画について", "term", "極秘計画"),
        ("これCRANE鶴だ", "term", "CRANE鶴"),
        ("このcodeは項目\uff11\uff12です", "item", "項目\uff11\uff12"),
    ):
        found = [(f.entity, f.confidence, text[f.start : f.end]) for f in analyzer.examine(text, (), custom)]
        assert (name, 900 if name == "item" else 950, value) in found
