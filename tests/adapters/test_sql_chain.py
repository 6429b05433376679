"""One writer's chain, without the thread around it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, event, text
from sqlalchemy.exc import SQLAlchemyError

from gateway.adapters.database import open_database, upgrade
from gateway.adapters.sql_chain import Chain, Written, may_send, not_sent
from gateway.adapters.sql_open_intents import MARK_EVERY
from gateway.domain.evidence import Content, Evidence, Result, Route
from gateway.domain.record_schema import RecordError
from tests.evidence import CLOCK, SENT, activated, decided, outcome

WRITER = "gw-00000001"


@pytest.fixture(params=["sqlite", "postgres"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """An empty database of each kind."""
    url = f"sqlite:///{tmp_path}/gateway.db" if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    made = open_database(url)
    upgrade(made)
    yield made
    made.dispose()


@pytest.fixture
def chain(engine: Engine) -> Iterator[Chain]:
    """A chain on it."""
    made = Chain(engine, WRITER, CLOCK.now)
    yield made
    made.close()


def sequences(engine: Engine) -> list[int]:
    """The numbers of the records."""
    with engine.connect() as connection:
        return list(connection.execute(text("SELECT sequence FROM records ORDER BY sequence")).scalars())


def test_a_batch_is_one_statement_a_table_and_one_transaction(engine: Engine, chain: Chain) -> None:
    """However many records, the committer crosses to the database as often as for one."""
    chain.write([decided()])
    seen: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda _c, _k, statement, *_rest: seen.append(statement))
    event.listen(engine, "commit", lambda _: seen.append("commit"))
    chain.write([decided() for _ in range(200)])

    assert ["INSERT INTO records", "INSERT INTO record_salts", "commit"] == [s.split(" (")[0] for s in seen]
    assert list(range(201)) == sequences(engine)


def test_results_stand_beside_the_evidence(chain: Chain) -> None:
    """One result for each, in order; a refused one among them takes no number."""
    first, wrong, last = chain.write([decided(), decided(tenant="Jane Roe"), activated()])

    assert isinstance(first, Written)
    assert isinstance(wrong, RecordError)
    assert isinstance(last, Written)
    assert (0, 1) == (first.record.sequence, last.record.sequence)
    assert hashlib.sha256(SENT).digest() == first.digest


def test_a_tenant_that_is_refused_gets_no_key(engine: Engine, chain: Chain) -> None:
    """A text in the tenant's place does not reach the table of keys either."""
    chain.write([decided(tenant="Jane Roe")])

    with engine.connect() as connection:
        assert 0 == connection.execute(text("SELECT count(*) FROM commitment_keys")).scalar_one()


def test_a_new_connection_finds_the_end_of_the_chain(engine: Engine, chain: Chain) -> None:
    """The link goes on after a lost connection."""
    [before] = chain.write([decided()])
    chain.close()
    [after] = chain.write([decided()])

    assert isinstance(before, Written)
    assert isinstance(after, Written)
    assert before.record.leaf.hex().encode() in after.record.body
    assert [0, 1] == sequences(engine)


def test_a_probe_leaves_nothing_behind(engine: Engine, chain: Chain) -> None:
    """It writes and takes back."""
    chain.probe()
    chain.write([decided()])
    chain.probe()

    assert [0] == sequences(engine)


def test_a_probe_of_a_table_that_is_gone_fails(engine: Engine, chain: Chain) -> None:
    """The control: a probe that cannot fail would say nothing."""
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE records"))

    with pytest.raises(SQLAlchemyError):
        chain.probe()


def test_open_intents_are_those_of_the_dead_without_an_ending(engine: Engine, chain: Chain) -> None:
    """Neither ended ones, nor decisions that sent nothing outside; on PostgreSQL, none of a writer that lives."""
    ended, lost = decided(), decided()
    chain.write([ended, lost, outcome(ended.decision_id), decided(route=Route.LOCAL, sent=Content(b""))])
    successor = Chain(engine, "gw-00000002", CLOCK.now)
    while_it_lives = successor.open_intents()
    chain.close()

    assert [lost.decision_id] == successor.open_intents()
    assert while_it_lives == ([] if engine.dialect.name == "postgresql" else [lost.decision_id])
    successor.close()


def test_a_start_looks_no_further_back_than_it_must(engine: Engine, chain: Chain) -> None:
    """A writer marks up to where nothing of it is open; its successor looks from there on, and marks it all."""
    lost = decided()
    for each in (*settled(MARK_EVERY // 4) * 4, [lost], *settled(MARK_EVERY) * 2):
        chain.write(each)
    assert {WRITER: 2 * MARK_EVERY} == marks(engine), "not past the one that is open"
    chain.close()

    successor = Chain(engine, "gw-00000002", CLOCK.now)
    assert [lost.decision_id] == successor.open_intents()
    successor.settle()
    assert marks(engine) == {WRITER: 6 * MARK_EVERY + 1}
    assert [] == successor.open_intents()
    successor.close()


def settled(count: int) -> list[list[Evidence]]:
    """A batch of so many decisions, each with its outcome."""
    return [[each for decision in [decided()] * count for each in (decision, outcome(decision.decision_id))]]


def marks(engine: Engine) -> dict[str, int]:
    """Up to where each writer is settled."""
    with engine.connect() as connection:
        return {str(writer): int(mark) for writer, mark in connection.execute(text("SELECT * FROM writer_marks"))}


def test_only_what_acts_owes_an_outcome() -> None:
    """External and local decisions do; a refusal, an outcome and an event do not."""
    assert [True, True, True, False] == [may_send(decided(route=route)) for route in Route]
    assert not may_send(activated())


def test_not_sent_speaks_of_the_decision() -> None:
    """Its id and tenant, and that nothing was sent."""
    evidence = decided()
    owed = not_sent(evidence, evidence.at + 5)

    assert (evidence.decision_id, "acme", Result.NOT_SENT, 5) == (
        owed.decision_id,
        owed.tenant,
        owed.result,
        owed.duration,
    )
