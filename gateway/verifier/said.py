"""What a record says, as far as verification reads it.

`msgspec` fills these as it parses, in a quarter of the time that parsing all of a record takes. A copy of this folder
needs no more than `cryptography`: without `msgspec`, and for whatever is not in the form of a record, the standard
library reads. Both judge alike.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from types import ModuleType
from typing import TypeVar, get_type_hints

try:
    import msgspec as _installed
except ImportError:
    _installed = None  # type: ignore[assignment]  # a copy without it

_msgspec: ModuleType | None = _installed
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Done:
    """What a decision does."""

    route: str = ""
    destination: str = ""


@dataclass(frozen=True, slots=True)
class Judged:
    """By which policy, and why."""

    dig: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Said:
    """One record. The names are the record's own; what it does not say is empty, 0, or -1 for its sequence number."""

    w: str = ""
    s: int = -1
    p: str = ""
    k: str = ""
    id: str = ""
    t: int = 0
    tenant: str = ""
    app: str = ""
    label: str = ""
    who: str = ""
    do: Done = Done()
    pol: Judged = Judged()
    action: str = ""
    subject: str = ""
    dropped: int = 0
    upto: int = 0
    before: int = 0


_NESTED: Mapping[str, type[Done | Judged]] = {"do": Done, "pol": Judged}


def columns_of(said: Said) -> tuple[object, ...]:
    """What the search columns of a record must say: `COLUMNS` from the second on."""
    do = said.do
    return said.k, said.id, said.t, said.tenant, said.app, said.label, do.route, do.destination, said.pol.reason


def said_in(body: bytes) -> Said | None:
    """What the bytes of a record say; `None` where they are no JSON object, or a value is of another type."""
    if _quickly is not None and body.isascii():
        try:
            return _quickly(body)
        except (ValueError, RecursionError):
            pass
    document = document_of(body)
    if document is None:
        return None
    nested = {name: _filled(kind, document[name]) for name, kind in _NESTED.items() if name in document}
    return _filled(Said, {**document, **nested})


def document_of(body: bytes) -> dict[str, object] | None:
    """The object in some JSON; `None` where there is none.

    What the quick reader does not take is left to the standard library's: both judge alike."""
    try:
        read = _msgspec.json.decode(body) if _msgspec else json.loads(body)
    except (ValueError, RecursionError):
        try:
            read = json.loads(body)
        except (ValueError, RecursionError):
            return None
    return read if isinstance(read, dict) else None


def _filled(kind: type[_T], document: object) -> _T | None:
    """The same from what was parsed already; `None` where that is no object, or a value of it is of another type."""
    if not isinstance(document, dict):
        return None
    hints = get_type_hints(kind)
    said = {name: document[name] for name in hints if name in document}
    return kind(**said) if all(type(value) is hints[name] for name, value in said.items()) else None


def _quick_reader(quick: ModuleType | None) -> Callable[[bytes], Said] | None:
    if quick is None:
        return None

    def structure(kind: type, **nested: type) -> type:
        """The same fields, for the parser to fill."""
        hints = get_type_hints(kind) | nested
        defaults = {each.name: each.default for each in fields(kind)} | {name: each() for name, each in nested.items()}
        made: type = quick.defstruct(kind.__name__, [(n, hints[n], defaults[n]) for n in hints], frozen=True, gc=False)
        return made

    decoder = quick.json.Decoder(structure(Said, **{name: structure(kind) for name, kind in _NESTED.items()}))
    read: Callable[[bytes], Said] = decoder.decode
    return read


_quickly = _quick_reader(_msgspec)
