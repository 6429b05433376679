"""Several processes come to the report of one: on sound ledgers without reading twice, on all others by doing so."""

from __future__ import annotations

import pickle
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any, Self

import pytest

from gateway.adapters import sql_audit
from gateway.adapters.ledger_export import FAR, LedgerExport, Wanted
from gateway.adapters.sql_audit import auditing
from gateway.domain.evidence import Erased, ErasureScope, Pruned
from gateway.verifier import together
from gateway.verifier.checks import Outside, Verification
from gateway.verifier.export import ExportSource
from gateway.verifier.findings import Report, Verdict
from tests.adapters.ledger_house import House, house_at
from tests.adapters.test_sql_audit import MANIPULATIONS
from tests.evidence import CLOCK, decided, outcome


class Elsewhere:
    """A pool that does its work here, with what a process would be handed and would hand back."""

    def __init__(self, processes: int, **_: object) -> None:
        assert processes > 1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None: ...

    def shutdown(self, **_: object) -> None:
        """Nothing runs on."""

    def submit(self, work: Callable[[Any], Any], part: object) -> Future[Any]:
        """Done at once."""
        done: Future[Any] = Future()
        handed, over = pickle.loads(pickle.dumps((work, part)))
        done.set_result(pickle.loads(pickle.dumps(handed(over))))
        return done


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger of writers that took turns, so that chains and decisions go from slice to slice: with open intents, an
    erasure, an order of retention, and bodies that are gone."""
    folder = tmp_path_factory.mktemp("ledger")
    with house_at(f"sqlite:///{folder}/gateway.db", folder) as house:
        house.fill(47, "gw-00000001")
        house.fill(50, "gw-00000002")
        early = decided()
        house.write("gw-00000001", early, decided(), Pruned(at=CLOCK.now(), before=1, upto=5, dropped=2))
        house.integrate()
        house.write("gw-00000005", Erased(at=1, scope=ErasureScope.TENANT, subject="globex", salts=1, keys=1))
        house.fill(50, "gw-00000003")
        house.write("gw-00000005", outcome(early.decision_id), decided(tenant="globex"))
        house.integrate()
        for table in ("records", "record_salts"):
            house.change(f"DELETE FROM {table} WHERE writer = 'gw-00000001' AND sequence IN (2, 3)")
        house.change("DELETE FROM record_salts WHERE (writer, sequence) IN "
                     "(SELECT writer, sequence FROM records WHERE tenant = 'globex')")  # fmt: skip
    return folder


@pytest.fixture
def house(made: Path, tmp_path: Path) -> Iterator[House]:
    """A copy of it."""
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    with house_at(f"sqlite:///{tmp_path}/gateway.db", tmp_path) as copy:
        yield copy


@pytest.fixture(params=[41])
def sliced(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """So many entries a slice."""
    monkeypatch.setattr(sql_audit, "_A_SLICE", request.param)
    monkeypatch.setattr(together, "ProcessPoolExecutor", Elsewhere)


def alone(house: House, outside: Outside) -> Report:
    """By one process."""
    with auditing(house.engine) as source:
        return Verification(source, house.public, outside).run()


def by_two(house: House, outside: Outside) -> Report:
    """By two."""
    with auditing(house.engine) as source:
        return together.verify(source, house.public, outside, processes=2)


def never_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading everything in one process is an error from now on."""

    def fails(*_: object) -> Report:
        raise AssertionError("all of it was read by one process")

    monkeypatch.setattr(Verification, "run", fails)


def receipt_of(house: House, writer: str, sequence: int, leaf: bytes | None = None) -> str:
    """What a caller was given."""
    where = f"writer = '{writer}' AND sequence = {sequence}"
    [(said, stored)] = house.rows(f"SELECT decision_id, leaf FROM records WHERE {where}")
    told = (leaf or bytes(stored)).hex()  # type: ignore[call-overload]
    return house.key.token(f'{{"id":"{said}","leaf":"{told}","s":{sequence},"t":1,"v":1,"w":"{writer}"}}'.encode())


@pytest.mark.usefixtures("sliced")
@pytest.mark.parametrize("sliced", [7, 41, 76], indirect=True)
def test_a_sound_ledger_is_told_without_being_read_twice(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Chains, decisions, what is gone and what a caller holds go from slice to slice. The tail is not signed yet."""
    [(note,)] = house.rows("SELECT note FROM checkpoints ORDER BY size DESC LIMIT 1")
    outside = Outside([receipt_of(house, "gw-00000002", 60), receipt_of(house, "gw-00000001", 8)], [str(note)])
    expected = alone(house, outside)
    never_whole(monkeypatch)

    assert (Verdict.SOUND, 2, 1, 2) == (expected.verdict, expected.dropped, expected.erasures, expected.open_count)
    assert expected == by_two(house, outside)
    house.write("gw-00000002", decided())
    assert {"unsigned": 1} == by_two(house, outside).found


@pytest.mark.usefixtures("sliced")
@pytest.mark.parametrize("manipulate", list(MANIPULATIONS), ids=lambda each: each.__name__)
def test_what_one_process_finds_two_find_in_the_same_words(house: House, manipulate: Callable[[House], None]) -> None:
    """Each manipulation."""
    manipulate(house)
    expected = alone(house, Outside())

    assert Verdict.ALTERED is expected.verdict
    assert expected == by_two(house, Outside())


@pytest.mark.usefixtures("sliced")
def test_chains_and_receipts_are_checked_across_slices(house: House) -> None:
    """A tree that is genuine of records that do not follow each other; a receipt of another record."""
    broken = Outside([receipt_of(house, "gw-00000002", 60, leaf=bytes(32))])
    assert {"receipt-broken": 1} == by_two(house, broken).found
    for table in ("tree_entries", "tree_nodes", "checkpoints"):
        house.change(f"DELETE FROM {table}")
    house.folder.joinpath("signed").unlink()
    house.change("DELETE FROM records WHERE writer = 'gw-00000002' AND sequence = 50")
    house.change("UPDATE records SET sequence = sequence - 1 WHERE writer = 'gw-00000002' AND sequence > 50")
    house.integrate()
    expected = alone(house, Outside())

    assert 51 == expected.found["place-altered"]
    assert expected == by_two(house, Outside())


@pytest.mark.usefixtures("sliced")
@pytest.mark.parametrize("between", [0, 60])
def test_what_decisions_share_is_found_across_slices(house: House, between: int) -> None:
    """One id of two decisions, and an outcome before its own decision, in one slice or in two."""
    twice, late = decided(), decided()
    house.write("gw-00000006", twice, outcome(late.decision_id))
    house.fill(between, "gw-00000007")
    house.integrate()
    house.write("gw-00000006", twice, outcome(twice.decision_id), late, outcome(late.decision_id))
    house.integrate()
    expected = alone(house, Outside())

    assert {"decision-twice": 1, "outcome-alone": 1} == expected.found
    assert expected == by_two(house, Outside())


@pytest.mark.usefixtures("sliced")
def test_an_id_that_comes_again_after_its_outcome_is_found_across_slices(house: House) -> None:
    """Each of the two decisions has an outcome, and nothing of them is open where a slice ends."""
    twice = decided()
    for writer, other in (("gw-00000006", "gw-00000007"), ("gw-00000008", "gw-00000009")):
        house.write(writer, twice, outcome(twice.decision_id))
        house.fill(60, other)
        house.integrate()
    expected = alone(house, Outside())

    assert {"decision-twice": 1} == expected.found
    assert expected == by_two(house, Outside())


@pytest.mark.usefixtures("sliced")
def test_a_record_of_other_types_is_found_where_a_slice_begins(house: House) -> None:
    """There the leaf that it follows stands in another slice."""
    [(writer, sequence)] = house.rows("SELECT writer, sequence FROM tree_entries WHERE position = 82")
    where = f"writer = '{writer}' AND sequence = {sequence}"
    house.change(f"UPDATE records SET body = :b WHERE {where}", b=b'{"p":[],"s":%d,"w":"%s"}' % (
        sequence, str(writer).encode()))  # fmt: skip
    expected = alone(house, Outside())

    assert 1 == expected.found["body-altered"]
    assert expected == by_two(house, Outside())


def test_processes_read_a_database_and_an_export(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Real ones. The control: one bit of a record in the last slice."""
    house.fill(20, "gw-00000009")
    house.integrate()
    monkeypatch.setattr(sql_audit, "_A_SLICE", 80)
    expected = alone(house, Outside())
    folder = house.folder / "export"
    with auditing(house.engine) as source:
        exporting = LedgerExport(source.connection, folder, Wanted(("jsonl",), 0, FAR))
        exporting.write(exporting.begin(), iter(()))
    split(folder / "records")
    told = Verification(ExportSource(folder), house.public).run()
    with monkeypatch.context() as patched:
        never_whole(patched)
        assert expected == by_two(house, Outside())
        assert told == together.verify(ExportSource(folder), house.public, processes=2)
    house.change("UPDATE records SET label = 'public' WHERE writer = 'gw-00000009' AND sequence = 7")

    assert Verdict.SOUND is expected.verdict
    assert Verdict.SOUND is told.verdict
    assert {"column-altered": 1} == by_two(house, Outside()).found


def split(records: Path) -> None:
    """One file of an export as two: they are named by the position of their first record."""
    [file] = records.glob("*.jsonl")
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join(lines[:180]))
    (records / f"{180:012}.jsonl").write_text("".join(lines[180:]))
