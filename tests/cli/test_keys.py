"""`gateway keys`: create, list, revoke, on a database that does not exist yet."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.adapters.database import open_database
from gateway.adapters.sql_keys import SqlKeys
from gateway.cli import main
from gateway.pipeline.ports import Principal, UnknownKey
from tests.evidence import CLOCK


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration whose database does not exist yet."""
    file = tmp_path / "gateway.yaml"
    file.write_text(
        f'database: {{url: "sqlite:///{tmp_path}/gateway.db"}}\nledger: {{key_file: "{tmp_path}/ledger.key"}}\n'
    )
    return file


def run(config: Path, *arguments: str) -> Result:
    """One command."""
    return CliRunner().invoke(main, ["keys", *arguments, "--config", str(config)])


def found(config: Path, key: str) -> Principal | UnknownKey:
    """What a gateway on this database says of a key."""
    engine = open_database(f"sqlite:///{config.parent}/gateway.db")
    principal = asyncio.run(SqlKeys(engine, CLOCK).find(key))
    engine.dispose()
    return principal


def test_a_created_key_works(config: Path) -> None:
    """`--json` gives id and key, and nothing else is printed."""
    result = run(config, "create", "--name", "claims", "--tenant", "acme", "--app", "claims-bot", "--json")
    made = json.loads(result.output)

    assert 0 == result.exit_code
    assert {"id", "key"} == made.keys()
    assert Principal(key_id=made["id"], name="claims", tenant="acme", app="claims-bot") == found(config, made["key"])


def test_without_more_words_a_key_is_its_own_app(config: Path) -> None:
    """Tenant `default`, and the app named like the key; the key stands alone on a line."""
    result = run(config, "create", "--name", "demo")
    [key] = [line.strip() for line in result.output.splitlines() if line.strip().startswith("gw_")]
    principal = found(config, key)

    assert isinstance(principal, Principal)
    assert ("default", "demo") == (principal.tenant, principal.app)


def test_keys_are_listed_without_their_secrets(config: Path) -> None:
    """All of them, for people within 100 columns and for machines."""
    key = json.loads(run(config, "create", "--name", "one", "--json").output)
    run(config, "create", "--name", "two")
    listed = json.loads(run(config, "list", "--json").output)
    table = run(config, "list").output

    assert [("one", None), ("two", None)] == [(each["name"], each["revoked"]) for each in listed]
    assert key["key"] not in table
    assert key["id"] in table
    assert 100 >= max(map(len, table.splitlines()))


def test_a_revoked_key_is_unknown(config: Path) -> None:
    """Revoked once; a second time, or for an unknown id, exit 1."""
    key = json.loads(run(config, "create", "--name", "one", "--json").output)

    assert [0, 1] == [run(config, "revoke", key["id"]).exit_code for _ in range(2)]
    assert UnknownKey() == found(config, key["key"])
    assert json.loads(run(config, "list", "--json").output)[0]["revoked"]


def test_changes_are_in_the_ledger(config: Path, tmp_path: Path) -> None:
    """Each by a writer of its own, in a chain that begins and ends with it."""
    key = json.loads(run(config, "create", "--name", "one", "--json").output)
    run(config, "revoke", key["id"])
    with sqlite3.connect(tmp_path / "gateway.db") as connection:
        bodies = [json.loads(body) for (body,) in connection.execute("SELECT body FROM records ORDER BY at")]
    connection.close()

    assert [("admin", 0, "key_created"), ("admin", 0, "key_revoked")] == [(b["k"], b["s"], b["action"]) for b in bodies]
    assert {key["id"]} == {body["subject"] for body in bodies}


def test_a_name_that_is_no_name_is_a_usage_error(config: Path) -> None:
    """Exit 2, and the rule for names."""
    result = run(config, "create", "--name", "Jane Roe")

    assert 2 == result.exit_code
    assert "63 letters" in result.output


def test_a_key_file_that_others_can_read_exits_with_78(config: Path, tmp_path: Path) -> None:
    """The ledger's key is checked before anything is changed."""
    run(config, "create", "--name", "one")
    (tmp_path / "ledger.key").chmod(0o644)
    result = run(config, "create", "--name", "two")

    assert 78 == result.exit_code
    assert "chmod 600" in result.output
    assert ["one"] == [each["name"] for each in json.loads(run(config, "list", "--json").output)]


def test_a_ledger_that_cannot_be_written_changes_nothing(config: Path, tmp_path: Path) -> None:
    """No record, no key."""
    run(config, "create", "--name", "one")
    with sqlite3.connect(tmp_path / "gateway.db") as connection:
        connection.execute("ALTER TABLE record_salts RENAME TO hidden")
        connection.execute("ALTER TABLE records RENAME TO taken_away")
    connection.close()

    assert 78 == run(config, "create", "--name", "two").exit_code
    assert ["one"] == [each["name"] for each in json.loads(run(config, "list", "--json").output)]
