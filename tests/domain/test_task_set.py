"""Labelled tasks out of JSON lines: every line is a task, or a problem that says where and repeats no word of it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.task_set import Match, Problem, Task, is_right, read_tasks

CANARY = "zebra-canary"


def task(label: object, match: Match = Match.EXACT) -> Task:
    """A task with this label."""
    return Task((), label, match, "", {})  # type: ignore[arg-type]


def test_a_line_is_a_task() -> None:
    """As a text or as messages, with a label, how it is matched, a group, and more of the request."""
    lines = [
        b'{"input": "hi", "label": "greeting"}',
        b"",
        b'{"messages": [{"role": "user", "content": "hi"}], "label": {"a": 1}, "group": "g", "request": {"seed": 1}}',
    ]
    tasks, problems = read_tasks(lines)

    assert [] == problems
    assert Task(({"role": "user", "content": "hi"},), "greeting", Match.EXACT, "", {}) == tasks[0]
    assert (Match.JSON, "g", {"seed": 1}) == (tasks[1].match, tasks[1].group, tasks[1].request)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b'{"input": "zebra-canary", ', "not JSON, at column 27"),
        (b'{"input": "\xff"}', "not UTF-8"),
        (b'["zebra-canary"]', "not a JSON object"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"input": "zebra-canary"}', "no 'label'"),
        (b'{"input": "x", "label": ""}', "no 'label'"),
        (b'{"label": "x"}', "either 'input' or 'messages'"),
        (b'{"input": "x", "messages": [], "label": "x"}', "either 'input' or 'messages'"),
        (b'{"messages": [], "label": "x"}', "not empty"),
        (b'{"input": 5, "label": "x"}', "'input' is a text"),
        (b'{"input": "x", "label": 5}', "'label' is a text"),
        (b'{"input": "x", "label": {"a": 1}, "match": "exact"}', "'label' is a text"),
        (b'{"input": "x", "label": "x", "match": "zebra-canary"}', "'match' is one of"),
        (b'{"input": "x", "label": "x", "zebra-canary": 1}', "1 unknown members"),
        (b'{"input": "x", "label": "x", "group": "zebra canary"}', "'group' is a name"),
        (b'{"input": "x", "label": "x", "request": {"model": "y"}}', "'request' holds"),
    ],
)
def test_what_is_no_task_is_told_by_its_line(line: bytes, why: str) -> None:
    """With its number, counted as an editor does, and without a word of it."""
    tasks, problems = read_tasks([b'{"input": "hi", "label": "x"}', b"", line])

    assert (1, [3]) == (len(tasks), [each.line for each in problems])
    assert why in problems[0].why
    assert CANARY not in problems[0].why


@pytest.mark.parametrize("lines", [[], [b"", b"  "]])
def test_a_set_without_tasks_is_a_problem(lines: list[bytes]) -> None:
    """Nothing would be measured."""
    assert ([], [Problem(0, "holds no task")]) == read_tasks(lines)


@given(st.binary() | st.recursive(st.text() | st.integers() | st.none(), st.lists).map(json.dumps).map(str.encode))
def test_any_line_is_a_task_or_a_problem(line: bytes) -> None:
    """Whatever it holds; white space is nothing."""
    tasks, problems = read_tasks([line, b'{"input": "hi", "label": "x"}'])

    assert 1 == len(tasks)
    assert len(problems) == bool(line.strip())


@pytest.mark.parametrize("answer", ["Billing", "billing.", ' "BILLING"\n', "**billing**"])
def test_an_exact_answer(answer: str) -> None:
    """But for case and what stands around it."""
    assert is_right(task("billing"), answer)
    assert not is_right(task("billing"), f"it is {answer}")


def test_an_answer_that_contains_the_label() -> None:
    """As a word, not as a part of one."""
    assert is_right(task("late delivery", Match.CONTAINS), "I say: (Late  delivery)!")
    assert not is_right(task("late", Match.CONTAINS), "It was translated.")


def test_an_answer_in_json() -> None:
    """Every member of the label, of the same kind; others may stand beside it."""
    label = task({"name": "Dana", "paid": True, "sum": 12}, Match.JSON)

    assert is_right(label, '```json\n{"name": "dana.", "paid": true, "sum": 12, "more": 1}\n```')
    for wrong in ('{"name": "Dana", "paid": 1, "sum": 12}', '{"name": "Dana", "sum": 12}', "[]", "Dana", "[" * 100_000):
        assert not is_right(label, wrong)


@given(st.text(), st.text())
def test_scoring_never_fails(label: str, answer: str) -> None:
    """Whatever a model says."""
    assert is_right(task(label), label)
    for match in Match:
        is_right(task({"a": label} if match is Match.JSON else label, match), answer)
