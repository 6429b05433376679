"""What a conversation is judged to be for and about."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.detection.frames import judged_from_json, judged_to_json
from gateway.detection.gist import gist, gist_of, with_topic
from gateway.detection.heads import Floats, digest_of, judge_of
from gateway.domain.conversation import Conversation
from gateway.domain.detectors import TopicDetector
from gateway.domain.finding import (
    Address,
    Examined,
    Failed,
    FailureCause,
    JudgedTask,
    JudgedTopic,
    Permille,
    Report,
    Task,
    Topic,
)
from gateway.domain.labels import HEALTH_TOPIC, Classification, DataClass, Label
from tests.domain.build import conversation, report

OUR_CODE = TopicDetector(
    "our-code",
    Topic.SOURCE_CODE,
    Permille(850),
    Classification(Label("confidential"), frozenset({DataClass.PROPRIETARY})),
)
ASKED = Address("/messages/1/content")


class Counting:
    """Vectors that count two letters."""

    def vectors(self, texts: Sequence[str]) -> Floats:
        """One vector a text."""
        return np.array([[text.count("h"), text.count("c")] for text in texts], np.float32)


def heads(folder: Path, **changed: object) -> Path:
    """An encoder's folder with heads: the letter h speaks for health and summaries, c for code."""
    (folder / "encoder.onnx").write_bytes(b"weights")
    topic = {"labels": ["health", "source_code"], "weights": [[9, 0, 0, 0], [0, 9, 0, 0]], "bias": [0, 0]}
    task = {"labels": ["summarisation", "code"], "weights": [[9, 0, 0, 0], [0, 9, 0, 0]], "bias": [0, 0]}
    told = {"encoder": digest_of(folder / "encoder.onnx"), "task": task, "topic": topic, **changed}
    (folder / "heads.json").write_text(json.dumps(told))
    return folder


def test_the_likeliest_task_and_topic(tmp_path: Path) -> None:
    """With a probability; what holds no letters is unknown."""
    judge = judge_of(heads(tmp_path), Counting())

    assert judge is not None
    assert (JudgedTask(Task.SUMMARISATION, Permille(999)), JudgedTopic(Topic.HEALTH, Permille(999))) == judge.judge(
        "hhh"
    )
    assert (Task.CODE, Topic.SOURCE_CODE) == (judge.judge("ccc")[0].task, judge.judge("ccc")[1].topic)
    assert 500 == judge.judge("hc")[0].confidence
    assert (JudgedTask(), JudgedTopic()) == judge.judge("12 + 3 = ?")


def test_heads_of_another_encoder_judge_nothing(tmp_path: Path) -> None:
    """Their weights would mean nothing; and without an encoder or a file there is no judge."""
    folder = heads(tmp_path)

    assert judge_of(folder, None) is None
    (folder / "encoder.onnx").write_bytes(b"other weights")
    assert judge_of(folder, Counting()) is None
    (folder / "heads.json").unlink()
    assert judge_of(folder, Counting()) is None


@pytest.mark.parametrize(
    "head",
    [
        {"labels": ["poetry"], "weights": [[1, 2]], "bias": [0]},
        {"labels": ["code"], "weights": [[1, 2], [3, 4]], "bias": [0]},
        {"labels": ["code"], "weights": [1, 2], "bias": [0]},
        {"labels": ["code"], "weights": [[1, 2]], "bias": []},
    ],
)
def test_broken_heads_are_refused(tmp_path: Path, head: dict[str, object]) -> None:
    """At the start, not at the first request."""
    with pytest.raises(ValueError, match=r"head|Task"):
        judge_of(heads(tmp_path, task=head), Counting())


@given(task=st.sampled_from(Task), topic=st.sampled_from(Topic), sure=st.integers(0, 1000))
def test_what_was_judged_travels(task: Task, topic: Topic, sure: int) -> None:
    """And comes back the same."""
    judged = JudgedTask(task, Permille(sure)), JudgedTopic(topic, Permille(1000 - sure))

    assert judged == judged_from_json(judged_to_json(*judged))


@pytest.mark.parametrize(
    "told",
    [
        None, "code", [], {}, {"task": ["code", 900]}, {"task": ["code", 900], "topic": None},
        {"task": ["poetry", 900], "topic": ["health", 900]}, {"task": ["code", 1001], "topic": ["health", 900]},
        {"task": ["code", 0.9], "topic": ["health", 900]}, {"task": ["code", True], "topic": ["health", 900]},
    ],
)  # fmt: skip
def test_an_odd_answer_is_unknown(told: object) -> None:
    """Whatever a process says."""
    assert (JudgedTask(), JudgedTopic()) == judged_from_json(told)  # type: ignore[arg-type]


def talk(asked: str = "Is this code?") -> Conversation:
    """A system's and a user's text, and an answer."""
    return conversation(
        {"role": "system", "content": "You label tickets."},
        asked,
        {"role": "assistant", "content": "bug"},
    )


def test_the_gist_is_the_system_and_the_last_words_of_the_user() -> None:
    """Nothing else of a conversation, and nothing where no user speaks."""
    assert "You label tickets.\nIs this code?" == gist_of(talk().leaves)
    assert "second" == gist_of(conversation("first", "second").leaves)
    assert "" == gist_of(conversation({"role": "system", "content": "You label tickets."}).leaves)
    assert "" == gist_of(conversation(" ").leaves)


@given(instructed=st.text(max_size=600), asked=st.text(max_size=2000))
def test_a_gist_is_bounded(instructed: str, asked: str) -> None:
    """And holds the beginning and the end of what was asked."""
    said = gist(instructed, asked)

    assert len(said) <= 600
    assert asked.strip()[:200] in said
    assert said.endswith(asked.strip()[-100:])


def judged(topic: Topic, sure: int, words: dict[str, str] | None = None) -> Report:
    """A report on `talk()` with a topic."""
    found = report(talk(), words or {})
    return Report(found.leaves, found.detector, JudgedTask(), JudgedTopic(topic, Permille(sure)))


def entities(said: Report) -> list[tuple[str, int, int]]:
    """What was found in the user's text."""
    leaf = said.of(ASKED)
    assert isinstance(leaf, Examined)
    return [(f.entity, f.start, f.end) for f in leaf.findings]


def test_a_topic_that_a_policy_asks_for_is_a_finding() -> None:
    """On all of the user's last words, where it is sure enough, beside what else was found."""
    sure = judged(Topic.SOURCE_CODE, 900, {"code": "PERSON"})

    assert [("our-code", 0, 13), ("PERSON", 8, 12)] == entities(with_topic(sure, talk().leaves, [OUR_CODE]))
    assert [] == entities(with_topic(judged(Topic.SOURCE_CODE, 849), talk().leaves, [OUR_CODE]))
    assert [] == entities(with_topic(judged(Topic.LEGAL, 999), talk().leaves, [OUR_CODE]))
    assert [] == entities(with_topic(judged(Topic.SOURCE_CODE, 999), talk().leaves, []))


def test_a_topic_that_nobody_could_judge_fails_where_a_policy_asks_for_it() -> None:
    """And only there: an absent guess is no clean text."""
    unknown = judged(Topic.UNKNOWN, 0)

    assert Failed(FailureCause.NOT_EXAMINED) == with_topic(unknown, talk().leaves, [OUR_CODE]).of(ASKED)
    assert unknown == with_topic(unknown, talk().leaves, [])
    assert Examined(()) == with_topic(judged(Topic.UNKNOWN, 0), talk("12 + 3").leaves, [OUR_CODE]).of(ASKED)


def test_a_text_that_failed_stays_failed() -> None:
    """No topic makes it examined."""
    failed = Report({ASKED: Failed(FailureCause.CRASH)}, "t", topic=JudgedTopic(Topic.HEALTH, Permille(999)))

    assert failed == with_topic(failed, talk().leaves, [OUR_CODE])


def test_health_is_health_content_where_it_is_sure() -> None:
    """With a person's identifier it makes a conversation PHI; alone it is a plain question."""
    assert [(HEALTH_TOPIC, 0, 13)] == entities(with_topic(judged(Topic.HEALTH, 975), talk().leaves, []))
    assert [] == entities(with_topic(judged(Topic.HEALTH, 974), talk().leaves, []))


@given(topic=st.sampled_from(Topic), sure=st.integers(0, 1000))
def test_no_topic_takes_a_finding_away(topic: Topic, sure: int) -> None:
    """What was found without it is found with it, or the text has failed."""
    before = judged(topic, sure, {"code": "US_SSN"})
    after = with_topic(before, talk().leaves, [OUR_CODE]).of(ASKED)

    assert isinstance(after, Failed) or set(before.of(ASKED).findings) <= set(after.findings)  # type: ignore[union-attr]
