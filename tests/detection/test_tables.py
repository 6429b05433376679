"""The head of a column explains its cells, in whatever a table is written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.detection.tables import columns
from tests.detection.conftest import Find
from tests.growth import assert_linear


def told(text: str) -> list[tuple[str, str]]:
    """Entities and values."""
    return [(each.entity, text[each.start : each.end]) for each in columns(text)]


@pytest.mark.parametrize(
    "text",
    [
        "day,mrn,first_name\nMon,4432211,Ana\nTue,4432212,Bo",
        'day;MRN;firstName\nMon;"4432211";"Ana"\nTue;4432212;Bo',
        "day\tmrn\tFirst name\nMon\t4432211\tAna\nTue\t4432212\tBo\n",
        "| day | MRN | first name |\n|---|---|---|\n| Mon | 4432211 | Ana |\n| Tue | 4432212 | Bo |",
        "<table><tr><th>day<th>MRN<th>First name<tr><td>Mon<td>4432211<td>Ana<tr><td>Tue<td>4432212<td>Bo</table>",
        (
            "<TABLE class='a'>\n<TR>\n<TD>day</TD><TD><b>MRN</b></TD><TD><p><i>First name</i></TD>\n</TR>"
            "<TR>\n<TD>Mon\n<TD> 4432211\n<TD>Ana\n</TR><TR><TD>Tue</TD><TD>4432212</TD><TD>Bo</TD></TR></TABLE>"
        ),
        (
            "<tr><th>MRN</th><td>4432211</td></tr><tr><th>First name</th><td>Ana</td></tr>"
            "<dl><dt>MRN</dt><dd>4432212</dd><dt>First name</dt><dd>Bo</dd></dl>"
        ),
    ],
)
def test_every_row_is_explained(text: str) -> None:
    """By the first line, or by the cell before."""
    record = "MEDICAL_RECORD_NUMBER"

    assert told(text) == [(record, "4432211"), ("PERSON", "Ana"), (record, "4432212"), ("PERSON", "Bo")]


@pytest.mark.parametrize(
    "text",
    [
        "id,product name,price\n4432211,Bolt,12",
        "mrn,day\n12,Monday\n2024-01-02,Monday",
        "mrn and name, please\n4432211 and more",
        "phone, mail\nnone at all\n4432211, none",
        "<tr><th>part</th><td>4432211</td></tr>",
        "<tr><td>First name</td><td>Town</td></tr>",
        "<table><tr><th>MRN</th></tr></table><table><tr><td>4432211</td></tr></table>",
        "<dt>MRN</dt><dt>state</dt><dd>4432211</dd>",
    ],
)
def test_other_cells_are_not(text: str) -> None:
    """Heads that say nothing, cells that do not fit, and lines that are no rows."""
    assert told(text) == []


def test_a_separator_within_quotes_separates_nothing() -> None:
    """As in CSV."""
    assert told('note,account number\n"late, unpaid",99120034') == [("ACCOUNT_NUMBER", "99120034")]


def test_the_detector_reads_columns_far_below_their_head(found: Find) -> None:
    """Beyond any window."""
    rows = "\n".join(f"{number % 7},open" for number in range(3000))

    assert ("ACCOUNT_NUMBER", "99120034") in found(f"account number,state\n{rows}\n99120034,open")


@given(st.text(alphabet='ab1,;\t|"\n ', max_size=80))
def test_cells_lie_in_any_text(text: str) -> None:
    """Whatever is quoted or left open."""
    assert all(value for _, value in told("mrn,ssn\n" + text))


@given(st.lists(st.sampled_from(["<td", ">", "<th>", "<tr>", "MRN", "4432211", " ", "<b>", "</td>", "<", "<table "])))
def test_cells_lie_in_any_markup(parts: list[str]) -> None:
    """Whatever is opened and not closed: no cell holds a sign of the markup."""
    assert all("<" not in value and ">" not in value for _, value in told("<th>MRN<td>" + "".join(parts)))


@pytest.mark.parametrize("piece", ["<td>", "<td ", "<th>MRN</th>", "<td><b> ", "<tr><td>4432211"])
def test_markup_takes_linear_time(piece: str) -> None:
    """Eight times the text takes about eight times as long."""
    assert_linear(lambda length: list(columns((piece * length)[:length])), 20_000)
