"""Which narrow job a conversation asks for, and what of it is the text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.adapters.narrow_jobs import Fill, Summarise, fields_in, job_of, labels_in, parted
from gateway.adapters.narrow_schema import Blank, Choice, leaves
from tests.growth import assert_linear

FREE = {"kind": "free", "schema": ""}
TEXT = "The lift has been stuck since noon."
LABELS = ("billing", "technical", "shipping")


def asked(*messages: str, system: str = "") -> list[tuple[str, str]]:
    """A conversation of user messages, with an instruction before them."""
    return [*([("system", system)] if system else []), *(("user", text) for text in messages)]


@pytest.mark.parametrize(
    "instruction",
    [
        "Classify the ticket as one of: billing, technical, shipping.",
        "Classify the ticket into billing, technical or shipping. Answer with the label only.",
        "Which category fits this ticket? billing / technical / shipping",
        'Label the following ticket. Possible labels: "billing", "technical", "shipping"',
        "Pick the right tag (billing; technical; shipping) for this ticket.",
        "Sort the ticket into a class.\nClasses:\n- billing\n- technical\n- shipping",
        "Categories: billing | technical | shipping. Which one is it? Reply with one label and nothing else.",
        "Route this ticket to one of: billing, technical, or shipping",
    ],
)
@pytest.mark.parametrize(
    "layout", ["{i}\n\n{t}", "{i}\n\nTicket: {t}", '{i}\n\n"""\n{t}\n"""', "{t}\n\n{i}", "{i}\n---\n{t}\n---"]
)
def test_labels_in_words_are_a_choice(instruction: str, layout: str) -> None:
    """However labels are listed and wherever the text stands."""
    job = job_of(asked(layout.format(i=instruction, t=TEXT)), FREE)
    assert isinstance(job, Fill)
    assert (job.text, job.bare) == (TEXT, True)
    assert [leaf.values for leaf in leaves(job.form) if isinstance(leaf, Choice)] == [LABELS]


def test_labels_may_stand_behind_the_text_in_one_line() -> None:
    """As in the request that a gateway shows at its start."""
    job = job_of(asked(f"Classify the ticket: {TEXT} Labels: billing, technical, shipping"), FREE)
    assert isinstance(job, Fill)
    assert (job.text, job.bare) == (TEXT, True)
    assert [LABELS] == [leaf.values for leaf in leaves(job.form) if isinstance(leaf, Choice)]


def test_an_instruction_may_be_the_systems() -> None:
    """The user's message is then the text, all of it."""
    job = job_of(asked(TEXT, system="Classify each ticket: billing, technical or shipping."), FREE)
    assert isinstance(job, Fill)
    assert job.text == TEXT


@pytest.mark.parametrize(
    ("instruction", "names"),
    [
        (
            "Extract the fields customer, order_no and dueDate from the text as JSON.",
            ("customer", "order_no", "dueDate"),
        ),
        ('Return JSON: {"customer": "...", "order_no": "..."}', ("customer", "order_no")),
        ("Extract as JSON:\n- customer\n- order no", ("customer", "order no")),
        ("Fields to extract: customer; order_no. Answer in JSON only.", ("customer", "order_no")),
        ("Extract customer (string), floor (string) as JSON. Use null when a field is missing.", ("customer", "floor")),
    ],
)
def test_fields_in_words_are_blanks(instruction: str, names: tuple[str, ...]) -> None:
    """They go by the caller's own names."""
    job = job_of(asked(f"{instruction}\n\nText: {TEXT}"), FREE)
    assert isinstance(job, Fill)
    assert (tuple(job.form.members), job.text, job.bare) == (names, TEXT, False)
    assert all(isinstance(leaf, Blank) and leaf.nullable for leaf in leaves(job.form))


@pytest.mark.parametrize(
    "instruction", ["Summarise the note in one or two sentences.", "TL;DR", "Give a one-sentence summary."]
)
def test_a_wish_for_a_summary_is_one(instruction: str) -> None:
    """Of one sentence where one was asked for."""
    job = job_of(asked(f"{instruction}\n\n{TEXT} It was a fuse."), FREE)
    assert job == Summarise(f"{TEXT} It was a fuse.", 1 if "one-sentence" in instruction else 2)


@pytest.mark.parametrize(
    "text",
    [
        "Write a poem about the sea.",
        "What is the capital of Peru?",
        "Translate into Dutch: the train, the bus or the tram is late.",
        "Which of my shirts should I wear, the red or the blue one?",
        "Hello!",
        f"{TEXT}\n\nWhat is the difference between a lift and a hoist?",
        "",
    ],
)
def test_other_wishes_are_no_narrow_job(text: str) -> None:
    """The model that generates has them."""
    assert job_of(asked(text), FREE) is None


def test_a_dialogue_of_several_turns_is_no_narrow_job_by_its_words() -> None:
    """What a later turn means depends on the earlier ones."""
    assert job_of(asked("Summarise: one. two. three.", "And now shorter."), FREE) is None


@given(st.text(max_size=300), st.text(max_size=60))
def test_any_text_can_be_looked_at(text: str, system: str) -> None:
    """Whatever is taken for the text was said by the caller, word by word, apart from what stands between lines."""
    instruction, about = parted(asked(text, system=system))
    assert job_of(asked(text, system=system), FREE) is None or about
    assert "".join(about.split()) in "".join(text.split())
    labels_in(instruction)
    fields_in(instruction)


HOSTILE = {
    "a fence that never ends": ('"""', " "),
    "tags that never end": ("", "<ab>"),
    "blanks within tags": ("<ab>", " "),
    "a point of a list and blanks": ("a\n\n- a", " "),
    "lines": ("", "a\n"),
    "empty lines": ("a", "\n"),
    "wishes without an end": ("", "classify as a or as "),
    "wishes in many sentences": ("", "classify this. as "),
    "wishes in many lines": ("", "classify\nas a\n"),
    "wishes beside a fence": ('classify """x""" ', "as a "),
    "points beside a fence": ('classify """x""" ', "- a  \n"),
    "blanks beside a fence": ('return json: """x""" from', " "),
    "brackets": ('classify """x""" ', "("),
}


@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE)
def test_hostile_texts_take_linear_time(hostile: tuple[str, str]) -> None:
    """No text holds up the others that wait for the model: what looks at it cannot be cancelled."""
    begin, piece = hostile
    free, json = FREE, {"kind": "json", "schema": ""}

    def look(length: int) -> None:
        text = begin + (piece * length)[:length] + "x"
        job_of(asked(text), free)
        job_of(asked(text, system="Classify as good or bad."), json)

    assert_linear(look, 2_000)
