"""The walk by each kind of declaration: what is visited, what is refused and where, and fields outside a dialect."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.declaration import (
    ANY_NAME,
    ByType,
    Choice,
    Each,
    Field,
    Flag,
    Identifier,
    JsonSchema,
    LeafKind,
    MapOf,
    Record,
    Refused,
    Sealed,
    Source,
    Text,
    TokenId,
    Variants,
    with_extra_fields,
)
from gateway.domain.errors import CallerError, ErrorCode
from gateway.domain.strict_json import Json
from gateway.domain.walk import Place, rebuild


class Marking:
    """Notes every text and puts another one in its place."""

    def __init__(self, mark: str = "") -> None:
        self.seen: list[tuple[str, LeafKind]] = []
        self._mark = mark

    def text(self, value: str, kind: LeafKind, place: Place) -> str:
        """The text with the mark behind it."""
        self.seen.append((value, kind))
        return value + self._mark

    def opaque(self, value: str, media: str, place: Place) -> None:
        """Not met in these tests."""
        raise AssertionError(media)

    def members(self, count: int) -> None:
        """Counted elsewhere."""


def walked(declaration: Field, value: Json, mark: str = "") -> tuple[Json, list[tuple[str, LeafKind]]]:
    """The value made anew, and the texts on the way."""
    visitor = Marking(mark)
    return rebuild(declaration, value, visitor, Place()), visitor.seen


def refusal(declaration: Field, value: Json) -> tuple[ErrorCode, str]:
    """Why a value is refused, and where."""
    with pytest.raises(CallerError) as refused:
        walked(declaration, value)
    return refused.value.code, refused.value.param


KINDS = Variants(
    "type",
    {"a": Record({"type": Choice(frozenset({"a"})), "text": Text()}), "b": Record({"type": Choice(frozenset({"b"}))})},
    refused=frozenset({"mcp"}),
    untagged="a",
)


def test_a_known_variant_that_is_not_served_is_refused_by_name() -> None:
    """Known and refused, unknown, and no string at all are told apart, each with its address."""
    assert (ErrorCode.UNSUPPORTED_FIELD, "/1/type") == refusal(Each(KINDS), [{"type": "a"}, {"type": "mcp"}])
    assert (ErrorCode.INVALID_FIELD, "/0/type") == refusal(Each(KINDS), [{"type": "no such"}])
    assert (ErrorCode.INVALID_FIELD, "/0/type") == refusal(Each(KINDS), [{"type": ["a"]}])


@pytest.mark.parametrize("value", [{"text": "x"}, {"type": None, "text": "x"}])
def test_an_object_without_a_tag_is_of_the_default_case(value: Json) -> None:
    """Absent and null are the same, as they are for every optional field."""
    assert (value, [("x", LeafKind.VALUE)]) == walked(KINDS, value)


def test_without_a_default_case_a_tag_is_needed() -> None:
    """An object of unknown kind is not read as one that was guessed."""
    only = Variants("type", {"a": Record({"text": Text()})})

    assert (ErrorCode.INVALID_FIELD, "/type") == refusal(only, {"text": "x"})


def test_an_object_without_a_tag_can_be_refused_by_name() -> None:
    """The empty tag stands for none."""
    only = Variants("role", {"user": Record({"role": Text()})}, refused=frozenset({""}))

    assert (ErrorCode.UNSUPPORTED_FIELD, "/role") == refusal(only, {"id": "msg_1"})


def test_variants_may_lie_in_variants() -> None:
    """A message is told from other items by its type, and from other messages by its role."""
    inner = Variants("role", {"user": Record({"type": Text(), "role": Text(), "text": Text()})})
    value: Json = {"type": "message", "role": "user", "text": "hello"}

    assert ("hello", LeafKind.VALUE) in walked(Variants("type", {"message": inner}), value)[1]


def test_a_refused_choice_is_refused_by_name() -> None:
    """Known and not served is not the same as unknown."""
    letters = Choice(frozenset({"a"}), refused=frozenset({"b"}))

    assert "a" == walked(letters, "a")[0]
    assert (ErrorCode.UNSUPPORTED_FIELD, "") == refusal(letters, "b")
    assert (ErrorCode.INVALID_FIELD, "") == refusal(letters, "c")
    assert (ErrorCode.INVALID_FIELD, "") == refusal(letters, ["a"])


TEXTS = ByType(string=Text(), array=Each(ByType(string=Text(), number=TokenId(), array=Each(TokenId()))))


@pytest.mark.parametrize(("value", "at"), [([1, 2], "/0"), (["a", 1], "/1"), ([[], [1]], "/1/0"), ([1.5], "/0")])
def test_token_ids_that_were_not_decoded_are_refused_with_their_own_code(value: Json, at: str) -> None:
    """The caller learns what to change."""
    assert (ErrorCode.TOKEN_IDS_UNREADABLE, at) == refusal(TEXTS, value)


@pytest.mark.parametrize("value", [[True], [None], [{}], 1, None, {}])
def test_what_is_neither_text_nor_token_ids_is_invalid(value: Json) -> None:
    """A flag is not a number, and an array of objects is nothing."""
    assert ErrorCode.INVALID_FIELD is refusal(TEXTS, value)[0]


@pytest.mark.parametrize("value", ["", "gAAAAABo+/=-_", "Eq4BCkYIBxgCKkB1.2:3"])
def test_sealed_bytes_are_inspected(value: str) -> None:
    """A detector sees them as any other text."""
    assert (value, [(value, LeafKind.VALUE)]) == walked(Sealed(), value)


@pytest.mark.parametrize("value", ["two words", "näh", "a\nb", "{}", "a@b.c", 7])
def test_prose_is_not_sealed_bytes(value: Json) -> None:
    """The closed shape keeps out what is no base64."""
    assert ErrorCode.INVALID_FIELD is refusal(Sealed(), value)[0]


def test_a_key_that_a_schema_requires_is_spelled_as_the_key() -> None:
    """A stand-in for a key has no brackets, so where the key is named again it must have none either."""
    schema: Json = {"properties": {"jane": {"enum": ["jane"]}}, "required": ["jane"]}
    seen = walked(JsonSchema(), schema)[1]

    assert [("jane", LeafKind.KEY), ("jane", LeafKind.VALUE), ("jane", LeafKind.NAME)] == [
        each for each in seen if each[0] == "jane"
    ]


OWN: Field = Record(
    {
        "text": Text(),
        "secret": Refused(),
        "parts": Each(Variants("type", {"a": Record({"type": Text()})}, refused=frozenset({"mcp"}))),
        "map": MapOf(Record({"flag": Flag()})),
        "either": ByType(string=Identifier(), object=Record({"id": Identifier()})),
    },
    frozenset({"text"}),
    Source.USER,
)


def test_a_name_that_a_destination_allows_is_inspected_at_every_depth() -> None:
    """In the request, in a variant, in a map's value, in one of two shapes: key and value go through the visitor."""
    value: Json = {
        "text": "t",
        "top_k": "one",
        "parts": [{"type": "a", "top_k": ["two"]}],
        "map": {"m": {"top_k": {"three": 4}}},
        "either": {"top_k": None},
    }
    shown, seen = walked(with_extra_fields(OWN, frozenset({"top_k"})), value)

    assert value == shown
    assert {"t", "one", "two", "three", "4", "a", "m"} == {text for text, _ in seen}


def test_other_names_stay_unknown() -> None:
    """One name that is allowed allows no other."""
    allowing = with_extra_fields(OWN, frozenset({"top_k"}))

    assert (ErrorCode.UNSUPPORTED_FIELD, "/top_p") == refusal(allowing, {"text": "t", "top_p": 1})
    assert (ErrorCode.UNSUPPORTED_FIELD, "/*") == refusal(allowing, {"text": "t", "Jane Doe": 1})


def test_any_name_is_the_callers_own_text() -> None:
    """Where any name will do it is inspected as a key, and replaced as one."""
    shown, seen = walked(with_extra_fields(OWN, frozenset({ANY_NAME})), {"text": "t", "Jane Doe": 1}, "!")

    assert {"text": "t!", "Jane Doe!": "1!"} == shown
    assert ("Jane Doe", LeafKind.KEY) in seen


def test_a_stand_in_never_takes_the_name_of_a_declared_field() -> None:
    """Else a text would pass as a field that is treated otherwise, or replace one."""

    class Renaming(Marking):
        def text(self, value: str, kind: LeafKind, place: Place) -> str:
            return "secret" if kind is LeafKind.KEY else value

    allowing = with_extra_fields(OWN, frozenset({ANY_NAME}))
    with pytest.raises(CallerError) as refused:
        rebuild(allowing, {"text": "t", "other": 1}, Renaming(), Place())
    assert ErrorCode.DUPLICATE_KEY is refused.value.code


def test_two_names_that_become_one_are_refused() -> None:
    """Nothing is dropped in silence."""

    class Folding(Marking):
        def text(self, value: str, kind: LeafKind, place: Place) -> str:
            return "one" if kind is LeafKind.KEY else value

    allowing = with_extra_fields(OWN, frozenset({ANY_NAME}))
    with pytest.raises(CallerError) as refused:
        rebuild(allowing, {"text": "t", "x": 1, "y": 2}, Folding(), Place())
    assert ErrorCode.DUPLICATE_KEY is refused.value.code


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
names = st.frozensets(st.sampled_from([ANY_NAME, "secret", "top_k", "guided_json", "parts"]), min_size=1)


@given(names, json_values.filter(lambda value: value is not None))
def test_what_is_refused_stays_refused(allowed: frozenset[str], value: Json) -> None:
    """No list of extra names serves a field or a variant that is known and refused."""
    allowing = with_extra_fields(OWN, allowed)

    assert (ErrorCode.UNSUPPORTED_FIELD, "/secret") == refusal(allowing, {"text": "t", "secret": value})
    assert (ErrorCode.UNSUPPORTED_FIELD, "/parts/0/type") == refusal(
        allowing, {"text": "t", "parts": [{"type": "mcp", "extra": value}]}
    )


@given(json_values)
def test_every_string_and_key_of_an_extra_field_is_visited(value: Json) -> None:
    """With a visitor that marks whatever it sees, nothing is left unmarked."""
    allowing = with_extra_fields(OWN, frozenset({"guided_json"}))
    shown, _ = walked(allowing, {"text": "t", "guided_json": value}, "!")
    assert isinstance(shown, dict)

    assert all(text.endswith("!") for text in _texts(shown["guided_json"]))


@given(json_values, names)
def test_a_request_without_extra_fields_reads_the_same(value: Json, allowed: frozenset[str]) -> None:
    """Allowing more names changes nothing for a request that uses none of them."""
    body: Json = {"text": json.dumps(value), "parts": [{"type": "a"}]}

    assert walked(OWN, body) == walked(with_extra_fields(OWN, allowed), body)


def _texts(value: Json) -> list[str]:
    if isinstance(value, dict):
        return [*value, *(text for member in value.values() for text in _texts(member))]
    if isinstance(value, list):
        return [text for member in value for text in _texts(member)]
    return [value] if isinstance(value, str) else []
