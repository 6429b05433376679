"""What a bundle can tell apart in the findings of a request, and no more: requests are many, and most of them differ in
what no rule asks for.

Evaluation reads of findings which entities there are, what those mean, and which conditions on them hold. Where no
transform or exception names an entity, only its meaning counts; and of conditions that are joined by `any`, only
whether one of them holds.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterator, Mapping, Sequence

from gateway.domain.condition_index import alternatives
from gateway.domain.conditions import AllOf, Condition, Enough, FindingIs, Not, enough_found
from gateway.domain.exceptions import WholeRule
from gateway.domain.labels import BESIDE_A_PERSON, DEFAULT_TABLE, UNMASKABLE, Entity
from gateway.domain.policy import Bundle, RouteExternal, Rule, TransformOnly
from gateway.domain.recorded import Past

_MOST_KNOWN = 50_000
_Joined = tuple[FindingIs, ...]
_Entities = frozenset[Entity]


class Distinctions:
    """What one bundle can tell apart. The memory is bounded."""

    def __init__(self, bundle: Bundle) -> None:
        self._policies = bundle.policies
        self._asked = _conditions(bundle)
        self._named = frozenset(_transformed(bundle)).union(_waived(bundle))
        self._known: dict[tuple[_Entities, bool], tuple[Hashable, _Entities]] = {}

    def of(self, past: Past) -> Hashable:
        """Equal for two requests where no decision of this bundle can depend on how their findings differ. Raises
        `OtherForm`."""
        entities, by_name = past.entities, past.lacking
        kinds, asked = self._known.get((entities, by_name)) or self._learnt(entities, by_name=by_name)
        if not asked:
            return kinds
        together: set[int] = set()
        apart: list[Hashable] = []
        for entity, facts in past.findings_of(asked).items():
            held = [number for number, enough in self._asked[entity] if enough(facts)]
            if entity in self._named:
                apart.append((entity, tuple(held)))
            else:
                together.update(held)
        return kinds, frozenset(together), frozenset(apart)

    def _learnt(self, entities: _Entities, *, by_name: bool) -> tuple[Hashable, _Entities]:
        """What these entities mean, and those of them that rules ask for. `by_name`: all that was found may be
        replaced, so every entity counts."""
        if len(self._known) >= _MOST_KNOWN:
            self._known.clear()
        kinds = frozenset(each if by_name or each in self._named else self._kind(each) for each in entities)
        learnt = kinds, entities & self._asked.keys()
        self._known[entities, by_name] = learnt
        return learnt

    def _kind(self, entity: Entity) -> Hashable:
        """What an entity means that nobody names."""
        said = tuple(policy.meanings.get(entity) for policy in self._policies)
        return DEFAULT_TABLE.get(entity), said, BESIDE_A_PERSON.get(entity), entity in UNMASKABLE


def _conditions(bundle: Bundle) -> Mapping[Entity, Sequence[tuple[int, Enough]]]:
    """What the rules ask of the findings of each entity. Conditions of one number are as good as each other."""
    joined = dict.fromkeys(each for rule in _rules(bundle) for each in _alternatives(rule.when))
    asked: defaultdict[Entity, list[tuple[int, Enough]]] = defaultdict(list)
    for number, conditions in enumerate(joined):
        for condition in conditions:
            asked[condition.entity].append((number, enough_found(condition)))
    return asked


def _alternatives(condition: Condition) -> Iterator[_Joined]:
    """The conditions on findings in a condition; together those that are joined by `any`."""
    every = tuple(alternatives(condition))
    yield tuple(each for each in every if isinstance(each, FindingIs))
    for each in every:
        if isinstance(each, AllOf):
            for inner in each.conditions:
                yield from _alternatives(inner)
        elif isinstance(each, Not):
            yield from _alternatives(each.condition)


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
