"""Holes around the request: endpoints, headers, failures, policies, records."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import socket
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from gateway.domain.conversation import Leaf
from gateway.domain.finding import Address, Failed, FailureCause, Report
from gateway.domain.strict_json import Json
from gateway.testing.stand_in import CutOff, Status
from gateway.wire.app import PATHS
from gateway.wire.schema import OPERATIONS
from gateway.wire.unserved import UNSERVED
from tests.egress.harness import holds, stored
from tests.egress.leaks.front import (
    CARD,
    CHAT,
    CLAUDE,
    EMAIL,
    EMBEDDINGS,
    MODEL,
    RESPONSES,
    SECRET,
    SSN,
    TERM,
    TOLD_SSN,
    Front,
)
from tests.egress.leaks.holes import hole

PLAIN: Json = {"model": MODEL, "messages": [{"role": "user", "content": "hello"}]}
_TELLING: Json = {"model": MODEL, "messages": [{"role": "user", "content": TOLD_SSN}], "input": TOLD_SSN}


@hole(17, "tests/egress/test_bad_input.py::test_other_endpoints_are_refused_and_never_forwarded")
def other_endpoints(front: Front) -> None:
    """Every endpoint of the providers that is not served, and any other path: refused, by any method."""
    unknown = ("/v1/rerank", "/v2/chat/completions", "/chat/completions", "/v1/chat/completions/", "/v1//responses")
    for path in (*UNSERVED, *(f"{each}/abc_123" for each in UNSERVED), *unknown):
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
            if method != "POST" or path not in PATHS:
                reply = front.send(path, _TELLING, method=method)
                assert reply.kept(), (method, path)
                assert reply.status in {404, 405}, (method, path)
                assert SSN not in reply.text


@hole(18, "tests/egress/test_main_job.py::test_the_gateways_key_and_the_callers_headers_stay_here")
def path_query_headers(front: Front) -> None:
    """A query is refused; no path goes on; of the caller's headers none does."""
    for path in PATHS:
        assert front.send(f"{path}?note={SSN}", PLAIN).kept()
        assert front.send(f"{path}/{SSN}", PLAIN).kept()
    names = (
        "OpenAI-Organization",
        "OpenAI-Project",
        "Cookie",
        "Baggage",
        "X-Any",
        "Anthropic-Beta",
        "User-Agent",
        "Traceparent",
    )
    reply = front.send(CHAT, PLAIN, headers=dict.fromkeys(names, f"canary {SSN}"))
    assert reply.sent
    assert not reply.left(SSN)
    assert front.house.running.first_key not in str(reply.sent[0].headers)
    assert front.send(CHAT, PLAIN, headers={"x-gateway-purpose": f"canary {SSN}"}).kept()


@contextlib.contextmanager
def _detector(front: Front, saying: Any) -> Iterator[None]:
    """The gateway's detector replaced by one that says this."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(front.house.running.gateway._story._detector, "examine", saying)
        yield


async def _failing(leaves: Sequence[Leaf], _: object) -> Report:
    return Report({leaf.address: Failed(FailureCause.CRASH) for leaf in leaves}, "broken")


async def _silent(leaves: Sequence[Leaf], _: object) -> Report:
    return Report({}, "broken")


async def _elsewhere(leaves: Sequence[Leaf], _: object) -> Report:
    return Report({Address("/nowhere"): Failed(FailureCause.ERROR)}, "broken")


async def _raising(leaves: Sequence[Leaf], _: object) -> Report:
    raise RuntimeError("broken")


@hole(
    22,
    "tests/egress/test_faults.py::test_a_killed_detector_keeps_everything_inside",
    "tests/domain/test_decision.py::test_what_was_not_examined_stays_inside",
)
def broken_detector(front: Front) -> None:
    """Failed, silent, speaking of something else, raising: in no operation does anything leave."""
    bodies = {path: _small(path) for path in PATHS}
    for saying in (_failing, _silent, _elsewhere, _raising):
        with _detector(front, saying):
            for path, body in bodies.items():
                reply = front.send(path, body)
                assert not reply.sent, (path, saying.__name__)
                assert reply.status in {200, 400, 403, 500, 503}


def _small(path: str) -> object:
    text = "hello"
    return {
        "/v1/chat/completions": {"model": MODEL, "messages": [{"role": "user", "content": text}]},
        "/v1/responses": {"model": MODEL, "input": text},
        "/v1/responses/input_tokens": {"model": MODEL, "input": text},
        "/v1/completions": {"model": MODEL, "prompt": text},
        "/v1/embeddings": {"model": MODEL, "input": text},
        "/v1/moderations": {"input": text},
        "/v1/messages": {"model": CLAUDE, "max_tokens": 9, "messages": [{"role": "user", "content": text}]},
    }[path]


@hole(24, "tests/adapters/test_presidio_detector.py::test_too_many_requests_are_refused_at_once")
def overload(front: Front) -> None:
    """Far more at once than the detector takes: every one of them stays."""
    before = len(front.house.provider.requests)
    with ThreadPoolExecutor(48) as pool:
        replies = list(pool.map(lambda n: front.chat(f"Case {n}. {TOLD_SSN} {'plain words ' * 200}"), range(96)))
    assert {200, 503} >= {reply.status for reply in replies}
    assert before == len(front.house.provider.requests)


@hole(30, "tests/egress/test_faults.py::test_a_killed_model_means_503_and_never_outside")
def no_fallback(front: Front) -> None:
    """Whatever a model inside answers, nothing goes outside because of it; a provider's failure is tried once."""
    for scene in (Status(500), Status(429), Status(400, "context_length_exceeded"), CutOff()):
        front.house.inside.script(scene)
        reply = front.chat(TOLD_SSN)
        assert not reply.sent
        assert 200 != reply.status
        front.house.inside.unscript()
    for status in (500, 429, 503, 408, 409):
        front.house.provider.script(Status(status))
        assert 1 == len(front.chat("hello").sent)
        front.house.provider.unscript()


class _Keeping(logging.Handler):
    """Keeps every log line of every part, in full."""

    def __init__(self) -> None:
        super().__init__(logging.NOTSET)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(f"{record.getMessage()} {record.__dict__}")


@hole(
    31,
    "tests/egress/test_main_job.py::test_the_record_holds_every_decision_and_no_text",
    "tests/adapters/test_sql_ledger.py::test_no_canary_reaches_the_files",
)
def traces(front: Front) -> None:
    """Whatever becomes of requests, none of their text is in a log line, in the metrics or in the database."""
    keeping, root = _Keeping(), logging.getLogger()
    level = root.level
    root.addHandler(keeping)
    root.setLevel(logging.DEBUG)
    try:
        for text in (TOLD_SSN, f"card {CARD}", f"mail {EMAIL}", f"key {SECRET}", f"about {TERM}"):
            front.chat(text)
            front.chat(text, stream=True)
            front.responses([{"role": "user", "content": text, text: 1}])
            front.send(f"/v1/{text}", {"model": text})
            front.house.provider.script(Status(400, echo=True))
            front.chat(f"{text} and mail {EMAIL}")
            front.house.provider.unscript()
    finally:
        root.setLevel(level)
        root.removeHandler(keeping)
    running = front.house.running
    asyncio.run_coroutine_threadsafe(running.gateway._story.drain(), running._loop).result()
    metrics = front.send("/metrics", method="GET").text
    assert any("gateway.access" in line for line in keeping.lines)
    kept = [("\n".join(keeping.lines)).encode(), metrics.encode(), stored(front.house.folder)]
    for value in (SSN, CARD, EMAIL, SECRET):
        assert not [place for place, data in enumerate(kept) if holds(data, value)], value


@hole(33)
def honest_records(front: Front) -> None:
    """When nothing was examined, headers and record say so, and not that the request was cleared."""
    with _detector(front, _failing):
        reply = front.chat("hello")
    assert ("local", "restricted") == (reply.route, reply.headers["x-gateway-label"])
    assert reply.headers["x-gateway-reason"] not in {"CLEARED", "NO_RULE_MATCHED", ""}


@hole(
    35,
    "tests/contract/test_ledger_contract.py::test_records_form_a_chain",
    "tests/adapters/test_sql_ledger.py::test_a_token_is_signed_over_the_stored_record",
)
def chained_records(front: Front) -> None:
    """Every answer carries a signed receipt of its record, and each record the hash of the one before.

    A chain whose end is cut off together with all receipts is not told yet; docs/threat-model.md says so.
    """
    receipts = {front.chat("hello").headers["x-gateway-receipt"] for _ in range(3)}
    assert 3 == len(receipts)
    assert all(receipts)


@hole(45, "tests/egress/test_bad_input.py::test_without_a_valid_key_there_is_nothing")
def open_endpoints(front: Front) -> None:
    """No operation without a key, no page of a foreign origin, no documentation of the inside."""
    for path in (*PATHS, "/v1/models", "/v1/gateway/coverage"):
        method = "POST" if path in PATHS else "GET"
        for key in ("", "Bearer", "Bearer gw_x_y", "Basic eDp5"):
            headers = {"authorization": key, "origin": "https://evil.example"}
            reply = front.send(path, PLAIN, headers=headers, method=method)
            assert (401, []) == (reply.status, reply.sent), path
            assert "access-control-allow-origin" not in reply.headers
    for path in ("/docs", "/openapi.json", "/redoc", "/admin", "/v1/gateway/keys", "/debug"):
        assert 404 == front.send(path, method="GET").status


@hole(46)
def refusals(front: Front) -> None:
    """A refusal is an error to every client, streamed or not, in every dialect."""
    text = f"client = Client(api_key='{SECRET}')"
    for stream in (False, True):
        for reply in (
            front.chat(text, stream=stream),
            front.responses(text, stream=stream),
            front.messages(text, stream=stream),
        ):
            assert (403, []) == (reply.status, reply.sent)
            assert "application/json" in reply.headers["content-type"]


@hole(48, "tests/wire/test_app.py::test_web_sockets_are_closed")
def sockets(front: Front) -> None:
    """No socket is opened, whatever the path."""
    for path in ("/v1/realtime", "/v1/realtime?model=gpt-4o", RESPONSES, CHAT):
        head = (
            f"GET {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {front.house.running.first_key}\r\n"
            "connection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n"
            "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        with socket.create_connection(("127.0.0.1", front.house.running.port), timeout=10) as connection:
            connection.sendall(head.encode())
            status = re.match(rb"HTTP/1\.1 (\d{3})", connection.recv(65536))
        assert status is not None
        assert int(status[1]) in {403, 404, 405}, path
    assert front.send("/v1/realtime/sessions", _TELLING).kept()


@hole(49, "tests/wire/test_schema.py::test_state_and_egress_at_the_provider_are_refused_by_name")
def called_addresses(front: Front) -> None:
    """Neither the gateway nor the provider is made to call an address of the caller's choice."""
    address = "https://evil.example/collect"
    for name in ("base_url", "api_base", "api_key", "webhook", "callback_url", "web_search_options", "mcp_servers"):
        assert (400, []) == ((reply := front.chat("x", **{name: address})).status, reply.sent), name
    for kind in (
        "mcp",
        "web_search",
        "web_search_preview",
        "file_search",
        "code_interpreter",
        "computer_use_preview",
        "image_generation",
    ):
        tool: Json = {"type": kind, "server_label": "x", "server_url": address}
        assert (400, []) == ((reply := front.responses("x", tools=[tool])).status, reply.sent), kind
        assert (400, []) == ((reply := front.chat("x", tools=[tool])).status, reply.sent), kind
    for server in ({"mcp_servers": [{"url": address}]}, {"tools": [{"type": "web_fetch_20250910", "name": "f"}]}):
        assert (400, []) == ((reply := front.messages("x", **server)).status, reply.sent)
    image: Json = {"type": "image_url", "image_url": {"url": address}}
    assert front.chat([{"role": "user", "content": [image]}]).kept()
    assert front.responses([{"role": "user", "content": [{"type": "input_file", "file_url": address}]}]).kept()


@hole(50, "tests/egress/test_main_job.py::test_a_plain_question_goes_out")
def kept_by_the_provider(front: Front) -> None:
    """Whatever the caller says, nothing that leaves is to be kept; what would have to be is refused."""
    for store in ({}, {"store": True}, {"store": False}):
        for reply in (front.chat("x", **store), front.responses("x", **store)):
            assert b'"store":false' in reply.sent[0].body
            assert b'"store":true' not in reply.sent[0].body
    assert (400, []) == ((reply := front.responses("x", background=True)).status, reply.sent)
    for path in ("/v1/fine_tuning/jobs", "/v1/batches", "/v1/files", "/v1/evals"):
        assert front.send(path, _TELLING).kept()
    assert 7 == len(OPERATIONS)
    assert front.send(EMBEDDINGS, {"model": MODEL, "input": "x", "store": True}).kept()
