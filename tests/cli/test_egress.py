"""`gateway egress`: what it needs before it listens, and what a gateway without a way out says of itself."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from click.testing import CliRunner

from gateway.adapters.egress_external import EgressExternal
from gateway.adapters.ledger_key import LedgerKey
from gateway.cli.doctor import _destinations_outside, _step
from gateway.cli.egress import egress
from gateway.clock import SystemClock
from gateway.destinations import doors_of, external_models
from gateway.domain.checkpoint import CheckpointError, read_verifier_key, verifier_key
from gateway.settings import Egress, Ledger, Settings
from tests.adapters.egress_house import ENVIRONMENT, destinations
from tests.cli.processes import config

PUBLIC = verifier_key("log.example/1", bytes(range(32)))


@pytest.mark.parametrize(
    ("section", "has_key", "hint"),
    [
        ("{}", True, "gateway ledger public-key"),
        ("{gateway_keys: [nonsense]}", True, "not a public key"),
        ("{gateway_keys_file: /nowhere/keys}", True, "/nowhere/keys cannot be read"),
        (f"{{gateway_keys: ['{PUBLIC}']}}", False, "nowhere to send"),
        (f"{{gateway_keys: ['{PUBLIC}'], refusals_file: /proc/nowhere/x}}", True, "refusals_file cannot be written"),
        ("{url: 'ftp://egress'}", True, "egress.url"),
        ("{store: 'redis://user:secret-word@host/0'}", True, "password_file"),
        ("{gateway_key: []}", True, "did you mean gateway_keys"),
    ],
)
def test_a_wrong_configuration_ends_with_78_and_says_how_to_mend_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, section: str, has_key: bool, hint: str
) -> None:
    """Before anything listens, without a secret."""
    monkeypatch.setattr("gateway.cli.egress.logs.configure", lambda: None)
    path = config(tmp_path, "http://127.0.0.1:9/v1", f"egress: {section}\n")
    result = CliRunner().invoke(
        egress, ["--config", str(path)], env={"STAND_IN_KEY": "sk-secret-word" if has_key else ""}
    )

    assert 78 == result.exit_code, result.output
    assert hint in result.output
    assert "secret-word" not in result.output


def test_public_keys_are_read_as_they_are_printed() -> None:
    """And nothing else is."""
    assert bytes(range(32)) == read_verifier_key(PUBLIC + "\n")
    for wrong in ("", "a+b", PUBLIC[:-4], PUBLIC.replace("log", "lag"), f"{PUBLIC} x", PUBLIC + "é"):
        with pytest.raises(CheckpointError):
            read_verifier_key(wrong)


def test_a_gateway_with_an_egress_has_no_key_and_says_so_when_one_lies_about(tmp_path: Path) -> None:
    """Each destination is reached through the egress, and speaks what its own door would."""
    key = LedgerKey.load(tmp_path / "ledger.key")
    settings = Settings(
        egress=Egress(url="http://127.0.0.1:8090"), destinations=destinations("http://127.0.0.1:9/v1"), models={}
    )
    doors, notices = doors_of(settings, {}, key, SystemClock())
    own, _ = external_models(settings, ENVIRONMENT)
    _, warned = doors_of(settings, ENVIRONMENT, key, SystemClock())

    assert {EgressExternal} == {type(door) for door in doors.values()}
    assert {name: door.speaks for name, door in own.items()} == {name: door.speaks for name, door in doors.items()}
    assert () == notices
    assert len(warned) == 2
    assert "EGRESS_HAS is set here" in warned[0]


def test_the_doctor_asks_the_egress(tmp_path: Path) -> None:
    """One that does not answer is named, with what it means."""
    settings = Settings(egress=Egress(url="http://127.0.0.1:9"), ledger=Ledger(key_file=tmp_path / "ledger.key"))
    told = asyncio.run(_step("destinations outside", _destinations_outside, settings))

    assert not told.ok
    assert "not available, so nothing was sent" in told.detail
