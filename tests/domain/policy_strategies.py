"""Generated policies and facts, small enough that rules meet, contradict and overlap."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st

from gateway.domain.conditions import (
    AllOf,
    AnyOf,
    ClassIs,
    Condition,
    ContextField,
    ContextIs,
    FindingIs,
    LabelIs,
    Not,
    TaskIs,
)
from gateway.domain.declaration import Source
from gateway.domain.detectors import TermsDetector
from gateway.domain.evaluate import MayLeave, Verdict
from gateway.domain.facts import Context, Facts, FindingFact
from gateway.domain.finding import JudgedTask, Permille, Task
from gateway.domain.labels import STANDARD_LABELS, Classification, DataClass, Entity, Label
from gateway.domain.policy import (
    Block,
    Bundle,
    Ceiling,
    Consequence,
    Operator,
    RouteExternal,
    RouteLocal,
    Rule,
    Scope,
    Severity,
    Transform,
    TransformOnly,
    TreatAs,
    Zone,
)
from tests.domain.build import CONFIDENTIAL, INTERNAL, PUBLIC, RESTRICTED, policy, rule

DESTINATIONS = ("openai", "anthropic", "elsewhere")
ENTITIES = tuple(
    Entity(name)
    for name in (
        "US_SSN",
        "EMAIL_ADDRESS",
        "FINANCIAL_AMOUNT",
        "PERSON",
        "MEDICAL_CONDITION",
        "CREDIT_CARD",
        "SECRET",
        "project",
        "UNHEARD",
    )
)
CEILINGS = {
    "openai": Ceiling(Zone.EXTERNAL, INTERNAL, frozenset({DataClass.PHI, DataClass.SECRET})),
    "anthropic": Ceiling(Zone.EXTERNAL, CONFIDENTIAL, frozenset({DataClass.SECRET})),
    "local-slm": Ceiling(Zone.IN_NETWORK, RESTRICTED, frozenset()),
}
DETECTORS = (TermsDetector("project", ("Bluefin",), Classification(CONFIDENTIAL, frozenset({DataClass.PROPRIETARY}))),)

entities = st.sampled_from(ENTITIES)
labels = st.sampled_from(STANDARD_LABELS)
sources = st.frozensets(st.sampled_from([Source.USER, Source.SYSTEM]), max_size=1)
permilles = st.sampled_from([0, 300, 500, 850]).map(Permille)
transforms = st.lists(st.builds(Transform, entities, st.sampled_from(Operator)), max_size=3).map(tuple)
_BOUNDS = [(low, high) for at, low in enumerate(STANDARD_LABELS) for high in STANDARD_LABELS[at:]]
TASKS = (Task.CODE, Task.EXTRACTION)
task_conditions = st.builds(TaskIs, st.frozensets(st.sampled_from(TASKS), min_size=1), st.sampled_from([500, 850]))
judged = st.one_of(st.just(JudgedTask()), st.builds(JudgedTask, st.sampled_from(TASKS), permilles))
leaves = st.one_of(
    task_conditions,
    st.builds(FindingIs, entities, permilles, st.integers(1, 4), sources),
    st.builds(ClassIs, st.sampled_from(DataClass)),
    st.sampled_from(_BOUNDS).map(lambda bounds: LabelIs(*bounds)),
    st.builds(ContextIs, st.just(ContextField.PURPOSE), st.just(frozenset({"support"}))),
    st.builds(ContextIs, st.just(ContextField.APP), st.sampled_from([frozenset({"cl*"}), frozenset({"other"})])),
)


def conditions(*, negated: bool = True) -> st.SearchStrategy[Condition]:
    """Conditions up to a small depth; without `not` where it is asked for."""

    def larger(inner: st.SearchStrategy[Condition]) -> st.SearchStrategy[Condition]:
        several = st.lists(inner, min_size=1, max_size=3).map(tuple)
        joined = [st.builds(AnyOf, several), st.builds(AllOf, several)]
        return st.one_of(*joined, st.builds(Not, inner)) if negated else st.one_of(*joined)

    return st.recursive(leaves, larger, max_leaves=4)


claimable = st.one_of(
    st.sampled_from(_BOUNDS).map(lambda bounds: LabelIs(*bounds)),
    st.sampled_from([Not(ContextIs(ContextField.PURPOSE, frozenset({name}))) for name in ("support", "other")]),
    task_conditions | st.builds(Not, task_conditions),
)
"""Conditions that a caller's own word can make true or false."""

restricting = st.one_of(
    st.builds(Block, st.sampled_from([403, 451])),
    st.builds(RouteLocal, st.sampled_from(["", "local-slm"])),
    st.builds(TransformOnly, transforms),
)
permitting = st.builds(RouteExternal, st.sampled_from(["", "openai", "anthropic"]), transforms)


def rules(
    then: st.SearchStrategy[Consequence] = restricting | permitting, *, negated: bool = True
) -> st.SearchStrategy[Rule]:
    """Rules; ids may be shared, as the rules of two files may."""
    return st.builds(
        Rule,
        id=st.sampled_from("abcdefgh"),
        reason=st.sampled_from(["R1", "R2"]),
        severity=st.sampled_from(Severity),
        when=conditions(negated=negated),
        then=then,
        tell_user=st.sampled_from(["", "told"]),
        shadow=st.booleans() if negated else st.just(value=False),
    )


def _some_rules(*, negated: bool, lenient: bool) -> st.SearchStrategy[Rule]:
    return (
        rules(permitting | st.builds(TransformOnly, transforms), negated=negated) if lenient else rules(negated=negated)
    )


LETS_LEAVE = rule("lets-leave", LabelIs(PUBLIC, RESTRICTED), RouteExternal("", ()))


@st.composite
def bundles(draw: st.DrawFn, *, negated: bool = True, lenient: bool = False) -> Bundle:
    """One or two policies that speak of the same callers. Rules have ids of their own. A lenient bundle lets most
    requests leave, as far as rules go."""
    told = [draw(st.lists(_some_rules(negated=negated, lenient=lenient), min_size=1, max_size=5)) for _ in range(2)]
    told = [[replace(each, id=f"{number}-{at}") for at, each in enumerate(these)] for number, these in enumerate(told)]
    policies = [
        policy(
            *told[number],
            *([LETS_LEAVE] if lenient else []),
            name=f"p{number}",
            scope=Scope(frozenset({draw(st.sampled_from(["*", "cl*", "claims"]))}), frozenset({"*"})),
            ceilings=CEILINGS,
            detectors=DETECTORS,
            default=draw(st.sampled_from([RouteLocal(""), RouteLocal("local-slm"), Block(403)])),
            on_opaque_part=draw(st.sampled_from([TreatAs(RESTRICTED), TreatAs(INTERNAL), Block(415)])),
        )
        for number in range(draw(st.integers(1, 2)))
    ]
    return Bundle(policies=tuple(policies), digest="sha256:0", revision=1)


findings = st.builds(
    FindingFact,
    entity=entities,
    schema=st.just("/messages/*/content"),
    source=st.sampled_from([Source.USER, Source.SYSTEM]),
    values=st.just(4),
    new=st.integers(0, 4),
    confidence=permilles,
)


@st.composite
def facts(draw: st.DrawFn, *, failed: int = 0, silent: bool = False, most: int = 4) -> Facts:
    """Facts of one caller; one that claims nothing where it is asked for. At most `failed` leaves have failed."""
    claim = "" if silent else draw(st.sampled_from(["", "", *STANDARD_LABELS, "unheard-of"]))
    purpose = "" if silent else draw(st.sampled_from(["", "support", "other"]))
    context = Context("acme", "claims", "k1", purpose, Label(claim), 0)
    found = tuple(draw(st.lists(findings, max_size=most)))
    task = JudgedTask() if silent else draw(judged)
    counts = (3, draw(st.integers(0, failed)), draw(st.sampled_from([0, 0, 0, 1])))
    return Facts(context, "gpt-x", *counts, found, task=task)


_STRENGTH = tuple(Operator)
_RANK = ("MayLeave", "Inside", "Block")


def looser(new: Verdict, old: Verdict) -> bool:
    """Whether `new` allows anything that `old` does not."""
    if isinstance(new.outcome, MayLeave) and isinstance(old.outcome, MayLeave):
        wider = any(new.outcome.allows(d) and not old.outcome.allows(d) for d in DESTINATIONS)
        kept = {t.entity: _STRENGTH.index(t.operator) for t in new.outcome.transforms}
        return wider or any(kept.get(t.entity, -1) < _STRENGTH.index(t.operator) for t in old.outcome.transforms)
    return _RANK.index(type(new.outcome).__name__) < _RANK.index(type(old.outcome).__name__)
