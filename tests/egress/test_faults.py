"""When parts fail: typed errors, records that say so, and never a byte outside because of it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import httpx
import pytest
from openai import (
    APIConnectionError,
    APIError,
    APIStatusError,
    BadRequestError,
    InternalServerError,
    OpenAI,
    RateLimitError,
)

from gateway.adapters.database import open_database
from gateway.adapters.sql_records import of_decision, of_period, opening_of
from gateway.cli.running import RunningGateway
from gateway.domain.strict_json import object_at
from gateway.testing.stand_in import CutOff, Gate, Held, Raw, StandIn, Status
from tests.egress.conftest import House
from tests.egress.harness import ENVIRONMENT, client_for, holds, left, settings_for

SSN = "536-22-8145"
EMAIL = "dana.whitfield@example.com"


@pytest.fixture(scope="module")
def fragile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A gateway of this module's own, since its parts are killed."""
    folder = tmp_path_factory.mktemp("fragile")
    with StandIn() as provider:
        settings = settings_for(folder, provider.base_url)
        with RunningGateway(settings, ENVIRONMENT) as running:
            client = client_for(running.base_url, running.first_key)
            yield House(running, provider, client, folder)
            client.close()


def ask(client: OpenAI, text: str, *, stream: bool = False) -> str:
    """One question: the whole answer."""
    reply = client.chat.completions.create(
        model="gpt-4o-mini", messages=[{"role": "user", "content": text}], stream=stream, max_tokens=16
    )
    if stream:
        return "".join(chunk.choices[0].delta.content or "" for chunk in reply if chunk.choices)  # type: ignore[union-attr]
    return reply.choices[0].message.content or ""  # type: ignore[union-attr]


def outcomes(folder: Path) -> list[dict[str, object]]:
    """The outcome records, oldest first."""
    with contextlib.closing(sqlite3.connect(folder / "gateway.db")) as connection:
        rows = connection.execute("SELECT body FROM records WHERE kind = 'outcome' ORDER BY at, sequence").fetchall()
    return [json.loads(row[0]) for row in rows]


@pytest.mark.parametrize(
    ("scene", "error", "status", "code"),
    [
        (Status(429, "rate_limit_exceeded", (("retry-after", "7"),)), RateLimitError, 429, "rate_limit_exceeded"),
        (Status(400, "context_length_exceeded"), BadRequestError, 400, "context_length_exceeded"),
        (Status(401, "invalid_api_key"), InternalServerError, 502, "upstream_error"),
        (Status(500, "server_error"), InternalServerError, 502, "upstream_error"),
        (Status(302, "moved", (("location", "http://127.0.0.1:1/"),)), InternalServerError, 502, "upstream_error"),
        (Raw(b"<html>no</html>"), InternalServerError, 502, "upstream_error"),
        (CutOff(), InternalServerError, 502, "upstream_error"),
    ],
)
def test_a_failing_provider(
    house: House, scene: Status | Raw | CutOff, error: type[APIStatusError], status: int, code: str
) -> None:
    """The SDK's own exception, our code or the provider's, once: there is no second try."""
    before = len(house.provider.requests)
    house.provider.script(scene)
    with pytest.raises(error) as failed:
        ask(house.client, "hello")

    assert (status, code) == (failed.value.status_code, failed.value.response.json()["error"]["code"])
    assert before + 1 == len(house.provider.requests)
    if status == 429:
        assert "7" == failed.value.response.headers["retry-after"]


def test_an_error_that_quotes_the_request_is_restored(house: House) -> None:
    """The caller reads his own words, not a placeholder, and not somebody else's."""
    house.provider.script(Status(400, "bad", echo=True))
    with pytest.raises(BadRequestError) as failed:
        ask(house.client, f"mail {EMAIL}")

    assert EMAIL in failed.value.response.text
    assert "EMAIL_ADDRESS_" not in failed.value.response.text


@pytest.mark.parametrize("clean", [False, True])
def test_a_stream_that_was_cut_never_ends_as_if_it_were_whole(house: House, *, clean: bool) -> None:
    """The SDK raises; the last thing on the wire is an error event, and no `[DONE]`."""
    house.provider.script(CutOff(after_events=3, clean=clean), CutOff(after_events=3, clean=clean))
    with pytest.raises(APIError):
        ask(house.client, "hello there", stream=True)
    raw = httpx.post(
        f"{house.running.base_url}/chat/completions",
        headers={"authorization": f"Bearer {house.running.first_key}"},
        json={"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hello there"}], "stream": True},
        timeout=30,
    )

    assert "[DONE]" not in raw.text
    assert "upstream_error" in raw.text.strip().splitlines()[-1]


@pytest.mark.parametrize("garbage", [b"data: {not json}\n\n", b"data: [1,2]\n\n", b"\xff\xfe\n\n", b"event: x\n\n"])
def test_a_stream_of_garbage_is_an_error(house: House, garbage: bytes) -> None:
    """Never passed on as if it were an answer."""
    house.provider.script(Raw(garbage, content_type="text/event-stream"))
    with pytest.raises(APIError):
        ask(house.client, f"mail {EMAIL}", stream=True)


def test_a_caller_that_leaves_stops_the_provider(house: House) -> None:
    """Within seconds, and the record says that the caller left."""
    gate = Gate()
    house.provider.script(Held(gate, after_events=2))
    before = len(house.provider.requests)
    stream = house.client.chat.completions.create(
        model="gpt-4o-mini", messages=[{"role": "user", "content": "tell me a long story"}], stream=True
    )
    next(iter(stream))
    stream.close()
    seen = house.provider.wait_for_requests(before + 1)[before]
    gone = seen.gone.wait(5)
    gate.release()

    assert gone


def test_the_intent_is_durable_before_the_provider_is_asked(house: House) -> None:
    """While the provider holds its answer, the record of the decision can be read by others, and no outcome yet."""
    gate = Gate()
    before = len(house.provider.requests)
    house.provider.script(Held(gate))
    asking = threading.Thread(target=ask, args=(house.client, "hold this please"))
    asking.start()
    house.provider.wait_for_requests(before + 1)
    with contextlib.closing(sqlite3.connect(house.folder / "gateway.db")) as connection:
        newest = connection.execute("SELECT kind FROM records ORDER BY at DESC, sequence DESC LIMIT 1").fetchone()[0]
        open_intents = connection.execute(
            "SELECT count(*) FROM records i WHERE kind = 'intent' AND NOT EXISTS "
            "(SELECT 1 FROM records o WHERE o.kind = 'outcome' AND o.decision_id = i.decision_id)"
        ).fetchone()[0]
    gate.release()
    asking.join()

    assert "intent" == newest
    assert open_intents >= 1


def test_a_killed_detector_keeps_everything_inside(fragile: House) -> None:
    """While it is dead nothing leaves; when it is back, plain traffic does."""
    worker = fragile.running.gateway._detector._workers[0]
    before = len(fragile.provider.requests)
    os.kill(worker.pid, signal.SIGKILL)
    routes = [_route(fragile, f"plain question {n}") for n in range(2)]
    while routes[-1] != "external":
        routes.append(_route(fragile, f"another plain question {len(routes)}"))

    assert {"local", "external"} >= set(routes)
    assert routes.count("external") == len(fragile.provider.requests) - before


def test_a_killed_model_means_503_and_never_outside(fragile: House) -> None:
    """Sensitive text has nowhere else to go; the model comes back by itself."""
    model = fragile.running.gateway._locals["local-slm"]
    before = len(fragile.provider.requests)
    asked = threading.Event()
    failures: list[Exception] = []

    def long_answer() -> None:
        try:
            stream = fragile.client.chat.completions.create(
                model="gpt-4o-mini", messages=[{"role": "user", "content": f"ssn {SSN}"}], stream=True, max_tokens=800
            )
            for _ in stream:
                asked.set()
        except (APIError, APIConnectionError) as error:
            failures.append(error)
        finally:
            asked.set()

    asking = threading.Thread(target=long_answer)
    asking.start()
    assert asked.wait(20)
    os.kill(model.pid, signal.SIGKILL)  # type: ignore[union-attr]
    asking.join(20)

    assert ask(fragile.client, f"and again, ssn {SSN}") is not None
    assert before == len(fragile.provider.requests)
    assert not holds(left(fragile.provider), SSN)


def test_a_ledger_that_cannot_write_stops_everything(fragile: House) -> None:
    """Locked by somebody else: 503 for the outside and for the inside, nothing sent; then service returns by itself."""
    before = len(fragile.provider.requests)
    blocker = sqlite3.connect(fragile.folder / "gateway.db", isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    codes = []
    for text in ("hello", f"ssn {SSN}"):
        with pytest.raises(InternalServerError) as failed:
            ask(fragile.client, text)
        codes.append((failed.value.status_code, failed.value.response.json()["error"]["code"]))
        assert failed.value.response.headers["retry-after"]
    sent_meanwhile = len(fragile.provider.requests) - before
    blocker.execute("ROLLBACK")
    blocker.close()
    answer = ""
    while not answer:
        try:
            answer = ask(fragile.client, "hello again")
        except InternalServerError:
            continue

    assert [(503, "ledger_unavailable")] * 2 == codes
    assert 0 == sent_meanwhile


def unexplained(folder: Path, bodies: Sequence[bytes]) -> list[bytes]:
    """The bodies that no intent commits to. Each intent speaks for one transmission."""
    engine = open_database(f"sqlite:///{folder}/gateway.db")
    with engine.connect() as connection:
        intents = [each for each in of_period(connection, 0, 2**62) if each.document["k"] == "intent"]
        openings = [
            (object_at(object_at(each.document, "do"), "sent"), opening_of(connection, each)) for each in intents
        ]
    engine.dispose()
    left = list(bodies)
    for said, opening in openings:
        fitting = [body for body in left if said["bytes"] == len(body) and opening.opens(str(said["c"]), body)]
        if fitting:
            left.remove(fitting[0])
    return left


def test_each_transmission_has_an_intent_of_its_exact_bytes(house: House) -> None:
    """After all of the above, failures and cut streams among them: as many intents as transmissions at least, and each
    body that arrived is one that an intent commits to. The control: one byte changed, or one body sent once more."""
    ask(house.client, "prove this one, please")
    bodies = [request.body for request in house.provider.requests if request.method == "POST"]

    assert [] == unexplained(house.folder, bodies)
    assert [b" " + bodies[-1]] == unexplained(house.folder, [*bodies[:-1], b" " + bodies[-1]])
    assert [bodies[-1]] == unexplained(house.folder, [*bodies, bodies[-1]])


def test_the_bytes_that_arrived_can_be_proven(house: House) -> None:
    """As the caller wrote them, spaces and order and all, wherever the request went; the same JSON otherwise is not."""
    for content in ("hello", f"ssn {SSN}"):
        said_so = f'{{ "messages": [{{"role":"user",  "content":"{content}"}}], "model":"gpt-4o-mini" }}'
        body = said_so.encode()
        headers = {"authorization": f"Bearer {house.running.first_key}", "content-type": "application/json"}
        answer = httpx.post(f"{house.running.base_url}/chat/completions", headers=headers, content=body, timeout=60)
        engine = open_database(f"sqlite:///{house.folder}/gateway.db")
        with engine.connect() as connection:
            record = of_decision(connection, answer.headers["x-gateway-decision-id"])[0]
            opening = opening_of(connection, record)
        engine.dispose()
        said = object_at(record.document, "body")

        assert opening.opens(str(said["c"]), body)
        assert len(body) == said["bytes"]
        assert not opening.opens(str(said["c"]), json.dumps(json.loads(body)).encode())


def test_outcomes_say_how_it_ended(house: House) -> None:
    """Completed, rejected, failed: the record of a failure is not the record of a success."""
    told = {str(outcome["result"]) for outcome in outcomes(house.folder)}

    assert {"completed", "rejected", "failed", "client_gone"} <= told


def _route(house: House, text: str) -> str:
    raw = house.client.chat.completions.with_raw_response.create(
        model="gpt-4o-mini", messages=[{"role": "user", "content": text}], max_tokens=4
    )
    return raw.headers["x-gateway-route"]
