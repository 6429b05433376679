"""One head trained again with a user's own texts: by the shipped encoder, on the shipped sample."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from gateway.detection.encoder import Encoder
from gateway.detection.heads import judge_of
from gateway.domain.finding import Task
from gateway.paths import data_path
from models.recipes.heads import tune
from models.recipes.heads.generate import TASKS
from models.recipes.heads.tune import Unusable, folds, read
from tests.conftest import REPOSITORY

SAMPLE = REPOSITORY / "models" / "recipes" / "heads" / "sample_tasks.jsonl"


def test_the_copy_judges_by_the_new_head(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its own words are judged, the other head is as it was, and both heads' scores on what was held out are told."""
    out = tmp_path / "own"
    arguments = ["tune", str(SAMPLE), "--kind", "task", "--out", str(out), "--generated", "0"]
    monkeypatch.setattr(sys, "argv", [*arguments, "--pipeline", str(data_path("models/pii-en"))])
    tune.main()
    told = json.loads(capsys.readouterr().out)
    before = json.loads((data_path("models/pii-en") / "ner" / "heads.json").read_text())
    after = json.loads((out / "ner" / "heads.json").read_text())
    judge = judge_of(out, Encoder(out / "ner"))
    assert judge is not None
    own = [json.loads(line) for line in SAMPLE.read_text().splitlines()]
    right = [judge.judge(each["text"])[0].task is Task(each["label"]) for each in own]

    assert 84 == told["shipped"]["texts"] == told["tuned"]["texts"]
    assert 0.3 < told["tuned"]["accuracy"] < 1  # no head judged a text that it was trained on
    assert (before["topic"], before["encoder"]) == (after["topic"], after["encoder"])
    assert before["task"] != after["task"]
    assert sum(right) > 0.8 * len(own)
    with pytest.raises(SystemExit, match="is there already"):
        tune.main()


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b'{"text": "zebra", ', "line 2 is not JSON"),
        (b"[]", "line 2 has no 'text'"),
        (b'{"label": "code"}', "line 2 has no 'text'"),
        (b'{"text": "zebra", "label": "zebra"}', "line 2 has no 'label' of classification, "),
        (b"", "fewer than 5 texts of classification, "),
    ],
)
def test_texts_that_cannot_be_trained_on_are_told(line: bytes, why: str) -> None:
    """By their line, without a word of them."""
    with pytest.raises(Unusable, match=why) as told:
        read([b'{"text": "x", "label": "code"}', line], TASKS)

    assert "zebra" not in str(told.value)


def test_each_fifth_has_some_of_each_label() -> None:
    """A text that stands there twice is one text, so it is never on both sides."""
    lines = [json.dumps({"text": f"{label} {n % 11}", "label": label}).encode() for label in TASKS for n in range(22)]
    own = read(lines, TASKS)
    fold = folds(own)

    assert 11 * len(TASKS) == len(own)
    for label in TASKS:
        sizes = [
            sum(fold[place] == number for place, each in enumerate(own) if each.label == label) for number in range(5)
        ]
        assert [3, 2, 2, 2, 2] == sizes
