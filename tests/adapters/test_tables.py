"""The migrations make exactly the tables that the code speaks of, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, inspect, text

from gateway.adapters.database import is_current, migration_config, open_database, upgrade
from gateway.adapters.tables import metadata


@pytest.fixture(params=["sqlite", "postgres"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """An empty database of each kind."""
    url = f"sqlite:///{tmp_path}/new.db" if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    engine = open_database(url)
    yield engine
    engine.dispose()


def differences(engine: Engine) -> list[object]:
    """What a migration would still have to change."""
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, metadata))


def test_upgrading_leaves_nothing_to_autogenerate(empty: Engine) -> None:
    """At head, the database is what the tables say."""
    assert not is_current(empty)
    upgrade(empty)

    assert is_current(empty)
    assert [] == differences(empty)


def test_a_difference_would_be_found(empty: Engine) -> None:
    """The control: one column more, and the comparison sees it."""
    upgrade(empty)
    with empty.begin() as connection:
        connection.execute(text("ALTER TABLE records ADD COLUMN note VARCHAR(10)"))

    assert 1 == len(differences(empty))


def test_upgrading_twice_changes_nothing(empty: Engine) -> None:
    """A second start finds nothing to do and keeps what is there."""
    upgrade(empty)
    with empty.begin() as connection:
        connection.execute(text("INSERT INTO record_salts (writer, sequence, salt) VALUES ('gw-00000000', 0, 'x')"))
    upgrade(empty)

    with empty.connect() as connection:
        assert 1 == connection.execute(text("SELECT count(*) FROM record_salts")).scalar_one()


def test_several_first_starts_at_once_make_the_tables_once(empty: Engine) -> None:
    """Workers and replicas start together: each finds the tables, and none fails on those of another."""
    engines = [open_database(empty.url.render_as_string(hide_password=False)) for _ in range(6)]
    with ThreadPoolExecutor(len(engines)) as pool:
        list(pool.map(upgrade, engines))
    for engine in engines:
        engine.dispose()

    assert is_current(empty)
    assert [] == differences(empty)


def test_downgrading_takes_every_table_away(empty: Engine) -> None:
    """The way back works, too."""
    upgrade(empty)
    with empty.begin() as connection:
        command.downgrade(migration_config(connection), "base")

    assert ["alembic_version"] == inspect(empty).get_table_names()
