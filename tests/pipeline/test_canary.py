"""The canary: every operation and place is asked; what stays inside is clean, what gets out is told by its place."""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections.abc import Iterable
from dataclasses import replace

import pytest

from gateway.adapters.price_list import PriceList
from gateway.domain.alias import Alias
from gateway.domain.conversation import Operation
from gateway.domain.decision import Masking
from gateway.domain.evidence import SYNTHETIC, Decided
from gateway.main import DECLARATIONS
from gateway.pipeline import canary
from gateway.pipeline.canary import Canary, Inside, Sink, models_of
from gateway.pipeline.canary_probes import KINDS, PROBES
from gateway.pipeline.costs import Costing
from gateway.pipeline.excepting import Decider
from gateway.pipeline.observing import Observers
from gateway.pipeline.reading import RequestReader
from gateway.pipeline.story import Story
from gateway.testing.fake_detector import FakeDetector
from gateway.testing.memory_ledger import MemoryLedger
from gateway.testing.memory_uses import MemoryUses
from tests.domain.build import PlainAnonymizer, bundle
from tests.pipeline.test_story import FixedPolicies, TickingClock
from tests.wire.parts import Front

ALIASES = {"gpt-*": Alias("openai", "local-slm")}
OUT = [("openai", probe.operation.value, probe.place) for probe in PROBES]


class Rounds:
    """A canary over fakes, and what it told."""

    def __init__(self, detector: FakeDetector, interval_s: float = 1000.0) -> None:
        self.ledger = MemoryLedger()
        self.sink = Sink(frozenset(Operation))
        self.ended: list[tuple[str, set[tuple[str, str]]]] = []
        self.once, self.twice = asyncio.Event(), asyncio.Event()
        self.policies = FixedPolicies(bundle())
        clock, inside = TickingClock(), Inside()
        reader = RequestReader(
            declarations=lambda operation, destination: DECLARATIONS[operation],
            aliases=ALIASES,
            externals={"openai": self.sink},
            locals_={"local-slm": inside},
            decoder=lambda document, model: document,
        )
        story = Story(
            reader=reader,
            detector=detector,
            ledger=self.ledger,
            policies=self.policies,
            externals={"openai": self.sink},
            locals_={"local-slm": inside},
            decider=Decider(Masking(b"k" * 32, PlainAnonymizer()), MemoryUses()),
            costing=Costing(PriceList({}, {})),
            clock=clock,
            observer=Observers(),
        )
        self.canary = Canary(
            story=story,
            sinks={"openai": self.sink},
            models=models_of(ALIASES),
            policies=self.policies,
            clock=clock,
            observer=self,
            interval_s=interval_s,
        )

    def round_ended(self, result: str, passed: Iterable[tuple[str, str]], at: int) -> None:
        """Keep it."""
        assert at > 0
        self.ended.append((result, set(passed)))
        self.once.set()
        if len(self.ended) == 2:
            self.twice.set()

    @property
    def decisions(self) -> list[Decided]:
        """What was recorded of decisions."""
        return [each for each in self.ledger.evidence if isinstance(each, Decided)]


@pytest.fixture
def blind() -> Rounds:
    """The negative control: a detector that finds nothing, so that everything is cleared."""
    return Rounds(FakeDetector({}))


@pytest.fixture
def closed() -> Rounds:
    """A detector that fails: nothing is cleared."""
    return Rounds(FakeDetector({}, failing=True))


async def test_every_operation_and_place_is_asked(closed: Rounds) -> None:
    """Each comes to a decision, recorded under a name that no key can have; nothing reaches the sink."""
    assert "clean" == await closed.canary.round()
    await closed.canary.stop()

    assert set(Operation) == {probe.operation for probe in PROBES} == {each.operation for each in closed.decisions}
    assert len(PROBES) == len(closed.decisions)
    assert {(SYNTHETIC, SYNTHETIC)} == {(each.app, each.tenant) for each in closed.decisions}
    assert 0 == closed.sink.received
    assert [("clean", set())] == closed.ended
    assert (await closed.canary.health()).ok


async def test_a_value_that_gets_out_fails_readiness_by_its_operation_and_field(
    blind: Rounds, caplog: pytest.LogCaptureFixture
) -> None:
    """The negative control, through /readyz; nobody is told the value."""
    caplog.set_level(logging.CRITICAL, logger="gateway.canary")
    async with Front(health={"canary": blind.canary.health}).client() as caller:
        before = await caller.get("/readyz")
        result = await blind.canary.round()
        after = await caller.get("/readyz")
    await blind.canary.stop()

    assert (200, "passed", 503) == (before.status_code, result, after.status_code)
    detail = after.json()["parts"]["canary"]["detail"]
    assert detail.startswith("synthetic values got out: openai chat /messages/0/content; ")
    assert [("passed", {(operation, place) for _, operation, place in OUT})] == blind.ended
    told = [vars(record)["fields"] for record in caplog.records]
    assert OUT == [(each["destination"], each["operation"], each["field"]) for each in told]
    assert not re.search(r"\d{4}", detail + json.dumps(told))
    assert len(PROBES) == blind.sink.received


async def test_readiness_comes_back_with_a_clean_round_only(blind: Rounds) -> None:
    """A round that could not ask proves nothing; one that found nothing out does."""
    await blind.canary.round()
    blind.ledger.fail()
    assert "incomplete" == await blind.canary.round()
    assert not (await blind.canary.health()).ok

    blind.ledger.mend()
    blind.canary._story._detector.failing = True  # type: ignore[attr-defined]
    assert "clean" == await blind.canary.round()
    assert (await blind.canary.health()).ok
    await blind.canary.stop()


async def test_it_asks_on_a_timer() -> None:
    """And is not well once it has died."""
    rounds = Rounds(FakeDetector({}, failing=True), interval_s=0.0)
    rounds.canary.start()
    await rounds.twice.wait()
    well = await rounds.canary.health()
    assert rounds.canary._asking is not None
    rounds.canary._asking.cancel()
    await asyncio.wait({rounds.canary._asking})
    dead = await rounds.canary.health()
    await rounds.canary.stop()

    assert (True, False) == (well.ok, dead.ok)


async def test_a_new_policy_is_asked_about_at_once(closed: Rounds, monkeypatch: pytest.MonkeyPatch) -> None:
    """Long before the interval is over, and once."""
    monkeypatch.setattr(canary, "LOOK_S", 0.0)
    closed.canary.start()
    for _ in range(10):
        await asyncio.sleep(0)
    assert [] == closed.ended

    closed.policies._fixed = replace(bundle(), digest="sha256:" + "cd" * 32)
    await closed.once.wait()
    await closed.canary.stop()

    assert 1 == len(closed.ended)


@pytest.mark.parametrize("kind", KINDS)
def test_values_are_drawn_anew(kind: object) -> None:
    """Else the second round would be answered from the cache."""
    assert callable(kind)
    drawn = [kind() for _ in range(50)]

    assert 50 == len({each.value for each in drawn})
    assert all(each.value in each.text and each.value not in repr(each) for each in drawn)


def test_each_destination_is_asked_for_by_a_name_that_leads_to_it() -> None:
    """A pattern by a name that it matches; what leads nowhere outside is not asked for."""
    aliases = {"gpt-*": Alias("a", "x"), "b-1": Alias("b", ""), "local/*": Alias("", "x"), "more-*": Alias("a", "")}

    assert {"a": "gpt-canary", "b": "b-1"} == models_of(aliases)
