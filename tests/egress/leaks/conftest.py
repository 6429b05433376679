"""Two houses for the suite: one with the policy that ships, one in which whatever is found leaves as a placeholder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.egress.leaks.canaries import Kind
from tests.egress.leaks.front import Front
from tests.egress.leaks.house import House, guarded_policy, house_of, masking_policy, shipped_policy
from tests.egress.leaks.matrix import chosen, every_case, over_ids


@pytest.fixture(scope="session")
def shipped_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Started once."""
    with house_of(tmp_path_factory.mktemp("shipped"), shipped_policy(), guarded_policy()) as house:
        yield house


@pytest.fixture(scope="session")
def masking_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Started once. It knows the code name of every case."""
    known = (*chosen(), *filter(over_ids, every_case()))
    terms = sorted({case.number for case in known if case.kind is Kind.TERM})
    with house_of(tmp_path_factory.mktemp("masking"), masking_policy(terms)) as house:
        yield house


@pytest.fixture
def front(shipped_house: House) -> Front:
    """The front door of it."""
    return Front(shipped_house)
