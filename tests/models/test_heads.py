"""The recipe of the task and topic heads: its templates, and what it makes of vectors."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from gateway.detection.heads import Floats, digest_of, judge_of
from gateway.domain.finding import Task, Topic
from models.recipes.heads.generate import TASKS, TOPICS, part_of, templates
from models.recipes.heads.train import Part, as_json, best, fitted, scores

KINDS = [*(f"task_{task}" for task in TASKS), *(f"topic_{topic}" for topic in TOPICS)]
PARTS = ("train", "calibrate", "dev")


def test_every_task_and_topic_is_taught() -> None:
    """By the names that reports use."""
    assert {*TASKS, "unknown"} == set(Task)
    assert {*TOPICS, "unknown"} == set(Topic)


@pytest.mark.parametrize("kind", KINDS)
def test_no_template_is_held_out_and_taught(kind: str) -> None:
    """Each part has some."""
    parts = [set(templates(kind, part)) for part in PARTS]

    assert all(parts)
    assert len(set().union(*parts)) == sum(map(len, parts))
    assert all(part_of(template) == name for name, part in zip(PARTS, parts, strict=True) for template in part)


def blobs(count: int, seed: int) -> Part:
    """Vectors around three corners that overlap a little."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 3
    return Part((np.eye(3, 8)[labels] + rng.normal(0, 0.35, (count, 8))).astype(np.float32), labels)


def test_a_head_learns_and_its_confidence_is_a_probability(tmp_path: Path) -> None:
    """On vectors that it has not seen; what is written is what the detector reads."""
    train, calibrate, dev = blobs(600, 1), blobs(300, 2), blobs(600, 3)
    head = best(train, calibrate, ("code", "extraction", "rewriting"))
    told = scores(head, dev)
    (tmp_path / "encoder.onnx").write_bytes(b"weights")
    topic = as_json(fitted(train, ("health", "finance", "legal"), 1e-3))
    heads = {"encoder": digest_of(tmp_path / "encoder.onnx"), "task": as_json(head), "topic": topic}
    (tmp_path / "heads.json").write_text(json.dumps(heads))

    class Fixed:
        def vectors(self, _: object) -> Floats:
            return np.eye(1, 4, dtype=np.float32)

    judge = judge_of(tmp_path, Fixed())

    assert float(str(told["accuracy"])) > 0.85
    assert float(str(told["calibration_error"])) < 0.08
    assert judge is not None
    assert (Task.CODE, Topic.HEALTH) == (judge.judge("x")[0].task, judge.judge("x")[1].topic)
    edges = np.hstack([np.eye(1, 4, dtype=np.float32)] * 2)
    assert abs(judge.judge("x")[0].confidence - 1000 * head.probabilities(edges).max()) < 3


def test_the_same_texts_come_every_time() -> None:
    """For a seed."""
    pytest.importorskip("faker")
    from models.recipes.heads.generate import tasks, topics

    assert list(tasks(7, 1, "dev")) == list(tasks(7, 1, "dev"))
    assert all(0 < len(text) <= 600 for text, _ in [*tasks(21, 2, "train"), *topics(10, 2, "train")])
