"""Unwrapping: bounded, mapped back, and quiet about what only looks wrapped."""

from __future__ import annotations

import base64
import gzip
import hashlib
import random
import re
import uuid
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.detection.analyzer import Analyzer
from gateway.detection.custom import CompiledDetectors
from gateway.detection.encoded import MOST_INFLATED, TooLarge
from gateway.detection.layers import DEPTH, TooDeep, layers
from tests.growth import assert_linear

NONE = CompiledDetectors(())
CLEAN = st.text(alphabet="abcdefgh .,\n\u00e9", max_size=150)
WRAPPED = st.text(alphabet="aZM0259 .@=%\\&#;x\n-u+/NTLIy", max_size=150)


def wrap(text: str, times: int) -> str:
    """`text` in base64, so many times."""
    for _ in range(times):
        text = base64.b64encode(text.encode()).decode()
    return text


@given(st.one_of(st.text(max_size=150), WRAPPED))
def test_a_layer_leads_back_into_its_text(text: str) -> None:
    """Every span of every layer has an original; what was unwrapped leads back to all that it was written with."""
    for layer in layers(text):
        assert len(layer.text) == len(layer.starts) == len(layer.ends)
        for at in range(len(layer.text)):
            start, end = layer.original(at, at + 1)
            assert 0 <= start < end <= len(text)


@given(CLEAN, CLEAN, st.sampled_from([1, 2, 3]))
def test_a_wrapped_token_is_covered_wholly(before: str, after: str, times: int) -> None:
    """Whatever stands around it."""
    token = wrap("mail jane.roe@example.com", times)
    text = f"{before}: {token}, {after}"
    found = [layer for layer in layers(text) if "jane.roe@example.com" in layer.text]

    assert found
    for layer in found:
        at = layer.text.index("jane.roe")
        start, end = layer.original(at, at + 8)
        assert text[start:end].strip("=") == token.strip("=")


@given(CLEAN)
def test_plain_text_has_no_layers(text: str) -> None:
    """Nothing is read twice that is not wrapped."""
    assert [layer for layer in layers(text) if not re.search(r"(?:\S\s+){6}", text)] == []


def test_what_is_wrapped_too_often_is_not_called_examined(analyzer: Analyzer) -> None:
    """Up to the depth it is read; beyond it, it is refused."""
    assert [f.entity for f in analyzer.examine(wrap("jane.roe@example.com", DEPTH), (), NONE)] == ["EMAIL_ADDRESS"]
    with pytest.raises(TooDeep):
        analyzer.examine(wrap("jane.roe@example.com", DEPTH + 1), (), NONE)


def test_a_list_of_addresses_is_no_wrapping(analyzer: Analyzer) -> None:
    """Lines that could go on after a break do not count as depth."""
    text = "j@\nk@\nl@\nm@\nn@\no@\np@\n@alice\n@bob\n@carol\n@dan\n@eve\n"

    assert analyzer.examine(text, (), NONE) == ()


def test_what_inflates_too_far_is_not_called_examined(analyzer: Analyzer) -> None:
    """A small text that stands for a large one."""
    bomb = base64.b64encode(gzip.compress(b"a" * (MOST_INFLATED + 1))).decode()
    with pytest.raises(TooLarge):
        analyzer.examine(bomb, (), NONE)


def test_many_readings_of_much_text_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """All layers together are a small multiple of the text."""
    monkeypatch.setattr("gateway.detection.layers._AT_LEAST", 0)
    monkeypatch.setattr("gateway.detection.layers._TIMES", 1)
    with pytest.raises(TooDeep):
        list(layers(wrap("all is well. " * 20, 3) + "%41" * 20))


@pytest.mark.parametrize(
    "piece",
    [
        "\\u0031",
        "%31",
        "%25",
        "NTM2",
        "MTIz ",
        "5 ",
        "a.",
        "five ",
        "sk-",
        "a@",
        "a@\n",
        "&#53;",
        "&amp;",
        "=31",
        "ab:",
        "0x",
        "\\",
        "A9" * 8,
        "GU3DMMRT",
        "01",
        "53, ",
        "chr(53)+",
        "5 five ",
        "'+'",
        "' ",
        "SGVsbG8gd29ybGQh///",
    ],
)
def test_hostile_writings_take_linear_time(piece: str) -> None:
    """Eight times the text takes about eight times as long, not sixty-four."""

    def unwrap(length: int) -> None:
        with suppress(TooDeep):
            list(layers((piece * length)[:length]))

    assert_linear(unwrap, 8_000)


def test_a_long_word_beside_a_mixed_one_takes_linear_time() -> None:
    """A word that is no base64 is looked through once, and not from each of its letters."""
    assert_linear(lambda length: list(layers("a" * length + " H4sI0xA9b")), 8_000)


def test_all_that_one_word_holds_is_read_together() -> None:
    """Readable runs among other bytes, apart from each other, as one layer."""
    written = base64.b64encode(b"jane.roe@example.com\xff\xff\xff tax 536-22-8714\xff\xff").decode()

    assert ["jane.roe@example.com\n tax 536-22-8714"] == [layer.text for layer in layers(written)]


def _random_texts(kind: str) -> list[str]:
    generator = random.Random(kind)
    make: dict[str, Callable[[], str]] = {
        "uuid": lambda: f"request {uuid.UUID(int=generator.getrandbits(128))} done",
        "sha256": lambda: f"commit {hashlib.sha256(generator.randbytes(8)).hexdigest()} of main",
        "md5": lambda: f'etag "{hashlib.md5(generator.randbytes(8), usedforsecurity=False).hexdigest()}"',
        "short id": lambda: "id " + base64.urlsafe_b64encode(generator.randbytes(16)).decode().rstrip("="),
        "bytes": lambda: "blob " + base64.b64encode(generator.randbytes(generator.choice((24, 48, 300)))).decode(),
        "call id": lambda: "call_" + "".join(generator.choices("abcdefghijkmnpqrstuvwxyzABCDEFGH0123456789", k=24)),
        "digits": lambda: "rows: " + " ".join(str(generator.randrange(10)) for _ in range(12)),
        "base32": lambda: "otp " + "".join(generator.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", k=32)),
        "bits": lambda: "mask " + " ".join(f"{generator.randrange(256):08b}" for _ in range(8)),
        "codes": lambda: "[" + ", ".join(str(generator.randrange(32, 127)) for _ in range(40)) + "]",
        "numbers": lambda: "[" + ",".join(str(generator.randrange(10_000)) for _ in range(40)) + "]",
    }
    return [make[kind]() for _ in range(300)]


@pytest.mark.parametrize(
    "kind",
    ["uuid", "sha256", "md5", "short id", "bytes", "call id", "digits", "numbers", "base32", "bits", "codes"],
)
def test_random_ids_are_no_wrapped_values(analyzer: Analyzer, kind: str) -> None:
    """Chance makes at most one finding in a hundred texts of what is read inside them."""
    wrapped = [text for text in _random_texts(kind) if list(layers(text))]
    false = [text for text in wrapped if analyzer.examine(text, (), NONE)]

    assert len(false) <= 3


def test_an_image_costs_little_and_finds_nothing(analyzer: Analyzer) -> None:
    """Random bytes in base64, as much as a small picture: hardly any of it is looked into again."""

    def inside(size: int) -> int:
        image = base64.b64encode(random.Random(7).randbytes(size)).decode()
        return sum(len(layer.text) for layer in layers(f"data:image/png;base64,{image}"))

    assert inside(30_000) < 2_000
    assert_linear(inside, 4_000)


def test_source_code_with_escapes_holds_no_more_than_without(analyzer: Analyzer) -> None:
    """A file of this product, plain and as a JSON string, gives the same entities."""
    code = Path(layers.__code__.co_filename).read_text()[:4_000]
    plain = {f.entity for f in analyzer.examine(code, (), NONE)}
    written = {f.entity for f in analyzer.examine(code.replace("\n", "\\n").replace('"', '\\"'), (), NONE)}

    assert written <= plain
