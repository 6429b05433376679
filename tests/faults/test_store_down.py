"""The store fails in seven ways, and loses connections around commits: nothing is sent, nothing is lost."""

from __future__ import annotations

import asyncio
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from sqlalchemy import event

from gateway.adapters.database import DatabaseUnfit, open_database
from gateway.adapters.sql_chain import Chain
from gateway.adapters.sql_ledger import SqlLedger
from gateway.domain.errors import GatewayFault
from gateway.testing.stand_in import StandIn
from tests.adapters.ledger_house import house_at
from tests.adapters.test_ledger_tree import Watch, ledger_of
from tests.adapters.test_sql_audit import audited
from tests.evidence import activated, decided
from tests.faults.door import INSIDE, OUTSIDE, ask, door, ledger_on
from tests.faults.proxy import Manner
from tests.faults.shim import FULL
from tests.faults.store import WAYS, Store, stores

DEADLINE_MS = 250
CUTS = 200 if FULL else 10


@pytest.fixture(scope="module")
def fresh() -> Iterator[Callable[[], Store]]:
    """One server for all of these tests."""
    with stores() as made:
        yield made


@pytest.fixture
def broken(fresh: Callable[[], Store]) -> Store:
    """A store that a test may break."""
    return fresh()


async def test_nothing_is_sent_while_the_store_is_down(broken: Store, tmp_path: Path) -> None:
    """In each of seven ways: 503 for what would leave and for what would stay, no byte at the provider; mended, it
    serves again by itself. All that was ever sent is in the ledger, which is sound."""
    engine = open_database(broken.url)
    ledger = ledger_on(engine, tmp_path, deadline_ms=DEADLINE_MS)
    await started(ledger)
    told: dict[str, tuple[object, ...]] = {}
    slowest = 0.0
    with StandIn() as provider:
        async with door(ledger, provider) as client:
            for way in WAYS:
                await until_it_serves(client)
                before = len(provider.requests)
                await asyncio.to_thread(broken.fail, way)
                answers = []
                for said in (OUTSIDE, INSIDE):
                    began = asyncio.get_running_loop().time()
                    answers.append(await ask(client, said))
                    slowest = max(slowest, asyncio.get_running_loop().time() - began)
                told[way] = (*(code_of(each) for each in answers), len(provider.requests) - before)
                await asyncio.to_thread(broken.mend, way)
            await until_it_serves(client)
        sent = len(provider.requests)
    await ledger.close()
    engine.dispose()

    assert dict.fromkeys(WAYS, ((503, "ledger_unavailable"), (503, "ledger_unavailable"), 0)) == told
    assert not FULL or slowest < DEADLINE_MS / 1000 + 1, slowest
    with house_at(broken.owner_url, tmp_path) as house:
        ended = Counter(house.rows("SELECT count(*) FROM records WHERE kind = 'outcome' GROUP BY decision_id"))
        assert {(1,)} == set(ended), "one outcome a decision"
        [(intents,)] = house.rows("SELECT count(*) FROM records WHERE kind = 'intent'")
        assert int(str(intents)) >= sent
        house.integrate()
        assert {} == audited(house).found


@pytest.mark.parametrize("pragma", ["max_page_count = 1", "query_only = ON"], ids=["full", "read-only"])
async def test_nothing_is_sent_while_sqlite_takes_nothing(tmp_path: Path, pragma: str) -> None:
    """A full or read-only file: as above, over the embedded database."""

    def broken(connection: sqlite3.Connection, _: object) -> None:
        connection.execute(f"PRAGMA {pragma}").close()

    with house_at(f"sqlite:///{tmp_path}/gateway.db", tmp_path) as house, StandIn() as provider:
        ledger = ledger_on(house.engine, tmp_path)
        await started(ledger)
        async with door(ledger, provider) as client:
            event.listen(house.engine, "connect", broken)
            await ledger._ask(connected_anew, 5)
            before = 0
            while (answer := await ask(client, OUTSIDE)).status_code == 200:  # SQLite fills the pages that it has
                before = len(provider.requests)
            told = [code_of(answer), code_of(await ask(client, INSIDE))]
            sent = len(provider.requests)
            event.remove(house.engine, "connect", broken)
            await ledger._ask(connected_anew, 5)
            assert 200 == (await ask(client, OUTSIDE)).status_code
        await ledger.close()
        house.integrate()

        assert [(503, "ledger_unavailable")] * 2 == told
        assert before == sent
        assert {} == audited(house).found


def connected_anew(chain: Chain) -> tuple[str, ...]:
    """The chain gives up its connection."""
    chain.close()
    return ()


async def test_an_old_copy_lets_nothing_out_until_it_is_acknowledged(tmp_path: Path) -> None:
    """Signed records vanish under a gateway that serves: 503 and no byte at the provider; no other one starts on them;
    once the loss is acknowledged, the next one serves. The control: the request before."""
    with house_at(f"sqlite:///{tmp_path}/gateway.db", tmp_path) as house, StandIn() as provider:
        watch = Watch()
        ledger = ledger_of(house, observer=watch)
        await ledger.start()
        async with door(ledger, provider) as client:
            assert 200 == (await ask(client, OUTSIDE)).status_code
            await watch.until(size=3)
            assert ledger._tree is not None
            ledger._tree._integrator._term = None
            for table, column in (("tree_entries", "position"), ("checkpoints", "size")):
                house.change(f"DELETE FROM {table} WHERE {column} > 0")
            await asyncio.to_thread(ledger._tree._thread.join, 60)
            told = [code_of(await ask(client, said)) for said in (OUTSIDE, INSIDE)]
        await ledger.close()
        with pytest.raises(DatabaseUnfit, match="gateway ledger acknowledge"):
            await ledger_of(house).start()
        sent = len(provider.requests)
        house.signer().acknowledge()
        last = ledger_of(house)
        await last.start()
        async with door(last, provider) as client:
            assert 200 == (await ask(client, OUTSIDE)).status_code
        await last.close()

        assert ([(503, "ledger_unavailable")] * 2, 1) == (told, sent)


async def test_an_early_acknowledgement_is_seen(broken: Store, tmp_path: Path) -> None:
    """The control: a ledger that acknowledges before it writes lets bytes out while the store is cut off."""
    engine = open_database(broken.url)
    ledger = ledger_on(engine, tmp_path, eager=True)
    await ledger.start(announce=False)
    with StandIn() as provider:
        async with door(ledger, provider) as client:
            await ask(client, OUTSIDE)
            await asyncio.to_thread(broken.fail, "cut off")
            assert 200 == (await ask(client, OUTSIDE)).status_code
        assert 2 == len(provider.requests)
    await ledger.close()
    engine.dispose()


async def cut(broken: Store, ledger: SqlLedger, times: int) -> list[str]:
    """So many decisions whose commits are cut, before and after in turn, each followed by one that succeeds. The ids of
    the first kind; each of them was refused, so that nothing is sent for it."""
    doubtful = []
    for number in range(times):
        evidence = decided()
        doubtful.append(evidence.decision_id)
        broken.proxy.become((Manner.CUT_BEFORE_COMMIT, Manner.CUT_AFTER_COMMIT)[number % 2])
        with pytest.raises(GatewayFault, match="ledger_unavailable"):
            await ledger.append(evidence)
        broken.proxy.become(Manner.OPEN)
        await ledger.append(decided())
    return doubtful


async def test_a_commit_that_nobody_heard_of_is_made_good(broken: Store, tmp_path: Path) -> None:
    """The connection is cut between COMMIT and its reply: refused; no record twice; what did get in says `not_sent`."""
    engine = open_database(broken.url)
    ledger = ledger_on(engine, tmp_path)
    await started(ledger)
    doubtful = await cut(broken, ledger, CUTS)
    await ledger.close()
    engine.dispose()

    with house_at(broken.owner_url, tmp_path) as house:
        kinds = {each: [] for each in doubtful}
        for decision, kind in house.rows("SELECT decision_id, kind FROM records ORDER BY sequence"):
            kinds.get(str(decision), []).append(kind)
        assert [[], ["intent", "outcome"]] * (CUTS // 2) == list(kinds.values())
        house.integrate()
        assert set(audited(house).open_intents).isdisjoint(doubtful)


async def test_a_commit_that_is_not_made_good_is_seen(
    broken: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: a chain that does not look back leaves an intent without an outcome."""
    monkeypatch.setattr(Chain, "_owed", lambda *_: [])
    engine = open_database(broken.url)
    ledger = ledger_on(engine, tmp_path)
    await started(ledger)
    doubtful = await cut(broken, ledger, 2)
    await ledger.close()
    engine.dispose()

    with house_at(broken.owner_url, tmp_path) as house:
        house.integrate()
        assert doubtful[1] in audited(house).open_intents


async def started(ledger: SqlLedger) -> None:
    """Started, and with the policy of these tests announced."""
    await ledger.start(announce=False)
    for digest in ("0" * 64, "ab" * 32):
        await ledger._append(activated(f"sha256:{digest}"), 20)


async def until_it_serves(client: httpx.AsyncClient) -> None:
    """Ask until a request is answered. Each try is as long as the deadline."""
    async with asyncio.timeout(120):
        status = 0
        while status != 200:
            status = (await ask(client, OUTSIDE)).status_code


def code_of(answer: httpx.Response) -> tuple[int, str]:
    """Status and code of an error."""
    return answer.status_code, answer.json()["error"]["code"]
