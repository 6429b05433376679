"""One tree over all writers: elected, contiguous, and never two roots for one size."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from gateway.adapters import sql_integrator
from gateway.adapters.checkpoint_signer import CheckpointSigner, NotAContinuation
from gateway.adapters.sql_integrator import Integrator
from gateway.adapters.sql_tree import StoredTree, newest_note
from gateway.verifier.formats import consistent, leaf_hash, open_checkpoint, root_of_proof
from tests.adapters.ledger_house import House, house_at, leaves_of
from tests.domain.test_merkle import naive_root
from tests.evidence import CLOCK, decided


@pytest.fixture(params=["sqlite", "postgres"])
def house(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[House]:
    """An empty ledger on each kind of database."""
    url = f"sqlite:///{tmp_path}/gateway.db" if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    with house_at(url, tmp_path) as made:
        yield made


def bodies(house: House) -> list[bytes]:
    """The records in the order of the tree."""
    joined = "FROM tree_entries JOIN records USING (writer, sequence) ORDER BY position"
    return leaves_of(house.rows(f"SELECT body {joined}"))


def test_the_signed_root_is_that_of_all_records(house: House) -> None:
    """Three writers, several steps; root, inclusion and consistency hold for the verifier and for the naive tree."""
    sizes = []
    for count in (1, 140, 3):
        for writer in ("gw-00000001", "gw-00000002", "gw-00000003"):
            house.write(writer, *(decided() for _ in range(count)))
        sizes.append(house.integrate())
    everything = bodies(house)
    with house.engine.connect() as connection:
        tree = StoredTree(connection)
        signed = open_checkpoint(newest_note(connection), house.public)
        proofs = {at: tree.inclusion(at, tree.size()) for at in (0, 255, 256, 431)}
        grown = tree.consistency(sizes[0], tree.size())
        first = tree.root(sizes[0])

    assert [3, 423, 432] == sizes
    assert (432, naive_root(everything)) == (signed.size, signed.root)
    assert {signed.root} == {root_of_proof(leaf_hash(everything[at]), at, 432, proofs[at]) for at in proofs}
    assert consistent(3, first, 432, signed.root, grown)


def test_each_writer_stays_in_its_order(house: House) -> None:
    """Whatever their clocks say, a writer's records stand in the order of its chain."""
    for at in (300, 100, 200):
        house.write("gw-00000001", decided(at=at))
        house.write("gw-00000002", decided(at=at))
    house.integrate()

    for writer in ("gw-00000001", "gw-00000002"):
        order = house.rows(f"SELECT sequence FROM tree_entries WHERE writer = '{writer}' ORDER BY position")
        assert [(0,), (1,), (2,)] == order


def test_a_record_that_comes_after_a_gap_waits(house: House) -> None:
    """Nothing is integrated past a missing record: it may yet become visible."""
    house.write("gw-00000001", *(decided() for _ in range(3)))
    house.change("UPDATE records SET sequence = 9 WHERE sequence = 1")
    house.integrate()
    assert [(0,)] == house.rows("SELECT sequence FROM tree_entries")

    house.change("UPDATE records SET sequence = 1 WHERE sequence = 9")
    assert 3 == house.integrate()


def test_one_leads_and_another_takes_over_when_it_dies(house: House) -> None:
    """While the first holds the lead the second does nothing; once the server knows that it is gone, it goes on."""
    first, second = house.integrator(), house.integrator()
    house.fill(1)
    assert first.step() is not None
    house.write("gw-00000002", decided())
    assert second.step() is None
    assert [(4,)] == house.rows("SELECT count(*) FROM tree_entries")

    first.close()
    taken_over = next(signed for signed in iter(second.step, "never") if signed is not None)
    second.close()
    assert 5 == taken_over.size


class Spy(CheckpointSigner):
    """Signs, and keeps what it signed."""

    roots: set[tuple[int, bytes]]

    def sign(self, size: int, root: bytes) -> str:
        """As the real one."""
        note = super().sign(size, root)
        if note:
            self.roots.add((size, root))
        return note


def spy(house: House, roots: set[tuple[int, bytes]], name: str) -> Integrator:
    """An integrator on a machine of its own (it shares no file with others), whose signatures are seen."""
    signer = Spy(house.key, house.signer().origin, house.folder / name)
    signer.roots = roots
    return Integrator(house.engine, signer, CLOCK.now, contextlib.nullcontext())


def two_leaders(house: House, monkeypatch: pytest.MonkeyPatch) -> set[tuple[int, bytes]]:
    """A leader is stopped before a commit, loses the lead without knowing, another one leads, and the first goes on."""
    roots: set[tuple[int, bytes]] = set()
    stale = spy(house, roots, "signed-there")
    house.write("gw-00000001", decided())
    stale.step()
    insert = sql_integrator.insert_rows
    stopped_at: list[str] = []

    def stopped(connection: Connection, table: object, rows: object) -> None:
        if connection is stale._connection and not stopped_at:
            stopped_at.append("before the commit")
            connection.rollback()
            _lose_the_lead(stale)
            house.write("gw-00000002", decided(at=1))
            other = spy(house, roots, "signed-here")
            other.step()
            other.close()
        insert(connection, table, rows)  # type: ignore[arg-type]

    monkeypatch.setattr(sql_integrator, "insert_rows", stopped)
    house.write("gw-00000001", decided())
    stale.step()
    stale.step()
    house.write("gw-00000003", decided())
    stale.step()
    stale.close()
    return roots


def _lose_the_lead(integrator: Integrator) -> None:
    """The lock is gone, and the leader does not know it."""
    if integrator._lock is not None:
        integrator._lock.release()
        integrator._lock = None
    elif integrator._connection is not None:
        integrator._connection.execute(text("SELECT pg_advisory_unlock_all()"))
        integrator._connection.rollback()


def sizes_with_two_roots(roots: set[tuple[int, bytes]]) -> list[int]:
    """Where the tree would have forked."""
    sizes = [size for size, _ in roots]
    return sorted({size for size in sizes if sizes.count(size) > 1})


def test_two_leaders_never_sign_two_roots_for_one_size(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """The stale one finds its positions taken and begins anew; the tree is whole."""
    roots = two_leaders(house, monkeypatch)

    assert [1, 3, 4] == sorted(size for size, _ in roots)
    assert [] == sizes_with_two_roots(roots)
    assert [(4,)] == house.rows("SELECT count(*) FROM tree_entries")


def test_the_test_of_two_leaders_finds_a_fork(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: where the database lets two leaders take one position, they sign two roots for one size."""
    with house_at(f"sqlite:///{tmp_path}/gateway.db", tmp_path) as house:
        house.change("DROP TABLE tree_entries")
        house.change("CREATE TABLE tree_entries (position BIGINT, writer TEXT, sequence BIGINT, leaf BLOB)")

        assert [] != sizes_with_two_roots(two_leaders(house, monkeypatch))


class CrashError(Exception):
    """The process dies."""


def crash(*_: object) -> str:
    """Die."""
    raise CrashError


def test_a_crash_between_commit_and_signature_is_made_good(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was committed and not signed is signed by the next leader."""
    house.fill(2)
    candidate = house.integrator()
    with monkeypatch.context() as patch:
        patch.setattr(CheckpointSigner, "sign", crash)
        with pytest.raises(CrashError):
            candidate.step()
    assert [(6,)] == house.rows("SELECT count(*) FROM tree_entries")
    assert [] == house.rows("SELECT size FROM checkpoints")

    assert 6 == house.integrate()


def test_of_each_hour_one_checkpoint_stays(house: House) -> None:
    """The newest replaces the one before it in the same hour, and no other."""
    clock = [0]
    candidate = Integrator(house.engine, house.signer(), lambda: clock[0], contextlib.nullcontext())
    for minute in (0, 20, 59, 61, 119, 120):
        clock[0] = minute * 60_000_000
        house.write("gw-00000001", decided())
        candidate.step()
    candidate.close()

    assert [(3,), (5,), (6,)] == house.rows("SELECT size FROM checkpoints ORDER BY size")


def test_an_old_copy_of_the_database_is_not_signed_again(house: House) -> None:
    """Records that were signed are gone and others come: no leader signs them, until the loss is acknowledged; then
    only sizes that were never signed before."""
    house.fill(3)
    assert 8 == house.integrate()
    for table in ("records", "tree_entries", "checkpoints", "tree_nodes", "record_salts"):
        house.change(f"DELETE FROM {table}")
    house.fill(1, "gw-00000002")
    with pytest.raises(NotAContinuation):
        house.integrator().step()
    assert [] == house.rows("SELECT size FROM checkpoints")

    assert 8 == house.signer().acknowledge()
    assert 0 == house.integrate()
    house.write("gw-00000003", *(decided() for _ in range(4)))
    assert 0 == house.integrate()
    house.write("gw-00000003", decided())
    assert 9 == house.integrate()
