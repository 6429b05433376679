"""`gateway db`: what it says, and with which exit code."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.cli import main


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration whose database does not exist yet."""
    file = tmp_path / "gateway.yaml"
    file.write_text(
        f'database: {{url: "sqlite:///{tmp_path}/var/gateway.db"}}\nledger: {{key_file: "{tmp_path}/var/ledger.key"}}\n'
    )
    return file


def run(config: Path, *arguments: str) -> Result:
    """One command."""
    return CliRunner().invoke(main, ["db", *arguments, "--config", str(config)])


def test_check_finds_old_tables_and_upgrade_mends_them(config: Path) -> None:
    """1 before, 0 after; upgrading twice is fine."""
    before = run(config, "check")
    assert 1 == before.exit_code
    assert "gateway db upgrade" in before.output

    assert [0, 0, 0] == [run(config, verb).exit_code for verb in ("upgrade", "upgrade", "check")]


def test_an_unusable_database_exits_with_78(config: Path, tmp_path: Path) -> None:
    """A file that is no database: said in one line, without a traceback."""
    (tmp_path / "var").mkdir()
    (tmp_path / "var" / "gateway.db").write_text("no database\n" * 100)
    for verb in ("upgrade", "check"):
        result = run(config, verb)
        assert 78 == result.exit_code
        assert result.output.startswith("configuration: ")
        assert 1 == result.output.count("\n")


def test_the_password_of_a_database_is_not_shown(tmp_path: Path) -> None:
    """Nobody answers at this address; the message does not say which it was."""
    file = tmp_path / "gateway.yaml"
    file.write_text(f'database: {{url: "postgresql+psycopg://gateway:hunter2@/x?host={tmp_path}"}}\n')
    for verb in ("upgrade", "check"):
        result = run(file, verb)
        assert 78 == result.exit_code
        assert "hunter2" not in result.output


def test_upgrade_makes_the_tables(config: Path, tmp_path: Path) -> None:
    """Looked at with another tool."""
    run(config, "upgrade")
    with sqlite3.connect(tmp_path / "var" / "gateway.db") as connection:
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    connection.close()

    assert {"records", "record_salts", "commitment_keys", "api_keys"} <= tables
