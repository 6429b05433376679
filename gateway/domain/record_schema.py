"""The closed schema of records: what may stand in one, and in which place. Everything else is refused.

A check's `test` is given a value and its place, and raises `RecordError` unless the value fits. Each kind of record has
one shape; a key that the shape does not name, or a missing one, does not fit.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from gateway.domain.capability import Capability, Recourse
from gateway.domain.declaration import Source
from gateway.domain.evidence import ErasureScope, EventKind, Result, ReviewAction, ReviewReason, Route, ViewAction
from gateway.domain.exceptions import MOST_AT_ONCE
from gateway.domain.finding import Task
from gateway.domain.labels import DataClass
from gateway.domain.strict_json import Json


class RecordError(Exception):
    """Evidence that does not fit the record's schema. `place` is a path of record keys; no value is shown."""

    def __init__(self, place: str) -> None:
        super().__init__(f"{place} does not fit the schema of records")
        self.place = place


@dataclass(frozen=True, slots=True)
class Check:
    """What may stand in one place. `test` raises `RecordError` for whatever may not; `form` is a regular expression of
    canonical JSON that matches nothing else, perhaps not all: by it most records are told in a fifth of the time.
    """

    test: Callable[[Json, str], None]
    form: str


_MOST = 2**53 - 1
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:/-]{0,62}")


def is_word(value: str) -> bool:
    """Whether `value` has the form of a name: letters, digits and a few joints, no spaces, at most 63 characters."""
    return _WORD.fullmatch(value) is not None


def _matches(pattern: str) -> Check:
    """A string. The pattern matches no quote, backslash or control character, so that JSON shows it as it is."""
    compiled = re.compile(pattern, re.ASCII)

    def test(value: Json, place: str) -> None:
        if not isinstance(value, str) or compiled.fullmatch(value) is None:
            raise RecordError(place)

    return Check(test, f'"(?:{pattern})"')


def _one_of(*words: str) -> Check:
    known = frozenset(words)

    def test(value: Json, place: str) -> None:
        if not isinstance(value, str) or value not in known:
            raise RecordError(place)

    return Check(test, f'"(?:{"|".join(map(re.escape, sorted(known)))})"')


def _word_of(enum: type[StrEnum]) -> Check:
    return _one_of(*(each.value for each in enum))


def _whole(most: int = _MOST) -> Check:
    def test(value: Json, place: str) -> None:
        if type(value) is not int or not 0 <= value <= most:
            raise RecordError(place)

    first, rest = int(str(most)[0]), len(str(most)) - 1
    longest = f"[0-{first}]" if rest == 0 else f"[1-{first - 1}][0-9]{{{rest}}}" if first > 1 else "0"
    shorter = f"|[1-9][0-9]{{0,{rest - 1}}}" if rest else ""
    return Check(test, f"(?:0|{longest}{shorter})")


def _list_of(item: Check, most: int) -> Check:
    def test(value: Json, place: str) -> None:
        if not isinstance(value, list) or len(value) > most:
            raise RecordError(place)
        for member in value:
            item.test(member, place)

    return Check(test, rf"\[(?:{item.form}(?:,{item.form}){{0,{most - 1}}})?\]")


def _shape(members: Mapping[str, Check]) -> Check:
    def test(value: Json, place: str) -> None:
        if not isinstance(value, dict) or value.keys() != members.keys():
            raise RecordError(place)
        try:
            for key, member in members.items():
                member.test(value[key], key)
        except RecordError as error:
            raise RecordError(f"{place}.{error.place}") from None

    inside = ",".join(f'"{key}":{member.form}' for key, member in sorted(members.items()))
    return Check(test, rf"\{{{inside}\}}")


_NAME = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}"
_POLICY_NAME = r"[a-z0-9][a-z0-9._-]{0,63}"
_ULID = r"[0-9A-HJKMNP-TV-Z]{26}"
_WRITER = r"gw-[0-9a-f]{8}"
_COMMITMENT = r"h1:[0-9a-f]{64}"
_ADDRESS = r"\*|(?:#|/(?:[a-z_]{1,40}|[0-9]{1,6}|\*)){0,130}"
"""A path of the wire schema: declared fields, positions, `*` for a key of the caller's choice, `#` into nested JSON."""

_chosen_name = _matches(rf"|{_WORD.pattern}|{_COMMITMENT}")
_rule = _matches(rf"{_POLICY_NAME}(?:/{_POLICY_NAME})?")
_entity = _matches(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_digest = _matches(_COMMITMENT)
_committed: Mapping[str, Check] = {"c": _digest, "bytes": _whole()}

_LINK: Mapping[str, Check] = {
    "v": _whole(1),
    "w": _matches(_WRITER),
    "s": _whole(),
    "p": _matches(r"[0-9a-f]{64}"),
    "n": _matches(r"[0-9a-f]{32}"),
    "t": _whole(),
}

_FINDING = _shape(
    {
        "d": _entity,
        "conf": _whole(1000),
        "n": _whole(),
        "new": _whole(),
        "at": _matches(_ADDRESS),
        "src": _word_of(Source),
    }
)

_DECIDED: Mapping[str, Check] = {
    **_LINK,
    "id": _matches(_ULID),
    "tenant": _matches(_NAME),
    "app": _matches(_NAME),
    "who": _digest,
    "op": _matches(r"[a-z][a-z_]{0,31}"),
    "ctx": _shape({"model": _chosen_name, "purpose": _chosen_name, "claimed": _chosen_name}),
    "to": _shape({"ext": _matches(rf"(?:{_NAME})?"), "loc": _matches(rf"(?:{_NAME})?")}),
    "body": _shape({**_committed, "leaves": _whole(), "failed": _whole(), "opaque": _whole()}),
    "det": _matches(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,63}"),
    "task": _shape({"is": _word_of(Task), "conf": _whole(1000)}),
    "lack": _list_of(_shape({"d": _matches(_NAME), "cap": _word_of(Capability)}), 200),
    "label": _matches(r"[a-z][a-z0-9_-]{0,31}"),
    "classes": _list_of(_word_of(DataClass), len(DataClass)),
    "find": _list_of(_FINDING, 200),
    "pol": _shape(
        {
            "rev": _whole(),
            "dig": _matches(r"sha256:[0-9a-f]{64}"),
            "ent": _matches(r"[0-9a-f]{16}"),
            "rules": _list_of(_rule, 1000),
            "reason": _matches(r"[A-Z0-9][A-Z0-9_]{0,63}"),
            "shadow": _list_of(_rule, 1000),
            "exc": _list_of(_matches(_POLICY_NAME), MOST_AT_ONCE),
            "spent": _list_of(_matches(_POLICY_NAME), 200),
        }
    ),
    "do": _shape(
        {
            "route": _word_of(Route),
            "destination": _matches(rf"(?:{_NAME})?"),
            "status": _whole(599),
            "able": _word_of(Recourse),
            "transforms": _list_of(_entity, 1000),
            "sent": _shape(_committed),
        }
    ),
    "more": _shape(dict.fromkeys(("find", "lack", "rules", "shadow", "spent", "transforms"), _whole())),
}

_COST: Mapping[str, Check] = {"nusd": _whole(), "known": _whole(1)}
"""Billionths of a US dollar, 0 where no price is known."""

_OUTCOME: Mapping[str, Check] = {
    **_LINK,
    "id": _matches(_ULID),
    "tenant": _matches(_NAME),
    "result": _word_of(Result),
    "status": _whole(999),
    "bytes": _whole(),
    "restored": _whole(),
    "us": _whole(),
    "in": _whole(),
    "out": _whole(),
    "ans": _list_of(_rule, 1000),
    "cost": _shape(_COST),
    "other": _shape({"d": _matches(rf"(?:{_NAME})?"), **_COST, "us": _whole(), "seen": _whole()}),
}

_ACTION = _matches(r"[a-z][a-z_]{0,31}")
_SUBJECT = _matches(rf"|{_ULID}|{_WRITER}|sha256:[0-9a-f]{{64}}|{_POLICY_NAME}|{_NAME}")
_EVENT: Mapping[str, Check] = {**_LINK, "action": _ACTION, "subject": _SUBJECT}
_ADMIN: Mapping[str, Check] = {**_EVENT, "who": _matches(rf"(?:{_NAME})?")}
_RECOVERED: Mapping[str, Check] = {**_LINK, "action": _ACTION, "id": _matches(_ULID)}

_PRUNE: Mapping[str, Check] = {**_LINK, "before": _whole(), "upto": _whole(), "dropped": _whole()}
_ERASURE: Mapping[str, Check] = {
    **_LINK,
    "scope": _word_of(ErasureScope),
    "subject": _matches(rf"{_NAME}|{_COMMITMENT}"),
    "salts": _whole(),
    "keys": _whole(),
}

_VIEW: Mapping[str, Check] = {
    **_LINK,
    "action": _word_of(ViewAction),
    "who": _matches(rf"(?:{_NAME})?"),
    "subject": _SUBJECT,
    "asked": _list_of(_matches(r"[a-z]{1,16}:(?:[A-Za-z0-9][A-Za-z0-9_.:/-]{0,140}|\?)"), 20),
    "since": _whole(),
    "until": _whole(),
}
_REVIEW: Mapping[str, Check] = {
    **_LINK,
    "action": _word_of(ReviewAction),
    "who": _matches(_NAME),
    "id": _matches(_ULID),
    "d": _matches(r"(?:[A-Za-z0-9][A-Za-z0-9_-]{0,63})?"),
    "why": _word_of(ReviewReason),
    "c": _matches(rf"(?:{_COMMITMENT})?"),
}


class _Schemas:
    """One shape for each kind of record."""

    def __init__(self, shapes: Mapping[str, Mapping[str, Check]]) -> None:
        self._shapes = {kind: _shape({"k": _one_of(kind), **members}) for kind, members in shapes.items()}
        self._forms = {kind: re.compile(shape.form.encode()) for kind, shape in self._shapes.items()}

    def check(self, document: Mapping[str, Json], body: bytes = b"") -> None:
        """Raise `RecordError` unless the document, of which `body` is the canonical JSON, has the shape of its kind."""
        kind = document.get("k")
        shape = self._shapes.get(kind) if isinstance(kind, str) else None
        if shape is None:
            raise RecordError("k")
        if not isinstance(kind, str) or self._forms[kind].fullmatch(body) is None:
            shape.test(dict(document), "record")


SCHEMAS = _Schemas(
    {
        **dict.fromkeys(("intent", "local", "block"), _DECIDED),
        "outcome": _OUTCOME,
        "prune": _PRUNE,
        "erasure": _ERASURE,
        "view": _VIEW,
        "review": _REVIEW,
        **{kind.value: _EVENT for kind in EventKind if kind is not EventKind.RECOVERED},
        EventKind.ADMIN.value: _ADMIN,
        EventKind.RECOVERED.value: _RECOVERED,
    }
)
