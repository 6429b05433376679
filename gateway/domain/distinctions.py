"""What a bundle can tell apart in the findings of a request, and no more: requests are many, and most of them differ in
what no rule asks for.

Evaluation reads of findings which entities there are, what those mean, and whether each condition on them holds. Where
no rule, transform or exception names an entity, only its meaning counts.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence

from gateway.domain.conditions import FindingIs, enough, simple
from gateway.domain.exceptions import WholeRule
from gateway.domain.facts import FindingFact
from gateway.domain.labels import DEFAULT_TABLE, HEALTH_ENTITIES, UNMASKABLE, Entity
from gateway.domain.policy import Bundle, RouteExternal, Rule, TransformOnly


class Distinctions:
    """What one bundle can tell apart."""

    def __init__(self, bundle: Bundle) -> None:
        self._policies = bundle.policies
        self._asked = _conditions(bundle)
        self._named = frozenset(self._asked).union(_transformed(bundle), _waived(bundle))
        self._kinds: dict[Entity, Hashable] = {}

    def of(self, findings: Sequence[FindingFact], *, by_name: bool) -> Hashable:
        """Equal for two requests where no decision of this bundle can depend on how their findings differ. `by_name`:
        all that was found may be replaced, so every entity counts."""
        here: dict[Entity, list[FindingFact]] = {}
        for fact in findings:
            here.setdefault(fact.entity, []).append(fact)
        return frozenset(
            (
                entity if by_name or entity in self._named else self._kind(entity),
                tuple(enough(condition, facts) for condition in self._asked.get(entity, ())),
            )
            for entity, facts in here.items()
        )

    def _kind(self, entity: Entity) -> Hashable:
        """What an entity means that nobody names."""
        known = self._kinds.get(entity)
        if known is None:
            said = tuple(policy.meanings.get(entity) for policy in self._policies)
            known = (DEFAULT_TABLE.get(entity), said, entity in HEALTH_ENTITIES, entity in UNMASKABLE)
            self._kinds[entity] = known
        return known


def _conditions(bundle: Bundle) -> Mapping[Entity, Sequence[FindingIs]]:
    """What the rules ask of each entity."""
    asked: dict[Entity, dict[FindingIs, None]] = {}
    for rule in _rules(bundle):
        for condition in simple(rule.when):
            if isinstance(condition, FindingIs):
                asked.setdefault(condition.entity, {})[condition] = None
    return {entity: tuple(conditions) for entity, conditions in asked.items()}


def _transformed(bundle: Bundle) -> Iterator[Entity]:
    for rule in _rules(bundle):
        if isinstance(rule.then, RouteExternal | TransformOnly):
            yield from (transform.entity for transform in rule.then.transforms)


def _waived(bundle: Bundle) -> Iterator[Entity]:
    for exception in bundle.exceptions:
        if not isinstance(exception.waives, WholeRule):
            yield exception.waives.entity


def _rules(bundle: Bundle) -> Iterator[Rule]:
    for policy in bundle.policies:
        yield from policy.rules
