"""The ledger verifies itself: by one process, when it is due, and what it came to is a record."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from gateway.adapters import ledger_verification
from gateway.adapters.ledger_verification import ASKED, LedgerVerification, Question, is_overdue
from gateway.adapters.rounds import Rounds
from gateway.adapters.sql_ledger import SqlLedger
from gateway.adapters.verification_worker import verified
from gateway.clock import SystemClock
from gateway.domain.evidence import Event, EventKind
from gateway.pipeline.ports import Clock
from tests.adapters.ledger_house import House, house_at
from tests.adapters.test_ledger_tree import Watch
from tests.evidence import CLOCK

DAY_S = 86_400


class Later(SystemClock):
    """A clock that a test moves on, in seconds."""

    ahead = 0

    def now(self) -> int:
        """Later than it is."""
        return super().now() + self.ahead * 1_000_000


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A ledger of a few records, signed."""
    with house_at(f"sqlite:///{tmp_path}/gateway.db", tmp_path) as made:
        made.fill(3)
        made.integrate()
        yield made


@pytest_asyncio.fixture
async def ledger(house: House) -> AsyncIterator[SqlLedger]:
    """That of a process which leads, as it is the only one."""
    watch = Watch()
    made = ledger_of(house, Later(), watch)
    await made.start()
    await watch.until(size=9)
    assert made.leads
    yield made
    await made.close()


def ledger_of(house: House, clock: Clock, watch: Watch | None = None) -> SqlLedger:
    """A ledger that integrates, not started."""
    return SqlLedger(
        engine=house.engine, key=house.key, clock=clock, deadline_ms=5000, signer=house.signer(), observer=watch
    )


def verification(house: House, ledger: SqlLedger, clock: Clock, interval_s: float = DAY_S) -> LedgerVerification:
    """One of a process."""
    return LedgerVerification(Question(house.engine, house.signer().public_key), ledger, clock, interval_s)


def verdicts(house: House) -> list[str]:
    """What is recorded of verifications, in the order of time."""
    found = house.rows("SELECT body FROM records WHERE kind = 'admin' ORDER BY at")
    actions = [json.loads(bytes(body))["action"] for (body,) in found]  # type: ignore[call-overload]
    return [each for each in actions if each != ASKED]


async def test_it_is_verified_when_that_is_due_and_not_before(house: House, ledger: SqlLedger) -> None:
    """Once where nothing is recorded; then not until the interval is over; and every process knows."""
    clock = Later()
    own, other = verification(house, ledger, clock), verification(house, ledger, clock)
    assert not own.unsound
    await own.look()
    await own.look()
    assert ["verified_sound"] == verdicts(house)
    clock.ahead = DAY_S - 60
    await own.look()
    assert ["verified_sound"] == verdicts(house)
    clock.ahead = DAY_S + 60
    await own.look()
    assert ["verified_sound"] * 2 == verdicts(house)
    assert not own.overdue
    clock.ahead = 4 * DAY_S
    assert own.overdue
    assert other.overdue


async def test_an_altered_row_is_found_without_a_command(house: House, ledger: SqlLedger) -> None:
    """And the metric says so in every process."""
    house.change("UPDATE records SET app = 'other' WHERE sequence = 2 AND writer = 'gw-00000001'")
    own = verification(house, ledger, CLOCK)
    await own.look()

    assert ["verified_altered"] == verdicts(house)
    assert own.unsound


async def test_whoever_does_not_lead_verifies_nothing(house: House, ledger: SqlLedger) -> None:
    """It learns from the records what the other one found."""
    second = ledger_of(house, CLOCK)
    await second.start()
    other = verification(house, second, CLOCK)
    await other.look()
    assert [] == verdicts(house)
    await second.close()


async def test_somebody_who_asks_does_not_wait_for_the_interval(house: House, ledger: SqlLedger) -> None:
    """Nor is it done again for the same wish; without an interval, only for a wish."""
    clock = Later()
    own = verification(house, ledger, clock, interval_s=0)
    await own.look()
    assert [] == verdicts(house)
    clock.ahead = 1
    await ledger.append(Event(kind=EventKind.ADMIN, at=clock.now(), action=ASKED, subject=""))
    await asyncio.to_thread(until_indexed, house)
    clock.ahead = 2
    await own.look()
    await own.look()
    assert ["verified_sound"] == verdicts(house)
    assert not own.overdue


async def test_a_child_that_dies_says_nothing_of_the_ledger(
    house: House, ledger: SqlLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is tried again before the interval is over, but not at once."""
    clock = Later()
    own = verification(house, ledger, clock)
    with monkeypatch.context() as broken:
        broken.setattr(ledger_verification, "_WORKER", "gateway.adapters.no_such_worker")
        await own.look()
    await own.look()
    assert ["verified_cannot_judge"] == verdicts(house)
    assert own.unsound
    clock.ahead = 3600
    await own.look()
    assert ["verified_cannot_judge", "verified_sound"] == verdicts(house)


def test_a_sound_verdict_ages() -> None:
    """After two intervals; never where the gateway does not verify by itself."""
    assert not is_overdue(100, 120, 10)
    assert is_overdue(100, 121, 10)
    assert not is_overdue(100, 10**15, 0)


def until_indexed(house: House) -> None:
    """Wait until all that is written can be found; the ledger's own thread sees to it."""
    unseen = True
    while unseen:
        [(unseen,)] = house.rows(
            "SELECT count(*) > (SELECT coalesce(max(position), 0) FROM search_progress) FROM records"
        )  # type: ignore[assignment]


def test_a_living_ledger_is_not_incomplete_for_its_newest_records(house: House) -> None:
    """They are signed while it is looked at; where nobody signs them, it stays incomplete."""
    house.fill(1, "gw-00000002")
    url, key = house.engine.url.render_as_string(), house.signer().public_key
    assert {"unsigned": 1} == verified(url, key, []).found
    house.integrate()
    assert {} == verified(url, key, []).found


async def test_rounds_go_on_after_a_look_that_failed() -> None:
    """And a hurry does not wait for the pause."""
    looks = asyncio.Queue[int]()

    async def look() -> None:
        looks.put_nowait(1)
        raise ValueError

    rounds = Rounds("test", look, pause_s=3600)
    rounds.start()
    for _ in range(2):
        rounds.hurry()
        await asyncio.wait_for(looks.get(), 20)
    await rounds.stop()
    assert looks.empty()
