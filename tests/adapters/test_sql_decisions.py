"""Past decisions out of real databases: all of them, once, in order, page by page."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.adapters.database import Database, DatabaseUnfit, open_database, upgrade
from gateway.adapters.ledger_key import LedgerKey
from gateway.adapters.sql_decisions import SqlDecisions
from gateway.adapters.sql_keys import SqlKeys
from gateway.adapters.sql_ledger import SqlLedger
from gateway.clock import SystemClock
from gateway.domain.evidence import Evidence, Route
from gateway.domain.recorded import Past, past_of
from tests.evidence import activated, decided, outcome

START = 1_795_465_723_000_000


@pytest.fixture(params=["sqlite", "postgres"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """An empty database of each kind, up to date."""
    url = f"sqlite:///{tmp_path}/gateway.db" if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    opened = open_database(url)
    upgrade(opened)
    yield opened
    opened.dispose()


async def write(engine: Database, folder: Path, evidence: Sequence[Evidence]) -> None:
    """Write evidence by one writer, at once."""
    ledger = SqlLedger(
        engine=engine, key=LedgerKey.load(folder / "ledger.key"), clock=SystemClock(), deadline_ms=20_000
    )
    await ledger.start(announce=False)
    await asyncio.gather(*(ledger.append(each) for each in evidence))
    await ledger.close()


async def test_every_decision_comes_once_and_in_order(engine: Database, tmp_path: Path) -> None:
    """Of several writers, many of them at the same moment, among records of other kinds."""
    routes = (Route.EXTERNAL, Route.LOCAL, Route.BLOCKED)
    made = [decided(at=START + number // 7, route=routes[number % 3]) for number in range(60)]
    await write(engine, tmp_path, [*made[:40], activated(), outcome(made[0].decision_id, at=START)])
    await write(engine, tmp_path, made[40:])
    decisions = SqlDecisions(engine)
    pages = list(decisions.pages(START, START + 100, size=9))
    told = [json.loads(body) for page in pages for body in page.bodies]

    assert {each.decision_id for each in made} == {each["id"] for each in told}
    assert 60 == len(told)
    assert [each["t"] for each in told] == sorted(each["t"] for each in told)
    assert [9, 9, 9, 9, 9, 9, 6] == [len(page.bodies) for page in pages]
    assert [page.last for page in pages] == [json.loads(page.bodies[-1])["t"] for page in pages]


async def test_a_period_has_a_beginning_and_an_end(engine: Database, tmp_path: Path) -> None:
    """From its first moment, up to and without its last."""
    await write(engine, tmp_path, [decided(at=START + number) for number in range(10)])
    decisions = SqlDecisions(engine)
    told = [json.loads(body)["t"] - START for page in decisions.pages(START + 3, START + 7) for body in page.bodies]

    assert [3, 4, 5, 6] == told
    assert (START + 3, START, START) == (
        decisions.first_at(START + 3, START + 7),
        decisions.first_at(0, START + 7),
        decisions.first_at(0, START),
    )


async def test_slices_hold_every_decision_once(engine: Database, tmp_path: Path) -> None:
    """Whatever their size, and where more have one time than a slice is meant to hold."""
    made = [decided(at=START + number // 7) for number in range(60)]
    await write(engine, tmp_path, made)
    decisions = SqlDecisions(engine)
    for size in (1, 7, 10, 59, 60, 1000):
        spans = list(decisions.slices(START, START + 100, size))
        told = [json.loads(body)["id"] for span in spans for page in decisions.pages(*span) for body in page.bodies]

        assert sorted(each.decision_id for each in made) == sorted(told)
        assert (START, START + 100) == (spans[0][0], spans[-1][1])
        assert [span[0] for span in spans[1:]] == [span[1] for span in spans[:-1]]
    assert [] == list(decisions.slices(START, START, 5))


async def test_one_decision_and_the_key_behind_it(engine: Database, tmp_path: Path) -> None:
    """By its id; its outcome is another record. The pseudonym of the key is opened while its tenant's secret exists."""
    ledger = SqlLedger(
        engine=engine, key=LedgerKey.load(tmp_path / "ledger.key"), clock=SystemClock(), deadline_ms=20_000
    )
    await ledger.start(announce=False)
    key = await SqlKeys(engine, SystemClock()).create(ledger, name="claims", tenant="acme", app="claims-bot")
    made = decided(who=key.id, at=START)
    local = replace(made, decision_id="01JD0000000000000000000000", who="anonymous")
    for each in (outcome(made.decision_id), made, local):
        await ledger.append(each)
    await ledger.close()
    decisions = SqlDecisions(engine)
    keys = decisions.keys()
    read = [past_of(decisions.one(each.decision_id), keys) for each in (made, local)]

    assert [key.id, "anonymous"] == [each.key_id for each in read if isinstance(each, Past)]
    assert b"" == decisions.one("01JD0000000000000000000009")
    assert key.id.encode() not in decisions.one(made.decision_id)


def test_a_database_without_tables_is_told_of(tmp_path: Path) -> None:
    """As unfit, with no word of the driver's."""
    decisions = SqlDecisions(open_database(f"sqlite:///{tmp_path}/empty.db"))
    for read in (decisions.keys, lambda: decisions.first_at(0, 1), lambda: list(decisions.pages(0, 1))):
        with pytest.raises(DatabaseUnfit, match="cannot be read"):
            read()
