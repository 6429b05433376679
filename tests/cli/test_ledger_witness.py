"""`gateway ledger witness` and `cosign`, as the two sides run them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from click.testing import CliRunner

from gateway.cli.ledger import ledger
from tests.adapters.ledger_house import House
from tests.cli.test_ledger import exported, house, run
from tests.conftest import REPOSITORY

__all__ = ["house"]


def test_a_witness_of_its_own_process_cosigns(house: House, tmp_path: Path) -> None:
    """Started with the public key alone; the cosignature is kept, exported, and checked by the copied verifier too."""
    (tmp_path / "ledger.pub").write_text(run(house, "public-key").output)
    witness, key = tmp_path / "witness.pub", str(tmp_path / "witness.key")
    options = ["--log-key", str(tmp_path / "ledger.pub"), "--name", "witness.test/acme", "--key", key]
    command = [sys.executable, "-m", "verifier.witness", *options, "--listen", "127.0.0.1:0"]
    with subprocess.Popen(command, cwd=REPOSITORY / "gateway", stdout=subprocess.PIPE, text=True) as serving:
        assert serving.stdout is not None
        witness.write_text(serving.stdout.readline())
        asked = ("cosign", "--witness", serving.stdout.readline().strip(), "--witness-key", str(witness))
        first, second = run(house, *asked), run(house, *asked)
        serving.terminate()
    gone = run(house, *asked)
    told = run(house, "verify", "--witness", str(witness), "--json")
    export = exported(house)
    away = [sys.executable, "-m", "verifier", str(export), "--public-key", str(tmp_path / "ledger.pub")]
    apart = subprocess.run(
        [*away, "--witness", str(witness)], cwd=REPOSITORY / "gateway", capture_output=True, check=False
    )

    assert [0, 0, 1] == [each.exit_code for each in (first, second, gone)], first.output
    assert "has cosigned the checkpoint of size 402" in second.output
    assert 402 == json.loads(told.stdout)["witnessed"]["witness.test/acme"]["size"]
    assert (0, 0) == (told.exit_code, apart.returncode)
    assert [(1,)] == house.rows("SELECT count(*) FROM cosigned_checkpoints")


def test_what_cannot_be_used_is_said(house: House, tmp_path: Path) -> None:
    """A key line of another kind, a URL without https, a log key that is none: 78, and nothing is kept."""
    (tmp_path / "ledger.pub").write_text(run(house, "public-key").output)
    (tmp_path / "nonsense").write_text("nonsense")
    log = str(tmp_path / "ledger.pub")
    refused = [
        run(house, "cosign", "--witness", "https://witness.test/add-checkpoint", "--witness-key", log),
        run(house, "cosign", "--witness", "http://witness.test/add-checkpoint", "--witness-key", log),
    ]
    options = ["--log-key", str(tmp_path / "nonsense"), "--name", "w.test", "--key", str(tmp_path / "k")]
    no_witness = CliRunner().invoke(ledger, ["witness", *options])

    assert [78, 78] == [each.exit_code for each in refused]
    assert (78, "cannot witness") == (no_witness.exit_code, no_witness.stderr[:14])
