"""`gateway doctor`: says what is wrong and how to mend it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.adapters import database
from gateway.cli.doctor import doctor
from tests.cli.processes import config
from tests.conftest import REPOSITORY
from tests.valkey import PASSWORD, Valkey


def run(path: Path, *arguments: str) -> Result:
    """The command with a configuration."""
    return CliRunner().invoke(doctor, ["--config", str(path), *arguments])


def test_a_well_installation_is_well(tmp_path: Path) -> None:
    """Every part by name; exit 0."""
    path = config(tmp_path, "http://127.0.0.1:9/v1")
    database.upgrade(database.open_database(f"sqlite:///{tmp_path}/gateway.db"))
    result = run(path, "--json")
    told = json.loads(result.stdout)

    assert 0 == result.exit_code, result.output
    assert {"configuration", "policies", "database", "ledger key", "detector", "models inside", "keys"} <= told.keys()
    assert all(part["ok"] for part in told.values())


def test_an_old_database_is_named_with_its_mend(tmp_path: Path) -> None:
    """Exit 1, and the command that helps."""
    result = run(config(tmp_path, "http://127.0.0.1:9/v1"))

    assert 1 == result.exit_code
    assert "gateway db upgrade" in result.output


def test_a_wrong_configuration_is_told(tmp_path: Path) -> None:
    """Nothing else is tried then."""
    result = run(config(tmp_path, "http://127.0.0.1:9/v1", "detector: {deadline: 5}\n"), "--json")

    assert 1 == result.exit_code
    assert "did you mean deadline_ms" in json.loads(result.stdout)["configuration"]["detail"]


def test_limits_are_told(tmp_path: Path) -> None:
    """None, of this process, in a store that answers, and in one that does not: each in its own words."""
    valkey = Valkey(tmp_path)
    key = "limits: {every_key: {concurrent: 1}"
    shared = f"{key}, store: 'redis://127.0.0.1:{valkey.port}/0', password_file: {tmp_path}/password}}"
    (tmp_path / "password").write_text(PASSWORD)
    told = [_limits(tmp_path, text) for text in ("", f"{key}}}", shared)]
    valkey.stop()
    gone = _limits(tmp_path, shared)

    assert [True, True, True] == [each["ok"] for each in told]
    assert ["none set", "counted by each process for itself", "the shared store answers"] == [
        each["detail"] for each in told
    ]
    assert not gone["ok"]
    assert "could not be counted" in str(gone["detail"])


def _limits(folder: Path, text: str) -> dict[str, object]:
    """What the doctor says of the limits."""
    part: dict[str, object] = json.loads(run(config(folder, "http://127.0.0.1:9/v1", f"{text}\n"), "--json").stdout)[
        "limits"
    ]
    return part


@pytest.mark.parametrize("key", ["ledger.key"])
def test_a_key_that_others_can_read_is_refused(tmp_path: Path, key: str) -> None:
    """And the mend is said."""
    (tmp_path / key).write_text("x")
    (tmp_path / key).chmod(0o644)
    result = run(config(tmp_path, "http://127.0.0.1:9/v1"))

    assert 1 == result.exit_code
    assert "chmod 600" in result.output.replace("\n", " ")


def test_an_exception_that_has_ended_is_told(tmp_path: Path) -> None:
    """By its name and its end; it is no fault of the installation."""
    policies = tmp_path / "policies"
    policies.mkdir()
    for name in ("base.policy.yaml", "umbrella.policy.yaml"):
        policies.joinpath(name).write_bytes((REPOSITORY / "tests/policies/beside" / name).read_bytes())
    fixture = REPOSITORY / "tests/policies/fixtures/P024-has-ended.exception.yaml"
    policies.joinpath("a.exception.yaml").write_bytes(fixture.read_bytes())
    told = json.loads(
        run(config(tmp_path, "http://127.0.0.1:9/v1", f"policies: {{dir: {policies}}}\n"), "--json").stdout
    )

    assert told["policies"]["ok"]
    assert "exception fixture ended 2026-06-01T00:00:00Z" in told["policies"]["detail"]
