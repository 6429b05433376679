"""`gateway ledger verify --replay`: decisions that do not follow from what was recorded of them are found."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path

import pytest

from gateway.adapters.file_policies import FilePolicies
from gateway.domain.evidence import Content, Decided, Route
from gateway.domain.labels import DataClass
from gateway.paths import data_path
from tests.adapters.ledger_house import House
from tests.cli.test_ledger import exported, house, run
from tests.cli.test_policy_past import KINDS, made
from tests.evidence import activated

__all__ = ["house"]


@pytest.fixture
def folder(house: House) -> Path:
    """The shipped policy, announced in a ledger that holds nothing else."""
    for table in ("records", "tree_entries", "tree_nodes", "checkpoints", "record_salts", "search_bitmaps"):
        house.change(f"DELETE FROM {table}")
    (house.folder / "signed").unlink()
    copy = house.folder / "policies-of-the-day"
    shutil.copytree(
        data_path("policies"), copy, ignore=lambda _, names: [n for n in names if n != "default.policy.yaml"]
    )
    house.write("gw-00000001", activated(FilePolicies(copy).current().digest))
    return copy


def told(house: House, *arguments: str) -> tuple[int, int, dict[str, int]]:
    """Exit code, how many come out as recorded, and what was found."""
    result = run(house, "verify", *arguments, "--json")
    report = json.loads(result.stdout)
    return result.exit_code, report["replayed"], report["found"]


def record(house: House, *decisions: Decided) -> None:
    """Into the ledger, signed."""
    house.write("gw-00000002", *decisions)
    house.integrate()


def test_decisions_come_out_as_recorded(house: House, folder: Path) -> None:
    """From the database and from an export; without `--replay` none is made again."""
    record(house, *made(folder))
    export = exported(house)
    again = ("--replay", "--bundle", str(folder))

    assert (0, len(KINDS), {}) == told(house, *again)
    assert (0, len(KINDS), {}) == told(house, str(export), "--public-key", str(house.folder / "ledger.pub"), *again)
    assert (0, 0, {}) == told(house)


def test_a_decision_that_its_policy_would_not_have_made_is_named(house: House, folder: Path) -> None:
    """A genuine record, under a genuine signature, of a gateway that let out what its policy keeps inside."""
    good, *_ = made(folder)
    assert DataClass.PII in good.classes
    bad = dataclasses.replace(good, route=Route.EXTERNAL, destination="openai", sent=Content(b"all of it"))
    record(house, bad, *made(folder)[1:])

    assert (0, 0, {}) == told(house), "hashes and signatures alone say nothing of it"
    result = run(house, "verify", "--replay", "--bundle", str(folder))
    assert 1 == result.exit_code
    assert f"decision {bad.decision_id}" in result.stdout


def test_what_cannot_be_made_again_is_told(house: House, folder: Path) -> None:
    """Decisions of a policy that was not given, and of entities that meant something else: incomplete, not altered."""
    others = [
        dataclasses.replace(each, policy=dataclasses.replace(each.policy, meanings="f" * 16)) for each in made(folder)
    ]
    record(house, *others)
    (house.folder / "other").mkdir()
    policy = (folder / "default.policy.yaml").read_text()
    (house.folder / "other" / "default.policy.yaml").write_text(f"{policy}# another one\n")

    assert (2, 0, {"not-replayed": 1}) == told(house, "--replay", "--bundle", str(folder))
    assert (2, 0, {"policy-absent": 1}) == told(house, "--replay", "--bundle", str(house.folder / "other"))
    (house.folder / "other" / "default.policy.yaml").write_text("nonsense")
    assert 3 == run(house, "verify", "--replay", "--bundle", str(house.folder / "other")).exit_code
