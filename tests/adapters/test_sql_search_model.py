"""The search index against a plain list, whatever is appended, ended, dropped and built again in whatever order.

Positions are spread, so that a few records lie in several blocks: what lies between counts as dropped before.
"""

from __future__ import annotations

import itertools
import random
from collections import Counter
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.adapters.sql_rows import insert_rows
from gateway.adapters.sql_search import END, Counted, count, crossed, drawn, search, split, tally
from gateway.adapters.sql_search_index import forget, index_next, rebuild
from gateway.adapters.tables import tree_entries
from gateway.domain.evidence import Content, Evidence, Result, Route
from gateway.domain.ledger_search import Query
from tests.adapters.ledger_house import House, house_at
from tests.evidence import decided, outcome

START = 1_795_000_000_000_000
TENANTS, APPS = ("acme", "globex"), ("claims", "triage", "mail")
ROUTES = (Route.EXTERNAL, Route.LOCAL)
WRITERS = itertools.count()


@dataclass(frozen=True)
class Made:
    """A decision, or the outcome of the decision at `ends`, which has a time and tenant of its own."""

    gap: int
    at: int
    tenant: str
    app: str
    route: Route
    ends: int


@dataclass
class Model:
    """What the ledger holds, by position."""

    decisions: dict[int, Made] = field(default_factory=dict)
    ids: dict[int, str] = field(default_factory=dict)
    outcomes: dict[int, int] = field(default_factory=dict)
    size: int = 0

    def found(self, query: Query) -> list[int]:
        """Where the decisions are that a query finds, the newest first."""
        ended = set(self.outcomes.values())
        return [
            position
            for position, made in sorted(self.decisions.items(), reverse=True)
            if query.since <= START + made.at < query.until
            and query.tenant in {"", made.tenant}
            and query.app in {"", made.app}
            and query.route in {"", made.route.value}
            and query.outcome in {"", "completed" if position in ended else "open"}
        ]


made = st.builds(
    Made,
    gap=st.sampled_from([1, 1, 3, 1500]),
    at=st.integers(0, 40),
    tenant=st.sampled_from(TENANTS),
    app=st.sampled_from(APPS),
    route=st.sampled_from(ROUTES),
    ends=st.integers(0, 30),
)
steps = st.lists(
    st.one_of(
        st.lists(made, min_size=1, max_size=12),
        st.tuples(st.integers(0, 12_000), st.sampled_from(("", *TENANTS))),
        st.just("rebuild"),
    ),
    min_size=1,
    max_size=4,
)
queries = st.builds(
    Query,
    kind=st.just("decision"),
    since=st.one_of(st.just(0), st.integers(0, 45).map(lambda at: START + at)),
    until=st.one_of(st.just(2**62), st.integers(0, 45).map(lambda at: START + at)),
    tenant=st.sampled_from(("", *TENANTS, "nobody")),
    app=st.sampled_from(("", *APPS)),
    route=st.sampled_from(("", *(each.value for each in ROUTES))),
    outcome=st.sampled_from(("", "open", "completed")),
)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """One database for all ledgers: what is not in the tree is nowhere."""
    folder = tmp_path_factory.mktemp("model")
    with house_at(f"sqlite:///{folder}/gateway.db", folder) as opened:
        yield opened


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=steps, asked=st.lists(queries, min_size=2, max_size=4), limit=st.integers(2, 8), width=st.integers(1, 20))
def test_the_index_finds_what_a_plain_list_finds(
    house: House, steps: list[list[Made] | tuple[int, str] | str], asked: list[Query], limit: int, width: int
) -> None:
    """Pages, counts, tallies and samples, for any bounds of time, to the microsecond, whatever the order of times."""
    model = Model()
    with house.engine.begin() as connection:
        connection.execute(tree_entries.delete())
        rebuild(connection)
    for step in steps:
        match step:
            case str():
                with house.engine.begin() as connection:
                    rebuild(connection)
            case (int(upto), str(held)):
                drop(house, model, upto, held)
            case _:
                add(house, model, step)
        with house.engine.connect() as connection:
            while index_next(connection, model.size, nullcontext()):
                pass
        for query in asked:
            compare(house, model, query, limit, width)


def add(house: House, model: Model, records: list[Made]) -> None:
    """Append them, and bring them into the tree with gaps between them."""
    evidence: list[Evidence] = []
    places: list[int] = []
    for each in records:
        model.size += each.gap
        position = model.size - 1
        open_ones = sorted(model.decisions.keys() - set(model.outcomes.values()))
        if each.ends < len(open_ones):
            ended = open_ones[each.ends]
            model.outcomes[position] = ended
            tenant = model.decisions[ended].tenant
            evidence.append(outcome(model.ids[ended], tenant=tenant, at=START + each.at, result=Result.COMPLETED))
        else:
            sent = {} if each.route is Route.EXTERNAL else {"destination": "vllm", "sent": Content(b"")}
            one = decided(at=START + each.at, tenant=each.tenant, app=each.app, route=each.route, **sent)
            model.decisions[position], model.ids[position] = each, one.decision_id
            evidence.append(one)
        places.append(position)
    writer = f"gw-{next(WRITERS):08x}"
    house.write(writer, *evidence)
    with house.engine.begin() as connection:
        insert_rows(connection, tree_entries, [(place, writer, n, b"") for n, place in enumerate(places)])


def drop(house: House, model: Model, upto: int, held: str) -> None:
    """What retention does, but for a tenant on hold."""
    gone = [place for place, each in model.decisions.items() if place < upto and each.tenant != held]
    gone += [
        place for place, of in model.outcomes.items()
        if place < upto and (of not in model.decisions or model.decisions[of].tenant != held)
    ]  # fmt: skip
    with house.engine.begin() as connection:
        for place in gone:
            connection.exec_driver_sql(
                "DELETE FROM records WHERE (writer, sequence) IN"
                " (SELECT writer, sequence FROM tree_entries WHERE position = ?)",
                (place,),
            )
        forget(connection, gone)
    for place in gone:
        model.decisions.pop(place, None)
        model.outcomes.pop(place, None)


def compare(house: House, model: Model, query: Query, limit: int, width: int) -> None:
    """All that is asked of the index."""
    expected = model.found(query)
    has = {place: model.decisions[place] for place in expected}
    since = query.since
    with house.engine.connect() as connection:
        pages = [search(connection, query, END, limit)]
        while pages[-1].more:
            pages.append(search(connection, query, pages[-1].last, limit))
        sample = drawn(connection, [query], limit, random.Random(7))

        assert expected == [each.position for page in pages for each in page.records]
        assert all(len(page.records) == limit for page in pages[:-1])
        assert len(expected) == count(connection, query)
        assert Counted(len(has), Counter(each.route.value for each in has.values())) == split(
            connection, "route", query
        )
        assert (Counter((each.app, each.route.value) for each in has.values()),) == crossed(
            connection, ["app"], "route", query
        )
        assert Counter((each.app, (START + each.at - since) // width) for each in has.values()) == tally(
            connection, "app", query, width
        )
        assert len({each.position for each in sample} & set(expected)) == min(limit, len(expected)) == len(sample)
