"""How transforms go together, and which of two sets of them leaves more in clear."""

from __future__ import annotations

from collections.abc import Iterable

from gateway.domain.labels import UNMASKABLE, Entity
from gateway.domain.policy import Operator, Transform

_STRENGTH = {operator: strength for strength, operator in enumerate(Operator)}


def united(transforms: Iterable[Transform]) -> tuple[Transform, ...]:
    """One transform an entity: the strongest. Sorted by entity."""
    strongest: dict[Entity, Transform] = {}
    for transform in sorted(transforms, key=lambda t: _STRENGTH[t.operator]):
        strongest[transform.entity] = transform
    return tuple(strongest[entity] for entity in sorted(strongest))


def taken_out(transformed: frozenset[Entity]) -> frozenset[Entity]:
    """Those of the transformed entities of which nothing is left then."""
    return transformed - UNMASKABLE


def no_stronger(some: Iterable[Transform], others: Iterable[Transform]) -> bool:
    """Whether each of `some` has an equal or a stronger one of its entity among `others`."""
    strength = {other.entity: _STRENGTH[other.operator] for other in others}
    return all(_STRENGTH[each.operator] <= strength.get(each.entity, -1) for each in some)
