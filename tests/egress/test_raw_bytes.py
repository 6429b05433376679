"""Bodies that are no good JSON, at every endpoint that takes one: a clear 4xx in the endpoint's voice, and no echo."""

from __future__ import annotations

import gzip
import json
import os
import random
import zlib
from collections.abc import Callable, Iterator

import httpx
import pytest

from tests.egress.conftest import House
from tests.egress.told import end_of

CANARY = "canary-7731"
ROUNDS = int(os.environ.get("GATEWAY_FUZZ_EXAMPLES", "30"))
_SAID = [{"role": "user", "content": CANARY}]
GOOD: dict[str, dict[str, object]] = {
    "/v1/chat/completions": {"model": "gpt-x", "messages": _SAID},
    "/v1/responses": {"model": "gpt-x", "input": CANARY},
    "/v1/responses/input_tokens": {"model": "gpt-x", "input": CANARY},
    "/v1/completions": {"model": "gpt-x", "prompt": CANARY},
    "/v1/embeddings": {"model": "gpt-x", "input": CANARY},
    "/v1/moderations": {"model": "gpt-x", "input": CANARY},
    "/v1/messages": {"model": "gpt-x", "max_tokens": 9, "messages": _SAID},
}
JSON = {"content-type": "application/json"}


@pytest.fixture
def http(house: House) -> Iterator[httpx.Client]:
    """A plain client with the key."""
    headers = {"authorization": f"Bearer {house.running.first_key}"}
    root = house.running.base_url.removesuffix("/v1")
    with httpx.Client(base_url=root, headers=headers, timeout=60, trust_env=False) as client:
        yield client


def with_field(good: bytes, field: bytes) -> bytes:
    """The object with one more member."""
    return good[:-1] + b"," + field + b"}"


BODIES: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "empty": (lambda _: b"", "invalid_json"),
    "blank": (lambda _: b" \r\n\t", "invalid_json"),
    "zero bytes": (lambda _: b"\0" * 64, "invalid_json"),
    "a byte order mark": (lambda good: b"\xef\xbb\xbf" + good, "invalid_json"),
    "UTF-16 with a mark": (lambda good: good.decode().encode("utf-16"), "invalid_encoding"),
    "UTF-16": (lambda good: good.decode().encode("utf-16-le"), "invalid_json"),
    "UTF-32": (lambda good: good.decode().encode("utf-32-be"), "invalid_json"),
    "Latin-1": (lambda good: good.replace(b"canary", b"can\xe4ry"), "invalid_encoding"),
    "an overlong form": (lambda good: good.replace(b"canary", b"\xc0\xaf"), "invalid_encoding"),
    "a surrogate in UTF-8": (lambda good: good.replace(b"canary", b"\xed\xa0\x80"), "invalid_encoding"),
    "a lone surrogate": (lambda good: good.replace(b"canary", b"\\ud800"), "invalid_encoding"),
    "surrogates the wrong way round": (lambda good: good.replace(b"canary", b"\\udc00\\ud800"), "invalid_encoding"),
    "a lone surrogate in a key": (lambda good: with_field(good, b'"\\udfff":1'), "invalid_encoding"),
    "not a number": (lambda good: with_field(good, b'"temperature":NaN'), "invalid_json"),
    "infinity": (lambda good: with_field(good, b'"temperature":Infinity'), "invalid_json"),
    "minus infinity": (lambda good: with_field(good, b'"temperature":-Infinity'), "invalid_json"),
    "a number beyond any": (lambda good: with_field(good, b'"temperature":1e999'), "invalid_json"),
    "a number of 5,000 digits": (lambda good: with_field(good, b'"seed":' + b"9" * 5000), "invalid_json"),
    "a hexadecimal number": (lambda good: with_field(good, b'"seed":0x10'), "invalid_json"),
    "a number with a plus": (lambda good: with_field(good, b'"seed":+1'), "invalid_json"),
    "one key twice": (lambda good: with_field(good, b'"model":"gpt-y"'), "duplicate_key"),
    "one key twice, escaped": (lambda good: with_field(good, b'"mod\\u0065l":"gpt-y"'), "duplicate_key"),
    "one key twice, inside": (lambda good: with_field(good, b'"metadata":{"a":"1","a":"2"}'), "duplicate_key"),
    "nested too deeply": (
        lambda good: with_field(good, b'"a":' + b"[" * 90_000 + b"]" * 90_000),
        "nesting_too_deep",
    ),
    "nested and never closed": (lambda _: b'{"a":' * 90_000, "nesting_too_deep"),
    "an array": (lambda good: b"[" + good + b"]", "invalid_field"),
    "an empty array": (lambda _: b"[]", "invalid_field"),
    "null": (lambda _: b"null", "invalid_field"),
    "true": (lambda _: b"true", "invalid_field"),
    "a number": (lambda _: b"17", "invalid_field"),
    "a string": (lambda good: json.dumps(good.decode()).encode(), "invalid_field"),
    "two documents": (lambda good: good + b"\n" + good, "invalid_json"),
    "a trailing comma": (lambda good: good[:-1] + b",}", "invalid_json"),
    "a comment": (lambda good: good + b"// canary-7731", "invalid_json"),
    "single quotes": (lambda good: good.replace(b'"', b"'"), "invalid_json"),
    "a bare newline in a string": (lambda good: good.replace(b"canary", b"can\nary"), "invalid_json"),
    "cut short": (lambda good: good[:-2], "invalid_json"),
    "gzip without a word of it": (gzip.compress, "invalid_encoding"),
    "a form": (lambda _: b"model=gpt-x&prompt=canary-7731", "invalid_json"),
    "an unknown field": (lambda good: with_field(good, b'"Canary-7731":1'), "unsupported_field"),
    "a field in capitals": (lambda good: with_field(good, b'"MODEL":"gpt-y"'), "unsupported_field"),
    "a field with a zero byte": (lambda good: with_field(good, b'"model\\u0000":"gpt-y"'), "unsupported_field"),
    "a prototype": (lambda good: with_field(good, b'"__proto__":{"a":1}'), "unsupported_field"),
    "a model that is no name": (lambda good: good.replace(b'"gpt-x"', b'{"a":"canary-7731"}'), "invalid_field"),
}


@pytest.mark.parametrize("path", GOOD)
@pytest.mark.parametrize("name", BODIES)
def test_bodies_that_cannot_be_read(house: House, http: httpx.Client, path: str, name: str) -> None:
    """The same code at each endpoint, whichever way the body came, and nothing of it reaches the provider."""
    made, code = BODIES[name]
    body = made(json.dumps(GOOD[path]).encode())
    before = len(house.provider.requests)
    for content in (body, _pieces(body)):
        reply = http.post(path, content=content, headers=JSON)

        assert code == end_of(f"POST {path}", reply.status_code, reply.headers, reply.content)
        assert 400 == reply.status_code
        assert CANARY not in reply.text.lower()
    assert before == len(house.provider.requests)


def _pieces(body: bytes) -> Iterator[bytes]:
    """In about twenty pieces, so that characters are cut."""
    step = max(1, len(body) // 20)
    yield from (body[start : start + step] for start in range(0, len(body), step))


@pytest.mark.parametrize("path", GOOD)
@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"content-encoding": "gzip"}, "unsupported_content_encoding"),
        ({"content-encoding": "deflate"}, "unsupported_content_encoding"),
        ({"content-encoding": "br"}, "unsupported_content_encoding"),
        ({"content-encoding": "identity, gzip"}, "unsupported_content_encoding"),
        ({"content-encoding": CANARY}, "unsupported_content_encoding"),
        ({"content-type": "text/plain"}, "unsupported_media_type"),
        ({"content-type": "text/event-stream"}, "unsupported_media_type"),
        ({"content-type": "application/x-www-form-urlencoded"}, "unsupported_media_type"),
        ({"content-type": f"multipart/form-data; boundary={CANARY}"}, "unsupported_media_type"),
        ({"content-type": "application/jsonl"}, "unsupported_media_type"),
        ({"content-type": "application/json, text/plain"}, "unsupported_media_type"),
        ({"content-type": "application/json; charset=utf-16"}, "unsupported_media_type"),
        ({"content-type": "application/json; charset=latin-1"}, "unsupported_media_type"),
        ({"content-type": "application/json; charset=utf-8; charset=utf-16"}, "unsupported_media_type"),
        ({"content-type": ""}, "unsupported_media_type"),
    ],
    ids=str,
)
def test_bodies_in_another_form(
    house: House, http: httpx.Client, path: str, headers: dict[str, str], code: str
) -> None:
    """What claims to be compressed, or something else than JSON, is not looked into."""
    good = json.dumps(GOOD[path]).encode()
    packed = {"gzip": gzip.compress(good), "deflate": zlib.compress(good)}.get(
        headers.get("content-encoding", ""), good
    )
    before = len(house.provider.requests)
    reply = http.post(path, content=packed, headers={**JSON, **headers})

    assert code == end_of(f"POST {path}", reply.status_code, reply.headers, reply.content)
    assert 415 == reply.status_code
    assert CANARY not in reply.text
    assert before == len(house.provider.requests)


@pytest.mark.parametrize("path", GOOD)
def test_a_good_body_with_some_bytes_changed(http: httpx.Client, path: str) -> None:
    """Whatever becomes of it: never a fault, always the right form."""
    chance = random.Random(path)  # the same bytes in every run
    good = json.dumps(GOOD[path]).encode()
    ends = []
    for _ in range(ROUNDS):
        reply = http.post(path, content=_changed(good, chance), headers=JSON)
        ends.append(end_of(f"POST {path}", reply.status_code, reply.headers, reply.content))

    assert len(set(ends)) > 2
    assert ends.count("invalid_json") > ROUNDS // 4


def _changed(good: bytes, chance: random.Random) -> bytes:
    body = bytearray(good)
    for _ in range(chance.randrange(1, 4)):
        at, other = chance.randrange(len(body)), chance.randrange(len(body))
        match chance.randrange(5):
            case 0:
                body[at] = chance.randrange(256)
            case 1:
                body.insert(at, chance.choice(b'"\\{}[]:,0-e\x00\xff \n'))
            case 2:
                del body[at]
            case 3:
                body[at:at] = body[other : other + 8]
            case _:
                body[at : at + 1] = b"\\u%04x" % chance.choice([0, 0x22, 0x5C, 0xD800, 0xFFFF, 0x200B])
    return bytes(body)
