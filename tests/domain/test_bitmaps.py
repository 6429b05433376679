"""Sets of positions, as they are stored, against the sets of Python."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from gateway.domain.bitmaps import A_TIME, BLOCK, below, decode, descending, encode, of, packed, spans, unpacked

OFFSETS = st.one_of(
    st.sets(st.integers(0, BLOCK - 1), max_size=100),
    st.builds(range, st.integers(0, BLOCK), st.integers(0, BLOCK)).map(set),
)
TIMES = st.lists(st.integers(0, 60), max_size=200)


@given(OFFSETS)
@example(set())
@example({BLOCK - 1})
@example(set(range(BLOCK)))
@example(set(range(BLOCK // 128)))
@example(set(range(BLOCK // 128 + 1)))
def test_what_is_stored_comes_back(offsets: set[int]) -> None:
    """In never more bytes than a bitmap has, and in two an offset where there are few."""
    stored = encode(of(offsets))

    assert sorted(offsets, reverse=True) == list(descending(decode(stored)))
    assert (2 * len(offsets) if len(offsets) <= BLOCK // 128 else BLOCK // 8) == len(stored)


@given(OFFSETS, OFFSETS, st.integers(0, BLOCK))
def test_numbers_are_sets(some: set[int], others: set[int], edge: int) -> None:
    """Intersection, union, difference, size, and all before an offset."""
    one, other = of(some), of(others)

    assert of(some & others) == one & other
    assert of(some | others) == one | other
    assert of(some - others) == one & ~other
    assert len(some) == one.bit_count()
    assert of(each for each in some if each < edge) == one & below(edge)


@given(TIMES, st.integers(0, 60), st.integers(0, 60), st.integers(1, 30))
def test_times_fall_into_spans_whatever_their_order(times: list[int], since: int, until: int, width: int) -> None:
    """Each within the bounds into one, the others into none."""
    expected: dict[int, set[int]] = {}
    for offset, at in enumerate(times):
        if since <= at < until:
            expected.setdefault((at - since) // width, set()).add(offset)

    assert {span: of(offsets) for span, offsets in expected.items()} == spans(times, since, until, width)


@given(st.lists(st.integers(0, 2**62), max_size=100))
def test_times_come_back(times: list[int]) -> None:
    """To the microsecond."""
    stored = packed(times)

    assert len(times) * A_TIME == len(stored)
    assert tuple(times) == unpacked(stored)
