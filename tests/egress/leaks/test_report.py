"""docs/leaks.md is of the present declarations and holes, and its sums are right."""

from __future__ import annotations

import re

from tests.egress.leaks.canaries import Kind
from tests.egress.leaks.holes import all_holes
from tests.egress.leaks.matrix import Case, Result, Verdict, every_case
from tests.egress.leaks.report import PAGE, Row, expected_rows, page, rows, told


def test_the_page_is_of_the_present_declarations() -> None:
    """Each operation, its fields, and how many values were tried in each form. Else: `make docs-leaks`."""
    forms, _, _ = told(PAGE.read_text(encoding="utf-8"))

    assert expected_rows() == forms


def test_the_page_lists_every_hole() -> None:
    """By number and name, with the test that shows it."""
    _, holes, _ = told(PAGE.read_text(encoding="utf-8"))

    assert [(hole.number, hole.name, hole.test) for hole in all_holes()] == holes


def test_the_sums_at_the_top_are_those_of_the_tables() -> None:
    """Values and leaks of both tables, and as many leaks listed."""
    text = PAGE.read_text(encoding="utf-8")
    _, _, numbers = told(text)
    lines = re.findall(r"^\| POST [^|]+ \| [^|]+ \| (\d+)" + r" \| (\d+)" * len(Verdict) + r" \|$", text, re.MULTILINE)
    counted = [tuple(map(int, line)) for line in lines]

    assert (sum(values for values, *_ in counted), sum(leaked for *_, leaked in counted)) == numbers
    assert all(values == sum(verdicts) for values, *verdicts in counted)
    assert numbers[1] == len(re.findall(r"^- POST ", text, re.MULTILINE))


def test_a_leak_is_told() -> None:
    """The sum at the top is counted, not written: a leak shows there, in its line, and by name."""
    case: Case = every_case(kinds=[Kind.SSN])[0]
    results = [Result(case, Verdict.MASKED, 200), Result(case, Verdict.LEAKED, 200)]
    text = page(rows(results, by_form=True), rows([], by_form=False), [(all_holes()[0], "open")], [str(case)])

    assert "**2 values tried, 1 through, 0 in part. 1 known holes, 0 closed.**" in text
    assert "| 2 | 1 | 0 | 0 | 0 | 1 |" in text
    assert f"- {case}" in text
    assert "| 7 | 3 | 0 | 4 | 0 | 0 |" in str(Row("x", "y", {Verdict.MASKED: 3, Verdict.REFUSED: 4}))
