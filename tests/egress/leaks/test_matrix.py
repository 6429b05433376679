"""No value leaves, in whatever field and form.

`make test` tries every field in every form with one kind of value; `LEAKS=full` tries every kind.
"""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.egress.leaks.canaries import Form, Kind
from tests.egress.leaks.fields import Slot
from tests.egress.leaks.house import House
from tests.egress.leaks.matrix import (
    WAYS,
    Case,
    Result,
    Verdict,
    Way,
    chosen,
    every_case,
    groups,
    judged,
    over_ids,
    passes,
    sampled,
)

UNSERVED = ("unsupported_by_local_model", "unsupported_field")
"""What the dialect of another provider cannot say is refused with one of these."""


def verdicts(house: House, cases: Sequence[Case]) -> list[Result]:
    """What became of each."""
    return [result for group in groups(cases) for result in judged(house, group)]


def of_way(way: Way) -> list[Case]:
    """The chosen cases of one operation, but for those over ids."""
    return [case for case in chosen() if case.way == way and not over_ids(case)]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
def test_nothing_leaks(masking_house: House, way: Way) -> None:
    """Masked, kept inside or refused; and most of them masked, so the values did arrive where they were looked for."""
    results = verdicts(masking_house, of_way(way))
    told = [result.verdict for result in results]

    assert not [str(result.case) for result in results if result.verdict is Verdict.LEAKED]
    assert not [str(result.case) for result in results if result.verdict is Verdict.PARTLY]
    assert len(told) == len(of_way(way))
    if way.operation == "POST /v1/embeddings":
        assert {Verdict.REFUSED} == set(told)
    else:
        assert told.count(Verdict.MASKED) > len(told) / 2


def test_nothing_leaks_over_ids(masking_house: House) -> None:
    """A value split over the ids of two calls, with a third behind them."""
    results = verdicts(masking_house, [case for case in every_case() if over_ids(case)])

    assert not [str(result.case) for result in results if result.verdict is Verdict.LEAKED]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
def test_the_same_request_leaves_when_it_is_harmless(masking_house: House, way: Way) -> None:
    """So a verdict is about the value. Only what another dialect cannot say is refused, by name."""
    clear = [case for case in of_way(way) if case.form in {Form.CLEAR, Form.JOINT}]
    stopped = [told for group in groups(clear) for told in passes(masking_house, group)]

    if way.asked_as:
        assert {code for _, _, code in stopped} <= set(UNSERVED)
        assert len(stopped) < len(clear) / 2
    else:
        assert not [str(case) for case, _, _ in stopped]


@pytest.mark.parametrize("way", [way for way in WAYS if not way.asked_as], ids=lambda way: way.name)
def test_the_shipped_policy_keeps_every_field(shipped_house: House, way: Way) -> None:
    """One request for each field: numbers stay inside, keys are refused, addresses are masked."""
    clear = [case for case in of_way(way) if case.form is Form.CLEAR and case.kind is not Kind.TERM]
    vectors = way.operation == "POST /v1/embeddings"
    for case in clear:
        [result] = judged(shipped_house, [case])
        # Chat inside cannot say everything, and no other model makes the vectors of a name that leads outside.
        inside = {Verdict.REFUSED if vectors or result.code in UNSERVED else Verdict.STAYED}
        expected = {
            Kind.SSN: inside,
            Kind.CARD: inside,
            Kind.KEY: {Verdict.REFUSED},
            Kind.EMAIL: inside if vectors else {Verdict.MASKED},
        }[case.kind]
        shaped = {Verdict.REFUSED} if case.spot.slot is Slot.SHAPED else set()
        assert result.verdict in expected | shaped, str(case)


def test_the_cases_are_what_they_are_said_to_be() -> None:
    """Every operation, every form, every kind; no value twice; every field of the sample in every form it can take."""
    every = every_case()

    assert set(WAYS) == {case.way for case in every}
    assert (set(Form), set(Kind)) == ({case.form for case in every}, {case.kind for case in every})
    assert len(every) == len({case.canary.value for case in every})
    own = {(case.way, case.spot.path, case.form) for case in every if not case.way.asked_as}
    assert own == {(case.way, case.spot.path, case.form) for case in sampled(every) if not case.way.asked_as}
