"""Finding decisions by everything that is recorded of them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from gateway.adapters import sql_search
from gateway.adapters.sql_search import END, Counted, count, crossed, rebuild, search, split, tally
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
    with house.engine.connect() as connection:
        asked = [
            sql_search.rarest_first(connection, terms) for terms in (("app:triage",), ("kind:decision", "app:triage"))
        ]
    assert asked[0] == asked[1]


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


@pytest.mark.parametrize(("other", "limit"), [({"route": "local"}, 3), ({"label": "confidential"}, 30)])
def test_terms_that_never_meet_cost_so_much_and_no_more(
    house: House, monkeypatch: pytest.MonkeyPatch, other: dict[str, str], limit: int
) -> None:
    """A page looks at so many entries, says how far it got, and the next one goes on there: all is found, once."""
    asked = Query(tenant="acme", **other)
    expected = times(house, asked)
    monkeypatch.setattr(sql_search, "LOOKED_AT", 5)
    with house.engine.connect() as connection:
        pages = [search(connection, asked, END, limit)]
        while pages[-1].more:
            pages.append(search(connection, asked, pages[-1].last, limit))
    found = [int(str(each.document["t"])) - NOW for page in pages for each in page.records]

    assert expected == found
    assert len(pages) > len(found) / 5
    assert not any(page.whole for page in pages[:-1])
    assert all(before.last.position > after.last.position for before, after in pairwise(pages[:-1]))


def test_records_can_be_counted_before_they_are_read(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of them, or up to a limit; what never meets, no further than a page of a search looks."""
    intents, apart = Query(kind="intent"), Query(tenant="acme", route="local")
    with house.engine.connect() as connection:
        assert [Counted(60, whole=True), Counted(60, whole=False), Counted(5, whole=False)] == [
            count(connection, intents, most) for most in (61, 60, 5)
        ]
        assert Counted(1, whole=True) == count(connection, Query(kind="policy"))
        assert Counted(0, whole=True) == count(connection, apart)
        monkeypatch.setattr(sql_search, "LOOKED_AT", 2)
        assert Counted(0, whole=False) == count(connection, apart)
        assert {"local": 2} == split(connection, "route", Query(tenant="globex", route="local"), 100)


def test_what_is_found_is_counted_by_another_field(house: House) -> None:
    """Over all of it, or up to a limit; of a term that nothing has, nothing."""
    with house.engine.connect() as connection:
        assert {"local": 3} == split(connection, "route", Query(tenant="globex"), 100)
        assert {"local": 3, "external-transformed": 60} == split(connection, "route", Query(kind="decision"), 100)
        assert 5 == split(connection, "route", Query(kind="decision"), 5).total()
        assert not split(connection, "route", Query(app="nobody"), 100)


def test_a_period_is_counted_by_span_and_by_two_fields(house: House) -> None:
    """Of all tenants, or of one; values in another order of letters than others are not left out."""
    period = Query(kind="decision", since=NOW + 10, until=NOW + 40)
    with house.engine.connect() as connection:
        spans = tally(connection, "route", period, 15)
        pairs = crossed(connection, "class", "route", period)
        of_one = crossed(connection, "app", "route", Query(kind="decision", tenant="globex"))
        nobody = crossed(connection, "app", "route", Query(tenant="nobody"))

    of_most = {("external-transformed", 0): 14, ("external-transformed", 1): 14}
    assert {("local", 0): 1, ("local", 1): 1, **of_most} == spans
    assert {("phi", "local"): 2, ("pii", "external-transformed"): 28} == pairs
    assert ({("triage", "local"): 3}, {}) == (of_one, nobody)


def test_the_index_can_be_built_again(house: House) -> None:
    """It is derived: emptied, it is filled with the same."""
    before = sorted(house.rows("SELECT term, at, position FROM search_entries"))
    with house.engine.begin() as connection:
        rebuild(connection)
    assert [] == house.rows("SELECT 1 FROM search_entries")
    house.integrate()

    assert before == sorted(house.rows("SELECT term, at, position FROM search_entries"))
