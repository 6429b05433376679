"""`gateway policy replay` and `diff`, over a real database."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.adapters.database import DatabaseUnfit, open_database, upgrade
from gateway.adapters.file_policies import FilePolicies
from gateway.adapters.ledger_key import LedgerKey
from gateway.adapters.sql_ledger import SqlLedger
from gateway.cli import policy_crew, policy_past
from gateway.cli.policy import policy
from gateway.clock import SystemClock
from gateway.domain.alias import Alias
from gateway.domain.evidence import Decided
from gateway.domain.facts import Context, Facts
from gateway.domain.labels import Label
from gateway.paths import data_path
from tests.evidence import finding
from tests.replays import evidence_for

CLOCK = SystemClock()
KINDS = ("US_SSN", "EMAIL_ADDRESS", "PERSON", "CREDIT_CARD", "SECRET")
ALIAS = Alias("openai", "local-slm")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the shipped policy."""
    copy = tmp_path / "policies"
    copy.mkdir()
    shutil.copy(data_path("policies") / "default.policy.yaml", copy)
    return copy


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration with a database of its own."""
    file = tmp_path / "gateway.yaml"
    file.write_text(f'database: {{url: "sqlite:///{tmp_path}/gateway.db"}}\nledger: {{key_file: "{tmp_path}/k"}}\n')
    engine = open_database(f"sqlite:///{tmp_path}/gateway.db")
    upgrade(engine)
    engine.dispose()
    return file


def made(folder: Path, kinds: Sequence[str] = KINDS) -> list[Decided]:
    """Decisions of the folder's bundle, one a kind of finding."""
    bundle = FilePolicies(folder).current()
    asked = [
        Facts(Context("acme", "claims-bot", "k1", "", Label(""), CLOCK.now()), "gpt-x", 1, 0, 0, (finding(kind),))
        for kind in kinds
    ]
    return [evidence_for(bundle, facts, ALIAS) for facts in asked]


def record(tmp_path: Path, decisions: Sequence[Decided]) -> None:
    """Put decisions into the ledger."""

    async def write() -> None:
        engine = open_database(f"sqlite:///{tmp_path}/gateway.db")
        ledger = SqlLedger(engine=engine, key=LedgerKey.load(tmp_path / "k"), clock=CLOCK, deadline_ms=20_000)
        await ledger.start(announce=False)
        await asyncio.gather(*(ledger.append(each) for each in decisions))
        await ledger.close()
        engine.dispose()

    asyncio.run(write())


def run(config: Path, *arguments: object) -> Result:
    """One call of the command."""
    return CliRunner().invoke(policy, [*map(str, arguments), "--config", str(config)])


def loosened(folder: Path, tmp_path: Path) -> Path:
    """A copy of the bundle that lets official numbers leave, and keeps contact data inside."""
    other = tmp_path / "loosened"
    shutil.copytree(folder, other)
    file = other / "default.policy.yaml"
    text = file.read_text()
    start, end = text.index("  - id: government-id-stays-inside"), text.index("  # Card, IBAN")
    text = text[:start] + text[end:]
    start, end = text.index("  - id: restricted-stays-inside"), text.index("  # --- sent, with placeholders")
    text = text[:start] + text[end:]
    text = text.replace("    when: {label: {at_most: internal}}", "    when: {label: {at_most: restricted}}", 1)
    mask = "    then: {transform: [{entity: US_SSN, with: placeholder}], route: external}\n"
    rule = f"  - id: ssn\n    reason: SSN\n    severity: low\n    when: {{finding: {{entity: US_SSN}}}}\n{mask}"
    text = text.replace("default: {route: local, reason: NO_RULE_MATCHED}", rule + "default: {route: local, reason: X}")
    file.write_text(text)
    return other


def test_the_bundle_of_the_day_equals_the_log(folder: Path, config: Path, tmp_path: Path) -> None:
    """Exit 0; counted, and nothing else."""
    record(tmp_path, made(folder))
    result = run(config, "replay", "--bundle", folder, "--json")
    told = json.loads(result.stdout)

    assert (0, 5, 5, 0, []) == (
        result.exit_code,
        told["decisions"],
        told["equal"],
        told["different"],
        told["not_replayed"],
    )
    assert {"local": 2, "external-transformed": 1, "external": 1, "blocked": 1} == told["routes"]
    assert "5 of this bundle come out as the log says" in run(config, "replay", "--bundle", folder).stdout


def test_many_are_made_again_by_several_processes(
    folder: Path, config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What each says goes together, in the order of time: nothing is counted twice or left out."""
    decisions = made(folder, [*KINDS, "US_SSN"])
    record(tmp_path, [*decisions[:-1], replace(decisions[-1], destination="elsewhere")])
    alone = [run(config, "replay", "--bundle", folder, "--json"), run(config, "diff", folder, folder, "--json")]
    monkeypatch.setattr(policy_past, "AT_ONCE", 1)
    monkeypatch.setattr(policy_crew, "_ALONE", 1)
    several = [
        run(config, "replay", "--bundle", folder, "--json", "--processes", 2),
        run(config, "diff", folder, folder, "--json", "--processes", 2),
    ]
    told = json.loads(several[0].stdout)

    assert (6, 5, [decisions[-1].decision_id]) == (told["decisions"], told["equal"], told["different_ids"])
    assert [(each.exit_code, json.loads(each.stdout)) for each in alone] == [
        (each.exit_code, json.loads(each.stdout)) for each in several
    ]


def test_a_policy_that_changes_meanwhile_is_told(folder: Path, config: Path, tmp_path: Path) -> None:
    """No process counts under another bundle than the command began with."""
    record(tmp_path, made(folder))
    bundle = FilePolicies(folder).current()
    task = policy_crew.Task(f"sqlite:///{tmp_path}/gateway.db", (folder,), ("sha256:" + "0" * 64,))

    with pytest.raises(DatabaseUnfit, match="start again"):
        list(policy_crew.parts(task, [bundle], [(0, 2**53)] * 6, processes=2))


def test_a_decision_that_does_not_is_named(folder: Path, config: Path, tmp_path: Path) -> None:
    """Exit 1, with its id on the screen and in JSON."""
    good, bad, *_ = made(folder)
    record(tmp_path, [good, replace(bad, destination="elsewhere")])
    screen, machine = run(config, "replay", "--bundle", folder), run(config, "replay", "--bundle", folder, "--json")

    assert (1, 1) == (screen.exit_code, machine.exit_code)
    assert bad.decision_id in screen.stdout
    assert good.decision_id not in screen.stdout
    assert [bad.decision_id] == json.loads(machine.stdout)["different_ids"]


def test_what_cannot_be_replayed_is_named(folder: Path, config: Path, tmp_path: Path) -> None:
    """With its cause; it is neither equal nor different."""
    odd = replace(made(folder)[0], model="call 078-05-1120")
    record(tmp_path, [odd])
    (folder / "more.policy.yaml").write_text(
        "apiVersion: gateway/v1\nkind: Policy\nmetadata: {name: more}\n"
        "destinations: {local-slm: {zone: in_network, max_label: restricted}}\n"
        "rules: [{id: m, reason: M, severity: low, when: {model: gpt-z}, then: {route: local}}]\n"
    )
    result = run(config, "replay", "--bundle", folder)

    assert 0 == result.exit_code
    why = "with a model or purpose that is not in clear, where a rule asks for it"
    assert f"1 not replayed: {why} ({odd.decision_id})" in result.stdout


def test_diff_puts_what_would_leave_first(folder: Path, config: Path, tmp_path: Path) -> None:
    """Exit 1 for it; a matrix, rules, apps and ids."""
    decisions = made(folder, [*KINDS, "US_SSN"])
    record(tmp_path, decisions)
    other = loosened(folder, tmp_path)
    result = run(config, "diff", folder, other, "--json")
    told = json.loads(result.stdout)
    screen = run(config, "diff", folder, other)

    assert (1, 6, 2) == (result.exit_code, told["decisions"], told["kept_inside_to_external"])
    first = told["changes"][0]
    assert ("kept inside -> external", "local", "external-transformed", 2, {"claims-bot": 2}) == (
        first["change"],
        first["old"],
        first["new"],
        first["decisions"],
        first["apps"],
    )
    assert {decisions[0].decision_id, decisions[5].decision_id} == set(first["ids"])
    assert {"government-id-stays-inside": 2, "ssn": 2} == {
        rule: first["rules"].get(rule) for rule in ("government-id-stays-inside", "ssn")
    }
    lines = screen.stdout.splitlines()
    assert "6 decisions; 2 kept inside or refused before would leave" == lines[0]
    changes = [line for line in lines if " -> " in line]
    assert "kept inside -> external" in changes[1]


def test_the_same_bundle_differs_in_nothing(folder: Path, config: Path, tmp_path: Path) -> None:
    """Exit 0."""
    record(tmp_path, made(folder))
    result = run(config, "diff", folder, folder, "--json")

    assert (0, ["unchanged"] * 4) == (
        result.exit_code,
        [each["change"] for each in json.loads(result.stdout)["changes"]],
    )


@pytest.mark.parametrize(
    ("arguments", "decisions"),
    [(["--since", "1h"], 2), (["--since", "40m"], 1), (["--since", "2h", "--until", "30m"], 1), (["--since", "1m"], 0)],
)
def test_a_period(folder: Path, config: Path, tmp_path: Path, arguments: list[str], decisions: int) -> None:
    """From --since to --until."""
    minute, now = 60_000_000, CLOCK.now()
    one, other, *_ = made(folder)
    record(tmp_path, [replace(one, at=now - 50 * minute), replace(other, at=now - 10 * minute)])

    assert decisions == json.loads(run(config, "replay", "--bundle", folder, "--json", *arguments).stdout)["decisions"]


def test_wrong_use(folder: Path, config: Path, tmp_path: Path) -> None:
    """Exit 2 for a time that is none, 78 for a database that cannot be read, 1 for a bundle that does not load."""
    assert 2 == run(config, "replay", "--bundle", folder, "--since", "soon").exit_code
    assert 2 == run(config, "replay", "--bundle", folder, "--since", "1h", "--until", "2h").exit_code
    empty = tmp_path / "empty.yaml"
    empty.write_text(f'database: {{url: "sqlite:///{tmp_path}/empty.db"}}\n')
    assert 78 == run(empty, "replay", "--bundle", folder).exit_code
    (folder / "bad.policy.yaml").write_text("x: 1\n")
    assert 1 == run(config, "replay", "--bundle", folder).exit_code


def test_a_decision_of_the_past_is_explained(folder: Path, config: Path, tmp_path: Path) -> None:
    """When, for whom, why, and which rules did not match; under these policies, and it is said if others made it."""
    ssn = made(folder)[0]
    record(tmp_path, [ssn])
    arguments = ("explain", "--decision", ssn.decision_id)
    told = json.loads(run(config, *arguments, "--policies", folder, "--json").stdout)
    other = " ".join(run(config, *arguments, "--policies", loosened(folder, tmp_path)).stdout.split())

    assert f"Decision {ssn.decision_id}, made at " in told["then"]
    assert told["then"].endswith("for the app claims-bot of acme by these policies.")
    assert "It stays inside, at local-slm: rule government-id-stays-inside (GOVERNMENT_ID)." == told["summary"]
    why = {each["rule"]: (each["matches"], each["why"]) for each in told["explained"]}
    assert (True, "1 US_SSN was found.") == why["government-id-stays-inside"]
    assert (False, "There is no phi data.") == why["phi-stays-inside"]
    assert f"by other policies ({ssn.policy.digest}): then local, local-slm, GOVERNMENT_ID." in other
    assert "It leaves, to openai, after these are replaced: US_SSN (placeholder): rule ssn (SSN)." in other


def test_a_decision_that_cannot_be_explained(folder: Path, config: Path, tmp_path: Path) -> None:
    """One that is not there, one that was recorded otherwise: said, not guessed."""
    ssn = made(folder)[0]
    record(tmp_path, [replace(ssn, destination="elsewhere")])
    missing = run(config, "explain", "--policies", folder, "--decision", "01JD0000000000000000000000")
    other = run(config, "explain", "--policies", folder, "--decision", ssn.decision_id)

    assert (
        1,
        "The decision 01JD0000000000000000000000 cannot be explained: it is one that the ledger does not hold.",
    ) == (
        missing.exit_code,
        missing.stderr.strip(),
    )
    assert "AND RECORDED OTHERWISE" in other.stdout
