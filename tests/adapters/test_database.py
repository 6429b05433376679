"""Opening the database, and reading back whether it keeps what it acknowledges."""

from __future__ import annotations

import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, create_engine, text

from gateway.adapters.database import DatabaseUnfit, check_durability, is_current, open_database, sqlite_file, upgrade
from tests.postgres import server_url, start_server


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[Engine]:
    """A SQLite database in a folder that did not exist."""
    engine = open_database(f"sqlite:///{tmp_path}/var/gateway.db")
    yield engine
    engine.dispose()


def weakness(connection: Connection) -> str:
    """What the read-back complains of; empty for nothing."""
    try:
        check_durability(connection)
    except DatabaseUnfit as error:
        return str(error)
    return ""


@pytest.mark.parametrize(
    "url",
    [
        "sqlite://",
        "sqlite:///:memory:",
        "sqlite:///x.db?mode=memory",
        "mysql://root:hunter2@db/x",
        "postgresql://u:hunter2@db/x",
        "hunter2",
    ],
)
def test_other_databases_are_refused(url: str) -> None:
    """Neither one in memory nor one of another kind; the message never shows the URL, which may hold a password."""
    with pytest.raises(DatabaseUnfit) as refused:
        open_database(url)

    assert "hunter2" not in str(refused.value)
    assert "database.url" in str(refused.value)


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    """Configuration, not a traceback."""
    (tmp_path / "file").write_text("")

    with pytest.raises(DatabaseUnfit, match="cannot be written"):
        open_database(f"sqlite:///{tmp_path}/file/gateway.db")


def test_the_sqlite_file_is_the_owners_alone(sqlite: Engine) -> None:
    """It holds hashes and keys: nobody else may read it."""
    upgrade(sqlite)
    file = sqlite_file(sqlite)

    assert file is not None
    assert 0o600 == stat.S_IMODE(file.stat().st_mode)


def test_sqlite_as_we_open_it_is_durable(sqlite: Engine) -> None:
    """WAL and synchronous=FULL, read back."""
    with sqlite.connect() as connection:
        assert "" == weakness(connection)


@pytest.mark.parametrize("level", ["OFF", "NORMAL"])
def test_a_weaker_synchronous_is_refused(sqlite: Engine, level: str) -> None:
    """Below FULL a power cut loses acknowledged records: the message names setting and mend."""
    with sqlite.connect() as connection:
        connection.exec_driver_sql(f"PRAGMA synchronous={level}")

        assert "synchronous is" in weakness(connection)
        assert "FULL" in weakness(connection)


def test_sqlite_without_wal_is_refused(tmp_path: Path) -> None:
    """A file system on which SQLite falls back to another journal."""
    engine = create_engine(f"sqlite:///{tmp_path}/plain.db")
    with engine.connect() as connection:
        assert "journal_mode is delete" in weakness(connection)
    engine.dispose()


def test_postgresql_as_it_comes_is_durable(postgres_url: str) -> None:
    """A stock server passes."""
    engine = open_database(postgres_url)
    with engine.connect() as connection:
        assert "" == weakness(connection)
    engine.dispose()


@pytest.mark.parametrize("level", ["off", "local", "remote_write"])
def test_a_weaker_synchronous_commit_is_refused(postgres_url: str, level: str) -> None:
    """However the role or database came to it, the session's own value counts."""
    engine = open_database(postgres_url)
    with engine.begin() as connection:
        connection.execute(text(f"ALTER DATABASE {engine.url.database} SET synchronous_commit = {level}"))
    engine.dispose()
    with engine.connect() as connection:
        assert f"synchronous_commit is {level}" in weakness(connection)
    engine.dispose()


@pytest.mark.parametrize("setting", ["fsync", "full_page_writes"])
def test_a_server_that_skips_the_disk_is_refused(setting: str) -> None:
    """A server started for speed: refused, with the line to change."""
    folder = Path(tempfile.mkdtemp(prefix="gateway-pg-"))
    server = start_server(folder)
    engine = open_database(server_url(server, "postgres"))
    try:
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text(f"ALTER SYSTEM SET {setting} = off"))
        engine.dispose()
        server.stop()
        server.start()
        with engine.connect() as connection:
            assert f"{setting} is off" in weakness(connection)
            assert f"set {setting} = on" in weakness(connection)
        engine.dispose()
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def test_a_database_that_is_not_there_is_told(tmp_path: Path) -> None:
    """No server at the address: a message, without the address."""
    engine = open_database(f"postgresql+psycopg://gateway:hunter2@/gateway?host={tmp_path}")
    for ask in (upgrade, is_current):
        with pytest.raises(DatabaseUnfit) as refused:
            ask(engine)
        assert "hunter2" not in str(refused.value)
        assert "cannot be reached" in str(refused.value)


def test_a_file_that_is_no_database_is_told(tmp_path: Path) -> None:
    """A text file under the configured name."""
    (tmp_path / "gateway.db").write_text("this is no database\n" * 100)
    engine = open_database(f"sqlite:///{tmp_path}/gateway.db")

    with pytest.raises(DatabaseUnfit):
        upgrade(engine)
    engine.dispose()
