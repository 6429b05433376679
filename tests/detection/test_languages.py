"""What language a text is in: letters in many languages are foreign; English, Spanish, code and scraps never are."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.detection.languages import Language, language_of, languages_of, stretches, unread
from tests.conftest import REPOSITORY
from tests.detection.languages import ENGLISH_TEXTS, LETTERS, NO_SENTENCES, SPANISH_TEXTS

READ = frozenset({Language.ENGLISH, Language.SPANISH})
DATA = Path(os.environ.get("GATEWAY_BENCH_DATA", REPOSITORY / ".." / "shared" / "data"))
PLAIN = ("benign_prompts", "benign_prompts_code_real", "wnut17_dev", "uner_en_ewt_dev")
MOST_CALLED_FOREIGN = 0.003


@pytest.mark.parametrize("name", LETTERS)
def test_a_letter_in_another_language_is_foreign(name: str) -> None:
    """Its greeting alone may say too little; the letter does not."""
    assert Language.OTHER in languages_of(LETTERS[name])
    assert unread(LETTERS[name], READ) != []


@pytest.mark.parametrize("name", LETTERS)
def test_a_foreign_letter_below_an_english_request_is_foreign(name: str) -> None:
    """Each paragraph is judged by itself, so a long request in English hides nothing."""
    asked = "Please summarise the letter below in three bullet points and tell me what I should do next.\n\n"
    letter = max(LETTERS[name].split("\n"), key=len)
    text = asked + letter + "\n\nThank you very much for your help, it is very welcome."

    assert [(len(asked), len(asked) + len(letter))] == unread(text, READ)


@pytest.mark.parametrize("text", ENGLISH_TEXTS)
def test_english_with_foreign_names_and_words_is_english(text: str) -> None:
    """Names, quotations, mathematics."""
    assert frozenset({Language.ENGLISH}) == languages_of(text)


@pytest.mark.parametrize("text", SPANISH_TEXTS)
def test_spanish(text: str) -> None:
    """Questions, records, letters."""
    assert frozenset({Language.SPANISH}) == languages_of(text)


@pytest.mark.parametrize("text", NO_SENTENCES)
def test_code_lists_and_scraps_are_not_foreign(text: str) -> None:
    """What holds no sentence is in no other language."""
    assert [] == unread(text, READ)


def test_spanish_is_unread_where_nothing_reads_it() -> None:
    """The languages that are read are those that have a pipeline."""
    assert [] == unread(SPANISH_TEXTS[0], READ)
    assert [(0, len(SPANISH_TEXTS[0]))] == unread(SPANISH_TEXTS[0], frozenset({Language.ENGLISH}))


@given(st.text(max_size=2000) | st.text(alphabet="ab \n", max_size=3000))
def test_stretches_cover_every_text(text: str) -> None:
    """In order, without gaps and overlaps, none empty and none very long."""
    parts = [(each.start, each.end) for each in stretches(text)]

    assert text == "".join(text[start:end] for start, end in parts)
    assert all(0 < end - start <= 700 for start, end in parts)


@given(st.text(max_size=1500))
def test_unread_spans_lie_in_the_text_and_begin_and_end_with_words(text: str) -> None:
    """So they can be told as findings."""
    for start, end in unread(text, frozenset()):
        assert 0 <= start < end <= len(text)
        assert text[start:end] == text[start:end].strip()


def test_a_megabyte_without_a_space_is_judged_in_parts() -> None:
    """No text is looked at more than once."""
    assert 2000 > sum(1 for _ in stretches("x" * 1_000_000))
    assert Language.OTHER is language_of("\u0430\u0431\u0432" * 200_000)


@pytest.mark.parametrize("name", PLAIN)
def test_plain_english_is_not_called_foreign(name: str) -> None:
    """At most three texts in a thousand."""
    path = DATA / f"{name}.jsonl"
    if not path.is_file():
        pytest.skip(f"no {path}: set GATEWAY_BENCH_DATA")
    texts = [json.loads(line)["text"] for line in path.read_text(encoding="utf-8").splitlines()]

    assert MOST_CALLED_FOREIGN * len(texts) >= sum(unread(text, READ) != [] for text in texts)
