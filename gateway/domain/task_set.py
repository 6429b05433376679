"""A set of labelled tasks: what is asked, and what the answer should be. Read from JSON lines, scored by comparison."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from gateway.domain.strict_json import Json

MOST_TASKS = 100_000
_KEYS = frozenset({"input", "messages", "label", "match", "group", "request"})
_FENCE = re.compile(r"\s*```(?:json)?\s*(.*?)\s*```\s*", re.DOTALL)
_EDGES = " \t\r\n.,;:!?()[]{}\"'`*"
_NAME = re.compile(r"[a-zA-Z0-9_.-]{1,40}")


class Match(StrEnum):
    """When an answer counts as right."""

    EXACT = "exact"  # it is the label, but for case, white space and punctuation around it
    CONTAINS = "contains"  # the label stands in it, as a word
    JSON = "json"  # it is JSON in which every member of the label is as the label says


@dataclass(frozen=True, slots=True)
class Task:
    """One task. `messages` and `request` are parts of a chat request, as its caller would write them."""

    messages: tuple[Json, ...] = field(repr=False)
    label: Json = field(repr=False)
    match: Match
    group: str
    request: Mapping[str, Json] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Problem:
    """A line that is no task, from 1, and why; without a word of it. Line 0: the set as a whole."""

    line: int
    why: str


def read_tasks(lines: Sequence[bytes]) -> tuple[Sequence[Task], Sequence[Problem]]:
    """The tasks of JSON lines, and what is wrong with others. Empty lines are passed over."""
    tasks: list[Task] = []
    problems: list[Problem] = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        read = _read(line)
        if isinstance(read, Task):
            tasks.append(read)
        else:
            problems.append(Problem(number, read))
    if not tasks and not problems:
        problems.append(Problem(0, "holds no task"))
    if len(tasks) > MOST_TASKS:
        problems.append(Problem(0, f"holds more than {MOST_TASKS:,} tasks"))
    return tasks, problems


def _read(line: bytes) -> Task | str:
    """The task, or what is wrong with the line."""
    try:
        said = json.loads(line)
    except UnicodeDecodeError:
        return "not UTF-8"
    except ValueError as error:
        return f"not JSON, at column {getattr(error, 'colno', 1)}"
    except RecursionError:
        return "nested too deeply"
    if not isinstance(said, dict):
        return "not a JSON object"
    unknown = sorted(said.keys() - _KEYS)
    if unknown:
        return f"{len(unknown)} unknown members: a task has {', '.join(sorted(_KEYS))}"
    return _task(said)


def _task(said: Mapping[str, Json]) -> Task | str:
    if ("input" in said) == ("messages" in said):
        return "a task has either 'input' or 'messages'"
    messages = said.get("messages", [{"role": "user", "content": said.get("input")}])
    if not isinstance(said.get("input", ""), str) or not isinstance(messages, list) or not messages:
        return "'input' is a text, 'messages' a list that is not empty"
    label = said.get("label")
    if label in (None, "", {}):
        return "no 'label': what the answer should be"
    try:
        match = Match(str(said.get("match", Match.EXACT if isinstance(label, str) else Match.JSON)))
    except ValueError:
        return f"'match' is one of {', '.join(Match)}"
    if isinstance(label, str) == (match is Match.JSON) or not isinstance(label, str | dict):
        return "'label' is a text, or an object where 'match' is json"
    group, request = said.get("group", ""), said.get("request", {})
    if not isinstance(group, str) or (group and not _NAME.fullmatch(group)):
        return "'group' is a name"
    if not isinstance(request, dict) or {"model", "messages", "stream"} & request.keys():
        return "'request' holds further members of a chat request, not model, messages or stream"
    return Task(tuple(messages), label, match, group, request)


def is_right(task: Task, answer: str) -> bool:
    """Whether an answer is what the label says."""
    match task.match:
        case Match.EXACT:
            return _plain(answer) == _plain(str(task.label))
        case Match.CONTAINS:
            return f" {_plain(str(task.label))} " in f" {' '.join(map(_plain, answer.split()))} "
        case Match.JSON:
            return _holds(task.label, answer)


def _holds(label: Json, answer: str) -> bool:
    fenced = _FENCE.fullmatch(answer)
    try:
        said = json.loads(fenced[1] if fenced else answer)
    except (ValueError, RecursionError):
        return False
    if not isinstance(said, dict) or not isinstance(label, dict):
        return False
    return all(name in said and _same(said[name], value) for name, value in label.items())


def _same(said: Json, value: Json) -> bool:
    """Texts as labels are compared; everything else to the letter. 1 is not true."""
    if isinstance(said, str) and isinstance(value, str):
        return _plain(said) == _plain(value)
    return type(said) is type(value) and said == value


def _plain(text: str) -> str:
    return " ".join(text.strip(_EDGES).split()).casefold()
