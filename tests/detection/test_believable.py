"""What a pipeline takes for an entity counts where it can be one: its own edges, and nothing that is no name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.detection.believable import believed


def told(text: str, value: str, label: str, score: float | None = 0.7) -> tuple[str, str] | None:
    """What is left of `value` in `text`, and as what."""
    start = text.index(value)
    kept = believed(text, (start, start + len(value)), label, score, capitals=any(map(str.isupper, text)))
    return kept and (text[kept[0] : kept[1]], kept[2])


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("The Collatz conjecture is open.", "Collatz"),
        ("He has Hodgkin's disease, they say.", "Hodgkin"),
        ("then Collatz(7) is called", "Collatz"),
        ("use getName(x) here", "getName"),
        (r"print('\nHello, world')", "nHello"),
        ("Reply between STARTMESSAGE and ENDMESSAGE", "ENDMESSAGE"),
        ("the build 3f786850e387 is red", "3f786850e387"),
        ("Total V.A.T. of H.S.T is due", "S"),
        ("says that Venus is bright", "Venus"),
        ("men of al-Nusra came", "al"),
        ("after Hurricane Rita had passed", "Rita"),
        ("My cat's name is Twinky.", "Twinky"),
        ("a dog called Frank and", "Frank"),
        ("thanks to Barry's Auto of Leeds", "Barry"),
        ("the President of the board", "President"),
        ("open a MySQL database called Bob,", "Bob"),
        ("by Parker Hannifin Corporation", "Parker"),
        ("by Smith, Jones & Davis LLP", "Smith"),
        ("by Miller & Sons of Leeds", "Miller"),
        ("by Smith-Jones and Partners", "Smith"),
    ],
)
def test_what_is_no_name_is_nobody(text: str, value: str) -> None:
    """What is called after somebody, calls, escapes, shouted words, keys, letters, planets, storms, animals, shops,
    offices, databases, firms."""
    assert told(text, value, "PERSON") is None


@pytest.mark.parametrize(
    ("text", "value", "score"),
    [
        ("Call Ann Smith (sales)", "Ann Smith", 0.7),
        ("Smith's test results are here", "Smith", 0.7),
        ("JANE SMITH CALLED", "JANE SMITH", 0.7),
        ("signed SMITH, yesterday", "SMITH", 0.9),
        (r"E:\Dana Lee\Backup", "Dana Lee", 0.7),
        ("then Al called back", "Al", 0.7),
        ("Venus Adams called back", "Venus Adams", 0.7),
        ("The cat scratched Frank", "Frank", 0.7),
        ("the dog belongs to a man named Frank", "Frank", 0.7),
        ("Barry's auto was towed", "Barry", 0.7),
        ("Ask Jane, Miller Ltd knows her", "Jane", 0.7),
        ("Smith and Jones called Acme Inc", "Smith", 0.7),
        ("Jane Doe and Sons", "Jane Doe", 0.7),
        ("signed by President Adams", "Adams", 0.7),
        ("The company called Bob back", "Bob", 0.7),
        ("The class called Bob a hero", "Bob", 0.7),
    ],
)
def test_names_stay_names(text: str, value: str, score: float) -> None:
    """Beside the same signs."""
    assert told(text, value, "PERSON", score) == (value, "PERSON")


@pytest.mark.parametrize(
    ("text", "value", "kept"),
    [
        ("12 Elm Street", "12 Elm Street", ("12 Elm Street", "STREET_ADDRESS")),
        ("Miami\t250\nDallas\t300", "Miami", ("Miami", "LOCATION")),
        ("shortcuts at PEI-111.", "PEI-111", None),
        ("at 1700000000", "1700000000", None),
        ("5.\tn\u00e1ut\n", "5.\tn\u00e1ut", ("n\u00e1ut", "LOCATION")),
        ("4.\tcarta azul\n5.\tnada\n6.\tprazo", "carta azul\n5.\tnada\n6", ("carta azul", "STREET_ADDRESS")),
    ],
)
def test_an_address_has_words(text: str, value: str, kept: tuple[str, str] | None) -> None:
    """One word is a place at most, a key is neither, and a list goes on with its next item."""
    assert told(text, value, "STREET_ADDRESS") == kept


@pytest.mark.parametrize(
    ("text", "value", "kept"),
    [
        ("a man aged 38 years", "38 years", ("38", "AGE")),
        ("in his 60s he retired", "60s", ("60", "AGE")),
        ("the unions of the 60s", "60s", None),
    ],
)
def test_a_decade_is_an_age_where_it_is_somebodys(text: str, value: str, kept: tuple[str, str] | None) -> None:
    """And an age is its number."""
    assert told(text, value, "AGE") == kept


def test_a_form_of_address_needs_a_name_after_it() -> None:
    """Alone it addresses whoever reads."""
    assert told("Excuse me, Sir bot, but no", "Sir", "TITLE") is None
    assert told("Excuse me, Sir Elton, but no", "Sir", "TITLE") == ("Sir", "TITLE")


def test_more_is_asked_of_a_pipeline_that_tells_no_score() -> None:
    """Any word in small letters is no name to it where the writer uses capitals."""
    assert told("Ask Jane about stairs", "stairs", "PERSON", None) is None
    assert told("Ask Jane about stairs", "stairs", "PERSON", 0.4) == ("stairs", "PERSON")


@given(st.text(min_size=1, max_size=60), st.data())
def test_what_is_left_lies_within(text: str, data: st.DataObject) -> None:
    """For any text and any label, and it is not empty."""
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    label = data.draw(st.sampled_from(["PERSON", "STREET_ADDRESS", "AGE", "TITLE", "ORGANIZATION", "LOCATION"]))
    kept = believed(text, (start, end), label, 0.9, capitals=True)

    assert kept is None or start <= kept[0] < kept[1] <= end
