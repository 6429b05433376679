"""A child process beside the event loop: its answers, its deaths, and what it may know."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import cast

import pytest

from gateway.adapters.worker_process import End, Part, WorkerDied, WorkerProcess
from gateway.domain.strict_json import Json
from tests.adapters.echo_child import JUNK

CHILD = "tests.adapters.echo_child"
SECRET = "sk-canary-7731"


@asynccontextmanager
async def started(*arguments: str, environment: dict[str, str] | None = None) -> AsyncIterator[WorkerProcess]:
    """A child that answers jobs, ended afterwards."""
    worker = WorkerProcess(CHILD, arguments, environment)
    worker.start()
    try:
        await worker.wait_ready(20)
        yield worker
    finally:
        await worker.stop()


async def answers(worker: WorkerProcess, do: Json) -> list[Part | End]:
    """All frames that answer a job."""
    async with asyncio.timeout(20):
        return [frame async for frame in worker.ask(do)]


async def again(worker: WorkerProcess) -> None:
    """The child that comes after a dead one."""
    async with asyncio.timeout(20):
        await worker.until_ready()


async def test_a_job_is_answered() -> None:
    """With the value, whatever text is in it; the child says of itself what it likes."""
    value: Json = {"text": "\u00fc\u2028\n\x00 \U0001f600", "more": [1, 2.5, None, True]}
    async with started("plain") as worker:
        assert {"mode": "plain"} == worker.greeting
        assert value == await worker.ask_once({"echo": value})
        assert 0 == worker.open_jobs


async def test_a_large_frame_is_whole() -> None:
    """Larger than any pipe's buffer."""
    text = "x" * 5_000_000
    async with started() as worker:
        assert text == await worker.ask_once({"echo": text})


async def test_an_answer_in_parts_keeps_its_order_and_says_its_end() -> None:
    """Parts, then one end."""
    async with started() as worker:
        assert [Part(0), Part(1), Part(2), End(3)] == await answers(worker, {"count": 3})
        assert [End(0)] == await answers(worker, {"count": 0})
        assert 3 == await worker.ask_once({"count": 3})


async def test_jobs_beside_each_other_keep_apart() -> None:
    """Each caller gets the answer to his own job, and nobody one that is for no job."""
    async with started() as worker:
        many = await asyncio.gather(*(worker.ask_once({"echo": n}) for n in range(50)))
        assert list(range(50)) == many
        assert "for you" == await worker.ask_once({"stranger": True})
        assert 0 == worker.open_jobs


async def test_an_answer_that_is_not_wanted_is_cancelled() -> None:
    """Closing the iterator tells the child, and the place of the job is free."""
    async with started() as worker:
        async with aclosing(worker.ask({"count": 2, "open": True})) as frames:
            assert Part(0) == await anext(frames)
            assert 1 == worker.open_jobs
        assert 0 == worker.open_jobs
        assert [1] == await worker.ask_once({"cancelled": True})


async def test_a_job_whose_caller_was_cancelled_is_cancelled() -> None:
    """As one that was closed."""
    async with started() as worker:
        waiting = asyncio.ensure_future(answers(worker, {"count": 0, "open": True}))
        assert "first" == await worker.ask_once({"echo": "first"})
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert [2] == await worker.ask_once({"cancelled": True})


async def test_an_answer_that_was_read_to_its_end_is_not_cancelled() -> None:
    """There is nothing left to stop."""
    async with started() as worker:
        await answers(worker, {"count": 2})
        await worker.ask_once({"echo": 1})
        assert [] == await worker.ask_once({"cancelled": True})


async def test_a_death_fails_every_open_job_and_the_next_child_answers() -> None:
    """Never an answer that only looks whole; the new child is another process."""
    async with started() as worker:
        first = worker.pid
        other = asyncio.ensure_future(answers(worker, {"count": 0, "open": True}))
        frames = worker.ask({"die": True})
        assert Part("dying") == await anext(frames)
        with pytest.raises(WorkerDied):
            await anext(frames)
        with pytest.raises(WorkerDied):
            await other
        await again(worker)
        assert first != worker.pid
        assert "alive" == await worker.ask_once({"echo": "alive"})


async def test_a_killed_child_is_replaced() -> None:
    """From outside, with nothing to do: the next job finds another child."""
    async with started() as worker:
        first = worker.pid
        waiting = asyncio.ensure_future(answers(worker, {"count": 0, "open": True}))
        await worker.ask_once({"echo": 1})
        os.kill(first, 9)
        with pytest.raises(WorkerDied):
            await waiting
        await again(worker)
        assert first != worker.pid != 0


@pytest.mark.parametrize("kind", list(JUNK))
async def test_what_is_no_frame_ends_the_child(kind: str) -> None:
    """A child that breaks the protocol is a dead child: its jobs fail, and it is replaced."""
    async with started() as worker:
        first = worker.pid
        with pytest.raises(WorkerDied):
            await answers(worker, {"junk": kind})
        await again(worker)
        assert first != worker.pid
        assert 1 == await worker.ask_once({"echo": 1})


async def test_what_a_library_prints_is_no_frame() -> None:
    """It goes to stderr, where it cannot break an answer."""
    async with started() as worker:
        first = worker.pid
        assert "printed" == await worker.ask_once({"print": "a library says hello"})
        assert first == worker.pid


async def test_a_child_does_not_know_its_parents_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """No key, token or setting of the parent is in its environment; what it was given is."""
    for name in ("OPENAI_API_KEY", "GATEWAY_DATABASE__URL", "AWS_SECRET_ACCESS_KEY", "HTTPS_PROXY", "PATH_TO_KEY"):
        monkeypatch.setenv(name, SECRET)
    async with started(environment={"GIVEN": "yes"}) as worker:
        environment = cast("dict[str, Json]", await worker.ask_once({"environment": True}))

    assert SECRET not in environment.values()
    assert ("yes", os.environ["PATH"]) == (environment["GIVEN"], environment["PATH"])


@pytest.mark.parametrize("mode", ["never", "junk"])
async def test_a_child_that_cannot_start_is_told_at_once(mode: str) -> None:
    """Not after the whole time; and it takes no job."""
    worker = WorkerProcess(CHILD, [mode])
    worker.start()
    try:
        async with asyncio.timeout(20):
            with pytest.raises(WorkerDied):
                await worker.wait_ready(600)
        assert not worker.ready
        with pytest.raises(WorkerDied):
            await worker.ask_once({"echo": 1})
    finally:
        await worker.stop()


async def test_a_module_that_is_not_there_is_a_dead_child() -> None:
    """As any other that does not start."""
    worker = WorkerProcess("tests.adapters.no_such_child", [])
    worker.start()
    try:
        with pytest.raises(WorkerDied):
            await worker.wait_ready(20)
    finally:
        await worker.stop()


async def test_a_child_that_says_nothing_is_waited_for_no_longer_than_told() -> None:
    """Started, but not ready."""
    worker = WorkerProcess(CHILD, ["silent"])
    worker.start()
    try:
        with pytest.raises(WorkerDied):
            await worker.wait_ready(0.05)
        assert not worker.ready
    finally:
        await worker.stop()


async def test_a_first_start_that_failed_is_tried_again(tmp_path: Path) -> None:
    """The next one answers."""
    worker = WorkerProcess(CHILD, ["once", str(tmp_path / "tried")])
    worker.start()
    try:
        with pytest.raises(WorkerDied):
            await worker.wait_ready(20)
        await again(worker)
        assert 1 == await worker.ask_once({"echo": 1})
    finally:
        await worker.stop()


async def test_stopping_fails_open_jobs_and_leaves_no_process() -> None:
    """Nobody waits for ever, and the child is gone."""
    async with started() as worker:
        pid = worker.pid
        waiting = asyncio.ensure_future(answers(worker, {"count": 0, "open": True}))
        await worker.ask_once({"echo": 1})
        await worker.stop()
        with pytest.raises(WorkerDied):
            await waiting
        assert (False, 0, 0) == (worker.ready, worker.pid, worker.open_jobs)
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


async def test_nothing_is_asked_before_the_start() -> None:
    """And stopping what was never started is nothing."""
    worker = WorkerProcess(CHILD, [])

    with pytest.raises(WorkerDied):
        await worker.ask_once({"echo": 1})
    assert 0 == worker.open_jobs
    await worker.stop()
