"""A request as text leaves, each with its address: the value that is judged, and the source of what may be sent.

Total by construction: every string and number of the body is a leaf, a declared control value, or opaque. A
`Conversation` never shows its text in a repr.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from gateway.domain.declaration import Field, LeafKind, Source
from gateway.domain.errors import ErrorCode, refuse
from gateway.domain.finding import Address
from gateway.domain.strict_json import Json, dump_json, parse_json
from gateway.domain.walk import MAX_LEAVES, MAX_VALUES, Place, rebuild


class Operation(StrEnum):
    """The operations that are served."""

    CHAT = "chat"
    RESPONSES = "responses"
    INPUT_TOKENS = "input_tokens"
    COMPLETIONS = "completions"
    EMBEDDINGS = "embeddings"
    MODERATIONS = "moderations"
    MESSAGES = "messages"

    @property
    def maskable(self) -> bool:
        """Whether stand-ins may be put into such a request. A vector of a masked text is a vector of another text."""
        return self is not Operation.EMBEDDINGS

    @property
    def bound(self) -> bool:
        """Whether a model's name must always lead to one destination: vectors of two models cannot be compared."""
        return self is Operation.EMBEDDINGS


@dataclass(frozen=True, slots=True)
class Leaf:
    """One text of a request. `schema` is its address with caller-chosen keys as `*`; `context` the keys above it."""

    address: Address = field(repr=False)
    schema: str
    text: str = field(repr=False)
    source: Source
    kind: LeafKind
    context: tuple[str, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class OpaquePart:
    """Content that no detector can read. `size` is in characters."""

    address: Address = field(repr=False)
    schema: str
    media: str
    size: int


@dataclass(frozen=True, slots=True)
class Conversation:
    """A parsed request. Made by `read`, never by hand."""

    operation: Operation
    model: str = field(repr=False)
    stream: bool
    leaves: tuple[Leaf, ...]
    opaque: tuple[OpaquePart, ...]
    body: bytes = field(repr=False)
    declaration: Field = field(repr=False)

    def rewritten(self, texts: Mapping[Address, str], control: Mapping[str, Json]) -> bytes:
        """The body with some leaves replaced and some top-level control fields set, as canonical JSON.

        Two keys of one object that would become the same raise `CallerError`: nothing is dropped in silence.
        """
        document = parse_json(self.body)  # what `read` rebuilt, so without replacements there is nothing to rebuild
        if texts:
            document = rebuild(self.declaration, document, _Substitute(texts), Place())
        if not isinstance(document, dict):
            raise TypeError("a request body is an object")
        return dump_json({**document, **control})


def read(operation: Operation, declaration: Field, body: bytes) -> Conversation:
    """The conversation in a request body. Raises `CallerError` for anything the declaration does not know."""
    return read_document(operation, declaration, parse_json(body))


def read_document(operation: Operation, declaration: Field, document: Json) -> Conversation:
    """The conversation in a request body that is parsed already, strictly. Raises as `read` does."""
    reader = _Reader()
    shown = rebuild(declaration, document, reader, Place())
    if not isinstance(shown, dict):
        refuse(ErrorCode.INVALID_FIELD)
    return Conversation(
        operation=operation,
        model=str(shown.get("model", "")),
        stream=shown.get("stream") is True,
        leaves=tuple(reader.leaves),
        opaque=tuple(reader.parts),
        body=dump_json(shown),
        declaration=declaration,
    )


class _Reader:
    """Collects leaves and opaque parts; changes nothing."""

    def __init__(self) -> None:
        self.leaves: list[Leaf] = []
        self.parts: list[OpaquePart] = []
        self._members = 0

    def text(self, value: str, kind: LeafKind, place: Place) -> str:
        """Note a text."""
        if len(self.leaves) >= MAX_LEAVES:
            refuse(ErrorCode.TOO_MANY_VALUES)
        self.leaves.append(Leaf(_address(kind, place), place.schema, value, place.source, kind, place.keys))
        return value

    def opaque(self, value: str, media: str, place: Place) -> None:
        """Note an opaque part."""
        self.parts.append(OpaquePart(Address(place.address), place.schema, media, len(value)))

    def members(self, count: int) -> None:
        """Count what the walk will visit."""
        self._members += count
        if self._members > MAX_VALUES:
            refuse(ErrorCode.TOO_MANY_VALUES)


class _Substitute:
    """Puts other texts at some addresses."""

    def __init__(self, texts: Mapping[Address, str]) -> None:
        self._texts = texts

    def text(self, value: str, kind: LeafKind, place: Place) -> str:
        """The replacement, or the text itself."""
        return self._texts.get(_address(kind, place), value)

    def opaque(self, value: str, media: str, place: Place) -> None:
        """Opaque parts stay as they are."""

    def members(self, count: int) -> None:
        """They were counted when the request was read."""


def _address(kind: LeafKind, place: Place) -> Address:
    """A key and its value share a pointer; the key's own address ends in `~key`, which no pointer can."""
    return Address(f"{place.address}~key" if kind is LeafKind.KEY else place.address)
