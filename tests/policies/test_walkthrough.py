"""docs/policy.md, from the first edit to live: its files are written, its commands run, and print what it says."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from gateway.cli import main
from gateway.paths import data_path

PAGE = (Path(__file__).parents[2] / "docs" / "policy.md").read_text()
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
SETTINGS, RULE, CASES = [text for kind, text in BLOCKS if kind == "yaml"][:3]
SAID = [text for kind, text in BLOCKS if not kind and text.startswith("$ gateway policy")]
FILTERS: dict[str, Callable[[list[str]], list[str]]] = {
    "": lambda lines: lines,
    "tail -3": lambda lines: lines[-3:],
    "grep -v ^ok": lambda lines: [line for line in lines if not line.startswith("ok")],
}


def printed(said: str) -> tuple[list[str], list[str]]:
    """What the first command of a block prints, and what the page says."""
    line, *expected = said.splitlines()
    command, _, through = line.removeprefix("$ gateway ").partition(" | ")
    result = CliRunner().invoke(main, shlex.split(command))
    return FILTERS[through](result.output.splitlines())[: len(expected)], expected


def edit(path: Path, *changes: tuple[str, str]) -> None:
    """Change a file as the page tells to."""
    text = path.read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path.write_text(text)


@pytest.mark.timeout(300)  # the detector starts three times
def test_the_guide_prints_what_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two mistakes and their places, the tests, why a question leaves, and what fails once the rule is live."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    policies = tmp_path / "policies"
    policies.mkdir()
    for shipped in (*data_path("policies").glob("*.yaml"), data_path("policies") / "policy.schema.json"):
        (policies / shipped.name).write_bytes(shipped.read_bytes())
    (tmp_path / "gateway.yaml").write_text(SETTINGS)
    (tmp_path / "question.txt").write_text("When does Project Halcyon launch?")
    rule, seen = policies / "halcyon.policy.yaml", []
    rule.write_text(RULE)
    seen.append(printed(SAID[0]))
    edit(rule, ("project-halcyn", "project-halcyon"), ("tel_user", "tell_user"))
    seen.append(printed(SAID[1]))
    (policies / "halcyon.policy.test.yaml").write_text(CASES)
    seen += [printed(SAID[2]), printed(SAID[3])]
    edit(rule, ("    mode: shadow\n", ""), ("    shadow_until: 2027-03-31\n", ""))
    seen.append(printed(SAID[4]))

    assert [expected for _, expected in seen] == [told for told, _ in seen]
