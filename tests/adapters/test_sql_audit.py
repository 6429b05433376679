"""The verifier on a database: every manipulation is found and its record named, and nothing else is complained of."""

from __future__ import annotations

import json
import re
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text

from gateway.adapters.sql_audit import auditing
from gateway.adapters.sql_chain import Chain
from gateway.domain.evidence import (
    Erased,
    ErasureScope,
    Event,
    EventKind,
    PolicyEvidence,
    Pruned,
    Result,
    ReviewAction,
    Reviewed,
    Route,
    ViewAction,
    Viewed,
)
from gateway.domain.merkle import Frontier, leaf_hash
from gateway.domain.record_schema import SCHEMAS
from gateway.verifier import learned
from gateway.verifier.checks import Outside, Verification
from gateway.verifier.findings import CODES, Report, Verdict
from gateway.verifier.told import as_json, page
from tests.adapters.ledger_house import House, house_at
from tests.evidence import CLOCK, decided, outcome

RECORDS = 300


@pytest.fixture(params=["sqlite", "postgres"])
def house(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[House]:
    """A ledger of three writers and some hundred records, signed twice."""
    url = f"sqlite:///{tmp_path}/gateway.db" if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    with house_at(url, tmp_path) as made:
        for number in (1, 2):
            made.fill(RECORDS // 6, f"gw-0000000{number}")
        made.integrate()
        made.fill(RECORDS // 6, "gw-00000003")
        made.integrate()
        yield made


def audited(house: House, **outside: list[str]) -> Report:
    """What the verifier says."""
    with auditing(house.engine) as source:
        return Verification(source, house.public, Outside(**outside)).run()


def codes(report: Report) -> set[str]:
    """What was found."""
    return set(report.found)


def places(report: Report, code: str) -> list[str]:
    """The places named for one code, as writer/sequence."""
    named = [re.search(r"gw-\d+/\d+", each.where) for each in report.findings if each.code == code]
    return [each.group() for each in named if each]


def test_a_sound_ledger_is_sound(house: House) -> None:
    """The control of all that follows: nothing to complain of, all of it read."""
    report = audited(house)

    assert (Verdict.SOUND, {}) == (report.verdict, report.found)
    assert (306, 306, 0, 3) == (report.size, report.records, report.pending, report.writers)
    assert "SOUND" in page(report)
    assert 0 == as_json(report)["exit"]


COLUMNS = {
    "body": "body-altered", "leaf": "leaf-altered", "kind": "column-altered", "decision_id": "column-altered",
    "at": "column-altered", "tenant": "column-altered", "app": "column-altered", "label": "column-altered",
    "route": "column-altered", "destination": "column-altered", "reason": "column-altered",
}  # fmt: skip


def test_one_altered_bit_in_each_column_of_a_thousand_rows_is_found_and_named(house: House) -> None:
    """A bit in every row, a column after the other: each row is named once, with what was changed, and no other is."""
    house.fill(RECORDS * 7 // 6, "gw-00000004")
    house.integrate()
    expected, changes = {}, []
    for number, (writer, sequence, *values) in enumerate(
        house.rows(f"SELECT writer, sequence, {', '.join(COLUMNS)} FROM records ORDER BY writer, sequence")
    ):
        column = sorted(COLUMNS)[number % len(COLUMNS)]
        value = flipped(dict(zip(COLUMNS, values, strict=True))[column], number)
        changes.append(
            (f"UPDATE records SET {column} = :v WHERE writer = :w AND sequence = :s", (value, writer, sequence))
        )
        expected[f"{writer}/{sequence}"] = (COLUMNS[column], column if COLUMNS[column] == "column-altered" else "")
    with house.engine.begin() as connection:
        for statement, values in changes:
            connection.execute(text(statement), dict(zip("vws", values, strict=True)))
    report = audited(house)
    named = [(each.code, *short.split()) for each in report.findings for short in [shortened(each.where)]]
    told = {code: {place for each, place, *_ in named if each == code} for code in set(COLUMNS.values())}
    bodies = {place for place, (code, _) in expected.items() if code == "body-altered"}

    assert 1008 == len(expected)
    assert told["body-altered"] == bodies
    assert told["leaf-altered"] == {place for place, (code, _) in expected.items() if code == "leaf-altered"}
    assert told["column-altered"] - bodies == {p for p, (code, _) in expected.items() if code == "column-altered"}
    assert {(code, place, column) for place, (code, column) in expected.items() if column} <= set(named)


def shortened(where: str) -> str:
    """The record as writer/sequence, and the column if one is named."""
    return re.sub(r"record (gw-\d+/\d+)[^,]*(?:, decision [^,]*)?(?:, column )?", r"\1 ", where)


def flipped(value: object, number: int) -> object:
    """With one bit changed."""
    if isinstance(value, int):
        return value ^ 1
    if isinstance(value, str):
        return chr(ord(value[0]) ^ 1) + value[1:] if value else "a"
    data = bytearray(value)  # type: ignore[call-overload]
    data[number * 7 % len(data)] ^= 1 << number % 7
    return bytes(data)


def delete_middle(house: House) -> None:
    """A record is gone."""
    house.change("DELETE FROM records WHERE writer = 'gw-00000002' AND sequence = 40")


def delete_middle_of_the_tree(house: House) -> None:
    """A record is gone, and its place in the tree with it."""
    delete_middle(house)
    house.change("DELETE FROM tree_entries WHERE writer = 'gw-00000002' AND sequence = 40")


def delete_tail(house: House) -> None:
    """The last record of a writer is gone."""
    house.change("DELETE FROM records WHERE writer = 'gw-00000002' AND sequence = 101")


def delete_tail_of_the_tree(house: House) -> None:
    """The last record is gone, and its place in the tree with it."""
    house.change("DELETE FROM records WHERE writer = 'gw-00000003' AND sequence = 101")
    house.change("DELETE FROM tree_entries WHERE writer = 'gw-00000003' AND sequence = 101")


def insert(house: House) -> None:
    """A record more, at the end of a chain, that nobody signed (a copy of another one)."""
    columns = "body, leaf, kind, decision_id, at, tenant, app, label, route, destination, reason"
    copy = f"SELECT 'gw-00000002', 102, {columns} FROM records WHERE writer = 'gw-00000002' AND sequence = 40"
    house.change(f"INSERT INTO records (writer, sequence, {columns}) {copy}")


def insert_under_another_writer(house: House) -> None:
    """A record of a writer that never was."""
    columns = "body, leaf, kind, decision_id, at, tenant, app, label, route, destination, reason"
    copy = f"SELECT 'gw-0000000f', 0, {columns} FROM records WHERE writer = 'gw-00000002' AND sequence = 40"
    house.change(f"INSERT INTO records (writer, sequence, {columns}) {copy}")


def swap(house: House) -> None:
    """Two records change places."""
    for old, new in ((40, 9000), (42, 40), (9000, 42)):
        house.change(f"UPDATE records SET sequence = {new} WHERE writer = 'gw-00000002' AND sequence = {old}")


def swap_in_the_tree(house: House) -> None:
    """Two leaves change places."""
    for old, new in ((40, 9000), (42, 40), (9000, 42)):
        house.change(f"UPDATE tree_entries SET position = {new} WHERE position = {old}")


def move_between_tenants(house: House) -> None:
    """A decision of one tenant becomes another's, column and body."""
    where = "writer = 'gw-00000002' AND sequence = 40"
    [(body,)] = house.rows(f"SELECT body FROM records WHERE {where}")
    moved = bytes(body).replace(b'"tenant":"acme"', b'"tenant":"evil"')  # type: ignore[call-overload]
    house.change(f"UPDATE records SET tenant = 'evil', body = :b, leaf = :l WHERE {where}", b=moved, l=leaf_hash(moved))


def delete_salt(house: House) -> None:
    """A commitment is made unprovable."""
    house.change("DELETE FROM record_salts WHERE writer = 'gw-00000002' AND sequence = 40")


def duplicate_in_the_tree(house: House) -> None:
    """A leaf stands in the tree twice: at its place, and in the place of the next."""
    house.change(
        "UPDATE tree_entries SET leaf = (SELECT leaf FROM tree_entries WHERE position = 40) WHERE position = 41"
    )


def overwrite_with_another(house: House) -> None:
    """A record is replaced by a copy of another one, leaf and all."""
    other = "FROM records o WHERE o.writer = 'gw-00000002' AND o.sequence = 42"
    copied = f"body = (SELECT o.body {other}), leaf = (SELECT o.leaf {other})"
    house.change(f"UPDATE records SET {copied} WHERE writer = 'gw-00000002' AND sequence = 40")


def delete_key(house: House) -> None:
    """The key of a day is gone: nobody can prove any more what was sent on it."""
    house.change("DELETE FROM commitment_keys WHERE tenant = 'acme' AND day <> ''")


def alter_node(house: House) -> None:
    """A stored hash of the tree."""
    house.change("UPDATE tree_nodes SET hash = :h", h=bytes(32))


def alter_tree_leaf(house: House) -> None:
    """A leaf of the tree."""
    house.change("UPDATE tree_entries SET leaf = :h WHERE writer = 'gw-00000002' AND sequence = 40", h=bytes(32))


def overwrite_with(house: House, body: bytes) -> None:
    """A record is replaced by other bytes."""
    house.change("UPDATE records SET body = :b WHERE writer = 'gw-00000002' AND sequence = 41", b=body)


def overwrite_with_other_types(house: House) -> None:
    """JSON in whose places stand values of other types."""
    overwrite_with(house, b'{"k":[],"p":[],"s":41,"w":"gw-00000002"}')


def overwrite_with_deep_json(house: House) -> None:
    """JSON that no parser wants to read to its end."""
    overwrite_with(house, b'{"k":' + b"[" * 100_000)


def overwrite_with_lines_of_a_report(house: House) -> None:
    """A decision's id that would look like a verdict, on a line of its own."""
    overwrite_with(house, b'{"id":"\\nSOUND: \\ud800 nothing","k":"intent","s":41,"w":"gw-00000002"}')


def insert_before_the_first(house: House) -> None:
    """A record more, before a chain begins."""
    insert(house)
    house.change("UPDATE records SET sequence = -1 WHERE writer = 'gw-00000002' AND sequence = 102")


def sign_a_chain_that_is_broken(house: House) -> None:
    """A gateway forgets a record that it wrote, and goes on behind the one before; all of it is signed."""
    chain = Chain(house.engine, "gw-0000000e", CLOCK.now)
    chain.write([decided(), decided()])
    chain._tip = replace(chain._tip, leaf=bytes(32))
    chain.write([decided()])
    chain.close()
    house.integrate()


def sign_what_is_no_record(house: House) -> None:
    """Other bytes than a record's stand in the tree."""
    insert_under_another_writer(house)
    house.change("UPDATE records SET body = :b, leaf = :l WHERE writer = 'gw-0000000f'", b=b"{", l=leaf_hash(b"{"))
    house.integrate()


def forge_checkpoint(house: House) -> None:
    """A checkpoint says another size."""
    [(note,)] = house.rows("SELECT note FROM checkpoints ORDER BY size DESC LIMIT 1")
    house.change("UPDATE checkpoints SET note = :n", n=str(note).replace("\n306\n", "\n307\n"))


MANIPULATIONS: dict[Callable[[House], None], tuple[str, str]] = {
    delete_middle: ("body-missing", "gw-00000002/40"),
    delete_middle_of_the_tree: ("gap", "gw-00000002/41"),
    delete_tail: ("body-missing", "gw-00000002/101"),
    delete_tail_of_the_tree: ("tree-short", "size 306"),
    insert: ("place-altered", "gw-00000002/102"),
    insert_under_another_writer: ("place-altered", "gw-0000000f/0"),
    swap: ("place-altered", "gw-00000002/40"),
    swap_in_the_tree: ("gap", "gw-0000000"),
    move_between_tenants: ("body-altered", "gw-00000002/40"),
    delete_salt: ("salt-missing", "gw-00000002/40"),
    duplicate_in_the_tree: ("body-altered", "at 41"),
    overwrite_with_another: ("body-altered", "gw-00000002/40"),
    delete_key: ("key-missing", "tenant acme, day 20"),
    alter_node: ("node-altered", "level 1"),
    alter_tree_leaf: ("body-altered", "gw-00000002/40"),
    overwrite_with_other_types: ("body-altered", "gw-00000002/41"),
    overwrite_with_deep_json: ("body-altered", "gw-00000002/41"),
    overwrite_with_lines_of_a_report: ("body-altered", "gw-00000002/41"),
    insert_before_the_first: ("inserted", "gw-00000002/-1"),
    sign_a_chain_that_is_broken: ("chain-broken", "gw-0000000e/2"),
    sign_what_is_no_record: ("unreadable", "gw-0000000f/0"),
    forge_checkpoint: ("checkpoint-forged", "checkpoint"),
}


@pytest.mark.parametrize("manipulate", list(MANIPULATIONS), ids=lambda each: each.__name__)
def test_a_manipulation_is_found_and_named(house: House, manipulate: Callable[[House], None]) -> None:
    """Exit 1, with the code and the record."""
    manipulate(house)
    report = audited(house)
    code, named = MANIPULATIONS[manipulate]

    assert Verdict.ALTERED is report.verdict
    assert any(named in each.where for each in report.findings if each.code == code), report.findings[:5]
    assert all(line.isprintable() and "SOUND" not in line[:5] for line in page(report).split("\n"))


def test_a_ledger_written_anew_fails_its_signature(house: House) -> None:
    """An administrator changes a record and mends every hash: chain, tree, tiles. The signed root tells."""
    writer = "gw-00000002"
    bodies = [bytes(b) for (b,) in house.rows(f"SELECT body FROM records WHERE writer = '{writer}' ORDER BY sequence")]  # type: ignore[call-overload]
    previous = bytes(32)
    for sequence, body in enumerate(bodies):
        document = json.loads(body) | {"p": previous.hex()} | ({"n": "0" * 32} if sequence == 40 else {})
        fresh = json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
        previous = leaf_hash(fresh)
        about = {"b": fresh, "l": previous, "s": sequence}
        house.change(f"UPDATE records SET body = :b, leaf = :l WHERE writer = '{writer}' AND sequence = :s", **about)
        house.change(
            f"UPDATE tree_entries SET leaf = :l WHERE writer = '{writer}' AND sequence = :s", l=previous, s=sequence
        )
    frontier = Frontier()
    for (leaf,) in house.rows("SELECT leaf FROM tree_entries ORDER BY position"):
        for node in frontier.append(bytes(leaf)):  # type: ignore[call-overload]
            if node.level == 8:
                house.change("UPDATE tree_nodes SET hash = :h WHERE number = :n", h=node.hash, n=node.index)

    assert {"root-differs"} == codes(audited(house))


def test_a_tail_that_was_cut_with_its_checkpoints_needs_somebody_outside(house: House) -> None:
    """Records, tree and checkpoints are cut back consistently: the ledger alone looks sound. A receipt or a checkpoint
    that somebody kept names what is gone."""
    [(note,)] = house.rows("SELECT note FROM checkpoints ORDER BY size DESC LIMIT 1")
    [(body,)] = house.rows("SELECT body FROM records WHERE writer = 'gw-00000003' AND sequence = 100")
    said = json.loads(bytes(body))  # type: ignore[call-overload]
    statement = {"v": 1, "id": said["id"], "w": said["w"], "s": 100, "leaf": leaf_hash(bytes(body)).hex(), "t": 1}  # type: ignore[call-overload]
    token = house.key.token(json.dumps(statement, sort_keys=True, separators=(",", ":")).encode())
    assert Verdict.SOUND is audited(house, receipts=[token], earlier=[str(note)]).verdict
    for table in ("records", "record_salts", "tree_entries"):
        house.change(f"DELETE FROM {table} WHERE writer = 'gw-00000003'")
    house.change("DELETE FROM checkpoints")
    house.change("DELETE FROM tree_nodes")
    house.folder.joinpath("signed").unlink()
    house.integrate()

    assert Verdict.SOUND is audited(house).verdict
    by_receipt, by_checkpoint = audited(house, receipts=[token]), audited(house, earlier=[str(note)])
    assert ["gw-00000003/100"] == places(by_receipt, "receipt-broken")
    assert {"fork"} == codes(by_checkpoint)


def test_forged_receipts_are_told_apart(house: House) -> None:
    """A receipt of another key proves nothing, and says so."""
    assert {"receipt-forged"} == codes(audited(house, receipts=["eyJ9.AAAA"]))


def test_what_is_not_signed_yet_is_incomplete(house: House) -> None:
    """Records after the newest checkpoint: exit 2, and nothing is called altered."""
    house.write("gw-00000004", decided())
    report = audited(house)

    assert (Verdict.INCOMPLETE, {"unsigned"}, 1) == (report.verdict, codes(report), report.pending)
    house.change("DELETE FROM checkpoints")
    assert (Verdict.INCOMPLETE, {"no-checkpoint"}) == (audited(house).verdict, codes(audited(house)))


def test_open_intents_are_listed(house: House) -> None:
    """A visible fact, and no fault of the ledger."""
    evidence = decided()
    house.write("gw-00000004", evidence)
    house.integrate()
    report = audited(house)

    assert (Verdict.SOUND, [evidence.decision_id]) == (report.verdict, report.open_intents)


def test_every_kind_of_record_verifies(house: House) -> None:
    """Those of the console among them; the search columns of each are what it says."""
    evidence = decided()
    about = {"at": CLOCK.now(), "who": "k3y1d0000000"}
    events = [Event(kind=each, at=1, action="told", subject=CLOCK.new_id()) for each in EventKind]
    house.write("gw-00000004", evidence, outcome(evidence.decision_id), decided(route=Route.LOCAL), *events)
    house.write("gw-00000004", decided(route=Route.BLOCKED), Pruned(at=1, before=0, upto=0, dropped=0))
    house.write("gw-00000004", Erased(at=1, scope=ErasureScope.DECISION, subject=evidence.decision_id, salts=0, keys=0))
    house.write("gw-00000004", Viewed(action=ViewAction.SEARCHED, asked=("class:phi",), **about))  # type: ignore[arg-type]
    house.write("gw-00000004", Reviewed(action=ReviewAction.SAMPLED, decision_id=evidence.decision_id, **about))  # type: ignore[arg-type]
    house.integrate()
    kinds = {kind for (kind,) in house.rows("SELECT kind FROM records WHERE writer = 'gw-00000004'")}

    assert set(SCHEMAS._shapes) == kinds
    assert {"outcome-alone": 1} == audited(house).found, "that of a decision which nobody made: it was recovered"


def test_an_outcome_without_a_decision_is_found(house: House) -> None:
    """It is named."""
    house.write("gw-00000004", outcome("01JD0000000000000000000000", result=Result.NOT_SENT))
    house.integrate()

    assert ["gw-00000004/0"] == places(audited(house), "outcome-alone")


def test_a_policy_that_nobody_announced_is_told_of_also_after_retention(house: House) -> None:
    """Its records of policies stay, so nothing of this is excused by an order to drop others."""
    house.write("gw-00000004", Pruned(at=1, before=0, upto=5, dropped=0), decided())
    house.integrate()
    assert Verdict.SOUND is audited(house).verdict
    unknown = PolicyEvidence(1, "sha256:" + "cd" * 32, "0" * 16, (), "CONTACT_MASKED", ())
    house.write("gw-00000004", decided(policy=unknown))
    house.integrate()

    assert ["gw-00000004/2"] == places(audited(house), "policy-unknown")


def test_an_outcome_before_its_own_decision_is_found(house: House) -> None:
    """A gateway that sends first and writes then. The control: of another writer, whose records come in any order."""
    first, other = decided(), decided()
    house.write("gw-00000004", outcome(first.decision_id), first, outcome(other.decision_id))
    house.write("gw-00000005", other)
    house.integrate()

    assert ["gw-00000004/0"] == places(audited(house), "outcome-alone")


@pytest.mark.parametrize("route", [Route.EXTERNAL, Route.LOCAL, Route.BLOCKED])
def test_two_decisions_of_one_id_are_found(house: House, route: Route) -> None:
    """Both open, where one outcome would close both; or one after the other, each with its own outcome, also of another
    writer and before it is signed. The control: one alone."""
    first = decided()
    ended, again = outcome(first.decision_id), decided(decision_id=first.decision_id, route=route)
    house.write("gw-00000004", first, ended)
    house.integrate()
    assert Verdict.SOUND is audited(house).verdict
    house.write("gw-00000004", again, ended)
    house.write("gw-00000005", decided(), first)
    house.integrate()
    house.write("gw-00000005", again, ended)

    assert ["gw-00000004/2", "gw-00000005/1", "gw-00000005/2"] == places(audited(house), "decision-twice")


def test_ids_are_not_told_by_their_hash_alone(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where all of them share one, a sound ledger is sound, and one id twice is found."""
    monkeypatch.setattr(learned, "_mark", lambda _: 7)
    assert Verdict.SOUND is audited(house).verdict
    twice = decided()
    house.write("gw-00000004", twice, outcome(twice.decision_id), twice, outcome(twice.decision_id))
    house.integrate()

    assert ["gw-00000004/2"] == places(audited(house), "decision-twice")


def test_ids_are_kept_small() -> None:
    """Of five million decisions some forty megabytes, where the ids themselves would take ten times as much."""
    ids, few = learned.Ids(), 20_000
    tracemalloc.start()
    for number in range(few):
        ids.add(f"{number:026}")
    assert not ids.twice()
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert most < 20 * few


def test_every_code_is_explained() -> None:
    """With what it makes of the whole, and a sentence."""
    assert {Verdict.ALTERED, Verdict.INCOMPLETE} == {verdict for verdict, _ in CODES.values()}
    assert all(len(told) > 20 for _, told in CODES.values())
