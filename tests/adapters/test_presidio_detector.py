# ruff: noqa: E501, ASYNC110 - long tables; the tests wait for facts that have no event, yielding in between
"""The detector from outside: every leaf is answered, and nothing that goes wrong looks like a clean leaf."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import spacy

from gateway.adapters import presidio_detector
from gateway.adapters.presidio_detector import PresidioDetector
from gateway.domain.conversation import Leaf
from gateway.domain.declaration import LeafKind, Source
from gateway.domain.detectors import PatternDetector, TermsDetector
from gateway.domain.errors import GatewayFault
from gateway.domain.finding import Address, Examined, Failed, FailureCause, Permille, Report
from gateway.domain.labels import Classification, Label

MEANS = Classification(Label("restricted"), frozenset())
MEMBER = PatternDetector(
    id="member",
    re2=r"\bM\d{9}\b",
    evidence=(),
    within_chars=0,
    alone=Permille(850),
    with_evidence=Permille(850),
    means=MEANS,
)
CHILDREN = "tests.adapters.detector_children"


def leaf(text: str, at: int = 0, *context: str) -> Leaf:
    """A user's text."""
    return Leaf(Address(f"/messages/{at}/content"), "/messages/*/content", text, Source.USER, LeafKind.VALUE, context)


def leaves(*texts: str) -> list[Leaf]:
    """One leaf a text."""
    return [leaf(text, at) for at, text in enumerate(texts)]


def causes(report: Report, of: list[Leaf]) -> set[FailureCause]:
    """Why leaves failed; the test fails where one did not."""
    said = [report.of(each.address) for each in of]

    assert all(isinstance(each, Failed) for each in said)

    return {each.cause for each in said if isinstance(each, Failed)}


def entities(report: Report, of: Leaf) -> list[str]:
    """What was found in an examined leaf."""
    said = report.of(of.address)

    assert isinstance(said, Examined)

    return [finding.entity for finding in said.findings]


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A real spaCy pipeline that knows one name."""
    nlp = spacy.blank("en")
    nlp.add_pipe("entity_ruler").add_patterns([{"label": "PERSON", "pattern": "Jane Doe"}])
    path = tmp_path_factory.mktemp("detector") / "pipeline"
    nlp.to_disk(path)
    return str(path)


@asynccontextmanager
async def running(
    pipeline: str, *, processes: int = 1, deadline_ms: int = 5000, module: str = "gateway.detection.worker"
) -> AsyncIterator[PresidioDetector]:
    """A started detector."""
    detector = PresidioDetector(pipeline=pipeline, processes=processes, deadline_ms=deadline_ms, module=module)
    await detector.start()
    try:
        yield detector
    finally:
        await detector.stop()


async def test_every_leaf_is_answered(pipeline: str) -> None:
    """Found, clean, empty and twice the same text: each address has its report, from several processes."""
    given = leaves("SSN 536-90-4399", "hello", "", "Jane Doe", "hello")
    async with running(pipeline, processes=2) as detector:
        report = await detector.examine(given, ())
        health = await detector.health()

    assert [["US_SSN"], [], [], ["PERSON"], []] == [entities(report, each) for each in given]
    assert health.ok
    assert report.detector.startswith("presidio-2")
    assert len(report.detector) <= 64


@pytest.mark.parametrize(
    ("cores", "processes", "threads"), [(2, 1, "2"), (2, 2, "1"), (8, 2, "2"), (1, 1, "1"), (None, 4, "1")]
)
def test_processes_share_out_the_cores(
    cores: int | None, processes: int, threads: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A text is read by two cores where each process has two; as many processes as cores read with one each."""
    monkeypatch.setattr(os, "cpu_count", lambda: cores)
    detector = PresidioDetector(pipeline="", processes=processes, deadline_ms=1)

    assert {worker._environment["OMP_NUM_THREADS"] for worker in detector._workers} == {threads}


async def test_the_name_of_a_model_holds_numbers_and_no_people(pipeline: str) -> None:
    """`claude` is a model there, and a person in any other place."""
    at = [
        Leaf(Address(address), address, text, Source.USER, LeafKind.VALUE, ())
        for address, text in (("/model", "Jane Doe"), ("/model/x", "Jane Doe"), ("/model", "gpt 536-90-4399"))
    ]
    async with running(pipeline) as detector:
        named, other = await detector.examine(at[:1], ()), await detector.examine(at[1:2], ())
        numbered = await detector.examine(at[2:], ())

    assert [] == entities(named, at[0])
    assert ["PERSON"] == entities(other, at[1])
    assert ["US_SSN"] == entities(numbered, at[2])


async def test_offsets_are_those_of_the_leaf(pipeline: str) -> None:
    """Through folding, the frame and back."""
    text = "card 4111\u200b 1111\u00a01111 1111 🎉 ok"
    async with running(pipeline) as detector:
        said = (await detector.examine([leaf(text)], ())).of(leaf(text).address)

    assert isinstance(said, Examined)
    assert [text[f.start : f.end] for f in said.findings] == ["4111\u200b 1111\u00a01111 1111"]


async def test_the_keys_above_a_leaf_are_told(pipeline: str) -> None:
    """And belong to what is remembered: the same text under another key is another question."""
    async with running(pipeline) as detector:
        under_ssn = await detector.examine([leaf("536904399", 0, "ssn")], ())
        under_id = await detector.examine([leaf("536904399", 0, "sku")], ())

    assert entities(under_ssn, leaf("536904399")) == ["US_SSN"]
    assert entities(under_id, leaf("536904399")) == []


async def test_the_same_text_is_examined_once(pipeline: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second time no process is asked; another policy's detectors ask again."""
    asked: list[int] = []
    given = leaves("Jane Doe", "M123456789")
    async with running(pipeline) as detector:
        ask = detector._ask

        async def counting(leaves: list[Leaf], detectors: object) -> object:
            asked.append(len(leaves))
            return await ask(leaves, detectors)  # type: ignore[arg-type]

        monkeypatch.setattr(detector, "_ask", counting)
        first = await detector.examine(given, ())
        again = await detector.examine(given, ())
        other = await detector.examine(given, (MEMBER,))

    assert asked == [3, 3]  # two texts and their joint
    assert first == again
    assert entities(other, given[1]) == ["member"]


async def test_custom_detectors_are_sent_again_to_a_new_process(pipeline: str) -> None:
    """A process that does not know a set of detectors asks for it; none is left out."""
    terms = [TermsDetector(id=f"t{n}", terms=(f"Project Nimbus{n}",), means=MEANS) for n in range(10)]
    async with running(pipeline) as detector:
        for each in terms:
            await detector.examine(leaves("x"), (each,))
        report = await detector.examine(leaves("about project  nimbus0"), (terms[0],))

    assert entities(report, leaf("")) == ["t0"]


async def test_a_pattern_that_is_not_re2_fails_every_leaf(pipeline: str) -> None:
    """Not examined for it means not examined."""
    bad = PatternDetector(
        id="bad", re2="(?=x)", evidence=(), within_chars=0, alone=Permille(1), with_evidence=Permille(1), means=MEANS
    )
    async with running(pipeline) as detector:
        report = await detector.examine(leaves("a", "b"), (bad,))

    assert causes(report, leaves("a", "b")) == {FailureCause.ERROR}


async def test_a_killed_process_fails_its_request_and_comes_back(pipeline: str) -> None:
    """Requests in flight fail closed; later ones are answered by the next process."""
    given = leaves("Jane Doe met me. " * 20_000)
    async with running(pipeline, deadline_ms=20_000) as detector:
        request = asyncio.create_task(detector.examine(given, ()))
        worker = detector._workers[0]
        while worker.open_jobs == 0:
            await asyncio.sleep(0)
        os.kill(worker.pid, signal.SIGKILL)
        killed = await request
        while worker.ready:
            await asyncio.sleep(0)
        refused = await detector.examine(leaves("x"), ())
        await asyncio.wait_for(worker._ready.wait(), 30)
        after = await detector.examine(leaves("Jane Doe"), ())

    assert causes(killed, given) == {FailureCause.CRASH}
    assert causes(refused, leaves("x")) == {FailureCause.CRASH}
    assert entities(after, leaf("")) == ["PERSON"]


@pytest.mark.parametrize(
    "mode",
    [
        "too-few",
        "no-list",
        "no-object",
        "nothing",
        "beyond",
        "backwards",
        "odd-types",
        "empty-finding",
        "null-leaf",
        "unknown-word",
        "stubborn",
    ],
)
async def test_an_answer_that_makes_no_sense_is_a_failure(mode: str) -> None:
    """Never an empty list by accident."""
    async with running(mode, module=CHILDREN) as detector:
        report = await detector.examine(leaves("hello"), ())

    assert causes(report, leaves("hello")) == {FailureCause.ERROR}


async def test_a_process_that_writes_no_frame_is_dead() -> None:
    """Babble on the channel fails the request."""
    async with running("babbles", module=CHILDREN) as detector:
        report = await detector.examine(leaves("hello"), ())

    assert causes(report, leaves("hello")) == {FailureCause.CRASH}


async def test_a_detector_that_cannot_start_is_refused(tmp_path: Path) -> None:
    """No pipeline, no detector, no gateway."""
    detector = PresidioDetector(pipeline=str(tmp_path / "none"), processes=1, deadline_ms=1000)
    with pytest.raises(GatewayFault):
        await detector.start()

    assert not (await detector.health()).ok


async def test_a_slow_process_misses_the_deadline_and_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    """The request fails at its deadline; the process that stays silent is killed and started anew."""
    monkeypatch.setattr(presidio_detector, "_GRACE_SECONDS", 0.1)
    async with running("hangs", deadline_ms=100, module=CHILDREN) as detector:
        pid = detector._workers[0].pid
        report = await detector.examine(leaves("hello", "you"), ())  # the process never answers
        async with asyncio.timeout(20):
            while detector._workers[0].pid in {pid, 0}:
                await asyncio.sleep(0)

    assert causes(report, leaves("hello", "you")) == {FailureCause.DEADLINE}


async def test_work_that_takes_too_long_is_given_up_without_a_kill(pipeline: str) -> None:
    """The process notices the end of the budget by itself and serves the next request."""
    given = leaves("Jane Doe lives here. " * 20_000)
    async with running(pipeline, deadline_ms=900) as detector:
        pid = detector._workers[0].pid
        report = await detector.examine(given, ())
        await asyncio.gather(*detector._probes)
        after = await detector.examine(leaves("Jane Doe"), ())

    assert causes(report, given) == {FailureCause.DEADLINE}
    assert (entities(after, leaf("")), detector._workers[0].pid in {pid, 0}) == (["PERSON"], True)


async def test_too_many_requests_are_refused_at_once() -> None:
    """The line is bounded."""
    async with running("hangs", deadline_ms=1500, module=CHILDREN) as detector:
        waiting = [asyncio.create_task(detector.examine(leaves(f"text {n}"), ())) for n in range(16)]
        while detector._workers[0].open_jobs < 16:
            await asyncio.sleep(0)
        report = await detector.examine(leaves("one more"), ())
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)

    assert causes(report, leaves("one more")) == {FailureCause.OVERLOAD}


async def test_a_text_that_cannot_be_read_in_time_is_not_even_sent(
    pipeline: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fifty million characters fail at once; no process hears of them."""
    given = [leaf("x " * 25_000_000)]
    async with running(pipeline, deadline_ms=2000) as detector:
        monkeypatch.setattr(detector, "_ask_worker", None)
        report = await detector.examine(given, ())

    assert causes(report, given) == {FailureCause.DEADLINE}


async def test_a_long_text_is_read_to_its_end(pipeline: str) -> None:
    """Longer than one window, with the value at the very end."""
    text = "nothing to see here. " * 2_000 + "SSN 536-90-4399"
    async with running(pipeline, deadline_ms=20_000) as detector:
        report = await detector.examine([leaf(text)], ())

    assert entities(report, leaf(text)) == ["US_SSN"]


async def test_many_tiny_leaves_are_bounded(pipeline: str) -> None:
    """A hundred thousand leaves: each has its answer, a failure at the deadline at worst."""
    given = [leaf(f"word{n}", n) for n in range(100_000)]
    async with running(pipeline, deadline_ms=2000) as detector:
        report = await detector.examine(given, ())

    assert len(report.leaves) == len(given)
    assert {FailureCause.DEADLINE} >= {said.cause for said in report.leaves.values() if isinstance(said, Failed)}


async def test_a_failing_examination_fails_its_leaf_and_says_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    """The error holds the text; neither its report nor the process's output does."""
    async with running("raises", module=CHILDREN) as detector:
        report = await detector.examine(leaves("very private words"), ())

    assert causes(report, leaves("very private words")) == {FailureCause.ERROR}
    assert "ValueError" not in repr(report)
    assert "Traceback" not in capfd.readouterr().err


async def test_a_failure_is_not_remembered(pipeline: str) -> None:
    """What failed is examined the next time."""
    async with running(pipeline, deadline_ms=5000) as detector:
        detector._deadline = 0.0
        failed = await detector.examine(leaves("Jane Doe"), ())
        detector._deadline = 5.0
        again = await detector.examine(leaves("Jane Doe"), ())

    assert causes(failed, leaves("Jane Doe")) == {FailureCause.DEADLINE}
    assert entities(again, leaf("")) == ["PERSON"]


def test_what_is_remembered_is_bounded_and_holds_no_text() -> None:
    """Old entries go; keys are hashes."""
    cache = presidio_detector._Cache()
    keys = [cache.key(leaf(f"secret {n}"), "v", "d") for n in range(50_100)]
    cache.put((key, Examined(())) for key in keys)

    assert (cache.get(keys[0]), cache.get(keys[-1])) == (None, ())
    assert len(cache._entries) == 50_000
    assert all(isinstance(key, bytes) and len(key) == 24 for key in cache._entries)


def test_the_gateway_itself_loads_neither_spacy_nor_presidio() -> None:
    """They live in the detector's process alone."""
    code = "import sys, gateway.adapters.presidio_detector; print([m for m in ('spacy', 'presidio_analyzer', 're2') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
