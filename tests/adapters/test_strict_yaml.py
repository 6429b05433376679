"""Each trap of YAML is refused with its place, and nothing that is left means something else than it says."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from gateway.adapters.strict_yaml import MAX_BYTES, PolicyError, YamlError, load_strict, parse

_LINE_SEPARATOR = "\u2028"
_BARE = [
    *("yes", "no", "on", "off", "y", "n", "Yes", "NO", "On", "OFF", "Y", "N", "True", "TRUE", "False", "FALSE"),
    *("null", "Null", "~", "=", "007", "0777", "0x1F", "0b11", "0o17", "1_000", "1:30", "1:30:45.5", "+1", "-0"),
    *(".5", "1.", "1e3", "1.5e3", ".inf", "-.inf", ".nan", "99999999999999999999"),
]


def told(text: str | bytes) -> list[tuple[int, int, str]]:
    """Line, column and code of every problem."""
    data = text if isinstance(text, bytes) else text.encode()
    return [(p.line, p.column, p.code) for p in parse("f.yaml", data).problems]


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("a: 1\na: 2\n", [(2, 1, "P002")]),
        ("a: {b: 1, 'b': 2}\n", [(1, 11, "P002")]),
        ("a: &x 1\nb: *x\n", [(1, 4, "P003"), (2, 4, "P003")]),
        ("a: {b: 1}\nc:\n  <<: {b: 2}\n", [(3, 3, "P003")]),
        ("a: !!str 1\n", [(1, 4, "P003")]),
        ("a: !evil [1]\n", [(1, 4, "P003")]),
        ("a: !!python/object/apply:os.system ['true']\n", [(1, 4, "P003")]),
        ("a:\n", [(1, 3, "P003")]),
        ("a: ~\n", [(1, 4, "P003")]),
        ("on: 1\n", [(1, 1, "P003")]),
        ("1: a\n", [(1, 1, "P003")]),
        ("[a]: b\n", [(1, 1, "P003")]),
        ("{a: 1}: b\n", [(1, 1, "P003")]),
        ("a: 1\n---\nb: 2\n", [(2, 1, "P003")]),
        ("%YAML 1.1\n---\na: 1\n", [(1, 1, "P003")]),
        (f"a: x # y{_LINE_SEPARATOR}b: 2\n", [(1, 9, "P003")]),
        ("a: x # y\rb: 2\n", [(1, 9, "P003")]),
        ("a: 'x\u202ey'\n", [(1, 6, "P003")]),
        ("\ufeffa: 1\n", [(1, 1, "P003")]),
        ("a: [1\nb: 2\n", [(2, 2, "P004")]),
        ("a: \x07\n", [(1, 4, "P004")]),
        ("- 1\n", [(1, 1, "P004")]),
        ("", [(1, 1, "P004")]),
        ("# nothing\n", [(1, 1, "P004")]),
        (b"a: 1\nb: \xff\n", [(2, 1, "P004")]),
        (b"#" * (MAX_BYTES + 1), [(0, 0, "P004")]),
        ("a: " + "[" * 40 + "]" * 40, [(1, 35, "P004")]),
        ("a: " + "{b: " * 40 + "1" + "}" * 40, [(1, 128, "P004")]),
    ],
)
def test_problems_have_a_place(text: str | bytes, problems: list[tuple[int, int, str]]) -> None:
    """Line and column count from 1 and point at the thing itself."""
    assert problems == told(text)


@pytest.mark.parametrize(
    "word",
    _BARE,
)
def test_bare_words_that_mean_something_else(word: str) -> None:
    """Refused bare, as a value and as a key; in quotes they are what they look like."""
    assert [(1, 4, "P003")] == told(f"a: {word}\n")
    assert [(1, 1, "P003")] == told(f"{word}: a\n")
    assert {"a": word} == load_strict(f"a: '{word}'\n".encode(), "f")


def test_all_problems_are_told() -> None:
    """Not only the first."""
    assert [(1, 4, "P003"), (2, 1, "P002"), (3, 4, "P003"), (4, 4, "P003")] == told("a: no\na: 1\nb: &x 2\nc: ~\n")


def test_values() -> None:
    """What is left: text, whole and other numbers, true and false, lists, mappings."""
    text = """
a: plain words
b: 'q'
c: -3
d: 1.5
e: true
f: [x, {k: false}]
g: 2026-12-31
h: >-
  two
  lines
i: []
"""

    assert {
        "a": "plain words",
        "b": "q",
        "c": -3,
        "d": 1.5,
        "e": True,
        "f": ["x", {"k": False}],
        "g": "2026-12-31",
        "h": "two lines",
        "i": [],
    } == load_strict(text.encode(), "f")


def test_line_ends_of_other_systems() -> None:
    """A carriage return before a line feed is one line break, as editors show it."""
    assert {"a": 1, "b": 2} == load_strict(b"a: 1\r\nb: 2\r\n", "f")


def test_load_strict_tells_all() -> None:
    """One line for each problem."""
    with pytest.raises(YamlError) as caught:
        load_strict(b"a: no\nb: ~\n", "gateway.yaml")

    assert ["gateway.yaml:1:4 P003", "gateway.yaml:2:4 P003"] == [line[:21] for line in str(caught.value).split("\n")]


def test_messages_are_safe_to_print() -> None:
    """A key with escape codes or without end does not reach the terminal as it is."""
    (problem,) = parse("f", ('"\\e[31m' + "x" * 500 + '": 1\n').encode() * 2).problems

    assert problem.message.isprintable()
    assert len(problem.message) < 200
    assert "f:2:1 P002 " == str(problem)[:11]


def test_order() -> None:
    """Problems sort as a reader goes through files."""
    places = [("b", 1), ("a", 10), ("a", 9)]
    problems = [PolicyError(file, line, 1, "P001", "") for file, line in places]

    assert [("a", 9), ("a", 10), ("b", 1)] == [(p.file, p.line) for p in sorted(problems)]


_keys = st.text("abcdefgh", min_size=1, max_size=4).filter(lambda word: word not in {"y", "n"})
_values = st.recursive(
    st.booleans() | st.integers(-(10**15), 10**15) | st.text("abc 'é:#-", max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_keys, inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(_keys, _values, min_size=1, max_size=4), st.booleans())
def test_what_is_written_is_read(value: dict[str, object], flow: bool) -> None:
    """Any tree of plain values, in either style, comes back as it was."""
    text = yaml.safe_dump(value, default_flow_style=flow, allow_unicode=True, sort_keys=False)

    assert value == load_strict(text.encode(), "f")


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_no_input_raises(data: bytes) -> None:
    """Whatever the bytes: a tree, or problems with a place."""
    parsed = parse("f", data)

    assert parsed.problems or parsed.root.entries or data.strip()
    assert all(p.line >= 0 and p.code in {"P002", "P003", "P004"} for p in parsed.problems)


_pieces = st.sampled_from(["a: 1\n", "b:\n", "  - x\n", "  c: no\n", "&x ", "*x\n", "{", "}", "'", "!t ", "? ", "\t"])


@given(st.lists(_pieces, min_size=1))
def test_no_mixture_raises(pieces: list[str]) -> None:
    """YAML's own signs in any order; what loads without a problem, PyYAML reads the same way."""
    data = "".join(pieces).encode()
    parsed = parse("f", data)
    if not parsed.problems:
        assert yaml.safe_load(data) == load_strict(data, "f")
    assert parsed.problems or parsed.root.entries
