"""Finding decisions by everything that is recorded of them."""

from __future__ import annotations

import contextlib
import itertools
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import delete, event

from gateway.adapters.database import migration_config, upgrade
from gateway.adapters.sql_search import END, Counted, count, crossed, position_in, search, split, tally
from gateway.adapters.sql_search_index import forget, index_next, rebuild
from gateway.adapters.tables import records
from gateway.domain.evidence import Content, Decided, Event, EventKind, Outcome, PolicyEvidence, Result, Route
from gateway.domain.labels import DataClass, Label
from gateway.domain.ledger_search import Query
from tests.adapters.ledger_house import House, house_at
from tests.evidence import activated, decided, finding, outcome

NOW = 1_795_000_000_000_000
POLICY = PolicyEvidence(7, "sha256:" + "ab" * 32, "0" * 16, ("phi/stays",), "PHI_INSIDE", ())


def one(at: int) -> Decided:
    """The decision that is looked for, different from all others in everything."""
    return decided(
        at=NOW + at, tenant="globex", app="triage", label=Label("restricted"), classes=frozenset({DataClass.PHI}),
        findings=(finding("US_SSN"),), policy=POLICY, route=Route.LOCAL, destination="vllm", sent=Content(b""),
    )  # fmt: skip


@pytest.fixture(params=["sqlite", "postgres"])
def house(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[House]:
    """Sixty decisions like others and three that are not, their outcomes later."""
    url = f"sqlite:///{tmp_path}/gateway.db" if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    with house_at(url, tmp_path) as made:
        decisions = [one(at) if at in {10, 30, 50} else decided(at=NOW + at) for at in range(63)]
        made.write("gw-00000001", activated(), *decisions)
        made.integrate()
        ended: list[Outcome] = [outcome(each.decision_id) for each in decisions[:40]]
        ended += [outcome(each.decision_id, result=Result.FAILED) for each in decisions[40:60]]
        lost = Event(kind=EventKind.RECOVERED, at=NOW, action="open_intent", subject=decisions[60].decision_id)
        made.write("gw-00000002", *ended, lost)
        made.integrate()
        yield made


def times(house: House, query: Query, limit: int = 100) -> list[int]:
    """When the records were made that a query finds, after the first."""
    with house.engine.connect() as connection:
        found = search(connection, query, END, limit).records
    return [int(str(each.document["t"])) - NOW for each in found]


def contents(house: House) -> list[list[tuple[object, ...]]]:
    """The whole index."""
    tables = ("search_bitmaps", "search_blocks", "search_times", "search_progress")
    return [sorted(house.rows(f"SELECT * FROM {table}")) for table in tables]


@pytest.mark.parametrize(
    "asked",
    [
        {"tenant": "globex"}, {"app": "triage"}, {"label": "restricted"}, {"data_class": "phi"}, {"entity": "US_SSN"},
        {"rule": "phi/stays"}, {"reason": "PHI_INSIDE"}, {"route": "local"}, {"destination": "vllm"}, {"kind": "local"},
        {"tenant": "globex", "app": "triage", "entity": "US_SSN", "route": "local"},
    ],
)  # fmt: skip
def test_every_field_finds_what_has_it(house: House, asked: dict[str, str]) -> None:
    """The three, the newest first; and nothing under another value."""
    assert [50, 30, 10] == times(house, Query(**asked))
    assert [] == times(house, Query(**{name: f"{value}x" for name, value in asked.items()}))


def test_outcomes_find_their_decisions(house: House) -> None:
    """Completed, failed, unknown after a crash, and those that are open still."""
    assert list(range(39, -1, -1)) == times(house, Query(outcome="completed"))
    assert [50] == times(house, Query(outcome="failed", tenant="globex"))
    assert [60] == times(house, Query(outcome="unknown"))
    assert [62, 61] == times(house, Query(outcome="open"))


def test_fields_must_all_fit(house: House) -> None:
    """Two that no record has together find nothing."""
    assert [] == times(house, Query(tenant="globex", route="external-transformed"))


def test_what_goes_without_saying_is_not_asked_for(house: House) -> None:
    """That what has a field is a decision; that it is one, where no field says so, and of which kind, is asked."""
    assert [50, 30, 10] == times(house, Query(kind="decision", app="triage"))
    assert [] == times(house, Query(kind="policy", app="triage"))
    assert list(range(62, -1, -1)) == times(house, Query(kind="decision"))


def test_a_period_has_a_beginning_and_an_end(house: House) -> None:
    """The first moment counts, the last does not."""
    assert [30] == times(house, Query(tenant="globex", since=NOW + 11, until=NOW + 50))
    assert [31, 30] == times(house, Query(since=NOW + 30, until=NOW + 32))


def test_pages_hold_everything_once(house: House) -> None:
    """Of any size, also while records are added at the other end."""
    query, after, seen = Query(kind="intent"), END, []
    while True:
        with house.engine.connect() as connection:
            page = search(connection, query, after, 7)
        seen += [int(str(each.document["t"])) - NOW for each in page.records]
        after = page.last
        house.write("gw-00000003", decided(at=NOW + 1000))
        house.integrate()
        if not page.more:
            break

    assert [at for at in range(62, -1, -1) if at not in {10, 30, 50}] == seen


def test_records_can_be_counted_before_they_are_read(house: House) -> None:
    """All of them, also where two common terms never meet."""
    asked = (Query(kind="intent"), Query(kind="policy"), Query(tenant="acme", route="local"), Query(app="nobody"))
    with house.engine.connect() as connection:
        assert [60, 1, 0, 0] == [count(connection, each) for each in asked]


@pytest.mark.parametrize(("after", "position"), [("17", 17), ("1795000000000000-17", 17), ("9" * 19, END)])
def test_links_of_earlier_versions_lead_on(after: str, position: int) -> None:
    """They told a time beside the position."""
    assert position == position_in(after)


@pytest.mark.parametrize("after", ["", "-", "17-", "x", "-1-x", "9" * 5000])
def test_links_that_make_no_sense_are_refused(after: str) -> None:
    """Whatever somebody writes there, however long."""
    with pytest.raises(ValueError, match=r"page begins|Exceeds the limit"):
        position_in(after)


def test_what_is_found_is_counted_by_another_field(house: House) -> None:
    """All of it; of a term that nothing has, nothing."""
    with house.engine.connect() as connection:
        assert Counted(3, Counter({"local": 3})) == split(connection, "route", Query(tenant="globex"))
        assert {"local": 3, "external-transformed": 60} == split(connection, "route", Query(kind="decision")).values
        assert Counted(1, Counter()) == split(connection, "route", Query(kind="policy"))
        assert Counted(0, Counter()) == split(connection, "route", Query(app="nobody"))


def test_a_period_is_counted_by_span_and_by_two_fields(house: House) -> None:
    """Of all tenants, or of one; values in another order of letters than others are not left out."""
    period = Query(kind="decision", since=NOW + 10, until=NOW + 40)
    with house.engine.connect() as connection:
        spans = tally(connection, "route", period, 15)
        pairs, by_app = crossed(connection, ["class", "app"], "route", period)
        (of_one,) = crossed(connection, ["app"], "route", Query(kind="decision", tenant="globex"))
        (nobody,) = crossed(connection, ["app"], "route", Query(tenant="nobody"))

    of_most = {("external-transformed", 0): 14, ("external-transformed", 1): 14}
    assert {("local", 0): 1, ("local", 1): 1, **of_most} == spans
    assert {("phi", "local"): 2, ("pii", "external-transformed"): 28} == pairs
    assert {("triage", "local"): 2, ("claims-bot", "external-transformed"): 28} == by_app
    assert ({("triage", "local"): 3}, {}) == (of_one, nobody)


def test_the_index_can_be_built_again(house: House) -> None:
    """It is derived: emptied, it is filled with the same."""
    before = contents(house)
    with house.engine.begin() as connection:
        rebuild(connection)
    assert [[], [], []] == contents(house)[:3]
    house.integrate()

    assert before[:3] == contents(house)[:3]


def test_an_upgrade_has_the_index_built_anew(house: House) -> None:
    """From the rows that there were before to bitmaps: first nothing is found, then all, by what keeps the tree."""
    before = contents(house)
    with house.engine.begin() as connection:
        command.downgrade(migration_config(connection), "0011")
    assert [(0,)] == house.rows("SELECT position FROM search_progress")
    upgrade(house.engine)
    assert [] == times(house, Query())
    house.integrate()

    assert before == contents(house)


def test_an_index_that_breaks_off_anywhere_is_whole(house: House) -> None:
    """As it was before the batch or after it, whichever statement is the last: then it is completed."""
    expected = contents(house)
    with house.engine.begin() as connection:
        rebuild(connection)
    size, empty, broken = int(str(house.rows("SELECT count(*) FROM tree_entries")[0][0])), contents(house), 0

    def breaks(*seen: object) -> None:
        nonlocal left
        left -= 1
        if not left:
            raise OSError

    for number in itertools.count(1):
        left = number
        event.listen(house.engine, "before_cursor_execute", breaks)
        try:
            with house.engine.connect() as connection:
                index_next(connection, size, contextlib.nullcontext())
            break
        except OSError:
            broken += 1
            assert empty == contents(house)
        finally:
            event.remove(house.engine, "before_cursor_execute", breaks)

    assert broken > 5
    assert expected[:3] == contents(house)[:3]


def test_what_is_dropped_while_it_is_indexed_is_not_found(house: House) -> None:
    """Read before it was dropped, written after: the batch does not count, and the next one knows."""
    size = int(str(house.rows("SELECT count(*) FROM tree_entries")[0][0]))
    with house.engine.begin() as connection:
        rebuild(connection)

    @contextlib.contextmanager
    def dropping() -> Iterator[None]:
        with house.engine.begin() as other:
            other.execute(delete(records).where(records.c.tenant == "globex"))
            forget(other, [11, 31, 51])
        yield

    with house.engine.connect() as connection:
        index_next(connection, size, dropping())
        before = count(connection, Query(kind="decision"))
        index_next(connection, size, contextlib.nullcontext())

        assert [0, 60, 0] == [before, count(connection, Query(kind="decision")), count(connection, Query(app="triage"))]
