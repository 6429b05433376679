"""Revisions of policy bundles in the database: one number a bundle, whoever asks."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import update

from gateway.adapters.database import open_database, upgrade
from gateway.adapters.file_policies import SourceFile, digest_of
from gateway.adapters.sql_policies import SqlRevisions, kept_files, kept_revisions
from gateway.adapters.tables import policy_files
from gateway.domain.errors import ErrorCode, GatewayFault
from tests.conftest import REPOSITORY

_WORKER = """
import asyncio, sys
from gateway.adapters.database import open_database
from gateway.adapters.sql_policies import SqlRevisions

async def main():
    revisions = SqlRevisions(open_database(sys.argv[1]))
    print([await revisions.of(f"sha256:{n:064x}") for n in range(20)])

asyncio.run(main())
"""


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of each kind, up to date."""
    chosen = (
        f"sqlite:///{tmp_path}/gateway.db" if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    )
    engine = open_database(chosen)
    upgrade(engine)
    engine.dispose()
    return str(chosen)


async def test_a_bundle_has_one_number_and_keeps_it(url: str) -> None:
    """The next one for a new bundle, the old one for a bundle that comes back, also after a restart."""
    engine = open_database(url)
    revisions = SqlRevisions(engine)
    told = [await revisions.of(f"sha256:{name * 64}") for name in "abca"]
    engine.dispose()
    again = open_database(url)
    after = await SqlRevisions(again).of(f"sha256:{'b' * 64}")
    again.dispose()

    assert [1, 2, 3, 1] == told
    assert 2 == after


async def test_the_files_of_a_bundle_are_kept_with_its_number(url: str) -> None:
    """Also of one that had its number before; and they are told no more once they are not what they were."""
    files = (SourceFile("a.policy.yaml", b"a"), SourceFile("b.policy.yaml", b"b"), SourceFile("indexes/c.edm", b"d1"))
    digest, unknown = digest_of(files), f"sha256:{'a' * 64}"
    engine = open_database(url)
    revisions = SqlRevisions(engine)
    for each in (unknown, digest):
        await revisions.of(each)
    with engine.connect() as connection:
        before = kept_files(connection, digest), kept_revisions(connection)
    for _ in range(2):
        await revisions.of(digest, files)
    with engine.begin() as connection:
        kept = kept_files(connection, digest), kept_revisions(connection), kept_files(connection, unknown)
        connection.execute(update(policy_files).where(policy_files.c.name == "a.policy.yaml").values(data=b"b"))
        altered = kept_files(connection, digest)
    engine.dispose()

    assert ((), {}) == before
    assert (set(files), {2: digest}, ()) == (set(kept[0]), *kept[1:])
    assert () == altered


def test_processes_agree_on_every_number(url: str) -> None:
    """Three processes that meet the same new bundles at once give each the same number, and no number twice."""
    workers = [
        subprocess.Popen([sys.executable, "-c", _WORKER, url], stdout=subprocess.PIPE, text=True, cwd=REPOSITORY)
        for _ in range(3)
    ]
    told = [worker.communicate(timeout=100)[0] for worker in workers]

    assert [0, 0, 0] == [worker.returncode for worker in workers]
    assert told[0] == told[1] == told[2]
    assert list(range(1, 21)) == sorted(int(word) for word in told[0].strip("[]\n").split(","))


async def test_a_database_without_the_table_is_a_fault(tmp_path: Path) -> None:
    """No number is made up."""
    engine = open_database(f"sqlite:///{tmp_path}/empty.db")
    with pytest.raises(GatewayFault) as failed:
        await SqlRevisions(engine).of(f"sha256:{'a' * 64}")
    engine.dispose()

    assert ErrorCode.INTERNAL_ERROR is failed.value.code
