"""On PostgreSQL the gateway's role can add records and do nothing else to them: from the catalogue, and tried out."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import ProgrammingError

from gateway.adapters.checkpoint_signer import CheckpointSigner
from gateway.adapters.database import may_alter_records, open_database, upgrade
from gateway.adapters.sql_audit import auditing
from gateway.adapters.sql_exceptions import SqlExceptions
from gateway.adapters.sql_integrator import Integrator
from gateway.adapters.sql_keys import SqlKeys
from gateway.adapters.sql_ledger import SqlLedger
from gateway.adapters.sql_policies import SqlRevisions
from gateway.adapters.sql_retention import Retention
from gateway.verifier.checks import Verification
from gateway.verifier.findings import Verdict
from tests.adapters.ledger_house import House, house_at
from tests.evidence import CLOCK, activated, decided, outcome

EVIDENCE = ("records", "record_salts", "commitment_keys", "tree_entries", "tree_nodes")
ALTERING = ("UPDATE", "DELETE", "TRUNCATE")


@pytest.fixture
def house(postgres_url: str, tmp_path: Path) -> Iterator[House]:
    """A database that its owner has brought up to date, with logins that are members of the roles."""
    with house_at(postgres_url, tmp_path) as made:
        for role in ("writer", "retention", "auditor"):
            login = f"login_{role}_{made.engine.url.database}"
            made.change(f"CREATE ROLE {login} LOGIN IN ROLE gateway_{role}")
        yield made
        for role in ("writer", "retention", "auditor"):
            made.change(f"DROP ROLE login_{role}_{made.engine.url.database}")


@contextlib.contextmanager
def connected(house: House, role: str) -> Iterator[Engine]:
    """An engine of a login that is a member of one role."""
    engine = open_database(
        house.engine.url.set(username=f"login_{role}_{house.engine.url.database}").render_as_string(hide_password=False)
    )
    yield engine
    engine.dispose()


def allowed(house: House, role: str) -> set[tuple[str, str]]:
    """Which altering privileges the catalogue gives a role on the tables of evidence, columns included."""
    found = set()
    for table in EVIDENCE:
        for privilege in ALTERING:
            asked = f"SELECT has_table_privilege('{role}', '{table}', '{privilege}')"
            columns = f"SELECT has_any_column_privilege('{role}', '{table}', '{privilege}')"
            if house.rows(asked)[0][0] or (privilege == "UPDATE" and house.rows(columns)[0][0]):
                found.add((table, privilege))
    return found


def test_the_catalogue_says_what_each_role_may(house: House) -> None:
    """The gateway and the auditor alter nothing, retention deletes and no more; the owner, as control, may do all."""
    owner = str(house.rows("SELECT current_user")[0][0])

    assert set() == allowed(house, "gateway_writer")
    assert set() == allowed(house, "gateway_auditor")
    assert {(table, "DELETE") for table in EVIDENCE[:3]} == allowed(house, "gateway_retention")
    assert {(table, privilege) for table in EVIDENCE for privilege in ALTERING} == allowed(house, owner)
    assert [(True,)] == house.rows("SELECT has_table_privilege('gateway_writer', 'records', 'INSERT')")
    assert [(False,)] == house.rows("SELECT has_table_privilege('gateway_auditor', 'commitment_keys', 'SELECT')")


async def test_a_gateway_works_with_its_role_alone(house: House) -> None:
    """It starts, records, integrates, makes keys, counts exceptions and numbers policies; the auditor verifies it."""
    with connected(house, "writer") as engine:
        upgrade(engine)
        signer = CheckpointSigner(house.key, "ledger.test/acme", house.folder / "signed")
        ledger = SqlLedger(engine=engine, key=house.key, clock=CLOCK, deadline_ms=5000, signer=signer)
        await ledger.start()
        evidence = decided()
        for each in (activated(), evidence, outcome(evidence.decision_id)):
            await ledger.append(each)
        made = await SqlKeys(engine, CLOCK).create(ledger, name="dana", tenant="acme", app="crm")
        assert await SqlKeys(engine, CLOCK).revoke(ledger, made.id)
        assert 1 == await SqlRevisions(engine).of("sha256:" + "ab" * 32)
        assert {} == await SqlExceptions(engine).used([])
        await ledger.close()
        candidate = Integrator(engine, signer, CLOCK.now, contextlib.nullcontext())
        candidate.step()
        while candidate.index():
            pass
        candidate.close()
        with engine.connect() as connection:
            assert not may_alter_records(connection)
    with connected(house, "auditor") as engine, auditing(engine) as source:
        assert Verdict.SOUND is Verification(source, house.public).run().verdict


@pytest.mark.parametrize("table", EVIDENCE)
@pytest.mark.parametrize("statement", ["UPDATE {} SET {} = {}", "DELETE FROM {}", "TRUNCATE {}"])
def test_what_is_written_cannot_be_altered(house: House, table: str, statement: str) -> None:
    """Tried with the gateway's role: refused by the database."""
    column = house.rows(f"SELECT column_name FROM information_schema.columns WHERE table_name = '{table}' LIMIT 1")[0][
        0
    ]
    refused = pytest.raises(ProgrammingError, match="permission denied")
    with connected(house, "writer") as engine, engine.connect() as connection, refused:
        connection.execute(text(statement.format(table, column, column)))


async def test_retention_works_with_its_role(house: House) -> None:
    """It plans, records and drops; and the owner is told apart from the gateway."""
    house.write("gw-00000001", activated(), decided(at=1_700_000_000_000_000), decided())
    house.integrate()
    with connected(house, "retention") as engine:
        ledger = SqlLedger(engine=engine, key=house.key, clock=CLOCK, deadline_ms=5000)
        await ledger.start(announce=False)
        retention = Retention(engine, ledger)
        await retention.prune(retention.plan_prune(1_750_000_000_000_000, CLOCK.now()), CLOCK.now())
        await ledger.close()
    with house.engine.connect() as connection:
        assert may_alter_records(connection)

    assert [(3,)] == house.rows("SELECT count(*) FROM records")


def test_who_may_not_make_roles_migrates_all_the_same(house: House, postgres_url: str) -> None:
    """A login without that right, on a server that has the roles: tables are made, and granted."""
    name = f"owner_{house.engine.url.database}"
    admin = create_engine(postgres_url, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE ROLE {name} LOGIN"))
        connection.execute(text(f"CREATE DATABASE {name} OWNER {name}"))
    engine = open_database(house.engine.url.set(username=name, database=name).render_as_string(hide_password=False))
    upgrade(engine)
    with engine.connect() as connection:
        asked = text("SELECT has_table_privilege('gateway_writer', 'records', 'INSERT')")
        assert connection.execute(asked).scalar_one()
    engine.dispose()
    with admin.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
        connection.execute(text(f"DROP ROLE {name}"))
    admin.dispose()
