"""Which stand-in stands for which value: written while a request is masked, read while its answer is restored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from gateway.domain.folding import fold
from gateway.domain.labels import Entity
from gateway.domain.placeholder import LITERAL, NAME, Pattern, PlaceholderKey, spelled
from gateway.domain.surrogate import Surrogate
from gateway.domain.surrogate_shapes import NO_SURROGATES, Surrogates

_CASE_MATTERS = frozenset({Entity("SECRET"), Entity("CRYPTO"), LITERAL})


@dataclass(frozen=True, slots=True)
class Vault:
    """Which placeholder (by its unguessable part) and which surrogate stands for which value, for one request.
    `entities` are those of the placeholders. Never recorded, never shown."""

    values: Mapping[str, str] = field(repr=False)
    entities: frozenset[Entity]
    surrogates: Surrogates = field(default=NO_SURROGATES, repr=False)

    def __bool__(self) -> bool:
        return bool(self.values) or bool(self.surrogates)

    def every_value(self) -> Iterator[str]:
        """All values that may come back."""
        yield from self.values.values()
        yield from self.surrogates.writings.values()
        for values in self.surrogates.values.values():
            yield from values.values()


class Book:
    """Gives the stand-ins of one request and writes down what they stand for."""

    def __init__(self, key: PlaceholderKey, surrogates: Surrogate, entities: frozenset[Entity]) -> None:
        self._key = key
        self._surrogates = surrogates
        self._entities = entities | {LITERAL, NAME}
        self._pattern = Pattern(self._entities)
        self._values: dict[str, str] = {}
        self._owners: dict[str, str] = {}

    def surrogate(self, entity: Entity, value: str) -> str:
        """A surrogate where there is one, else a placeholder."""
        return self._surrogates.stand_in(entity, value) or self.placeholder(entity, value)

    def placeholder(self, entity: Entity, value: str) -> str:
        """A placeholder in its brackets."""
        return f"[{self.bare(entity, value)}]"

    def bare(self, entity: Entity, value: str, *, exactly: bool = False) -> str:
        """A placeholder without brackets. `exactly`: it comes back in this very writing, as a name or key has to."""
        exactly = exactly or entity in _CASE_MATTERS
        identity = self._identity(entity, value, "")
        if exactly and self._values.setdefault(identity, value) != value:
            identity = self._identity(entity, value, value)
        self._values.setdefault(identity, value)
        return f"{spelled(entity)}_{identity}"

    def _identity(self, entity: Entity, value: str, writing: str) -> str:
        """The id of a value. Should two values ever be given the same one, the second takes another."""
        owner = f"{entity}\x00{fold(value)}\x00{writing}"
        attempt, identity = 0, self._key.id(entity, value, writing)
        while self._owners.setdefault(identity, owner) != owner:
            attempt += 1
            identity = self._key.id(entity, value, f"{writing}\x00{attempt}")
        return identity

    def comes_back(self, shown: str, value: str) -> bool:
        """Whether a text with placeholders is restored to exactly `value`."""
        result, at = "", 0
        for found in self._pattern.found(shown, 0, len(shown), self._values):
            result += shown[at : found.start] + self._values[found.id]
            at = found.end
        return result + shown[at:] == value

    def vault(self) -> Vault:
        """The way back."""
        return Vault(self._values, self._entities if self._values else frozenset(), self._surrogates.chosen)
