"""`gateway models`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from gateway.adapters.model_manifest import Shipped, load_manifest
from gateway.cli.models import models
from gateway.paths import data_path


@pytest.fixture
def altered(tmp_path: Path) -> Path:
    """The shipped manifest beside model files that are not the shipped ones."""
    shipped = data_path("models/manifest.toml")
    copy = tmp_path / "manifest.toml"
    copy.write_bytes(shipped.read_bytes())
    for model in load_manifest(shipped, tmp_path):
        if not isinstance(model.origin, Shipped):
            continue
        path = tmp_path / model.path.relative_to(shipped.parent.resolve())
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"something else")
    return copy


def test_list_shows_each_model() -> None:
    """Name, licence and hash of every entry."""
    result = CliRunner().invoke(models, ["list"])
    assert result.exit_code == 0
    for model in load_manifest(data_path("models/manifest.toml"), Path("none")):
        assert model.name in result.output
        assert model.sha256 in result.output
    assert max(len(line) for line in result.output.splitlines()) <= 100


def test_list_speaks_json() -> None:
    """The same for machines."""
    listed = json.loads(CliRunner().invoke(models, ["list", "--json"]).output)
    assert {entry["name"]: entry["licence"] for entry in listed}["embedded"] == "Apache-2.0"


def test_verify_accepts_what_ships() -> None:
    """The shipped files are the recorded ones."""
    result = CliRunner().invoke(models, ["verify", "--json"])
    assert result.exit_code == 0
    assert set(json.loads(result.output).values()) == {""}


def test_verify_finds_an_altered_file(altered: Path) -> None:
    """Exit 1 and the name of the model."""
    result = CliRunner().invoke(models, ["verify", "--manifest", str(altered)])
    assert result.exit_code == 1
    assert "hash" in result.output


def test_a_missing_manifest_is_a_configuration_error(tmp_path: Path) -> None:
    """Exit 78 with a message."""
    result = CliRunner().invoke(models, ["list", "--manifest", str(tmp_path / "none.toml")])
    assert result.exit_code == 78
    assert "manifest" in result.output


def test_pull_takes_a_file_at_hand_and_verify_checks_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The digest of the first one is recorded; offline, and by a manifest of one's own."""
    monkeypatch.chdir(tmp_path)
    own = tmp_path / "own.toml"
    own.write_text(
        '[[model]]\nname = "mine"\nhub = "me/mine"\nfile = "mine.gguf"\ncontext = 512\nlicence = "MIT"\nsource = "me"\n'
        'description = "my own"\n',
        encoding="utf-8",
    )
    (tmp_path / "gateway.yaml").write_text("model_files: {manifest: own.toml, offline: true}\n", encoding="utf-8")
    (tmp_path / "brought").write_bytes(b"weights")

    offline = CliRunner().invoke(models, ["pull", "mine"])
    pulled = CliRunner().invoke(models, ["pull", "mine", "--file", "brought"])
    verified = json.loads(CliRunner().invoke(models, ["verify", "--json"]).output)
    (tmp_path / "var/models/mine.gguf").write_bytes(b"weightz")
    altered = json.loads(CliRunner().invoke(models, ["verify", "--json"]).output)

    assert (offline.exit_code, pulled.exit_code) == (1, 0)
    assert "offline" in offline.output
    assert "recorded" in pulled.output
    assert verified["mine"] == ""
    assert "hash" in altered["mine"]


def test_pull_knows_the_names_of_the_manifest_alone() -> None:
    """Another name is a configuration error; what ships needs no pull."""
    assert CliRunner().invoke(models, ["pull", "nobody"]).exit_code == 78
    assert CliRunner().invoke(models, ["pull", "embedded"]).exit_code == 0
