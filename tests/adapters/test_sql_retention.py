"""What is deleted, recorded first: retention, erasure and the hold that blocks both. The ledger verifies after each."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from gateway.adapters.sql_audit import auditing
from gateway.adapters.sql_keys import SqlKeys
from gateway.adapters.sql_ledger import SqlLedger
from gateway.adapters.sql_records import of_decision, opening_of
from gateway.adapters.sql_retention import EVERYONE, OnHold, Retention
from gateway.adapters.sql_search import count
from gateway.domain.evidence import Decided
from gateway.domain.ledger_search import Query
from gateway.verifier.checks import Verification
from gateway.verifier.findings import Report, Verdict
from tests.adapters.ledger_house import House, house_at
from tests.evidence import CLOCK, SENT, activated, decided, outcome

DAY = 86_400_000_000
OLD, NEW = 1_795_000_000_000_000, 1_795_000_000_000_000 + 40 * DAY


@pytest.fixture(params=["sqlite", "postgres"])
def house(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[House]:
    """Old and new decisions of two tenants, all signed."""
    url = f"sqlite:///{tmp_path}/gateway.db" if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    with house_at(url, tmp_path) as made:
        made.write("gw-00000001", activated())
        for number, at in enumerate((OLD, OLD + DAY, NEW)):
            for tenant in ("acme", "globex"):
                each = decided(at=at, tenant=tenant, who=f"key{number}00000000")
                made.write("gw-00000001", each, outcome(each.decision_id, at=at, tenant=tenant))
        made.integrate()
        yield made


@pytest.fixture
async def ledger(house: House) -> AsyncIterator[SqlLedger]:
    """What orders are recorded in."""
    made = SqlLedger(engine=house.engine, key=house.key, clock=CLOCK, deadline_ms=5000)
    await made.start(announce=False)
    yield made
    await made.close()


def audited(house: House) -> Report:
    """Everything signed, then verified."""
    house.integrate()
    with auditing(house.engine) as source:
        return Verification(source, house.public).run()


async def test_retention_drops_bodies_and_the_ledger_still_verifies(house: House, ledger: SqlLedger) -> None:
    """The old ones are gone with their salts and keys, their leaves stay, and a `prune` record accounts for them."""
    retention = Retention(house.engine, ledger)
    plan = retention.plan_prune(OLD + 30 * DAY, NEW)
    await retention.prune(plan, NEW)
    report = audited(house)

    assert (Verdict.SOUND, 8, 8) == (report.verdict, plan.count, report.dropped)
    assert [(6,)] == house.rows("SELECT count(*) FROM records")
    assert [(2,)] == house.rows("SELECT count(*) FROM record_salts")
    assert [("2026-12-28",)] == house.rows("SELECT DISTINCT day FROM commitment_keys WHERE day <> ''")
    with house.engine.connect() as connection:
        assert 2 == count(connection, Query(kind="intent"))
    assert 0 == retention.plan_prune(OLD + 30 * DAY, NEW).count


async def test_one_record_more_than_ordered_is_found(house: House, ledger: SqlLedger) -> None:
    """The control: who drops a record under cover of retention is found out."""
    retention = Retention(house.engine, ledger)
    house.change("DELETE FROM records WHERE sequence = 2")
    await retention.prune(retention.plan_prune(OLD + 30 * DAY, NEW), NEW)

    assert {"prune-exceeded": 1} == audited(house).found


@pytest.mark.parametrize(("at", "dropped", "ahead"), [(2**52, 9, 1), (NEW, 8, 0), (1, 9, 0)])
async def test_a_clock_that_jumped_does_not_stop_retention(
    house: House, ledger: SqlLedger, at: int, dropped: int, ahead: int
) -> None:
    """Behind the old ones a record from the future, and after it an old one; the control bears a time within what is
    kept. One from the past behind the young ones waits for its turn: its place, not its time, says how old it is."""
    house.change("DELETE FROM records WHERE at >= :new", new=NEW)
    for table in ("tree_entries", "checkpoints", "tree_nodes", "record_salts", "search_bitmaps"):
        house.change(f"DELETE FROM {table}")
    (house.folder / "signed").unlink()
    house.write("gw-00000001", decided(at=at))
    house.integrate()
    house.write("gw-00000001", decided(at=NEW), decided(at=1))
    house.integrate()
    retention = Retention(house.engine, ledger)
    plan = retention.plan_prune(OLD + 30 * DAY, NEW)
    await retention.prune(plan, NEW)

    assert (dropped, ahead) == (plan.count, plan.ahead)
    assert Verdict.SOUND is audited(house).verdict


async def test_an_interrupted_prune_is_taken_up(
    house: House, ledger: SqlLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Recorded and not carried out: the ledger verifies, and the next one drops what was ordered."""
    retention = Retention(house.engine, ledger)
    with monkeypatch.context() as patch:
        patch.setattr(Retention, "_drop", lambda *_: None)
        await retention.prune(retention.plan_prune(OLD + 30 * DAY, NEW), NEW)
    assert (Verdict.SOUND, 0) == (audited(house).verdict, audited(house).dropped)

    await retention.prune(retention.plan_prune(OLD + 30 * DAY, NEW), NEW)
    assert (Verdict.SOUND, 8) == (audited(house).verdict, audited(house).dropped)


async def test_a_hold_blocks_retention_and_erasure(house: House, ledger: SqlLedger) -> None:
    """Of one tenant, or of everyone; what is not held is dropped; after the release the rest is."""
    retention = Retention(house.engine, ledger)
    retention.hold("globex", NEW)
    await retention.prune(retention.plan_prune(OLD + 30 * DAY, NEW), NEW)
    held = [("globex",)] * 4
    assert held == house.rows(f"SELECT tenant FROM records WHERE at < {NEW} AND tenant <> ''")
    assert [(2,)] == house.rows(
        "SELECT count(*) FROM commitment_keys WHERE tenant = 'globex' AND day < '2026-12'  AND day <> ''"
    )
    with pytest.raises(OnHold, match="globex"):
        retention.plan_erasure(tenant="globex")
    assert Verdict.SOUND is audited(house).verdict

    assert retention.release("globex")
    retention.hold(EVERYONE, NEW)
    assert 0 == retention.plan_prune(OLD + 30 * DAY, NEW).count
    with pytest.raises(OnHold):
        retention.plan_erasure(tenant="acme")
    assert retention.release(EVERYONE)
    await retention.prune(retention.plan_prune(OLD + 30 * DAY, NEW), NEW)
    assert (Verdict.SOUND, 8) == (audited(house).verdict, audited(house).dropped)


def proves(house: House, decision_id: str) -> bool:
    """Whether it can still be shown what was sent."""
    with house.engine.connect() as connection:
        record = of_decision(connection, decision_id)[0]
        said = record.document["do"]
        assert isinstance(said, dict)
        assert isinstance(said["sent"], dict)
        return opening_of(connection, record).opens(str(said["sent"]["c"]), SENT)


async def test_erasing_a_tenant_takes_its_commitments_alone(house: House, ledger: SqlLedger) -> None:
    """Nothing of it can be proven or tied to a key any more; the other tenant's can; every record verifies."""
    ids = {t: house.rows(f"SELECT decision_id FROM records WHERE tenant = '{t}'")[0][0] for t in ("acme", "globex")}
    retention = Retention(house.engine, ledger)
    plan = retention.plan_erasure(tenant="acme")
    await retention.erase(plan, NEW)
    report = audited(house)

    assert (3, 4) == (len(plan.salts), len(plan.keys))
    assert (Verdict.SOUND, 1) == (report.verdict, report.erasures)
    assert [False, True] == [proves(house, str(ids[tenant])) for tenant in ("acme", "globex")]
    assert [] == house.rows("SELECT 1 FROM commitment_keys WHERE tenant = 'acme'")


async def test_a_lost_key_is_no_erasure(house: House, ledger: SqlLedger) -> None:
    """Keys that are gone without an order have the same effect, and verification says so, a tenant and day at a time;
    an erasure of that tenant, afterwards, accounts for them."""
    decision = str(house.rows("SELECT decision_id FROM records WHERE tenant = 'acme'")[0][0])
    house.change("DELETE FROM commitment_keys WHERE tenant = 'acme'")
    lost = audited(house)
    assert {"key-missing": 3} == lost.found
    assert lost.findings[0].where.startswith("tenant acme, day 2026-11-18, from record gw-00000001/1 at 1, decision")
    assert not proves(house, decision)

    retention = Retention(house.engine, ledger)
    await retention.erase(retention.plan_erasure(tenant="acme"), NEW)
    assert Verdict.SOUND is audited(house).verdict


async def test_erasing_a_key_takes_that_keys_requests(house: House, ledger: SqlLedger) -> None:
    """Found by their pseudonym; the key's row, which ties it to a name, goes with them."""
    made = await SqlKeys(house.engine, CLOCK).create(ledger, name="dana", tenant="acme", app="crm")
    mine, other = decided(who=made.id), decided()
    await ledger.append(mine)
    await ledger.append(other)
    retention = Retention(house.engine, ledger)
    await retention.erase(retention.plan_erasure(key_id=made.id), NEW)

    assert [False, True] == [proves(house, each.decision_id) for each in (mine, other)]
    assert [] == house.rows("SELECT 1 FROM api_keys WHERE name = 'dana'")
    with pytest.raises(KeyError):
        retention.plan_erasure(key_id=made.id)


async def test_erasing_one_decision_takes_no_other(house: House, ledger: SqlLedger) -> None:
    """And an erasure without its record is found: the control."""
    ids = [str(row[0]) for row in house.rows("SELECT decision_id FROM records WHERE kind = 'intent'")]
    retention = Retention(house.engine, ledger)
    await retention.erase(retention.plan_erasure(decision_id=ids[0]), NEW)
    assert [False, True] == [proves(house, each) for each in ids[:2]]
    assert Verdict.SOUND is audited(house).verdict

    house.change("DELETE FROM record_salts")
    assert {"salt-missing": 5} == audited(house).found


def test_a_decision_is_a_decision(house: House) -> None:
    """What nobody knows cannot be erased."""
    assert isinstance(decided(), Decided)
    with pytest.raises(KeyError):
        Retention(house.engine, None).plan_erasure(decision_id="01JD0000000000000000000000")  # type: ignore[arg-type]
