"""All that is wrong with a folder of policy files and with their cases: what `gateway policy lint` tells."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from gateway.adapters.file_policies import TEST_SUFFIX, PolicyErrors, SourceFile, bundle_of, lint_files, read_files
from gateway.adapters.policy_cases import PolicyCase, read_cases, vocabulary_of
from gateway.adapters.policy_indexes import ANY_KEY, read_indexes
from gateway.adapters.policy_reader import KNOWN_ENTITIES
from gateway.adapters.strict_yaml import Mark, PolicyError, YamlList, YamlMap, YamlNode, YamlText, parse, shown
from gateway.domain.policy import Bundle
from gateway.domain.routing import routed


@dataclass(frozen=True, slots=True)
class LintReport:
    """What was told of a folder, sorted by place. With an error, the folder does not load or its cases do not run."""

    errors: tuple[PolicyError, ...]
    warnings: tuple[PolicyError, ...]


@dataclass(frozen=True, slots=True)
class Tried:
    """Which rules a case has shown to match, and which not to match."""

    matching: frozenset[str]
    others: frozenset[str]


def lint_directory(directory: Path, today: date) -> LintReport:
    """Lint policies and cases. `today` is for what is overdue. Runs the cases that need no detector."""
    try:
        files = read_files(directory)
    except PolicyErrors as error:
        return LintReport(error.problems, ())
    indexes = read_indexes(directory, ANY_KEY)
    result = lint_files(files, today=today, indexes=indexes)
    if result.errors:
        return LintReport(result.errors, result.warnings)
    bundle = bundle_of(result, files, indexes, revision=1)
    cases, errors = cases_of(directory, bundle)
    untested = () if errors else _untested(files, bundle, cases)
    return LintReport(errors, tuple(sorted((*result.warnings, *untested))))


def cases_of(directory: Path, bundle: Bundle) -> tuple[tuple[PolicyCase, ...], tuple[PolicyError, ...]]:
    """The cases of every test file of a folder, and all that is wrong with them. Raises `PolicyErrors` for a file
    that cannot be opened."""
    names = vocabulary_of(bundle, KNOWN_ENTITIES)
    files = read_files(directory, TEST_SUFFIX) if any(directory.glob(f"*{TEST_SUFFIX}")) else ()
    read = [read_cases(file.name, file.data, names) for file in files]
    return tuple(c for cases, _ in read for c in cases), tuple(e for _, errors in read for e in errors)


def uncovered(bundle: Bundle, shown_by: Iterable[Tried]) -> tuple[str, ...]:
    """The ids of rules that no case has shown to match, or none not to."""
    shown_so = tuple(shown_by)
    matching = frozenset[str]().union(*(each.matching for each in shown_so))
    others = frozenset[str]().union(*(each.others for each in shown_so))
    ids = dict.fromkeys(rule.id for policy in bundle.policies for rule in policy.rules)
    return tuple(each for each in ids if each not in matching or each not in others)


def rule_places(file: SourceFile) -> Mapping[str, Mark]:
    """Where each rule of a policy file stands, by id."""
    entries = {entry.key: entry.value for entry in parse(file.name, file.data).root.entries}
    rules = entries.get("rules")
    items = rules.items if isinstance(rules, YamlList) else ()
    return {name: item.mark for item in items for name in _ids(item)}


def _ids(rule: YamlNode) -> Sequence[str]:
    entries = rule.entries if isinstance(rule, YamlMap) else ()
    return [e.value.value for e in entries if e.key == "id" and isinstance(e.value, YamlText)]


def _untested(files: Sequence[SourceFile], bundle: Bundle, cases: Sequence[PolicyCase]) -> tuple[PolicyError, ...]:
    missing = frozenset(uncovered(bundle, [tried(bundle, case) for case in cases]))
    return tuple(
        PolicyError(file.name, at.line, at.column, "P012", f"the rule {shown(name)} {_UNTESTED}")
        for file in files
        for name, at in rule_places(file).items()
        if name in missing
    )


_UNTESTED = "has no case where it matches and one where it does not"


def tried(bundle: Bundle, case: PolicyCase) -> Tried:
    """What a case shows. One with a text is taken at its word: to run it takes the detector, and `gateway policy test`
    does."""
    every = frozenset(rule.id for policy in bundle.policies for rule in policy.rules)
    if case.text:
        named = case.expect.get("rules", frozenset()) | case.expect.get("shadow", frozenset())
        return Tried(named, every - named if "rules" in case.expect else frozenset())
    verdict = routed(bundle, case.facts, case.alias).verdict
    matching = frozenset({*verdict.rules, *verdict.shadow})
    return Tried(matching, every - matching)
