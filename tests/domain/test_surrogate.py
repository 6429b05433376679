"""Surrogates are plausible, unguessable, nobody's, and each stands for one value."""

from __future__ import annotations

import re
from collections.abc import Sequence
from hashlib import blake2b

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.folding import fold
from gateway.domain.labels import DEFAULT_TABLE, DataClass, Entity
from gateway.domain.surrogate import AVAILABLE, Surrogate
from gateway.domain.surrogate_shapes import PLANS, SHAPES, Kind, keys_of, name

PERSON = Entity("PERSON")


def surrogate(*texts: str, key: bytes = b"k" * 32) -> Surrogate:
    """A chooser for a request with these texts."""
    return Surrogate(lambda purpose: blake2b(purpose.encode(), key=key, digest_size=32).digest(), texts)


SHAPED = [
    ("EMAIL_ADDRESS", "ann@corp.example", r"[a-z]\.[a-z]+@example\.(com|net|org)"),
    ("IP_ADDRESS", "10.1.2.3", r"(192\.0\.2|198\.51\.100|203\.0\.113)\.\d+"),
    ("IP_ADDRESS", "fe80::1", r"2001:db8:[0-9a-f]{4}:[0-9a-f]{4}::[0-9a-f]+"),
    ("MAC_ADDRESS", "AA:BB:CC:DD:EE:FF", r"00:00:5E:00:53:[0-9A-F]{2}"),
    ("MAC_ADDRESS", "aabb.ccdd.eeff", r"0000\.5e00\.53[0-9a-f]{2}"),
    ("PHONE_NUMBER", "(415) 867-5309", r"\(2\d\d\) 555-01\d\d"),
    ("PHONE_NUMBER", "+1 415 867 5309", r"\+1 2\d\d 555 01\d\d"),
    ("PHONE_NUMBER", "4158675309", r"2\d\d55501\d\d"),
    ("PHONE_NUMBER", "+44 7911 123456", r"\+44 7700 900\d{3}"),
    ("PHONE_NUMBER", "+49 151 2345678", r"\+49.302.?312.?5\d{3}|\+49 302 3125\d{3}"),
    ("PHONE_NUMBER", "+81 3 1234 5678", r"\+1 2\d\d-555-01\d\d"),
    ("PHONE_NUMBER", "867-5309 ext. 12", r"\+1 2\d\d-555-01\d\d"),
    ("STREET_ADDRESS", "12 Main St, Springfield", r"\d{2,4} [A-Z][a-z]+ (Street|Lane|Road|Avenue)"),
    ("DATE_TIME", "2024-03-04", r"202[2-6]-(0\d|1[0-2])-(0\d|1[0-2])"),
    ("DATE_TIME", "4.3.1980", r"(0\d|1[0-2])\.(0\d|1[0-2])\.19(7[89]|8[0-2])"),
    ("DATE_TIME", "4 March 1980", r"\d\d [A-Z][a-z]+ 19\d\d"),
    ("DATE_TIME", "mar 4, 1980", r"[A-Z][a-z]+ \d\d, 19\d\d"),
    ("PERSON", "Ann Smith", r"[A-Z][a-z]+ [A-Z][a-z]+"),
    ("PERSON", "SMITH, Ann", r"[A-Z]+, [A-Z][a-z]+"),
    ("PERSON", "Dr. J.R.R. van O'Brien-Low", r"Dr\. [A-Z][a-z]+ van [A-Z][a-z]+"),
    ("PERSON", "ann_smith", r"[a-z]+_[a-z]+"),
    ("PERSON", "王小明", r"[A-Z][a-z]+"),
    ("ORGANIZATION", "Acme & Sons GmbH", r"[A-Z][a-z]+"),
    ("LOCATION", "Bad Ischl", r"[A-Z][a-z]+"),
]


@pytest.mark.parametrize(("entity", "value", "shape"), SHAPED)
def test_a_surrogate_keeps_the_kind(entity: str, value: str, shape: str) -> None:
    """In a range that is set aside for examples, laid out as the value was; and a reader of answers knows it again."""
    chooser = surrogate(value)
    shown = chooser.stand_in(Entity(entity), value)

    assert re.fullmatch(shape, shown)
    assert shown == chooser.stand_in(Entity(entity), value)
    assert value == chooser.chosen.writings.get(shown, value)
    known = {key for keys in chooser.chosen.values.values() for key in keys}
    assert known & {
        key for kind in Kind for part in (shown, *re.findall(r"[^\W_]+", shown)) for key in keys_of(kind, part)
    }


@pytest.mark.parametrize(
    ("entity", "value"),
    [
        ("DATE_TIME", "yesterday"), ("DATE_TIME", "2024"), ("IP_ADDRESS", "10.0.0.0/8"), ("MAC_ADDRESS", "aabb"),
        ("PERSON", "user42"), ("PERSON", "---"), ("PERSON", "Dr."), ("PERSON", "Ann <b>"), ("PERSON", "Jose\u0301"),
        ("SECRET", "sk-123"), ("US_SSN", "078-05-1120"),
    ],
)  # fmt: skip
def test_what_has_no_surrogate_gets_none(entity: str, value: str) -> None:
    """A placeholder takes its place: nothing is made up that would not come back."""
    assert not surrogate(value).stand_in(Entity(entity), value)


def test_names_agree_word_by_word() -> None:
    """In any case, in any order; and different words never share one."""
    chooser = surrogate("x")
    first, last = chooser.stand_in(PERSON, "Ann Smith").split()

    assert (first, last) == (chooser.stand_in(PERSON, "Ann"), chooser.stand_in(PERSON, "Smith"))
    assert f"{last}, {first}" == chooser.stand_in(PERSON, "Smith, Ann")
    assert f"{first} {last}".upper() == chooser.stand_in(PERSON, "ANN SMITH")
    assert first != last != chooser.stand_in(PERSON, "Smyth")


def test_nobody_without_the_key_can_guess() -> None:
    """Another key chooses another one."""
    assert surrogate().stand_in(PERSON, "Ann") == surrogate().stand_in(PERSON, "Ann")
    assert surrogate().stand_in(PERSON, "Ann") != surrogate(key=b"o" * 32).stand_in(PERSON, "Ann")


@pytest.mark.parametrize(("entity", "value", "_"), SHAPED)
def test_nothing_that_the_request_holds_is_chosen(entity: str, value: str, _: str) -> None:
    """Whatever would be chosen, in any writing: if the request holds it, another one is."""
    first = surrogate(value).stand_in(Entity(entity), value)
    again = surrogate(f"so {first.upper()}!").stand_in(Entity(entity), value)

    assert again
    assert not set(re.findall(r"[A-Za-z]{8,}", first.lower())) & set(re.findall(r"[A-Za-z]{8,}", again.lower()))
    assert first != again


VALUES = st.lists(
    st.tuples(
        st.sampled_from(sorted(AVAILABLE)),
        st.one_of(
            st.sampled_from(["Ann", "ann", "1.2.3.4", "::1", "+44 1", "2024-01-02", "x@y.z"]), st.text(max_size=6)
        ),
    ),
    max_size=30,
)


@given(VALUES, st.lists(st.sampled_from(["192.0.2.7", "Balvaberg", "2025-01-02", "00:00:5e:00:53:01"]), max_size=3))
def test_no_surrogate_stands_for_two_values(values: Sequence[tuple[Entity, str]], texts: list[str]) -> None:
    """Of whatever kinds: each known writing gives one value, and none stands in the request."""
    chooser = surrogate(*texts, *(value for _, value in values))
    given_out = {(entity, value): chooser.stand_in(entity, value) for entity, value in values}

    meant: dict[str, tuple[Entity, str]] = {}
    for (entity, value), shown in given_out.items():
        assert not shown or shown not in " ".join(texts)
        assert not shown or (entity, fold(value)) == meant.setdefault(shown.lower(), (entity, fold(value)))
    for kind, keys in chooser.chosen.values.items():
        assert all(SHAPES[kind].tail.fullmatch(key) for key in keys)


def test_a_range_runs_dry() -> None:
    """There are 762 example addresses: the values behind them get none, and no two share one."""
    values = [f"10.0.{at // 250}.{at % 250}" for at in range(2000)]
    chooser = surrogate()
    shown = [chooser.stand_in(Entity("IP_ADDRESS"), value) for value in values]
    given_out = [each for each in shown if each]

    assert 700 < len(given_out) <= 762
    assert len(given_out) == len(set(given_out))


def test_ten_thousand_names_have_surrogates() -> None:
    """There is room for more people than a request names."""
    chooser = surrogate()
    shown = [chooser.stand_in(PERSON, name(at).swapcase() + "q") for at in range(10_000)]

    assert 10_000 == len(set(shown))
    assert all(shown)


def test_composed_names_are_no_ordinary_words() -> None:
    """Long, and each told from every other."""
    names = [name(at) for at in range(39 * 24 * 22)]

    assert len(names) == len(set(names))
    assert all(re.fullmatch("[A-Z][a-z]{7,15}", each) for each in names)


def test_secrets_and_numbers_with_a_meaning_have_no_surrogates() -> None:
    """A made-up account or licence could be somebody's."""
    strict = {entity for entity, means in DEFAULT_TABLE.items() if means.label == "restricted"}

    assert not AVAILABLE & strict
    assert not [entity for entity in AVAILABLE if DataClass.SECRET in DEFAULT_TABLE[entity].classes]
    assert AVAILABLE <= set(DEFAULT_TABLE)
    assert all(len(plan.fixed) + plan.free <= 10 for plan in PLANS.values())
