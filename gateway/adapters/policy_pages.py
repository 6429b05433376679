"""A page for each policy: every rule in a sentence, with its reason code, the controls it serves and its tests."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import assert_never

from gateway.adapters.file_policies import POLICY_SUFFIX, FilePolicies, read_files
from gateway.adapters.policy_lint import cases_of, tried
from gateway.adapters.strict_yaml import load_strict
from gateway.domain.conditions import AllOf, AnyOf, ClassIs, Condition, ContextIs, FindingIs, LabelIs, Not, TaskIs
from gateway.domain.finding import CONFIDENCE
from gateway.domain.policy import Block, Policy, RouteExternal, RouteLocal, Rule, Transform, TransformOnly
from gateway.domain.strict_json import Json

_AT_LEAST = {least: word for word, least in CONFIDENCE.items()}


def policy_pages(directory: Path) -> Mapping[str, str]:
    """The text of a page by the name of its policy, for every policy of a folder. Raises as `FilePolicies` does."""
    bundle = FilePolicies(directory).current()
    cases = [(case.id, tried(bundle, case).matching) for case in cases_of(directory, bundle)[0]]
    metadata = [load_strict(file.data, file.name) for file in read_files(directory, POLICY_SUFFIX)]
    about = {p.name: _metadata(m) for p, m in zip(bundle.policies, metadata, strict=True)}
    return {policy.name: _page(policy, about[policy.name], cases) for policy in bundle.policies}


def _metadata(root: Json) -> Mapping[str, Json]:
    found = root.get("metadata") if isinstance(root, dict) else None
    return found if isinstance(found, dict) else {}


def _page(policy: Policy, about: Mapping[str, Json], cases: Sequence[tuple[str, frozenset[str]]]) -> str:
    controls = about.get("controls")
    lines = [f"# The rules of the policy `{policy.name}`\n"]
    lines += [f"{about['description']}\n"] if "description" in about else []
    lines += [f"Controls: {', '.join(map(str, controls))}.\n"] if isinstance(controls, list) else []
    lines += ["| destination | zone | at most | never |", "|---|---|---|---|"]
    for name, ceiling in policy.ceilings.items():
        never = ", ".join(sorted(ceiling.never)) or "-"
        lines.append(f"| `{name}` | {ceiling.zone.value} | {ceiling.max_label} | {never} |")
    lines.append("")
    for rule in policy.rules:
        lines += _section(rule, [case for case, matching in cases if rule.id in matching], len(cases))
    default = "is refused" if isinstance(policy.default, Block) else "is answered inside"
    lines.append(f"## Otherwise\n\nWhat no rule lets leave {default} (`{policy.default_reason}`).")
    return "\n".join([*lines, ""])


def _section(rule: Rule, matching: Sequence[str], cases: int) -> list[str]:
    mode = " It is in shadow: it is recorded and decides nothing." if rule.shadow else ""
    rows = {
        "reason": f"`{rule.reason}`",
        "severity": rule.severity.value,
        "controls": ", ".join(rule.controls) or "those of the policy",
        "exceptions": "none: it is not waivable" if rule.non_waivable else "possible",
        "told": rule.tell_user or "nothing",
        "tests": f"matches in {', '.join(f'`{each}`' for each in matching) or 'none'}; not in the other "
        f"{cases - len(matching)}",
    }
    table = ["| | |", "|---|---|", *(f"| {name} | {said} |" for name, said in rows.items())]
    return [
        f"## {rule.id}\n",
        f"{rule_in_words(rule)}{mode}\n",
        *table,
        "",
    ]


def rule_in_words(rule: Rule) -> str:
    """A rule as one sentence."""
    return f"When {condition_in_words(rule.when)}, {consequence_in_words(rule)}."


def condition_in_words(condition: Condition) -> str:
    """A condition as a clause that can follow `when`."""
    match condition:
        case AnyOf(conditions=inner):
            found = [_finding(each) for each in inner if isinstance(each, FindingIs)]
            others = [_grouped(each) for each in inner if not isinstance(each, FindingIs)]
            return _joined([*([f"{_joined(found, 'or')} is found"] if found else []), *others], "or")
        case AllOf(conditions=inner):
            return _joined((_grouped(each) for each in inner), "and")
        case Not(condition=inner_one):
            return f"it is not so that {_grouped(inner_one)}"
        case FindingIs():
            return f"{_finding(condition)} is found"
        case ClassIs(data_class=data_class):
            return f"there is {data_class.value} data"
        case LabelIs(at_least=low, at_most=high):
            return f"the label is {low}" if low == high else f"the label is from {low} to {high}"
        case TaskIs(tasks=tasks):
            named = _joined(sorted(each.value.replace("_", " ") for each in tasks), "or")
            sure = _AT_LEAST.get(condition.min_confidence, "")
            return f"the task is taken for {named} with at least {sure} confidence"
        case ContextIs(field=field, values=values):
            return f"the {field.value} is {_joined(sorted(values), 'or')}"
        case _:
            assert_never(condition)


def _grouped(condition: Condition) -> str:
    said = condition_in_words(condition)
    return f"({said})" if isinstance(condition, AnyOf | AllOf) and len(condition.conditions) > 1 else said


def _finding(condition: FindingIs) -> str:
    several = f"at least {condition.min_count} values of " if condition.min_count > 1 else ""
    sure = f" of at least {_AT_LEAST.get(condition.min_confidence, '')} confidence" if condition.min_confidence else ""
    where = f" in {_joined(sorted(s.value.replace('_', ' ') for s in condition.sources), 'or')} text"
    return f"{several}`{condition.entity}`{sure}{where if condition.sources else ''}"


def consequence_in_words(rule: Rule) -> str:
    """What a rule does, as a clause that can follow its condition."""
    match rule.then:
        case Block(status=status):
            return f"the request is refused with status {status}"
        case RouteLocal(destination=destination):
            return f"the request is answered inside{_at(destination)}"
        case RouteExternal(destination=destination, transforms=transforms):
            replaced = f" once {_transforms(transforms)}" if transforms else ""
            return f"the request may leave{_at(destination)}{replaced}"
        case TransformOnly(transforms=transforms):
            return f"{_transforms(transforms)}, if the request leaves at all"
        case _:
            assert_never(rule.then)


def _at(destination: str) -> str:
    return f", to `{destination}`" if destination else ""


def _transforms(transforms: Iterable[Transform]) -> str:
    by_operator: dict[str, list[str]] = {}
    for each in transforms:
        by_operator.setdefault(each.operator.value, []).append(f"`{each.entity}`")
    return _joined((f"{_joined(e, 'and')} is replaced ({o})" for o, e in by_operator.items()), "and")


def _joined(parts: Iterable[str], word: str) -> str:
    some = list(parts)
    return f" {word} ".join(part for part in (", ".join(some[:-1]), *some[-1:]) if part)
