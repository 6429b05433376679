"""Evaluation of 200 rules on 50 findings, and loading and testing the shipped policies: `python -m
tests.benchmarks.bench_policy [--out FILE]`. Tells processor time, so that a busy machine counts for less."""

from __future__ import annotations

import argparse
import gc
import json
import time
from datetime import date
from pathlib import Path

from gateway.adapters.file_policies import FilePolicies
from gateway.adapters.policy_cases import differences, outcome_of
from gateway.adapters.policy_lint import cases_of, lint_directory
from gateway.domain.conditions import AllOf, AnyOf, ClassIs, Condition, ContextField, ContextIs, FindingIs, LabelIs
from gateway.domain.declaration import Source
from gateway.domain.evaluate import evaluate
from gateway.domain.facts import Context, Facts, FindingFact
from gateway.domain.finding import Permille
from gateway.domain.labels import DEFAULT_TABLE, STANDARD_LABELS, DataClass, Label, Scale
from gateway.domain.policy import (
    Block,
    Bundle,
    Ceiling,
    Consequence,
    Operator,
    Policy,
    RouteExternal,
    RouteLocal,
    Rule,
    Scope,
    Severity,
    Transform,
    TreatAs,
    Zone,
)
from gateway.domain.routing import routed
from gateway.paths import data_path

ENTITIES = sorted(DEFAULT_TABLE)
PUBLIC, INTERNAL, _, RESTRICTED = STANDARD_LABELS


def condition(number: int) -> Condition:
    """The mixture of conditions that the shipped policy and the examples have."""
    entity = ENTITIES[number % len(ENTITIES)]
    one = FindingIs(entity, Permille(500), 1 + number % 20, frozenset())
    match number % 5:
        case 0:
            return AnyOf((one, ClassIs(DataClass.PHI)))
        case 1:
            return AllOf((LabelIs(PUBLIC, INTERNAL), ContextIs(ContextField.APP, frozenset({"claims-*", "batch"}))))
        case 2:
            return ClassIs(DataClass.SECRET)
        case _:
            return one


def consequence(number: int) -> Consequence:
    """Mostly permissions and local routes, some blocks."""
    entity = ENTITIES[number % len(ENTITIES)]
    match number % 4:
        case 0:
            return RouteLocal("")
        case 1:
            return Block(403)
        case _:
            return RouteExternal("", (Transform(entity, Operator.PLACEHOLDER),))


def bundle(rules: int) -> Bundle:
    """One policy of that many rules."""
    made = [
        Rule(id=f"r{n}", reason=f"R{n}", severity=Severity.LOW, when=condition(n), then=consequence(n))
        for n in range(rules)
    ]
    every = frozenset({"*"})
    policy = Policy(
        name="bench",
        scope=Scope(every, every),
        scale=Scale(STANDARD_LABELS),
        ceilings={"openai": Ceiling(Zone.EXTERNAL, INTERNAL, frozenset())},
        detectors=(),
        rules=tuple(made),
        default=RouteLocal(""),
        default_reason="NO_RULE_MATCHED",
        on_detector_failure=TreatAs(RESTRICTED),
        on_opaque_part=TreatAs(RESTRICTED),
        local_model_down_status=503,
    )
    return Bundle(policies=(policy,), digest="sha256:0", revision=1)


def facts(findings: int, label: str = "", purpose: str = "") -> Facts:
    """A request of that many findings."""
    found = tuple(
        FindingFact(ENTITIES[n % len(ENTITIES)], "/messages/*/content", Source.USER, 1, 1, Permille(900))
        for n in range(findings)
    )
    context = Context("acme", "claims-bot", "k1", purpose, Label(label), 0)
    return Facts(context, "gpt-x", 50, 0, 0, found)


def measure(name: str, whole: Bundle, asked: Facts, times: int = 20_000) -> dict[str, object]:
    """p50, p99 and p99.9 of that many evaluations, in microseconds."""
    for _ in range(500):
        evaluate(whole, asked)
    taken = []
    for _ in range(times):
        start = time.thread_time_ns()
        evaluate(whole, asked)
        taken.append(time.thread_time_ns() - start)
    taken.sort()
    p50, p99, p999 = (taken[int(times * part)] / 1000 for part in (0.5, 0.99, 0.999))
    print(f"{name:<44} p50 {p50:7.1f}  p99 {p99:7.1f}  p99.9 {p999:7.1f} microseconds", flush=True)
    return {"run": name, "p50_us": round(p50, 1), "p99_us": round(p99, 1), "p999_us": round(p999, 1)}


def shipped() -> dict[str, object]:
    """How long it takes to check, load and test the shipped policies, each folder and all of them."""
    root = data_path("policies")
    whole = 0.0
    for folder in (root, *sorted(path for path in (root / "profiles").iterdir() if path.is_dir())):
        start = time.process_time()
        report = lint_directory(folder, date(2026, 1, 1))
        made = FilePolicies(folder).current()
        cases, errors = cases_of(folder, made)
        wrong = [c.id for c in cases if differences(c.expect, outcome_of(routed(made, c.facts, c.alias)))]
        took = time.process_time() - start
        whole += took
        assert [] == [*report.errors, *errors, *wrong]
        print(f"{f'checked, loaded, tested: {folder.name}':<44} {1000 * took:7.0f} ms, {len(cases)} cases")
    print(f"{'all of the shipped policies':<44} {1000 * whole:7.0f} ms")
    return {"run": "all of the shipped policies checked, loaded and tested", "ms": round(1000 * whole)}


def main() -> None:
    """All of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path)
    chosen = parser.parse_args()
    gc.freeze()
    told = [
        shipped(),
        measure("200 rules, 50 findings", bundle(200), facts(50)),
        measure("200 rules, no findings", bundle(200), facts(0)),
        measure("200 rules, 50 findings, label and purpose", bundle(200), facts(50, "restricted", "support"), 5_000),
        measure("20 rules, 5 findings", bundle(20), facts(5)),
    ]
    if chosen.out:
        chosen.out.write_text(json.dumps(told, indent=2) + "\n")


if __name__ == "__main__":
    main()
