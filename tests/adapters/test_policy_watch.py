"""The bundle in force: what is read and when, what is recorded first, and what keeps the last good one."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sqlalchemy import Engine

from gateway.adapters.database import open_database, upgrade
from gateway.adapters.file_policies import FilePolicies
from gateway.adapters.policy_watch import LivePolicies, signature_of
from gateway.adapters.prometheus_metrics import PrometheusMetrics
from gateway.adapters.sql_policies import SqlRevisions
from gateway.clock import SystemClock
from gateway.domain.errors import GatewayFault
from gateway.domain.evidence import Event
from gateway.testing.memory_ledger import MemoryLedger

GOOD = """\
apiVersion: gateway/v1
kind: Policy
metadata: {{name: {name}}}
destinations:
  local-slm: {{zone: in_network, max_label: restricted}}
  openai: {{zone: external, max_label: internal, never: [phi, secret]}}
rules:
  - {{id: a, reason: A, severity: low, when: {{class: pii}}, then: {{route: local}}}}
"""
BROKEN = "apiVersion: gateway/v1\nkind: Policy\nzebra-canary: 7\n"


@dataclass
class House:
    """Policies in force, and the parts that they are made of."""

    folder: Path
    live: LivePolicies
    ledger: MemoryLedger
    metrics: PrometheusMetrics
    engine: Engine
    files: list[str] = field(default_factory=list)

    def write(self, text: str, name: str = "a.policy.yaml") -> None:
        """Put a file there as editors do: whole, by a rename."""
        (self.folder / ".new").write_text(text)
        (self.folder / ".new").rename(self.folder / name)

    async def looks(self, times: int) -> None:
        """Look so often."""
        for _ in range(times):
            await self.live.look()

    @property
    def events(self) -> list[tuple[str, str]]:
        """What was recorded: action and subject."""
        return [(each.action, each.subject) for each in self.ledger.evidence if isinstance(each, Event)]

    def metric(self, name: str) -> str:
        """The value of one metric."""
        lines = self.metrics.render().decode().splitlines()
        return next((line.rpartition(" ")[2] for line in lines if line.startswith(f"{name} ")), "")


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A folder with one policy; nothing started, so that a test says when to look."""
    folder = tmp_path / "policies"
    folder.mkdir()
    (folder / "a.policy.yaml").write_text(GOOD.format(name="first"))
    engine = open_database(f"sqlite:///{tmp_path}/gateway.db")
    upgrade(engine)
    ledger, metrics = MemoryLedger(), PrometheusMetrics()
    live = LivePolicies(
        folder=folder,
        files=FilePolicies(folder),
        revisions=SqlRevisions(engine),
        ledger=ledger,
        clock=SystemClock(),
        observer=metrics,
        every_s=3600,
    )
    yield House(folder, live, ledger, metrics, engine)
    engine.dispose()


async def started(house: House) -> str:
    """Start, and let the first looks pass. The digest in force."""
    await house.live.start()
    await house.looks(3)
    return house.live.current().digest


async def test_a_start_is_recorded_and_files_that_stay_are_not_read_again(house: House) -> None:
    """One activation, whatever number of looks."""
    digest = await started(house)
    await house.looks(5)
    await house.live.stop()

    assert [("activated", digest)] == house.events
    assert house.live.health().ok


async def test_a_change_comes_into_force_when_it_has_settled(house: House) -> None:
    """Not at the look that sees it first; at the next, with the next revision, recorded."""
    first = await started(house)
    held = house.live.current()
    house.write(GOOD.format(name="second"))
    await house.looks(1)
    unsettled = house.live.current().digest
    await house.looks(1)
    second = house.live.current()
    await house.live.stop()

    assert first == unsettled == held.digest
    assert ("second", 2) == (second.policies[0].name, second.revision)
    assert "first" == held.policies[0].name
    assert [("activated", first), ("activated", second.digest)] == house.events
    assert ("2.0", "0.0") == (house.metric("gateway_policy_revision"), house.metric("gateway_policy_stale"))


async def test_a_bundle_that_comes_back_has_its_old_revision(house: House) -> None:
    """A revision is the number of a bundle, not of an activation."""
    first = await started(house)
    for name in ("second", "first"):
        house.write(GOOD.format(name=name))
        await house.looks(2)
    await house.live.stop()

    assert (first, 1) == (house.live.current().digest, house.live.current().revision)
    assert ["activated"] * 3 == [action for action, _ in house.events]


async def test_a_file_that_is_being_written_is_not_read(house: House) -> None:
    """As long as it grows between two looks; nothing is rejected for being half there."""
    first = await started(house)
    text = GOOD.format(name="second")
    path = house.folder / "a.policy.yaml"
    for end in range(10, len(text), 20):
        path.write_text(text[:end])
        await house.looks(1)
        assert first == house.live.current().digest
    path.write_text(text)
    await house.looks(2)
    await house.live.stop()

    assert "second" == house.live.current().policies[0].name
    assert ["activated", "activated"] == [action for action, _ in house.events]


async def test_files_that_never_settle_are_told_of(house: House) -> None:
    """A change that never comes into force does not look like health."""
    await started(house)
    for size in range(25):
        (house.folder / "a.policy.yaml").write_text("#" * (size + 1))
        await house.looks(1)
    unwell = house.live.health()
    await house.live.stop()

    assert not unwell.ok
    assert "keep changing" in unwell.detail


async def test_broken_files_keep_the_last_good_bundle_and_are_told_of(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    """Recorded once, in health, metrics and log; the log says where and which code and not a word of the file."""
    first = await started(house)
    with caplog.at_level(logging.INFO, "gateway.policies"):
        house.write(BROKEN)
        await house.looks(4)
    broken, health = house.live.current().digest, house.live.health()
    said = [vars(each)["fields"] for each in caplog.records]
    house.write(GOOD.format(name="first"))
    await house.looks(2)
    await house.live.stop()

    assert first == broken
    assert not health.ok
    assert [("activated", first), ("rejected", first)] == house.events
    assert any(place.startswith("a.policy.yaml:3:1 P001") for place in said[0]["problems"])
    assert "zebra-canary" not in str(said) + caplog.text
    assert 'gateway_policy_changes_total{result="rejected"} 1.0' in house.metrics.render().decode()
    assert house.live.health().ok


@pytest.mark.parametrize("ruin", ["empty", "gone"])
async def test_a_folder_without_policies_keeps_the_last_good_bundle(house: House, ruin: str) -> None:
    """No policies is a broken bundle, not an empty one."""
    first = await started(house)
    (house.folder / "a.policy.yaml").unlink()
    if ruin == "gone":
        house.folder.rmdir()
    await house.looks(2)
    await house.live.stop()

    assert first == house.live.current().digest
    assert not house.live.health().ok
    assert ("rejected", first) == house.events[-1]


async def test_no_bundle_comes_into_force_before_its_record(house: House) -> None:
    """While the ledger refuses, the old bundle stays and health says so; then the change follows by itself."""
    first = await started(house)
    house.ledger.fail()
    house.write(GOOD.format(name="second"))
    await house.looks(3)
    waiting, health = house.live.current().digest, house.live.health()
    house.ledger.mend()
    await house.looks(1)
    await house.live.stop()

    assert (first, False) == (waiting, health.ok)
    assert "second" == house.live.current().policies[0].name
    assert house.live.health().ok


async def test_a_rejection_is_recorded_when_the_ledger_is_back(house: House) -> None:
    """It is owed until then, once."""
    first = await started(house)
    house.ledger.fail()
    house.write(BROKEN)
    await house.looks(3)
    before = len(house.events)
    house.ledger.mend()
    await house.looks(2)
    await house.live.stop()

    assert 1 == before
    assert [("activated", first), ("rejected", first)] == house.events


async def test_no_start_without_a_record(house: House) -> None:
    """A gateway whose bundle cannot be recorded does not serve."""
    house.ledger.fail()
    with pytest.raises(GatewayFault):
        await house.live.start()


async def test_asking_reads_at_once(house: House) -> None:
    """The next look would be in an hour: the request wakes the watch."""
    await started(house)
    activated = asyncio.Event()
    append = house.ledger.append

    async def telling(evidence: Event) -> object:
        receipt = await append(evidence)
        activated.set()
        return receipt

    house.ledger.append = telling  # type: ignore[method-assign,assignment]
    house.write(GOOD.format(name="second"))
    house.live.ask()
    async with asyncio.timeout(10):
        await activated.wait()
    await house.live.stop()

    assert 2 == len(house.events)


async def test_a_watch_that_fails_says_so_and_goes_on(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error that nobody foresaw keeps the last good bundle, and shows."""
    first = await started(house)
    turned = asyncio.Event()
    reload = house.live.reload

    async def fails() -> None:
        raise RuntimeError("zebra-canary")

    async def turn() -> bool:
        turned.clear()
        house.live.ask()
        async with asyncio.timeout(10):
            await turned.wait()
        return house.live.health().ok

    monkeypatch.setattr(house.metrics, "policies_are", lambda _, **__: turned.set())
    monkeypatch.setattr(house.live, "reload", fails)
    failing, digest = await turn(), house.live.current().digest
    monkeypatch.setattr(house.live, "reload", reload)
    mended = await turn()
    await house.live.stop()

    assert (False, first, True) == (failing, digest, mended)


def test_a_signature_follows_links_and_passes_over_other_files(tmp_path: Path) -> None:
    """As volumes are mounted: `..data` leads to a folder that is swapped whole; only its policies count."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.policy.yaml").write_text("same")
        os.utime(tmp_path / name / "a.policy.yaml", ns=(1, 1))
    mounted = tmp_path / "mounted"
    mounted.mkdir()
    (mounted / "..data").symlink_to(tmp_path / "one")
    (mounted / "a.policy.yaml").symlink_to("..data/a.policy.yaml")
    before = signature_of(mounted)
    (mounted / "README.md").write_text("words")
    (mounted / ".b.policy.yaml.swp").write_text("words")
    beside = signature_of(mounted)
    (mounted / "..new").symlink_to(tmp_path / "two")
    (mounted / "..new").rename(mounted / "..data")
    swapped = signature_of(mounted)
    (tmp_path / "two" / "a.policy.yaml").unlink()
    dangling = signature_of(mounted)

    assert before == beside
    assert 4 == len({before, swapped, dangling, signature_of(tmp_path / "nowhere")})
