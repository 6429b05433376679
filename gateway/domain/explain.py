"""Why a request went where it went, and why each rule holds or does not, in plain sentences.

Says nothing of the request but its facts: what kinds of values were found, how many, in whose words, how surely.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import assert_never

from gateway.domain.conditions import (
    AllOf,
    AnyOf,
    Circumstances,
    ClassIs,
    Condition,
    ContextIs,
    FindingIs,
    LabelIs,
    Not,
    TaskIs,
    circumstances,
    holds,
)
from gateway.domain.declaration import Source
from gateway.domain.evaluate import Verdict
from gateway.domain.facts import Facts, FindingFact
from gateway.domain.finding import CONFIDENCE, Task
from gateway.domain.policy import Bundle, Rule
from gateway.domain.routing import Refused, Routing, ToExternal, ToLocal

_BEYOND_RULES = MappingProxyType(
    {
        "ABOVE_CLEARANCE": "a rule lets it leave, and what would be sent is above the clearance of the destination",
        "DESTINATION_NOT_ALLOWED": "a rule lets it leave, and not to the destination of the model that was asked for",
        "LOCAL_ALIAS": "a rule lets it leave, and the model that was asked for has no destination outside",
        "NOT_MASKABLE": "it could leave only with stand-ins, and this kind of request cannot be sent with any",
        "NO_LOCAL_DESTINATION": "it may not leave, and no destination inside may see it",
        "NO_POLICY_IN_SCOPE": "no policy speaks of this caller",
        "UNREADABLE": "a part of it could not be examined",
        "LOCAL_MODEL_CANNOT": "it belongs inside, and the model there cannot do what is asked",
    }
)
_IN = MappingProxyType({source: source.value.replace("_", " ") + " text" for source in Source})

_UNCLAIMED = "without what the caller says of itself"
_AS_COUNTED = f"{_UNCLAIMED}, or with what an exception counts it as,"


@dataclass(frozen=True, slots=True)
class Explained:
    """One rule of one policy: whether it holds, and a sentence that says why, or why not."""

    policy: str
    rule: Rule
    holds: bool
    why: str


def summary(bundle: Bundle, routing: Routing) -> str:
    """One sentence: where the request goes, and what decided that."""
    match routing.way:
        case ToExternal(destination=destination, transforms=transforms):
            replaced = _joined([f"{t.entity} ({t.operator.value})" for t in transforms], "and")
            where = f"It leaves, to {destination}" + (f", after these are replaced: {replaced}" if replaced else "")
        case ToLocal(destination=destination):
            where = f"It stays inside, at {destination}"
        case Refused(status=status):
            where = f"It is refused with status {status}"
        case _:
            assert_never(routing.way)
    return f"{where}: {_decider(bundle, routing)}."


def explained(bundle: Bundle, facts: Facts, verdict: Verdict) -> tuple[Explained, ...]:
    """Every rule in scope, held against the facts as the client claims them."""
    now = circumstances(facts, verdict.sensitivity.label, verdict.sensitivity.classes, bundle.scale)
    counted = {*verdict.rules, *verdict.shadow}
    otherwise = _AS_COUNTED if bundle.exceptions else _UNCLAIMED
    return tuple(
        Explained(policy.name, rule, rule.id in counted, _sentence(rule, now, otherwise if rule.id in counted else ""))
        for policy in bundle.in_scope(facts.context.app, facts.context.tenant)
        for rule in policy.rules
    )


def _decider(bundle: Bundle, routing: Routing) -> str:
    """What decided: something beyond the rules, the rule whose reason is told, or the default."""
    if routing.reason in _BEYOND_RULES:
        return _BEYOND_RULES[routing.reason]
    rules = (rule for policy in bundle.policies for rule in policy.rules)
    named = sorted({rule.id for rule in rules if rule.reason == routing.reason and rule.id in routing.verdict.rules})
    if named:
        return f"{_joined([f'rule {each}' for each in named], 'and')} ({routing.reason})"
    if routing.verdict.rules:
        return f"the rules that match do not let it leave by themselves, so the default holds ({routing.reason})"
    return f"no rule matches, so the default holds ({routing.reason})"


def _sentence(rule: Rule, now: Circumstances, otherwise: str) -> str:
    """`otherwise` says how else a rule that counts could match; empty for one that does not count."""
    true = holds(rule.when, now)
    said = _capital(_because(rule.when, now)) + "."
    if otherwise and not true:
        said += f" It counts all the same: {otherwise} it would match."
    return said


def _because(condition: Condition, now: Circumstances) -> str:
    """Why a condition is true, or why it is not, as a clause."""
    match condition:
        case AnyOf(conditions=inner):
            true = [each for each in inner if holds(each, now)]
            return _joined([_because(each, now) for each in true or inner], "and")
        case AllOf(conditions=inner):
            false = [each for each in inner if not holds(each, now)]
            return _joined([_because(each, now) for each in false or inner], "and")
        case Not(condition=inner_one):
            return _because(inner_one, now)
        case FindingIs():
            return _found(condition, now.found.get(condition.entity, ()))
        case ClassIs(data_class=data_class):
            return f"there is {'' if data_class in now.classes else 'no '}{data_class.value} data"
        case LabelIs():
            return _labelled(condition, now)
        case ContextIs(field=field, values=values):
            given = now.context[field]
            said = f"the {field.value} is {given}" if given else f"no {field.value} is given"
            return said if holds(condition, now) else f"{said}, not {_joined(sorted(values), 'or')}"
        case TaskIs():
            return _judged(condition, now)
        case _:
            assert_never(condition)


def _found(condition: FindingIs, here: Sequence[FindingFact]) -> str:
    """What was found of an entity, and which demand it falls short of, if it does."""
    entity, sources = condition.entity, condition.sources
    if not here:
        return f"no {entity} was found"
    there = [fact for fact in here if not sources or fact.source in sources]
    wanted = _joined(sorted(_IN[source] for source in sources), "or")
    if not there:
        return f"a value of {entity} was found in {_places(here)} only, not in {wanted}"
    sure = [fact for fact in there if fact.confidence >= condition.min_confidence]
    if not sure:
        highest = max(fact.confidence for fact in there)
        return f"a value of {entity} was found with a confidence of {highest / 1000:g}, below {_confidence(condition)}"
    count = sum(fact.values if sources else fact.new for fact in sure)
    place = f" in {_places(sure)}" if sources else ""
    if condition.min_count > count and condition.min_count > 1:
        return f"{count} {entity} {_were(count)} found{place}, fewer than {condition.min_count}"
    return f"{max(count, 1)} {entity} {_were(count)} found{place}"


def _labelled(condition: LabelIs, now: Circumstances) -> str:
    low, high = now.scale.rank(condition.at_least), now.scale.rank(condition.at_most)
    rank = now.scale.rank(now.label)
    if rank < low:
        return f"the label is {now.label}, below {condition.at_least}"
    if rank > high:
        return f"the label is {now.label}, above {condition.at_most}"
    return f"the label is {now.label}"


def _judged(condition: TaskIs, now: Circumstances) -> str:
    task, sure = now.task.task, now.task.confidence
    if task is Task.UNKNOWN:
        return "the task was not judged"
    said = f"the task was taken for {task.value.replace('_', ' ')} with a confidence of {sure / 1000:g}"
    if task not in condition.tasks:
        return f"{said}, not {_joined(sorted(each.value.replace('_', ' ') for each in condition.tasks), 'or')}"
    return said if sure >= condition.min_confidence else f"{said}, below {_confidence(condition)}"


def _confidence(condition: FindingIs | TaskIs) -> str:
    words = {least: word for word, least in CONFIDENCE.items()}
    least = condition.min_confidence
    return f"{words[least]} ({least / 1000:g})" if least in words else f"{least / 1000:g}"


def _places(facts: Iterable[FindingFact]) -> str:
    return _joined(sorted({_IN[fact.source] for fact in facts}), "and")


def _were(count: int) -> str:
    return "was" if count <= 1 else "were"


def _joined(parts: Iterable[str], word: str) -> str:
    """`a, b and c`, each part once."""
    some = list(dict.fromkeys(parts))
    return f" {word} ".join(part for part in (", ".join(some[:-1]), some[-1]) if part) if some else ""


def _capital(clause: str) -> str:
    return clause[:1].upper() + clause[1:]
