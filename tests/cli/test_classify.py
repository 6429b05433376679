"""`gateway classify`: spans, classes, label and outcome, for one text and for many."""

from __future__ import annotations

import base64
import json

import pytest
from click.testing import CliRunner, Result

from gateway.cli.classify import classify
from gateway.cli.why import WHY, why
from gateway.detection.analyzer import recognizers
from gateway.detection.rules import Gate

NOTE = "Patient Ann Lee has diabetes, mail ann.lee@example.com"


def run(*arguments: str, text: str | bytes) -> Result:
    """The command with its standard input."""
    return CliRunner().invoke(classify, [*arguments, "-"], input=text)


def test_one_text_as_json() -> None:
    """Spans with offsets in characters, entity, score and recogniser; classes, label, outcome and why."""
    told = json.loads(run("--json", text=NOTE).stdout)
    email = next(span for span in told["spans"] if span["entity"] == "EMAIL_ADDRESS")

    assert "ann.lee@example.com" == NOTE[email["start"] : email["end"]]
    assert {"score", "recognizer"} <= email.keys()
    assert "the form of an e-mail address, also spelled out" == email["why"]
    assert {"phi", "pii"} <= set(told["classes"])
    assert ("local", "PHI", True) == (told["outcome"], told["reason"], told["examined"])


def test_one_text_as_a_table() -> None:
    """For people."""
    shown = run(text=NOTE).stdout

    assert "EMAIL_ADDRESS" in shown
    assert "HealthRecognizer: a word or phrase for a condition" in shown
    assert "the policy says: local" in shown


def test_every_recognizer_says_why() -> None:
    """What is in the registry; a stranger's own one is told in general."""
    unexplained = {each.name for each in recognizers(Gate())} - WHY.keys()

    assert set() == unexplained
    assert "its own rules say so" == why("Acme")


def test_texts_that_were_not_examined_are_counted() -> None:
    """What is wrapped too often is told as not examined, line by line, and at the end."""
    wrapped = "mail ann.lee@example.com"
    for _ in range(5):
        wrapped = base64.b64encode(wrapped.encode()).decode()
    result = run("--jsonl", text="\n".join(json.dumps({"text": text}) for text in ("plain", wrapped)))

    assert [True, False] == [json.loads(line)["examined"] for line in result.stdout.splitlines()]
    assert "1 of 2 texts were not examined" in result.stderr
    assert 1 == result.exit_code


def test_many_texts_in_their_order() -> None:
    """One line out for each line in, blank lines aside."""
    texts = ["plain", NOTE, "card 4111 1111 1111 1111", "", "plain again"]
    lines = "\n".join([json.dumps({"text": text}) for text in texts] + [""])
    told = [json.loads(line) for line in run("--jsonl", text=lines).stdout.splitlines()]

    assert ["external", "local", "local", "external", "external"] == [each["outcome"] for each in told]
    assert ["public", "restricted"] == [told[0]["label"], told[2]["label"]]


@pytest.mark.parametrize(
    ("text", "hint"), [(b"\xff\xfe", "UTF-8"), ("{}\n", "line 1"), ('{"text": "a"}\n{"te\n', "line 2")]
)
def test_bad_input_is_a_usage_error(text: str | bytes, hint: str) -> None:
    """2, and where it is."""
    result = run("--jsonl", text=text) if hint.startswith("line") else run(text=text)

    assert 2 == result.exit_code
    assert hint in result.output
