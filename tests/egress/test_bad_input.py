"""Whatever is sent at the front door: a clear 4xx in OpenAI's form, in bounded time, without an echo."""

from __future__ import annotations

import gzip
import json
import socket
from collections.abc import Iterator

import httpx
import pytest

from tests.egress.conftest import House

CANARY = "canary-7731"
GOOD = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hello"}]}


@pytest.fixture
def http(house: House) -> Iterator[httpx.Client]:
    """A plain HTTP client with the key."""
    headers = {"authorization": f"Bearer {house.running.first_key}"}
    with httpx.Client(base_url=house.running.base_url, headers=headers, timeout=60, trust_env=False) as client:
        yield client


@pytest.mark.parametrize(
    ("body", "headers", "status", "code"),
    [
        (b"", {}, 400, "invalid_json"),
        (b"{canary-7731", {}, 400, "invalid_json"),
        (b"null", {}, 400, "invalid_field"),
        (b'["canary-7731"]', {}, 400, "invalid_field"),
        (b'{"model":"canary-7731","model":"x"}', {}, 400, "duplicate_key"),
        (b'{"model":"\xff"}', {}, 400, "invalid_encoding"),
        (json.dumps(GOOD).encode("utf-16"), {}, 400, "invalid_encoding"),
        (b'{"a":' * 100_000, {}, 400, "nesting_too_deep"),
        (json.dumps({**GOOD, "canary-7731": 1}).encode(), {}, 400, "unsupported_field"),
        (json.dumps({**GOOD, "messages": "canary-7731"}).encode(), {}, 400, "invalid_field"),
        (json.dumps({**GOOD, "messages": []}).encode(), {}, 400, "invalid_field"),
        (json.dumps({**GOOD, "n": 1e9}).encode(), {}, 400, "invalid_field"),
        (
            gzip.compress(json.dumps(GOOD).encode(), mtime=0),
            {"content-encoding": "gzip"},
            415,
            "unsupported_content_encoding",
        ),
        (b"x=canary-7731", {"content-type": "application/x-www-form-urlencoded"}, 415, "unsupported_media_type"),
        (
            json.dumps(GOOD).encode(),
            {"content-type": "application/json; charset=utf-16"},
            415,
            "unsupported_media_type",
        ),
        (json.dumps(GOOD).encode(), {"x-gateway-label": "two words canary-7731"}, 400, "invalid_field"),
    ],
)
def test_bad_requests(
    house: House, http: httpx.Client, body: bytes, headers: dict[str, str], status: int, code: str
) -> None:
    """Each has its own status and code, and nothing reaches the provider."""
    before = len(house.provider.requests)
    reply = http.post("/chat/completions", content=body, headers={"content-type": "application/json", **headers})

    assert (status, code) == (reply.status_code, reply.json()["error"]["code"])
    assert reply.headers["x-request-id"]
    assert CANARY not in reply.text
    assert before == len(house.provider.requests)


def test_a_body_of_fifty_megabytes_is_refused(http: httpx.Client) -> None:
    """By its real length, when it declares none."""
    streamed = http.post("/chat/completions", content=(b"x" * 2**20 for _ in range(50)))

    assert (413, "body_too_large") == (streamed.status_code, streamed.json()["error"]["code"])


def test_a_declared_length_is_enough_to_refuse(house: House) -> None:
    """Nobody waits for fifty megabytes that are announced."""
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {house.running.first_key}\r\n"
        f"content-type: application/json\r\ncontent-length: {50 * 2**20}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", house.running.port), timeout=10) as connection:
        connection.sendall(head.encode())
        answer = connection.recv(65536)

    assert answer.startswith(b"HTTP/1.1 413")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/audio/speech", 404),
        ("POST", "/responses/canary-7731/cancel", 404),
        ("GET", "/responses/canary-7731", 404),
        ("POST", "/files", 404),
        ("GET", "/chat/completions/canary-7731", 404),
        ("POST", "/chat/completions/", 404),
        ("POST", "/../v1/chat/completions%00", 404),
        ("GET", "/chat/completions", 405),
        ("DELETE", "/models", 405),
        ("POST", "/canary-7731", 404),
    ],
)
def test_other_endpoints_are_refused_and_never_forwarded(
    house: House, http: httpx.Client, method: str, path: str, status: int
) -> None:
    """Unknown means no."""
    before = len(house.provider.requests)
    reply = http.request(method, path, json=GOOD)

    assert status == reply.status_code
    assert "error" in reply.json()
    assert CANARY not in reply.text
    assert before == len(house.provider.requests)


def test_a_query_is_refused(house: House, http: httpx.Client) -> None:
    """A query string would be a field that nobody declared."""
    before = len(house.provider.requests)

    assert 400 == http.post("/chat/completions?metadata=canary-7731", json=GOOD).status_code
    assert before == len(house.provider.requests)


@pytest.mark.parametrize("header", ["", "Basic canary", "Bearer", "Bearer gw_x_y", "Bearer " + "x" * 5000])
def test_without_a_valid_key_there_is_nothing(http: httpx.Client, header: str) -> None:
    """Every /v1 endpoint asks for one."""
    for method, path in (("POST", "/chat/completions"), ("GET", "/models"), ("GET", "/gateway/coverage")):
        reply = http.request(method, path, headers={"authorization": header})
        assert (401, "invalid_api_key") == (reply.status_code, reply.json()["error"]["code"])


def test_health_readiness_metrics_and_coverage(house: House, http: httpx.Client) -> None:
    """For the platform: no key, no text; for developers: every field."""
    root = f"http://127.0.0.1:{house.running.port}"
    ready = http.get(f"{root}/readyz")
    metrics = http.get(f"{root}/metrics").text
    coverage = http.get("/gateway/coverage").json()["operations"]["POST /v1/chat/completions"]

    assert 200 == http.get(f"{root}/healthz").status_code
    assert 200 == ready.status_code, ready.text
    assert {"ledger", "detector", "policies", "destination:local-slm"} <= ready.json()["parts"].keys()
    assert "gateway_decisions_total" in metrics
    assert ("text", "refused", "opaque") == tuple(
        coverage[name] for name in ("messages[].content", "web_search_options", "messages[].content[].input_audio.data")
    )
