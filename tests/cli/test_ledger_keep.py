"""`gateway ledger search`, `prune`, `erase`, `hold`, `release`, `acknowledge`, from the command line."""

from __future__ import annotations

import json
import re

import pytest

from tests.adapters.ledger_house import House
from tests.cli.test_ledger import house, run
from tests.evidence import activated, decided

__all__ = ["house"]
OLD = 1_600_000_000_000_000


def test_pages_of_a_search(house: House) -> None:
    """Newest first, each once; what to go on with is printed while there is more."""
    first = json.loads(run(house, "search", "--kind", "intent", "--limit", "150", "--json").output)
    second = json.loads(
        run(house, "search", "--kind", "intent", "--limit", "150", "--json", "--after", first["after"]).output
    )
    seen = [each["position"] for each in (*first["records"], *second["records"])]

    assert (200, "") == (len(set(seen)), second["after"])
    assert sorted(seen, reverse=True) == seen
    assert "claims-bot" in run(house, "search", "--app", "claims-bot", "--limit", "1").output
    assert [] == json.loads(run(house, "search", "--class", "phi", "--json").output)["records"]
    assert 2 == run(house, "search", "--after", "nonsense").exit_code


def test_old_records_are_dropped_and_the_rest_verifies(house: House) -> None:
    """By the configured retention; what is asked for is recorded; a second time there is nothing to do."""
    house.change("DELETE FROM records")
    for table in ("tree_entries", "tree_nodes", "checkpoints", "record_salts", "search_bitmaps"):
        house.change(f"DELETE FROM {table}")
    (house.folder / "signed").unlink()
    house.write("gw-00000009", activated(), *(decided(at=OLD + n) for n in range(5)), decided())
    house.integrate()
    refused = run(house, "prune")
    done = run(house, "prune", "--keep", "6 months", "--yes")
    again = run(house, "prune", "--yes")

    assert (1, "Drop 5 records") == (refused.exit_code, re.findall(r"Drop \d+ records", refused.output)[0])
    assert "5 records dropped" in done.output
    assert "0 records dropped" in again.output
    assert [(1,)] == house.rows("SELECT count(*) FROM records WHERE kind = 'prune'")
    assert 0 == run(house, "verify").exit_code


def test_a_hold_blocks_an_erasure_until_it_is_released(house: House) -> None:
    """Each step is a record; afterwards nothing can be proven, and the ledger verifies."""
    [(decision,)] = house.rows("SELECT decision_id FROM records WHERE sequence = 2")
    body = house.folder / "body"
    body.write_bytes(b"anything")
    steps = [
        run(house, "hold", "acme"),
        run(house, "erase", "--decision", str(decision), "--yes"),
        run(house, "release", "acme"),
        run(house, "release", "acme"),
        run(house, "erase", "--decision", str(decision), "--yes"),
        run(house, "prove", str(decision), "--file", str(body)),
        run(house, "verify"),
    ]

    assert [0, 1, 0, 1, 0, 1, 0] == [each.exit_code for each in steps], [each.output for each in steps]
    assert "on legal hold" in steps[1].output
    assert "erased" in steps[5].output
    kinds = [kind for (kind,) in house.rows("SELECT kind FROM records WHERE kind IN ('admin', 'erasure') ORDER BY at")]
    assert ["admin", "admin", "erasure"] == kinds


@pytest.mark.parametrize("asked", [(), ("--tenant", "a", "--key", "b")])
def test_an_erasure_names_one_thing(house: House, asked: tuple[str, ...]) -> None:
    """Neither nothing nor two."""
    assert 2 == run(house, "erase", *asked, "--yes").exit_code
    assert 1 == run(house, "erase", "--key", "nobody", "--yes").exit_code


def test_a_loss_is_acknowledged_after_a_question(house: House) -> None:
    """Not without a yes."""
    assert 1 == run(house, "acknowledge").exit_code
    done = run(house, "acknowledge", "--yes")

    assert 0 == done.exit_code
    assert "402" in done.output
