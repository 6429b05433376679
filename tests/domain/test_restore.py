"""Restoration survives whatever a model and a stream do to a stand-in, and never gives a wrong value."""

from __future__ import annotations

import html
import itertools
import json
from collections.abc import Iterable, Mapping
from urllib.parse import unquote

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gateway.domain.labels import Entity
from gateway.domain.mask import Vault
from gateway.domain.restore import Restorer, StreamRestorer
from gateway.domain.surrogate_shapes import Kind, Surrogates
from tests.growth import assert_linear

EMAIL, PERSON, STREET = "K7QX2M3ABC", "QQQQQQQQQQ", "ZYXWVUT765"
NASTY = 'Pat "O\\B"\n<é>'
VALUES = {EMAIL: "alice@example.com", PERSON: NASTY, STREET: "Hauptstraße 12"}
ENTITIES = frozenset(map(Entity, ("EMAIL_ADDRESS", "PERSON", "STREET_ADDRESS", "LITERAL", "NAME")))
VAULT = Vault(VALUES, ENTITIES)
MARK = f"[EMAIL_ADDRESS_{EMAIL}]"
SURROGATES = Surrogates(
    {
        Kind.WORD: {"kelvaberg": "Ann", "selkodane": "Smith"},
        Kind.EMAIL: {"k.balvaberg@example.org": "ann@corp.example"},
        Kind.PHONE: {"12345550123": "+49 1", "2345550123": "+49 1"},
        Kind.IPV4: {"192.0.2.1": "10.0.0.1", "192.0.2.17": "10.0.0.2"},
        Kind.STREET: {"12 tarvaberg lane": "1 Main St"},
    },
    {"Kelvaberg": "Ann", "KELVABERG": "ANN"},
)
BOTH = Vault(VALUES, ENTITIES, SURROGATES)


def streamed(pieces: Iterable[str], vault: Vault = VAULT, *, json_escaped: bool = False) -> str:
    """What a stream of these pieces becomes."""
    stream = StreamRestorer(Restorer(vault, json_escaped=json_escaped))
    return "".join([*(stream.feed(piece) for piece in pieces), stream.finish()])


def whole(text: str, vault: Vault = VAULT, *, json_escaped: bool = False) -> str:
    """The same text in one piece."""
    return Restorer(vault, json_escaped=json_escaped).whole(text)


BENT = {
    "small": MARK.lower(),
    "spaces": MARK.replace("_", " "),
    "hyphens": MARK.replace("_", "-"),
    "markdown escapes": MARK.replace("_", "\\_"),
    "all escaped": MARK.replace("_", "\\_").replace("[", "\\[").replace("]", "\\]"),
    "no brackets": MARK.strip("[]"),
    "no opening bracket": MARK.lstrip("["),
    "no closing bracket": MARK.rstrip("]"),
    "html": MARK.replace("[", "&#91;").replace("]", "&#93;"),
    "html in hexadecimal": MARK.replace("[", "&#x5B;").replace("]", "&#x5D;"),
    "html by name": MARK.replace("[", "&lbrack;").replace("]", "&rbrack;"),
    "url": MARK.replace("[", "%5B").replace("]", "%5D"),
    "url in small letters, underscores too": MARK.replace("[", "%5b").replace("]", "%5d").replace("_", "%5f"),
    "json": MARK.replace("[", "\\u005b").replace("]", "\\u005D"),
    "html underscores": MARK.replace("_", "&#95;"),
    "no-break spaces": MARK.replace("_", "\u00a0"),
    "a line break": MARK.replace("_", "\n", 1),
}
AROUND = ["{}", "**{}**", "`{}`", "```\n{}\n```", "({})", "{}'s", "<{}>", '"{}"', "x={}&y", "the {}.", "_{}_", "a{}b"]


@pytest.mark.parametrize("bend", BENT)
@pytest.mark.parametrize("around", AROUND)
def test_a_bent_placeholder_is_restored_with_nothing_left_over(bend: str, around: str) -> None:
    """The value stands exactly where the placeholder stood, whole and at every cut in two or in letters."""
    text = around.format(BENT[bend])
    shown = whole(text)

    assert around.format("alice@example.com") == html.unescape(unquote(shown))
    assert {shown} == {streamed([text[:cut], text[cut:]]) for cut in range(len(text) + 1)}
    assert shown == streamed(text)


@pytest.mark.parametrize("gap", ["_", " ", "-"])
def test_the_shortest_placeholder_is_a_whole_text(gap: str) -> None:
    """Nothing but a name, one sign and an id; one letter less is none."""
    vault = Vault({PERSON: "Pat"}, frozenset({Entity("NAME")}))

    assert "Pat" == whole(f"NAME{gap}{PERSON}", vault) == streamed(f"NAME{gap}{PERSON}", vault)
    assert f"NAME{PERSON}" == whole(f"NAME{PERSON}", vault)


def test_the_value_is_written_as_its_surroundings_are() -> None:
    """Encoded in a URL, escaped in HTML."""
    text = f"[PERSON_{PERSON}]"

    assert "https://x.example/?q=Pat%20%22O%5CB%22%0A%3C%C3%A9%3E&r" == whole(
        f"https://x.example/?q={text.replace('[', '%5B').replace(']', '%5D')}&r"
    )
    assert html.escape(NASTY) == whole(text.replace("[", "&#91;").replace("]", "&#93;"))


@pytest.mark.parametrize(
    "text",
    [
        "[EMAIL_ADDRESS_AAAAAAAAAA] [EMAIL_ADDRESS_K7QX2M3ABD]",
        f"[PERSONE_{EMAIL}] {EMAIL} [_{EMAIL}]",
        f"[EMAIL_ADDRESS{EMAIL}] [EMAIL__ADDRESS___{EMAIL}]",
        f"[\u0415MAIL_ADDRESS_{EMAIL}]",
        f"[EMAIL_ADDRE\u017f\u017f_{EMAIL}]",
        f"[EMAIL_ADDRESS_{EMAIL.replace('K', chr(0x212A))}]",
        f"[EMAIL_ADDRESS_{EMAIL.replace('A', chr(0x0410))}]",
        f"[EMAIL_ADDRESS_{EMAIL.translate({ord(c): ord(c) + 0xFEE0 for c in EMAIL})}]",
        f"[EMAIL\u200b_ADDRESS_{EMAIL}]",
    ],
)
def test_what_is_not_ours_is_left_alone(text: str) -> None:
    """Invented ids, other names, letters that only look alike: not one character changes."""
    assert text == whole(text) == streamed(text)


def test_an_unknown_placeholder_does_not_hide_a_known_one() -> None:
    """What looks like a placeholder may run into one that is."""
    for text in (f"person_abcdefEMAIL_ADDRESS_{EMAIL}", f"[PERSON_{MARK}", f"PERSON {MARK}", f"[[{MARK}]]"):
        assert text.replace(MARK, "alice@example.com").replace(MARK[1:-1], "alice@example.com") == whole(text)


def test_ids_that_begin_alike_are_not_confused() -> None:
    """One id is never the beginning of another: all have one length, and what follows is not part of it."""
    near = {EMAIL[:9] + letter: f"v{letter}" for letter in "ABCDEF"}
    vault = Vault(near, ENTITIES)
    text = " ".join(f"[PERSON_{identity}] PERSON_{identity}1 PERSON_{identity}A" for identity in near)

    assert " ".join(f"{v} {v}1 {v}A" for v in near.values()) == whole(text, vault) == streamed(text, vault)


BACKSLASHES = st.integers(0, 7).map(lambda count: "\\" * count)


@given(BACKSLASHES, st.sampled_from(["[", "\\u005b"]), BACKSLASHES)
def test_backslashes_that_stand_for_themselves_stay(before: str, opener: str, after: str) -> None:
    """A path in front of a placeholder in JSON keeps its backslashes: the text stays the JSON that it was."""
    said = f"{before}alice@example.com{after}"
    escaped = json.dumps(said)[1:-1]
    text = escaped.replace("alice@example.com", f"{opener}EMAIL_ADDRESS_{EMAIL}]")
    shown = whole(text, json_escaped=True)

    assert said == json.loads(f'"{shown}"')
    assert shown == streamed(text, json_escaped=True)


@given(
    st.recursive(
        st.text(st.sampled_from('[]{}" \\\n:,aé1§'), max_size=8).filter(
            lambda t: '"' not in t or t.lstrip()[0] not in "[{"
        ),
        lambda inner: st.one_of(
            st.lists(inner, max_size=3),
            st.dictionaries(st.sampled_from(["a", "§", "b§"]), inner, max_size=2),
            st.one_of(st.lists(inner, max_size=2), st.dictionaries(st.just("k"), inner, max_size=1)).map(json.dumps),
        ),
        max_leaves=6,
    ),
    st.booleans(),
    st.integers(1, 7),
)
def test_arguments_stay_valid_json_however_deep(value: object, ascii_: bool, size: int) -> None:
    """A value with quotes, newlines and backslashes comes back as the value, also in JSON inside of JSON."""
    arguments = json.dumps(_with(value, f"[PERSON_{PERSON}]"), ensure_ascii=ascii_)
    shown = whole(arguments, json_escaped=True)

    assert _read(_with(value, NASTY)) == _read(json.loads(shown))
    assert shown == streamed([arguments[at : at + size] for at in range(0, len(arguments), size)], json_escaped=True)


def _read(value: object) -> object:
    """The value with what is JSON inside read, too: two ways to write one document are one."""
    match value:
        case str():
            try:
                inner = json.loads(value)
            except ValueError:
                return value
            return ["a document", _read(inner)] if isinstance(inner, dict | list) else value
        case list():
            return [_read(item) for item in value]
        case dict():
            return {key: _read(item) for key, item in value.items()}
        case _:
            return value


def _with(value: object, stand_in: str) -> object:
    """The value with a text for each mark, also in what is JSON inside."""
    match value:
        case str():
            try:
                inner = json.loads(value)
            except ValueError:
                return value.replace("§", stand_in)
            document = isinstance(inner, dict | list)
            return json.dumps(_with(inner, stand_in)) if document else value.replace("§", stand_in)
        case list():
            return [_with(item, stand_in) for item in value]
        case dict():
            return {key.replace("§", stand_in): _with(item, stand_in) for key, item in value.items()}
        case _:
            return value


PIECES = [
    *BENT.values(), MARK[:-1], MARK[1:], MARK[:7], EMAIL, "EMAIL", "_ADDRESS_", "PERSON_", f"[PERSON_{PERSON}]",
    "\\", "\\\\", "\\u005b", "\\u00", "\\n", "u005b", "&#91;", "&#", "%5B", "%", "[", "]", "_", " ", "\n", '"', "x",
    "Kelvaberg", "Kelv", "aberg", "KELVABERG", "kelvaberg's", "Selkodane", "k.balvaberg@example.org", "k.", "balvaberg",
    "@example.org", "+1 (234) 555-0123", "234-555-0123", "234", "555", "0123", "(", ")", "-", ".", "192.0.2.1",
    "192.0.2.17", "7", "12 Tarvaberg Lane", "12 ", "Tarvaberg", "Lane",
]  # fmt: skip


@settings(max_examples=400)
@given(
    st.lists(st.sampled_from(PIECES), max_size=9).map("".join),
    st.lists(st.integers(0, 250), max_size=9),
    st.booleans(),
)
@example("\\\\\\u005bEMAIL_ADDRESS_" + EMAIL, [1, 2, 3], True)
@example("\\7KELVABERG", [], True)
def test_a_stream_is_restored_like_a_whole_text(text: str, cuts: list[int], json_escaped: bool) -> None:
    """For any text of stand-ins, parts of them and what may be mistaken for one, and any cuts."""
    edges = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    pieces = [text[start:end] for start, end in itertools.pairwise(edges)]

    assert whole(text, BOTH, json_escaped=json_escaped) == streamed(pieces, BOTH, json_escaped=json_escaped)
    assert whole(text, BOTH, json_escaped=json_escaped) == streamed(text, BOTH, json_escaped=json_escaped)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("Kelvaberg", "Ann"),
        ("KELVABERG SELKODANE", "ANN SMITH"),
        ("Selkodane, Kelvaberg", "Smith, Ann"),
        ("Kelvaberg's and selkodane\u2019s", "Ann's and Smith\u2019s"),
        ("Kelvabergs Kelvaberge xKelvaberg Kelva berg", "Kelvabergs Kelvaberge xKelvaberg Kelva berg"),
        ("Kelvaberg_Selkodane", "Ann_Smith"),
        ("K.BALVABERG@example.org, Balvaberg", "ann@corp.example, Balvaberg"),
        ("call +1 (234) 555-0123, 234.555.0123 or 2345550123!", "call +49 1, +49 1 or +49 1!"),
        ("(234-555-0123)", "(+49 1)"),
        ("12345550124 22345550123", "12345550124 22345550123"),
        ("192.0.2.1, 192.0.2.17 192.0.2.171", "10.0.0.1, 10.0.0.2 192.0.2.171"),
        ("12 Tarvaberg\nLane", "1 Main St"),
        ("\u212aelvaberg", "\u212aelvaberg"),
    ],
)
def test_surrogates_come_back_however_they_are_said(said: str, expected: str) -> None:
    """In capitals, one word of a name, with an 's, digits grouped anew; as whole words only."""
    vault = Vault({}, frozenset(), SURROGATES)

    assert expected == whole(said, vault) == streamed(said, vault)


def test_surrogates_stand_behind_escapes_in_json() -> None:
    """The letter of an escape is no part of the word behind it."""
    text = json.dumps({"to": 'x\nKelvaberg\t"Selkodane"\\Kelvaberg é Kelvaberg'})
    shown = whole(text, BOTH, json_escaped=True)

    assert {"to": 'x\nAnn\t"Smith"\\Ann é Ann'} == json.loads(shown)
    assert shown == streamed(text, BOTH, json_escaped=True)


@given(st.text(st.sampled_from("EMAILPRSONk_ [\\%&u05b9\n.24"), max_size=200))
def test_never_more_is_held_back_than_one_stand_in(text: str) -> None:
    """A stream stays a stream."""
    restorer = Restorer(BOTH)
    stream = StreamRestorer(restorer)
    held = 0
    for letter in text:
        held += 1 - len(stream.feed(letter))
        assert held <= restorer.longest


@pytest.mark.parametrize("piece", ["[", "EMAIL_", "\\", "E", "EMAIL_ADDRESS_ ", "%5B&#91;"])
def test_texts_made_to_stall_do_not(piece: str) -> None:
    """Beginnings without an end cost each piece no more than the longest stand-in does."""

    def restored(length: int) -> str:
        stream = StreamRestorer(Restorer(VAULT))
        return "".join([*(stream.feed(letter) for letter in (piece * length)[:length]), stream.finish()])

    text = (piece * 500)[:500]
    assert restored(500) == whole(text) == text
    assert_linear(restored, 500)


def test_a_piece_costs_the_same_whatever_the_vault() -> None:
    """The id is looked up, not searched: the steps for a text do not grow with the number of values."""
    text = f"The quick brown fox writes to {MARK}, e-mails people and lists literal addresses. " * 5

    def restored(size: int) -> int:
        more: Mapping[str, str] = {f"{at:010d}": f"v{at}" for at in range(size)}
        restorer = Restorer(Vault({**VALUES, **more}, ENTITIES))
        stream = StreamRestorer(restorer)
        steps = sum(len(stream.feed(text[at : at + 4])) and restorer.longest for at in range(0, len(text), 4))
        assert 5 == restorer.restored
        return steps

    assert restored(1) == restored(10_000)
