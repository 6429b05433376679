"""The application at its edge: which endpoints exist, what each needs, and what is told of what goes wrong."""

from __future__ import annotations

import json
import logging
import re

import pytest
from starlette.types import Message

from gateway.pipeline.ports import Health
from tests.domain.build import chat
from tests.wire.parts import Front, well

CANARY = "canary-7731"
REQUEST_ID = re.compile(r"req_[0-9a-f]{24}")


@pytest.fixture
def access(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """What is logged of requests."""
    caplog.set_level(logging.INFO, logger="gateway.access")
    return caplog


def told(access: pytest.LogCaptureFixture) -> list[dict[str, object]]:
    """The fields of each access line."""
    return [vars(record)["fields"] for record in access.records if record.name == "gateway.access"]


async def broken() -> bytes:
    """A part with an unexpected fault, whose message holds text of a request."""
    raise RuntimeError(CANARY)


@pytest.mark.parametrize("path", ["/v1/models", "/v1/gateway/coverage", "/v1/gateway/openapi.json"])
async def test_what_is_behind_the_key_needs_it(path: str) -> None:
    """401 without, 200 with."""
    front = Front()
    async with front.client(authorization="") as stranger, front.client() as caller:
        refused, served = await stranger.get(path), await caller.get(path)

    assert (401, "invalid_api_key") == (refused.status_code, refused.json()["error"]["code"])
    assert 200 == served.status_code


async def test_a_chat_needs_the_key_before_anything_is_read() -> None:
    """Nothing is examined, recorded or sent for a stranger."""
    front = Front()
    async with front.client(authorization="Bearer wrong") as stranger:
        refused = await stranger.post("/v1/chat/completions", content=b"{not json")

    assert (401, "invalid_api_key") == (refused.status_code, refused.json()["error"]["code"])
    front.stage.book.expect()


async def test_the_models_are_listed_in_openais_form() -> None:
    """Sorted, each an object of its own."""
    async with Front().client() as caller:
        listed = (await caller.get("/v1/models")).json()

    assert ["gpt-*", "local/*"] == [each["id"] for each in listed["data"]]
    assert {"model"} == {each["object"] for each in listed["data"]}
    assert "list" == listed["object"]


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", f"/v1/{CANARY}", 404, "unknown_endpoint"),
        ("GET", "/v1/responses/resp_1", 404, "unknown_endpoint"),
        ("POST", "/v1/chat/completions/chatcmpl_1", 404, "unknown_endpoint"),
        ("POST", "/v1/files", 404, "unknown_endpoint"),
        ("POST", "/v1/chat/completions/", 404, "unknown_endpoint"),
        ("POST", "//v1/chat/completions", 404, "unknown_endpoint"),
        ("GET", "/docs", 404, "unknown_endpoint"),
        ("GET", "/openapi.json", 404, "unknown_endpoint"),
        ("GET", "/v1/chat/completions", 405, "method_not_allowed"),
        ("DELETE", "/v1/models", 405, "method_not_allowed"),
    ],
)
async def test_nothing_else_is_served(
    access: pytest.LogCaptureFixture, method: str, path: str, status: int, code: str
) -> None:
    """In OpenAI's form, and never forwarded; a path of the caller's choice is not logged."""
    front = Front()
    async with front.client() as caller:
        reply = await caller.request(method, path, json=chat("hello"))

    assert (status, code) == (reply.status_code, reply.json()["error"]["code"])
    assert [] == front.stage.external.sent
    assert CANARY not in f"{reply.text}{told(access)}"
    front.stage.book.expect()


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/v1/chat/completions", {"POST"}),
        ("PUT", "/v1/messages", {"POST"}),
        ("POST", "/v1/models", {"GET", "HEAD"}),
    ],
)
async def test_a_wrong_method_hears_of_the_right_one(method: str, path: str, allowed: set[str]) -> None:
    """RFC 9110 asks for it."""
    async with Front().client() as caller:
        reply = await caller.request(method, path)

    assert 405 == reply.status_code
    assert allowed == set(reply.headers["allow"].split(", "))


@pytest.mark.parametrize(
    ("method", "path", "kind"),
    [
        ("GET", "/v1/messages", "invalid_request_error"),
        ("POST", "/v1/messages/count_tokens", "not_found_error"),
        ("GET", "/v1/messages/batches", "not_found_error"),
    ],
)
async def test_what_is_not_served_is_told_in_the_voice_of_its_path(method: str, path: str, kind: str) -> None:
    """Anthropic's clients understand why."""
    async with Front().client() as caller:
        told = (await caller.request(method, path)).json()

    assert ("error", kind) == (told["type"], told["error"]["type"])


async def test_health_is_of_the_process_and_readiness_of_its_parts() -> None:
    """Both without a key; the parts by name, and the policy in force."""

    async def ill() -> Health:
        return Health(ok=False, detail="records cannot be written")

    front = Front(health={"detector": well, "ledger": ill})
    async with front.client(authorization="") as caller, Front().client(authorization="") as other:
        alive, ready, whole = await caller.get("/healthz"), await caller.get("/readyz"), await other.get("/readyz")

    assert (200, {"status": "ok"}) == (alive.status_code, alive.json())
    assert 503 == ready.status_code
    assert {
        "ready": False,
        "parts": {
            "detector": {"ok": True, "detail": ""},
            "ledger": {"ok": False, "detail": "records cannot be written"},
        },
        "policy": {"revision": front.bundle.revision, "digest": front.bundle.digest},
    } == ready.json()
    assert (200, True) == (whole.status_code, whole.json()["ready"])


async def test_metrics_are_plain_text() -> None:
    """In the form that Prometheus reads."""
    async with Front().client(authorization="") as caller:
        reply = await caller.get("/metrics")

    assert "up 1\n" == reply.text
    assert reply.headers["content-type"].startswith("text/plain; version=0.0.4")


async def test_every_response_has_an_id_of_its_own() -> None:
    """Good or bad, whatever the caller says its id is."""
    async with Front(metrics=broken).client(**{"x-request-id": CANARY}) as caller:
        replies = [await caller.get(path) for path in ("/healthz", "/v1/models", "/nowhere", "/metrics", "/healthz")]
    ids = [reply.headers.get_list("x-request-id") for reply in replies]

    assert all(len(each) == 1 and REQUEST_ID.fullmatch(each[0]) for each in ids)
    assert len(ids) == len({each[0] for each in ids})


async def test_what_nobody_expected_is_a_constant_error(access: pytest.LogCaptureFixture) -> None:
    """In OpenAI's form; the log says the type and the place, and neither holds the message."""
    async with Front(metrics=broken).client() as caller:
        reply = await caller.get("/metrics")

    assert (500, "internal_error") == (reply.status_code, reply.json()["error"]["code"])
    assert "application/json" == reply.headers["content-type"]
    [line] = told(access)
    assert re.fullmatch(r"RuntimeError at .+test_app\.py:\d+", str(line["fault"]))
    assert CANARY not in f"{reply.text}{reply.headers}{access.text}{line}"


async def test_a_request_leaves_one_line(access: pytest.LogCaptureFixture) -> None:
    """Its endpoint, status, time and decision: no word of the body, and no header of the caller."""
    front = Front()
    async with front.client(**{"user-agent": CANARY}) as caller:
        reply = await caller.post("/v1/chat/completions", json=chat(CANARY))
    await front.stage.pipeline.drain()

    [line] = told(access)
    assert ("/v1/chat/completions", 200) == (line["endpoint"], line["status"])
    assert reply.headers["x-request-id"] == line["request_id"]
    assert reply.headers["x-gateway-decision-id"] == line["decision"] != ""
    assert {"request_id", "endpoint", "status", "milliseconds", "decision"} == set(line)
    assert CANARY not in json.dumps(line)


async def test_web_sockets_are_closed() -> None:
    """There is no endpoint that speaks so, and nothing of one is read."""
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        raise AssertionError("nobody should listen")

    await Front().app({"type": "websocket", "path": "/v1/realtime", "headers": []}, receive, send)

    assert [{"type": "websocket.close", "code": 1008}] == sent


async def test_a_fault_in_the_middle_of_an_answer_cuts_it(access: pytest.LogCaptureFixture) -> None:
    """No second response is begun; the fault is logged with the decision."""
    front = Front()

    async def send(message: Message) -> None:
        sent.append(message)
        if message["type"] == "http.response.body":
            raise RuntimeError(CANARY)

    sent: list[Message] = []
    body = json.dumps(chat("hello")).encode()
    incoming: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Message:
        return incoming.pop() if incoming else await front.nothing_more()

    scope = front.scope("POST", "/v1/chat/completions")
    await front.app(scope, receive, send)
    await front.stage.pipeline.drain()

    assert 1 == sum(message["type"] == "http.response.start" for message in sent)
    [line] = told(access)
    assert str(line["fault"]).startswith("RuntimeError at ")
    assert line["decision"]
    assert CANARY not in f"{line}"
