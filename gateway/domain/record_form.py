"""The members of a decision's record that replaying reads, as types; `record_schema` is what checks a record."""

from __future__ import annotations

from typing import TypedDict

from gateway.domain.finding import Permille
from gateway.domain.labels import Entity


class FindingForm(TypedDict):
    """A finding, as facts have it."""

    d: Entity
    conf: Permille
    n: int
    new: int
    at: str
    src: str


TaskForm = TypedDict("TaskForm", {"is": str, "conf": int})


class PolicyForm(TypedDict):
    """Which policy decided, and how."""

    dig: str
    ent: str
    rules: list[str]
    reason: str
    shadow: list[str]
    exc: list[str]
    spent: list[str]


class DoneForm(TypedDict):
    """What was done."""

    route: str
    destination: str
    status: int
    able: str
    transforms: list[str]


class RecordForm(TypedDict):
    """The record of a decision."""

    v: int
    id: str
    t: int
    tenant: str
    app: str
    who: str
    op: str
    ctx: dict[str, str]
    to: dict[str, str]
    body: dict[str, int]
    task: TaskForm
    lack: list[dict[str, str]]
    label: str
    classes: list[str]
    find: list[FindingForm]
    pol: PolicyForm
    do: DoneForm
    more: dict[str, int]
