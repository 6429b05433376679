"""What the detector's processes say of a conversation as a whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.adapters.presidio_detector import PresidioDetector
from gateway.domain.finding import Examined, JudgedTask, JudgedTopic, Permille, Report, Task, Topic
from tests.adapters.test_presidio_detector import CHILDREN, leaves
from tests.detection.test_heads import heads


async def examined(folder: Path | str, *texts: str, mode: str = "judges", judges: bool = True) -> list[Report]:
    """The reports on some texts, each a conversation of its own."""
    detector = PresidioDetector(
        pipeline=mode, processes=1, deadline_ms=20_000, index_key=str(folder), judges=judges, module=CHILDREN
    )
    await detector.start()
    try:
        return [await detector.examine(leaves(text), ()) for text in texts]
    finally:
        await detector.stop()


async def test_a_report_says_task_and_topic(tmp_path: Path) -> None:
    """A question that comes again is told the same; one that raises there is unknown, and the texts stay examined."""
    first, again, odd = await examined(heads(tmp_path), "hhh", "hhh", "unreadable")

    assert (JudgedTask(Task.SUMMARISATION, Permille(999)), Topic.HEALTH) == (first.task, first.topic.topic)
    assert (first.task, first.topic) == (again.task, again.topic)
    assert (JudgedTask(), JudgedTopic()) == (odd.task, odd.topic)
    assert all(isinstance(said, Examined) for report in (first, odd) for said in report.leaves.values())


async def test_without_heads_nothing_is_judged(tmp_path: Path) -> None:
    """And nothing is asked."""
    (report,) = await examined(tmp_path, "hhh")

    assert (JudgedTask(), JudgedTopic()) == (report.task, report.topic)


async def test_only_who_asks_for_it_has_conversations_judged(tmp_path: Path) -> None:
    """It costs time, and most policies ask for no task."""
    (report,) = await examined(heads(tmp_path), "hhh", judges=False)

    assert (JudgedTask(), JudgedTopic()) == (report.task, report.topic)


@pytest.mark.parametrize("mode", ["too-few", "nothing", "raises"])
async def test_a_process_that_judges_nothing_is_not_asked(tmp_path: Path, mode: str) -> None:
    """Whatever becomes of the texts."""
    (report,) = await examined(tmp_path, "hhh", mode=mode)

    assert (JudgedTask(), JudgedTopic()) == (report.task, report.topic)
