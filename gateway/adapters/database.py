"""The database: how it is opened, brought up to date, and asked whether it keeps what it acknowledges.

A ledger is as durable as its weakest setting, so the settings are read back from the open connection, not believed:
SQLite must run in WAL mode with `synchronous=FULL`, PostgreSQL with `fsync`, `full_page_writes` and a
`synchronous_commit` of at least `on`.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from psycopg import Cursor
from psycopg.pq import Format
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL, ExecutionContext, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from gateway.paths import data_path

Database = Engine
"""What `open_database` returns, for those who hand it on and need nothing else of the library."""

IN_BINARY = "gateway_in_binary"
"""An option of statements that read many bytes. SQLite hands out nothing else."""

_DRIVER_ERRORS = (SQLAlchemyError, sqlite3.Error, OSError)
_MIGRATION_LOCK = 0x6761746577617931
_BUSY_SECONDS = 1.0
# With `secure_delete` an erased salt or key leaves no trace in the file.
_SQLITE_PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=FULL",
    "fullfsync=ON",
    "checkpoint_fullfsync=ON",
    "secure_delete=ON",
)
_POSTGRES_OPTIONS: dict[str, str | int] = {
    "connect_timeout": 2,
    # A peer that vanished is noticed: within the first of these times while data is on its way, else by probes.
    "tcp_user_timeout": 3000,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "application_name": "gateway",
}


class DatabaseUnfit(Exception):
    """The database cannot be used as it is. The message names what is wrong and how to mend it; no secret, no URL."""


def open_database(url: str) -> Engine:
    """An engine for `sqlite:///path` or `postgresql+psycopg://...`. Makes a SQLite file's folder; connects to nothing.

    Raises `DatabaseUnfit` for any other URL, and for a SQLite database that is not a file.
    """
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise DatabaseUnfit("database.url is not a database URL") from None
    match parsed.drivername:
        case "sqlite" | "sqlite+pysqlite":
            return _open_sqlite(parsed)
        case "postgresql+psycopg":
            return _open_postgres(parsed)
        case _:
            raise DatabaseUnfit("database.url names neither sqlite:///PATH nor postgresql+psycopg://HOST/NAME")


def check_durability(connection: Connection) -> None:
    """Raise `DatabaseUnfit` unless a commit on this connection survives a crash and a power cut."""
    if connection.dialect.name == "sqlite":
        _expect(connection, "PRAGMA journal_mode", ("wal",), "keep the file on a local disk, where SQLite can use WAL")
        _expect(connection, "PRAGMA synchronous", ("2", "3"), "let nothing lower PRAGMA synchronous below FULL (2)")
        return
    _expect(connection, "SHOW fsync", ("on",), "set fsync = on in postgresql.conf and restart PostgreSQL")
    _expect(connection, "SHOW full_page_writes", ("on",), "set full_page_writes = on in postgresql.conf and reload")
    _expect(
        connection,
        "SHOW synchronous_commit",
        ("on", "remote_apply"),
        "set synchronous_commit = on for the gateway's role and database",
    )


def may_alter_records(connection: Connection) -> bool:
    """Whether this login could change or delete records: a gateway has no need to. Always so on SQLite."""
    if connection.dialect.name == "sqlite":
        return True
    asked = text("SELECT has_table_privilege(current_user, 'records', 'UPDATE, DELETE, TRUNCATE')")
    return bool(connection.execute(asked).scalar_one())


def upgrade(engine: Engine) -> None:
    """Bring the tables up to date. Several processes may try at once. Raises `DatabaseUnfit`."""
    try:
        with engine.begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
            else:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            command.upgrade(migration_config(connection), "head")
    except _DRIVER_ERRORS:
        raise DatabaseUnfit("the database cannot be reached, or its tables cannot be brought up to date") from None


def is_current(engine: Engine) -> bool:
    """Whether the tables are those that this version of the gateway expects. Raises `DatabaseUnfit`."""
    head = ScriptDirectory.from_config(migration_config(None)).get_current_head()
    try:
        with engine.connect() as connection:
            return MigrationContext.configure(connection).get_current_revision() == head
    except _DRIVER_ERRORS:
        raise DatabaseUnfit("the database cannot be reached") from None


def migration_config(connection: Connection | None) -> Config:
    """Alembic's configuration for the shipped scripts, to run on `connection`."""
    config = Config()
    config.set_main_option("script_location", str(data_path("migrations")).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def sqlite_file(engine: Engine) -> Path | None:
    """The file of a SQLite database, `None` for any other database."""
    name = engine.url.database
    return Path(name) if engine.dialect.name == "sqlite" and name else None


def _open_sqlite(url: URL) -> Engine:
    if not url.database or url.database == ":memory:" or url.query:
        raise DatabaseUnfit("database.url names no SQLite file; write sqlite:///PATH without options")
    try:
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
        Path(url.database).touch(mode=0o600)
    except OSError:
        raise DatabaseUnfit("the SQLite file of database.url cannot be written") from None
    engine = create_engine(url, connect_args={"timeout": _BUSY_SECONDS}, hide_parameters=True)
    event.listen(engine, "connect", _harden_sqlite)
    return engine


def _open_postgres(url: URL) -> Engine:
    engine = create_engine(url, connect_args=dict(_POSTGRES_OPTIONS), pool_pre_ping=True, hide_parameters=True)
    event.listen(engine, "before_cursor_execute", _choose_format)
    return engine


def _choose_format(_connection: Connection, cursor: Cursor, *statement: object) -> None:
    """Statements with the option `IN_BINARY` get their rows as they are, bytes above all, not in letters and digits."""
    _text, _values, context, _many = statement
    if isinstance(context, ExecutionContext) and context.execution_options.get(IN_BINARY):
        cursor.format = Format.BINARY


def _harden_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    cursor = connection.cursor()
    for pragma in _SQLITE_PRAGMAS:
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _expect(connection: Connection, question: str, accepted: tuple[str, ...], mend: str) -> None:
    answer = str(connection.execute(text(question)).scalar_one()).lower()
    if answer not in accepted:
        name = question.removeprefix("PRAGMA ").removeprefix("SHOW ")
        raise DatabaseUnfit(f"{name} is {answer}, so an acknowledged record could be lost: {mend}")
