"""The canonical form: comments stay, values stay, and formatting again changes nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from gateway.adapters.policy_format import Formatted, Unformatted, format_policy
from gateway.adapters.strict_yaml import load_strict, parse
from gateway.cli.policy_author import fmt
from gateway.paths import data_path

SHIPPED = sorted(data_path("policies").rglob("*.yaml"))
TEXTS = [path.read_text() for path in SHIPPED]
UGLY = """\
# header

kind:   Policy   # what it is
apiVersion: gateway/v1


metadata: { name: x,owner: "a b" }
rules:

   # of the first


   - when: {class: pii}
     id: a     # its name
     then:
         route:   local
     tell_user: one
       line
   -   id: b
       tell_user: >-
           folded

           text
# the end
"""
PRETTY = """\
# header

apiVersion: gateway/v1
kind: Policy  # what it is

metadata: {name: x, owner: "a b"}
rules:
  # of the first

  - id: a  # its name
    when: {class: pii}
    then:
      route: local
    tell_user: 'one line'
  - id: b
    tell_user: >-
      folded

      text
# the end
"""


def formatted(text: str) -> str:
    """The canonical form of a text that has one."""
    result = format_policy("p", text.encode())
    assert isinstance(result, Formatted), result
    return result.text


def test_an_ugly_file() -> None:
    """Indentation, spaces, order of keys, empty lines; every comment where it belongs."""
    assert PRETTY == formatted(UGLY)
    assert PRETTY == formatted(PRETTY)


@pytest.mark.parametrize("text", TEXTS, ids=[path.name for path in SHIPPED])
def test_what_is_shipped_is_canonical(text: str) -> None:
    """They are examples to others."""
    assert text == formatted(text)


def test_what_is_too_wide_gets_a_line_a_key() -> None:
    """As far out as needed, and no further."""
    wide = "x: {a: {b: [" + ", ".join(["123456789"] * 9) + "]}, c: {d: " + "e" * 30 + "}}\n"

    lines = formatted(wide).splitlines()
    assert ["x:", "  a: {b: [" + ", ".join(["123456789"] * 9) + "]}", "  c: {d: " + "e" * 30 + "}"] == lines


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a: [1,  # one\n  2]\n", (1, 9)),
        ("a: {\n  # inside\n  b: 1}\n", (2, 3)),
        ("a: |  # header\n  text\nb: 1\n", (1, 4)),
        ("a: |+\n  text\n\nb: 1\n", (1, 4)),
        ("a:\n  -  # of an item\n    b: 1\n", (2, 6)),
        ("a:\n  # between\n  'value'\n", (2, 1)),
        ("a: 1\na: 2\n", (2, 1)),
    ],
)
def test_a_file_whose_comments_cannot_stay_is_left_alone(text: str, place: tuple[int, int]) -> None:
    """With the place; so is one that is not strict YAML."""
    result = format_policy("p", text.encode())

    assert isinstance(result, Unformatted)
    assert [place] == [(e.line, e.column) for e in result.problems]


noise = st.sampled_from(["", "# a comment", "  # deeper", "      # much deeper", "key: x  # behind", "  odd: [1, 2]"])


@given(st.sampled_from(TEXTS), st.lists(st.tuples(st.integers(0, 300), noise), max_size=4), st.booleans())
def test_it_loads_to_the_same_and_stays(text: str, added: list[tuple[int, str]], behind: bool) -> None:
    """Whatever stands between the lines: the same values, every comment, and no change by a second time."""
    lines = text.splitlines()
    for at, line in added:
        where = at % len(lines)
        if behind:
            lines[where] += "   " + line
        else:
            lines.insert(where, line)
    changed = "\n".join(lines).encode()
    result = format_policy("p", changed)

    if isinstance(result, Unformatted):
        assert result.problems
        return
    assert not parse("p", changed).problems
    assert load_strict(changed, "p") == load_strict(result.text.encode(), "p")
    assert result.text.count("#") == changed.decode().count("#")
    assert result == format_policy("p", result.text.encode())


def test_the_command(tmp_path: Path) -> None:
    """`--check` changes nothing and exits 1; without it files are rewritten, but for one that cannot be."""
    ugly, bad = tmp_path / "a.policy.yaml", tmp_path / "sub" / "b.policy.yaml"
    bad.parent.mkdir()
    ugly.write_text(UGLY)
    bad.write_text("a: [1,  # one\n  2]\n")
    run = CliRunner()

    checked = run.invoke(fmt, ["--check", str(tmp_path)])
    assert (1, UGLY) == (checked.exit_code, ugly.read_text())
    assert f"{ugly}: would be changed" in checked.stdout
    assert f"{bad}:1:9 fmt" in checked.stdout
    written = run.invoke(fmt, [str(tmp_path)])
    assert (1, PRETTY) == (written.exit_code, ugly.read_text())
    assert 0 == run.invoke(fmt, ["--check", str(ugly)]).exit_code
    assert ["a.policy.yaml", "sub"] == sorted(path.name for path in tmp_path.iterdir())
