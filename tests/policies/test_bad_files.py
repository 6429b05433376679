"""Every lint code has files that show it. Each file in `fixtures` is named for its code, and its first line says where
the fault stands and what has to be said of it."""

from __future__ import annotations

import re
import shutil
from datetime import date
from pathlib import Path

import pytest
import re2

from gateway.adapters.file_policies import FilePolicies, PolicyErrors
from gateway.adapters.policy_codes import POLICY_CODES
from gateway.adapters.policy_lint import LintReport, lint_directory

FIXTURES = sorted(Path(__file__).parent.joinpath("fixtures").glob("*.yaml"))
BESIDE = Path(__file__).parent / "beside"
TODAY = date(2026, 6, 1)
EXPECT = re.compile(r"# expect ((?:\d+:\d+, )*\d+:\d+) (?:(warning): )?(.+)")
HEAD = "apiVersion: gateway/v1\nkind: Policy\nmetadata: {name: large}\n"


def put(file: Path, folder: Path) -> None:
    """One file in a folder: alone, or an exception beside the policies that it is for."""
    shutil.copy(file, folder)
    if file.name.endswith(".exception.yaml"):
        for policy in BESIDE.glob("*.yaml"):
            shutil.copy(policy, folder)


def linted(file: Path, folder: Path) -> LintReport:
    """What is told of a folder with this file."""
    put(file, folder)
    return lint_directory(folder, TODAY)


@pytest.mark.parametrize("file", FIXTURES, ids=[each.name.split(".")[0] for each in FIXTURES])
def test_each_fault_has_its_code_and_place(file: Path, tmp_path: Path) -> None:
    """Errors keep the file from loading; warnings do not."""
    expected = EXPECT.fullmatch(file.read_text().splitlines()[0])
    assert expected is not None
    report = linted(file, tmp_path)
    code = file.name[:4]
    told = [e for e in (report.warnings if expected[2] else report.errors) if e.code == code]

    assert set(expected[1].split(", ")) == {f"{e.line}:{e.column}" for e in told}
    assert all(any(words in e.message for e in told) for words in expected[3].split("; "))
    assert {file.name} == {e.file for e in told}
    assert bool(expected[2]) == (report.errors == ())


@pytest.mark.parametrize("file", [f for f in FIXTURES if "warning:" not in f.read_text().splitlines()[0]])
def test_no_faulty_file_ever_loads(file: Path, tmp_path: Path) -> None:
    """What lint calls an error is refused at the start as well."""
    put(file, tmp_path)

    with pytest.raises(PolicyErrors):
        FilePolicies(tmp_path)


def test_every_code_that_a_policy_can_have_is_shown() -> None:
    """By a fixture of its name."""
    assert set(POLICY_CODES) == {file.name[:4] for file in FIXTURES}


def test_a_hundred_megabytes_are_not_read(tmp_path: Path) -> None:
    """One byte more than the most is looked at, and the file is refused as a whole."""
    path = tmp_path / "P004.policy.yaml"
    with path.open("wb") as file:
        file.write(HEAD.encode())
        file.truncate(100 << 20)
    report = lint_directory(tmp_path, TODAY)

    assert [("P004", 0, "the file is larger than 1 MiB")] == [(e.code, e.line, e.message) for e in report.errors]


def test_deep_nesting_is_refused(tmp_path: Path) -> None:
    """At the place where it becomes too deep, not with a crash."""
    (tmp_path / "P004.policy.yaml").write_text(HEAD + "rules: " + "[" * 5000)
    report = lint_directory(tmp_path, TODAY)

    assert [("P004", 4)] == [(e.code, e.line) for e in report.errors]


def test_a_pattern_that_hangs_other_engines_takes_linear_time(tmp_path: Path) -> None:
    """RE2 reads it, so it is allowed, and it is through with a long text at once."""
    slow = r"(?:a+)+$"
    detector = f"detectors:\n  slow: {{type: pattern, re2: '{slow}', label: restricted}}\n"
    rest = "destinations: {local-slm: {zone: in_network, max_label: restricted}}\nrules: []\n"
    (tmp_path / "slow.policy.yaml").write_text(HEAD + detector + rest)

    assert () == lint_directory(tmp_path, TODAY).errors
    assert re2.search(slow, "a" * 100_000 + "!") is None


def test_rules_are_tested_by_facts_and_by_what_texts_expect(tmp_path: Path) -> None:
    """A case with a text is taken at its word here: it needs the detector, and the test command runs it."""
    fixture = next(f for f in FIXTURES if f.name.startswith("P012-"))
    shutil.copy(fixture, tmp_path)
    head = "apiVersion: gateway/v1\nkind: PolicyTest\nmetadata: {name: t}\nalias: {local: local-slm}\ncases:\n"
    yes = "  - {id: a, input: A patient., expect: {rules: [phi-stays-inside]}}\n"
    no = "  - {id: b, facts: {}, expect: {rules: []}}\n"

    def warned(cases: str) -> int:
        (tmp_path / "a.policy.test.yaml").write_text(head + cases)
        return len(lint_directory(tmp_path, TODAY).warnings)

    assert (1, 1, 0) == (warned(yes), warned(no), warned(yes + no))
