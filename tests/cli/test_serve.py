"""`gateway serve` as a stranger uses it: starts, says what to do, serves, ends well; says what is wrong."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import threading
import urllib.request
from pathlib import Path

import httpx
import pytest
from openai import OpenAI

from gateway.testing.stand_in import Gate, Held, StandIn
from tests.cli.processes import GATEWAY, config, served

GUARD = """
import os, socket, sys

def hook(event, arguments):
    if event == "socket.connect" and isinstance(arguments[1], tuple) and not str(arguments[1][0]).startswith("127."):
        open(os.environ["GUARD_FILE"], "a").write(f"connect {arguments[1]}\\n")
    here = (None, "", "localhost", b"127.0.0.1", "127.0.0.1")
    if event in ("socket.getaddrinfo", "socket.gethostbyname") and arguments[0] not in here:
        open(os.environ["GUARD_FILE"], "a").write(f"look-up {arguments[0]}\\n")

open(os.environ["GUARD_FILE"], "a").write("guarding\\n")
sys.addaudithook(hook)
"""


def test_serve_tells_what_to_do_and_starts_again_without_a_new_key(tmp_path: Path) -> None:
    """Address, first key once, a line to try; the second start keeps keys and says none."""
    with StandIn() as provider:
        with served(tmp_path, provider.base_url) as first:
            client = OpenAI(base_url=first.base_url, api_key=first.key, max_retries=0)
            answer = client.chat.completions.create(
                model="gpt-4o-mini", messages=[{"role": "user", "content": "what is a monad?"}]
            )
            client.close()
            link = re.search(r"first administrator: (\S+)", first.told)
            invited = httpx.get(link[1] if link else "")
            console = httpx.get(f"{first.base_url.removesuffix('/v1')}/console")
        with served(tmp_path, provider.base_url) as second:
            again = OpenAI(base_url=second.base_url, api_key=first.key, max_retries=0)
            names = [model.id for model in again.models.list()]
            again.close()

    assert "monad" in (answer.choices[0].message.content or "")
    assert first.key.startswith("gw_")
    assert (invited.status_code, console.headers["location"]) == (200, "/console/")
    assert "Choose a password" in invited.text
    assert "curl" in first.told or "listening" in first.told
    assert second.key == ""
    assert "gpt-*" in names


def test_serve_makes_no_connection_and_no_look_up(tmp_path: Path) -> None:
    """From the first import to the first local answer, in the process and in its children: nothing beyond loopback."""
    guard = tmp_path / "guard"
    guard.mkdir()
    (guard / "sitecustomize.py").write_text(GUARD)
    seen = tmp_path / "seen"
    with StandIn() as provider:
        environment = {"PYTHONPATH": str(guard), "GUARD_FILE": str(seen)}
        with served(tmp_path, provider.base_url, environment=environment) as running:
            client = OpenAI(base_url=running.base_url, api_key=running.key, max_retries=0)
            raw = client.chat.completions.with_raw_response.create(
                model="gpt-4o-mini",
                messages=[
                    {"role": "user", "content": "mail jane.roe@sub.example.co.uk, ssn 536-22-8145, https://a.example/x"}
                ],
                max_tokens=4,
            )
            client.close()
    lines = seen.read_text().splitlines()

    assert "local" == raw.headers["x-gateway-route"]
    assert {"guarding"} == set(lines)
    assert lines.count("guarding") >= 1


def test_sigterm_finishes_the_streams_in_flight(tmp_path: Path) -> None:
    """A stream that is under way ends whole, then the process ends with 0."""
    gate = Gate()
    pieces: list[str] = []
    begun = threading.Event()
    with StandIn() as provider, served(tmp_path, provider.base_url) as running:
        provider.script(Held(gate, after_events=2))
        client = OpenAI(base_url=running.base_url, api_key=running.key, max_retries=0)

        def read() -> None:
            stream = client.chat.completions.create(
                model="gpt-4o-mini", messages=[{"role": "user", "content": "a question in flight"}], stream=True
            )
            for chunk in stream:
                pieces.append((chunk.choices[0].delta.content or "") if chunk.choices else "")
                begun.set()

        reading = threading.Thread(target=read)
        reading.start()
        assert begun.wait(20)
        running.process.send_signal(signal.SIGTERM)
        gate.release()
        reading.join(20)
        status = running.process.wait(20)
        client.close()

    assert "a question in flight" in "".join(pieces)
    assert 0 == status


def test_logs_hold_no_text(tmp_path: Path) -> None:
    """What a process writes to stderr is JSON lines without a word of a request."""
    canary = "zebra-canary-7731"
    with StandIn() as provider, served(tmp_path, provider.base_url) as running:
        client = OpenAI(base_url=running.base_url, api_key=running.key, max_retries=0)
        for text in (f"hello {canary}", f"ssn 536-22-8145 {canary}", f"mail {canary}@example.com"):
            client.chat.completions.create(
                model="gpt-4o-mini", messages=[{"role": "user", "content": text}], user=canary, max_tokens=4
            )
        request = urllib.request.Request(f"{running.base_url}/{canary}?{canary}", data=canary.encode())
        with pytest.raises(urllib.error.HTTPError):
            urllib.request.urlopen(request, timeout=10)
        client.close()
    logged = (tmp_path / "stderr").read_text()

    assert canary not in logged
    assert running.key not in logged
    lines = [json.loads(line) for line in logged.splitlines()]
    requests = [(line["endpoint"], line["status"]) for line in lines if line["logger"] == "gateway.access"]
    assert [("/v1/chat/completions", 200)] * 3 + [("unknown", 404)] == requests


@pytest.mark.parametrize(
    ("more", "hint"),
    [
        ("serverr: {port: 1}\n", "did you mean server"),
        ("detector: {deadline: 5}\n", "did you mean deadline_ms"),
        ("auth: {required: maybe}\n", "auth.required"),
        ("policies: {dir: /nowhere}\n", "policies"),
    ],
)
def test_a_wrong_configuration_ends_with_78_and_a_message(tmp_path: Path, more: str, hint: str) -> None:
    """Clear, and before anything listens."""
    assert hint in refused(tmp_path, more)


def test_a_ledger_key_that_others_can_read_ends_with_78_and_the_mend(tmp_path: Path) -> None:
    """Nothing starts that signs with a key which somebody else may have."""
    (tmp_path / "ledger.key").write_text("x")
    (tmp_path / "ledger.key").chmod(0o644)

    assert f"chmod 600 {tmp_path}/ledger.key" in refused(tmp_path)


def refused(folder: Path, more: str = "") -> str:
    """What a gateway says that does not start."""
    path = config(folder, "http://127.0.0.1:9/v1", more)
    ended = subprocess.run(
        [GATEWAY, "serve", "--config", str(path)], capture_output=True, text=True, check=False, timeout=60,
        env={"STAND_IN_KEY": "x", "PATH": "/usr/bin:/bin"},
    )  # fmt: skip

    assert 78 == ended.returncode, ended.stderr
    assert "Traceback" not in ended.stderr
    return ended.stderr


def test_a_missing_configuration_file_ends_with_78(tmp_path: Path) -> None:
    """A file that was named and is not there is not silently the defaults."""
    ended = subprocess.run(
        [GATEWAY, "serve", "--config", str(tmp_path / "none.yaml")],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert 78 == ended.returncode
    assert "none.yaml" in ended.stderr


def test_an_unknown_verb_is_a_usage_error() -> None:
    """2, as for every command line."""
    assert 2 == subprocess.run([GATEWAY, "no-such-verb"], capture_output=True, check=False, timeout=60).returncode
