"""The known holes of gateways of this kind, each as an executable case."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.egress.leaks.front import Front
from tests.egress.leaks.holes import NAMES, Hole, OpenCase, all_holes, open_cases


@pytest.mark.parametrize("hole", all_holes(), ids=lambda hole: str(hole.number))
def test_a_hole_is_closed(hole: Hole, front: Front) -> None:
    """What each says is in `holes.NAMES`; how it is shown, in the docstring of its check."""
    front.ready()

    hole.check(front)


@pytest.mark.parametrize("case", open_cases(), ids=lambda case: str(case.number))
@pytest.mark.xfail(raises=AssertionError, reason="a part of a hole that is known to be open")
def test_a_part_is_still_open(case: OpenCase, front: Front) -> None:
    """Fails when it is closed, so that nobody forgets to say so."""
    front.ready()

    case.check(front)


def test_every_hole_has_a_case() -> None:
    """All fifty, in their order, each with what it shows."""
    holes = all_holes()

    assert list(range(1, 51)) == [hole.number for hole in holes] == list(NAMES)
    assert all((hole.check.__doc__ or "").strip() for hole in holes)


@pytest.mark.parametrize("named", sorted({test for hole in all_holes() for test in hole.also}))
def test_what_is_pointed_to_is_there(repository: Path, named: str) -> None:
    """A test that shows more exists under this name."""
    path, _, function = named.partition("::")
    text = (repository / path).read_text()

    assert f"def {function}(" in text or not function
