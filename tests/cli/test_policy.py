"""`gateway policy`."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from click.testing import CliRunner, Result

from gateway.cli.policy import policy
from gateway.paths import data_path

SHIPPED = data_path("policies")
CASES = """\
apiVersion: gateway/v1
kind: PolicyTest
metadata: {name: test}
alias: {external: openai, local: local-slm}
cases:
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the shipped policy, without its cases."""
    (tmp_path / "default.policy.yaml").write_bytes((SHIPPED / "default.policy.yaml").read_bytes())
    return tmp_path


def run(*arguments: str, stdin: str = "") -> Result:
    """One call of the command."""
    return CliRunner().invoke(policy, list(arguments), input=stdin)


def test_lint_is_silent_about_the_shipped_policy() -> None:
    """And exits 0."""
    result = run("lint", "--policies", str(SHIPPED))

    assert (0, "") == (result.exit_code, result.stdout)


def test_lint_tells_place_code_and_what_was_meant(folder: Path) -> None:
    """One line a problem; exit 1."""
    path = folder / "default.policy.yaml"
    path.write_text(path.read_text().replace("entity: US_PASSPORT}", "entity: US_PASPORT}"))
    result = run("lint", "--policies", str(folder))

    line = 1 + path.read_text().splitlines().index("        - finding: {entity: US_PASPORT}")
    place = f"default.policy.yaml:{line}:29"
    assert (1, f"{place} P016 unknown entity 'US_PASPORT': did you mean 'US_PASSPORT'?\n") == (
        result.exit_code,
        result.stdout,
    )


def test_lint_reads_the_cases_too(folder: Path) -> None:
    """A case that cannot fail is no case."""
    (folder / "a.policy.test.yaml").write_text(CASES + "  - {id: a, facts: {}, expect: {}}\n")
    result = run("lint", "--json", "--policies", str(folder))

    assert 1 == result.exit_code
    assert [("a.policy.test.yaml", 6, "P006", "error")] == [
        (p["file"], p["line"], p["code"], p["severity"]) for p in json.loads(result.stdout)
    ]


def test_lint_warns_without_failing(folder: Path) -> None:
    """An overdue shadow rule is worth a look."""
    path = folder / "default.policy.yaml"
    path.write_text(
        path.read_text().replace("- id: cleared", "- id: cleared\n    mode: shadow\n    shadow_until: 2020-01-01")
    )
    result = run("lint", "--policies", str(folder))

    assert 0 == result.exit_code
    assert "P018 warning: this shadow rule is overdue" in result.stdout


def test_the_shipped_cases_pass_and_cover_every_rule() -> None:
    """As the file beside the policy promises."""
    result = run("test", "--coverage", "--policies", str(SHIPPED))

    assert 0 == result.exit_code, result.stdout
    assert "FAIL" not in result.stdout


def test_a_wrong_expectation_fails(folder: Path) -> None:
    """With what was expected and what came; exit 1."""
    case = "  - {id: leaky, facts: {findings: [{entity: US_SSN}]}, expect: {route: external, classes: []}}\n"
    (folder / "a.policy.test.yaml").write_text(CASES + case)
    result = run("test", "--policies", str(folder))

    assert 1 == result.exit_code
    assert [
        "FAIL a.policy.test.yaml:6 leaky",
        "       route: expected external, got local",
        "       classes: expected none, got pii",
        "0 of 1 cases passed",
    ] == result.stdout.splitlines()


def test_results_are_written_for_build_servers(folder: Path, tmp_path: Path) -> None:
    """JUnit XML: cases with their places, failures with what differs, rules that no case tests."""
    good = "  - {id: good, facts: {}, expect: {route: external}}\n"
    bad = "  - {id: bad, facts: {findings: [{entity: US_SSN}]}, expect: {route: external, classes: [phi]}}\n"
    (folder / "a.policy.test.yaml").write_text(CASES + good + bad)
    out = tmp_path / "out.xml"
    assert 1 == run("test", "--coverage", "--junit", str(out), "--policies", str(folder)).exit_code
    suite = ET.fromstring(out.read_bytes())
    cases = {each.get("name"): each for each in suite}
    failure = cases["bad"].find("failure")

    assert (str(len(cases)), str(len(cases) - 1)) == (suite.get("tests"), suite.get("failures"))
    assert ("a.policy.test.yaml", "6", None) == (
        cases["good"].get("file"),
        cases["good"].get("line"),
        cases["good"].find("failure"),
    )
    assert failure is not None
    assert "route: expected external, got local\nclasses: expected phi, got pii" == failure.text
    assert "coverage" == cases["secret-refused"].get("classname")


def test_cases_may_speak_of_tasks_and_of_what_the_model_inside_lacks(folder: Path) -> None:
    """And expect what is done about it."""
    more = (
        "apiVersion: gateway/v1\nkind: Policy\nmetadata: {name: more}\n"
        "destinations: {local-slm: {zone: in_network, max_label: restricted}}\n"
        "rules: [{id: narrow, reason: NARROW, severity: info, when: {task: [extraction]}, then: {route: local}}]\n"
    )
    (folder / "more.policy.yaml").write_text(more)
    path = folder / "default.policy.yaml"
    path.write_text(path.read_text() + "incapable: {tools: degrade, vision: {block: 415}}\n")
    (folder / "a.policy.test.yaml").write_text(
        CASES
        + "  - {id: a, facts: {task: extraction}, expect: {route: local, rules: [cleared, narrow], recourse: none}}\n"
        + "  - {id: b, facts: {task: code}, expect: {route: external, rules: [cleared]}}\n"
        + "  - {id: c, facts: {task: extraction, lacking: tools}, expect: {route: local, recourse: degraded}}\n"
        + "  - {id: d, facts: {task: extraction, lacking: [tools, vision]}, expect: {status: 415, recourse: refused}}\n"
        + "  - {id: e, facts: {lacking: tools}, expect: {route: external, recourse: none}}\n"
    )
    result = run("test", "--policies", str(folder))

    assert "5 of 5 cases passed" in result.stdout, result.stdout


def test_a_rule_without_a_case_is_told_on_request(folder: Path) -> None:
    """P012, for rules that match in no case or in all."""
    (folder / "a.policy.test.yaml").write_text(CASES + "  - {id: a, facts: {}, expect: {route: external}}\n")

    assert 0 == run("test", "--policies", str(folder)).exit_code
    result = run("test", "--coverage", "--policies", str(folder))
    assert 1 == result.exit_code
    assert "P012 the rule 'secret-refused'" in result.stdout
    assert "P012 the rule 'cleared'" in result.stdout


@pytest.mark.parametrize(
    ("cases", "said"),
    [
        ("  - {id: a, facts: {findings: [{entity: SSN}]}, expect: {route: local}}\n", "P016"),
        ("  - {id: a, facts: {}, expect: {route: lokal}}\n", "P005"),
        ("  - {id: a, facts: {}, expect: {exception: x}}\n", "P016"),
        ("  - {id: a, expect: {route: local}}\n", "P006"),
        ("  - {id: a, facts: {}, input: text, expect: {rout: local}}\n", "P001"),
        ("  - {id: a, input: text, facts: {findings: []}, expect: {route: local}}\n", "P001"),
        ("  - {id: a, facts: {failed: -1}, expect: {route: local}}\n", "P005"),
        ("  - {id: a, facts: {claimed_label: secret}, expect: {route: local}}\n", "P016"),
        (2 * "  - {id: a, facts: {}, expect: {route: external}}\n", "P002"),
        ("  []\n", "P005"),
    ],
)
def test_broken_cases_are_refused(folder: Path, cases: str, said: str) -> None:
    """A test file that cannot be read is a failure, not a test less."""
    (folder / "a.policy.test.yaml").write_text(CASES + cases)
    result = run("test", "--policies", str(folder))

    assert 1 == result.exit_code
    assert said in result.stdout


def test_no_cases_at_all_is_a_failure(folder: Path) -> None:
    """Nothing was shown."""
    result = run("test", "--policies", str(folder))

    assert (1, "0 of 0 cases passed\n") == (result.exit_code, result.stdout)


@pytest.mark.parametrize("verb", [["lint"], ["test"], ["explain", "--facts", "-"]])
def test_a_bundle_that_does_not_load(tmp_path: Path, verb: list[str]) -> None:
    """Every verb says why and exits 1."""
    result = run(*verb, "--policies", str(tmp_path), stdin="{}")

    assert 1 == result.exit_code
    assert "P004 no file whose name ends in .policy.yaml" in result.stdout


def test_explain_facts() -> None:
    """Label, way, winner, and every rule with the reason why it matches or not."""
    facts = "findings: [{entity: PERSON}, {entity: EMAIL_ADDRESS}]\n"
    arguments = ("--policies", str(SHIPPED), "--external", "openai", "--facts", "-")
    told = json.loads(run("explain", "--json", *arguments, stdin=facts).stdout)
    screen = run("explain", *arguments, stdin=facts).stdout

    assert (["external-transformed"], ["openai"], ["EMAIL_ADDRESS", "PERSON"], ["CONTACT_MASKED"]) == (
        told["route"],
        told["destination"],
        told["transforms"],
        told["reason"],
    )
    why = {each["rule"]: (each["matches"], each["why"]) for each in told["explained"]}
    assert (False, "There is no phi data.") == why["phi-stays-inside"]
    assert (True, "1 EMAIL_ADDRESS was found.") == why["mask-contact"]
    assert "mask-contact" in screen
    replaced = "EMAIL_ADDRESS (placeholder) and PERSON (placeholder)"
    assert (
        f"It leaves, to openai, after these are replaced: {replaced}: rule mask-contact (CONTACT_MASKED)."
        == (told["summary"])
    )
    assert max(len(line) for line in screen.splitlines()) <= 100


def test_explain_needs_one_input() -> None:
    """Wrong use exits 2; facts that cannot be read exit 1."""
    both = ("--facts", "-", "--text", "-")

    assert 2 == run("explain", "--policies", str(SHIPPED)).exit_code
    assert 2 == run("explain", "--policies", str(SHIPPED), *both).exit_code
    assert 1 == run("explain", "--policies", str(SHIPPED), "--facts", "-", stdin="findngs: []\n").exit_code


def test_a_text_is_looked_through_by_the_detector(folder: Path) -> None:
    """In a case and in an explanation: the same detector as the gateway's."""
    text = "My card is 4111 1111 1111 1111, please block it."
    (folder / "a.policy.test.yaml").write_text(CASES + f"  - {{id: a, input: '{text}', expect: {{route: local}}}}\n")

    tested = run("test", "--policies", str(folder))
    explained = run("explain", "--json", "--policies", str(folder), "--text", "-", stdin=text)

    assert 0 == tested.exit_code, tested.output
    assert ["FINANCIAL"] == json.loads(explained.stdout)["reason"]
    garbage = CliRunner().invoke(policy, ["explain", "--policies", str(folder), "--text", "-"], input=b"\xff")
    assert 2 == garbage.exit_code


def test_lint_as_sarif(folder: Path) -> None:
    """The same problems, at the path of the file as seen from here; the exit code stays."""
    path = folder / "default.policy.yaml"
    path.write_text(path.read_text().replace("{class: phi}", "{class: phii}"))
    result = run("lint", "--sarif", "--policies", str(folder))

    (problem,) = json.loads(result.stdout)["runs"][0]["results"]
    assert (1, "P016") == (result.exit_code, problem["ruleId"])
    place = problem["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"].endswith("/default.policy.yaml")
    assert place["region"]["startColumn"] == 19


def test_schema(tmp_path: Path) -> None:
    """On the screen and in a file: the same as travels beside the shipped policies."""
    file = tmp_path / "schema.json"
    screen, written = run("schema"), run("schema", "--out", str(file))

    assert (0, 0) == (screen.exit_code, written.exit_code)
    assert screen.stdout == file.read_text() == (SHIPPED / "policy.schema.json").read_text()


EXCEPTION = """\
apiVersion: gateway/v1
kind: Exception
metadata: {name: ssn-pilot, owner: ann@acme.example, approver: ben@acme.example, ticket: SEC-1, reason: A pilot.}
scope: {apps: [claims-bot]}
not_before: 2026-06-01T08:00:00Z
expires: 2026-06-30T18:00:00Z
max_uses: 500
waives: {rules: [government-id-stays-inside, restricted-stays-inside], entity: US_SSN}
counts_as: {label: internal, classes: [pii]}
"""
EXCEPTED = "facts: {app: claims-bot, at: %s, findings: [{entity: US_SSN}%s]}, expect: {exception: [%s], route: %s}"


def test_cases_speak_of_exceptions(folder: Path) -> None:
    """To the second, for its caller, and not where another rule holds."""
    cases = (
        EXCEPTED % ("2026-06-01T08:00:00Z", "", "ssn-pilot", "external"),
        EXCEPTED % ("2026-06-01T07:59:59Z", "", "", "local"),
        EXCEPTED % ("2026-06-30T17:59:59Z", "", "ssn-pilot", "external"),
        EXCEPTED % ("2026-06-30T18:00:00Z", "", "", "local"),
        EXCEPTED % ("2026-06-30T17:59:59Z", ", {entity: SECRET}", "", "blocked"),
        EXCEPTED.replace("claims-bot", "other") % ("2026-06-30T17:59:59Z", "", "", "local"),
    )
    (folder / "ssn.exception.yaml").write_text(EXCEPTION)
    told = "".join(f"  - {{id: c{at}, {case}}}\n" for at, case in enumerate(cases))
    (folder / "a.policy.test.yaml").write_text(CASES + told)
    result = run("test", "--policies", str(folder))

    assert (0, "6 of 6 cases passed") == (result.exit_code, result.stdout.splitlines()[-1]), result.stdout


@pytest.mark.parametrize(
    ("app", "at", "why"),
    [
        ("claims-bot", "2026-06-10T00:00:00Z", "restricted-stays-inside; ben@acme.example approved it (SEC-1)"),
        ("other", "2026-06-10T00:00:00Z", "It is for other callers."),
        ("claims-bot", "2026-05-10T00:00:00Z", "It has not begun."),
        ("claims-bot", "2026-07-10T00:00:00Z", "It has ended."),
    ],
)
def test_explain_says_of_each_exception_why(folder: Path, app: str, at: str, why: str) -> None:
    """Applied, or why not."""
    (folder / "ssn.exception.yaml").write_text(EXCEPTION)
    (folder / "facts").write_text(f"{{app: {app}, at: {at}, findings: [{{entity: US_SSN}}]}}\n")
    told = run("explain", "--facts", str(folder / "facts"), "--policies", str(folder))
    said = json.loads(run("explain", "--json", "--facts", str(folder / "facts"), "--policies", str(folder)).stdout)
    (one,) = said["exceptions"]

    assert why in one["why"]
    assert one["applied"] is ("ben@" in why)
    assert "ssn-pilot" in told.stdout
    cleared = next(each for each in said["explained"] if each["rule"] == "cleared")
    assert one["applied"] is ("with what an exception counts it as" in cleared["why"])
