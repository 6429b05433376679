"""How sensitive facts are: label and classes of what was found, of what was unreadable, of what the client says."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from gateway.domain.facts import Facts
from gateway.domain.labels import BESIDE_A_PERSON, DEFAULT_TABLE, Classification, DataClass, Entity, Label, Scale
from gateway.domain.policy import Ceiling, OnFailure, Policy, TreatAs
from gateway.domain.transforms import taken_out

_NOTHING: frozenset[DataClass] = frozenset()


def _meanings() -> str:
    rows = [(entity, means.label, sorted(means.classes)) for entity, means in sorted(DEFAULT_TABLE.items())]
    return hashlib.sha256(repr((rows, sorted(BESIDE_A_PERSON.items()))).encode()).hexdigest()[:16]


MEANINGS = _meanings()
"""Names what entities mean where no policy says otherwise. It changes with the gateway, not with a bundle."""
AS_IT_IS: Mapping[Entity, Classification] = MappingProxyType({})
"""No entity counts as anything but what it means."""


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """How sensitive a set of facts is."""

    label: Label
    classes: frozenset[DataClass]


def sensitivity_of(
    policies: Iterable[Policy],
    facts: Facts,
    transformed: frozenset[Entity],
    counted: Mapping[Entity, Classification] = AS_IT_IS,
) -> Sensitivity:
    """Label and classes of what remains when the values of `transformed` entities are taken out.

    Entities of `counted` have that label and these classes. They stay what they are for one question: whether a person
    and a matter of health or money stand side by side.
    """
    chosen = tuple(policies)
    scale = chosen[0].scale
    remaining = {fact.entity for fact in facts.findings}
    if transformed:
        remaining -= taken_out(transformed)
    meant = _meant(remaining, chosen, scale)
    meanings = [counted.get(entity, meaning) for entity, meaning in meant.items()] if counted else meant.values()
    classes = _NOTHING.union(*{meaning.classes for meaning in meanings})
    matters = {BESIDE_A_PERSON[entity] for entity in remaining if entity in BESIDE_A_PERSON}
    if matters and any(DataClass.PII in meaning.classes for meaning in meant.values()):
        classes |= matters
    labels = {meaning.label for meaning in meanings}
    if facts.context.claimed_label:
        labels.add(facts.context.claimed_label)
    labels |= {each.label for each in on_failure(chosen, facts) if isinstance(each, TreatAs)}
    return Sensitivity(scale.highest(*labels), classes)


def _meant(entities: Iterable[Entity], policies: tuple[Policy, ...], scale: Scale) -> Mapping[Entity, Classification]:
    """As `classify` for each."""
    if len(policies) > 1:
        return {entity: classify(entity, policies, scale) for entity in entities}
    means = policies[0].means
    return {entity: means.get(entity) or classify(entity, policies, scale) for entity in entities}


def classify(entity: Entity, policies: Iterable[Policy], scale: Scale) -> Classification:
    """What an entity means: the strictest of what the policies say, and each that is silent says the default table.

    So no file can lower what an entity means to another. An entity that nobody knows counts as the top label.
    """
    known = [policy.means[entity] for policy in policies if entity in policy.means]
    if not known:
        return Classification(scale.top, frozenset({DataClass.PII}))
    if len(known) == 1:
        return known[0]
    return Classification(scale.highest(*(each.label for each in known)), _NOTHING.union(*(e.classes for e in known)))


def within_ceiling(policies: Iterable[Policy], destination: str, sensitivity: Sensitivity) -> bool:
    """Whether every policy that names `destination` clears it for this sensitivity. One that none names is cleared
    for nothing."""
    ceilings = [(p.ceilings[destination], p.scale) for p in policies if destination in p.ceilings]
    return bool(ceilings) and all(_below(ceiling, sensitivity, scale) for ceiling, scale in ceilings)


def on_failure(policies: tuple[Policy, ...], facts: Facts) -> list[OnFailure]:
    """What the policies say of leaves that failed and of parts that nobody reads, as far as there are any."""
    said: list[OnFailure] = [p.on_detector_failure for p in policies] if facts.failed else []
    return said + ([p.on_opaque_part for p in policies] if facts.opaque else [])


def _below(ceiling: Ceiling, sensitivity: Sensitivity, scale: Scale) -> bool:
    in_label = scale.at_most(sensitivity.label, ceiling.max_label)
    return in_label and not sensitivity.classes & ceiling.never
