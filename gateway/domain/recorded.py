"""A record of a decision, read back: the facts that it was made on, and what was decided.

With the policy of the day alone, `domain.replaying` decides the same again. The id of the caller's key is a pseudonym,
and words of the caller that could be text are commitments: `unknown` names them, and a policy that asks for one of them
cannot be held against this record.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from enum import StrEnum
from operator import attrgetter
from typing import Any, TypeVar

from gateway.domain.alias import Alias
from gateway.domain.capability import Capability, Lack
from gateway.domain.conditions import TASK, ContextField
from gateway.domain.conversation import Operation
from gateway.domain.declaration import Source
from gateway.domain.facts import Context, Facts, FindingFact
from gateway.domain.finding import JudgedTask, Permille, Task
from gateway.domain.labels import Entity, Label
from gateway.domain.record import VERSION
from gateway.domain.record_form import DoneForm, FindingForm, PolicyForm, RecordForm

_COMMITTED = "h1:"


class Unreplayable(StrEnum):
    """Why a decision cannot be made again from its record."""

    NOT_FOUND = "not_found"
    OTHER_FORM = "other_form"  # written by a version of the gateway that recorded something else
    OTHER_MEANINGS = "other_meanings"  # what the shipped detector's entities mean has changed since
    FINDINGS_CUT = "findings_cut"  # more kinds of findings than a record holds
    LISTS_CUT = "lists_cut"  # more used-up exceptions, or lacks of models inside, than a record holds
    KEY_UNKNOWN = "key_unknown"  # a rule asks for the key, and its pseudonym cannot be opened any more
    WORD_COMMITTED = "word_committed"  # a rule asks for a model or purpose of which the record holds a commitment only


Listed = tuple[tuple[str, ...], int]
"""The names that fit into a record, and how many did not."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided, in the words of records."""

    label: str
    classes: tuple[str, ...]
    route: str
    destination: str
    status: int
    able: str
    reason: str
    rules: Listed
    shadow: Listed
    transforms: Listed
    exceptions: tuple[str, ...]


class OtherForm(Exception):
    """A record that was not written as records are now."""


_T = TypeVar("_T")
_SOURCES = {each.value: each for each in Source}
_UNKNOWN_KEY = ""
_NOTHING, _KEY = frozenset[ContextField](), frozenset({ContextField.KEY})
_NOT_THERE = (KeyError, TypeError, ValueError, AttributeError)
"""What reading JSON of another form raises."""


@dataclass(frozen=True, slots=True)
class Past:
    """One decision of the past. `digest` is that of the bundle that decided, `unknown` are the fields of the context
    that cannot be told.

    The rest is put together when it is asked for: most decisions equal one that was made again already. What reads it
    raises `OtherForm` where the record was not written as records are now.
    """

    decision_id: str
    digest: str
    tenant: str
    app: str
    unknown: frozenset[ContextField]
    key_id: str
    said: RecordForm = field(repr=False)

    @property
    def at(self) -> int:
        """When it was made, in microseconds since the epoch."""
        return self.said["t"]

    @property
    def meanings(self) -> str:
        """Which table of entities held."""
        return self.said["pol"]["ent"]

    @property
    def alias(self) -> Alias:
        """Where the model could go."""
        return Alias(self.said["to"]["ext"], self.said["to"]["loc"])

    @property
    def spent(self) -> frozenset[str]:
        """The exceptions without a use left."""
        return frozenset(self.said["pol"]["spent"])

    @property
    def route(self) -> str:
        """Where it went."""
        return self.said["do"]["route"]

    @property
    def lacking(self) -> bool:
        """Whether some model inside could not do what was asked."""
        return bool(self.said["lack"])

    @property
    def decided(self) -> Decision:
        """What was decided."""
        return Decision(*_or_other_form(_decided, self.said))

    def came_out_as(self, decision: Decision) -> bool:
        """Whether this was decided. Raises nothing: what cannot be read was not."""
        try:
            return _PARTS(decision) == _decided(self.said)
        except _NOT_THERE:
            return False

    @property
    def entities(self) -> frozenset[Entity]:
        """Of what something was found."""
        return _or_other_form(_entities, self.said)

    def findings_of(self, entities: AbstractSet[Entity]) -> Mapping[Entity, Sequence[FindingFact]]:
        """What was found of these entities."""
        return _or_other_form(lambda said: _findings_of(said, entities), self.said)

    def essence(self, asked: AbstractSet[str]) -> Hashable:
        """What a decision can depend on where rules ask for `asked`, but for findings, tenant, app and time."""
        return _or_other_form(lambda said: _essence(said, self.key_id, asked), self.said)

    def facts(self) -> Facts:
        """The facts that it was made on."""
        return _or_other_form(lambda said: _facts(said, self.key_id), self.said)


@dataclass(frozen=True, slots=True)
class Unread:
    """A decision that cannot be made again. The id is empty where not even that can be read."""

    decision_id: str
    cause: Unreplayable


def past_of(body: bytes, keys: Mapping[str, str], parse: Callable[[bytes], Any] = json.loads) -> Past | Unread:
    """The decision in the stored bytes of an `intent`, `local` or `block` record. `keys` are ids of keys by their
    pseudonyms; `parse` reads JSON, and raises `ValueError`."""
    decision_id = ""
    try:
        said: RecordForm = parse(body)
        decision_id = said["id"]
        cause = _cause(said)
        return Unread(decision_id, cause) if cause else _past(said, keys)
    except _NOT_THERE:
        return Unread(decision_id, Unreplayable.OTHER_FORM)


_MEMBERS, _OF_POLICY, _DONE = RecordForm.__required_keys__, PolicyForm.__required_keys__, DoneForm.__required_keys__


def _cause(said: RecordForm) -> Unreplayable | None:
    if said["v"] != VERSION:
        return Unreplayable.OTHER_FORM
    if said["more"]["find"]:
        return Unreplayable.FINDINGS_CUT
    return Unreplayable.LISTS_CUT if said["more"]["spent"] or said["more"]["lack"] else None


def _past(said: RecordForm, keys: Mapping[str, str]) -> Past:
    if not (said.keys() >= _MEMBERS and said["pol"].keys() >= _OF_POLICY and said["do"].keys() >= _DONE):
        raise KeyError
    key_id = keys.get(said["who"], _UNKNOWN_KEY)
    return Past(said["id"], said["pol"]["dig"], said["tenant"], said["app"], _unknown(said, key_id), key_id, said)


def _unknown(said: RecordForm, key_id: str) -> frozenset[ContextField]:
    unknown = _KEY if key_id is _UNKNOWN_KEY else _NOTHING
    if said["ctx"]["model"].startswith(_COMMITTED):
        unknown |= {ContextField.MODEL}
    if said["ctx"]["purpose"].startswith(_COMMITTED):
        unknown |= {ContextField.PURPOSE}
    return unknown


def _essence(said: RecordForm, key_id: str, asked: AbstractSet[str]) -> Hashable:
    context = said["ctx"]
    return (
        said["to"]["ext"],
        said["to"]["loc"],
        said["op"],
        context["claimed"],
        key_id if ContextField.KEY in asked else "",
        context["purpose"] if ContextField.PURPOSE in asked else "",
        context["model"] if ContextField.MODEL in asked else "",
        (said["task"]["is"], said["task"]["conf"]) if TASK in asked else "",
        said["body"]["failed"] > 0,
        said["body"]["opaque"] > 0,
        tuple([(each["d"], each["cap"]) for each in said["lack"]]),
    )


def _entities(said: RecordForm) -> frozenset[Entity]:
    return frozenset([each["d"] for each in said["find"]])


def _findings_of(said: RecordForm, entities: AbstractSet[Entity]) -> Mapping[Entity, Sequence[FindingFact]]:
    found: dict[Entity, list[FindingFact]] = {}
    for each in said["find"]:
        if each["d"] in entities:
            found.setdefault(each["d"], []).append(_finding(each))
    return found


def _finding(said: FindingForm) -> FindingFact:
    return FindingFact(said["d"], said["at"], _SOURCES[said["src"]], said["n"], said["new"], said["conf"])


def _facts(said: RecordForm, key_id: str) -> Facts:
    context, body, task = said["ctx"], said["body"], said["task"]
    claimed = Label(context["claimed"])
    return Facts(
        context=Context(said["tenant"], said["app"], key_id, context["purpose"], claimed, said["t"]),
        model=context["model"],
        leaves=body["leaves"],
        failed=body["failed"],
        opaque=body["opaque"],
        findings=tuple(map(_finding, said["find"])),
        operation=Operation(said["op"]),
        task=JudgedTask(Task(task["is"]), Permille(task["conf"])),
        lacking=tuple(Lack(each["d"], Capability(each["cap"])) for each in said["lack"]),
    )


_Decided = tuple[str, tuple[str, ...], str, str, int, str, str, Listed, Listed, Listed, tuple[str, ...]]
_PARTS = attrgetter(*Decision.__slots__)


def _decided(said: RecordForm) -> _Decided:
    """The parts of a `Decision`."""
    policy, done, cut = said["pol"], said["do"], said["more"]
    return (
        said["label"],
        tuple(said["classes"]),
        done["route"],
        done["destination"],
        done["status"],
        done["able"],
        policy["reason"],
        (tuple(policy["rules"]), cut["rules"]),
        (tuple(policy["shadow"]), cut["shadow"]),
        (tuple(done["transforms"]), cut["transforms"]),
        tuple(policy["exc"]),
    )


def _or_other_form(read: Callable[[RecordForm], _T], said: RecordForm) -> _T:
    try:
        return read(said)
    except _NOT_THERE:
        raise OtherForm from None
