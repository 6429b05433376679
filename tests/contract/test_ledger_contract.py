"""What every ledger promises: the one in memory, on SQLite and on PostgreSQL."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from gateway.adapters.database import open_database, upgrade
from gateway.adapters.ledger_key import LedgerKey
from gateway.adapters.sql_ledger import SqlLedger
from gateway.domain import _mint
from gateway.domain.clearance import ClearanceError, Permit, redeem
from gateway.domain.conversation import Operation
from gateway.domain.errors import ErrorCode, GatewayFault
from gateway.domain.evidence import Content, Decided, Route
from gateway.domain.merkle import leaf_hash
from gateway.domain.record import NO_LEAF
from gateway.domain.strict_json import parse_json
from gateway.pipeline.ports import Ledger
from gateway.testing.memory_ledger import MemoryLedger
from tests.domain.test_record import CANARY
from tests.evidence import CLOCK, SENT, activated, decided, outcome


@dataclass(frozen=True)
class Bench:
    """A ledger under test, a look at what it holds, and a way to break it."""

    ledger: Ledger
    bodies: Callable[[], Sequence[bytes]]
    break_it: Callable[[], None]

    def said(self, key: str) -> list[object]:
        """One field of each record, in the order of the chain; `None` where a kind has none."""
        documents = [parse_json(body) for body in self.bodies()]
        return [document.get(key) for document in documents if isinstance(document, dict)]


@pytest.fixture(params=["memory", "sqlite", "postgres"])
async def bench(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Bench]:
    """Each ledger in turn, empty."""
    if request.param == "memory":
        memory = MemoryLedger()
        yield Bench(memory, lambda: [record.body for record in memory.records], memory.fail)
        return
    url = f"sqlite:///{tmp_path}/gateway.db" if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    engine = open_database(url)
    upgrade(engine)
    key = LedgerKey.load(tmp_path / "ledger.key")
    ledger = SqlLedger(engine=engine, key=key, clock=CLOCK, deadline_ms=5000)
    await ledger.start(announce=False)
    yield Bench(ledger, lambda: _bodies(engine), lambda: _drop(engine))
    await ledger.close()
    engine.dispose()


def _bodies(engine: Engine) -> Sequence[bytes]:
    with engine.connect() as connection:
        return [bytes(row[0]) for row in connection.execute(text("SELECT body FROM records ORDER BY writer, sequence"))]


def _drop(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE records RENAME TO taken_away"))


async def test_records_are_kept_in_order(bench: Bench) -> None:
    """What was acknowledged first stands first."""
    intents = [decided() for _ in range(5)]
    for each in intents:
        await bench.ledger.append(each)
    await bench.ledger.append(outcome(intents[0].decision_id))
    await bench.ledger.append(activated())

    assert [*(each.decision_id for each in intents), intents[0].decision_id, None] == bench.said("id")
    assert ["intent"] * 5 + ["outcome", "policy"] == bench.said("k")


async def test_a_record_is_there_when_its_receipt_is(bench: Bench) -> None:
    """Nothing is acknowledged that is not in the ledger."""
    for count in range(1, 4):
        await bench.ledger.append(decided())

        assert count == len(bench.bodies())


async def test_records_form_a_chain(bench: Bench) -> None:
    """Contiguous sequence numbers; each record holds the leaf hash of the one before."""
    await asyncio.gather(*(bench.ledger.append(decided()) for _ in range(40)))
    bodies = bench.bodies()

    assert list(range(40)) == bench.said("s")
    assert [NO_LEAF.hex(), *(leaf_hash(body).hex() for body in bodies[:-1])] == bench.said("p")
    assert 1 == len(set(map(str, bench.said("w"))))


async def test_concurrent_appends_each_get_their_own_receipt(bench: Bench) -> None:
    """Two appends at once: two records, two receipts, each for its own decision."""
    one, other = decided(), decided(sent=Content(b"other"))
    receipts = await asyncio.gather(bench.ledger.append(one), bench.ledger.append(other))

    assert [
        (one.decision_id, hashlib.sha256(SENT).digest()),
        (other.decision_id, hashlib.sha256(b"other").digest()),
    ] == [(receipt.decision_id, receipt.digest) for receipt in receipts]
    assert receipts[0].token != receipts[1].token


def permit_for(evidence: Decided, body: bytes) -> Permit:
    """The permit of this decision for these bytes."""
    return _mint.permit(
        decision_id=evidence.decision_id, destination=evidence.destination, operation=Operation.CHAT, body=body
    )


async def test_a_receipt_clears_the_decision_that_was_recorded(bench: Bench) -> None:
    """The permit of this decision, and the exact bytes that the record commits to."""
    evidence = decided()
    permit = permit_for(evidence, SENT)
    receipt = await bench.ledger.append(evidence)

    assert (evidence.destination, Operation.CHAT, SENT) == redeem(permit.clear(receipt))


async def test_a_receipt_clears_no_other_bytes(bench: Bench) -> None:
    """The same decision with one byte changed is not what was recorded."""
    evidence = decided()
    permit = permit_for(evidence, SENT + b" ")
    receipt = await bench.ledger.append(evidence)

    with pytest.raises(ClearanceError):
        permit.clear(receipt)


async def test_a_blocked_decision_is_kept(bench: Bench) -> None:
    """A refusal is a record like any other, with nothing sent."""
    receipt = await bench.ledger.append(decided(route=Route.BLOCKED, destination="", sent=Content(b"")))

    assert ["block"] == bench.said("k")
    assert hashlib.sha256(b"").digest() == receipt.digest


async def test_a_broken_ledger_refuses(bench: Bench) -> None:
    """No record, no receipt: `ledger_unavailable`, and the health check tells."""
    await bench.ledger.append(decided())
    assert (await bench.ledger.health()).ok
    bench.break_it()

    with pytest.raises(GatewayFault) as refused:
        await bench.ledger.append(decided())
    assert ErrorCode.LEDGER_UNAVAILABLE is refused.value.code
    assert not (await bench.ledger.health()).ok


async def test_evidence_that_does_not_fit_is_refused_alone(bench: Bench) -> None:
    """Text where an id belongs is refused; the others of its batch are written, and the chain has no gap."""
    batch = [decided(), decided(app=CANARY), decided()]
    results = await asyncio.gather(*(bench.ledger.append(each) for each in batch), return_exceptions=True)

    assert [False, True, False] == [isinstance(result, GatewayFault) for result in results]
    assert [0, 1] == bench.said("s")


async def test_outcomes_of_unknown_decisions_are_kept(bench: Bench) -> None:
    """An outcome may come late, from a process that has forgotten its intent."""
    await bench.ledger.append(outcome("01JD0000000000000000000000"))

    assert ["01JD0000000000000000000000"] == bench.said("id")
