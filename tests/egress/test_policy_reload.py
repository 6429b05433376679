"""Policies that change while a whole gateway serves: in force within two seconds, and never by half."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from openai import OpenAI

from gateway.cli.running import RunningGateway
from gateway.paths import data_path
from gateway.settings import Policies
from gateway.testing.stand_in import Gate, Held, StandIn
from tests.egress.harness import ENVIRONMENT, client_for, settings_for

RULE = """
  - id: nothing-leaves
    reason: HOLD
    severity: critical
    when: { label: { at_most: internal } }
    then: { route: local-slm }
"""


@dataclass(frozen=True)
class Office:
    """A gateway whose policies a test may edit."""

    running: RunningGateway
    provider: StandIn
    client: OpenAI
    folder: Path

    @property
    def policy(self) -> Path:
        """The policy file."""
        return self.folder / "policies" / "default.policy.yaml"

    def route(self, text: str) -> tuple[str, int]:
        """Where a question goes, and the revision that says so."""
        raw = self.client.chat.completions.with_raw_response.create(
            model="gpt-4o-mini", messages=[{"role": "user", "content": text}], max_tokens=4
        )
        return raw.headers["x-gateway-route"], int(raw.headers["x-gateway-policy"])

    def ready(self) -> dict[str, object]:
        """What /readyz says."""
        told: dict[str, object] = httpx.get(self.running.base_url.removesuffix("/v1") + "/readyz", timeout=10).json()
        return told

    def events(self) -> list[tuple[str, str]]:
        """The records of policies, in order."""
        with contextlib.closing(sqlite3.connect(self.folder / "gateway.db")) as connection:
            rows = connection.execute("SELECT body FROM records WHERE kind = 'policy' ORDER BY sequence").fetchall()
        return [(body["action"], body["subject"]) for body in (json.loads(row[0]) for row in rows)]


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """Started with the policy that ships."""
    (tmp_path / "policies").mkdir()
    shipped = data_path("policies") / "default.policy.yaml"
    (tmp_path / "policies" / shipped.name).write_text(shipped.read_text())
    with StandIn() as provider:
        settings = settings_for(tmp_path, provider.base_url, policies=Policies(dir=str(tmp_path / "policies")))
        with RunningGateway(settings, ENVIRONMENT) as running:
            client = client_for(running.base_url, running.first_key)
            yield Office(running, provider, client, tmp_path)
            client.close()


def until(true: Callable[[], bool]) -> None:
    """Ask until it is so."""
    begun = time.monotonic()
    while not true():
        assert time.monotonic() < begun + 60


def digest_of(ready: dict[str, object]) -> object:
    """The digest of the bundle in force."""
    policy = ready["policy"]
    assert isinstance(policy, dict)
    return policy["digest"]


def parts_of(ready: dict[str, object]) -> dict[str, dict[str, object]]:
    """The parts that /readyz names."""
    parts = ready["parts"]
    assert isinstance(parts, dict)
    return parts


def test_a_change_is_live_and_a_stream_in_flight_ends_on_the_old_bundle(office: Office) -> None:
    """The stream began under the first revision and leaves whole; what is asked after the change stays inside."""
    gate, begun, pieces = Gate(), threading.Event(), list[str]()
    office.provider.script(Held(gate, after_events=2))
    revisions: list[str] = []

    def read() -> None:
        raw = office.client.chat.completions.with_raw_response.create(
            model="gpt-4o-mini", messages=[{"role": "user", "content": "a question in flight"}], stream=True
        )
        revisions.append(raw.headers["x-gateway-policy"])
        for chunk in raw.parse():
            pieces.append((chunk.choices[0].delta.content or "") if chunk.choices else "")
            begun.set()

    reading = threading.Thread(target=read)
    reading.start()
    assert begun.wait(20)
    before = digest_of(office.ready())
    text = office.policy.read_text()
    changed = text.replace("rules:\n", f"rules:{RULE}", 1)
    office.policy.write_text(changed)
    until(lambda: digest_of(office.ready()) != before)
    after = office.route("what is a monad?")
    gate.release()
    reading.join(20)

    assert changed != text
    assert ("local", 2) == after
    assert (["1"], True) == (revisions, "a question in flight" in "".join(pieces))
    assert [("activated", before), ("activated", digest_of(office.ready()))] == office.events()


def test_a_broken_file_changes_nothing_but_what_is_told(office: Office) -> None:
    """The old bundle decides, /readyz and the metrics say what is wrong, and mending it is enough."""
    good = office.policy.read_text()
    before = digest_of(office.ready())
    office.policy.write_text(good + "\nzebra-canary: 1\n")
    until(lambda: not parts_of(office.ready())["policies"]["ok"])
    broken, route = office.ready(), office.route("what is a monad?")
    metrics = httpx.get(office.running.base_url.removesuffix("/v1") + "/metrics", timeout=10).text
    office.policy.write_text(good)
    until(lambda: bool(parts_of(office.ready())["policies"]["ok"]))

    assert (before, ("external", 1)) == (digest_of(broken), route)
    assert "zebra" not in json.dumps(broken) + metrics
    assert 'gateway_policy_changes_total{result="rejected"} 1.0' in metrics
    assert [("activated", before), ("rejected", before)] == office.events()
