"""The hard wall, proven: the gateway's network has no way to the provider, and the service works through the egress."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cli.processes import GATEWAY
from tests.egress.namespaces import EGRESS, PROVIDER, Networks, not_possible, running, three_networks

KEY = "sk-the-egress-alone-knows"
CONFIG = """
server: {{port: 8080}}
database: {{url: 'sqlite:///{folder}/gateway.db'}}
ledger: {{key_file: '{folder}/ledger.key', append_deadline_ms: 5000}}
detector: {{deadline_ms: 60000}}
destinations:
  openai: {{zone: external, adapter: openai, base_url: 'http://{provider}:8000/v1', allow_http: true,
           api_key_env: PROVIDER_KEY}}
models: {{'gpt-*': {{external: openai}}}}
egress: {{url: 'http://{egress}:8090', host: {egress}, gateway_keys_file: '{folder}/gateway.pub',
         refusals_file: '{folder}/refusals.jsonl'}}
"""
CLIENT = """
import json, sys, urllib.error, urllib.request
key, *texts = sys.argv[1:]
for text in texts:
    body = json.dumps({"model": "gpt-4o-mini", "messages": [{"role": "user", "content": text}]}).encode()
    headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
    asked = urllib.request.Request("http://127.0.0.1:8080/v1/chat/completions", data=body, headers=headers)
    try:
        answer = urllib.request.urlopen(asked, timeout=90)
    except urllib.error.HTTPError as error:
        answer = error
    print(json.dumps([answer.status, answer.headers["x-gateway-route"], json.loads(answer.read())]), flush=True)
"""


@dataclass
class Told:
    """What was seen from each side."""

    answers: list[list[object]]
    provider: list[list[str]]
    insider: dict[str, object]
    refusals: list[str]
    gateway: str


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    """One run of all of it."""
    reason = not_possible()
    if reason:
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("wall")
    with three_networks() as networks:
        yield _run(networks, folder)


def _run(networks: Networks, folder: Path) -> Told:
    config = folder / "gateway.yaml"
    config.write_text(CONFIG.format(folder=folder, provider=PROVIDER, egress=EGRESS))
    printed = _output(networks.command(networks.gateway, GATEWAY, "ledger", "public-key", "--config", str(config)))
    (folder / "gateway.pub").write_text(printed)
    me = [sys.executable, "-m", "tests.egress.namespaces"]
    egress = networks.command(networks.egress, GATEWAY, "egress", "--config", str(config))
    gateway = networks.command(networks.gateway, GATEWAY, "serve", "--config", str(config))
    with (
        running(networks.command(networks.provider, *me, "provider"), "http://", folder) as (_, ask),
        running(egress, "listening", folder, PROVIDER_KEY=KEY),
        running(gateway, "Try it", folder) as (said, _),
    ):
        key = said.partition("shown this once: ")[2].split()[0]
        client = [sys.executable, "-c", CLIENT, key, "what is a monad?", "mail dana.ro@example.org about it"]
        answers = [json.loads(line) for line in _output(networks.command(networks.gateway, *client)).splitlines()]
        tried = _output(networks.command(networks.gateway, *me, "insider", str(folder / "ledger.key")))
        seen = json.loads(ask())
    refusals = [json.loads(line)["reason"] for line in (folder / "refusals.jsonl").read_text().splitlines()]
    return Told(answers, seen, json.loads(tried), refusals, said)


def _output(command: list[str]) -> str:
    """What a command prints."""
    here = str(Path(__file__).resolve().parents[2])
    environment = {"PYTHONPATH": here, "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=110, env=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_service_works_through_the_egress(told: Told) -> None:
    """Plain, and masked and restored; the key at the provider is the egress's, and the gateway had none."""
    (plain, route, answer), (_, masked, restored) = told.answers

    assert (200, "external") == (plain, route)
    assert "monad" in json.dumps(answer)
    assert "external-transformed" == masked
    assert "dana.ro@example.org" in json.dumps(restored)
    assert {f"Bearer {KEY}"} == {key for key, _ in told.provider}
    assert "dana.ro" not in json.dumps(told.provider)


def test_the_gateways_network_has_no_way_out(told: Told) -> None:
    """Neither to the provider nor anywhere else, and a gateway that sends by itself gets nowhere."""
    assert "connected" not in {told.insider["connect"], told.insider["beyond"]}
    assert "upstream_error" == told.insider["direct"]
    assert "straight out" not in json.dumps(told.provider)


def test_the_egress_sends_nothing_but_what_was_sealed_once(told: Told) -> None:
    """Forged, altered, expired, for elsewhere, replayed: refused with a record. The one good seal went out once."""
    tried = {name: told.insider[name] for name in ("forged", "altered", "expired", "elsewhere", "once", "replayed")}
    bodies = [body for _, body in told.provider]

    assert {name: 200 if name == "once" else 403 for name in tried} == tried
    assert ["not_genuine", "altered", "expired", "unknown_destination", "replayed"] == told.refusals
    assert 1 == sum("by force" in body for body in bodies)
    assert 3 == len(bodies)
