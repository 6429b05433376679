"""`gateway policy`: lint, test and explain the policy files, offline."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from gateway.adapters.policy_cases import (
    PolicyCase,
    differences,
    outcome_of,
    read_facts,
    vocabulary_of,
)
from gateway.adapters.policy_lint import Tried, cases_of, lint_directory, uncovered
from gateway.adapters.policy_reader import KNOWN_ENTITIES
from gateway.adapters.policy_sarif import sarif_log
from gateway.adapters.strict_yaml import MAX_BYTES, PolicyError
from gateway.cli.options import config_option, settings_of
from gateway.cli.policy_author import fmt, schema
from gateway.cli.policy_bundle import EXIT_FOUND, bundle_at, print_problems
from gateway.cli.policy_index import index
from gateway.cli.policy_junit import junit_xml
from gateway.cli.policy_past import WHY, decision_of_the_past, diff, replay
from gateway.clock import SystemClock
from gateway.domain.alias import Alias
from gateway.domain.considered import considered
from gateway.domain.conversation import Operation, read
from gateway.domain.explain import explained, summary
from gateway.domain.facts import Facts, facts_of
from gateway.domain.finding import Address
from gateway.domain.mask import fold
from gateway.domain.policy import Bundle, Zone
from gateway.domain.recorded import Past, Unread
from gateway.domain.replaying import Again, Replayer
from gateway.domain.routing import Routing, routed
from gateway.domain.strict_json import dump_json
from gateway.paths import data_path
from gateway.wire.schema import CHAT

_CONTENT = Address("/messages/0/content")

_FOLDER = click.option(
    "--policies", "folder", default="", metavar="DIR", help="Folder of policy files (else the configured one)."
)
_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON for machines.")


@click.group("policy")
def policy() -> None:
    """Lint, test and explain the policy files. Nothing is sent or recorded."""


policy.add_command(schema)
policy.add_command(fmt)
policy.add_command(index)
policy.add_command(replay)
policy.add_command(diff)


@policy.command("lint")
@_FOLDER
@config_option
@_JSON
@click.option("--sarif", is_flag=True, help="Print SARIF 2.1.0, for code hosts and editors.")
def lint(*, folder: str, config: str, as_json: bool, sarif: bool) -> None:
    """Tell all that is wrong with the policy files and their tests. Exit 1 when something is.

    docs/policy-codes.md says of each code why it matters and how to mend it.
    """
    directory = _directory(folder, config)
    report = lint_directory(directory, datetime.now(UTC).date())
    errors, warnings = report.errors, report.warnings
    if sarif:
        click.echo(json.dumps(sarif_log(errors, warnings, _from_here(directory)), indent=2))
    elif as_json:
        found = [*(_described(e, "error") for e in errors), *(_described(w, "warning") for w in warnings)]
        click.echo(json.dumps(found, indent=2))
    else:
        print_problems(errors)
        print_problems(warnings, " warning:")
        click.echo(f"{directory}: {len(errors)} errors, {len(warnings)} warnings", err=True)
    sys.exit(EXIT_FOUND if errors else 0)


@policy.command("test")
@_FOLDER
@config_option
@click.option("--coverage", is_flag=True, help="Fail for a rule that matches in no case, or in all.")
@click.option("--junit", type=click.Path(dir_okay=False, path_type=Path), help="Write the results here, as JUnit XML.")
def test(*, folder: str, config: str, coverage: bool, junit: Path | None) -> None:
    """Run the cases of every *.policy.test.yaml against the bundle. Exit 1 when one fails."""
    directory = _directory(folder, config)
    bundle = bundle_at(directory)
    cases, errors = cases_of(directory, bundle)
    print_problems(errors)
    if errors:
        sys.exit(EXIT_FOUND)
    results = _run(bundle, cases, config)
    ran = [(case, differences(case.expect, outcome_of(routing))) for case, routing in results]
    for case, wrong in ran:
        click.echo(f"{'FAIL' if wrong else 'ok  '} {case.file}:{case.mark.line} {case.id}")
        for line in wrong:
            click.echo(f"       {line}")
    missing = uncovered(bundle, _tried(bundle, results)) if coverage else ()
    for rule in missing:
        click.echo(f"P012 the rule '{rule}' has no case where it matches and one where it does not")
    failed = sum(bool(wrong) for _, wrong in ran)
    click.echo(f"{len(results) - failed} of {len(results)} cases passed")
    if junit:
        junit.write_bytes(junit_xml(ran, missing))
    sys.exit(EXIT_FOUND if failed or missing or not results else 0)


@policy.command("explain")
@_FOLDER
@config_option
@click.option("--text", "text_file", type=click.File("rb"), help="Explain the decision on the text of this file.")
@click.option("--facts", "facts_file", type=click.File("rb"), help="Explain the decision on the facts of this file.")
@click.option("--decision", default="", metavar="ID", help="Explain a decision of the past, from its record.")
@click.option("--external", default="", metavar="NAME", help="External destination of the model (else the first).")
@click.option("--local", default="", metavar="NAME", help="Destination inside of the model (else the first).")
@_JSON
def explain(
    *,
    folder: str,
    config: str,
    text_file: click.File | None,
    facts_file: click.File | None,
    decision: str,
    external: str,
    local: str,
    as_json: bool,
) -> None:
    """Tell which rules match and which do not, and why; the label, the winner, the destination and shadow rules.

    A decision of the past is explained under the policies at hand, and it is said whether they are those that made it.
    """
    bundle = bundle_at(_directory(folder, config))
    if [bool(text_file), bool(facts_file), bool(decision)].count(True) != 1:
        raise click.UsageError("give one of --text, --facts and --decision")
    if decision:
        asked = _of_the_past(bundle, decision, config)
    else:
        alias = Alias(external or _first(bundle, Zone.EXTERNAL), local or _first(bundle, Zone.IN_NETWORK))
        asked = _Asked(_facts_of(bundle, text_file, facts_file, config), alias, bundle.exception_ids)
    routing = routed(bundle, asked.facts, asked.alias, asked.usable)
    click.echo(json.dumps(_as_json(bundle, asked, routing), indent=2)) if as_json else _show(bundle, asked, routing)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is to be explained. `then` says of a decision of the past how it was made."""

    facts: Facts
    alias: Alias
    usable: frozenset[str]
    then: str = ""


def _facts_of(bundle: Bundle, text_file: click.File | None, facts_file: click.File | None, config: str) -> Facts:
    data = _input(text_file or facts_file)
    facts, errors = read_facts("facts", b"{}" if text_file else data, vocabulary_of(bundle, KNOWN_ENTITIES))
    print_problems(errors)
    if errors:
        sys.exit(EXIT_FOUND)
    if text_file:
        facts = asyncio.run(_detected(bundle, [(_decoded(data), facts)], config))[0]
    return facts if facts.context.at else replace(facts, context=replace(facts.context, at=SystemClock().now()))


def _of_the_past(bundle: Bundle, decision_id: str, config: str) -> _Asked:
    """A decision from its record; exit 1 where there is none, or where these policies ask for what it does not say."""
    past = decision_of_the_past(decision_id, config)
    again = Replayer(bundle).again(past) if isinstance(past, Past) else past
    if isinstance(past, Past) and isinstance(again, Again):
        return _Asked(past.facts(), past.alias, bundle.exception_ids - past.spent, _then(bundle, past, again))
    cause = next(each.cause for each in (past, again) if isinstance(each, Unread))
    click.echo(f"The decision {decision_id} cannot be explained: it is one {WHY[cause]}.", err=True)
    sys.exit(EXIT_FOUND)


def _then(bundle: Bundle, past: Past, again: Again) -> str:
    """When a decision was made, for whom, and whether these policies made it."""
    made = datetime.fromtimestamp(past.at / 1_000_000, UTC).isoformat(timespec="seconds")
    head = f"Decision {past.decision_id}, made at {made} for the app {past.app} of {past.tenant}"
    if past.digest == bundle.digest:
        return f"{head} by these policies" + ("." if again.decision == past.decided else ", AND RECORDED OTHERWISE.")
    where = past.decided.destination or f"status {past.decided.status}"
    return f"{head} by other policies ({past.digest}): then {past.decided.route}, {where}, {past.decided.reason}."


def _directory(folder: str, config: str) -> Path:
    if folder:
        return Path(folder)
    configured = settings_of(config).policies.dir
    return Path(configured) if configured else data_path("policies")


def _run(bundle: Bundle, cases: Sequence[PolicyCase], config: str) -> list[tuple[PolicyCase, Routing]]:
    """What the bundle decides of each case. The detector is started only when a case has a text."""
    texts = [case for case in cases if case.text]
    found = asyncio.run(_detected(bundle, [(case.text, case.facts) for case in texts], config)) if texts else []
    facts = {id(case): seen for case, seen in zip(texts, found, strict=True)}
    return [(case, routed(bundle, facts.get(id(case), case.facts), case.alias, bundle.exception_ids)) for case in cases]


async def _detected(bundle: Bundle, asked: Sequence[tuple[str, Facts]], config: str) -> list[Facts]:
    """The facts of texts, each in the context of the facts beside it."""
    from gateway.parts import detector_of  # noqa: PLC0415 - only these commands need a detector

    detector = detector_of(settings_of(config))
    await detector.start()
    try:
        found = []
        for text, said in asked:
            body = dump_json({"model": said.model, "messages": [{"role": "user", "content": text}]})
            conversation = read(Operation.CHAT, CHAT, body)
            only = replace(conversation, leaves=tuple(x for x in conversation.leaves if x.address == _CONTENT))
            custom = bundle.custom_detectors_for(said.context.app, said.context.tenant)
            found.append(facts_of(only, await detector.examine(only.leaves, custom), said.context, fold))
        return found
    finally:
        await detector.stop()


def _tried(bundle: Bundle, results: Sequence[tuple[PolicyCase, Routing]]) -> list[Tried]:
    every = frozenset(rule.id for each in bundle.policies for rule in each.rules)
    matched = [frozenset({*routing.verdict.rules, *routing.verdict.shadow}) for _, routing in results]
    return [Tried(each, every - each) for each in matched]


def _from_here(directory: Path) -> str:
    """The folder as seen from the working directory where it lies below it, else by its own name."""
    whole, here = directory.resolve(), Path.cwd().resolve()
    return whole.relative_to(here).as_posix() if whole.is_relative_to(here) else whole.name


def _first(bundle: Bundle, zone: Zone) -> str:
    named = {name for each in bundle.policies for name, ceiling in each.ceilings.items() if ceiling.zone is zone}
    return min(named, default="")


def _input(given: click.File | None) -> bytes:
    data = given.read(MAX_BYTES + 1)  # type: ignore[union-attr]  # click hands over the opened file
    return bytes(data)


def _decoded(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise click.UsageError("the input is not UTF-8 text") from None


def _described(problem: PolicyError, severity: str) -> dict[str, object]:
    return {
        "severity": severity,
        "file": problem.file,
        "line": problem.line,
        "column": problem.column,
        "code": problem.code,
        "message": problem.message,
    }


def _as_json(bundle: Bundle, asked: _Asked, routing: Routing) -> dict[str, object]:
    return {
        "then": asked.then,
        **{key: sorted(words) for key, words in outcome_of(routing).items()},
        "tell_user": routing.verdict.tell_user,
        "policy": bundle.digest,
        "summary": summary(bundle, routing),
        "explained": [
            {"policy": each.policy, "rule": each.rule.id, "matches": each.holds, "why": each.why}
            for each in explained(bundle, asked.facts, routing.verdict)
        ],
        "exceptions": [
            {"exception": each.exception.id, "applied": each.applied, "why": each.why}
            for each in considered(bundle, asked.facts, routing, asked.usable)
        ],
    }


def _show(bundle: Bundle, asked: _Asked, routing: Routing) -> None:
    console = Console(width=100, markup=False, highlight=False)
    if asked.then:
        console.print(asked.then + "\n")
    console.print(summary(bundle, routing) + "\n")
    told = {key: ", ".join(sorted(words)) or "none" for key, words in outcome_of(routing).items()}
    for key in ("label", "classes", "route", "destination", "transforms", "reason", "shadow", "exception"):
        console.print(f"{key:<12} {told[key]}")
    if routing.verdict.tell_user:
        console.print(f"{'tell_user':<12} {routing.verdict.tell_user}")
    table = Table("", "policy", "rule", "why")
    for each in sorted(explained(bundle, asked.facts, routing.verdict), key=lambda e: not e.holds):
        kind = "shadow" if each.rule.shadow else "match"
        table.add_row(kind if each.holds else "no", each.policy, each.rule.id, each.why)
    console.print(table)
    _show_exceptions(console, bundle, asked, routing)


def _show_exceptions(console: Console, bundle: Bundle, asked: _Asked, routing: Routing) -> None:
    """Those of the bundle, where it has any. Uses are counted by the gateway, not here: each is taken to have some that
    a record does not call used up."""
    if not bundle.exceptions:
        return
    table = Table("", "exception", "uses", "why")
    for each in considered(bundle, asked.facts, routing, asked.usable):
        table.add_row("applied" if each.applied else "no", each.exception.id, f"<= {each.exception.max_uses}", each.why)
    console.print(table)
